"""What must hold of the arrays of every other library, given a function `bring` that makes one of a NumPy array.

Of those in main memory, which NumPy reads (`PROMISES`), and of those on a device, where it cannot (`ELSEWHERE`).
"""

import numpy as np
import pytest
from common import KMEANS, SETTINGS, blobs

import mixlib


def fits_are_the_same_bits(bring):
    """Each constraint, weights and labels as starts too; what comes back is NumPy's."""
    x, z = blobs(1, d=3)
    w = np.random.default_rng(1).exponential(size=len(x))
    for covariance, weights, assignment in SETTINGS:
        options = {"covariance": covariance, "weights": weights, "assignment": assignment, "tol": 0, "max_iter": 5}
        for start, weight in ((x[:4], None), (z, w), (np.eye(4)[z], None)):
            theirs = None if weight is None else bring(weight)
            a = mixlib.fit(bring(x), 4, init=bring(start), sample_weight=theirs, **options)
            b = mixlib.fit(x, 4, init=start, sample_weight=weight, **options)
            assert [r.objective for r in a.history] == [r.objective for r in b.history]
            for one, other in ((a.mixture.means, b.mixture.means), (a.labels, b.labels)):
                assert type(one) is np.ndarray
                np.testing.assert_array_equal(one, other)


def methods_are_the_same_bits(bring):
    """Of a mixture, of the estimators, of `select` and of seeding; in both precisions."""
    for dtype in (np.float64, np.float32):
        x = blobs(2, n=700)[0].astype(dtype)
        mixture = mixlib.fit(x, 3, random_state=0).mixture
        copied = mixlib.Mixture(*(bring(part) for part in (mixture.weights, mixture.means, mixture.covariances)))
        np.testing.assert_array_equal(copied.means, mixture.means)
        for name in ("log_density", "responsibilities", "predict", "uncertainty"):
            ours, theirs = (getattr(mixture, name)(points) for points in (x, bring(x)))
            assert type(theirs) is np.ndarray and theirs.dtype == ours.dtype
            np.testing.assert_array_equal(ours, theirs)
        a, b = (mixlib.KMeans(3, random_state=0).fit(points) for points in (bring(x), x))
        np.testing.assert_array_equal(a.cluster_centers_, b.cluster_centers_)
        np.testing.assert_array_equal(a.transform(bring(x)), b.transform(x))
        assert a.score(bring(x)) == b.score(x) and a.cluster_centers_.dtype == dtype
        a.partial_fit(bring(x)), b.partial_fit(x)
        np.testing.assert_array_equal(a.cluster_centers_, b.cluster_centers_)
        a, b = (mixlib.GaussianMixture(3, random_state=0).fit(points) for points in (bring(x), x))
        np.testing.assert_array_equal(a.predict_proba(bring(x)), b.predict_proba(x))
        assert a.bic(bring(x)) == b.bic(x)
        a, b = (mixlib.select(points, [1, 2], ["diag"], progress=False, random_state=0) for points in (bring(x), x))
        assert a.ranking == b.ranking and len(a.ranking) == 2
        np.testing.assert_array_equal(*(mixlib.kmeans_plusplus(points, 3, 0) for points in (bring(x), x)))


def blocks_are_taken(bring):
    """From a function that yields arrays of the library: the fit of the same blocks in NumPy."""
    x, z = blobs(3, n=900)
    for setting in ({}, KMEANS):
        options = {"init": x[:4], "tol": 0, "max_iter": 4, **setting}
        a = mixlib.fit(lambda: (bring(x[i : i + 250]) for i in range(0, 900, 250)), 4, **options)
        b = mixlib.fit(lambda: (x[i : i + 250] for i in range(0, 900, 250)), 4, **options)
        assert [r.objective for r in a.history] == [r.objective for r in b.history]
        np.testing.assert_array_equal(a.labels, b.labels)


def nothing_is_overwritten(bring):
    x, z = blobs(4, n=500)
    w = np.ones(500)
    given = {"x": x.copy(), "init": x[:4].copy(), "w": w.copy()}
    theirs = {name: bring(value) for name, value in given.items()}
    mixlib.fit(theirs["x"], 4, init=theirs["init"], sample_weight=theirs["w"])
    mixlib.KMeans(4, init=theirs["init"]).fit(theirs["x"]).partial_fit(theirs["x"])
    for name, before in (("x", x), ("init", x[:4]), ("w", w)):
        np.testing.assert_array_equal(given[name], before)
        np.testing.assert_array_equal(np.from_dlpack(theirs[name]), before)


PROMISES = (fits_are_the_same_bits, methods_are_the_same_bits, blocks_are_taken, nothing_is_overwritten)


def assert_same_fit(a, b, rtol):
    assert len(a.history) == len(b.history)
    np.testing.assert_allclose([r.objective for r in a.history], [r.objective for r in b.history], rtol=rtol)
    mixtures = [(getattr(a.mixture, name), getattr(b.mixture, name)) for name in ("weights", "means", "covariances")]
    for one, other in (*mixtures, (a.responsibilities, b.responsibilities)):
        assert type(one) is np.ndarray
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e3 * rtol)
    assert type(a.labels) is np.ndarray
    np.testing.assert_array_equal(a.labels, b.labels)


def fits_are_those_of_the_array(bring):
    """Up to rounding: every constraint; means, labels, responsibilities as starts; weights, some of them 0."""
    x, z = blobs(1, n=400, d=3)
    w = np.random.default_rng(1).exponential(size=len(x)) * (np.arange(len(x)) % 5 > 0)
    for covariance, weights, assignment in SETTINGS:
        options = {"covariance": covariance, "weights": weights, "assignment": assignment, "tol": 0, "max_iter": 5}
        for init, weight in ((x[:4], None), (z, w), (np.eye(4)[z], None)):
            a, b = (mixlib.fit(p, 4, init=init, sample_weight=weight, **options) for p in (bring(x), x))
            assert_same_fit(a, b, 1e-11)
        single = x.astype(np.float32)
        a, b = (mixlib.fit(p, 4, init=z, sample_weight=w, **options) for p in (bring(single), single))
        assert_same_fit(a, b, 2e-5)


def starts_are_those_of_a_source(bring):
    x, _ = blobs(3, n=900)
    for setting in ({}, KMEANS, {"covariance": "diag"}):
        for init in ("k-means++", "k-means||", "random", "k-means"):
            for points in (x, x + 1e6):
                options = {"init": init, "max_iter": 10, "tol": 0, "random_state": 0, **setting}
                a, b = (mixlib.fit(p, 4, **options) for p in (bring(points), lambda: iter([points])))
                assert_same_fit(a, b, 1e-9)


def high_dimension_goes_by_deviations(bring):
    x = np.random.default_rng(0).normal(size=(600, 70))
    x[:200] += 1
    for covariance in ("full", "tied", "diag"):
        for assignment in ("soft", "hard"):
            options = {"covariance": covariance, "assignment": assignment, "init": np.arange(600) // 200, "tol": 0}
            a, b = (mixlib.fit(p, 3, max_iter=3, **options) for p in (bring(x), x))
            assert_same_fit(a, b, 1e-10)


def narrow_components_lose_no_digits(bring):
    """Far from the origin and narrow beside that: the log-joint and the scatter from deviations."""
    x, z = blobs(4, d=2)
    x = 1e-5 * x + 10.0 * (np.arange(4)[z][:, None] - 1)
    for covariance, assignment in (("full", "soft"), ("diag", "hard"), ("spherical", "soft"), ("tied_diag", "soft")):
        options = {"covariance": covariance, "assignment": assignment, "init": z, "tol": 0, "max_iter": 4}
        a, b = (mixlib.fit(p, 4, **options) for p in (bring(x), x))
        assert_same_fit(a, b, 1e-7)


def a_component_of_no_weight_gets_no_point(bring):
    x, _ = blobs(2, n=400)
    mixture = mixlib.fit(x, 3, init=x[:3], max_iter=3, tol=0).mixture
    empty = mixlib.Mixture([0.5, 0.0, 0.5], mixture.means, mixture.covariances)
    for assignment in ("soft", "hard"):
        with pytest.warns(mixlib.EmptyComponentWarning):
            a = mixlib.fit(bring(x), 3, init=empty, assignment=assignment, max_iter=2, tol=0)
        with pytest.warns(mixlib.EmptyComponentWarning):
            b = mixlib.fit(x, 3, init=empty, assignment=assignment, max_iter=2, tol=0)
        assert_same_fit(a, b, 1e-10)
        assert a.mixture.weights[1] == 0 and not (a.labels == 1).any()


def empty_components_are_reseeded(bring):
    x, _ = blobs(5, n=300)
    far = np.vstack([x[:2], np.full((2, x.shape[1]), 1e3)])
    w = np.random.default_rng(0).exponential(size=300)
    for weight in (None, w):
        a, b = (
            mixlib.fit(p, 4, init=far, reseed=True, sample_weight=weight, **KMEANS)
            for p in (bring(x), lambda: iter([x]))
        )
        assert_same_fit(a, b, 1e-10)
        assert len(np.unique(a.labels)) == 4


def many_means_tie_as_in_the_array(bring):
    """More than 255 of them, and points as near to one as to another: the lowest label."""
    x = np.stack(np.meshgrid(np.arange(40.0), np.arange(30.0)), axis=-1).reshape(-1, 2)
    for centres in (x[::4], x[::4] + [0.5, 0.0]):
        a, b = (mixlib.fit(p, len(centres), init=centres, max_iter=2, tol=0, **KMEANS) for p in (bring(x), x))
        assert len(centres) > 255
        assert_same_fit(a, b, 1e-10)


def tight_clusters_keep_the_digits_of_their_inertia(bring):
    """There k-means takes distances one by one."""
    rng = np.random.default_rng(5)
    z = rng.integers(4, size=900)
    x = 1e-6 * rng.normal(size=(900, 3)) + 10 * rng.normal(size=(4, 3))[z]
    for weight in (None, rng.exponential(size=900)):
        a, b = (mixlib.fit(p, 4, init=z, max_iter=3, sample_weight=weight, **KMEANS) for p in (bring(x), x))
        squares = ((x - b.mixture.means[z]) ** 2).sum(axis=1)
        np.testing.assert_allclose(a.inertia, squares @ (np.ones(900) if weight is None else weight), rtol=1e-6)
        assert_same_fit(a, b, 1e-6)


def whole_numbers_are_points(bring):
    x = np.round(10 * blobs(6, n=200)[0]).astype(np.int64)
    a, b = (mixlib.fit(p, 2, init=x[:2], max_iter=3, tol=0) for p in (bring(x), x))
    assert_same_fit(a, b, 1e-10)


def mixtures_and_estimators_answer_in_numpy(bring):
    """What is said of points: each block comes home for it."""
    x, _ = blobs(2, n=700)
    w = np.random.default_rng(1).exponential(size=700)
    a, b = (mixlib.fit(p, 3, init=x[:3]) for p in (bring(x), x))
    for name in ("inertia", "log_likelihood", "classification_log_likelihood"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-10)
    np.testing.assert_array_equal(b.predict(bring(x)), b.predict(x))
    mixture = b.mixture
    for name in ("log_density", "responsibilities", "predict", "uncertainty"):
        here, there = (getattr(mixture, name)(p) for p in (x, bring(x)))
        assert type(there) is np.ndarray
        np.testing.assert_array_equal(there, here)
    kmeans = mixlib.KMeans(3, init=x[:3]).fit(bring(x))
    np.testing.assert_array_equal(kmeans.labels_, mixlib.KMeans(3, init=x[:3]).fit(x).labels_)
    np.testing.assert_array_equal(kmeans.predict(bring(x)), kmeans.labels_)
    np.testing.assert_array_equal(kmeans.transform(bring(x)), kmeans.transform(x))
    for weight in (None, w):
        ours, theirs = (kmeans.score(p, sample_weight=weight) for p in (x, bring(x)))
        np.testing.assert_allclose(theirs, ours, rtol=1e-12)
    model = mixlib.GaussianMixture(3, init=x[:3]).fit(bring(x), sample_weight=w)
    same = mixlib.GaussianMixture(3, init=x[:3]).fit(x, sample_weight=w)
    np.testing.assert_allclose(model.means_, same.means_, rtol=1e-9)
    np.testing.assert_array_equal(model.predict_proba(bring(x)), model.predict_proba(x))
    np.testing.assert_array_equal(model.score_samples(bring(x)), model.score_samples(x))
    for ask in (lambda p: model.score(p), lambda p: model.score(p, sample_weight=w), model.bic, model.aic):
        np.testing.assert_allclose(ask(bring(x)), ask(x), rtol=1e-12)
    chosen, other = (
        mixlib.select(p, [1, 3], ["diag"], init="k-means||", random_state=0, progress=False)
        for p in (bring(x), lambda: iter([x]))
    )
    names = [[(model.covariance, model.n_components) for model in found.ranking] for found in (chosen, other)]
    assert names[0] == names[1] and len(names[0]) == 2


ELSEWHERE = (
    fits_are_those_of_the_array,
    starts_are_those_of_a_source,
    high_dimension_goes_by_deviations,
    narrow_components_lose_no_digits,
    a_component_of_no_weight_gets_no_point,
    empty_components_are_reseeded,
    many_means_tie_as_in_the_array,
    tight_clusters_keep_the_digits_of_their_inertia,
    whole_numbers_are_points,
    mixtures_and_estimators_answer_in_numpy,
)
