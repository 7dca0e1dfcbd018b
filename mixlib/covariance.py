"""The seven covariance constraints: three shapes, each shared by all components or one for each.

A shape keeps the factor L of Sigma = L L^T in its smallest form: a number, d numbers, or a
triangle. C is the number of covariances: 1 if shared, else K. Second moments are kept in the
shape's form too: the m features of z z^T that Sigma can see. Points come as columns, (d, b).
Chapters 1 and 4. `Shape` says what each shape must know.
"""

from typing import NamedTuple, Protocol

import numpy as np

from ._engine.reductions import outer_sum, squared_lengths, weighted_sum


class Shape(Protocol):
    """What the E-step, the M-step, the prior and the coordinates ask of a covariance."""

    isotropic: bool        # every direction alike: only a common scale of the columns keeps the shape
    rotates: bool          # any linear map keeps the shape: the data may be whitened

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

    def least_share(self, scatter, d):
        """Of scatters (C, m): the least share of its variance that a column does not share with others."""

    def per_count(self, d):
        """How many squares add up in one moment: d if spherical, (4.16) eq-m-spherical; else 1."""

    def factor(self, scatter, divisor, d, rounding):
        """L of Sigma = scatter (C, m) / divisor (C,): (4.12) eq-m-full, (4.14) eq-m-diag, (4.16) eq-m-spherical.

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

    def quadratic(self, factors):
        """Coefficients (C, m) with quadratic @ moments(z) = -z^T Sigma^-1 z / 2, (1.15) eq-natural."""

    def linear(self, factors, means):
        """Sigma^-1 mu, (K, d), (1.15) eq-natural."""

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


class AxisAligned:
    """What shapes have in common whose Sigma is diagonal."""

    rotates = False

    def n_parameters(self, d):
        return self.size(d)

    def diagonal(self, moments, d):
        return moments

    def least_share(self, scatter, d):
        return 1.0

    def inverse(self, factors):
        return 1.0 / factors

    def from_covariances(self, covariances, rounding=0.0):
        return _root(self.project(covariances), rounding)

    def prior_dof(self, dof, d):
        return dof + 2


class Spherical(AxisAligned):
    """Sigma = s^2 I. Factors (C,), moments (1, b): the squared length."""

    isotropic = True

    def size(self, d):
        return 1

    def moments(self, z, out=None):
        return squared_lengths(z, out=None if out is None else out[0])[None]

    def sum_moments(self, z, weights, lengths=None):
        return weighted_sum(self.moments(z) if lengths is None else lengths[None], weights)

    def factor(self, scatter, divisor, d, rounding):
        return _root(scatter[:, 0] / divisor, rounding)

    def per_count(self, d):
        return d

    def quadratic(self, factors):
        return -0.5 / factors[:, None] ** 2

    def linear(self, factors, means):
        return means / factors[:, None] ** 2

    def log_det(self, factors, d):
        return d * np.log(factors)

    def whiten(self, inverse, v):
        return inverse * v

    def dense(self, factors, d):
        return factors[:, None, None] * np.eye(d)

    def project(self, covariances):
        return np.trace(covariances, axis1=1, axis2=2) / covariances.shape[-1]

    def to_user(self, factors, coordinates):
        return coordinates.scale[0] * factors

    def to_internal(self, factors, coordinates):
        return factors / coordinates.scale[0]

    def column_weights(self, data):
        return None


class Diagonal(AxisAligned):
    """Sigma = diag(s_1^2, ..., s_d^2). Factors (C, d), moments (d, b): the squares."""

    isotropic = False

    def size(self, d):
        return d

    def moments(self, z, out=None):
        return np.multiply(z, z, out=out)

    def sum_moments(self, z, weights, lengths=None):
        return weighted_sum(self.moments(z), weights)

    def factor(self, scatter, divisor, d, rounding):
        return _root(scatter / divisor[:, None], rounding)

    def per_count(self, d):
        return 1

    def quadratic(self, factors):
        return -0.5 / factors**2

    def linear(self, factors, means):
        return means / factors**2

    def log_det(self, factors, d):
        return np.log(factors).sum(axis=1)

    def whiten(self, inverse, v):
        return inverse[:, None] * v

    def dense(self, factors, d):
        return factors[:, :, None] * np.eye(d)

    def project(self, covariances):
        return np.diagonal(covariances, axis1=1, axis2=2)

    def to_user(self, factors, coordinates):
        return coordinates.scale * factors

    def to_internal(self, factors, coordinates):
        return factors / coordinates.scale

    def column_weights(self, data):
        variances = data.scatter()[0] / data.total_weight
        return 1 / np.sqrt(np.where(variances > 0, variances, 1.0))[:, None].astype(data.dtype)


class Full:
    """Any positive definite Sigma. Factors (C, d, d) lower triangular, moments (d(d+1)/2, b)."""

    isotropic, rotates = False, True

    def size(self, d):
        return d * (d + 1) // 2

    def n_parameters(self, d):
        return d * (d + 1) // 2

    def moments(self, z, out=None):
        d = len(z)
        out = np.empty((self.size(d), z.shape[1]), dtype=z.dtype) if out is None else out
        start = 0
        for j in range(d):
            np.multiply(z[j], z[j:], out=out[start:start + d - j])
            start += d - j
        return out

    def sum_moments(self, z, weights, lengths=None):
        z = z.astype(np.float64, copy=False)
        return outer_sum(z, weights)[np.triu_indices(len(z))]      # one matrix product, and its triangle

    def diagonal(self, moments, d):
        rows, columns = np.triu_indices(d)
        return moments[..., rows == columns]

    def matrix(self, moments, d):
        """Moments (..., m) as symmetric matrices (..., d, d)."""
        rows, columns = np.triu_indices(d)
        matrix = np.empty(moments.shape[:-1] + (d, d))
        matrix[..., rows, columns] = matrix[..., columns, rows] = moments
        return matrix

    def least_share(self, scatter, d):
        scatter = self.matrix(scatter, d)
        sd = np.sqrt(np.diagonal(scatter, axis1=1, axis2=2))
        return _cholesky(scatter / sd[:, :, None] / sd[:, None, :])[1].min()

    def factor(self, scatter, divisor, d, rounding):
        return self.from_covariances(self.matrix(scatter / divisor[:, None], d), rounding)

    def from_covariances(self, covariances, rounding=0.0):
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        sd = _root(variances, rounding)                   # scaled to correlations: any units will do
        correlations = covariances / sd[:, :, None] / sd[:, None, :]
        return sd[:, :, None] * _regular(correlations, rounding / variances)

    def per_count(self, d):
        return 1

    def quadratic(self, factors):
        d = factors.shape[-1]
        rows, columns = np.triu_indices(d)
        precision = self.precision(factors)
        return -precision[:, rows, columns] * np.where(rows == columns, 0.5, 1.0)

    def linear(self, factors, means):
        return np.einsum("kij,kj->ki", np.broadcast_to(self.precision(factors), (len(means),) + factors.shape[1:]),
                         means)

    def precision(self, factors):
        """Sigma^-1, (C, d, d)."""
        inverse = self.inverse(factors)
        return inverse.transpose(0, 2, 1) @ inverse

    def log_det(self, factors, d):
        return np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)

    def inverse(self, factors):
        return np.tril(np.linalg.inv(factors))

    def whiten(self, inverse, v):
        return inverse.astype(v.dtype, copy=False) @ v

    def dense(self, factors, d):
        return factors

    def project(self, covariances):
        return covariances

    def to_user(self, factors, coordinates):
        return coordinates.scale[:, None] * (coordinates.root @ factors)

    def to_internal(self, factors, coordinates):
        return np.tril(np.linalg.solve(coordinates.root, factors / coordinates.scale[:, None]))

    def column_weights(self, data):
        return None                                       # the data are whitened

    def prior_dof(self, dof, d):
        return dof + d + 1


class Constraint(NamedTuple):
    """One of the seven: a shape, whether components share it, whether it is given."""

    shape: Shape
    shared: bool
    fixed: bool = False

    def n_parameters(self, K, d):
        """Free parameters of the covariances of K components in d dimensions."""
        return 0 if self.fixed else self.shape.n_parameters(d) * (1 if self.shared else K)


CONSTRAINTS = {
    "identity": Constraint(Spherical(), shared=True, fixed=True),
    "tied_spherical": Constraint(Spherical(), shared=True),
    "spherical": Constraint(Spherical(), shared=False),
    "tied_diag": Constraint(Diagonal(), shared=True),
    "diag": Constraint(Diagonal(), shared=False),
    "tied": Constraint(Full(), shared=True),
    "full": Constraint(Full(), shared=False),
}


class Singular(Exception):
    """Internal: covariance number `index` is singular; the loop turns it into words."""

    def __init__(self, index):
        self.index = int(index)


def _root(variances, rounding):
    """Square roots; a variance of at most `rounding` is singular."""
    bad = ~(variances > rounding)
    if bad.any():
        raise Singular(np.argwhere(bad)[0][0])
    return np.sqrt(variances)


def _regular(correlations, rounding):
    """Lower triangles; a direction whose variance is rounding, of the sums or of the data (`rounding`, (C, d)), is singular."""
    triangles, shares = _cholesky(correlations)
    bad = np.flatnonzero(shares < 8 * correlations.shape[-1] * np.finfo(float).eps)
    if not bad.size:                # rounding of the data, in directions where the variance is 1
        of_data = (np.linalg.inv(triangles) ** 2 * rounding[:, None]).sum(axis=2).max(axis=1)
        bad = np.flatnonzero(of_data >= 1)
    if bad.size:
        raise Singular(bad[0])
    return triangles


def _cholesky(correlations):
    """Lower triangles, and the least share of its variance that any column has to itself.

    The share is 1 / |row of the inverse triangle|^2: below the level of rounding it says that
    the matrix is singular, even where rounding has made a pivot of that level positive.
    """
    triangles, shares = np.zeros_like(correlations), np.zeros(len(correlations))
    for index, matrix in enumerate(correlations):
        try:
            triangles[index] = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            continue                                          # not positive definite: share 0
        shares[index] = 1 / (np.linalg.inv(triangles[index]) ** 2).sum(axis=1).max()
    return triangles, shares
