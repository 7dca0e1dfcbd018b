"""Where the loop starts: k-means++ and random points (chapter 3)."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from ._engine.data import BLOCK, CACHED_BLOCK, Data
from ._engine.sampling import PointSampler
from ._types import ArrayLike, Floats, Ints, RandomState
from .covariance import CONSTRAINTS
from .inputs import as_components, as_flag, as_generator, as_points, as_weights

MAX_REJECTED = 16  # points rejected in a row before all distances are brought up to date


@overload
def kmeans_plusplus(
    x: ArrayLike,
    k: int,
    random_state: RandomState = ...,
    *,
    sample_weight: ArrayLike | None = ...,
    return_indices: Literal[False] = ...,
) -> Floats: ...
@overload
def kmeans_plusplus(
    x: ArrayLike,
    k: int,
    random_state: RandomState = ...,
    *,
    sample_weight: ArrayLike | None = ...,
    return_indices: Literal[True],
) -> tuple[Floats, Ints]: ...
def kmeans_plusplus(
    x: ArrayLike,
    k: int,
    random_state: RandomState = None,
    *,
    sample_weight: ArrayLike | None = None,
    return_indices: bool = False,
) -> Floats | tuple[Floats, Ints]:
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
    return_indices : bool

    Returns
    -------
    (k, d) array
        In the units of x; with `return_indices`, as scikit-learn's, also the (k,) indices of its rows in x.

    Raises
    ------
    ValueError
        If x has fewer than k distinct points.

    Notes
    -----
    Chapter 3; Arthur and Vassilvitskii (2007). The expected objective is at most
    5 (log k + 2) times the best: Makarychev, Reddy and Shan (2020).

    Examples
    --------
    >>> kmeans_plusplus([[0.0], [0.0], [9.0]], 2, random_state=0)[:, 0].tolist()
    [0.0, 9.0]
    """
    x = as_points(x)
    w = as_weights(sample_weight, len(x))
    k = as_components(k, len(x), w)
    data = Data(x, w, CONSTRAINTS["identity"])
    chosen = np.array(plusplus(data, k, as_generator(random_state)))
    centres = x[chosen].astype(np.float64)
    return (centres, chosen) if as_flag(return_indices, "return_indices") else centres


def plusplus(data, K, rng):
    """Indices of K of the points, by k-means++.

    Distances from the nearest centre only shrink. So a point is drawn by distances that do not
    know the latest centres yet, and kept with probability (its distance now) / (its distance
    then), which gives the law (3.14) eq-kmeanspp. Where too many are rejected, all distances are brought up
    to date: far fewer passes over the points than centres.
    """
    sampler, nearest = PointSampler(data), np.full(data.n, np.inf)
    sampler.set_mass(sampler.weights)
    chosen, known, rejected = [int(sampler.draw(rng, 0, K)[0])], 0, MAX_REJECTED
    while len(chosen) < K:
        latest = data.points(np.array(chosen[known:], dtype=np.intp))
        if rejected == MAX_REJECTED:

            def update(z, rows, w):
                np.minimum(nearest[rows], sampler.distances(z, rows, latest).min(axis=0), out=nearest[rows])

            data.for_blocks(update, max(256, 4 * CACHED_BLOCK // (data.d + latest.shape[1])))
            sampler.set_mass(weighted(nearest, data.w))
            known, latest, rejected = len(chosen), latest[:, :0], 0
        # (3.14) eq-kmeanspp
        point = sampler.draw(rng, len(chosen), K)
        if (
            latest.size == 0
            or rng.random() * nearest[point] < sampler.distances(data.points(point), point, latest).min()
        ):
            chosen.append(int(point[0]))
            rejected = 0
        else:
            rejected += 1
    return chosen


def greedy_plusplus(data, K, rng, sampler=None):
    """Indices of K of the points: k-means++ that draws 2 + floor(log K) candidates a step and keeps the best.

    The best candidate leaves the smallest sum of squared distances (Arthur and Vassilvitskii
    2007, end of section 4; the number is scikit-learn's).
    """
    sampler, nearest = sampler or PointSampler(data), np.full(data.n, np.inf, data.dtype)
    sampler.set_mass(sampler.weights)
    chosen = [int(sampler.draw(rng, 0, K)[0])]
    rows = max(256, BLOCK // data.d)
    of_one_block = {}  # where all points are one block: their distances with each candidate
    while len(chosen) < K:
        latest = data.points(np.array(chosen[-1:], dtype=np.intp))

        def update(z, rows, w):
            np.minimum(nearest[rows], sampler.distances(z, rows, latest)[0], out=nearest[rows])

        if not of_one_block:
            data.for_blocks(update, rows)
        sampler.set_mass(weighted(nearest, data.w))
        # (3.14) eq-kmeanspp
        candidates = sampler.draw(rng, len(chosen), K, n_candidates(K))
        places = data.points(candidates)

        def left(z, rows, w):
            distances = sampler.distances(z, rows, places)
            closer = np.minimum(nearest[rows], distances, out=distances)
            if len(nearest) == z.shape[1]:
                of_one_block["left"] = closer
            return closer.sum(axis=1) if w is None else closer @ w

        best = np.argmin(data.sum_blocks(left, rows))
        chosen.append(int(candidates[best]))
        if of_one_block:
            nearest[:] = of_one_block["left"][best]
    return chosen


def n_candidates(K):
    """Candidates a step, (number,)."""
    return 2 + int(np.log(K))


def weighted(values, w):
    """A function of points: their values, times their weights."""
    return values.__getitem__ if w is None else lambda where: values[where] * w[where]


def at_random(data, K, rng):
    """Indices of K distinct points, drawn with probability proportional to their weight."""
    sampler, chosen = PointSampler(data), []
    left = sampler.weights(slice(None)).copy()
    sampler.set_mass(left.__getitem__)
    while len(chosen) < K:
        point = sampler.draw(rng, len(chosen), K)
        alike = sampler.near_in_order(point)
        left[alike[(data.points(alike) == data.points(point)).all(axis=0)]] = 0.0
        sampler.update_mass(point)
        chosen.append(int(point[0]))
    return chosen
