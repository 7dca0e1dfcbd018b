"""A Gaussian mixture as an object: density, responsibilities, samples (chapters 1 and 2)."""

import numpy as np

from ._engine.data import CACHED_BLOCK
from ._engine.reductions import slices
from ._engine.threads import map_blocks
from ._engine.triangles import Singular
from .covariance import Full
from .inputs import as_count, as_generator, as_numbers, as_points
from .scores import LEAST_ROWS, argmax, scores_from_deviations, softmax

SUM_TOLERANCE = 1e-6  # what rounding, in single precision too, may take from a sum of weights


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
        """log p(x) of each point, (n,), for x of shape (n, d)."""
        return self._evaluated(x, (), lambda scores: softmax(scores, self.weights)[1])

    def responsibilities(self, x):
        """p(k | x) of each point, (n, K): the posterior of its label (chapter 2)."""
        return self._evaluated(x, (len(self.means),), lambda scores: softmax(scores, self.weights)[0].T)

    def predict(self, x):
        """The component of the largest responsibility for each point, (n,): its label (chapter 2)."""
        return self._evaluated(x, (), lambda scores: argmax(scores)[0], np.intp)

    def sample(self, n, random_state=None):
        """n independent points, (n, d), and the labels of the components they come from, (n,)."""
        n = as_count(n, "n", 1)
        rng = as_generator(random_state)
        K, d = self.means.shape
        labels = rng.choice(K, size=n, p=self.weights / self.weights.sum())
        factors = np.broadcast_to(self._shape.dense(self._factors, d), (K, d, d))
        return self.means[labels] + np.einsum("nij,nj->ni", factors[labels], rng.standard_normal((n, d))), labels

    def _evaluated(self, x, shape, task, dtype=np.float64):
        """An array (n, *shape) of what `task` makes of the scores (K, b) of each block."""
        x = as_points(x)
        K, d = self.means.shape
        if x.shape[1] != d:
            raise ValueError(f"x has {x.shape[1]} columns, the mixture {d}")
        out, inverse = np.empty((len(x), *shape), dtype=dtype), self._shape.inverse(self._factors)

        def block(part):
            z = np.ascontiguousarray(x[part].T, dtype=np.float64)
            out[part] = task(scores_from_deviations(self._shape, self.weights, self.means, self._factors, z, inverse))

        for _ in map_blocks(block, slices(len(x), max(LEAST_ROWS, CACHED_BLOCK // (2 * d + K)))):
            pass
        return out

    def __repr__(self):
        K, d = self.means.shape
        return f"Mixture of {K} components in {d} dimensions"
