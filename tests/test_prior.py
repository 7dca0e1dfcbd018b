"""The conjugate prior: its MAP steps are maxima, its defaults those of the data, and nothing collapses."""

import numpy as np
import pytest
from common import SETTINGS, fit_exactly, ignoring, with_copies
from reference import COVARIANCES, Conjugate, em, shape_of

import mixlib


def data(seed=0, n=50):
    rng = np.random.default_rng(seed)
    z = np.arange(n) % 2
    return 3.0 * z[:, None] + rng.normal(size=(n, 2)) @ [[1.0, 0.4], [0.0, 2.0]], z


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_m_step_maximises_the_expected_log_posterior(covariance):
    """From responsibilities, one M-step: a numerical optimiser over means and covariances finds no better."""
    optimise = pytest.importorskip("scipy.optimize")
    stats = pytest.importorskip("scipy.stats")
    x, z = data()
    rng = np.random.default_rng(1)
    r = 0.6 * np.eye(2)[z] + 0.4 * rng.dirichlet([1, 1], size=50)
    kappa, nu, centre, L = 0.8, 6.0, np.array([1.0, 2.0]), np.array([[1.5, 0.2], [0.2, 0.7]])
    prior = mixlib.Prior(shrinkage=kappa, dof=nu, mean=centre, scale=L)
    shape = shape_of(covariance)
    C = 1 if covariance.startswith("tied") else 2

    def unpack(v):
        if shape == "identity":
            return v.reshape(2, 2), [1.7 * np.eye(2)] * 2
        means, rest = v[:4].reshape(2, 2), v[4:].reshape(C, -1)
        sigma = []
        for p in rest:
            if shape == "full":
                lower = np.array([[np.exp(p[0]), 0], [p[1], np.exp(p[2])]])
                sigma.append(lower @ lower.T)
            else:
                sigma.append(np.diag(np.exp(p)) if shape == "diag" else np.exp(p[0]) * np.eye(2))
        return means, sigma * (2 // C)

    def posterior(v):
        means, sigma = unpack(v)
        total = 0.0
        for k in range(2):
            total += r[:, k] @ stats.multivariate_normal(means[k], sigma[k]).logpdf(x)
            total += stats.multivariate_normal(centre, sigma[k] / kappa).logpdf(means[k])
        for k in range(0 if shape == "identity" else C):
            if shape == "full":
                total += stats.invwishart(nu, L).logpdf(sigma[k])
            elif shape == "diag":
                total += sum(stats.invgamma(nu / 2, scale=L[j, j] / 2).logpdf(sigma[k][j, j]) for j in range(2))
            else:
                total += stats.invgamma(nu / 2, scale=np.trace(L) / 4).logpdf(sigma[k][0, 0])
        return -total

    size = {"identity": 0, "spherical": 1, "diag": 2, "full": 3}[shape] * C
    found = optimise.minimize(
        posterior, np.r_[[0.5, 1, 2, 3], np.zeros(size)], method="BFGS", options={"gtol": 1e-9, "maxiter": 2000}
    )
    means, sigma = unpack(found.x)
    start = mixlib.fit(x, 2, covariance=covariance, init=r, variance=1.7, prior=prior, tol=0, max_iter=0).history[0]
    np.testing.assert_allclose(start.means, means, rtol=1e-4)
    np.testing.assert_allclose(start.mixture.covariances, sigma, rtol=1e-3, atol=1e-4)
    # and it is no worse than what the optimiser found
    own = start.mixture.covariances
    triangles = np.linalg.cholesky(own)
    pieces = {
        "identity": lambda k: [],
        "spherical": lambda k: [np.log(own[k, 0, 0])],
        "diag": lambda k: np.log(np.diag(own[k])),
        "full": lambda k: [np.log(triangles[k, 0, 0]), triangles[k, 1, 0], np.log(triangles[k, 1, 1])],
    }[shape]
    v = np.r_[start.means.ravel(), np.concatenate([pieces(k) for k in range(C)])]
    assert posterior(v) <= found.fun + 1e-9 * abs(found.fun)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_objective_differs_from_the_log_posterior_by_a_constant(covariance):
    """The log prior of SciPy's distributions at the records' parameters: one constant for all iterations."""
    stats = pytest.importorskip("scipy.stats")
    x, z = data(2)
    kappa, nu, centre, L = 0.3, 4.5, np.array([0.0, 1.0]), np.array([[1.0, -0.2], [-0.2, 3.0]])
    fit = mixlib.fit(
        x,
        2,
        covariance=covariance,
        init=z,
        tol=0,
        max_iter=6,
        prior=mixlib.Prior(shrinkage=kappa, dof=nu, mean=centre, scale=L),
    )
    gaps = []
    for record in fit.history:
        sigma = record.mixture.covariances
        total = record.mixture.log_density(x).sum()
        total += sum(stats.multivariate_normal(centre, s / kappa).logpdf(m) for m, s in zip(record.means, sigma))
        for s in [] if covariance == "identity" else sigma[: 1 if covariance.startswith("tied") else 2]:
            if covariance in ("tied", "full"):
                total += stats.invwishart(nu, L).logpdf(s)
            elif covariance.endswith("diag"):
                total += sum(stats.invgamma(nu / 2, scale=L[j, j] / 2).logpdf(s[j, j]) for j in range(2))
            else:
                total += stats.invgamma(nu / 2, scale=np.trace(L) / 4).logpdf(s[0, 0])
        gaps.append(record.objective - total)
    np.testing.assert_allclose(gaps, gaps[0], rtol=0, atol=1e-8)
    assert abs(fit.history[-1].objective - fit.history[0].objective) > 1e-3


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_defaults_are_those_of_the_data(covariance):
    """kappa 0.01, nu d + 2, the mean, and the constraint's covariance over K^(2/d): typed in, the same fit."""
    x, z = data(3)
    w = np.random.default_rng(3).exponential(size=50)
    mean = w @ x / w.sum()
    S = (w[:, None] * (x - mean)).T @ (x - mean) / w.sum()
    K, d = 2, 2
    explicit = mixlib.Prior(shrinkage=0.01, dof=d + 2, mean=mean, scale=S / K ** (2 / d))
    options = {"covariance": covariance, "init": z, "sample_weight": w, "tol": 0, "max_iter": 6}
    a = mixlib.fit(x, K, prior=mixlib.Prior(), **options)
    b = mixlib.fit(x, K, prior=explicit, **options)
    truth = em(
        x,
        K,
        covariance,
        "free",
        "soft",
        labels=z,
        sample_weight=w,
        n_iter=6,
        prior=Conjugate(0.01, d + 2, mean, S / K ** (2 / d)),
    )
    for fit in (a, b):
        np.testing.assert_allclose(
            [r.objective for r in fit.history], [s.log_likelihood + s.log_prior for s in truth], rtol=1e-9
        )
        np.testing.assert_allclose(fit.mixture.covariances, truth[-1].covariances, rtol=1e-8, atol=1e-9)


def test_defaults_in_three_dimensions():
    """K^(2/d) with d = 3, K = 4."""
    rng = np.random.default_rng(4)
    x, z = rng.normal(size=(60, 3)) * [1, 2, 3], np.arange(60) % 4
    S = np.cov(x.T, bias=True)
    for covariance in COVARIANCES:
        fit = mixlib.fit(x, 4, covariance=covariance, init=z, tol=0, max_iter=3, prior=mixlib.Prior())
        truth = em(
            x,
            4,
            covariance,
            "free",
            "soft",
            labels=z,
            n_iter=3,
            prior=Conjugate(0.01, 5, x.mean(axis=0), S / 4 ** (2 / 3)),
        )
        np.testing.assert_allclose(
            [r.objective for r in fit.history], [s.log_likelihood + s.log_prior for s in truth], rtol=1e-9
        )


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_the_log_posterior_never_falls(covariance, weights, assignment):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x = 2 * rng.normal(size=(3, 2))[rng.integers(3, size=80)] + rng.normal(size=(80, 2))
        w = rng.exponential(size=80)
        fit = fit_exactly(
            x,
            3,
            covariance=covariance,
            weights=weights,
            assignment=assignment,
            init=x[:3],
            max_iter=60,
            prior=mixlib.Prior(shrinkage=0.5),
            sample_weight=w,
        )
        climb = np.diff([record.objective for record in fit.history])
        assert climb.min() >= -1e-10 * abs(fit.objective) and climb.sum() > 0.1


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["spherical", "diag", "full"])
def test_a_prior_cures_the_collapse(covariance, assignment):
    """The data on which maximum likelihood is unbounded: with the prior a finite, regular fit."""
    x, z = with_copies()
    options = {"covariance": covariance, "assignment": assignment, "init": z}
    with pytest.raises(mixlib.SingularFitError):
        mixlib.fit(x, 2, **options)
    fit = mixlib.fit(x, 2, prior=mixlib.Prior(), **options)
    assert fit.converged and np.isfinite(fit.objective)
    assert np.linalg.eigvalsh(fit.mixture.covariances).min() > 1e-3
    np.testing.assert_array_equal(fit.labels, z)


def test_more_components_than_a_likelihood_bears():
    """Ten full components on twenty points: each covariance stays regular."""
    x, _ = data(5, n=20)
    with ignoring():
        fit = mixlib.fit(x, 10, prior=mixlib.Prior(), random_state=0)
    assert np.linalg.eigvalsh(fit.mixture.covariances).min() > 0 and np.isfinite(fit.log_likelihood)


def test_a_vanishing_prior_is_maximum_likelihood_and_a_strong_one_the_prior():
    x, z = data(6)
    options = {"covariance": "identity", "init": z, "tol": 0, "max_iter": 30}
    plain = mixlib.fit(x, 2, **options)
    weak = mixlib.fit(x, 2, prior=mixlib.Prior(shrinkage=1e-12), **options)
    np.testing.assert_allclose(weak.mixture.means, plain.mixture.means, rtol=1e-8)
    strong = mixlib.fit(x, 2, prior=mixlib.Prior(shrinkage=1e9, mean=[7.0, -7.0]), **options)
    np.testing.assert_allclose(strong.mixture.means, [[7.0, -7.0]] * 2, rtol=1e-6)
    tight = mixlib.fit(
        x,
        2,
        covariance="full",
        init=z,
        tol=0,
        max_iter=10,
        prior=mixlib.Prior(dof=1e9, scale=1e9 * np.array([[2.0, 0.5], [0.5, 1.0]])),
    )
    np.testing.assert_allclose(tight.mixture.covariances, [[[2.0, 0.5], [0.5, 1.0]]] * 2, rtol=1e-5)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_default_prior_moves_with_the_data(covariance):
    """Another unit and origin: the same responsibilities. For full covariances any affine map."""
    x, z = data(7)
    options = {"covariance": covariance, "init": z, "tol": 0, "max_iter": 8, "prior": mixlib.Prior(shrinkage=0.4)}
    a = mixlib.fit(x, 2, variance=2.0, **options)
    b = mixlib.fit(1e4 * x + 1e7, 2, variance=2e8, **options)
    np.testing.assert_allclose(a.responsibilities, b.responsibilities, rtol=0, atol=1e-7)
    if covariance in ("tied", "full"):
        c = mixlib.fit(x @ [[3.0, 1.0], [-0.5, 0.2]], 2, **options)
        np.testing.assert_allclose(a.responsibilities, c.responsibilities, rtol=0, atol=1e-7)
    if covariance in ("tied_diag", "diag"):
        c = mixlib.fit(x * [1e-3, 50.0], 2, **options)
        np.testing.assert_allclose(a.responsibilities, c.responsibilities, rtol=0, atol=1e-7)


def test_an_emptied_component_goes_to_the_prior():
    """Hard assignment and free weights with a prior: the lost component is the prior's own mode, weight zero."""
    x, _ = data(8)
    means = np.r_[x[:1], [[500.0, 500.0]]]
    prior = mixlib.Prior(shrinkage=2.0, dof=5.0, mean=[1.0, 1.0], scale=[[3.0, 0.0], [0.0, 2.0]])
    with pytest.warns(mixlib.EmptyComponentWarning):
        fit = mixlib.fit(x, 2, assignment="hard", init=means, prior=prior, tol=0, max_iter=3)
    np.testing.assert_allclose(fit.mixture.means[1], [1.0, 1.0])
    np.testing.assert_allclose(fit.mixture.covariances[1], np.diag([3.0, 2.0]) / (5.0 + 2 + 2), atol=1e-15)
    assert fit.mixture.weights[1] == 0


@pytest.mark.parametrize(
    "prior",
    [
        {"shrinkage": 0.0},
        {"shrinkage": -1.0},
        {"shrinkage": np.nan},
        {"shrinkage": "strong"},
        {"dof": 0.5},
        {"dof": 1.0},  # d - 1: the density has no integral
        {"dof": -3},
        {"dof": np.inf},
        {"mean": [1.0]},
        {"mean": [np.nan, 0.0]},
        {"mean": [1e200, 0.0]},
        {"mean": np.zeros((2, 2))},
        {"scale": -1.0},
        {"scale": [1.0, 0.0]},
        {"scale": [[1.0, 2.0], [2.0, 1.0]]},
        {"scale": [[1.0, 0.5], [0.0, 1.0]]},
        {"scale": np.eye(3)},
        {"scale": np.nan},
        {"scale": np.inf},
        {"scale": 1e305},
    ],
)
def test_wrong_priors_are_errors(prior):
    x, _ = data()
    with pytest.raises((ValueError, TypeError), match="prior"):
        mixlib.fit(x, 2, prior=mixlib.Prior(**prior), random_state=0)


@pytest.mark.parametrize("covariance", ["tied_diag", "diag", "tied", "full"])
def test_the_default_scale_of_a_constant_column(covariance):
    """A millionth of each variance is added, to a constant column a millionth of the largest: the MAP step with that scale."""
    x = np.c_[np.tile([-1.0, 1.0], 6), np.zeros(12)]
    fit = mixlib.fit(x, 1, covariance=covariance, prior=mixlib.Prior(), tol=0, max_iter=1)
    prior = Conjugate(0.01, 4, x.mean(axis=0), np.diag([1 + 1e-6, 1e-6]))
    truth = em(x, 1, covariance, "free", "soft", labels=np.zeros(12, int), prior=prior, n_iter=1)[-1]
    np.testing.assert_allclose(fit.mixture.covariances, truth.covariances, rtol=1e-9, atol=0)


@pytest.mark.parametrize("covariance", COVARIANCES[1:])
def test_a_prior_answers_data_without_any_spread(covariance):
    for x in (np.full((8, 2), 3.7), np.zeros((8, 2))):
        fit = mixlib.fit(x, 1, covariance=covariance, prior=mixlib.Prior())
        assert np.isfinite(fit.objective) and np.linalg.eigvalsh(fit.mixture.covariances).min() > 0
        np.testing.assert_array_equal(fit.mixture.means, x[:1])


@pytest.mark.parametrize("prior", [True, 0.01, {"shrinkage": 1}, "default", mixlib.Prior])
def test_a_prior_is_a_prior(prior):
    with pytest.raises(TypeError, match="Prior"):
        mixlib.fit(data()[0], 2, prior=prior)


def test_forms_of_scale():
    """A number, variances and a matrix that say the same give the same fit."""
    x, z = data(9)
    fits = [
        mixlib.fit(x, 2, init=z, prior=mixlib.Prior(scale=s)).objective
        for s in (2.0, np.array([2.0, 2.0]), 2.0 * np.eye(2))
    ]
    np.testing.assert_allclose(fits, fits[0], rtol=1e-14)


def test_convergence_is_that_of_the_log_posterior():
    """The likelihood alone can fall while the posterior still climbs: it must not end the loop."""
    x = mixlib.datasets.old_faithful().x
    x = x / x.std(axis=0)
    fit = mixlib.fit(x, 3, init="random", random_state=4, prior=mixlib.Prior(), tol=1e-13, max_iter=5000)
    steps = np.diff([record.objective for record in fit.history])
    assert fit.converged and 0 <= steps[-1] <= 1e-13 * len(x) and steps.min() >= 0
    likelihood = [record.mixture.log_density(x).sum() for record in fit.history]
    assert np.diff(likelihood).min() < -1e-3  # here it does fall on the way


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["identity", "tied_spherical", "full"])
def test_restarts_compare_log_posteriors(covariance, assignment):
    """The winner of eight starts is the best of the same eight, one at a time."""
    rng = np.random.default_rng(3)
    x = 6 * rng.normal(size=(7, 2))[rng.integers(7, size=80)] + rng.normal(size=(80, 2))  # many local maxima
    options = dict(
        covariance=covariance,
        weights="equal",
        assignment=assignment,
        init="random",
        prior=mixlib.Prior(shrinkage=0.5, scale=2.0),
        max_iter=5000,
    )
    rng = np.random.default_rng(5)
    single = [mixlib.fit(x, 6, random_state=rng, **options).objective for _ in range(8)]
    best = mixlib.fit(x, 6, random_state=np.random.default_rng(5), n_init=8, **options).objective
    np.testing.assert_allclose(best, max(single), rtol=1e-9)
    assert max(single) - min(single) > 1e-6
