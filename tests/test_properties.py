"""Symmetries that the mathematics has, so the code must: each over random data, all constraints."""

import itertools

import numpy as np
import pytest
from common import SETTINGS, fit_exactly
from reference import COVARIANCES, shape_of

import mixlib


def data(seed, d=3, K=3, n=90):
    rng = np.random.default_rng(seed)
    z = rng.integers(K, size=n)
    x = 3 * rng.normal(size=(K, d))[z] + rng.normal(size=(n, d)) * rng.uniform(0.5, 1.5, size=(K, d))[z]
    return x, np.where(rng.uniform(size=n) < 0.1, rng.integers(K, size=n), z)


def run(x, K, **options):
    return fit_exactly(x, K, **{"max_iter": 12, **options})


def objectives(fit):
    return np.array([record.objective for record in fit.history])


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["tied", "full"])
def test_affine_equivariance(covariance, assignment):
    """x -> A x + b: same labels, moved means, A Sigma A^T, objective less n log|det A|."""
    for seed in range(5):
        x, z = data(seed)
        rng = np.random.default_rng(100 + seed)
        A, b = rng.normal(size=(3, 3)), 5 * rng.normal(size=3)
        fit = run(x, 3, covariance=covariance, assignment=assignment, init=z)
        moved = run(x @ A.T + b, 3, covariance=covariance, assignment=assignment, init=z)
        np.testing.assert_array_equal(moved.labels, fit.labels)
        np.testing.assert_allclose(
            objectives(moved), objectives(fit) - len(x) * np.log(abs(np.linalg.det(A))), rtol=1e-9
        )
        np.testing.assert_allclose(moved.mixture.means, fit.mixture.means @ A.T + b, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(moved.mixture.covariances, A @ fit.mixture.covariances @ A.T, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["tied_diag", "diag"])
def test_equivariance_under_units_per_column(covariance, assignment):
    """Diagonal covariances do not care in which unit each column is."""
    x, z = data(1)
    units, b = np.array([1e-3, 7.0, 2e4]), np.array([1.0, -2.0, 3.0])
    fit = run(x, 3, covariance=covariance, assignment=assignment, init=z)
    moved = run(units * x + b, 3, covariance=covariance, assignment=assignment, init=z)
    np.testing.assert_array_equal(moved.labels, fit.labels)
    np.testing.assert_allclose(objectives(moved), objectives(fit) - len(x) * np.log(units).sum(), rtol=1e-9)
    np.testing.assert_allclose(moved.mixture.means, units * fit.mixture.means + b, rtol=1e-7)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_rotation_and_translation(covariance, weights, assignment):
    """All but the diagonal ones see only distances."""
    if covariance.endswith("diag"):
        x, z = data(2)
        turn, b = np.eye(3)[[2, 0, 1]] * [[1], [-1], [1]], np.ones(3)  # the rotations that diagonal allows
    else:
        x, z = data(2)
        turn, b = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0], np.array([10.0, -3.0, 0.5])
    options = {"covariance": covariance, "weights": weights, "assignment": assignment, "init": z}
    fit, moved = run(x, 3, **options), run(x @ turn.T + b, 3, **options)
    np.testing.assert_array_equal(moved.labels, fit.labels)
    np.testing.assert_allclose(objectives(moved), objectives(fit), rtol=1e-10)
    np.testing.assert_allclose(moved.mixture.means, fit.mixture.means @ turn.T + b, rtol=1e-8, atol=1e-8)


def test_a_rotation_does_change_a_diagonal_fit():
    """The control: what the test above would miss if it compared nothing."""
    x, z = data(2)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    for covariance in ("tied_diag", "diag"):
        a, b = (run(y, 3, covariance=covariance, init=z).objective for y in (x, x @ turn.T))
        assert abs(a - b) > 0.1


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_permuting_rows(covariance, weights, assignment):
    x, z = data(3)
    order = np.random.default_rng(3).permutation(len(x))
    options = {"covariance": covariance, "weights": weights, "assignment": assignment}
    fit, other = run(x, 3, init=z, **options), run(x[order], 3, init=z[order], **options)
    np.testing.assert_array_equal(other.labels, fit.labels[order])
    np.testing.assert_allclose(objectives(other), objectives(fit), rtol=1e-11)
    np.testing.assert_allclose(other.mixture.covariances, fit.mixture.covariances, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_permuting_components(covariance, weights, assignment):
    """Label switching: the same fit under other names."""
    x, z = data(4)
    rename = np.array([2, 0, 1])  # old k is called rename[k]
    options = {"covariance": covariance, "weights": weights, "assignment": assignment}
    fit, other = run(x, 3, init=z, **options), run(x, 3, init=rename[z], **options)
    np.testing.assert_array_equal(other.labels, rename[fit.labels])
    np.testing.assert_allclose(objectives(other), objectives(fit), rtol=1e-11)
    np.testing.assert_allclose(other.mixture.means[rename], fit.mixture.means, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.mixture.weights[rename], fit.mixture.weights, rtol=1e-9)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_integer_weights_are_repetitions(covariance, weights, assignment):
    x, z = data(5)
    w = np.random.default_rng(5).integers(0, 4, size=len(x))
    options = {"covariance": covariance, "weights": weights, "assignment": assignment}
    fit = run(x, 3, init=z, sample_weight=w, **options)
    other = run(np.repeat(x, w, axis=0), 3, init=np.repeat(z, w), **options)
    np.testing.assert_allclose(objectives(fit), objectives(other), rtol=1e-10)
    np.testing.assert_allclose(fit.mixture.means, other.mixture.means, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fit.mixture.covariances, other.mixture.covariances, rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(np.repeat(fit.labels, w), other.labels)


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_a_common_factor_of_the_weights_scales_the_objective(covariance, factor):
    x, z = data(6)
    w = np.random.default_rng(6).exponential(size=len(x))
    a = run(x, 3, covariance=covariance, init=z, sample_weight=w)
    b = run(x, 3, covariance=covariance, init=z, sample_weight=factor * w)
    np.testing.assert_allclose(objectives(b), factor * objectives(a), rtol=1e-10)
    np.testing.assert_allclose(b.mixture.covariances, a.mixture.covariances, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_the_objective_never_falls(covariance, weights, assignment):
    """Over several data sets and poor starts, with sample weights; and it does rise."""
    for seed in range(6):
        x, _ = data(seed, n=150)
        rng = np.random.default_rng(seed)
        fit = run(
            x,
            3,
            covariance=covariance,
            weights=weights,
            assignment=assignment,
            variance=2.0,
            max_iter=60,
            init=x[rng.choice(150, 3, replace=False)],
            sample_weight=rng.exponential(size=150) + 0.2,
        )
        climb = np.diff(objectives(fit))
        assert climb.min() >= -1e-10 * abs(fit.objective)
        assert climb.sum() > 1


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_one_component_is_the_maximum_likelihood_normal(covariance, weights, assignment):
    """K = 1: the sample mean, and the constraint's projection of the sample covariance."""
    x, _ = data(7)
    fit = mixlib.fit(x, 1, covariance=covariance, weights=weights, assignment=assignment, random_state=0, variance=2.5)
    assert fit.converged
    S = np.cov(x.T, bias=True)
    expected = {
        "identity": 2.5 * np.eye(3),
        "spherical": np.diag(S).mean() * np.eye(3),
        "diag": np.diag(np.diag(S)),
        "full": S,
    }[shape_of(covariance)]
    np.testing.assert_allclose(fit.mixture.means[0], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.mixture.covariances[0], expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(fit.mixture.weights, [1.0])


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_end_is_a_stationary_point(covariance):
    """Perturbing the fitted means or weights by 1e-3 of a standard deviation never helps."""
    x, z = data(8)
    fit = run(x, 3, covariance=covariance, init=z, max_iter=3000)
    mixture, rng = fit.mixture, np.random.default_rng(8)
    for _ in range(20):
        other = mixlib.Mixture(mixture.weights, mixture.means + 1e-3 * rng.normal(size=(3, 3)), mixture.covariances)
        assert other.log_density(x).sum() < fit.log_likelihood
        weights = mixture.weights * np.exp(1e-2 * rng.normal(size=3))
        other = mixlib.Mixture(weights / weights.sum(), mixture.means, mixture.covariances)
        assert other.log_density(x).sum() < fit.log_likelihood


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_same_seed_same_result(init):
    x, _ = data(9)
    for seed in (0, 7):
        a = mixlib.fit(x, 3, init=init, random_state=seed, n_init=3)
        b = mixlib.fit(x, 3, init=init, random_state=seed, n_init=3)
        c = mixlib.fit(x, 3, init=init, random_state=np.random.default_rng(seed), n_init=3)
        for other in (b, c):
            np.testing.assert_array_equal(objectives(a), objectives(other))
            np.testing.assert_array_equal(a.mixture.means, other.mixture.means)
    starts = {
        mixlib.fit(x, 3, init=init, random_state=seed, tol=0, max_iter=0).history[0].means.tobytes()
        for seed in range(10)
    }
    assert len(starts) > 5


def test_the_global_random_state_is_left_alone():
    x, _ = data(9)
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    mixlib.fit(x, 3, covariance="tied", random_state=0)
    mixlib.fit(x, 3, covariance="tied", init="random")
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_constraints_nest():
    """A looser constraint ends at least as high from the same start, for one component exactly ordered."""
    x, _ = data(10)
    chains = [("tied_spherical", "tied_diag", "tied"), ("spherical", "diag", "full")]
    for chain in chains:
        ends = [mixlib.fit(x, 1, covariance=c).objective for c in chain]
        assert ends[0] < ends[1] < ends[2]


def test_soft_with_a_tiny_variance_is_k_means():
    """The limit: at sigma^2 = 1e-6 soft identity EM makes Lloyd's iterates."""
    x, _ = data(11)
    hard = run(x, 3, covariance="identity", weights="equal", assignment="hard", init=x[:3])
    soft = run(
        x, 3, covariance="identity", weights="equal", assignment="soft", variance=1e-6, init=x[:3], max_iter=hard.n_iter
    )
    for a, b in zip(soft.history, hard.history):
        np.testing.assert_allclose(a.means, b.means, rtol=1e-10)


def test_callback_sees_every_record():
    """callback gets history's records in order, and one that returns True ends nothing it should not."""
    x, z = data(12)
    seen = []
    fit = mixlib.fit(x, 3, init=z, tol=0, max_iter=5, callback=seen.append)
    assert len(seen) == len(fit.history) == 6
    for a, b in zip(seen, fit.history):
        assert a.objective == b.objective
        np.testing.assert_array_equal(a.means, b.means)


def test_many_points_equal_few_heavy_ones():
    """More points than one block holds: 300 000 rows against 3 000 rows of weight 100."""
    x, z = data(13, d=2, n=3000)
    for covariance, assignment in itertools.product(("identity", "tied_diag", "full"), ("soft", "hard")):
        options = {"covariance": covariance, "assignment": assignment, "tol": 0, "max_iter": 3}
        many = mixlib.fit(np.tile(x, (100, 1)), 3, init=np.tile(z, 100), **options)
        few = mixlib.fit(x, 3, init=z, sample_weight=np.full(3000, 100.0), **options)
        np.testing.assert_allclose(objectives(many), objectives(few), rtol=1e-10)
        np.testing.assert_allclose(many.mixture.covariances, few.mixture.covariances, rtol=1e-9, atol=1e-10)
        np.testing.assert_array_equal(many.labels, np.tile(few.labels, 100))


@pytest.mark.parametrize("covariance, weights", [("identity", "equal"), ("identity", "free"), ("tied_diag", "free")])
def test_points_without_weight_delay_nothing(covariance, weights):
    """Hard assignment converges when the labels of points that count repeat: as many iterations as without the rest."""
    for seed in range(20):
        x, _ = data(seed, d=2, n=400)
        w = np.r_[np.ones(40), np.zeros(360)]
        options = {"covariance": covariance, "weights": weights, "assignment": "hard", "init": x[:3], "max_iter": 200}
        full, kept = run(x, 3, sample_weight=w, **options), run(x[:40], 3, **options)
        assert full.converged and full.n_iter == kept.n_iter
        np.testing.assert_array_equal(full.labels[:40], kept.labels)
        np.testing.assert_allclose(full.objective, kept.objective, rtol=1e-10)


def test_the_tolerance_is_per_point():
    """A hundred copies of the data, or weights of a hundred or a hundredth, stop at the same iteration."""
    x, _ = data(16)
    options = {"covariance": "tied", "init": x[:3], "tol": 1e-5}
    fit = mixlib.fit(x, 3, **options)
    assert fit.converged and fit.n_iter > 5
    for factor in (100.0, 0.01):
        assert mixlib.fit(x, 3, sample_weight=np.full(90, factor), **options).n_iter == fit.n_iter
    assert mixlib.fit(np.tile(x, (100, 1)), 3, **options).n_iter == fit.n_iter
    gains = np.diff(objectives(fit)) / 90
    left = gains[1:] ** 2 / (gains[:-1] - gains[1:])  # Aitken's estimate, wherever gains fall
    small = (gains[1:] < gains[:-1]) & (left <= 1e-5)
    assert small[-2:].all() and not (small[:-2] & small[1:-1]).any()
