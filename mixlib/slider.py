"""The slider of the book: soft k-means followed from a large variance down to k-means itself.

Python does the mathematics and hands over numbers; `book/_static/variance-slider/element.js` draws them.
Chapter 5; Rose (1998).
"""

import json
from html import escape
from typing import NamedTuple

import numpy as np

from . import plot
from .em import fit
from .inputs import as_count, as_generator, as_numbers, as_points

PERTURBATION = 1e-3  # in units of the largest standard deviation of the data
AT_REST = 1e-9  # a centre that moves less in an iteration, in the same units, stands
ROUND = 200  # iterations between two looks at that, the same on every machine
SAME_PLACE = 2e-2  # centres nearer than this, in the same units, are counted as one
WIDTH, PAD = 640, 24  # of the picture, in units of its own
MARKS = [  # circle, square, triangle, diamond, of size 1
    "M-1,0a1,1,0,1,0,2,0a1,1,0,1,0,-2,0z",
    "M-.9,-.9h1.8v1.8h-1.8z",
    "M0,-1.2L1.1,.8H-1.1z",
    "M0,-1.3L1.3,0L0,1.3L-1.3,0z",
]


LEGEND = (
    "Each point has a mixture of the components' colours, in proportion to its responsibilities. "
    "Large marks are the centres, with the way they came."
)


class Frame(NamedTuple):
    """One position of the slider."""

    variance: float  # sigma^2; 0 stands for k-means
    means: np.ndarray  # (K, d)
    inertia: float  # J of these centres
    soft_objective: float  # J_sigma of these centres; J itself for k-means
    places: int  # how many centres differ


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
    if (
        variances.ndim != 1
        or not variances.size
        or not ((variances > 0) & (variances < np.inf)).all()
        or (np.diff(variances) >= 0).any()
    ):
        raise ValueError("variances must be positive and decrease, for example np.geomspace(2.0, 0.1, 20)")
    origin = x.mean(axis=0)  # counted from there, centres keep their digits whatever the offset
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
        soft = fit(
            x, len(means), covariance="identity", weights="equal", variance=s2, init=means, tol=0, max_iter=ROUND
        )
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
    return Frame(
        s2, means + origin, result.inertia, float(soft_objective), _places(means, SAME_PLACE * np.sqrt(critical))
    )


def _places(means, near):
    kept = []
    for mean in means:
        if all(np.linalg.norm(mean - other) > near for other in kept):
            kept.append(mean)
    return len(kept)


class VarianceSlider:
    """Frames of `anneal` as an element of the page, with a picture and a table where no script runs.

    It opens at the middle frame, where the points already have mixed colours.

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
        self.opening = len(self.frames) // 2
        self.view = _view(self.x)

    def data(self):
        """What the script reads: plain lists of numbers of five significant digits."""
        return {
            "points": short(self.x),
            "colors": plot.colors,
            "marks": MARKS,
            "view": self.view,
            "legend": LEGEND,
            "critical": short(self.critical),
            "opening": self.opening,
            "frames": [
                {
                    "variance": short(f.variance),
                    "means": short(f.means),
                    "inertia": short(f.inertia),
                    "softObjective": short(f.soft_objective),
                    "places": f.places,
                }
                for f in self.frames
            ],
        }

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{self._ratio(f)}</td><td>{f.places}</td><td>{f.inertia:.4g}</td>"
            f"<td>{f.soft_objective:.4g}</td></tr>"
            for f in self._few()
        )
        said = escape(f"{self.description} {LEGEND}")
        told = (
            f"<noscript><p>{said} The picture shows them at a variance of "
            f"{self._ratio(self.frames[self.opening])} times the critical one. "
            "The slider needs JavaScript; its numbers in short:</p>"
            '<table class="dataframe"><thead><tr><th><i>σ</i>² / <i>λ</i><sub>max</sub></th><th>distinct centres</th>'
            f"<th><i>J</i></th><th><i>J<sub>σ</sub></i></th></tr></thead><tbody>{rows}</tbody></table></noscript>"
        )
        return element("variance-slider", self.data(), self._still(said) + told, description=self.description)

    def __repr__(self):
        return f"VarianceSlider({len(self.x)} points, {len(self.frames)} frames)"

    def _still(self, said):
        """The opening frame as a drawing: points in mixed colours, and the centres with the way they came."""
        frame, K = self.frames[self.opening], len(self.frames[0].means)
        fills = hexes(plot.mix(_responsibilities(self.x, frame)))
        own = [plot.color(k) for k in range(K)]
        ways = np.array([f.means for f in self.frames[: self.opening + 1]]).transpose(1, 0, 2)
        ink = [f'<circle cx="{a}" cy="{b}" r="5" fill="{fill}"/>' for (a, b), fill in zip(self._place(self.x), fills)]
        ink += [
            f'<polyline points="{" ".join(f"{a},{b}" for a, b in self._place(way))}" fill="none" '
            f'stroke="{color}" stroke-width="2.5"/>'
            for way, color in zip(ways, own)
        ]
        ink += [
            f'<path d="{MARKS[k % len(MARKS)]}" transform="translate({a} {b}) scale(11)" fill="{own[k]}" '
            'stroke="#fff" stroke-width=".3"/>'
            for k, (a, b) in enumerate(self._place(frame.means))
        ]
        return (
            f'<svg viewBox="0 0 {self.view["width"]} {self.view["height"]}" role="img" '
            f'aria-label="{said}">{"".join(ink)}</svg>'
        )

    def _place(self, x):
        """Points of the plane in the units of the picture, to a tenth."""
        view = self.view
        across, down = view["across"] * (x[:, 0] - view["left"]), view["down"] * (view["top"] - x[:, 1])
        return (view["pad"] + np.stack([across, down], axis=1)).round(1).tolist()

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


def element(name, data, inside, **attributes):
    """A custom element: the numbers that its script reads, and what shows where no script runs."""
    # "<" must not end the script, and "&" must not be read as an entity.
    numbers = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        numbers = numbers.replace(character, f"\\u{ord(character):04x}")
    said = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f'<{name}{said}><script type="application/json">{numbers}</script>{inside}</{name}>'


def short(value):
    """Numbers as short as a picture needs them."""
    return [short(v) for v in value] if np.ndim(value) else float(f"{float(value):.5g}")


def _view(x):
    """Where the picture puts a point: pad + across * (u - left) to the right, pad + down * (top - v) down."""
    (left, bottom), (right, top) = x.min(axis=0), x.max(axis=0)
    width, height = (right - left) or 1.0, (top - bottom) or 1.0
    ratio = height / width
    drawn = ratio if 0.3 < ratio < 1.2 else 0.7  # else the axes get units of their own
    across = (WIDTH - 2 * PAD) / width
    return {
        "width": WIDTH,
        "height": round((WIDTH - 2 * PAD) * drawn + 2 * PAD),
        "pad": PAD,
        "left": short(left),
        "top": short(top),
        "across": short(across),
        "down": short(across * drawn / ratio),
    }


def _responsibilities(x, frame):
    """r_ik of equal weights and one covariance sigma^2 I; one-hot at the nearest centre where sigma^2 is 0."""
    distances = ((x[:, None] - frame.means) ** 2).sum(axis=2)
    if not frame.variance:
        return np.eye(len(frame.means))[distances.argmin(axis=1)]
    r = np.exp((distances.min(axis=1, keepdims=True) - distances) / (2 * frame.variance))
    return r / r.sum(axis=1, keepdims=True)


def hexes(colors):
    """Colours from numbers between 0 and 1."""
    return ["#" + "".join(f"{round(255 * c):02x}" for c in color) for color in colors.tolist()]
