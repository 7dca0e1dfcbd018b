"""The M-step: parameters from statistics, one formula for each constraint (chapter 4)."""

import numpy as np

from .log_joint import digits_kept
from .model import Parameters


def m_step(estep, statistics, previous):
    """The parameters that maximise the bound, given the statistics of the E-step.

    `previous` holds the parameters that a component without points keeps (None at a start
    from responsibilities). Raises `Singular` if a covariance has no maximum.
    """
    data, model = estep.data, estep.model
    counts, first = statistics.counts, statistics.first
    K = len(counts)
    # (4.6) eq-m-weights
    weights = counts / data.total_weight if model.free_weights else np.full(K, 1 / K)
    weights = weights / weights.sum()
    if model.prior is None:
        # (4.10) eq-m-means
        nonempty = counts > data.negligible_weight
        counts = np.where(nonempty, counts, 0.0)
        divisor, numerator = np.where(nonempty, counts, 1.0), first
    else:
        # (4.34) eq-map-means
        nonempty = np.ones(K, dtype=bool)
        divisor, numerator = counts + model.prior.shrinkage, first + model.prior.shrinkage * model.prior.mean
    means, centres = numerator / divisor[:, None], data.coordinates.means_to_user(numerator, divisor)
    if not nonempty.all():
        weights = np.where(nonempty, weights, 0.0) if model.free_weights else weights
        means[~nonempty], centres[~nonempty] = previous.means[~nonempty], previous.centres[~nonempty]
    if model.constraint.fixed:
        factors = model.fixed_factors(data)
    else:
        factors = _factors(estep, statistics, counts, means, nonempty, previous)
    return Parameters(weights, means, factors, centres)


def _factors(estep, statistics, counts, means, nonempty, previous):
    """Factors of the covariances: scatter over counts, each in the shape's form."""
    data, model = estep.data, estep.model
    shape, shared = model.constraint.shape, model.constraint.shared
    sample_means = _sample_means(statistics, means, counts) if model.prior is not None else means
    products = counts[:, None] * shape.moments(sample_means.T).T
    if shared:
        # (4.20) eq-collapsed-scatter
        moments, scatter = data.second_moments[None], data.second_moments[None] - products.sum(axis=0)
    else:
        # (4.7) eq-scatter
        moments, scatter = statistics.second, statistics.second - products
    rows = np.array([True]) if shared else counts > 0
    if not _digits_kept(data, shape, moments[rows], scatter[rows]):
        scatter = estep.scatter_about(sample_means)
        scatter = scatter.sum(axis=0, keepdims=True) if shared else scatter
    number = counts.sum(keepdims=True) if shared else counts
    if model.prior is None:
        # (4.17) eq-m-tied-spherical, (4.16) eq-m-spherical, (4.15) eq-m-tied-diag,
        # (4.14) eq-m-diag, (4.13) eq-m-tied, (4.12) eq-m-full
        divisor = shape.per_count(data.d) * np.where(number > 0, number, 1.0)
    else:
        # (4.36) eq-map-covariance
        scatter = scatter + model.prior.scatter(counts, sample_means)
        divisor = model.prior.divisor(number, len(counts) if shared else 1)
    if shared or nonempty.all():
        return shape.factor(scatter, divisor, data.d, data.rounding)
    factors = previous.factors.copy()
    factors[nonempty] = shape.factor(scatter[nonempty], divisor[nonempty], data.d, data.rounding)
    return factors


def _sample_means(statistics, means, counts):
    """The weighted mean of each component's points; with a prior the parameters are shrunk from it."""
    return np.where(counts[:, None] > 0, statistics.first / np.where(counts > 0, counts, 1.0)[:, None], means)


def _digits_kept(data, shape, moments, scatter):
    """Has the difference kept its digits, in each variance and in each direction?"""
    large, small = shape.diagonal(moments, data.d), shape.diagonal(scatter, data.d)
    if not (small > 0).all():
        return False
    share = shape.least_share(scatter, data.d)
    return bool(share > 0 and digits_kept(data.dtype, np.max(large / small) / share))
