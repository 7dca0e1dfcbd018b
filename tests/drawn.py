"""What the Hypothesis tests share: cases drawn with their settings, runs of them, and what every result must be."""

import warnings
from typing import NamedTuple

import numpy as np
from common import KMEANS
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import COVARIANCES, lloyd

import mixlib

# A log-joint may be wrong by this much (mixlib.log_joint.TOLERANCE), a sum over n points by n times that.
ROUNDING = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-3}
seeds = st.integers(0, 10**6)


def examples(number):
    """The same examples in every run, and nothing kept between runs."""
    return settings(max_examples=number, deadline=None, derandomize=True, database=None)


class Case(NamedTuple):
    """Data, weights and what to fit to them."""

    x: np.ndarray
    w: np.ndarray | None
    K: int
    options: dict


@st.composite
def cases(draw, covariances=COVARIANCES, kinds=("blobs",), offsets=(0.0,), exponents=st.just(0), dtypes=(np.float64,)):
    """Blobs of at least d + 2 points each (or the same rounded to a grid, or with copies), to be fitted from means."""
    d, K, rng = draw(st.integers(1, 4)), draw(st.integers(1, 4)), np.random.default_rng(draw(seeds))
    z = np.r_[np.tile(np.arange(K), d + 2), rng.integers(K, size=draw(st.integers(0, 40)))]
    x = draw(st.sampled_from([2.0, 5.0, 20.0])) * rng.normal(size=(K, d))[z] + rng.normal(size=(len(z), d))
    kind = draw(st.sampled_from(kinds))
    x = {"blobs": x, "grid": np.rint(x), "copies": x[rng.integers(len(x), size=len(x))]}[kind]
    unit = 10.0 ** draw(exponents)
    x = (unit * (x + draw(st.sampled_from(offsets)))).astype(draw(st.sampled_from(dtypes)))
    w = (
        rng.exponential(size=len(x)) * (rng.uniform(size=len(x)) < 0.9) + 1e-3 * (z > -1)
        if draw(st.booleans())
        else None
    )
    return Case(
        x,
        w,
        K,
        {
            "covariance": draw(st.sampled_from(covariances)),
            "weights": draw(st.sampled_from(["free", "equal"])),
            "assignment": draw(st.sampled_from(["soft", "hard"])),
            "variance": 2 * unit**2,
            "init": x[:K].astype(float),
        },
    )


class Path(NamedTuple):
    """Where a run went: its records and, unless a covariance collapsed, the fit."""

    fit: mixlib.Fit | None
    records: list
    x: np.ndarray
    w: np.ndarray | None

    @property
    def objectives(self):
        return np.array([record.objective for record in self.records])

    @property
    def total(self):
        return len(self.x) if self.w is None else self.w.sum()

    @property
    def rounding(self):
        """Of one log-joint: what mixlib.log_joint allows and, in a narrow component, the last digit of x in its units."""
        narrowest = np.sqrt(
            min((np.linalg.eigvalsh(record.covariances).min() for record in self.records), default=np.inf)
        )
        return ROUNDING[self.x.dtype] + 50 * np.finfo(self.x.dtype).eps * np.ptp(self.x) / narrowest

    @property
    def tame(self):
        """Records before a component is 30 times narrower than the data in some direction: from there rounding grows."""
        spread = np.cov(self.x.T, aweights=self.w).reshape(self.x.shape[1], -1)
        for t, record in enumerate(self.records):
            if np.linalg.eigvals(np.linalg.solve(spread, record.covariances)).real.min() < 1e-3:
                return t
        return len(self.records)


def run(x, K, w=None, *, max_iter=8, **options):
    """Exactly `max_iter` iterations; warnings of emptiness are no matter."""
    records, fit = [], None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mixlib.EmptyComponentWarning)
            fit = mixlib.fit(x, K, sample_weight=w, tol=0, max_iter=max_iter, callback=records.append, **options)
    except mixlib.SingularFitError:
        pass
    event("collapsed" if fit is None else "fitted")
    path = Path(fit, records, x, w)
    assert np.isfinite(path.objectives).all()
    if fit is not None:
        assert_finite(fit, x)
    return path


def assert_same(a, b, change=0.0, allowed=1e-8):
    """The same objectives (but for `change`) while both are tame; True if that is to the end, where there is a fit."""
    tame = min(a.tame, b.tame)
    np.testing.assert_allclose(b.objectives[:tame] + change, a.objectives[:tame], rtol=allowed, atol=allowed * a.total)
    if tame < max(len(a.records), len(b.records)):
        event("narrow")
        return False
    assert (a.fit is None) == (b.fit is None)
    return a.fit is not None


def assert_finite(fit, x):
    """No result holds a NaN or an infinity, and probabilities are probabilities."""
    mixture, r = fit.mixture, fit.responsibilities
    for numbers in (
        mixture.weights,
        mixture.means,
        mixture.covariances,
        r,
        fit.log_likelihood,
        fit.objective,
        fit.classification_log_likelihood,
        fit.inertia,
    ):
        assert np.isfinite(numbers).all()
    assert mixture.weights.dtype == mixture.means.dtype == np.float64
    assert abs(mixture.weights.sum() - 1) < 1e-12 and (mixture.weights >= 0).all()
    assert (r >= 0).all() and abs(r.sum(axis=1) - 1).max() < 8 * np.finfo(
        np.float32 if np.asarray(x).dtype == np.float32 else float
    ).eps


def assert_lloyds(x, start, **options):
    """Labels and centres of a plain Lloyd at every iteration, and as many of them."""
    fit = run(x, len(start), init=start, max_iter=200, **KMEANS, **options).fit
    labels, centres = lloyd(x, start, fit.n_iter + 1)
    assert fit.converged and len(fit.history) == fit.n_iter + 1
    for t, record in enumerate(fit.history):
        np.testing.assert_array_equal(record.labels, labels[t])
        np.testing.assert_allclose(record.means, centres[t], rtol=1e-12, atol=1e-12 * abs(x).max())
    np.testing.assert_array_equal(fit.labels, labels[-1])
    np.testing.assert_array_equal(labels[-1], labels[-2])
    assert fit.n_iter < 2 or (labels[fit.n_iter - 2] != labels[fit.n_iter - 1]).any()
    return fit, centres[fit.n_iter]


@st.composite
def grids(draw):
    """Integer points, few and near together, and starts on them or half-way between: full of ties and copies."""
    d = draw(st.integers(1, 3))
    x = draw(arrays(np.int8, st.tuples(st.integers(1, 25), st.just(d)), elements=st.integers(0, 4)))
    start = draw(arrays(np.int8, st.tuples(st.integers(1, min(6, len(x))), st.just(d)), elements=st.integers(-2, 12)))
    return x.astype(float), start / 2
