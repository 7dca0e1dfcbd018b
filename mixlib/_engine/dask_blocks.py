"""Blocks of rows from a Dask array: each chunk is a task that returns its sums, and sums are added in a tree.

Which threads, processes or machines do the tasks is Dask's business: its scheduler is the one
that the caller has chosen. This module is imported where a Dask array is passed, and only there.
"""

from itertools import count
from uuid import uuid4

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from .. import inputs
from ..errors import BlockError
from .reductions import add_in_order, slices
from .sources import Source, as_rows, kind
from .threads import one_blas_thread

ADDED_AT_ONCE = 8  # sums that one task adds: so many branches has the tree


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
        (self.x,) = dask.optimize(x)
        self.starts = np.concatenate([[0], np.cumsum(x.chunks[0])])

    def __getstate__(self):
        """Workers that are told of a source need its name and size; the chunks come to them by themselves."""
        return {**self.__dict__, "x": None, "starts": None}

    def total(self, task, rows, w=None):
        sums = f"mixlib-sums-{uuid4().hex}"
        graph = {(sums, "task"): OfChunk(task, rows, self)}  # one node: each worker is sent it once
        parts = []
        for chunk in range(len(self.starts) - 1):
            if self.starts[chunk] < self.starts[chunk + 1]:
                start, weights = int(self.starts[chunk]), None if w is None else (w.name, chunk)
                parts.append((sums, 0, chunk))
                graph[parts[-1]] = (OfChunk.__call__, (sums, "task"), (self.x.name, chunk, 0), start, weights)
        if not parts:
            return None
        for level in count(1):
            groups = [parts[group] for group in slices(len(parts), ADDED_AT_ONCE)]
            parts = [(sums, level, place) for place in range(len(groups))] if len(groups) > 1 else [sums]
            graph |= {key: (add_in_order, group) for key, group in zip(parts, groups)}
            if len(parts) == 1:
                break
        collections = [self.x] if w is None else [self.x, w]
        graph = HighLevelGraph.from_collections(sums, graph, dependencies=collections)
        return self._compute(Delayed(sums, graph, layer=sums))

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

    def place(self, row):
        chunk = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"chunk {chunk}, row {row - self.starts[chunk]}, which is row {row} of all"

    def _compute(self, collection):
        try:
            return collection.compute()
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


class OfChunk:
    """A task over blocks of at most `rows` rows, as one over a chunk."""

    def __init__(self, task, rows, source):
        self.task, self.rows, self.source = task, rows, source

    def __call__(self, x, start, w):
        """The sum over the chunk."""
        x = as_rows(x, self.source, self.source.name)
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
