"""The points of a source as the loop sees them: brought into the loop's coordinates in flight.

The same attributes as `data.Data`, but that no points are held and no labels are kept from one
iteration to the next. Before the loop each point is seen twice: its least and largest column
values, then moments; and where the data are whitened, once more.
"""

import numpy as np

from .coordinates import Coordinates
from .data import CACHED_BLOCK, ROW_MAJOR_FROM, Data
from .namespace import namespace
from .reductions import squared_lengths, weighted_sum
from .sources import Gone
from .summaries import Largest, Scatter


class StreamedData(Data):
    """Points of a source in internal coordinates, with their weights and total moments; in `units` (d,), if given."""

    in_memory = False

    def __init__(self, source, w, constraint, *, may_be_singular=False, units=None):
        self._describe(source, w, source.dtype, constraint)
        self.source, self._beside = source, source.beside(w)
        units = np.ones(self.d) if units is None else units
        around = Coordinates.around(source.low / units, source.high / units, self.shape.isotropic)
        self.coordinates = Coordinates(around.shift * units, around.scale * units)
        self.arriving = Arriving(self.coordinates, self.dtype)
        if self.shape.rotates:
            seen = self.sum_blocks(lambda z, rows, w: Scatter.of(z, w))
            self.mean = seen.mean
            self._whiten_by(seen.square, may_be_singular)
        sums, self.second_moments, longest = self.sum_blocks(self._moments)
        if not self.shape.rotates:
            self.mean = sums / self.total_weight
        self.radius = float(np.sqrt(longest))
        self._set_limits()

    def __getstate__(self):
        """A task that goes to a worker knows the data by their moments; the points are not sent along."""
        return {**self.__dict__, "source": Gone(), "w": None, "_beside": None}

    def _moments(self, z, rows, w):
        """The sum of a block, its second moments about the origin of z in the shape's form, its largest square."""
        lengths = squared_lengths(z)
        return weighted_sum(z, w), self.shape.sum_moments(z, w, lengths), Largest(namespace(z).max(lengths, axis=0))

    def _set_whitening(self, inverse):
        self.arriving = Arriving(self.coordinates, self.dtype, self.mean, inverse)

    def sum_blocks(self, task, rows=None):
        """The sum of task(z, slice, w) over the blocks, wherever they are."""
        return self.source.total(InFlight(self.arriving, task), rows or self._rows(), self._beside)

    def for_blocks(self, task, rows=None):
        raise NotImplementedError("only sums leave a block of a source")

    def each(self, task, rows=None, columns=None, dtype=np.float64):
        """What task(z, slice) makes of each point, (n,) or (n, columns), in the source's own form."""
        return self.source.each(EachInFlight(self.arriving, task), rows or self._rows(), columns, dtype)

    def kept(self, found):
        return self.source.kept(found)

    def _rows(self):
        return max(256, CACHED_BLOCK // self.d)


class Arriving:
    """Rows (b, d) of the user become columns (d, b) of the loop."""

    def __init__(self, coordinates, dtype, mean=None, inverse=None):
        self.shift, self.scale, self.dtype = coordinates.shift, coordinates.scale, dtype
        self.mean, self.inverse = mean, inverse

    def __call__(self, x):
        xp, row_major = namespace(x), x.shape[1] >= ROW_MAJOR_FROM

        def across(v):
            return xp.asarray(v if row_major else v[:, None])

        x = x if row_major else x.T
        dtype = xp.float32 if self.dtype == np.float32 else xp.float64
        z = xp.scratch("arriving", x.shape, dtype)
        xp.subtract(x, across(self.shift), out=z)
        xp.divide(z, across(self.scale), out=z)
        if self.inverse is not None:
            centred = xp.subtract(z, across(self.mean), out=xp.scratch("centred", x.shape, xp.float64))
            inverse = xp.asarray(self.inverse)
            factors = (centred, inverse.T) if row_major else (inverse, centred)
            z = xp.matmul(*factors, out=xp.scratch("whitened", x.shape, dtype))
        return z.T if row_major else z


class InFlight:
    """A task over columns of the loop, as one over rows of the user."""

    def __init__(self, arriving, task):
        self.arriving, self.task = arriving, task

    def __call__(self, x, start, w):
        return self.task(self.arriving(x), slice(start, start + x.shape[0]), w)


class EachInFlight(InFlight):
    """The same for a task that makes something of each point."""

    def __call__(self, x, start):
        return self.task(self.arriving(x), slice(start, start + x.shape[0]))
