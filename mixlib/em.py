"""The one loop: E-step, M-step, until nothing changes. k-means is a setting of it (chapter 5)."""

import warnings
from typing import NamedTuple

import numpy as np

from . import inputs
from ._engine.data import Data
from ._engine.triangles import Singular
from .covariance import CONSTRAINTS
from .errors import ConvergenceWarning, EmptyComponentWarning, SingularFitError
from .estep import e_step
from .model import Model
from .mstep import m_step
from .prior import InternalPrior, Prior
from .result import Fit, Record
from .starts import starter


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
    start = starter(init, x, K)

    data = Data(x, w, constraint, may_be_singular=prior is not None)
    model = Model(constraint, free, hard, sd)
    if prior is not None:
        model = model._replace(prior=InternalPrior(prior, data, constraint, K))
    best = failure = None
    for _ in range(n_init):
        try:
            run = _run(data, model, start(data, model, K, rng), tol, max_iter, callback)
        except Singular as error:
            failure = error
            continue
        if best is None or _better(run.objective, best.objective):
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
    objective: float               # the last one, up to constants
    converged: bool
    empty: np.ndarray              # components without points
    labels: np.ndarray | None      # (n,) of the last E-step, if hard


def _run(data, model, params, tol, max_iter, callback):
    """The loop: iterate from `params`; every record holds parameters and their own objective."""
    estep, history, converged, before = e_step(data, model), [], False, None
    while True:
        # (4.4) eq-e-step
        statistics = estep.statistics(params)
        record = Record(len(history), data, model, params, statistics.objective)
        history.append(record)
        if callback is not None:
            callback(record)
        objective = statistics.reduced_objective if model.prior is None else record.objective
        if before is not None:
            if model.hard:
                converged = statistics.n_changed == 0
            else:
                converged = tol > 0 and objective - before <= tol * data.total_weight
        if converged or len(history) > max_iter:
            empty = np.flatnonzero(statistics.counts <= data.negligible_weight)
            return Run(history, objective, bool(converged), empty, estep.labels)
        before = objective
        # (4.6) eq-m-weights, (4.10) eq-m-means, (4.11) eq-q-covariances
        params = m_step(estep, statistics, params)


def _better(objective, best):
    """By more than rounding."""
    return objective > best + 1e-9 * max(abs(best), abs(objective))


def _collapse(index, constraint, covariance):
    whose = "the shared covariance" if constraint.shared else f"the covariance of component {index}"
    return (f"{whose} became singular with covariance={covariance!r}: the likelihood is unbounded there. "
            "Use fewer components, a simpler or shared covariance, another start, or prior=mixlib.Prior()")
