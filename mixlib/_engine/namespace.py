"""The functions to compute with on a block, by the names of the array API standard; and the way back from its device.

A block is an array of NumPy, or of another library on a device of its own. What the E-step makes of it is
written once, with the functions of ``xp = namespace(block)``: for an array of NumPy these are NumPy's. Parameters
go to the block by ``xp.asarray``; only sums, and what is small, come back by `home`. Two things are not in the
standard: `out`, a place for the result, and ``xp.scratch``, memory for such places.
"""

from functools import partial
from types import SimpleNamespace

import numpy as np

from .scratch import scratch


def _astype(array, dtype, copy=True, out=None):
    """NumPy 2.0 has the method alone, and nothing has `out`."""
    if out is None:
        return array.astype(dtype, copy=copy)
    out[...] = array
    return out


def _take(array, where, axis):
    """np.take would first copy an array that is not in C order."""
    return array[:, where] if axis else array.take(where, axis=0)


NUMPY = SimpleNamespace(**vars(np))
for name in ("bool", "uint8", "int16", "int32", "int64", "float32", "float64"):
    setattr(NUMPY, name, np.dtype(name))  # quicker to compare
NUMPY.sum, NUMPY.max = np.add.reduce, np.maximum.reduce  # quicker to call; the axis is always given
NUMPY.astype, NUMPY.take, NUMPY.scratch = _astype, _take, scratch


class OnDevice:
    """The functions of another library, for arrays on one device."""

    def __init__(self, block):
        self._library, self._device = _library(block), block.device

    def __getattr__(self, name):
        found = getattr(self._library, name)
        is_function = callable(found) and not isinstance(found, type)  # and not a dtype
        return partial(self._into, found) if is_function else found

    def _into(self, function, *arguments, out=None, **options):
        """The result of a function; copied to `out`, if given."""
        found = function(*arguments, **options)
        if out is None:
            return found
        out[...] = self._library.astype(found, out.dtype, copy=False)
        return out

    def asarray(self, values, dtype=None):
        """An array of NumPy on the device; what is there already, as it is."""
        if not isinstance(values, np.ndarray):
            return values
        values = np.array(values)  # torch reads no negative strides
        return self._library.asarray(values, dtype=dtype, device=self._device)

    def scratch(self, name, shape, dtype, like=None):
        """New memory, of which the libraries of devices keep a store."""
        return self._library.empty(shape, dtype=dtype, device=self._device)


def namespace(block):
    """The functions for an array."""
    return NUMPY if isinstance(block, np.ndarray) else OnDevice(block)


def home(array):
    """An array of any library as one of NumPy, which may be written to; None as None."""
    if array is None or isinstance(array, (np.ndarray, np.generic)):
        return array
    try:
        found = np.from_dlpack(array)
        return found if found.flags.writeable else found.copy()  # NumPy 2.0 gives it to read alone
    except Exception:  # on a device: libraries raise what they like
        return np.asarray(array.cpu() if hasattr(array, "cpu") else array.get())  # of torch; of CuPy


def _library(block):
    """The module of an array's library, with the names of the standard."""
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
