"""k-means by EM's own steps: the general hard E-step, forced where mixlib takes the short way.

With hard assignment, equal weights and one spherical covariance, mixlib compares distances. The
general hard E-step forms the log-joints and labels each point with the largest, whatever the
variance. The theorem `thm-hard-is-lloyd` says that the two are the same. Here both are run.

They can differ in rounding alone. The general step computes a log-joint as (c.z - |c|^2/2)/sigma^2
in shifted and scaled coordinates, so that two log-joints which are equal as fractions need not be
equal as floats; the short way decides what is too close to call by the distances as written.
"""

import itertools
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from common import fit_exactly

from mixlib import estep
from mixlib.estep import HardEStep
from mixlib.lloyd import LloydEStep

VARIANCES = [{"covariance": "identity", "variance": s2} for s2 in (1e-3, 1.0, 25.0)]
VARIANCES += [{"covariance": "tied_spherical"}]


def labels_and_centres(kind, x, start, options):
    """Of every iteration, as the E-step of this kind found them."""
    labels, centres = [], []

    class Watched(kind):
        def statistics(self, params):
            out = super().statistics(params)
            labels.append(self.labels.copy())
            centres.append(params.centres.copy())
            return out

    with mock.patch.object(estep, "LloydEStep", Watched):
        fit = fit_exactly(x, len(start), init=start, weights="equal", assignment="hard", **options)
    assert fit.converged and len(labels) >= len(fit.history)
    return labels[: len(fit.history)], centres[: len(fit.history)]


def both_ways(x, start, options):
    """The general E-step, and the short way."""
    return [labels_and_centres(kind, x, start, options) for kind in (HardEStep, LloydEStep)]


@pytest.mark.parametrize("options", VARIANCES, ids=["1e-3", "1", "25", "estimated"])
@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_without_ties_every_iteration_is_the_same(d, options):
    """Labels exactly, centres to rounding; far starting centres lose their points."""
    rng = np.random.default_rng(d)
    iterations, lost = [], 0
    for K, seed in itertools.product((1, 2, 3, 6), range(8)):
        x = rng.normal(size=(90, d)) + rng.integers(3, size=(90, 1))
        start = x[rng.choice(90, K, replace=False)] * rng.choice([1, 4], (K, 1))
        (z, mu), (z_short, mu_short) = both_ways(x, start, options)
        distances = np.sort([((x[:, None] - m) ** 2).sum(axis=2) for m in mu_short], axis=2)
        if K > 1:
            assert np.all(distances[..., 1] - distances[..., 0] > 1e-12 * distances[..., 1])  # no ties
        np.testing.assert_array_equal(z, z_short)
        np.testing.assert_allclose(mu, mu_short, rtol=0, atol=1e-13 * np.abs(x).max())
        iterations.append(len(z))
        lost += len(np.unique(z[0])) < K
    assert max(iterations) > 5 and lost > 0


@pytest.mark.parametrize("options", VARIANCES, ids=["1e-3", "1", "25", "estimated"])
def test_on_a_grid_the_first_difference_is_an_exact_tie(options):
    """Up to the first difference the labels give the centres as fractions; these decide who is nearest.

    Where the two E-steps differ, both have chosen a nearest centre: a tie, broken by rounding.
    """
    rng = np.random.default_rng(3)
    x = rng.integers(0, 4, size=(40, 2)).astype(float)
    exact = np.vectorize(Fraction, otypes=[object])
    points, differ = exact(x), 0
    for _ in range(80):
        start = x[rng.choice(40, 4, replace=False)] + rng.integers(0, 2, (4, 2)) / 2
        general, short = (labels for labels, _ in both_ways(x, start, options))
        centres = exact(start)
        for z, z_short in zip(general, short):
            distances = ((points[:, None] - centres) ** 2).sum(axis=2)
            nearest = distances == distances.min(axis=1, keepdims=True)
            assert nearest[np.arange(40), z].all() and nearest[np.arange(40), z_short].all()
            if np.any(z != z_short):
                differ += 1
                break
            centres = np.array([points[z == k].mean(axis=0) if np.any(z == k) else c for k, c in enumerate(centres)])
        else:
            assert len(general) == len(short)
    assert 0 < differ < 40  # rounding does break ties, and not in most runs
