"""What many tests share: every setting, blobs, fits of a fixed number of iterations, small blocks."""

import contextlib
import itertools
import os
import warnings
from unittest import mock

import numpy as np
from reference import COVARIANCES

import mixlib
from mixlib import estep, lloyd, restarts
from mixlib._engine import hamerly

SETTINGS = list(itertools.product(COVARIANCES, ("free", "equal"), ("soft", "hard")))
ASSIGNED = list(itertools.product(COVARIANCES, ("soft", "hard")))
ESTIMATED = [covariance for covariance in COVARIANCES if covariance != "identity"]
KMEANS = {"covariance": "identity", "weights": "equal", "assignment": "hard"}


def blobs(seed, n=1100, d=2, K=4, spread=2.5):
    """Unit normals about K centres drawn with a standard deviation of `spread`, and the centre of each."""
    rng = np.random.default_rng(seed)
    z = rng.integers(K, size=n)
    return rng.normal(size=(n, d)) + spread * rng.normal(size=(K, d))[z], z


def clusters(seed=0, n=60, d=2, K=3, spread=4.0):
    """Unit normals about K centres drawn with a standard deviation of `spread`, as many about each, and the centre of each."""
    rng = np.random.default_rng(seed)
    z = np.arange(n) % K
    return spread * rng.normal(size=(K, d))[z] + rng.normal(size=(n, d)), z


def with_copies():
    """30 points and five copies of another, in two dimensions, and which is which: a component on the copies has no covariance."""
    return np.r_[np.random.default_rng(1).normal(size=(30, 2)), np.full((5, 2), 40.0)], np.repeat([0, 1], [30, 5])


@contextlib.contextmanager
def ignoring(category=Warning):
    """Elsewhere a warning is an error (pyproject.toml); here it is no matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield


def fit_exactly(x, K, **options):
    """mixlib.fit with tol=0: so many iterations. An empty component is no matter."""
    with ignoring(mixlib.EmptyComponentWarning):
        return mixlib.fit(x, K, **{"tol": 0, **options})


def fit_without_warning(x, K, **options):
    """The same, and no warning of any kind may come."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return mixlib.fit(x, K, tol=0, **options)


def fitted_without_convergence(model, *data, **options):
    """An estimator's fit that may end at max_iter."""
    with ignoring(mixlib.ConvergenceWarning):
        return model.fit(*data, **options)


@contextlib.contextmanager
def small_blocks(bounds=300, n_threads=2):
    """Blocks of 256 points, the fewest that there can be, and bounds read in stretches of `bounds`."""
    with (
        mock.patch.object(estep, "BLOCK", 1),
        mock.patch.multiple(lloyd, BLOCK=1, BOUNDS_BELOW=0.5, BOUNDS_BELOW_A_MEAN=1.0),
        mock.patch.object(hamerly, "BOUNDS_BLOCK", bounds),
        mock.patch.dict(os.environ, MIXLIB_NUM_THREADS=str(n_threads)),
    ):
        yield


@contextlib.contextmanager
def e_steps_seen():
    """The E-steps that the loop makes, in a list: their counters can be read afterwards."""
    seen, make = [], estep.e_step

    def e_step(data, model):
        seen.append(make(data, model))
        return seen[-1]

    with mock.patch.object(restarts, "e_step", e_step):
        yield seen
