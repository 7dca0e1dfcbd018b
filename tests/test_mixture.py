"""Mixture: densities against SciPy and 50-digit arithmetic, samples against their moments."""

import copy
import pickle

import numpy as np
import pytest
from mpmath import mp, mpf

import mixlib


def make(seed=0, K=3, d=2):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(K, d, d)) + np.eye(d)
    return mixlib.Mixture(rng.dirichlet(np.ones(K) * 3), 3 * rng.normal(size=(K, d)), A @ A.transpose(0, 2, 1))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_density_and_responsibilities_are_scipys(d):
    stats = pytest.importorskip("scipy.stats")
    mixture = make(d, 4, d)
    x = 5 * np.random.default_rng(1).normal(size=(50, d))
    joint = np.array(
        [
            np.log(w) + stats.multivariate_normal(m, c).logpdf(x)
            for w, m, c in zip(mixture.weights, mixture.means, mixture.covariances)
        ]
    ).T
    total = np.logaddexp.reduce(joint, axis=1)
    np.testing.assert_allclose(mixture.log_density(x), total, rtol=1e-10)
    np.testing.assert_allclose(mixture.responsibilities(x), np.exp(joint - total[:, None]), rtol=1e-8, atol=1e-250)
    assert mixture.log_density(x).shape == (50,) and mixture.responsibilities(x).shape == (50, 4)


def test_density_where_it_underflows_and_far_away():
    """Log-densities of -10^12, at an offset of 10^8, and of weights of 10^-300: 50 digits say the same."""
    weights, means = np.array([1e-300, 1 - 1e-300]), np.array([[1e8, 1e8], [1e8 + 3, 1e8 - 1]])
    covariances = np.array([[[2.0, 0.5], [0.5, 1.0]], [[1e-4, 0], [0, 1e4]]])
    mixture = mixlib.Mixture(weights, means, covariances)
    x = means[0] + np.array([[0.0, 0.0], [1.0, -2.0], [1e6, 1e6], [3.0, -1.0], [-1e3, 40.0]])
    with mp.workdps(50):
        for p, got, r in zip(x, mixture.log_density(x), mixture.responsibilities(x)):
            log_joint = []
            for w, m, c in zip(weights, means, covariances):
                v = mp.matrix([mpf(float(a)) - mpf(float(b)) for a, b in zip(p, m)])
                s = mp.matrix(c.tolist())
                log_joint.append(
                    mp.log(mpf(float(w))) - (2 * mp.log(2 * mp.pi) + mp.log(mp.det(s)) + (v.T * s**-1 * v)[0]) / 2
                )
            top = max(log_joint)
            total = top + mp.log(sum(mp.exp(s - top) for s in log_joint))
            np.testing.assert_allclose(got, float(total), rtol=1e-11)
            np.testing.assert_allclose(r, [float(mp.exp(s - total)) for s in log_joint], rtol=1e-9, atol=1e-290)


def test_a_weight_of_zero_is_a_responsibility_of_zero():
    """Exactly, at any point, and without a warning; the density is the other component's."""
    mixture = mixlib.Mixture([0.0, 1.0], [[0.0], [3.0]], [[[1.0]], [[4.0]]])
    x = np.array([[0.0], [3.0], [-1e6]])
    np.testing.assert_array_equal(mixture.responsibilities(x), [[0.0, 1.0]] * 3)
    alone = mixlib.Mixture([1.0], [[3.0]], [[[4.0]]])
    np.testing.assert_array_equal(mixture.log_density(x), alone.log_density(x))


def test_a_point_out_of_reach_spoils_no_other():
    """Squared distances beyond floating-point numbers: that point's density is none, the others keep theirs."""
    near = mixlib.Mixture([0.5, 0.5], [[0.0, 0.0], [5.0, 5.0]], [np.eye(2)] * 2)
    wide = mixlib.Mixture([0.5, 0.5], [[0.0, 0.0], [1e200, 1e200]], [np.eye(2), 1e300 * np.eye(2)])
    for mixture, far in ((near, [1e200, 0.0]), (wide, [1e200, 1e200])):
        x = np.array([far, [0.0, 0.0], [1.0, 2.0]])
        np.testing.assert_array_equal(mixture.log_density(x)[1:], mixture.log_density(x[1:]))
        np.testing.assert_array_equal(mixture.responsibilities(x)[1:], mixture.responsibilities(x[1:]))
        assert mixture.responsibilities(x)[1, 0] > 0.99
        np.testing.assert_allclose(mixture.responsibilities(x).sum(axis=1), 1)
    assert near.log_density([[1e200, 0.0]])[0] < -1e300


def test_density_integrates_to_one():
    mixture = make(3)
    grid = np.linspace(-25, 25, 1001)
    a, b = np.meshgrid(grid, grid)
    total = np.exp(mixture.log_density(np.c_[a.ravel(), b.ravel()])).sum() * (grid[1] - grid[0]) ** 2
    np.testing.assert_allclose(total, 1, rtol=1e-6)


def test_singular_and_wrong_covariances_are_errors():
    for covariance in (
        [[1.0, 1.0], [1.0, 1.0]],
        [[1.0, 2.0], [2.0, 1.0]],
        [[0.0, 0.0], [0.0, 1.0]],
        [[-1.0, 0.0], [0.0, 1.0]],
    ):
        with pytest.raises(ValueError):
            mixlib.Mixture([1.0], [[0.0, 0.0]], [covariance]).log_density([[0.0, 0.0]])


@pytest.mark.parametrize(
    "weights, means, covariances",
    [
        ([0.5, 0.6], np.zeros((2, 2)), np.stack([np.eye(2)] * 2)),  # sum 1.1
        ([1.5, -0.5], np.zeros((2, 2)), np.stack([np.eye(2)] * 2)),
        ([0.5, 0.5], np.zeros((3, 2)), np.stack([np.eye(2)] * 2)),
        ([0.5, 0.5], np.zeros((2, 2)), np.stack([np.eye(3)] * 2)),
        ([0.5, 0.5], np.zeros((2, 2)), np.eye(2)),
        ([0.5, 0.5], np.full((2, 2), np.nan), np.stack([np.eye(2)] * 2)),
        ([0.5, 0.5], np.zeros(2), np.stack([np.eye(2)] * 2)),
        ([np.nan, 1.0], np.zeros((2, 2)), np.stack([np.eye(2)] * 2)),
        ([0.5, 0.5], np.zeros((2, 2)), np.stack([np.array([[1.0, 0.5], [0.0, 1.0]])] * 2)),  # not symmetric
    ],
)
def test_wrong_parameters_are_errors(weights, means, covariances):
    with pytest.raises(ValueError):
        mixlib.Mixture(weights, means, covariances).log_density(np.zeros((1, 2)))


@pytest.mark.parametrize("x", [np.zeros(2), np.zeros((3, 5)), np.full((2, 2), np.nan), np.zeros((0, 2)), "no"])
def test_wrong_points_are_errors(x):
    for method in (make().log_density, make().responsibilities):
        with pytest.raises((ValueError, TypeError)):
            method(x)


def test_samples_have_the_mixtures_moments():
    """Counts, means and covariances of 40 000 points within 4.5 standard errors."""
    mixture = make(4)
    n = 40_000
    x, labels = mixture.sample(n, random_state=1)
    assert x.shape == (n, 2) and labels.shape == (n,) and labels.dtype.kind == "i"
    counts = np.bincount(labels, minlength=3)
    error = np.sqrt(n * mixture.weights * (1 - mixture.weights))
    assert np.all(np.abs(counts - n * mixture.weights) < 4.5 * error)
    for k in range(3):
        points = x[labels == k]
        white = np.linalg.solve(np.linalg.cholesky(mixture.covariances[k]), (points - mixture.means[k]).T)
        assert np.all(np.abs(white.mean(axis=1)) < 4.5 / np.sqrt(len(points)))
        error = np.where(np.eye(2) == 1, np.sqrt(2), 1) / np.sqrt(len(points))
        assert np.all(np.abs(white @ white.T / len(points) - np.eye(2)) < 4.5 * error)
        assert abs((white**4).mean() - 3) < 4.5 * np.sqrt(96 / (2 * len(points)))  # normal tails
    # mixed: neighbours in the sample are independent
    assert len(np.unique(labels[:50])) > 1
    pairs = (labels[:-1] == labels[1:]).mean()
    same = (mixture.weights**2).sum()
    assert abs(pairs - same) < 4.5 * np.sqrt(same * (1 - same) / n) * 1.5


def test_sampling_is_seeded():
    mixture = make()
    a, b = mixture.sample(20, random_state=3), mixture.sample(20, random_state=3)
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])
    assert not np.array_equal(a[0], mixture.sample(20, random_state=4)[0])
    c = mixture.sample(20, random_state=np.random.default_rng(3))
    np.testing.assert_array_equal(a[0], c[0])
    for n in (-1, 2.5, "3", None):
        with pytest.raises((ValueError, TypeError)):
            mixture.sample(n)


def test_pickle_and_copy():
    """Mixtures and fits survive pickling, with the same answers."""
    x, _ = make().sample(60, random_state=0)
    fit = mixlib.fit(x, 2, random_state=0)
    for clone in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        assert clone.objective == fit.objective and clone.n_iter == fit.n_iter
        np.testing.assert_array_equal(clone.labels, fit.labels)
        np.testing.assert_array_equal(clone.mixture.log_density(x), fit.mixture.log_density(x))
        np.testing.assert_array_equal(clone.history[1].means, fit.history[1].means)
    mixture = pickle.loads(pickle.dumps(fit.mixture))
    np.testing.assert_array_equal(mixture.covariances, fit.mixture.covariances)


def test_shapes_of_every_constraint():
    """Whatever the constraint, a fit's mixture is dense: (K,), (K, d), (K, d, d), symmetric."""
    x, _ = make().sample(80, random_state=0)
    for covariance in ("identity", "tied_spherical", "spherical", "tied_diag", "diag", "tied", "full"):
        mixture = mixlib.fit(x, 3, covariance=covariance, random_state=0, max_iter=5000).mixture
        assert (mixture.weights.shape, mixture.means.shape, mixture.covariances.shape) == ((3,), (3, 2), (3, 2, 2))
        np.testing.assert_array_equal(mixture.covariances, mixture.covariances.transpose(0, 2, 1))
        if covariance.startswith("tied"):
            np.testing.assert_array_equal(mixture.covariances, np.stack([mixture.covariances[0]] * 3))
        if covariance in ("tied_spherical", "spherical", "tied_diag", "diag"):
            assert np.all(mixture.covariances[:, 0, 1] == 0)
        if covariance in ("tied_spherical", "spherical"):
            np.testing.assert_array_equal(mixture.covariances[:, 0, 0], mixture.covariances[:, 1, 1])
