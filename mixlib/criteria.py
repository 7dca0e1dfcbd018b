"""Criteria for the number of components and the constraint; smaller is better (chapter 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .result import Fit


def aic(fit: Fit) -> float:
    """Akaike's criterion, -2 log-likelihood + 2 p, for p free parameters. Chapter 8; Akaike (1974)."""
    fit = _of(fit)
    return -2 * fit.log_likelihood + 2 * fit.n_parameters


def bic(fit: Fit) -> float:
    """Schwarz's criterion, -2 log-likelihood + p log n; n is the sum of the weights. Chapter 8; Schwarz (1978)."""
    fit = _of(fit)
    return -2 * fit.log_likelihood + fit.n_parameters * np.log(fit.total_weight)


def icl(fit: Fit) -> float:
    """BIC with the classification log-likelihood in place of the log-likelihood.

    It asks for clusters that do not overlap. Chapter 8; Biernacki, Celeux and Govaert (2000).
    """
    fit = _of(fit)
    return -2 * fit.classification_log_likelihood + fit.n_parameters * np.log(fit.total_weight)


def _of(fit):
    if not hasattr(fit, "log_likelihood"):
        raise TypeError(f"fit must be what mixlib.fit returns, got {type(fit).__name__}")
    return fit
