"""Blocks of rows from a Dask array: each chunk is a task that returns its sums, and sums are added in a tree.

Which threads, processes or machines do the tasks is Dask's business: its scheduler is the one
that the caller has chosen. This module is imported where a Dask array is passed, and only there.
"""

from uuid import uuid4

import dask
import dask.array as da
import numpy as np
from dask.layers import ArrayValuesDep

from .. import inputs
from ..errors import BlockError
from .reductions import add_in_order, slices
from .sources import Source, as_rows, kind
from .threads import one_blas_thread

ADDED_AT_ONCE = 8  # sums that one task adds: so many branches has the tree
NOTHING = np.empty((0, 0), dtype=object)


class DaskBlocks(Source):
    """A Dask array (n, d) whose chunks hold whole rows."""

    def __init__(self, x, name):
        if not hasattr(x, "chunks"):
            raise TypeError(
                f"{name} is a {type(x).__name__} of Dask; mixlib needs a Dask array: {name}.to_dask_array(lengths=True) "
                "makes one of a data frame"
            )
        if np.isnan(x.shape).any():
            raise ValueError(
                f"{name} has chunks of unknown sizes, shape {x.shape}: call {name}.compute_chunk_sizes() before"
            )
        inputs.check_shape(x.shape, name)
        if len(x.chunks[1]) > 1:
            raise ValueError(
                f"{name} is chunked along its columns, {x.chunks[1]}; mixlib needs whole rows: {name}.rechunk({{1: -1}})"
            )
        inputs.as_numbers(np.empty(0, x.dtype), name)  # refuses what are no numbers
        self.name, self.dtype, (self.n, self.d) = name, kind(x.dtype), x.shape
        self.x = x
        self.starts = np.concatenate([[0], np.cumsum(x.chunks[0])])
        self.first = ArrayValuesDep(x.chunks, self.starts[:-1, None])  # the number of each chunk's first row: no task

    def __getstate__(self):
        """Workers that are told of a source need its name and size; the chunks come to them by themselves."""
        return {**self.__dict__, "x": None, "first": None, "starts": None}

    def total(self, task, rows, w=None):
        name = f"mixlib-sums-{uuid4().hex}"
        task = dask.delayed(
            OfChunk(task, rows, self), name=f"{name}-task", traverse=False
        )  # each worker is sent it once
        arrays = (self.x, "ij", self.first, "ij") + (() if w is None else (w, "i"))
        sums = da.blockwise(
            OfChunk.sums, "ij", task, None, *arrays, align_arrays=False, name=name, dtype=object, meta=NOTHING
        )
        total = da.reduction(
            sums,
            chunk=_same,
            combine=_added,
            aggregate=_added,
            split_every={0: ADDED_AT_ONCE, 1: 2},
            concatenate=False,
            dtype=object,
            meta=NOTHING,
        )
        return self._done(total.to_delayed().item().compute)

    def each(self, task, rows, columns=None, dtype=np.float64):
        """A Dask array, chunked like the rows."""
        shape = (0,) if columns is None else (0, columns)
        return da.map_blocks(
            OfChunk(task, rows, self).each,
            self.x,
            drop_axis=1 if columns is None else None,
            chunks=self.x.chunks[:1] + (() if columns is None else ((columns,),)),
            dtype=dtype,
            meta=np.empty(shape, dtype),
            name=f"mixlib-each-{uuid4().hex}",
        )

    def beside(self, w):
        """Weights as a Dask array, one chunk to each of x, placed once."""
        return None if w is None else da.from_array(w, chunks=(self.x.chunks[0],)).persist()

    def kept(self, found):
        """Computed where the chunks are, and kept there: the graph of the chunks is let go."""
        return self._done(found.persist)

    def place(self, row):
        chunk = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"chunk {chunk}, row {row - self.starts[chunk]}, which is row {row} of all"

    def _done(self, task):
        try:
            with one_blas_thread():  # for tasks in threads of this process, for all of them at once
                return task()
        except Exception as error:
            if type(error).__module__.startswith("distributed"):  # lost workers and the like: no fault of a chunk
                raise
            chunk, error = self._failing(error)
            if chunk is None:
                raise
            raise BlockError(
                f"chunk {chunk} of {self.name} (rows {self.starts[chunk]} to {self.starts[chunk + 1] - 1}) could not be "
                f"read: {type(error).__name__}: {error}"
            ) from error

    def _failing(self, error):
        """The first chunk that cannot be had, and why, by halving: about one more pass; (None, error) if all can."""
        low, high, chunks = 0, len(self.starts) - 1, self.x.to_delayed(optimize_graph=False).ravel()
        while low < high:
            middle = (low + high + 1) // 2
            try:
                dask.compute(*[dask.delayed(len)(chunk) for chunk in chunks[low:middle]])
            except Exception as found:
                if middle == low + 1:
                    return low, found
                high = middle
            else:
                low = middle
        return None, error


def _same(part, axis, keepdims):
    return part


def _added(parts, axis, keepdims):
    """The sum of some chunks' sums, which come as a list of lists."""
    return add_in_order(part for row in parts for part in row)


class OfChunk:
    """A task over blocks of at most `rows` rows, as one over a chunk."""

    def __init__(self, task, rows, source):
        self.task, self.rows, self.source = task, rows, source

    def sums(self, x, start, w=None):
        """The sum over the chunk; None if it is empty."""
        x, start = as_rows(x, self.source, self.source.name), int(start)
        with one_blas_thread():
            return add_in_order(
                self.task(x[part], start + part.start, None if w is None else w[part])
                for part in slices(len(x), self.rows)
            )

    def each(self, x, block_info=None):
        """What the task makes of each row."""
        x, start = as_rows(x, self.source, self.source.name), block_info[0]["array-location"][0][0]
        out = np.empty(block_info[None]["chunk-shape"], block_info[None]["dtype"])
        with one_blas_thread():
            for part in slices(len(x), self.rows):
                out[part] = self.task(x[part], start + part.start)
        return out
