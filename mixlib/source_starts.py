"""Where the loop starts on a source of blocks: what `starts` does, where no point can be picked by its number."""

from functools import partial

import numpy as np

from . import inputs, oversampling
from ._engine.namespace import home
from ._engine.streamed import StreamedData
from .covariance import CONSTRAINTS
from .estep import FixedResponsibilities, e_step
from .loop import run
from .mixture import Mixture
from .nearest import DOUBLE, NearestMean
from .starts import KMEANS, SEEDS, best_start, from_labels, from_means, given_start

PASSES = 50  # of k-means as a start: later ones move few points, and the mixture goes on from there


def source_starter(init, source, K):
    """A function (data, model, K, rng) -> Parameters for the `init` that the caller chose."""
    if isinstance(init, str):
        chosen = inputs.as_choice(init, "init", (*SEEDS, "k-means||", "k-means"))
        if chosen == "k-means":
            return lambda data, model, K, rng: _from_kmeans(source, data, model, K, rng)
        draw = oversampling.at_random if chosen == "random" else oversampling.kmeans_parallel
        return lambda data, model, K, rng: from_means(data, model, draw(data, K, rng))
    if isinstance(init, Mixture):
        return given_start(init, source.shape, lambda: source.largest, K)
    array = inputs.as_array(init, "init")  # labels of a Dask array are fetched: n small integers
    if array.ndim == 1:
        array = inputs.as_labels(array, len(source), K).astype(np.min_scalar_type(K))
    return given_start(array, source.shape, lambda: source.largest, K)


def _from_kmeans(source, data, model, K, rng):
    """The loop run first as k-means on the same source, from k-means||; one M-step from the partition.

    Where Sigma can tell the columns apart, in their own units and in units of their standard
    deviations, as for an array; the start is the one whose classification log-likelihood is larger.
    One with empty components comes last: it starts from the means alone.
    """
    units = [None]
    if not model.constraint.shape.isotropic and data.d > 1:
        variances = column_variances(source, data.w)
        units.append(np.sqrt(np.where(variances > 0, variances, 1.0)))

    def start(unit):
        points = StreamedData(source, data.w, KMEANS.constraint, units=unit)
        seeds = from_means(points, KMEANS, oversampling.kmeans_parallel(points, K, rng))
        kmeans = run(e_step(points, KMEANS), seeds, tol=0, max_iter=PASSES)
        if kmeans.empty.size:
            return -np.inf, from_means(data, model, kmeans.params.centres)
        nearest = NearestMean(kmeans.params.means, kmeans.params.centres, points.coordinates, points.radius)
        return from_labels(NearestLabels(data, model, nearest, K))

    return best_start(partial(start, unit) for unit in units)


class NearestLabels(FixedResponsibilities):
    """The labels of the nearest means of another fit, in the coordinates of that."""

    def __init__(self, data, model, nearest, K):
        super().__init__(data, model, None, K)
        self.nearest = nearest

    def given_to(self, z, rows):
        coordinates = self.nearest.coordinates
        x = self.data.coordinates.to_user(home(z).astype(DOUBLE))
        return self.nearest.find(((x - coordinates.shift) / coordinates.scale).T, DOUBLE)[0]


def column_variances(source, w):
    """Of the columns of a source, (d,)."""
    points = StreamedData(source, w, CONSTRAINTS["diag"])
    return points.coordinates.scale**2 * points.scatter()[0] / points.total_weight
