"""The book's laboratory: two settings of the loop on the same points, stepped side by side in the page.

Python hands over points, starts and settings, and draws a still picture; `book/_static/mixture-laboratory`
runs the loop of chapter 4 again in the reader's hands. The tests hold its iterates against `fit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from . import style
from ._types import ArrayLike, Floats
from .covariance import CONSTRAINTS
from .element import MARKS, drawn_centres, drawn_points, element, short
from .em import fit
from .inputs import as_choice, as_means, as_number, as_plane
from .mixture import Mixture
from .result import Fit

SIDE, PAD = 480, 28  # of a still picture
CHOICES = {"covariance": CONSTRAINTS, "weights": ("free", "equal"), "assignment": ("soft", "hard")}


class Experiment(NamedTuple):
    """Points, a start, and the two settings to compare."""

    title: str
    x: np.ndarray  # (n, 2)
    means: np.ndarray  # (K, 2), where both programs start
    variance: float  # sigma^2: of the start of both, and of covariance="identity"
    a: tuple  # (covariance, weights, assignment) of program A
    b: tuple  # the same of program B


def experiment(
    title: str, x: ArrayLike, means: Sequence[Any] | Floats, variance: float, a: Iterable[str], b: Iterable[str]
) -> Experiment:
    """An `Experiment`, its numbers checked, and rounded to the five digits that the page gets.

    Parameters
    ----------
    title : str
        What the reader chooses it by.
    x : (n, 2) array
    means : (K, 2) array
        Where both programs start: with equal weights and covariance `variance` times I.
    variance : float > 0
        In squared units of x.
    a, b : (covariance, weights, assignment)
        As for `mixlib.fit`.

    Returns
    -------
    Experiment

    Raises
    ------
    ValueError
        If the shapes do not fit, or a setting has no name.
    """
    x = np.array(short(as_plane(x, "x")))
    means = np.array(short(as_means(means, len(means), 2)))
    return Experiment(
        title, x, means, as_number(variance, "variance", positive=True), _setting(a, "a"), _setting(b, "b")
    )


def _setting(names, program):
    """The three names of a setting, checked."""
    names = tuple(names)
    if len(names) != len(CHOICES):
        raise ValueError(f"{program} must name {', '.join(CHOICES)}, got {names}")
    return tuple(as_choice(name, choice, known) for name, (choice, known) in zip(names, CHOICES.items()))


def run(given: Experiment, setting: Iterable[str], **options: Any) -> Fit:
    """What `fit` makes of an experiment under one of its settings; the page's loop does the same."""
    K = len(given.means)
    start = Mixture(np.full(K, 1 / K), given.means, np.tile(given.variance * np.eye(2), (K, 1, 1)))
    options |= dict(zip(CHOICES, setting))
    return fit(given.x, K, variance=given.variance, init=start, **options)


class Laboratory:
    """An element of the page: the experiments to choose from, the first one opened.

    Parameters
    ----------
    experiments : list of Experiment
    description : str
        What it shows, for readers who cannot see it.
    compact : bool
        Without the choice of points and the map of methods, for use inside a chapter.
    step : int
        The iteration at which it opens, and which the still picture shows.
    """

    def __init__(
        self, experiments: Iterable[Experiment], description: str, compact: bool = False, step: int = 0
    ) -> None:
        self.experiments, self.description = list(experiments), description
        self.compact, self.step = compact, step

    def data(self) -> dict[str, Any]:
        """What the script reads."""
        sets = [
            {
                "title": e.title,
                "points": short(e.x),
                "means": short(e.means),
                "variance": short(e.variance),
                "A": dict(zip(CHOICES, e.a)),
                "B": dict(zip(CHOICES, e.b)),
            }
            for e in self.experiments
        ]
        return {"sets": sets, "colors": style.colors, "marks": MARKS, "open": {"set": 0, "t": self.step}}

    def _repr_html_(self) -> str:
        told = (
            f"<noscript><p>{escape(self.description)} The picture shows both programs after {self.step} iterations. "
            "The laboratory needs JavaScript.</p></noscript>"
        )
        return element(
            "mixture-laboratory",
            self.data(),
            self._still() + told,
            description=self.description,
            **({"compact": ""} if self.compact else {}),
        )

    def __repr__(self) -> str:
        return f"Laboratory({len(self.experiments)} experiments, opened at iteration {self.step})"

    def _still(self):
        """Both programs of the first experiment after `step` iterations, side by side."""
        given = self.experiments[0]
        ink = "".join(
            f'<g transform="translate({SIDE * number} 0)">{_drawn(given, setting, self.step)}</g>'
            for number, setting in enumerate((given.a, given.b))
        )
        return f'<svg viewBox="0 0 {2 * SIDE} {SIDE}" role="img" aria-label="{escape(self.description)}">{ink}</svg>'


def _drawn(given, setting, step):
    now = run(given, setting, tol=0, max_iter=step)
    low, high = given.x.min(axis=0), given.x.max(axis=0)
    scale = (SIDE - 2 * PAD) / max((high - low).max(), np.finfo(float).tiny)

    def place(points):
        return (SIDE / 2 + scale * (points - (low + high) / 2) * [1, -1]).round(1).tolist()

    return "".join(drawn_points(place(given.x), now.responsibilities, 4) + drawn_centres(place(now.mixture.means), 9))
