"""What a covariance's shape must know: each method with its shapes, its formula, and its equation.

`axis_aligned` has the shapes of a diagonal Sigma, `covariance` that of any Sigma. C is the number of
covariances: 1 if all components share it, else K; m is the number of second moments that the
shape can see.
"""

from typing import Protocol


class Shape(Protocol):
    """What the E-step, the M-step, the prior and the coordinates ask of a covariance."""

    isotropic: bool  # every direction alike: only a common scale of the columns keeps the shape
    rotates: bool  # any linear map keeps the shape: the data may be whitened

    def size(self, d):
        """m, the number of second moments that Sigma can see."""

    def n_parameters(self, d):
        """Free parameters of one covariance."""

    def moments(self, z, out=None):
        """The part of t(z) in zz^T that Sigma can see, (1.17) eq-sufficient: (m, b) of columns (d, b)."""

    def sum_moments(self, z, weights, lengths=None):
        """The sum of w moments(z) in double precision, (m,); `lengths` may hold |z|^2, (b,)."""

    def diagonal(self, moments, d):
        """Of moments (..., m): those that are sums of squares, (..., 1 or d)."""

    def least_share(self, factors, inverse):
        """Of covariances by L and L^-1: the least share of its variance that a column does not share with others."""

    def per_count(self, d):
        """How many squares add up in one moment: d if spherical, (4.16) eq-m-spherical; else 1."""

    def factor(self, scatter, divisor, d, rounding):
        """L and L^-1 of Sigma = scatter (C, m) / divisor (C,): (4.12) eq-m-full, (4.14) eq-m-diag, (4.16) eq-m-spherical.

        Raises `Singular` where a variance is not above `rounding`.
        """

    def from_covariances(self, covariances, rounding=0.0):
        """L of the projection of covariances (C, d, d) onto the shape, (4.19) eq-projection."""

    def project(self, covariances):
        """What the shape keeps of covariances (C, d, d): (C,), (C, d) or (C, d, d)."""

    def dense(self, factors, d):
        """L as lower triangles, (C, d, d)."""

    def log_det(self, factors, d):
        """log |L| = (1/2) log |Sigma|, (C,)."""

    def quadratic(self, inverse):
        """Of L^-1: coefficients (C, m) with quadratic @ moments(z) = -z^T Sigma^-1 z / 2, (1.15) eq-natural."""

    def linear(self, inverse, means):
        """Of L^-1: Sigma^-1 mu, (K, d), (1.15) eq-natural."""

    def inverse(self, factors):
        """L^-1 in the shape's form."""

    def whiten(self, inverse, v):
        """L^-1 v for one L^-1 and columns v (d, b), (1.14) eq-whitened."""

    def to_user(self, factors, coordinates):
        """L of internal coordinates in the user's."""

    def to_internal(self, factors, coordinates):
        """L of the user's coordinates in the internal ones."""

    def column_weights(self, data):
        """Factors (d, 1) of the columns in distances between points, or None where all are 1."""

    def prior_dof(self, dof, d):
        """The exponent nu + ... of |Sigma| in the prior: (4.31) eq-prior, (4.33) eq-prior-diag."""
