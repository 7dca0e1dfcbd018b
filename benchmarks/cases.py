"""What is measured: kinds of work, sizes, data."""

import warnings
from itertools import count
from typing import NamedTuple

import numpy as np

import mixlib

SIZES = [
    (10**5, 2, 8),
    (10**6, 2, 8),
    (10**6, 2, 64),
    (10**5, 16, 16),
    (10**6, 16, 16),
    (10**5, 64, 64),
    (2 * 10**5, 128, 256),
]
COVARIANCES = ["full", "tied", "diag", "spherical"]


class Case(NamedTuple):
    """One row of the table."""

    work: str  # "k-means" (to convergence), "k-means iteration", "seeding", or a covariance (an EM iteration)
    n: int
    d: int
    K: int
    blobs: str  # "overlapping" or "separated"
    dtype: str

    def __str__(self):
        return f"{self.work}, n = {self.n:.0e}, d = {self.d}, K = {self.K}, {self.blobs}, {self.dtype}"


def data(case):
    """Points of the case, (n, d), and the starting means, (K, d).

    Overlapping blobs have centres drawn with a standard deviation of 2 about the origin;
    separated ones have centres at least ten standard deviations apart. k-means starts from
    k-means++ seeds, the first ones with which no cluster becomes empty (there the peers do
    different things); EM starts one standard deviation off the centres.
    """
    rng = np.random.default_rng(1)
    if case.blobs == "overlapping":
        centres = 2 * rng.normal(size=(case.K, case.d))
    else:
        axes = min(case.d, 8)  # a grid in the first columns
        side = int(np.ceil(case.K ** (1 / axes)))
        cells = rng.permutation(side**axes)[: case.K]
        centres = np.zeros((case.K, case.d))
        centres[:, :axes] = 10.0 * np.stack(np.unravel_index(cells, (side,) * axes), axis=1)
    x = centres[rng.integers(case.K, size=case.n)] + rng.normal(size=(case.n, case.d))
    x = x.astype(case.dtype)
    start = centres + rng.normal(size=centres.shape)
    if case.work.startswith("k-means"):
        start = next(
            start
            for start in (mixlib.kmeans_plusplus(x, case.K, seed) for seed in count())
            if all_clusters_keep_points(x, start)
        )
    return x, start.astype(case.dtype)


def all_clusters_keep_points(x, start):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mixlib.KMeans(len(start), init=start).fit(x)
    return not caught


def all_cases():
    """The grid. Full covariances are left out of the last size, where a peer takes minutes an iteration."""
    cases = [Case("k-means", *size, blobs, "float64") for size in SIZES for blobs in ("overlapping", "separated")]
    cases += [Case("k-means iteration", *size, "overlapping", "float64") for size in SIZES]
    cases += [Case("seeding", *size, "overlapping", "float64") for size in SIZES]
    cases += [
        Case(covariance, *size, "overlapping", "float64")
        for covariance in COVARIANCES
        for size in SIZES
        if (covariance, size) != ("full", SIZES[-1])
    ]
    cases += [Case("k-means", *size, "overlapping", "float32") for size in SIZES]
    cases += [Case("full", *size, "overlapping", "float32") for size in SIZES[:5]]
    return cases
