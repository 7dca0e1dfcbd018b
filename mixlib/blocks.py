"""The points as the loop sees them, and the one way to add up over them: block by block.

Points are the columns of z, (d, n), so that coordinates, scores and responsibilities of a
block are contiguous along the points. Only sums leave a block; threads differ in nothing
but who hands out the blocks.
"""

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .covariance import Full, Singular, Spherical, squared_lengths
from .errors import SingularFitError
from .frame import Frame

try:
    from threadpoolctl import ThreadpoolController
except ImportError:                  # without it BLAS keeps its own threads, and blocks take turns
    ThreadpoolController = None

NUMBERS = 1 << 18                    # in a block where little more than z is at work
BLOCK = 1 << 20                      # in a block with its scores: near the cache, and work enough for a thread
WIDE = 8                             # coordinates from which a point's stand side by side in memory
THREADS = min(os.cpu_count() or 1, 16) if ThreadpoolController else 1
_pool, _blas = [], []                # the threads, and BLAS's controller, made at the first use
_own = threading.local()             # each thread's scratch memory


class Data:
    """The points in the loop's coordinates, with their weights and total moments."""

    def __init__(self, x, w, constraint, regular=False, also=None):
        self.n, self.d = x.shape
        self.shape, self.own = constraint.shape, not constraint.shared
        self.w, self.total = w, float(self.n if w is None else w.sum())
        self.dtype = x.dtype
        self.z = np.empty((self.n, self.d), x.dtype).T if self.d >= WIDE else np.empty((self.d, self.n), x.dtype)
        self.frame = self._frame(x, x[:1] if also is None else also)
        self.mean = self._to_frame() / self.total
        if isinstance(self.shape, Full):
            self._whiten(regular)
        self.moments, self.radius = self._moments()
        # a component of no more weight than this holds no points
        self.nothing = self.total * np.finfo(self.dtype).tiny * 1e8
        # squared lengths up to this are rounding
        self.floor = max((8 * np.finfo(self.dtype).eps * self.radius) ** 2, np.finfo(float).tiny)

    def _frame(self, x, also):
        """Copy x (the caller's is not touched); the exact frame of its columns, which holds other points `also`."""
        lows, highs = [also.min(axis=0)], [also.max(axis=0)]

        def copy(z, rows, w):
            z[:] = x[rows].T
            lows.append(over_points(np.minimum, z))
            highs.append(over_points(np.maximum, z))
            return 0

        self.add_up(copy)
        low, high = np.min(lows, axis=0).astype(np.float64), np.max(highs, axis=0).astype(np.float64)
        return Frame.around(low, high, isinstance(self.shape, Spherical))

    def _to_frame(self):
        """Bring the points from the caller's coordinates to the frame's, in place; their sum."""
        shift, scale = self.frame.shift[:, None], self.frame.scale[:, None]

        def bring(z, rows, w):
            z -= shift
            z /= scale
            return weighted_sum(z, w)

        return self.add_up(bring)

    def _moments(self):
        """Total second moments about the origin of z, in the shape's form, and the largest length."""
        longest = []

        def block(z, rows, w):
            lengths = squared_lengths(z)
            longest.append(lengths.max())
            return weighted_sum(lengths[None], w) if isinstance(self.shape, Spherical) else sum_moments(self.shape, z, w)

        return self.add_up(block), np.sqrt(max(longest))

    def _whiten(self, regular):
        """Centre z, and turn it so that the covariance of the data is the identity.

        A singular covariance is left as it is where a prior keeps the fit `regular`.
        """
        square = self.add_up(lambda z, rows, w: _outer(z - self.mean[:, None], w))
        try:
            floor = (8 * np.finfo(self.dtype).eps) ** 2
            turn = Full().from_covariances((square / self.total)[None], floor)[0]
        except Singular:
            if not regular:
                raise SingularFitError(
                    f"the {self.d} columns of x are linearly dependent, or constant, over its {self.n} points: no "
                    "covariance matrix fits them. Drop or combine columns, use covariance='spherical', or a prior "
                    "with a scale of its own, mixlib.Prior(scale=...)") from None
            turn = np.eye(self.d)
        back = np.tril(np.linalg.inv(turn))

        def bring(z, rows, w):
            z[:] = back @ (z - self.mean[:, None])
            return 0

        self.add_up(bring)
        self.frame = self.frame.turned(self.mean, turn)
        self.mean = np.zeros(self.d)

    def scatter(self):
        """Second moments of all the data about their mean, in the shape's form, (1, m)."""
        return self.add_up(lambda z, rows, w: sum_moments(self.shape, z - self.mean[:, None], w))[None]

    def blocks(self, rows):
        """Blocks of z, (d, b), their slices and their weights."""
        for part in parts(self.n, rows):
            yield self.z[:, part], part, None if self.w is None else self.w[part]

    def add_up(self, task, rows=None):
        """The sum of task(z, slice, w) over the blocks; the same for any number of threads."""
        return _sum(in_threads(lambda block: task(*block), list(self.blocks(rows or max(256, NUMBERS // self.d)))))

    def points(self, where):
        """Points by slice or by index, (d, b)."""
        if isinstance(where, slice):
            return self.z[:, where]
        return self.z.T.take(where, axis=0).T if self.z.flags.f_contiguous else self.z.take(where, axis=1)


def in_threads(task, blocks):
    """What `task` makes of each block, in their order."""
    if THREADS == 1 or len(blocks) < 2:
        yield from map(task, blocks)
    else:
        with _one_blas_thread():
            yield from _threads().map(task, blocks)


def joined(arrays):
    """Arrays of integers end to end."""
    return np.concatenate([np.empty(0, dtype=np.intp), *arrays])


def parts(n, size):
    """Slices of `size`, the last one shorter, that cover n."""
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]


def _threads():
    if not _pool:
        _pool.append(ThreadPoolExecutor(THREADS, thread_name_prefix="mixlib"))
    return _pool[0]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.clear)      # a forked process has no threads of ours


def _one_blas_thread():
    """A context in which BLAS leaves the cores to the blocks' threads."""
    if not _blas:
        _blas.append(ThreadpoolController())
    return _blas[0].limit(limits=1, user_api="blas")


def scratch(name, shape, dtype, like=None):
    """An array of this thread's to overwrite, in the memory order of `like`; memory used a moment ago is fast."""
    size = math.prod(shape)
    name += dtype.char
    kept = getattr(_own, name, None)
    if kept is None or kept.size < size:
        kept = np.empty(size, dtype=dtype)
        setattr(_own, name, kept)
    return kept[:size].reshape(shape, order="F" if like is not None and like.flags.f_contiguous else "C")


def weighted_sum(columns, weights):
    """The sum of columns (m, b), each times its weight, in double precision."""
    return over_points(np.add, columns, dtype=np.float64) if weights is None else columns @ weights


def sum_moments(shape, columns, weights):
    """The sum of the shape's second moments of columns (d, b), each times its weight, in double precision; (m,)."""
    if isinstance(shape, Full):         # one matrix product, and its triangle
        columns = columns.astype(np.float64, copy=False)
        return _outer(columns, weights)[np.triu_indices(len(columns))]
    return weighted_sum(shape.moments(columns), weights)


def over_points(ufunc, columns, **options):
    """ufunc.reduce of columns (m, b) over b: 64 points in a stride where a point's numbers stand side by side."""
    if not columns.flags.f_contiguous or columns.shape[1] < 64:
        return ufunc.reduce(columns, axis=1, **options)
    points, whole = columns.T, columns.shape[1] // 64 * 64
    strides = ufunc.reduce(points[:whole].reshape(whole // 64, -1), axis=0, **options).reshape(64, -1)
    return ufunc.reduce(np.concatenate([strides, points[whole:]]), axis=0, **options)


def add_by_label(labels, columns, w, K):
    """The weight and the sums of columns (m, b) over the points of each label, (K, 1 + m)."""
    labels = labels.astype(np.intp)
    out = np.zeros((K, 1 + len(columns)))
    out[:, 0] = np.bincount(labels, w, K)
    if columns.flags.f_contiguous:          # a point's numbers stand side by side: bring equal labels together
        order = np.argsort(labels.astype(np.min_scalar_type(K)), kind="stable")
        points = columns.T.take(order, axis=0)
        if w is not None:
            points = points * w.take(order)[:, None]
        used, first = np.unique(labels.take(order), return_index=True)
        for k, part in zip(used, np.split(points, first[1:])):
            out[k, 1:] = part.sum(axis=0, dtype=np.float64)
    else:
        for row, total in zip(columns, out.T[1:]):
            total[:] = np.bincount(labels, row if w is None else row * w, K)
    return out


def _outer(columns, weights):
    return (columns if weights is None else columns * weights) @ columns.T


def _sum(parts):
    """Sum of arrays, numbers, or tuples of them, in their order."""
    total = None
    for part in parts:
        if total is None:
            total = part
        elif isinstance(part, tuple):
            total = tuple(a + b for a, b in zip(total, part))
        else:
            total = total + part
    return total
