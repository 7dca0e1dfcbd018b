"""The loop's own coordinates: centred, scaled and, where Sigma may turn, whitened.

Every constraint allows some affine maps that change nothing but the units (chapter 6).
The loop works in z with x = shift + scale * (turn @ z), chosen so that no digits are lost:
`scale` is a power of two, and `shift` is 0 or so near to the data that x - shift is exact.
"""

import numpy as np

from .covariance import Diagonal, Full, Singular, Spherical
from .errors import SingularFitError

ROWS = 1 << 15


class Frame:
    """The affine map between the caller's x and the loop's z."""

    def __init__(self, shift, scale, turn=None):
        self.shift, self.scale, self.turn = shift, scale, turn

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
        if self.turn is None:           # exact for integer data: one rounding, in the division
            return (counts[:, None] * self.shift + self.scale * sums) / counts[:, None]
        return self.shift + self.scale * (sums / counts[:, None] @ self.turn.T)

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


class Data:
    """The points in the loop's coordinates, (d, n), with their weights and total moments."""

    def __init__(self, x, w, constraint):
        shape = constraint.shape
        self.own = not constraint.shared               # each component has its own covariance
        self.n, self.d = x.shape
        self.w = None if w is None else np.asarray(w, dtype=x.dtype)
        self.total = float(self.n if w is None else w.sum())
        self.shape, self.dtype = shape, x.dtype
        self.frame = _frame(x, w, shape)
        self.z = np.empty((self.d, self.n), dtype=x.dtype)
        mean, square, largest = 0.0, 0.0, 0.0
        for rows, weights in self.blocks(ROWS):
            z = self.frame.inward(x[rows])
            self.z[:, rows] = z
            moments = shape.moments(z)
            mean = mean + weighted_sum(z, weights)
            square = square + weighted_sum(moments, weights)
            largest = max(largest, float(np.einsum("jb,jb->b", z, z).max()))
        self.mean = mean / self.total
        self.moments = square                        # total second moments, in the shape's form
        self.radius = np.sqrt(largest)
        eps = np.finfo(self.dtype).eps
        self.floor = (8 * eps * max(self.radius, np.finfo(float).tiny)) ** 2

    def blocks(self, rows):
        """Slices of `rows` points, with their weights."""
        for start in range(0, self.n, rows):
            part = slice(start, min(start + rows, self.n))
            yield part, None if self.w is None else self.w[part]

    def scatter(self):
        """Second moments of all the data about their mean, in the shape's form, (1, m)."""
        about = np.zeros_like(self.moments)
        for part, weights in self.blocks(ROWS):
            deviations = self.z[:, part].astype(np.float64) - self.mean[:, None]
            about = about + weighted_sum(self.shape.moments(deviations), weights)
        return about[None]


def weighted_sum(columns, weights):
    """The sum of columns (m, b), each times its weight."""
    return columns.sum(axis=1) if weights is None else columns @ weights.astype(np.float64)


def _frame(x, w, shape):
    """The frame that suits the data and the constraint's shape."""
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    unit = _power_of_two(np.maximum(np.abs(low), np.abs(high)).max())
    spread = high / unit - low / unit
    centre = low / unit + spread / 2
    grid = _power_of_two(spread)
    # x - shift is exact: either shift is 0, or every x lies within a factor of two of it
    shift = np.where(np.abs(centre) >= 4 * spread, np.round(centre / grid) * grid, 0.0)
    shift = np.where(spread == 0, centre, shift)
    size = np.maximum(np.abs(low / unit - shift), np.abs(high / unit - shift))
    if isinstance(shape, Spherical):
        size = np.full_like(size, size.max())
    scale = _power_of_two(size)
    frame = Frame(shift * unit, scale * unit)
    return _whitened(frame, x, w) if isinstance(shape, Full) else frame


def _whitened(frame, x, w):
    """The same frame, centred on the mean and turned so that the data's covariance is I."""
    total = len(x) if w is None else w.sum()
    mean = np.zeros(x.shape[1])
    for start in range(0, len(x), ROWS):
        part = slice(start, start + ROWS)
        mean += weighted_sum(frame.inward(x[part]), None if w is None else w[part])
    mean /= total
    square = np.zeros((x.shape[1],) * 2)
    for start in range(0, len(x), ROWS):
        part = slice(start, start + ROWS)
        deviations = frame.inward(x[part]) - mean[:, None]
        square += (deviations if w is None else deviations * w[part]) @ deviations.T
    try:
        floor = (8 * np.finfo(x.dtype).eps) ** 2
        turn = Full().from_covariances((square / total)[None], floor)[0]
    except Singular:
        raise SingularFitError(
            f"the {x.shape[1]} columns of x are linearly dependent, or constant, over its {len(x)} points: "
            "no covariance matrix fits them. Drop or combine columns, or use covariance='spherical'"
        ) from None
    return Frame(frame.shift + frame.scale * mean, frame.scale, turn)


def _power_of_two(size):
    """The largest power of two not above each size (1 for 0)."""
    return np.where(size > 0, np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)
