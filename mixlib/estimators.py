"""scikit-learn estimators over `fit`: parameters in, attributes out, no algorithm (needs scikit-learn)."""

import warnings
from functools import cache
from types import SimpleNamespace

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, DensityMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning as PeersConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from . import criteria, em, inputs
from .covariance import CONSTRAINTS
from .errors import ConvergenceWarning, SingularFitError, SingularFitWarning, TooFewPointsError
from .nearest import distances, inertia, nearest_labels
from .prior import Prior


class NotConvergedWarning(ConvergenceWarning, PeersConvergenceWarning):
    """mixlib's warning, which those who filter scikit-learn's know too."""


OTHER_NAMES = {  # what scikit-learn calls differently, and what it is here
    "means_init": "init=means, (K, d)",
    "weights_init": "init=mixlib.Mixture(weights, means, covariances)",
    "precisions_init": "init=mixlib.Mixture(weights, means, covariances)",
    "init_params": "init",
    "reg_covar": "prior=mixlib.Prior(...)",
    "algorithm": "nothing: labels are Lloyd's, found the fast way",
    "warm_start": "init=estimator.mixture_",
}


@cache
def _parameters(kind):
    return frozenset(kind._get_param_names())


class _Estimator(BaseEstimator):
    """What the two estimators share: checked input, one rule for few distinct points, and no data kept."""

    def __setattr__(self, name, value):
        if not name.endswith("_") and not name.startswith("_") and name not in _parameters(type(self)):
            hint = f": here that is {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
            raise AttributeError(
                f"{type(self).__name__} has no parameter {name!r}{hint}; its parameters are "
                f"{', '.join(self._get_param_names())}"
            )
        super().__setattr__(name, value)

    def _input(self, x, *, reset=False, least=1):
        """x as a checked array, with as many columns as at the fit (or, with `reset`, noting them)."""
        if not reset:
            check_is_fitted(self)
        if not hasattr(x, "columns") and getattr(x, "dtype", None) != object:  # those are for scikit-learn to read
            x = inputs.as_numbers(x, "X")
        with np.errstate(over="ignore", invalid="ignore"):
            x = validate_data(
                self,
                x,
                dtype=[np.float64, np.float32],
                reset=reset,
                ensure_min_samples=least,
                ensure_all_finite=False,  # as_points looks at every number
            )
        return inputs.as_points(x, "X")

    def _state(self):
        """`random_state` as mixlib takes it; a number again from an old generator, which goes on."""
        state = self.random_state
        return state.randint(2**31) if isinstance(state, np.random.RandomState) else state

    def _fit(self, x, K, w, **settings):
        """Set `fit_`; with fewer distinct points than components each point is a mean, some of them twice."""
        settings = {
            "n_init": self.n_init,
            "init": self.init,
            "tol": self.tol,
            "max_iter": self.max_iter,
            "sample_weight": w,
            "random_state": self._state(),
        } | settings
        try:
            self.fit_, remarks = em.fit_quietly(x, K, **settings)
        except TooFewPointsError:
            points = np.unique(x if w is None else x[w > 0], axis=0)
            means = points[np.minimum(np.arange(K), len(points) - 1)]
            self.fit_, remarks = em.fit_quietly(x, K, **settings | {"init": means})
        for message, category in remarks:
            category = NotConvergedWarning if category is ConvergenceWarning else category
            warnings.warn(message, category, stacklevel=3)
        self.n_iter_, self.converged_ = self.fit_.n_iter, self.fit_.converged


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, _Estimator):
    """k-means: `fit` with covariance="identity", weights="equal", assignment="hard".

    Parameters
    ----------
    n_clusters : int
    init : str or array
        ``"local search"``, ``"greedy k-means++"``, ``"k-means++"``, ``"random"``, (n_clusters, d)
        centres, (n,) labels or (n, n_clusters) responsibilities.
    n_init : int or ``"auto"``
        Number of starts; the smallest inertia wins. ``"auto"``: 10 for ``init="random"``, else 1.
    max_iter : int
    tol : float
        0 asks for exactly `max_iter` iterations without a warning; otherwise the loop ends when
        no label changes, whatever `tol` is.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    cluster_centers_ : (n_clusters, d) array
    labels_ : (n,) int array
    inertia_ : float
        Sum of squared distances to the nearest centre.
    n_iter_ : int
    converged_ : bool
    fit_ : mixlib.Fit
        The result with its history, but without the data: these an estimator does not keep.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn

    Notes
    -----
    Chapters 3 and 5; Lloyd (1982).
    """

    def __init__(self, n_clusters=8, *, init="local search", n_init="auto", max_iter=1000, tol=1e-5, random_state=None):
        self.n_clusters, self.init, self.n_init = n_clusters, init, n_init
        self.max_iter, self.tol, self.random_state = max_iter, tol, random_state

    def fit(self, X, y=None, sample_weight=None):
        """Fit the centres to X, (n, d). `y` is ignored.

        With fewer distinct points than clusters (though not fewer points) each point is a
        centre, and a warning says which clusters are empty.
        """
        X = self._input(X, reset=True)
        w = inputs.as_weights(sample_weight, len(X))
        K = inputs.as_components(self.n_clusters, len(X), w, "n_clusters")
        self._fit(
            X,
            K,
            w,
            covariance="identity",
            weights="equal",
            assignment="hard",
            variance=1.0,
            prior=None,
            accelerate=False,
        )
        self.cluster_centers_ = self.fit_.mixture.means
        self.labels_, self.inertia_ = self.fit_.labels, self.fit_.inertia
        self.fit_.without_data("labels", "inertia")
        return self

    def predict(self, X):
        """The nearest centre of each point, (n,); on the data of the fit, its labels."""
        return nearest_labels(self._input(X), self.cluster_centers_)

    def transform(self, X):
        """Distances to the centres, (n, n_clusters)."""
        return distances(self._input(X), self.cluster_centers_)

    def score(self, X, y=None, sample_weight=None):
        """Minus the sum of squared distances of X to their nearest centres."""
        X = self._input(X)
        return -inertia(X, self.cluster_centers_, inputs.as_weights(sample_weight, len(X)))

    @property
    def _n_features_out(self):
        return len(self.cluster_centers_)


class GaussianMixture(DensityMixin, _Estimator):
    """A Gaussian mixture by EM.

    Parameters
    ----------
    n_components : int
    covariance_type : str
        One of the seven constraints of `mixlib.fit`: ``"full"``, ``"tied"``, ``"diag"``,
        ``"tied_diag"``, ``"spherical"``, ``"tied_spherical"``, ``"identity"``.
    init : str, array or Mixture
        As in `mixlib.fit`. A whole start, as scikit-learn's ``weights_init``, ``means_init`` and
        ``precisions_init``: ``init=mixlib.Mixture(weights, means, covariances)``.
    weights, assignment, variance, n_init, prior, tol, max_iter, accelerate, random_state
        As in `mixlib.fit`.

    Attributes
    ----------
    weights_ : (K,) array
    means_ : (K, d) array
    covariances_ : array
        (K, d, d) if full, (d, d) if tied, (K, d) if diag, (d,) if tied_diag, (K,) if spherical,
        a number if tied_spherical or identity.
    n_iter_ : int
    converged_ : bool
    lower_bound_ : float
        The objective per unit of weight, at the parameters returned.
    mixture_ : mixlib.Mixture
    precisions_ : array
        Inverses of `covariances_`, in the same shape.
    fit_ : mixlib.Fit
        The result with its history, but without the data: these an estimator does not keep.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn

    Notes
    -----
    Chapter 4; Dempster, Laird and Rubin (1977).
    """

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        weights="free",
        assignment="soft",
        variance=1.0,
        init="k-means",
        n_init="auto",
        prior=None,
        tol=1e-5,
        max_iter=1000,
        accelerate=True,
        random_state=None,
    ):
        self.n_components, self.covariance_type, self.accelerate = n_components, covariance_type, accelerate
        self.weights, self.assignment, self.variance, self.prior = weights, assignment, variance, prior
        self.init, self.n_init, self.tol = init, n_init, tol
        self.max_iter, self.random_state = max_iter, random_state

    def fit(self, X, y=None, sample_weight=None):
        """Fit the mixture to X, (n, d). `y` is ignored.

        If a covariance becomes singular and no prior is given, a warning says so, and the fit
        goes on with a weak prior whose scale is a millionth of each column's variance. With
        fewer distinct points than components (though not fewer points) each point is a mean at
        the start.
        """
        X = self._input(X, reset=True, least=2)
        w = inputs.as_weights(sample_weight, len(X))
        K = inputs.as_components(self.n_components, len(X), w)
        constraint = CONSTRAINTS[inputs.as_choice(self.covariance_type, "covariance_type", CONSTRAINTS)]
        settings = {
            "covariance": self.covariance_type,
            "weights": self.weights,
            "assignment": self.assignment,
            "variance": self.variance,
            "accelerate": self.accelerate,
        }
        try:
            self._fit(X, K, w, prior=self.prior, **settings)
        except SingularFitError as error:
            if self.prior is not None:
                raise
            warnings.warn(f"{error}. Here a weak prior keeps it regular.", SingularFitWarning, stacklevel=2)
            settings["prior"] = _weak_prior(X, w)
            try:  # the fit goes on from where it stood
                self._fit(X, K, w, **settings, **({} if error.mixture is None else {"init": error.mixture}))
            except SingularFitError:
                self._fit(X, K, w, **settings)
        self.mixture_ = self.fit_.mixture
        self.weights_, self.means_ = self.mixture_.weights, self.mixture_.means
        kept = constraint.shape.project(self.mixture_.covariances)
        self.covariances_ = kept[0] if constraint.shared else kept
        self.lower_bound_ = self.fit_.objective / self.fit_.total_weight
        self.fit_.without_data("log_likelihood", "classification_log_likelihood")
        return self

    @property
    def precisions_(self):
        check_is_fitted(self)
        dense = np.ndim(self.covariances_) >= 2 and self.covariance_type in ("full", "tied")
        return np.linalg.inv(self.covariances_) if dense else 1 / self.covariances_

    def fit_predict(self, X, y=None, sample_weight=None):
        """Fit, and the component of the largest responsibility for each point: what `predict` says."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def predict(self, X):
        """The component of the largest responsibility for each point, (n,)."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        """The responsibilities, (n, K)."""
        X = self._input(X)
        return self.mixture_.responsibilities(X)

    def score_samples(self, X):
        """The log density of each point, (n,)."""
        X = self._input(X)
        return self.mixture_.log_density(X)

    def score(self, X, y=None, sample_weight=None):
        """The mean log density of the points."""
        scores = self.score_samples(X)
        return float(np.average(scores, weights=inputs.as_weights(sample_weight, len(scores))))

    def sample(self, n_samples=1):
        """n_samples points of the mixture, and the components they come from."""
        check_is_fitted(self)
        return self.mixture_.sample(n_samples, self._state())

    def aic(self, X=None):
        """Akaike's criterion on X, by default on the data of the fit; smaller is better."""
        return criteria.aic(self._evaluated(X))

    def bic(self, X=None):
        """Schwarz's criterion."""
        return criteria.bic(self._evaluated(X))

    def icl(self, X=None):
        """BIC of the classification log-likelihood."""
        return criteria.icl(self._evaluated(X))

    def _evaluated(self, X):
        """What the criteria read: the fit, or the likelihoods of other points at its parameters."""
        if X is None:
            check_is_fitted(self)
            return self.fit_
        densities, best = self.score_samples(X), self.predict_proba(X).max(axis=1)
        return SimpleNamespace(
            log_likelihood=densities.sum(),
            n_parameters=self.fit_.n_parameters,
            classification_log_likelihood=(densities + np.log(best)).sum(),
            total_weight=len(densities),
        )


def _weak_prior(X, w):
    """A millionth of each column's variance as the scale; of the largest, where a column is constant."""
    if w is not None:
        X, w = X[w > 0], w[w > 0]
    x = X.astype(np.float64) - X[0]  # of a constant column exactly 0
    variances = np.average((x - np.average(x, axis=0, weights=w)) ** 2, axis=0, weights=w)
    variances[variances == 0] = variances.max() or 1.0
    return Prior(scale=1e-6 * variances)
