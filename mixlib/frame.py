"""The loop's own coordinates: centred, scaled and, where Sigma may turn, whitened.

Every constraint allows some affine maps that change nothing but the units (chapter 6).
The loop works in z with x = shift + scale * (turn @ z), chosen so that no digits are lost:
`scale` is a power of two, and `shift` is 0 or so near to the data that x - shift is exact.
"""

import numpy as np

from .covariance import Diagonal, Spherical


class Frame:
    """The affine map between the caller's x and the loop's z."""

    def __init__(self, shift, scale, turn=None):
        self.shift, self.scale, self.turn = shift, scale, turn

    @classmethod
    def around(cls, low, high, spherical):
        """The exact frame of data whose columns run from `low` to `high`, (d,)."""
        unit = _power_of_two(np.maximum(np.abs(low), np.abs(high)).max())
        low, high = low / unit, high / unit                    # no square can overflow
        spread = high - low
        centre, grid = low + spread / 2, _power_of_two(spread)
        # x - shift is exact: either shift is 0, or every x lies within a factor of two of it
        shift = np.where(np.abs(centre) >= 4 * spread, np.round(centre / grid) * grid, 0.0)
        shift = np.where(spread == 0, centre, shift)
        size = np.maximum(np.abs(low - shift), np.abs(high - shift))
        # a constant column has no size of its own
        size = np.full_like(size, size.max()) if spherical else np.where(size > 0, size, size.max())
        return cls(shift * unit, _power_of_two(size) * unit)

    def turned(self, mean, turn):
        """This frame, moved to `mean` and turned by the lower triangle `turn`."""
        return Frame(self.shift + self.scale * mean, self.scale, turn)

    @property
    def log_volume(self):
        """log |dx/dz|: what a log density gains from the change of variables."""
        turned = 0.0 if self.turn is None else np.log(np.diagonal(self.turn)).sum()
        return np.log(self.scale).sum() + turned

    def inward(self, x):
        """Points (b, d) of the caller as columns (d, b) of the loop."""
        z = ((np.asarray(x, dtype=np.float64) - self.shift) / self.scale).T
        return z if self.turn is None else np.linalg.solve(self.turn, z)

    def outward(self, sums, counts):
        """The means sums / counts (K, d) of the loop in the caller's coordinates."""
        counts = counts[:, None]
        if self.turn is None:           # exact for integer data: one rounding, in the division; and in constant columns
            return np.where(sums == 0, self.shift, (counts * self.shift + self.scale * sums) / counts)
        return self.shift + self.scale * (sums / counts @ self.turn.T)

    def points_outward(self, z):
        """Columns (d, b) of the loop as points (b, d) of the caller; without `turn` exactly."""
        return self.shift + self.scale * (z if self.turn is None else self.turn @ z).T

    def factors_outward(self, shape, factors):
        """Factors of covariances in the caller's coordinates."""
        if isinstance(shape, Spherical):
            return self.scale[0] * factors
        if isinstance(shape, Diagonal):
            return self.scale * factors
        return self.scale[:, None] * (self.turn @ factors)

    def factors_inward(self, shape, factors):
        """Factors of covariances in the loop's coordinates."""
        if isinstance(shape, Spherical):
            return factors / self.scale[0]
        if isinstance(shape, Diagonal):
            return factors / self.scale
        return np.tril(np.linalg.solve(self.turn, factors / self.scale[:, None]))


def _power_of_two(size):
    """The largest power of two not above each size (1 for 0)."""
    return np.where(size > 0, np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)
