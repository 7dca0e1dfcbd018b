"""Where the loop starts: the parameters that `init` stands for."""

import numpy as np

from . import inputs, seeding
from ._engine.triangles import Singular
from .estep import FixedResponsibilities
from .mixture import Mixture
from .model import Parameters
from .mstep import m_step


def starter(init, x, K):
    """A function (data, model, K, rng) -> Parameters for the `init` that the caller chose."""
    n, d = x.shape
    if isinstance(init, str):
        choose = {"k-means++": seeding.plusplus, "random": seeding.at_random}
        choose = choose[inputs.as_choice(init, "init", choose)]
        return lambda data, model, K, rng: _from_means(data, model, x[choose(data, K, rng)])
    if isinstance(init, Mixture):
        if init.means.shape != (K, d):
            raise ValueError(f"init is a mixture of shape {init.means.shape}, needed ({K}, {d})")
        return lambda data, model, K, rng: _from_mixture(data, model, init)
    array = inputs.as_array(init, "init")
    if array.ndim == 1:
        r = np.eye(K)[inputs.as_labels(array, n, K)]
    elif array.ndim == 2 and array.shape == (n, K) and (K, d) != (n, K):
        r = inputs.as_responsibilities(array, n, K)
    else:
        means = inputs.as_means(init, K, d)
        far, near = float(np.abs(means).max()), float(np.abs(x).max())
        if far > 1e100 * near > 0:
            raise ValueError(f"init means reach {far:.2g}, x only {near:.2g}: are they in its units?")
        return lambda data, model, K, rng: _from_means(data, model, means)
    return lambda data, model, K, rng: _from_responsibilities(data, model, r)


def _from_means(data, model, centres):
    """Equal weights, and the constraint's covariance of the data around their own mean."""
    K, shape = len(centres), model.constraint.shape
    centres = np.array(centres, dtype=np.float64)
    if model.constraint.fixed:
        factors = model.fixed_factors(data)
    else:
        divisor = np.array([shape.per_count(data.d) * data.total_weight])
        try:
            factors = shape.factor(data.scatter(), divisor, data.d, data.rounding)
        except Singular:
            if model.prior is None:
                raise
            factors = shape.factor(data.scatter() + data.total_weight * model.prior.scale, divisor, data.d, data.rounding)
        factors = np.repeat(factors, 1 if model.constraint.shared else K, axis=0)
    return Parameters(np.full(K, 1 / K), data.coordinates.to_internal(centres).T.copy(), factors, centres)


def _from_mixture(data, model, mixture):
    """A mixture's parameters, its covariances brought to the constraint."""
    shape, K = model.constraint.shape, len(mixture.means)
    weights = mixture.weights.copy() if model.free_weights else np.full(K, 1 / K)
    if model.constraint.fixed:
        factors = model.fixed_factors(data)
    else:
        covariances = mixture.covariances
        if model.constraint.shared:
            covariances = np.tensordot(mixture.weights, covariances, axes=1)[None]
        factors = shape.to_internal(shape.from_covariances(covariances), data.coordinates)
    return Parameters(weights, data.coordinates.to_internal(mixture.means).T.copy(), factors, mixture.means.copy())


def _from_responsibilities(data, model, r):
    """One M-step."""
    estep = FixedResponsibilities(data, model, r)
    statistics = estep.statistics(None)
    empty = np.flatnonzero(statistics.counts <= 0)
    if empty.size and model.prior is None:
        raise ValueError(f"init gives no points to component(s) {empty.tolist()}; each needs some")
    return m_step(estep, statistics, None)
