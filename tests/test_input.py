"""Bad input is refused at the door, with what was wrong and what to do; good input of odd kinds is taken."""

import inspect
import warnings

import numpy as np
import pytest

import mixlib

X = np.random.default_rng(0).normal(size=(12, 2))


def refuse(match, x=X, n_components=2, error=ValueError, **options):
    """fit raises `error` with a message that says `match`, and only at the door: nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=match):
            mixlib.fit(x, n_components, **{"random_state": 0, **options})


@pytest.mark.parametrize(
    "x, match",
    [
        (np.where(np.arange(24).reshape(12, 2) == 5, np.nan, X), r"NaN.*1 of 12 rows.*row 2"),
        (np.where(np.arange(24).reshape(12, 2) == 5, np.inf, X), r"NaN or infinity.*row 2"),
        (np.where(np.arange(24).reshape(12, 2) == 5, -np.inf, X), r"infinity"),
        (np.zeros((0, 2)), r"0 points.*\(0, 2\)"),
        (np.zeros((4, 0)), r"0 feature.*\(4, 0\)"),
        (X[:, 0], r"2-D.*\(12,\).*reshape\(-1, 1\)"),
        (X[None], r"2-D.*\(1, 12, 2\)"),
        (3.0, r"2-D.*\(\)"),
        (None, r"x must hold numbers|2-D"),
        (X + 1j, r"[Cc]omplex"),
        (X.astype(str).astype(object) + "?", r"must hold numbers"),
        ([["a", "b"], ["c", "d"]], r"must hold numbers"),
        ([[1.0, 2.0], [3.0]], r"numbers|shape|inhomogeneous"),
        (np.array([[{}, []]] * 3, dtype=object), r"must hold numbers"),
        ([["1", "2"], ["3", "4"]], r"must hold numbers.*<U1"),
        (np.array([["2020-01-01", "2020-01-02"]] * 3, dtype="datetime64[D]"), r"must hold numbers.*datetime64"),
        (np.ones((3, 2), dtype="timedelta64[s]"), r"must hold numbers.*timedelta64"),
    ],
)
def test_points(x, match):
    refuse(match, x=x)


def test_sparse_matrices_are_refused_by_name():
    sparse = pytest.importorskip("scipy.sparse")
    refuse("sparse.*toarray", x=sparse.csr_matrix(X), error=TypeError)


@pytest.mark.parametrize(
    "K, error, match",
    [
        (0, ValueError, "at least 1, got 0"),
        (-3, ValueError, "at least 1, got -3"),
        (13, ValueError, "n_components=13.*13 points.*12"),
        (2.0, TypeError, "integer.*2.0.*float"),
        ("2", TypeError, "integer"),
        (None, TypeError, "integer"),
        (True, TypeError, "integer"),
        (np.nan, TypeError, "integer"),
        ([2], TypeError, "integer"),
    ],
)
def test_number_of_components(K, error, match):
    refuse(match, n_components=K, error=error)


def test_components_need_points_of_positive_weight():
    w = np.zeros(12)
    w[:2] = 1
    refuse("n_components=3.*positive weight.*2", n_components=3, sample_weight=w)


def test_one_row():
    """One point is a perfect k-means cluster, has no variance to estimate, and no second cluster."""
    refuse("n_components=2.*2 points.*1", x=X[:1])
    with pytest.raises(mixlib.SingularFitError):
        mixlib.fit(X[:1], 1)
    fit = mixlib.fit(X[:1], 1, covariance="identity", assignment="hard", weights="equal")
    np.testing.assert_array_equal(fit.mixture.means, X[:1])
    np.testing.assert_allclose(fit.log_likelihood, -np.log(2 * np.pi))


@pytest.mark.parametrize(
    "option, value, match",
    [
        ("covariance", "spheric", "covariance.*'tied_spherical'.*'spheric'"),
        ("covariance", None, "covariance.*one of"),
        ("covariance", "Full", "one of"),
        ("covariance", ["full"], "one of"),
        ("weights", "same", "'free', 'equal'.*'same'"),
        ("weights", [0.5, 0.5], "one of"),
        ("assignment", "fuzzy", "'soft', 'hard'.*'fuzzy'"),
        ("assignment", True, "one of"),
        ("init", "kmeans", r"init.*'k-means\+\+'.*'random'.*'k-means'.*'kmeans'"),
        ("init", "K-means", "one of"),
        ("variance", 0.0, "variance.*positive"),
        ("variance", -1.0, "positive"),
        ("variance", np.nan, "finite"),
        ("variance", np.inf, "finite"),
        ("tol", -1e-9, "tol.*not negative"),
        ("tol", np.nan, "tol"),
        ("tol", np.inf, "tol"),
        ("max_iter", -1, "max_iter.*at least 0"),
        ("n_init", 0, "n_init.*at least 1"),
        ("n_init", -2, "n_init.*at least 1"),
    ],
)
def test_options(option, value, match):
    refuse(match, **{option: value})


@pytest.mark.parametrize(
    "option, value",
    [
        ("variance", "1"),
        ("variance", None),
        ("variance", [1.0, 2.0]),
        ("variance", True),
        ("tol", "small"),
        ("tol", None),
        ("max_iter", 2.5),
        ("max_iter", None),
        ("max_iter", True),
        ("n_init", 1.5),
        ("n_init", "1"),
        ("callback", 3),
        ("random_state", "seed"),
        ("random_state", 1.5),
    ],
)
def test_options_of_a_wrong_type(option, value):
    refuse(None, error=(TypeError, ValueError), **{option: value})


@pytest.mark.parametrize(
    "w, match",
    [
        (np.ones(11), r"sample_weight.*\(12,\).*\(11,\)"),
        (np.ones((12, 1)), r"\(12,\).*\(12, 1\)"),
        (1.0, r"\(12,\)"),
        (-np.ones(12), "not negative.*12 of 12"),
        (np.where(np.arange(12) == 3, -1e-300, 1), "1 of 12"),
        (np.where(np.arange(12) == 3, np.nan, 1), "finite.*1 of 12"),
        (np.where(np.arange(12) == 3, np.inf, 1), "finite"),
        (np.zeros(12), "sums to 0"),
        (["heavy"] * 12, "numbers"),
        (np.ones(12) * 1j, "real numbers"),
        (["1"] * 12, "real numbers"),
        ([{}] * 12, "real numbers"),
    ],
)
def test_sample_weights(w, match):
    refuse(match, sample_weight=w)


@pytest.mark.parametrize(
    "init, match",
    [
        (np.zeros((3, 2)), r"\(2, 2\).*\(3, 2\)"),
        (np.zeros((2, 3)), r"\(2, 2\).*\(2, 3\)"),
        (np.zeros((2, 2, 2)), r"2-D|\(2, 2, 2\)"),
        (np.full((2, 2), np.nan), "NaN"),
        ([["a", "b"], ["c", "d"]], "numbers"),
        (np.zeros(11, dtype=int), r"12 integers.*\(11,\)"),
        (np.zeros(12), "integers.*float"),
        (np.arange(12), r"0\.\.1.*0\.\.11"),
        (np.arange(12) % 2 - 1, r"0\.\.1.*-1\.\.0"),
        (np.zeros(12, dtype=int), r"no points.*\[1\]"),
        (np.zeros((12, 2)), "sum to 1.*0 to 0"),
        (np.ones((12, 2)), "sum to 1.*2 to 2"),
        (np.tile([1.5, -0.5], (12, 1)), "at least 0"),
        (np.tile([1.0, 0.0], (12, 1)), r"no points.*\[1\]"),
        (np.ones((12, 3)) / 3, r"\(12, 3\)"),
        (np.where(np.arange(24).reshape(12, 2) == 3, np.nan, 0.5), "NaN"),
        (None, "init|numbers|2-D"),
        (5, "init|2-D"),
        (np.array([True, False] * 6), "integers.*bool"),
        (np.array(["a"] * 12), "integers"),
    ],
)
def test_starts(init, match):
    refuse(match, init=init)


def test_a_mixture_of_another_size_is_no_start():
    mixture = mixlib.Mixture([0.5, 0.5], np.zeros((2, 3)), np.stack([np.eye(3)] * 2))
    refuse(r"mixture.*\(2, 3\).*\(2, 2\)", init=mixture)
    refuse(
        r"mixture.*\(3, 2\)",
        n_components=3,
        init=mixlib.Mixture([0.5, 0.5], np.zeros((2, 2)), np.stack([np.eye(2)] * 2)),
    )


def test_options_are_keywords():
    with pytest.raises(TypeError):
        mixlib.fit(X, 2, "full")
    with pytest.raises(TypeError, match="covariance_type"):
        mixlib.fit(X, 2, covariance_type="full")


@pytest.mark.parametrize(
    "kind",
    [
        "list",
        "tuple",
        "int",
        "int8",
        "bool",
        "object",
        "float16",
        "big-endian",
        "fortran",
        "strided",
        "masked-less subclass",
        "read-only",
    ],
)
def test_other_kinds_of_good_input(kind):
    """What NumPy makes numbers of is fitted as those numbers."""
    grid = np.random.default_rng(1).integers(0, 2 if kind == "bool" else 50, size=(40, 2))
    x = {
        "list": grid.tolist(),
        "tuple": tuple(map(tuple, grid.tolist())),
        "int": grid,
        "int8": grid.astype(np.int8),
        "bool": grid.astype(bool),
        "object": grid.astype(object),
        "float16": grid.astype(np.float16),
        "big-endian": grid.astype(">f8"),
        "fortran": np.asfortranarray(grid.astype(float)),
        "strided": np.repeat(grid.astype(float), 2, axis=0)[::2],
        "masked-less subclass": grid.astype(float).view(np.matrix),
        "read-only": grid.astype(float),
    }[kind]
    if kind == "read-only":
        x.flags.writeable = False
    options = {"covariance": "tied_diag", "init": [[0.2, 0.3], [0.8, 0.6]], "tol": 0, "max_iter": 5}
    a, b = mixlib.fit(x, 2, **options), mixlib.fit(grid.astype(float), 2, **options)
    assert a.objective == b.objective
    np.testing.assert_array_equal(a.mixture.means, b.mixture.means)


def test_numpy_integers_and_numbers_are_taken():
    a = mixlib.fit(
        X,
        np.int64(2),
        variance=np.float32(1),
        tol=np.float64(1e-6),
        max_iter=np.int32(50),
        n_init=np.int16(2),
        random_state=np.int64(3),
        covariance="identity",
    )
    b = mixlib.fit(X, 2, variance=1, tol=1e-6, max_iter=50, n_init=2, random_state=3, covariance="identity")
    assert a.objective == b.objective


def test_labels_of_any_integer_type_and_responsibilities_nearly_summing_to_one():
    z = np.arange(12) % 2
    whole = mixlib.fit(X, 2, init=z, tol=0, max_iter=3).objective
    for dtype in (np.int8, np.uint8, np.int32, np.uint64):
        assert mixlib.fit(X, 2, init=z.astype(dtype), tol=0, max_iter=3).objective == whole
    assert mixlib.fit(X, 2, init=z.tolist(), tol=0, max_iter=3).objective == whole
    r = np.eye(2)[z]
    np.testing.assert_allclose(mixlib.fit(X, 2, init=r * (1 + 1e-9), tol=0, max_iter=3).objective, whole, rtol=1e-12)
    r = np.random.default_rng(2).dirichlet([2, 2], size=12)
    uneven = r * (1 + 9e-7 * np.sign(X[:, :1]))  # each row is brought to a sum of one
    a, b = (mixlib.fit(X, 2, init=start, tol=0, max_iter=0).history[0] for start in (r, uneven))
    np.testing.assert_allclose(a.mixture.means, b.mixture.means, rtol=1e-12)


def test_k_equals_n_for_k_means():
    """Every point its own cluster: J = 0."""
    fit = mixlib.fit(X, 12, covariance="identity", weights="equal", assignment="hard", random_state=0)
    assert fit.inertia == 0 and sorted(fit.labels) == list(range(12))


def test_as_many_means_as_points_are_means():
    """A (K, d) start is read as means where n = K = d might make it responsibilities."""
    x = np.array([[0.0, 1.0], [1.0, 0.0]])
    fit = mixlib.fit(x, 2, covariance="identity", init=[[0.0, 1.0], [1.0, 0.0]], assignment="hard", tol=0, max_iter=0)
    np.testing.assert_array_equal(fit.history[0].means, x)


@pytest.mark.parametrize("criterion", [mixlib.aic, mixlib.bic, mixlib.icl])
def test_criteria_need_a_fit(criterion):
    with pytest.raises((TypeError, AttributeError)):
        criterion(X)


def test_the_defaults_are_those_of_the_book():
    """Chapters leave them out, so they may not drift: named here, and the same fit as when typed in."""
    expected = {
        "covariance": "full",
        "weights": "free",
        "assignment": "soft",
        "variance": 1.0,
        "init": "k-means++",
        "n_init": 1,
        "sample_weight": None,
        "prior": None,
        "tol": 1e-5,
        "max_iter": 1000,
        "accelerate": False,
        "reseed": False,
        "random_state": None,
        "callback": None,
        "verbose": False,
    }
    parameters = inspect.signature(mixlib.fit).parameters
    assert {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY} == expected
    x = mixlib.datasets.old_faithful().x
    a = mixlib.fit(x, 2, random_state=1)
    b = mixlib.fit(x, 2, **{**expected, "random_state": 1})
    assert a.objective == b.objective and a.n_iter == b.n_iter
