"""An array of another library, on a device that NumPy cannot read: `fit` computes on its blocks where they lie.

Parameters go to the device and sums come back; so do blocks, where something is said of each point. This module is
imported where such an array is passed, and only there.
"""

import numpy as np

from .. import inputs
from .namespace import home, namespace
from .reductions import add_in_order, slices
from .sources import Source, kind

MORE = 64  # times the rows that suit a processor's cache


class ArrayElsewhere(Source):
    """An array (n, d) that follows the array API standard, or one that array-api-compat knows (torch, CuPy)."""

    def __init__(self, x, name):
        self.xp = xp = namespace(x)
        inputs.check_shape(tuple(x.shape), name)
        if not xp.isdtype(x.dtype, ("bool", "integral", "real floating")):
            raise ValueError(f"{name} must hold real numbers, got dtype {x.dtype}")
        if getattr(x, "requires_grad", False):
            raise TypeError(f"{name} requires a gradient, which a fit does not have: pass {name}.detach()")
        self.x, self.name, (self.n, self.d) = x, name, x.shape
        self.dtype = kind(np.float32 if x.dtype == xp.float32 else np.float64)
        self.own = getattr(xp, self.dtype.name)
        self._try_device()

    def _try_device(self):
        """Refuse a device, or a library, that cannot do what sums need."""
        try:
            two = self.beside(np.ones(2))
            two[1:] = two[:1]
            if home(two).dtype != np.float64:
                raise TypeError("got single")
        except Exception as reason:  # libraries raise what they like
            raise TypeError(
                f"{self.name} lies on {self.x.device}. Sums there need double precision, and arrays that can be "
                f"overwritten and brought back ({reason}): bring {self.name} to main memory"
            ) from reason

    def total(self, task, rows, w=None):
        return add_in_order(task(x, part.start, None if w is None else w[part]) for part, x in self._blocks(rows))

    def each(self, task, rows, columns=None, dtype=np.float64):
        """(n,) or (n, columns) of NumPy."""
        out = np.empty((self.n,) if columns is None else (self.n, columns), dtype)
        for part, x in self._blocks(rows):
            out[part] = home(task(x, part.start))
        return out

    def beside(self, w):
        return None if w is None else self.xp.asarray(w, dtype=self.xp.float64)

    def place(self, row):
        return f"row {row}"

    def _blocks(self, rows):
        for part in slices(self.n, MORE * rows):
            yield part, self.xp.astype(self.x[part, :], self.own, copy=False)
