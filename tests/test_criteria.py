"""AIC, BIC, ICL against formulas written out, an independent count of parameters, and scikit-learn."""

import itertools

import numpy as np
import pytest
from common import SETTINGS
from reference import COVARIANCES, n_parameters

import mixlib


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_formulas(covariance, weights, assignment):
    """-2 log-likelihood of the mixture + penalty; ICL adds -2 sum log of the largest responsibility."""
    x = mixlib.datasets.iris().x
    fit = mixlib.fit(
        x,
        3,
        covariance=covariance,
        weights=weights,
        assignment=assignment,
        variance=0.2,
        tol=0,
        max_iter=20,
        init=mixlib.datasets.iris().labels,
    )
    p, n = n_parameters(covariance, weights, 3, 4), 150
    log_likelihood = fit.mixture.log_density(x).sum()
    np.testing.assert_allclose(mixlib.aic(fit), -2 * log_likelihood + 2 * p, rtol=1e-11)
    np.testing.assert_allclose(mixlib.bic(fit), -2 * log_likelihood + p * np.log(n), rtol=1e-11)
    best = fit.mixture.responsibilities(x).max(axis=1)
    np.testing.assert_allclose(mixlib.icl(fit), mixlib.bic(fit) - 2 * np.log(best).sum(), rtol=1e-11)
    assert mixlib.icl(fit) >= mixlib.bic(fit)


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_scikit_learn_counts_the_same(covariance):
    peer = pytest.importorskip("sklearn.mixture")
    x = mixlib.datasets.iris().x
    for K in (1, 2, 5):
        fit = mixlib.fit(x, K, covariance=covariance, init=np.arange(150) * K // 150, tol=0, max_iter=30)
        model = peer.GaussianMixture(K, covariance_type=covariance)
        model.weights_, model.means_ = fit.mixture.weights, fit.mixture.means
        model.covariances_ = {
            "full": lambda c: c,
            "tied": lambda c: c[0],
            "diag": lambda c: np.diagonal(c, axis1=1, axis2=2),
            "spherical": lambda c: c[:, 0, 0],
        }[covariance](fit.mixture.covariances)
        model.precisions_cholesky_ = {
            "full": lambda c: np.linalg.inv(np.linalg.cholesky(c)).transpose(0, 2, 1),
            "tied": lambda c: np.linalg.inv(np.linalg.cholesky(c)).T,
            "diag": lambda c: 1 / np.sqrt(c),
            "spherical": lambda c: 1 / np.sqrt(c),
        }[covariance](model.covariances_)
        np.testing.assert_allclose(mixlib.bic(fit), model.bic(x), rtol=1e-9)
        np.testing.assert_allclose(mixlib.aic(fit), model.aic(x), rtol=1e-9)


def test_parameters_counted_by_rank():
    """The count of a full mixture by another way: the rank of the derivative of its log-densities."""
    rng = np.random.default_rng(0)
    K, d = 2, 2
    points = rng.normal(size=(200, d)) * 3
    base = {"pi": 0.4, "mu": np.array([[-1.0, 0.3], [1.0, -0.2]]), "L": np.array([[1.0, 0.3, 0.8], [0.7, -0.2, 1.2]])}

    def log_density(v, covariance, weights):
        pi = v[0] if weights == "free" else 0.5
        mu = v[1:5].reshape(2, 2)
        L = {
            "full": v[5:11].reshape(2, 3),
            "tied": np.stack([v[5:8]] * 2),
            "diag": np.c_[v[5:7], [0, 0], v[7:9]],
            "tied_diag": np.array([[v[5], 0, v[6]]] * 2),
            "spherical": np.c_[v[5:7], [0, 0], v[5:7]],
            "tied_spherical": np.array([[v[5], 0, v[5]]] * 2),
            "identity": np.array([[1.0, 0, 1.0]] * 2),
        }[covariance]
        lower = np.array([[[a, 0], [b, c]] for a, b, c in L])
        return mixlib.Mixture([pi, 1 - pi], mu, lower @ lower.transpose(0, 2, 1)).log_density(points)

    v = np.r_[base["pi"], base["mu"].ravel(), base["L"].ravel()]
    for covariance, weights in itertools.product(COVARIANCES, ("free", "equal")):
        J = np.array(
            [
                (log_density(v + h, covariance, weights) - log_density(v - h, covariance, weights)) / 2e-5
                for h in 1e-5 * np.eye(len(v))
            ]
        )
        assert np.linalg.matrix_rank(J, tol=1e-4) == n_parameters(covariance, weights, K, d)


def test_sample_weights_count_as_points():
    """Weights of two equal every point twice: log-likelihood, and the n of the BIC."""
    x = mixlib.datasets.old_faithful().x
    a = mixlib.fit(x, 2, init=x[:2], sample_weight=np.full(272, 2.0), tol=0, max_iter=30)
    b = mixlib.fit(np.repeat(x, 2, axis=0), 2, init=x[:2], tol=0, max_iter=30)
    for criterion in (mixlib.aic, mixlib.bic, mixlib.icl):
        np.testing.assert_allclose(criterion(a), criterion(b), rtol=1e-9)


def test_old_faithful_as_published():
    """The full two-component fit: log-likelihood -1130.264 and BIC 2322.192, as mclust reports (-2322.192)."""
    x = mixlib.datasets.old_faithful().x
    fit = mixlib.fit(x, 2, init=x[:2], tol=0, max_iter=500)
    np.testing.assert_allclose(fit.log_likelihood, -1130.264, atol=1e-3)
    np.testing.assert_allclose(mixlib.bic(fit), 2322.192, atol=2e-3)


@pytest.mark.slow
def test_they_choose_the_true_number():
    """Three separated clusters: BIC and ICL have their minimum at three."""
    rng = np.random.default_rng(2)
    x = np.r_[rng.normal(size=(80, 2)), rng.normal(size=(80, 2)) + [9, 0], rng.normal(size=(80, 2)) + [0, 9]]
    fits = [mixlib.fit(x, K, covariance="tied", n_init=5, random_state=0, max_iter=5000) for K in (1, 2, 3, 4, 5)]
    for criterion in (mixlib.bic, mixlib.icl):
        assert np.argmin([criterion(fit) for fit in fits]) == 2
