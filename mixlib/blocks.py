"""The points as the loop sees them, and the one way to add up over them: block by block.

Points are the columns of z, (d, n), so that coordinates, scores and responsibilities of a
block are contiguous along the points. Only sums leave a block; threads differ in nothing
but who hands out the blocks.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .covariance import Full, Singular, Spherical
from .errors import SingularFitError
from .frame import Frame

try:
    from threadpoolctl import ThreadpoolController
except ImportError:                  # without it BLAS keeps its own threads, and blocks take turns
    ThreadpoolController = None

ROWS = 1 << 14                       # points in a block where nothing but z is at work
COPIED = 1 << 11                     # points transposed at once: rows and columns stay in cache
THREADS = min(os.cpu_count() or 1, 16) if ThreadpoolController else 1
_pool, _blas = [], []                # the threads, and BLAS's controller, made at the first use
_own = threading.local()             # each thread's scratch memory


class Data:
    """The points in the loop's coordinates, with their weights and total moments."""

    def __init__(self, x, w, constraint, regular=False):
        self.n, self.d = x.shape
        self.shape, self.own = constraint.shape, not constraint.shared
        self.w, self.total = w, float(self.n if w is None else w.sum())
        self.dtype = x.dtype
        self.z = np.empty((self.d, self.n), dtype=x.dtype)
        self.add_up(lambda z, rows, w: _overwrite(z, x[rows].T), COPIED)      # the caller's x is not touched
        low, high = self.z.min(axis=1).astype(np.float64), self.z.max(axis=1).astype(np.float64)
        self.frame = Frame.around(low, high, isinstance(self.shape, Spherical))
        self._to(self.frame)
        self.mean = self.add_up(lambda z, rows, w: weighted_sum(z, w)) / self.total
        if isinstance(self.shape, Full):
            self._whiten(regular)
        # total second moments about the origin of z, in the shape's form
        self.moments = self.add_up(lambda z, rows, w: weighted_sum(self.shape.moments(z), w))
        self.radius = np.sqrt(max(np.einsum("jb,jb->b", z, z).max() for z, _, _ in self.blocks(ROWS)))
        # a component of no more weight than this holds no points
        self.nothing = self.total * np.finfo(self.dtype).tiny * 1e8
        # squared lengths up to this are rounding
        self.floor = max((8 * np.finfo(self.dtype).eps * self.radius) ** 2, np.finfo(float).tiny)

    def _to(self, frame):
        """Bring z from the caller's coordinates to the frame's, in place (no `turn`)."""
        shift, scale = frame.shift[:, None], frame.scale[:, None]
        self.add_up(lambda z, rows, w: _overwrite(z, (z - shift) / scale))

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
        self.add_up(lambda z, rows, w: _overwrite(z, back @ (z - self.mean[:, None])))
        self.frame = self.frame.turned(self.mean, turn)
        self.mean = np.zeros(self.d)

    def scatter(self):
        """Second moments of all the data about their mean, in the shape's form, (1, m)."""
        return self.add_up(lambda z, rows, w: weighted_sum(self.shape.moments(z - self.mean[:, None]), w))[None]

    def blocks(self, rows):
        """Blocks of z, (d, b), their slices and their weights."""
        for start in range(0, self.n, rows):
            part = slice(start, min(start + rows, self.n))
            yield self.z[:, part], part, None if self.w is None else self.w[part]

    def add_up(self, task, rows=ROWS):
        """The sum of task(z, slice, w) over the blocks; the same for any number of threads."""
        blocks = self.blocks(rows)
        if THREADS == 1 or self.n <= rows:
            return _sum(task(*block) for block in blocks)
        with _one_blas_thread():
            return _sum(_threads().map(lambda block: task(*block), blocks))


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


def scratch(name, shape, dtype):
    """An array of this thread's to overwrite; memory that was used a moment ago is fast."""
    size = int(np.prod(shape))
    kept = getattr(_own, name, None)
    if kept is None or kept.size < size or kept.dtype != dtype:
        kept = np.empty(size, dtype=dtype)
        setattr(_own, name, kept)
    return kept[:size].reshape(shape)


def weighted_sum(columns, weights):
    """The sum of columns (m, b), each times its weight, in double precision."""
    return columns.sum(axis=1, dtype=np.float64) if weights is None else columns @ weights


def add_by_label(labels, features, w, K):
    """Sums of the features (F, b) over the points of each label, (K, F)."""
    return np.stack([np.bincount(labels, row if w is None else row * w, K) for row in features], axis=1)


def relabel(before, found, w):
    """Bring labels up to date, in place; how many points of positive weight they moved."""
    differ = before != found
    before[:] = found
    return int(np.count_nonzero(differ if w is None else differ & (w > 0)))


def _overwrite(z, values):
    z[:] = values
    return 0


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
