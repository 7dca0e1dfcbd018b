"""The shapes of a covariance: each against dense matrices, and what tells singular from rounded."""

import numpy as np
import pytest

from mixlib._engine.triangles import Singular, cholesky
from mixlib.axis_aligned import Diagonal, Spherical
from mixlib.covariance import Full


def dense(d, shape, seed=0):
    """Three factors of the shape, and the dense covariances that they stand for."""
    rng = np.random.default_rng(seed)
    if isinstance(shape, Spherical):
        factors = rng.uniform(0.5, 2, size=3)
        return factors, factors[:, None, None] ** 2 * np.eye(d)
    if isinstance(shape, Diagonal):
        factors = rng.uniform(0.5, 2, size=(3, d))
        return factors, factors[:, :, None] ** 2 * np.eye(d)
    factors = np.tril(rng.normal(size=(3, d, d))) + 2 * np.eye(d)
    factors *= np.sign(np.diagonal(factors, axis1=1, axis2=2))[:, None]
    return factors, factors @ factors.transpose(0, 2, 1)


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("shape", [Spherical(), Diagonal(), Full()])
def test_a_shape_is_its_dense_matrix(shape, d):
    """Determinant, quadratic form, natural parameters, factor and back."""
    factors, sigma = dense(d, shape)
    rng = np.random.default_rng(1)
    z, means = rng.normal(size=(d, 20)), rng.normal(size=(3, d))
    np.testing.assert_allclose(shape.log_det(factors, d), 0.5 * np.linalg.slogdet(sigma)[1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(shape.from_covariances(sigma), factors, rtol=1e-12)
    triangles = shape.dense(factors, d)
    np.testing.assert_allclose(triangles @ triangles.transpose(0, 2, 1), sigma, rtol=1e-12)
    inverse = np.linalg.inv(sigma)
    expected = -0.5 * np.einsum("jb,kji,ib->kb", z, inverse, z)
    np.testing.assert_allclose(shape.quadratic(shape.inverse(factors)) @ shape.moments(z), expected, rtol=1e-10)
    np.testing.assert_allclose(
        shape.linear(shape.inverse(factors), means), np.einsum("kij,kj->ki", inverse, means), rtol=1e-10
    )
    for k in range(3):
        y = shape.whiten(shape.inverse(factors)[k], z)
        np.testing.assert_allclose(-0.5 * (y**2).sum(axis=0), expected[k], rtol=1e-10)
    assert shape.moments(z).shape[0] == shape.size(d)


@pytest.mark.parametrize("shape", [Spherical(), Diagonal(), Full()])
def test_the_factor_of_a_scatter(shape):
    """Moments added up and divided are the shape's own projection of the scatter matrix."""
    z = np.random.default_rng(2).normal(size=(3, 30)) * [[1.0], [2.0], [0.5]]
    S = z @ z.T
    factors, inverse = shape.factor(shape.moments(z).sum(axis=1)[None], np.array([7.0]), 3, 0.0)
    sigma = {Spherical: np.trace(S) * np.eye(3), Diagonal: np.diag(np.diag(S)), Full: S}[type(shape)] / 7.0
    L = shape.dense(factors, 3)[0]
    np.testing.assert_allclose(L @ L.T, sigma, rtol=1e-12)
    np.testing.assert_allclose(
        shape.diagonal(shape.moments(z).sum(axis=1), 3),
        [np.trace(S)] if isinstance(shape, Spherical) else np.diag(S),
        rtol=1e-12,
    )


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9, 1 - 1e-6])
def test_shares_of_two_columns(rho):
    """For a correlation rho the inverse triangle has rows (1, 0) and (-rho, 1) / sqrt(1 - rho^2)."""
    triangles, inverses, shares = cholesky(np.array([[[1.0, rho], [rho, 1.0]]]))
    np.testing.assert_allclose(shares, (1 - rho**2) / (1 + rho**2), rtol=1e-9)
    np.testing.assert_allclose(triangles[0] @ triangles[0].T, [[1.0, rho], [rho, 1.0]], rtol=1e-14)


def test_singular_matrices_are_named():
    """The index of the first that has no full rank, also where rounding hides it."""
    good = np.eye(3)
    rng = np.random.default_rng(3)
    for _ in range(100):
        a = rng.normal(size=(2, 3))
        for bad in (a.T @ a, np.diag([1.0, 0.0, 1.0]), np.diag([1.0, -1.0, 1.0])):
            with pytest.raises(Singular) as caught:
                Full().from_covariances(np.array([good, bad, bad]))
            assert caught.value.index == 1
    for bad in (0.0, -1.0):
        with pytest.raises(Singular):
            Diagonal().from_covariances(np.array([np.diag([1.0, bad])]))
    # ill-conditioned is not singular
    a = np.array([[1.0, 1 - 1e-12], [1 - 1e-12, 1.0]])
    L = Full().from_covariances(a[None])[0]
    np.testing.assert_allclose(L @ L.T, a, rtol=1e-15)
