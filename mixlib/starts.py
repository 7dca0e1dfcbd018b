"""Where the loop starts: the parameters that `init` stands for."""

from functools import partial

import numpy as np

from . import inputs, seeding
from ._engine.data import Data
from ._engine.sampling import PointSampler
from ._engine.triangles import Singular
from .covariance import CONSTRAINTS
from .errors import TooFewPointsError
from .estep import FixedResponsibilities, e_step
from .local_search import local_search
from .loop import run
from .mixture import Mixture
from .model import Model, Parameters
from .mstep import m_step
from .oversampling import kmeans_parallel

SEEDS = {
    "k-means++": seeding.plusplus,
    "greedy k-means++": seeding.greedy_plusplus,
    "local search": local_search,
    "random": seeding.at_random,
}
KMEANS = Model(CONSTRAINTS["identity"], free_weights=False, hard=True, sd=1.0)
KMEANS_ITERATIONS = 300  # most need a tenth of it
SAMPLE, SAMPLE_PER_NUMBER = 1 << 14, 8  # points of a sample, and at least so many for each number to be estimated
SAMPLE_ITERATIONS, SAMPLE_TOL = 100, 1e-4  # of the model on the sample
SHORT = 8  # iterations of the model after which two starts are compared: fewer judge less well
SHORT_UP_TO = 1 << 23  # multiplications of an iteration; where it takes more, labels are compared


def starter(init, x, K):
    """A function (data, model, K, rng) -> Parameters for the `init` that the caller chose."""
    if isinstance(init, str):
        if inputs.as_choice(init, "init", (*SEEDS, "k-means||", "k-means")) == "k-means":
            return _from_kmeans(x)
        if init == "k-means||":
            return lambda data, model, K, rng: from_means(data, model, kmeans_parallel(data, K, rng))
        return lambda data, model, K, rng: from_means(data, model, x[SEEDS[init](data, K, rng)])
    return given_start(init, x.shape, lambda: np.abs(x).max(), K)


def given_start(init, shape, largest, K):
    """The same for an `init` that is no name, with points of a shape (n, d), the `largest()` of their values."""
    n, d = shape
    if isinstance(init, Mixture):
        if init.means.shape != (K, d):
            raise ValueError(f"init is a mixture of shape {init.means.shape}, needed ({K}, {d})")
        return lambda data, model, K, rng: _from_mixture(data, model, init)
    if callable(init):
        raise TypeError("init is a function: pass what it gives, for example init=f(x, n_components)")
    array = inputs.as_array(init, "init")
    if array.ndim == 1:
        given = inputs.as_labels(array, n, K)
    elif array.ndim == 2 and array.shape == (n, K) and (K, d) != (n, K):
        given = inputs.as_responsibilities(array, n, K)
    else:
        means = inputs.as_means(init, K, d)
        far, near = float(np.abs(means).max()), float(largest())
        if far > 1e100 * near > 0:
            raise ValueError(f"init means reach {far:.2g}, x only {near:.2g}: are they in its units?")
        return lambda data, model, K, rng: from_means(data, model, means)
    return lambda data, model, K, rng: _from_responsibilities(data, model, given, K)


def from_means(data, model, centres):
    """Equal weights, and the constraint's covariance of the data around their own mean."""
    K, shape = len(centres), model.constraint.shape
    centres = np.array(centres, dtype=np.float64)
    if model.constraint.fixed:
        factors = model.fixed_factors(data)
        inverse = shape.inverse(factors)
    else:
        divisor = np.array([shape.per_count(data.d) * data.total_weight])
        try:
            factors, inverse = shape.factor(data.scatter(), divisor, data.d, data.rounding)
        except Singular:
            if model.prior is None:
                raise
            factors, inverse = shape.factor(
                data.scatter() + data.total_weight * model.prior.scale, divisor, data.d, data.rounding
            )
        repeats = 1 if model.constraint.shared else K
        factors, inverse = np.repeat(factors, repeats, axis=0), np.repeat(inverse, repeats, axis=0)
    return Parameters(np.full(K, 1 / K), data.coordinates.to_internal(centres).T.copy(), factors, centres, inverse)


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
    means, inverse = data.coordinates.to_internal(mixture.means).T.copy(), shape.inverse(factors)
    return Parameters(weights, means, factors, mixture.means.copy(), inverse)


def _from_kmeans(x):
    """The loop run first as k-means; where the points are many, it and some iterations of the model on a sample."""

    def start(data, model, K, rng):
        n_sample = max(SAMPLE, SAMPLE_PER_NUMBER * K * data.shape.size(data.d))
        if data.n > 2 * n_sample:
            where, w = PointSampler(data).sample(rng, n_sample)
            try:
                if len(where) < K:  # all copies of a point are in the sample, or none
                    raise TooFewPointsError
                part = data.subset(where, w)
                params = _from_partition(x[where], part, model, K, rng)
                found = run(e_step(part, model), params, tol=SAMPLE_TOL, max_iter=SAMPLE_ITERATIONS, accelerate=True)
                return found.params
            except (Singular, TooFewPointsError):
                pass
        return _from_partition(x, data, model, K, rng)

    return start


def _from_partition(x, data, model, K, rng):
    """One M-step from the labels of k-means, or a short run of the model after it.

    Where Sigma can tell the columns apart k-means runs in their own units, and in units of their
    standard deviations: measured over many data sets neither is always better. If they lead to
    two partitions, the model runs a few iterations from each, and the better one is the start.
    Where these take long, in high dimension, the larger classification log-likelihood decides:
    there components hardly overlap, and it is nearly the log-likelihood.
    """
    partitions = [_kmeans(x, data.w, K, rng)]
    if not model.constraint.shape.isotropic and data.d > 1:
        partitions.append(_kmeans(x / _standard_deviations(x, data.w), data.w, K, rng))
        if len(np.unique(partitions[0] * np.int64(K) + partitions[1])) == K:
            partitions.pop()  # the same, but for the order
    work = data.n * K * (data.shape.size(data.d) if data.per_component else data.d)
    start = _short_run if len(partitions) > 1 and work <= SHORT_UP_TO else from_labels
    return best_start(partial(start, FixedResponsibilities(data, model, labels, K)) for labels in partitions)


def best_start(starts):
    """Of several starts, functions that give a value and parameters: the parameters of the largest value.

    Singular ones are passed over, unless all are.
    """
    best = failure = None
    for start in starts:
        try:
            value, params = start()
        except Singular as error:
            failure = error
            continue
        if best is None or value > best[0] + 1e-9 * abs(value):
            best = value, params
    if best is None:
        raise failure
    return best[1]


def from_labels(estep):
    """One M-step from the labels that an E-step holds: the classification log-likelihood, but for constants, and the parameters."""
    params, counts = _one_m_step(estep)
    # (2.11) eq-classification-log-likelihood at its own maximum, where each squared distance is d on average
    log_det = estep.model.constraint.shape.log_det(params.factors, estep.data.d)
    return float(counts @ (np.log(np.where(counts > 0, params.weights, 1.0)) - log_det)), params


def _short_run(estep):
    """The objective after a few iterations from the labels that an E-step holds, and the parameters."""
    data, model = estep.data, estep.model
    found = run(e_step(data, model), _one_m_step(estep)[0], tol=0, max_iter=SHORT, accelerate=True)
    return found.objective, found.params


def _kmeans(x, w, K, rng):
    """Labels (n,): the loop as k-means."""
    data = Data(x, w, KMEANS.constraint)
    start = from_means(data, KMEANS, x[local_search(data, K, rng)])
    best = run(e_step(data, KMEANS), start, tol=0, max_iter=KMEANS_ITERATIONS)
    if best.empty.size:  # a component needs points to start from: the nearest to its mean
        best.labels[[np.argmin(((x - centre) ** 2).sum(axis=1)) for centre in best.params.centres[best.empty]]] = (
            best.empty
        )
    return best.labels


def _standard_deviations(x, w):
    """Of the columns, (d,); 1 where a column is constant."""
    deviations = x.astype(np.float64) - x[0]
    size = np.abs(deviations).max(axis=0)
    size[size == 0] = 1.0
    deviations /= size  # no square can overflow
    deviations -= np.average(deviations, axis=0, weights=w)
    variances = np.average(np.square(deviations, out=deviations), axis=0, weights=w)
    return size * np.sqrt(np.where(variances > 0, variances, 1.0))


def _from_responsibilities(data, model, given, K):
    """One M-step, from responsibilities (n, K) or labels (n,)."""
    return _one_m_step(FixedResponsibilities(data, model, given, K))[0]


def _one_m_step(estep):
    """The parameters, and the counts (K,) that they are from."""
    statistics = estep.statistics(None)
    empty = np.flatnonzero(statistics.counts <= 0)
    if empty.size and estep.model.prior is None:
        raise ValueError(f"init gives no points to component(s) {empty.tolist()}; each needs some")
    return m_step(estep, statistics, None), statistics.counts
