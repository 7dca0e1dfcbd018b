"""Points that are not one array in memory: what a source of blocks is, and which one a caller has passed.

A source has `n` points in `d` columns and hands their rows (b, d) to a task, block by block. Only
what the task returns comes back. `files` reads blocks one after the other, `dask_blocks` leaves
them to Dask. Nothing else in mixlib knows where blocks come from.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import inputs
from .namespace import home
from .summaries import Distinct, LeastAndLargest

MAIN_MEMORY = (1, 3, 11, 13)  # DLPack's numbers of the devices whose memory the processor can read


class Source:
    """What the sources have in common.

    ``total(task, rows, w)``
        The sum of task(x, start, w) over blocks x of at most `rows` rows, the first of them row `start`
        of all; `w` are their weights, or None. Sums may be arrays, numbers, tuples of them, or
        whatever has ``+``.
    ``each(task, rows, columns, dtype)``
        What task(x, start) makes of each row, in their order: (n,), or (n, columns) if given. It comes
        in the source's own form.
    ``kept(found)``
        What ``each`` found, without what it was found from.
    ``place(row)``
        Words for where a row is.
    ``beside(w)``
        Weights (n,), brought to where the blocks are.
    """

    total: Callable[..., Any]
    each: Callable[..., Any]
    n, d, dtype, examined = None, None, None, False
    if_empty = ""  # what may be the reason that there are no points

    @property
    def shape(self):
        return self.n, self.d

    def __len__(self):
        return self.n

    def beside(self, w):
        return w

    def kept(self, found):
        return found

    def examine(self, name):
        """The first pass: how many rows, the least and largest of each column; refused is what cannot be fitted."""
        if self.examined:
            return self
        seen = self.total(LeastAndLargest.of, max(256, (1 << 20) // self.d))
        if seen is None:
            raise ValueError(f"{name} has 0 points (shape={(0, self.d)}); at least one is required{self.if_empty}")
        if seen.n_bad:
            raise ValueError(
                f"{name} contains NaN or infinity in {seen.n_bad} of {seen.n} rows (first: {self.place(seen.first_bad)}); "
                "drop or impute them"
            )
        self.n, self.low, self.high = seen.n, seen.low.astype(np.float64), seen.high.astype(np.float64)
        inputs.check_range(self.largest, name)
        self.examined = True
        return self

    @property
    def largest(self):
        """The largest absolute value, once examined."""
        return float(max(-self.low.min(), self.high.max()))


class Gone:
    """In the place of a source, where a fit has come out of a pickle."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            "a pickle keeps no points, and this was not computed before: use predict(x) or the mixture"
        )


def as_source(x, name="x"):
    """The source of blocks that `x` is, or None if it is for NumPy to read."""
    if isinstance(x, Source):
        return x
    if "dask" in sys.modules and hasattr(x, "__dask_graph__"):
        from .dask_blocks import DaskBlocks

        return DaskBlocks(x, name)
    if is_elsewhere(x):
        from .elsewhere import ArrayElsewhere

        return ArrayElsewhere(x, name)
    if isinstance(x, (str, os.PathLike, np.memmap)) or callable(x):
        from .files import ArrayFile, BlockFactory, MappedArray

        return (MappedArray if isinstance(x, np.memmap) else BlockFactory if callable(x) else ArrayFile)(x, name)
    if hasattr(x, "__next__"):
        raise TypeError(
            f"{name} is an iterator, which ends after one pass: pass a function that returns a fresh one, such as "
            f"lambda: read_blocks(...)"
        )
    return None


def is_elsewhere(x):
    """Does an array of another library lie where NumPy cannot read it?"""
    try:
        return not isinstance(x, (np.ndarray, np.generic)) and int(x.__dlpack_device__()[0]) not in MAIN_MEMORY
    except Exception:  # libraries raise what they like; `inputs.as_array` says what is wrong
        return False


def as_rows(x, source, name):
    """A block as numbers (b, d) of the source's kind."""
    x = inputs.as_numbers(x, name)
    if x.ndim != 2 or (source.d is not None and x.shape[1] != source.d):
        raise ValueError(f"{name} must be 2-D with {source.d or 'd'} columns, got shape {x.shape}")
    if source.dtype == np.float32 and x.dtype == np.float64:
        raise ValueError(f"{name} is float64 and the first block float32: bring all blocks to one dtype")
    return x if source.dtype is None else x.astype(source.dtype, copy=False)


def kind(dtype):
    """float32, or else float64: what numbers of a dtype are computed in."""
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)


def each_row(x, answer, rows, columns=None, dtype=np.float64):
    """What answer(x) makes of each row, (n,) or (n, columns): of an array at once, of a source block by block, in NumPy."""
    if not isinstance(x, Source):
        return answer(x)
    return x.each(lambda part, start: answer(finite(home(part), start, x.name)), rows, columns, dtype)


def distinct(x, w, K):
    """Up to K points that differ and count, (m, d), of an array (n, d) or a source, with weights (n,) or None."""

    def of_block(x, start, w):
        x = home(x)
        return Distinct(x if w is None else x[home(w) > 0], K)

    return (x.total(of_block, 1 << 16, x.beside(w)) if isinstance(x, Source) else of_block(x, 0, w)).points


def finite(x, start, name):
    """A block (b, d) if it is finite; `start` is the number of its first row."""
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1)) if len(x) and not np.isfinite(x.sum()) else ()
    if len(bad):
        raise ValueError(f"{name} contains NaN or infinity in row {start + bad[0]}; drop or impute such rows")
    return x
