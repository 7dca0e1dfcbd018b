"""Ctrl-C ends a fit, and what was finished is in the exception."""

import os
import signal
import subprocess
import sys
import threading

import dask
import numpy as np
import pytest
from common import SETTINGS, blobs, fit_exactly
from sources import KINDS, source

import mixlib
from mixlib._engine.data import Data
from mixlib._engine.streamed import StreamedData


def interrupt_at(monkeypatch, kind, number):
    """A KeyboardInterrupt in the pass over the points that comes `number` passes after the first record."""
    passes, where = {"left": None}, Data if kind == "array" else StreamedData
    whole = where.sum_blocks

    def sum_blocks(self, task, rows=None):
        if passes["left"] is not None:
            passes["left"] -= 1
            if passes["left"] < 0:
                passes["left"] = None
                raise KeyboardInterrupt
        return whole(self, task, rows)

    monkeypatch.setattr(where, "sum_blocks", sum_blocks)

    def begin(record):
        if record.iteration == 0:
            passes["left"] = number

    return begin


@pytest.mark.parametrize("kind", ["array", *KINDS])
@pytest.mark.parametrize("covariance, weights, assignment", [SETTINGS[1], SETTINGS[3], SETTINGS[-2], SETTINGS[-1]])
def test_the_last_finished_iteration_is_there(covariance, weights, assignment, kind, tmp_path, monkeypatch):
    x, z = blobs(1)
    data = x if kind == "array" else source(kind, x, tmp_path)
    options = {"covariance": covariance, "weights": weights, "assignment": assignment, "init": x[:4]}
    whole = fit_exactly(x, 4, max_iter=20, **options)
    with dask.config.set(scheduler="threads"), pytest.raises(mixlib.Interrupted, match="after 3 iterations") as caught:
        mixlib.fit(data, 4, callback=interrupt_at(monkeypatch, kind, 3), **options)
    fit = caught.value.fit
    assert isinstance(caught.value, KeyboardInterrupt)
    assert fit.n_iter == 3 and not fit.converged
    for one, other in zip(fit.history, whole.history):
        np.testing.assert_allclose(one.objective, other.objective, rtol=1e-11)
    np.testing.assert_array_equal(np.asarray(fit.labels), whole.history[3].labels)
    np.testing.assert_allclose(fit.objective, whole.history[3].objective, rtol=1e-11)
    assert "not converged" in repr(fit) and fit.inertia > 0


def test_a_callback_that_interrupts():
    x, _ = blobs(2)

    def stop(record):
        if record.iteration == 2:
            raise KeyboardInterrupt

    with pytest.raises(mixlib.Interrupted) as caught:
        mixlib.fit(x, 3, random_state=0, callback=stop)
    assert caught.value.fit.n_iter == 2


def test_the_best_of_the_starts_that_were_finished():
    x, _ = blobs(3)
    best = mixlib.fit(x, 3, random_state=0, n_init=2, tol=1e-6)
    begun = []

    def stop(record):
        begun.append(record.iteration)
        if begun.count(0) == 3 and record.iteration == 1:
            raise KeyboardInterrupt

    with pytest.raises(mixlib.Interrupted) as caught:
        mixlib.fit(x, 3, random_state=0, n_init=5, tol=1e-6, callback=stop)
    assert caught.value.fit.objective == best.objective and caught.value.fit.converged


@pytest.mark.parametrize("init", ["k-means", "k-means||"])
def test_before_the_first_iteration_there_is_nothing_to_hand_over(init, monkeypatch, tmp_path):
    """Not the start's own k-means either."""
    x, _ = blobs(4)
    passes, whole = [], StreamedData.sum_blocks

    def sum_blocks(self, task, rows=None):
        passes.append(1)
        if len(passes) == 9:
            raise KeyboardInterrupt
        return whole(self, task, rows)

    monkeypatch.setattr(StreamedData, "sum_blocks", sum_blocks)
    with pytest.raises(KeyboardInterrupt) as caught:
        mixlib.fit(source("file", x, tmp_path), 3, init=init, random_state=0)
    assert len(passes) == 9 and not isinstance(caught.value, mixlib.Interrupted)


@pytest.fixture
def listening():
    """A process started in the background of a shell ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals as on Unix")
@pytest.mark.parametrize("kind", ["array", "factory", "dask"])
def test_a_signal_in_the_middle_of_a_pass(kind, tmp_path, listening):
    """SIGINT from another thread, as the terminal sends it; afterwards everything works as before.

    It is sent again after 200 iterations: Python drops an exception that a signal raises inside a finalizer.
    """
    x, _ = blobs(5, n=20000)
    data = x if kind == "array" else source(kind, x, tmp_path)

    def later(record):
        if record.iteration % 200 == 3:
            threading.Timer(0.01, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()

    with dask.config.set(scheduler="threads"):
        with pytest.raises(mixlib.Interrupted) as caught:
            mixlib.fit(data, 6, init="random", random_state=0, tol=0, max_iter=100_000, callback=later)
        assert caught.value.fit.n_iter >= 3
        a, b = (mixlib.fit(points, 2, init=x[:2], tol=0, max_iter=3) for points in (data, x))
    np.testing.assert_allclose(a.objective, b.objective, rtol=1e-11)


def test_a_script_ends_as_scripts_do():
    """Uncaught it is a KeyboardInterrupt: the process ends, and the fit's last words say where it is."""
    code = (
        "import mixlib, numpy as np\n"
        "def stop(record):\n"
        "    if record.iteration == 1: raise KeyboardInterrupt\n"
        "mixlib.fit(np.random.default_rng(0).normal(size=(99, 2)), 2, random_state=0, callback=stop)\n"
        "print('not reached')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.returncode != 0 and "not reached" not in done.stdout
    assert "Interrupted: interrupted after 1 iterations" in done.stderr and ".fit" in done.stderr
