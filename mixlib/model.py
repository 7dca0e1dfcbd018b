"""What passes between the rooms: the model chosen, its parameters, the sums of an E-step."""

from typing import NamedTuple

import numpy as np

from .covariance import Constraint


class Model(NamedTuple):
    """The three choices that name a method, with the numbers that they need."""

    constraint: Constraint
    free_weights: bool
    hard: bool
    sd: float                      # sigma of covariance="identity", in the caller's units
    prior: object = None           # a prior.BoundPrior, or None

    def fixed_factors(self, data):
        """(4.18) eq-m-identity: sigma is given, here in the loop's units."""
        return data.frame.factors_inward(self.constraint.shape, np.array([self.sd]))


class Parameters(NamedTuple):
    """The parameters in the loop's coordinates; `centres` are the means in the caller's."""

    weights: np.ndarray            # (K,)
    means: np.ndarray              # (K, d)
    factors: np.ndarray            # (1, ...) if shared, else (K, ...)
    centres: np.ndarray            # (K, d)


class Sums(NamedTuple):
    """What an E-step hands to the M-step and to the loop."""

    counts: np.ndarray             # (K,)     N_k
    first: np.ndarray              # (K, d)   sums of r z
    second: np.ndarray | None      # (K, m)   sums of r zz^T in the shape's form; None if shared
    objective: float               # log-likelihood (soft) or classification log-likelihood (hard), of z
    merit: float                   # the same without constants: restarts compare it
    moved: int                     # labels that differ from those before (hard)
