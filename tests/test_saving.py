"""A mixture saved and loaded is the same, and a fit that resumes from it goes the way of the unbroken one."""

import os
import zipfile

import numpy as np
import pytest
from common import SETTINGS, blobs, fit_exactly

import mixlib
from mixlib import saving


@pytest.mark.parametrize("covariance", ["identity", "tied_spherical", "spherical", "tied_diag", "diag", "tied", "full"])
def test_round_trip_to_the_last_bit(covariance, tmp_path):
    x, z = blobs(1)
    mixture = fit_exactly(x, 4, covariance=covariance, init=z, max_iter=3).mixture
    mixlib.save(tmp_path / "mixture", mixture)
    again = mixlib.load(tmp_path / "mixture")
    for name in ("weights", "means", "covariances"):
        np.testing.assert_array_equal(getattr(again, name), getattr(mixture, name))
    np.testing.assert_array_equal(again.log_density(x), mixture.log_density(x))
    assert [path.name for path in tmp_path.iterdir()] == ["mixture"]  # no suffix, nothing left over


@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_a_resumed_fit_goes_the_way_of_the_unbroken_one(covariance, weights, assignment, tmp_path):
    x, z = blobs(2, n=600, d=3, spread=1)
    x = x * [1.0, 50.0, 1e-3] + [0.0, 1e3, 0.0]
    options = {"covariance": covariance, "weights": weights, "assignment": assignment}

    def checkpoint(record):
        if record.iteration == 2:
            mixlib.save(tmp_path / "run.npz", record.mixture)

    whole = fit_exactly(x, 4, init=x[:4], max_iter=12, callback=checkpoint, **options)
    rest = fit_exactly(x, 4, init=mixlib.load(tmp_path / "run.npz"), max_iter=10, **options)
    for one, other in zip(whole.history[2:], rest.history):
        np.testing.assert_allclose(other.objective, one.objective, rtol=1e-12)
        np.testing.assert_allclose(other.means, one.means, rtol=1e-12)
        np.testing.assert_allclose(other.weights, one.weights, rtol=1e-11)
        np.testing.assert_allclose(
            other.covariances, one.covariances, rtol=1e-9, atol=1e-12 * np.abs(one.covariances).max()
        )
    assert len(rest.history) == len(whole.history) - 2 > 1


def test_a_mixture_made_by_hand_and_a_nearly_singular_one(tmp_path):
    ill = np.array([[[1.0, 1.0], [1.0, 1.0 + 1e-13]], np.eye(2)])
    mixture = mixlib.Mixture([0.25, 0.75], [[0.0, 1.0], [2.0, 3.0]], ill)
    mixlib.save(str(tmp_path / "m.npz"), mixture)
    np.testing.assert_array_equal(mixlib.load(str(tmp_path / "m.npz")).covariances, mixture.covariances)


def test_the_file_holds_no_pickle_and_its_format(tmp_path):
    mixlib.save(tmp_path / "m.npz", mixlib.Mixture([1.0], [[0.0]], [[[1.0]]]))
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert sorted(file) == ["factors", "format", "means", "shape", "weights"] and file["format"] == 1
        assert all(file[name].dtype.kind in "fiU" for name in file)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "m.npz"
    good = mixlib.Mixture([0.5, 0.5], np.zeros((2, 3)), np.stack([np.eye(3)] * 2))
    mixlib.save(path, good)
    with np.load(path) as file:
        parts = dict(file)

    def refuse(match, **changed):
        np.savez(path, **{name: value for name, value in {**parts, **changed}.items() if value is not None})
        with pytest.raises(ValueError, match=match):
            mixlib.load(path)

    refuse("format is 2.*up to 1", format=2)
    refuse("no mixture that mixlib.save wrote", format=None)
    refuse("no mixture", shape="Round")
    refuse("no mixture", weights=np.array([0.5, 0.6]))
    refuse("no mixture", weights=np.ones(3) / 3)
    refuse("no mixture", means=np.full((2, 3), np.nan))
    refuse("no mixture", means=np.zeros((2, 4)))
    refuse("no mixture", factors=np.zeros((2, 3, 3)))
    refuse("no mixture", factors=np.ones(2))
    refuse("no mixture", factors=np.array([{}], dtype=object))
    refuse("no mixture", factors=None)
    path.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ValueError, match="no mixture"):
        mixlib.load(path)
    np.save(tmp_path / "x.npy", np.eye(3))
    with pytest.raises(ValueError, match="no mixture"):
        mixlib.load(tmp_path / "x.npy")
    with pytest.raises(FileNotFoundError):
        mixlib.load(tmp_path / "none.npz")
    with pytest.raises(TypeError, match=r"fit\.mixture.*Fit"):
        mixlib.save(path, fit_exactly(blobs(3)[0], 2, init=blobs(3)[0][:2], max_iter=1))


class Runs:
    """A pickle of it makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_nothing_in_a_file_is_run(tmp_path):
    mixlib.save(tmp_path / "m.npz", mixlib.Mixture([1.0], [[0.0]], [[[1.0]]]))
    with np.load(tmp_path / "m.npz") as file:
        parts = dict(file)
    np.savez(tmp_path / "m.npz", **{**parts, "factors": np.array([Runs(tmp_path / "run")], dtype=object)})
    with pytest.raises(ValueError, match="no mixture"):
        mixlib.load(tmp_path / "m.npz")
    assert not (tmp_path / "run").exists()


def test_a_write_that_fails_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    path, mixture = tmp_path / "m.npz", mixlib.Mixture([1.0], [[0.0]], [[[1.0]]])
    mixlib.save(path, mixture)

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(saving.np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        mixlib.save(path, mixture)
    assert zipfile.is_zipfile(path) and [entry.name for entry in tmp_path.iterdir()] == ["m.npz"]
