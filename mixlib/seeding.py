"""Where the loop starts: k-means++ and random points (chapter 3.6)."""

import numpy as np

from .blocks import Data
from .covariance import CONSTRAINTS, Diagonal
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
    data = Data(x, w, CONSTRAINTS["identity"])
    return x[plusplus(data, k, np.random.default_rng(random_state))].astype(np.float64)


def plusplus(data, K, rng):
    """Indices of K of the points, by k-means++."""
    metric, order, nearest = unit_free(data), canonical_order(data), np.full(data.n, np.inf)
    chosen = [draw(data.w, order, rng)]
    while len(chosen) < K:
        centre = data.z[:, chosen[-1], None]

        def closer(z, rows, w):
            deviations = (z - centre) * metric
            distances = np.einsum("jb,jb->b", deviations, deviations)
            distances[distances <= data.floor] = 0.0              # the same point, up to rounding
            np.minimum(nearest[rows], distances, out=nearest[rows])
            return 0

        data.add_up(closer)
        # (3.14) eq-kmeanspp
        chosen.append(draw(nearest if data.w is None else data.w * nearest, order, rng, len(chosen), K))
    return chosen


def at_random(data, K, rng):
    """Indices of K distinct points, drawn with probability proportional to their weight."""
    mass, order, chosen = np.ones(data.n) if data.w is None else data.w.copy(), canonical_order(data), []
    while len(chosen) < K:
        chosen.append(draw(mass, order, rng, len(chosen), K))
        mass[(data.z == data.z[:, chosen[-1], None]).all(axis=0)] = 0.0
    return chosen


def unit_free(data):
    """Factors (d, 1) for distances: with diagonal covariances every column counts alike."""
    if not isinstance(data.shape, Diagonal):
        return np.ones((1, 1), dtype=data.dtype)
    variances = data.scatter()[0] / data.total
    return 1 / np.sqrt(np.where(variances > 0, variances, 1.0))[:, None].astype(data.dtype)


def canonical_order(data):
    """The points by their distance from the mean: an order that rows and units do not change.

    Drawing along it makes a start independent of the order of the rows, and makes w copies of
    a point the same as one of weight w. Points at equal distances are told apart by a projection.
    """
    metric, key = unit_free(data), np.empty(data.n)
    direction = np.cos(1.0 + np.arange(data.d))

    def keys(z, rows, w):
        deviations = (z - data.mean[:, None]) * metric
        distances = np.einsum("jb,jb->b", deviations, deviations)
        key[rows] = distances * (1 + 1e-9 * (direction @ deviations) / np.sqrt(np.maximum(distances, data.floor)))
        return 0

    data.add_up(keys)
    return np.argsort(key)


def draw(mass, order, rng, found=0, K=1):
    """An index with probability proportional to `mass` (None: uniform), by one number along `order`."""
    if mass is None:
        return int(order[int(rng.random() * len(order))])
    mass = mass[order]
    cumulative = np.cumsum(mass)
    if not cumulative[-1] > 0:
        raise TooFewPointsError(f"x has only {found} distinct points, n_components={K}: ask for at most {found}")
    place = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
    return int(order[min(place, np.flatnonzero(mass)[-1])])
