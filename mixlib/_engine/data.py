"""The points as the loop sees them, and the one way to go over them: block by block.

Points are the columns of z, (d, n), so that coordinates, log-joint and responsibilities of a
block are contiguous along the points. Only sums leave a block; threads differ in nothing
but who hands out the blocks.
"""

import copy

import numpy as np

from ..axis_aligned import Spherical
from ..covariance import Full
from ..errors import SingularFitError
from .coordinates import Coordinates
from .namespace import namespace
from .reductions import add_in_order, outer_sum, reduce_points, slices, squared_lengths, weighted_sum
from .threads import map_blocks
from .triangles import Singular

CACHED_BLOCK = 1 << 18  # numbers in a block where little more than z is at work
BLOCK = 1 << 20  # numbers in a block with its log-joint: near the cache, and work enough for a thread
ROW_MAJOR_FROM = 8  # coordinates from which a point's stand side by side in memory


class Totals:
    """What is known of all the points together, which is what the M-step and a prior ask for: weight, coordinates, moments.

    `mean` (d,), `second_moments` (m,) about the origin and `radius`, the largest length of a point, are in the
    internal coordinates.
    """

    def __init__(self, d, total_weight, dtype, constraint):
        self.d, self.total_weight, self.dtype = d, float(total_weight), dtype
        self.shape, self.per_component = constraint.shape, not constraint.shared

    def _set_limits(self):
        # a component of no more weight than this holds no points
        self.negligible_weight = self.total_weight * np.finfo(self.dtype).tiny * 1e8
        # squared lengths up to this are rounding
        self.rounding = max((8 * np.finfo(self.dtype).eps * self.radius) ** 2, np.finfo(float).tiny)


class Data(Totals):
    """The points in internal coordinates, with their weights and total moments.

    A singular covariance of the data is an error where the model needs its inverse, unless
    `may_be_singular` (a prior keeps the fit regular).
    """

    in_memory = True  # labels may be kept from an iteration to the next

    def __init__(self, x, w, constraint, *, may_be_singular=False):
        self._describe(x, w, x.dtype, constraint)
        row_major = self.d >= ROW_MAJOR_FROM
        self.z = np.empty((self.n, self.d), x.dtype).T if row_major else np.empty((self.d, self.n), x.dtype)
        self.coordinates = self._copy(x)
        self.mean = self._change_coordinates() / self.total_weight
        if self.shape.rotates:
            self._whiten(may_be_singular)
        self.second_moments, self.radius = self._second_moments()
        self._set_limits()

    def _describe(self, x, w, dtype, constraint):
        """Size and weight of rows x (n, d), an array or a source, of weights w."""
        (self.n, d), self.w = x.shape, w
        Totals.__init__(self, d, self.n if w is None else w.sum(), dtype, constraint)

    def _copy(self, x):
        """Copy x into z (the caller's is not touched); exact coordinates for its columns."""
        lows, highs = [], []

        def copy(z, rows, w):
            z[:] = x[rows].T
            lows.append(reduce_points(np.minimum, z))
            highs.append(reduce_points(np.maximum, z))

        self.for_blocks(copy)
        low, high = np.min(lows, axis=0).astype(np.float64), np.max(highs, axis=0).astype(np.float64)
        return Coordinates.around(low, high, self.shape.isotropic)

    def _change_coordinates(self):
        """Bring the points from the user's coordinates to the internal ones, in place; their sum."""
        shift, scale = self.coordinates.shift[:, None], self.coordinates.scale[:, None]

        def bring(z, rows, w):
            z -= shift
            z /= scale
            return weighted_sum(z, w)

        return self.sum_blocks(bring)

    def _second_moments(self):
        """Total second moments about the origin of z, in the shape's form, and the largest length."""
        longest = []

        def block(z, rows, w):
            lengths = squared_lengths(z)
            longest.append(lengths.max())
            return self.shape.sum_moments(z, w, lengths)

        return self.sum_blocks(block), np.sqrt(max(longest))

    def _whiten(self, may_be_singular):
        """Centre z and divide by the root of its covariance, which becomes the identity."""
        self._whiten_by(self.sum_blocks(lambda z, rows, w: outer_sum(z - self.mean[:, None], w)), may_be_singular)

    def _whiten_by(self, square, may_be_singular):
        """The same, by the scatter (d, d) about the mean."""
        try:
            rounding = (8 * np.finfo(self.dtype).eps) ** 2
            root = Full().from_covariances((square / self.total_weight)[None], rounding)[0]
        except Singular:
            if not may_be_singular:
                raise SingularFitError(
                    f"the {self.d} columns of x are linearly dependent, or constant, over its {self.n} points: no "
                    "covariance matrix fits them. Drop or combine columns, use covariance='spherical', or a prior "
                    "with a scale of its own, mixlib.Prior(scale=...)"
                ) from None
            root = np.eye(self.d)
        self._set_whitening(np.tril(np.linalg.inv(root)))
        self.coordinates = self.coordinates.whitened(self.mean, root)
        self.mean = np.zeros(self.d)

    def _set_whitening(self, inverse):
        def whiten(z, rows, w):
            z[:] = inverse @ (z - self.mean[:, None])

        self.for_blocks(whiten)

    def isotropic(self):
        """The same points as if the internal coordinates were the user's: k-means goes by distances in z."""
        view = copy.copy(self)
        view.shape, view.per_component = Spherical(), False
        view.coordinates = Coordinates(np.zeros(self.d), np.ones(self.d))
        view.second_moments = self.shape.diagonal(self.second_moments, self.d).sum(keepdims=True)
        return view

    def subset(self, where, w):
        """Some of the points (indices) with other weights, in the same coordinates."""
        part = copy.copy(self)
        part.z, part.w, part.n, part.total_weight = self.points(where), w, len(where), float(w.sum())
        part.mean = part.sum_blocks(lambda z, rows, w: weighted_sum(z, w)) / part.total_weight
        part.second_moments, _ = part._second_moments()
        return part

    def in_single_precision(self):
        """The same points in single precision, with the moments of the others."""
        view = copy.copy(self)
        view.z, view.dtype = self.z.astype(np.float32, copy=False), np.dtype(np.float32)
        view.rounding = max(self.rounding, float(8 * np.finfo(np.float32).eps * self.radius) ** 2)
        return view

    def scatter(self):
        """Second moments of all the data about their mean, in the shape's form, (1, m)."""

        def block(z, rows, w):
            return self.shape.sum_moments(z - namespace(z).asarray(self.mean)[:, None], w)

        return self.sum_blocks(block)[None]

    def blocks(self, rows):
        """Blocks of z, (d, b), their slices and their weights."""
        for part in slices(self.n, rows):
            yield self.z[:, part], part, None if self.w is None else self.w[part]

    def sum_blocks(self, task, rows=None):
        """The sum of task(z, slice, w) over the blocks; the same for any number of threads."""
        return add_in_order(self._map(task, rows))

    def for_blocks(self, task, rows=None):
        """Do task(z, slice, w) for each of the blocks."""
        for _ in self._map(task, rows):
            pass

    def each(self, task, rows=None, columns=None, dtype=np.float64):
        """What task(z, slice) makes of each point: (n,), or (n, columns)."""
        out = np.empty(self.n if columns is None else (self.n, columns), dtype)

        def block(z, rows, w):
            out[rows] = task(z, rows)

        self.for_blocks(block, rows)
        return out

    def kept(self, found):
        """What `each` found, without what it was found from."""
        return found

    def _map(self, task, rows):
        rows = rows or max(256, CACHED_BLOCK // self.d)
        if self.n <= rows:
            return [task(self.z, slice(0, self.n), self.w)]
        return map_blocks(lambda block: task(*block), list(self.blocks(rows)))

    def points(self, where):
        """Points by slice or by index, (d, b)."""
        if isinstance(where, slice):
            return self.z[:, where]
        return self.z.T.take(where, axis=0).T if self.z.flags.f_contiguous else self.z.take(where, axis=1)
