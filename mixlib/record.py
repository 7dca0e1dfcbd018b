"""One iteration of the loop, as `Fit.history` and callbacks see it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._types import Floats, Ints
from .estep import e_step
from .mixture import Mixture


class Record:
    """The parameters of one iteration, with their own objective.

    Attributes
    ----------
    iteration : int
    weights : (K,) array
    means : (K, d) array
    covariances : (K, d, d) array
    objective : float
    accelerated : bool
        True if a jump led here, and not an iteration of EM.
    mixture : Mixture
    labels : (n,) int array
        The component with the largest log-joint for each point, at these parameters.
    """

    iteration: int
    objective: float
    accelerated: bool

    def __init__(
        self, iteration: int, data: Any, model: Any, params: Any, objective: float, accelerated: bool = False
    ) -> None:
        self.iteration, self.accelerated = iteration, accelerated
        self._data, self._coordinates, self._model, self._params = data, data.coordinates, model, params
        log_prior = model.prior.log_density(params) if model.prior is not None else 0.0
        self.objective = float(objective - data.total_weight * data.coordinates.log_volume + log_prior)

    @property
    def weights(self) -> Floats:
        return self._params.weights.copy()

    @property
    def means(self) -> Floats:
        return self._params.centres.copy()

    @property
    def covariances(self) -> Floats:
        return self.mixture.covariances

    @property
    def mixture(self) -> Mixture:
        shape = self._model.constraint.shape
        factors = shape.to_user(self._params.factors, self._coordinates)
        return Mixture._of(shape, self._params.weights, self._params.centres, factors)

    @property
    def labels(self) -> Ints:
        if self._data is None:
            raise AttributeError(
                "an estimator keeps no data, so its history has no labels: use predict(X), or mixlib.fit"
            )
        estep = e_step(self._data, self._model._replace(hard=True))
        estep.statistics(self._params)
        return estep.labels.astype(np.intp)

    def __repr__(self) -> str:
        return f"Record(iteration={self.iteration}, objective={self.objective:.6g})"
