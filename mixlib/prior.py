"""A conjugate prior, which turns maximum likelihood into a fit that cannot collapse (chapter 4.5)."""

from dataclasses import dataclass

import numpy as np

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
        (its average variance where Sigma is spherical, its variances where Sigma is diagonal).

    Notes
    -----
    Chapter 4.5; Fraley and Raftery (2007). They use the average variance for diagonal
    covariances too; here each column keeps its own, so that units do not matter.
    """

    shrinkage: float = 0.01
    dof: float | None = None
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None


class BoundPrior:
    """A prior for one data set and constraint, in the loop's coordinates."""

    def __init__(self, prior, data, constraint, K):
        d, shape, frame = data.d, constraint.shape, data.frame
        self.shape, self.constraint, self.per_count = shape, constraint, shape.per_count(d)
        self.log_volume = frame.log_volume
        self.shrinkage = as_number(prior.shrinkage, "prior.shrinkage", positive=True)
        dof = d + 2.0 if prior.dof is None else as_number(prior.dof, "prior.dof", positive=True)
        if dof <= d - 1:
            raise ValueError(f"prior.dof must exceed d - 1 = {d - 1} for {d} columns, got {dof}")
        self.exponent = shape.prior_dof(dof, d)
        if prior.mean is None:
            self.mean = data.mean
        else:
            mean = as_numbers(prior.mean, "prior.mean").astype(float)
            if mean.shape != (d,) or not (np.abs(mean) <= 1e100 * data.frame.scale).all():
                raise ValueError(f"prior.mean must be {d} finite numbers near the data, got shape {mean.shape}")
            self.mean = frame.inward(mean[None])[:, 0]
        if prior.scale is None:
            self.scale = data.scatter()[0] / data.total / self.per_count / K ** (2 / d)
        else:
            factors = shape.from_covariances(_as_covariance(prior.scale, d)[None])
            inward = shape.dense(frame.factors_inward(shape, factors), d)[0]
            self.scale = shape.moments(inward).sum(axis=1) / self.per_count

    def scatter(self, shape, counts, means, shared):
        """What the prior adds to the scatter: Lambda and the pull on the means, (C, m)."""
        pull = self.shrinkage / (self.shrinkage + counts) * counts
        pull = pull[:, None] * shape.moments((means - self.mean).T).T
        return self.scale + (pull.sum(axis=0, keepdims=True) if shared else pull)

    def divisor(self, shape, number, components, d):
        """What the prior makes of the count under the scatter, (C,)."""
        return self.exponent + shape.per_count(d) * (number + components)

    def log_density(self, params):
        """The log prior of the parameters in the caller's units, up to a constant."""
        # (4.31) eq-prior
        means, factors = params.means, params.factors
        quadratic = self.shape.quadratic(factors)
        pull = self.shrinkage * (quadratic * self.shape.moments((means - self.mean).T).T).sum()
        if self.constraint.fixed:
            return float(pull)
        log_det = self.shape.log_det(factors, means.shape[1]) + self.log_volume
        covariance = -self.exponent / self.per_count * log_det + quadratic @ self.scale
        return float(pull + covariance.sum() - np.broadcast_to(log_det, len(means)).sum())


def _as_covariance(scale, d):
    """A number, (d,) variances or a (d, d) matrix as a positive definite matrix."""
    scale = as_numbers(scale, "prior.scale").astype(float)
    if not (np.abs(scale) <= LARGEST).all():
        raise ValueError(f"prior.scale must be finite, its entries at most {LARGEST:g}")
    matrix = scale * np.eye(d) if scale.ndim == 0 else np.diag(scale) if scale.ndim == 1 else scale
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T):
        raise ValueError(f"prior.scale must be a number, {d} variances or a symmetric ({d}, {d}) matrix, "
                         f"got shape {scale.shape}")
    if np.linalg.eigvalsh(matrix).min() <= 0:
        raise ValueError("prior.scale must be positive definite")
    return matrix
