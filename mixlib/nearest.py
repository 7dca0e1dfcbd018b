"""The nearest of K means, and distances to them: Lloyd's assignment step for a block of points (chapter 3).

Nearest is the largest c.z - |c|^2/2, the log-joint but for what all components share. Single
precision decides where the gap to the next is beyond its rounding, double precision the rest, and
distances as the user would write them what is still a tie.
"""

import copy
import math

import numpy as np

from ._engine.coordinates import Coordinates
from ._engine.data import BLOCK, CACHED_BLOCK
from ._engine.namespace import home, namespace
from ._engine.reductions import concatenated, slices, squared_lengths, weighted_sum
from ._engine.scratch import scratch
from ._engine.threads import map_blocks
from .log_joint import EPS, argmax, digits_kept

SINGLE_RADIUS = 1e15  # squares of anything nearer are numbers in single precision
MODERATE = 1e9  # squares of such numbers, and of their inverses, are numbers in single precision
CANCELS = 2.2e-3  # |z - c|^2 at most this share of |z|^2, so of about |c|^2, has lost three of its sixteen digits
SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class NearestMean:
    """Means (K, d) in internal coordinates, and in the user's (`centres`), for points up to `radius` from the origin.

    `looks` lists (SINGLE, DOUBLE or "distances", how many points) of every call.
    """

    def __init__(self, means, centres, coordinates, radius=0.0):
        self.means, self.centres, self.coordinates = means, centres, coordinates
        # (3.5) eq-assign, (5.2) eq-reduction-score
        self.offset = -0.5 * squared_lengths(means.T)
        self._set_radius(radius)

    def _set_radius(self, radius):
        """What holds for points up to there: the precision to begin with, and how far rounding may reach."""
        self.radius = radius = max(float(radius), math.sqrt(-2 * self.offset.min()))
        self.precision = SINGLE if radius < SINGLE_RADIUS else DOUBLE
        steps = (self.means.shape[1] + 4) * radius  # roundings of one c.z, each up to radius eps / 2
        double = 4 * steps * (radius + self.coordinates.away) * EPS[DOUBLE.itemsize]
        self.slack = {SINGLE: steps * radius * EPS[SINGLE.itemsize] + double, DOUBLE: double}
        self.looks = []

    def within(self, radius):
        """The same for other points, up to that radius."""
        other = copy.copy(self)
        other._set_radius(radius)
        return other

    def find(self, z, precision):
        """Labels (b,), and what led to them: the points (d, b), the log-joint (K, b) and its largest."""
        labels, close, *led = self.screen(z, precision)
        if close.shape[0]:
            z, close = home(namespace(z).take(z, close, axis=1)).astype(DOUBLE, copy=False), home(close)
            if precision == SINGLE:
                labels[close] = self.find(z, DOUBLE)[0]
            else:
                self.looks.append(("distances", close.size))
                labels[close] = self._by_distances(z)
        return labels, *led

    def screen(self, z, precision):
        """The same, and after the labels the points (indices) whose label this precision leaves open."""
        self.looks.append((precision, z.shape[1]))
        xp = namespace(z)
        dtype = xp.float32 if precision == SINGLE else xp.float64
        points = z if z.dtype == dtype else xp.astype(z, dtype, out=xp.scratch("points", z.shape, dtype, like=z))
        log_joint = self.log_joint(points)
        labels, best, close = argmax(log_joint, self.slack[precision])
        return home(labels), close, points, log_joint, best

    def log_joint(self, z):
        """c.z - |c|^2 / 2, (K, b), in the precision of z; in scratch memory."""
        xp = namespace(z)
        out = xp.scratch("log_joint", (len(self.means), z.shape[1]), z.dtype)
        log_joint = xp.matmul(xp.asarray(self.means, dtype=z.dtype), z, out=out)
        log_joint += xp.asarray(self.offset[:, None], dtype=z.dtype)
        return log_joint

    def _by_distances(self, z):
        """Labels by the distances as written, in the user's coordinates: the lowest among equals."""
        x, scale = self.coordinates.to_user(z), self.coordinates.scale
        return np.argmin([(((x - c) / scale) ** 2).sum(axis=1) for c in self.centres], axis=0)


def nearest_labels(x, centres):
    """The index of the nearest of K centres (K, d) for each point of x, (n,)."""
    labels = np.empty(len(x), dtype=np.intp)
    among = _among(centres)

    def block(part):
        z = _internal(x[part], among.coordinates)
        nearest = among.within(np.sqrt(len(z)) * max(float(z.max()), -float(z.min())))
        if nearest.precision == DOUBLE:
            labels[part] = nearest.find(z, DOUBLE)[0]
            return np.empty(0, dtype=np.intp), 0.0
        labels[part], close, *_ = nearest.screen(z, SINGLE)
        return part.start + close, nearest.radius

    left_open, radii = zip(*_for_each(block, _parts(x, centres)))
    where, nearest = concatenated(left_open), among.within(max(radii))

    def again(part):
        z = _internal(x[where[part]], among.coordinates).astype(DOUBLE, copy=False)
        labels[where[part]] = nearest.find(z, DOUBLE)[0]

    _for_each(again, _parts(where, centres))
    return labels


def distances(x, centres):
    """Distances of n points to K centres, (n, K), in the precision of x."""
    K, d = centres.shape
    out = np.empty((len(x), K), dtype=x.dtype)
    nearest = _among(centres)
    means, shift, unit = nearest.means, nearest.coordinates.shift[:, None], nearest.coordinates.scale[0]
    rows_of_means = np.concatenate([-2 * means, -2 * nearest.offset[:, None], np.ones((K, 1))], axis=1)

    def block(part):
        columns = scratch("columns", (d + 2, part.stop - part.start), DOUBLE)
        z, lengths = columns[:d], columns[d + 1]
        np.subtract(x[part].T, shift, out=z)
        if unit != 1:
            z *= 1 / unit
        columns[d] = 1.0
        squared_lengths(z, out=lengths)
        squares = out[part] if out.dtype == DOUBLE else scratch("squares", out[part].shape, DOUBLE)
        # -2 c.z + |c|^2 + |z|^2, or from z - c where that loses digits: there, and at some places more
        np.matmul(columns.T, rows_of_means.T, out=squares)
        places = np.flatnonzero(squares <= CANCELS * lengths.max())
        i, k = np.divmod(places, K)
        squares.reshape(-1)[places] = squared_lengths(z.take(i, axis=1) - means.T.take(k, axis=1))
        np.sqrt(squares, out=out[part], casting="same_kind")
        if unit != 1:
            out[part] *= unit

    _for_each(block, _parts(x, centres))
    return out


def inertia(x, centres, w):
    """The sum of w times the squared distance to the nearest centre."""
    nearest = _among(centres)
    unit = nearest.coordinates.scale[0]

    def block(part):
        z = _internal(x[part], nearest.coordinates).astype(DOUBLE, copy=False)
        weights = None if w is None else w[part]
        best = np.maximum.reduce(nearest.log_joint(z), axis=0, out=scratch("best", z.shape[1:], DOUBLE))
        lengths = squared_lengths(z)
        total, gained = (float(weighted_sum(values[None], weights)[0]) for values in (lengths, best))
        # (3.1) eq-kmeans-objective, as |z|^2 - 2 max_k (c.z - |c|^2 / 2), or from x - c where that loses digits
        J = total - 2 * gained
        if J > 0 and digits_kept(DOUBLE, total / J):
            return J * unit * unit
        v = x[part] - centres.take(nearest_labels(x[part], centres), axis=0)
        return float(weighted_sum(squared_lengths(v.T)[None], weights)[0])

    return float(sum(_for_each(block, _parts(x, centres))))


def _among(centres):
    """The search among centres (K, d), in coordinates about them and, unless it is extreme, the user's unit."""
    coordinates = Coordinates.around(centres.min(axis=0), centres.max(axis=0), True)
    if 1 / MODERATE < coordinates.scale[0] < MODERATE:
        coordinates = Coordinates(coordinates.shift, np.ones_like(coordinates.scale))
    return NearestMean(np.ascontiguousarray(coordinates.to_internal(centres).T), centres, coordinates)


def _internal(x, coordinates):
    """Points x (b, d) as columns (d, b) in the internal coordinates: as they lie, where these are the user's."""
    shift, unit = coordinates.shift, coordinates.scale[0]
    if shift.any():
        x = np.subtract(x, shift, out=scratch("shifted", x.shape, DOUBLE))
    return (x if unit == 1 else x * (1 / unit)).T


def _for_each(block, parts):
    """What block(part) makes of each part."""
    with np.errstate(over="ignore"):
        return list(map_blocks(block, parts))


def _parts(x, centres):
    """Blocks of points, of one size and an even number of them, so that threads end together."""
    work = len(x) * (1 + sum(centres.shape))
    count = 1 if work <= CACHED_BLOCK else 2 * -(-work // (2 * BLOCK))
    return slices(len(x), max(256, -(-len(x) // count)))


def rows_in_block(centres):
    """Points in a block of a source whose distances to K centres (K, d) are sought."""
    K, d = centres.shape
    return max(256, BLOCK // (1 + d + K))
