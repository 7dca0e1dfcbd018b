"""Every public function, given anything: a finite result, or an error that names the argument; never a warning."""

import datetime
import decimal
import fractions
import re
import warnings

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes
from scipy import sparse

import mixlib
from mixlib import plot
from mixlib.checks import check, monte_carlo
from mixlib.slider import variance_slider

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(12, 2))
FIT = mixlib.fit(X, 2, covariance="tied", random_state=0, max_iter=3, tol=0)
MIXTURE, SELECTION = FIT.mixture, mixlib.select(X, [1, 2], ["tied", "diag"], progress=False, random_state=0)
KMEANS = mixlib.KMeans(2, random_state=0).fit(X)
GAUSS = mixlib.GaussianMixture(2, covariance_type="tied", random_state=0, max_iter=3, tol=0).fit(X)
AX = plt.subplots()[1]
OPTIONS = (
    "covariance",
    "weights",
    "assignment",
    "variance",
    "init",
    "n_init",
    "sample_weight",
    "prior",
    "tol",
    "max_iter",
    "random_state",
    "callback",
)


def fit(x=X, K=2, **options):
    return mixlib.fit(x, K, **{"random_state": 0, "max_iter": 5, "tol": 0} | options)


def option(function, name, **rest):
    return lambda value: function(**rest | {name: value})


def mixture(**changed):
    return mixlib.Mixture(
        **{"weights": [0.5, 0.5], "means": [[0.0, 0.0], [1.0, 1.0]], "covariances": [np.eye(2), np.eye(2)]} | changed
    )


# What is called, each with one argument left open; the last word of its name is that argument.
CALLS = {
    "fit x": lambda v: fit(v),
    "fit k-means x": lambda v: fit(v, covariance="identity", assignment="hard", weights="equal"),
    "fit diag x": lambda v: fit(v, covariance="diag"),
    "fit n_components": lambda v: fit(K=v),
    **{f"fit {name}": option(fit, name) for name in OPTIONS},
    **{
        f"fit identity {name}": option(fit, name, covariance="identity")
        for name in ("variance", "init", "sample_weight")
    },
    **{
        f"fit prior.{name}": lambda v, name=name: fit(prior=mixlib.Prior(**{name: v}))
        for name in ("shrinkage", "dof", "mean", "scale")
    },
    "kmeans_plusplus x": lambda v: mixlib.kmeans_plusplus(v, 2, 0),
    "kmeans_plusplus k": lambda v: mixlib.kmeans_plusplus(X, v, 0),
    "kmeans_plusplus random_state": lambda v: mixlib.kmeans_plusplus(X, 2, v),
    "kmeans_plusplus sample_weight": lambda v: mixlib.kmeans_plusplus(X, 2, 0, sample_weight=v),
    **{f"Mixture {name}": option(mixture, name) for name in ("weights", "means", "covariances")},
    "log_density x": MIXTURE.log_density,
    "responsibilities x": MIXTURE.responsibilities,
    "sample n": lambda v: MIXTURE.sample(v, 0),
    "sample random_state": lambda v: MIXTURE.sample(3, v),
    **{f"{function.__name__} fit": function for function in (mixlib.aic, mixlib.bic, mixlib.icl)},
    **{
        f"select {name}": lambda v, name=name: mixlib.select(
            **{"x": X, "components": [2], "covariances": ["tied"], "progress": False, "random_state": 0, name: v}
        )
        for name in ("x", "components", "covariances", "criterion", "n_init", "random_state")
    },
    **{
        f"KMeans {name}": lambda v, name=name: mixlib.KMeans(**{"n_clusters": 2, name: v}).fit(X)
        for name in ("n_clusters", "init", "n_init", "max_iter", "tol", "random_state")
    },
    **{
        f"GaussianMixture {name}": lambda v, name=name: mixlib.GaussianMixture(
            **{"n_components": 2, "random_state": 0, "max_iter": 5, "tol": 0, name: v}
        ).fit(X)
        for name in (
            "n_components",
            "covariance_type",
            "weights",
            "assignment",
            "variance",
            "init",
            "n_init",
            "prior",
            "tol",
            "max_iter",
            "random_state",
        )
    },
    "KMeans.fit X": lambda v: mixlib.KMeans(2).fit(v),
    "KMeans.fit sample_weight": lambda v: mixlib.KMeans(2).fit(X, None, v),
    "KMeans.predict X": KMEANS.predict,
    "KMeans.transform X": KMEANS.transform,
    "KMeans.score X": KMEANS.score,
    "KMeans.score sample_weight": lambda v: KMEANS.score(X, None, v),
    "GaussianMixture.fit X": lambda v: mixlib.GaussianMixture(2, max_iter=5, tol=0).fit(v),
    "GaussianMixture.fit sample_weight": lambda v: mixlib.GaussianMixture(2, max_iter=5, tol=0).fit(X, None, v),
    "GaussianMixture.fit_predict X": lambda v: mixlib.GaussianMixture(2, max_iter=5, tol=0).fit_predict(v),
    **{
        f"GaussianMixture.{name} X": getattr(GAUSS, name)
        for name in ("predict", "predict_proba", "score_samples", "score", "aic", "bic", "icl")
    },
    "GaussianMixture.score sample_weight": lambda v: GAUSS.score(X, None, v),
    "GaussianMixture.sample n": GAUSS.sample,
    "points x": lambda v: plot.points(AX, v),
    "points labels": lambda v: plot.points(AX, X, v),
    "points responsibilities": lambda v: plot.points(AX, X, responsibilities=v),
    "centres means": lambda v: plot.centres(AX, v),
    "ellipses mixture": lambda v: plot.ellipses(AX, v),
    "ellipses mass": lambda v: plot.ellipses(AX, MIXTURE, v),
    "regions mixture": lambda v: plot.regions(AX, v, n=5),
    "regions n": lambda v: plot.regions(AX, MIXTURE, v),
    "trace fit": lambda v: plot.trace(AX, v),
    "path fit": lambda v: plot.path(AX, v),
    "criterion selection": lambda v: plot.criterion(AX, v),
    "mix responsibilities": plot.mix,
    "color k": plot.color,
    "marker k": plot.marker,
    "variance_slider x": lambda v: variance_slider(v, 2, "points", [1.0]).frames,
    "variance_slider n_components": lambda v: variance_slider(X, v, "points", [1.0]).frames,
    "variance_slider variances": lambda v: variance_slider(X, 2, "points", v).frames,
    "variance_slider random_state": lambda v: variance_slider(X, 2, "points", [1.0], v).frames,
    "check left": lambda v: check("eq", v, "==", v),
    "check relation": lambda v: check("eq", 1, v, 1),
    "check tol": lambda v: check("eq", 1.0, "==", 1.0, tol=v),
    "monte_carlo draws": lambda v: monte_carlo("eq", v, 0.0),
    "monte_carlo expected": lambda v: monte_carlo("eq", np.linspace(-1, 1, 40), v),
}
# Names that an error may give an argument in place of its own.
ALSO = {
    "n_clusters": "n_components",
    "covariance_type": "covariance",
    "k": "n_components",
    "components": "(n_)?component",
    "covariances": "covariance",
    "X": "n_components|n_clusters|x|input|array|sample|feature",
    "sample_weight": "[Ss]ample.weight",
    "n": "n_samples",
    "labels": "k",
    "left": "eq: there is nothing to compare",
    "x": "none of the 1 models|n_components",
}
RAW = re.compile(
    "could not be broadcast|setting an array element|LinAlg|out of bounds|has no attribute|inhomogeneous|"
    "not supported between|unsupported operand|ufunc|not iterable|not callable|SeedSequence|positional|"
    "truth value|iteration over|too large to convert|not subscriptable|unhashable|cannot convert float"
)

ragged = np.empty((12, 2), dtype=object)
ragged.fill([1, 2])
ODD = [
    None,
    True,
    0,
    -1,
    3,
    10**400,
    2.5,
    np.nan,
    np.inf,
    -np.inf,
    1e308,
    5e-324,
    1j,
    "",
    "full",
    "12",
    b"full",
    (),
    [],
    {},
    {"x": 1},
    set(),
    [[1.0, 2.0], [3.0]],
    [[[1.0]]],
    [["a", "b"]] * 12,
    [None] * 12,
    ["1"] * 12,
    [[10**400, 1]] * 12,
    object(),
    str,
    range(12),
    iter([1.0]),
    Ellipsis,
    np.float32(2),
    np.array(1.0),
    np.str_("soft"),
    fractions.Fraction(1, 3),
    decimal.Decimal("0.5"),
    datetime.date(2020, 1, 1),
    np.random.RandomState(0),
    np.zeros((0, 2)),
    np.zeros((12, 0)),
    np.zeros(12),
    np.zeros((12, 2)),
    np.zeros((12, 2, 2)),
    np.ones(11),
    -np.ones(12),
    np.full(12, np.nan),
    np.full((12, 2), np.inf),
    X + 0j,
    X > 0,
    X.astype(str),
    X.astype("S"),
    X.astype("M8[s]"),
    X.astype("m8[s]"),
    ragged,
    np.full((12, 2), {}),
    np.zeros(12, dtype="i4,f8"),
    np.ma.masked_greater(X, 0),
    np.ma.masked_array(np.ones(12), np.arange(12) == 3),
    sparse.csr_array(X),
    sparse.coo_matrix(X),
    pd.DataFrame({"a": ["x"] * 12, "b": 1.0}),
    pd.Series([1.0] * 12),
    1e307 * X,
    1e-320 * X,
    np.where(X > 0, 1e308, -1e308),
    np.full(12, 1e308),
    np.full(12, 1e-320),
    X.astype(np.longdouble) * np.longdouble("1e400"),
    np.arange(12),
    np.arange(12) % 2,
    np.arange(12, dtype=np.uint64) + 2**63,
    np.eye(2),
    np.eye(3),
    MIXTURE,
    FIT,
    mixlib.Prior(),
    SELECTION,
]


def finite(result):
    """Does no number in a result say NaN, and are parameters, labels and probabilities finite?"""
    if isinstance(result, mixlib.Fit):
        values = [result.log_likelihood, result.classification_log_likelihood, result.objective, result.inertia]
        return not np.isnan(values).any() and finite([result.mixture, result.labels, result.responsibilities])
    if isinstance(result, mixlib.Mixture):
        return finite([result.weights, result.means])
    if isinstance(result, mixlib.Selection):
        return not np.isnan(result.values).any() and finite(result.best)
    if isinstance(result, mixlib.KMeans):
        return not np.isnan(result.inertia_) and finite([result.cluster_centers_, result.labels_])
    if isinstance(result, mixlib.GaussianMixture):
        return finite([result.mixture_, result.lower_bound_, result.bic()])
    if isinstance(result, (list, tuple)):
        return all(finite(item) for item in result)
    if isinstance(result, (float, np.ndarray)):
        return bool(np.isfinite(result).all())
    return True


def answers_or_says_why(name, value):
    """The property: a finite result, or a ValueError or TypeError that a reader can act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in (mixlib.ConvergenceWarning, mixlib.EmptyComponentWarning, mixlib.SingularFitWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", "X has feature names")
        try:
            result = CALLS[name](value)
        except (mixlib.SingularFitError, mixlib.TooFewPointsError) as error:
            assert len(str(error)) > 40
        except (ValueError, TypeError) as error:
            argument, said = name.split()[-1], str(error)
            if argument == "X" and getattr(value, "dtype", None) == object:
                return  # scikit-learn's checks ask for its own words there
            assert len(said) > 15 and not RAW.search(said), f"{type(error).__name__}: {said}"
            assert re.search(rf"\b({argument}|{ALSO.get(argument, argument)})", said), f"{type(error).__name__}: {said}"
        except AssertionError as error:
            assert name.startswith(("check", "monte_carlo")) and str(error).startswith("eq:")
        else:
            assert finite(result), result


@pytest.mark.parametrize("name", CALLS)
def test_odd_values(name):
    for value in ODD:
        answers_or_says_why(name, value)
    AX.clear()


numbers = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, 1e-50, 1e50, 1e308, np.nan, np.inf])
shapes = st.sampled_from([(12, 2), (2, 2), (12,), (2,), (2, 2, 2), (40,), (1, 2), (3, 3)])


@settings(max_examples=700, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(sorted(CALLS)),
    arrays(scalar_dtypes(), array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    | arrays(np.float64, shapes, elements=numbers)
    | arrays(st.sampled_from(["f2", "f4", ">f8", "i1", "?"]), shapes),
)
def test_arrays_of_any_shape_and_type(name, value):
    answers_or_says_why(name, value)


# Other ways to write the same numbers, all of them legal.
KINDS = {
    "list": np.ndarray.tolist,
    "tuple": lambda x: tuple(map(tuple, x.tolist())),
    "int64": lambda x: x.astype(np.int64),
    "int8": lambda x: x.astype(np.int8),
    "uint16": lambda x: x.astype(np.uint16),
    "float16": lambda x: x.astype(np.float16),
    "longdouble": lambda x: x.astype(np.longdouble),
    "big-endian": lambda x: x.astype(">f8"),
    "Fortran": np.asfortranarray,
    "object": lambda x: x.astype(object),
    "strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "matrix": lambda x: x.view(np.matrix),
    "no mask": np.ma.array,
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "pandas": pd.DataFrame,
    "float64": np.copy,
}
# What is made of x, as numbers.
MADE = {
    "fit": lambda x: [r.objective for r in fit(x, covariance="diag").history],
    "k-means": lambda x: mixlib.KMeans(3, random_state=0).fit(x).score(x),
    "kmeans_plusplus": lambda x: mixlib.kmeans_plusplus(x, 3, 0),
    "log_density": MIXTURE.log_density,
    "responsibilities": MIXTURE.responsibilities,
    "Mixture": lambda x: mixture(means=x[:2]).log_density(X),
    "select": lambda x: mixlib.select(x, [1, 2], ["tied"], progress=False, random_state=0).values,
    "GaussianMixture": lambda x: (
        mixlib.GaussianMixture(2, covariance_type="tied", random_state=0).fit(x).predict_proba(x)
    ),
    "points": lambda x: plot.points(AX, x)[0].get_offsets(),
    "prior": lambda x: fit(prior=mixlib.Prior(mean=x[0])).objective,
    "weights": lambda x: fit(sample_weight=[1 + row[0] for row in x[:12]]).objective,
    "init": lambda x: fit(init=x[:2], covariance="tied").objective,
}


@pytest.mark.filterwarnings("ignore::mixlib.EmptyComponentWarning", "ignore:X has feature names")
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(sorted(MADE)), st.sampled_from(sorted(KINDS)), st.integers(0, 1000))
def test_kinds_of_good_input(name, kind, seed):
    """The same numbers in another form give the same result, and come out as they went in."""
    plain = np.random.default_rng(seed).permutation(40)[:, None] % [7, 11] + 0.0
    if kind in ("pandas", "matrix") and name in ("Mixture", "prior", "weights"):
        return  # x[0] is no row of a table, and of a matrix no vector
    x, before = KINDS[kind](plain), KINDS[kind](plain)
    expected = MADE[name](plain)
    np.testing.assert_array_equal(MADE[name](x), expected)
    np.testing.assert_array_equal(np.asarray(x), np.asarray(before))
    AX.clear()


@pytest.mark.parametrize("name", [name for name in CALLS if name.split()[-1] in ("x", "X", "draws")])
def test_what_is_no_table_of_numbers_is_refused(name):
    """Never a guess: nothing is dropped, filled or read as a number in silence."""
    for value in (
        np.ma.masked_greater(X, 0),
        np.where(X > 1, np.nan, X),
        np.where(X > 1, -np.inf, X),
        X + 0j,
        X.astype(str),
        [[1.0, 2.0], [3.0]],
        sparse.csr_array(X),
        X.astype("M8[s]"),
        np.zeros((0, 2)),
        None,
        {"x": X},
    ):
        if value is None and name.endswith(("ic X", "icl X")):
            continue  # the data of the fit
        with pytest.raises((ValueError, TypeError)):
            CALLS[name](value)
