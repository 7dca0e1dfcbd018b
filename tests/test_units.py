"""Digits kept, against an independent truth: offsets, units, float32, narrow components, columns unlike each other."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from common import ASSIGNED, ESTIMATED, clusters, fit_without_warning, ignoring
from reference import COVARIANCES, assert_equals_reference, em, lloyd

import mixlib


@pytest.mark.parametrize("offset", [1e6, 1e7, 1e8])
@pytest.mark.parametrize("covariance, assignment", ASSIGNED)
def test_a_large_offset(covariance, assignment, offset):
    """Six to eight digits of the data say nothing: the likelihood still has nine."""
    x, z = clusters()
    x = x + offset
    fit = fit_without_warning(x, 3, covariance=covariance, assignment=assignment, init=z, max_iter=5)
    assert_equals_reference(fit, em(x, 3, covariance, "free", assignment, labels=z, n_iter=5), assignment)


@pytest.mark.parametrize("scale", [1e-8, 1e-100, 1e8, 1e100])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_any_unit(covariance, scale):
    """Scaling the data scales the means, and moves the log-likelihood by -n d log(scale)."""
    x, z = clusters()
    options = {"covariance": covariance, "init": z, "max_iter": 10}
    fit = fit_without_warning(x, 3, variance=2.0, **options)
    scaled = fit_without_warning(scale * x, 3, variance=2.0 * scale**2, **options)
    np.testing.assert_allclose(scaled.objective, fit.objective - x.size * np.log(scale), rtol=1e-10)
    np.testing.assert_allclose(scaled.mixture.means, scale * fit.mixture.means, rtol=1e-9)
    np.testing.assert_allclose(
        scaled.mixture.covariances, scale**2 * fit.mixture.covariances, rtol=1e-8, atol=1e-10 * scale**2
    )
    np.testing.assert_array_equal(scaled.labels, fit.labels)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ESTIMATED)
def test_values_of_ten_to_the_200(covariance, assignment):
    """Squares overflow; labels, means and likelihood do not."""
    x, z = clusters()
    fit = fit_without_warning(x, 3, covariance=covariance, assignment=assignment, init=z, max_iter=10)
    with ignoring():
        huge = mixlib.fit(1e200 * x, 3, covariance=covariance, assignment=assignment, init=z, tol=0, max_iter=10)
    np.testing.assert_array_equal(huge.labels, fit.labels)
    np.testing.assert_allclose(huge.history[-1].means, 1e200 * fit.mixture.means, rtol=1e-9)
    np.testing.assert_allclose(huge.objective, fit.objective - x.size * 200 * np.log(10), rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e200])
def test_k_means_in_any_unit(scale):
    """Plain k-means has no unit of its own: the labels are those of the data in another unit."""
    x, _ = clusters(3)
    labels, centres = lloyd(x, x[:3], 30)
    fit = mixlib.fit(scale * x, 3, covariance="tied_spherical", weights="equal", assignment="hard", init=scale * x[:3])
    for t, record in enumerate(fit.history):
        np.testing.assert_array_equal(record.labels, labels[t])
        np.testing.assert_allclose(record.means, scale * centres[t], rtol=1e-10)


@pytest.mark.parametrize("covariance, assignment", ASSIGNED)
def test_float32(covariance, assignment):
    """float32 data at offset 10^4: the answer of the same numbers in float64, covariances positive."""
    x, z = clusters()
    x = (x + 1e4).astype(np.float32)
    fit = fit_without_warning(x, 3, covariance=covariance, assignment=assignment, init=z, max_iter=5)
    truth = em(x.astype(float), 3, covariance, "free", assignment, labels=z, n_iter=5)[len(fit.history) - 1]
    expected = truth.log_likelihood if assignment == "soft" else truth.classification
    np.testing.assert_allclose(fit.objective, expected, rtol=1e-5)
    np.testing.assert_array_equal(fit.labels, truth.labels)
    np.testing.assert_allclose(fit.mixture.means, truth.means, rtol=1e-6)
    np.testing.assert_allclose(fit.mixture.covariances, truth.covariances, rtol=1e-3, atol=1e-3)
    assert np.linalg.eigvalsh(fit.mixture.covariances).min() > 0


@pytest.mark.parametrize("ratio", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("covariance, assignment", list(itertools.product(ESTIMATED, ("soft", "hard"))))
def test_tight_components_far_apart(covariance, assignment, ratio):
    """Separation of 10^2 to 10^6 standard deviations, in two directions, with and without weights."""
    rng = np.random.default_rng(5)
    z = np.arange(45) % 3
    x = ratio * np.array([[0.0, 0.0], [1.0, 0.3], [-0.2, 1.0]])[z] + rng.normal(size=(45, 2))
    for w in (None, rng.exponential(size=45)):
        fit = fit_without_warning(
            x, 3, covariance=covariance, assignment=assignment, init=z, max_iter=3, sample_weight=w
        )
        truth = em(x, 3, covariance, "free", assignment, labels=z, n_iter=3, sample_weight=w)
        assert_equals_reference(fit, truth, assignment)


@pytest.mark.parametrize("covariance, assignment", list(itertools.product(ESTIMATED, ("soft", "hard"))))
def test_tight_components_in_float32(covariance, assignment):
    """Separation of 10^3 standard deviations, of which float32 holds four digits: the same numbers in 50 digits."""
    rng = np.random.default_rng(5)
    z = np.arange(90) % 3
    x = 1e3 * np.array([[0.0, 0.0], [1.0, 0.3], [-0.2, 1.0]])[z] + rng.normal(size=(90, 2))
    x = x.astype(np.float32)
    fit = fit_without_warning(x, 3, covariance=covariance, assignment=assignment, init=z, max_iter=3)
    truth = em(x.astype(float), 3, covariance, "free", assignment, labels=z, n_iter=3)
    for record, state in zip(fit.history, truth):
        np.testing.assert_allclose(record.objective, state.log_likelihood, rtol=1e-5)
        np.testing.assert_allclose(record.mixture.covariances, state.covariances, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("ratio", [1e3, 1e5])
@pytest.mark.parametrize("covariance", ["spherical", "diag", "full"])
def test_a_tight_component_inside_a_wide_one(covariance, ratio):
    """Standard deviations 10^3 and 10^5 apart, centred near each other."""
    rng = np.random.default_rng(6)
    z = np.repeat([0, 1], 30)
    x = np.where(z[:, None] == 0, 1.0, ratio) * rng.normal(size=(60, 2)) + 0.1 * ratio * z[:, None]
    fit = fit_without_warning(x, 2, covariance=covariance, init=z, max_iter=4)
    truth = em(x, 2, covariance, "free", "soft", labels=z, n_iter=4)
    np.testing.assert_allclose([r.objective for r in fit.history], [s.log_likelihood for s in truth], rtol=1e-9)
    np.testing.assert_allclose(fit.responsibilities, truth[-1].responsibilities, rtol=0, atol=1e-7)


@pytest.mark.parametrize("covariance", ["tied", "full"])
@pytest.mark.parametrize("condition", [1e6, 1e10])
def test_ill_conditioned_covariances(covariance, condition):
    """Condition numbers up to 10^10 in rotated axes: the likelihood keeps its digits."""
    x, z = clusters(8)
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    x = (x * [1.0, condition**-0.5]) @ turn.T
    fit = fit_without_warning(x, 3, covariance=covariance, init=z, max_iter=4)
    truth = em(x, 3, covariance, "free", "soft", labels=z, n_iter=4)
    # rounding x itself moves the smaller axis by eps * sqrt(condition)
    np.testing.assert_allclose(
        [r.objective for r in fit.history], [s.log_likelihood for s in truth], rtol=1e-9 * max(1, condition / 1e8)
    )
    np.testing.assert_array_equal(fit.labels, truth[-1].labels)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_columns_in_very_different_units(covariance):
    """One column in units 10^8 times the other's."""
    x, z = clusters(9)
    x = x * [1e-4, 1e4]
    fit = fit_without_warning(x, 3, covariance=covariance, init=z, max_iter=4)
    assert_equals_reference(fit, em(x, 3, covariance, "free", "soft", labels=z, n_iter=4), "soft")


def test_the_inertia_of_tight_clusters_far_apart():
    """J is 1e-12 of the total sum of squares, so that a difference would keep four digits of it."""
    rng = np.random.default_rng(8)
    z = np.repeat([-1.0, 1.0], 60)
    x = z[:, None] * [1.0, 0.5] + 1e-6 * rng.normal(size=(120, 2))
    fit = mixlib.fit(x, 2, covariance="identity", weights="equal", assignment="hard", variance=1e-12, init=x[[0, -1]])
    exact = Fraction(0)
    for side in (x[:60], x[60:]):
        for column in side.T:
            numbers = [Fraction(number) for number in column.tolist()]
            centre = sum(numbers) / len(numbers)
            exact += sum((number - centre) ** 2 for number in numbers)
    assert abs(Fraction(fit.inertia) / exact - 1) < 1e-9
    # -J / (2 sigma^2) + n log of the constant
    objective = -float(exact) / 2e-12 - 120 * (np.log(2) + np.log(2 * np.pi) + np.log(1e-12))
    np.testing.assert_allclose(fit.objective, objective, rtol=1e-11)
