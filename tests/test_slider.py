"""The slider: its numbers are soft k-means', and its element can be read by a page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import mixlib
from mixlib import plot
from mixlib.slider import VarianceSlider, anneal, critical_variance, variance_slider

SCRIPT = Path(__file__).parents[1] / "book" / "_static" / "variance-slider.js"


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(4)
    return np.concatenate([rng.normal(c, 0.6, (25, 2)) for c in [(0, 0), (2.5, 0.5), (6, 3)]])


@pytest.fixture(scope="module")
def frames(x):
    return anneal(x, 3)


def squares(x, means):
    return np.array([[sum((a - b) ** 2 for a, b in zip(point, mean)) for mean in means] for point in x.tolist()])


def test_critical_variance_is_the_largest_eigenvalue(x):
    deviations = x - x.mean(axis=0)
    assert np.isclose(critical_variance(x), np.linalg.svd(deviations)[1][0] ** 2 / len(x), rtol=1e-12)
    assert np.isclose(critical_variance(x[:, :1]), x[:, 0].var(), rtol=1e-12)


def test_both_objectives_are_those_of_the_centres(x, frames):
    for frame in frames:
        distances = squares(x, frame.means)
        assert np.isclose(frame.inertia, distances.min(axis=1).sum(), rtol=1e-9)
        s2 = frame.variance
        soft = frame.inertia if s2 == 0 else -2 * s2 * np.log(np.exp(-distances / (2 * s2)).sum(axis=1)).sum()
        assert np.isclose(frame.soft_objective, soft, rtol=1e-9, atol=1e-7)
        assert -1e-9 <= frame.inertia - frame.soft_objective <= 2 * s2 * len(x) * np.log(3) + 1e-9


def test_centres_are_fixed_points(x, frames):
    """Each centre is the mean of the points in proportion to its responsibilities."""
    for frame in frames[:-1]:
        r = np.exp(-squares(x, frame.means) / (2 * frame.variance))
        r /= r.sum(axis=1, keepdims=True)
        assert np.allclose(r.T @ x / r.sum(axis=0)[:, None], frame.means, atol=1e-8)


def test_the_centres_part_at_the_critical_variance(x, frames):
    critical = critical_variance(x)
    for frame in frames[:-1]:
        assert (frame.places == 1) == (frame.variance > critical)
    above = [f for f in frames if f.variance > critical]
    assert above and all(np.allclose(f.means, x.mean(axis=0), atol=0.01 * np.sqrt(critical)) for f in above)
    places = [f.places for f in frames]
    assert places == sorted(places) and places[0] == 1 and places[-1] == 3


def test_the_last_frame_is_k_means(x, frames):
    last = frames[-1]
    labels = squares(x, last.means).argmin(axis=1)
    assert last.variance == 0
    assert np.allclose(last.means, [x[labels == k].mean(axis=0) for k in range(3)])
    other = mixlib.fit(x, 3, covariance="identity", weights="equal", assignment="hard", init=frames[-2].means)
    assert np.isclose(last.inertia, other.inertia, rtol=1e-12)


def test_any_units(x, frames):
    """Points 1000 times as large: the same slider, 1000 times as large."""
    for a, b in zip(frames, anneal(1000 * x, 3)):
        assert np.isclose(b.variance, 1e6 * a.variance) and np.allclose(b.means, 1000 * a.means, atol=1e-3)
        assert a.places == b.places


def test_any_origin(x, frames):
    for a, b in zip(frames, anneal(x + 1e6, 3)):
        assert np.allclose(b.means - 1e6, a.means, atol=1e-6) and np.isclose(a.inertia, b.inertia, rtol=1e-6)


@pytest.mark.parametrize("variances", [[1.0, 2.0], [1.0, 1.0], [1.0, 0.0], [], [[1.0]]])
def test_variances_must_decrease(x, variances):
    with pytest.raises(ValueError, match="must be positive and decrease"):
        anneal(x, 2, variances)


def test_points_without_spread_are_refused():
    with pytest.raises(ValueError, match="all points of x are equal"):
        anneal(np.ones((5, 2)), 2)


def test_only_the_plane_can_be_drawn():
    with pytest.raises(ValueError, match="two columns"):
        variance_slider(np.zeros((5, 3)), 2, "Three coordinates.")


class Page(HTMLParser):
    """The element's attributes, its script and its visible text."""

    def __init__(self, html):
        super().__init__()
        self.stack, self.attributes, self.script, self.text, self.rows = [], {}, "", "", 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.stack.append(tag)
        self.rows += tag == "tr"
        if tag == "variance-slider":
            self.attributes = dict(attributes)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack[-1] == "script":
            self.script += data
        else:
            self.text += data


def test_the_element_carries_the_frames(x, frames):
    page = Page(VarianceSlider(x, frames, 'Points </script> & "so" on.')._repr_html_())
    assert page.stack == []
    assert page.attributes == {"description": 'Points </script> & "so" on.'}
    data = json.loads(page.script)
    assert np.allclose(data["points"], x, rtol=1e-4) and len(data["frames"]) == len(frames)
    assert data["colors"] == plot.colors and np.isclose(data["critical"], critical_variance(x), rtol=1e-4)
    for got, frame in zip(data["frames"], frames):
        assert np.allclose(got["means"], frame.means, rtol=1e-4, atol=1e-9) and got["places"] == frame.places
        assert np.allclose([got["variance"], got["inertia"], got["softObjective"]],
                           [frame.variance, frame.inertia, frame.soft_objective], rtol=1e-4)


def test_the_table_says_it_without_a_script(x, frames):
    page = Page(VarianceSlider(x, frames, "Three clumps.")._repr_html_())
    assert "Three clumps." in page.text and "0 (k-means)" in page.text
    assert page.rows == 5                     # the head; one, two and three places; k-means
    assert f"{frames[-1].inertia:.4g}" in page.text


def test_text_cannot_leave_the_script(x, frames):
    slider = VarianceSlider(x, frames, "ok")
    slider.data = lambda: {"note": "</script><!--&\u2028"}
    inside = re.search(r'json">(.*?)</script>', slider._repr_html_())[1]
    assert not set("<>&\u2028") & set(inside)
    assert json.loads(inside) == {"note": "</script><!--&\u2028"}


def test_the_script_reads_the_names_that_python_writes(x, frames):
    script = SCRIPT.read_text(encoding="utf-8")
    data = VarianceSlider(x, frames, "ok").data()
    for name in [*data, *data["frames"][0]]:
        assert re.search(rf"\b{name}\b", script), name
    assert 'customElements.define("variance-slider"' in script
    assert 'getAttribute("description")' in script
    assert not re.search(r"https?:|\bimport\b|fetch\(", script)


def test_the_default_variances(x, frames):
    ratios = np.array([frame.variance for frame in frames[:-1]]) / critical_variance(x)
    assert len(ratios) == 40 and np.allclose(ratios[[0, -1]], [1.5, 0.02])
    assert np.allclose(ratios[1:] / ratios[:-1], ratios[1] / ratios[0])
