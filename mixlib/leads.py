"""Which points k-means must look at again: bounds of how far each point's nearest mean leads.

A point whose nearest mean led by more than the means have moved since keeps its label, by the
triangle inequality (Hamerly 2010). Points that may lose their lead within the next few
iterations are listed, so that the others are not even asked.
"""

import numpy as np

from .blocks import in_threads, joined, parts

AHEAD = 8                # the losses, each as large as the last one, that a list foresees
ASKED = 1 << 17          # points asked at once


class Leads:
    """For each point, how much further the second nearest mean is than the nearest, at least; in z."""

    def __init__(self, n, K):
        self.found = np.full(n, -np.inf, dtype=np.float32)   # at the last look, plus `lost` of that time
        self.lost = np.zeros(K)                  # what the lead of each label has lost since the start
        self.foreseen = np.full(K, -np.inf)      # the list is complete up to these losses
        self.listed = None

    def follow(self, before, after):
        """Means (K, d) move from `before` to `after`: a lead loses its own mean's way and the longest other."""
        moved = np.linalg.norm(after - before, axis=1) * (1 + 1e-9)
        second, most = np.sort(np.append(moved, 0.0))[-2:]
        loss = moved + np.where(moved == most, second, most)
        self.lost = self.lost + loss
        ahead = self.foreseen - self.lost
        if not 0 <= ahead.min() <= ahead.max() <= 4 * AHEAD * loss.max():
            self.foreseen, self.listed = self.lost + AHEAD * loss, None

    def doubtful(self, labels):
        """The points (indices) that may have lost their lead."""
        if self.listed is None:
            self.listed = joined(in_threads(lambda part: part.start + np.flatnonzero(
                self.found[part] <= self.foreseen.take(labels[part])), parts(len(labels), ASKED)))

        def lost(part):
            listed = self.listed[part]
            return listed[self.found.take(listed) <= self.lost.take(labels.take(listed))]
        return joined(in_threads(lost, parts(len(self.listed), ASKED)))

    def learn(self, where, leads, labels):
        """The points were looked at: their leads."""
        found = leads + self.lost.take(labels)
        self.found[where] = found - 2e-7 * np.abs(found)         # never rounded up

