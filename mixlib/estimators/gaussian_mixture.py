"""`GaussianMixture`: the loop as scikit-learn's users know it. What it answers once it is fitted is in `fitted_mixture`."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np

from .. import em, inputs
from .._engine.sources import Source
from .._engine.triangles import Singular
from .._types import ArrayLike, Callback, Ints, RandomState, Start
from ..covariance import CONSTRAINTS
from ..errors import SingularFitError, SingularFitWarning
from ..prior import Prior, weak_prior
from ..source_starts import column_variances
from .fitted_mixture import FittedMixture


class GaussianMixture(FittedMixture):
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
            settings["prior"] = weak_prior(_column_variances(x, w))
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
            online = self._so_far(x, w, prior=weak_prior(_column_variances(x, w)), **settings)
        online = online.add(x, w)
        try:
            online = online.step()
        except Singular as error:
            singular = SingularFitError(em.collapse(error.index, online.model.constraint, self.covariance_type))
            if online.model.prior is not None:
                raise singular from None
            self._warn_of(singular)
            online = online.with_prior(weak_prior(online.column_variances())).step()
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

    def fit_predict(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Ints:
        """Fit, and the component of the largest responsibility for each point: what `predict` says."""
        return self.fit(X, sample_weight=sample_weight).predict(X)


def _column_variances(x, w):
    """Of the points that count, (d,), in squared units of x."""
    if isinstance(x, Source):
        return column_variances(x, w)
    if w is not None:
        x, w = x[w > 0], w[w > 0]
    deviations = x.astype(np.float64) - x[0]  # of a constant column exactly 0
    return np.average((deviations - np.average(deviations, axis=0, weights=w)) ** 2, axis=0, weights=w)
