"""Where the loop starts: k-means++ and random points (chapter 3)."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from ._engine.data import BLOCK, CACHED_BLOCK, Data
from ._engine.reductions import weighted_sum
from ._engine.sampling import PointSampler
from ._engine.scratch import scratch
from ._types import ArrayLike, Floats, Ints, RandomState
from .covariance import CONSTRAINTS
from .errors import TooFewPointsError
from .inputs import as_components, as_flag, as_generator, as_points, as_weights

SAMPLE, SAMPLE_PER_CENTRE = 1 << 13, 64  # points that a local search looks at
SINGLE_FROM = 1 << 13  # numbers in the points from which a copy in single precision pays
MISSED = 1.5  # times its sum of squared distances: above, the sample has missed points
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
    rows, of_one_block = (
        max(256, BLOCK // data.d),
        {},
    )  # where all points are one block: their distances with each candidate
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


def local_search(data, K, rng):
    """Indices of K of the points: greedy k-means++, and then K/2 rounds of exchanges (after Lattanzi and Sohler 2019).

    A round draws candidates as k-means++ would draw one more centre. Of all exchanges of a
    centre for a candidate the best is made, if the sum of squared distances falls. Of many
    points a sample is searched, and single precision tells good centres from bad ones. Where
    points differ by its rounding alone, or the sample has missed some, the search begins anew.
    """
    number = max(SAMPLE, SAMPLE_PER_CENTRE * K)
    try:
        if data.n <= 2 * number:
            return _searched(data.in_single_precision() if data.z.size > SINGLE_FROM else data, K, rng)[0]
        found = _found_in_sample(data, number, K, rng)
    except TooFewPointsError:
        found = None
    return _searched(data, K, rng)[0] if found is None else found


def _found_in_sample(data, number, K, rng):
    """Centres (indices of points) of a sample of the points, or None if they do not serve all points about as well."""
    sampler = PointSampler(data)
    where, w = sampler.sample(rng, number)
    if len(where) < K:  # all copies of a point are in the sample, or none
        return None
    part = data.subset(where, w).in_single_precision()
    found, expected = _searched(part, K, rng, sampler.column_weights)
    found = where[found]

    def left(z, rows, w):
        return weighted_sum(sampler.distances(z, rows, data.points(found)).min(axis=0)[None], w)[0]

    return found if data.sum_blocks(left, max(256, CACHED_BLOCK // (data.d + K))) <= MISSED * expected else None


def _searched(data, K, rng, column_weights=None):
    """Centres (indices of points), after K/2 rounds of exchanges, and the sum of squared distances from them."""
    sampler = PointSampler(data, column_weights)
    search = Exchanges(data, sampler, np.array(greedy_plusplus(data, K, rng, sampler)))
    total = np.inf  # where there is nothing to exchange
    for to_come in reversed(range((K + 1) // 2 if K > 1 else 0)):
        sampler.set_mass(weighted(search.first, data.w))
        total = sampler.reached[-1]
        if not total > 0:
            break  # each point is a centre
        after, k, point = search.best(sampler.draw(rng, K, K, n_candidates(K)))
        if after < total * (1 - 1e-9):
            total, search.chosen[k] = after, point
            if to_come:
                search.replaced(k)
    return search.chosen, total


def n_candidates(K):
    """Candidates a step, (number,)."""
    return 2 + int(np.log(K))


def weighted(values, w):
    """A function of points: their values, times their weights."""
    return values.__getitem__ if w is None else lambda where: values[where] * w[where]


class Exchanges:
    """Centres among the points, and for each point its nearest two: squared distances and which they are."""

    def __init__(self, data, sampler, chosen):
        self.data, self.sampler, self.chosen = data, sampler, chosen.copy()
        self.first, self.second = np.empty(data.n, data.dtype), np.empty(data.n, data.dtype)
        self.nearest, self.next = np.empty(data.n, dtype=np.intp), np.empty(data.n, dtype=np.int32)
        self.rows = max(256, BLOCK // (data.d + len(chosen)))
        self.data.for_blocks(lambda z, rows, w: self._find(z, rows), self.rows)

    def _find(self, z, where):
        """The nearest two of all centres for some points."""
        distances = self.sampler.distances(z, where, self.data.points(self.chosen))
        columns = np.arange(distances.shape[1])
        for values, which in ((self.first, self.nearest), (self.second, self.next)):
            labels = distances.argmin(axis=0)
            values[where], which[where] = distances[labels, columns], labels
            distances[labels, columns] = np.inf

    def best(self, candidates):
        """The best exchange for a candidate: the sum of squared distances after it, which centre goes, which point comes."""
        K, places = len(self.chosen), self.data.points(candidates)

        def left(z, rows, w):
            """With a candidate as one more centre, and what the loss of each centre then adds; (m, 1 + K)."""
            distances = self.sampler.distances(z, rows, places)
            with_it = np.minimum(self.first[rows], distances, out=scratch("with_it", distances.shape, distances.dtype))
            more = np.minimum(self.second[rows], distances, out=distances)
            more -= with_it
            if w is not None:
                with_it, more = with_it * w, more * w
            added = [np.bincount(self.nearest[rows], of_candidate, K) for of_candidate in more]
            return np.column_stack([with_it.sum(axis=1, dtype=np.float64), added])

        total = self.data.sum_blocks(left, self.rows)
        found = total[:, :1] + total[:, 1:]
        best, k = np.unravel_index(found.argmin(), found.shape)
        return found[best, k], k, candidates[best]

    def replaced(self, k):
        """Centre k is another point now: bring the nearest two up to date."""
        place = self.data.points(self.chosen[k : k + 1])

        def block(z, rows, w):
            first, second, nearest, next = (a[rows] for a in (self.first, self.second, self.nearest, self.next))
            lost = np.flatnonzero((nearest == k) | (next == k))
            distance = self.sampler.distances(z, rows, place)[0]
            closest, closer = distance < first, distance < second
            second[:] = np.where(closest, first, np.minimum(distance, second))
            next[:] = np.where(closest, nearest, np.where(closer, k, next))
            first[closest], nearest[closest] = distance[closest], k
            lost += rows.start
            self._find(self.data.points(lost), lost)

        self.data.for_blocks(block, self.rows)


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
