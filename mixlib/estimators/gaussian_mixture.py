"""`GaussianMixture`: the loop as scikit-learn's users know it."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Self

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import check_is_fitted

from .. import criteria, em, inputs
from .._engine.sources import Source
from .._engine.triangles import Singular
from .._types import ArrayLike, Callback, Floats, Ints, RandomState, Start
from ..covariance import CONSTRAINTS
from ..errors import SingularFitError, SingularFitWarning
from ..mixture import Mixture
from ..prior import Prior
from ..source_starts import column_variances
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

        If a covariance becomes singular and no prior is given, a warning says so, and the fit
        goes on with a weak prior whose scale is a millionth of each column's variance. With
        fewer distinct points than components (though not fewer points) each point is a mean at
        the start.
        """
        x = self._input(X, reset=True, least=2)
        w = inputs.as_weights(sample_weight, len(x))
        K = inputs.as_components(self.n_components, len(x), w)
        settings = self._model_settings | {"accelerate": self.accelerate, "reseed": False}
        try:
            self._fit(x, K, w, prior=self.prior, **settings)
        except SingularFitError as error:
            if self.prior is not None:
                raise
            self._warn_of(error)
            settings["prior"] = _weak_prior(x, w)
            try:  # the fit goes on from where it stood
                self._fit(x, K, w, **settings, **({} if error.mixture is None else {"init": error.mixture}))
            except SingularFitError:
                self._fit(x, K, w, **settings)
        self.mixture_, self._precision = self.fit_.mixture, x.dtype
        self.lower_bound_ = self.fit_.objective / self.fit_.total_weight
        self.fit_.without_data("log_likelihood", "classification_log_likelihood")
        return self

    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Go on with one batch X, (n, d), of any number of points: one E-step, and one M-step of decayed sums.

        s <- (1 - gamma) s + gamma s_hat, where s_hat are the expected statistics of the batch per unit of weight
        and gamma = (w / W)^0.7 with w the weight of the batch and W that of all batches so far: t^-0.7 if they
        weigh the same. With ``assignment="hard"`` it is w / W, and nothing decays. The first batch starts it: `init`
        and what the prior takes from the data are found from it, and it needs n_components distinct points.
        After `fit` the batches go on from the fit. There are no `fit_`, `lower_bound_` and `aic()` of all points
        afterwards; `max_iter`, `tol`, `accelerate` and `callback` are of no account. `y` is ignored. A covariance
        that becomes singular is kept regular as in `fit`, then and in all later batches. Cappé and Moulines (2009);
        Liang and Klein (2009).
        """
        (x, w), settings = self._batch(X, sample_weight, least=2), self._model_settings
        try:
            online = self._so_far(x, w, prior=self.prior, **settings)
        except SingularFitError as error:
            if self.prior is not None:
                raise
            self._warn_of(error)
            online = self._so_far(x, w, prior=_weak_prior(x, w), **settings)
        online = online.add(x, w)
        try:
            online = online.step()
        except Singular as error:
            singular = SingularFitError(em.collapse(error.index, online.model.constraint, self.covariance_type))
            if online.model.prior is not None:
                raise singular from None
            self._warn_of(singular)
            online = online.with_prior(_weak(online.column_variances())).step()
        self._learned(online)
        self.mixture_, self._precision = online.mixture, x.dtype
        return self

    @property
    def _model_settings(self):
        return {
            "covariance": inputs.as_choice(self.covariance_type, "covariance_type", CONSTRAINTS),
            "weights": self.weights,
            "assignment": self.assignment,
            "variance": self.variance,
        }

    @property
    def _components(self):
        return self.n_components, "n_components"

    def _unchanged(self, mixture):
        return self.mixture_ is mixture

    def _warn_of(self, error):
        warnings.warn(f"{error}. Here a weak prior keeps it regular.", SingularFitWarning, stacklevel=3)

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


def _weak_prior(x, w):
    """A millionth of each column's variance as the scale; of the largest, where a column is constant."""
    if isinstance(x, Source):
        variances = column_variances(x, w)
    else:
        if w is not None:
            x, w = x[w > 0], w[w > 0]
        deviations = x.astype(np.float64) - x[0]  # of a constant column exactly 0
        variances = np.average((deviations - np.average(deviations, axis=0, weights=w)) ** 2, axis=0, weights=w)
    return _weak(variances)


def _weak(variances):
    """The same, from the variances of the columns, (d,)."""
    return Prior(scale=1e-6 * np.where(variances > 0, variances, variances.max() or 1.0))
