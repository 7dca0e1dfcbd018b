"""Tensors of torch in the place of arrays: `make peers`. Torch is large, so the project's own suite does without it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from common import small_blocks
from foreign import ELSEWHERE, PROMISES

import mixlib
from mixlib._engine import elsewhere, sources
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


@pytest.mark.parametrize("promise", ELSEWHERE, ids=lambda promise: promise.__name__)
def test_blocks_computed_by_torch(promise, monkeypatch):
    """As on a device that NumPy cannot read, which this machine has not."""
    monkeypatch.setattr(sources, "is_elsewhere", lambda x: isinstance(x, torch.Tensor))
    monkeypatch.setattr(elsewhere, "MORE", 1)
    with small_blocks():
        promise(torch.from_numpy)


def test_a_tensor_with_a_gradient_is_refused_elsewhere_too():
    with pytest.raises(TypeError, match=r"requires a gradient.*x\.detach\(\)"):
        ArrayElsewhere(torch.randn(50, 2).requires_grad_(), "x")
