"""The laboratory: what the page reads and shows, and its loop beside mixlib's."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from mixlib.laboratory import Laboratory, experiment, run

KMEANS, FULL = ("identity", "equal", "hard"), ("full", "free", "soft")


@pytest.fixture
def given():
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(c, 0.7, (30, 2)) for c in [(0, 0), (3, 1)]])
    return experiment("two", x, [[0.5, 0.0], [2.0, 1.0]], 0.8, KMEANS, FULL)


class Element(HTMLParser):
    """The element's name, attributes, JSON, and how often each mark is drawn."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.json, self.inside = [], "", None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside == "script":
            self.json += data


def test_the_page_reads_the_numbers_that_python_has(given):
    element = Element(Laboratory([given], "Two <b>& more", step=2)._repr_html_())
    name, attributes = element.tags[0]
    assert name == "mixture-laboratory" and attributes == {"description": "Two <b>& more"}
    data = json.loads(element.json)
    assert data["open"] == {"set": 0, "t": 2}
    (read,) = data["sets"]
    assert read["points"] == given.x.tolist() and read["means"] == given.means.tolist()
    assert read["A"] == {"covariance": "identity", "weights": "equal", "assignment": "hard"}
    assert read["variance"] == 0.8
    assert Element(Laboratory([given], "x", compact=True)._repr_html_()).tags[0][1] == {
        "description": "x",
        "compact": "",
    }


def test_numbers_are_rounded_where_the_page_gets_them():
    given = experiment("t", [[1.23456789, 0], [2, 3]], [[0.123456789, 0]], 1, KMEANS, FULL)
    assert given.x[0, 0] == 1.2346 and given.means[0, 0] == 0.12346


def test_the_still_shows_both_programs_at_their_step(given):
    lab = Laboratory([given], "Two groups", step=1)
    element = Element(lab._repr_html_())
    paths = [attrs for tag, attrs in element.tags if tag == "path"]
    circles = [attrs for tag, attrs in element.tags if tag == "circle"]
    assert len(circles) == 2 * len(given.x) and len(paths) == 2 * len(given.means)
    assert dict(element.tags)["svg"]["aria-label"] == "Two groups"
    # hard assignment has pure colours, soft assignment mixed ones
    assert len({c["fill"] for c in circles[:60]}) == 2 < len({c["fill"] for c in circles[60:]})
    places = [path["transform"] for path in paths]
    start = Element(Laboratory([given], "Two groups", step=0)._repr_html_())
    assert places != [attrs["transform"] for tag, attrs in start.tags if tag == "path"]


def test_a_run_starts_from_the_same_sphere_under_every_setting(given):
    for setting in (KMEANS, FULL, ("tied", "equal", "hard")):
        first = run(given, setting, tol=0, max_iter=0).history[0]
        assert np.allclose(first.mixture.covariances, 0.8 * np.eye(2)) and np.allclose(first.weights, 0.5)
        assert np.array_equal(first.means, given.means)


@pytest.mark.parametrize(
    "wrong, said",
    [
        (dict(x=[[1.0, 2.0, 3.0]]), "x"),
        (dict(means=[[1.0]]), "means"),
        (dict(variance=0), "variance"),
        (dict(a=("round", "equal", "hard")), "covariance"),
        (dict(b=("full", "equal", "firm")), "assignment"),
        (dict(b=("full", "equal")), "b must name covariance, weights, assignment"),
    ],
)
def test_what_cannot_be_an_experiment(given, wrong, said):
    with pytest.raises(ValueError, match=said):
        experiment(**(given._asdict() | wrong))
