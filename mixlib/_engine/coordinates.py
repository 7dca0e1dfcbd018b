"""The internal coordinates: centred, scaled and, where the shape of Sigma allows it, whitened.

Every constraint allows some affine maps that change nothing but the units.
The loop works in z with x = shift + scale * (root @ z), chosen so that no digits are lost:
`scale` is a power of two, and `shift` is 0 or so near to the data that x - shift is exact.
"""

from functools import cached_property

import numpy as np


class Coordinates:
    """The affine map between the user's x and the loop's z; `root` is a lower triangle, or None for I."""

    def __init__(self, shift, scale, root=None):
        self.shift, self.scale, self.root = shift, scale, root

    @classmethod
    def around(cls, low, high, isotropic):
        """The exact map for data whose columns run from `low` to `high`, (d,); one scale for all if `isotropic`."""
        unit = _power_of_two(max(high.max(), -low.min()))
        low, high = low / unit, high / unit  # no square can overflow
        spread = high - low
        centre, grid = low + spread / 2, _power_of_two(spread)
        # x - shift is exact: either shift is 0, or every x lies within a factor of two of it
        shift = np.where(np.abs(centre) >= 4 * spread, np.round(centre / grid) * grid, 0.0)
        shift = np.where(spread == 0, centre, shift)
        size = np.maximum(np.abs(low - shift), np.abs(high - shift))
        # a constant column has no size of its own
        size = size.max() if isotropic else np.where(size > 0, size, size.max())
        return cls(shift * unit, np.full(len(low), _power_of_two(size) * unit))

    def whitened(self, mean, root):
        """These coordinates, moved to `mean` and divided by the lower triangle `root` of the data's covariance."""
        return Coordinates(self.shift + self.scale * mean, self.scale, root)

    @cached_property
    def log_volume(self):
        """log |dx/dz|: what a log density gains from the change of variables."""
        of_root = 0.0 if self.root is None else np.log(np.diagonal(self.root)).sum()
        return np.log(self.scale).sum() + of_root

    @cached_property
    def away(self):
        """How far the origin of the loop is from the user's, in internal units."""
        return float(np.max(np.abs(self.shift) / self.scale))

    def to_internal(self, x):
        """Points (b, d) of the user as columns (d, b) of the loop."""
        z = ((np.asarray(x, dtype=np.float64) - self.shift) / self.scale).T
        return z if self.root is None else np.linalg.solve(self.root, z)

    def to_user(self, z):
        """Columns (d, b) of the loop as points (b, d) of the user; without `root` exactly."""
        return self.shift + self.scale * (z if self.root is None else self.root @ z).T

    def means_to_user(self, sums, counts):
        """The means sums / counts (K, d) of the loop in the user's coordinates."""
        counts = counts[:, None]
        if self.root is None:  # exact for integer data: one rounding, in the division; and in constant columns
            return np.where(sums == 0, self.shift, (counts * self.shift + self.scale * sums) / counts)
        return self.shift + self.scale * (sums / counts @ self.root.T)


def _power_of_two(size):
    """The largest power of two not above each size (1 for 0)."""
    return np.where(size > 0, np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)
