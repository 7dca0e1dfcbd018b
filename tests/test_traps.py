"""What makes other implementations fail, one test each, against an independent truth."""

import itertools
import warnings
from fractions import Fraction

import numpy as np
import pytest
from common import fit_without_warning
from reference import COVARIANCES, em, inertia, lloyd

import mixlib

FREE = [c for c in COVARIANCES if c != "identity"]


def clusters(seed=0, n=60, d=2, K=3, spread=4.0):
    rng = np.random.default_rng(seed)
    z = np.arange(n) % K
    return spread * rng.normal(size=(K, d))[z] + rng.normal(size=(n, d)), z


def assert_equals_reference(fit, truth, assignment, rtol=1e-9, covariance_rtol=1e-7):
    for record, state in zip(fit.history, truth):
        expected = state.log_likelihood if assignment == "soft" else state.classification
        np.testing.assert_allclose(record.objective, expected, rtol=rtol)
        np.testing.assert_allclose(record.weights, state.weights, rtol=rtol)
        np.testing.assert_allclose(record.means, state.means, rtol=1e-12, atol=1e-14 * np.abs(state.means).max())
        # each entry relative to the two standard deviations it belongs to
        sd = np.sqrt(np.diagonal(state.covariances, axis1=1, axis2=2))
        unit = sd[:, :, None] * sd[:, None, :]
        np.testing.assert_allclose(
            record.mixture.covariances / unit, state.covariances / unit, rtol=0, atol=covariance_rtol
        )


# ---- where the data lie, and in which units ---------------------------------------------------


@pytest.mark.parametrize("offset", [1e6, 1e7, 1e8])
@pytest.mark.parametrize("covariance, assignment", list(itertools.product(COVARIANCES, ("soft", "hard"))))
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
@pytest.mark.parametrize("covariance", FREE)
def test_values_of_ten_to_the_200(covariance, assignment):
    """Squares overflow; labels, means and likelihood do not."""
    x, z = clusters()
    fit = fit_without_warning(x, 3, covariance=covariance, assignment=assignment, init=z, max_iter=10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
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


@pytest.mark.parametrize("covariance, assignment", list(itertools.product(COVARIANCES, ("soft", "hard"))))
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
@pytest.mark.parametrize("covariance, assignment", list(itertools.product(FREE, ("soft", "hard"))))
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


@pytest.mark.parametrize("covariance, assignment", list(itertools.product(FREE, ("soft", "hard"))))
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


# ---- degenerate data --------------------------------------------------------------------------


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
        for covariance in FREE:
            with pytest.raises(mixlib.SingularFitError):
                mixlib.fit(x, 1, covariance=covariance)
            with pytest.raises(mixlib.SingularFitError):
                mixlib.fit(x, 2, covariance=covariance, init=x[:2])


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["spherical", "diag", "full"])
def test_a_component_on_one_point_is_an_error(covariance, assignment):
    """Kiefer & Wolfowitz: a component that holds copies of one point has no covariance."""
    rng = np.random.default_rng(1)
    x = np.r_[rng.normal(size=(30, 2)), np.full((5, 2), 40.0)]
    z = np.repeat([0, 1], [30, 5])
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
    rng = np.random.default_rng(1)
    x = np.r_[rng.normal(size=(30, 2)), np.full((5, 2), 40.0)]
    z = np.repeat([0, 1], [30, 5])
    for covariance in ("tied_spherical", "tied_diag", "tied"):
        fit = fit_without_warning(x, 2, covariance=covariance, init=z, max_iter=4)
        assert_equals_reference(fit, em(x, 2, covariance, "free", "soft", labels=z, n_iter=4), "soft")


def classification_em(x, means, n_iter):
    """Hard EM with unit covariances and free weights, as the formulas stand: labels, means, weights, objectives."""
    weights, states = np.full(len(means), 1 / len(means)), []
    for _ in range(n_iter + 1):
        with np.errstate(divide="ignore"):
            scores = np.log(weights) - 0.5 * ((x[:, None] - means) ** 2).sum(axis=2)
        labels = scores.argmax(axis=1)
        states.append((labels, means, weights, scores.max(axis=1).sum() - x.size / 2 * np.log(2 * np.pi)))
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


# ---- the loop's own honesty -------------------------------------------------------------------


@pytest.mark.parametrize("covariance, assignment", list(itertools.product(COVARIANCES, ("soft", "hard"))))
def test_what_is_returned_belongs_to_the_parameters_returned(covariance, assignment):
    """Log-likelihood, objective, labels, responsibilities, inertia: none lags a step, converged or not."""
    x, _ = clusters(2, n=90)
    w = np.random.default_rng(2).exponential(size=90)
    for max_iter in (0, 1, 3, 200):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
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
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mixlib.fit(x, 3, init=x[:3], max_iter=5000, assignment=assignment, covariance="tied").converged


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
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
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
