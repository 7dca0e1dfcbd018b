"""The covariance that the reader drags, in a browser: its formulas are NumPy's, and hand and keys move it."""

import os

import numpy as np
import pytest
from served import browser_path

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not browser_path() and not os.environ.get("REQUIRE_BROWSER"), reason="no Chromium here"),
]
STATE = "() => { const e = document.querySelector('covariance-ellipse'); return [e.covariance, e.x]; }"


@pytest.fixture(scope="module")
def page(browser, site):
    found = browser.new_page(viewport={"width": 1280, "height": 1000})
    found.goto(f"{site}/book/normal.html")
    return found


def told(page):
    """The numbers beside the picture, by their names."""
    names, values = (page.locator(f"covariance-ellipse {tag}").all_text_contents() for tag in ("dt", "dd"))
    return dict(zip(names, (value.replace("−", "-") for value in values), strict=True))


def test_its_formulas(page):
    rng = np.random.default_rng(2)
    for _ in range(20):
        root, x = rng.normal(size=(2, 2)), rng.normal(size=2)
        covariance = root @ root.T
        values, vectors = np.linalg.eigh(covariance)
        mine = page.evaluate(
            "([s, x]) => { const [l, t] = NormalPlane.axes(s);"
            " return [l, t, NormalPlane.covariance(l, t), NormalPlane.mahalanobis(s, x)]; }",
            [[covariance[0, 0], covariance[0, 1], covariance[1, 1]], x.tolist()],
        )
        assert np.allclose(mine[0], values[::-1], rtol=1e-9)
        assert np.isclose(abs(vectors[:, 1] @ [np.cos(mine[1]), np.sin(mine[1])]), 1, rtol=1e-9)
        assert np.allclose(mine[2], covariance[[0, 0, 1], [0, 1, 1]], rtol=1e-9)
        assert np.isclose(mine[3], x @ np.linalg.solve(covariance, x), rtol=1e-9)


def test_a_handle_is_dragged_and_the_numbers_follow(page):
    page.locator("covariance-ellipse button[name=over]").click()
    (a, b, c), x = page.evaluate(STATE)
    box = page.locator("covariance-ellipse [data-handle='0'] circle").last.bounding_box()
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(across, down)
    page.mouse.down()
    page.mouse.move(across + 5, down + 60, steps=4)  # the long axis turns towards x, which lies below
    page.mouse.up()
    (a2, b2, c2), x2 = page.evaluate(STATE)
    assert x2 == x and b2 < b
    before, after = (np.sqrt(x @ np.linalg.solve([[p, q], [q, r]], x)) for p, q, r in [(a, b, c), (a2, b2, c2)])
    assert after < before
    said = told(page)
    assert float(said["Mahalanobis distance"]) == pytest.approx(after, abs=0.006)
    assert float(said["Euclidean distance"]) == pytest.approx(np.hypot(*x), abs=0.006)


def test_keys_move_the_point_and_a_sphere_makes_the_distances_equal(page):
    page.locator("covariance-ellipse button[name=over]").click()
    _, x = page.evaluate(STATE)
    page.locator("covariance-ellipse [data-handle='2']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # the handle that was drawn anew has kept the focus
    covariance, moved = page.evaluate(STATE)
    assert np.allclose(np.subtract(moved, x), [0.1, 0])
    page.locator("covariance-ellipse button[name=sphere]").click()
    said = told(page)
    assert said["Mahalanobis distance"] == said["Euclidean distance"] and said["covariance"] == "0.00"
