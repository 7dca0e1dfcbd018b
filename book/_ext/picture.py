"""The README's picture: the same points under two settings of the loop, drawn by mixlib.plot.

`make picture` writes it. Its text is a middle grey and its background transparent, so that it
reads on a light and on a dark page.
"""

import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np

import mixlib
from mixlib import plot

PICTURE = Path(__file__).resolve().parents[2] / ".github" / "picture.svg"
PANELS = {  # what stands above each half, and its setting
    "k-means": {"covariance": "identity", "weights": "equal", "assignment": "hard"},
    "Gaussian mixture": {"covariance": "full", "weights": "free", "assignment": "soft"},
}


def draw():
    """The figure: the two panels side by side."""
    plot.use_style()
    figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.7), sharex=True, sharey=True)
    draw_panels(axes)
    return figure


def draw_panels(axes):
    """Points of a wide, a small and a long component; both fits start from the same three means."""
    long = [[2.9, -1.0], [-1.0, 0.45]]
    truth = mixlib.Mixture(
        [0.55, 0.15, 0.3], [[0.0, 0.0], [2.9, 0.8], [1.0, 3.2]], [1.1 * np.eye(2), 0.25 * np.eye(2), long]
    )
    x, _ = truth.sample(220, 3)
    for ax, (name, setting) in zip(axes, PANELS.items()):
        fit = mixlib.fit(x, 3, init=[[3.0, 2.0], [3.0, 1.0], [2.0, 1.0]], **setting)
        plot.points(ax, x, responsibilities=fit.responsibilities, s=16)
        plot.regions(ax, fit.mixture, n=100)
        if setting["assignment"] == "soft":
            plot.ellipses(ax, fit.mixture)
        plot.path(ax, fit, marker="none")
        ax.set(title=name, xlabel=" + ".join(setting.values()), xticks=[], yticks=[])


def svg():
    """The figure as text, numbers to a hundredth of a point."""
    file = io.StringIO()
    with matplotlib.rc_context():
        figure = draw()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), file.getvalue())
    return re.sub(r" *\n *", "\n", text)


def main():
    PICTURE.write_text(svg(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
