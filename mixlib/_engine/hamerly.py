"""Hamerly bounds: which points k-means must look at again (Hamerly 2010).

The gap of a point is how much further its second nearest mean is than its nearest. A point
whose gap exceeds what the means have drifted since it was measured keeps its label, by the
triangle inequality. Points that may change within the next few iterations are listed, so
that the others are not even asked.
"""

import numpy as np

from .reductions import concatenated, slices
from .threads import map_blocks

LOOKAHEAD = 8  # drifts, each as large as the last one, for which a list of candidates holds
BOUNDS_BLOCK = 1 << 17  # points whose bounds are compared at once


class HamerlyBounds:
    """A lower bound of each point's gap, in z."""

    def __init__(self, n, K):
        self.gaps = np.full(n, -np.inf, dtype=np.float32)  # at the last look, plus the label's `drift` of that time
        self.drift = np.zeros(K)  # by how much the gaps of each label may have shrunk since the start
        self.foreseen = np.full(K, -np.inf)  # the list of candidates is complete up to these drifts
        self.candidates = None

    def move(self, before, after):
        """Means (K, d) move from `before` to `after`: a gap shrinks by its own mean's way and the longest other."""
        moved = np.linalg.norm(after - before, axis=1) * (1 + 1e-9)
        second, most = np.sort(np.append(moved, 0.0))[-2:]
        shrink = moved + np.where(moved == most, second, most)
        self.drift = self.drift + shrink
        ahead = self.foreseen - self.drift
        if not 0 <= ahead.min() <= ahead.max() <= 4 * LOOKAHEAD * shrink.max():
            self.foreseen, self.candidates = self.drift + LOOKAHEAD * shrink, None

    def may_change(self, labels):
        """The points (indices) whose label may have changed."""
        if self.candidates is None:
            self.candidates = concatenated(
                map_blocks(
                    lambda part: part.start + np.flatnonzero(self.gaps[part] <= self.foreseen.take(labels[part])),
                    slices(len(labels), BOUNDS_BLOCK),
                )
            )

        def changing(part):
            points = self.candidates[part]
            return points[self.gaps.take(points) <= self.drift.take(labels.take(points))]

        return concatenated(map_blocks(changing, slices(len(self.candidates), BOUNDS_BLOCK)))

    def measured(self, where, gaps, labels):
        """Some points were looked at: their gaps now."""
        gaps = gaps + self.drift.take(labels)
        self.gaps[where] = gaps - 2e-7 * np.abs(gaps)  # never rounded up
