"""The functions to compute with on a block, by the names of the array API standard; and the way back from its device.

A block is an array of NumPy, or of another library on a device of its own. What the E-step makes of it is
written once, with the functions of ``xp = namespace(block)``: for an array of NumPy these are NumPy's. Parameters
go to the block by ``xp.asarray``; only sums, and what is small, come back by `home`.
"""

from functools import partial
from types import SimpleNamespace

import numpy as np

from .scratch import scratch

NUMPY = SimpleNamespace(**vars(np))
NUMPY.scratch = scratch
for name in ("bool", "uint8", "int16", "int32", "int64", "float32", "float64"):
    setattr(NUMPY, name, np.dtype(name))
# with less ado before the work
NUMPY.sum, NUMPY.max = partial(np.add.reduce, axis=None), partial(np.maximum.reduce, axis=None)
# np.take would first copy an array that is not in C order
NUMPY.take = lambda array, where, axis: array[:, where] if axis else array.take(where, axis=0)


def _astype(array, dtype, copy=True, out=None):
    if out is None:
        return array.astype(dtype, copy=copy)  # NumPy 2.0 has the method alone
    out[...] = array
    return out


NUMPY.astype = _astype


def namespace(block):
    """The library of an array; its functions write into `out`, an array beside the block or part of one, if given."""
    return NUMPY if isinstance(block, np.ndarray) else OnDevice(block)


def home(array):
    """An array of any library as one of NumPy."""
    if isinstance(array, (np.ndarray, np.generic)):
        return array
    try:
        return np.from_dlpack(array)
    except Exception:  # on a device: libraries raise what they like
        return np.asarray(array.cpu() if hasattr(array, "cpu") else array.get())  # of torch; of CuPy


class OnDevice:
    """The library of an array that is not NumPy's, on the array's device."""

    def __init__(self, block):
        self._library, self._device = _library(block), block.device

    def __getattr__(self, name):
        found = getattr(self._library, name)
        return found if isinstance(found, type) or not callable(found) else partial(self._into, found)  # a dtype, or

    def _into(self, function, *arguments, out=None, **options):
        """The standard has no `out`: what was computed is copied there."""
        found = function(*arguments, **options)
        if out is None:
            return found
        out[...] = self._library.astype(found, out.dtype, copy=False)
        return out

    def asarray(self, values, dtype=None):
        """NumPy's `values` beside the block; others are there."""
        if not isinstance(values, np.ndarray):
            return values
        values = np.array(values)  # torch reads no negative strides
        return self._library.asarray(values, dtype=dtype, device=self._device)

    def scratch(self, name, shape, dtype, like=None):
        """New memory: a library with a device has its own way to keep some."""
        return self._library.empty(shape, dtype=dtype, device=self._device)


def _library(block):
    try:
        from array_api_compat import array_namespace
    except ImportError:
        if hasattr(block, "__array_namespace__"):
            return block.__array_namespace__()
        kind = f"{type(block).__module__}.{type(block).__name__}"
        raise TypeError(
            f"a {kind} follows the array API standard with array-api-compat alone: pip install array-api-compat"
        ) from None
    return array_namespace(block)
