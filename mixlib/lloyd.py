"""The E-step of Lloyd's k-means: when components differ in their means alone, the nearest mean wins (chapter 5).

Labels are those of Lloyd's algorithm at every iteration, found with little work: points whose
Hamerly bounds hold are not looked at again, and the points whose label changes bring the sums
up to date. `nearest` has the assignment of a block.
"""

import numpy as np

from ._engine.data import BLOCK
from ._engine.hamerly import HamerlyBounds
from ._engine.namespace import home, namespace
from ._engine.reductions import concatenated, slices, squared_lengths, sum_by_label
from ._engine.threads import map_blocks
from .log_joint import LOG_2PI, digits_kept
from .model import Statistics
from .nearest import DOUBLE, SINGLE, NearestMean

BOUNDS_BELOW, BOUNDS_BELOW_A_MEAN = 0.03, 1 / 800  # share of changed labels below which bounds pay: the less of the two
BOUNDS_FROM = 1 << 14  # points from which bounds pay
SINGLE_FROM = 1 << 22  # multiplications of a pass from which single precision pays
CHANGES_FROM = 1 << 16  # and running sums, which change with the labels


class LloydEStep:
    """Every point goes to its nearest mean; one such E-step for all iterations of a run.

    `looked_at` counts the points whose nearest mean was sought, by what was sought with:
    SINGLE, DOUBLE or "distances".
    """

    def __init__(self, data, model):
        self.data, self.model = data, model
        self.labels = np.full(data.n, -1, dtype=np.int32)
        self.looked_at = {SINGLE: 0, DOUBLE: 0, "distances": 0}
        self.params = self.total = self.bounds = self.n_changed = None
        self.precision = SINGLE

    def at(self, params):
        """This E-step, at these parameters."""
        if self.bounds is not None:
            self.bounds.move(self.params.means, params.means)
        self.params = params
        self.nearest = NearestMean(params.means, params.centres, self.data.coordinates, self.data.radius)
        if self.nearest.precision == DOUBLE:
            self.precision = DOUBLE
        return self

    @property
    def rows(self):
        """Points in a block."""
        return max(256, BLOCK // (1 + self.data.d + len(self.params.means)))

    @property
    def rows_by_label(self):
        """Points in a block whose sums are taken: several of each label."""
        return max(self.rows, 32 * len(self.params.means))

    def statistics(self, params):
        """From scratch, or from the sums before and the points whose label changed."""
        first = self.n_changed is None
        self.at(params)
        n, work = self.data.n, self.data.z.size * len(params.means)  # points, and multiplications of a plain pass
        points_are_many = n > min(BOUNDS_FROM, self.rows) and len(params.means) > 1  # else such a pass is as fast
        if not points_are_many and work < SINGLE_FROM:
            self.precision = DOUBLE  # one precision takes fewer calls
        share = min(BOUNDS_BELOW, BOUNDS_BELOW_A_MEAN * len(params.means))
        bounds_pay = points_are_many and not first and self.n_changed <= share * n
        found = list(map_blocks(self._assign, self._to_look_at(bounds_pay)))
        changed, old = concatenated(part[0] for part in found), concatenated(part[1] for part in found)
        undecided = sum(count for kind, count in self.nearest.looks if kind == DOUBLE)
        for kind, count in self.nearest.looks:
            self.looked_at[kind] += count
        if first or work < CHANGES_FROM or 2 * changed.size > n or self.data.w is not None:
            # with weights anew each time: differences would leave a trace of what has left a component
            self.total = self.data.sum_blocks(self._sum_block, self.rows_by_label)
        else:
            self.total = self.total + sum(
                map_blocks(
                    lambda part: self._change(changed[part], old[part]), slices(changed.size, self.rows_by_label)
                )
            )
        self.n_changed = changed.size if self.data.w is None else np.count_nonzero(self.data.w[changed])
        if first:
            self.n_changed = n
        if self.precision == SINGLE and undecided > n // 8:
            self.precision = DOUBLE  # single precision settles too little
        return self._statistics_of(self.total)

    def _statistics_of(self, total):
        """From counts and sums, (K, 1 + d)."""
        params, counts, sums = self.params, total[:, 0], total[:, 1:]
        # (5.3) eq-classification-is-j
        J, sd = self._inertia(counts, sums), params.factors[0]
        with np.errstate(over="ignore"):
            constant = -np.log(len(counts)) - 0.5 * self.data.d * LOG_2PI - self.data.d * np.log(sd)
            objective = -0.5 * J / sd / sd + self.data.total_weight * constant
        return Statistics(counts, sums, None, objective, -J, self.n_changed)

    def _to_look_at(self, bounds_pay):
        """Blocks of the points whose bounds do not hold, as indices; or of all, as slices."""
        n = self.data.n
        if self.bounds is not None:
            points = self.bounds.may_change(self.labels)
            if points.size <= n // 2:
                return [points[part] for part in slices(points.size, self.rows)]
        self.bounds = HamerlyBounds(n, len(self.params.means)) if bounds_pay else None
        return slices(n, self.rows)

    def _assign(self, where):
        """Label some points, and measure their gaps; which of them changed, and from what labels."""
        old = self.labels[where]
        labels, points, log_joint, best = self.nearest.find(self.data.points(where), self.precision)
        if self.bounds is not None:
            self.bounds.measured(where, self._gaps(labels, points, log_joint, best), labels)
        differ = np.empty(0, dtype=np.intp) if self.n_changed is None else np.flatnonzero(old != labels)
        old = old[differ]
        self.labels[where] = labels
        return (differ + where.start if isinstance(where, slice) else where[differ]), old

    def _gaps(self, labels, z, log_joint, best):
        """A lower bound of how much further the second nearest mean is than the nearest, (b,)."""
        log_joint[labels, np.arange(len(labels))] = -np.inf
        second, error = log_joint.max(axis=0), 2 * self.nearest.slack[self.precision]
        length = squared_lengths(z)
        nearest = np.sqrt(np.maximum(length - 2 * best, 0) + error)
        return np.sqrt(np.maximum(length - 2 * second - error, 0)) - nearest

    def _sum_block(self, z, rows, w):
        """The sums over the points of a block."""
        return sum_by_label(self.labels[rows], z, w, len(self.params.means))

    def _change(self, changed, old):
        """What points whose label changed, from `old`, change in the sums."""
        z, K = self.data.points(changed), len(self.params.means)
        return sum_by_label(self.labels[changed], z, None, K) - sum_by_label(old, z, None, K)

    def labels_of(self, z, rows):
        """The labels of a block, (b,)."""
        return self.labels[rows]

    def assign(self, params):
        self.statistics(params)
        return self.labels.astype(np.intp)

    def _inertia(self, counts, sums):
        """J = sum |z|^2 - sum_k (2 c.S_k - N_k |c|^2), or from deviations where that loses digits."""
        # (3.1) eq-kmeans-objective
        total = float(self.data.second_moments[0])
        J = total - 2 * float(np.vdot(self.params.means, sums)) - 2 * float(counts @ self.nearest.offset)
        if J > 0 and digits_kept(self.data.dtype, total / J):
            return J
        return float(self.scatter_about(self.params.means).sum())

    def scatter_about(self, means):
        """Sums of |z - mu|^2 over the points of each component, (K, 1)."""

        def block(z, rows, w):
            xp = namespace(z)
            labels = self.labels_of(z, rows)
            squares = home(squared_lengths(z - xp.take(xp.asarray(means), xp.asarray(labels), axis=0).T))
            return np.bincount(labels, squares if w is None else squares * home(w), len(means))[:, None]

        return self.data.sum_blocks(block, self.rows)
