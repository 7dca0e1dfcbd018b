"""The E-step: assignment of all points at given parameters, as sums for the M-step (chapter 4.2).

Soft assignment turns a column of scores into responsibilities, hard assignment into a one
at the largest.
"""

import numpy as np

from .blocks import BLOCK, NUMBERS, add_by_label, sum_moments, weighted_sum
from .covariance import Spherical
from .model import Parameters, Sums
from .nearest import Nearest
from .scores import Deviations, choose_form, harden, soften


def e_step(data, model, params, before=None):
    """The E-step of the model; `before` is the one of the last iteration (hard: its labels are compared)."""
    only_means_differ = model.constraint.shared and isinstance(data.shape, Spherical) and not model.free_weights
    kind = Nearest if model.hard and only_means_differ else EStep
    return kind(data, model, params, before)


class EStep:
    """One E-step: `assign` a block, or the `sums` over all."""

    def __init__(self, data, model, params, before=None):
        self.data, self.model, self.params = data, model, params
        self.form = choose_form(data, params)
        self.labels = None
        if model.hard:
            self.labels = np.full(data.n, -1, dtype=np.int32) if before is None else before.labels

    @property
    def rows(self):
        """Points in a block."""
        few = 1 + self.data.d + len(self.params.means)                 # scores are passed over: near the cache
        many = few + (self.data.shape.size(self.data.d) if self.data.own else 0)     # with features, used twice
        return max(256, min(NUMBERS // few, BLOCK // many))

    def assign(self, z, rows, w):
        """A block's responsibilities (K, b) if soft, labels (b,) if hard; features; objective."""
        features = self.form.features(z)
        scores = self.form.scores(features)
        if self.model.hard:
            found, value, _ = harden(scores)
        else:
            found, value = soften(scores, self.params.weights)
        return found, features, float(weighted_sum(value[None], w)[0])

    def sums(self):
        """The sums over all points."""
        d = self.data.d
        total, value, moved = self.data.add_up(self._block, self.rows)
        second = total[:, 1 + d:] if self.data.own else None
        objective = value + self.form.common
        return Sums(total[:, 0], total[:, 1:1 + d], second, objective, objective, moved)

    def _block(self, z, rows, w):
        found, features, value = self.assign(z, rows, w)
        if not self.model.hard:
            sums = (found if w is None else found * w) @ features.T
            return sums.astype(np.float64, copy=False), value, 0        # blocks are added in double precision
        differ = self.labels[rows] != found
        self.labels[rows] = found
        moved = int(np.count_nonzero(differ if w is None else differ & (w > 0)))
        return add_by_label(found, features[1:], w, len(self.params.means)), value, moved

    def scatter_about(self, means):
        """Sums of r (z - mu)(z - mu)^T for each component, in the shape's form, (K, m)."""
        def block(z, rows, w):
            found = self.assign(z, rows, w)[0]
            out = np.empty((len(means), self.data.shape.size(self.data.d)))
            for k, mean in enumerate(means):
                mine = found == k if self.model.hard else slice(None)
                share = None if w is None else w[mine]
                if not self.model.hard:
                    share = found[k] if w is None else found[k] * w
                out[k] = sum_moments(self.data.shape, z[:, mine] - mean[:, None], share)
            return out
        return self.data.add_up(block, self.rows)


class Given(EStep):
    """An E-step whose responsibilities (n, K) the caller gave."""

    def __init__(self, data, model, responsibilities):
        self.data, self.model, self.responsibilities = data, model._replace(hard=False), responsibilities
        K = responsibilities.shape[1]
        self.params = Parameters(np.full(K, 1 / K), np.zeros((K, data.d)), None, None)
        self.form = Deviations(data, self.params)

    def assign(self, z, rows, w):
        given = np.ascontiguousarray(self.responsibilities[rows].T, dtype=self.data.dtype)
        return given, self.form.features(z), 0.0
