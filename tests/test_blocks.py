"""Blocks, threads, bounds and running sums change nothing: small blocks, every setting, plain Lloyd."""

import tracemalloc
from unittest import mock

import common
import numpy as np
import pytest
from common import KMEANS, SETTINGS, blobs, e_steps_seen, fit_exactly
from reference import lloyd

from mixlib import log_joint
from mixlib._engine.data import Data
from mixlib._engine.triangles import inverse_triangles
from mixlib.covariance import CONSTRAINTS, Full
from mixlib.estep import FixedResponsibilities, e_step
from mixlib.lloyd import DOUBLE, SINGLE
from mixlib.model import Model, Parameters
from mixlib.mstep import m_step


@pytest.fixture
def small_blocks():
    with common.small_blocks():
        yield


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariance, weights, assignment", SETTINGS)
def test_blocks_change_nothing(covariance, weights, assignment, weighted):
    x, z = blobs(1)
    w = np.random.default_rng(1).exponential(size=len(x)) if weighted else None
    options = {
        "covariance": covariance,
        "weights": weights,
        "assignment": assignment,
        "init": z,
        "sample_weight": w,
        "max_iter": 12,
    }
    whole = fit_exactly(x, 4, **options)
    with common.small_blocks():
        parts = fit_exactly(x, 4, **options)
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
    many = fit_exactly(x, 4, **options)
    monkeypatch.setenv("MIXLIB_NUM_THREADS", "1")
    one = fit_exactly(x, 4, **options)
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
def test_bounds_and_running_sums_are_still_lloyd(kind, small_blocks):
    """20 starts of each kind over several blocks: labels at every iteration; and the bounds were at work."""
    looked_at = iterations = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = KINDS[kind](rng)
        start = x[rng.choice(900, size=2 + seed % 9, replace=False)]
        seen = []
        with e_steps_seen() as steps:
            fit = fit_exactly(
                x,
                len(start),
                init=start,
                max_iter=300,
                **KMEANS,
                callback=lambda record, seen=seen: seen.append(record.objective),
            )
        looked_at += steps[0].looked_at[SINGLE] + steps[0].looked_at[DOUBLE]
        iterations += fit.n_iter + 1
        labels, centres = lloyd(x, start, fit.n_iter + 1)
        for t, record in enumerate(fit.history):
            np.testing.assert_allclose(
                record.means, centres[t], rtol=1e-9, atol=1e-12 * np.abs(x).max(), err_msg=f"seed {seed}, iteration {t}"
            )
        np.testing.assert_array_equal(fit.labels, labels[fit.n_iter])
        np.testing.assert_array_equal(labels[fit.n_iter], labels[fit.n_iter + 1])
        assert fit.n_iter < 2 or not np.array_equal(labels[fit.n_iter - 2], labels[fit.n_iter - 1])
        J = ((x - fit.mixture.means[fit.labels]) ** 2).sum()
        np.testing.assert_allclose(fit.inertia, J, rtol=1e-9)
        np.testing.assert_allclose(
            seen[-1], -J / 2 - x.size / 2 * np.log(2 * np.pi) - 900 * np.log(len(start)), rtol=1e-9
        )
    assert looked_at < 0.8 * 900 * iterations  # a good part was not looked at again


@pytest.mark.parametrize(
    "kind, fine, tied",
    [("blobs", False, False), ("uniform", False, False), ("grid", True, True), ("far and tight", True, True)],
)
def test_what_decides_the_labels(kind, fine, tied, small_blocks):
    """Single precision where it can, double precision where it must, distances where there are ties."""
    with e_steps_seen() as steps:
        for seed in range(5):
            x = KINDS[kind](np.random.default_rng(seed))
            fit_exactly(x, 5, init=x[:5] + 0.0, max_iter=300, **KMEANS)
    single, double, distances = (sum(step.looked_at[kind] for step in steps) for kind in (SINGLE, DOUBLE, "distances"))
    assert single >= 5 * 900
    assert (double > 0.02 * single) == fine
    assert (distances > 0) == tied


@pytest.mark.parametrize("spread", [0, 6])
def test_bounds_with_weights(spread, small_blocks):
    """Weights over many orders of magnitude, some of them zero: the centres of a plain weighted Lloyd."""
    for seed in range(15):
        rng = np.random.default_rng(seed)
        x = KINDS["blobs"](rng)
        w = 10 ** rng.uniform(-spread, spread / 3, size=900) * (rng.uniform(size=900) < 0.9) * rng.exponential(size=900)
        start = x[rng.choice(900, size=5, replace=False)]
        fit = fit_exactly(x, 5, init=start, sample_weight=w, max_iter=300, **KMEANS)
        centres = start
        for record in fit.history:
            np.testing.assert_allclose(record.means, centres, rtol=1e-8, atol=1e-9)
            z = ((x[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
            centres = np.array(
                [np.average(x[z == k], axis=0, weights=w[z == k]) if w[z == k].sum() else centres[k] for k in range(5)]
            )
        assert fit.converged
        np.testing.assert_allclose(centres, fit.mixture.means, rtol=1e-8, atol=1e-9)


def test_float32_keeps_its_bounds(small_blocks):
    """float32 points: the objective of the same points in float64 to six digits, labels all but a few."""
    x = KINDS["blobs"](np.random.default_rng(3)).astype(np.float32)
    options = {**KMEANS, "init": x[:5], "max_iter": 300}
    a, b = fit_exactly(x, 5, **options), fit_exactly(x.astype(float), 5, **options)
    np.testing.assert_allclose(a.inertia, b.inertia, rtol=1e-5)
    assert (a.labels != b.labels).mean() < 0.005


def test_what_leaves_a_component_leaves_no_trace(small_blocks):
    """Three points of weight 0.1 leave one by one: the count is 0 and not 3e-17, and the centre stays."""
    x = np.r_[[[0.0], [0.1], [0.2]], np.full((600, 1), 1.0), np.full((300, 1), -2.0)]
    constraint = CONSTRAINTS["identity"]
    points = Data(x, np.full(len(x), 0.1), constraint)
    model = Model(constraint, False, True, 1.0)
    estep = e_step(points, model)
    for c in ([-2, 0.1, 1], [-2, 0.1, 1], [-2, 0.1, 0.25], [-2, 0.05, 0.2], [-2, -0.15, 0.1], [-2, -0.3, 0.1]):
        centres = np.array(c, dtype=float)[:, None]
        params = Parameters(
            np.full(3, 1 / 3), points.coordinates.to_internal(centres).T.copy(), model.fixed_factors(points), centres
        )
        statistics = estep.statistics(params)
    assert estep.bounds is not None and statistics.counts[1] == 0
    assert m_step(estep, statistics, params).centres[1, 0] == -0.3


def test_both_forms_of_the_log_joint_have_the_same_sums():
    """Products of features, and deviations from each mean: statistics about one origin, and iterates, soft and hard."""
    for d, K, dtype, weighted in ((3, 4, float, True), (12, 2, float, False), (40, 3, np.float32, True)):
        x, z = blobs(1, 700, d, K, 2.0)
        x, w = x.astype(dtype), np.random.default_rng(0).exponential(size=700) if weighted else None
        points = Data(x, w, CONSTRAINTS["full"])
        tolerance = 1e-9 if dtype is float else 1e-3
        for hard in (False, True):
            found = []
            for per_component in (10**9, 0):
                with mock.patch.object(log_joint, "MOMENTS_PER_COMPONENT", per_component):
                    estep = e_step(points, Model(CONSTRAINTS["full"], True, hard, 1.0))
                    given = FixedResponsibilities(points, estep.model, z, K)
                    start = m_step(given, given.statistics(None), None)
                    statistics = estep.statistics(start)
                    found.append((type(estep.form), start, statistics, m_step(estep, statistics, start)))
            (natural, *a), (deviations, *b) = found
            assert (natural, deviations) == (log_joint.Natural, log_joint.Deviations)
            origin = b[1].origin
            moved = a[1].about(origin, points.shape)
            assert abs(b[1].objective / a[1].objective - 1) < tolerance
            for one, other in ((a[0].factors, b[0].factors), (a[2].factors, b[2].factors), (a[2].means, b[2].means)):
                np.testing.assert_allclose(one, other, atol=tolerance * np.abs(other).max())
            for one, other in zip(moved[:3], b[1][:3]):
                np.testing.assert_allclose(one, other, atol=tolerance * points.total_weight)


def test_high_dimension_takes_little_memory():
    """300 columns: at most twenty times the data while it runs, and the data's own size in scratch after it."""
    x, z = blobs(0, 1500, 300, 2, 1.0)
    tracemalloc.start()
    try:
        fit_exactly(x, 2, init=z, max_iter=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * x.nbytes


def test_parts_of_a_triangle_make_the_product():
    rng = np.random.default_rng(0)
    for d in (5, 63, 64, 100, 300):
        L = np.tril(rng.normal(size=(d, d)))
        for order in "CF":
            v = np.array(rng.normal(size=(d, 50)), order=order)
            np.testing.assert_allclose(Full().whiten(L, v), L @ v, rtol=1e-10, atol=1e-10)


def test_triangles_are_inverted_by_halves():
    rng = np.random.default_rng(0)
    for d in (1, 2, 48, 49, 131):
        L = np.tril(rng.normal(size=(2, d, d))) / d + 2 * np.eye(d)
        found = inverse_triangles(L)
        np.testing.assert_allclose(found @ L, np.broadcast_to(np.eye(d), (2, d, d)), atol=1e-12)
        assert (np.triu(found, 1) == 0).all()
