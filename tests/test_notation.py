"""The notation page: what stands in its column "in code" is true of mixlib."""

import re

import numpy as np
import pytest
import scipy.stats
from results import ROOT

import mixlib
import mixlib.slider

PAGE = (ROOT / "book" / "notation.md").read_text(encoding="utf-8").split("## Letters that serve twice")[0]
ROWS = [row for row in re.findall(r"^\| (.+?) \| (.+?) \| (.*?) ?\|$", PAGE, re.MULTILINE) if row[0] != "symbol"]
CODE = [(symbol, cell) for symbol, _, cell in ROWS if "`" in cell]
n, d, K, i, j, k, t = 30, 2, 3, 4, 1, 2, 1


@pytest.fixture(scope="module")
def names():
    """Everything that the page names, for points with weights."""
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(n, d)) + 4 * rng.integers(0, 2, (n, 1)), rng.integers(1, 4, n)
    fit = mixlib.fit(x, K, sample_weight=w, covariance="tied", tol=0, max_iter=3, random_state=1)
    return {
        "np": np,
        "scipy": scipy,
        "mixlib": mixlib,
        "x": x,
        "w": w,
        "fit": fit,
        "i": i,
        "j": j,
        "k": k,
        "t": t,
        "d": d,
        "A": np.diag([2.0, 3.0]),
        "Sigma": fit.mixture.covariances[0],
        "r": fit.responsibilities,
    }


def arguments():
    return mixlib.fit.__kwdefaults__.keys() | {"n_components"}


@pytest.mark.parametrize("symbol, cell", CODE, ids=[symbol for symbol, _ in CODE])
def test_the_name_is_true(symbol, cell, names):
    shape = re.search(r"shape `(\(.*?\))`", cell)
    for code in re.findall(r"(?<!shape )`([^`]+)`", cell):
        if f"argument `{code}`" in cell:
            assert code in arguments()
        elif f"`{code}`, in the chapters" not in cell:
            if "=" in code.split("(")[0]:
                exec(code, dict(names))
            else:
                value = eval(code, dict(names))
                if shape and code not in ("fit", "mixlib.Mixture"):
                    assert np.shape(value) == eval(shape[1], {"n": n, "d": d, "K": K})


def test_the_formulas_are_those_of_the_names(names):
    """Where the page gives a formula and a name, both are the same number."""
    x, w, fit, r = names["x"], names["w"], names["fit"], names["r"]
    cell = {symbol: re.search("`([^`]+)`", code)[1] for symbol, code in CODE}
    value = {
        symbol: eval(code, dict(names))
        for symbol, code in cell.items()
        if symbol
        in (
            r"$\bar x$",
            "$S$",
            "$N_k$",
            r"$\lambda_{\max}(S)$",
            "$r_{ik}$",
            "$L$",
            "$N$",
            r"$\ell(\theta)$",
            r"$p(x\mid\theta)$",
            r"$J(z,\mu)$",
            r"$\ell_c(\theta,z)$",
        )
    }
    total = sum(float(v) for v in w)
    mean = sum(v * point for v, point in zip(w, x)) / total
    assert value["$N$"] == total and np.allclose(value[r"$\bar x$"], mean)
    assert np.allclose(value["$S$"], sum(v * np.outer(p - mean, p - mean) for v, p in zip(w, x)) / total)
    spread = x - x.mean(axis=0)
    assert np.isclose(value[r"$\lambda_{\max}(S)$"], np.linalg.norm(spread, 2) ** 2 / n)
    log_joint = np.transpose(
        [
            np.log(pi) + scipy.stats.multivariate_normal.logpdf(x, mu, Sigma)
            for pi, mu, Sigma in zip(fit.mixture.weights, fit.mixture.means, fit.mixture.covariances)
        ]
    )
    density = np.exp(log_joint).sum(axis=1)
    assert np.allclose(value["$r_{ik}$"], np.exp(log_joint) / density[:, None])
    assert np.isclose(value["$N_k$"], sum(w[m] * r[m, k] for m in range(n)))
    assert np.allclose(value[r"$p(x\mid\theta)$"], np.log(density))
    assert np.isclose(value[r"$\ell(\theta)$"], w @ np.log(density))
    assert np.isclose(value[r"$\ell_c(\theta,z)$"], w @ log_joint.max(axis=1))
    assert np.isclose(value[r"$J(z,\mu)$"], w @ ((x - fit.mixture.means[fit.labels]) ** 2).sum(axis=1))
    assert np.allclose(value["$L$"] @ value["$L$"].T, names["Sigma"]) and np.allclose(
        value["$L$"], np.tril(value["$L$"])
    )


def test_a_symbol_stands_in_one_row():
    symbols = [part for symbol, _, _ in ROWS for part in re.split(r"[,;]\\ ", symbol.strip("$").split("=")[0])]
    assert len(ROWS) > 50 and len(set(symbols)) == len(symbols)
