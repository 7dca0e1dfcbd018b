"""What `fit` returns: the mixture, its labels, and the trace of how it got there."""

from functools import cached_property

import numpy as np

from ._engine.reductions import squared_lengths, weighted_sum
from .estep import SoftEStep, e_step


class Fit:
    """The result of `mixlib.fit`.

    Attributes
    ----------
    mixture : Mixture
    labels : (n,) int array
        The component with the largest score for each point.
    responsibilities : (n, K) array
        Of the assignment that was asked for: one-hot if hard.
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

    def __init__(self, data, model, run):
        self._data, self._model, self.total_weight = data, model, data.total_weight
        self.history, self.converged = run.history, run.converged
        self.n_iter = len(run.history) - 1
        self.objective = run.history[-1].objective
        self.mixture = run.history[-1].mixture
        if run.labels is not None:
            self._labels = run.labels.astype(np.intp)

    @property
    def labels(self):
        return self._labels.copy()

    @property
    def responsibilities(self):
        return self._responsibilities.copy()

    @property
    def log_likelihood(self):
        return self._log_likelihood

    @property
    def classification_log_likelihood(self):
        return self._classification_log_likelihood

    @property
    def inertia(self):
        return self._inertia

    @property
    def n_parameters(self):
        K, d = self.mixture.means.shape
        return K * d + self._model.constraint.n_parameters(K, d) + (K - 1 if self._model.free_weights else 0)

    def without_data(self, *kept):
        """Let go of the points; the attributes named in `kept` are computed before."""
        for name in kept:
            getattr(self, name)
        for name in ("labels", "responsibilities"):
            if name not in kept:
                self.__dict__.pop("_" + name, None)
        self._data = None
        for record in self.history:
            record._data = None
        return self

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
        if self._model.hard:
            return np.eye(K)[self._labels]
        estep, out = SoftEStep(data, self._model).at(self._params), np.empty((data.n, K))

        def block(z, rows, w):
            out[rows] = estep.responsibilities(z, rows).T

        data.for_blocks(block, estep.rows)
        return out

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
        data, labels, coordinates = self._points, self._labels, self._points.coordinates
        means, root, scale = self._params.means, coordinates.root, coordinates.scale[:, None]

        def block(z, rows, w):
            deviations = z - means.take(labels[rows], axis=0).T
            deviations = scale * (deviations if root is None else root @ deviations)
            return weighted_sum(squared_lengths(deviations)[None], w)[0]

        with np.errstate(over="ignore"):
            return float(data.sum_blocks(block))

    @property
    def _params(self):
        return self.history[-1]._params

    def __repr__(self):
        state = "converged" if self.converged else "not converged"
        return f"Fit({self.mixture!r}, {self.n_iter} iterations, {state}, objective {self.objective:.6g})"
