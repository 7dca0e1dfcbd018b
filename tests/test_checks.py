"""A check accepts what is true and rejects what is false, whatever it is given."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from mixlib.checks import check, monte_carlo

X = sympy.Symbol("x", positive=True)

TRUE = [
    ("symbolic", (X + 1) ** 2, "==", X**2 + 2 * X + 1),
    ("symbolic", sympy.Matrix([[X, 1]]), "==", sympy.Matrix([[X, sympy.cos(0)]])),
    ("symbolic", [X, X + X], "==", [X, 2 * X]),
    ("symbolic", sympy.Integer(1), "<", sympy.Integer(2)),
    ("symbolic", X, ">", 0),
    ("symbolic", sympy.Rational(1, 2) * X / X, "<=", sympy.Rational(1, 2)),
    ("exact", 5, "==", 5),
    ("exact", True, "==", True),
    ("exact", "left", "==", "left"),
    ("exact", [Fraction(1, 3), Fraction(2, 3)], "==", [Fraction(2, 6), Fraction(4, 6)]),
    ("exact", Fraction(1, 3), "<", Fraction(1, 2)),
    ("exact", np.arange(4), "<=", 3),
    ("exact", [1, 2], "<", [2, 3]),
    ("exact", 3, ">=", 3),
    ("exact", 10**400 + 1, ">", 10**400),
    ("numerical", 0.1 + 0.2, "==", 0.3),
    ("numerical", np.ones((2, 3)), "==", np.ones(3) + 1e-12),
    ("numerical", np.ones(3, dtype=np.float32), "==", 1),
    ("numerical", 1.0, "<", 2),
    ("numerical", [1.0, 2.0], "<=", [1.0 - 1e-12, 3.0]),
    ("numerical", 2.5, ">", Fraction(1, 2)),
    ("numerical", 2.0, ">=", 2.0),
    ("numerical", 0.0, "==", 0.0),
]

FALSE = [
    ("symbolic", (X + 1) ** 2, "==", X**2 + 2 * X),
    ("symbolic", sympy.Matrix([[X, 1]]), "==", sympy.Matrix([[X, 2]])),
    ("symbolic", [X, X + X], "==", [X, 3 * X]),
    ("symbolic", sympy.Integer(2), "<", sympy.Integer(2)),
    ("symbolic", X, ">", 1),
    ("exact", 5, "==", 6),
    ("exact", True, "==", False),
    ("exact", "left", "==", "right"),
    ("exact", [Fraction(1, 3), Fraction(2, 3)], "==", [Fraction(1, 3), Fraction(1, 3)]),
    ("exact", Fraction(1, 2), "<", Fraction(1, 2)),
    ("exact", [0, 1, 4], "<=", 3),
    ("exact", [1, 2], "<", [2, 2]),
    ("exact", 3, ">=", 4),
    ("exact", 10**400, ">", 10**400 + 1),
    ("numerical", 0.1 + 0.2, "==", 0.3001),
    ("numerical", np.ones(3), "==", [1.0, 1.0, 1.0 + 1e-8]),
    ("numerical", 1.0, "<", 1.0),
    ("numerical", 1.0, "<=", 1.0 - 1e-8),
    ("numerical", 1.0, ">=", 1.0 + 1e-8),
    ("numerical", 2.5, ">", Fraction(7, 2)),
    ("numerical", [1.0, 2.0], ">", [0.0, 2.0]),
    ("numerical", np.nan, "==", np.nan),
    ("numerical", np.nan, "<", 1.0),
    ("numerical", np.inf, "==", np.inf),
    ("numerical", 1.0, "<=", np.inf),
]


@pytest.mark.parametrize("kind, left, relation, right", TRUE)
def test_true(kind, left, relation, right, capsys):
    check("eq-a", left, relation, right)
    assert capsys.readouterr().out.startswith(f"✓ eq-a: {kind}, ")


@pytest.mark.parametrize("kind, left, relation, right", FALSE)
def test_false(kind, left, relation, right, capsys):
    with pytest.raises(AssertionError, match="eq-a"):
        check("eq-a", left, relation, right)
    assert capsys.readouterr().out == ""


def test_tolerance_is_relative_to_the_largest_magnitude():
    check("eq-a", [1e6, 0.0], "==", [1e6, 1e-4], tol=1e-9)
    with pytest.raises(AssertionError):
        check("eq-a", [1e6, 0.0], "==", [1e6, 1e-2], tol=1e-9)
    check("eq-a", 1.0, "==", 1.05, tol=0.1)
    with pytest.raises(AssertionError):
        check("eq-a", 1.0, "==", 1.05, tol=0.01)


def test_what_cannot_be_compared():
    for left, relation, right, error in [
        ([], "==", [], "nothing"),
        (1, "=", 1, "relation"),
        ([1, 2], "==", [1, 2, 3], "broadcast"),
        (np.zeros((0, 2)), "<=", 1, "nothing"),
    ]:
        with pytest.raises(ValueError, match=error):
            check("eq-a", left, relation, right)


def test_stated(capsys):
    check("thm-a", 1, "==", 1, stated=True)
    monte_carlo("thm-a", np.tile([-1.0, 1.0], 20), 0.0, stated=True)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "✓ thm-a: stated, exact experiment, holds"
    assert second.startswith("✓ thm-a: stated, Monte-Carlo experiment, mean ")


def test_monte_carlo_counts_standard_errors(capsys):
    draws = np.tile([-1.0, 1.0], 50)  # mean 0, standard error 1/sqrt(99)
    error = 1 / np.sqrt(99)
    monte_carlo("eq-a", draws, 3.9 * error)
    assert capsys.readouterr().out == ("✓ eq-a: Monte-Carlo, mean 0, standard error 0.1, expected 0.392\n")
    for expected in (4.1 * error, -4.1 * error, np.nan):
        with pytest.raises(AssertionError, match="standard errors"):
            monte_carlo("eq-a", draws, expected)
    with pytest.raises(AssertionError):
        monte_carlo("eq-a", draws, 2.1 * error, limit=2)


def test_monte_carlo_needs_replicates():
    for draws in (np.zeros(29), np.zeros((30, 2)), np.full(30, np.nan), np.full(30, 2.0)):
        with pytest.raises(ValueError, match="draws"):
            monte_carlo("eq-a", draws, 0.0)


def test_the_ledger_can_read_it(monkeypatch):
    """Inside a notebook the line is displayed with an entry for the ledger."""
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda data, **kw: shown.append((data, kw)))
    check("eq-a", 1.0, "==", 1.0 + 1e-12)
    monte_carlo("eq-b", np.tile([-1.0, 1.0], 20), 0.0)
    (data, keywords), (_, other) = shown
    assert data == {"text/plain": "✓ eq-a: numerical, both sides agree to 1e-09, relatively"}
    entry = keywords["metadata"]["check"]
    assert entry["result"] == "eq-a" and entry["kind"] == "numerical"
    assert 0.9e-12 < entry["error"] < 1.1e-12
    assert other["metadata"]["check"] == {"result": "eq-b", "kind": "Monte-Carlo", "error": 0.0}
