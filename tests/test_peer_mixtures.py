"""Gaussian mixtures as users of scikit-learn know them: what its own tests ask of such an estimator, asked of ours.

Each truth is a formula written out with SciPy's normal densities, the generator of the data, or arithmetic.
"""

import numpy as np
import pytest
from common import fitted_without_convergence
from reference import COVARIANCES, n_parameters
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_limits

import mixlib
from mixlib import GaussianMixture

X = mixlib.datasets.iris().x
FAITHFUL = mixlib.datasets.old_faithful().x
FREE = COVARIANCES[1:]


def dense(model):
    """(K, d, d) covariances from `covariances_`, whose shape depends on the constraint."""
    (K, d), c = model.means_.shape, np.asarray(model.covariances_)
    if model.covariance_type.endswith("diag"):
        c = c[..., None] * np.eye(d)
    elif model.covariance_type not in ("tied", "full"):
        c = c[..., None, None] * np.eye(d)
    return np.broadcast_to(c, (K, d, d))


def joint(model, x):
    """log(pi_k) + log N(x | mu_k, Sigma_k), (n, K), from the three fitted attributes."""
    terms = zip(model.weights_, model.means_, dense(model))
    return np.stack([np.log(w) + np.atleast_1d(multivariate_normal(m, c).logpdf(x)) for w, m, c in terms], axis=1)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_every_method_follows_from_the_three_attributes(covariance, assignment):
    """Converged or stopped early, weighted: densities, responsibilities, labels, scores and the bound."""
    w = np.random.default_rng(0).uniform(0, 2, len(X))
    for max_iter in (2, 5000):
        model = fitted_without_convergence(
            GaussianMixture(
                3,
                covariance_type=covariance,
                assignment=assignment,
                init=X[[0, 60, 140]],
                variance=0.3,
                max_iter=max_iter,
            ),
            X,
            sample_weight=w,
        )
        log_joint = joint(model, X)
        density = np.logaddexp.reduce(log_joint, axis=1)
        np.testing.assert_allclose(model.score_samples(X), density, rtol=1e-9)
        np.testing.assert_allclose(model.predict_proba(X), np.exp(log_joint - density[:, None]), rtol=1e-7, atol=1e-12)
        assert np.array_equal(model.predict(X), log_joint.argmax(axis=1))
        np.testing.assert_allclose(model.score(X), density.mean(), rtol=1e-10)
        np.testing.assert_allclose(model.score(X, sample_weight=w), w @ density / w.sum(), rtol=1e-10)
        bound = density if assignment == "soft" else log_joint.max(axis=1)
        np.testing.assert_allclose(model.lower_bound_, w @ bound / w.sum(), rtol=1e-10)
        assert model.n_iter_ == len(model.fit_.history) - 1 <= max_iter and (model.converged_ or max_iter == 2)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_criteria_need_nothing_of_the_points(covariance):
    """One point, points on a line, and new points: the formulas, where nothing could be fitted."""
    model = GaussianMixture(3, covariance_type=covariance, variance=0.3, random_state=0).fit(X)
    p = n_parameters(covariance, "free", 3, 4)
    for points in (X[:1], X[[7] * 5], np.linspace(0, 5, 9)[:, None] * np.ones(4), X[::7] + 0.1):
        log_joint = joint(model, points)
        total, best = np.logaddexp.reduce(log_joint, axis=1).sum(), log_joint.max(axis=1).sum()
        np.testing.assert_allclose(model.aic(points), -2 * total + 2 * p, rtol=1e-9)
        np.testing.assert_allclose(model.bic(points), -2 * total + p * np.log(len(points)), rtol=1e-9)
        np.testing.assert_allclose(model.icl(points), -2 * best + p * np.log(len(points)), rtol=1e-9)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_generator_of_the_data_is_found(covariance):
    """20 000 points of three far components: all parameters within 4.5 standard errors of the truth."""
    rng = np.random.default_rng(4)
    weights, means = np.array([0.2, 0.3, 0.5]), np.array([[0.0, 0.0], [40.0, 5.0], [-10.0, 50.0]])
    each = np.array([[[1, 0.5], [0.5, 2]], [[3, -1], [-1, 0.8]], [[0.4, 0], [0, 5]]])
    shared = covariance.startswith("tied") or covariance == "identity"
    each = np.stack([each[0]] * 3) if shared else each
    if covariance.endswith("diag"):
        each = each * np.eye(2)
    if covariance.endswith(("spherical", "identity")):
        each = each[:, :1, :1] * np.eye(2)
    labels = rng.choice(3, size=20_000, p=weights)
    x = means[labels] + np.einsum("nij,nj->ni", np.linalg.cholesky(each)[labels], rng.standard_normal((20_000, 2)))
    model = GaussianMixture(3, covariance_type=covariance, n_init=5, random_state=1).fit(x)
    order = np.argsort(model.weights_)
    n = 20_000 * weights
    assert np.all(np.abs(model.weights_[order] - weights) < 4.5 * np.sqrt(weights * (1 - weights) / 20_000))
    assert (model.predict(x) == order[labels]).all()
    for k, found in enumerate(order):
        root = np.linalg.inv(np.linalg.cholesky(each[k]))
        assert np.all(np.abs(root @ (model.means_[found] - means[k])) < 4.5 / np.sqrt(n[k]))
        error = (1 + np.eye(2)) / (20_000 if shared else n[k])
        assert np.all(np.abs(root @ dense(model)[found] @ root.T - np.eye(2)) < 4.5 * np.sqrt(error))
        assert covariance != "identity" or np.array_equal(dense(model)[found], np.eye(2))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_samples_have_each_components_moments(covariance):
    """Counts, means and covariances within 4.5 standard errors, whatever form the covariances are kept in."""
    model = GaussianMixture(3, covariance_type=covariance, variance=0.3, random_state=3).fit(X)
    points, labels = model.sample(20_000)
    assert points.shape == (20_000, 4)
    for k in range(3):
        mine, share = points[labels == k], model.weights_[k]
        assert abs(len(mine) - 20_000 * share) < 4.5 * np.sqrt(20_000 * share * (1 - share))
        white = np.linalg.solve(np.linalg.cholesky(dense(model)[k]), (mine - model.means_[k]).T)
        assert np.all(np.abs(white.mean(axis=1)) < 4.5 / np.sqrt(len(mine)))
        assert np.all(np.abs(np.cov(white) - np.eye(4)) < 4.5 * np.sqrt((1 + np.eye(4)) / len(mine)))


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_going_on_from_a_mixture_is_going_on(covariance, assignment):
    """Iteration by iteration from the mixture before: the bounds and parameters of one long fit, never falling."""
    model = GaussianMixture(
        3,
        covariance_type=covariance,
        assignment=assignment,
        variance=0.3,
        tol=0,
        init=X[[0, 60, 140]],
        accelerate=False,
    )
    long = clone(model).set_params(max_iter=6).fit(X)
    bounds = []
    for step in range(long.fit_.n_iter + 1):
        model.set_params(max_iter=min(step, 1)).fit(X)
        bounds.append(model.lower_bound_)
        model.set_params(init=model.mixture_)
    np.testing.assert_allclose(bounds, [r.objective / 150 for r in long.fit_.history], rtol=1e-10)
    assert np.diff(bounds).min() > -1e-12 and len(bounds) > 2
    np.testing.assert_allclose(model.means_, long.means_, rtol=1e-9)
    np.testing.assert_allclose(model.covariances_, long.covariances_, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("covariance", ["tied", "full"])
def test_the_best_of_several_starts_is_kept_whole(covariance, init):
    """One generator draws the same six starts for six fits as for one fit with six: the best of them, entirely."""
    model = GaussianMixture(3, covariance_type=covariance, init=init, n_init=1, max_iter=5, accelerate=False)
    rng = np.random.default_rng(5)
    ones = [fitted_without_convergence(clone(model).set_params(random_state=rng), X) for _ in range(6)]
    many = fitted_without_convergence(clone(model).set_params(random_state=np.random.default_rng(5), n_init=6), X)
    best = max(ones, key=lambda one: one.lower_bound_)
    assert ones[0].lower_bound_ < best.lower_bound_ == many.lower_bound_
    for name in ("weights_", "means_", "covariances_", "n_iter_", "converged_"):
        assert np.array_equal(getattr(many, name), getattr(best, name))
    for one in ones:  # each start is of distinct points, and no mean leaves the data
        assert len(np.unique(one.fit_.history[0].means, axis=0)) == 3
        assert (one.means_ >= X.min(axis=0)).all() and (one.means_ <= X.max(axis=0)).all()


def test_in_one_column_the_shapes_are_one():
    """With one column spherical, diagonal and full covariances are the same model, shared or not; alone all six are."""
    column = FAITHFUL[:, :1]
    start = column[[0, 1]]
    for names in (("spherical", "diag", "full"), ("tied_spherical", "tied_diag", "tied")):
        fits = [GaussianMixture(2, covariance_type=c, init=start).fit(column) for c in names]
        for other in fits[1:]:
            np.testing.assert_allclose(other.bic(column), fits[0].bic(column), rtol=1e-9)
            np.testing.assert_allclose(other.means_, fits[0].means_, rtol=1e-5)
            np.testing.assert_allclose(np.ravel(other.covariances_), np.ravel(fits[0].covariances_), rtol=1e-4)
    n, variance = len(column), column.var()
    bic = n * (np.log(2 * np.pi * variance) + 1) + 2 * np.log(n)
    np.testing.assert_allclose([GaussianMixture(covariance_type=c).fit(column).bic() for c in FREE], bic, rtol=1e-12)


def test_three_points_bear_one_component():
    """The moments of three points, with divisor 3; or, with a component each and a given variance, the points themselves."""
    points = X[[0, 60, 140], :2]
    model = GaussianMixture().fit(points)
    np.testing.assert_allclose(model.covariances_[0], np.cov(points.T, ddof=0), rtol=1e-12)
    assert model.sample()[0].shape == (1, 2)
    own = GaussianMixture(3, covariance_type="identity", variance=1e-4, random_state=0).fit(points)
    np.testing.assert_allclose(own.means_[own.predict(points)], points, rtol=1e-12)
    np.testing.assert_allclose(own.weights_, 1 / 3)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_single_precision_is_good_to_single_precision(covariance):
    """The same numbers as float32 and float64: one fit, up to rounding; also for new points, one at a time."""
    single = X.astype(np.float32)
    a, b = (
        GaussianMixture(2, covariance_type=covariance, init=X[[0, 60]], tol=0, max_iter=20).fit(x)
        for x in (single, single.astype(float))
    )
    for name in ("weights_", "means_", "covariances_", "lower_bound_"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-3, atol=1e-4)
    assert np.array_equal(a.predict(single), b.predict(single.astype(float)))
    new = (X[::9] + 0.37).astype(np.float32)
    exact = GaussianMixture(2)  # the same parameters before they are rounded
    exact.mixture_ = a.mixture_
    log_joint = joint(exact, new.astype(float))
    for x, digits in ((new, 1e-6), (new.astype(float), 1e-9)):
        np.testing.assert_allclose(a.score_samples(x), np.logaddexp.reduce(log_joint, axis=1), rtol=digits)
        assert [a.predict(point[None])[0] for point in x] == log_joint.argmax(axis=1).tolist()
        assert a.predict_proba(x).dtype == x.dtype
    assert a.means_.dtype == np.float32 and a.mixture_.means.dtype == np.float64


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_weights_of_one_any_factor_and_none(covariance):
    """Weights of one are no weights, a common factor changes nothing, and a point of weight 0 is as good as absent."""
    w, kept = np.random.default_rng(0).uniform(0.1, 2, 150), np.arange(150) % 3 > 0
    model = GaussianMixture(2, covariance_type=covariance, random_state=2, tol=0, max_iter=25)

    def fitted(x, w=None):
        return clone(model).fit(x, sample_weight=w)

    pairs = [(fitted(X, w), fitted(X, c * w)) for c in (0.5, 3.0, 1e-9)]
    for a, b in [
        *pairs,
        (fitted(X), fitted(X, np.ones(150))),
        (fitted(X, np.where(kept, w, 0)), fitted(X[kept], w[kept])),
    ]:
        for name in ("weights_", "means_", "covariances_", "lower_bound_"):
            np.testing.assert_allclose(getattr(b, name), getattr(a, name), rtol=1e-8, atol=1e-10)


def test_nothing_given_is_written_to_and_a_second_fit_forgets_the_first():
    x, w, start = FAITHFUL.copy(), np.linspace(0, 1, 272), FAITHFUL[[0, 1]]
    for array in (x, w, start):
        array.flags.writeable = False
    model = GaussianMixture(2, init=start).fit(x, sample_weight=w)
    for method in (model.predict, model.score_samples, model.bic):
        method(x)
    assert np.array_equal(x, FAITHFUL) and np.array_equal(w, np.linspace(0, 1, 272))
    model.set_params(n_components=3, init="k-means++", covariance_type="tied", random_state=0).fit(X)
    fresh = GaussianMixture(3, init="k-means++", covariance_type="tied", random_state=0).fit(X)
    assert np.array_equal(model.means_, fresh.means_) and model.bic() == fresh.bic()
    assert model.bic(X) == fresh.bic(X) and model.n_features_in_ == 4


def test_the_number_of_threads_changes_nothing():
    rng = np.random.default_rng(6)
    x = 3 * rng.normal(size=(3, 3))[rng.integers(3, size=40_000)] + rng.normal(size=(40_000, 3))
    model = GaussianMixture(3, init=x[:3], tol=0, max_iter=4)
    with threadpool_limits(1):
        one = clone(model).fit(x)
    with threadpool_limits(2):
        two = clone(model).fit(x)
    assert np.array_equal(one.predict(x), two.predict(x))
    np.testing.assert_allclose(one.covariances_, two.covariances_, rtol=1e-9, atol=1e-9)


def test_bad_calls_are_named():
    model = GaussianMixture(2)
    alone = [model.aic, model.bic, model.icl, model.sample]
    of_points = [model.predict, model.predict_proba, model.score_samples, model.score, *alone[:3]]
    for method, given in [*((m, [X]) for m in of_points), *((m, []) for m in alone)]:
        with pytest.raises(NotFittedError):
            method(*given)
    with pytest.raises(ValueError, match="reg_covar"):
        model.set_params(reg_covar=1e-6)
    model.fit(X)
    for w in (np.zeros(150), -np.ones(150), np.ones(149), np.ones((150, 1)), np.full(150, np.nan)):
        for call in (model.fit, model.score):
            with pytest.raises(ValueError, match="(?i)weight"):
                call(X, sample_weight=w)
