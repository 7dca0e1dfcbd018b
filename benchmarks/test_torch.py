"""Tensors of torch in the place of arrays: `make peers`. Torch is large, so the project's own suite does without it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from common import SETTINGS, blobs
from foreign import PROMISES
from test_elsewhere import assert_same_fit

import mixlib
from mixlib._engine.elsewhere import ArrayElsewhere


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_tensor(promise):
    promise(lambda x: torch.from_numpy(np.ascontiguousarray(x)))


def test_memory_is_lent_and_not_copied():
    x = torch.randn(50, 2)
    assert mixlib.inputs.as_points(x).ctypes.data == x.data_ptr()


def test_tensors_in_other_orders_and_types():
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)).double()
    for given in (x.T.contiguous().T, x[::2], x[:, 1:], x.float(), x.half(), (10 * x).int(), x > 0):
        same = np.array(given.tolist(), dtype=np.float32 if given.dtype == torch.float32 else np.float64)
        fits = [mixlib.fit(points, 2, covariance="identity", init="random", random_state=0) for points in (given, same)]
        np.testing.assert_array_equal(fits[0].mixture.means, fits[1].mixture.means)


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda x: x.requires_grad_(), "requires? grad"),
        (lambda x: x.bfloat16(), "BFloat16"),
        (lambda x: x.to_sparse(), "to_dense"),
        (lambda x: torch.empty(x.shape, device="meta"), "meta device.*cpu"),  # no memory: all that is a device here
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(make, reason):
    with pytest.raises(
        TypeError, match=rf"torch.Tensor that NumPy cannot read.*{reason}.*main memory.*\.detach\(\)\.cpu\(\)"
    ):
        mixlib.fit(make(torch.randn(50, 2)), 2)


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_blocks_computed_by_torch(covariance, weights, assignment):
    """As on a device that NumPy cannot read, which this machine has not: the same fit as of the array."""
    x, z = blobs(1, d=3)
    w = np.random.default_rng(1).exponential(size=len(x))
    options = {"covariance": covariance, "weights": weights, "assignment": assignment, "tol": 0, "max_iter": 5}
    for init, weight in ((x[:4], None), (z, w), (np.eye(4)[z], None)):
        a, b = (mixlib.fit(p, 4, init=init, sample_weight=weight, **options) for p in (elsewhere(x), x))
        assert_same_fit(a, b, 1e-11)


def elsewhere(x):
    return ArrayElsewhere(torch.from_numpy(x), "x")


def test_a_tensor_with_a_gradient_is_refused_elsewhere_too():
    with pytest.raises(TypeError, match=r"requires a gradient.*x\.detach\(\)"):
        ArrayElsewhere(torch.randn(50, 2).requires_grad_(), "x")
