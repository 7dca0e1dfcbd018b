"""From the same start, every iterate of all 28 settings equals an independent EM to 1e-9.

The truth is `reference.em` (50 digits, explicit inverses) and, where it has the model,
scikit-learn's GaussianMixture and KMeans.
"""

import numpy as np
import pytest
from common import SETTINGS, fit_exactly, ignoring
from reference import Conjugate, em, shape_of

import mixlib

N_ITER = 8


def make_data(seed, n, d, K):
    """Overlapping clusters of unequal size, shape and scale, with coordinates in different units."""
    rng = np.random.default_rng(seed)
    z = np.sort(rng.integers(K, size=n))
    z[: K * (d + 2)] = np.repeat(np.arange(K), d + 2)  # nobody starts almost empty
    shapes = rng.normal(size=(K, d, d)) * 0.3 + np.eye(d)
    x = 2.5 * rng.normal(size=(K, d))[z] + np.einsum("nij,nj->ni", shapes[z], rng.normal(size=(n, d)))
    return x * 2.0 ** np.arange(d) + 5, z


def run(x, K, covariance, weights, assignment, start, **options):
    """mixlib without a tolerance, and the reference, from the same start."""
    kind, value = start
    fit = fit_exactly(
        x, K, covariance=covariance, weights=weights, assignment=assignment, init=value, max_iter=N_ITER, **options
    )
    prior = options.pop("prior", None)
    if prior is not None:
        prior = Conjugate(prior.shrinkage, prior.dof, prior.mean, prior.scale)
    truth = em(x, K, covariance, weights, assignment, prior=prior, n_iter=N_ITER, **{kind: value}, **options)
    return fit, truth


def assert_iterates_equal(fit, truth, x, assignment, rtol=1e-9):
    assert fit.n_iter == len(fit.history) - 1
    if assignment == "soft":
        assert len(fit.history) == len(truth) and not fit.converged
    else:
        # stops early only where the labels repeat: nothing may happen afterwards
        assert len(fit.history) == len(truth) or fit.converged
        for t in range(len(fit.history), len(truth)):
            np.testing.assert_array_equal(truth[t].labels, truth[len(fit.history) - 1].labels)
    spread = np.ptp(x, axis=0).max()
    for t, (record, state) in enumerate(zip(fit.history, truth)):
        expected = state.log_likelihood if assignment == "soft" else state.classification
        np.testing.assert_allclose(record.objective, expected + state.log_prior, rtol=rtol, err_msg=f"objective {t}")
        np.testing.assert_allclose(record.weights, state.weights, rtol=rtol, atol=rtol, err_msg=f"weights {t}")
        np.testing.assert_allclose(record.means, state.means, rtol=rtol, atol=rtol * spread, err_msg=f"means {t}")
        np.testing.assert_allclose(
            record.mixture.covariances, state.covariances, rtol=rtol, atol=rtol * spread**2, err_msg=f"covariances {t}"
        )
        np.testing.assert_allclose(
            record.mixture.responsibilities(x),
            state.responsibilities,
            rtol=0,
            atol=1e-9,
            err_msg=f"responsibilities {t}",
        )
        np.testing.assert_array_equal(record.labels, state.labels, err_msg=f"labels {t}")
    last = truth[len(fit.history) - 1]
    np.testing.assert_allclose(fit.log_likelihood, last.log_likelihood, rtol=rtol)
    np.testing.assert_array_equal(fit.labels, last.labels)
    np.testing.assert_allclose(fit.mixture.means, fit.history[-1].means, rtol=0, atol=0)
    assert fit.objective == fit.history[-1].objective


@pytest.mark.parametrize("d, K", [(1, 2), (2, 3), (3, 2)])
@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_from_means(covariance, weights, assignment, d, K):
    """Equal weights and the covariance of the data, then eight iterations."""
    x, z = make_data(d, 40, d, K)
    means = np.array([x[z == k].mean(axis=0) for k in range(K)]) + 0.3
    fit, truth = run(x, K, covariance, weights, assignment, ("means", means), variance=4.0)
    assert_iterates_equal(fit, truth, x, assignment)
    np.testing.assert_array_equal(fit.history[0].means, means)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_from_labels(covariance, weights, assignment):
    """One M-step from the labels, then eight iterations."""
    x, z = make_data(5, 40, 3, 3)
    z = np.where(np.arange(40) % 5 == 0, (z + 1) % 3, z)
    fit, truth = run(x, 3, covariance, weights, assignment, ("labels", z), variance=9.0)
    assert_iterates_equal(fit, truth, x, assignment)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_from_responsibilities_with_sample_weights(covariance, weights, assignment):
    """Weights that are not integers and do not sum to n; one of them is zero."""
    x, z = make_data(7, 40, 2, 2)
    rng = np.random.default_rng(7)
    r = 0.7 * np.eye(2)[z] + 0.3 * rng.dirichlet([1, 1], size=40)
    w = rng.exponential(2.0, size=40)
    w[3] = 0
    fit, truth = run(x, 2, covariance, weights, assignment, ("responsibilities", r), variance=2.0, sample_weight=w)
    assert_iterates_equal(fit, truth, x, assignment)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_with_a_prior(covariance, weights, assignment):
    """The MAP steps of a prior with no default in it, and sample weights."""
    x, z = make_data(11, 40, 2, 2)
    w = np.random.default_rng(11).exponential(1.0, size=40)
    prior = mixlib.Prior(shrinkage=0.7, dof=5.5, mean=np.array([4.0, 6.0]), scale=np.array([[2.0, 0.3], [0.3, 1.0]]))
    fit, truth = run(x, 2, covariance, weights, assignment, ("labels", z), sample_weight=w, prior=prior)
    assert_iterates_equal(fit, truth, x, assignment)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_from_a_mixture(covariance, weights, assignment):
    """A Mixture as the start: two fits of four iterations are one of eight."""
    x, z = make_data(13, 60, 2, 3)
    options = {"covariance": covariance, "weights": weights, "assignment": assignment, "variance": 3.0, "tol": 0}
    whole = mixlib.fit(x, 3, init=z, max_iter=8, **options)
    first = mixlib.fit(x, 3, init=z, max_iter=4, **options)
    second = mixlib.fit(x, 3, init=first.mixture, max_iter=4, **options)
    np.testing.assert_allclose(second.history[0].mixture.covariances, first.mixture.covariances, rtol=1e-12)
    np.testing.assert_allclose(second.history[0].weights, first.mixture.weights, rtol=1e-12)
    np.testing.assert_allclose(second.history[0].objective, first.objective, rtol=1e-12)
    np.testing.assert_allclose(second.objective, whole.objective, rtol=1e-11)
    np.testing.assert_allclose(second.mixture.means, whole.mixture.means, rtol=1e-8)
    np.testing.assert_allclose(second.mixture.covariances, whole.mixture.covariances, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_a_mixture_is_brought_to_the_constraint(covariance, weights, assignment):
    """Another model's mixture as the start: pooled by its weights where shared, then projected."""
    x, _ = make_data(17, 50, 3, 2)
    rng = np.random.default_rng(17)
    A = rng.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    sigma, pi = A @ A.transpose(0, 2, 1), np.array([0.3, 0.7])
    mixture = mixlib.Mixture(pi, x[:2], sigma)
    start = mixlib.fit(
        x,
        2,
        covariance=covariance,
        weights=weights,
        assignment=assignment,
        init=mixture,
        variance=1.3,
        tol=0,
        max_iter=0,
    ).history[0]
    expected = np.array([pi[0] * sigma[0] + pi[1] * sigma[1]] * 2) if covariance.startswith("tied") else sigma
    expected = (
        {
            "identity": lambda c: 1.3 * np.eye(3),
            "spherical": lambda c: np.trace(c) / 3 * np.eye(3),
            "diag": lambda c: np.diag(np.diag(c)),
            "full": lambda c: c,
        }[shape_of(covariance)],
        expected,
    )
    np.testing.assert_allclose(start.mixture.covariances, [expected[0](c) for c in expected[1]], rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(start.weights, pi if weights == "free" else [0.5, 0.5])
    np.testing.assert_array_equal(start.means, x[:2])


PEER = {"full": "full", "tied": "tied", "diag": "diag", "spherical": "spherical"}


@pytest.mark.parametrize("covariance", PEER)
@pytest.mark.parametrize("source", ["old_faithful", "iris"])
def test_scikit_learn_mixture_on_real_data(covariance, source):
    """Log-likelihood and parameters after 1, 2, 5 and 15 iterations, from the same parameters."""
    peer = pytest.importorskip("sklearn.mixture")
    x = getattr(mixlib.datasets, source)().x
    K = 2 if source == "old_faithful" else 3
    start = x[[5, 100, 140][:K]]
    fit = mixlib.fit(x, K, covariance=covariance, init=start, tol=0, max_iter=15)
    S = np.cov(x.T, bias=True)
    precision = {
        "full": np.array([np.linalg.inv(S)] * K),
        "tied": np.linalg.inv(S),
        "diag": np.array([1 / np.diag(S)] * K),
        "spherical": np.array([1 / np.diag(S).mean()] * K),
    }[covariance]
    for m in (1, 2, 5, 15):
        model = peer.GaussianMixture(
            K,
            covariance_type=PEER[covariance],
            reg_covar=0,
            tol=0,
            max_iter=m,
            weights_init=np.full(K, 1 / K),
            means_init=start,
            precisions_init=precision,
        )
        with ignoring():
            model.fit(x)
        record = fit.history[m]
        np.testing.assert_allclose(record.objective, model.score(x) * len(x), rtol=1e-9)
        np.testing.assert_allclose(record.means, model.means_, rtol=1e-8)
        np.testing.assert_allclose(record.weights, model.weights_, rtol=1e-8)
        dense = {
            "full": lambda c: c,
            "tied": lambda c: np.array([c] * K),
            "diag": lambda c: np.array([np.diag(v) for v in c]),
            "spherical": lambda c: c[:, None, None] * np.eye(x.shape[1]),
        }[covariance](model.covariances_)
        np.testing.assert_allclose(record.mixture.covariances, dense, rtol=1e-7, atol=1e-10)


def test_scikit_learn_kmeans_on_real_data():
    """Centres, labels and inertia after m iterations equal scikit-learn's Lloyd."""
    peer = pytest.importorskip("sklearn.cluster")
    rng = np.random.default_rng(0)
    x = mixlib.datasets.iris().x + 1e-4 * rng.normal(size=(150, 4))  # no ties
    for _ in range(20):
        start = x[rng.choice(150, size=4, replace=False)]
        fit = mixlib.fit(x, 4, covariance="identity", weights="equal", assignment="hard", init=start, tol=0)
        for m in (1, 3, fit.n_iter):
            with ignoring():
                model = peer.KMeans(4, init=start, n_init=1, max_iter=m, tol=0, algorithm="lloyd").fit(x)
            record = fit.history[min(m, fit.n_iter)]
            np.testing.assert_allclose(record.means, model.cluster_centers_, rtol=1e-12)
            np.testing.assert_array_equal(record.labels, model.labels_)
        np.testing.assert_allclose(fit.inertia, model.inertia_, rtol=1e-12)
