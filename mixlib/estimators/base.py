"""What the two estimators share: checked input, one rule for few distinct points, and no data kept."""

import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning as PeersConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import em, inputs
from .._engine.sources import as_source, distinct
from ..errors import ConvergenceWarning, EmptyComponentWarning, TooFewPointsError
from ..online import Online


class NotConvergedWarning(ConvergenceWarning, PeersConvergenceWarning):
    """mixlib's warning, which those who filter scikit-learn's know too."""


class EmptyClusterWarning(EmptyComponentWarning, PeersConvergenceWarning):
    """The same for empty components, of which scikit-learn says that fewer distinct clusters were found."""


LARGE = 1 << 26  # bytes of a memmap from which an estimator reads it block by block
THEIRS_TOO = {ConvergenceWarning: NotConvergedWarning, EmptyComponentWarning: EmptyClusterWarning}


OTHER_NAMES = {  # what scikit-learn calls differently, and what it is here
    "means_init": "init=means, (K, d)",
    "weights_init": "init=mixlib.Mixture(weights, means, covariances)",
    "precisions_init": "init=mixlib.Mixture(weights, means, covariances)",
    "init_params": "init",
    "reg_covar": "prior=mixlib.Prior(...)",
    "algorithm": "nothing: labels are Lloyd's, found the fast way",
    "copy_x": "nothing: X is never written to",
    "warm_start": "init=estimator.mixture_, or of KMeans init=estimator.cluster_centers_",
    "verbose_interval": "verbose=True, which shows every iteration of a long fit in one line",
}


@cache
def _parameters(kind: Any) -> frozenset[str]:
    return frozenset(kind._get_param_names())


class Estimator(BaseEstimator):
    """A scikit-learn estimator over `fit`, but for what KMeans and GaussianMixture have of their own."""

    def __new__(cls, *args, **kwargs):
        for name in kwargs:
            if name not in _parameters(cls):
                raise TypeError(cls._unknown(name))
        return super().__new__(cls)

    def __setattr__(self, name, value):
        if not name.endswith("_") and not name.startswith("_") and name not in _parameters(type(self)):
            raise AttributeError(self._unknown(name))
        if isinstance(getattr(type(self), name, None), property):
            raise AttributeError(f"{name} follows from mixture_: set mixture_ to a mixlib.Mixture")
        super().__setattr__(name, value)

    @classmethod
    def _unknown(cls, name):
        hint = f": here that is {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
        return f"{cls.__name__} has no parameter {name!r}{hint}; its parameters are {', '.join(cls._get_param_names())}"

    def _input(self, x, *, reset=False, least=1):
        """x as a checked array, with as many columns as at the fit (or, with `reset`, noting them)."""
        if not reset:
            check_is_fitted(self)
        if isinstance(x, np.memmap) and x.nbytes < LARGE:
            x = np.asarray(x)  # the same draws as for an array
        source = as_source(x, "X")
        if source is not None:
            return self._source(source, reset)
        if not hasattr(x, "columns") and getattr(x, "dtype", None) != object:  # those are for scikit-learn to read
            x = inputs.as_numbers(x, "X")
        if isinstance(x, np.ndarray) and x.ndim == 2 and x.size and len(x) >= least and x.dtype != object:
            x = inputs.as_points(x, "X")
            if reset or not hasattr(self, "feature_names_in_"):
                self._count_columns(x.shape[1], reset)
            else:
                validate_data(self, x, reset=False, skip_check_array=True)  # an array has no names: it warns
            return x
        with np.errstate(over="ignore", invalid="ignore"):
            x = validate_data(
                self,
                x,
                dtype=[np.float64, np.float32],
                reset=reset,
                ensure_min_samples=least,
                ensure_all_finite=False,  # as_points says where the NaN is
            )
        return inputs.as_points(x, "X")

    def _source(self, source, reset):
        """A source of blocks, with as many columns as at the fit; examined at a fit."""
        self._count_columns(source.d, reset)
        return source.examine("X") if reset else source

    def _count_columns(self, d, reset):
        """d columns without names: as many as at the fit, or, with `reset`, noted."""
        if reset:
            self.n_features_in_ = d
            self.__dict__.pop("feature_names_in_", None)
        elif d != getattr(self, "n_features_in_", d):  # there is none where the parameters were set
            raise ValueError(
                f"X has {d} features, but {type(self).__name__} is expecting {self.n_features_in_} features as input."
            )

    def _state(self):
        """`random_state` as mixlib takes it; a number again from an old generator, which goes on."""
        state = self.random_state
        return state.randint(2**31) if isinstance(state, np.random.RandomState) else state

    def _fit(self, x, K, w, **settings):
        """Set `fit_`; with fewer distinct points than components each point is a mean, some of them twice."""
        settings = {
            "init": self.init,
            "n_init": self.n_init,
            "tol": self.tol,
            "max_iter": self.max_iter,
            "sample_weight": w,
            "random_state": self._state(),
            "verbose": self.verbose,
            "callback": self.callback,
        } | settings
        try:
            self.fit_, remarks = em.fit_quietly(x, K, **settings)
        except TooFewPointsError:
            points = distinct(x, w, K)
            means = points[np.minimum(np.arange(K), len(points) - 1)]
            self.fit_, remarks = em.fit_quietly(x, K, **settings | {"init": means})
        for message, category in remarks:
            warnings.warn(message, THEIRS_TOO[category], stacklevel=3)
        self.n_iter_, self.converged_ = self.fit_.n_iter, self.fit_.converged
        self.__dict__.pop("_online", None)

    def _batch(self, X, sample_weight, least=1):
        """A batch and its weights, checked; the first one says how many columns there are, and has at least `least` points."""
        if isinstance(X, np.memmap):
            X = X.view(np.ndarray)  # a slice of a file is a batch
        if as_source(X, "X") is not None:
            raise TypeError(
                f"partial_fit takes one batch in main memory, got a {type(X).__name__}: bring its blocks there one by one"
            )
        x = self._input(X, least=1 if self._started else least, reset=not self._started)
        return x, inputs.as_weights(sample_weight, len(x))

    @property
    def _started(self):
        return hasattr(self, "_online") or hasattr(self, "fit_")

    def _so_far(self, x, w, **settings):
        """Where a batch goes on from: the last batch, the fit, or the start that `init` makes of it."""
        K, name = self._components
        if not self._started:
            K = inputs.as_components(K, len(x), w, name)
            asked = {"n_init": self.n_init, "random_state": self._state(), "verbose": False, "callback": None}
            ends = {"tol": 0, "max_iter": 0, "accelerate": False, "reseed": False}
            start, _ = em.fit_quietly(x, K, init=self.init, sample_weight=w, **settings, **asked, **ends)
            return Online.start(start)
        online = self._online if hasattr(self, "_online") else Online.after(self.fit_)
        if len(online.params.means) != K or not online.is_for(**settings):
            raise ValueError(f"{name} or another parameter of the model has changed since the last batch: fit anew")
        if not self._unchanged(online.mixture):
            raise ValueError("the parameters were set since the last batch: pass them as init of a new estimator")
        return online

    def _learned(self, online):
        """Keep where a batch has led; what described all points of a fit goes."""
        self._online = online
        for name in ("fit_", "n_iter_", "converged_", "labels_", "inertia_", "lower_bound_"):
            self.__dict__.pop(name, None)

    @property
    def _last_mixture(self):
        """What the last fit or batch left."""
        return self._online.mixture if hasattr(self, "_online") else self.fit_.mixture
