"""What a fitted `GaussianMixture` answers: its parameters in scikit-learn's shapes, labels, densities and criteria."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import check_is_fitted

from .. import criteria, inputs
from .._engine.sources import Source
from .._types import ArrayLike, Floats, Ints
from ..covariance import CONSTRAINTS
from ..mixture import Mixture
from .base import Estimator


class FittedMixture(DensityMixin, Estimator):
    """An estimator with a `mixture_`, however it was found."""

    mixture_: Mixture
    covariance_type: str

    @property
    def weights_(self) -> Floats:
        return self._parameter(self._fitted.weights)

    @property
    def means_(self) -> Floats:
        return self._parameter(self._fitted.means)

    @property
    def covariances_(self) -> Floats:
        return self._parameter(self._own_covariances())

    @property
    def precisions_(self) -> Floats:
        covariances = self._own_covariances()
        matrices = self.covariance_type in ("full", "tied")
        return self._parameter(np.linalg.inv(covariances) if matrices else 1 / covariances)

    @property
    def _fitted(self) -> Mixture:
        check_is_fitted(self)
        return self.mixture_

    def _own_covariances(self):
        """The covariances in the constraint's own form."""
        constraint = CONSTRAINTS[self.covariance_type]
        kept = constraint.shape.project(self._fitted.covariances)
        return kept[0] if constraint.shared else kept

    def _parameter(self, values):
        """A copy in the precision of the data, where it can hold them."""
        with np.errstate(over="ignore", under="ignore"):
            short = np.array(values, dtype=getattr(self, "_precision", np.float64))
        return short[()] if np.allclose(short, values, rtol=1e-6, atol=0) else np.array(values)[()]

    def predict(self, X: ArrayLike) -> Ints:
        """The component of the largest responsibility for each point, (n,)."""
        x = self._input(X)
        return self.mixture_.predict(x)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The responsibilities, (n, K)."""
        x = self._input(X)
        return self.mixture_.responsibilities(x)

    def score_samples(self, X: ArrayLike) -> Floats:
        """The log density of each point, (n,)."""
        x = self._input(X)
        return self.mixture_.log_density(x)

    def score(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """The mean log density of the points."""
        x = self._input(X)
        if isinstance(x, Source):
            weight, total, _ = self._totals(x, sample_weight)
            return float(total / weight)
        x = x.astype(np.float64, copy=False)
        return float(np.average(self.mixture_.log_density(x), weights=inputs.as_weights(sample_weight, len(x))))

    def sample(self, n_samples: int = 1) -> tuple[Floats, Ints]:
        """n_samples points of the mixture, and the components they come from."""
        return self._fitted.sample(n_samples, self._state())

    def aic(self, X: ArrayLike | None = None) -> float:
        """Akaike's criterion: of the fit, or of other points X at its parameters; smaller is better."""
        return criteria.aic(self._evaluated(X))

    def bic(self, X: ArrayLike | None = None) -> float:
        """Schwarz's criterion; smaller is better.

        ``bic()`` is that of the fit: its log-likelihood, sample weights included, and log n of
        the points fitted. ``bic(X)``, as in scikit-learn, takes the log-likelihood of X and
        log n of its points, each of weight 1. On the data of an unweighted fit they are equal.
        """
        return criteria.bic(self._evaluated(X))

    def icl(self, X: ArrayLike | None = None) -> float:
        """BIC of the classification log-likelihood, of the fit or of X as in `bic`; smaller is better."""
        return criteria.icl(self._evaluated(X))

    @property
    def _last_model(self):
        return self._online.model if hasattr(self, "_online") else self.fit_._model

    def _totals(self, source, sample_weight=None):
        """Of a source: weight, log-likelihood, classification log-likelihood."""
        source = source.examine("X")
        return self.mixture_._totals(source, inputs.as_weights(sample_weight, len(source)))

    def _evaluated(self, X):
        """What the criteria read: the fit, or the likelihoods of other points at its parameters."""
        if X is None:
            check_is_fitted(self)
            if not hasattr(self, "fit_"):
                raise AttributeError(
                    "after partial_fit there is no criterion of all points: pass the points, as in bic(X)"
                )
            return self.fit_
        x, n_parameters = self._input(X), self._last_model.n_parameters(*self.mixture_.means.shape)
        if isinstance(x, Source):
            weight, total, best = self._totals(x)
            return SimpleNamespace(
                log_likelihood=total,
                n_parameters=n_parameters,
                classification_log_likelihood=best,
                total_weight=weight,
            )
        x = x.astype(np.float64, copy=False)
        densities, best = self.mixture_.log_density(x), self.mixture_.responsibilities(x).max(axis=1)
        return SimpleNamespace(
            log_likelihood=densities.sum(),
            n_parameters=n_parameters,
            classification_log_likelihood=(densities + np.log(best)).sum(),
            total_weight=len(densities),
        )
