"""Threads over blocks of points, with BLAS held to one thread each. NumPy releases the GIL.

As many threads as cores that this process may use, at most 16; fewer if the environment says
so: MIXLIB_NUM_THREADS, or else OMP_NUM_THREADS. Both are read anew at each fit.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

try:
    import threadpoolctl
    from threadpoolctl import ThreadpoolController
except ImportError:  # without it BLAS keeps its own threads, and blocks take turns
    ThreadpoolController = None

MOST_THREADS, NAME = 16, "mixlib"
_lock = threading.Lock()
_pools: dict = {}  # made at the first use, as is the controller
_blas: dict = {"controller": None, "limit": None, "users": 0, "owner": None}


def n_threads():
    """How many threads share the blocks."""
    if ThreadpoolController is None:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("MIXLIB_NUM_THREADS", "OMP_NUM_THREADS"):
        asked = os.environ.get(name, "").split(",")[0].strip()  # OpenMP allows a list, one for each level
        if asked.isdigit() and int(asked) > 0:
            return min(int(asked), MOST_THREADS if name == "MIXLIB_NUM_THREADS" else cores)
    return min(cores, MOST_THREADS)


def map_blocks(task, blocks):
    """What `task` makes of each block, in their order."""
    if len(blocks) <= 1:
        return map(task, blocks)
    inside = threading.current_thread().name.startswith(NAME)  # a block that maps blocks waits for nobody
    threads = 1 if inside else n_threads()
    return map(task, blocks) if threads == 1 else _map_in_threads(task, blocks, threads)


def _map_in_threads(task, blocks, threads):
    with one_blas_thread():
        yield from _pool(threads).map(task, blocks)


def _pool(threads):
    with _lock:
        if threads not in _pools:
            _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix=NAME)
        return _pools[threads]


@contextmanager
def one_blas_thread():
    """BLAS leaves the cores to the blocks' threads until the last of several concurrent users is done."""
    if ThreadpoolController is None:
        yield
        return
    with _lock:
        _blas["users"] += 1
        if _blas["users"] == 1:
            _blas["controller"] = _blas["controller"] or ThreadpoolController()
            _blas["limit"], _blas["owner"] = _blas["controller"].limit(limits=1, user_api="blas"), threading.get_ident()
    try:
        yield
    finally:
        with _lock:
            _blas["users"] -= 1
            if not _blas["users"]:
                # newer versions of threadpoolctl let no thread lift the limit of another that is alive, unless forced
                _give_up_control(force=threading.get_ident() != _blas["owner"])
                _blas["limit"].restore_original_limits()
                _give_up_control()


def _give_up_control(**options):
    give_up = getattr(getattr(threadpoolctl, "OpenBLASController", None), "clear_controlling_thread", None)
    if give_up is not None:
        give_up(**options)


def _after_fork():
    """A forked process has no threads of ours, and nobody holds its lock."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()
    if _blas["users"]:
        _blas["users"] = 0
        _blas["limit"].restore_original_limits()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
