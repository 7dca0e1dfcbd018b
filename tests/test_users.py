"""What users of scikit-learn's estimators meet: no data kept, threads, names, few points, missing packages."""

import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn import exceptions

import mixlib
from mixlib import GaussianMixture, KMeans
from mixlib._engine import threads

X = mixlib.datasets.old_faithful().x
IRIS = mixlib.datasets.iris().x


# ---- what an estimator keeps ------------------------------------------------------------------


def arrays_within(thing, seen=None):
    """Every array that can be reached from an object by its attributes and items."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield thing
        yield from arrays_within(thing.base, seen)
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from arrays_within(value, seen)
    elif isinstance(thing, (list, tuple, set)):
        for value in thing:
            yield from arrays_within(value, seen)
    elif hasattr(thing, "__dict__"):
        yield from arrays_within(vars(thing), seen)


@pytest.mark.parametrize(
    "model",
    [
        KMeans(3, random_state=0),
        GaussianMixture(3, random_state=0),
        GaussianMixture(3, assignment="hard", random_state=0),
        GaussianMixture(2, prior=mixlib.Prior(), random_state=0),
    ],
    ids=["k-means", "soft", "hard", "prior"],
)
def test_no_data_are_kept_or_pickled(model):
    """A hundred times the points: no array of their number but k-means' documented labels, and no larger a pickle."""
    many = np.tile(X, (100, 1))
    weights = np.ones(len(many))
    model.fit(many, sample_weight=weights)
    large = [array for array in arrays_within(model) if array.size >= len(many)]
    assert (
        all(
            array.base is model.labels_ or array is model.labels_ or np.array_equal(array, model.labels_)
            for array in large
        )
        if isinstance(model, KMeans)
        else not large
    )
    stored = pickle.dumps(model)
    assert len(stored) < many.nbytes / 10 + (2 * model.labels_.nbytes if isinstance(model, KMeans) else 0)
    again = pickle.loads(stored)
    assert np.array_equal(again.predict(X), model.predict(X)) and again.n_iter_ == len(again.fit_.history) - 1
    if not isinstance(model, KMeans):
        assert again.icl() == model.icl() and again.bic() == pytest.approx(model.bic(many))


def test_what_needs_the_data_says_so():
    fit = GaussianMixture(2, random_state=0).fit(X).fit_
    for name in ("labels", "responsibilities", "inertia"):
        with pytest.raises(AttributeError, match="predict"):
            getattr(fit, name)
    with pytest.raises(AttributeError, match="predict"):
        fit.history[0].labels
    assert fit.history[0].means.shape == (2, 2) and np.isfinite(fit.log_likelihood)


# ---- threads ----------------------------------------------------------------------------------


CONCURRENT = """
import threading
import numpy as np
import mixlib
from mixlib._engine.threads import one_blas_thread
from threadpoolctl import threadpool_info

def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

def together(*tasks):
    "Run tasks at once, each in a thread that lives on until the threads of BLAS have been counted."
    ended, counted = [threading.Event() for _ in tasks], threading.Event()
    def work(task, end):
        task()
        end.set()
        counted.wait()
    threads = [threading.Thread(target=work, args=pair) for pair in zip(tasks, ended)]
    for thread in threads: thread.start()
    for end in ended: assert end.wait(60)
    now = blas_threads()
    counted.set()
    for thread in threads: thread.join()
    return now

before = blas_threads()
inside, first_is_out, second_is_in = threading.Event(), threading.Event(), threading.Event()
seen = []
def first():
    with one_blas_thread():
        inside.set()
        second_is_in.wait(60)
    first_is_out.set()
def second():
    inside.wait(60)
    with one_blas_thread():
        second_is_in.set()
        first_is_out.wait(60)
        seen.append(blas_threads())
assert together(first, second) == before, "the last to leave is not the first to come"
assert seen == [[1] * len(before)], seen
x = np.random.default_rng(0).normal(size=(60_000, 3))
for trial in range(3):
    fits = [lambda s=s: mixlib.fit(x, 3, init=x[:3] + s, tol=0, max_iter=3 + 3 * s) for s in range(4)]
    assert together(*fits) == before
mixlib.fit(x, 3, init=x[:3], tol=0, max_iter=1)
assert blas_threads() == before
def limited():
    with one_blas_thread():
        seen.append(blas_threads())
together(limited)
assert seen[1] == seen[0], "a fit in the main thread leaves the control of BLAS to others"
"""


def test_concurrent_fits_give_blas_its_threads_back():
    """Whoever ends last, and while the threads live on: afterwards BLAS has what it had."""
    done = subprocess.run(
        [sys.executable, "-c", CONCURRENT],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2", "MIXLIB_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr


def test_the_number_of_threads_is_what_the_process_may_use(monkeypatch):
    """Cores by affinity; OMP_NUM_THREADS takes some away; MIXLIB_NUM_THREADS decides."""
    for name in ("MIXLIB_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)), raising=False)
    assert threads.n_threads() == 6
    for value, expected in (("2", 2), ("4,1", 4), ("99", 6), ("0", 6), ("many", 6)):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert threads.n_threads() == expected
    monkeypatch.setenv("MIXLIB_NUM_THREADS", "3")
    assert threads.n_threads() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    monkeypatch.delenv("MIXLIB_NUM_THREADS")
    assert threads.n_threads() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_fits():
    x = np.random.default_rng(0).normal(size=(60_000, 2))
    mixlib.fit(x, 2, init=x[:2], tol=0, max_iter=1)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        means = pool.apply_async(_means, (x,)).get(timeout=60)
    np.testing.assert_array_equal(means, _means(x))


def _means(x):
    return mixlib.fit(x, 2, init=x[:2], tol=0, max_iter=3).mixture.means


# ---- priors and few points --------------------------------------------------------------------


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "tied_diag", "spherical"])
def test_a_prior_keeps_a_constant_or_dependent_column_regular(covariance):
    """The prior of the docstring, by default: no collapse, and the labels are those without the column."""
    for column in (np.ones(len(X)), 2 * X[:, 0]):
        x = np.c_[X, column]
        start = np.c_[[[2.0, 55], [4.5, 80]], [[column[0]], [column[0]]] if column[0] == 1 else [[4.0], [9.0]]]
        fit = mixlib.fit(x, 2, covariance=covariance, init=start, prior=mixlib.Prior())
        assert np.linalg.eigvalsh(fit.mixture.covariances).min() > 0 and np.isfinite(fit.objective)
        plain = mixlib.fit(X, 2, covariance=covariance, init=start[:, :2], prior=mixlib.Prior())
        assert (fit.labels != plain.labels).mean() < 0.02


def test_an_estimators_prior_is_the_one_given():
    """With a prior nothing is replaced: the objective is that of `fit` with it, and no warning comes."""
    x = np.c_[X, np.ones(len(X))]
    model = GaussianMixture(2, prior=mixlib.Prior(shrinkage=0.5), random_state=0).fit(x)
    fit = mixlib.fit(x, 2, prior=mixlib.Prior(shrinkage=0.5), init="k-means", accelerate=True, random_state=0)
    assert model.fit_.objective == fit.objective
    useless = GaussianMixture(2, prior=mixlib.Prior(scale=1e-200), random_state=0)  # too narrow for the constant column
    with pytest.raises(mixlib.SingularFitError):
        useless.fit(x)


def test_select_passes_over_more_components_than_points():
    chosen = mixlib.select(X[:5], progress=False, random_state=0)
    assert chosen.n_components <= 5 and np.isinf(chosen.values[:, 5:]).all() and np.isfinite(chosen.values[:, 0]).any()
    weighted = mixlib.select(
        X, [2, 4], ["tied_spherical"], progress=False, random_state=0, sample_weight=np.r_[np.ones(3), np.zeros(269)]
    )
    assert np.isinf(weighted.values[0, 1]) and weighted.n_components == 2
    with pytest.raises(ValueError, match="none of the"):
        mixlib.select(X[:3], [4, 5], progress=False)


def test_few_distinct_points_are_one_rule_for_both():
    """Fewer distinct points than components: each is a mean. Fewer points: an error that names the parameter."""
    two = np.repeat([[0.0, 0.0], [1.0, 2.0]], 4, axis=0)
    with pytest.warns(mixlib.EmptyComponentWarning):
        assert KMeans(5).fit(two).inertia_ == 0
    for covariance in ("full", "tied", "diag", "spherical"):
        with pytest.warns(UserWarning) as caught:
            model = GaussianMixture(5, covariance_type=covariance).fit(two)
        assert any(issubclass(w.category, mixlib.SingularFitWarning) for w in caught)
        labels = model.predict(two)
        assert len(set(labels[:4])) == len(set(labels[4:])) == 1 and labels[0] != labels[4]
    for model, name in ((KMeans(9), "n_clusters=9"), (GaussianMixture(9), "n_components=9")):
        with pytest.raises(ValueError, match=name):
            model.fit(two)


# ---- names, numbers and what is missing -------------------------------------------------------


def test_weights_normalised_in_single_precision_are_a_mixture():
    rng = np.random.default_rng(0)
    for _ in range(200):
        w = rng.uniform(size=30).astype(np.float32)
        mixture = mixlib.Mixture(w / w.sum(), np.zeros((30, 1)), np.ones((30, 1, 1)))
        assert abs(mixture.weights.sum() - 1) < 1e-14
    for w in ([0.5, 0.4], [0.5, 0.50001], [np.nan, 0.5], [1.5, -0.5]):
        with pytest.raises(ValueError, match="weights"):
            mixlib.Mixture(w, np.zeros((2, 1)), np.ones((2, 1, 1)))


@pytest.mark.parametrize(
    "model, name, ours",
    [
        (GaussianMixture(2), "means_init", "init"),
        (GaussianMixture(2), "reg_covar", "prior"),
        (GaussianMixture(2), "precisions_init", "mixlib.Mixture"),
        (KMeans(2), "algorithm", "n_clusters"),
        (KMeans(2), "n_cluster", "n_clusters"),
    ],
)
def test_an_unknown_parameter_is_refused(model, name, ours):
    with pytest.raises(AttributeError, match=f"{name}.*{ours}"):
        setattr(model, name, 1)
    with pytest.raises((ValueError, TypeError), match=name):
        model.set_params(**{name: 1})
    with pytest.raises(TypeError, match=f"{name}.*{ours}"):
        type(model)(**{name: 1})
    model.n_init, model.note_ = 3, "fitted attributes are anyone's"
    assert model.get_params()["n_init"] == 3


def test_a_whole_start_is_a_mixture():
    """scikit-learn's gallery example of iris: means and covariances of the known classes as a start give 95 % and more."""
    iris = mixlib.datasets.iris()
    means = np.array([IRIS[iris.labels == k].mean(axis=0) for k in range(3)])
    start = mixlib.Mixture(np.full(3, 1 / 3), means, [np.cov(IRIS[iris.labels == k].T) for k in range(3)])
    assert (GaussianMixture(3, init=start).fit(IRIS).predict(IRIS) == iris.labels).mean() > 0.95
    assert (GaussianMixture(3, covariance_type="tied", init=means).fit(IRIS).predict(IRIS) == iris.labels).mean() > 0.95
    np.testing.assert_allclose(
        GaussianMixture(3, init=start, tol=0, max_iter=0).fit(IRIS).covariances_, start.covariances, rtol=1e-9
    )


def test_convergence_warnings_are_both():
    for model in (KMeans(8, init=IRIS[:8], max_iter=1), GaussianMixture(3, max_iter=1, random_state=0)):
        with pytest.warns(exceptions.ConvergenceWarning, match="max_iter=1") as caught:
            model.fit(IRIS)
        assert issubclass(caught[0].category, mixlib.ConvergenceWarning) and caught[0].filename == __file__


def test_precisions_are_inverses():
    for covariance in ("full", "tied", "diag", "tied_diag", "spherical", "tied_spherical"):
        model = GaussianMixture(3, covariance_type=covariance, random_state=0).fit(IRIS)
        if covariance in ("full", "tied"):
            np.testing.assert_allclose(
                model.precisions_ @ model.covariances_, np.broadcast_to(np.eye(4), model.covariances_.shape), atol=1e-9
            )
        else:
            np.testing.assert_allclose(model.precisions_ * model.covariances_, 1, rtol=1e-12)


def test_old_random_states_are_taken():
    a, b = (mixlib.fit(X, 3, random_state=np.random.RandomState(4), tol=0, max_iter=1) for _ in range(2))
    assert np.array_equal(a.mixture.means, b.mixture.means)
    state = np.random.RandomState(4)
    starts = [mixlib.fit(X, 3, random_state=state, tol=0, max_iter=0).mixture.means for _ in range(4)]
    assert len({start.tobytes() for start in starts}) == 4


def test_a_mixture_predicts():
    fit = mixlib.fit(X, 2, random_state=0)
    assert np.array_equal(fit.mixture.predict(X), fit.labels)


def test_everything_is_listed():
    for name in ("KMeans", "GaussianMixture", "plot"):
        assert name in dir(mixlib) and name in mixlib.__all__ and hasattr(mixlib, name)
    done = subprocess.run(
        [sys.executable, "-c", "import mixlib; mixlib.plot.use_style; from mixlib import *; KMeans"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "package, names, extra",
    [("sklearn", ["KMeans", "GaussianMixture"], "estimators"), ("matplotlib", ["plot"], "plot")],
)
def test_a_missing_package_is_named(package, names, extra):
    """As if it were not installed: no such attribute, a hint at the extra, and the rest works."""
    lines = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)
sys.meta_path.insert(0, Absent())
import mixlib
from mixlib import *
for name in {names}:
    assert not hasattr(mixlib, name) and name not in mixlib.__all__
    try:
        getattr(mixlib, name)
    except AttributeError as error:
        assert "mixlib[{extra}]" in str(error), error
    try:
        exec("from mixlib import " + name)
    except ImportError as error:
        assert "mixlib[{extra}]" in str(error), error
    else:
        raise AssertionError(name)
mixlib.fit([[0.0], [1.0], [5.0], [6.0]], 2, covariance="tied", random_state=0)
"""
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
