"""Checks that a numbered result of the book is true, where the reader can see it.

A chapter calls `check("eq-label", left, "==", right)` below the result it derives.
The cell prints one line, fails if the result is false, and is listed in the ledger.
"""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from ._types import ArrayLike
from .inputs import as_array, as_number, as_numbers

RELATIONS = {
    "==": lambda left, right: left == right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}


def check(result: str, left: Any, relation: str, right: Any, *, tol: float = 1e-9, stated: bool = False) -> None:
    """Assert `left relation right`, print one line, and enter it in the ledger.

    SymPy expressions are compared symbolically; integers, fractions, strings and
    Booleans exactly; floating-point numbers (any shape that broadcasts) up to `tol`
    times the largest magnitude on either side, so that a small entry beside a large one
    is checked only as far as it matters to the whole: where the tails count, compare
    logarithms. Strict inequalities get no tolerance.

    Parameters
    ----------
    result : str
        The label of the equation or theorem, e.g. ``"eq-normal-density"``.
    left, right : numbers, arrays, nested lists of numbers, or SymPy expressions
    relation : one of ``"=="``, ``"<="``, ``">="``, ``"<"``, ``">"``
    tol : float
        Tolerance for floating-point numbers, relative to the largest entry.
    stated : bool
        True for a theorem that the book states with a citation and does not prove:
        the check is then an experiment.

    Raises
    ------
    AssertionError
        If the relation does not hold, with the largest error.
    ValueError
        If there is no such relation, or nothing to compare.
    """
    if not isinstance(relation, str) or relation not in RELATIONS:
        raise ValueError(f"relation must be one of {list(RELATIONS)}, got {relation!r}")
    tol = as_number(tol, "tol", positive=False)
    if _is_symbolic(left) or _is_symbolic(right):
        kind, error = "symbolic", 0.0
        _check_symbolic(result, left, relation, right)
        said = "holds identically"
    else:
        left, right = _as_array(left, "left"), _as_array(right, "right")
        shape = np.broadcast_shapes(left.shape, right.shape)
        count = int(np.prod(shape))
        if count == 0:
            raise ValueError(f"{result}: there is nothing to compare (shape {shape})")
        if left.dtype.kind == "f" or right.dtype.kind == "f":
            kind = "numerical"
            error, said = _check_numerical(result, left, relation, right, tol, count)
        else:
            kind, error = "exact", 0.0
            if not np.all(RELATIONS[relation](left, right)):
                raise AssertionError(f"{result}: {left} {relation} {right} is false")
            said = "holds" if count == 1 else f"holds for all {count} values"
    _enter(result, f"stated, {kind} experiment" if stated else kind, said, error)


def monte_carlo(result: str, draws: ArrayLike, expected: float, *, stated: bool = False, limit: float = 4.0) -> None:
    """Assert that the mean of independent draws is `expected`, within `limit` standard errors.

    Parameters
    ----------
    result : str
        The label of the equation or theorem.
    draws : (m,) array
        Independent replicates of the estimate, m >= 30.
    expected : float
    stated : bool
        As in `check`.
    limit : float
        How many standard errors the mean may be away.

    Raises
    ------
    AssertionError
        If the mean is further away.
    ValueError
        If the draws are fewer than 30, not finite, or all the same.
    """
    draws = as_numbers(draws, "draws")
    if draws.ndim != 1 or draws.size < 30 or not np.isfinite(draws).all():
        raise ValueError(
            f"{result}: draws must be at least 30 finite numbers in one dimension, got shape {draws.shape}"
        )
    if np.ptp(draws) == 0:
        raise ValueError(f"{result}: all draws are {draws[0]}, which is no simulation: use check")
    mean, error = draws.mean(), draws.std(ddof=1) / np.sqrt(draws.size)
    target = as_numbers(expected, "expected")
    if target.ndim:
        raise ValueError(f"{result}: expected must be one number, got shape {target.shape}")
    with np.errstate(over="ignore"):
        distance = abs(mean - float(target)) / error
    if not distance <= limit:
        raise AssertionError(f"{result}: mean {mean} is {distance} standard errors from {expected}")
    said = f"mean {mean:.4g}, standard error {error:.1g}, expected {float(target):.4g}"
    kind = "Monte-Carlo"
    _enter(result, f"stated, {kind} experiment" if stated else kind, said, distance)


def _is_symbolic(value):
    if isinstance(value, (list, tuple)):
        return any(_is_symbolic(item) for item in value)
    return hasattr(value, "free_symbols")


def _check_symbolic(result, left, relation, right):
    import sympy

    left, right = (
        sympy.Matrix(side) if isinstance(side, (list, tuple)) else sympy.sympify(side) for side in (left, right)
    )
    if relation == "==":
        difference = sympy.simplify(left - right)
        true = difference.is_zero_matrix if hasattr(difference, "is_zero_matrix") else difference == 0
    else:
        true = sympy.simplify(RELATIONS[relation](left, right)) == sympy.true
    if true is not True:
        raise AssertionError(f"{result}: {left} {relation} {right} could not be shown")


def _as_array(value, name):
    """An array of floats, of integers or Booleans, or of exact objects."""
    array = as_array(value, name)
    if array.dtype == object and not all(isinstance(v, (Rational, Fraction, str)) for v in array.flat):
        array = as_numbers(array, name)
    if array.dtype.kind == "f":
        array = as_numbers(array, name).astype(float)
    return array


def _check_numerical(result, left, relation, right, tol, count):
    left, right = left.astype(float), right.astype(float)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise AssertionError(f"{result}: a side is not finite")
    scale = max(np.abs(left).max(), np.abs(right).max(), np.finfo(float).tiny)
    if relation == "==":
        error = np.abs(left - right).max() / scale
        said = f"both sides agree to {tol:.0e}" + (" of the largest entry" if count > 1 else ", relatively")
        true = error <= tol
    else:
        sign = 1.0 if relation in ("<=", "<") else -1.0
        error = max(0.0, (sign * (left - right)).max() / scale)
        said = "holds" if count == 1 else f"holds for all {count} values"
        if "=" in relation:
            said += f", up to {tol:.0e} of the largest entry"
        true = error <= tol if "=" in relation else bool(np.all(RELATIONS[relation](left, right)))
    if not true:
        raise AssertionError(f"{result}: {relation} fails by {error} of the largest entry")
    return float(error), said


def _enter(result, kind, said, error):
    """Print the line; the error goes into the output's metadata, which the ledger reads."""
    line = f"✓ {result}: {kind}, {said}"
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(line)
        return
    if get_ipython() is None:
        print(line)
    else:
        entry = {"result": result, "kind": kind, "error": error}
        display({"text/plain": line}, raw=True, metadata={"check": entry})
