"""Hard + identity + equal is k-means: labels and centres of a plain Lloyd at every iteration.

`reference.lloyd` works in floating point, as anyone would write it; `reference.lloyd_exact` in
rational numbers. Integer data are full of exact ties, which must go to the lowest index. Where a
centre is no binary fraction (7/3, say) rounding may break a tie, in the plain Lloyd and here alike.
"""

import numpy as np
import pytest
from common import KMEANS, blobs, fit_exactly
from reference import inertia, lloyd, lloyd_exact

import mixlib


def kmeans(x, start, covariance="identity", **options):
    return fit_exactly(x, len(start), init=start, max_iter=200, **KMEANS | {"covariance": covariance}, **options)


def assert_same_trace(fit, x, start, plain=lloyd, rtol=1e-10):
    """Labels equal and centres equal up to rounding, at every iteration, and the same number of them."""
    assert fit.converged
    labels, centres = plain(x, start, fit.n_iter + 1)
    scale = max(np.abs(x).max(), np.abs(start).max())
    for t, record in enumerate(fit.history):
        np.testing.assert_array_equal(record.labels, labels[t], err_msg=f"labels at iteration {t}")
        np.testing.assert_allclose(
            record.means, centres[t], rtol=rtol, atol=rtol * scale, err_msg=f"centres at iteration {t}"
        )
    # it stopped where the labels repeat, and not before
    np.testing.assert_array_equal(labels[fit.n_iter], labels[fit.n_iter + 1])
    assert fit.n_iter < 2 or not np.array_equal(labels[fit.n_iter - 2], labels[fit.n_iter - 1])
    np.testing.assert_array_equal(fit.labels, labels[fit.n_iter])
    np.testing.assert_allclose(fit.inertia, inertia(x, labels[fit.n_iter], centres[fit.n_iter]), rtol=1e-9, atol=0)


SOURCES = {
    "iris": lambda seed: mixlib.datasets.iris().x + 1e-4 * np.random.default_rng(0).normal(size=(150, 4)),
    "old faithful": lambda seed: (
        mixlib.datasets.old_faithful().x + 1e-4 * np.random.default_rng(0).normal(size=(272, 2))
    ),
    "one column": lambda seed: blobs(seed, 120, 1, 4, 3.0)[0],
    "two columns": lambda seed: blobs(seed, 200, 2, 5, 3.0)[0],
    "seven columns": lambda seed: blobs(seed, 150, 7, 4, 1.0)[0],
    "uniform": lambda seed: np.random.default_rng(seed).uniform(size=(150, 2)),
    "far from the origin": lambda seed: blobs(seed, 100, 2, 3, 3.0)[0] + [1e6, -1e6],
    "duplicates": lambda seed: np.repeat(
        blobs(seed, 40, 2, 3, 3.0)[0], np.random.default_rng(seed).integers(1, 6, 40), axis=0
    ),
}


@pytest.mark.parametrize("variance", [1e-3, 1.0, 25.0])
@pytest.mark.parametrize("source", SOURCES)
def test_every_iterate_is_lloyds(source, variance):
    """20 starts of each data set and variance, K from 1 to 8: 480 traces."""
    rng = np.random.default_rng(17)
    for seed in range(20):
        x = SOURCES[source](seed)
        K = 1 + seed % 8
        start = (
            x[rng.choice(len(x), size=K, replace=False)]
            if seed % 2
            else x.mean(axis=0) + x.std(axis=0) * rng.normal(size=(K, x.shape[1]))
        )
        assert_same_trace(kmeans(x, start, variance=variance), x, start)


@pytest.mark.parametrize("source", SOURCES)
def test_a_reestimated_shared_variance_changes_nothing(source):
    """Tied spherical covariance: the labels and centres are still Lloyd's."""
    rng = np.random.default_rng(19)
    for seed in range(10):
        x = SOURCES[source](seed)
        start = x[rng.choice(len(np.unique(x, axis=0)), size=2 + seed % 4, replace=False)]
        assert_same_trace(kmeans(x, start, "tied_spherical"), x, start)


def grid(seed):
    rng = np.random.default_rng(seed)
    d = 1 + seed % 3
    return rng.integers(0, 5, size=(30, d)).astype(float)


def test_ties_on_integer_grids():
    """300 starts at grid points and half-way between them: thousands of ties, decided as in the plain Lloyd."""
    rng = np.random.default_rng(23)
    ties = 0
    for seed in range(300):
        x = grid(seed)
        start = rng.integers(0, 9, size=(2 + seed % 4, x.shape[1])) / 2.0
        distances = ((x[:, None] - start) ** 2).sum(axis=2)
        ties += ((distances == distances.min(axis=1, keepdims=True)).sum(axis=1) > 1).sum()
        assert_same_trace(kmeans(x, start), x, start)
    assert ties > 1000


def test_exact_ties_go_to_the_lowest_index():
    """Wherever all centres are binary fractions, the labels are those of rational arithmetic."""
    rng = np.random.default_rng(29)
    ties = 0
    for seed in range(100):
        x = grid(seed)
        start = rng.integers(0, 9, size=(2 + seed % 4, x.shape[1])) / 2.0
        fit = kmeans(x, start)
        for record in fit.history:
            if np.all(np.mod(8 * record.means, 1) == 0):
                labels, _centres = lloyd_exact(x, record.means, 0)
                np.testing.assert_array_equal(record.labels, labels[0])
                distances = ((x[:, None] - record.means) ** 2).sum(axis=2)
                ties += ((distances == distances.min(axis=1, keepdims=True)).sum(axis=1) > 1).sum()
    assert ties > 300


@pytest.mark.parametrize("offset, scale", [(0.0, 0.25), (1000.0, 1.0), (-3.0, 1024.0), (1e6, 1.0), (2.0**40, 8.0)])
def test_ties_survive_moving_and_scaling(offset, scale):
    """The same grid elsewhere and in another unit: the same ties, labels, and centres to the last bit."""
    rng = np.random.default_rng(31)
    for seed in range(60):
        x = offset + scale * grid(seed)
        start = offset + scale * rng.integers(0, 9, size=(2 + seed % 4, x.shape[1])) / 2.0
        fit = kmeans(x, start)
        assert_same_trace(fit, x, start)
        for record, centres in zip(fit.history, lloyd(x, start, fit.n_iter)[1]):
            np.testing.assert_array_equal(record.means, centres)


@pytest.mark.parametrize("source", ["iris", "old_faithful"])
def test_real_data_as_they_were_measured(source):
    """Rounded to tenths and minutes, with ties and duplicates: 100 starts each; iris also in millimetres."""
    x = getattr(mixlib.datasets, source)().x
    rng = np.random.default_rng(37)
    for seed in range(100):
        start = x[rng.choice(len(x), size=2 + seed % 5, replace=False)]
        assert_same_trace(kmeans(x, start), x, start)
        if source == "iris":
            x10, start10 = np.rint(10 * x), np.rint(10 * start)
            assert_same_trace(kmeans(x10, start10), x10, start10)


def test_coincident_centres_and_far_ones():
    """Of equal centres the first takes all; a far centre holds nothing, keeps its place, and is not re-seeded."""
    x = grid(1)
    start = np.array([[1.0, 1.0], [1.0, 1.0], [50.0, 50.0], [3.0, 3.0]])
    with pytest.warns(mixlib.EmptyComponentWarning, match="2"):
        fit = mixlib.fit(x, 4, covariance="identity", weights="equal", assignment="hard", init=start, tol=0)
    assert_same_trace(fit, x, start)
    assert 1 not in fit.history[0].labels
    np.testing.assert_array_equal(fit.history[1].means[1], start[1])
    np.testing.assert_array_equal(fit.mixture.means[2], start[2])
    np.testing.assert_array_equal(fit.mixture.weights, [0.25] * 4)


def test_clusters_that_empty_on_the_way():
    """Poor starts in one dimension: clusters empty, stay, and may be filled again, as in the plain Lloyd."""
    emptied = refilled = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 12, size=(12, 1)).astype(float)
        start = rng.integers(-6, 18, size=(5, 1)).astype(float)
        fit = kmeans(x, start)
        sizes = np.array([np.bincount(record.labels, minlength=5) for record in fit.history])
        emptied += bool((sizes[-1] == 0).any())
        refilled += bool(((sizes[:-1] == 0) & (sizes[1:] > 0)).any())
        assert_same_trace(fit, x, start)
    assert emptied > 20 and refilled > 10


def test_classification_log_likelihood_is_minus_j():
    """objective = -J / (2 s^2) - n/2 d log(2 pi s^2) - n log K at every iteration, and it never falls."""
    x = SOURCES["two columns"](3)
    n, d = x.shape
    for variance in (1e-3, 1.0, 25.0):
        fit = kmeans(x, x[:4], variance=variance)
        for record in fit.history:
            J = inertia(x, record.labels, record.means)
            expected = -J / (2 * variance) - n * d / 2 * np.log(2 * np.pi * variance) - n * np.log(4)
            np.testing.assert_allclose(record.objective, expected, rtol=1e-10)
        assert np.all(np.diff([r.objective for r in fit.history]) > 0)


def test_integer_weights_are_repetitions():
    """Weighted k-means equals k-means of the repeated points."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = grid(seed)
        w = rng.integers(0, 4, size=30)
        start = rng.integers(0, 9, size=(3, x.shape[1])) / 2.0
        fit = kmeans(x, start, sample_weight=w)
        labels, centres = lloyd(np.repeat(x, w, axis=0), start, fit.n_iter)
        for t, record in enumerate(fit.history):
            np.testing.assert_array_equal(np.repeat(record.labels, w), labels[t])
            np.testing.assert_allclose(record.means, centres[t], rtol=1e-10, atol=1e-10)
