"""Empty clusters of k-means, moved to where they help (`reseed=True`)."""

import numpy as np

from ._engine.namespace import home, namespace
from ._engine.reductions import squared_lengths


def reseed(estep, statistics, params):
    """The parameters, each empty component at the point farthest from all means that count.

    A point at a positive distance leaves J smaller by at least that distance squared, so no
    iteration undoes the one before; points on a mean are passed over, and components that
    find no other stay where they are. A pass over the points for each empty component.
    """
    data = estep.data
    empty = np.flatnonzero(statistics.counts <= data.negligible_weight)
    if not empty.size:
        return params
    means, centres, moved = params.means.copy(), params.centres.copy(), []
    for k in empty:
        farthest = data.sum_blocks(_FromNearest(estep, params.means, means[moved]), estep.rows)
        if farthest.square <= data.rounding:
            break
        means[k] = farthest.point
        centres[k] = data.coordinates.to_user(farthest.point[:, None].astype(np.float64))[0]
        moved.append(k)
    return params._replace(means=means, centres=centres)


class _FromNearest:
    """The point of a block farthest from the mean of its label and from those that have just been moved, as a task."""

    def __init__(self, estep, means, moved):
        self.estep, self.means, self.moved = estep, means, moved

    def __call__(self, z, rows, w):
        xp = namespace(z)
        labels = xp.asarray(self.estep.labels_of(z, rows))
        squares = squared_lengths(z - xp.take(xp.asarray(self.means), labels, axis=0).T)
        for mean in self.moved:
            squares = xp.minimum(squares, squared_lengths(z - xp.asarray(mean)[:, None]))
        squares = home(squares)
        if w is not None:
            squares[home(w) == 0] = 0.0
        first = int(squares.argmax())
        return Farthest(float(squares[first]), rows.start + first, home(z[:, first]).copy())


class Farthest:
    """The squared distance, the number and the coordinates (d,) of the farthest point, the first of equals."""

    def __init__(self, square, row, point):
        self.square, self.row, self.point = square, row, point

    def __add__(self, other):
        return max(self, other, key=lambda found: (found.square, -found.row))
