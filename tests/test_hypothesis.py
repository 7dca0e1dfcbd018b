"""Properties that hold for all data: Hypothesis draws the data and the settings, and shrinks what fails."""

import numpy as np
import pytest
from common import KMEANS, small_blocks
from drawn import assert_lloyds, assert_same, cases, examples, grids, run, seeds
from hypothesis import given
from hypothesis import strategies as st
from reference import COVARIANCES
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import mixlib

pytestmark = pytest.mark.slow


# ---- the loop climbs, and says what it stands on -----------------------------------------------

everywhere = cases(
    kinds=("blobs", "grid", "copies"),
    offsets=(0.0, 1.0, 1e3, 1e6),
    exponents=st.integers(-9, 9),
    dtypes=(np.float64, np.float32),
)


@examples(200)
@given(everywhere, st.booleans())
def test_the_objective_never_falls(case, prior):
    """At any place and unit, with ties and copies, in both precisions; a prior keeps every fit regular."""
    path = run(case.x, case.K, case.w, max_iter=25, prior=mixlib.Prior() if prior else None, **case.options)
    assert np.diff(path.objectives).min(initial=0) >= -path.rounding * path.total


@examples(200)
@given(everywhere, st.booleans())
def test_what_is_returned_is_of_the_parameters_returned(case, prior):
    """Log-likelihood, objective, labels and responsibilities, recomputed by SciPy in units of the data."""
    path = run(case.x, case.K, case.w, prior=mixlib.Prior() if prior else None, **case.options)
    fit = path.fit
    if fit is None:
        return
    x, mixture = case.x.astype(float), fit.mixture
    centre, unit = x.mean(axis=0), np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2).max(axis=0))
    covariances = mixture.covariances / unit / unit[:, None]
    if np.linalg.cond(covariances).max() > 1e9:
        return  # SciPy calls it singular
    log_joint = np.array(
        [
            multivariate_normal.logpdf((x - centre) / unit, (m - centre) / unit, c)
            for m, c in zip(mixture.means, covariances)
        ]
    ).reshape(case.K, -1)
    with np.errstate(divide="ignore"):
        log_joint = (log_joint + np.log(mixture.weights)[:, None]).T - np.log(unit).sum()
    w = np.ones(len(x)) if case.w is None else case.w
    allowed = path.rounding * path.total + 1e-9 * abs(log_joint).max()
    own = {"soft": w @ logsumexp(log_joint, axis=1), "hard": w @ log_joint.max(axis=1)}
    assert abs(fit.log_likelihood - own["soft"]) <= allowed
    assert abs(fit.classification_log_likelihood - own["hard"]) <= allowed
    assert prior or abs(fit.objective - own[case.options["assignment"]]) <= allowed
    assert fit.objective == fit.history[-1].objective
    r = fit.responsibilities
    if case.options["assignment"] == "soft":
        assert abs(r - np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))).max() <= 10 * path.rounding
    assert (np.take_along_axis(r, fit.labels[:, None], axis=1)[:, 0] >= r.max(axis=1) - path.rounding).all()


@examples(100)
@given(seeds, st.integers(2, 4), st.sampled_from([np.float64, np.float32]), st.sampled_from([0.0, 10.0, 1e3]))
def test_too_few_points_are_singular(seed, d, dtype, offset):
    """d points span no d dimensions, however the precision rounds them: no full covariance is fitted to them."""
    rng = np.random.default_rng(seed)
    few = np.r_[np.zeros((1, d)), rng.normal(size=(d - 1, d))] + 3 * rng.normal(size=d)
    x = (offset + np.r_[rng.normal(size=(40, d)), few]).astype(dtype)
    path = run(x, 2, init=np.repeat([0, 1], [40, d]), max_iter=0)
    assert path.fit is None


# ---- symmetries -------------------------------------------------------------------------------


def turn(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def assert_moved(case, A, b, *, variance=1.0):
    """The fit to A x + b is the fit to x, moved: labels, means, covariances, objective less n log|det A|."""
    options = case.options | {"variance": case.options["variance"] * variance, "init": case.options["init"] @ A.T + b}
    path = run(case.x, case.K, case.w, **case.options)
    other = run(case.x @ A.T + b, case.K, case.w, **options)
    if not assert_same(path, other, path.total * np.linalg.slogdet(A)[1], 1e-7):
        return
    fit, moved = path.fit, other.fit
    np.testing.assert_array_equal(moved.labels, fit.labels)
    sd = np.sqrt(np.diagonal(A @ np.cov(case.x.T, aweights=case.w).reshape(A.shape) @ A.T))
    assert abs((fit.mixture.means @ A.T + b - moved.mixture.means) / sd).max() < 1e-6
    assert abs((A @ fit.mixture.covariances @ A.T - moved.mixture.covariances) / sd / sd[:, None]).max() < 1e-6


shifts = st.sampled_from([0.0, 1.0, 1e3])


@examples(100)
@given(cases(("tied", "full")), seeds, shifts)
def test_affine_maps(case, seed, shift):
    d, rng = case.x.shape[1], np.random.default_rng(seed)
    assert_moved(case, turn(rng, d) * rng.uniform(0.2, 5, size=d) @ turn(rng, d), shift * rng.normal(size=d))


@examples(100)
@given(cases(("diag", "tied_diag", "tied", "full")), seeds, shifts)
def test_units_of_columns(case, seed, shift):
    """Each column in a unit of its own, some turned round, in another order."""
    d, rng = case.x.shape[1], np.random.default_rng(seed)
    units = 10 ** rng.uniform(-8, 8, size=d) * rng.choice([-1, 1], size=d)
    A = (units * np.eye(d))[rng.permutation(d)]
    assert_moved(case, A, A @ (shift * rng.normal(size=d)))


@examples(100)
@given(cases([c for c in COVARIANCES if not c.endswith("diag")]), seeds, shifts, st.integers(-8, 8))
def test_rotation_and_scale(case, seed, shift, exponent):
    """Only distances count; the variance that `identity` is given is in squared units."""
    d, rng, unit = case.x.shape[1], np.random.default_rng(seed), 10.0**exponent
    assert_moved(case, unit * turn(rng, d), unit * shift * rng.normal(size=d), variance=unit**2)


@examples(100)
@given(cases(kinds=("blobs", "grid", "copies"), dtypes=(np.float64, np.float32)), st.integers(-60, 60))
def test_powers_of_two_change_no_bit(case, exponent):
    unit = 2.0**exponent
    fit = run(case.x, case.K, case.w, **case.options).fit
    moved = run(
        case.x * case.x.dtype.type(unit),
        case.K,
        case.w,
        **case.options | {"init": unit * case.options["init"], "variance": unit**2 * case.options["variance"]},
    ).fit
    assert (fit is None) == (moved is None)
    if fit is not None:
        np.testing.assert_array_equal(moved.labels, fit.labels)
        np.testing.assert_array_equal(moved.mixture.means, unit * fit.mixture.means)
        np.testing.assert_array_equal(moved.mixture.covariances, unit**2 * fit.mixture.covariances)


@examples(100)
@given(cases(), seeds, st.sampled_from([None, "k-means++", "random"]))
def test_order_of_points(case, seed, init):
    """Rows in another order give the same fit, also where they are drawn as a start."""
    order = np.random.default_rng(seed).permutation(len(case.x))
    options = case.options | ({"init": init, "random_state": seed} if init else {})
    path = run(case.x, case.K, case.w, **options)
    other = run(case.x[order], case.K, case.w if case.w is None else case.w[order], **options)
    if assert_same(path, other):
        np.testing.assert_array_equal(other.fit.labels, path.fit.labels[order])


@examples(100)
@given(cases(), seeds)
def test_names_of_components(case, seed):
    """Starting means in another order give the same fit under other names."""
    name = np.random.default_rng(seed).permutation(case.K)
    path = run(case.x, case.K, case.w, **case.options)
    other = run(case.x, case.K, case.w, **case.options | {"init": case.options["init"][name]})
    if assert_same(path, other):
        np.testing.assert_array_equal(name[other.fit.labels], path.fit.labels)
        np.testing.assert_allclose(other.fit.mixture.weights, path.fit.mixture.weights[name], rtol=0, atol=1e-8)
        np.testing.assert_allclose(other.fit.mixture.means, path.fit.mixture.means[name], rtol=0, atol=1e-6)


@examples(100)
@given(cases(), seeds, st.sampled_from([None, "k-means++", "random"]))
def test_integer_weights_are_copies(case, seed, init):
    """A weight w is w copies: the same start, the same labels, other numbers up to the rounding of sums."""
    copies = np.random.default_rng(seed).integers(0, 4, size=len(case.x))
    copies[: case.K * (case.x.shape[1] + 2)] += 1  # enough for every component
    options = case.options | ({"init": init, "random_state": seed} if init else {})
    path = run(case.x, case.K, copies, **options)
    other = run(np.repeat(case.x, copies, axis=0), case.K, **options)
    if assert_same(path, other):
        np.testing.assert_array_equal(other.fit.labels, np.repeat(path.fit.labels, copies))


# ---- how the work is shared out ----------------------------------------------------------------


@examples(60)
@given(cases(dtypes=(np.float64, np.float32)), seeds, st.integers(257, 900), st.integers(300, 600), st.integers(1, 3))
def test_blocks_and_threads(case, seed, n, rows, threads):
    """The same seed gives the same fit, to the last bit in equal blocks, up to rounding in others."""
    rng = np.random.default_rng(seed)
    x = (case.x[rng.integers(len(case.x), size=n)] + rng.normal(size=(n, case.x.shape[1]))).astype(case.x.dtype)
    w = None if case.w is None else rng.exponential(size=n)
    options = case.options | {"init": "k-means++", "random_state": seed}
    path, again = run(x, case.K, w, **options), run(x, case.K, w, **options)
    np.testing.assert_array_equal(again.objectives, path.objectives)
    with small_blocks(rows, threads):
        parts = run(x, case.K, w, **options)
    with small_blocks(rows, 1):
        alone = run(x, case.K, w, **options)
    np.testing.assert_array_equal(alone.objectives, parts.objectives)
    if assert_same(path, parts, allowed={8: 1e-9, 4: 1e-4}[x.itemsize]):
        assert (parts.fit.labels != path.fit.labels).mean() <= (0.01 if x.itemsize == 4 else 0)


# ---- k-means ----------------------------------------------------------------------------------


@examples(300)
@given(grids(), st.sampled_from([0.0, 7.0, 1e6, -(2.0**40)]), st.integers(-3, 300))
def test_ties_go_as_in_a_plain_lloyd(grid, offset, exponent):
    x, start = (2.0**exponent * (part + offset) for part in grid)
    fit, centres = assert_lloyds(x, start, variance=4.0**exponent)
    np.testing.assert_array_equal(fit.mixture.means, centres)


@examples(100)
@given(grids(), seeds)
def test_integer_weights_are_copies_exactly(grid, seed):
    """k-means of integers with integer weights: sums are exact, so labels and centres are, to the last bit."""
    x, start = grid
    copies = np.random.default_rng(seed).integers(0, 4, size=len(x))
    copies[: len(start)] += 1
    options = {**KMEANS, "init": start, "max_iter": 200}
    fit, other = run(x, len(start), copies, **options).fit, run(np.repeat(x, copies, axis=0), len(start), **options).fit
    assert fit.n_iter == other.n_iter
    np.testing.assert_array_equal(fit.mixture.means, other.mixture.means)
    np.testing.assert_array_equal(np.repeat(fit.labels, copies), other.labels)


@examples(60)
@given(
    seeds,
    st.sampled_from([1, 2, 3, 4, 9]),
    st.integers(1, 9),
    st.integers(257, 700),
    st.booleans(),
    st.integers(300, 600),
    st.sampled_from([0.0, 1.0, 6.0, 1e6]),
    st.sampled_from([0.0, 1e4]),
)
def test_bounds_go_as_in_a_plain_lloyd(seed, d, K, n, on_a_grid, rows, spread, offset):
    """More points than a block holds, so that bounds and running sums are at work."""
    rng = np.random.default_rng(seed)
    x = offset + rng.normal(size=(n, d)) + spread * rng.normal(size=(K, d))[rng.integers(K, size=n)]
    x = np.rint(x) if on_a_grid else x
    with small_blocks(rows, 1 + seed % 2):
        assert_lloyds(x, x[rng.choice(n, size=K, replace=False)])


# ---- seeding ----------------------------------------------------------------------------------


@examples(200)
@given(grids(), seeds, st.booleans(), st.sampled_from([0.0, 1e6]), st.sampled_from([1e-9, 1.0, 1e200]))
def test_seeds_are_distinct_points(grid, seed, weighted, offset, unit):
    """As many centres as there are distinct points of positive weight can be drawn, and no more."""
    x = unit * (grid[0] + offset)
    w = np.random.default_rng(seed).integers(0, 3, size=len(x)).astype(float) + np.eye(len(x))[0] if weighted else None
    points = {tuple(point) for point in (x if w is None else x[w > 0])}
    centres = mixlib.kmeans_plusplus(x, len(points), seed, sample_weight=w)
    assert {tuple(centre) for centre in centres} == points and len(centres) == len(points)
    if len(points) < len(x if w is None else x[w > 0]):
        try:
            mixlib.kmeans_plusplus(x, len(points) + 1, seed, sample_weight=w)
            raise AssertionError("more centres than points")
        except mixlib.TooFewPointsError as error:
            assert f"only {len(points)} distinct" in str(error)
