"""The log-joint a = log pi_k + log N(z | mu_k, Sigma_k), and what an assignment makes of it.

A block of points z, (d, b), has a log-joint (K, b). `Natural` finds it by one matrix product,
which loses digits when a component is narrow beside its distance from the origin;
`Deviations` loses none, and takes longer. Chapters 1 and 2.
"""

import numpy as np

from ._engine.reductions import squared_lengths
from ._engine.scratch import scratch

LOG_2PI = np.log(2 * np.pi)
# the relative error that a difference may make, by the width of a number in bytes
TOLERANCE = {8: 1e-9, 4: 1e-3}
# what lies further below the largest counts as this far (exp stays a normal number)
LOWEST_EXPONENT = {8: -700.0, 4: -85.0}


def digits_kept(dtype, ratio):
    """Is a difference safe whose terms are `ratio` times as large as itself?"""
    return np.finfo(dtype).eps * ratio <= TOLERANCE[dtype.itemsize]


def choose_form(data, params):
    """The form of the log-joint that is right for these parameters: the one place that decides."""
    narrowest = np.abs(data.shape.inverse(params.factors)).max()
    radius = max(data.radius, np.linalg.norm(params.means, axis=1).max())
    with np.errstate(over="ignore"):
        natural = digits_kept(data.dtype, np.square(radius * narrowest))
    return (Natural if natural else Deviations)(data, params)


class Natural:
    """The log-joint as one product theta @ t(z), t(z) = (1, z, zz^T); with a shared Sigma, t = (1, z)."""

    def __init__(self, data, params):
        self.shape, self.per_component = data.shape, data.per_component
        weights, means, factors, _ = params
        # (1.15) eq-natural, (1.16) eq-natural-shared
        linear = self.shape.linear(factors, means)
        quadratic = self.shape.quadratic(factors)
        constant = -self.shape.log_det(factors, data.d) - 0.5 * data.d * LOG_2PI
        self.zero_weight = np.flatnonzero(weights == 0)
        offset = np.log(np.where(weights > 0, weights, 1.0)) - 0.5 * np.einsum("kj,kj->k", means, linear)
        if self.per_component:
            theta, self.shared_term = [(offset + constant)[:, None], linear, quadratic], 0.0
        else:  # the quadratic term is the same for each component: it leaves the sum
            theta = [offset[:, None], linear]
            self.shared_term = quadratic[0] @ data.second_moments + data.total_weight * constant[0]
        self.theta = np.hstack(theta).astype(data.dtype)

    def features(self, z):
        """t(z), (F, b): (1.17) eq-sufficient."""
        d, b = z.shape
        out = scratch("features", (1 + d + (self.shape.size(d) if self.per_component else 0), b), z.dtype)
        out[0], out[1 : 1 + d] = 1.0, z
        if self.per_component:
            self.shape.moments(z, out=out[1 + d :])
        return out

    def log_joint(self, features):
        """(K, b), but for `shared_term` of all points together."""
        out = scratch("log_joint", (len(self.theta), features.shape[1]), features.dtype)
        np.matmul(self.theta, features, out=out)
        out[self.zero_weight] = -np.inf
        return out


class Deviations(Natural):
    """The log-joint from z - mu_k: exact for narrow components."""

    def __init__(self, data, params):
        self.shape, self.per_component, self.params, self.shared_term = data.shape, data.per_component, params, 0.0

    def log_joint(self, features):
        weights, means, factors, _ = self.params
        return log_joint_from_deviations(self.shape, weights, means, factors, features[1 : 1 + means.shape[1]])


def log_joint_from_deviations(shape, weights, means, factors, z):
    """log pi_k + log N(z | mu_k, Sigma_k) for columns z, by y = L^-1 (z - mu); (K, b)."""
    d = len(z)
    # (1.11) eq-log-normal-d
    with np.errstate(divide="ignore"):
        constant = np.log(weights) - shape.log_det(factors, d) - 0.5 * d * LOG_2PI
    inverses = np.broadcast_to(shape.inverse(factors), (len(means),) + factors.shape[1:])
    log_joint = np.empty((len(means), z.shape[1]), dtype=z.dtype)
    for k, inverse in enumerate(inverses):
        # (1.14) eq-whitened
        y = shape.whiten(inverse, z - means[k].astype(z.dtype)[:, None])
        log_joint[k] = constant[k] - 0.5 * squared_lengths(y)
    return log_joint


def softmax(log_joint, weights):
    """Responsibilities, in place of the log-joint, and log sum exp of each column."""
    # (2.18) eq-log-sum-exp
    top = np.maximum(log_joint.max(axis=0), np.finfo(log_joint.dtype).min)  # finite, out of all reach too
    r = log_joint
    r -= top
    np.maximum(r, LOWEST_EXPONENT[r.dtype.itemsize], out=r)
    np.exp(r, out=r)
    r[weights == 0] = 0.0
    total = r.sum(axis=0)
    # (2.14) eq-responsibilities
    r *= 1 / total
    return r, top + np.log(total)


def argmax(log_joint, slack=0.0):
    """The index of the largest of each column (the lowest among equals), its value, and the
    columns where another comes within `slack` of it."""
    # (2.12) eq-best-labels
    K = len(log_joint)
    best = log_joint.max(axis=0)
    near = scratch("near", log_joint.shape, np.dtype(bool))
    np.greater_equal(log_joint, best - slack if slack else best, out=near)
    small = np.min_scalar_type(K)
    codes = np.multiply(
        near.view(np.uint8), np.arange(K, 0, -1, dtype=small)[:, None], out=scratch("codes", log_joint.shape, small)
    )
    labels = K - codes.max(axis=0).astype(np.intp)
    if not slack:
        return labels, best, np.empty(0, dtype=np.intp)
    return labels, best, np.flatnonzero(near.view(np.uint8).sum(axis=0, dtype=small) > 1)
