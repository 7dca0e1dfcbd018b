"""What `fit` returns: the mixture, its labels, and the trace of how it got there."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np

from ._engine.namespace import namespace
from ._engine.reductions import squared_lengths, weighted_sum
from ._engine.sources import as_source, each_row
from ._types import ArrayLike, Floats, Ints
from .estep import e_step
from .inputs import as_points
from .mixture import Mixture
from .nearest import nearest_labels, rows_in_block
from .record import Record
from .tables import number, numbers, table


class Fit:
    """The result of `mixlib.fit`.

    Attributes
    ----------
    mixture : Mixture
    labels : (n,) int array
        The component with the largest log-joint for each point. Of a Dask array: a lazy one, chunked
        like the points; of a file or another source of blocks: found in one more pass.
    responsibilities : (n, K) array
        Of the assignment that was asked for: one-hot if hard. In the precision of x. Of a Dask array:
        a lazy one; of a file or another source: what can be iterated block by block, and
        ``np.asarray`` makes whole.
    log_likelihood : float
        Of the mixture, at the parameters returned.
    classification_log_likelihood : float
        With each point in its best component, at the parameters returned.
    objective : float
        What the loop climbed: the log-likelihood (soft; with a prior, plus its log density up
        to a constant) or the classification log-likelihood (hard).
    inertia : float
        J, the sum of squared distances of the points to the means of their labels.
    n_iter : int
    converged : bool
    history : list of Record
        ``history[0]`` is the start, ``history[t]`` what t iterations made of it.
    n_parameters : int
        Free parameters of the model: means, covariances and weights.
    """

    mixture: Mixture
    history: list[Record]
    objective: float
    n_iter: int
    converged: bool
    total_weight: float

    def __init__(self, data: Any, model: Any, run: Any) -> None:
        self._data, self._model, self.total_weight = data, model, data.total_weight
        self.history, self.converged = run.history, run.converged
        self.n_iter = len(run.history) - 1
        self.objective = run.history[-1].objective
        self.mixture = run.history[-1].mixture
        self._counts = run.counts
        if run.labels is not None:
            self._labels = run.labels.astype(np.intp)

    @property
    def labels(self) -> Ints:
        return self._labels.copy()

    @property
    def responsibilities(self) -> Floats:
        return self._responsibilities.copy()

    @property
    def log_likelihood(self) -> float:
        return self._log_likelihood

    @property
    def classification_log_likelihood(self) -> float:
        return self._classification_log_likelihood

    @property
    def inertia(self) -> float:
        return self._inertia

    @property
    def n_parameters(self) -> int:
        K, d = self.mixture.means.shape
        return self._model.n_parameters(K, d)

    def predict(self, x: ArrayLike) -> Ints:
        """The component of other points, (n,), by the rule of the fit: the nearest mean in k-means, else the largest log-joint."""
        source, means = as_source(x), self.mixture.means
        x = as_points(x) if source is None else source
        if self._model.only_means_differ and x.shape[1] == means.shape[1]:
            return each_row(x, lambda rows: nearest_labels(rows, means), rows_in_block(means), dtype=np.intp)
        return self.mixture.predict(x)

    def without_data(self, *kept: str) -> Self:
        """Let go of the points; the attributes named in `kept` are computed before."""
        for name in kept:
            getattr(self, name)
        if "labels" in kept:
            self._labels = self._points.kept(self._labels)
        for name in ("labels", "responsibilities"):
            if name not in kept:
                self.__dict__.pop("_" + name, None)
        self._data = None
        for record in self.history:
            record._data = None
        return self

    def __getstate__(self):
        """What was found lazily, or comes block by block, stays where the points are."""
        lazy = [
            name for name in ("_labels", "_responsibilities") if not isinstance(self.__dict__.get(name), np.ndarray)
        ]
        return {name: value for name, value in self.__dict__.items() if name not in lazy}

    @property
    def _points(self):
        if self._data is None:
            raise AttributeError(
                "an estimator keeps no data, and this was not computed while it had them: "
                "use its predict(X) or predict_proba(X), or mixlib.fit"
            )
        return self._data

    # What takes a pass over the points is computed once.

    @cached_property
    def _labels(self):
        return self.history[-1].labels

    @cached_property
    def _responsibilities(self):
        data, K = self._points, len(self.mixture.means)
        if self._model.hard and data.in_memory:
            return np.eye(K, dtype=data.dtype)[self._labels]
        estep = e_step(data, self._model).at(self._params)
        return data.each(lambda z, rows: estep.responsibilities(z, rows).T, estep.rows, K, data.dtype)

    @cached_property
    def _log_likelihood(self):
        return self._value(hard=False)

    @cached_property
    def _classification_log_likelihood(self):
        return self._value(hard=True)

    def _value(self, hard):
        """Of one of the two likelihoods at the last parameters; the loop has found it where it climbed it."""
        if hard == self._model.hard and self._model.prior is None:
            return self.objective
        data = self._points
        objective = e_step(data, self._model._replace(hard=hard)).statistics(self._params).objective
        return float(objective - data.total_weight * data.coordinates.log_volume)

    @cached_property
    def _inertia(self):
        data, coordinates = self._points, self._points.coordinates
        means, root, scale = self._params.means, coordinates.root, coordinates.scale[:, None]
        if data.in_memory:
            labels, rows_in_block = self._labels, None
        else:
            estep = e_step(data, self._model._replace(hard=True)).at(self._params)
            rows_in_block = estep.rows

        def block(z, rows, w):
            labels_of_block = labels[rows] if data.in_memory else estep.labels_of(z, rows)
            xp = namespace(z)
            deviations = z - xp.take(xp.asarray(means), xp.asarray(labels_of_block), axis=0).T
            with np.errstate(over="ignore"):
                deviations = xp.asarray(scale) * (deviations if root is None else xp.asarray(root) @ deviations)
                return weighted_sum(squared_lengths(deviations)[None, :], w)[0]

        return float(data.sum_blocks(block, rows_in_block))

    @property
    def _params(self):
        return self.history[-1]._params

    def __repr__(self) -> str:
        return f"Fit({self.mixture!r}, {self._state}, objective {self.objective:.6g})"

    def _repr_html_(self) -> str:
        means, variances = self.mixture.means, np.diagonal(self.mixture.covariances, axis1=1, axis2=2)
        rows = [
            (k, number(weight), numbers(mean), numbers(np.sqrt(variance)))
            for k, (weight, mean, variance) in enumerate(zip(self.mixture.weights, means, variances))
        ]
        caption = f"{self.mixture!r}: {self._state}, objective {number(self.objective)}"
        return table(caption, ("component", "weight", "mean", "standard deviations"), rows)

    @property
    def _state(self):
        return f"{self.n_iter} iterations, {'converged' if self.converged else 'not converged'}"
