"""The covariance that the reader drags: what Python hands over and draws."""

import json
import re

import numpy as np
import pytest

from mixlib.ellipse import CovarianceEllipse


def test_the_page_reads_the_numbers_that_python_has():
    html = CovarianceEllipse([[1.6, 0.9], [0.9, 0.7]], [1.2, -1.4])._repr_html_()
    read = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])
    assert read["covariance"] == [1.6, 0.9, 0.7] and read["x"] == [1.2, -1.4]


def test_the_still_draws_the_ellipses_and_tells_both_distances():
    covariance, x = np.array([[1.6, 0.9], [0.9, 0.7]]), np.array([1.2, -1.4])
    still = CovarianceEllipse(covariance, x)._repr_html_()
    curves = [
        np.array([pair.split(",") for pair in points.split()], dtype=float)
        for points in re.findall(r'points="([^"]*)"', still)
    ]
    for curve, (metric, level) in zip(
        curves, [(covariance, 1.0), (covariance, 2.0), (np.eye(2), np.linalg.norm(x))], strict=True
    ):
        plane = (curve - 240) / 60 * [1, -1]
        distance = np.sqrt(np.einsum("ni,ij,nj->n", plane, np.linalg.inv(metric), plane))
        assert np.allclose(distance, level, atol=0.01)
    delta = np.sqrt(x @ np.linalg.inv(covariance) @ x)
    assert f"Euclidean distance is {np.linalg.norm(x):.3g}, its Mahalanobis distance {delta:.3g}" in still


@pytest.mark.parametrize(
    "covariance, x, said",
    [
        ([[1, 0], [0, 1]], [1, 2, 3], "shape"),
        ([[1, 0], [0.5, 1]], [1, 2], "symmetric"),
        ([[1, 2], [2, 1]], [1, 2], "positive definite"),
        ([[np.nan, 0], [0, 1]], [1, 2], "symmetric"),
        ([[3.7, 0], [0, 1]], [1, 2], "up to 3.6 .* got 3.7"),
        ([[1, 0], [0, 1]], [1, -3.9], "up to 3.8, got"),
        ([[1, 0], [0, 1]], [np.nan, 1], "up to 3.8, got"),
    ],
)
def test_what_is_no_covariance(covariance, x, said):
    with pytest.raises(ValueError, match=said):
        CovarianceEllipse(covariance, x)
