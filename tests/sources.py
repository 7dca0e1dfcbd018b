"""The same points as every kind of source of blocks."""

import contextlib
from unittest import mock

import dask.array as da
import numpy as np

from mixlib._engine import files

KINDS = ("file", "memmap", "factory", "dask")


def source(kind, x, folder, chunks=None):
    """x as a source: unequal blocks, an empty one and one of a single row among them."""
    n = len(x)
    chunks = chunks or (n // 3, 0, 1, n // 5, n - n // 3 - 1 - n // 5)
    if kind == "dask":
        return da.from_array(x, chunks=(chunks, x.shape[1]))
    if kind == "factory":
        edges = np.cumsum((0,) + chunks)
        return lambda: (x[low:high] for low, high in zip(edges, edges[1:]))
    path = folder / "x.npy"
    np.save(path, x)
    return path if kind == "file" else np.load(path, mmap_mode="r")


@contextlib.contextmanager
def small_reads(n_bytes=1 << 13):
    """Files come in many blocks."""
    with mock.patch.object(files, "READ", n_bytes):
        yield
