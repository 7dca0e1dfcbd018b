"""A Gaussian mixture as an object: density, responsibilities, samples (chapters 1 and 2)."""

import numpy as np

from ._engine.reductions import slices
from ._engine.sources import as_source, each_row, finite
from ._engine.triangles import Singular
from .covariance import Full
from .inputs import as_count, as_generator, as_numbers, as_points
from .scores import scores_from_deviations, softmax

SUM_TOLERANCE = 1e-6  # what rounding, in single precision too, may take from a sum of weights
BLOCK_ROWS = 1 << 13  # points in a block


class Mixture:
    """A mixture of K normal densities in d dimensions.

    Parameters
    ----------
    weights : (K,) array
        pi_k, not negative, with sum 1 up to 1e-6; they are divided by it.
    means : (K, d) array
        mu_k, in the units of the data.
    covariances : (K, d, d) array
        Sigma_k, symmetric and positive definite, in squared units.

    Raises
    ------
    ValueError
        If the shapes disagree, the weights do not sum to one, or a covariance is not
        positive definite.

    Notes
    -----
    Chapter 2. Densities are evaluated by a triangular factor of each covariance, never by
    an inverse of Sigma or a determinant (chapter 1).

    Examples
    --------
    >>> mixture = Mixture([0.5, 0.5], [[-1.0], [1.0]], [[[1.0]], [[1.0]]])
    >>> mixture.responsibilities([[0.0]])
    array([[0.5, 0.5]])
    """

    def __init__(self, weights, means, covariances):
        means = np.array(as_points(means, "means"), dtype=float)
        K, d = means.shape
        weights = np.array(as_numbers(weights, "weights"), dtype=float)
        covariances = np.array(as_numbers(covariances, "covariances"), dtype=float)
        if weights.shape != (K,) or covariances.shape != (K, d, d):
            raise ValueError(
                f"means of shape {means.shape} need weights of shape ({K},) and covariances of shape "
                f"({K}, {d}, {d}), got {weights.shape} and {covariances.shape}"
            )
        if not (weights >= 0).all() or not abs(weights.sum() - 1) <= SUM_TOLERANCE:
            raise ValueError(f"weights must be at least 0 and sum to 1, got {weights} with sum {weights.sum():.6g}")
        if abs(weights.sum() - 1) > K * np.finfo(float).eps:  # normalised in single precision, or printed
            weights /= weights.sum()
        symmetric = np.allclose(covariances, covariances.transpose(0, 2, 1), rtol=1e-8, atol=0)
        if not np.isfinite(covariances).all() or not symmetric:
            raise ValueError("covariances must be finite and symmetric")
        try:
            factors = Full().from_covariances(covariances)
        except Singular as error:
            raise ValueError(f"covariance {error.index} is not positive definite") from None
        self._set(Full(), weights, means, factors)

    def _set(self, shape, weights, means, factors):
        self._shape, self._factors = shape, factors
        self.weights, self.means = weights, means

    @classmethod
    def _of(cls, shape, weights, means, factors):
        """A mixture from factors in the smallest form that a constraint keeps."""
        mixture = cls.__new__(cls)
        mixture._set(shape, weights.copy(), means.copy(), factors)
        return mixture

    @property
    def covariances(self):
        """Sigma_k, (K, d, d)."""
        K, d = self.means.shape
        factors = self._shape.dense(self._factors, d)
        with np.errstate(over="ignore", under="ignore"):
            covariances = factors @ factors.transpose(0, 2, 1)
        if not np.isfinite(covariances).all() or not (np.diagonal(covariances, axis1=1, axis2=2) > 0).all():
            raise ValueError("a variance is beyond floating-point numbers; divide x by its scale and fit again")
        return np.broadcast_to(covariances, (K, d, d)).copy()

    def log_density(self, x):
        """log p(x) of each point, (n,), for x of shape (n, d).

        x may be a source of blocks, as in `fit`: of a Dask array the answer is a lazy one, chunked
        like x; of a file, a memmap or a function that reads blocks it comes in one pass.
        """
        weights = self.weights
        return self._each(x, lambda scores: softmax(scores, weights)[1])

    def responsibilities(self, x):
        """p(k | x) of each point, (n, K): the posterior of its label (chapter 2).

        Of a file or another source they come block by block: iterate, or make them whole with ``np.asarray``.
        """
        weights = self.weights
        return self._each(x, lambda scores: softmax(scores, weights)[0].T, len(weights))

    def predict(self, x):
        """The component of the largest responsibility for each point, (n,): its label (chapter 2)."""
        return self._each(x, lambda scores: scores.argmax(axis=0), dtype=np.intp)

    def sample(self, n, random_state=None):
        """n independent points, (n, d), and the labels of the components they come from, (n,)."""
        n = as_count(n, "n", 1)
        rng = as_generator(random_state)
        K, d = self.means.shape
        labels = rng.choice(K, size=n, p=self.weights / self.weights.sum())
        factors = np.broadcast_to(self._shape.dense(self._factors, d), (K, d, d))
        return self.means[labels] + np.einsum("nij,nj->ni", factors[labels], rng.standard_normal((n, d))), labels

    def _each(self, x, answer, columns=None, dtype=np.float64):
        """What `answer` makes of the scores (K, b) of all points."""
        x = self._points(x)

        def of_rows(rows):
            parts = [answer(self._scores(rows[part])) for part in slices(len(rows), BLOCK_ROWS)]
            return np.concatenate(parts)

        return each_row(x, of_rows, BLOCK_ROWS, columns, dtype)

    def _totals(self, x, w=None):
        """Of the points of a source: weight, log-likelihood and classification log-likelihood, summed where they are."""
        x = self._points(x)

        def of_block(rows, start, w):
            scores = self._scores(finite(rows, start, x.name))
            best = scores.max(axis=0)
            densities = softmax(scores, self.weights)[1]
            return np.array([(v if w is None else v * w).sum() for v in (np.ones(len(rows)), densities, best)])

        return x.total(of_block, BLOCK_ROWS, x.beside(w))

    def _points(self, x):
        source = as_source(x)
        x = as_points(x) if source is None else source
        if x.shape[1] != self.means.shape[1]:
            raise ValueError(f"x has {x.shape[1]} columns, the mixture {self.means.shape[1]}")
        return x

    def _scores(self, rows):
        """(K, b) of rows (b, d)."""
        z = np.ascontiguousarray(rows.T, dtype=np.float64)
        return scores_from_deviations(self._shape, self.weights, self.means, self._factors, z)

    def __repr__(self):
        K, d = self.means.shape
        return f"Mixture of {K} components in {d} dimensions"
