"""Arrays on a device that NumPy cannot read: the same fits, computed there. Only sums and labels come back."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import array_api_strict
import common
import numpy as np
import pytest
from common import KMEANS, blobs
from foreign import ELSEWHERE

import mixlib
from mixlib._engine import elsewhere, namespace
from mixlib._engine.elsewhere import ArrayElsewhere
from mixlib._engine.sources import as_source
from mixlib.log_joint import softmax

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


@pytest.mark.parametrize("promise", ELSEWHERE, ids=lambda promise: promise.__name__)
def test_an_array_on_a_device(promise):
    assert isinstance(as_source(OnGPU(np.ones((3, 2)))), ArrayElsewhere)
    promise(OnGPU)


@pytest.mark.parametrize(
    "setting", [{}, {"covariance": "full", "assignment": "hard"}, KMEANS, {"reseed": True, **KMEANS}]
)
def test_only_sums_and_labels_come_back(setting, monkeypatch):
    """No number for a point, but its label where the assignment is hard."""
    x, _ = blobs(1, n=3000, d=3)
    came, from_dlpack = [], np.from_dlpack

    def recorded(array):
        came.append((array.size, array.dtype))
        return from_dlpack(array)

    monkeypatch.setattr(np, "from_dlpack", recorded)
    mixlib.fit(OnGPU(x), 4, init=x[:4], tol=0, max_iter=3, **setting)
    integers = array_api_strict.isdtype
    assert came and max(size for size, dtype in came if not integers(dtype, "integral")) < 100
    hard = "assignment" in setting
    assert any(size >= 100 for size, dtype in came if integers(dtype, "integral")) == hard


def test_a_component_of_no_weight_has_no_responsibility():
    log_joint = array_api_strict.asarray(np.array([[0.0, 1.0], [-np.inf, -np.inf], [1.0, 0.0]]), device=DEVICE)
    r, _ = softmax(log_joint, np.array([0.5, 0.0, 0.5]))
    np.testing.assert_array_equal(namespace.home(r)[1], 0)


def test_what_is_refused_is_said():
    x = np.random.default_rng(0).normal(size=(50, 2))
    bad = x.copy()
    bad[7, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 50 rows.*row 7"):
        mixlib.fit(OnGPU(bad), 2)
    mixture = mixlib.fit(x, 2, init=x[:2]).mixture
    with pytest.raises(ValueError, match="x contains NaN or infinity in row 7"):
        mixture.predict(OnGPU(bad))
    with pytest.raises(ValueError, match="x has 3 columns, the mixture 2"):
        mixture.predict(OnGPU(np.ones((4, 3))))
    with pytest.raises(ValueError, match=r"2-D.*shape \(5,\)"):
        mixlib.fit(OnGPU(np.ones(5)), 2)
    with pytest.raises(ValueError, match="real numbers"):
        mixlib.fit(OnGPU(np.ones((5, 2)) * 1j), 2)
    for given in ({"init": OnGPU(x[:2])}, {"sample_weight": OnGPU(np.ones(50))}):
        with pytest.raises(TypeError, match=rf"{next(iter(given))} is a .*OnGPU that NumPy cannot read.*main memory"):
            mixlib.fit(OnGPU(x), 2, **given)
    with pytest.raises(TypeError, match=r"x is a .*OnGPU that NumPy cannot read.*main memory.*\.cpu\(\)"):
        mixlib.kmeans_plusplus(OnGPU(x), 2, 0)
    for estimator in (mixlib.KMeans(2), mixlib.GaussianMixture(2)):
        with pytest.raises(TypeError, match="one batch in main memory, got a OnGPU"):
            estimator.partial_fit(OnGPU(x))


class Frozen:
    """An array that cannot be overwritten, as JAX's."""

    def __getitem__(self, where):
        return self


@pytest.mark.parametrize(
    "asarray, reason",
    [
        (lambda values, dtype, device: Frozen(), "'Frozen' object does not support item assignment"),
        (lambda values, dtype, device: np.asarray(values, dtype=np.float32), "got single"),  # as on a Mac's GPU
    ],
)
def test_a_device_that_cannot_do_sums_is_refused(asarray, reason, monkeypatch):
    library = SimpleNamespace(**{**vars(array_api_strict), "asarray": asarray})
    monkeypatch.setattr(namespace, "_library", lambda block: library)
    with pytest.raises(
        TypeError, match=rf"x lies on .*double precision.*overwritten.*{reason}.*bring x to main memory"
    ):
        mixlib.fit(OnGPU(np.ones((5, 2))), 2)


class Nameless:
    """An array on a device, of a library that has not the standard's names, as torch."""

    shape, device = (5, 2), "cuda"

    def __dlpack_device__(self):
        return 2, 0


def test_without_array_api_compat(monkeypatch):
    """An array's own names serve, if it has them; of another one the error says what to install."""
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    x = np.random.default_rng(0).normal(size=(50, 2))
    assert mixlib.fit(OnGPU(x), 2, init=x[:2]).labels.shape == (50,)
    with pytest.raises(TypeError, match="Nameless follows.*pip install array-api-compat"):
        mixlib.fit(Nameless(), 2)


def test_reductions_name_their_axis():
    """NumPy's are `ufunc.reduce` here, which goes over axis 0 unless told; the standard's go over all."""
    calls = [
        call
        for path in sorted(Path(mixlib.__file__).parent.rglob("*.py"))
        for call in re.findall(r"(?:\bxp|namespace\(\w+\))\.(?:sum|max|min)\(.*", path.read_text(encoding="utf-8"))
    ]
    assert len(calls) > 8
    assert [call for call in calls if "axis=" not in call] == []
