"""What blocks say of themselves before a fit, and how two of them add up."""

import numpy as np

from .namespace import home, namespace
from .reductions import outer_sum, weighted_sum


class LeastAndLargest:
    """The least and largest of each column, how many rows, and which of them hold NaN or infinity."""

    def __init__(self, n, low, high, n_bad=0, first_bad=None):
        self.n, self.low, self.high, self.n_bad, self.first_bad = n, low, high, n_bad, first_bad

    @classmethod
    def of(cls, x, start, w):
        xp = namespace(x)
        low, high = home(xp.min(x, axis=0)), home(xp.max(x, axis=0))
        if np.isfinite(low).all() and np.isfinite(high).all():
            return cls(x.shape[0], low, high)
        bad = np.flatnonzero(~home(xp.all(xp.isfinite(x), axis=1)))
        return cls(x.shape[0], low, high, bad.size, start + int(bad[0]))

    def __add__(self, other):
        first = [place for place in (self.first_bad, other.first_bad) if place is not None]
        return LeastAndLargest(
            self.n + other.n,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.n_bad + other.n_bad,
            min(first, default=None),
        )


class Scatter:
    """Weight, mean (d,) and scatter (d, d) about the mean. Added as by Chan, Golub and LeVeque (1983): no digits are lost."""

    def __init__(self, weight, mean, square):
        self.weight, self.mean, self.square = weight, mean, square

    @classmethod
    def of(cls, z, w):
        weight = float(z.shape[1] if w is None else namespace(w).sum(w, axis=0))
        if weight == 0:
            return cls(0.0, np.zeros(z.shape[0]), np.zeros((z.shape[0], z.shape[0])))
        mean = weighted_sum(z, w) / weight
        return cls(weight, mean, outer_sum(z - namespace(z).asarray(mean)[:, None], w))

    def __add__(self, other):
        weight = self.weight + other.weight
        share = other.weight / weight if weight else 0.0
        step = other.mean - self.mean
        square = self.square + other.square + self.weight * share * np.outer(step, step)
        return Scatter(weight, self.mean + share * step, square)


class Distinct:
    """Points (m, d) that differ and count, in the order of their columns: the first K of them."""

    def __init__(self, points, K):
        self.points, self.K = np.unique(points, axis=0)[:K], K

    def __add__(self, other):
        return Distinct(np.vstack([self.points, other.points]), self.K)


class Largest(float):
    """A number of which the larger one is kept."""

    def __add__(self, other):
        return Largest(max(self, other))
