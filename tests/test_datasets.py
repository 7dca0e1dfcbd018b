"""The datasets are the published ones: against summaries, and against another library's copy."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from mixlib.datasets import iris, old_faithful


def test_old_faithful_is_r_s():
    """Means, standard deviations and correlation as R prints them for `faithful`."""
    data = old_faithful()
    assert data.x.shape == (272, 2)
    assert data.names == ("eruptions", "waiting") and data.units == ("min", "min")
    assert data.labels is None
    np.testing.assert_allclose(data.x.mean(axis=0), [3.487783, 70.897059], rtol=0, atol=5e-7)
    np.testing.assert_allclose(data.x.std(axis=0, ddof=1), [1.141371, 13.594974], rtol=0, atol=5e-7)
    assert abs(np.corrcoef(data.x.T)[0, 1] - 0.9008112) < 5e-8
    np.testing.assert_array_equal(data.x[[0, 1, -1]], [[3.6, 79], [1.8, 54], [4.467, 74]])
    # quartiles as R's summary(faithful)
    np.testing.assert_allclose(np.quantile(data.x[:, 0], [0, 0.25, 0.5, 0.75, 1]), [1.6, 2.16275, 4.0, 4.45425, 5.1])
    np.testing.assert_allclose(np.quantile(data.x[:, 1], [0, 0.25, 0.5, 0.75, 1]), [43, 58, 76, 82, 96])


def test_iris_is_fisher_s():
    """The two flowers in which the UCI file errs are Fisher's; the rest as scikit-learn has it."""
    data = iris()
    assert data.x.shape == (150, 4) and data.labels.shape == (150,)
    np.testing.assert_array_equal(data.x[34], [4.9, 3.1, 1.5, 0.2])
    np.testing.assert_array_equal(data.x[37], [4.9, 3.6, 1.4, 0.1])
    np.testing.assert_array_equal(np.bincount(data.labels), [50, 50, 50])
    assert data.labels.dtype.kind == "i"
    # Fisher's table of means (1936, table 2)
    means = [data.x[data.labels == k].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(
        means, [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326], [6.588, 2.974, 5.552, 2.026]], rtol=1e-12
    )
    peer = pytest.importorskip("sklearn.datasets").load_iris()
    np.testing.assert_array_equal(data.x, peer.data)
    np.testing.assert_array_equal(data.labels, peer.target)
    assert list(data.label_names) == list(peer.target_names)


@pytest.mark.parametrize("load", [old_faithful, iris])
def test_each_call_gives_its_own_arrays(load):
    """Overwriting what one call returned leaves the next call's data alone."""
    first = load()
    kept = first.x.copy()
    first.x[:] = np.nan
    if first.labels is not None:
        first.labels[:] = -1
    np.testing.assert_array_equal(load().x, kept)
    assert load().labels is None or load().labels.min() == 0
    with pytest.raises(FrozenInstanceError):
        first.x = kept


@pytest.mark.parametrize("load", [old_faithful, iris])
def test_source_and_licence_are_said(load):
    data = load()
    assert len(data.names) == len(data.units) == data.x.shape[1]
    assert "19" in data.source and len(data.licence) > 10
