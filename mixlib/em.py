"""The one loop: E-step, M-step, until nothing changes. k-means is a setting of it (chapter 5)."""

import warnings
from typing import NamedTuple

import numpy as np

from . import inputs, seeding
from .blocks import Data
from .covariance import CONSTRAINTS, Singular
from .errors import ConvergenceWarning, EmptyComponentWarning, SingularFitError
from .estep import Given, e_step
from .mixture import Mixture
from .model import Model, Parameters
from .mstep import m_step
from .prior import BoundPrior, Prior
from .result import Fit, Record


def fit(x, n_components, *, covariance="full", weights="free", assignment="soft", variance=1.0,
        init="k-means++", n_init=1, sample_weight=None, prior=None, tol=1e-8, max_iter=1000,
        random_state=None, callback=None):
    """Fit a Gaussian mixture by EM; `identity` + `equal` + `hard` is k-means.

    Parameters
    ----------
    x : (n, d) array
        The points, in any units.
    n_components : int
        K, from 1 to n.
    covariance : str
        ``"identity"`` (Sigma = variance * I, given), ``"tied_spherical"``, ``"spherical"``,
        ``"tied_diag"``, ``"diag"``, ``"tied"`` or ``"full"``.
    weights : ``"free"`` or ``"equal"``
    assignment : ``"soft"`` (responsibilities) or ``"hard"`` (the largest one)
    variance : float > 0
        sigma^2 of ``covariance="identity"``, in squared units of x.
    init : str, array or Mixture
        ``"k-means++"``, ``"random"`` (distinct points), (K, d) means, (n,) integer labels,
        (n, K) responsibilities, or a `Mixture`. From means alone: equal weights, and the
        constraint's covariance of all the data.
    n_init : int
        Number of starts; the best objective wins, the first among equals.
    sample_weight : (n,) array or None
        A weight w has the effect of w copies of the point.
    prior : Prior or None
        With a prior, the fit maximises the posterior and cannot collapse.
    tol : float >= 0
        A soft fit has converged when the objective gains at most `tol` a point in an
        iteration; a hard one when no label changes. ``tol=0`` asks for exactly `max_iter`
        iterations, without a warning (a hard fit whose labels repeat ends sooner).
    max_iter : int >= 0
    random_state : int, numpy Generator or None
    callback : callable or None
        Called with each `Record` of the history as it is made.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        On input that cannot be fitted; its subclass `SingularFitError` if a covariance
        collapses in every start.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` is reached first.
    EmptyComponentWarning
        If a component of the result holds no points.

    Notes
    -----
    Chapters 4 and 5. Dempster, Laird and Rubin (1977); Lloyd (1982); Celeux and Govaert (1992).

    Examples
    --------
    >>> x = [[0.0], [1.0], [10.0], [11.0]]
    >>> kmeans = fit(x, 2, covariance="identity", weights="equal", assignment="hard", init=[[0.0], [1.0]])
    >>> kmeans.labels.tolist(), kmeans.mixture.means[:, 0].tolist(), kmeans.inertia
    ([0, 0, 1, 1], [0.5, 10.5], 1.0)
    """
    x = inputs.as_points(x)
    w = inputs.as_weights(sample_weight, len(x))
    K = inputs.as_components(n_components, len(x), w)
    constraint = CONSTRAINTS[inputs.as_choice(covariance, "covariance", CONSTRAINTS)]
    free = inputs.as_choice(weights, "weights", ("free", "equal")) == "free"
    hard = inputs.as_choice(assignment, "assignment", ("soft", "hard")) == "hard"
    sd = np.sqrt(inputs.as_number(variance, "variance", positive=True))
    tol, max_iter = inputs.as_number(tol, "tol", positive=False), inputs.as_count(max_iter, "max_iter", 0)
    n_init = inputs.as_count(n_init, "n_init", 1)
    if prior is not None and not isinstance(prior, Prior):
        raise TypeError(f"prior must be a mixlib.Prior or None, got {type(prior).__name__}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of a Record, or None, got {type(callback).__name__}")
    rng = inputs.as_generator(random_state)
    start = _starter(init, x, K)

    data = Data(x, w, constraint, regular=prior is not None)
    model = Model(constraint, free, hard, sd)
    if prior is not None:
        model = model._replace(prior=BoundPrior(prior, data, constraint, K))
    best = failure = None
    for _ in range(n_init):
        try:
            run = _run(data, model, start(data, model, K, rng), tol, max_iter, callback)
        except Singular as error:
            failure = error
            continue
        if best is None or run.merit > best.merit + 1e-9 * max(abs(best.merit), abs(run.merit)):
            best = run
        if not isinstance(init, str):
            break                                   # a given start leads to one result
    if best is None:
        raise SingularFitError(_collapse(failure.index, constraint, covariance)) from None
    if not best.converged and tol > 0:
        warnings.warn(f"the loop reached max_iter={max_iter} before it converged; raise max_iter or tol",
                      ConvergenceWarning, stacklevel=2)
    result = Fit(data, model, best)
    if best.empty.size:
        warnings.warn(f"component(s) {best.empty.tolist()} of {K} hold no points; fewer components, or another "
                      "start, may serve better", EmptyComponentWarning, stacklevel=2)
    return result


class Run(NamedTuple):
    """Where one start led."""

    history: list
    merit: float
    converged: bool
    empty: np.ndarray
    labels: np.ndarray | None


def _run(data, model, params, tol, max_iter, callback):
    """Iterate from `params`; every record holds parameters and their own objective."""
    history, converged, before, step = [], False, None, None
    while True:
        step = e_step(data, model, params, step)
        sums = step.sums()
        record = Record(len(history), data, model, params, sums.objective)
        history.append(record)
        if callback is not None:
            callback(record)
        merit = sums.merit if model.prior is None else record.objective
        if before is not None:
            converged = sums.moved == 0 if model.hard else tol > 0 and merit - before <= tol * data.total
        if converged or len(history) > max_iter:
            empty = np.flatnonzero(sums.counts <= data.nothing)
            return Run(history, merit, bool(converged), empty, step.labels)
        before = merit
        params = m_step(step, sums, params)


def _starter(init, x, K):
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
        divisor = np.array([shape.per_count(data.d) * data.total])
        try:
            factors = shape.factor(data.scatter(), divisor, data.d, data.floor)
        except Singular:
            if model.prior is None:
                raise
            factors = shape.factor(data.scatter() + data.total * model.prior.scale, divisor, data.d, data.floor)
        factors = np.repeat(factors, 1 if model.constraint.shared else K, axis=0)
    return Parameters(np.full(K, 1 / K), data.frame.inward(centres).T.copy(), factors, centres)


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
        factors = data.frame.factors_inward(shape, shape.from_covariances(covariances))
    return Parameters(weights, data.frame.inward(mixture.means).T.copy(), factors, mixture.means.copy())


def _from_responsibilities(data, model, r):
    """One M-step."""
    step = Given(data, model, r)
    sums = step.sums()
    empty = np.flatnonzero(sums.counts <= 0)
    if empty.size and model.prior is None:
        raise ValueError(f"init gives no points to component(s) {empty.tolist()}; each needs some")
    return m_step(step, sums, None)


def _collapse(index, constraint, covariance):
    whose = "the shared covariance" if constraint.shared else f"the covariance of component {index}"
    return (f"{whose} became singular with covariance={covariance!r}: the likelihood is unbounded there. "
            "Use fewer components, a simpler or shared covariance, another start, or prior=mixlib.Prior()")
