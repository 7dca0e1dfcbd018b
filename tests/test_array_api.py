"""Arrays of other libraries, brought to NumPy by the DLPack protocol. `make peers` asks the same of torch's tensors."""

import array_api_strict
import numpy as np
import pytest
from foreign import PROMISES

import mixlib


class Lent:
    """An array that speaks DLPack and nothing else, as the array API standard allows."""

    def __init__(self, x):
        self._x = np.ascontiguousarray(x)

    def __dlpack__(self, **options):
        return self._x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._x.__dlpack_device__()


class Away(Lent):
    """One whose memory the processor cannot read."""

    def __dlpack__(self, **options):
        raise BufferError("data on device 2:0")

    def __array__(self, dtype=None, copy=None):
        raise TypeError("implicit conversion is not allowed")


class Refusing(Lent):
    """One that NumPy reads in its own way, though it cannot be lent."""

    def __dlpack__(self, **options):
        raise BufferError("has missing values")

    def __array__(self, dtype=None, copy=None):
        return self._x.astype(dtype or self._x.dtype)


WAYS = {"array_api_strict": array_api_strict.asarray, "DLPack alone": Lent}


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("way", WAYS)
def test_an_array_of_another_library(way, promise):
    promise(WAYS[way])


def test_memory_is_lent_and_not_copied():
    x = np.random.default_rng(0).normal(size=(50, 2))
    for bring in WAYS.values():
        assert np.shares_memory(mixlib.inputs.as_points(bring(x)), x)


def test_what_cannot_be_lent_may_be_read_by_numpy():
    x = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_array_equal(mixlib.fit(Refusing(x), 2, init=x[:2]).labels, mixlib.fit(x, 2, init=x[:2]).labels)
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="row 7, column 1"):
        mixlib.fit(Refusing(x), 2)


def test_an_array_on_a_device_is_refused_with_what_to_do():
    x = np.random.default_rng(0).normal(size=(50, 2))
    calls = (
        lambda: mixlib.fit(Away(x), 2),
        lambda: mixlib.KMeans(2).fit(Away(x)),
        lambda: mixlib.fit(x, 2, random_state=0).predict(Away(x)),
        lambda: mixlib.fit(lambda: iter([Away(x)]), 2),
    )
    for call in calls:
        with pytest.raises(TypeError, match=r"Away that NumPy cannot read.*main memory.*\.cpu\(\).*block by block"):
            call()
    with pytest.raises(TypeError, match="sample_weight is a .*Away"):
        mixlib.fit(x, 2, sample_weight=Away(x[:, 0]))
    with pytest.raises(TypeError, match="init is a .*Away"):
        mixlib.fit(x, 2, init=Away(x[:2]))


def test_bad_shapes_and_values_are_named_as_of_arrays():
    for bring in WAYS.values():
        with pytest.raises(ValueError, match=r"2-D.*shape \(5,\)"):
            mixlib.fit(bring(np.ones(5)), 2)
        with pytest.raises(ValueError, match="row 3, column 0"):
            mixlib.fit(bring(np.where(np.arange(10.0) == 6, np.inf, 1.0).reshape(5, 2)), 2)
        with pytest.raises(ValueError, match="Complex"):
            mixlib.fit(bring(np.ones((5, 2)) * 1j), 2)
