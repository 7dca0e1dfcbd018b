"""The functions to compute with on a block, by the names of the array API standard; the way to its device, and back.

A block is an array of NumPy, or of another library on a device of its own. What the E-step makes of it is
written once, with the functions of `namespace(block)`; of a NumPy array that is NumPy. Parameters go to the
block by `like`, and only sums come back, by `home`.
"""

from types import SimpleNamespace

import numpy as np

from .scratch import scratch

NUMPY = SimpleNamespace(**vars(np))
# the same with less ado before the work; np.take would first copy an array that is not in C order
NUMPY.sum, NUMPY.max = np.add.reduce, np.maximum.reduce
NUMPY.take = lambda array, where, axis: array[:, where] if axis else array[where]
NUMPY.astype = lambda array, dtype, copy=True: array.astype(dtype, copy=copy)  # NumPy 2.0 has the method alone


def namespace(block):
    """The library of an array, by the names of the standard."""
    if isinstance(block, np.ndarray):
        return NUMPY
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


def like(values, block, dtype=None):
    """NumPy's `values` beside a block: of its library, on its device, of its dtype or that of the given name.

    Values that are there already stay as they are.
    """
    if isinstance(block, np.ndarray):
        return np.asarray(values, dtype=block.dtype if dtype is None else dtype)
    if not isinstance(values, np.ndarray):
        return values
    xp = namespace(block)
    return xp.asarray(
        np.array(values, dtype=dtype),  # torch reads no negative strides
        dtype=block.dtype if dtype is None else getattr(xp, dtype),
        device=block.device,
    )


def home(array):
    """An array of any library as one of NumPy: what is small."""
    if isinstance(array, np.ndarray):
        return array
    try:
        return np.from_dlpack(array)
    except Exception:  # on a device: libraries raise what they like
        return np.asarray(array.cpu() if hasattr(array, "cpu") else array.get())  # of torch; of CuPy


def room(name, shape, block, dtype=None):
    """An array to overwrite, beside a block: of its dtype, or that of the given name. NumPy's is in scratch memory, if named."""
    if isinstance(block, np.ndarray):
        dtype = block.dtype if dtype is None else np.dtype(dtype)
        return np.empty(shape, dtype) if name is None else scratch(name, shape, dtype)
    xp = namespace(block)
    return xp.empty(shape, dtype=block.dtype if dtype is None else getattr(xp, dtype), device=block.device)


def cast(name, block, dtype):
    """A block in the dtype of that name; of NumPy's, in scratch memory."""
    if not isinstance(block, np.ndarray):
        xp = namespace(block)
        return xp.astype(block, getattr(xp, dtype), copy=False)
    if block.dtype == dtype:
        return block
    out = scratch(name, block.shape, np.dtype(dtype), like=block)
    out[:] = block
    return out


def into(out, function, *arrays):
    """function(*arrays), written into `out` (None: into a new array). NumPy writes there at once."""
    if out is None:
        return function(*arrays)
    if isinstance(out, np.ndarray):
        return function(*arrays, out=out)
    out[...] = namespace(out).astype(function(*arrays), out.dtype, copy=False)
    return out
