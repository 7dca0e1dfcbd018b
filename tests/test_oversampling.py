"""k-means||: its draws have the law they should, whatever the blocks; and its seeds are as good as those of k-means++."""

import common
import numpy as np
import pytest
from common import KMEANS, blobs
from sources import source

import mixlib
from mixlib import oversampling
from mixlib._engine.data import Data
from mixlib._engine.sources import as_source
from mixlib._engine.streamed import StreamedData
from mixlib.covariance import CONSTRAINTS
from mixlib.oversampling import First, at_random, exponentials, kmeans_parallel
from mixlib.seeding import plusplus


def test_random_numbers_belong_to_rows():
    whole = exponentials(5, slice(0, 1000))
    for start, stop in ((0, 1), (1, 9), (2, 3), (3, 777), (4, 1000), (998, 1000)):
        np.testing.assert_array_equal(exponentials(5, slice(start, stop)), whole[start:stop])
    assert not (exponentials(6, slice(0, 1000)) == whole).any()
    many = exponentials(7, slice(0, 200_000))
    assert abs(many.mean() - 1) < 4.5 / np.sqrt(200_000)
    assert abs((many > 1).mean() - np.exp(-1)) < 4.5 * np.sqrt(np.exp(-1) * (1 - np.exp(-1)) / 200_000)


def test_a_race_draws_in_proportion_without_replacement():
    """All orders of the first two of four points, by their exact probabilities, within 4.5 standard errors."""
    speed, points, n = np.array([1.0, 2.0, 3.0, 0.0]), np.arange(4.0)[None], 20_000
    seen = np.zeros((4, 4))
    with np.errstate(divide="ignore"):
        for seed in range(n):
            first = First.of(exponentials(seed, slice(0, 4)) / speed, points, 2).points[0].astype(int)
            seen[tuple(first)] += 1
    for i in range(3):
        for j in range(3):
            p = 0.0 if i == j else speed[i] / 6 * speed[j] / (6 - speed[i])
            assert abs(seen[i, j] / n - p) <= 4.5 * np.sqrt(p * (1 - p) / n)
    assert not seen[3].any() and not seen[:, 3].any()


def test_of_equal_points_one_is_drawn_with_their_weight_together():
    """Two copies of a point are drawn first as often as one point of weight two, and never both."""
    points, n, first = np.array([[0.0, 1.0, 0.0, 2.0]]), 20_000, 0
    for seed in range(n):
        found = First.of(exponentials(seed, slice(0, 4)), points, 4).points[0]
        assert sorted(found) == [0.0, 1.0, 2.0]
        first += found[0] == 0.0
    assert abs(first / n - 0.5) <= 4.5 * 0.5 / np.sqrt(n)


def test_races_of_blocks_add_up():
    rng = np.random.default_rng(1)
    points = rng.integers(0, 30, size=(2, 4000)).astype(float)
    times = exponentials(1, slice(0, 4000))
    whole = First.of(times, points, 40)
    parts = [First.of(times[part], points[:, part], 40) for part in (slice(0, 5), slice(5, 3000), slice(3000, 4000))]
    added = parts[0] + parts[1] + parts[2]
    np.testing.assert_array_equal(added.points, whole.points)
    np.testing.assert_array_equal(added.times, whole.times)


def test_a_round_draws_by_squared_distance():
    """One candidate at 0: the next point is drawn with probability w d^2 / sum, within 4.5 standard errors."""
    x, w = np.array([[0.0], [1.0], [2.0], [5.0]]), np.array([1.0, 4.0, 1.0, 0.5])
    data, n, seen = Data(x, w, CONSTRAINTS["identity"]), 8000, np.zeros(4)
    candidates = data.points(np.array([0]))
    for seed in range(n):
        drawn = oversampling._race(data, seed, candidates, None, 1).points
        seen[np.argmin(np.abs(x[:, 0] - data.coordinates.to_user(drawn)[0, 0]))] += 1
    p = w * x[:, 0] ** 2 / (w @ x[:, 0] ** 2)
    assert (np.abs(seen / n - p) <= 4.5 * np.sqrt(p * (1 - p) / n)).all() and seen[0] == 0


@pytest.mark.parametrize("covariance", ["identity", "diag", "full"])
@pytest.mark.parametrize("draw", [kmeans_parallel, at_random])
def test_seeds_are_points_of_positive_weight_the_same_for_all_blocks(draw, covariance, tmp_path):
    x, _ = blobs(2)
    x = x * [1.0, 100.0] + [1e3, 0.0]
    w = np.random.default_rng(2).exponential(size=len(x)) * (np.arange(len(x)) % 2)
    there = as_source(source("factory", x, tmp_path)).examine("x")
    found = []
    for data in (Data(x, w, CONSTRAINTS[covariance]), StreamedData(there, w, CONSTRAINTS[covariance])):
        found.append(draw(data, 5, np.random.default_rng(3)))
    with common.small_blocks():
        found.append(draw(Data(x, w, CONSTRAINTS[covariance]), 5, np.random.default_rng(3)))
    for seeds in found:
        np.testing.assert_allclose(seeds, found[0], rtol=1e-9)
        nearest = np.abs(seeds[:, None] - x).sum(axis=2)
        np.testing.assert_allclose(nearest.min(axis=1), 0, atol=1e-8)
        rows = nearest.argmin(axis=1)
        assert len(set(rows)) == 5 and (w[rows] > 0).all()


def test_candidates_have_the_weight_of_the_points_nearest_to_them(monkeypatch):
    x, _ = blobs(6)
    w, seen = np.random.default_rng(6).exponential(size=len(x)), []
    whole = oversampling.greedy_plusplus

    def plusplus_of_few(few, K, rng):
        seen.append((few.coordinates.to_user(few.z), few.w))
        return whole(few, K, rng)

    monkeypatch.setattr(oversampling, "greedy_plusplus", plusplus_of_few)
    data = Data(x, w, CONSTRAINTS["identity"])
    kmeans_parallel(data, 5, np.random.default_rng(0))
    ((candidates, weights),) = seen
    candidates = data.coordinates.to_user(candidates.T)
    assert len(candidates) == 1 + 5 * 10
    labels = ((x[:, None] - candidates) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_allclose(weights, np.bincount(labels, w, len(candidates)), rtol=1e-12)


@pytest.mark.parametrize("init", ["k-means||", "random"])
def test_few_distinct_points(init, tmp_path):
    x = np.repeat(np.arange(3.0)[:, None], 50, axis=0)
    for data in (source("dask", x, tmp_path), source("factory", x, tmp_path)):
        with pytest.raises(mixlib.TooFewPointsError, match="only 3 distinct points, fewer than the 4"):
            mixlib.fit(data, 4, **KMEANS, init=init, random_state=0)
        fit = mixlib.fit(data, 3, **KMEANS, init=init, random_state=0)
        assert sorted(fit.mixture.means[:, 0]) == [0.0, 1.0, 2.0] and fit.inertia == 0


def test_an_array_takes_it_too():
    x, _ = blobs(4)
    fit = mixlib.fit(x, 4, **KMEANS, init="k-means||", random_state=1)
    assert fit.converged
    model = mixlib.KMeans(4, init="k-means||", random_state=1).fit(x)
    assert model.inertia_ == fit.inertia


def test_its_quality_beside_k_means_plusplus():
    """25 separated blobs, 40 draws of each: the mean cost of the seeds is below that of k-means++ by more than the noise."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(5000, 4)) + 8 * rng.normal(size=(25, 4))[rng.integers(25, size=5000)]
    data, costs = Data(x, None, CONSTRAINTS["identity"]), []
    for seed in range(40):
        pair = []
        for seeds in (
            kmeans_parallel(data, 25, np.random.default_rng(seed)),
            x[plusplus(data, 25, np.random.default_rng(seed))],
        ):
            pair.append(((x[:, None] - seeds) ** 2).sum(axis=2).min(axis=1).sum())
        costs.append(pair)
    difference = np.diff(costs, axis=1)[:, 0]
    assert difference.mean() > 3 * difference.std(ddof=1) / np.sqrt(40)


def test_the_number_of_passes():
    """Seven, whatever K: for the first candidate, five times 2K draws, and the candidates' weights; fewer if none are left."""
    x, passes = blobs(9, n=2000, K=30)[0], []

    def factory():
        passes.append(1)
        return iter([x[:900], x[900:]])

    for K in (2, 7, 30):
        data = StreamedData(as_source(factory).examine("x"), None, CONSTRAINTS["identity"])
        passes.clear()
        kmeans_parallel(data, K, np.random.default_rng(0))
        assert len(passes) == 7
