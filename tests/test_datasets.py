"""The datasets are the published ones: against summaries, and against another library's copy."""

import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from mixlib.datasets import hopper, iris, old_faithful, penguins

LOADERS = [old_faithful, iris, penguins, hopper]


def test_old_faithful_is_r_s():
    """Means, standard deviations and correlation as R prints them for `faithful`."""
    data = old_faithful()
    assert data.x.shape == (272, 2)
    assert data.names == ("eruptions", "waiting") and data.units == ("min", "min")
    assert data.labels is None
    np.testing.assert_allclose(data.x.mean(axis=0), [3.487783, 70.897059], rtol=0, atol=5e-7)
    np.testing.assert_allclose(data.x.std(axis=0, ddof=1), [1.141371, 13.594974], rtol=0, atol=5e-7)
    assert abs(np.corrcoef(data.x.T)[0, 1] - 0.9008112) < 5e-8
    # in R's order: head(faithful) and tail(faithful)
    np.testing.assert_array_equal(
        data.x[:6], [[3.6, 79], [1.8, 54], [3.333, 74], [2.283, 62], [4.533, 85], [2.883, 55]]
    )
    np.testing.assert_array_equal(
        data.x[-6:], [[4.75, 75], [4.117, 81], [2.15, 46], [4.417, 90], [1.817, 46], [4.467, 74]]
    )
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
    assert data.names == ("sepal_length", "sepal_width", "petal_length", "petal_width") and data.units == ("cm",) * 4
    # Fisher's table of means (1936, table 2)
    means = [data.x[data.labels == k].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(
        means, [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326], [6.588, 2.974, 5.552, 2.026]], rtol=1e-12
    )
    peer = pytest.importorskip("sklearn.datasets").load_iris()
    np.testing.assert_array_equal(data.x, peer.data)
    np.testing.assert_array_equal(data.labels, peer.target)
    assert list(data.label_names) == list(peer.target_names)


def test_penguins_are_palmerpenguins():
    """Summaries as R prints them for the 342 complete rows, and numbers from Horst, Hill & Gorman (2022)."""
    data = penguins()
    assert data.x.shape == (342, 4) and np.isfinite(data.x).all()
    np.testing.assert_array_equal(np.bincount(data.labels), [151, 68, 123])
    np.testing.assert_array_equal(data.x[[0, -1]], [[39.1, 18.7, 181, 3750], [50.2, 18.7, 198, 3775]])
    np.testing.assert_allclose(data.x.std(axis=0, ddof=1), [5.459584, 1.974793, 14.061714, 801.954536], atol=5e-7)
    # R's summary()
    np.testing.assert_allclose(
        np.quantile(data.x, [0, 0.25, 0.5, 0.75, 1], axis=0).T,
        [
            [32.1, 39.225, 44.45, 48.5, 59.6],
            [13.1, 15.6, 17.3, 18.7, 21.5],
            [172, 190, 197, 213, 231],
            [2700, 3550, 4050, 4750, 6300],
        ],
    )
    np.testing.assert_allclose(data.x.mean(axis=0), [43.92, 17.15, 200.9, 4202], rtol=3e-4)
    # the first two principal components of the standardised columns hold 88.15% (their shares, rounded, added)
    share = np.linalg.eigvalsh(np.corrcoef(data.x.T))[::-1] / 4
    assert np.isclose(np.round(100 * share[:2], 2).sum(), 88.15)


def test_hopper_is_a_picture():
    """Whole codes from 0 to 255, in rows of 128: the white of the cap, the dark of the uniform, the blue behind."""
    data = hopper()
    assert data.x.shape == (19_200, 3) and data.labels is None
    np.testing.assert_array_equal(data.x, np.round(data.x))
    assert data.x.min() >= 0 and data.x.max() <= 255
    assert len(np.unique(data.x, axis=0)) == 10_585
    picture = data.x.reshape(150, 128, 3)
    red, green, blue = picture[20:60, 100:120].mean(axis=(0, 1))  # the wall behind
    assert blue > green > red and blue > 130
    assert np.median(picture[110:125, 20:50]) < 40  # the uniform
    neighbours = np.abs(np.diff(picture, axis=1)).mean()
    shuffled = np.abs(np.diff(np.random.default_rng(1).permutation(data.x), axis=0)).mean()
    assert neighbours < shuffled / 4  # the shape is the picture's


def test_hopper_is_the_photograph():
    """Blocks of 4 by 4 pixels of the source, averaged in linear light; decoders differ by a code or two."""
    image = pytest.importorskip("PIL.Image")
    path = pytest.importorskip("matplotlib.cbook").get_sample_data("grace_hopper.jpg", asfileobj=False)
    with image.open(path) as file:
        source = np.asarray(file.convert("RGB")) / 255
    light = np.where(source <= 0.04045, source / 12.92, ((source + 0.055) / 1.055) ** 2.4)
    light = light.reshape(150, 4, 128, 4, 3).mean(axis=(1, 3))
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(255 * code.reshape(-1, 3) - hopper().x).mean() < 1


@pytest.mark.parametrize("load", LOADERS)
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


@pytest.mark.parametrize("load", LOADERS)
def test_source_and_licence_are_said(load):
    data = load()
    assert len(data.names) == len(data.units) == data.x.shape[1]
    assert re.search(r"\b(19|20)\d\d\b", data.source) and len(data.licence) > 10


def test_what_others_may_do_with_iris():
    """The UCI repository's page of the data set names its licence and this identifier."""
    assert iris().licence.startswith("CC BY 4.0") and "doi:10.24432/C56C76" in iris().licence


@pytest.mark.parametrize("load", LOADERS)
def test_a_table_is_one_object_with_a_short_name(load):
    """Arrays have no single truth value: tables are the same if they are the same object; their numbers stay out of sight."""
    data = load()
    assert data == data and data != load() and len({data, load()}) == 2
    assert len(repr(data)) < 250 and "array" not in repr(data) and data.names[0] in repr(data)
