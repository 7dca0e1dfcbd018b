"""Square roots of variances and of matrices, and what is singular up to rounding."""

from functools import lru_cache

import numpy as np

EPS = np.finfo(float).eps
HALVED_FROM = 48  # columns above which a triangle is inverted by halves


class Singular(Exception):
    """Internal: covariance number `index` is singular; `fit` turns it into words. `last` is the record before."""

    last = None

    def __init__(self, index):
        self.index = int(index)


def root(variances, rounding):
    """Square roots; a variance of at most `rounding` is singular."""
    bad = ~(variances > rounding)
    if bad.any():
        raise Singular(np.argwhere(bad)[0][0])
    return np.sqrt(variances)


def regular_triangles(correlations, rounding):
    """Lower triangles and their inverses; a direction whose variance is rounding, of the sums or of the data
    (`rounding`, (C, d)), is singular."""
    triangles, inverses, shares = cholesky(correlations)
    least = 8 * correlations.shape[-1] * EPS
    bad = np.flatnonzero(shares < least) if shares.min() < least else shares[:0]
    if not bad.size and rounding.max() >= shares.min():  # rounding of the data, in directions where the variance is 1
        of_data = (inverses**2 @ rounding[:, :, None]).max(axis=(1, 2))
        bad = np.flatnonzero(of_data >= 1)
    if bad.size:
        raise Singular(bad[0])
    return triangles, inverses


def cholesky(correlations):
    """Lower triangles, their inverses, and the least share of its variance that any column has to itself.

    The share is 1 / |row of the inverse triangle|^2: below the level of rounding it says that
    the matrix is singular, even where rounding has made a pivot of that level positive.
    """
    try:
        triangles = np.linalg.cholesky(correlations)
        inverses = inverse_triangles(triangles)
        return triangles, inverses, 1 / greatest_lengths(inverses)
    except np.linalg.LinAlgError:  # not all are positive definite: share 0
        triangles, definite = np.broadcast_to(np.eye(correlations.shape[-1]), correlations.shape).copy(), []
        for index, matrix in enumerate(correlations):
            try:
                triangles[index] = np.linalg.cholesky(matrix)
                definite.append(index)
            except np.linalg.LinAlgError:
                continue
    inverses, shares = inverse_triangles(triangles), np.zeros(len(correlations))
    shares[definite] = 1 / greatest_lengths(inverses[definite])
    return triangles, inverses, shares


def greatest_lengths(inverses):
    """The largest squared length of a row of each matrix, (C,)."""
    return np.einsum("kij,kij->ki", inverses, inverses).max(axis=1)


@lru_cache(maxsize=4)
def _ones_below(d):
    return np.tri(d)


def inverse_triangles(triangles):
    """Inverses of lower triangles (C, d, d), by halves where they are large."""
    d = triangles.shape[-1]
    if d <= HALVED_FROM:
        return np.linalg.inv(triangles) * _ones_below(d)
    half, inverses = d // 2, np.zeros_like(triangles)
    upper, lower = inverse_triangles(triangles[:, :half, :half]), inverse_triangles(triangles[:, half:, half:])
    inverses[:, :half, :half], inverses[:, half:, half:] = upper, lower
    inverses[:, half:, :half] = -(lower @ triangles[:, half:, :half]) @ upper
    return inverses
