"""The E-step of k-means: when components differ in their means alone, the nearest mean wins (chapter 5).

The scores are then c.z - |c|^2/2, whatever sigma is. Labels are those of Lloyd's algorithm at
every iteration, found with little work: single precision decides where the lead is beyond its
rounding, double precision the rest, and distances as the caller would write them what is still
a tie. Points that keep their lead (leads.py) are not looked at again, and the points that move
bring the sums up to date.
"""

import numpy as np

from .blocks import BLOCK, add_by_label, in_threads, joined, parts, scratch
from .covariance import squared_lengths
from .leads import Leads
from .model import Sums
from .scores import LOG_2PI, digits_kept, harden

FEW = 0.2                # share of moved points below which leads last
MANY = 1 << 14           # points from which leads and running sums pay
FAR = 1e15               # squares of anything nearer are numbers in single precision
COARSE, FINE = np.dtype(np.float32), np.dtype(np.float64)


class Nearest:
    """One hard E-step in which every point goes to its nearest mean."""

    def __init__(self, data, model, params, before=None):
        self.data, self.model, self.params = data, model, params
        means = params.means
        # (3.5) eq-assign
        self.offset = -0.5 * squared_lengths(means.T)
        theta = np.column_stack([self.offset, means])
        radius = max(data.radius, np.sqrt(-2 * self.offset.min()))
        self.theta = {FINE: theta}
        if radius < FAR:
            self.theta[COARSE] = theta.astype(COARSE)
        away = np.max(np.abs(data.frame.shift) / data.frame.scale)
        steps = (data.d + 4) * radius                           # roundings of a score, each up to radius eps / 2
        fine = 4 * steps * (radius + away) * np.finfo(FINE).eps
        self.slack = {COARSE: float(steps * radius * np.finfo(COARSE).eps + fine), FINE: float(fine)}
        self.unsettled = []                                     # numbers of points that COARSE left open
        many = data.n > min(MANY, self.rows) and len(means) > 1    # else a plain pass is as fast
        self.first = before is None
        if self.first:
            self.labels, self.precision = np.full(data.n, -1, dtype=np.int32), COARSE
            self.known, self.leads, self.bounds = None, None, many
        else:
            self.labels, self.precision = before.labels, before.precision
            self.known, self.leads = before.total if many else None, before.leads
            self.bounds = many and before.moved <= FEW * data.n
            if sum(before.unsettled) > data.n // 8:
                self.precision = FINE                           # single precision settles too little
            if self.leads is not None:
                self.leads.follow(before.params.means, means)
        if COARSE not in self.theta:
            self.precision = FINE

    @property
    def rows(self):
        """Points in a block."""
        return max(256, BLOCK // (1 + self.data.d + len(self.offset)))

    @property
    def many_of_each(self):
        """Points in a block whose sums are taken: several of each label."""
        return max(self.rows, 32 * len(self.offset))

    def sums(self):
        """The sums over all points: from scratch, or from those before and the points that moved."""
        found = list(in_threads(self._find, self._chunks()))
        moved, old = joined(part[0] for part in found), joined(part[1] for part in found)
        if self.known is None or self.data.w is not None:
            # with weights anew each time: differences would leave a trace of what has left a component
            self.total = self.data.add_up(self._held, self.many_of_each)
        else:
            self.total = self.known + sum(in_threads(
                lambda part: self._change(moved[part], old[part]), parts(moved.size, self.many_of_each)))
        self.moved = moved.size if self.data.w is None else np.count_nonzero(self.data.w[moved])
        if self.first:
            self.moved = self.data.n
        counts, first = self.total[:, 0], self.total[:, 1:]
        # (5.3) eq-classification-is-j
        J, sd = self._inertia(counts, first), self.params.factors[0]
        with np.errstate(over="ignore"):
            constant = -np.log(len(counts)) - 0.5 * self.data.d * LOG_2PI - self.data.d * np.log(sd)
            objective = -0.5 * J / sd / sd + self.data.total * constant
        return Sums(counts, first, None, objective, -J, self.moved)

    def _chunks(self):
        """The points to look at, as slices or indices: those that may have lost their lead, or all."""
        n = self.data.n
        if self.leads is not None:
            look = self.leads.doubtful(self.labels)
            if look.size <= n // 2:
                return [look[part] for part in parts(look.size, self.rows)]
        self.leads = Leads(n, len(self.offset)) if self.bounds else None
        return parts(n, self.rows)

    def _find(self, where):
        """Labels of some points, and their leads; which of them moved, and from what labels."""
        old = self.labels[where]
        labels, features, scores, best = self._look(self.data.points(where), self.precision)
        if self.leads is not None:
            self.leads.learn(where, self._lead(labels, features[1:], scores, best), labels)
        differ = np.empty(0, dtype=np.intp) if self.first else np.flatnonzero(old != labels)
        old = old[differ]
        self.labels[where] = labels
        return (differ + where.start if isinstance(where, slice) else where[differ]), old

    def _look(self, z, precision):
        """Labels (b,), and the features (1, z), scores (K, b) and best scores that led to them."""
        features = scratch("features", (1 + len(z), z.shape[1]), precision, like=z)
        features[0], features[1:] = 1.0, z
        scores = scratch("scores", (len(self.offset), z.shape[1]), precision)
        np.matmul(self.theta[precision], features, out=scores)
        labels, best, close = harden(scores, self.slack[precision])
        if close.size and precision == COARSE:
            self.unsettled.append(close.size)
            labels[close] = self._look(z[:, close], FINE)[0]
        elif close.size:
            labels[close] = self._by_distances(z[:, close].astype(FINE))
        return labels, features, scores, best

    def _by_distances(self, z):
        """Labels by the distances as written, in the caller's coordinates: the lowest among equals."""
        x, scale = self.data.frame.points_outward(z), self.data.frame.scale
        return np.argmin([(((x - c) / scale) ** 2).sum(axis=1) for c in self.params.centres], axis=0)

    def _lead(self, labels, z, scores, best):
        """A lower bound of how much further the second nearest mean is than the nearest, (b,)."""
        scores[labels, np.arange(len(labels))] = -np.inf
        second, error = scores.max(axis=0), 2 * self.slack[self.precision]
        length = squared_lengths(z)
        nearest = np.sqrt(np.maximum(length - 2 * best, 0) + error)
        return np.sqrt(np.maximum(length - 2 * second - error, 0)) - nearest

    def _held(self, z, rows, w):
        """The sums over the points of a block."""
        return add_by_label(self.labels[rows], z, w, len(self.offset))

    def _change(self, moved, old):
        """What points that moved, with the labels they had, change in the sums."""
        z, K = self.data.points(moved), len(self.offset)
        return add_by_label(self.labels[moved], z, None, K) - add_by_label(old, z, None, K)

    def _inertia(self, counts, first):
        """J = sum |z|^2 - sum_k (2 c.S_k - N_k |c|^2), or from deviations where that loses digits."""
        total = self.data.moments[0]
        J = total - 2 * (self.params.means * first).sum() - 2 * counts @ self.offset
        if J > 0 and digits_kept(self.data.dtype, total / J):
            return J
        return float(self.scatter_about(self.params.means).sum())

    def scatter_about(self, means):
        """Sums of |z - mu|^2 over the points of each component, (K, 1)."""
        def block(z, rows, w):
            labels = self.labels[rows]
            squares = squared_lengths(z - means.T[:, labels])
            return np.bincount(labels, squares if w is None else squares * w, len(means))[:, None]
        return self.data.add_up(block, self.rows)

    def assign(self, z, rows, w):
        """Labels (b,) of a block."""
        return (self._look(z, self.precision)[0],)
