"""The M-step: parameters from statistics, one formula for each constraint (chapter 4)."""

import numpy as np

from ._engine.triangles import Singular
from .log_joint import digits_kept
from .model import Parameters

ONE_DIGIT = 10.0


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
    nonempty = counts > data.negligible_weight if model.prior is None else np.ones(K, dtype=bool)
    all_nonempty = nonempty.all()
    if not all_nonempty:
        counts = np.where(nonempty, counts, 0.0)
    divisor = counts if counts.min() > 0 else np.where(counts > 0, counts, 1.0)
    # the components' own means, from the origin of the statistics (the prior pulls the parameters off them)
    own = first / divisor[:, None]
    numerator = first + counts[:, None] * statistics.origin
    if model.prior is None:
        # (4.10) eq-m-means
        means = own + statistics.origin
    else:
        # (4.34) eq-map-means
        divisor, numerator = counts + model.prior.shrinkage, numerator + model.prior.shrinkage * model.prior.mean
        means = numerator / divisor[:, None]
    centres = data.coordinates.means_to_user(numerator, divisor)
    if not all_nonempty:
        weights = np.where(nonempty, weights, 0.0) if model.free_weights else weights
        means[~nonempty], centres[~nonempty] = previous.means[~nonempty], previous.centres[~nonempty]
    if model.constraint.fixed and previous is not None:
        factors, inverse = previous.factors, previous.inverse
    elif model.constraint.fixed:
        factors = model.fixed_factors(data)
        inverse = model.constraint.shape.inverse(factors)
    else:
        factors, inverse = _factors(estep, statistics, counts, own, nonempty, previous)
    return Parameters(weights, means, factors, centres, inverse)


def _factors(estep, statistics, counts, own, nonempty, previous):
    """Factors of the covariances, and their inverses: scatter over counts, each in the shape's form."""
    data, model = estep.data, estep.model
    shape, shared = model.constraint.shape, model.constraint.shared
    number = counts.sum(keepdims=True) if shared else counts
    rows = np.array([True]) if shared else nonempty
    if model.prior is None:
        # (4.17) eq-m-tied-spherical, (4.16) eq-m-spherical, (4.15) eq-m-tied-diag,
        # (4.14) eq-m-diag, (4.13) eq-m-tied, (4.12) eq-m-full
        divisor = shape.per_count(data.d) * np.where(number > 0, number, 1.0)
    else:
        # (4.36) eq-map-covariance
        divisor = model.prior.divisor(number, len(counts) if shared else 1)

    def factor(scatter):
        if model.prior is not None:
            scatter = scatter + model.prior.scatter(counts, own + statistics.origin)
        scatter, its_divisor = (scatter, divisor) if rows.all() else (scatter[rows], divisor[rows])
        return scatter, *shape.factor(scatter, its_divisor, data.d, data.rounding)

    products = counts[:, None] * shape.moments(own.T).T
    if shared:
        # (4.20) eq-collapsed-scatter
        moments, scatter = data.second_moments[None], data.second_moments[None] - products.sum(axis=0)
    else:
        # (4.7) eq-scatter
        moments, scatter = statistics.second, statistics.second - products
    try:
        scatter, factors, inverse = factor(scatter)
        kept = _digits_kept(data, shape, moments[rows], scatter, factors, inverse)
    except Singular:
        kept = False
    if not kept:
        scatter = estep.scatter_about(own + statistics.origin)
        _, factors, inverse = factor(scatter.sum(axis=0, keepdims=True) if shared else scatter)
    if rows.all():
        return factors, inverse
    every_factor, every_inverse = previous.factors.copy(), previous.inverse.copy()
    every_factor[rows], every_inverse[rows] = factors, inverse
    return every_factor, every_inverse


def _digits_kept(data, shape, moments, scatter, factors, inverse):
    """Has the difference kept its digits, in each variance and in each direction?"""
    lost = np.max(shape.diagonal(moments, data.d) / shape.diagonal(scatter, data.d))
    if lost <= ONE_DIGIT and data.dtype.itemsize == 8:
        return True  # deviations from the very means would keep no more; in single precision they are summed in double
    share = shape.least_share(factors, inverse)
    return bool(share > 0 and digits_kept(data.dtype, lost / share))
