"""Degenerate data: copies, constant and dependent columns, too few points, components that empty."""

import warnings

import numpy as np
import pytest
from common import ESTIMATED, clusters, fit_without_warning, with_copies
from reference import assert_equals_reference, em

import mixlib


def test_fewer_distinct_points_than_clusters():
    """Seeding says how many distinct points there are; from given centres k-means ends, with J = 0."""
    x = np.repeat([[0.0, 0.0], [1.0, 2.0], [5.0, 1.0]], 7, axis=0)
    options = {"covariance": "identity", "weights": "equal", "assignment": "hard"}
    for init in ("k-means++", "random"):
        with pytest.raises(ValueError, match="3 distinct points.*5"):
            mixlib.fit(x, 5, init=init, random_state=0, **options)
        fit = mixlib.fit(x, 3, init=init, random_state=0, **options)
        assert fit.converged and fit.inertia == 0 and fit.n_iter == 1
    with pytest.warns(mixlib.EmptyComponentWarning, match=r"\[1, 4\]"):
        fit = mixlib.fit(x, 5, init=[[0, 0], [0, 0], [1, 2], [5, 1], [5, 1]], **options)
    assert fit.converged and fit.inertia == 0
    np.testing.assert_array_equal(fit.mixture.means[fit.labels], x)


def test_all_points_the_same():
    """One place: k-means answers it, a free covariance says that it is singular."""
    for x in (np.full((20, 2), 3.7), np.zeros((20, 2)), np.full((20, 2), 1e200)):
        fit = mixlib.fit(x, 1, covariance="identity", weights="equal", assignment="hard")
        assert fit.inertia == 0 and fit.converged
        np.testing.assert_array_equal(fit.mixture.means, x[:1])
        for covariance in ESTIMATED:
            with pytest.raises(mixlib.SingularFitError):
                mixlib.fit(x, 1, covariance=covariance)
            with pytest.raises(mixlib.SingularFitError):
                mixlib.fit(x, 2, covariance=covariance, init=x[:2])


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["spherical", "diag", "full"])
def test_a_component_on_one_point_is_an_error(covariance, assignment):
    """Kiefer & Wolfowitz: a component that holds copies of one point has no covariance."""
    x, z = with_copies()
    with pytest.raises(mixlib.SingularFitError, match="component 1"):
        mixlib.fit(x, 2, covariance=covariance, assignment=assignment, init=z)
    assert issubclass(mixlib.SingularFitError, ValueError)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_a_component_of_too_few_points_is_an_error(d, weighted):
    """d points span no d dimensions: always singular, though rounding makes the smallest pivot positive."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        few = rng.normal(size=(d, d)) * [1, 0.01][seed % 2] + 5 * rng.normal(size=d)
        x = np.r_[rng.normal(size=(40, d)), few]
        w = np.r_[np.ones(40), rng.exponential(size=d)] if weighted else None
        with pytest.raises(mixlib.SingularFitError, match="component 1"):
            mixlib.fit(x, 2, init=np.repeat([0, 1], [40, d]), sample_weight=w, tol=0, max_iter=0)


def test_a_nearly_singular_component_keeps_its_digits():
    """Points within 10^-4 to 10^-6 of a line in one component of two: likelihood and responsibilities to 10^-8."""
    for seed, width in enumerate((1e-3, 1e-4, 1e-5)):
        rng = np.random.default_rng(seed)
        t = rng.normal(size=(15, 1))
        x = np.r_[rng.normal(size=(30, 2)), t * [1.0, 0.5] + 3 + width * rng.normal(size=(15, 2))]
        z = np.repeat([0, 1], [30, 15])
        fit = fit_without_warning(x, 2, init=z, max_iter=3)
        truth = em(x, 2, "full", "free", "soft", labels=z, n_iter=3)
        np.testing.assert_allclose([r.objective for r in fit.history], [s.log_likelihood for s in truth], rtol=1e-8)
        np.testing.assert_allclose(fit.responsibilities, truth[-1].responsibilities, rtol=0, atol=1e-6)


@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_data_in_a_hyperplane_are_an_error(covariance):
    """A full covariance of points on a line is singular, however rounding disguises it."""
    t = np.random.default_rng(2).normal(size=50)
    x = np.c_[t, 0.1 * t + 0.3, -0.7 * t]
    with pytest.raises(mixlib.SingularFitError):
        mixlib.fit(x, 2, covariance=covariance, random_state=0)


@pytest.mark.parametrize("covariance", ["diag", "tied_diag", "full", "tied"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 + 0.1, 1e300])
def test_a_constant_column_is_an_error(covariance, constant):
    x, _ = clusters()
    with pytest.raises(mixlib.SingularFitError):
        mixlib.fit(np.c_[x, np.full(len(x), constant)], 2, covariance=covariance, random_state=0)


def test_shared_covariances_do_not_collapse_on_duplicates():
    """A shared covariance stays regular with a component on copies of one point: equal to the reference."""
    x, z = with_copies()
    for covariance in ("tied_spherical", "tied_diag", "tied"):
        fit = fit_without_warning(x, 2, covariance=covariance, init=z, max_iter=4)
        assert_equals_reference(fit, em(x, 2, covariance, "free", "soft", labels=z, n_iter=4), "soft")


def classification_em(x, means, n_iter):
    """Hard EM with unit covariances and free weights, as the formulas stand: labels, means, weights, objectives."""
    weights, states = np.full(len(means), 1 / len(means)), []
    for _ in range(n_iter + 1):
        with np.errstate(divide="ignore"):
            log_joint = np.log(weights) - 0.5 * ((x[:, None] - means) ** 2).sum(axis=2)
        labels = log_joint.argmax(axis=1)
        states.append((labels, means, weights, log_joint.max(axis=1).sum() - x.size / 2 * np.log(2 * np.pi)))
        weights = np.bincount(labels, minlength=len(means)) / len(x)
        means = np.array([x[labels == k].mean(axis=0) if weights[k] else means[k] for k in range(len(means))])
    return states


def test_hard_em_with_free_weights_empties_a_component_of_iris():
    """Iris, K = 3, identity: a component dies by its weight; it keeps its place, weight 0, and a warning says so."""
    x = mixlib.datasets.iris().x + 1e-5 * np.random.default_rng(0).normal(size=(150, 4))  # no ties
    emptied = latest = 0
    for seed in range(60):
        start = x[np.random.default_rng(seed).choice(150, size=3, replace=False)]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = mixlib.fit(
                x, 3, covariance="identity", weights="free", assignment="hard", init=start, tol=0, max_iter=100
            )
        empty = np.flatnonzero(np.bincount(fit.labels, minlength=3) == 0)
        said = [w for w in caught if issubclass(w.category, mixlib.EmptyComponentWarning)]
        assert bool(len(empty)) == bool(said)
        assert fit.converged and np.isfinite(fit.log_likelihood)
        assert np.all(np.diff([r.objective for r in fit.history]) >= -1e-9)
        for record, (labels, means, weights, objective) in zip(fit.history, classification_em(x, start, fit.n_iter)):
            np.testing.assert_array_equal(record.labels, labels)
            np.testing.assert_allclose(record.means, means, rtol=1e-10)
            np.testing.assert_allclose(record.weights, weights, rtol=1e-10)
            np.testing.assert_allclose(record.objective, objective, rtol=1e-9)
        if not len(empty):
            continue
        emptied, latest = emptied + 1, max(latest, fit.n_iter)
        assert fit.mixture.weights[empty] == 0
        np.testing.assert_allclose(fit.mixture.weights.sum(), 1)
        assert not np.isin(empty, fit.mixture.sample(1000, random_state=0)[1]).any()
        np.testing.assert_array_equal(fit.responsibilities[:, empty], 0)
    assert emptied >= 5 and latest >= 10, f"{emptied} starts emptied a component, the last at iteration {latest}"
