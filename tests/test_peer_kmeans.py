"""k-means as users of scikit-learn know it: what its own tests ask of such an estimator, asked of ours.

Each truth is worked out by hand, by brute force or by `reference`.
"""

import numpy as np
import pytest
from common import fitted_without_convergence
from reference import inertia, lloyd
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_limits

import mixlib
from mixlib import KMeans

TENTHS = np.rint(10 * mixlib.datasets.iris().x)  # whole numbers: exact in every type
START = TENTHS[[0, 60, 140]]


def fitted(x=TENTHS, start=START, sample_weight=None, **options):
    return KMeans(len(start), init=start, **options).fit(x, sample_weight=sample_weight)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_five_weighted_points_by_hand(dtype):
    """From centres 0 and 2: {0} {2, 8, 10, 11} with means 0 and 7, then {0, 2} {8, 10, 11} with 3/2 and 10, which stay."""
    x, w = np.array([[0], [2], [8], [10], [11]], dtype=dtype), [1, 3, 1, 2, 2]
    model = KMeans(2, init=np.array([[0], [2]], dtype=dtype)).fit(x, sample_weight=w)
    assert [r.means.ravel().tolist() for r in model.fit_.history] == [[0, 2], [0, 7], [1.5, 10]]
    assert model.cluster_centers_.ravel().tolist() == [1.5, 10]
    assert model.labels_.tolist() == [0, 0, 1, 1, 1]
    assert (model.inertia_, model.n_iter_) == (1 * 2.25 + 3 * 0.25 + 4 + 2 * 1, 2)
    assert model.score(x, sample_weight=w) == -9 and model.score(x) == -(2.25 + 0.25 + 4 + 1)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_every_type_of_number_gives_the_same_clusters(dtype):
    same, truth = fitted(TENTHS.astype(dtype), START.astype(dtype)), fitted()
    assert np.array_equal(same.labels_, truth.labels_) and same.n_iter_ == truth.n_iter_
    np.testing.assert_allclose(same.cluster_centers_, truth.cluster_centers_, rtol=1e-6)
    np.testing.assert_allclose(same.inertia_, truth.inertia_, rtol=1e-6)
    np.testing.assert_allclose(same.transform(TENTHS.astype(dtype)), truth.transform(TENTHS), rtol=1e-5, atol=1e-5)
    own = np.float32 if dtype is np.float32 else np.float64
    assert same.cluster_centers_.dtype == same.transform(TENTHS.astype(dtype)).dtype == own
    assert same.fit_.mixture.means.dtype == np.float64 and same.labels_.dtype.kind == "i"


@pytest.mark.parametrize(
    "layout",
    [np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1][::-1], lambda x: x.tolist()],
    ids=["fortran", "strided", "reversed", "lists"],
)
def test_every_layout_of_memory_gives_the_same_bits(layout):
    same, truth = fitted(layout(TENTHS), layout(START)), fitted()
    assert np.array_equal(same.cluster_centers_, truth.cluster_centers_) and same.inertia_ == truth.inertia_
    assert np.array_equal(same.transform(layout(TENTHS)), truth.transform(TENTHS))
    seeds = [mixlib.kmeans_plusplus(x, 4, 5) for x in (TENTHS, layout(TENTHS), TENTHS.astype(np.float32))]
    assert np.array_equal(seeds[0], seeds[1]) and np.array_equal(seeds[0], seeds[2])
    assert len(np.unique(seeds[0], axis=0)) == 4 and {*map(tuple, seeds[0])} <= {*map(tuple, TENTHS)}


def test_each_iteration_allowed_is_one_of_lloyds_and_never_worse():
    """Stopped after m iterations: the centres, labels and J of a plain Lloyd after m, and predict says the labels."""
    last = fitted().n_iter_
    labels, centres = lloyd(TENTHS, START, last)
    costs = []
    for m in range(1, last + 1):
        model = fitted_without_convergence(KMeans(3, init=START, max_iter=m), TENTHS)
        assert np.array_equal(model.labels_, labels[m]) and model.n_iter_ == m
        np.testing.assert_allclose(model.cluster_centers_, centres[m], rtol=1e-12)
        J = inertia(TENTHS, labels[m], centres[m])
        np.testing.assert_allclose([model.inertia_, -model.score(TENTHS)], J, rtol=1e-12)
        assert np.array_equal(model.predict(TENTHS), model.labels_)
        costs.append(model.inertia_)
    assert last > 3 and all(after < before for before, after in zip(costs, costs[1:-1])) and costs[-1] <= costs[-2]


def test_centres_belong_to_themselves_and_distances_are_distances():
    model = KMeans(7, random_state=0).fit(TENTHS)
    assert model.predict(model.cluster_centers_).tolist() == list(range(7))
    between = model.transform(model.cluster_centers_)
    np.testing.assert_allclose(between, between.T, rtol=1e-12)
    assert not between.diagonal().any()
    np.testing.assert_allclose(model.transform(TENTHS), cdist(TENTHS, model.cluster_centers_), rtol=1e-12)
    assert np.array_equal(KMeans(7, random_state=0).fit_transform(TENTHS), model.transform(TENTHS))
    assert model.get_feature_names_out().tolist() == [f"kmeans{k}" for k in range(7)]


@pytest.mark.parametrize("init", ["k-means++", "random", np.str_("random")])
def test_the_best_of_several_starts_is_kept_whole(init):
    """One generator draws the same eight starts for eight fits as for one fit with eight: it must be the best of these."""
    rng = np.random.default_rng(3)
    ones = [
        fitted_without_convergence(KMeans(6, init=init, n_init=1, max_iter=4, random_state=rng), TENTHS)
        for _ in range(8)
    ]
    many = fitted_without_convergence(
        KMeans(6, init=init, max_iter=4, n_init=8, random_state=np.random.default_rng(3)), TENTHS
    )
    best = min(ones, key=lambda one: one.inertia_)
    assert ones[0].inertia_ > best.inertia_ == many.inertia_ and many.n_iter_ == best.n_iter_
    assert np.array_equal(many.labels_, best.labels_) and np.array_equal(many.cluster_centers_, best.cluster_centers_)


def test_a_given_start_is_run_once():
    starts = []
    mixlib.fit(
        TENTHS,
        3,
        covariance="identity",
        assignment="hard",
        weights="equal",
        init=START,
        n_init=5,
        callback=lambda record: starts.append(record.iteration),
    )
    assert starts.count(0) == 1 and starts == sorted(starts)


def test_a_solution_stays():
    first = fitted()
    again = fitted(start=first.cluster_centers_)
    assert np.array_equal(again.cluster_centers_, first.cluster_centers_)
    assert np.array_equal(again.labels_, first.labels_) and again.n_iter_ == 1


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_nothing_given_is_written_to_or_kept(dtype):
    x, start, w = TENTHS.astype(dtype), START.astype(dtype), np.linspace(0, 1, len(TENTHS))
    given = x, start, w
    before = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    model = fitted(x, start, w)
    for method in (model.predict, model.transform, model.score):
        method(x)
    assert all(np.array_equal(array, copy) for array, copy in zip(given, before))
    for array in (model.cluster_centers_, model.labels_, *(r.means for r in model.fit_.history)):
        assert not any(np.shares_memory(array, other) for other in given)


def test_predicting_changes_nothing():
    model = fitted()
    before = {name: np.copy(value) for name, value in vars(model).items() if name != "fit_"}
    model.cluster_centers_.flags.writeable = model.labels_.flags.writeable = False
    assert np.array_equal(model.predict(TENTHS), model.labels_)
    for method in (model.transform, model.score, model.predict):
        method(TENTHS[5:9])
    assert vars(model).keys() - {"fit_"} == before.keys()
    assert all(np.array_equal(vars(model)[name], value) for name, value in before.items())


@pytest.mark.parametrize("init", ["k-means++", "random", START])
def test_weights_of_one_any_factor_and_none(init):
    """Weights of one are no weights, a common factor changes J alone, and a point of weight 0 is as good as absent."""
    w = np.random.default_rng(0).uniform(0.1, 2, len(TENTHS))
    model = KMeans(3, init=init, random_state=2)
    pairs = [(model.fit(TENTHS).fit_, model.fit(TENTHS, sample_weight=np.ones(150)).fit_, 1.0)]
    pairs += [
        (model.fit(TENTHS, sample_weight=w).fit_, model.fit(TENTHS, sample_weight=c * w).fit_, c)
        for c in (0.5, 3.0, 1e-9)
    ]
    for a, b, factor in pairs:
        assert np.array_equal(a.labels, b.labels)
        np.testing.assert_allclose(b.mixture.means, a.mixture.means, rtol=1e-12)
        np.testing.assert_allclose(b.inertia, factor * a.inertia, rtol=1e-12)
    kept = np.arange(150) % 3 > 0
    a = clone(model).fit(TENTHS, sample_weight=np.where(kept, w, 0))
    b = clone(model).fit(TENTHS[kept], sample_weight=w[kept])
    np.testing.assert_allclose(a.cluster_centers_, b.cluster_centers_, rtol=1e-12)
    assert np.array_equal(a.predict(TENTHS), b.predict(TENTHS)) and np.array_equal(a.labels_[kept], b.labels_)


def test_centres_for_too_few_places_ignore_points_without_weight():
    with pytest.warns(mixlib.EmptyComponentWarning, match=r"\[1\] of 2"):
        model = KMeans(2).fit([[5.0], [5.0], [5.0], [1.0], [9.0]], sample_weight=[1, 1, 1, 0, 0])
    assert model.cluster_centers_.ravel().tolist() == [5, 5] and model.inertia_ == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_new_points_go_to_the_nearest_centre(dtype):
    """Together, one by one, near, far and very far: brute force on the same numbers in double precision."""
    model = fitted()
    rng = np.random.default_rng(1)
    new = np.r_[rng.normal(30, 20, (60, 4)), rng.normal(0, 1e4, (20, 4)), rng.normal(0, 1e8, (20, 4))].astype(dtype)
    nearest = cdist(new.astype(float), model.cluster_centers_).argmin(axis=1)
    assert np.array_equal(model.predict(new), nearest) and len(set(nearest)) == 3
    assert [model.predict(point[None])[0] for point in new] == nearest.tolist()
    np.testing.assert_allclose(model.transform(new), cdist(new.astype(float), model.cluster_centers_), rtol=1e-6)


@pytest.mark.parametrize("offset", [2.0**20, 1e8, -1e12])
def test_an_offset_changes_no_cluster(offset):
    model, plain = fitted(TENTHS + offset, START + offset), fitted()
    assert np.array_equal(model.labels_, plain.labels_) and np.array_equal(
        model.predict(TENTHS + offset), plain.labels_
    )
    rtol = 1e-9  # there the centres are rounded
    np.testing.assert_allclose([model.inertia_, -model.score(TENTHS + offset)], plain.inertia_, rtol=rtol)


def test_the_number_of_threads_changes_nothing():
    rng = np.random.default_rng(6)
    x = 2 * rng.normal(size=(5, 3))[rng.integers(5, size=40_000)] + rng.normal(size=(40_000, 3))
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(KMeans(5, init=x[:5]).fit(x))
    assert np.array_equal(results[0].labels_, results[1].labels_)
    np.testing.assert_allclose(results[0].cluster_centers_, results[1].cluster_centers_, rtol=1e-12)


def test_a_second_fit_forgets_the_first():
    model = fitted().set_params(n_clusters=2, init="k-means++", random_state=0).fit(TENTHS[:, :2])
    fresh = KMeans(2, random_state=0).fit(TENTHS[:, :2])
    assert np.array_equal(model.cluster_centers_, fresh.cluster_centers_) and np.array_equal(
        model.labels_, fresh.labels_
    )
    assert model.n_features_in_ == 2 and model.transform(TENTHS[:, :2]).shape == (150, 2)


def test_bad_calls_are_named():
    for method in ("predict", "transform", "score"):
        with pytest.raises(NotFittedError):
            getattr(KMeans(), method)(TENTHS)
    for options in (
        {"n_clusters": 151},
        {"init": TENTHS[:2]},
        {"init": TENTHS[:3, :2]},
        {"init": "kmeans"},
        {"n_init": 0},
    ):
        with pytest.raises(ValueError):
            KMeans(3).set_params(**options).fit(TENTHS)
    with pytest.raises(ValueError, match="bandwidth"):
        KMeans().set_params(bandwidth=1)
    with pytest.raises(TypeError):
        KMeans(covariance="full")
    for w in (np.zeros(150), -np.ones(150), np.ones(149), np.ones((150, 1)), np.full(150, np.nan)):
        for call in (KMeans(3).fit, fitted().score):
            with pytest.raises(ValueError, match="(?i)weight"):
                call(TENTHS, sample_weight=w)
