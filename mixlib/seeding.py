"""Where the loop starts: k-means++ and random points (chapter 3)."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from ._engine.data import CACHED_BLOCK, Data
from ._engine.reductions import squared_lengths
from ._types import ArrayLike, Floats, Ints, RandomState
from .covariance import CONSTRAINTS
from .errors import TooFewPointsError
from .inputs import as_components, as_flag, as_generator, as_points, as_weights
from .log_joint import TOLERANCE

FEW_POINTS = 1 << 13  # up to here all are sorted
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
    (k, d) array, in the units of x; with `return_indices`, as scikit-learn's, also the (k,)
    indices of its rows in x.

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

    def mass(where):
        return nearest[where] if data.w is None else nearest[where] * data.w[where]

    sampler.set_mass(sampler.weights)
    chosen, known, rejected = [sampler.draw(rng, 0, K)], 0, MAX_REJECTED
    while len(chosen) < K:
        latest = data.points(np.array(chosen[known:], dtype=np.intp))
        if rejected == MAX_REJECTED:

            def update(z, rows, w):
                np.minimum(nearest[rows], sampler.distances(z, rows, latest), out=nearest[rows])

            data.for_blocks(update, max(256, 4 * CACHED_BLOCK // (data.d + latest.shape[1])))
            sampler.set_mass(mass)
            known, latest, rejected = len(chosen), latest[:, :0], 0
        # (3.14) eq-kmeanspp
        point = np.array([sampler.draw(rng, len(chosen), K)])
        if latest.size == 0 or rng.random() * nearest[point] < sampler.distances(data.points(point), point, latest):
            chosen.append(int(point[0]))
            rejected = 0
        else:
            rejected += 1
    return chosen


def greedy_plusplus(data, K, rng):
    """Indices of K of the points: k-means++ that draws 2 + floor(log K) candidates a step and keeps the best.

    The best candidate leaves the smallest sum of squared distances (Arthur and Vassilvitskii
    2007, end of section 4; the number is scikit-learn's).
    """
    sampler, nearest, n_candidates = PointSampler(data), np.full(data.n, np.inf), 2 + int(np.log(K))

    def mass(where):
        return nearest[where] if data.w is None else nearest[where] * data.w[where]

    sampler.set_mass(sampler.weights)
    chosen = [sampler.draw(rng, 0, K)]
    while True:
        latest = data.points(np.array(chosen[-1:], dtype=np.intp))

        def update(z, rows, w):
            np.minimum(nearest[rows], sampler.distances(z, rows, latest), out=nearest[rows])

        data.for_blocks(update)
        if len(chosen) == K:
            return chosen
        sampler.set_mass(mass)
        candidates = np.array([sampler.draw(rng, len(chosen), K) for _ in range(n_candidates)])
        places = data.points(candidates)

        def left(z, rows, w):
            closer = np.minimum(nearest[rows], sampler.distances_to_each(z, rows, places))
            return closer.sum(axis=1) if w is None else closer @ w

        # (3.14) eq-kmeanspp
        chosen.append(int(candidates[np.argmin(data.sum_blocks(left))]))


def at_random(data, K, rng):
    """Indices of K distinct points, drawn with probability proportional to their weight."""
    sampler, chosen = PointSampler(data), []
    left = sampler.weights(slice(None)).copy()
    while len(chosen) < K:
        sampler.set_mass(left.__getitem__)
        chosen.append(sampler.draw(rng, len(chosen), K))
        centre = data.z[:, chosen[-1], None]

        def take_copies(z, rows, w):
            left[rows][(z == centre).all(axis=0)] = 0.0

        data.for_blocks(take_copies)
    return chosen


class PointSampler:
    """Draws points in the order of their distance from the mean, which rows and units do not change.

    So a start does not depend on the order of the rows, and w copies of a point count as one of
    weight w. Points at equal distances are told apart by a projection. Many points are not
    sorted but where a draw falls: bins of a 256th of an octave lead there.
    """

    def __init__(self, data):
        self.data, self.column_weights = data, data.shape.column_weights(data)
        self.squares, self.order = np.empty(data.n), None
        if data.n <= FEW_POINTS:
            self.squares[:] = squared_lengths(self._weighted(data.z), dtype=np.float64)
            self.order = np.argsort(self._keys(data.z, slice(None)), kind="stable")
            return
        self.bins = np.empty(data.n, dtype=np.int32)

        def block(z, rows, w):
            self.squares[rows] = squared_lengths(self._weighted(z), dtype=np.float64)
            self.bins[rows] = self._keys(z, rows).view(np.int64) >> 44  # the sign, the exponent, 8 bits

        data.for_blocks(block)
        self.bins -= self.bins.min()
        self.n_bins = int(self.bins.max()) + 1

    def _weighted(self, z):
        return z if self.column_weights is None else z * self.column_weights

    def weights(self, where):
        """The weights of points."""
        return np.ones(len(self.squares[where])) if self.data.w is None else self.data.w[where]

    def distances(self, z, where, centres):
        """Squared distances of points from the nearest of some centres (d, m), columns weighted, (b,)."""
        scores, half = self._scores(z, centres)
        scores = scores.max(axis=0) if len(scores) > 1 else scores[0]
        return self._exact_if_near(z, where, scores, half.max(), centres)

    def distances_to_each(self, z, where, centres):
        """Squared distances of points from each of some centres (d, m), columns weighted, (m, b)."""
        scores, half = self._scores(z, centres)
        return np.stack(
            [self._exact_if_near(z, where, row, h, centre[:, None]) for row, h, centre in zip(scores, half, centres.T)]
        )

    def _scores(self, z, centres):
        """c.z - |c|^2/2, (m, b), and |c|^2/2, (m,)."""
        product = self._weighted(self._weighted(centres.astype(np.float64)))
        half = 0.5 * (product * centres).sum(axis=0)
        scores = product.T.astype(z.dtype) @ z
        scores -= half[:, None].astype(z.dtype)
        return scores, half

    def _exact_if_near(self, z, where, scores, half, centres):
        """|z - c|^2 = |z|^2 - 2 (c.z - |c|^2/2), (b,), or from z - c where that loses digits."""
        distances = self.squares[where] - 2.0 * scores
        eps = np.finfo(z.dtype).eps / TOLERANCE[z.dtype.itemsize]
        near = np.flatnonzero(distances - eps * self.squares[where] <= 2 * eps * half)
        if near.size:
            points = self._weighted(z[:, near])
            distances[near] = np.min(
                [squared_lengths(points - c[:, None], dtype=np.float64) for c in self._weighted(centres).T], axis=0
            )
            distances[distances <= self.data.rounding] = 0.0  # the same point, up to rounding
        return distances

    def _keys(self, z, where):
        """Where points stand in the order, (b,): their squared distance from the mean, and a little of a projection."""
        distances = self.distances(z, where, self.data.mean[:, None])
        direction = self._weighted(np.cos(1.0 + np.arange(len(z)))[:, None])[:, 0]
        cosine = (direction @ z - direction @ self.data.mean) / np.sqrt(np.maximum(distances, self.data.rounding))
        return distances * (1 + 1e-9 * cosine)

    def set_mass(self, mass):
        """Draw with probability proportional to mass(points) from now on."""
        if self.order is not None:
            self.reached = np.cumsum(mass(self.order))
            return
        self.mass, self.masses = (
            mass,
            self.data.sum_blocks(lambda z, rows, w: np.bincount(self.bins[rows], mass(rows), self.n_bins)),
        )
        self.reached = np.cumsum(self.masses)

    def draw(self, rng, n_found, K):
        """An index, by one number in the order."""
        reached = self.reached
        if not reached[-1] > 0:
            raise TooFewPointsError(
                f"x has only {n_found} distinct points, fewer than the {K} components: ask for at most {n_found}"
            )
        aim = rng.random() * reached[-1]
        if self.order is not None:  # no further than the last that has a mass
            return int(self.order[min(reached.searchsorted(aim, side="right"), reached.searchsorted(reached[-1]))])
        at = min(np.searchsorted(reached, aim, side="right"), np.flatnonzero(self.masses)[-1])
        members = np.flatnonzero(self.bins == at)
        members = members[np.argsort(self._keys(self.data.points(members), members), kind="stable")]
        masses = self.mass(members)
        place = np.searchsorted(np.cumsum(masses), max(aim - (reached[at] - self.masses[at]), 0.0), side="right")
        return int(members[min(place, np.flatnonzero(masses)[-1])])
