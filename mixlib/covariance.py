"""The seven covariance constraints: three shapes, each shared by all components or one's own.

A shape knows its factor L (Sigma = L L^T), which is kept in its smallest form: a number,
d numbers, or a triangle. `C` is the number of covariances: 1 if shared, else K. Second
moments are kept in the shape's form too: the `m` features of x x^T that Sigma can see.
Points come as columns, (d, b). Chapters 1.6 and 4.2.
"""

from typing import NamedTuple

import numpy as np


class Upright:
    """What shapes share whose Sigma is diagonal."""

    prior_dof = staticmethod(lambda dof, d: dof + 2)

    def n_parameters(self, d):
        return self.size(d)

    def diagonal(self, moments, d):
        return moments

    def least_share(self, scatter, d):
        return 1.0

    def inverse(self, factors):
        return 1.0 / factors

    def from_covariances(self, covariances, floor=0.0):
        return _root(self.reduce(covariances), floor)


class Spherical(Upright):
    """Sigma = s^2 I. Factors (C,), moments (1, b): the squared length."""

    def size(self, d):
        return 1

    def moments(self, z, out=None):
        return squared_lengths(z, out=None if out is None else out[0])[None]

    def factor(self, scatter, divisor, d, floor):
        return _root(scatter[:, 0] / divisor, floor)

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

    def reduce(self, covariances):
        return np.trace(covariances, axis1=1, axis2=2) / covariances.shape[-1]


class Diagonal(Upright):
    """Sigma = diag(s_1^2, ..., s_d^2). Factors (C, d), moments (d, b): the squares."""

    def size(self, d):
        return d

    def moments(self, z, out=None):
        return np.multiply(z, z, out=out)

    def factor(self, scatter, divisor, d, floor):
        return _root(scatter / divisor[:, None], floor)

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

    def reduce(self, covariances):
        return np.diagonal(covariances, axis1=1, axis2=2)


class Full:
    """Any positive definite Sigma. Factors (C, d, d) lower triangular, moments (d(d+1)/2, b)."""

    prior_dof = staticmethod(lambda dof, d: dof + d + 1)

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

    def diagonal(self, moments, d):
        rows, columns = np.triu_indices(d)
        return moments[..., rows == columns]

    def matrix(self, moments, d):
        rows, columns = np.triu_indices(d)
        matrix = np.empty(moments.shape[:-1] + (d, d))
        matrix[..., rows, columns] = matrix[..., columns, rows] = moments
        return matrix

    def least_share(self, scatter, d):
        scatter = self.matrix(scatter, d)
        sd = np.sqrt(np.diagonal(scatter, axis1=1, axis2=2))
        return _cholesky(scatter / sd[:, :, None] / sd[:, None, :])[1].min()

    def factor(self, scatter, divisor, d, floor):
        covariances = self.matrix(scatter / divisor[:, None], d)
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        sd = _root(variances, floor)                      # scaled to correlations: any units will do
        correlations = covariances / sd[:, :, None] / sd[:, None, :]
        return sd[:, :, None] * _regular(correlations, floor / variances)

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

    def reduce(self, covariances):
        return covariances

    def from_covariances(self, covariances, floor=0.0):
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        sd = _root(variances, floor)
        return sd[:, :, None] * _regular(covariances / sd[:, :, None] / sd[:, None, :], floor / variances)


class Constraint(NamedTuple):
    """One of the seven: a shape, whether components share it, whether it is given."""

    shape: Spherical | Diagonal | Full
    shared: bool
    fixed: bool = False

    def n_parameters(self, K, d):
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


def squared_lengths(columns, **options):
    """|z|^2 of each column of (d, b), (b,)."""
    return np.einsum("jb,jb->b", columns, columns, **options)


class Singular(Exception):
    """Internal: covariance number `index` is singular; the loop turns it into words."""

    def __init__(self, index):
        self.index = int(index)


def _root(variances, floor):
    """Square roots; a variance of at most `floor`, the level of rounding, is singular."""
    bad = ~(variances > floor)
    if bad.any():
        raise Singular(np.argwhere(bad)[0][0])
    return np.sqrt(variances)


def _regular(correlations, floor):
    """Lower triangles; a direction whose variance is rounding, of the sums or of the data (`floor`, (C, d)), is singular."""
    triangles, shares = _cholesky(correlations)
    bad = np.flatnonzero(shares < 8 * correlations.shape[-1] * np.finfo(float).eps)
    if not bad.size:                # rounding of the data, in directions where the variance is 1
        rounding = (np.linalg.inv(triangles) ** 2 * floor[:, None]).sum(axis=2).max(axis=1)
        bad = np.flatnonzero(rounding >= 1)
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
