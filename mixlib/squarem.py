"""Acceleration between iterations: SQUAREM, on the sufficient statistics (Varadhan and Roland 2008).

Three E-steps in a row give statistics s0, s1, s2, where s1 = G(s0) and s2 = G(s1) for one
iteration G. Their differences r = s1 - s0 and v = (s2 - s1) - r say how G contracts, and
s0 + 2 a r + a^2 v, with a = |r| / |v|, is where many more iterations would lead. Statistics
are added and subtracted, and the M-step makes parameters of them: so every constraint and
the prior have one code. A jump is taken if it does not fall below where EM stands.
"""

import numpy as np

from ._engine.triangles import Singular
from .mstep import m_step

GROWTH = 4.0  # the longest a grows by this factor after a jump that used it, and shrinks after one in vain
LEAST = 2.0  # a shorter jump is worth no more than the iteration that it costs
EMPTIED = 1e-2  # a jump leaves each component at least this share of its weight


class Squarem:
    """Steps of a run: every third one may be a jump."""

    def __init__(self):
        self.kept = []  # statistics of the last plain steps
        self.longest = GROWTH
        self.in_vain = self.resting = 0  # jumps in vain in a row, and how many are not tried after them

    def step(self, estep, params, statistics, value):
        """The next parameters, their statistics, and whether a jump led there; `value` is what must not fall."""
        self.kept.append(statistics)
        if len(self.kept) == 3:
            found = None
            if self.resting:
                self.resting -= 1
            else:
                found = self._jump(estep, params, value)
                self.in_vain = 0 if found else self.in_vain + 1
                self.resting = 2 * max(self.in_vain - 1, 0)
            self.kept = [] if found else [statistics]
            if found:
                return *found, True
        params = m_step(estep, statistics, params)
        return params, estep.statistics(params), False

    def _jump(self, estep, params, value):
        shape, origin = estep.data.shape, self.kept[2].origin
        start, middle, last = (_joined(statistics.about(origin, shape)) for statistics in self.kept)
        r, v = middle - start, last - 2 * middle + start
        length = np.linalg.norm(v)
        a = min(np.linalg.norm(r) / length, self.longest) if length > 0 else 0.0
        while a > LEAST:
            jump = _split(start + 2 * a * r + a * a * v, self.kept[2])
            try:
                if (jump.counts < EMPTIED * self.kept[2].counts).any():
                    raise Singular(0)
                parameters = m_step(_Extrapolated(estep), jump, params)
                break
            except Singular:  # too far: no covariances have such statistics
                a = (1 + a) / 2
        else:
            return None
        statistics = estep.statistics(parameters)
        if value(statistics, parameters) >= value(self.kept[2], params):
            self.longest *= GROWTH if a == self.longest else 1.0
            return parameters, statistics
        self.longest = max(GROWTH, self.longest / GROWTH)
        estep.at(params)
        return None


class _Extrapolated:
    """To the M-step an E-step whose statistics stand alone: there are no deviations to fall back on."""

    def __init__(self, estep):
        self.data, self.model = estep.data, estep.model

    def scatter_about(self, means):
        raise Singular(0)


def _joined(statistics):
    """Counts and moments as one vector."""
    return np.concatenate([part.ravel() for part in statistics[:3] if part is not None])


def _split(vector, like):
    """The statistics that a vector holds."""
    K, d = like.first.shape
    counts, first, second = np.split(vector, [K, K + K * d])
    second = None if like.second is None else second.reshape(like.second.shape)
    return like._replace(counts=counts, first=first.reshape(K, d), second=second)
