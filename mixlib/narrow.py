"""Figures for a phone: panels that stand side by side on a page stand one below the other there.

The book's build asks for it with MIXLIB_FIGURES=page (`style.use_style`). Then a picture brings its second
drawing along, of the same data, as text in its own file. A notebook that a reader runs shows one.
"""

from __future__ import annotations

import pickle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text

NARROW = "narrow"  # the second drawing, a PNG in base64
LEAST = "least"  # the size of the smallest words, in pixels of the page


def drawn_for_the_page(figure: Figure) -> tuple[str, dict[str, int]] | None:
    """The figure as IPython's formatter wants it: a PNG of two pixels for one, in base64, and its size.

    In the file are the size of its smallest words and, where `turned` made one, the drawing for a phone.
    """
    from IPython.core.pylabtools import retina_figure

    said = {LEAST: str(smallest_words(figure))}
    other = turned(figure)
    if other is not None:
        said[NARROW] = retina_figure(other, base64=True, metadata={LEAST: str(smallest_words(other))})[0]
        plt.close(other)
    return retina_figure(figure, base64=True, metadata=said)


def smallest_words(figure: Figure) -> float:
    """The font size of the smallest text in sight, in pixels of the page; sub- and superscripts are smaller."""
    seen = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return min((float(text.get_fontsize()) for text in seen), default=14.0) * figure.dpi / 72


def turned(figure: Figure) -> Figure | None:
    """A copy of the figure with its panels one below the other, or None where they do not stand side by side.

    That is one row of panels, equally wide. The copy is as wide as the figure; its panels keep their
    height, or their shape where that is fixed.
    """
    specs = [ax.get_subplotspec() for ax in figure.axes]
    grid = specs[0].get_gridspec() if specs and specs[0] else None
    if grid is None or any(spec is None or spec.get_gridspec() is not grid for spec in specs):
        return None
    if grid.nrows > 1 or len(figure.axes) < 2 or np.ptp(np.asarray(grid.get_width_ratios(), float)) > 0:
        return None
    other = pickle.loads(pickle.dumps(figure))
    other.draw_without_rendering()
    boxes = [ax.get_window_extent() for ax in other.axes]
    around = [ax.get_tightbbox() for ax in other.axes]
    width = other.bbox.width - max(out.width - box.width for out, box in zip(around, boxes))
    heights = [width * box.height / box.width if shaped(ax) else box.height for ax, box in zip(other.axes, boxes)]
    words = max(out.height - box.height for out, box in zip(around, boxes))
    more = sum(heights) - max(box.height for box in boxes) + (len(heights) - 1) * words
    first, below = other.axes[0], GridSpec(len(heights), 1, figure=other, height_ratios=heights)
    for place, ax in enumerate(other.axes):
        ax.set_subplotspec(below[place])
        if ax.get_shared_y_axes().joined(ax, first):  # its numbers and words were for all
            ax.tick_params(labelleft=True)
            ax.set_ylabel(first.get_ylabel())
    other.set_figheight((other.bbox.height + more) / other.dpi)
    return other


def shaped(ax: Axes) -> bool:
    """Whether the panel has a shape of its own, whatever its size."""
    return ax.get_aspect() != "auto" or ax.get_box_aspect() is not None
