"""The look of the book's figures: colours and markers of the components, and matplotlib's defaults.

The page shows through: backgrounds are transparent, text and axes are a middle grey, and every
colour has a contrast of at least 3:1 to white and to the book's dark page. A component has a
colour and a marker, so no figure depends on colour alone. `plot` hands these names on.
"""

from __future__ import annotations

import itertools
import os

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ._types import ArrayLike, Floats
from .inputs import as_count, as_points
from .narrow import drawn_for_the_page

ink = "#757575"
# Okabe and Ito's blue and vermilion, then four chosen to stay apart for colour-blind readers.
colors = ["#0072B2", "#D55E00", "#14A572", "#B77FAB", "#91552F", "#5D7A87"]
markers = ["o", "s", "^", "D", "v", "P", "X"]  # 7 and 6 have no common factor: 42 pairs


def use_style() -> None:
    """Set matplotlib's defaults for the book: text readable on a phone, sharp, no background."""
    mpl.rcParams.update(
        {
            "figure.figsize": (5.0, 3.6),
            "figure.dpi": 100,
            "savefig.dpi": 200,
            "savefig.pad_inches": 0.02,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "figure.constrained_layout.use": True,
            "font.family": "STIXGeneral",
            "mathtext.fontset": "stix",  # the book's type, which matplotlib brings along
            "font.size": 14,
            "axes.titlesize": 14,
            "axes.labelsize": 14,
            "xtick.labelsize": 13,
            "ytick.labelsize": 13,
            "legend.fontsize": 13,
            "legend.frameon": False,
            "legend.handlelength": 1.5,
            "text.color": ink,
            "axes.labelcolor": ink,
            "axes.edgecolor": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 1.0,
            "axes.prop_cycle": cycler(color=colors),
            "lines.linewidth": 2.0,
            "grid.color": ink,
            "grid.alpha": 0.25,
            "svg.hashsalt": "book",
        }
    )
    _sharp_in_notebooks()


def color(k: int) -> str:
    """The colour of component k."""
    return colors[as_count(k, "k", 0) % len(colors)]


def marker(k: int) -> str:
    """The marker of component k."""
    return markers[as_count(k, "k", 0) % len(markers)]


def mix(responsibilities: ArrayLike) -> Floats:
    """Colours of the components mixed in proportion to responsibilities: (n, K) to (n, 3)."""
    r = as_points(responsibilities, "responsibilities")
    palette = [to_rgb(c) for c in itertools.islice(itertools.cycle(colors), r.shape[1])]
    return np.clip(r @ np.array(palette), 0, 1)


def _sharp_in_notebooks():
    """Twice the pixels in a notebook, or what MIXLIB_FIGURES asks for: "page" for the book's site, "pdf" for print."""
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or "inline" not in plt.get_backend():
        return
    wanted = os.environ.get("MIXLIB_FIGURES", "retina")
    set_matplotlib_formats("retina" if wanted == "page" else wanted)
    if wanted == "page":
        shell.display_formatter.formatters["image/png"].for_type(Figure, drawn_for_the_page)
