"""The nearest of K means, and distances to them: Lloyd's assignment step for a block of points (chapter 3).

Nearest is the largest c.z - |c|^2/2, the log-joint but for what all components share. Single
precision decides where the gap to the next is beyond its rounding, double precision the rest, and
distances as the user would write them what is still a tie.
"""

import numpy as np

from ._engine.coordinates import Coordinates
from ._engine.data import CACHED_BLOCK
from ._engine.namespace import home, namespace
from ._engine.reductions import slices, squared_lengths
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
        radius = max(radius, np.sqrt(-2 * self.offset.min()))
        self.theta = {DOUBLE: (means, self.offset[:, None])}
        if radius < SINGLE_RADIUS:
            self.theta[SINGLE] = tuple(part.astype(SINGLE) for part in self.theta[DOUBLE])
        away = coordinates.away
        steps = (means.shape[1] + 4) * radius  # roundings of one c.z, each up to radius eps / 2
        double = 4 * steps * (radius + away) * EPS[DOUBLE.itemsize]
        self.slack = {SINGLE: float(steps * radius * EPS[SINGLE.itemsize] + double), DOUBLE: float(double)}

    def find(self, z, precision, exactly=None):
        """Labels (b,), and what led to them: the points (d, b), the log-joint (K, b) and its largest.

        `exactly` gives columns of z (indices) in double precision where z has lost digits.
        """
        self.looks.append((precision, z.shape[1]))
        xp = namespace(z)
        dtype = xp.float32 if precision == SINGLE else xp.float64
        points = z if z.dtype == dtype else xp.astype(z, dtype, out=xp.scratch("points", z.shape, dtype, like=z))
        linear, offset = (xp.asarray(part, dtype=dtype) for part in self.theta[precision])
        out = xp.scratch("log_joint", (len(self.means), z.shape[1]), dtype)
        log_joint = xp.matmul(linear, points, out=out)
        log_joint += offset
        labels, best, close = argmax(log_joint, self.slack[precision])
        labels = home(labels)
        if close.shape[0]:
            z = home(xp.take(z, close, axis=1)) if exactly is None else exactly(close)
            z, close = z.astype(DOUBLE, copy=False), home(close)
            if precision == SINGLE:
                labels[close] = self.find(z, DOUBLE)[0]
            else:
                self.looks.append(("distances", close.size))
                labels[close] = self._by_distances(z)
        return labels, points, log_joint, best

    def _by_distances(self, z):
        """Labels by the distances as written, in the user's coordinates: the lowest among equals."""
        x, scale = self.coordinates.to_user(z), self.coordinates.scale
        return np.argmin([(((x - c) / scale) ** 2).sum(axis=1) for c in self.centres], axis=0)


def nearest_labels(x, centres):
    """The index of the nearest of K centres (K, d) for each point of x, (n,)."""
    labels = np.empty(len(x), dtype=np.intp)
    coordinates, means = _around(centres)

    def block(part):
        z, radius = _internal(x[part], coordinates)
        nearest = NearestMean(means, centres, coordinates, radius)
        precision = SINGLE if SINGLE in nearest.theta else DOUBLE
        if z is None:  # the points as they are, but for the unit
            z = np.multiply(x[part], 1 / coordinates.scale[0], dtype=precision, casting="same_kind").T

        def exactly(where):
            return _internal(x[part][where], coordinates, always=True)[0]

        labels[part] = nearest.find(z, precision, exactly)[0]

    with np.errstate(over="ignore"):
        for _ in map_blocks(block, _parts(x, centres)):
            pass
    return labels


def distances(x, centres):
    """Distances of n points to K centres, (n, K), in the precision of x."""
    out = np.empty((len(x), len(centres)), dtype=x.dtype)
    coordinates, means = _around(centres)
    unit, lengths_of_means = coordinates.scale[0], squared_lengths(means.T)

    def block(part):
        z = _internal(x[part], coordinates, always=True)[0].T
        lengths = np.einsum("bj,bj->b", z, z)
        squares = out[part] if out.dtype == DOUBLE else np.empty(out[part].shape)
        np.matmul(z, -2 * means.T, out=squares)
        squares += lengths[:, None]
        squares += lengths_of_means
        # |z|^2 - 2 c.z + |c|^2, or from z - c where that loses digits: there, and at some places more
        places = np.flatnonzero(squares <= CANCELS * (lengths.max() + lengths_of_means))
        rows, columns = np.divmod(places, len(means))
        squares[rows, columns] = ((z[rows] - means[columns]) ** 2).sum(axis=1)
        np.sqrt(squares, out=squares)
        np.multiply(squares, unit, out=out[part], casting="same_kind")

    with np.errstate(over="ignore"):
        for _ in map_blocks(block, _parts(x, centres)):
            pass
    return out


def inertia(x, centres, w):
    """The sum of w times the squared distance to the nearest centre."""
    labels = nearest_labels(x, centres)

    def block(part):
        v = x[part] - centres.take(labels[part], axis=0)
        return np.vdot(v, v) if w is None else np.einsum("bj,bj->b", v, v) @ w[part]

    with np.errstate(over="ignore"):
        return float(sum(map_blocks(block, _parts(x, centres))))


def _around(centres):
    """Coordinates about the centres, and the centres in them."""
    coordinates = Coordinates.around(centres.min(axis=0), centres.max(axis=0), True)
    return coordinates, np.ascontiguousarray(coordinates.to_internal(centres).T)


def _internal(x, coordinates, always=False):
    """Points x (b, d) as columns in double precision, and a bound of their lengths.

    Where only the unit differs, None, and not the points, unless `always`.
    """
    if not always and not coordinates.shift.any():
        return None, np.sqrt(x.shape[1]) * max(float(x.max()), -float(x.min())) / coordinates.scale[0]
    z = x.astype(DOUBLE, copy=False)
    z = (z - coordinates.shift if coordinates.shift.any() else z) * (1 / coordinates.scale[0])
    return z.T, np.sqrt(x.shape[1]) * max(z.max(), -z.min())


def _parts(x, centres):
    return slices(len(x), rows_in_block(centres))


def rows_in_block(centres):
    """Points in a block whose distances to K centres (K, d) are sought."""
    K, d = centres.shape
    return max(256, CACHED_BLOCK // (1 + d + K))
