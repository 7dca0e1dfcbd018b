"""A Gaussian mixture as an object: density, responsibilities, samples (chapters 1 and 2)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ._engine.data import CACHED_BLOCK
from ._engine.namespace import home
from ._engine.reductions import slices
from ._engine.sources import Source, as_source, each_row, finite
from ._engine.threads import map_blocks
from ._engine.triangles import Singular
from ._types import ArrayLike, Floats, Ints, RandomState
from .covariance import Full
from .inputs import as_count, as_generator, as_numbers, as_points
from .log_joint import argmax, deviation_rows, log_joint_from_deviations, softmax

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

    weights: Floats
    means: Floats

    def __init__(self, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> None:
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

    @cached_property
    def _inverse(self):
        """L^-1 of each factor, in its form."""
        return self._shape.inverse(self._factors)

    @property
    def covariances(self) -> Floats:
        """Sigma_k, (K, d, d)."""
        K, d = self.means.shape
        factors = self._shape.dense(self._factors, d)
        with np.errstate(over="ignore", under="ignore"):
            covariances = factors @ factors.transpose(0, 2, 1)
        if not np.isfinite(covariances).all() or not (np.diagonal(covariances, axis1=1, axis2=2) > 0).all():
            raise ValueError("a variance is beyond floating-point numbers; divide x by its scale and fit again")
        return np.broadcast_to(covariances, (K, d, d)).copy()

    def log_density(self, x: ArrayLike) -> Floats:
        """log p(x) of each point, (n,), for x of shape (n, d); of single-precision points in single precision.

        x may be a source of blocks, as in `fit`: of a Dask array the answer is a lazy one, chunked
        like x; of a file, a memmap or a function that reads blocks it comes in one pass.
        """
        weights = self.weights
        return self._of_blocks(x, lambda log_joint: softmax(log_joint, weights)[1])

    def responsibilities(self, x: ArrayLike) -> Floats:
        """p(k | x) of each point, (n, K): the posterior of its label (chapter 2), in the precision of x.

        Of a file or another source they come block by block: iterate, or make them whole with ``np.asarray``.
        """
        weights = self.weights
        return self._of_blocks(x, lambda log_joint: softmax(log_joint, weights)[0].T, len(weights))

    def predict(self, x: ArrayLike) -> Ints:
        """The component of the largest responsibility for each point, (n,): its label (chapter 2)."""
        return self._of_blocks(x, lambda log_joint: argmax(log_joint)[0], dtype=np.intp)

    def uncertainty(self, x: ArrayLike) -> Floats:
        """1 - max_k p(k | x) of each point, (n,): the probability that its label is wrong, if the mixture is right.

        The name is mclust's (Fraley and Raftery 2002). It is added up from the other responsibilities, so that
        small ones keep their digits.
        """
        weights = self.weights

        def others(log_joint):
            r, _ = softmax(log_joint, weights)
            r[r.argmax(axis=0), np.arange(r.shape[1])] = 0.0
            return r.sum(axis=0)

        return self._of_blocks(x, others)

    def sample(self, n: int, random_state: RandomState = None) -> tuple[Floats, Ints]:
        """n independent points, (n, d), and the labels of the components they come from, (n,)."""
        n = as_count(n, "n", 1)
        rng = as_generator(random_state)
        K, d = self.means.shape
        labels = rng.choice(K, size=n, p=self.weights / self.weights.sum())
        factors = np.broadcast_to(self._shape.dense(self._factors, d), (K, d, d))
        return self.means[labels] + np.einsum("nij,nj->ni", factors[labels], rng.standard_normal((n, d))), labels

    def _of_blocks(self, x, task, columns=None, dtype=None):
        """task(log_joint) of all points, log_joint (K, b) in double precision, as (n,) or (n, columns) in the precision of x."""
        x = self._points(x)
        dtype = dtype or x.dtype
        if isinstance(x, Source):
            return each_row(x, lambda rows: self._of_rows(rows, task, columns, dtype), self._rows, columns, dtype)
        return self._of_rows(x, task, columns, dtype)

    def _of_rows(self, x, task, columns, dtype):
        out = np.empty(len(x) if columns is None else (len(x), columns), dtype=dtype)

        def block(part):
            out[part] = task(self._log_joint(x[part]))

        for _ in map_blocks(block, slices(len(x), self._rows)):
            pass
        return out

    def _totals(self, x, w=None):
        """Of the points of a source: weight, log-likelihood and classification log-likelihood, summed where they are."""
        x = self._points(x)

        def of_block(rows, start, w):
            rows, w = finite(home(rows), start, x.name), home(w)
            log_joint = self._log_joint(rows)
            best = log_joint.max(axis=0)
            densities = softmax(log_joint, self.weights)[1]
            return np.array([(v if w is None else v * w).sum() for v in (np.ones(len(rows)), densities, best)])

        return x.total(of_block, self._rows, x.beside(w))

    def _points(self, x):
        source = as_source(x)
        x = as_points(x) if source is None else source
        if x.shape[1] != self.means.shape[1]:
            raise ValueError(f"x has {x.shape[1]} columns, the mixture {self.means.shape[1]}")
        return x

    @property
    def _rows(self):
        """Points in a block."""
        return deviation_rows(*self.means.shape, CACHED_BLOCK)

    def _log_joint(self, rows):
        """(K, b) of rows (b, d)."""
        z = np.ascontiguousarray(rows.T, dtype=np.float64)
        with np.errstate(over="ignore"):
            return log_joint_from_deviations(self._shape, self.weights, self.means, self._factors, z, self._inverse)

    def __repr__(self) -> str:
        K, d = self.means.shape
        return f"Mixture of {K} components in {d} dimensions"
