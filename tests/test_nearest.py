"""The nearest centre, the distances and the inertia of points: as written, to the last digit where digits cancel.

Integers are full of exact ties, and their squared distances are exact in double precision however far from the
origin they lie (up to 2^26 or so): there labels must be those of a brute-force argmin, the lowest index among equals.
"""

from fractions import Fraction
from unittest import mock

import numpy as np
import pytest

import mixlib
from mixlib import nearest
from mixlib.nearest import distances, inertia, nearest_labels


@pytest.fixture(autouse=True, params=["one block", "many blocks"])
def blocks(request):
    size = {"BLOCK": 1 << 20} if request.param == "one block" else {"BLOCK": 3000, "CACHED_BLOCK": 100}
    with mock.patch.multiple(nearest, **size), mock.patch.dict("os.environ", MIXLIB_NUM_THREADS="2"):
        yield


def squares(x, centres):
    """Squared distances as written, (n, K), in double precision."""
    return np.array([((x.astype(float) - c) ** 2).sum(axis=1) for c in np.asarray(centres, dtype=float)]).T


def grid(seed, n, d, K, width=5):
    rng = np.random.default_rng(seed)
    return rng.integers(0, width, size=(n, d)).astype(float), rng.integers(0, 2 * width, size=(K, d)) / 2.0


LAYOUTS = {
    "rows": lambda x: x,
    "columns": np.asfortranarray,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d, K", [(1, 1), (1, 7), (2, 8), (3, 300), (9, 40), (16, 16)])
def test_ties_go_to_the_lowest_index(d, K, dtype, layout):
    ties = 0
    for seed, offset in enumerate([0.0, 0.0, 1000.0, -(2.0**20)]):
        x, centres = grid(seed, 1777, d, K, width=5 if d < 9 else 2)
        x, centres = LAYOUTS[layout]((x + offset).astype(dtype)), centres + offset
        expected = squares(x, centres)
        np.testing.assert_array_equal(nearest_labels(x, centres), expected.argmin(axis=1))
        ties += ((expected == expected.min(axis=1, keepdims=True)).sum(axis=1) > 1).sum()
    assert K == 1 or ties > 100


@pytest.mark.parametrize(
    "offset, unit",
    [(1e8, 1.0), (-1e8, 0.25), (2.0**40, 8.0), (0.0, 2.0**-600), (0.0, 2.0**-40), (0.0, 2.0**40), (0.0, 2.0**400)],
)
def test_moved_and_scaled(offset, unit):
    """The same labels elsewhere and in another unit; distances and inertia to the last digits."""
    for seed in range(6):
        x, centres = grid(seed, 2000, 2 + 8 * (seed % 2), 6)
        plain = squares(x, centres)
        moved, there = offset + unit * x, offset + unit * centres
        np.testing.assert_array_equal(nearest_labels(moved, there), plain.argmin(axis=1))
        np.testing.assert_allclose(distances(moved, there), unit * np.sqrt(plain), rtol=1e-12)
        if unit * unit > 0 and unit < 1e100:
            np.testing.assert_allclose(inertia(moved, there, None), unit**2 * plain.min(axis=1).sum(), rtol=1e-9)


def test_single_precision_decides_nothing_that_it_cannot_see():
    """Points that are nearer to one centre by 1e-6 to 1e-12 of the distance: far below single precision's rounding."""
    rng = np.random.default_rng(0)
    for d in (2, 12):
        a, b = rng.normal(size=(2, d))
        along = rng.normal(size=(3000, d))
        along -= np.outer(along @ (b - a), b - a) / ((b - a) @ (b - a))
        lean = rng.choice([-1.0, 1.0], size=3000) * 10.0 ** rng.uniform(-12, -6, size=3000)
        x = (a + b) / 2 + along + lean[:, None] * (b - a)
        np.testing.assert_array_equal(nearest_labels(x, np.array([a, b])), lean > 0)


@pytest.mark.parametrize("offset, unit", [(0.0, 0.1), (1000.3, 0.1), (-7e5, 1 / 3)])
def test_ties_of_the_distances_as_written(offset, unit):
    """Units that are no binary fractions: where a product and a sum would break the ties of what a user computes."""
    for seed in range(4):
        x, centres = grid(seed, 3000, 2, 30)
        x, centres = offset + unit * x, offset + unit * centres
        np.testing.assert_array_equal(nearest_labels(x, centres), squares(x, centres).argmin(axis=1))


@pytest.mark.parametrize("far", [1e6, 1e12, 1e30, 1e120])
@pytest.mark.parametrize("direction", [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, -1)])
def test_far_points_do_not_blur_the_others(far, direction):
    """Nor do they have wrong labels: rounded as far as they are away, they are as near to several centres."""
    x, centres = grid(1, 3000, 2, 60)
    x[77:160:7] = far * np.array(direction)
    np.testing.assert_array_equal(nearest_labels(x, centres), squares(x, centres).argmin(axis=1))


def test_centres_that_are_far_from_the_points():
    angles = np.random.default_rng(5).uniform(0, 2 * np.pi, size=40)
    centres = 1000 * np.array([np.cos(angles), np.sin(angles)]).T
    x = 1e-7 * np.random.default_rng(6).normal(size=(3000, 2))
    np.testing.assert_array_equal(nearest_labels(x, centres), squares(x, centres).argmin(axis=1))


@pytest.mark.parametrize("d", [1, 3, 20])
def test_distances_of_points_near_their_centres(d):
    """|z|^2 - 2 c.z + |c|^2 would lose all digits; some points lie at the origin, where no digit is lost."""
    rng = np.random.default_rng(7)
    centres = np.append(rng.integers(-9, 10, size=(5, d)), np.full((1, d), 1e6), axis=0)  # one is far from all
    steps = rng.integers(-8, 9, size=(6000, d)) * 2.0 ** rng.integers(-26, 0, size=(6000, 1))
    x = centres[rng.integers(5, size=6000)] + steps  # exact
    x[::500] = 0.0
    np.testing.assert_allclose(distances(x, centres), np.sqrt(squares(x, centres)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_inertia_of_narrow_clusters_far_apart(dtype, weighted):
    """The difference of two sums 10^14 times as large as itself, in rational numbers."""
    rng = np.random.default_rng(2)
    centres = np.array([[-(2.0**20), 0.0], [2.0**20, 3.0], [0.0, 2.0**20]])
    x = (centres[rng.integers(3, size=500)] + rng.integers(-2, 3, size=(500, 2)) / 8).astype(dtype)
    w = rng.integers(0, 4, size=500).astype(float) if weighted else None
    expected = sum(
        (1 if w is None else Fraction(w[i]))
        * min(sum((Fraction(float(a)) - Fraction(float(b))) ** 2 for a, b in zip(p, c)) for c in centres)
        for i, p in enumerate(x)
    )
    np.testing.assert_allclose(inertia(x, centres, w), float(expected), rtol=1e-12)


@pytest.mark.parametrize("d, K", [(2, 8), (16, 5), (3, 1)])
def test_inertia_is_the_sum_of_the_least_squares(d, K):
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(2500, d)), rng.exponential(size=2500)
    for offset in (0.0, 1e8):
        points, centres = x + offset, x[:K] + offset
        least = squares(points, centres).min(axis=1)
        np.testing.assert_allclose(inertia(points, centres, None), least.sum(), rtol=1e-9)
        np.testing.assert_allclose(inertia(points, centres, w), w @ least, rtol=1e-9)
        np.testing.assert_allclose(
            inertia(points.astype(np.float32), centres, None),
            squares(points.astype(np.float32), centres).min(axis=1).sum(),
            rtol=1e-9,
        )


def test_inertia_of_points_on_their_centres_is_zero():
    x = np.random.default_rng(4).normal(size=(40, 3)) + 100
    assert inertia(x, x, None) == 0 and nearest_labels(x, x).tolist() == list(range(40))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(bad, layout):
    x, _ = grid(0, 1777, 3, 2)
    model = mixlib.KMeans(2, init=np.array([[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]]), max_iter=2, tol=0).fit(x)
    x[1500, 2] = x[1600, 0] = bad
    for method in (model.predict, model.transform, model.score):
        with pytest.raises(
            ValueError, match=r"X contains NaN or infinity in 2 of 1777 rows \(first: row 1500, column 2\)"
        ):
            method(LAYOUTS[layout](x))


def test_numbers_near_the_limits_are_no_infinities():
    """Their squares overflow, or are zero; what is beyond the limits is refused."""
    x, centres = grid(0, 50, 2, 3)
    for unit in (2.0**600, 2.0**-600, 2.0**-520):
        np.testing.assert_array_equal(mixlib.inputs.as_points(unit * x), unit * x)
    np.testing.assert_array_equal(mixlib.inputs.as_points(np.zeros((3, 2))), 0)
    for unit in (1e301, 1e-305):
        with pytest.raises(ValueError, match="divide x by it"):
            mixlib.inputs.as_points(unit * x)


@pytest.mark.parametrize("gap", 10.0 ** -np.arange(1, 8))
def test_distances_near_a_centre_keep_their_digits(gap):
    """|z|^2 - 2 c.z + |c|^2 would lose one for each power of ten in |z|^2 over |z - c|^2."""
    centres = np.array([[1.0, 0.3], [-1.0, 0.7], [0.2, -0.9]])
    angles = np.linspace(0, 6, 50)
    x = (centres[:, None] + gap * np.stack([np.cos(angles), np.sin(angles)], axis=1)).reshape(-1, 2)
    exact = np.sqrt(((x[:, None].astype(np.longdouble) - centres) ** 2).sum(axis=2))
    np.testing.assert_allclose(distances(x, centres), exact.astype(float), rtol=3e-13)
