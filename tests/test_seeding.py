"""Seeding draws from the distribution that it says, by enumeration; weights, duplicates and bad input."""

import itertools
from collections import Counter

import numpy as np
import pytest

import mixlib

X = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 1.0], [4.0, 3.0], [-3.0, 2.0]])


def plusplus_probabilities(x, w, k):
    """Probability of every ordered choice of k points, straight from the definition."""
    law = {}
    for choice in itertools.permutations(range(len(x)), k):
        p = w[choice[0]] / w.sum()
        for m in range(1, k):
            D = ((x[:, None] - x[list(choice[:m])]) ** 2).sum(axis=2).min(axis=1) * w
            p *= D[choice[m]] / D.sum()
        if p:
            law[choice] = p
    assert abs(sum(law.values()) - 1) < 1e-12
    return law


def assert_draws_follow(law, draws):
    """Chi-squared, far from its 10^-6 quantile, and each frequency within 5 standard errors."""
    stats = pytest.importorskip("scipy.stats")
    n, seen = len(draws), Counter(draws)
    assert set(seen) <= set(law)
    expected = np.array([n * p for p in law.values()])
    found = np.array([seen[choice] for choice in law])
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected) + 1)
    chi2 = ((found - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(chi2, len(law) - 1) > 1e-6


def indices(x, centres):
    return tuple(int(np.flatnonzero((x == c).all(axis=1))[0]) for c in centres)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("weights", [None, [1.0, 2.5, 0.0, 0.5, 3.0]])
def test_plusplus_draws_by_squared_distance(k, weights):
    """6000 draws of k ordered centres against the enumerated law."""
    w = np.ones(5) if weights is None else np.array(weights)
    rng = np.random.default_rng(k)
    draws = [indices(X, mixlib.kmeans_plusplus(X, k, rng, sample_weight=weights)) for _ in range(6000)]
    assert_draws_follow(plusplus_probabilities(X, w, k), draws)


@pytest.mark.slow
def test_copies_count_as_weights():
    """A point thrice in the data is drawn as a point of weight three."""
    w = np.array([1, 3, 2, 1, 4])
    copies = np.repeat(X, w, axis=0)
    rng = np.random.default_rng(5)
    draws = [indices(X, mixlib.kmeans_plusplus(copies, 2, rng)) for _ in range(6000)]
    assert_draws_follow(plusplus_probabilities(X, w, 2), draws)


@pytest.mark.slow
def test_fit_seeds_by_plusplus():
    """The starts of fit() for a spherical covariance follow the same law, weights and all."""
    w = np.array([1.0, 2.5, 0.0, 0.5, 3.0])
    draws = [
        indices(
            X,
            mixlib.fit(X, 2, covariance="identity", sample_weight=w, tol=0, max_iter=0, random_state=seed)
            .history[0]
            .means,
        )
        for seed in range(3000)
    ]
    assert_draws_follow(plusplus_probabilities(X, w, 2), draws)


@pytest.mark.slow
def test_fit_seeds_in_the_constraints_own_metric():
    """Diagonal and full constraints do not care about units: neither do their seeds."""
    units = np.array([1e-3, 500.0])
    turn = np.array([[2.0, 1.0], [-3.0, 0.5]])
    for covariance, y in (("diag", X * units), ("tied_diag", X * units), ("full", X @ turn), ("tied", X @ turn)):
        for seed in range(50):
            a, b = (
                mixlib.fit(z, 2, covariance=covariance, weights="equal", tol=0, max_iter=0, random_state=seed)
                .history[0]
                .means
                for z in (X, y)
            )
            assert indices(X, a) == indices(y, b)
    y = X * [1.9e-3, 260.0]
    draws = [
        indices(y, mixlib.fit(y, 2, covariance="diag", tol=0, max_iter=0, random_state=seed).history[0].means)
        for seed in range(3000)
    ]
    assert_draws_follow(plusplus_probabilities(X / X.std(axis=0), np.ones(5), 2), draws)


@pytest.mark.slow
def test_random_starts_are_distinct_points_by_weight():
    """Without replacement, proportional to the weights, and a copied place only once."""
    w = np.array([1.0, 2.5, 0.0, 0.5, 3.0])
    law = {}
    for a, b in itertools.permutations(range(5), 2):
        if w[a] * w[b]:
            law[a, b] = w[a] / w.sum() * w[b] / (w.sum() - w[a])
    draws = [
        indices(
            X,
            mixlib.fit(
                X, 2, covariance="identity", init="random", sample_weight=w, tol=0, max_iter=0, random_state=seed
            )
            .history[0]
            .means,
        )
        for seed in range(3000)
    ]
    assert_draws_follow(law, draws)
    copies = np.repeat(X, 10, axis=0)
    for seed in range(30):
        means = (
            mixlib.fit(copies, 5, covariance="identity", init="random", tol=0, max_iter=0, random_state=seed)
            .history[0]
            .means
        )
        assert sorted(indices(X, means)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("scale, offset", [(1e-200, 0.0), (1e-8, 0.0), (1e200, 0.0), (1.0, 2.0**30)])
def test_seeds_do_not_depend_on_units(scale, offset):
    """Squares that overflow or underflow change no draw."""
    for seed in range(30):
        a = mixlib.kmeans_plusplus(X, 3, seed)
        b = mixlib.kmeans_plusplus(scale * X + offset, 3, seed)
        np.testing.assert_array_equal(scale * a + offset, b)


def test_all_distinct_points_can_be_had():
    """k equal to the number of distinct points takes each once, however many copies; one more is an error."""
    copies = np.repeat(X, [1, 50, 3, 7, 2], axis=0)
    for seed in range(50):
        assert sorted(indices(X, mixlib.kmeans_plusplus(copies, 5, seed))) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="5 distinct"):
        mixlib.kmeans_plusplus(copies, 6, 0)
    with pytest.raises(ValueError, match="5"):
        mixlib.kmeans_plusplus(X, 6, 0)


def test_seeding_is_seeded_and_returns_new_arrays():
    x = X.copy()
    a = mixlib.kmeans_plusplus(x, 3, 4)
    np.testing.assert_array_equal(a, mixlib.kmeans_plusplus(x, 3, 4))
    np.testing.assert_array_equal(a, mixlib.kmeans_plusplus(x, 3, np.random.default_rng(4)))
    assert a.shape == (3, 2) and not np.shares_memory(a, x)
    a[:] = 0
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("k", [0, -1, 2.0, "2", None, True])
def test_wrong_k_is_an_error(k):
    with pytest.raises((ValueError, TypeError)):
        mixlib.kmeans_plusplus(X, k, 0)


@pytest.mark.parametrize("x", [[1.0, 2.0], np.zeros((0, 2)), [[np.nan, 1.0]], "points", [["a", "b"]]])
def test_wrong_points_are_an_error(x):
    with pytest.raises((ValueError, TypeError)):
        mixlib.kmeans_plusplus(x, 1, 0)


@pytest.mark.slow
def test_k_means_plus_plus_beats_random_starts():
    """Where it matters: many small far clusters. The mean seeding cost over 200 draws is lower by half."""
    rng = np.random.default_rng(1)
    x = (100 * rng.normal(size=(10, 2)))[np.arange(300) % 10] + rng.normal(size=(300, 2))

    def cost(init, seed):
        means = (
            mixlib.fit(x, 10, covariance="identity", init=init, tol=0, max_iter=0, random_state=seed).history[0].means
        )
        return ((x[:, None] - means) ** 2).sum(axis=2).min(axis=1).sum()

    assert np.mean([cost("k-means++", s) for s in range(200)]) < 0.5 * np.mean([cost("random", s) for s in range(200)])
