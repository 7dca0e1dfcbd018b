"""`fit`: what the user asks for, checked, and what there is to warn of. The starts are run in `restarts`."""

from __future__ import annotations

import warnings
from numbers import Integral

import numpy as np

from . import inputs
from ._engine.data import Data
from ._engine.sources import Source, as_source
from ._engine.streamed import StreamedData
from ._engine.triangles import Singular
from ._types import ArrayLike, Callback, RandomState, Start
from .covariance import CONSTRAINTS
from .errors import ConvergenceWarning, EmptyComponentWarning, SingularFitError
from .model import Model
from .prior import InternalPrior, Prior
from .restarts import best_run
from .result import Fit
from .source_starts import source_starter
from .starts import starter


def fit(
    x: ArrayLike,
    n_components: int,
    *,
    covariance: str = "full",
    weights: str = "free",
    assignment: str = "soft",
    variance: float = 1.0,
    init: Start = "k-means++",
    n_init: int | str = 1,
    sample_weight: ArrayLike | None = None,
    prior: Prior | None = None,
    tol: float = 1e-5,
    max_iter: int = 1000,
    accelerate: bool = False,
    reseed: bool = False,
    random_state: RandomState = None,
    callback: Callback | None = None,
    verbose: bool | int = False,
) -> Fit:
    """Fit a Gaussian mixture by EM; `identity` + `equal` + `hard` is k-means.

    Parameters
    ----------
    x : (n, d) array, or a source of blocks
        The points, in any units. The array may be of another library, in main memory or on a device of
        its own; results are NumPy's all the same. Blocks of rows are read anew in every iteration from a path to
        a ``.npy`` file, from a `numpy.memmap`, from a function that returns a fresh iterator over
        arrays (b, d), or from a Dask array with chunks of whole rows (on the caller's scheduler).
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
        ``"k-means||"`` (which draws many at once, in few passes), ``"random"`` (distinct points),
        (K, d) means, (n,) integer labels, (n, K) responsibilities, or a `Mixture`. For a source of
        blocks all but ``"random"`` are drawn as k-means||. From means alone: equal weights, and the
        constraint's covariance of all the data. ``"k-means"``: the loop runs first as k-means from
        ``"local search"``, and its labels are the start. Where they depend on the units of the
        columns, short runs of the model decide between two partitions, and the better one is the
        start; of many points all this runs on a sample, and the model goes on there.
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
    reseed : bool
        For k-means (and for tied_spherical + equal + hard): move the mean of an empty component
        to the point that is farthest from its own. Without it an empty component stays where it is.
    random_state : int, numpy Generator or RandomState, or None
    callback : callable or None
        Called with each `Record` of the history as it is made. If it returns True, the start
        ends there, without a warning, and what it has reached is a result as any other. What
        it raises (KeyboardInterrupt too) ends the whole fit.
    verbose : bool or int
        If not 0, say of each start how it ended and with what objective; while a start takes more than a
        second, show a bar with its objective (needs tqdm).

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        On input that cannot be fitted; its subclass `SingularFitError` if a covariance
        collapses in every start.
    BlockError
        If a block of a source cannot be read.
    Interrupted
        On Ctrl-C (it is a KeyboardInterrupt), with the last finished iteration as its ``fit``.

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
    source = as_source(x)
    result, remarks = fit_quietly(
        inputs.as_points(x) if source is None else source.examine("x"),
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
        reseed=reseed,
        random_state=random_state,
        callback=callback,
        verbose=verbose,
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
    reseed,
    random_state,
    callback,
    verbose,
):
    """The fit to points that are checked, (n, d) or a source; and what `fit` has to warn of: (message, category) of each."""
    w = inputs.as_weights(sample_weight, len(x))
    K = inputs.as_components(n_components, len(x), w)
    constraint = CONSTRAINTS[inputs.as_choice(covariance, "covariance", CONSTRAINTS)]
    free = inputs.as_choice(weights, "weights", ("free", "equal")) == "free"
    hard = inputs.as_choice(assignment, "assignment", ("soft", "hard")) == "hard"
    sd = np.sqrt(inputs.as_number(variance, "variance", positive=True))
    tol, max_iter = inputs.as_number(tol, "tol", positive=False), inputs.as_count(max_iter, "max_iter", 0)
    n_starts = inputs.as_n_init(n_init, init)
    n_starts = n_starts if isinstance(init, str) else 1  # a given start leads to one result
    if prior is not None and not isinstance(prior, Prior):
        raise TypeError(f"prior must be a mixlib.Prior or None, got {type(prior).__name__}")
    accelerate, reseed = inputs.as_flag(accelerate, "accelerate"), inputs.as_flag(reseed, "reseed")
    verbose = verbose > 0 if isinstance(verbose, Integral) else inputs.as_flag(verbose, "verbose")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of a Record, or None, got {type(callback).__name__}")
    rng = inputs.as_generator(random_state)
    start = (source_starter if isinstance(x, Source) else starter)(init, x, K)

    model = Model(constraint, free, hard, sd)
    if reseed and not (hard and model.only_means_differ):
        raise ValueError(
            "reseed=True is for k-means: covariance='identity' (or 'tied_spherical'), weights='equal', assignment='hard'"
        )
    data = (StreamedData if isinstance(x, Source) else Data)(x, w, constraint, may_be_singular=prior is not None)
    if prior is not None:
        model = model._replace(prior=InternalPrior(prior, data, constraint, K))
    try:
        best = best_run(
            data,
            model,
            K,
            lambda: start(data, model, K, rng),
            n_starts,
            tol=tol,
            max_iter=max_iter,
            accelerate=accelerate,
            reseeding=reseed,
            callback=callback,
            verbose=verbose,
        )
    except Singular as failure:
        collapsed = SingularFitError(collapse(failure.index, constraint, covariance))
        collapsed.mixture = failure.last.mixture if failure.last and n_starts == 1 else None
        raise collapsed from None
    remarks = []
    if not (best.converged or best.stopped or tol == 0):
        said = f"the loop reached max_iter={max_iter} before it converged; raise max_iter or tol"
        remarks.append((said, ConvergenceWarning))
    if best.empty.size:
        said = f"component(s) {best.empty.tolist()} of {K} hold no points; fewer components, or another start, may serve better"
        remarks.append((said, EmptyComponentWarning))
    return Fit(data, model, best), remarks


def collapse(index, constraint, covariance):
    """Words for a covariance that became singular."""
    whose = "the shared covariance" if constraint.shared else f"the covariance of component {index}"
    return (
        f"{whose} ({covariance!r}) became singular: the likelihood is unbounded there. "
        "Use fewer components, a simpler or shared covariance, another start, or prior=mixlib.Prior()"
    )
