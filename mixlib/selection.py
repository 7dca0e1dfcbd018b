"""The number of components and the constraint, chosen by a criterion."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from ._engine.sources import as_source
from ._types import ArrayLike, Floats
from .covariance import CONSTRAINTS
from .criteria import aic, bic, icl
from .em import fit
from .errors import EmptyComponentWarning, SingularFitError, TooFewPointsError
from .inputs import as_choice, as_count, as_generator, as_points, as_weights, n_points
from .progress import bar
from .result import Fit
from .tables import number, table

CRITERIA = {"aic": aic, "bic": bic, "icl": icl}
ESTIMATED = tuple(name for name, constraint in CONSTRAINTS.items() if not constraint.fixed)
SHOWN = 5  # of the best models


class Ranked(NamedTuple):
    """One of the models that were tried."""

    covariance: str
    n_components: int
    value: float  # the criterion
    behind: float  # how much larger than the best one's


class Selection(NamedTuple):
    """Every model that was tried, and the best."""

    best: Fit  # the fit with the smallest criterion
    covariance: str  # its constraint
    n_components: int  # its K
    criterion: str  # "bic", "icl" or "aic"
    covariances: tuple[str, ...]  # the constraints tried
    components: tuple[int, ...]  # the numbers of components tried
    values: Floats  # (constraints, numbers): the criterion; inf where no start could be fitted

    @property
    def ranking(self) -> list[Ranked]:
        """All models that could be fitted, the best first; print a Selection for the first few as a table."""
        order = np.argsort(self.values, axis=None, kind="stable")
        places = zip(*np.unravel_index(order, self.values.shape))
        least = self.values.min()
        return [
            Ranked(self.covariances[row], self.components[column], value, value - least)
            for row, column in places
            if np.isfinite(value := float(self.values[row, column]))
        ]

    def __str__(self) -> str:
        heads, rows = self._heads, self._rows(SHOWN)
        widths = [max(map(len, column)) for column in zip(heads, *rows)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in (heads, *rows)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        caption = f"The best of {self.values.size} models by {self.criterion.upper()}"
        return table(caption, self._heads, self._rows(SHOWN))

    @property
    def _heads(self):
        return "covariance", "components", self.criterion.upper(), "behind"

    def _rows(self, count):
        return [
            (model.covariance, str(model.n_components), number(model.value), number(model.behind))
            for model in self.ranking[:count]
        ]


def select(
    x: ArrayLike,
    components: Iterable[int] = range(1, 10),
    covariances: Iterable[str] = ESTIMATED,
    *,
    criterion: str = "bic",
    progress: bool = True,
    n_jobs: int = 1,
    **settings: Any,
) -> Selection:
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
    n_jobs : int
        Processes that share the models, -1 for as many as cores (needs joblib, which
        scikit-learn brings). The result does not depend on it. A single process already shares
        the blocks of large data among threads: processes help where n is small and models many.
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
    infinitely bad. Chapter 8; Schwarz (1978); Biernacki, Celeux and Govaert (2000); Fraley and Raftery (2007).

    Examples
    --------
    >>> from mixlib import datasets
    >>> chosen = select(datasets.old_faithful().x, [1, 2, 3], ["tied", "full"], progress=False, random_state=0)
    >>> chosen.covariance, chosen.n_components
    ('tied', 3)
    >>> [(model.covariance, model.n_components, round(model.behind)) for model in chosen.ranking[:3]]
    [('tied', 3, 0), ('full', 2, 8), ('tied', 2, 11)]
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
    pairs = [
        (row, column)
        for row in range(len(covariances))
        for column in range(len(components))
        if components[column] <= most
    ]
    seeds = _seeds(settings.pop("random_state", None), len(pairs))
    calls = [
        (x, components[column], {"covariance": covariances[row], "random_state": seed, **settings})
        for (row, column), seed in zip(pairs, seeds)
    ]
    results = zip(_shared(calls, n_jobs), pairs)
    for (tried, remarks), (row, column) in bar(results, desc="models", total=len(pairs)) if progress else results:
        for remark in remarks:
            warnings.warn(f"{covariances[row]}, {components[column]} components: {remark}", type(remark), stacklevel=2)
        if tried is None:
            continue
        values[row, column] = evaluate(tried)
        if best is None or values[row, column] < values[best[1], best[2]]:
            best = tried, row, column
    if best is None:
        raise ValueError(
            f"none of the {values.size} models could be fitted: every start collapsed. Try fewer "
            "components, simpler covariances, or prior=mixlib.Prior()"
        )
    tried, row, column = best
    return Selection(tried, covariances[row], components[column], criterion, covariances, components, values)


def _each(values, name):
    try:
        return tuple(values)
    except TypeError:
        raise TypeError(f"{name} must be a list, a tuple or a range, got {type(values).__name__}") from None


def _seeds(random_state, count):
    """One for each model, so that their order does not matter: a number is the same for all."""
    if random_state is None or isinstance(random_state, Integral):
        return [random_state] * count
    return as_generator(random_state).integers(2**63, size=count).tolist()


def _shared(calls, n_jobs):
    """What `_fit` makes of each call, in their order, by one process or by several."""
    if n_jobs == 1:
        return (_fit(*call) for call in calls)
    if n_jobs != -1:
        as_count(n_jobs, "n_jobs", 1)
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise ImportError("n_jobs needs joblib, which scikit-learn brings: pip install 'mixlib[estimators]'") from error
    return Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_fit)(*call) for call in calls)


def _fit(x, K, settings):
    """The fit, or None where every start collapses; and the warnings, but of empty components: the criterion judges them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = fit(x, K, **settings)
        except (SingularFitError, TooFewPointsError):
            found = None
    return found, [w.message for w in caught if not issubclass(w.category, EmptyComponentWarning)]
