"""What `fit` returns: the mixture, its labels, and the trace of how it got there."""

import numpy as np

from .blocks import Data, weighted_sum
from .covariance import CONSTRAINTS
from .estep import e_step
from .mixture import Mixture
from .model import Model, Parameters


class Record:
    """The parameters of one iteration, with their own objective.

    Attributes
    ----------
    iteration : int
    weights : (K,) array
    means : (K, d) array
    covariances : (K, d, d) array
    objective : float
    mixture : Mixture
    labels : (n,) int array
        The component with the largest score for each point, at these parameters.
    """

    def __init__(self, iteration, data, model, params, objective):
        self.iteration = iteration
        self._data, self._model, self._params = data, model, params
        lift = model.prior.log_density(params) if model.prior is not None else 0.0
        self.objective = float(objective - data.total * data.frame.log_volume + lift)

    @property
    def weights(self):
        return self._params.weights.copy()

    @property
    def means(self):
        return self._params.centres.copy()

    @property
    def covariances(self):
        return self.mixture.covariances

    @property
    def mixture(self):
        shape = self._model.constraint.shape
        factors = self._data.frame.factors_outward(shape, self._params.factors)
        return Mixture._of(shape, self._params.weights, self._params.centres, factors)

    @property
    def labels(self):
        step = e_step(self._data, self._model._replace(hard=True), self._params)
        step.sums()
        return step.labels.astype(np.intp)

    def __repr__(self):
        return f"Record(iteration={self.iteration}, objective={self.objective:.6g})"


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
        self._data, self._model = data, model
        self.history, self.converged = run.history, run.converged
        self.n_iter = len(run.history) - 1
        self.objective = run.history[-1].objective
        self.mixture = run.history[-1].mixture
        self._labels = run.labels

    @property
    def labels(self):
        return self.history[-1].labels if self._labels is None else self._labels.astype(np.intp)

    @property
    def responsibilities(self):
        step, data = e_step(self._data, self._model, self._params), self._data
        out = np.empty((data.n, len(self.mixture.means)))
        for z, rows, _ in data.blocks(step.rows):
            found = step.assign(z, rows, None)[0]
            out[rows] = np.eye(out.shape[1])[found] if self._model.hard else found.T
        return out

    @property
    def log_likelihood(self):
        return self._value(hard=False)

    @property
    def classification_log_likelihood(self):
        return self._value(hard=True)

    @property
    def inertia(self):
        data, means = self._data, self._params.centres
        labels = self.labels

        def block(z, rows, w):
            deviations = data.frame.points_outward(z.astype(np.float64)) - means[labels[rows]]
            return weighted_sum((deviations**2).sum(axis=1)[None], w)[0]
        with np.errstate(over="ignore"):
            return float(data.add_up(block))

    @property
    def n_parameters(self):
        K, d = self.mixture.means.shape
        return K * d + self._model.constraint.n_parameters(K, d) + (K - 1 if self._model.free_weights else 0)

    @property
    def total_weight(self):
        return self._data.total

    @property
    def _params(self):
        return self.history[-1]._params

    def _value(self, hard):
        sums = e_step(self._data, self._model._replace(hard=hard), self._params).sums()
        return float(sums.objective - self._data.total * self._data.frame.log_volume)

    def __repr__(self):
        state = "converged" if self.converged else "not converged"
        return f"Fit({self.mixture!r}, {self.n_iter} iterations, {state}, objective {self.objective:.6g})"


def nearest_labels(x, centres):
    """The index of the nearest of K centres (K, d) for each point of x, by the E-step of k-means."""
    data = Data(x, None, CONSTRAINTS["identity"], also=centres)
    model = Model(CONSTRAINTS["identity"], free_weights=False, hard=True, sd=1.0)
    means = data.frame.inward(centres).T.copy()
    params = Parameters(np.full(len(centres), 1 / len(centres)), means, model.fixed_factors(data), centres)
    step = e_step(data, model, params)
    step.sums()
    return step.labels.astype(np.intp)
