"""The E-step: assignment of all points at given parameters, as statistics for the M-step (chapter 4).

Soft assignment turns a column of the log-joint into responsibilities, hard assignment into a
one at its largest entry. An E-step lives as long as a run: what it keeps from an iteration to the next
(labels, and in `lloyd` bounds and running sums) is its own. Points of a source of blocks have
no such memory: there `HardOnce` and `LloydOnce` find every label anew.
"""

import numpy as np

from ._engine.data import BLOCK, CACHED_BLOCK
from ._engine.namespace import namespace
from ._engine.reductions import one_hot, weighted_sum
from .lloyd import LloydEStep
from .lloyd_once import LloydOnce, Repeats, fingerprint
from .log_joint import Deviations, Moments, argmax, choose_form, moments_are_many, softmax
from .model import Parameters, Statistics


def e_step(data, model):
    """The E-step of a model. What the three kinds have in common:

    ``statistics(params)``
        The `Statistics` at these parameters.
    ``scatter_about(means)``
        Sums of r (z - mu)(z - mu)^T at the same parameters, in the shape's form, (K, m).
    ``labels``
        (n,) int32 at the same parameters if hard and in memory, else None.
    ``assign(params)``
        If hard: (n,) int labels at these parameters, lazy where the data are.
    """
    if not model.hard:
        return SoftEStep(data, model)
    if data.in_memory:
        return (LloydEStep if model.only_means_differ else HardEStep)(data, model)
    return (LloydOnce if model.only_means_differ else HardOnce)(data, model)


class SoftEStep:
    """Responsibilities for all points."""

    labels = None

    def __init__(self, data, model):
        self.data, self.model = data, model

    def at(self, params):
        """This E-step, at these parameters."""
        self.params, self.form = params, choose_form(self.data, params)
        return self

    @property
    def rows(self):
        """Points in a block."""
        return max(256, self.form.rows(CACHED_BLOCK, BLOCK))

    def statistics(self, params):
        self.at(params)
        d = self.data.d
        total, value, n_changed = self.data.sum_blocks(self._block, self.rows)
        second = total[:, 1 + d :] if self.data.per_component else None
        objective = value + self.form.shared_term
        return Statistics(total[:, 0], total[:, 1 : 1 + d], second, objective, objective, n_changed, self.form.origin)

    def _block(self, z, rows, w):
        """Of a block: sums of r t(z), (K, F); the objective; how many labels changed."""
        features = self.form.features(z)
        # (4.4) eq-e-step
        r, log_density = softmax(self.form.log_joint(features), self.params.weights)
        # (2.10) eq-mixture-log-likelihood
        value = float(weighted_sum(log_density, w))
        # (4.5) eq-counts
        return self.form.sums(features, r if w is None else r * w), value, 0

    def responsibilities(self, z, rows):
        """(K, b) for a block."""
        return softmax(self.form.log_joint(self.form.features(z)), self.params.weights)[0]

    def scatter_about(self, means):
        # (4.7) eq-scatter
        def block(z, rows, w):
            r, columns = self.responsibilities(z, rows), namespace(z).asarray(means)[:, :, None]
            r = r if w is None else r * w
            return np.stack([self.data.shape.sum_moments(z - columns[k, ...], r[k, :]) for k in range(len(means))])

        return self.data.sum_blocks(block, self.rows)


class HardEStep(SoftEStep):
    """The label with the largest log-joint for all points."""

    def __init__(self, data, model):
        super().__init__(data, model)
        self.labels = np.full(data.n, -1, dtype=np.int32)

    def _block(self, z, rows, w):
        features = self.form.features(z)
        labels, value = self._labels(features, w)
        changed = self.labels[rows] != labels
        self.labels[rows] = labels
        n_changed = int(np.count_nonzero(changed if w is None else changed & (w > 0)))
        return self.form.sums_by_label(features, labels, w), value, n_changed

    def _labels(self, features, w):
        """The labels of a block, (b,), and its part of the objective."""
        # (2.12) eq-best-labels
        labels, best, _ = argmax(self.form.log_joint(features))
        # (2.11) eq-classification-log-likelihood
        return labels, float(weighted_sum(best, w))

    def labels_of(self, z, rows):
        """The labels of a block, (b,)."""
        return self.labels[rows]

    def assign(self, params):
        self.statistics(params)
        return self.labels.astype(np.intp)

    def responsibilities(self, z, rows):
        return one_hot(self.labels_of(z, rows), len(self.params.means), z.dtype, namespace(z))

    def scatter_about(self, means):
        def block(z, rows, w):
            xp, labels = namespace(z), self.labels_of(z, rows)
            out = np.empty((len(means), self.data.shape.size(self.data.d)))
            for k, mean in enumerate(means):
                mine = xp.nonzero(labels == k)[0]
                v = xp.take(z, mine, axis=1) - xp.asarray(mean)[:, None]
                out[k] = self.data.shape.sum_moments(v, None if w is None else xp.take(w, mine, axis=0))
            return out

        return self.data.sum_blocks(block, self.rows)


class HardOnce(HardEStep):
    """The same for points of a source, whose labels nobody keeps: whether they repeat, a fingerprint says."""

    labels = None

    def __init__(self, data, model):
        SoftEStep.__init__(self, data, model)
        self.repeats = Repeats()

    def statistics(self, params):
        found = super().statistics(params)
        return found._replace(n_changed=self.repeats.changed(found.n_changed, self.data.n))

    def _block(self, z, rows, w):
        features = self.form.features(z)
        labels, value = self._labels(features, w)
        same = fingerprint(labels, rows.start, w, len(self.params.means))
        return self.form.sums_by_label(features, labels, w), value, same

    def labels_of(self, z, rows):
        return argmax(self.form.log_joint(self.form.features(z)))[0]

    def assign(self, params):
        self.at(params)
        return self.data.each(self.labels_of, self.rows, dtype=np.intp)


class FixedResponsibilities(SoftEStep):
    """An E-step whose responsibilities (n, K), or labels (n,), are given."""

    def __init__(self, data, model, given, K):
        super().__init__(data, model)
        self.given, self.K = given, K
        about_zero = Parameters(np.zeros(K), np.zeros((K, data.d)), None, None)
        self.form = Deviations(data, about_zero) if moments_are_many(data, K) else Moments(data, K)

    def at(self, params):
        return self  # no parameters change what is given

    def _block(self, z, rows, w):
        given = self.given_to(z, rows)
        if given.ndim == 1:
            return self.form.sums_by_label(self.form.features(z), namespace(z).asarray(given), w), 0.0, 0
        r = self.responsibilities(z, rows)
        return self.form.sums(self.form.features(z), r if w is None else r * w), 0.0, 0

    def given_to(self, z, rows):
        """The labels of a block, (b,), or its responsibilities (b, K)."""
        return self.given[rows]

    def responsibilities(self, z, rows):
        given, xp = self.given_to(z, rows), namespace(z)
        return one_hot(given, self.K, z.dtype, xp) if given.ndim == 1 else xp.asarray(given.T, dtype=z.dtype)
