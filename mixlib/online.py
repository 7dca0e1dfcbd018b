"""The loop over batches: sums that decay instead of sums that start anew, then the same M-step.

    s <- (1 - gamma_t) s + gamma_t s_hat(batch t)

where s_hat are the expected statistics of a batch per unit of weight (Cappé and Moulines 2009, who step
after each point; Liang and Klein 2009 after batches, with gamma_t = (t + 2)^-alpha). With gamma_t =
w_t / W_t, the share of the batch in all the weight so far, nothing decays: s is the mean over all
points, and hard assignment is mini-batch k-means, whose centre moves to its N_k-th point by 1 / N_k
of the way, N_k counted for each centre by itself (Sculley 2010). Responsibilities of early, wrong
parameters should be forgotten: soft assignment takes (w_t / W_t)^0.7, which is t^-0.7 for batches of
equal weight.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._engine.data import ROW_MAJOR_FROM, Data, Totals
from .covariance import CONSTRAINTS
from .estep import e_step
from .mixture import Mixture
from .model import Model, Parameters, Statistics
from .mstep import m_step
from .prior import InternalPrior

# of gamma: steps t^-alpha add up to infinity, and their squares do not, if 1/2 < alpha <= 1 (Robbins and Monro 1951).
# Cappé and Moulines find 0.6 good for single points, Liang and Klein choose alpha by the task.
EXPONENT = {"hard": 1.0, "soft": 0.7}


class Sums(NamedTuple):
    """W s in internal coordinates, W the weight of all batches so far.

    Scatters are about the components' own means, so that no digits are lost.
    """

    weight: float  # W
    counts: np.ndarray  # (K,)
    first: np.ndarray  # (K, d)
    scatter: np.ndarray | None  # (C, m) in the shape's form; None if Sigma is given

    @property
    def means(self):
        """(K, d); 0 where nothing counts."""
        return self.first / np.where(self.counts > 0, self.counts, 1.0)[:, None]

    def times(self, factor):
        return Sums(
            *(None if part is None else factor * part for part in (self.weight, self.counts, self.first, self.scatter))
        )

    def plus(self, other, constraint):
        """The sums of both. Scatters add as by Chan, Golub and LeVeque (1983)."""
        counts, scatter = self.counts + other.counts, None
        if self.scatter is not None:
            share = self.counts * (other.counts / np.where(counts > 0, counts, 1.0))
            between = share[:, None] * constraint.shape.moments((other.means - self.means).T).T
            scatter = self.scatter + other.scatter + (between.sum(axis=0) if constraint.shared else between)
        return Sums(self.weight + other.weight, counts, self.first + other.first, scatter)


class Online(NamedTuple):
    """Where the batches so far have led. Nothing is overwritten: each step returns another."""

    model: Model
    coordinates: Any  # chosen at the first batch, and kept
    params: Parameters
    sums: Sums | None  # of all batches so far; None before the first
    radius: float  # the largest length of a point so far, in internal coordinates
    mixture: Mixture

    @classmethod
    def start(cls, fit):
        """From the start of a fit without an iteration: the first batch is still to be added."""
        params = fit._params
        return cls(fit._model, fit.history[-1]._coordinates, params, None, 0.0, fit.mixture)

    @classmethod
    def after(cls, fit):
        """From the end of a fit, as if all its points had been one batch."""
        counts = fit.total_weight * fit.mixture.weights if fit._model.free_weights else fit._counts
        sums = sums_behind(fit._params, counts, fit._model, fit.total_weight)
        radius = float(np.linalg.norm(fit._params.means, axis=1).max())
        return cls.start(fit)._replace(sums=sums, radius=radius)

    def is_for(self, *, covariance, weights, assignment, variance, prior):
        """Is this the model that is asked for? (A prior may have joined.)"""
        asked, own, model = CONSTRAINTS[covariance], self.model.constraint, self.model
        same = (type(asked.shape), *asked[1:]) == (type(own.shape), *own[1:])
        return same and (weights == "free", assignment == "hard", np.sqrt(variance)) == (
            model.free_weights,
            model.hard,
            model.sd,
        )

    def add(self, x, w):
        """One E-step: with the sums of a batch x, (n, d), of weights w, (n,) or None, at the present parameters."""
        batch = Batch(x, w, self.model.constraint, self.coordinates)
        estep, constraint = e_step(batch, self.model), self.model.constraint
        # (4.4) eq-e-step
        found = estep.statistics(self.params)
        new = Sums(batch.total_weight, np.array(found.counts), np.array(found.first), None)
        if not constraint.fixed:
            scatter = estep.scatter_about(new.means)
            new = new._replace(scatter=scatter.sum(axis=0, keepdims=True) if constraint.shared else scatter)
        if self.sums is not None:
            total = self.sums.weight + new.weight
            # gamma W / w: with it the new weight has the share gamma in the whole; exactly 1 if hard
            gain = (new.weight / total) ** (EXPONENT["hard" if self.model.hard else "soft"] - 1)
            old = self.sums.times((total - gain * new.weight) / self.sums.weight)
            new = old.plus(new.times(gain), constraint)
        return self._replace(sums=new, radius=max(self.radius, float(batch.radius)))

    def step(self):
        """One M-step from the sums. Raises `Singular` if a covariance has no maximum."""
        estep = FromSums(self)
        params = m_step(estep, estep.statistics(), self.params)
        shape = self.model.constraint.shape
        factors = shape.to_user(params.factors, self.coordinates)
        return self._replace(params=params, mixture=Mixture._of(shape, params.weights, params.centres, factors))

    def with_prior(self, prior):
        """The same, with a prior; what it takes from the data it takes from the sums."""
        constraint, K = self.model.constraint, len(self.params.means)
        return self._replace(model=self.model._replace(prior=InternalPrior(prior, Remembered(self), constraint, K)))

    def column_variances(self):
        """Of all points so far, (d,), in the user's units; where the shape has one variance, it is every column's."""
        remembered, shape = Remembered(self), self.model.constraint.shape
        scatter, d, root = remembered.scatter()[0], remembered.d, self.coordinates.root
        if root is None:
            variances = shape.diagonal(scatter, d) / shape.per_count(d)
        else:
            variances = np.diagonal(root @ shape.matrix(scatter, d) @ root.T)
        return self.coordinates.scale**2 * variances / remembered.total_weight


class Batch(Data):
    """The points of one batch in coordinates that are given, in double precision."""

    def __init__(self, x, w, constraint, coordinates):
        self._describe(x, w, np.dtype(np.float64), constraint)
        self.coordinates = coordinates
        self.z = np.asarray(coordinates.to_internal(x), order="F" if self.d >= ROW_MAJOR_FROM else "C")
        self.mean = None  # no start is made from a batch's own moments
        self.second_moments, self.radius = self._second_moments()
        self._set_limits()


class Remembered(Totals):
    """All batches so far, of which sums alone are left."""

    def __init__(self, online):
        self.sums, constraint = online.sums, online.model.constraint
        super().__init__(self.sums.first.shape[1], self.sums.weight, np.dtype(np.float64), constraint)
        self.coordinates, self.radius = online.coordinates, online.radius
        self.mean = self.sums.first.sum(axis=0) / self.total_weight
        self._set_limits()

    @property
    def products(self):
        """Second moments of the components' means, N_k times, about the origin: (K, m)."""
        return self.sums.counts[:, None] * self.shape.moments(self.sums.means.T).T

    @property
    def second_moments(self):
        """(m,), where the components share Sigma and it is estimated."""
        return self.sums.scatter[0] + self.products.sum(axis=0)

    def scatter(self):
        """Of all points about their mean, (1, m)."""
        between = self.shape.moments((self.sums.means - self.mean).T) @ self.sums.counts
        return (self.sums.scatter.sum(axis=0) + between)[None]


class FromSums:
    """To the M-step an E-step: the statistics are what is remembered."""

    def __init__(self, online):
        self.data, self.model = Remembered(online), online.model

    def statistics(self):
        """About the origin."""
        sums, constraint = self.data.sums, self.model.constraint
        second = None if constraint.fixed or constraint.shared else sums.scatter + self.data.products
        return Statistics(sums.counts, sums.first, second, 0.0, 0.0, 0)

    def scatter_about(self, means):
        """About the components' own means, which is where the M-step asks for it."""
        return self.data.sums.scatter


def sums_behind(params, counts, model, weight):
    """The sums from which the M-step finds these parameters, given the counts."""
    constraint, prior, (K, d) = model.constraint, model.prior, params.means.shape
    shape, number = constraint.shape, counts.sum(keepdims=True) if constraint.shared else counts
    if prior is None:
        first, divisor = counts[:, None] * params.means, shape.per_count(d) * number
    else:  # (4.34) eq-map-means and (4.36) eq-map-covariance, solved for the sums
        first = (counts + prior.shrinkage)[:, None] * params.means - prior.shrinkage * prior.mean
        divisor = prior.divisor(number, K if constraint.shared else 1)
    sums = Sums(weight, counts, first, None)
    if constraint.fixed:
        return sums
    covariances = np.stack([shape.moments(root).sum(axis=1) for root in shape.dense(params.factors, d)])
    scatter = divisor[:, None] * covariances / shape.per_count(d)
    if prior is not None:
        scatter = scatter - prior.scatter(counts, np.where(counts[:, None] > 0, sums.means, params.means))
    return sums._replace(scatter=scatter)
