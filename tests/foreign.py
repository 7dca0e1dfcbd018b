"""What must hold of the arrays of every other library, given a function `bring` that makes one of a NumPy array."""

import numpy as np
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
