"""k-means||: many candidates in few passes, reduced by k-means++ (Bahmani et al. 2012).

k-means++ goes over the points once for each mean. Here a pass draws 2K points together, each with
probability proportional to its squared distance from the candidates so far; after five passes the
candidates, each with the weight of the points nearest to it, are few enough for k-means++ itself.

A pass is a race: point i finishes at time e_i / (w_i d_i^2), with e_i exponential, and the first 2K
are drawn. That is drawing without replacement in proportion to w_i d_i^2, and needs no sum of
distances beforehand. The random numbers belong to the rows, so that blocks change nothing.
"""

import numpy as np

from ._engine.data import BLOCK, Data
from ._engine.namespace import home, namespace
from ._engine.reductions import squared_lengths
from .covariance import CONSTRAINTS
from .errors import too_few
from .seeding import greedy_plusplus

ROUNDS = 5
FACTOR = 2  # candidates drawn in a round, over K


def kmeans_parallel(data, K, rng):
    """K starting means (K, d) in the user's units, each a point up to rounding."""
    seeds = [int(seed) for seed in rng.integers(2**63, size=ROUNDS + 1)]
    weights = data.shape.column_weights(data)
    candidates = _race(data, seeds[0], None, weights, 1).points
    for seed in seeds[1:]:
        found = _race(data, seed, candidates, weights, FACTOR * K)
        candidates = np.hstack([candidates, found.points])
        if found.points.shape[1] < FACTOR * K:
            break  # every point is one of them
    candidates = np.unique(candidates, axis=1)
    counts = data.sum_blocks(_Counts(candidates, weights), _rows(data, candidates))
    scaled = np.ascontiguousarray((candidates if weights is None else candidates * weights).T, dtype=np.float64)
    used = np.flatnonzero(counts > 0)
    if used.size < K:
        raise too_few(used.size, K)
    few = Data(scaled[used], counts[used], CONSTRAINTS["identity"])
    chosen = used[greedy_plusplus(few, K, rng)]
    return data.coordinates.to_user(candidates[:, chosen].astype(np.float64))


def at_random(data, K, rng):
    """K distinct points (K, d) in the user's units, drawn with probability proportional to their weight."""
    found = _race(data, int(rng.integers(2**63)), None, None, K).points
    if found.shape[1] < K:
        raise too_few(found.shape[1], K)
    return data.coordinates.to_user(found.astype(np.float64))


def _race(data, seed, candidates, weights, size):
    """The first `size` distinct points of a race in which a point's speed is w d^2, or w without candidates."""
    return data.sum_blocks(_Race(seed, candidates, weights, size, data.rounding), _rows(data, candidates))


def _rows(data, candidates):
    return max(256, BLOCK // (1 + data.d + (0 if candidates is None else candidates.shape[1])))


class _Race:
    """A block's part in a race, as a task."""

    def __init__(self, seed, candidates, weights, size, rounding):
        self.seed, self.candidates, self.weights, self.size, self.rounding = seed, candidates, weights, size, rounding

    def __call__(self, z, rows, w):
        speed = np.ones(z.shape[1]) if self.candidates is None else home(nearest(z, self.candidates, self.weights)[1])
        speed[speed <= (0 if self.candidates is None else self.rounding)] = 0.0  # a candidate itself
        speed = speed if w is None else speed * home(w)
        with np.errstate(divide="ignore"):
            return First.of(exponentials(self.seed, rows) / speed, z, self.size)


class _Counts:
    """The weight of the points nearest to each candidate, as a task."""

    def __init__(self, candidates, weights):
        self.candidates, self.weights = candidates, weights

    def __call__(self, z, rows, w):
        labels = home(nearest(z, self.candidates, self.weights)[0])
        return np.bincount(labels, home(w), self.candidates.shape[1])


class First:
    """The earliest of a race: times (m,), and distinct points (d, m) in their order."""

    def __init__(self, times, points, size):
        self.times, self.points, self.size = times, points, size

    @classmethod
    def of(cls, times, points, size):
        """The first `size` of some times and points; of equal points the earliest."""
        runners = np.flatnonzero(np.isfinite(times))
        some = 4 * size
        while True:
            ahead = runners
            if runners.size > some:
                ahead = runners[np.argpartition(times[runners], some)[:some]]
            ahead = ahead[np.argsort(times[ahead], kind="stable")]
            xp = namespace(points)
            found = home(xp.take(points, xp.asarray(ahead), axis=1))
            _, first = np.unique(found, axis=1, return_index=True)
            if first.size >= size or ahead.size == runners.size:
                first = np.sort(first)[:size]
                return cls(times[ahead[first]], found[:, first], size)
            some *= 4

    def __add__(self, other):
        return First.of(np.append(self.times, other.times), np.hstack([self.points, other.points]), self.size)


def nearest(z, candidates, weights):
    """The nearest candidate of each column of z, and its squared distance, columns weighted; (b,), (b,)."""
    xp = namespace(z)
    candidates = xp.asarray(candidates, dtype=z.dtype)
    if weights is not None:
        weights = xp.asarray(weights, dtype=z.dtype)
        z, candidates = z * weights, candidates * weights
    # (3.5) eq-assign, by the largest c.z - |c|^2/2
    log_joint = candidates.T @ z
    log_joint -= 0.5 * squared_lengths(candidates)[:, None]
    labels = xp.argmax(log_joint, axis=0)
    return labels, squared_lengths(z - xp.take(candidates, labels, axis=1), dtype=xp.float64)


def exponentials(seed, rows):
    """Exponential random numbers that belong to rows of all the data, whatever the blocks; (b,)."""
    generator = np.random.Philox(key=seed).advance(rows.start // 4)  # four numbers to a step
    skipped = rows.start % 4
    return -np.log1p(-np.random.Generator(generator).random(skipped + rows.stop - rows.start)[skipped:])
