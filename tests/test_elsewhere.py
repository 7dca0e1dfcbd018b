"""Arrays on a device that NumPy cannot read: the same fits, computed there. Only sums and labels come back."""

import array_api_strict
import common
import numpy as np
import pytest
from common import KMEANS, SETTINGS, blobs

import mixlib
from mixlib._engine import elsewhere, namespace
from mixlib._engine.elsewhere import ArrayElsewhere
from mixlib._engine.sources import as_source

DEVICE = array_api_strict.Device("device1")  # np.asarray refuses what lies there


class OnGPU:
    """The same, which says of itself that it lies on a GPU."""

    def __init__(self, x):
        self._x = array_api_strict.asarray(np.ascontiguousarray(x), device=DEVICE)

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, **options):
        raise BufferError("data on device 2:0")

    def __array_namespace__(self, api_version=None):
        return array_api_strict

    def __getattr__(self, name):
        return getattr(self._x, name)

    def __getitem__(self, where):
        return self._x[where]


@pytest.fixture(autouse=True)
def many_blocks(monkeypatch):
    monkeypatch.setattr(elsewhere, "MORE", 1)
    with common.small_blocks():
        yield


def assert_same_fit(a, b, rtol):
    assert len(a.history) == len(b.history)
    np.testing.assert_allclose(
        [record.objective for record in a.history], [record.objective for record in b.history], rtol=rtol
    )
    for one, other in ((a.mixture.means, b.mixture.means), (a.responsibilities, b.responsibilities)):
        assert type(one) is np.ndarray
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e3 * rtol)
    np.testing.assert_array_equal(a.labels, b.labels)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_fits_are_those_of_the_array(covariance, weights, assignment):
    x, z = blobs(1, d=3)
    w = np.random.default_rng(1).exponential(size=len(x))
    options = {"covariance": covariance, "weights": weights, "assignment": assignment, "tol": 0, "max_iter": 5}
    for dtype, rtol in ((np.float64, 1e-11), (np.float32, 1e-5)):
        points = x.astype(dtype)
        for init, weight in ((x[:4], None), (z, w), (np.eye(4)[z], None)):
            a, b = (mixlib.fit(p, 4, init=init, sample_weight=weight, **options) for p in (OnGPU(points), points))
            assert_same_fit(a, b, rtol)


@pytest.mark.parametrize("setting", [{}, KMEANS, {"covariance": "diag"}], ids=["full", "k-means", "diag"])
@pytest.mark.parametrize("init", ["k-means++", "random", "k-means"])
def test_starts_are_those_of_a_source(init, setting):
    x, _ = blobs(3, n=900)
    for points in (x, x + 1e6):
        options = {"init": init, "max_iter": 10, "tol": 0, "random_state": 0, **setting}
        a, b = (mixlib.fit(p, 4, **options) for p in (OnGPU(points), lambda: iter([points])))
        assert_same_fit(a, b, 1e-9)


def test_high_dimension_goes_by_deviations():
    x = np.random.default_rng(0).normal(size=(600, 70))
    x[:200] += 1
    for covariance in ("full", "tied", "diag"):
        for assignment in ("soft", "hard"):
            options = {"covariance": covariance, "assignment": assignment, "init": np.arange(600) // 200, "tol": 0}
            a, b = (mixlib.fit(p, 3, max_iter=3, **options) for p in (OnGPU(x), x))
            np.testing.assert_allclose([r.objective for r in a.history], [r.objective for r in b.history], rtol=1e-10)


def test_only_sums_and_labels_come_back(monkeypatch):
    """Of a soft fit from means no number for a point; of a hard one a label."""
    x, _ = blobs(1, n=3000, d=3)
    came = []

    def home(array):
        found = namespace_home(array)
        came.append((found.size, found.dtype))
        return found

    namespace_home = namespace.home
    for module in ("reductions", "summaries", "elsewhere", "sources"):
        monkeypatch.setattr(f"mixlib._engine.{module}.home", home)
    for module in ("log_joint", "nearest", "lloyd_once", "oversampling", "mixture"):
        monkeypatch.setattr(f"mixlib.{module}.home", home)
    for setting, per_point in (({}, 0), ({"assignment": "hard"}, 1), (KMEANS, 1)):
        for covariance in ("full",) if setting is not KMEANS else ("identity",):
            came.clear()
            mixlib.fit(OnGPU(x), 4, init=x[:4], tol=0, max_iter=3, **{"covariance": covariance, **setting})
            assert came
            assert max(size for size, dtype in came if dtype.kind == "f") < 100
            assert any(size >= 100 for size, dtype in came) == bool(per_point)


def test_what_cannot_be_fitted_is_said():
    x = np.random.default_rng(0).normal(size=(50, 2))
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 50 rows.*row 7"):
        mixlib.fit(OnGPU(x), 2)
    with pytest.raises(ValueError, match=r"2-D.*shape \(5,\)"):
        mixlib.fit(OnGPU(np.ones(5)), 2)
    with pytest.raises(ValueError, match="real numbers"):
        mixlib.fit(OnGPU(np.ones((5, 2)) * 1j), 2)


def test_predictions_and_values():
    x, _ = blobs(2, n=700)
    a, b = (mixlib.fit(p, 3, init=x[:3]) for p in (OnGPU(x), x))
    assert isinstance(as_source(OnGPU(x)), ArrayElsewhere)
    np.testing.assert_array_equal(a.predict(OnGPU(x)), b.predict(x))
    for name in ("log_density", "responsibilities", "uncertainty"):
        np.testing.assert_allclose(getattr(a.mixture, name)(OnGPU(x)), getattr(b.mixture, name)(x), rtol=1e-7)
    for name in ("inertia", "log_likelihood", "classification_log_likelihood"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-10)
