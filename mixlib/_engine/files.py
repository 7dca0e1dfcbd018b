"""Blocks of rows from a file, from an array mapped into memory, or from a function that reads them.

Blocks come one after the other, and threads share the rows of each. A file is read ahead: the
next block while this one is at work.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .. import inputs
from ..errors import BlockError
from .reductions import add_in_order, slices
from .sources import Source, as_rows, kind
from .threads import map_blocks

READ = 1 << 25  # bytes read at a time: enough for the disk and for all threads


class BlockStream(Source):
    """Blocks one after the other; a subclass has ``blocks()``, which yields (start, x)."""

    def total(self, task, rows, w=None):
        total = None
        for start, x in self.blocks():

            def of_part(part):
                where = slice(start + part.start, start + part.stop)
                return task(x[part], where.start, None if w is None else w[where])

            total = add_in_order([total, *map_blocks(of_part, slices(len(x), rows or self.rows))])
        return total

    def each(self, task, rows, columns=None, dtype=np.float64):
        """(n,) now; (n, columns), which may not fit into memory, as `RowBlocks`."""

        def found():
            for start, x in self.blocks():

                def of_part(part):
                    return np.array(task(x[part], start + part.start), dtype=dtype)  # tasks answer in scratch memory

                yield from map_blocks(of_part, slices(len(x), rows))

        if columns is not None:
            return RowBlocks(found, self, columns, dtype)
        return np.concatenate([np.empty(0, dtype), *found()])

    def place(self, row):
        return f"row {row}"

    @property
    def rows(self):
        return max(1, READ // 8 // self.d)


class RowBlocks:
    """(n, columns) numbers, found block by block whenever they are asked for: iterate, or ``np.asarray`` for all."""

    def __init__(self, found, source, columns, dtype):
        self._found, self._source, self._columns, self.dtype = found, source, columns, np.dtype(dtype)

    @property
    def shape(self):
        """n is None where it is not known before a pass."""
        return self._source.n, self._columns

    def __iter__(self):
        return self._found()

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("there is no array yet that could be had without a copy")
        return np.concatenate([np.empty((0, self._columns), self.dtype), *self]).astype(dtype or self.dtype, copy=False)

    def copy(self):
        return self

    def __repr__(self):
        return f"RowBlocks of shape {self.shape}, found block by block"


class MappedArray(BlockStream):
    """A NumPy array mapped into memory."""

    def __init__(self, x, name):
        self.x, self.name = x, name
        inputs.check_shape(x.shape, name)
        inputs.as_numbers(np.empty(0, x.dtype), name)  # refuses what are no numbers
        (self.n, self.d), self.dtype = x.shape, kind(x.dtype)

    def blocks(self):
        for part in slices(self.n, self.rows):
            yield part.start, as_rows(np.asarray(self.x[part]), self, self.name)


class ArrayFile(MappedArray):
    """A .npy file. It is read, not mapped, so that resident memory stays small; and read ahead."""

    def __init__(self, path, name):
        self.path = os.fspath(path)
        if not str(self.path).endswith(".npy"):
            raise ValueError(f"{name}={self.path!r} is text: {name} must hold numbers, or be the path of a .npy file")
        try:
            mapped = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except ValueError as error:
            raise ValueError(
                f"{name}={self.path!r} must be a .npy file of numbers (np.save writes one): {error}"
            ) from None
        if not isinstance(mapped, np.memmap):
            raise ValueError(f"{name}={self.path!r} must be a .npy file of one array, with numbers in it")
        super().__init__(mapped, name)
        self.mapped_only = not mapped.flags.c_contiguous  # columns one after the other: rows are gathered
        self.stored, self.offset = mapped.dtype, mapped.offset
        if not self.mapped_only:
            self.x = None

    def blocks(self):
        if self.mapped_only:
            yield from super().blocks()
            return
        parts = slices(self.n, self.rows)
        buffers = [np.empty((min(self.n, self.rows), self.d), self.stored) for _ in range(min(2, len(parts)))]
        with open(self.path, "rb", buffering=0) as file, ThreadPoolExecutor(1) as reader:

            def read(index):
                part, buffer = parts[index], buffers[index % 2]
                file.seek(self.offset + part.start * self.d * self.stored.itemsize)
                rows = buffer[: part.stop - part.start]
                left = memoryview(rows).cast("B")
                while left.nbytes:
                    count = file.readinto(left)
                    if not count:
                        raise EOFError("the file ends before its header says")
                    left = left[count:]
                return rows

            ahead = reader.submit(read, 0) if parts else None
            for index, part in enumerate(parts):
                try:
                    rows = ahead.result()
                except (OSError, EOFError) as error:
                    raise BlockError(
                        f"rows {part.start} to {part.stop - 1} of {self.path!r} could not be read: {error}"
                    ) from error
                if index + 1 < len(parts):
                    ahead = reader.submit(read, index + 1)
                yield part.start, as_rows(rows, self, self.name)


class BlockFactory(BlockStream):
    """A function that returns a fresh iterator over blocks of rows, the same ones each time."""

    if_empty = ", and a fresh iterator from the function at each call"

    def __init__(self, factory, name):
        self.factory, self.name, self.starts = factory, name, []
        for _, first in self.blocks():
            self.d, self.dtype = first.shape[1], first.dtype
            break
        if self.d is None:
            raise ValueError(f"{name} gave no blocks; it must return an iterator over arrays (b, d) at each call")
        inputs.check_shape((1, self.d), name)

    def blocks(self):
        start, starts, iterator = 0, [], self._iterator()
        while True:
            place = f"block {len(starts)} of {self.name}"
            try:
                block = next(iterator)
            except StopIteration:
                break
            except Exception as error:
                raise BlockError(
                    f"{place} (from row {start}) could not be read: {type(error).__name__}: {error}"
                ) from error
            block = as_rows(block, self, place)
            starts.append(start)
            yield start, block
            start += len(block)
        if self.n is not None and start != self.n:
            raise ValueError(
                f"{self.name} gave {self.n} rows in the first pass and {start} in a later one: it must return "
                "a fresh iterator over the same blocks at each call"
            )
        self.starts = starts

    def _iterator(self):
        iterator = self.factory()
        try:
            return iter(iterator)
        except TypeError:
            raise TypeError(
                f"{self.name} is a function that returned {type(iterator).__name__}; it must return an iterator over "
                "blocks of rows, arrays (b, d)"
            ) from None

    def place(self, row):
        block = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"block {block}, row {row - self.starts[block]}, which is row {row} of all"
