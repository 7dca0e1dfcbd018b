"""A conjugate prior, which turns maximum likelihood into a fit that cannot collapse (chapter 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._engine.triangles import Singular
from ._types import ArrayLike
from .inputs import LARGEST, as_number, as_numbers


@dataclass(frozen=True)
class Prior:
    """Normal-inverse-Wishart prior of the means and covariances (inverse gamma where Sigma is diagonal).

    Each mean is normal about `mean` with covariance Sigma_k / `shrinkage`; each covariance is
    inverse Wishart with `dof` degrees of freedom and scale matrix `scale`. What is None is
    taken from the data.

    Parameters
    ----------
    shrinkage : float > 0
        kappa, the number of points that the prior mean counts for.
    dof : float > d - 1, or None
        nu, by default d + 2.
    mean : (d,) array or None
        mu_P, by default the mean of the data.
    scale : float, (d,) array, (d, d) array, or None
        Lambda, in squared units of the data, by default the data's covariance over K^(2/d)
        (its average variance where Sigma is spherical, its variances where Sigma is diagonal);
        where that is singular, a millionth of each column's variance is added (of the
        largest, for a constant column).

    Notes
    -----
    Chapter 4; Fraley and Raftery (2007). They use the average variance for diagonal
    covariances too; here each column keeps its own, so that units do not matter.
    """

    shrinkage: float = 0.01
    dof: float | None = None
    mean: ArrayLike | None = None
    scale: ArrayLike | None = None


def weak_prior(variances):
    """A millionth of each column's variance (d,) as the scale; of the largest, where a column is constant."""
    return Prior(scale=1e-6 * np.where(variances > 0, variances, variances.max() or 1.0))


class InternalPrior:
    """A prior for one data set and constraint, in internal coordinates."""

    def __init__(self, prior, data, constraint, K):
        d, shape, coordinates = data.d, constraint.shape, data.coordinates
        self.shape, self.constraint, self.d, self.per_count = shape, constraint, d, shape.per_count(d)
        self.log_volume = coordinates.log_volume
        self.shrinkage = as_number(prior.shrinkage, "prior.shrinkage", positive=True)
        dof = d + 2.0 if prior.dof is None else as_number(prior.dof, "prior.dof", positive=True)
        if dof <= d - 1:
            raise ValueError(f"prior.dof must exceed d - 1 = {d - 1} for {d} columns, got {dof}")
        self.exponent = shape.prior_dof(dof, d)
        if prior.mean is None:
            self.mean = data.mean
        else:
            mean = as_numbers(prior.mean, "prior.mean").astype(float)
            if mean.shape != (d,) or not (np.abs(mean) <= 1e100 * coordinates.scale).all():
                raise ValueError(
                    f"prior.mean must be {d} finite numbers near the data, got {mean} of shape {mean.shape}"
                )
            self.mean = coordinates.to_internal(mean[None])[:, 0]
        if prior.scale is None:
            self.scale = _regular(shape, data.scatter()[0], data) / data.total_weight / self.per_count / K ** (2 / d)
        else:
            factors = shape.from_covariances(_as_covariance(prior.scale, d)[None])
            root = shape.dense(shape.to_internal(factors, coordinates), d)[0]
            self.scale = shape.moments(root).sum(axis=1) / self.per_count

    def scatter(self, counts, means):
        """What the prior adds to the scatter, (C, m): Lambda, and what shrinks the means."""
        # (4.35) eq-map-scatter
        shrinkage = self.shrinkage / (self.shrinkage + counts) * counts
        shrinkage = shrinkage[:, None] * self.shape.moments((means - self.mean).T).T
        return self.scale + (shrinkage.sum(axis=0, keepdims=True) if self.constraint.shared else shrinkage)

    def divisor(self, number, components):
        """What the prior makes of the count under the scatter, (C,)."""
        return self.exponent + self.per_count * (number + components)

    def log_density(self, params):
        """The log prior of the parameters in the user's units, up to a constant."""
        # (4.31) eq-prior
        means, factors = params.means, params.factors
        quadratic = self.shape.quadratic(params.inverse)
        of_means = self.shrinkage * (quadratic * self.shape.moments((means - self.mean).T).T).sum()
        if self.constraint.fixed:
            return float(of_means)
        log_det = self.shape.log_det(factors, self.d) + self.log_volume
        of_covariances = -self.exponent / self.per_count * log_det + quadratic @ self.scale
        return float(of_means + of_covariances.sum() - np.broadcast_to(log_det, len(means)).sum())


def _regular(shape, scatter, data):
    """The scatter (m,), raised by a millionth of each column's variance where it is singular (of the largest, if 0)."""
    try:
        shape.factor(scatter[None], np.array([shape.per_count(data.d) * data.total_weight]), data.d, data.rounding)
        return scatter
    except Singular:
        squares = shape.diagonal(scatter, data.d)
        added = np.zeros_like(scatter)
        largest = squares.max() or data.total_weight
        added[shape.diagonal(np.arange(len(scatter)), data.d)] = 1e-6 * np.where(
            squares > 1e-12 * largest, squares, largest
        )
        return scatter + added


def _as_covariance(scale, d):
    """A number, (d,) variances or a (d, d) matrix as a positive definite matrix."""
    scale = as_numbers(scale, "prior.scale").astype(float)
    if not (np.abs(scale) <= LARGEST).all():
        raise ValueError(f"prior.scale must be finite, its entries at most {LARGEST:g}")
    matrix = scale * np.eye(d) if scale.ndim == 0 else np.diag(scale) if scale.ndim == 1 else scale
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T):
        raise ValueError(
            f"prior.scale must be a number, {d} variances or a symmetric ({d}, {d}) matrix, got shape {scale.shape}"
        )
    if np.linalg.eigvalsh(matrix).min() <= 0:
        raise ValueError("prior.scale must be positive definite")
    return matrix
