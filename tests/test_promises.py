"""What the loop promises: results that belong to their parameters, an end as asked for, the best of the starts, inputs untouched."""

import itertools

import numpy as np
import pytest
from common import ASSIGNED, clusters, fit_without_warning, ignoring
from reference import COVARIANCES, inertia

import mixlib


@pytest.mark.parametrize("covariance, assignment", ASSIGNED)
def test_what_is_returned_belongs_to_the_parameters_returned(covariance, assignment):
    """Log-likelihood, objective, labels, responsibilities, inertia: none lags a step, converged or not."""
    x, _ = clusters(2, n=90)
    w = np.random.default_rng(2).exponential(size=90)
    for max_iter in (0, 1, 3, 200):
        with ignoring():
            fit = mixlib.fit(
                x,
                3,
                covariance=covariance,
                assignment=assignment,
                sample_weight=w,
                n_init=2,
                max_iter=max_iter,
                random_state=0,
            )
        np.testing.assert_allclose(fit.log_likelihood, w @ fit.mixture.log_density(x), rtol=1e-12)
        r = fit.mixture.responsibilities(x)
        one_hot = np.eye(3)[r.argmax(axis=1)]
        np.testing.assert_allclose(fit.responsibilities, r if assignment == "soft" else one_hot, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(fit.labels, r.argmax(axis=1))
        np.testing.assert_allclose(r.sum(axis=1), 1, rtol=1e-12)
        own = fit.log_likelihood if assignment == "soft" else w @ (fit.mixture.log_density(x) + np.log(r.max(axis=1)))
        np.testing.assert_allclose(fit.objective, own, rtol=1e-10)
        np.testing.assert_allclose(fit.objective, fit.history[-1].objective, rtol=1e-15)
        J = (w * ((x - fit.mixture.means[fit.labels]) ** 2).sum(axis=1)).sum()
        np.testing.assert_allclose(fit.inertia, J, rtol=1e-10)
        assert len(fit.history) == fit.n_iter + 1 and fit.n_iter <= max_iter


def test_no_tolerance_runs_exactly_max_iter():
    """tol=0 neither stops early nor goes on for ever, and says nothing."""
    x, _ = clusters(2)
    for m in (0, 1, 7, 500):
        fit = fit_without_warning(x, 3, init=x[:3], max_iter=m, covariance="tied")
        assert fit.n_iter == m and not fit.converged


def test_hard_assignment_stops_where_the_labels_repeat():
    x, _ = clusters(2, n=200, spread=1.5)
    fit = fit_without_warning(
        x, 3, init=x[:3], max_iter=1000, assignment="hard", weights="equal", covariance="identity"
    )
    assert fit.converged and 1 < fit.n_iter < 50
    np.testing.assert_array_equal(fit.history[-1].labels, fit.history[-2].labels)
    assert not np.array_equal(fit.history[-2].labels, fit.history[-3].labels)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_max_iter_reached_is_said(assignment):
    x, _ = clusters(2, spread=2.0)
    with pytest.warns(mixlib.ConvergenceWarning, match="max_iter"):
        fit = mixlib.fit(x, 3, init=x[:3], max_iter=2, assignment=assignment)
    assert fit.n_iter == 2 and not fit.converged
    assert mixlib.fit(x, 3, init=x[:3], max_iter=5000, assignment=assignment, covariance="tied").converged  # in silence


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_default_tolerance_ends_near_the_optimum(covariance):
    """A further 2000 iterations without a tolerance gain no more than the tolerance, 1e-5 a point, says is left."""
    x = mixlib.datasets.old_faithful().x
    fit = mixlib.fit(x, 2, covariance=covariance, init=x[:2] * 1.0, variance=30.0)
    assert fit.converged
    more = fit_without_warning(x, 2, covariance=covariance, init=fit.mixture, variance=30.0, max_iter=2000)
    assert 0 <= more.objective - fit.objective + 1e-9 < 1e-5 * len(x)
    np.testing.assert_allclose(more.mixture.means, fit.mixture.means, rtol=1e-2)


def test_a_smaller_tolerance_gets_closer():
    x = mixlib.datasets.old_faithful().x
    best = fit_without_warning(x, 2, init=x[:2], max_iter=2000).objective
    gaps = [best - mixlib.fit(x, 2, init=x[:2], tol=tol, max_iter=2000).objective for tol in (1e-3, 1e-5, 1e-7)]
    assert gaps[0] > gaps[1] > gaps[2] >= -1e-9


def test_the_first_of_equal_restarts_wins():
    """Restarts that end at the same optimum differ by rounding only: the first one is kept, on any machine."""
    x, _ = clusters(4, n=80, K=2, spread=10.0)
    for assignment, covariance in (("hard", "identity"), ("soft", "full"), ("soft", "tied")):
        options = {"covariance": covariance, "assignment": assignment, "max_iter": 5000}
        one = mixlib.fit(x, 2, random_state=3, n_init=1, **options)
        many = mixlib.fit(x, 2, random_state=3, n_init=12, **options)
        np.testing.assert_array_equal(many.labels, one.labels)
        np.testing.assert_array_equal(many.history[0].means, one.history[0].means)


def test_more_restarts_are_never_worse_and_help():
    x, _ = clusters(21, n=150, K=8, spread=6.0)
    options = {"covariance": "identity", "weights": "equal", "assignment": "hard", "init": "random"}
    ones = [mixlib.fit(x, 8, random_state=seed, **options).objective for seed in range(10)]
    tens = [mixlib.fit(x, 8, random_state=seed, n_init=10, **options).objective for seed in range(10)]
    assert all(ten >= one - 1e-9 for one, ten in zip(ones, tens))
    assert np.mean(tens) > np.mean(ones) + 1


def test_a_singular_restart_is_passed_over():
    """A start on copies of a point fails alone, and spoils no other restart; if all fail, that is an error."""
    rng = np.random.default_rng(3)
    x = np.r_[rng.normal(size=(40, 2)), rng.normal(size=(40, 2)) + 8, [[7.0, 1.0]] * 3]
    options = {"init": "random", "tol": 0, "max_iter": 60}
    singular = []
    for seed in range(20):
        try:
            mixlib.fit(x, 3, random_state=seed, **options)
        except mixlib.SingularFitError:
            singular.append(seed)
    assert 0 < len(singular) < 20
    for seed in singular[:3]:
        assert np.isfinite(mixlib.fit(x, 3, random_state=seed, n_init=20, **options).objective)
    with pytest.raises(mixlib.SingularFitError):
        mixlib.fit(np.r_[np.zeros((5, 2)), np.ones((5, 2)), [[0, 1]] * 5], 3, n_init=5, random_state=0)


def test_weights_count_in_the_seeding():
    """A point of weight zero is never a seed; one of overwhelming weight is the first."""
    x, _ = clusters(5, n=40)
    w = np.zeros(40)
    w[[3, 8, 20, 31]] = 1
    for init in ("k-means++", "random"):
        for seed in range(30):
            fit = mixlib.fit(
                x, 3, covariance="identity", init=init, sample_weight=w, max_iter=0, tol=0, random_state=seed
            )
            assert {tuple(m) for m in fit.history[0].means} <= {tuple(p) for p in x[w > 0]}


def test_weights_count_in_the_objective_and_the_restart_that_wins():
    """The weighted objective chooses the restart: weights of zero equal leaving the points out."""
    x, _ = clusters(6, n=120, K=5, spread=5.0)
    w = (np.arange(120) % 2).astype(float)
    kept = w > 0
    for assignment, covariance in itertools.product(("soft", "hard"), ("identity", "tied")):
        options = {"covariance": covariance, "assignment": assignment, "tol": 0, "max_iter": 30}
        z = np.arange(120) % 5
        a = mixlib.fit(x, 5, init=z, sample_weight=w, **options)
        b = mixlib.fit(x[kept], 5, init=z[kept], **options)
        np.testing.assert_allclose(a.objective, b.objective, rtol=1e-10)
        np.testing.assert_allclose(a.mixture.means, b.mixture.means, rtol=1e-8)


def test_data_and_starts_are_never_overwritten():
    """Every array that goes in comes out as it was, and is not shared with the result."""
    x, z = clusters(7)
    r = 0.8 * np.eye(3)[z] + 0.2 * np.random.default_rng(0).dirichlet(np.ones(3), size=60)
    w = np.ones(60) * 2
    for order, covariance, assignment in itertools.product("CF", COVARIANCES, ("soft", "hard")):
        data = np.array(x, order=order)
        for init in (x[:3].copy(), z.copy(), r.copy()):
            kept = data.copy(), np.array(init), w.copy()
            with ignoring():
                fit = mixlib.fit(
                    data, 3, covariance=covariance, assignment=assignment, init=init, sample_weight=w, tol=0, max_iter=4
                )
            for before, now in zip(kept, (data, init, w)):
                np.testing.assert_array_equal(before, now)
            for array in (fit.mixture.means, fit.mixture.weights, fit.mixture.covariances, fit.history[0].means):
                assert not np.shares_memory(array, init) and not np.shares_memory(array, data)
    read_only = x.copy()
    read_only.flags.writeable = False
    assert mixlib.fit(read_only, 2, random_state=0).log_likelihood == mixlib.fit(x, 2, random_state=0).log_likelihood


def test_inertia_of_a_mixture_is_j_of_its_labels():
    x, z = clusters(7)
    fit = mixlib.fit(x, 3, covariance="full", init=z)
    np.testing.assert_allclose(fit.inertia, inertia(x, fit.labels, fit.mixture.means), rtol=1e-10)
