"""Figures of the book: points, centres, ellipses, regions and traces, on a light or a dark page.

A component has a colour and a marker, so no figure depends on colour alone (`style`). Needs matplotlib.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from ._types import ArrayLike
from .inputs import as_array, as_count, as_plane, as_points, having
from .style import color, colors, ink, marker, markers, mix, use_style

__all__ = [
    "centres",
    "color",
    "colors",
    "criterion",
    "ellipses",
    "ink",
    "marker",
    "markers",
    "mix",
    "path",
    "points",
    "regions",
    "trace",
    "use_style",
]


def points(
    ax: Axes, x: ArrayLike, labels: ArrayLike | None = None, responsibilities: ArrayLike | None = None, **kw: Any
) -> list[PathCollection]:
    """Draw points; a colour and a marker for each component.

    Parameters
    ----------
    ax : matplotlib Axes
    x : (n, 2) array
    labels : (n,) int array, optional
        The component of each point.
    responsibilities : (n, K) array, optional
        Colours mix in these proportions; the marker is that of the largest one.
    kw
        Passed to ``ax.scatter``.

    Returns
    -------
    list of PathCollection, one for each component that holds a point

    Raises
    ------
    ValueError
        If x is not two-dimensional, or labels or responsibilities do not fit it.
    """
    x = as_plane(x, "x")
    kw = {"s": 22, "linewidths": 0, "alpha": 0.8} | kw
    if labels is not None and responsibilities is not None:
        raise ValueError("give labels or responsibilities, not both")
    if responsibilities is not None:
        r = as_points(responsibilities, "responsibilities")
        if len(r) != len(x):
            raise ValueError(f"responsibilities must have shape ({len(x)}, K), got {r.shape}")
        labels, mixed = r.argmax(axis=1), mix(r)
    elif labels is not None:
        labels = as_array(labels, "labels")
        if labels.shape != (len(x),) or labels.dtype.kind not in "iu" or (labels < 0).any():
            raise ValueError(f"labels must be {len(x)} integers from 0, got shape {labels.shape}, {labels.dtype}")
        mixed = np.array([to_rgb(color(k)) for k in labels]).reshape(-1, 3)
    else:
        return [ax.scatter(*x.T, **({"color": ink} | kw))]
    drawn = []
    for k in np.unique(labels):
        mine = labels == k
        look = {"marker": marker(k)} | ({} if {"c", "color"} & kw.keys() else {"c": mixed[mine]})
        drawn.append(ax.scatter(*x[mine].T, **(look | kw)))
    return drawn


def centres(ax: Axes, means: ArrayLike, **kw: Any) -> list[PathCollection]:
    """Draw the centres: large, in their component's colour and marker, with a double rim.

    `means` has shape (K, 2); `kw` goes to ``ax.scatter``. Returns a list of K PathCollections.
    """
    means = as_plane(means, "means")
    rim = [withStroke(linewidth=4.5, foreground="white"), withStroke(linewidth=2.0, foreground="black")]
    kw = {"s": 110, "linewidths": 0, "path_effects": rim, "zorder": 4} | kw
    own = {"c", "color"} & kw.keys()
    looks = [{"marker": marker(k)} | ({} if own else {"color": color(k)}) | kw for k in range(len(means))]
    return [ax.scatter(*mean, **look) for mean, look in zip(means, looks)]


def ellipses(ax: Axes, mixture: Any, mass: float = 0.9, **kw: Any) -> list[Ellipse]:
    """Draw, for each component, the ellipse that holds `mass` of its probability.

    In two dimensions the squared Mahalanobis distance has the distribution function
    1 - exp(-q/2), so the ellipse is q = -2 log(1 - mass).

    Parameters
    ----------
    ax : matplotlib Axes
    mixture : Mixture, or anything with `means` (K, 2) and `covariances` (K, 2, 2)
    mass : float between 0 and 1
    kw
        Passed to ``matplotlib.patches.Ellipse``.

    Returns
    -------
    list of K Ellipse

    Raises
    ------
    ValueError
        If the mixture is not two-dimensional, or mass is not between 0 and 1.
    """
    means = as_plane(having(mixture, "mixture", "means", "covariances").means, "mixture.means")
    if not isinstance(mass, Real) or not 0 < mass < 1:
        raise ValueError(f"mass is a probability between 0 and 1, got {mass}")
    radius = np.sqrt(-2 * np.log1p(-float(mass)))
    drawn = []
    for k, (mean, covariance) in enumerate(zip(means, mixture.covariances)):
        variances, axes = np.linalg.eigh(covariance)
        width, height = 2 * radius * np.sqrt(variances[::-1])  # the long axis first
        angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
        look = {"facecolor": "none", "edgecolor": color(k), "linewidth": 2, "zorder": 3} | kw
        drawn.append(ax.add_patch(Ellipse(mean, width, height, angle=angle, **look)))
    ax.autoscale_view()
    return drawn


def regions(ax: Axes, mixture: Any, n: int = 300, **kw: Any) -> None:
    """Tint the part of the plane where each component has the largest responsibility.

    Draw the points first: the axes' limits are taken as they are, and kept.

    Parameters
    ----------
    ax : matplotlib Axes
    mixture : Mixture, or anything with `means` (K, 2) and `responsibilities`
    n : int
        Grid points along each axis.
    kw
        Passed to ``ax.contour``, which draws the boundaries.
    """
    K = len(as_plane(having(mixture, "mixture", "means", "responsibilities").means, "mixture.means"))
    n = as_count(n, "n", 2)
    limits = ax.get_xlim(), ax.get_ylim()
    gx, gy = (np.linspace(*limit, n) for limit in limits)
    grid = np.stack(np.meshgrid(gx, gy), axis=-1).reshape(-1, 2)
    # Log-ratios are linear or quadratic in x, so that their zero lines come out smooth.
    logs = np.log(np.maximum(mixture.responsibilities(grid), 1e-300)).reshape(n, n, K)
    best = logs.argmax(axis=-1)
    ax.pcolormesh(
        gx,
        gy,
        best,
        cmap=ListedColormap([color(k) for k in range(K)]),
        vmin=-0.5,
        vmax=K - 0.5,
        alpha=0.16,
        shading="nearest",
        zorder=0,
        linewidth=0,
        rasterized=True,
    )
    look = {"colors": ink, "linewidths": 1.2, "zorder": 1} | kw
    for k in range(K - 1):  # every boundary is one of theirs
        margin = logs[..., k] - np.delete(logs, k, axis=-1).max(axis=-1)
        if margin.min() < 0 < margin.max():
            ax.contour(gx, gy, margin, levels=[0.0], **look)
    ax.set(xlim=limits[0], ylim=limits[1])


def trace(ax: Axes, fit: Any, **kw: Any) -> Line2D:
    """Draw the objective of each record of `fit.history` against its iteration; returns the line."""
    values = [record.objective for record in having(fit, "fit", "history").history]
    (line,) = ax.plot(range(len(values)), values, **({"marker": "o", "markersize": 4} | kw))
    ax.set(xlabel="iteration", ylabel="objective")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return line


def path(ax: Axes, fit: Any, **kw: Any) -> list[Line2D]:
    """Draw the way of each centre over `fit.history`, from a ring at the start to its marker at the end.

    `kw` goes to ``ax.plot``. Returns a list of K lines.
    """
    ways = np.array([record.means for record in having(fit, "fit", "history").history])
    as_plane(ways[0], "the means of the fit")
    drawn = []
    for k in range(ways.shape[1]):
        look = {"color": color(k), "linewidth": 1.8, "marker": ".", "markersize": 4, "zorder": 3} | kw
        (line,) = ax.plot(*ways[:, k].T, **look)
        ax.plot(
            *ways[0, k],
            marker="o",
            markersize=9,
            markerfacecolor="none",
            markeredgewidth=1.8,
            markeredgecolor=line.get_color(),
            linestyle="none",
            zorder=line.get_zorder(),
        )
        drawn.append(line)
    centres(ax, ways[-1])
    return drawn


def criterion(ax: Axes, selection: Any, **kw: Any) -> list[Line2D]:
    """Draw the criterion of a `mixlib.select` against the number of components, a line for each constraint.

    A ring marks the best model; models that could not be fitted are gaps. Returns the lines.
    """
    drawn = []
    for row, name in enumerate(having(selection, "selection", "covariances", "values").covariances):
        values = np.where(np.isfinite(selection.values[row]), selection.values[row], np.nan)
        look = {"color": color(row), "marker": marker(row), "markersize": 5, "label": name} | kw
        drawn += ax.plot(selection.components, values, **look)
    ax.plot(
        selection.n_components,
        selection.values.min(),
        marker="o",
        markersize=13,
        markerfacecolor="none",
        markeredgewidth=1.8,
        markeredgecolor=ink,
        linestyle="none",
    )
    ax.set(xlabel="number of components", ylabel=selection.criterion.upper())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return drawn
