"""Better centres for k-means: exchanges of one centre for another point (chapter 3)."""

import numpy as np

from ._engine.data import BLOCK, CACHED_BLOCK
from ._engine.reductions import weighted_sum
from ._engine.sampling import PointSampler
from ._engine.scratch import scratch
from .errors import TooFewPointsError
from .seeding import greedy_plusplus, n_candidates, weighted

SAMPLE, SAMPLE_PER_CENTRE = 1 << 13, 64  # points that a search looks at
SINGLE_FROM = 1 << 13  # numbers in the points from which a copy in single precision pays
MISSED = 1.5  # times its sum of squared distances: above, the sample has missed points


def local_search(data, K, rng):
    """Indices of K of the points: greedy k-means++, and then K/2 rounds of exchanges (after Lattanzi and Sohler 2019).

    A round draws candidates as k-means++ would draw one more centre. Of all exchanges of a
    centre for a candidate the best is made, if the sum of squared distances falls. Of many
    points a sample is searched, and single precision tells good centres from bad ones. Where
    points differ by its rounding alone, or the sample has missed some, the search begins anew.
    """
    number = max(SAMPLE, SAMPLE_PER_CENTRE * K)
    try:
        if data.n <= 2 * number:
            return _searched(data.in_single_precision() if data.z.size > SINGLE_FROM else data, K, rng)[0]
        found = _found_in_sample(data, number, K, rng)
    except TooFewPointsError:
        found = None
    return _searched(data, K, rng)[0] if found is None else found


def _found_in_sample(data, number, K, rng):
    """Centres (indices of points) of a sample of the points, or None if they do not serve all points about as well."""
    sampler = PointSampler(data)
    where, w = sampler.sample(rng, number)
    if len(where) < K:  # all copies of a point are in the sample, or none
        return None
    part = data.subset(where, w).in_single_precision()
    found, expected = _searched(part, K, rng, sampler.column_weights)
    found = where[found]

    def left(z, rows, w):
        return weighted_sum(sampler.distances(z, rows, data.points(found)).min(axis=0)[None], w)[0]

    return found if data.sum_blocks(left, max(256, CACHED_BLOCK // (data.d + K))) <= MISSED * expected else None


def _searched(data, K, rng, column_weights=None):
    """Centres (indices of points), after K/2 rounds of exchanges, and the sum of squared distances from them."""
    sampler = PointSampler(data, column_weights)
    search = Exchanges(data, sampler, np.array(greedy_plusplus(data, K, rng, sampler)))
    total = np.inf  # where there is nothing to exchange
    for to_come in reversed(range((K + 1) // 2 if K > 1 else 0)):
        sampler.set_mass(weighted(search.first, data.w))
        total = sampler.reached[-1]
        if not total > 0:
            break  # each point is a centre
        after, k, point = search.best(sampler.draw(rng, K, K, n_candidates(K)))
        if after < total * (1 - 1e-9):
            total, search.chosen[k] = after, point
            if to_come:
                search.replaced(k)
    return search.chosen, total


class Exchanges:
    """Centres among the points, and for each point its nearest two: squared distances and which they are."""

    def __init__(self, data, sampler, chosen):
        self.data, self.sampler, self.chosen = data, sampler, chosen.copy()
        self.first, self.second = np.empty(data.n, data.dtype), np.empty(data.n, data.dtype)
        self.nearest, self.next = np.empty(data.n, dtype=np.intp), np.empty(data.n, dtype=np.int32)
        self.rows = max(256, BLOCK // (data.d + len(chosen)))
        self.data.for_blocks(lambda z, rows, w: self._find(z, rows), self.rows)

    def _find(self, z, where):
        """The nearest two of all centres for some points."""
        distances = self.sampler.distances(z, where, self.data.points(self.chosen))
        columns = np.arange(distances.shape[1])
        for values, which in ((self.first, self.nearest), (self.second, self.next)):
            labels = distances.argmin(axis=0)
            values[where], which[where] = distances[labels, columns], labels
            distances[labels, columns] = np.inf

    def best(self, candidates):
        """The best exchange for a candidate: the sum of squared distances after it, which centre goes, which point comes."""
        K, places = len(self.chosen), self.data.points(candidates)

        def left(z, rows, w):
            """With a candidate as one more centre, and what the loss of each centre then adds; (m, 1 + K)."""
            distances = self.sampler.distances(z, rows, places)
            with_it = np.minimum(self.first[rows], distances, out=scratch("with_it", distances.shape, distances.dtype))
            more = np.minimum(self.second[rows], distances, out=distances)
            more -= with_it
            if w is not None:
                with_it, more = with_it * w, more * w
            added = [np.bincount(self.nearest[rows], of_candidate, K) for of_candidate in more]
            return np.column_stack([with_it.sum(axis=1, dtype=np.float64), added])

        total = self.data.sum_blocks(left, self.rows)
        found = total[:, :1] + total[:, 1:]
        best, k = np.unravel_index(found.argmin(), found.shape)
        return found[best, k], k, candidates[best]

    def replaced(self, k):
        """Centre k is another point now: bring the nearest two up to date."""
        place = self.data.points(self.chosen[k : k + 1])

        def block(z, rows, w):
            first, second, nearest, next = (a[rows] for a in (self.first, self.second, self.nearest, self.next))
            lost = np.flatnonzero((nearest == k) | (next == k))
            distance = self.sampler.distances(z, rows, place)[0]
            closest, closer = distance < first, distance < second
            second[:] = np.where(closest, first, np.minimum(distance, second))
            next[:] = np.where(closest, nearest, np.where(closer, k, next))
            first[closest], nearest[closest] = distance[closest], k
            lost += rows.start
            self._find(self.data.points(lost), lost)

        self.data.for_blocks(block, self.rows)
