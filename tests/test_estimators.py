"""The two estimators: scikit-learn's own checks, and the properties that its users rely on."""

import inspect
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from reference import Conjugate, em
from sklearn.base import clone
from sklearn.cluster import KMeans as PeerKMeans
from sklearn.mixture import GaussianMixture as PeerMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import mixlib
from mixlib import GaussianMixture, KMeans

X = mixlib.datasets.old_faithful().x
IRIS = mixlib.datasets.iris().x
COVARIANCES = ["identity", "tied_spherical", "spherical", "tied_diag", "diag", "tied", "full"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the checks themselves say which warnings they look for
@pytest.mark.parametrize(
    "estimator",
    [
        KMeans(),
        KMeans(n_clusters=3, init="random", n_init=2),
        GaussianMixture(),
        GaussianMixture(2, prior=mixlib.Prior()),
        *(GaussianMixture(3, covariance_type=c) for c in COVARIANCES[:2]),
        GaussianMixture(2, covariance_type="tied_diag", assignment="hard"),
    ],
    ids=repr,
)
def test_scikit_learns_own_checks(estimator):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert len(results) > 40
    assert [(r["check_name"], r["status"], str(r["exception"])) for r in results if r["status"] != "passed"] == []


def test_kmeans_is_fit_with_three_settings():
    model = KMeans(3, random_state=4).fit(X)
    fit = mixlib.fit(
        X, 3, covariance="identity", weights="equal", assignment="hard", init="local search", random_state=4
    )
    assert np.array_equal(model.cluster_centers_, fit.mixture.means)
    assert np.array_equal(model.labels_, fit.labels)
    assert (model.inertia_, model.n_iter_, model.converged_) == (fit.inertia, fit.n_iter, True)


@pytest.mark.parametrize(
    "setting",
    [
        {"weights": "equal"},
        {"assignment": "hard"},
        {"covariance_type": "tied_diag"},
        {"covariance_type": "identity"},
        {"covariance_type": "identity", "variance": 0.2},
        {"prior": mixlib.Prior(shrinkage=2.0)},
        {"init": "random"},
        {"init": "k-means++", "n_init": 7},
        {"tol": 1e-2},
        {"tol": 0, "max_iter": 2},
        {"init": "random", "random_state": 5},
        {"accelerate": False},
    ],
    ids=str,
)
def test_mixture_is_fit_under_other_names(setting):
    """Each setting reaches `mixlib.fit`, and matters: without the last one the fit is another."""
    names = {
        "covariance": setting.get("covariance_type", "full"),
        "random_state": 6,
        "init": "k-means",
        "n_init": "auto",
        "accelerate": True,
    }
    names |= {name: value for name, value in setting.items() if name != "covariance_type"}
    w = np.linspace(0.1, 2, len(IRIS))
    model = GaussianMixture(3, **{"random_state": 6} | setting).fit(IRIS, sample_weight=w)
    fit = mixlib.fit(IRIS, 3, sample_weight=w, **names)
    assert [r.objective for r in model.fit_.history] == [r.objective for r in fit.history]
    assert np.array_equal(model.means_, fit.mixture.means) and np.array_equal(model.weights_, fit.mixture.weights)
    *_, without = setting
    plain = GaussianMixture(3, **{"random_state": 6} | {k: v for k, v in setting.items() if k != without})
    assert plain.fit(IRIS, sample_weight=w).fit_.objective != fit.objective


def test_the_defaults_are_those_of_fit_but_for_better_starts():
    defaults = {name: parameter.default for name, parameter in inspect.signature(mixlib.fit).parameters.items()}
    kmeans, mixture = KMeans().get_params(), GaussianMixture().get_params()
    assert (kmeans.pop("n_clusters"), mixture.pop("n_components")) == (8, 1)
    assert mixture.pop("covariance_type") == defaults["covariance"]
    assert (kmeans.pop("init"), mixture.pop("init"), mixture.pop("accelerate")) == ("local search", "k-means", True)
    assert kmeans.pop("n_init") == mixture.pop("n_init") == "auto"
    for settings in (kmeans, mixture):
        assert settings == {name: defaults[name] for name in settings} and len(settings) >= 3


@pytest.mark.parametrize(
    "data",
    [X, IRIS, X.astype(np.float32), np.asfortranarray(IRIS), X[::2]],
    ids=["float64", "iris", "float32", "fortran", "strided"],
)
def test_kmeans_agrees_with_scikit_learn(data):
    start = data[:4].copy()
    ours, theirs = KMeans(4, init=start).fit(data), PeerKMeans(4, init=start, n_init=1, tol=0, max_iter=1000).fit(data)
    assert np.array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-5)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-4)
    np.testing.assert_allclose(ours.transform(data), theirs.transform(data), rtol=1e-3, atol=1e-3)


def test_kmeans_labels_predictions_and_score_agree():
    model = KMeans(5, random_state=0).fit(X)
    assert np.array_equal(model.predict(X), model.labels_)
    assert np.array_equal(KMeans(5, random_state=0).fit_predict(X), model.labels_)
    assert np.array_equal(model.transform(X).argmin(axis=1), model.labels_)
    np.testing.assert_allclose(model.score(X), -model.inertia_, rtol=1e-12)
    weights = np.random.default_rng(0).uniform(size=len(X))
    distances = ((X - model.cluster_centers_[model.labels_]) ** 2).sum(axis=1)
    np.testing.assert_allclose(model.score(X, sample_weight=weights), -(weights * distances).sum(), rtol=1e-12)


def test_kmeans_more_starts_are_never_worse_and_give_the_best_of_them():
    one = [KMeans(6, init="random", random_state=s).fit(IRIS).inertia_ for s in range(5)]
    many = KMeans(6, init="random", n_init=20, random_state=0).fit(IRIS).inertia_
    assert many <= one[0] * (1 + 1e-12)
    assert np.ptp(one) > 0


def test_kmeans_on_fewer_points_than_clusters_says_so():
    points = np.repeat([[0.0, 0.0], [1.0, 2.0]], 4, axis=0)
    with pytest.warns(mixlib.EmptyComponentWarning, match=r"\[2\] of 3"):
        model = KMeans(3).fit(points)
    assert model.inertia_ == 0
    assert len(np.unique(model.labels_)) == 2


def test_starts_from_centres_labels_and_responsibilities_agree():
    labels = (X[:, 0] > 3).astype(int)
    centres = np.array([X[labels == k].mean(axis=0) for k in (0, 1)])
    results = [KMeans(2, init=start).fit(X) for start in (centres, labels, np.eye(2)[labels])]
    for result in results[1:]:
        np.testing.assert_allclose(result.cluster_centers_, results[0].cluster_centers_, rtol=1e-12)


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_mixture_agrees_with_scikit_learn(covariance):
    start = X[[0, 1]]
    ours = GaussianMixture(2, covariance_type=covariance, init=start, tol=1e-12, max_iter=5000).fit(X)
    theirs = PeerMixture(2, covariance_type=covariance, means_init=start, reg_covar=0, tol=1e-12, max_iter=5000).fit(X)
    order = np.argsort(ours.means_[:, 0]), np.argsort(theirs.means_[:, 0])
    for name in ("weights_", "means_"):
        np.testing.assert_allclose(getattr(ours, name)[order[0]], getattr(theirs, name)[order[1]], rtol=1e-4)
    assert ours.covariances_.shape == theirs.covariances_.shape
    np.testing.assert_allclose(
        np.sort(ours.covariances_, axis=None), np.sort(theirs.covariances_, axis=None), rtol=1e-3
    )
    for name in ("score", "bic", "aic"):
        np.testing.assert_allclose(getattr(ours, name)(X), getattr(theirs, name)(X), rtol=1e-8)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-4)


@pytest.mark.parametrize("covariance, shape", list(zip(COVARIANCES, [(), (), (3,), (4,), (3, 4), (4, 4), (3, 4, 4)])))
def test_mixture_attributes(covariance, shape):
    model = GaussianMixture(3, covariance_type=covariance, random_state=0).fit(IRIS)
    assert np.shape(model.covariances_) == shape
    assert model.means_.shape == (3, 4)
    np.testing.assert_allclose(model.weights_.sum(), 1)
    np.testing.assert_allclose(model.predict_proba(IRIS).sum(axis=1), 1)
    np.testing.assert_allclose(model.lower_bound_, model.score(IRIS), rtol=1e-12)
    assert np.array_equal(model.predict(IRIS), model.predict_proba(IRIS).argmax(axis=1))
    assert np.array_equal(clone(model).fit_predict(IRIS), model.predict(IRIS))
    np.testing.assert_allclose(
        [model.bic(), model.aic(), model.icl()], [model.bic(IRIS), model.aic(IRIS), model.icl(IRIS)]
    )
    assert model.icl() >= model.bic()


def test_mixture_criteria_on_new_points_use_the_same_parameters():
    model = GaussianMixture(2, random_state=0).fit(X[:200])
    rest = X[200:]
    p = 2 * 2 + 2 * 3 + 1
    np.testing.assert_allclose(
        model.bic(rest), -2 * model.score_samples(rest).sum() + p * np.log(len(rest)), rtol=1e-10
    )


def test_samples_repeat_as_their_random_state_does():
    """A number gives the same points at each call; a generator, old or new, goes on; sizes are counts."""
    for seeded in (7, np.int64(7)):
        model = GaussianMixture(2, random_state=seeded).fit(X)
        assert np.array_equal(model.sample(5)[0], model.sample(5)[0])
    for kind in (np.random.RandomState, np.random.default_rng):
        a, b = (GaussianMixture(2, random_state=kind(7)).fit(X) for _ in range(2))
        first, second = a.sample(5)[0], a.sample(5)[0]
        assert not np.array_equal(first, second) and np.array_equal(b.sample(5)[0], first)
    for n in (0, -3):
        with pytest.raises(ValueError, match="n must be at least 1"):
            model.sample(n)


def test_singular_data_get_a_warning_and_a_regular_fit():
    line = np.column_stack([X[:, 0], 2 * X[:, 0], np.ones(len(X))])
    with pytest.warns(mixlib.SingularFitWarning, match="linearly dependent") as caught:
        model = GaussianMixture(2, random_state=0).fit(line)
    assert caught[0].filename == __file__
    assert np.isfinite(model.covariances_).all() and np.linalg.eigvalsh(model.covariances_).min() > 0
    assert abs(np.corrcoef(model.predict(line), X[:, 0] > 3)[0, 1]) > 0.9


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e6 - 0.1, 1e14, 1e300])
@pytest.mark.parametrize("covariance", ["tied_diag", "diag", "tied", "full"])
def test_a_constant_column_changes_no_label(covariance, constant):
    """Also where the mean of the copies, rounded, is not their value, so that their variance is not quite 0."""
    model = GaussianMixture(2, covariance_type=covariance, init=np.array([[2.0, 55, constant], [4.5, 80, constant]]))
    with pytest.warns(mixlib.SingularFitWarning, match="constant|singular"):
        model.fit(np.column_stack([X, np.full(len(X), constant)]))
    plain = GaussianMixture(2, covariance_type=covariance, init=[[2.0, 55], [4.5, 80]]).fit(X)
    assert np.array_equal(model.predict(np.column_stack([X, np.full(len(X), constant)])), plain.predict(X))
    np.testing.assert_allclose(model.means_[:, :2], plain.means_, rtol=1e-3)
    assert all(np.linalg.eigvalsh(c).min() > 0 for c in model.mixture_.covariances)


def test_the_weak_prior_is_a_millionth_of_the_variances():
    """One component on two columns, one of them constant: its maximum a posteriori by the formula of `reference`."""
    x, w = np.column_stack([X[:, 0], np.full(len(X), 0.1)]), np.random.default_rng(0).integers(0, 3, len(X))
    x[0], w[0] = 99, 0  # nothing of a point without weight, and the column is constant over the rest
    kept = np.repeat(x, w, axis=0)
    variance = kept[:, 0].var()
    prior = Conjugate(0.01, 4, kept.mean(axis=0), np.diag([1e-6 * variance] * 2))
    truth = em(kept, 1, "diag", "free", "soft", labels=np.zeros(len(kept), int), prior=prior, n_iter=1)[-1]
    for data, weights in ((x, w), (kept, None)):
        with pytest.warns(mixlib.SingularFitWarning):
            model = GaussianMixture(covariance_type="diag").fit(data, sample_weight=weights)
        np.testing.assert_allclose(model.means_, truth.means, rtol=1e-12)
        np.testing.assert_allclose(model.covariances_[0], np.diag(truth.covariances[0]), rtol=1e-9)
        bic = -2 * truth.log_likelihood + 4 * np.log(len(kept))
        np.testing.assert_allclose([model.bic(), model.bic(kept)], bic, rtol=1e-9)
    with pytest.warns(mixlib.SingularFitWarning):
        alone = GaussianMixture(covariance_type="diag").fit(np.ones((8, 2)))
    np.testing.assert_allclose(alone.covariances_, 1e-6 / (8 + 4 + 2 + 1), rtol=1e-9)  # no spread: a unit's millionth


def test_a_start_on_single_points_ends_regular():
    """A mixture whose first two components hold a point each: the fit says so, and everything is set."""
    start = mixlib.Mixture([0.1, 0.1, 0.8], [*X[:2], X.mean(axis=0)], [1e-6 * np.eye(2)] * 2 + [np.cov(X.T)])
    model = GaussianMixture(3, covariance_type="spherical", init=start, max_iter=1)
    with pytest.warns(mixlib.SingularFitWarning, match="component 0"), pytest.warns(mixlib.ConvergenceWarning):
        model.fit(X)
    assert not model.converged_ and model.n_iter_ == 1
    assert np.isfinite(model.lower_bound_) and (model.covariances_ > 0).all() and model.means_.shape == (3, 2)


def test_a_fit_that_collapses_goes_on_with_a_prior():
    """Seven points in three dimensions for each of seven components: the second fit starts at the last iterate of the first."""
    gone_on = 0
    for seed in range(30):
        x = np.random.default_rng(seed).normal(size=(50, 3))
        model = GaussianMixture(7, random_state=seed, tol=1e-9)
        settings = {
            name: value for name, value in model.get_params().items() if name not in ("covariance_type", "n_components")
        }
        try:
            mixlib.fit(x, 7, **settings)
        except mixlib.SingularFitError as error:
            last = error.mixture
        else:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x)
        assert np.isfinite(model.score(x)) and all(np.linalg.eigvalsh(S)[0] > 0 for S in model.covariances_)
        if last is not None:
            np.testing.assert_allclose(model.fit_.history[0].means, last.means, rtol=1e-12)
            gone_on += 1
    assert gone_on >= 5


def test_weights_repeat_points_in_any_order():
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 3, len(X))
    repeated = rng.permutation(np.repeat(X, weights, axis=0))
    for model in (KMeans(4, random_state=1), GaussianMixture(3, random_state=1)):
        a, b = clone(model).fit(X, sample_weight=weights), clone(model).fit(repeated)
        assert np.array_equal(a.predict(X), b.predict(X))


def test_pandas_in_pandas_out():
    frame = pd.DataFrame(X, columns=["eruptions", "waiting"])
    model = KMeans(3, random_state=0).set_output(transform="pandas").fit(frame)
    assert list(model.feature_names_in_) == ["eruptions", "waiting"]
    out = model.transform(frame)
    assert list(out.columns) == ["kmeans0", "kmeans1", "kmeans2"] and out.index.equals(frame.index)
    assert np.array_equal(model.labels_, KMeans(3, random_state=0).fit(X).labels_)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["waiting", "eruptions"]])
    assert np.array_equal(
        GaussianMixture(2, random_state=0).fit(frame).predict(frame),
        GaussianMixture(2, random_state=0).fit(X).predict(X),
    )


def test_pipeline_grid_search_and_clone():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), GaussianMixture(random_state=0)),
        {"gaussianmixture__n_components": [1, 2], "gaussianmixture__covariance_type": ["tied", "full"]},
        cv=3,
    ).fit(X)
    assert search.best_params_["gaussianmixture__n_components"] == 2
    pipeline = make_pipeline(StandardScaler(), KMeans(2, random_state=0)).fit(X)
    assert np.array_equal(pipeline.predict(X), clone(pipeline).fit(X).predict(X))


def test_estimators_survive_pickling():
    for model in (KMeans(3, random_state=0).fit(X), GaussianMixture(2, random_state=0).fit(X)):
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict(X), model.predict(X))


def test_random_states_of_every_kind():
    """Numbers of any type are one seed, old generators draw many, and none is NumPy's global one unless it is given."""
    starts = [
        KMeans(3, random_state=state).fit(X).fit_.history[0].means.tobytes()
        for state in (3, np.int64(3), np.random.default_rng(3), *map(np.random.RandomState, range(12)))
    ]
    assert starts[0] == starts[1] == starts[2] and len(set(starts)) > 8
    before = np.random.get_state()[1:3]
    for model in (KMeans(3), GaussianMixture(2)):
        model.fit(X)
    GaussianMixture(2).fit(X).sample()
    assert all(map(np.array_equal, np.random.get_state()[1:3], before))


def test_no_iteration_and_no_two_points():
    assert KMeans(3, tol=0, max_iter=0).fit(X).n_iter_ == GaussianMixture(tol=0, max_iter=0).fit(X).n_iter_ == 0
    assert KMeans(1).fit(X[:1]).inertia_ == 0
    with pytest.raises(ValueError, match="minimum of 2"):
        GaussianMixture().fit(X[:1])


def test_large_numbers_in_single_precision():
    """10^20 can be held, its square cannot: a score and the weak prior's variances are added up in double precision."""
    large = (1e20 * X).astype(np.float32)
    model = KMeans(3, random_state=0).fit(large)
    np.testing.assert_allclose(model.score(large), -model.inertia_, rtol=1e-6)
    with pytest.warns(mixlib.SingularFitWarning):
        model = GaussianMixture(covariance_type="diag").fit(large * np.float32([1, 0]))
    np.testing.assert_allclose(model.covariances_[0, 0], 1e40 * X[:, 0].var() * 272 / (272 + 4 + 2 + 1), rtol=1e-5)


def test_fit_predict_counts_the_weights():
    w = np.where(X[:, 0] > 3, 1.0, 0.0)
    model = GaussianMixture(2, random_state=0)
    weighted = model.fit_predict(X, sample_weight=w)
    assert np.array_equal(weighted, model.fit(X, sample_weight=w).predict(X))
    assert not np.array_equal(weighted, model.fit_predict(X))


def test_wrong_settings_are_named():
    for model, word in (
        (KMeans(0), "n_clusters"),
        (KMeans(300), "n_clusters"),
        (KMeans(2, init="best"), "init"),
        (GaussianMixture(2, covariance_type="round"), "covariance_type"),
        (GaussianMixture(2, max_iter=-1), "max_iter"),
        (GaussianMixture(2, tol=-1.0), "tol"),
    ):
        with pytest.raises(ValueError, match=word):
            model.fit(X)


def test_max_iter_warns():
    with pytest.warns(mixlib.ConvergenceWarning, match="max_iter=1"):
        KMeans(5, random_state=0, max_iter=1).fit(IRIS)
