"""The E-step: scores, their assignment, and the sums that the M-step needs (chapter 4.2).

A block of points z, (d, b), has scores s = log pi_k + log N(z | mu_k, Sigma_k), (K, b).
Soft assignment turns a column of scores into responsibilities, hard assignment into a
one at the largest. Only sums over points leave a block.

Scores have three forms. `Natural` is one matrix product; it loses digits when a component
is narrow beside its distance from the origin. `Deviations` loses none. `Nearest` is what
remains of the scores when components differ in their means alone and assignment is hard.
"""

from typing import NamedTuple

import numpy as np

from .covariance import Spherical
from .frame import weighted_sum

LOG_2PI = np.log(2 * np.pi)
BLOCK = 1 << 19                      # numbers in a block: features and scores stay in cache
# the digits that the natural form may lose, by the width of a number in bytes
TOLERANCE = {8: 1e-9, 4: 1e-3}


class Parameters(NamedTuple):
    """The parameters in the loop's coordinates; `centres` are the means in the caller's."""

    weights: np.ndarray      # (K,)
    means: np.ndarray        # (K, d)
    factors: np.ndarray      # (1,...) if shared, else (K,...)
    centres: np.ndarray      # (K, d)


class Sums(NamedTuple):
    """What an E-step hands to the M-step and to the loop."""

    counts: np.ndarray       # (K,)     N_k
    first: np.ndarray        # (K, d)   sums of r z
    second: np.ndarray       # (K, m)   sums of r zz^T in the shape's form; None if shared
    objective: float         # log-likelihood (soft) or classification log-likelihood (hard), of z
    merit: float             # the same without constants: restarts compare it
    moved: int               # labels that differ from those before (hard)


def digits_kept(data, ratio):
    """Is a difference safe whose terms are `ratio` times as large as itself?"""
    return np.finfo(data.dtype).eps * ratio <= TOLERANCE[data.dtype.itemsize]


def scores_from_deviations(shape, weights, means, factors, z):
    """log pi_k + log N(z | mu_k, Sigma_k) for columns z, by y = L^-1 (z - mu); (K, b)."""
    d = len(z)
    # (0.0) eq-log-normal-d
    with np.errstate(divide="ignore"):
        constant = np.log(weights) - shape.log_det(factors, d) - 0.5 * d * LOG_2PI
    inverses = np.broadcast_to(shape.inverse(factors), (len(means),) + factors.shape[1:])
    scores = np.empty((len(means), z.shape[1]), dtype=z.dtype)
    for k, inverse in enumerate(inverses):
        # (0.0) eq-whitened
        y = shape.whiten(inverse, z - means[k].astype(z.dtype)[:, None])
        scores[k] = constant[k] - 0.5 * np.einsum("jb,jb->b", y, y)
    return scores


class Natural:
    """Scores as one product theta @ t(z) with t(z) = (1, z, zz^T); shared Sigma: t = (1, z)."""

    def __init__(self, data, shape, params):
        weights, means, factors, _ = params
        # (0.0) eq-natural
        linear = shape.linear(factors, means)
        self.dead = np.flatnonzero(weights == 0)
        offset = np.log(np.where(weights > 0, weights, 1.0)) - 0.5 * np.einsum("kj,kj->k", means, linear)
        constant = -shape.log_det(factors, data.d) - 0.5 * data.d * LOG_2PI
        quadratic = shape.quadratic(factors)
        self.second = data.own
        if self.second:
            theta, self.common = [(offset + constant)[:, None], linear, quadratic], 0.0
        else:           # the quadratic term is the same for each component: it leaves the sum
            theta, self.common = [offset[:, None], linear], quadratic[0] @ data.moments + data.total * constant[0]
        self.theta = np.hstack(theta).astype(data.dtype)
        self.shape = shape

    def features(self, z):
        rows = [np.ones((1, z.shape[1]), dtype=z.dtype), z]
        return np.vstack(rows + [self.shape.moments(z)] if self.second else rows)

    def scores(self, features):
        scores = self.theta @ features
        scores[self.dead] = -np.inf
        return scores


class Deviations(Natural):
    """Scores from z - mu_k: exact for narrow components, and slower."""

    def __init__(self, data, shape, params):
        self.shape, self.params, self.common, self.second = shape, params, 0.0, data.own

    def scores(self, features):
        weights, means, factors, _ = self.params
        return scores_from_deviations(self.shape, weights, means, factors, features[1:1 + means.shape[1]])


class Nearest:
    """Scores c.z - |c|^2/2: the largest is at the nearest mean, whatever sigma is (chapter 5)."""

    second = False

    def __init__(self, data, params):
        self.means, self.centres, self.frame = params.means, params.centres, data.frame
        # (0.0) eq-assign
        offset = -0.5 * np.einsum("kj,kj->k", self.means, self.means)
        self.theta = np.column_stack([offset, self.means]).astype(data.dtype)
        radius = max(data.radius, np.sqrt(-2 * offset.min()))
        away = np.max(np.abs(data.frame.shift) / data.frame.scale)
        self.slack = 4 * (data.d + 4) * np.finfo(data.dtype).eps * radius * (radius + away)

    def features(self, z):
        return np.vstack([np.ones((1, z.shape[1]), dtype=z.dtype), z])

    def scores(self, features):
        return self.theta @ features

    def largest(self, scores, z):
        """Labels and scores; a lead within rounding is decided by distances as written."""
        labels, best = largest(scores)
        if len(scores) > 1:
            scores[labels, np.arange(scores.shape[1])] = -np.inf
            close = np.flatnonzero(best - scores.max(axis=0) <= self.slack)
            if close.size:
                x = self.frame.points_outward(z[:, close].astype(np.float64))
                distances = [(((x - c) / self.frame.scale) ** 2).sum(axis=1) for c in self.centres]
                labels[close] = np.argmin(distances, axis=0)      # the lowest index among equals
        return labels, best


def largest(scores):
    """The index of the largest score in each column (the lowest among equals), and the score."""
    labels = scores.argmax(axis=0)
    return labels, np.take_along_axis(scores, labels[None], axis=0)[0]


def soften(scores):
    """Responsibilities, in place of the scores, and log sum exp of each column."""
    # (0.0) eq-log-sum-exp
    top = scores.max(axis=0)
    scores -= top
    dead = np.flatnonzero(np.isneginf(scores[:, 0]))
    np.maximum(scores, -700 if scores.dtype.itemsize == 8 else -85, out=scores)
    np.exp(scores, out=scores)
    scores[dead] = 0.0
    total = scores.sum(axis=0)
    # (0.0) eq-responsibilities
    scores /= total
    return scores, top + np.log(total)


def add_up(r, labels, features, w, K):
    """Sums of the features over the points of each component, (K, F)."""
    if r is not None:
        return r @ features.T
    return np.stack([np.bincount(labels, row if w is None else row * w, K) for row in features], axis=1)


class EStep:
    """Assignment of all points at given parameters, block by block."""

    def __init__(self, data, model, params):
        self.data, self.model, self.params = data, model, params
        shape = model.constraint.shape
        self.nearest = (model.hard and model.constraint.shared and isinstance(shape, Spherical)
                        and not model.free_weights)
        if self.nearest:
            self.form = Nearest(data, params)
        else:
            narrowest = np.abs(shape.inverse(params.factors)).max()
            radius = max(data.radius, np.linalg.norm(params.means, axis=1).max())
            natural = digits_kept(data, (radius * narrowest) ** 2)
            self.form = (Natural if natural else Deviations)(data, shape, params)

    def assign(self, rows, w):
        """A block's weighted responsibilities (K, b) if soft, labels (b,) if hard; its features and objective."""
        z = self.data.z[:, rows]
        features = self.form.features(z)
        scores = self.form.scores(features)
        if self.model.hard:
            labels, value = self.form.largest(scores, z) if self.nearest else largest(scores)
            r = None
        else:
            labels = None
            r, value = soften(scores)
            if w is not None:
                r *= w
        value = value.astype(np.float64)
        return r, labels, features, float(value.sum() if w is None else value @ w)

    def sums(self, labels=None):
        """The sums over all points; `labels` (n,) is compared and brought up to date."""
        data, K = self.data, len(self.params.means)
        size = 1 + data.d + (data.shape.size(data.d) if self.form.second else 0)
        total, value, moved = np.zeros((K, size)), 0.0, 0
        for rows, w in data.blocks(max(256, BLOCK // (size + K))):
            r, found, features, part = self.assign(rows, w)
            total += add_up(r, found, features, w, K)
            value += part
            if labels is not None:
                differ = labels[rows] != found
                moved += int(np.count_nonzero(differ if w is None else differ & (w > 0)))
                labels[rows] = found
        second = total[:, 1 + data.d:] if self.form.second else None
        sums = Sums(total[:, 0], total[:, 1:1 + data.d], second, 0.0, 0.0, moved)
        objective, merit = self._objective(value)
        return sums._replace(objective=objective, merit=merit)

    def _objective(self, value):
        data = self.data
        if not self.nearest:
            objective = value + self.form.common
            return objective, objective
        # (0.0) eq-classification-is-j
        J, K, sd = self._inertia(value), len(self.params.means), self.params.factors[0]
        with np.errstate(over="ignore"):
            constant = -np.log(K) - 0.5 * data.d * LOG_2PI - data.d * np.log(sd)
            return -0.5 * J / sd / sd + data.total * constant, -J

    def _inertia(self, value):
        """J = sum |z|^2 - 2 sum (c.z - |c|^2/2), or from deviations where that loses digits."""
        J = self.data.moments[0] - 2 * value
        if J > 0 and digits_kept(self.data, self.data.moments[0] / J):
            return J
        return float(self.scatter_about(self.params.means).sum())

    def scatter_about(self, means):
        """Sums of r (z - mu)(z - mu)^T for each component, in the shape's form, (K, m)."""
        data, shape = self.data, self.data.shape
        scatter = np.zeros((len(means), shape.size(data.d)))
        for rows, w in data.blocks(max(256, BLOCK // (scatter.shape[1] + len(means)))):
            r, labels, _, _ = self.assign(rows, w)
            z = data.z[:, rows].astype(np.float64)
            for k, mean in enumerate(means):
                mine = slice(None) if r is not None else labels == k
                moments = shape.moments(z[:, mine] - mean[:, None])
                share = r[k] if r is not None else None if w is None else w[mine]
                scatter[k] += weighted_sum(moments, share)
        return scatter


class Given(EStep):
    """An E-step whose responsibilities (n, K) the caller gave."""

    def __init__(self, data, model, responsibilities):
        self.data, self.model, self.nearest = data, model, False
        self.responsibilities = responsibilities
        K = responsibilities.shape[1]
        self.params = Parameters(np.full(K, 1 / K), np.zeros((K, data.d)), None, None)
        self.form = Deviations(data, data.shape, self.params)

    def assign(self, rows, w):
        r = np.ascontiguousarray(self.responsibilities[rows].T, dtype=self.data.dtype)
        return r if w is None else r * w, None, self.form.features(self.data.z[:, rows]), 0.0
