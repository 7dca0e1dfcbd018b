"""Lloyd's assignment step for points that stay where they are: only sums leave a block (chapter 5).

Neither labels nor bounds are kept for a point, so every label is found anew. Whether all of them
are the same as in the iteration before is told by a fingerprint: each block sends a 64-bit hash of
its labels and of where it starts, and the hashes are added. If the sums agree, then so do the
labels, but for a chance of 2^-64. Sums over the points would tell it too, were they the same
to the last bit on every machine that may do a block.
"""

import copy
from hashlib import blake2b

import numpy as np

from ._engine.namespace import home, namespace
from ._engine.reductions import concatenated, one_hot, slices, sum_by_label
from .lloyd import LloydEStep
from .nearest import DOUBLE, SINGLE


class LloydOnce(LloydEStep):
    """Every point of a source goes to its nearest mean, and is forgotten."""

    labels = bounds = None  # no point is remembered

    def __init__(self, data, model):
        self.data, self.model, self.precision, self.repeats = data, model, SINGLE, Repeats()

    def statistics(self, params):
        self.at(params)
        total, undecided, found = self.data.sum_blocks(self._block, self.rows_by_label)
        if self.precision == SINGLE and undecided > self.data.n // 8:
            self.precision = DOUBLE  # single precision settles too little
        self.n_changed = self.repeats.changed(found, self.data.n)
        return self._statistics_of(total)

    def _block(self, z, rows, w):
        """Of a block: counts and sums; how many points single precision left undecided; the fingerprint."""
        labels, undecided = self._find(z)
        K = len(self.params.means)
        return sum_by_label(labels, z, w, K), undecided, fingerprint(labels, rows.start, w, K)

    def _find(self, z):
        nearest = copy.copy(self.nearest)
        nearest.looks = []  # of this block: other threads have their own
        labels = concatenated(nearest.find(z[:, part], self.precision)[0] for part in slices(z.shape[1], self.rows))
        return labels, sum(count for kind, count in nearest.looks if kind == DOUBLE)

    def labels_of(self, z, rows):
        return self._find(z)[0]

    def responsibilities(self, z, rows):
        return one_hot(self.labels_of(z, rows), len(self.params.means), z.dtype, namespace(z))

    def assign(self, params):
        self.at(params)
        return self.data.each(self.labels_of, self.rows, dtype=np.intp)


class Repeats:
    """Do labels repeat themselves from one iteration to the next?"""

    def __init__(self):
        self.before = None

    def changed(self, found, n):
        """0 if the fingerprint is that of the call before, else n: how many labels differ, nobody knows."""
        same, self.before = self.before == found.item(), found.item()
        return 0 if same else n


def fingerprint(labels, start, w, K):
    """A 64-bit hash of a block's labels (of those that count, where there are weights) and its place."""
    labels = home(labels)
    if w is not None:
        labels = labels[home(w) > 0]
    content = np.ascontiguousarray(labels.astype(np.min_scalar_type(K)))
    found = blake2b(content, digest_size=8, salt=int(start).to_bytes(16, "little")).digest()
    return np.frombuffer(found, np.uint64)  # sums of arrays wrap around
