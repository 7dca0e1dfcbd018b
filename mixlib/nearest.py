"""The E-step of k-means: when components differ in their means alone, the nearest mean wins (chapter 5).

The scores are then c.z - |c|^2/2, whatever sigma is. Labels are those of Lloyd's algorithm
at every iteration. Where there are many points, bounds tell which can have moved: a point whose
nearest mean leads by more than all means have moved since it was last looked at keeps its
label (Hamerly 2010), and the sums are brought up to date by the points that moved.
"""

import numpy as np

from .blocks import ROWS, add_by_label, relabel, scratch, weighted_sum
from .model import Sums
from .scores import LOG_2PI, digits_kept, harden

FEW = 0.2                # share of moved points below which bounds pay
BLOCK = 1 << 20          # numbers in a block's scores
STRETCH = 1 << 17        # points whose leads are read at once


class Nearest:
    """One hard E-step in which every point goes to its nearest mean."""

    def __init__(self, data, model, params, before=None):
        self.data, self.model, self.params = data, model, params
        means = params.means
        # (3.5) eq-assign
        self.offset = -0.5 * np.einsum("kj,kj->k", means, means)
        self.theta = np.column_stack([self.offset, means]).astype(data.dtype)
        radius = max(data.radius, np.sqrt(-2 * self.offset.min()))
        away = np.max(np.abs(data.frame.shift) / data.frame.scale)
        self.slack = 4 * (data.d + 4) * np.finfo(data.dtype).eps * radius * (radius + away)
        self.labels = np.full(data.n, -1, dtype=np.int32) if before is None else before.labels
        self.known, self.moves = None, np.zeros(len(means))
        self.lead = np.full(data.n, -np.inf) if before is None and data.n > min(ROWS, self.rows) else None
        self.bounds = before is None or before.moved <= FEW * data.n         # are leads worth their cost?
        if before is not None and before.lead is not None:
            self._learn(before)

    def _learn(self, before):
        """Take over the sums of the step before, and what is known of the leads."""
        self.known, self.lead = before.total, before.lead
        moved = np.linalg.norm(self.params.means - before.params.means, axis=1) * (1 + 1e-9)
        second, most = np.sort(np.append(moved, 0.0))[-2:]
        others = np.where(moved == most, second, most)
        self.moves = before.moves + moved + others     # what each label's lead has lost so far

    @property
    def rows(self):
        """Points in a block."""
        return max(256, BLOCK // (1 + self.data.d + len(self.params.means)))

    def assign(self, z, rows, w):
        """Labels (b,) of a block, its features (1, z), and c.z - |c|^2/2 at the labels, summed."""
        labels, features, best, _ = self._look(z)
        return labels, features, float(weighted_sum(best[None], w)[0])

    def _look(self, z):
        d, b = z.shape
        features = scratch("features", (1 + d, b), z.dtype)
        features[0], features[1:] = 1.0, z
        scores = scratch("scores", (len(self.theta), b), z.dtype)
        np.matmul(self.theta, features, out=scores)
        labels, best, close = harden(scores, self.slack)
        if close.size:              # a lead within rounding is decided by distances as written
            x = self.data.frame.points_outward(z[:, close].astype(np.float64))
            distances = [(((x - c) / self.data.frame.scale) ** 2).sum(axis=1) for c in self.params.centres]
            labels[close] = np.argmin(distances, axis=0)
        return labels, features, best, scores

    def sums(self):
        """The sums over all points: from scratch, or from those before and the points that moved."""
        K = len(self.params.means)
        if self.known is None:
            self.total, self.moved = self.data.add_up(self._pass, self.rows)
        else:
            change, self.moved = self.data.add_up(self._update, max(STRETCH, self.rows))
            self.total = self.known + change if self.data.w is None else self.data.add_up(self._held, self.rows)
        counts, first = self.total[:, 0], self.total[:, 1:]
        # (5.3) eq-classification-is-j
        J, sd = self._inertia(counts, first), self.params.factors[0]
        with np.errstate(over="ignore"):
            constant = -np.log(K) - 0.5 * self.data.d * LOG_2PI - self.data.d * np.log(sd)
            objective = -0.5 * J / sd / sd + self.data.total * constant
        return Sums(counts, first, None, objective, -J, self.moved)

    def _pass(self, z, rows, w):
        """Look at every point; the sums."""
        labels, features, best, scores = self._look(z)
        if self.lead is not None:
            self.lead[rows] = self._lead(labels, best, scores, features[1:])
        moved = relabel(self.labels[rows], labels, w)
        return add_by_label(labels, features, w, len(self.theta)), moved

    def _update(self, z, rows, w):
        """Look again where the lead may be lost; the change of the sums."""
        K, before, lead = len(self.theta), self.labels[rows], self.lead[rows]
        change, moved = np.zeros((K, 1 + len(z))), 0
        look = np.flatnonzero(lead <= self.moves.take(before))
        most = look.size > len(lead) // 2
        for first in range(0, len(lead) if most else look.size, self.rows):
            part = slice(first, first + self.rows) if most else look[first:first + self.rows]
            labels, features, best, scores = self._look(z[:, part] if most else np.take(z, part, axis=1))
            if most and not self.bounds:
                lead[part] = -np.inf                   # so much moves that leads would not last
            else:
                lead[part] = self._lead(labels, best, scores, features[1:]) + self.moves[labels]
            differ = np.flatnonzero(before[part] != labels)
            where = first + differ if most else part[differ]
            weight, mine = None if w is None else w[where], features[:, differ]
            change += add_by_label(labels[differ], mine, weight, K) - add_by_label(before[where], mine, weight, K)
            before[where] = labels[differ]
            moved += int(differ.size if w is None else np.count_nonzero(weight))
        return change, moved

    def _held(self, z, rows, w):
        """The sums anew: differences of weights would leave a trace of what has left a component."""
        return add_by_label(self.labels[rows], np.vstack([np.ones((1, z.shape[1]), z.dtype), z]), w, len(self.theta))

    def _lead(self, labels, best, scores, z):
        """A lower bound of how much further the second nearest mean is than the nearest."""
        if len(scores) == 1:
            return np.full(len(labels), np.inf)
        scores[labels, np.arange(len(labels))] = -np.inf
        second = scores.max(axis=0)
        length = np.einsum("jb,jb->b", z, z)
        error = 2 * self.slack
        nearest = np.sqrt(np.maximum(length - 2 * best, 0) + error)
        return np.sqrt(np.maximum(length - 2 * second - error, 0)) - nearest - np.sqrt(error)

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
            deviations = z - means.T[:, labels]
            squares = np.einsum("jb,jb->b", deviations, deviations)
            return np.bincount(labels, squares if w is None else squares * w, len(means))[:, None]
        return self.data.add_up(block, self.rows)
