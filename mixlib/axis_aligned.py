"""The two shapes whose Sigma is diagonal: one variance for all axes, or one for each.

What each method of a shape computes is said once, in `shape.Shape`.
"""

import numpy as np

from ._engine.namespace import namespace
from ._engine.reductions import squared_lengths, weighted_sum
from ._engine.triangles import root


class AxisAligned:
    """What shapes have in common whose Sigma is diagonal."""

    rotates = False

    def n_parameters(self, d):
        return self.size(d)

    def diagonal(self, moments, d):
        return moments

    def least_share(self, factors, inverse):
        return 1.0

    def inverse(self, factors):
        return 1.0 / factors

    def factor(self, scatter, divisor, d, rounding):
        factors = self.roots(scatter, divisor, rounding)
        return factors, 1.0 / factors

    def from_covariances(self, covariances, rounding=0.0):
        return root(self.project(covariances), rounding)

    def prior_dof(self, dof, d):
        return dof + 2


class Spherical(AxisAligned):
    """Sigma = s^2 I. Factors (C,), moments (1, b): the squared length."""

    isotropic = True

    def size(self, d):
        return 1

    def moments(self, z, out=None):
        return squared_lengths(z, out=None if out is None else out[0, :])[None, :]

    def sum_moments(self, z, weights, lengths=None):
        return weighted_sum(self.moments(z) if lengths is None else lengths[None, :], weights)

    def roots(self, scatter, divisor, rounding):
        return root(scatter[:, 0] / divisor, rounding)

    def per_count(self, d):
        return d

    def quadratic(self, inverse):
        return -0.5 * inverse[:, None] ** 2

    def linear(self, inverse, means):
        return means * inverse[:, None] ** 2

    def log_det(self, factors, d):
        return d * np.log(factors)

    def whiten(self, inverse, v):
        return namespace(v).asarray(inverse[None]) * v

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
        return namespace(z).multiply(z, z, out=out)

    def sum_moments(self, z, weights, lengths=None):
        return weighted_sum(self.moments(z), weights)

    def roots(self, scatter, divisor, rounding):
        return root(scatter / divisor[:, None], rounding)

    def per_count(self, d):
        return 1

    def quadratic(self, inverse):
        return -0.5 * inverse**2

    def linear(self, inverse, means):
        return means * inverse**2

    def log_det(self, factors, d):
        return np.log(factors).sum(axis=1)

    def whiten(self, inverse, v):
        return namespace(v).asarray(inverse)[:, None] * v

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
