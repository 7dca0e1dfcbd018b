"""The slider of the book: soft k-means followed from a large variance down to k-means itself.

Python does the mathematics (`annealing`) and hands over numbers; `book/_static/variance-slider/element.js`
draws them. Chapter 5; Rose (1998).
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from . import style
from ._types import ArrayLike, RandomState
from .annealing import Frame, anneal, critical_variance
from .element import MARKS, drawn_centres, drawn_points, element, short
from .inputs import as_plane

__all__ = ["Frame", "VarianceSlider", "anneal", "critical_variance", "variance_slider"]

WIDTH, PAD = 640, 24  # of the picture, in units of its own
LEGEND = (
    "Each point has a mixture of the components' colours, in proportion to its responsibilities. "
    "Large marks are the centres, with the way they came."
)


class VarianceSlider:
    """Frames of `anneal` as an element of the page, with a picture and a table where no script runs.

    It opens at the middle frame, where the points already have mixed colours.

    Parameters
    ----------
    x : (n, 2) array
    frames : list of Frame
    description : str
        What the points are, for readers who cannot see them.
    """

    def __init__(self, x: ArrayLike, frames: Iterable[Frame], description: str) -> None:
        self.x = as_plane(x, "x")
        self.frames, self.description = list(frames), description
        self.critical = critical_variance(self.x)
        self.opening = len(self.frames) // 2
        self.view = _view(self.x)

    def data(self) -> dict[str, Any]:
        """What the script reads: plain lists of numbers of five significant digits."""
        return {
            "points": short(self.x),
            "colors": style.colors,
            "marks": MARKS,
            "view": self.view,
            "legend": LEGEND,
            "critical": short(self.critical),
            "opening": self.opening,
            "frames": [
                {
                    "variance": short(f.variance),
                    "means": short(f.means),
                    "inertia": short(f.inertia),
                    "softObjective": short(f.soft_objective),
                    "places": f.places,
                }
                for f in self.frames
            ],
        }

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{self._ratio(f)}</td><td>{f.places}</td><td>{f.inertia:.4g}</td>"
            f"<td>{f.soft_objective:.4g}</td></tr>"
            for f in self._few()
        )
        said = escape(f"{self.description} {LEGEND}")
        told = (
            f"<noscript><p>{said} The picture shows them at a variance of "
            f"{self._ratio(self.frames[self.opening])} times the critical one. "
            "The slider needs JavaScript; its numbers in short:</p>"
            '<table class="dataframe"><thead><tr><th><i>σ</i>² / <i>λ</i><sub>max</sub></th><th>distinct centres</th>'
            f"<th><i>J</i></th><th><i>J<sub>σ</sub></i></th></tr></thead><tbody>{rows}</tbody></table></noscript>"
        )
        return element("variance-slider", self.data(), self._still(said) + told, description=self.description)

    def __repr__(self) -> str:
        return f"VarianceSlider({len(self.x)} points, {len(self.frames)} frames)"

    def _still(self, said):
        """The opening frame as a drawing: points in mixed colours, and the centres with the way they came."""
        frame = self.frames[self.opening]
        ways = np.array([f.means for f in self.frames[: self.opening + 1]]).transpose(1, 0, 2)
        ink = drawn_points(self._place(self.x), _responsibilities(self.x, frame), 5)
        ink += [
            f'<polyline points="{" ".join(f"{a},{b}" for a, b in self._place(way))}" fill="none" '
            f'stroke="{style.color(k)}" stroke-width="2.5"/>'
            for k, way in enumerate(ways)
        ]
        ink += drawn_centres(self._place(frame.means), 11)
        return (
            f'<svg viewBox="0 0 {self.view["width"]} {self.view["height"]}" role="img" '
            f'aria-label="{said}">{"".join(ink)}</svg>'
        )

    def _place(self, x):
        """Points of the plane in the units of the picture, to a tenth."""
        view = self.view
        across, down = view["across"] * (x[:, 0] - view["left"]), view["down"] * (view["top"] - x[:, 1])
        return (view["pad"] + np.stack([across, down], axis=1)).round(1).tolist()

    def _ratio(self, frame):
        return f"{frame.variance / self.critical:.3g}" if frame.variance else "0 (k-means)"

    def _few(self):
        """The first and last frame, and every frame whose centres part or meet."""
        changed = [b for a, b in zip(self.frames, self.frames[1:]) if a.places != b.places]
        chosen = [self.frames[0], *changed, self.frames[-1]]
        return [f for i, f in enumerate(chosen) if not any(f is g for g in chosen[:i])]


def variance_slider(
    x: ArrayLike,
    n_components: int,
    description: str,
    variances: ArrayLike | None = None,
    random_state: RandomState = 0,
) -> VarianceSlider:
    """The slider for points in the plane: sigma^2 from large to small, and k-means at the end.

    Parameters are those of `anneal` and `VarianceSlider`; x must have shape (n, 2).

    Returns
    -------
    VarianceSlider
        Put it last in a cell. Its `frames` hold the numbers.

    Examples
    --------
    >>> x = [[0.0, 0.0], [0.0, 1.0], [6.0, 0.0], [6.0, 1.0]]
    >>> slider = variance_slider(x, 2, "Two pairs of points.", variances=[20.0, 1.0])
    >>> [frame.places for frame in slider.frames]
    [1, 2, 2]
    """
    x = as_plane(x, "x")
    return VarianceSlider(x, anneal(x, n_components, variances, random_state), description)


def _view(x):
    """Where the picture puts a point: pad + across * (u - left) to the right, pad + down * (top - v) down."""
    (left, bottom), (right, top) = x.min(axis=0), x.max(axis=0)
    width, height = (right - left) or 1.0, (top - bottom) or 1.0
    ratio = height / width
    drawn = ratio if 0.3 < ratio < 1.2 else 0.7  # else the axes get units of their own
    across = (WIDTH - 2 * PAD) / width
    return {
        "width": WIDTH,
        "height": round((WIDTH - 2 * PAD) * drawn + 2 * PAD),
        "pad": PAD,
        "left": short(left),
        "top": short(top),
        "across": short(across),
        "down": short(across * drawn / ratio),
    }


def _responsibilities(x, frame):
    """r_ik of equal weights and one covariance sigma^2 I; one-hot at the nearest centre where sigma^2 is 0."""
    distances = ((x[:, None] - frame.means) ** 2).sum(axis=2)
    if not frame.variance:
        return np.eye(len(frame.means))[distances.argmin(axis=1)]
    r = np.exp((distances.min(axis=1, keepdims=True) - distances) / (2 * frame.variance))
    return r / r.sum(axis=1, keepdims=True)
