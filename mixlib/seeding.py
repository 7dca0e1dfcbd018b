"""Where the loop starts: k-means++ and random points (chapter 3.6)."""

import numpy as np

from .errors import TooFewPointsError
from .inputs import as_components, as_points, as_weights


def kmeans_plusplus(x, k, random_state=None, *, sample_weight=None):
    """k starting centres, each a data point, drawn far from those before it.

    The first is uniform; each next one is drawn with probability proportional to its squared
    distance from the nearest centre so far.

    Parameters
    ----------
    x : (n, d) array
    k : int
        Number of centres, at most the number of distinct points.
    random_state : int, numpy Generator or None
    sample_weight : (n,) array or None
        A weight w has the effect of w copies of the point.

    Returns
    -------
    (k, d) array, in the units of x

    Raises
    ------
    ValueError
        If x has fewer than k distinct points.

    Notes
    -----
    Chapter 3.6; Arthur and Vassilvitskii (2007): the expected objective is at most
    8 (log k + 2) times the best.

    Examples
    --------
    >>> kmeans_plusplus([[0.0], [0.0], [9.0]], 2, random_state=0)[:, 0].tolist()
    [0.0, 9.0]
    """
    x = as_points(x)
    w = as_weights(sample_weight, len(x))
    k = as_components(k, len(x), w)
    unit = max(float(np.abs(x).max()), np.finfo(float).tiny)     # no square can overflow
    z = np.ascontiguousarray((x / unit).T, dtype=np.float64)
    return x[plusplus(z, w, k, np.random.default_rng(random_state))].astype(np.float64)


def plusplus(z, w, K, rng):
    """Indices of K columns of z, (d, n), by k-means++."""
    w, order = np.ones(z.shape[1]) if w is None else w, canonical_order(z, w)
    chosen, nearest = [draw(w, order, rng)], np.full(z.shape[1], np.inf)
    while len(chosen) < K:
        deviations = z - z[:, chosen[-1], None]
        np.minimum(nearest, np.einsum("jb,jb->b", deviations, deviations), out=nearest)
        # (3.14) eq-kmeanspp
        chosen.append(draw(w * nearest, order, rng, len(chosen), K))
    return chosen


def at_random(z, w, K, rng):
    """Indices of K distinct columns of z, (d, n), drawn with probability proportional to w."""
    w, order, chosen = np.ones(z.shape[1]) if w is None else w.copy(), canonical_order(z, w), []
    while len(chosen) < K:
        chosen.append(draw(w, order, rng, len(chosen), K))
        w[(z == z[:, chosen[-1], None]).all(axis=0)] = 0.0
    return chosen


def canonical_order(z, w):
    """The points by their distance from the mean: an order that rows and units do not change.

    Drawing along it makes a start independent of the order of the rows, and makes w copies of
    a point the same as one of weight w. Points at equal distances are told apart by a projection.
    """
    deviations = z - np.average(z, axis=1, weights=w)[:, None]
    distances = np.einsum("jb,jb->b", deviations, deviations)
    size = np.sqrt(distances.max()) or 1.0
    return np.argsort(distances * (1 + 1e-9 * (np.cos(1.0 + np.arange(len(z))) @ deviations) / size))


def draw(mass, order, rng, found=0, K=1):
    """An index with probability proportional to `mass`, by one uniform number along `order`."""
    cumulative = np.cumsum(mass[order])
    if not cumulative[-1] > 0:
        raise TooFewPointsError(f"x has only {found} distinct points, n_components={K}: ask for at most {found}")
    place = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
    return int(order[min(place, np.flatnonzero(mass[order])[-1])])
