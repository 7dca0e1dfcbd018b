"""What people who come from scikit-learn or mclust expect: progress, callbacks, re-seeding, single precision, tables."""

import re
import sys
import xml.etree.ElementTree as ET
from time import sleep

import numpy as np
import pandas as pd
import pytest
from common import KMEANS, blobs, fit_exactly
from sklearn import exceptions
from sklearn.cluster import KMeans as PeerKMeans

import mixlib
from mixlib import GaussianMixture, KMeans, progress

X = mixlib.datasets.old_faithful().x
IRIS = mixlib.datasets.iris().x


# ---- while it runs ----------------------------------------------------------------------------


def test_verbose_tells_how_each_start_ended(capsys):
    fit = mixlib.fit(X, 2, init="random", n_init=3, verbose=True, random_state=0)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:14] for line in lines] == [f"start {k} of 3: " for k in (1, 2, 3)]
    objectives = [float(re.search(r"objective (\S+) ", line).group(1)) for line in lines]
    assert max(objectives) == pytest.approx(fit.objective, rel=1e-5)
    assert all(f"({value / 272:.3f}" in line for value, line in zip(objectives, lines))
    states = [re.search(r": (\d+) iterations, (.*), objective", line).groups() for line in lines]
    assert (str(fit.n_iter), "converged") in states
    mixlib.fit(X, 2, init=X[:2], n_init=5, tol=0, max_iter=4, verbose=2)
    assert re.match("start 1 of 1: 4 iterations, not converged", capsys.readouterr().out)
    for quiet in (mixlib.fit(X, 2, random_state=0), GaussianMixture(2, verbose=0).fit(X), KMeans(2).fit(X)):
        assert capsys.readouterr() == ("", ""), quiet
    for model in (GaussianMixture(2, verbose=1), KMeans(2, verbose=True)):
        model.fit(X)
        assert capsys.readouterr().out.startswith("start 1 of 1: ")
    with pytest.raises(TypeError, match="verbose"):
        mixlib.fit(X, 2, verbose="yes")


def test_verbose_tells_of_a_start_that_collapsed(capsys):
    start = mixlib.Mixture([0.5, 0.5], [X[0], X.mean(axis=0)], [1e-9 * np.eye(2), np.cov(X.T)])
    with pytest.raises(mixlib.SingularFitError):
        mixlib.fit(X, 2, init=start, verbose=True)
    assert "start 1 of 1: a covariance became singular" in capsys.readouterr().out


@pytest.mark.parametrize("installed", [True, False])
def test_a_long_start_has_a_bar_with_its_objective(capsys, monkeypatch, installed):
    """As if every start were long; without tqdm the lines are all there is."""
    monkeypatch.setattr(progress, "BAR_AFTER", 0)
    if not installed:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    fit = mixlib.fit(X, 2, random_state=0, verbose=True, callback=lambda record: sleep(0.15 * (record.iteration < 2)))
    out, shown = capsys.readouterr()
    assert out.startswith("start 1 of 1: ")
    if installed:
        assert f"objective {fit.history[1].objective / 272:.6g} a point" in shown
    else:
        assert shown == ""


def test_a_short_start_has_no_bar(capsys):
    mixlib.fit(X, 2, random_state=0, verbose=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("verbose", [False, True])
def test_a_callback_ends_its_start_and_keeps_the_fit(verbose, capsys):
    """NumPy's True too; every start of several; no warning; an estimator is fitted as ever."""
    seen = []

    def enough(record):
        seen.append(record.iteration)
        return np.bool_(record.iteration == 3)

    for model in (GaussianMixture(3, init=IRIS[:3], callback=enough), KMeans(8, init=IRIS[:8], callback=enough)):
        model.set_params(verbose=verbose).fit(IRIS)
        assert (model.n_iter_, model.converged_) == (3, False) and len(model.predict(IRIS)) == 150
        assert seen == [0, 1, 2, 3]
        seen.clear()
    assert ("ended by the callback" in capsys.readouterr().out) == verbose
    mixlib.fit(IRIS, 3, init="random", n_init=2, random_state=0, callback=enough, verbose=verbose)
    assert seen == [0, 1, 2, 3] * 2


@pytest.mark.parametrize("verbose", [False, True])
def test_what_a_callback_raises_ends_the_fit(verbose):
    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mixlib.fit(X, 2, random_state=0, callback=interrupt, verbose=verbose)


def test_going_on_from_where_another_fit_stopped():
    """In place of warm_start: 3 iterations and 4 more are 7."""
    first = GaussianMixture(3, init=IRIS[:3], accelerate=False, tol=0, max_iter=3).fit(IRIS)
    second = GaussianMixture(3, init=first.mixture_, accelerate=False, tol=0, max_iter=4).fit(IRIS)
    whole = GaussianMixture(3, init=IRIS[:3], accelerate=False, tol=0, max_iter=7).fit(IRIS)
    assert second.lower_bound_ == pytest.approx(whole.lower_bound_, rel=1e-12)
    np.testing.assert_allclose(second.covariances_, whole.covariances_, rtol=1e-9)
    first = KMeans(8, init=IRIS[:8], tol=0, max_iter=2).fit(IRIS)
    second = KMeans(8, init=first.cluster_centers_, tol=0, max_iter=3).fit(IRIS)
    assert np.array_equal(second.labels_, KMeans(8, init=IRIS[:8], tol=0, max_iter=5).fit(IRIS).labels_)


# ---- empty clusters ---------------------------------------------------------------------------


def test_reseeding_moves_an_empty_centre_to_the_farthest_point():
    """By hand: 0 and 10 belong to the first two centres, none to the third; of 0, 1, 10, 14 the last is farthest."""
    x, start = np.array([[0.0], [1.0], [10.0], [14.0]]), [[0.0], [11.0], [99.0]]
    fit = mixlib.fit(x, 3, init=start, reseed=True, **KMEANS)
    assert fit.history[1].means[:, 0].tolist() == [0.5, 12.0, 10.0]  # 10 and 14 are as far from 12: the first
    assert fit.labels.tolist() == [0, 0, 2, 1] and fit.inertia == 0.5 and fit.converged
    with pytest.warns(mixlib.EmptyComponentWarning, match=r"\[2\] of 3"):
        kept = mixlib.fit(x, 3, init=start, **KMEANS)
    assert kept.mixture.means[2, 0] == 99


def test_reseeding_takes_different_points_that_count():
    """Two empty clusters: one goes to 30, the other to the farthest from there too; not to 99, of weight 0."""
    x, w = np.array([[0.0], [1.0], [29.0], [30.0], [20.0], [99.0]]), np.array([1.0, 1, 1, 1, 1, 0])
    fit = fit_exactly(x, 3, init=[[0.0], [-5e2], [-6e2]], sample_weight=w, reseed=True, max_iter=1, **KMEANS)
    assert fit.history[1].means[:, 0].tolist() == [16.0, 0.0, 30.0]
    spread = fit_exactly(x[:5], 4, init=[[0.0], [-5e2], [-6e2], [-7e2]], reseed=True, max_iter=1, **KMEANS)
    assert spread.history[1].means[:, 0].tolist() == [16.0, 0.0, 30.0, 20.0]


def test_reseeding_leaves_alone_what_cannot_be_helped():
    with pytest.warns(mixlib.EmptyComponentWarning):
        fit = mixlib.fit(np.zeros((4, 1)), 2, init=[[0.0], [99.0]], reseed=True, **KMEANS)
    assert fit.mixture.means[:, 0].tolist() == [0.0, 99.0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [60, 40_000])
def test_reseeding_leaves_no_cluster_empty_and_never_loses(n, weighted):
    """Half of the centres start far away; J falls at every iteration, and ends at a fixed point of Lloyd's algorithm."""
    x, _ = blobs(3, n=n, d=3, K=6)
    w = np.random.default_rng(0).integers(0, 3, n).astype(float) if weighted else None
    start = np.concatenate([x[:4], 1e3 + x[:4]])
    fit = mixlib.fit(x, 8, init=start, reseed=True, sample_weight=w, **KMEANS)
    assert (np.diff([record.objective for record in fit.history]) > -1e-9 * abs(fit.objective)).all()
    mass = np.bincount(fit.labels, w, 8)
    assert fit.converged and (mass > 0).all()
    for k in range(8):
        mine = fit.labels == k
        np.testing.assert_allclose(
            fit.mixture.means[k], np.average(x[mine], axis=0, weights=None if w is None else w[mine]), rtol=1e-9
        )


def test_reseeding_agrees_with_scikit_learn():
    """From a start with one empty cluster both move it to the same point, and end in the same partition."""
    x, _ = blobs(5, n=300, K=4)
    start = np.concatenate([x[:3], [[1e3, 1e3]]])
    ours = KMeans(4, init=start, reseed=True).fit(x)
    theirs = PeerKMeans(4, init=start, n_init=1, tol=0).fit(x)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    assert len(np.unique(ours.labels_ * 4 + theirs.labels_)) == 4


def test_reseeding_ends_where_points_repeat():
    x = np.array([[0.0, 0], [1, 1], [1, 1], [1, 0], [0, 1]])
    with pytest.warns(exceptions.ConvergenceWarning, match="hold no points"):
        model = KMeans(5, init=x, reseed=True).fit(x)
    assert model.inertia_ == 0 and model.converged_ and model.n_iter_ < 5


def test_reseeding_is_for_kmeans():
    for options in ({}, {"assignment": "hard"}, {**KMEANS, "weights": "free"}, {**KMEANS, "covariance": "diag"}):
        with pytest.raises(ValueError, match="reseed=True is for k-means"):
            mixlib.fit(X, 2, reseed=True, **options)
    with pytest.raises(TypeError, match="reseed"):
        mixlib.fit(X, 2, reseed=1, **KMEANS)
    start = [[0.0, 50], [3, 70], [9, 900]]
    tied = mixlib.fit(X, 3, init=start, reseed=True, **{**KMEANS, "covariance": "tied_spherical"})
    assert np.bincount(tied.labels, minlength=3).min() > 0


# ---- points, old and new ----------------------------------------------------------------------


def test_kmeans_plusplus_gives_its_indices_if_asked():
    for seed in range(5):
        centres, chosen = mixlib.kmeans_plusplus(IRIS, 6, seed, return_indices=True)
        assert np.array_equal(IRIS[chosen], centres) and len(set(chosen.tolist())) == 6
        assert np.array_equal(centres, mixlib.kmeans_plusplus(IRIS, 6, seed))
    with pytest.raises(TypeError, match="return_indices"):
        mixlib.kmeans_plusplus(X, 2, return_indices="yes")


@pytest.mark.parametrize("setting", [{}, {"assignment": "hard", "covariance": "tied"}, KMEANS], ids=str)
def test_a_fit_predicts(setting):
    fit = mixlib.fit(X, 3, random_state=0, **setting)
    assert np.array_equal(fit.predict(X), fit.labels)
    assert np.array_equal(fit.predict(X[::7] + 0.01), fit.mixture.predict(X[::7] + 0.01))
    with pytest.raises(ValueError, match="3 columns, the mixture 2"):
        fit.predict(np.ones((4, 3)))


def test_a_kmeans_fit_predicts_by_distances():
    """Where sigma^2 = 1 is huge beside the data, densities do not tell the components apart; distances do."""
    fit = mixlib.fit(1e-9 * X, 3, random_state=0, **KMEANS)
    assert np.array_equal(fit.predict(1e-9 * X), fit.labels)
    assert not np.array_equal(fit.mixture.predict(1e-9 * X), fit.labels)


def test_uncertainty_keeps_its_digits():
    """Two components of one variance: 1 / (1 + exp |2 a x|), as a formula; with mclust's meaning, 1 - the largest."""
    mixture = mixlib.Mixture([0.5, 0.5], [[-1.0], [1.0]], [[[1.0]], [[1.0]]])
    x = np.array([[0.0], [0.5], [-3.0], [20.0], [-150.0]])
    np.testing.assert_allclose(mixture.uncertainty(x), 1 / (1 + np.exp(np.abs(2 * x[:, 0]))), rtol=1e-12)
    fit = mixlib.fit(IRIS, 3, random_state=0)
    np.testing.assert_allclose(
        fit.mixture.uncertainty(IRIS), 1 - fit.mixture.responsibilities(IRIS).max(axis=1), atol=1e-14
    )
    alone = mixlib.fit(X, 1, random_state=0)
    assert (alone.mixture.uncertainty(X) == 0).all()


def test_single_precision_in_single_precision_out():
    """What there is one of for each point, and an estimator's parameters; close to the same in double precision."""
    for covariance in ("full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"):
        one, two = (
            GaussianMixture(3, covariance_type=covariance, init=IRIS[[0, 60, 120]]).fit(IRIS.astype(kind))
            for kind in (np.float32, np.float64)
        )
        for name in ("weights_", "means_", "covariances_", "precisions_"):
            assert getattr(one, name).dtype == np.float32 and getattr(two, name).dtype == np.float64
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=2e-2, atol=2e-2)
        assert one.mixture_.means.dtype == np.float64 and isinstance(one.score(IRIS.astype(np.float32)), float)
        for name in ("predict_proba", "score_samples"):
            assert getattr(one, name)(IRIS.astype(np.float32)).dtype == np.float32
            assert getattr(one, name)(IRIS).dtype == np.float64
    for hard in (False, True):
        fit = mixlib.fit(IRIS.astype(np.float32), 3, init=IRIS[:3], assignment="hard" if hard else "soft")
        assert fit.responsibilities.dtype == np.float32
        assert fit.mixture.uncertainty(IRIS.astype(np.float32)).dtype == np.float32
    model = KMeans(3, random_state=0).fit(IRIS.astype(np.float32))
    assert model.cluster_centers_.dtype == model.transform(IRIS.astype(np.float32)).dtype == np.float32
    assert model.fit_.mixture.means.dtype == np.float64


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_predictions_are_the_labels_in_single_precision(offset):
    """Centres rounded to single precision would move points near a border."""
    x = (np.random.default_rng(1).uniform(size=(200_000, 1)) + offset).astype(np.float32)
    model = KMeans(7, random_state=0).fit(x)
    assert np.array_equal(model.predict(x), model.labels_)
    rounded = np.abs(x.astype(float) - model.cluster_centers_.astype(float)[:, 0]).argmin(axis=1)
    assert offset == 0 or (rounded != model.labels_).any()


def test_parameters_may_be_set_where_they_count():
    model = KMeans(2, random_state=0).fit(X)
    model.cluster_centers_ = np.array([[2.0, 55.0], [2.5, 60.0]])
    assert not np.array_equal(model.predict(X), model.labels_)
    assert np.array_equal(model.predict(X), ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2).argmin(axis=1))
    mixture = mixlib.Mixture([0.3, 0.7], [[2.0, 55.0], [4.5, 80.0]], [np.diag([0.1, 30.0])] * 2)
    for model in (GaussianMixture(2), GaussianMixture(2, random_state=0).fit(X)):
        model.mixture_ = mixture
        assert np.array_equal(model.means_, mixture.means) and np.array_equal(model.weights_, mixture.weights)
        np.testing.assert_allclose(model.covariances_, mixture.covariances)
        assert np.array_equal(model.predict(X), mixture.predict(X))
        for name in ("means_", "weights_", "covariances_", "precisions_"):
            with pytest.raises(AttributeError, match=f"{name} follows from mixture_"):
                setattr(model, name, 0)
    for name in ("means_", "weights_", "covariances_", "precisions_"):
        with pytest.raises(exceptions.NotFittedError):
            getattr(GaussianMixture(2), name)


def test_bic_of_the_fit_and_of_points():
    """Without weights they agree on the data of the fit; with them bic() counts them, and bic(X) does not."""
    model = GaussianMixture(2, random_state=0).fit(X)
    assert model.bic() == pytest.approx(model.bic(X))
    w = np.full(len(X), 3.0)
    weighted = GaussianMixture(2, random_state=0).fit(X, sample_weight=w)
    p = 2 * 2 + 2 * 3 + 1
    total = weighted.score_samples(X).sum()
    assert weighted.bic() == pytest.approx(-2 * 3 * total + p * np.log(3 * len(X)))
    assert weighted.bic(X) == pytest.approx(-2 * total + p * np.log(len(X)))


# ---- what is told -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, lambda x: x.tolist()], ids=["array", "frame", "list"])
def test_nan_is_told_by_row_and_column(kind):
    x = IRIS.copy()
    x[17, 2] = x[40, 0] = np.nan
    for model in (KMeans(2), GaussianMixture(2)):
        with pytest.raises(
            ValueError, match=r"X contains NaN or infinity in 2 of 150 rows \(first: row 17, column 2\)"
        ):
            model.fit(kind(x))
        fitted = model.fit(kind(IRIS))
        with pytest.raises(ValueError, match="row 17, column 2"):
            fitted.predict(kind(x))


def test_sparse_input_says_what_to_do():
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(X)
    for call in (KMeans(2).fit, GaussianMixture(2).fit, KMeans(2, random_state=0).fit(X).predict):
        with pytest.raises(TypeError, match=r"sparse.*X\.toarray\(\).*TruncatedSVD"):
            call(sparse)


def test_a_function_as_a_start_says_what_to_do():
    for model in (KMeans(2, init=lambda x, k, random_state: x[:k]), GaussianMixture(2, init=np.random.default_rng)):
        with pytest.raises(TypeError, match="init is a function: pass what it gives"):
            model.fit(X)


def test_warnings_of_empty_clusters_are_both():
    with pytest.warns(mixlib.EmptyComponentWarning) as caught:
        KMeans(3).fit(np.repeat([[0.0], [1.0]], 3, axis=0))
    assert issubclass(caught[0].category, exceptions.ConvergenceWarning) and caught[0].filename == __file__


SELECTION = mixlib.select(IRIS, [1, 2, 3], ["tied", "diag", "full"], progress=False, random_state=0)


def test_the_ranking_lists_every_model_in_order():
    ranking = SELECTION.ranking
    assert [model.value for model in ranking] == sorted(SELECTION.values.ravel())
    assert ranking[0][:3] == (SELECTION.covariance, SELECTION.n_components, SELECTION.values.min())
    for model in ranking:
        row, column = SELECTION.covariances.index(model.covariance), SELECTION.components.index(model.n_components)
        assert SELECTION.values[row, column] == model.value and model.behind == model.value - ranking[0].value
    some = mixlib.select(X[:4], [1, 9], ["tied_spherical"], progress=False, random_state=0)
    assert [(model.n_components, model.behind) for model in some.ranking] == [(1, 0.0)]


def test_a_selection_prints_its_best_few():
    heads, *rows = str(SELECTION).splitlines()
    assert heads.split() == ["covariance", "components", "BIC", "behind"] and len({len(row) for row in rows}) == 1
    assert [row.split()[:2] for row in rows] == [[m.covariance, str(m.n_components)] for m in SELECTION.ranking[:5]]
    assert float(rows[0].split()[2]) == pytest.approx(SELECTION.values.min(), rel=1e-5)


def cells(html):
    """The caption of a table and its rows of texts; the table must be well-formed, and keep the page's colours."""
    root = ET.fromstring(html)
    for style in (element.get("style", "") for element in root.iter()):
        assert not re.search(r"(?<!-)(color|background)[\w-]*:(?!inherit|none)", style)
    assert not {"script", "link", "img"} & {element.tag for element in root.iter()}
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    return "".join(root.find(".//caption").itertext()), rows


def test_a_selection_is_a_table_in_a_notebook():
    caption, rows = cells(SELECTION._repr_html_())
    assert "9 models by BIC" in caption and len(rows) == 6
    assert rows[1][:2] == [SELECTION.covariance, str(SELECTION.n_components)]


def test_a_fit_is_a_table_in_a_notebook():
    fit = mixlib.fit(X, 2, random_state=0)
    caption, (heads, *rows) = cells(fit._repr_html_())
    assert "converged" in caption and f"{fit.objective:.6g}" in caption and heads[0] == "component"
    for k, row in enumerate(rows):
        assert row[:2] == [str(k), f"{fit.mixture.weights[k]:.6g}"]
        shown = [[float(number) for number in cell.split(", ")] for cell in row[2:]]
        np.testing.assert_allclose(shown[0], fit.mixture.means[k], rtol=1e-3)
        np.testing.assert_allclose(shown[1], np.sqrt(np.diag(fit.mixture.covariances[k])), rtol=1e-3)
    long = mixlib.fit(np.random.default_rng(0).normal(size=(90, 9)), 20, random_state=0, **KMEANS)
    _, rows = cells(long._repr_html_())
    assert len(rows) == 14 and "8 more" in rows[-1][0] and "(9)" in rows[1][2]


# ---- several processes ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("state", [lambda: 3, lambda: np.random.default_rng(3), lambda: np.random.RandomState(3)])
def test_processes_change_nothing(state):
    one, two = (
        mixlib.select(X, [1, 2, 3, 4], ["diag", "full"], progress=False, init="random", n_jobs=n, random_state=state())
        for n in (1, 2)
    )
    assert np.array_equal(one.values, two.values) and one.ranking == two.ranking
    assert np.array_equal(one.best.labels, two.best.labels) and two.best.inertia == one.best.inertia


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_warnings_come_from_all_processes():
    with pytest.warns(mixlib.ConvergenceWarning, match=r"full, [34] components: .*max_iter=1") as caught:
        mixlib.select(IRIS, [3, 4], ["full"], progress=False, n_jobs=2, max_iter=1, random_state=0)
    assert [str(w.message)[:7] for w in caught] == ["full, 3", "full, 4"] and caught[0].filename == __file__


def test_jobs_are_counted(monkeypatch):
    for wrong, error in ((0, ValueError), (-2, ValueError), (1.5, TypeError), ("2", TypeError)):
        with pytest.raises(error, match="n_jobs"):
            mixlib.select(X, [1], ["tied"], progress=False, n_jobs=wrong)
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(ImportError, match="n_jobs needs joblib.*mixlib.estimators"):
        mixlib.select(X, [1], ["tied"], progress=False, n_jobs=2)
