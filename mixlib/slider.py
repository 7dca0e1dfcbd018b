"""The slider of the book: soft k-means followed from a large variance down to k-means itself.

Python does the mathematics and hands over numbers; `book/_static/variance-slider.js` draws them.
Chapter 5; Rose (1998).
"""

import json
from html import escape
from typing import NamedTuple

import numpy as np

from . import plot
from .em import fit
from .inputs import as_count, as_generator, as_numbers, as_points

PERTURBATION = 1e-3      # in units of the largest standard deviation of the data
AT_REST = 1e-9           # a centre that moves less in an iteration, in the same units, stands
ROUND = 200              # iterations between two looks at that, the same on every machine
SAME_PLACE = 2e-2        # centres nearer than this, in the same units, are counted as one


class Frame(NamedTuple):
    """One position of the slider."""

    variance: float            # sigma^2; 0 stands for k-means
    means: np.ndarray          # (K, d)
    inertia: float             # J of these centres
    soft_objective: float      # J_sigma of these centres; J itself for k-means
    places: int                # how many centres differ


def critical_variance(x):
    """lambda_max(S): above it the centres of soft k-means coincide at the mean (chapter 5)."""
    return float(np.linalg.eigvalsh(np.cov(np.asarray(x, dtype=float).T, bias=True).reshape(np.shape(x)[1], -1))[-1])


def anneal(x, n_components, variances=None, random_state=0):
    """Follow the centres of soft k-means from the largest variance to the smallest, then to k-means.

    The first fit starts with every centre at the mean of the data, each later one from the centres
    before it. Coincident centres move alike, and would never part: so every start is perturbed
    by a thousandth of the data's largest standard deviation, drawn anew. Where coincidence
    is stable the fit takes the perturbation back; where it is not, the fit amplifies it.

    Parameters
    ----------
    x : (n, d) array
    n_components : int
        K.
    variances : list of float > 0, optional
        sigma^2, in squared units of x, decreasing. By default 40 from 1.5 to 0.02 times lambda_max(S).
    random_state : int or numpy Generator
        Draws the perturbations.

    Returns
    -------
    list of Frame, one for each variance, and k-means last

    Raises
    ------
    ValueError
        If the variances do not decrease, or x has no spread.
    """
    x, rng = as_points(x).astype(float), as_generator(random_state)
    n_components = as_count(n_components, "n_components", 1)
    critical = critical_variance(x)
    if not critical > 0:
        raise ValueError("all points of x are equal: there is nothing to follow; give points that differ")
    variances = np.geomspace(1.5, 0.02, 40) * critical if variances is None else as_numbers(variances, "variances")
    if variances.ndim != 1 or not variances.size or not ((variances > 0) & (variances < np.inf)).all() or (np.diff(variances) >= 0).any():
        raise ValueError("variances must be positive and decrease, for example np.geomspace(2.0, 0.1, 20)")
    origin = x.mean(axis=0)          # counted from there, centres keep their digits whatever the offset
    x, means, frames = x - origin, np.zeros((n_components, x.shape[1])), []
    for s2 in variances:
        means = means + PERTURBATION * np.sqrt(critical) * rng.standard_normal(means.shape)
        soft = _settle(x, means, float(s2), AT_REST * np.sqrt(critical))
        means = soft.mixture.means
        frames.append(_frame(x, soft, float(s2), critical, origin))
    hard = fit(x, n_components, covariance="identity", weights="equal", assignment="hard", init=means)
    return frames + [_frame(x, hard, 0.0, critical, origin)]


def _settle(x, means, s2, least):
    """Soft EM with equal weights and covariance s2 * I, until no centre moves by `least`."""
    while True:
        soft = fit(x, len(means), covariance="identity", weights="equal", variance=s2, init=means,
                   tol=0, max_iter=ROUND)
        means, before = soft.mixture.means, soft.history[-2].means
        if np.linalg.norm(means - before, axis=1).max() <= least:
            return soft


def _frame(x, result, s2, critical, origin):
    n, d = x.shape
    means = result.mixture.means
    soft_objective = result.inertia
    if s2:
        # (5.8) eq-soft-objective: log-likelihood = -J_sigma / (2 sigma^2) - n log K - (n d / 2) log(2 pi sigma^2)
        constant = n * np.log(len(means)) + 0.5 * n * d * np.log(2 * np.pi * s2)
        soft_objective = -2 * s2 * (result.log_likelihood + constant)
    return Frame(s2, means + origin, result.inertia, float(soft_objective), _places(means, SAME_PLACE * np.sqrt(critical)))


def _places(means, near):
    kept = []
    for mean in means:
        if all(np.linalg.norm(mean - other) > near for other in kept):
            kept.append(mean)
    return len(kept)


class VarianceSlider:
    """Frames of `anneal` as an element of the page, and as a table where no script runs.

    Parameters
    ----------
    x : (n, 2) array
    frames : list of Frame
    description : str
        What the points are, for readers who cannot see them.
    """

    def __init__(self, x, frames, description):
        self.x = plot._plane(x, "x")
        self.frames, self.description = list(frames), description
        self.critical = critical_variance(self.x)

    def data(self):
        """What the script reads: plain lists of numbers of five significant digits."""
        return {
            "points": _short(self.x), "colors": plot.colors, "critical": _short(self.critical),
            "frames": [{"variance": _short(f.variance), "means": _short(f.means), "inertia": _short(f.inertia),
                        "softObjective": _short(f.soft_objective), "places": f.places} for f in self.frames],
        }

    def _repr_html_(self):
        # "<" must not end the script, and "&" must not be read as an entity.
        numbers = json.dumps(self.data(), separators=(",", ":"), allow_nan=False)
        for character in "<>&\u2028\u2029":
            numbers = numbers.replace(character, f"\\u{ord(character):04x}")
        rows = "".join(f"<tr><td>{self._ratio(f)}</td><td>{f.places}</td><td>{f.inertia:.4g}</td>"
                       f"<td>{f.soft_objective:.4g}</td></tr>" for f in self._few())
        return (f'<variance-slider description="{escape(self.description)}">'
                f'<script type="application/json">{numbers}</script>'
                f"<p>{escape(self.description)} The slider needs JavaScript; its numbers in short:</p>"
                '<table class="dataframe"><thead><tr><th>σ² / λ_max</th><th>different centres</th>'
                f"<th>J</th><th>J_σ</th></tr></thead><tbody>{rows}</tbody></table></variance-slider>")

    def __repr__(self):
        return f"VarianceSlider({len(self.x)} points, {len(self.frames)} frames)"

    def _ratio(self, frame):
        return f"{frame.variance / self.critical:.3g}" if frame.variance else "0 (k-means)"

    def _few(self):
        """The first and last frame, and every frame whose centres part or meet."""
        changed = [b for a, b in zip(self.frames, self.frames[1:]) if a.places != b.places]
        chosen = [self.frames[0], *changed, self.frames[-1]]
        return [f for i, f in enumerate(chosen) if not any(f is g for g in chosen[:i])]


def variance_slider(x, n_components, description, variances=None, random_state=0):
    """The slider for points in the plane: sigma^2 from large to small, and k-means at the end.

    Parameters are those of `anneal` and `VarianceSlider`; x must have shape (n, 2).

    Returns
    -------
    VarianceSlider
        Put it last in a cell. Its `frames` hold the numbers.

    Examples
    --------
    >>> x = [[0.0, 0.0], [0.0, 1.0], [6.0, 0.0], [6.0, 1.0]]
    >>> slider = variance_slider(x, 2, "Two pairs of points.", variances=[20.0, 1.0])
    >>> [frame.places for frame in slider.frames]
    [1, 2, 2]
    """
    x = plot._plane(x, "x")
    return VarianceSlider(x, anneal(x, n_components, variances, random_state), description)


def _short(value):
    """Numbers as short as a picture needs them."""
    return [_short(v) for v in value] if np.ndim(value) else float(f"{float(value):.5g}")
