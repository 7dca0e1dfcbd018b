"""Empty clusters of k-means, moved to where they help (`reseed=True`)."""

import numpy as np

from ._engine.reductions import squared_lengths


def reseed(estep, statistics, params):
    """The parameters, each empty component at the point farthest from all means that count.

    A point at a positive distance leaves J smaller by at least that distance squared, so no
    iteration undoes the one before; points on a mean are passed over, and components that
    find no other stay where they are.
    """
    data = estep.data
    empty = np.flatnonzero(statistics.counts <= data.negligible_weight)
    if not empty.size:
        return params
    means, centres, distances = params.means.copy(), params.centres.copy(), np.empty(data.n)

    def from_own(z, rows, w):
        distances[rows] = squared_lengths(z - means.T[:, estep.labels[rows]])
        if w is not None:
            distances[rows][w == 0] = 0.0

    data.for_blocks(from_own, estep.rows)
    for k in empty:
        farthest = int(distances.argmax())
        if distances[farthest] <= data.rounding:
            break
        means[k] = data.z[:, farthest]
        centres[k] = data.coordinates.to_user(data.z[:, [farthest]].astype(np.float64))[0]

        def from_new(z, rows, w, mean=means[k]):
            np.minimum(distances[rows], squared_lengths(z - mean[:, None]), out=distances[rows])

        data.for_blocks(from_new, estep.rows)
    return params._replace(means=means, centres=centres)
