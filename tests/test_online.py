"""Learning from batches: stepwise EM and mini-batch k-means are the loop with sums that go on."""

import pickle

import numpy as np
import pytest
from common import ESTIMATED, SETTINGS, blobs, clusters, ignoring
from reference import COVARIANCES
from sklearn.cluster import MiniBatchKMeans as PeerMiniBatchKMeans

import mixlib
from mixlib import GaussianMixture, KMeans
from mixlib.online import Online

OFFSETS = [0.0, 1e8]


def in_batches(model, batches, **options):
    for batch in batches:
        model.partial_fit(batch, **options)
    return model


def same(a, b, rtol=1e-8, atol=1e-12):
    """Do two mixtures agree?"""
    np.testing.assert_allclose(a.weights, b.weights, rtol, atol)
    rounding = 4 * np.finfo(float).eps * np.abs(b.means).max()
    np.testing.assert_allclose(a.means - b.means, np.zeros_like(b.means), atol=rtol + atol + rounding)
    np.testing.assert_allclose(a.covariances, b.covariances, rtol, atol)


# ---- exact truths -----------------------------------------------------------------------------


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_one_component_has_the_moments_of_all_points(covariance, offset):
    """gamma_t is the share of the batch in all points: mean and covariance are theirs, whatever the batches."""
    rng = np.random.default_rng(1)
    x = rng.integers(-500, 500, size=(90, 3)) @ np.array([[1, 1, 0], [0, 2, 1], [0, 0, 3]]) + offset
    model = in_batches(GaussianMixture(covariance_type=covariance, assignment="hard"), np.split(x, [7, 8, 40]))
    deviations = x - offset - (x - offset).mean(axis=0)
    square = deviations.T @ deviations / len(x)
    expected = {"full": square, "diag": np.diag(np.diag(square)), "spherical": np.eye(3) * np.trace(square) / 3}
    expected = (
        np.eye(3) if covariance == "identity" else expected[covariance.removeprefix("tied_").replace("tied", "full")]
    )
    np.testing.assert_allclose(model.means_[0], x.mean(axis=0), rtol=1e-15, atol=1e-11)
    np.testing.assert_allclose(model.mixture_.covariances[0], expected, rtol=1e-11, atol=1e-7)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_one_batch_of_all_points_is_one_iteration(covariance, weights, assignment, offset):
    x = blobs(2, n=300, d=2, K=3)[0] + offset
    w = np.random.default_rng(3).uniform(0.1, 3, len(x))
    settings = {"weights": weights, "assignment": assignment, "init": x[[0, 50, 100]]}
    model = GaussianMixture(3, covariance_type=covariance, **settings).partial_fit(x, sample_weight=w)
    fit = mixlib.fit(x, 3, covariance=covariance, sample_weight=w, tol=0, max_iter=1, **settings)
    same(model.mixture_, fit.mixture)


@pytest.mark.parametrize("offset", OFFSETS)
def test_soft_batches_are_stepwise_em(offset):
    """Against the recursion written out: s <- (1 - gamma) s + gamma s_hat with gamma = (w / W)^0.7."""
    x, batches = blobs(4, n=240, d=2, K=2)[0], [(0, 100), (100, 110), (110, 240)]
    model = GaussianMixture(2, init=x[:2] + offset)
    mixture = mixlib.Mixture([0.5, 0.5], x[:2], np.broadcast_to(np.cov(x[:100].T, bias=True), (2, 2, 2)))
    s, total = 0.0, 0
    for start, end in batches:
        batch = x[start:end]
        total += len(batch)
        gamma = (len(batch) / total) ** 0.7
        t = np.stack([np.r_[1.0, point, np.outer(point, point).ravel()] for point in batch])
        s = (1 - gamma) * s + gamma * mixture.responsibilities(batch).T @ t / len(batch)
        means = s[:, 1:3] / s[:, :1]
        second = (s[:, 3:] / s[:, :1]).reshape(2, 2, 2)
        mixture = mixlib.Mixture(s[:, 0], means, second - means[:, :, None] * means[:, None, :])
        model.partial_fit(batch + offset)
        np.testing.assert_allclose(model.weights_, mixture.weights, rtol=1e-6)
        np.testing.assert_allclose(model.means_ - offset, mixture.means, atol=1e-6)
        np.testing.assert_allclose(model.covariances_, mixture.covariances, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_kmeans_is_mini_batch_kmeans(weighted):
    """Sculley's centres, as scikit-learn has them where it moves none at random."""
    x = blobs(5, n=600, d=3, K=5)[0]
    w = np.random.default_rng(6).uniform(0.5, 2, len(x)) if weighted else np.ones(len(x))
    ours, peer = KMeans(5, init=x[:5]), PeerMiniBatchKMeans(5, init=x[:5], n_init=1, reassignment_ratio=0)
    for part in np.array_split(np.arange(len(x)), 9):
        ours.partial_fit(x[part], sample_weight=w[part])
        peer.partial_fit(x[part], sample_weight=w[part])
        np.testing.assert_allclose(ours.cluster_centers_, peer.cluster_centers_, rtol=1e-10)
    assert np.array_equal(ours.predict(x), peer.predict(x))
    np.testing.assert_allclose(ours.score(x), peer.score(x))


# ---- properties -------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_with_labels_that_never_change_batches_do_not_matter(covariance):
    """Far clusters, hard: any order and any size of batches lead to the M-step of all points."""
    x, z = clusters(seed=7, n=120, d=2, K=3, spread=300.0)
    settings = {"covariance_type": covariance, "assignment": "hard"}
    fit = mixlib.fit(x, 3, covariance=covariance, assignment="hard", init=z)
    rng = np.random.default_rng(8)
    for cuts in ([], [30], [30, 31, 90], [60, 100]):
        order = np.r_[:30, 30 + rng.permutation(90)]
        model = in_batches(GaussianMixture(3, init=x[:3], **settings), np.split(x[order], cuts))
        same(model.mixture_, fit.mixture)


def test_kmeans_of_far_clusters_is_that_of_all_points():
    x, z = clusters(seed=7, n=120, d=2, K=3, spread=300.0)
    model = in_batches(KMeans(3, random_state=0), np.split(x, [10, 50]))
    fit = KMeans(3, random_state=0).fit(x)
    order, other = np.argsort(model.cluster_centers_[:, 0]), np.argsort(fit.cluster_centers_[:, 0])
    np.testing.assert_allclose(model.cluster_centers_[order], fit.cluster_centers_[other], rtol=1e-12)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_a_weight_is_a_number_of_copies(covariance, assignment):
    x = blobs(9, n=300, d=2, K=2)[0]
    w = np.random.default_rng(10).integers(0, 4, len(x))
    settings = {"covariance_type": covariance, "assignment": assignment, "init": x[:2]}
    weighted, copied, scaled = (GaussianMixture(2, **settings) for _ in range(3))
    for part in np.split(np.arange(len(x)), [100, 130]):
        weighted.partial_fit(x[part], sample_weight=w[part])
        scaled.partial_fit(x[part], sample_weight=1e-3 * w[part])
        copied.partial_fit(np.repeat(x[part], w[part], axis=0))
    same(weighted.mixture_, copied.mixture_)
    same(weighted.mixture_, scaled.mixture_)


def test_batches_come_near_the_fit():
    """On new points the log density is that of a fit of all points, within three standard errors of its mean difference."""
    x, _ = blobs(11, n=24_000, d=2, K=3, spread=5.0)
    new = x[20_000:]
    for covariance in COVARIANCES:
        settings = {"covariance_type": covariance, "random_state": 0}
        fit = GaussianMixture(3, **settings).fit(x[:20_000])
        model = in_batches(GaussianMixture(3, **settings), np.split(x[:20_000], 50))
        lost = fit.score_samples(new) - model.score_samples(new)
        error = lost.std() / np.sqrt(len(new))
        assert lost.mean() < 3 * error, (covariance, lost.mean(), error)
        first = fit.score(new) - GaussianMixture(3, **settings).partial_fit(x[:400]).score(new)
        assert first > 0.005 and lost.mean() < first / 3, (covariance, first)


@pytest.mark.parametrize("prior", [None, mixlib.Prior(shrinkage=2.0)], ids=["likelihood", "prior"])
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_after_a_fit_the_sums_are_those_that_lead_to_it(covariance, weights, assignment, offset, prior):
    """The M-step of the sums behind a fit is the fit; a batch of little weight hardly moves it, and a step ahead is an iteration."""
    x = clusters(12, n=300, d=2, K=2)[0] + offset
    settings = {"weights": weights, "assignment": assignment, "prior": prior, "random_state": 1}
    model = GaussianMixture(2, covariance_type=covariance, **settings).fit(x)
    before = model.mixture_
    after = Online.after(model.fit_).step().mixture
    same(after, before, rtol=1e-8, atol=1e-9)
    model.partial_fit(x[:50], sample_weight=np.full(50, 1e-9))
    same(model.mixture_, before, rtol=1e-4, atol=1e-4)
    model.partial_fit(x[:50])
    assert np.abs(model.means_ - before.means).max() > 1e-4


def test_kmeans_after_a_fit_goes_on_counting():
    x = blobs(13, n=200, d=2, K=3)[0]
    model = KMeans(3, random_state=2).fit(x)
    labels, new = model.labels_, x[:30] + 0.1
    assigned = model.predict(new)
    model.partial_fit(new)
    expected = [np.r_[x[labels == k], new[assigned == k]].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(model.cluster_centers_, expected, rtol=1e-12)
    assert model.fit(x).labels_.shape == (200,) and model.n_iter_ > 0


@pytest.mark.parametrize("make", [KMeans, GaussianMixture])
def test_a_fit_forgets_the_batches_before(make):
    x = blobs(21, n=200, d=2, K=2)[0]
    model = make(2, random_state=0).partial_fit(x + 50).fit(x).partial_fit(x[:40])
    fresh = make(2, random_state=0).fit(x).partial_fit(x[:40])
    assert np.array_equal(model.predict(x), fresh.predict(x)) and model.score(x) == fresh.score(x)


# ---- singular covariances ---------------------------------------------------------------------


@pytest.mark.parametrize("covariance", ["spherical", "diag", "full"])
def test_a_singular_covariance_gets_the_weak_prior(covariance):
    """A component on copies of one point, in the first batch: what fit makes of it with the prior, and the warning once."""
    x = np.r_[clusters(seed=14, n=60, d=2, K=2, spread=50.0)[0], np.full((2, 2), 900.0)]
    settings = {"assignment": "hard", "init": x[[0, 1, -1]]}
    model = GaussianMixture(3, covariance_type=covariance, **settings)
    with pytest.warns(mixlib.SingularFitWarning, match="weak prior") as caught:
        model.partial_fit(x)
    assert len(caught) == 1 and caught[0].filename == __file__
    weak = mixlib.Prior(scale=1e-6 * x.var(axis=0))
    same(model.mixture_, mixlib.fit(x, 3, covariance=covariance, prior=weak, tol=0, max_iter=1, **settings).mixture)
    model.partial_fit(x)  # without a warning: the prior stays
    assert np.isfinite(model.score_samples(x)).all()


def test_a_covariance_that_becomes_singular_later():
    """A component without points in the first batch keeps its start; a single one in the second has no covariance."""
    x = clusters(seed=14, n=60, d=2, K=2, spread=50.0)[0]
    model = GaussianMixture(3, weights="equal", assignment="hard", init=np.r_[x[:2], [[900.0, 900.0]]]).partial_fit(x)
    with pytest.warns(mixlib.SingularFitWarning, match="component 2") as caught:
        model.partial_fit(np.full((1, 2), 901.0))
    assert len(caught) == 1 and caught[0].filename == __file__
    assert np.isfinite(model.score_samples(x)).all() and model.predict([[901.0, 901.0]]) == [2]


@pytest.mark.parametrize("covariance", [c for c in ESTIMATED if "spherical" not in c])
def test_a_constant_column_in_the_first_batch(covariance):
    x = np.random.default_rng(15).normal(size=(100, 2)) * [1, 0]
    with pytest.warns(mixlib.SingularFitWarning):
        model = GaussianMixture(covariance_type=covariance).partial_fit(x)
    model.partial_fit(x + [0, 3])
    assert 0 < model.means_[0, 1] < 3 and np.isfinite(model.score(x))


def test_a_weak_prior_has_the_variances_of_all_points_so_far():
    for covariance in ("diag", "full", "tied", "tied_diag"):
        x = blobs(16, n=200, d=3, K=2)[0] * [1, 10, 1e-3] + 1e6
        model = in_batches(GaussianMixture(2, covariance_type=covariance, assignment="hard"), np.split(x, 4))
        np.testing.assert_allclose(model._online.column_variances(), (x - 1e6).var(axis=0), rtol=1e-6)


# ---- what an estimator says, keeps and refuses ------------------------------------------------


def test_what_is_there_afterwards():
    x = blobs(17, n=5000, d=2, K=2)[0]
    mixture, kmeans = GaussianMixture(2, random_state=0).fit(x), KMeans(2, random_state=0).fit(x)
    for model in (mixture, kmeans):
        model.partial_fit(x)
        assert len(pickle.dumps(model)) < 5000
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict(x), model.predict(x))
        again.partial_fit(x[:100]), model.partial_fit(x[:100])
        assert np.array_equal(again.predict(x), model.predict(x))
    assert not hasattr(kmeans, "labels_") and not hasattr(mixture, "lower_bound_")
    assert mixture.predict_proba(x).shape == kmeans.transform(x).shape == (5000, 2)
    assert mixture.bic(x) > mixture.aic(x) and len(mixture.sample(5)[0]) == 5
    with pytest.raises(AttributeError, match=r"bic\(X\)"):
        mixture.bic()


def test_single_precision_and_slices_of_a_file(tmp_path):
    x = blobs(18, n=400, d=2, K=2)[0].astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for make in (lambda: KMeans(2, random_state=0), lambda: GaussianMixture(2, random_state=0)):
        model, whole = make(), make()
        for start in range(0, 400, 100):
            model.partial_fit(mapped[start : start + 100])
            whole.partial_fit(x[start : start + 100])
        assert np.array_equal(model.predict(x), whole.predict(x))
        assert (model.means_ if isinstance(model, GaussianMixture) else model.cluster_centers_).dtype == np.float32
        with pytest.raises(TypeError, match="one batch in main memory.*bring its blocks there"):
            model.partial_fit(str(tmp_path / "x.npy"))


@pytest.mark.parametrize("make", [KMeans, GaussianMixture])
def test_errors(make):
    x = blobs(19, n=100, d=2, K=2)[0]
    with pytest.raises(ValueError, match="needs at least 8 points"):
        make(8).partial_fit(x[:5])
    with pytest.raises(ValueError, match="only 3 distinct points"):
        make(4).partial_fit(np.repeat(x[:3], 5, axis=0))
    model = make(2, random_state=0).partial_fit(x)
    before = model.predict(x)
    with pytest.raises(ValueError, match="3 features"):
        model.partial_fit(np.ones((5, 3)))
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.where(np.arange(200).reshape(100, 2) == 7, np.nan, x))
    with pytest.raises(ValueError, match="sample_weight"):
        model.partial_fit(x, sample_weight=np.ones(3))
    assert np.array_equal(model.predict(x), before)
    name = "n_clusters" if make is KMeans else "n_components"
    with pytest.raises(ValueError, match="has changed since"):
        model.set_params(**{name: 3}).partial_fit(x)
    model.set_params(**{name: 2})
    if make is KMeans:
        model.cluster_centers_ = x[:2]
    else:
        model.mixture_ = mixlib.Mixture([0.5, 0.5], x[:2], [np.eye(2)] * 2)
    with pytest.raises(ValueError, match="set since the last batch"):
        model.partial_fit(x)


def test_a_changed_constraint_is_refused():
    x = blobs(19, n=100, d=2, K=2)[0]
    model = GaussianMixture(2, random_state=0).fit(x)
    for change in ({"covariance_type": "diag"}, {"weights": "equal"}, {"assignment": "hard"}, {"variance": 2.0}):
        with pytest.raises(ValueError, match="has changed since"):
            pickle.loads(pickle.dumps(model)).set_params(**change).partial_fit(x)


@pytest.mark.parametrize("make", [KMeans, GaussianMixture])
def test_one_point_at_a_time(make):
    x = blobs(20, n=300, d=2, K=2, spread=8.0)[0]
    model = make(2, random_state=0).partial_fit(x[:100])
    with ignoring():
        in_batches(model, x[100:, None])
    assert np.isfinite(model.score(x)) and model.score(x) > model.score(x + 5)
