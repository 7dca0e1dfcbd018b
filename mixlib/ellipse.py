"""A normal density in the plane whose covariance the reader drags (chapter 1).

Python hands over the numbers it opens with and draws a still picture; the rest is
`book/_static/covariance-ellipse`, whose formulas the tests hold against NumPy's.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from . import style
from ._types import ArrayLike
from .element import element, short
from .inputs import as_numbers

SIDE, REACH = 480, 4  # of the picture, in its own units and in the plane's
LARGEST, FARTHEST = 3.6, 3.8  # eigenvalue whose ellipses are inside it, and coordinate of a point
SAID = "Ellipses at Mahalanobis distance 1 and 2 from the mean, and a circle around the mean through a point x."


class CovarianceEllipse:
    """An element of the page: the ellipses delta = 1 and 2 of a normal density with mean 0, and a point.

    Parameters
    ----------
    covariance : (2, 2) array
        Sigma, symmetric and positive definite, with eigenvalues up to 3.6.
    x : (2,) array
        A point within 3.8 of the mean in each coordinate.

    Raises
    ------
    ValueError
        If the shapes are others, Sigma is not a covariance, or something would lie outside the picture.
    """

    def __init__(self, covariance: ArrayLike, x: ArrayLike) -> None:
        self.covariance, self.x = as_numbers(covariance, "covariance"), as_numbers(x, "x")
        if self.covariance.shape != (2, 2) or self.x.shape != (2,):
            raise ValueError(
                f"covariance must have shape (2, 2) and x shape (2,), not {self.covariance.shape} and {self.x.shape}"
            )
        if not np.array_equal(self.covariance, self.covariance.T) or np.linalg.eigvalsh(self.covariance)[0] <= 0:
            raise ValueError("covariance must be symmetric and positive definite")
        largest = np.linalg.eigvalsh(self.covariance)[1]
        if largest > LARGEST or not np.abs(self.x).max() <= FARTHEST:
            raise ValueError(
                f"the picture holds eigenvalues up to {LARGEST} and coordinates up to {FARTHEST}, got {largest:.3g} and "
                f"x = {self.x.tolist()}"
            )

    def data(self) -> dict[str, Any]:
        """What the script reads."""
        (a, b), (_, c) = self.covariance
        return {"covariance": short([a, b, c]), "x": short(self.x), "colors": style.colors}

    def _repr_html_(self) -> str:
        return element("covariance-ellipse", self.data(), self._still(), description=SAID)

    def __repr__(self) -> str:
        return f"CovarianceEllipse({self.covariance.tolist()}, {self.x.tolist()})"

    def _still(self):
        """The two ellipses, the circle around the mean through x, and x."""
        turn = np.linspace(0, 2 * np.pi, 73)[:-1]
        circle = np.stack([np.cos(turn), np.sin(turn)])
        ellipse = np.linalg.cholesky(self.covariance) @ circle
        curves = [(ellipse, style.colors[1], ""), (2 * ellipse, style.colors[1], "")]
        curves += [(np.linalg.norm(self.x) * circle, style.colors[0], ' stroke-dasharray="6 5"')]
        ink = [
            f'<polygon points="{" ".join(f"{u},{v}" for u, v in _place(curve.T))}" fill="none" '
            f'stroke="{color}" stroke-width="2.5"{dashes}/>'
            for curve, color, dashes in curves
        ]
        ((u, v),) = _place(self.x[None])
        delta = np.linalg.norm(np.linalg.solve(np.linalg.cholesky(self.covariance), self.x))
        said = escape(
            f"{SAID} Its Euclidean distance is {np.linalg.norm(self.x):.3g}, its Mahalanobis distance {delta:.3g}."
        )
        return (
            f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{said}">{"".join(ink)}'
            f'<circle cx="{u}" cy="{v}" r="8" fill="{style.colors[0]}"/></svg>'
            f"<noscript><p>{said} Dragging needs JavaScript.</p></noscript>"
        )


def _place(points):
    return (SIDE / 2 + SIDE / (2 * REACH) * points * [1, -1]).round(1).tolist()
