"""What passes between the rooms: the model chosen, its parameters, the statistics of an E-step."""

from typing import NamedTuple

import numpy as np

from .covariance import Constraint


class Model(NamedTuple):
    """The three choices that name a method, with the numbers that they need."""

    constraint: Constraint
    free_weights: bool
    hard: bool
    sd: float  # sigma of covariance="identity", in the user's units
    prior: object = None  # a prior.InternalPrior, or None

    @property
    def only_means_differ(self):
        """Do components differ in nothing but their means, at distances alike in all directions?"""
        return self.constraint.shared and self.constraint.shape.isotropic and not self.free_weights

    def n_parameters(self, K, d):
        """Free parameters: means, covariances and weights."""
        return K * d + self.constraint.n_parameters(K, d) + (K - 1 if self.free_weights else 0)

    def fixed_factors(self, data):
        """(4.18) eq-m-identity: sigma is given, here in the internal units."""
        return self.constraint.shape.to_internal(np.array([self.sd]), data.coordinates)


class Parameters(NamedTuple):
    """The parameters in internal coordinates; `centres` are the means in the user's."""

    weights: np.ndarray  # (K,)
    means: np.ndarray  # (K, d)
    factors: np.ndarray  # (1, ...) if shared, else (K, ...)
    centres: np.ndarray  # (K, d)
    inverse: np.ndarray | None = None  # L^-1 in the shape's form, as `factors`


class Statistics(NamedTuple):
    """The expected sufficient statistics, which an E-step hands to the M-step and to the loop."""

    counts: np.ndarray  # (K,)     N_k, (4.5) eq-counts
    first: np.ndarray  # (K, d)   sums of r v, where v = z - origin
    second: np.ndarray | None  # (K, m)   sums of r vv^T in the shape's form; None if shared
    objective: float  # log-likelihood (soft) or classification log-likelihood (hard), of z
    reduced_objective: float  # the same up to constants: restarts compare it
    n_changed: int  # points whose label differs from that of the iteration before (hard)
    origin: np.ndarray | float = 0.0  # (K, d)   near the points of each component, or 0

    def about(self, origin, shape):
        """The same sums about another origin (which changes no count)."""
        if self.origin is origin:
            return self
        counts = self.counts[:, None]
        shift = self.first / np.where(counts > 0, counts, 1.0)  # of the component's own mean from the origin
        moved = shift + (self.origin - origin)
        second = self.second + counts * (shape.moments(moved.T) - shape.moments(shift.T)).T
        return self._replace(first=counts * moved, second=second, origin=origin)
