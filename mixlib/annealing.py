"""Deterministic annealing: soft k-means followed from a large variance down to k-means itself.

Chapter 5; Rose (1998).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._types import ArrayLike, RandomState
from .em import fit
from .inputs import as_count, as_generator, as_numbers, as_points

PERTURBATION = 1e-3  # in units of the largest standard deviation of the data
TOLERANCE = 1e-9  # soft k-means has converged when no centre moves further in an iteration, in the same units
ITERATIONS = 200  # between two looks at that, the same on every machine
COINCIDENT = 2e-2  # centres nearer than this, in the same units, count as one


class Frame(NamedTuple):
    """One position of the slider."""

    variance: float  # sigma^2; 0 stands for k-means
    means: np.ndarray  # (K, d)
    inertia: float  # J of these centres
    soft_objective: float  # J_sigma of these centres; J itself for k-means
    places: int  # how many centres differ


def critical_variance(x: ArrayLike) -> float:
    """lambda_max(S) of points x, (n, d), in their squared units: above it the centres of soft k-means coincide (chapter 5)."""
    x = as_points(x).astype(float)
    return float(np.linalg.eigvalsh(np.cov(x.T, bias=True).reshape(x.shape[1], -1))[-1])


def anneal(
    x: ArrayLike, n_components: int, variances: ArrayLike | None = None, random_state: RandomState = 0
) -> list[Frame]:
    """Follow the centres of soft k-means from the largest variance to the smallest, then to k-means.

    The first fit starts with every centre at the mean of the data, each later one from the centres
    before it. Coincident centres move alike, and would never part: so every start is perturbed
    by a thousandth of the data's largest standard deviation, drawn anew. Where coincidence
    is stable the fit takes the perturbation back; where it is not, the fit amplifies it.

    Parameters
    ----------
    x : (n, d) array
    n_components : int
        K.
    variances : list of float > 0, optional
        sigma^2, in squared units of x, decreasing. By default 40 from 1.5 to 0.02 times lambda_max(S).
    random_state : int or numpy Generator
        Draws the perturbations.

    Returns
    -------
    list of Frame, one for each variance, and k-means last

    Raises
    ------
    ValueError
        If the variances do not decrease, or x has no spread.
    """
    x = as_points(x).astype(float)
    rng = as_generator(random_state)
    n_components = as_count(n_components, "n_components", 1)
    critical = critical_variance(x)
    if not critical > 0:
        raise ValueError("all points of x are equal: there is nothing to follow; give points that differ")
    variances = np.geomspace(1.5, 0.02, 40) * critical if variances is None else as_numbers(variances, "variances")
    if (
        variances.ndim != 1
        or not variances.size
        or not ((variances > 0) & (variances < np.inf)).all()
        or (np.diff(variances) >= 0).any()
    ):
        raise ValueError("variances must be positive and decrease, for example np.geomspace(2.0, 0.1, 20)")
    origin = x.mean(axis=0)  # counted from there, centres keep their digits whatever the offset
    z, means, frames = x - origin, np.zeros((n_components, x.shape[1])), []
    for s2 in variances:
        means = means + PERTURBATION * np.sqrt(critical) * rng.standard_normal(means.shape)
        soft = _soft_kmeans(z, means, float(s2), TOLERANCE * np.sqrt(critical))
        means = soft.mixture.means
        frames.append(_frame(z, soft, float(s2), critical, origin))
    hard = fit(z, n_components, covariance="identity", weights="equal", assignment="hard", init=means)
    return frames + [_frame(z, hard, 0.0, critical, origin)]


def _soft_kmeans(x, means, s2, least):
    """Soft EM with equal weights and covariance s2 * I, until no centre moves by `least`."""
    while True:
        soft = fit(
            x, len(means), covariance="identity", weights="equal", variance=s2, init=means, tol=0, max_iter=ITERATIONS
        )
        means, before = soft.mixture.means, soft.history[-2].means
        if np.linalg.norm(means - before, axis=1).max() <= least:
            return soft


def _frame(x, result, s2, critical, origin):
    n, d = x.shape
    means = result.mixture.means
    soft_objective = result.inertia
    if s2:
        # (5.8) eq-soft-objective: log-likelihood = -J_sigma / (2 sigma^2) - n log K - (n d / 2) log(2 pi sigma^2)
        constant = n * np.log(len(means)) + 0.5 * n * d * np.log(2 * np.pi * s2)
        soft_objective = -2 * s2 * (result.log_likelihood + constant)
    return Frame(
        s2,
        means + origin,
        result.inertia,
        float(soft_objective),
        _count_distinct(means, COINCIDENT * np.sqrt(critical)),
    )


def _count_distinct(means, near):
    kept = []
    for mean in means:
        if all(np.linalg.norm(mean - other) > near for other in kept):
            kept.append(mean)
    return len(kept)
