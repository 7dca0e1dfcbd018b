"""The slider: its numbers are soft k-means', and its element can be read by a page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import mixlib
from mixlib import annealing, element, plot, slider
from mixlib.slider import Frame, VarianceSlider, anneal, critical_variance, variance_slider

SCRIPT = Path(__file__).parents[1] / "book" / "_static" / "variance-slider" / "element.js"


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


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_slow_frames_come_to_rest(x, unit):
    """Two hundredths above the critical variance an iteration takes back 2 % of the perturbation: all of it goes."""
    variance = critical_variance(unit * x)
    frame = anneal(unit * x, 2, variances=[1.02 * variance])[0]
    assert np.linalg.norm(frame.means - unit * x.mean(axis=0), axis=1).max() < 1e-7 * np.sqrt(variance)


@pytest.mark.parametrize("unit", [1.0, 1e3])
def test_each_start_is_perturbed_by_a_thousandth_drawn_anew(x, unit, monkeypatch):
    """Start less the centres before it, over a thousandth of the largest standard deviation: standard normal numbers."""
    starts, soft_kmeans = [], annealing._soft_kmeans
    monkeypatch.setattr(
        annealing, "_soft_kmeans", lambda x, means, *rest: starts.append(means) or soft_kmeans(x, means, *rest)
    )
    found = anneal(unit * x, 3, np.geomspace(40.0, 0.5, 30) * unit**2)
    origin, thousandth = unit * x.mean(axis=0), 1e-3 * np.sqrt(critical_variance(unit * x))
    before = [np.zeros((3, 2)), *(frame.means - origin for frame in found[:-2])]
    moves = np.array([(start - old) / thousandth for start, old in zip(starts, before, strict=True)])
    assert abs(moves.mean()) < 4.5 / np.sqrt(moves.size) and abs((moves**2).mean() - 1) < 4.5 * np.sqrt(2 / moves.size)
    assert len(np.unique(moves.round(4))) > 0.9 * moves.size


def test_centres_within_a_fiftieth_are_in_one_place(x):
    """Counted in the largest standard deviation of the data, in any units."""
    for unit in (1.0, 1e3):
        y, critical = unit * (x - x.mean(axis=0)), critical_variance(unit * x)
        for gap, places in ((0.0, 1), (0.019, 1), (0.021, 2), (0.15, 2)):
            start = gap * np.sqrt(critical) * np.array([[0.0, 0.0], [0.6, 0.8], [0.0, 0.0]])
            fit = mixlib.fit(y, 3, covariance="identity", weights="equal", init=start, tol=0, max_iter=0)
            assert annealing._frame(y, fit, 1.0, critical, np.zeros(2)).places == places


def test_the_seed_is_fixed_and_can_be_chosen(x):
    variances = [10.0, 3.0, 1.0]
    first, same, other = anneal(x, 3, variances), anneal(x, 3, variances, 0), anneal(x, 3, variances, 5)
    made = variance_slider(x, 3, "ok", variances, random_state=5).frames
    for a, b, c, d in zip(first, same, other, made, strict=True):
        assert np.array_equal(a.means, b.means) and np.array_equal(c.means, d.means)
    assert not np.array_equal(first[0].means, other[0].means)


def test_the_slowest_centre_decides():
    """A far tight cluster keeps its centre from the first iteration on; the two of a wide one must still come to rest."""
    rng = np.random.default_rng(2)
    wide, tight = rng.normal(size=(40, 2)), 1e-3 * rng.normal(size=(10, 2)) + 1000
    middle = wide.mean(axis=0)
    start = [middle + [1e-3, 0], middle - [1e-3, 0], tight.mean(axis=0)]
    fit = annealing._soft_kmeans(np.r_[wide, tight], np.array(start), 1.02 * critical_variance(wide), 1e-9)
    assert np.linalg.norm(fit.mixture.means[:2] - middle, axis=1).max() < 1e-7


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


@pytest.mark.parametrize("variances", [[1.0, 2.0], [1.0, 1.0], [1.0, 0.0], [np.inf, 1.0], [], [[1.0]]])
def test_variances_must_decrease(x, variances):
    with pytest.raises(ValueError, match="must be positive and decrease"):
        anneal(x, 2, variances)


def test_points_without_spread_are_refused():
    with pytest.raises(ValueError, match="all points of x are equal"):
        anneal(np.ones((5, 2)), 2)


def test_only_the_plane_can_be_drawn():
    with pytest.raises(ValueError, match="two columns"):
        variance_slider(np.zeros((5, 3)), 2, "Three coordinates.")
    with pytest.raises(ValueError, match="two columns"):
        VarianceSlider(np.zeros((5, 3)), [], "Three coordinates.")


class Page(HTMLParser):
    """The element's attributes, its script, its drawing and its visible text."""

    def __init__(self, html):
        super().__init__()
        self.stack, self.attributes, self.script, self.text, self.rows = [], {}, "", "", 0
        self.drawn = {"svg": [], "circle": [], "polyline": [], "path": []}
        self.feed(html)
        self.close()

    def handle_startendtag(self, tag, attributes):
        self.drawn[tag].append(dict(attributes))

    def handle_starttag(self, tag, attributes):
        self.stack.append(tag)
        self.rows += tag == "tr"
        if tag == "svg":
            self.drawn["svg"].append(dict(attributes))
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
        assert np.allclose(
            [got["variance"], got["inertia"], got["softObjective"]],
            [frame.variance, frame.inertia, frame.soft_objective],
            rtol=1e-4,
        )


def test_it_opens_where_the_points_have_mixed_colours(x, frames):
    data = VarianceSlider(x, frames, "ok").data()
    r = slider._responsibilities(x, frames[data["opening"]])
    assert data["opening"] == len(frames) // 2 and frames[data["opening"]].places == 3
    assert ((r > 0.9).any(axis=1)).sum() > 10 and ((r < 0.8).all(axis=1)).sum() > 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 0.05), (0.02, 1), (0.4, 1), (1, 0), (0, 1)])
def test_the_picture_without_a_script_is_the_opening_frame(x, frames, shape):
    """Read back from the drawing: points, centres and ways in their places, colours in the proportions of r."""
    x, frames = x * shape, [frame._replace(means=frame.means * shape) for frame in frames]
    made = VarianceSlider(x, frames, 'Three "clumps".')
    drawn, view, opening = Page(made._repr_html_()).drawn, made.data()["view"], frames[made.opening]
    assert 0.3 < (view["height"] - 2 * view["pad"]) / (view["width"] - 2 * view["pad"]) < 1.2
    assert drawn["svg"] == [
        {
            "viewbox": f"0 0 {view['width']} {view['height']}",
            "role": "img",
            "aria-label": f'Three "clumps". {slider.LEGEND}',
        }
    ]

    def back(places):
        places = np.array(places, dtype=float)
        return np.c_[
            view["left"] + (places[:, 0] - view["pad"]) / view["across"],
            view["top"] - (places[:, 1] - view["pad"]) / view["down"],
        ]

    near = {"rtol": 0, "atol": 0.2 / min(view["across"], view["down"])}
    circles = [(circle["cx"], circle["cy"]) for circle in drawn["circle"]]
    assert np.allclose(back(circles), x, **near)
    assert (np.array(circles, dtype=float) >= view["pad"] - 1).all()
    assert (np.array(circles, dtype=float) <= np.array([view["width"], view["height"]]) - view["pad"] + 1).all()
    places = [re.match(r"translate\((\S+) (\S+)\) scale\(11\)", path["transform"]).groups() for path in drawn["path"]]
    assert np.allclose(back(places), opening.means, **near)
    assert [path["d"] for path in drawn["path"]] == element.MARKS[:3]
    assert [path["fill"] for path in drawn["path"]] == plot.colors[:3]
    for k, way in enumerate(drawn["polyline"]):
        places = [place.split(",") for place in way["points"].split()]
        assert np.allclose(back(places), [frame.means[k] for frame in frames[: made.opening + 1]], **near)
    weight = np.exp(-squares(x, opening.means) / (2 * opening.variance))
    palette = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in plot.colors[:3]]
    mixed = weight @ palette / weight.sum(axis=1, keepdims=True)
    found = [[int(circle["fill"][i : i + 2], 16) for i in (1, 3, 5)] for circle in drawn["circle"]]
    assert np.allclose(found, mixed, rtol=0, atol=1)


def test_more_centres_than_marks(x):
    """The four marks come again, with other colours."""
    drawn = Page(VarianceSlider(x, [Frame(1.0, x[:6], 1.0, 1.0, 6)], "ok")._repr_html_()).drawn["path"]
    assert [path["d"] for path in drawn] == [element.MARKS[k] for k in (0, 1, 2, 3, 0, 1)]
    assert [path["fill"] for path in drawn] == plot.colors


def test_the_last_frame_has_one_colour_a_point(x, frames):
    r = slider._responsibilities(x, frames[-1])
    assert np.array_equal(r.argmax(axis=1), squares(x, frames[-1].means).argmin(axis=1))
    assert set(np.unique(r)) == {0.0, 1.0} and (r.sum(axis=1) == 1).all()


def test_the_table_says_it_without_a_script(x, frames):
    page = Page(VarianceSlider(x, frames, "Three clumps.")._repr_html_())
    opening = frames[len(frames) // 2].variance / critical_variance(x)
    assert "Three clumps." in page.text and "0 (k-means)" in page.text
    assert f"at a variance of {opening:.3g} times the critical one" in page.text
    assert page.rows == 5  # the head; one, two and three places; k-means
    assert f"{frames[-1].inertia:.4g}" in page.text


def test_the_table_has_the_first_and_last_frame_and_those_between_where_the_number_changes(x):
    c = critical_variance(x)
    numbers = [
        (2 * c, 10.0, 9.0, 1),
        (1.5 * c, 8.5, 7.5, 1),
        (c / 2, 8.0, 7.0, 2),
        (c / 4, 6.0, 5.0, 3),
        (c / 5, 5.5, 5.25, 2),
        (0.0, 4.0, 4.0, 3),
    ]
    made = [Frame(s2, np.zeros((3, 2)), J, soft, places) for s2, J, soft, places in numbers]
    html = VarianceSlider(x, made, "ok")._repr_html_()
    assert re.findall(r"<th>(.*?)</th>", html) == [
        "<i>σ</i>² / <i>λ</i><sub>max</sub>",
        "distinct centres",
        "<i>J</i>",
        "<i>J<sub>σ</sub></i>",
    ]
    assert re.findall("<tr>" + 4 * "<td>(.*?)</td>" + "</tr>", html) == [
        ("2", "1", "10", "9"),
        ("0.5", "2", "8", "7"),
        ("0.25", "3", "6", "5"),
        ("0.2", "2", "5.5", "5.25"),
        ("0 (k-means)", "3", "4", "4"),
    ]
    assert repr(VarianceSlider(x, made, "ok")) == "VarianceSlider(75 points, 6 frames)"


def test_numbers_that_no_script_reads_are_refused(x, frames):
    broken = [frames[0], frames[-1]._replace(inertia=float("nan"))]
    with pytest.raises(ValueError, match="JSON"):
        VarianceSlider(x, broken, "ok")._repr_html_()


def test_text_cannot_leave_the_script(x, frames):
    slider = VarianceSlider(x, frames, "ok")
    slider.data = lambda: {"note": "</script><!--&\u2028\u2029"}
    inside = re.search(r'json">(.*?)</script>', slider._repr_html_())[1]
    assert not set("<>&\u2028\u2029") & set(inside)
    assert json.loads(inside) == {"note": "</script><!--&\u2028\u2029"}


def test_the_script_reads_the_names_that_python_writes(x, frames):
    script = SCRIPT.read_text(encoding="utf-8")
    data = VarianceSlider(x, frames, "ok").data()
    for name in [*data, *data["frames"][0], *data["view"]]:
        assert re.search(rf"\b{name}\b", script), name
    assert 'customElements.define("variance-slider"' in script
    assert 'getAttribute("description")' in script
    assert not re.search(r"https?:|\bimport\b|fetch\(", script)


def test_the_default_variances(x, frames):
    ratios = np.array([frame.variance for frame in frames[:-1]]) / critical_variance(x)
    assert len(ratios) == 40 and np.allclose(ratios[[0, -1]], [1.5, 0.02])
    assert np.allclose(ratios[1:] / ratios[:-1], ratios[1] / ratios[0])
