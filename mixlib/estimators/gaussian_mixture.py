"""`GaussianMixture`: the loop as scikit-learn's users know it."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Self

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import check_is_fitted

from .. import criteria, inputs
from .._types import ArrayLike, Callback, Floats, Ints, RandomState, Start
from ..covariance import CONSTRAINTS
from ..errors import SingularFitError, SingularFitWarning
from ..mixture import Mixture
from ..prior import Prior
from .base import Estimator


class GaussianMixture(DensityMixin, Estimator):
    """A Gaussian mixture by EM.

    Parameters
    ----------
    n_components : int
    covariance_type : str
        One of the seven constraints of `mixlib.fit`: ``"full"``, ``"tied"``, ``"diag"``,
        ``"tied_diag"``, ``"spherical"``, ``"tied_spherical"``, ``"identity"``.
    init : str, array or Mixture
        As in `mixlib.fit`. A whole start, as scikit-learn's ``weights_init``, ``means_init`` and
        ``precisions_init``: ``init=mixlib.Mixture(weights, means, covariances)``. To go on from
        another fit (``warm_start``): its ``mixture_``.
    weights, assignment, variance, n_init, prior, tol, max_iter, accelerate, verbose, callback, random_state
        As in `mixlib.fit`.

    Attributes
    ----------
    mixture_ : mixlib.Mixture
        The parameters, in double precision. One may be set from outside; the next four follow it.
    weights_ : (K,) array
    means_ : (K, d) array
    covariances_ : array
        (K, d, d) if full, (d, d) if tied, (K, d) if diag, (d,) if tied_diag, (K,) if spherical,
        a number if tied_spherical or identity.
    precisions_ : array
        Inverses of `covariances_`, in the same shape. These four have the precision of X, as
        have the responsibilities and log densities of single-precision points.
    n_iter_ : int
    converged_ : bool
    lower_bound_ : float
        The objective per unit of weight, at the parameters returned.
    fit_ : mixlib.Fit
        The result with its history, but without the data: these an estimator does not keep.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn

    Notes
    -----
    Chapter 4; Dempster, Laird and Rubin (1977).
    """

    mixture_: Mixture
    lower_bound_: float

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        weights: str = "free",
        assignment: str = "soft",
        variance: float = 1.0,
        init: Start = "k-means",
        n_init: int | str = "auto",
        prior: Prior | None = None,
        tol: float = 1e-5,
        max_iter: int = 1000,
        accelerate: bool = True,
        verbose: bool | int = False,
        callback: Callback | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_components, self.covariance_type, self.accelerate = n_components, covariance_type, accelerate
        self.weights, self.assignment, self.variance, self.prior = weights, assignment, variance, prior
        self.init, self.n_init, self.tol = init, n_init, tol
        self.max_iter, self.random_state = max_iter, random_state
        self.verbose, self.callback = verbose, callback

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the mixture to X, (n, d). `y` is ignored.

        If a covariance becomes singular and no prior is given, a warning says so, and the fit is
        repeated with a weak prior whose scale is a millionth of each column's variance. With
        fewer distinct points than components (though not fewer points) each point is a mean at
        the start.
        """
        x = self._input(X, reset=True, least=2)
        w = inputs.as_weights(sample_weight, len(x))
        K = inputs.as_components(self.n_components, len(x), w)
        settings = {
            "covariance": inputs.as_choice(self.covariance_type, "covariance_type", CONSTRAINTS),
            "weights": self.weights,
            "assignment": self.assignment,
            "variance": self.variance,
            "accelerate": self.accelerate,
            "reseed": False,
        }
        try:
            self._fit(x, K, w, prior=self.prior, **settings)
        except SingularFitError as error:
            if self.prior is not None:
                raise
            warnings.warn(f"{error}. Here a weak prior keeps it regular.", SingularFitWarning, stacklevel=2)
            self._fit(x, K, w, prior=_weak_prior(x, w), **settings)
        self.mixture_, self._precision = self.fit_.mixture, x.dtype
        self.lower_bound_ = self.fit_.objective / self.fit_.total_weight
        self.fit_.without_data("log_likelihood", "classification_log_likelihood")
        return self

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

    def fit_predict(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Ints:
        """Fit, and the component of the largest responsibility for each point: what `predict` says."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

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
        x = self._input(X).astype(np.float64, copy=False)
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

    def _evaluated(self, X):
        """What the criteria read: the fit, or the likelihoods of other points at its parameters."""
        if X is None:
            check_is_fitted(self)
            return self.fit_
        x = self._input(X).astype(np.float64, copy=False)
        densities, best = self.mixture_.log_density(x), self.mixture_.responsibilities(x).max(axis=1)
        return SimpleNamespace(
            log_likelihood=densities.sum(),
            n_parameters=self.fit_.n_parameters,
            classification_log_likelihood=(densities + np.log(best)).sum(),
            total_weight=len(densities),
        )


def _weak_prior(x, w):
    """A millionth of each column's variance as the scale; of the largest, where a column is constant."""
    if w is not None:
        x, w = x[w > 0], w[w > 0]
    deviations = x.astype(np.float64) - x[0]  # of a constant column exactly 0
    variances = np.average((deviations - np.average(deviations, axis=0, weights=w)) ** 2, axis=0, weights=w)
    variances[variances == 0] = variances.max() or 1.0
    return Prior(scale=1e-6 * variances)
