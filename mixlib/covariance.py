"""The seven covariance constraints: three shapes, each shared by all components or one for each.

A shape keeps the factor L of Sigma = L L^T in its smallest form: a number, d numbers, or a
triangle. C is the number of covariances: 1 if shared, else K. Second moments are kept in the
shape's form too: the m features of z z^T that Sigma can see. Points come as columns, (d, b).
Chapters 1 and 4. What each method of a shape computes is said once, in `shape.Shape`; the two
diagonal shapes are in `axis_aligned`.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ._engine.namespace import namespace
from ._engine.reductions import outer_sum, slices
from ._engine.triangles import greatest_lengths, inverse_triangles, regular_triangles, root
from .axis_aligned import Diagonal, Spherical
from .shape import Shape

STEP = 32  # rows of a triangle from which it is multiplied in parts


@lru_cache(maxsize=4)
def _upper(d):
    """Rows and columns of the upper triangle of a (d, d) matrix, whose entries are the moments of `Full`."""
    return np.triu_indices(d)


@lru_cache(maxsize=4)
def _places(d):
    """Of the upper triangle: its places in the matrix, (m,); of the matrix: places in the triangle, (d d,); where it is diagonal."""
    rows, columns = _upper(d)
    inside = np.empty((d, d), dtype=np.intp)
    inside[rows, columns] = inside[columns, rows] = np.arange(len(rows))
    return rows * d + columns, inside.ravel(), np.diagonal(inside).copy()


class Full:
    """Any positive definite Sigma. Factors (C, d, d) lower triangular, moments (d(d+1)/2, b)."""

    isotropic, rotates = False, True

    def size(self, d):
        return d * (d + 1) // 2

    def n_parameters(self, d):
        return d * (d + 1) // 2

    def moments(self, z, out=None):
        xp, d, start = namespace(z), z.shape[0], 0
        out = xp.empty((self.size(d), z.shape[1]), dtype=z.dtype) if out is None else out
        for j in range(d):
            xp.multiply(z[j, :], z[j:, :], out=out[start : start + d - j, :])
            start += d - j
        return out

    def sum_moments(self, z, weights, lengths=None):
        xp = namespace(z)
        z = xp.astype(z, xp.float64, copy=False)
        return outer_sum(z, weights).take(_places(z.shape[0])[0])  # one matrix product, and its triangle

    def diagonal(self, moments, d):
        return moments.take(_places(d)[2], axis=-1)

    def matrix(self, moments, d):
        """Moments (..., m) as symmetric matrices (..., d, d)."""
        return moments.take(_places(d)[1], axis=-1).reshape(moments.shape[:-1] + (d, d))

    def least_share(self, factors, inverse):
        sd = np.sqrt(np.einsum("kij,kij->ki", factors, factors))
        return 1 / greatest_lengths(inverse * sd[:, None, :]).max()

    def factor(self, scatter, divisor, d, rounding):
        return self._triangles(self.matrix(scatter / divisor[:, None], d), rounding)

    def from_covariances(self, covariances, rounding=0.0):
        return self._triangles(covariances, rounding)[0]

    def _triangles(self, covariances, rounding):
        """L and L^-1."""
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        sd = root(variances, rounding)  # scaled to correlations: any units will do
        correlations = covariances / sd[:, :, None] / sd[:, None, :]
        triangles, inverses = regular_triangles(correlations, rounding / variances)
        return sd[:, :, None] * triangles, inverses / sd[:, None, :]

    def per_count(self, d):
        return 1

    def quadratic(self, inverse):
        d = inverse.shape[-1]
        places, _, diagonal = _places(d)
        precision = inverse.transpose(0, 2, 1) @ inverse
        quadratic = -precision.reshape(-1, d * d).take(places, axis=1)
        quadratic[:, diagonal] *= 0.5
        return quadratic

    def linear(self, inverse, means):
        return (inverse.transpose(0, 2, 1) @ (inverse @ means[:, :, None]))[:, :, 0]

    def log_det(self, factors, d):
        return np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)

    def inverse(self, factors):
        return inverse_triangles(factors)

    def whiten(self, inverse, v):
        xp, d = namespace(v), v.shape[0]
        inverse = xp.asarray(inverse, dtype=v.dtype)
        if d < 2 * STEP:
            return inverse @ v
        y = xp.empty_like(v)
        for part in slices(d, max(STEP, d // 8)):  # what is above the triangle is 0
            xp.matmul(inverse[part, : part.stop], v[: part.stop, :], out=y[part, :])
        return y

    def dense(self, factors, d):
        return factors

    def project(self, covariances):
        return covariances

    def to_user(self, factors, coordinates):
        return coordinates.scale[:, None] * (coordinates.root @ factors)

    def to_internal(self, factors, coordinates):
        return np.tril(np.linalg.solve(coordinates.root, factors / coordinates.scale[:, None]))

    def column_weights(self, data):
        return None  # the data are whitened

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
