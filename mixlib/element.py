"""Custom elements of the page: the numbers that a script reads, and a drawing for where none runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from . import style
from ._types import ArrayLike

MARKS = [  # circle, square, triangle, diamond, of size 1
    "M-1,0a1,1,0,1,0,2,0a1,1,0,1,0,-2,0z",
    "M-.9,-.9h1.8v1.8h-1.8z",
    "M0,-1.2L1.1,.8H-1.1z",
    "M0,-1.3L1.3,0L0,1.3L-1.3,0z",
]


def element(name: str, data: Any, inside: str, **attributes: str) -> str:
    """A custom element: the numbers that its script reads, and what shows where no script runs."""
    # "<" must not end the script, and "&" must not be read as an entity.
    numbers = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        numbers = numbers.replace(character, f"\\u{ord(character):04x}")
    said = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f'<{name}{said}><script type="application/json">{numbers}</script>{inside}</{name}>'


def short(value: Any) -> Any:
    """Numbers as short as a picture needs them."""
    return [short(v) for v in value] if np.ndim(value) else float(f"{float(value):.5g}")


def drawn_points(places: Iterable[Any], responsibilities: ArrayLike, radius: float) -> list[str]:
    """Circles at `places`, (n, 2), in the components' colours, mixed in proportion to responsibilities."""
    fills = ("#" + "".join(f"{round(255 * c):02x}" for c in color) for color in style.mix(responsibilities).tolist())
    return [f'<circle cx="{a}" cy="{b}" r="{radius}" fill="{fill}"/>' for (a, b), fill in zip(places, fills)]


def drawn_centres(places: Iterable[Any], size: float) -> list[str]:
    """The components' marks at `places`, (K, 2)."""
    return [
        f'<path d="{MARKS[k % len(MARKS)]}" transform="translate({a} {b}) scale({size})" fill="{style.color(k)}" '
        'stroke="#fff" stroke-width=".3"/>'
        for k, (a, b) in enumerate(places)
    ]
