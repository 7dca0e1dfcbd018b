"""Fits on a cluster of worker processes, and what may go wrong there: dask.distributed on this machine."""

import os
import pickle
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import dask
import dask.array as da
import numpy as np
import pytest
from common import KMEANS, blobs, fit_exactly
from distributed import Client, LocalCluster, futures_of, wait

import mixlib

pytestmark = pytest.mark.slow

X, Z = blobs(1, n=6000, d=3, spread=1.5)
CHUNKS = ((1500, 0, 1, 999, 2000, 1500), 3)


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process; a worker that dies is started again."""
    settings = {"distributed.comm.timeouts.connect": "30s", "distributed.worker.memory.terminate": False}
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def held(client, x=X, chunks=CHUNKS):
    """The points on the workers, which can be had again if a worker is lost."""
    x = da.from_array(x, chunks=chunks).persist()
    wait(x)
    return x


@pytest.mark.parametrize("setting", [{}, KMEANS, {"covariance": "diag", "assignment": "hard"}], ids=str)
def test_workers_change_nothing(client, setting):
    """Unequal, empty and single-row chunks among them."""
    a, b = (fit_exactly(x, 4, init=X[:4], max_iter=5, **setting) for x in (held(client), X))
    np.testing.assert_allclose(
        [record.objective for record in a.history], [record.objective for record in b.history], rtol=1e-12
    )
    np.testing.assert_allclose(a.mixture.means, b.mixture.means, rtol=1e-9)
    assert isinstance(a.labels, da.Array) and a.labels.chunks == CHUNKS[:1]
    np.testing.assert_array_equal(a.labels.compute(), b.labels)
    np.testing.assert_allclose(a.responsibilities.compute(), b.responsibilities, atol=1e-9)


def test_an_estimator_leaves_its_labels_on_the_workers(client):
    """Empty clusters are moved there too; the pickle knows nothing of the cluster."""
    start = np.vstack([X[:2], [[1e3] * 3, [-1e3] * 3]])
    a, b = (mixlib.KMeans(4, init=start, reseed=True).fit(x) for x in (held(client), X))
    np.testing.assert_allclose(a.cluster_centers_, b.cluster_centers_, rtol=1e-9)
    assert a.labels_.chunks == CHUNKS[:1] and futures_of(a.labels_)
    np.testing.assert_array_equal(a.labels_.compute(), b.labels_)
    stored = pickle.dumps(a)
    assert len(stored) < 20_000 and b"distributed" not in stored
    np.testing.assert_array_equal(pickle.loads(stored).predict(X), b.labels_)


def test_a_worker_killed_in_the_middle_of_a_fit(client):
    """The fit goes on with what is left, the chunks that were lost are made again, and the answer is the same."""
    x, killed = held(client), []

    def kill(record):
        if record.iteration == 2:
            address, pid = next(iter(client.run(os.getpid).items()))
            os.kill(pid, signal.SIGKILL)
            killed.append(address)

    fit = mixlib.fit(x, 4, init=X[:4], callback=kill, tol=0, max_iter=8)
    assert killed and fit.n_iter == 8
    whole = fit_exactly(X, 4, init=X[:4], max_iter=8)
    np.testing.assert_allclose([r.objective for r in fit.history], [r.objective for r in whole.history], rtol=1e-12)
    np.testing.assert_array_equal(fit.labels.compute(), whole.labels)
    begin = time.monotonic()
    while len(client.scheduler_info()["workers"]) < 2 and time.monotonic() < begin + 30:
        time.sleep(0.1)
    assert killed[0] not in client.scheduler_info()["workers"]


def test_what_is_not_finite_is_named_by_chunk_and_row(client):
    x, seen = X.copy(), []
    x[2600, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 6000 rows .first: chunk 4, row 100, which is row 2600 of all."):
        mixlib.fit(held(client, x), 4, callback=seen.append)
    assert not seen


def test_a_chunk_that_cannot_be_read_is_named(client):
    def read(block, block_id=None):
        if block_id[0] == 4:
            raise OSError("no such disk")
        return block

    x = da.from_array(X, chunks=CHUNKS).map_blocks(read, dtype=float, meta=np.empty((0, 3)))
    with pytest.raises(mixlib.BlockError, match=r"chunk 4 of x .rows 2500 to 4499.*OSError: no such disk"):
        mixlib.fit(x, 4)


def test_unknown_chunk_sizes(client):
    x = held(client)
    some = x[x[:, 0] > 0]
    with pytest.raises(ValueError, match=r"x\.compute_chunk_sizes\(\)"):
        mixlib.fit(some, 4)
    a, b = (fit_exactly(points, 4, init=X[:4], max_iter=3) for points in (some.compute_chunk_sizes(), X[X[:, 0] > 0]))
    np.testing.assert_allclose(a.objective, b.objective, rtol=1e-12)


def test_single_precision(client):
    x = (X + 1e4).astype(np.float32)
    a, b = (fit_exactly(points, 4, init=x[:4], max_iter=5) for points in (held(client, x), x))
    np.testing.assert_allclose(a.objective, b.objective, rtol=1e-6)
    np.testing.assert_allclose(a.mixture.means, b.mixture.means, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler")  # so says Dask 2025.1
def test_starts_weights_and_estimators(client):
    w = np.random.default_rng(0).exponential(size=len(X))
    on_threads = da.from_array(X, chunks=CHUNKS)
    for init in ("k-means||", "random"):  # the numbers drawn belong to the rows
        options = {"init": init, "random_state": 1, "sample_weight": w, "tol": 0, "max_iter": 2}
        a = mixlib.fit(held(client), 4, **options)
        with dask.config.set(scheduler="threads"):
            b = mixlib.fit(on_threads, 4, **options)
        np.testing.assert_allclose(a.objective, b.objective, rtol=1e-11)
    a, b = (mixlib.KMeans(4, init=X[:4]).fit(points, sample_weight=w) for points in (held(client), X))
    np.testing.assert_allclose(a.inertia_, b.inertia_, rtol=1e-12)
    np.testing.assert_array_equal(a.predict(held(client)).compute(), b.predict(X))


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler")
def test_other_schedulers_give_the_same_bits(client):
    """Threads, processes and a cluster do the same blocks, and add them in the same order."""
    options = {"covariance": "diag", "init": X[:4], "max_iter": 2}
    fits = [fit_exactly(held(client), 4, **options)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for setting in ({"scheduler": "threads"}, {"scheduler": "processes", "pool": pool}):
            with dask.config.set(setting):
                fits.append(fit_exactly(da.from_array(X, chunks=CHUNKS), 4, **options))
    for fit in fits[1:]:
        assert [record.objective for record in fit.history] == [record.objective for record in fits[0].history]
