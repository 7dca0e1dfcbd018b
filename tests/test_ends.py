"""Where a fit starts and ends: k-means as a start, greedy seeds, Aitken's estimate, acceleration."""

import itertools
import warnings

import numpy as np
import pytest
from common import KMEANS, blobs, fit_exactly
from reference import COVARIANCES

import mixlib
from mixlib.squarem import Squarem
from mixlib.stopping import Aitken

IRIS = mixlib.datasets.iris().x
FAITHFUL = mixlib.datasets.old_faithful().x


# ---- the end ----------------------------------------------------------------------------------


def test_the_estimate_is_exact_for_a_geometric_series():
    """Gains 1, a, a^2, ...: after the gain a^t there is a^(t+1) / (1 - a) left, which ends it at the second small one."""
    for a, tol in itertools.product((0.3, 0.9, 0.99), (1e-2, 1e-5)):
        limit, aitken = 1 / (1 - a), Aitken(tol)
        objectives = limit - a ** np.arange(3000) / (1 - a)
        ended = next(t for t, value in enumerate(objectives) if aitken.reached(value))
        small = next(t for t in range(2, 3000) if limit - objectives[t] <= tol * (1 + 1e-6))
        assert ended == small + 1


def test_growing_gains_end_nothing_and_no_gain_ends():
    """On the way off a plateau gains grow, however small they are; where rounding alone moves the objective, it ends."""
    aitken = Aitken(1e-3)
    assert not any(aitken.reached(value) for value in np.cumsum(1e-9 * 1.5 ** np.arange(20)))
    aitken = Aitken(1e-30)
    assert [aitken.reached(value) for value in (1.0, 2.0, 2.0)] == [False, False, True]
    aitken = Aitken(0)
    assert not any(aitken.reached(1.0) for _ in range(10))


def test_a_jump_begins_the_gains_anew():
    """Its gain is no part of the series; a large one takes back a small estimate."""
    aitken = Aitken(1e-2)
    assert [
        aitken.reached(v, j)
        for v, j in (
            (0, False),
            (1, False),
            (1.001, False),
            (5.0, True),
            (5.1, False),
            (5.1001, False),
            (5.1001001, False),
        )
    ] == [False] * 6 + [True]
    aitken = Aitken(1e-2)  # and a small one does not
    assert [
        aitken.reached(v, j)
        for v, j in ((0, False), (1, False), (1.001, False), (1.0011, True), (1.0012, False), (1.00121, False))
    ] == [False] * 5 + [True]


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("accelerate", [False, True])
def test_what_is_left_is_at_most_the_tolerance(covariance, accelerate):
    """Two thousand further iterations gain no more than the estimate said, within its order of magnitude."""
    for x, K in ((IRIS, 3), (FAITHFUL / FAITHFUL.std(axis=0), 2), (blobs(1, 400, 2, 3, 2.0)[0], 3)):
        for tol in (1e-4, 1e-6):
            fit = mixlib.fit(
                x,
                K,
                covariance=covariance,
                variance=0.5,
                init="k-means",
                random_state=0,
                tol=tol,
                accelerate=accelerate,
            )
            assert fit.converged
            more = fit_exactly(x, K, covariance=covariance, variance=0.5, init=fit.mixture, max_iter=2000)
            assert more.objective - fit.objective <= 10 * tol * len(x)


def test_a_callback_can_end_the_fit():
    """It returns True: the fit so far, not converged, and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = mixlib.fit(IRIS, 3, random_state=0, callback=lambda record: record.iteration == 4)
    assert fit.n_iter == 4 and not fit.converged
    kept = []
    assert mixlib.fit(IRIS, 3, random_state=0, callback=lambda r: kept.append(r) or 1).converged and len(kept) > 6


# ---- acceleration -----------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["free", "equal"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_jumps_never_fall_and_end_at_a_fixed_point(covariance, weights):
    """The history climbs; it says which steps were jumps; plain EM from the end moves nothing."""
    for prior in (None, mixlib.Prior()):
        x, _ = blobs(3, 300, 2, 3, 1.2)
        options = {"covariance": covariance, "weights": weights, "variance": 0.7, "prior": prior}
        fit = mixlib.fit(x, 3, init=x[:3], accelerate=True, tol=1e-10, max_iter=20000, **options)
        objectives = np.array([record.objective for record in fit.history])
        assert (np.diff(objectives) >= -1e-9 * abs(objectives[0])).all()
        assert fit.converged and any(record.accelerated for record in fit.history)
        assert not fit.history[0].accelerated and not fit.history[1].accelerated
        more = fit_exactly(x, 3, init=fit.mixture, max_iter=50, **options)
        np.testing.assert_allclose(more.mixture.means, fit.mixture.means, atol=2e-3)
        assert more.objective - fit.objective < 1e-6


def test_plain_steps_between_jumps_are_those_of_em():
    """From each record that no jump made, one iteration of plain EM from the record before leads to it."""
    fit = mixlib.fit(IRIS, 3, init=IRIS[[0, 60, 140]], accelerate=True, tol=1e-8)
    jumps = [record.accelerated for record in fit.history]
    assert sum(jumps) >= 2 and not any(a and b for a, b in zip(jumps, jumps[1:]))
    for before, after in zip(fit.history, fit.history[1:]):
        step = fit_exactly(IRIS, 3, init=before.mixture, max_iter=1)
        if not after.accelerated:
            np.testing.assert_allclose(after.means, step.mixture.means, rtol=1e-7)
        else:
            assert after.objective > before.objective and abs(after.means - step.mixture.means).max() > 1e-6


def test_acceleration_saves_passes_on_a_slow_fit():
    """Two normals that overlap much: a tenth of plain EM's iterations to the same optimum."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 1)) + 1.5 * (np.arange(2000) % 2)[:, None]
    options = {"covariance": "tied", "init": [[0.0], [1.5]], "tol": 1e-9, "max_iter": 20000}
    plain, fast = mixlib.fit(x, 2, **options), mixlib.fit(x, 2, accelerate=True, **options)
    np.testing.assert_allclose(fast.objective, plain.objective, rtol=1e-8)
    assert 5 * fast.n_iter < plain.n_iter


def test_a_jump_that_fails_leaves_plain_em():
    """Extrapolated statistics that no covariance has, or a fall of the objective: the next step is EM's."""
    x, z = blobs(5, 200, 2, 2, 3.0)
    real, tried = Squarem._jump, []

    def never(self, estep, params, value):
        tried.append(1)
        return real(self, estep, params, lambda statistics, at: -np.inf if at is not params else 0.0)

    options = {"init": z % 2, "tol": 0, "max_iter": 12}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Squarem, "_jump", never)
        fit = mixlib.fit(x, 2, accelerate=True, **options)
    plain = mixlib.fit(x, 2, **options)
    assert tried and not any(record.accelerated for record in fit.history)
    assert [r.objective for r in fit.history] == [r.objective for r in plain.history]


def test_hard_fits_are_not_accelerated():
    a, b = (mixlib.fit(IRIS, 3, init=IRIS[:3], accelerate=on, **KMEANS) for on in (True, False))
    assert a.n_iter == b.n_iter and a.objective == b.objective
    with pytest.raises(TypeError, match="accelerate"):
        mixlib.fit(IRIS, 3, accelerate="yes")


# ---- the start --------------------------------------------------------------------------------


def test_a_start_by_kmeans_is_a_start_from_its_labels():
    """Spherical covariances, one unit: one M-step from the labels of k-means, as one would write it."""
    x, _ = blobs(7, 300, 2, 4, 4.0)
    labels = mixlib.fit(x, 4, init="local search", random_state=3, tol=0, **KMEANS).labels
    by_hand = fit_exactly(x, 4, covariance="spherical", init=labels, max_iter=0)
    fit = fit_exactly(x, 4, covariance="spherical", init="k-means", random_state=3, max_iter=0)
    np.testing.assert_allclose(fit.history[0].means, by_hand.mixture.means, rtol=1e-10)
    np.testing.assert_allclose(fit.history[0].objective, by_hand.objective, rtol=1e-12)


def test_a_start_by_kmeans_does_not_depend_on_the_order_of_rows():
    order = np.random.default_rng(0).permutation(len(IRIS))
    a, b = (mixlib.fit(x, 3, init="k-means", random_state=1) for x in (IRIS, IRIS[order]))
    np.testing.assert_array_equal(a.labels[order], b.labels)


def test_iris_starts_well():
    """Of twenty seeds none ends 0.02 a point below the best for iris; k-means++ means do, on most."""
    ends = [mixlib.fit(IRIS, 3, init="k-means", random_state=seed).objective / 150 for seed in range(20)]
    assert max(ends) - min(ends) < 0.02

    def plain(seed):
        try:
            return mixlib.fit(IRIS, 3, init="k-means++", random_state=seed).objective / 150
        except mixlib.SingularFitError:
            return -np.inf

    assert np.mean([plain(seed) < max(ends) - 0.02 for seed in range(20)]) > 0.5


def test_units_of_columns_are_tried_both_ways():
    """One column in a unit a thousand times smaller: k-means sees nothing else, and the scaled start sees it all."""
    x, z = blobs(2, 300, 2, 3, 6.0)
    x = np.c_[x, 1e3 * np.random.default_rng(0).normal(size=300)]
    fit = mixlib.fit(x, 3, covariance="diag", init="k-means", random_state=0)
    best = mixlib.fit(x, 3, covariance="diag", init=z)
    np.testing.assert_allclose(fit.objective, best.objective, rtol=1e-4)


def test_auto_is_ten_random_starts_and_one_of_the_others():
    for init, number in (("random", 10), ("k-means++", 1), ("k-means", 1), (IRIS[:3], 1)):
        auto, asked = (
            mixlib.fit(IRIS, 3, covariance="tied", init=init, random_state=2, n_init=n) for n in ("auto", number)
        )
        assert auto.objective == asked.objective and auto.n_iter == asked.n_iter
    for wrong in ("all", 0, None):
        with pytest.raises((TypeError, ValueError), match="n_init"):
            mixlib.fit(IRIS, 3, n_init=wrong)


# ---- greedy seeds -----------------------------------------------------------------------------


def test_greedy_seeds_keep_the_candidate_that_helps_most():
    """One step of K = 2 on five points: the law of the best of two draws, by enumeration of both."""
    x = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 1.0], [4.0, 3.0], [-3.0, 2.0]])
    law = np.zeros((5, 5))
    for first in range(5):
        D = ((x - x[first]) ** 2).sum(axis=1)
        left = [np.minimum(D, ((x - c) ** 2).sum(axis=1)).sum() for c in x]
        for a, b in itertools.product(range(5), repeat=2):
            law[first, a if left[a] <= left[b] else b] += D[a] * D[b] / D.sum() ** 2 / 5
    found = np.zeros((5, 5))
    for seed in range(4000):
        means = (
            mixlib.fit(x, 2, init="greedy k-means++", random_state=seed, tol=0, max_iter=0, **KMEANS).history[0].means
        )
        a, b = (int(np.flatnonzero((x == mean).all(axis=1))[0]) for mean in means)
        found[a, b] += 1
    assert not found[law == 0].any()
    assert (abs(found - 4000 * law) < 5 * np.sqrt(4000 * law) + 1).all()


def test_greedy_seeds_are_better_and_distinct_and_count_weights():
    x, _ = blobs(4, 600, 2, 12, 8.0)

    def cost(init, seed, w=None):
        means = (
            mixlib.fit(x, 12, init=init, random_state=seed, sample_weight=w, tol=0, max_iter=0, **KMEANS)
            .history[0]
            .means
        )
        assert len(np.unique(means, axis=0)) == 12
        return ((x[:, None] - means) ** 2).sum(axis=2).min(axis=1).sum()

    assert np.mean([cost("greedy k-means++", s) for s in range(40)]) < 0.8 * np.mean(
        [cost("k-means++", s) for s in range(40)]
    )
    w = np.random.default_rng(0).integers(0, 3, size=600)
    copies = np.repeat(x, w, axis=0)
    for seed in range(5):
        a = mixlib.fit(x, 6, init="greedy k-means++", random_state=seed, sample_weight=w, tol=0, max_iter=0, **KMEANS)
        b = mixlib.fit(copies, 6, init="greedy k-means++", random_state=seed, tol=0, max_iter=0, **KMEANS)
        np.testing.assert_array_equal(a.history[0].means, b.history[0].means)
    with pytest.raises(mixlib.TooFewPointsError, match="2 distinct"):
        mixlib.fit(np.repeat([[0.0], [1.0]], 5, axis=0), 3, init="greedy k-means++", **KMEANS)
