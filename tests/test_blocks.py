"""Blocks, threads, bounds and running sums change nothing: small blocks, every setting, plain Lloyd."""

import itertools
import warnings

import numpy as np
import pytest
from reference import COVARIANCES, lloyd

import mixlib
from mixlib import blocks as blocks_module
from mixlib import estep, leads, nearest
from mixlib.blocks import Data
from mixlib.covariance import CONSTRAINTS
from mixlib.model import Model, Parameters
from mixlib.mstep import m_step

SETTINGS = list(itertools.product(COVARIANCES, ("free", "equal"), ("soft", "hard")))


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 256 points, the fewest that there can be."""
    monkeypatch.setattr(estep, "BLOCK", 1)
    monkeypatch.setattr(nearest, "BLOCK", 1)
    monkeypatch.setattr(leads, "ASKED", 300)


def blobs(seed, n=1100, d=2, K=4):
    rng = np.random.default_rng(seed)
    z = rng.integers(K, size=n)
    return rng.normal(size=(n, d)) + 2.5 * rng.normal(size=(K, d))[z], z


def trace(x, K, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mixlib.EmptyComponentWarning)
        return mixlib.fit(x, K, tol=0, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_blocks_change_nothing(covariance, weights, assignment, weighted, monkeypatch):
    x, z = blobs(1)
    w = np.random.default_rng(1).exponential(size=len(x)) if weighted else None
    options = {"covariance": covariance, "weights": weights, "assignment": assignment, "init": z, "sample_weight": w,
               "max_iter": 12}
    whole = trace(x, 4, **options)
    monkeypatch.setattr(estep, "BLOCK", 1)
    monkeypatch.setattr(nearest, "BLOCK", 1)
    monkeypatch.setattr(leads, "ASKED", 300)
    parts = trace(x, 4, **options)
    assert len(parts.history) == len(whole.history)
    for a, b in zip(parts.history, whole.history):
        np.testing.assert_allclose(a.objective, b.objective, rtol=1e-11)
        np.testing.assert_allclose(a.means, b.means, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(a.mixture.covariances, b.mixture.covariances, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(parts.labels, whole.labels)
    np.testing.assert_allclose(parts.responsibilities, whole.responsibilities, rtol=0, atol=1e-9)
    np.testing.assert_allclose(parts.inertia, whole.inertia, rtol=1e-9)
    np.testing.assert_allclose(parts.log_likelihood, whole.log_likelihood, rtol=1e-11)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("covariance", ["identity", "diag", "full"])
def test_threads_change_nothing(covariance, assignment, small_blocks, monkeypatch):
    """To the last bit: the sums of the blocks are added in their order."""
    x, z = blobs(2, n=4000)
    options = {"covariance": covariance, "weights": "equal", "assignment": assignment, "init": z, "max_iter": 8}
    many = trace(x, 4, **options)
    monkeypatch.setattr(blocks_module, "THREADS", 1)
    one = trace(x, 4, **options)
    assert [r.objective for r in many.history] == [r.objective for r in one.history]
    np.testing.assert_array_equal(many.mixture.means, one.mixture.means)


KINDS = {
    "blobs": lambda rng: rng.normal(size=(900, 2)) + 3 * rng.normal(size=(6, 2))[rng.integers(6, size=900)],
    "uniform": lambda rng: rng.uniform(size=(900, 3)),
    "grid": lambda rng: rng.integers(0, 7, size=(900, 2)).astype(float),
    "duplicates": lambda rng: np.repeat(rng.normal(size=(150, 2)), 6, axis=0),
    "far away": lambda rng: rng.normal(size=(900, 2)) + 1e6,
    "one column": lambda rng: rng.exponential(size=(900, 1)),
    "far and tight": lambda rng: 1e-3 * rng.normal(size=(900, 2)) + rng.integers(3, size=(900, 1)) * 1e3,
}


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_and_running_sums_are_still_lloyd(kind, small_blocks, monkeypatch):
    """20 starts of each kind over several blocks: labels at every iteration; and the bounds were at work."""
    looked = {"bounded": 0, "all": 0}
    doubtful, look = leads.Leads.doubtful, nearest.Nearest._look

    def counted_doubtful(self, labels):
        looked["bounded"] += len(labels)
        return doubtful(self, labels)

    def counted_look(self, z, precision):
        looked["all"] += z.shape[1]
        return look(self, z, precision)

    iterations = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = KINDS[kind](rng)
        start = x[rng.choice(900, size=2 + seed % 9, replace=False)]
        monkeypatch.setattr(leads.Leads, "doubtful", counted_doubtful)
        monkeypatch.setattr(nearest.Nearest, "_look", counted_look)
        seen = []
        fit = trace(x, len(start), covariance="identity", weights="equal", assignment="hard", init=start, max_iter=300,
                    callback=lambda record, seen=seen: seen.append(record.objective))
        monkeypatch.undo()
        monkeypatch.setattr(nearest, "BLOCK", 1)
        monkeypatch.setattr(leads, "ASKED", 300)
        iterations += fit.n_iter + 1
        labels, centres = lloyd(x, start, fit.n_iter + 1)
        for t, record in enumerate(fit.history):
            np.testing.assert_allclose(record.means, centres[t], rtol=1e-9, atol=1e-12 * np.abs(x).max(),
                                       err_msg=f"seed {seed}, iteration {t}")
        np.testing.assert_array_equal(fit.labels, labels[fit.n_iter])
        np.testing.assert_array_equal(labels[fit.n_iter], labels[fit.n_iter + 1])
        assert fit.n_iter < 2 or not np.array_equal(labels[fit.n_iter - 2], labels[fit.n_iter - 1])
        J = ((x - fit.mixture.means[fit.labels]) ** 2).sum()
        np.testing.assert_allclose(fit.inertia, J, rtol=1e-9)
        np.testing.assert_allclose(seen[-1], -J / 2 - x.size / 2 * np.log(2 * np.pi) - 900 * np.log(len(start)),
                                   rtol=1e-9)
    assert looked["bounded"] > 0
    assert looked["all"] < 0.8 * 900 * iterations             # a good part was not looked at again


@pytest.mark.parametrize("kind, fine, tied", [
    ("blobs", False, False), ("uniform", False, False), ("grid", True, True), ("far and tight", True, True)])
def test_what_decides_the_labels(kind, fine, tied, small_blocks, monkeypatch):
    """Single precision where it can, double precision where it must, distances where there are ties."""
    look, by_distances, seen = nearest.Nearest._look, nearest.Nearest._by_distances, {"coarse": 0, "fine": 0, "tied": 0}

    def counted_look(self, z, precision):
        seen["fine" if precision == nearest.FINE else "coarse"] += z.shape[1]
        return look(self, z, precision)

    def counted_distances(self, z):
        seen["tied"] += z.shape[1]
        return by_distances(self, z)

    monkeypatch.setattr(nearest.Nearest, "_look", counted_look)
    monkeypatch.setattr(nearest.Nearest, "_by_distances", counted_distances)
    for seed in range(5):
        x = KINDS[kind](np.random.default_rng(seed))
        trace(x, 5, covariance="identity", weights="equal", assignment="hard", init=x[:5] + 0.0, max_iter=300)
    assert seen["coarse"] >= 5 * 900
    assert (seen["fine"] > 0.02 * seen["coarse"]) == fine
    assert (seen["tied"] > 0) == tied


@pytest.mark.parametrize("spread", [0, 6])
def test_bounds_with_weights(spread, small_blocks):
    """Weights over many orders of magnitude, some of them zero: the centres of a plain weighted Lloyd."""
    for seed in range(15):
        rng = np.random.default_rng(seed)
        x = KINDS["blobs"](rng)
        w = 10 ** rng.uniform(-spread, spread / 3, size=900) * (rng.uniform(size=900) < 0.9) * rng.exponential(size=900)
        start = x[rng.choice(900, size=5, replace=False)]
        fit = trace(x, 5, covariance="identity", weights="equal", assignment="hard", init=start, sample_weight=w,
                    max_iter=300)
        centres = start
        for record in fit.history:
            np.testing.assert_allclose(record.means, centres, rtol=1e-8, atol=1e-9)
            z = ((x[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
            centres = np.array([np.average(x[z == k], axis=0, weights=w[z == k]) if w[z == k].sum() else centres[k]
                                for k in range(5)])
        assert fit.converged
        np.testing.assert_allclose(centres, fit.mixture.means, rtol=1e-8, atol=1e-9)


def test_float32_keeps_its_bounds(small_blocks):
    """float32 points: the objective of the same points in float64 to six digits, labels all but a few."""
    x = KINDS["blobs"](np.random.default_rng(3)).astype(np.float32)
    options = {"covariance": "identity", "weights": "equal", "assignment": "hard", "init": x[:5], "max_iter": 300}
    a, b = trace(x, 5, **options), trace(x.astype(float), 5, **options)
    np.testing.assert_allclose(a.inertia, b.inertia, rtol=1e-5)
    assert (a.labels != b.labels).mean() < 0.005


def test_what_leaves_a_component_leaves_no_trace(small_blocks):
    """Three points of weight 0.1 leave one by one: the count is 0 and not 3e-17, and the centre stays."""
    x = np.r_[[[0.0], [0.1], [0.2]], np.full((600, 1), 1.0), np.full((300, 1), -2.0)]
    constraint = CONSTRAINTS["identity"]
    points = Data(x, np.full(len(x), 0.1), constraint)
    model = Model(constraint, False, True, 1.0)
    step = None
    for c in ([-2, 0.1, 1], [-2, 0.1, 1], [-2, 0.1, 0.25], [-2, 0.05, 0.2], [-2, -0.15, 0.1], [-2, -0.3, 0.1]):
        centres = np.array(c, dtype=float)[:, None]
        params = Parameters(np.full(3, 1 / 3), points.frame.inward(centres).T.copy(), model.fixed_factors(points), centres)
        step = estep.e_step(points, model, params, step)
        sums = step.sums()
    assert step.known is not None and sums.counts[1] == 0
    assert m_step(step, sums, params).centres[1, 0] == -0.3
