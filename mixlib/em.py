"""`fit`: what the user asks for, checked; the starts, run; the best result, returned."""

import warnings
from contextlib import nullcontext

import numpy as np

from . import inputs
from ._engine.data import Data
from ._engine.threads import one_blas_thread
from ._engine.triangles import Singular
from .covariance import CONSTRAINTS
from .errors import ConvergenceWarning, EmptyComponentWarning, SingularFitError
from .estep import e_step
from .loop import better, run
from .model import Model
from .prior import InternalPrior, Prior
from .result import Fit
from .starts import starter

WIDE = 128  # columns from which BLAS keeps its threads
TINY = 1 << 17  # multiplications of a product that BLAS does on one thread by itself


def fit(
    x,
    n_components,
    *,
    covariance="full",
    weights="free",
    assignment="soft",
    variance=1.0,
    init="k-means++",
    n_init=1,
    sample_weight=None,
    prior=None,
    tol=1e-5,
    max_iter=1000,
    accelerate=False,
    random_state=None,
    callback=None,
):
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
        ``"k-means++"``, ``"greedy k-means++"`` (of several candidates for a mean the one that
        helps most), ``"local search"`` (these, and then means exchanged for other candidates),
        ``"random"`` (distinct points), (K, d) means, (n,) integer labels, (n, K)
        responsibilities, or a `Mixture`. From means alone: equal weights, and the constraint's
        covariance of all the data. ``"k-means"``: the loop runs first as k-means from
        ``"local search"``, and its labels are the start; of many points this, and some iterations
        of the model after it, run on a sample.
    n_init : int or ``"auto"``
        Number of starts; the best objective wins, the first among equals. ``"auto"``: 10 for
        ``init="random"``, else 1.
    sample_weight : (n,) array or None
        A weight w has the effect of w copies of the point.
    prior : Prior or None
        With a prior, the fit maximises the posterior and cannot collapse.
    tol : float >= 0
        A soft fit has converged when at most `tol` of objective a point is left to gain, by
        Aitken's estimate of the limit; a hard one when no label changes. ``tol=0`` asks for
        exactly `max_iter` iterations, without a warning (a hard fit whose labels repeat ends
        sooner).
    max_iter : int >= 0
    accelerate : bool
        Let every third iteration of a soft fit be a jump to where many more would lead
        (SQUAREM), if the objective does not fall there. It may end in another optimum than
        plain EM from the same start.
    random_state : int, numpy Generator or None
    callback : callable or None
        Called with each `Record` of the history as it is made; if it returns True, the loop
        ends there.

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
    Chapters 4 and 5. Dempster, Laird and Rubin (1977); Lloyd (1982); Celeux and Govaert (1992);
    Boehning et al. (1994) on the end; Varadhan and Roland (2008) on acceleration.

    Examples
    --------
    >>> x = [[0.0], [1.0], [10.0], [11.0]]
    >>> kmeans = fit(x, 2, covariance="identity", weights="equal", assignment="hard", init=[[0.0], [1.0]])
    >>> kmeans.labels.tolist(), kmeans.mixture.means[:, 0].tolist(), kmeans.inertia
    ([0, 0, 1, 1], [0.5, 10.5], 1.0)
    """
    result, remarks = fit_quietly(
        x,
        n_components,
        covariance=covariance,
        weights=weights,
        assignment=assignment,
        variance=variance,
        init=init,
        n_init=n_init,
        sample_weight=sample_weight,
        prior=prior,
        tol=tol,
        max_iter=max_iter,
        accelerate=accelerate,
        random_state=random_state,
        callback=callback,
    )
    for message, category in remarks:
        warnings.warn(message, category, stacklevel=2)
    return result


def fit_quietly(
    x,
    n_components,
    *,
    covariance,
    weights,
    assignment,
    variance,
    init,
    n_init,
    sample_weight,
    prior,
    tol,
    max_iter,
    accelerate,
    random_state,
    callback=None,
):
    """The fit, and what `fit` has to warn of: (message, category) of each."""
    x = inputs.as_points(x)
    w = inputs.as_weights(sample_weight, len(x))
    K = inputs.as_components(n_components, len(x), w)
    constraint = CONSTRAINTS[inputs.as_choice(covariance, "covariance", CONSTRAINTS)]
    free = inputs.as_choice(weights, "weights", ("free", "equal")) == "free"
    hard = inputs.as_choice(assignment, "assignment", ("soft", "hard")) == "hard"
    sd = np.sqrt(inputs.as_number(variance, "variance", positive=True))
    tol, max_iter = inputs.as_number(tol, "tol", positive=False), inputs.as_count(max_iter, "max_iter", 0)
    n_init = inputs.as_n_init(n_init, init)
    if prior is not None and not isinstance(prior, Prior):
        raise TypeError(f"prior must be a mixlib.Prior or None, got {type(prior).__name__}")
    if not isinstance(accelerate, (bool, np.bool_)):
        raise TypeError(f"accelerate must be True or False, got {accelerate!r}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of a Record, or None, got {type(callback).__name__}")
    rng = inputs.as_generator(random_state)
    start = starter(init, x, K)

    data = Data(x, w, constraint, may_be_singular=prior is not None)
    model = Model(constraint, free, hard, sd)
    if prior is not None:
        model = model._replace(prior=InternalPrior(prior, data, constraint, K))
    best = failure = None
    # BLAS's threads help products of large matrices, get in each other's way in small ones, and leave tiny ones alone
    tiny = data.n * K * (1 + data.d) ** (2 if data.per_component else 1) <= TINY
    with nullcontext() if data.d >= WIDE or tiny else one_blas_thread():
        for _ in range(n_init):
            try:
                found = run(
                    e_step(data, model),
                    start(data, model, K, rng),
                    tol=tol,
                    max_iter=max_iter,
                    accelerate=accelerate,
                    callback=callback,
                )
            except Singular as error:
                failure = error
                continue
            if better(found, best):
                best = found
            if not isinstance(init, str):
                break  # a given start leads to one result
    if best is None:
        error = SingularFitError(_collapse(failure.index, constraint, covariance))
        error.mixture = failure.last.mixture if failure.last and n_init == 1 else None
        raise error from None
    remarks = []
    if not (best.converged or best.stopped or tol == 0):
        remarks.append(
            (f"the loop reached max_iter={max_iter} before it converged; raise max_iter or tol", ConvergenceWarning)
        )
    if best.empty.size:
        remarks.append(
            (
                f"component(s) {best.empty.tolist()} of {K} hold no points; fewer components, or another "
                "start, may serve better",
                EmptyComponentWarning,
            )
        )
    return Fit(data, model, best), remarks


def _collapse(index, constraint, covariance):
    whose = "the shared covariance" if constraint.shared else f"the covariance of component {index}"
    return (
        f"{whose} ({covariance!r}) became singular: the likelihood is unbounded there. "
        "Use fewer components, a simpler or shared covariance, another start, or prior=mixlib.Prior()"
    )
