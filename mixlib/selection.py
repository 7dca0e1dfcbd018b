"""The number of components and the constraint, chosen by a criterion."""

import warnings
from typing import NamedTuple

import numpy as np

from ._engine.sources import as_source
from .covariance import CONSTRAINTS
from .criteria import aic, bic, icl
from .em import fit
from .errors import EmptyComponentWarning, SingularFitError, TooFewPointsError
from .inputs import as_choice, as_count, as_points, as_weights, n_points
from .result import Fit

CRITERIA = {"aic": aic, "bic": bic, "icl": icl}
ESTIMATED = tuple(name for name, constraint in CONSTRAINTS.items() if not constraint.fixed)


class Selection(NamedTuple):
    """Every model that was tried, and the best."""

    best: Fit  # the fit with the smallest criterion
    covariance: str  # its constraint
    n_components: int  # its K
    criterion: str  # "bic", "icl" or "aic"
    covariances: tuple  # the constraints tried
    components: tuple  # the numbers of components tried
    values: np.ndarray  # (constraints, numbers): the criterion; inf where no start could be fitted


def select(x, components=range(1, 10), covariances=ESTIMATED, *, criterion="bic", progress=True, **settings):
    """Fit every pair of a constraint and a number of components, and keep the best.

    Parameters
    ----------
    x : (n, d) array, or a source of blocks as in `fit`
    components : iterable of int
        Numbers of components to try.
    covariances : iterable of str
        Constraints to try, by default all six that estimate a covariance.
    criterion : ``"bic"``, ``"icl"`` or ``"aic"``
        Smaller is better; the first of equals is kept.
    progress : bool
        Show a progress bar (needs tqdm; without it none is shown).
    **settings
        Passed on to `mixlib.fit`: ``n_init``, ``random_state``, ``prior``, ``sample_weight``, ...
        By default ``init="k-means"`` and ``accelerate=True``.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        If nothing is to be tried, a name is unknown, or no model could be fitted.

    Notes
    -----
    A model whose every start collapses, or with more components than points, counts as
    infinitely bad. Schwarz (1978); Biernacki,
    Celeux and Govaert (2000); Fraley and Raftery (2007).

    Examples
    --------
    >>> from mixlib import datasets
    >>> chosen = select(datasets.old_faithful().x, [1, 2, 3], ["tied", "full"], progress=False, random_state=0)
    >>> chosen.covariance, chosen.n_components
    ('tied', 3)
    """
    source = as_source(x)
    x = as_points(x) if source is None else source.examine("x")
    components = tuple(as_count(K, "each number of components", 1) for K in _each(components, "components"))
    covariances = tuple(as_choice(name, "each covariance", CONSTRAINTS) for name in _each(covariances, "covariances"))
    evaluate = CRITERIA[as_choice(criterion, "criterion", CRITERIA)]
    if not components or not covariances:
        raise ValueError(f"nothing to try: {len(covariances)} covariances and {len(components)} numbers of components")
    most = n_points(len(x), as_weights(settings.get("sample_weight"), len(x)))
    settings = {"init": "k-means", "accelerate": True, **settings}
    values, best = np.full((len(covariances), len(components)), np.inf), None
    pairs = [(row, column) for row in range(len(covariances)) for column in range(len(components))]
    for row, column in _bar(pairs) if progress else pairs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EmptyComponentWarning)  # the criterion judges such fits
            if components[column] > most:
                continue
            try:
                tried = fit(x, components[column], covariance=covariances[row], **settings)
            except (SingularFitError, TooFewPointsError):
                continue
        values[row, column] = evaluate(tried)
        if best is None or values[row, column] < values[best[1], best[2]]:
            best = tried, row, column
    if best is None:
        raise ValueError(
            f"none of the {len(pairs)} models could be fitted: every start collapsed. Try fewer "
            "components, simpler covariances, or prior=mixlib.Prior()"
        )
    tried, row, column = best
    return Selection(tried, covariances[row], components[column], criterion, covariances, components, values)


def _each(values, name):
    try:
        return tuple(values)
    except TypeError:
        raise TypeError(f"{name} must be a list, a tuple or a range, got {type(values).__name__}") from None


def _bar(pairs):
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return pairs
    return tqdm(pairs, desc="models", leave=False)
