"""The one loop: E-step, M-step, until nothing changes. k-means is a setting of it (chapter 5)."""

from typing import NamedTuple

import numpy as np

from ._engine.triangles import Singular
from .model import Parameters
from .mstep import m_step
from .record import Record
from .reseeding import reseed
from .squarem import Squarem
from .stopping import Aitken


class Run(NamedTuple):
    """Where one start led."""

    history: list
    params: Parameters  # the last ones
    objective: float  # the last one, up to constants
    converged: bool
    stopped: bool  # by the callback
    empty: np.ndarray  # components without points
    labels: np.ndarray | None  # (n,) of the last E-step, if hard
    counts: np.ndarray | None  # (K,) of the last E-step


def run(estep, params, *, tol, max_iter, accelerate=False, reseeding=False, callback=None, history=None):
    """Iterate an E-step and the M-step from `params`; every record of the history holds parameters and their own objective.

    A caller who passes a list as `history` has what was finished if the loop is interrupted.
    """
    history = [] if history is None else history
    data, model = estep.data, estep.model

    def objective(statistics, params):
        if model.prior is None:
            return statistics.reduced_objective
        return statistics.objective + model.prior.log_density(params)

    aitken = Aitken(tol * data.total_weight)
    squarem = Squarem() if accelerate and not model.hard else None
    # (4.4) eq-e-step
    statistics, jumped = estep.statistics(params), False
    while True:
        history.append(Record(len(history), data, model, params, statistics.objective, jumped))
        said = None if callback is None else callback(history[-1])
        stopped = isinstance(said, (bool, np.bool_)) and bool(said)
        value = objective(statistics, params)
        converged = len(history) > 1 and statistics.n_changed == 0 if model.hard else aitken.reached(value, jumped)
        if converged or stopped or len(history) > max_iter:
            empty = np.flatnonzero(statistics.counts <= data.negligible_weight)
            return Run(history, params, value, bool(converged), stopped, empty, estep.labels, statistics.counts)
        try:
            if squarem is None:
                # (4.6) eq-m-weights, (4.10) eq-m-means, (4.11) eq-q-covariances
                params = m_step(estep, statistics, params)
                params = reseed(estep, statistics, params) if reseeding else params
                statistics = estep.statistics(params)
            else:
                params, statistics, jumped = squarem.step(estep, params, statistics, objective)
        except Singular as error:
            error.last = history[-1]
            raise
