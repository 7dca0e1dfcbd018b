"""`KMeans`: the loop with identity covariance, equal weights and hard assignment, as scikit-learn's users know it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin

from .. import inputs
from .._engine.namespace import home
from .._engine.sources import Source, each_row
from .._types import ArrayLike, Callback, Floats, Ints, RandomState
from ..nearest import distances, inertia, nearest_labels, rows_in_block
from .base import Estimator


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, Estimator):
    """k-means: `fit` with covariance="identity", weights="equal", assignment="hard".

    Parameters
    ----------
    n_clusters : int
    init : str or array
        ``"local search"``, ``"greedy k-means++"``, ``"k-means++"``, ``"random"``, (n_clusters, d)
        centres, (n,) labels or (n, n_clusters) responsibilities. To go on from another fit: its ``cluster_centers_``.
    n_init : int or ``"auto"``
        Number of starts; the smallest inertia wins. ``"auto"``: 10 for ``init="random"``, else 1.
    max_iter : int
    tol : float
        0 asks for exactly `max_iter` iterations without a warning; otherwise the loop ends when
        no label changes, whatever `tol` is.
    reseed : bool
        Move the centre of an empty cluster to the point that is farthest from its own, as
        scikit-learn does. Without it an empty cluster stays where it is, and a warning says so.
    verbose, callback, random_state
        As in `mixlib.fit`.

    Attributes
    ----------
    cluster_centers_ : (n_clusters, d) array
        In the precision of X, as is what `transform` returns; `fit_` keeps double precision.
    labels_ : (n,) int array
        Of a Dask array: one that is chunked like it and kept where its chunks are. Pickles leave it out.
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

    cluster_centers_: Floats
    labels_: Ints
    inertia_: float

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: ArrayLike = "local search",
        n_init: int | str = "auto",
        max_iter: int = 1000,
        tol: float = 1e-5,
        reseed: bool = False,
        verbose: bool | int = False,
        callback: Callback | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.n_clusters, self.init, self.n_init = n_clusters, init, n_init
        self.max_iter, self.tol, self.random_state = max_iter, tol, random_state
        self.reseed, self.verbose, self.callback = reseed, verbose, callback

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the centres to X, (n, d). `y` is ignored.

        With fewer distinct points than clusters (though not fewer points) each point is a
        centre, and a warning says which clusters are empty.
        """
        x = self._input(X, reset=True)
        w = inputs.as_weights(sample_weight, len(x))
        K = inputs.as_components(self.n_clusters, len(x), w, "n_clusters")
        self._fit(
            x,
            K,
            w,
            **self._model_settings,
            accelerate=False,
            reseed=self.reseed,
        )
        self.cluster_centers_ = self.fit_.mixture.means.astype(x.dtype)
        self.fit_.without_data("labels", "inertia")
        self.labels_, self.inertia_ = self.fit_.labels, self.fit_.inertia
        return self

    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Go on with one batch X, (n, d), of any number of points: one E-step, and one M-step of all sums so far.

        A centre is the mean of the points it was given, in all batches, each when its batch came: the N_k-th
        moves it by 1 / N_k of the way (mini-batch k-means). The first batch starts it: `init` is drawn from it,
        and it needs n_clusters distinct points. After `fit` the batches go on from the fit. There are no
        `labels_`, `inertia_`, `fit_` of all points afterwards; `max_iter`, `tol`, `reseed` and `callback` are of
        no account. `y` is ignored. Sculley (2010).
        """
        x, w = self._batch(X, sample_weight)
        self._learned(self._so_far(x, w, **self._model_settings).add(x, w).step())
        self.cluster_centers_ = self._online.mixture.means.astype(x.dtype)
        return self

    def predict(self, X: ArrayLike) -> Ints:
        """The nearest centre of each point, (n,); on the data of the fit, its labels."""
        x, centres = self._input(X), self._centres
        return each_row(x, lambda rows: nearest_labels(rows, centres), rows_in_block(centres), dtype=np.intp)

    def transform(self, X: ArrayLike) -> Floats:
        """Distances to the centres, (n, n_clusters)."""
        x, centres = self._input(X), self._centres
        return each_row(x, lambda rows: distances(rows, centres), rows_in_block(centres), len(centres), x.dtype)

    def score(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """Minus the sum of squared distances of X to their nearest centres."""
        x, centres = self._input(X), self._centres
        if not isinstance(x, Source):
            return -inertia(x, centres, inputs.as_weights(sample_weight, len(x)))
        x.examine("X")
        w = x.beside(inputs.as_weights(sample_weight, len(x)))
        return -float(x.total(lambda rows, start, w: inertia(home(rows), centres, home(w)), rows_in_block(centres), w))

    def __getstate__(self):
        """Labels that lie with the chunks of a Dask array stay there."""
        state = dict(super().__getstate__())
        if not isinstance(state.get("labels_"), np.ndarray):
            state.pop("labels_", None)
        return state

    @property
    def _model_settings(self):
        return {"covariance": "identity", "weights": "equal", "assignment": "hard", "variance": 1.0, "prior": None}

    @property
    def _components(self):
        return self.n_clusters, "n_clusters"

    def _unchanged(self, mixture):
        return np.array_equal(self._centres, mixture.means)

    @property
    def _centres(self):
        """The centres in double precision: those of the fit, unless others were set."""
        fitted, given = self._last_mixture.means, np.asarray(self.cluster_centers_)
        return fitted if np.array_equal(given, fitted.astype(given.dtype)) else given.astype(np.float64)

    @property
    def _n_features_out(self) -> Any:
        return len(self.cluster_centers_)
