"""What `fit` hands over: copies, plain types, sums in double precision, and one line of words."""

from unittest import mock

import numpy as np
import pytest
from common import KMEANS

import mixlib
from mixlib._engine import data

X = mixlib.datasets.old_faithful().x


@pytest.mark.parametrize("options", [{}, {"assignment": "hard"}, KMEANS], ids=["soft", "hard", "k-means"])
def test_what_is_handed_out_can_be_written_to(options):
    """Writing to every array changes no answer: the result keeps its own."""
    fit = mixlib.fit(X, 2, init=X[:2], tol=0, max_iter=3, **options)

    def arrays():
        found = [fit.labels, fit.responsibilities, fit.mixture.covariances]
        for record in fit.history:
            found += [record.labels, record.weights, record.means, record.covariances, record.mixture.means]
        return found

    before = [array.copy() for array in arrays()]
    numbers = fit.log_likelihood, fit.classification_log_likelihood, fit.inertia
    for array in arrays():
        array[...] = 0
    assert all(np.array_equal(a, b) for a, b in zip(arrays(), before, strict=True))
    assert (fit.log_likelihood, fit.classification_log_likelihood, fit.inertia) == numbers
    assert [record.iteration for record in fit.history] == list(range(fit.n_iter + 1))


@pytest.mark.parametrize(
    "options", [{}, {"assignment": "hard"}, KMEANS, {"prior": mixlib.Prior()}], ids=["soft", "hard", "k-means", "prior"]
)
def test_what_takes_a_pass_is_computed_once(options):
    """The second time, no block of points is read."""
    fit = mixlib.fit(X, 2, init=X[:2], tol=0, max_iter=3, **options)

    def everything():
        return (
            fit.labels.tolist(),
            fit.responsibilities.tolist(),
            fit.inertia,
            fit.log_likelihood,
            fit.classification_log_likelihood,
        )

    first = everything()
    with mock.patch.object(data, "map_blocks") as passes:
        assert everything() == first
    assert not passes.called


@pytest.mark.parametrize("options", [{}, {"assignment": "hard"}, KMEANS], ids=["soft", "hard", "k-means"])
def test_labels_are_indices_and_numbers_are_numbers(options):
    fit = mixlib.fit(X, 2, init=X[:2], tol=0, max_iter=3, sample_weight=np.ones(272), **options)
    for labels in (fit.labels, fit.history[0].labels, mixlib.KMeans(2, random_state=0).fit(X).predict(X)):
        assert labels.dtype == np.intp and labels.shape == (272,)
    for name in ("objective", "log_likelihood", "classification_log_likelihood", "inertia"):
        assert type(getattr(fit, name)) is float
    assert type(fit.n_iter) is int and type(fit.converged) is bool and type(fit.history[0].objective) is float


def test_single_precision_points_have_sums_in_double():
    """J of float32 points far from the origin: that of the same numbers in float64, to twelve digits."""
    x = (X + 1e4).astype(np.float32)
    fit = mixlib.fit(x, 3, random_state=0, **KMEANS)
    J = ((x.astype(np.float64) - fit.mixture.means[fit.labels]) ** 2).sum()
    np.testing.assert_allclose(fit.inertia, J, rtol=1e-12)


def test_a_sum_of_squares_beyond_numbers_is_infinite():
    """Without a warning: the labels and centres are right, and J has no number."""
    fit = mixlib.fit(1e200 * X, 3, random_state=0, **KMEANS)
    assert fit.inertia == np.inf and fit.converged
    assert np.array_equal(fit.labels, mixlib.fit(X, 3, random_state=0, **KMEANS).labels)


def test_in_words():
    """A result says what it is, how long it took, whether it ended, and its objective in six digits."""
    x = [[0.0], [1.0], [10.0], [11.0]]
    done = mixlib.fit(x, 2, init=[[0.0], [1.0]], **KMEANS)
    ended = -1 / 2 - 2 * np.log(2 * np.pi) - 4 * np.log(2)  # J = 1
    assert repr(done) == (
        f"Fit(Mixture of 2 components in 1 dimensions, {done.n_iter} iterations, converged, objective {ended:.6g})"
    )
    assert repr(done.history[-1]) == f"Record(iteration={done.n_iter}, objective={ended:.6g})"
    cut = mixlib.fit(x, 2, init=[[0.0], [1.0]], **KMEANS | {"assignment": "soft"}, tol=0, max_iter=1)
    assert ", 1 iterations, not converged, " in repr(cut)
