"""The log-joint a = log pi_k + log N(z | mu_k, Sigma_k), and what an assignment makes of it.

A block of points z, (d, b), has a log-joint (K, b). `Natural` finds it by one matrix product,
which loses digits when a component is narrow beside its distance from the origin;
`Deviations` loses none, and takes longer. Chapters 1 and 2.
"""

import numpy as np

from ._engine.namespace import NUMPY, home, namespace
from ._engine.reductions import squared_lengths, sum_by_label, weighted_sum

LOG_2PI = np.log(2 * np.pi)
EPS = {8: float(np.finfo(np.float64).eps), 4: float(np.finfo(np.float32).eps)}
# the relative error that a difference may make, by the width of a number in bytes
TOLERANCE = {8: 1e-9, 4: 1e-3}
LOWEST = {8: float(np.finfo(np.float64).min), 4: float(np.finfo(np.float32).min)}
# what lies further below the largest counts as this far (exp stays a normal number)
LOWEST_EXPONENT = {8: -700.0, 4: -85.0}

NEGLIGIBLE = 1e-30  # a responsibility of this share of a component's weight is far below the rounding of its sums
MOMENTS_PER_COMPONENT = 45  # above so many second moments a component, products of the points are the fastest form
MOST_MOMENTS = 5000  # and above so many the others would need too much memory
LEAST_ROWS = 1024  # points in a block of products of large matrices


def digits_kept(dtype, ratio):
    """Is a difference safe whose terms are `ratio` times as large as itself?"""
    return EPS[dtype.itemsize] * ratio <= TOLERANCE[dtype.itemsize]


def moments_are_many(data, K):
    """Are a point's second moments so many that products of the points themselves are faster?"""
    moments = data.shape.size(data.d) if data.per_component else 0
    return moments > data.d and moments > min(MOMENTS_PER_COMPONENT * K, MOST_MOMENTS)


def choose_form(data, params):
    """The form of the log-joint that is right for these parameters: the one place that decides."""
    if moments_are_many(data, len(params.means)):
        return Deviations(data, params)
    narrowest = max(params.inverse.max(), -params.inverse.min())
    radius = max(data.radius, np.sqrt(squared_lengths(params.means.T).max()))
    with np.errstate(over="ignore"):
        natural = digits_kept(data.dtype, np.square(radius * narrowest))
    return (Natural if natural else Deviations)(data, params)


class Moments:
    """The statistics t(z) of points, and their sums about the origin."""

    origin, shared_term = 0.0, 0.0

    def __init__(self, data, K):
        self.shape, self.per_component, self.d, self.K = data.shape, data.per_component, data.d, K
        self.size = 1 + data.d + (data.shape.size(data.d) if data.per_component else 0)

    def rows(self, cached, block):
        """Points in a block: with the log-joint it is passed over often, with all features twice."""
        return min(cached // (1 + self.d + self.K), block // (self.size + self.K))

    def features(self, z):
        """t(z), (F, b): (1.17) eq-sufficient."""
        d, b = z.shape
        out = namespace(z).scratch("features", (self.size, b), z.dtype)
        out[0, :], out[1 : 1 + d, :] = 1.0, z
        if self.per_component:
            self.shape.moments(z, out=out[1 + d :, :])
        return out

    def sums(self, features, r):
        """Sums of r t(z), (K, F)."""
        sums = home(namespace(r).matmul(r, features.T))
        return sums.astype(np.float64, copy=False)  # blocks are added in double precision

    def sums_by_label(self, features, labels, w):
        """The same for labels, of weights w."""
        return sum_by_label(labels, features[1:, :], w, self.K)


class Natural(Moments):
    """The log-joint as one product theta @ t(z), t(z) = (1, z, zz^T); with a shared Sigma, t = (1, z)."""

    def __init__(self, data, params):
        super().__init__(data, len(params.means))
        weights, means, inverse = params.weights, params.means, params.inverse
        # (1.15) eq-natural, (1.16) eq-natural-shared
        linear = self.shape.linear(inverse, means)
        quadratic = self.shape.quadratic(inverse)
        constant = -self.shape.log_det(params.factors, data.d) - 0.5 * data.d * LOG_2PI
        self.zero_weight = np.flatnonzero(weights == 0).tolist()
        offset = np.log(np.where(weights > 0, weights, 1.0)) - 0.5 * np.einsum("kj,kj->k", means, linear)
        if self.per_component:
            theta = [(offset + constant)[:, None], linear, quadratic]
        else:  # the quadratic term is the same for each component: it leaves the sum
            theta = [offset[:, None], linear]
            self.shared_term = quadratic[0] @ data.second_moments + data.total_weight * constant[0]
        self.theta = np.concatenate(theta, axis=1).astype(data.dtype, copy=False)

    def log_joint(self, features):
        """(K, b), but for `shared_term` of all points together."""
        xp = namespace(features)
        theta = xp.asarray(self.theta, dtype=features.dtype)
        out = xp.scratch("log_joint", (self.K, features.shape[1]), features.dtype)
        xp.matmul(theta, features, out=out)
        for k in self.zero_weight:
            out[k, :] = -np.inf
        return out


class Deviations:
    """The log-joint and sums from v = z - mu_k, component by component: exact for narrow ones.

    In high dimension it is the faster form, too, and needs little memory. There most
    responsibilities are 0 but for rounding, and only the others enter the sums.
    """

    shared_term = 0.0

    def __init__(self, data, params):
        self.shape, self.per_component, self.params = data.shape, data.per_component, params
        self.origin = params.means if data.per_component else 0.0
        self.least = NEGLIGIBLE * params.weights

    def rows(self, cached, block):
        return deviation_rows(*self.params.means.shape, cached)

    def features(self, z):
        return z

    def log_joint(self, z):
        params = self.params
        return log_joint_from_deviations(self.shape, params.weights, params.means, params.factors, z, params.inverse)

    def sums(self, z, r):
        """Sums of r, r v and, if each component has its own covariance, r vv^T; (K, F)."""
        if not self.per_component:
            xp = namespace(r)
            sums = xp.concat([xp.sum(r, axis=1)[:, None], xp.matmul(r, z.T)], axis=1)
            return home(sums).astype(np.float64, copy=False)
        return np.array([self._sums(k, z, r[k, :], r[k, :] > float(least)) for k, least in enumerate(self.least)])

    def sums_by_label(self, z, labels, w):
        if not self.per_component:
            return sum_by_label(labels, z, w, len(self.params.means))
        ones = namespace(z).ones_like(z[0, :], dtype=namespace(z).float64) if w is None else w
        return np.array([self._sums(k, z, ones, labels == k) for k in range(len(self.params.means))])

    def _sums(self, k, z, r, counted):
        xp = namespace(z)
        if not xp.all(counted):
            counted = xp.nonzero(counted)[0]
            z, r = xp.take(z, counted, axis=1), xp.take(r, counted, axis=0)
        v = z - xp.asarray(self.params.means[k], dtype=z.dtype)[:, None]
        return np.concatenate([[weighted_sum(r, None)], weighted_sum(v, r), self.shape.sum_moments(v, r)])


def deviation_rows(K, d, cached):
    """Points in a block whose deviations from K means are taken: with their log-joint near the cache."""
    return max(LEAST_ROWS, cached // (2 * d + K))


def log_joint_from_deviations(shape, weights, means, factors, z, inverse):
    """log pi_k + log N(z | mu_k, Sigma_k) for columns z, by y = L^-1 (z - mu); (K, b)."""
    xp, d = namespace(z), z.shape[0]
    # (1.11) eq-log-normal-d
    with np.errstate(divide="ignore"):
        constant = np.log(weights) - shape.log_det(factors, d) - 0.5 * d * LOG_2PI
    inverse = np.broadcast_to(inverse, (len(means),) + factors.shape[1:])
    log_joint = xp.scratch("log_joint", (len(means), z.shape[1]), z.dtype)
    for k in range(len(means)):
        # (1.14) eq-whitened
        y = shape.whiten(inverse[k], z - xp.asarray(means[k], dtype=z.dtype)[:, None])
        xp.subtract(xp.asarray(constant[k : k + 1]), 0.5 * squared_lengths(y), out=log_joint[k, :])
    return log_joint


def softmax(log_joint, weights):
    """Responsibilities, in place of the log-joint, and log sum exp of each column."""
    xp = namespace(log_joint)
    size = 4 if log_joint.dtype == xp.float32 else 8
    # (2.18) eq-log-sum-exp
    top = xp.maximum(xp.max(log_joint, axis=0), LOWEST[size])  # finite, out of all reach too
    r = log_joint
    r -= top
    xp.maximum(r, LOWEST_EXPONENT[size], out=r)
    xp.exp(r, out=r)
    if not weights.all():
        for k in np.flatnonzero(weights == 0).tolist():
            r[k, :] = 0.0
    total = xp.sum(r, axis=0)
    # (2.14) eq-responsibilities
    r *= 1 / total
    return r, top + xp.log(total)


def argmax(log_joint, slack=0.0):
    """The index of the largest of each column (the lowest among equals), its value, and the
    columns where another comes within `slack` of it. The values are in scratch memory."""
    # (2.12) eq-best-labels
    xp, K = namespace(log_joint), log_joint.shape[0]
    small = xp.uint8 if K < 1 << 8 else xp.int16 if K < 1 << 15 else xp.int32
    best = xp.max(log_joint, axis=0)
    near = xp.scratch("near", log_joint.shape, xp.bool)
    xp.greater_equal(log_joint, best - slack if slack else best, out=near)
    if xp is NUMPY and np.count_nonzero(near) == near.shape[1]:
        slack = 0.0  # nowhere
    near = near.view(np.uint8) if xp is NUMPY else xp.astype(near, xp.uint8)
    codes = xp.scratch("codes", near.shape, small)
    xp.multiply(near, xp.asarray(np.arange(K, 0, -1)[:, None], dtype=small), out=codes)
    labels = K - xp.astype(xp.max(codes, axis=0), xp.int64)
    if not slack:
        return labels, best, labels[:0]
    return labels, best, xp.nonzero(xp.sum(near, axis=0, dtype=small) > 1)[0]
