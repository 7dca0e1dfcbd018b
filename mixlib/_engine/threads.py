"""Threads over blocks of points, with BLAS held to one thread each. NumPy releases the GIL."""

import os
from concurrent.futures import ThreadPoolExecutor

try:
    from threadpoolctl import ThreadpoolController
except ImportError:                  # without it BLAS keeps its own threads, and blocks take turns
    ThreadpoolController = None

THREADS = min(os.cpu_count() or 1, 16) if ThreadpoolController else 1
_pool, _blas = [], []                # the threads, and BLAS's controller, made at the first use


def map_blocks(task, blocks):
    """What `task` makes of each block, in their order."""
    if THREADS == 1 or len(blocks) < 2:
        yield from map(task, blocks)
    else:
        with _one_blas_thread():
            yield from _threads().map(task, blocks)


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
