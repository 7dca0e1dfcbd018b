"""Scratch memory of each thread: arrays to overwrite, kept from block to block."""

import math
import threading

import numpy as np

SMALL = 1 << 10  # numbers up to which NumPy hands out memory as fast
_own = threading.local()


def scratch(name, shape, dtype, like=None):
    """An array of this thread's to overwrite, in the memory order of `like`; memory used a moment ago is fast."""
    size, order = math.prod(shape), "F" if like is not None and like.flags.f_contiguous else "C"
    if size <= SMALL:
        return np.empty(shape, dtype, order)
    name += dtype.char
    kept = getattr(_own, name, None)
    if kept is None or kept.size < size:
        kept = np.empty(size, dtype=dtype)
        setattr(_own, name, kept)
    return kept[:size].reshape(shape, order=order)
