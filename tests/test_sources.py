"""Blocks of rows from a file, a memmap, a function or a Dask array give the same fit as the array, up to rounding."""

import inspect
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import common
import dask
import dask.array as da
import numpy as np
import pytest
from common import KMEANS, SETTINGS, blobs, fit_exactly
from sources import KINDS, small_reads, source

import mixlib
from mixlib._engine import files
from mixlib._engine.dask_blocks import DaskBlocks
from mixlib._engine.data import Data
from mixlib._engine.sources import as_source
from mixlib._engine.streamed import StreamedData
from mixlib._engine.threads import map_blocks
from mixlib.covariance import CONSTRAINTS
from mixlib.lloyd_once import fingerprint
from mixlib.log_joint import moments_are_many


@pytest.fixture(autouse=True)
def many_blocks():
    """Small blocks; Dask on two threads."""
    with common.small_blocks(), small_reads(), dask.config.set(scheduler="threads", num_workers=2):
        yield


def assert_same_fit(a, b, rtol=1e-9):
    assert len(a.history) == len(b.history) and a.converged == b.converged
    for one, other in zip(a.history, b.history):
        np.testing.assert_allclose(one.objective, other.objective, rtol=1e-11)
        np.testing.assert_allclose(one.means, other.means, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(one.mixture.covariances, other.mixture.covariances, rtol=10 * rtol, atol=rtol)
    np.testing.assert_array_equal(np.asarray(a.labels), np.asarray(b.labels))
    np.testing.assert_allclose(np.asarray(a.responsibilities), np.asarray(b.responsibilities), rtol=0, atol=rtol)
    for name in ("inertia", "log_likelihood", "classification_log_likelihood", "total_weight"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_a_source_changes_nothing(covariance, weights, assignment, kind, tmp_path):
    x, z = blobs(1, d=3)
    w = np.random.default_rng(1).exponential(size=len(x)) * (np.arange(len(x)) % 7 > 0)
    options = {
        "covariance": covariance,
        "weights": weights,
        "assignment": assignment,
        "init": z,
        "sample_weight": w if covariance in ("full", "identity", "tied_diag") else None,
        "max_iter": 8,
    }
    assert_same_fit(fit_exactly(source(kind, x, tmp_path), 4, **options), fit_exactly(x, 4, **options))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_nine_columns_in_single_precision(assignment, kind, tmp_path):
    """From eight columns on, a point's numbers stand side by side; far from the origin, float32 is centred first."""
    x, z = blobs(2, d=9)
    x = (x + 1e4).astype(np.float32)
    for covariance in ("identity", "full", "diag"):
        options = {"covariance": covariance, "weights": "equal", "assignment": assignment, "init": z, "max_iter": 5}
        a, b = fit_exactly(source(kind, x, tmp_path), 4, **options), fit_exactly(x, 4, **options)
        np.testing.assert_allclose(a.objective, b.objective, rtol=1e-5)
        np.testing.assert_allclose(a.mixture.means, b.mixture.means, rtol=1e-6)
        assert (np.asarray(a.labels) == b.labels).mean() > 0.999


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_many_columns_and_few_components(assignment, kind, tmp_path):
    """Where second moments are many, sums are those of deviations from the means: of a source, too."""
    x, z = blobs(6, d=20)
    w = np.random.default_rng(6).exponential(size=len(x))
    there = source(kind, x, tmp_path)
    assert moments_are_many(Data(x, w, CONSTRAINTS["full"]), 4)
    options = {"covariance": "full", "assignment": assignment, "init": z, "sample_weight": w, "max_iter": 5}
    assert_same_fit(fit_exactly(there, 4, **options), fit_exactly(x, 4, **options))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ["far", "tight", "large", "small"])
def test_the_numerics_are_those_of_the_array(case, kind, tmp_path):
    """Offsets, tight components (which need the Cholesky form) and extreme units."""
    x, z = blobs(3, n=900)
    x = {"far": x + 1e7, "tight": x + 1e6 * z[:, None], "large": x * 1e150, "small": x * 1e-150}[case]
    for covariance in ("full", "tied", "diag", "spherical"):
        options = {"covariance": covariance, "init": z, "max_iter": 6}
        assert_same_fit(fit_exactly(source(kind, x, tmp_path), 4, **options), fit_exactly(x, 4, **options), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_what_is_known_before_the_loop_is_the_same(name, kind, tmp_path):
    """Coordinates, mean, radius (which chooses the form of the log-joint), second moments, and the limits of rounding."""
    x, _ = blobs(4, d=9)
    x = x * 10.0 ** np.arange(9) + 5.0
    w = np.random.default_rng(4).exponential(size=len(x))
    there = as_source(source(kind, x, tmp_path)).examine("x")
    a, b = StreamedData(there, w, CONSTRAINTS[name]), Data(x, w, CONSTRAINTS[name])
    for field in ("mean", "radius", "second_moments", "total_weight", "rounding", "negligible_weight", "n", "d"):
        np.testing.assert_allclose(getattr(a, field), getattr(b, field), rtol=1e-10, atol=1e-9, err_msg=field)
    for field in ("shift", "scale"):
        np.testing.assert_allclose(getattr(a.coordinates, field), getattr(b.coordinates, field), rtol=1e-12)
    if b.coordinates.root is not None:
        np.testing.assert_allclose(a.coordinates.root, b.coordinates.root, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a.scatter(), b.scatter(), rtol=1e-9, atol=1e-9 * np.abs(b.scatter()).max())
    assert a.dtype == b.dtype


@pytest.mark.parametrize("kind", KINDS)
def test_k_means_ends_when_the_labels_repeat(kind, tmp_path):
    """The same number of iterations as with labels kept, ties and duplicates included; with a weight of 0 too."""
    grid = np.random.default_rng(5).integers(0, 7, size=(900, 2)).astype(float)
    w = (np.arange(900) % 3 > 0).astype(float)
    for x, weight in ((blobs(5)[0], None), (grid, None), (grid, w)):
        options = {**KMEANS, "init": x[:4] + [[0.0, 0], [1, 0], [0, 1], [1, 1]], "tol": 1, "sample_weight": weight}
        a, b = mixlib.fit(source(kind, x, tmp_path), 4, **options), mixlib.fit(x, 4, **options)
        assert a.converged and a.n_iter == b.n_iter
        np.testing.assert_array_equal(np.asarray(a.labels), b.labels)
        np.testing.assert_allclose(a.mixture.means, b.mixture.means, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_one_label_changes_the_fingerprint(kind, tmp_path):
    """Means that move between two points: as soon as one label differs, the loop goes on."""
    x = np.concatenate([np.zeros(500), np.ones(500), [10.0]])[:, None]
    fit = mixlib.fit(source(kind, x, tmp_path), 2, **KMEANS, init=[[0.0], [1.0]])
    same = mixlib.fit(x, 2, **KMEANS, init=[[0.0], [1.0]])
    assert fit.n_iter == same.n_iter and fit.inertia == pytest.approx(same.inertia)
    np.testing.assert_array_equal(np.asarray(fit.labels), same.labels)


def test_what_a_fingerprint_sees():
    """Each label, its place in the block and the block's; not the labels of points without weight."""
    labels = np.random.default_rng(0).integers(5, size=300)
    w = (np.arange(300) % 3 > 0).astype(float)
    prints = {fingerprint(labels, 0, None, 5).item(), fingerprint(labels, 300, None, 5).item()}
    for point in range(300):
        other = labels.copy()
        other[point] = (other[point] + 1) % 5
        prints.add(fingerprint(other, 0, None, 5).item())
        same = fingerprint(other, 0, w, 5) == fingerprint(labels, 0, w, 5)
        assert same == (w[point] == 0)
    assert len(prints) == 302
    prints.add(fingerprint(np.roll(labels, 1), 0, None, 5).item())
    assert len(prints) == 303 and fingerprint(labels, 0, None, 5) == fingerprint(labels.astype(np.int32), 0, None, 5)


@pytest.mark.parametrize("init", ["labels", "responsibilities", "means", "mixture", "dask labels"])
@pytest.mark.parametrize("kind", KINDS)
def test_starts_that_are_given(kind, init, tmp_path):
    x, z = blobs(6, n=700)
    r = np.random.default_rng(6).dirichlet(np.ones(4), size=len(x))
    start = {
        "labels": z,
        "responsibilities": r,
        "means": x[:4],
        "mixture": fit_exactly(x, 4, init=z, max_iter=1).mixture,
        "dask labels": da.from_array(z, chunks=100),
    }[init]
    there = source(kind, x, tmp_path)
    a = fit_exactly(there, 4, init=start, max_iter=4)
    assert_same_fit(a, fit_exactly(x, 4, init=z if init == "dask labels" else start, max_iter=4))
    for wrong in (z[:-1], r[:-1], x[:3]):
        with pytest.raises(ValueError, match="init"):
            mixlib.fit(there, 4, init=wrong)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical"])
@pytest.mark.parametrize("init", ["k-means", "k-means||", "k-means++", "random"])
def test_starts_that_are_drawn_do_not_depend_on_the_blocks(init, covariance, tmp_path):
    x, _ = blobs(7, spread=6)
    x = x * [1.0, 1000.0]
    options = {"covariance": covariance, "init": init, "random_state": 3}
    fits = [mixlib.fit(source(kind, x, tmp_path), 4, **options) for kind in KINDS]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.objective, fits[0].objective, rtol=1e-10)
        assert fit.n_iter == fits[0].n_iter


@pytest.mark.parametrize("kind", KINDS)
def test_results_come_back_in_the_sources_own_form(kind, tmp_path):
    x, _ = blobs(8, n=600)
    there, fit = source(kind, x, tmp_path), None
    fit = mixlib.fit(there, 3, random_state=0)
    for labels in (fit.labels, fit.history[0].labels, fit.mixture.predict(there)):
        assert labels.shape == (600,) and labels.dtype == np.intp
        assert isinstance(labels, da.Array if kind == "dask" else np.ndarray)
    np.testing.assert_array_equal(np.asarray(fit.mixture.predict(there)), fit.mixture.predict(x))
    np.testing.assert_allclose(np.asarray(fit.mixture.log_density(there)), fit.mixture.log_density(x), rtol=1e-12)
    for r in (fit.responsibilities, fit.mixture.responsibilities(there)):
        np.testing.assert_allclose(np.asarray(r), fit.mixture.responsibilities(x), atol=1e-9)
        if kind == "dask":
            assert r.chunks == (there.chunks[0], (3,))
        else:
            assert r.shape[1] == 3 and len(list(r)) > 1
            np.testing.assert_array_equal(np.concatenate(list(r)), np.asarray(r))
    if kind == "dask":
        assert fit.labels.chunks == there.chunks[:1]


@pytest.mark.parametrize("kind", KINDS)
def test_estimators(kind, tmp_path):
    x, _ = blobs(9, n=800)
    w = np.random.default_rng(9).exponential(size=len(x))
    there = source(kind, x, tmp_path)
    a, b = (mixlib.KMeans(3, init=x[:3]).fit(data, sample_weight=w) for data in (there, x))
    np.testing.assert_allclose(a.cluster_centers_, b.cluster_centers_, rtol=1e-12)
    np.testing.assert_array_equal(np.asarray(a.labels_), b.labels_)
    np.testing.assert_array_equal(np.asarray(a.predict(there)), b.predict(x))
    np.testing.assert_allclose(np.asarray(a.transform(there)), b.transform(x), rtol=1e-12)
    np.testing.assert_allclose(a.score(there, sample_weight=w), b.score(x, sample_weight=w), rtol=1e-12)
    np.testing.assert_allclose(a.inertia_, b.inertia_, rtol=1e-12)
    a, b = (mixlib.GaussianMixture(3, init=x[:3]).fit(data, sample_weight=w) for data in (there, x))
    np.testing.assert_allclose(a.means_, b.means_, rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(a.predict(there)), b.predict(x))
    np.testing.assert_array_equal(np.asarray(a.fit_predict(there)), np.asarray(a.predict(there)))
    a.fit(there, sample_weight=w)
    np.testing.assert_allclose(np.asarray(a.predict_proba(there)), b.predict_proba(x), atol=1e-6)
    np.testing.assert_allclose(np.asarray(a.score_samples(there)), b.score_samples(x), rtol=1e-6)
    np.testing.assert_allclose(a.score(there, sample_weight=w), b.score(x, sample_weight=w), rtol=1e-9)
    for criterion in ("aic", "bic", "icl"):
        np.testing.assert_allclose(getattr(a, criterion)(there), getattr(b, criterion)(x), rtol=1e-9)
        np.testing.assert_allclose(getattr(a, criterion)(), getattr(b, criterion)(), rtol=1e-9)
    for call in (a.predict, a.score, mixlib.KMeans(2).fit(x).predict):
        with pytest.raises(ValueError, match="3 features.*expecting 2"):
            call(source(kind, np.ones((20, 3)), tmp_path))


@pytest.mark.parametrize("covariance", ["identity", "tied_spherical"])
@pytest.mark.parametrize("kind", KINDS)
def test_empty_clusters_are_moved_as_in_memory(kind, covariance, tmp_path):
    """Three empty ones at once; points of weight 0 farther out than all others; ties between far points."""
    x, _ = blobs(22, n=700, spread=8)
    x = np.vstack([x, [[60.0, 0.0], [-60.0, 0.0], [0.0, 60.0], [0.0, 60.0], [90.0, 90.0]]])
    w = np.append(np.ones(len(x) - 1), 0.0)
    start = np.vstack([x[:2], [[1e3, 1e3], [2e3, 0], [0, 3e3]]])
    for weight in (None, w):
        options = {**KMEANS, "covariance": covariance, "init": start, "reseed": True, "sample_weight": weight}
        a, b = mixlib.fit(source(kind, x, tmp_path), 5, **options), mixlib.fit(x, 5, **options)
        assert_same_fit(a, b)
        assert len(set(b.labels if weight is None else b.labels[:-1])) == 5
        assert (np.abs(b.history[1].means).max() == 90) == (weight is None)


@pytest.mark.parametrize("kind", KINDS)
def test_estimators_with_few_distinct_points(kind, tmp_path):
    """Each point is a mean, whatever was to be drawn; one of weight 0 is not."""
    x = np.repeat([[0.0, 0.0], [5.0, 1.0], [9.0, 9.0], [7.0, 0.0]], 30, axis=0)
    w = np.repeat([1.0, 2.0, 1.0, 0.0], 30)
    for init in ("greedy k-means++", "random"):
        found = []
        for data in (x, source(kind, x, tmp_path)):
            with pytest.warns(mixlib.EmptyComponentWarning):
                found.append(mixlib.KMeans(5, init=init, n_init=1, random_state=0).fit(data, sample_weight=w))
        np.testing.assert_array_equal(found[0].cluster_centers_, found[1].cluster_centers_)
        assert found[1].inertia_ == 0 and len(np.unique(found[1].cluster_centers_, axis=0)) == 3


def test_an_estimator_holds_no_chunks_of_a_dask_array():
    """Its labels are kept without the graph of the points; its pickle has neither."""
    x, read = blobs(23, n=20_000)[0], []

    def counted(block):
        read.append(1)
        return block

    chunks = da.from_array(x, chunks=(5000, 2)).map_blocks(counted, meta=np.empty((0, 2)))
    model = mixlib.KMeans(3, init=x[:3]).fit(chunks)
    passes = len(read)
    np.testing.assert_array_equal(model.labels_.compute(), model.fit_.labels.compute())
    np.testing.assert_array_equal(model.labels_.compute(), mixlib.KMeans(3, init=x[:3]).fit(x).labels_)
    assert model.labels_.chunks == chunks.chunks[:1] and len(read) == passes
    stored = pickle.dumps(model)
    assert len(stored) < 20_000
    again = pickle.loads(stored)
    np.testing.assert_array_equal(again.predict(x), model.labels_.compute())
    assert again.inertia_ == model.inertia_ and not hasattr(again, "labels_")
    with pytest.raises(AttributeError, match="predict"):
        again.fit_.labels
    assert pickle.loads(pickle.dumps(mixlib.KMeans(3, init=x[:3]).fit(x))).labels_.shape == (20_000,)


@pytest.mark.parametrize("kind", ["file", "factory", "dask"])
def test_a_pickled_fit_holds_no_points(kind, tmp_path):
    x, _ = blobs(24, n=20_000)
    fit = fit_exactly(source(kind, x, tmp_path), 3, init=x[:3], max_iter=2)
    assert fit.responsibilities.shape == (20_000, 3) and fit.labels.shape == (20_000,)
    stored = pickle.dumps(fit)
    assert len(stored) < (250_000 if kind != "dask" else 20_000)  # labels of a file are an array
    again = pickle.loads(stored)
    assert again.log_likelihood == fit.log_likelihood
    np.testing.assert_array_equal(again.predict(x), np.asarray(fit.labels))
    with pytest.raises(AttributeError, match="a pickle keeps no points.*predict"):
        again.responsibilities


def test_the_weak_prior_of_a_collapsing_fit(tmp_path):
    """A component on one point repeated: the estimator's prior takes the same scale from a source."""
    x = np.vstack([np.zeros((30, 2)), np.random.default_rng(1).normal(size=(200, 2)) + 5])
    start, found = np.array([[0.0, 0.0], [5.0, 5.0]]), []
    for data in (x, source("factory", x, tmp_path)):
        with pytest.warns(mixlib.SingularFitWarning):
            found.append(mixlib.GaussianMixture(2, init=start, accelerate=False).fit(data))
    np.testing.assert_allclose(found[0].covariances_, found[1].covariances_, rtol=1e-6, atol=1e-12)


def test_select_takes_a_source(tmp_path):
    x, _ = blobs(10, n=500, spread=8)
    a, b = (
        mixlib.select(data, [1, 2], ["diag", "tied"], progress=False, random_state=0)
        for data in (source("dask", x, tmp_path), x)
    )
    assert (a.covariance, a.n_components) == (b.covariance, b.n_components)


# What is refused


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "kind, place",
    [
        ("file", "row 307"),
        ("memmap", "row 307"),
        ("factory", "block 3, row 6, which is row 307 of all"),
        ("dask", "chunk 3, row 6, which is row 307 of all"),
    ],
)
def test_what_is_not_finite_is_named_by_block_and_row(kind, place, bad, tmp_path):
    x, _ = blobs(11, n=900)
    x[[307, 500], 1] = bad
    there, seen = source(kind, x, tmp_path), []
    with pytest.raises(ValueError, match=f"NaN or infinity in 2 of 900 rows .first: {place}."):
        mixlib.fit(there, 2, callback=seen.append)
    assert not seen
    mixture = mixlib.fit(x[:300], 2, random_state=0).mixture
    with pytest.raises((ValueError, mixlib.BlockError), match=r"NaN or infinity in row (307|500)"):
        np.asarray(mixture.predict(there))


def test_blocks_that_cannot_be_used(tmp_path):
    x, _ = blobs(12, n=300)

    def refuse(match, data, error=ValueError, K=2):
        with pytest.raises(error, match=match):
            mixlib.fit(data, K)

    refuse(r"0 points", da.zeros((0, 2), chunks=(1, 2)))
    refuse(r"0 points", lambda: iter([x[:0]]))
    refuse(r"no blocks", lambda: iter([]))
    refuse(r"2-D.*shape \(300,\)", lambda: iter([x[:, 0]]))
    refuse(r"block 1 of x must be 2-D with 2 columns, got shape \(5, 3\)", lambda: iter([x, np.ones((5, 3))]))
    refuse("numbers", lambda: iter([x, [["a", "b"]]]))
    refuse("float32.*one dtype", lambda: iter([x.astype(np.float32), x]))
    refuse("returned int", lambda: 3, TypeError)
    refuse("fresh iterator.*at each call", iter([x]).__iter__)
    refuse("function that returns a fresh one", iter([x]), TypeError)
    refuse(r"n_components=301.*300", lambda: iter([x]), K=301)
    refuse(
        r"unknown sizes.*x\.compute_chunk_sizes\(\)",
        da.from_array(x, chunks=100)[da.from_array(x[:, 0] > 0, chunks=100)],
    )
    refuse(r"columns.*rechunk\(\{1: -1\}\)", da.from_array(x, chunks=(100, 1)))
    refuse("2-D", da.ones(5, chunks=2))
    refuse("Complex", da.ones((5, 2), chunks=2) * 1j)
    refuse(r"\.npy", "no numbers")
    refuse("largest value", lambda: iter([x * 1e305]))
    np.savez(tmp_path / "x.npz", x=x)
    (tmp_path / "x.npz").rename(tmp_path / "y.npy")
    refuse("one array", tmp_path / "y.npy")
    np.save(tmp_path / "z.npy", np.array([{}], dtype=object))
    refuse("numbers", tmp_path / "z.npy")
    with pytest.raises(FileNotFoundError):
        mixlib.fit(tmp_path / "none.npy", 2)
    known = da.from_array(x, chunks=100)[da.from_array(x[:, 0] > 0, chunks=100)].compute_chunk_sizes()
    assert mixlib.fit(known, 2, random_state=0).labels.shape == (int((x[:, 0] > 0).sum()),)


def test_a_factory_that_gives_something_else_later():
    x, passes = blobs(13, n=300)[0], []

    def fading():
        passes.append(1)
        return iter([x[: 300 - 10 * (len(passes) > 4)]])

    with pytest.raises(ValueError, match="300 rows in the first pass and 290 in a later one"):
        mixlib.fit(fading, 2, random_state=0)


def test_a_block_that_cannot_be_read_is_named(tmp_path):
    x, _ = blobs(14, n=900)

    def broken():
        yield x[:400]
        yield x[400:500]
        raise OSError("the disk is gone")

    with pytest.raises(mixlib.BlockError, match=r"block 2 of x \(from row 500\).*OSError: the disk is gone"):
        mixlib.fit(broken, 2)

    def read(block, block_id=None):
        if block_id[0] == 5:
            raise OSError("the disk is gone")
        return block

    with pytest.raises(mixlib.BlockError, match=r"chunk 5 of x \(rows 500 to 599\).*OSError: the disk is gone"):
        mixlib.fit(da.from_array(x, chunks=(100, 2)).map_blocks(read, dtype=float), 2)
    path = source("file", x, tmp_path)
    with open(path, "r+b") as file:
        file.truncate(900 * 16 - 2000)
    with pytest.raises((mixlib.BlockError, ValueError), match="rows|mmap"):
        mixlib.fit(path, 2)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    x, _ = blobs(15, n=3000)
    path = source("file", x, tmp_path)

    def shrink(record):
        with open(path, "r+b") as file:
            file.truncate(20000)

    with pytest.raises(mixlib.BlockError, match=r"rows \d+ to \d+ of .*x\.npy.* ends before"):
        mixlib.fit(path, 2, random_state=0, callback=shrink)


# Of the engine


def test_files_of_every_order_and_type(tmp_path):
    x = np.random.default_rng(16).integers(0, 50, size=(500, 3))
    whole = fit_exactly(x, 2, init=x[:2], max_iter=3)
    for stored in (x, x.astype(np.int16), x.astype(">f8"), np.asfortranarray(x.astype(float)), x.astype(np.float16)):
        np.save(tmp_path / "x.npy", stored)
        for given in (tmp_path / "x.npy", str(tmp_path / "x.npy"), np.load(tmp_path / "x.npy", mmap_mode="r")):
            np.testing.assert_allclose(
                fit_exactly(given, 2, init=x[:2], max_iter=3).objective, whole.objective, rtol=1e-12
            )


def test_a_fit_of_a_file_holds_two_blocks_of_it(tmp_path):
    """Python's own count of what is allocated: far below the size of the data."""
    import tracemalloc

    x, _ = blobs(17, n=200_000, d=8)
    path = source("file", x, tmp_path)
    del x
    with small_reads(1 << 20):
        mixlib.fit(path, 3, init="random", random_state=0, tol=0, max_iter=1)  # scratch memory is made
        tracemalloc.start()
        fit = mixlib.fit(path, 3, init="random", random_state=0, tol=0, max_iter=2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert fit.n_iter == 2 and peak < 200_000 * 8 * 8 / 3


def test_what_is_sent_to_workers_holds_no_data(tmp_path):
    """A task carries parameters and moments: its size does not depend on n."""
    import cloudpickle

    sizes = []
    for n in (500, 5000):
        x, z = blobs(18, n=n)
        seen, there = [], as_source(source("dask", x, tmp_path)).examine("x")
        whole = there.total

        def total(task, rows, w=None):
            seen.append(len(cloudpickle.dumps(task)))
            return whole(task, rows, w)

        there.total = total
        for setting in ({}, KMEANS, {"covariance": "diag", "assignment": "hard"}):
            fit_exactly(there, 4, init=x[:4], max_iter=2, sample_weight=np.ones(n), **setting)
        sizes.append(max(seen))
    assert sizes[0] == pytest.approx(sizes[1], abs=64) and sizes[0] < 20000
    assert len(pickle.dumps(mixlib.KMeans(2, init=x[:2]).fit(there).predict(x))) > 0


def test_dask_is_imported_only_where_it_is_passed():
    code = "import sys, numpy as np, mixlib; mixlib.fit(np.eye(9), 2, **{'covariance': 'identity'}, random_state=0); assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(mixlib.__file__).parents[1])
    assert "dask" not in inspect.getsource(sys.modules["mixlib.loop"]) + inspect.getsource(sys.modules["mixlib.estep"])


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_dask_schedulers_give_the_same_bits(scheduler, tmp_path):
    x, z = blobs(19)
    with dask.config.set(scheduler="threads", num_workers=1):
        one = fit_exactly(source("dask", x, tmp_path), 4, init=z, max_iter=5)
    with dask.config.set(scheduler=scheduler):
        other = fit_exactly(source("dask", x, tmp_path), 4, init=z, max_iter=5)
    assert [r.objective for r in one.history] == [r.objective for r in other.history]


def test_many_chunks_are_added_in_a_tree(tmp_path):
    x, z = blobs(20, n=1000)
    a = fit_exactly(da.from_array(x, chunks=(7, 2)), 4, init=z, max_iter=3)
    assert_same_fit(a, fit_exactly(x, 4, init=z, max_iter=3))


def test_a_pass_has_one_task_for_each_chunk_and_a_tree(monkeypatch):
    """Each key costs the scheduler of a cluster about a millisecond."""
    x, graphs = da.ones((800, 2), chunks=(20, 2)).persist(), []

    def done(self, compute):
        (found,) = dask.optimize(compute.__self__)
        graphs.append(set(found.__dask_graph__()) - set(x.dask))
        return compute()

    monkeypatch.setattr(DaskBlocks, "_done", done)
    assert as_source(x).total(Rows(), 100) == 800
    assert 40 < len(graphs[0]) <= 40 + 40 // 8 + 2


class Rows:
    def __call__(self, x, start, w):
        assert start % 20 == 0
        return len(x)


def test_files_are_read_ahead_in_order(tmp_path):
    x = np.arange(6000.0).reshape(3000, 2)
    there = as_source(source("file", x, tmp_path))
    blocks = [(start, np.array(rows)) for start, rows in there.blocks()]
    assert len(blocks) > 3
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in blocks]), x)
    assert [start for start, _ in blocks] == np.cumsum([0] + [len(rows) for _, rows in blocks[:-1]]).tolist()
    assert isinstance(there, files.ArrayFile)


def test_blocks_within_blocks_do_not_wait_for_each_other():
    """More blocks than threads, each of which maps blocks of its own."""
    done = []

    def outer(block):
        return sum(map_blocks(lambda inner: inner, [block, block]))

    worker = threading.Thread(target=lambda: done.extend(map_blocks(outer, list(range(8)))), daemon=True)
    worker.start()
    worker.join(30)
    assert done == [2 * block for block in range(8)]


def test_no_warnings(tmp_path):
    x, _ = blobs(21, n=400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS:
            mixlib.fit(source(kind, x, tmp_path), 2, random_state=0)
