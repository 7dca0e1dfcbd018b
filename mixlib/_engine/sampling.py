"""Draws of points with given probabilities, and their squared distances from centres: what seeding needs."""

import numpy as np

from ..errors import too_few
from ..log_joint import EPS, TOLERANCE
from .reductions import squared_lengths
from .scratch import scratch

SORTED_UP_TO = 1 << 13  # points; of more only those near a draw are sorted
DIFFERENCES_UP_TO = 1 << 14  # numbers; more distances come from products
LAST_BIN = (1 << 16) - 1


class PointSampler:
    """Draws points in the order of their distance from the mean, which rows and units do not change.

    So a start does not depend on the order of the rows, and w copies of a point count as one of
    weight w. Points at equal distances are told apart by a projection. Many points are not
    sorted but where a draw falls: bins of a 256th of an octave lead there.
    """

    def __init__(self, data, column_weights=None):
        self.data = data
        self.column_weights = data.shape.column_weights(data) if column_weights is None else column_weights
        self.squares, self.sorted_bins = np.empty(data.n, data.dtype), None
        if data.n <= SORTED_UP_TO:
            self.squares[:] = squared_lengths(self._weighted(data.z))
            self.order = np.argsort(self._keys(data.z, slice(None)), kind="stable")
            return
        self.bins = np.empty(data.n, dtype=np.int32)

        def block(z, rows, w):
            self.squares[rows] = squared_lengths(self._weighted(z))
            self.bins[rows] = self._keys(z, rows).view(np.int64) >> 44  # the sign, the exponent, 8 bits

        data.for_blocks(block)
        self.bins -= max(self.bins.min(), self.bins.max() - LAST_BIN)
        self.bins = np.maximum(self.bins, 0).astype(np.uint16)  # quickly sorted
        self.n_bins = int(self.bins.max()) + 1
        self.order = np.argsort(self.bins, kind="stable")
        self.sorted_bins = self.bins[self.order]

    def _weighted(self, z):
        return z if self.column_weights is None else z * self.column_weights

    def weights(self, where):
        """The weights of points."""
        return np.ones(len(self.squares[where])) if self.data.w is None else self.data.w[where]

    def distances(self, z, where, centres):
        """Squared distances of points from each of some centres (d, m), columns weighted, (m, b).

        They are |z|^2 - 2 c.z + |c|^2, or from z - c where that loses digits; perhaps in scratch memory.
        """
        if z.size * centres.shape[1] <= DIFFERENCES_UP_TO:
            return self._exact(z[:, None], centres[:, :, None])
        product = self._weighted(self._weighted(centres.astype(np.float64)))
        lengths = (product * centres).sum(axis=0)
        squares = self.squares[where]
        distances = scratch("distances", (len(lengths), z.shape[1]), z.dtype)
        np.matmul((-2.0 * product.T).astype(z.dtype, copy=False), z, out=distances)
        distances += squares
        distances += lengths[:, None].astype(z.dtype, copy=False)
        eps = EPS[z.dtype.itemsize] / TOLERANCE[z.dtype.itemsize]
        small = scratch("small", distances.shape, np.dtype(bool))
        # some more than needed
        np.less_equal(distances, eps * (squares.max(initial=0.0) + lengths[:, None]), out=small)
        near = np.flatnonzero(small)
        if near.size:
            rows, near = np.divmod(near, distances.shape[1])
            distances[rows, near] = self._exact(z[:, near], centres[:, rows])
        return distances

    def _exact(self, z, centres):
        """Squared lengths of z - c."""
        v = z - centres
        if self.column_weights is not None:
            v *= self.column_weights.reshape(-1, *[1] * (v.ndim - 1))
        squares = np.einsum("j...,j...->...", v, v, dtype=np.float64)
        squares[squares <= self.data.rounding] = 0.0  # the same point, up to rounding
        return squares

    def _keys(self, z, where):
        """Where points stand in the order, (b,): their squared distance from the mean, and a little of a projection."""
        distances = self.distances(z, where, self.data.mean[:, None])[0].astype(np.float64)
        direction = self._weighted(np.cos(1.0 + np.arange(len(z)))[:, None])[:, 0].astype(z.dtype, copy=False)
        cosine = (direction @ z - direction @ self.data.mean) / np.sqrt(np.maximum(distances, self.data.rounding))
        return distances * (1 + 1e-9 * cosine)

    def set_mass(self, mass):
        """Draw with probability proportional to mass(points) from now on."""
        self.mass = mass
        if self.sorted_bins is None:
            self.reached = np.cumsum(mass(self.order), dtype=np.float64)
            return
        self.masses = self.data.sum_blocks(lambda z, rows, w: np.bincount(self.bins[rows], mass(rows), self.n_bins))
        self.reached = np.cumsum(self.masses)

    def near_in_order(self, point):
        """Points (indices) among which are all copies of a point (1,)."""
        if self.sorted_bins is None:
            return self.order
        return self._members(self.bins[point[0]])

    def update_mass(self, point):
        """The mass has changed near a point (1,) in the order."""
        if self.sorted_bins is None:
            self.set_mass(self.mass)
        else:
            at = self.bins[point[0]]
            self.masses[at] = self.mass(self._members(at)).sum()
            self.reached = np.cumsum(self.masses)

    def _members(self, at):
        """The points of a bin."""
        return self.order[slice(*np.searchsorted(self.sorted_bins, [at, int(at) + 1]))]

    def draw(self, rng, n_found, K, number=1):
        """Indices of independent draws, (number,), each by one random number in the order."""
        reached = self.reached
        if not reached[-1] > 0:
            raise too_few(n_found, K)
        aims = rng.random(number) * reached[-1]
        # no further than the last that has a mass
        places = np.minimum(reached.searchsorted(aims, side="right"), reached.searchsorted(reached[-1]))
        if self.sorted_bins is None:
            return self.order[places]
        return np.array([self._within(place, aim) for place, aim in zip(places, aims)])

    def sample(self, rng, number):
        """About so many points, indices and weights that make up for the others, which an order of rows does not change.

        Half of them are drawn uniformly, half by squared distance from the mean, so that a few
        points far away are not missed (a lightweight coreset: Bachem, Lucic and Krause 2018). A
        hash of its key decides on a point: copies are all in the sample, or none.
        """
        multiplier = np.uint64(2 * int(rng.integers(1 << 62)) + 1)
        hashed, chance = np.empty(self.data.n), np.empty(self.data.n)

        def block(z, rows, w):
            chance[rows] = self._keys(z, rows)
            digits = chance[rows].view(np.uint64) >> np.uint64(20)  # rounding aside
            hashed[rows] = digits * multiplier >> np.uint64(32)

        self.data.for_blocks(block)
        weights = self.weights(slice(None))
        spread = weights @ chance
        chance *= 0.5 * number / spread if spread > 0 else 0.0
        chance += 0.5 * number / weights.sum()
        where = np.flatnonzero((hashed < chance * 2.0**32) & (weights > 0))
        return where, weights[where] / np.minimum(chance[where], 1.0)

    def _within(self, at, aim):
        """The point of a bin at which the mass reaches `aim`."""
        members = self._members(at)
        members = members[np.argsort(self._keys(self.data.points(members), members), kind="stable")]
        masses = self.mass(members)
        place = np.searchsorted(np.cumsum(masses), max(aim - (self.reached[at] - self.masses[at]), 0.0), side="right")
        return int(members[min(place, np.flatnonzero(masses)[-1])])
