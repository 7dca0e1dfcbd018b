"""Square roots of variances and of matrices, and what is singular up to rounding."""

import numpy as np


class Singular(Exception):
    """Internal: covariance number `index` is singular; the loop turns it into words."""

    def __init__(self, index):
        self.index = int(index)


def root(variances, rounding):
    """Square roots; a variance of at most `rounding` is singular."""
    bad = ~(variances > rounding)
    if bad.any():
        raise Singular(np.argwhere(bad)[0][0])
    return np.sqrt(variances)


def regular_triangles(correlations, rounding):
    """Lower triangles; a direction whose variance is rounding, of the sums or of the data (`rounding`, (C, d)), is singular."""
    triangles, shares = cholesky(correlations)
    bad = np.flatnonzero(shares < 8 * correlations.shape[-1] * np.finfo(float).eps)
    if not bad.size:  # rounding of the data, in directions where the variance is 1
        of_data = (np.linalg.inv(triangles) ** 2 * rounding[:, None]).sum(axis=2).max(axis=1)
        bad = np.flatnonzero(of_data >= 1)
    if bad.size:
        raise Singular(bad[0])
    return triangles


def cholesky(correlations):
    """Lower triangles, and the least share of its variance that any column has to itself.

    The share is 1 / |row of the inverse triangle|^2: below the level of rounding it says that
    the matrix is singular, even where rounding has made a pivot of that level positive.
    """
    triangles, shares = np.zeros_like(correlations), np.zeros(len(correlations))
    for index, matrix in enumerate(correlations):
        try:
            triangles[index] = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            continue  # not positive definite: share 0
        shares[index] = 1 / (np.linalg.inv(triangles[index]) ** 2).sum(axis=1).max()
    return triangles, shares
