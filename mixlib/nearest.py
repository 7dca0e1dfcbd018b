"""The nearest of K means, and distances to them: Lloyd's assignment step for a block of points (chapter 3).

Nearest is the largest c.z - |c|^2/2, the log-joint but for what all components share. Single
precision decides where the gap to the next is beyond its rounding, double precision the rest, and
distances as the user would write them what is still a tie.
"""

import numpy as np

from ._engine.coordinates import Coordinates
from ._engine.data import CACHED_BLOCK
from ._engine.reductions import slices, squared_lengths
from ._engine.scratch import scratch
from ._engine.threads import map_blocks
from .log_joint import EPS, argmax

SINGLE_RADIUS = 1e15  # squares of anything nearer are numbers in single precision
CANCELS = 1e-3  # a difference this share of its terms has lost three of its sixteen digits
SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class NearestMean:
    """Means (K, d) in internal coordinates, and in the user's (`centres`), for points up to `radius` from the origin.

    `looks` lists (SINGLE, DOUBLE or "distances", how many points) of every call.
    """

    def __init__(self, means, centres, coordinates, radius):
        self.means, self.centres, self.coordinates, self.looks = means, centres, coordinates, []
        # (3.5) eq-assign, (5.2) eq-reduction-score
        self.offset = -0.5 * squared_lengths(means.T)
        theta = np.empty((len(means), 1 + means.shape[1]))
        theta[:, 0], theta[:, 1:] = self.offset, means
        radius = max(radius, np.sqrt(-2 * self.offset.min()))
        self.theta = {DOUBLE: theta}
        if radius < SINGLE_RADIUS:
            self.theta[SINGLE] = theta.astype(SINGLE)
        away = coordinates.away
        steps = (means.shape[1] + 4) * radius  # roundings of one c.z, each up to radius eps / 2
        double = 4 * steps * (radius + away) * EPS[DOUBLE.itemsize]
        self.slack = {SINGLE: float(steps * radius * EPS[SINGLE.itemsize] + double), DOUBLE: float(double)}

    def find(self, z, precision):
        """Labels (b,), and what led to them: the features (1, z), the log-joint (K, b) and its largest."""
        self.looks.append((precision, z.shape[1]))
        features = scratch("features", (1 + len(z), z.shape[1]), precision, like=z)
        features[0], features[1:] = 1.0, z
        log_joint = scratch("log_joint", (len(self.means), z.shape[1]), precision)
        np.matmul(self.theta[precision], features, out=log_joint)
        labels, best, close = argmax(log_joint, self.slack[precision])
        if close.size and precision == SINGLE:
            labels[close] = self.find(z[:, close], DOUBLE)[0]
        elif close.size:
            self.looks.append(("distances", close.size))
            labels[close] = self._by_distances(z[:, close].astype(DOUBLE))
        return labels, features, log_joint, best

    def _by_distances(self, z):
        """Labels by the distances as written, in the user's coordinates: the lowest among equals."""
        x, scale = self.coordinates.to_user(z), self.coordinates.scale
        return np.argmin([(((x - c) / scale) ** 2).sum(axis=1) for c in self.centres], axis=0)


def nearest_labels(x, centres):
    """The index of the nearest of K centres (K, d) for each point of x, (n,)."""
    labels = np.empty(len(x), dtype=np.intp)
    coordinates, means = _around(centres)

    def block(part):
        z = ((x[part].astype(DOUBLE, copy=False) - coordinates.shift) / coordinates.scale).T
        with np.errstate(over="ignore"):
            nearest = NearestMean(means, centres, coordinates, np.sqrt(squared_lengths(z).max()))
        labels[part] = nearest.find(z, SINGLE if SINGLE in nearest.theta else DOUBLE)[0]

    for _ in map_blocks(block, _parts(x, centres)):
        pass
    return labels


def distances(x, centres):
    """Distances of n points to K centres, (n, K), in the precision of x."""
    out = np.empty((len(x), len(centres)), dtype=x.dtype)
    coordinates, means = _around(centres)
    unit, half = coordinates.scale[0], 0.5 * squared_lengths(means.T)

    def block(part):
        z = (x[part].astype(DOUBLE, copy=False) - coordinates.shift) / coordinates.scale
        lengths = np.einsum("bj,bj->b", z, z)[:, None]
        squares = z @ means.T
        squares *= -2.0
        squares += lengths
        squares += 2 * half
        # |z|^2 - 2 c.z + |c|^2, or from z - c where that loses digits
        rows, columns = np.nonzero(squares <= CANCELS * (lengths + 2 * half))
        squares[rows, columns] = ((z[rows] - means[columns]) ** 2).sum(axis=1)
        np.multiply(np.sqrt(squares, out=squares), unit, out=squares)
        out[part] = squares

    with np.errstate(over="ignore"):
        for _ in map_blocks(block, _parts(x, centres)):
            pass
    return out


def inertia(x, centres, w):
    """The sum of w times the squared distance to the nearest centre."""
    labels = nearest_labels(x, centres)

    def block(part):
        squares = squared_lengths((x[part].astype(DOUBLE, copy=False) - centres[labels[part]]).T)
        return squares.sum() if w is None else squares @ w[part]

    with np.errstate(over="ignore"):
        return float(sum(map_blocks(block, _parts(x, centres))))


def _around(centres):
    """Coordinates about the centres, and the centres in them."""
    coordinates = Coordinates.around(centres.min(axis=0), centres.max(axis=0), True)
    return coordinates, np.ascontiguousarray(coordinates.to_internal(centres).T)


def _parts(x, centres):
    return slices(len(x), rows_in_block(centres))


def rows_in_block(centres):
    """Points in a block whose distances to K centres (K, d) are sought."""
    K, d = centres.shape
    return max(256, CACHED_BLOCK // (1 + d + K))
