"""Independent truths for the tests: slow, straight from the formulas, sharing no code with mixlib.

`em` runs in 50-digit arithmetic with explicit inverses and determinants: rounding plays no part
in it, so the digits of a test's tolerance are mixlib's own. `lloyd` is k-means in ten lines, and
`lloyd_exact` the same in rational numbers, where a tie is a tie.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from mpmath import mp, mpf

DIGITS = 50
COVARIANCES = ("identity", "tied_spherical", "spherical", "tied_diag", "diag", "tied", "full")


def shape_of(covariance):
    """The shape of Sigma, shared or not: identity, spherical, diag or full."""
    return {"tied_spherical": "spherical", "tied_diag": "diag", "tied": "full"}.get(covariance, covariance)


class State(NamedTuple):
    """Parameters after an iteration, what the E-step makes of them, and the objectives."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    log_likelihood: float  # of the mixture
    classification: float  # log-likelihood with the best labels
    log_prior: float  # up to the prior's normalising constant
    responsibilities: np.ndarray
    labels: np.ndarray


class Conjugate(NamedTuple):
    """Normal-inverse-Wishart prior: kappa, nu, mean (d,), Lambda (d, d)."""

    kappa: float
    nu: float
    mean: np.ndarray
    scale: np.ndarray


def em(
    x,
    K,
    covariance,
    weights,
    assignment,
    *,
    variance=1,
    means=None,
    labels=None,
    responsibilities=None,
    sample_weight=None,
    prior=None,
    n_iter=8,
):
    """States 0..n_iter of EM from one of means (K, d), labels (n,) or responsibilities (n, K)."""
    with mp.workdps(DIGITS):
        x = [[mpf(float(v)) for v in row] for row in np.asarray(x)]
        n, d = len(x), len(x[0])
        w = [mpf(1)] * n if sample_weight is None else [mpf(float(v)) for v in sample_weight]
        model = (covariance, weights, assignment, mpf(float(variance)), prior)
        if means is not None:
            pi = [mpf(1) / K] * K
            mu = [[mpf(float(v)) for v in row] for row in np.asarray(means)]
            sigma = _covariance_of_data(x, w, K, covariance, mpf(float(variance)))
        else:
            if labels is not None:
                r = [[mpf(int(z == k)) for k in range(K)] for z in labels]
            else:
                r = [[mpf(float(v)) for v in row] for row in np.asarray(responsibilities)]
            pi, mu, sigma = _m_step(x, w, r, model, None)
        states = []
        for t in range(n_iter + 1):
            log_joint = [[_log(pi[k]) + s for k, s in enumerate(row)] for row in _log_normals(x, mu, sigma)]
            labels = [max(range(K), key=lambda k, row=row: (row[k], -k)) for row in log_joint]
            totals = [_log_sum_exp(row) for row in log_joint]
            r = [[mp.exp(s - total) for s in row] for row, total in zip(log_joint, totals)]
            states.append(
                State(
                    _floats(pi),
                    _floats(mu),
                    np.array([_floats(s.tolist()) for s in sigma]),
                    float(mp.fsum(wi * total for wi, total in zip(w, totals))),
                    float(mp.fsum(wi * row[z] for wi, row, z in zip(w, log_joint, labels))),
                    float(_log_prior(mu, sigma, covariance, prior, d)) if prior else 0.0,
                    _floats(r),
                    np.array(labels),
                )
            )
            if assignment == "hard":
                r = [[mpf(int(z == k)) for k in range(K)] for z in labels]
            if t < n_iter:
                pi, mu, sigma = _m_step(x, w, r, model, (pi, mu, sigma))
        return states


def lloyd(x, centres, n_iter):
    """Plain k-means: labels[t] are found at centres[t]; ties to the lowest index; empty keeps its centre."""
    x, centres = np.asarray(x, dtype=float), [np.array(centres, dtype=float)]
    labels = []
    for _ in range(n_iter + 1):
        distances = ((x[:, None] - centres[-1]) ** 2).sum(axis=2)
        labels.append(distances.argmin(axis=1))
        held = [x[labels[-1] == k] for k in range(len(centres[-1]))]
        centres.append(np.array([h.mean(axis=0) if len(h) else c for h, c in zip(held, centres[-1])]))
    return np.array(labels), np.array(centres[:-1])


def lloyd_exact(x, centres, n_iter):
    """`lloyd` in rational numbers, for data that are integers (or any binary fractions)."""
    x = [[Fraction(v) for v in row] for row in np.asarray(x).tolist()]
    centres = [[[Fraction(v) for v in row] for row in np.asarray(centres).tolist()]]
    labels = []
    for _ in range(n_iter + 1):
        labels.append([])
        for p in x:
            distances = [sum((a - b) ** 2 for a, b in zip(p, c)) for c in centres[-1]]
            labels[-1].append(distances.index(min(distances)))
        new = []
        for k, centre in enumerate(centres[-1]):
            held = [p for p, z in zip(x, labels[-1]) if z == k]
            new.append([sum(column) / len(held) for column in zip(*held)] if held else centre)
        centres.append(new)
    return np.array(labels), np.array(centres[:-1], dtype=float)


def inertia(x, labels, centres):
    """Within-cluster sum of squares, in rational numbers."""
    total = sum(
        (Fraction(float(a)) - Fraction(float(b))) ** 2
        for p, z in zip(np.asarray(x), labels)
        for a, b in zip(p, centres[z])
    )
    return float(total)


def n_parameters(covariance, weights, K, d):
    """Free parameters, counted one by one: which numbers of (pi, mu, Sigma) can be chosen."""
    one = {
        "identity": [],
        "spherical": ["s2"],
        "diag": [f"s{j}" for j in range(d)],
        "full": [(i, j) for i in range(d) for j in range(i + 1)],
    }[shape_of(covariance)]
    shared = covariance.startswith("tied")
    free = [("mu", k, j) for k in range(K) for j in range(d)]
    free += [("sigma", 0 if shared else k, entry) for k in range(K) for entry in one]
    free += [("pi", k) for k in range(K - 1)] if weights == "free" else []
    return len(set(free))


# ---- the steps, each a formula --------------------------------------------------------------


def _log_normals(x, mu, sigma):
    """log N(x_i | mu_k, Sigma_k) with the inverse and the determinant as they stand in the book."""
    d = len(mu[0])
    parts = [(s**-1, mp.log(mp.det(s))) for s in sigma]
    rows = []
    for p in x:
        row = []
        for m, (inverse, log_det) in zip(mu, parts):
            v = [a - b for a, b in zip(p, m)]
            q = mp.fsum(v[i] * inverse[i, j] * v[j] for i in range(d) for j in range(d))
            row.append(-(d * mp.log(2 * mp.pi) + log_det + q) / 2)
        rows.append(row)
    return rows


def _m_step(x, w, r, model, old):
    covariance, weights, _, variance, prior = model
    n, d, K = len(x), len(x[0]), len(r[0])
    kappa, nu, centre, scale = (0, 0, [0] * d, mp.zeros(d))
    if prior:
        kappa, nu = mpf(float(prior.kappa)), mpf(float(prior.nu))
        centre = [mpf(float(v)) for v in prior.mean]
        scale = mp.matrix([[mpf(float(v)) for v in row] for row in np.asarray(prior.scale)])
    total = mp.fsum(w)
    counts = [mp.fsum(w[i] * r[i][k] for i in range(n)) for k in range(K)]
    empty = [count == 0 for count in counts]
    pi = [count / total if weights == "free" else mpf(1) / K for count in counts]
    mu, scatters = [], []
    for k in range(K):
        if empty[k] and not prior:
            mu.append(old[1][k])
            scatters.append(mp.zeros(d))
            continue
        m = [
            (mp.fsum(w[i] * r[i][k] * x[i][j] for i in range(n)) + kappa * centre[j]) / (counts[k] + kappa)
            for j in range(d)
        ]
        mu.append(m)
        # scatter of the data and of the prior's pseudo-points around the new mean
        s = mp.zeros(d)
        for a in range(d):
            for b in range(d):
                s[a, b] = mp.fsum(w[i] * r[i][k] * (x[i][a] - m[a]) * (x[i][b] - m[b]) for i in range(n)) + kappa * (
                    m[a] - centre[a]
                ) * (m[b] - centre[b])
        scatters.append(s)
    shape = shape_of(covariance)
    if covariance == "identity":
        return pi, mu, [variance * mp.eye(d)] * K
    if covariance.startswith("tied"):
        groups = [(sum(scatters[1:], scatters[0]), mp.fsum(counts), K if prior else 0)] * K
    else:
        groups = [(s, c, 1 if prior else 0) for s, c in zip(scatters, counts)]
    sigma = []
    for k, (s, c, priors) in enumerate(groups):
        if empty[k] and not prior and not covariance.startswith("tied"):
            sigma.append(old[2][k])
        # maximise -1/2 log|Sigma| (c + priors + the prior's exponent) - 1/2 tr((Lambda + s) Sigma^-1)
        elif shape == "full":
            sigma.append((scale + s) / (c + priors + (nu + d + 1 if prior else 0)))
        elif shape == "diag":
            sigma.append(mp.diag([(scale[j, j] + s[j, j]) / (c + priors + (nu + 2 if prior else 0)) for j in range(d)]))
        else:
            numerator = sum(s[j, j] for j in range(d)) + sum(scale[j, j] for j in range(d)) / d
            sigma.append(numerator / ((c + priors) * d + (nu + 2 if prior else 0)) * mp.eye(d))
    return pi, mu, sigma


def _log_prior(mu, sigma, covariance, prior, d):
    """log of Fraley & Raftery's conjugate prior, without its constants."""
    kappa, nu = mpf(float(prior.kappa)), mpf(float(prior.nu))
    scale = mp.matrix([[mpf(float(v)) for v in row] for row in np.asarray(prior.scale)])
    shape = shape_of(covariance)
    out = mpf(0)
    for k, (m, s) in enumerate(zip(mu, sigma)):
        inverse, log_det = s**-1, mp.log(mp.det(s))
        v = mp.matrix([a - mpf(float(b)) for a, b in zip(m, prior.mean)])
        if shape == "identity":
            out -= kappa * (v.T * inverse * v)[0] / 2
            continue
        out -= (log_det + kappa * (v.T * inverse * v)[0]) / 2
        if covariance.startswith("tied") and k > 0:
            continue
        if shape == "full":
            product = scale * inverse
            out -= ((nu + d + 1) * log_det + sum(product[j, j] for j in range(d))) / 2
        elif shape == "diag":
            out -= sum((nu + 2) * mp.log(s[j, j]) + scale[j, j] / s[j, j] for j in range(d)) / 2
        else:
            varsigma = sum(scale[j, j] for j in range(d)) / d
            out -= ((nu + 2) * mp.log(s[0, 0]) + varsigma / s[0, 0]) / 2
    return out


def _covariance_of_data(x, w, K, covariance, variance):
    n, d, total = len(x), len(x[0]), mp.fsum(w)
    mean = [mp.fsum(w[i] * x[i][j] for i in range(n)) / total for j in range(d)]
    s = mp.zeros(d)
    for a in range(d):
        for b in range(d):
            s[a, b] = mp.fsum(w[i] * (x[i][a] - mean[a]) * (x[i][b] - mean[b]) for i in range(n)) / total
    if covariance == "identity":
        s = variance * mp.eye(d)
    elif covariance.endswith("spherical"):
        s = sum(s[j, j] for j in range(d)) / d * mp.eye(d)
    elif covariance.endswith("diag"):
        s = mp.diag([s[j, j] for j in range(d)])
    return [s] * K


def _log(p):
    return mp.log(p) if p > 0 else mpf("-inf")


def _log_sum_exp(row):
    top = max(row)
    return top + mp.log(mp.fsum(mp.exp(s - top) for s in row))


def _floats(values):
    return np.array(values, dtype=object).astype(float)


def assert_equals_reference(fit, truth, assignment, rtol=1e-9, covariance_rtol=1e-7):
    for record, state in zip(fit.history, truth):
        expected = state.log_likelihood if assignment == "soft" else state.classification
        np.testing.assert_allclose(record.objective, expected, rtol=rtol)
        np.testing.assert_allclose(record.weights, state.weights, rtol=rtol)
        np.testing.assert_allclose(record.means, state.means, rtol=1e-12, atol=1e-14 * np.abs(state.means).max())
        # each entry relative to the two standard deviations it belongs to
        sd = np.sqrt(np.diagonal(state.covariances, axis1=1, axis2=2))
        unit = sd[:, :, None] * sd[:, None, :]
        np.testing.assert_allclose(
            record.mixture.covariances / unit, state.covariances / unit, rtol=0, atol=covariance_rtol
        )
