"""The laboratory in a browser: its loop is mixlib's, and hand, keys, touch and links do what they say."""

import itertools
import json
import os
import warnings

import numpy as np
import pytest
from served import browser_path

from mixlib import SingularFitError
from mixlib.em import CONSTRAINTS
from mixlib.laboratory import Experiment, run

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not browser_path() and not os.environ.get("REQUIRE_BROWSER"), reason="no Chromium here"),
]
STEPS = 25
FIND = "const lab = document.querySelector('mixture-laboratory');"


@pytest.fixture(scope="module")
def address(site):
    return f"{site}/book/laboratory.html"


@pytest.fixture
def page(browser, address):
    with browser.new_context(viewport={"width": 1280, "height": 1600}, reduced_motion="reduce") as context:
        found = context.new_page()
        found.goto(address)
        yield found


@pytest.fixture
def phone(browser, address):
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as context:
        found = context.new_page()
        found.goto(address)
        yield found


def state(page):
    return page.evaluate(f"() => {{ {FIND} return lab.state(); }}")


def press(page, name):
    page.locator(f"mixture-laboratory button[name={name}]").click()


def opened_by_link(page):
    """A new page at the address that "Copy link" makes of the state."""
    press(page, "link")
    page.wait_for_function("location.hash.startsWith('#lab=')")
    other = page.context.new_page()
    other.goto(page.url)
    return other


def test_iterates_are_mixlibs_under_every_setting(page):
    """Parameters, labels, objective and J of each iteration, to 1e-9; and the same starts collapse."""
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [rng.normal(c, s, (m, 2)) for c, s, m in [((0, 0), 1, 60), ((3, 1), 0.5, 25), ((1, 4), 1.5, 15)]]
    )
    cases = [
        (setting, K, variance)
        for setting in itertools.product(CONSTRAINTS, ("free", "equal"), ("soft", "hard"))
        for K in (1, 2, 4)
        for variance in (0.05, 1.0)
    ]
    given = [
        Experiment("", x, x[rng.choice(len(x), K, replace=False)] + 0.01, variance, setting, setting)
        for setting, K, variance in cases
    ]
    asked = [
        {
            "setting": dict(zip(("covariance", "weights", "assignment"), e.a), strict=True) | {"variance": e.variance},
            "means": e.means.tolist(),
        }
        for e in given
    ]
    answers = page.evaluate(
        """([points, asked, steps]) => asked.map(({ setting, means }) => {
        const program = new Mixture2D.Program(setting, means, points);
        for (let t = 0; t < steps; t++) program.step();
        return { state: program.state, history: program.history };
    })""",
        [x.tolist(), asked, STEPS],
    )
    ended = set()
    for experiment, answer in zip(given, answers, strict=True):
        records, collapsed = [], False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                run(experiment, experiment.a, tol=0, max_iter=STEPS, callback=records.append)
            except SingularFitError:
                collapsed = True
        ended.add(answer["state"])
        assert collapsed == (answer["state"] == "collapsed"), experiment
        history = answer["history"]
        assert len(history) == len(records) or answer["state"] == "converged"
        for record, mine in zip(records, history, strict=False):
            theta, covariances = mine["theta"], record.mixture.covariances
            assert np.allclose(theta["weights"], record.mixture.weights, rtol=0, atol=1e-9)
            assert np.allclose(theta["means"], record.means, rtol=0, atol=1e-9)
            assert np.allclose(theta["covariances"], covariances[:, [0, 0, 1], [0, 1, 1]], rtol=0, atol=1e-9)
            assert np.array_equal(mine["labels"], record.labels)
            assert np.isclose(mine["objective"], record.objective, rtol=1e-9)
    assert {"converged", "collapsed"} <= ended


def test_steps_forward_and_back(page):
    assert state(page)["t"] == 3
    press(page, "step")
    assert state(page)["t"] == 4
    press(page, "back")
    press(page, "over")
    assert state(page)["t"] == 0
    assert page.locator("mixture-laboratory button[name=back]").is_disabled()
    press(page, "run")  # with reduced motion: to the end at once
    assert state(page)["t"] > 4
    assert "Converged" in page.locator("mixture-laboratory .numbers").first.text_content()


def test_a_start_moves_with_mouse_and_keys(page):
    before = state(page)["means"]
    box = page.locator("mixture-laboratory [data-start='0'] circle").nth(1).bounding_box()
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(across, down)
    page.mouse.down()
    page.mouse.move(across - 40, down + 30, steps=4)
    page.mouse.up()
    dragged = state(page)["means"]
    assert dragged[0][0] < before[0][0] and dragged[0][1] < before[0][1] and dragged[1:] == before[1:]
    handle = page.locator("mixture-laboratory [data-start='1']")
    handle.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # the handle that was drawn anew has kept the focus
    moved = state(page)["means"]
    assert (
        moved[1][1] > dragged[1][1] + 1.5 * (moved[1][1] - dragged[1][1]) / 2 > dragged[1][1]
        and moved[1][0] == dragged[1][0]
    )
    assert f"{moved[1][1]:.5g}" in handle.get_attribute("aria-valuetext")


def test_choices_name_the_method_and_light_the_map(page):
    program = page.locator("mixture-laboratory [data-program=B]")
    program.locator("select[name=covariance]").select_option("full")
    program.locator("select[name=weights]").select_option("free")
    assert program.locator(".name").text_content() == "B: the Gaussian mixture (VVV)"
    lit = page.locator("mixture-laboratory td[data-lit]")
    assert [cell.get_attribute("data-lit") for cell in lit.all()] == ["A", "B"]
    page.locator("mixture-laboratory td[data-covariance=tied][data-assignment=hard][data-weights=equal] button").click()
    assert state(page)["B"] == {"covariance": "tied", "weights": "equal", "assignment": "hard"}


def test_theorem_and_conditions_can_be_seen(page):
    """What the page tells the reader to try."""
    page.locator("mixture-laboratory [data-program=B] select[name=covariance]").select_option("tied_spherical")
    page.locator("mixture-laboratory [data-program=B] select[name=assignment]").select_option("hard")
    press(page, "run")
    verdict = page.locator("mixture-laboratory .verdict")
    assert "the same labels and the same centres" in verdict.text_content()
    page.locator("mixture-laboratory select[name=data]").select_option("2")
    for change in ({"weights": "free"}, {"covariance": "tied"}, {"covariance": "spherical"}, {"assignment": "soft"}):
        page.evaluate(
            f"change => {{ {FIND} lab.settings.B = {{ ...lab.settings.A, ...change }}; lab.rerun(0); lab.run(); }}",
            change,
        )
        assert "part at iteration" in verdict.text_content(), change
    page.locator("mixture-laboratory select[name=data]").select_option("4")
    press(page, "run")
    numbers = page.locator("mixture-laboratory .numbers").all_text_contents()
    assert "collapses" in numbers[0] and "Converged" in numbers[1]


def test_points_are_drawn_with_a_finger_and_typed(phone):
    press(phone, "clear")
    press(phone, "draw")
    plane = phone.locator("mixture-laboratory .plane").first
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    for across, down in [(60, 200), (90, 180), (250, 60)]:
        phone.touchscreen.tap(box["x"] + across, box["y"] + down)
    assert len(state(phone)["points"]) == 3
    phone.locator("mixture-laboratory summary").last.click()
    phone.locator("mixture-laboratory textarea").fill("0 0\n1, 0\n5;5\n")
    press(phone, "use")
    assert state(phone)["points"] == [[0, 0], [1, 0], [5, 5]]
    phone.locator("mixture-laboratory textarea").fill("0 0\none two\n")
    press(phone, "use")
    assert "Line 2" in phone.locator("mixture-laboratory .told").text_content()
    phone.locator("mixture-laboratory textarea").fill("1,\n")  # half a point
    press(phone, "use")
    assert "Line 1" in phone.locator("mixture-laboratory .told").text_content()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_link_holds_the_state(page, address):
    page.locator("mixture-laboratory select[name=data]").select_option("1")
    press(page, "step")
    assert state(opened_by_link(page)) == state(page)
    for broken in (
        "#lab=%7B",
        "#lab=" + json.dumps({"set": 99}),
        "#lab=" + json.dumps(state(page) | {"means": [["a", 1]]}),
        "#lab=" + json.dumps(state(page) | {"variance": "5"}),
        "#lab=" + json.dumps(state(page) | {"set": "length"}),
        "#lab=" + json.dumps(state(page) | {"points": [[1e200, 0], [0, 0]]}),
    ):
        third = page.context.new_page()
        third.goto(address + broken)
        assert state(third)["set"] == 0
        assert "incomplete" in third.locator("mixture-laboratory .note").text_content()


def test_points_are_drawn_with_a_mouse_and_taken_back(page):
    press(page, "clear")
    press(page, "draw")
    box = page.locator("mixture-laboratory .plane").first.bounding_box()
    page.mouse.click(box["x"] + 30, box["y"] + 40)
    assert len(state(page)["points"]) == 1
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 60, steps=20)  # a trail
    page.mouse.up()
    drawn = state(page)["points"]
    assert 8 < len(drawn) < 21 and [x[0] for x in drawn[1:]] == sorted(x[0] for x in drawn[1:])
    press(page, "undo")
    assert state(page)["points"] == drawn[:1]
    press(page, "clear")
    press(page, "undo")
    assert state(page)["points"] == drawn[:1]
    assert "1 iteration." not in page.locator("mixture-laboratory .numbers").first.text_content()
    press(page, "run")
    assert "Converged after 1 iteration." in page.locator("mixture-laboratory .numbers").first.text_content()


def test_a_finger_that_scrolls_draws_nothing(phone):
    press(phone, "clear")
    press(phone, "draw")
    plane = phone.locator("mixture-laboratory .plane").first
    plane.scroll_into_view_if_needed()
    box, before, touch = plane.bounding_box(), phone.evaluate("scrollY"), phone.context.new_cdp_session(phone)

    def finger(kind, *places):
        points = [{"x": x, "y": y} for x, y in places]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", (box["x"] + 40, box["y"] + 230))
    for down in range(220, 60, -10):
        finger("touchMove", (box["x"] + 40, box["y"] + down))
    finger("touchEnd")
    phone.wait_for_timeout(300)
    assert state(phone)["points"] == [] and phone.evaluate("scrollY") > before + 50


def test_borders_of_k_means_are_equally_far_from_the_two_nearest_centres(page):
    gaps = page.evaluate(f"""() => {{ {FIND}
        const d = lab.shadowRoot.querySelector('[data-program=A] .border').getAttribute('d');
        const means = lab.record(lab.programs[0]).theta.means.map(mean => lab.place(mean));
        return d.split(/[ML]/).slice(1).map(p => p.split(' ').map(Number)).map(([a, b]) => {{
          const [near, next] = means.map(m => Math.hypot(m[0] - a, m[1] - b)).sort((p, q) => p - q);
          return next - near; }}); }}""")
    # but for the few places around the meeting of all three
    assert len(gaps) > 200 and np.sum(np.abs(gaps) > 0.05) <= 8


def test_a_start_stays_in_the_picture(page):
    box = page.locator("mixture-laboratory [data-start='0'] circle").nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 900, box["y"] + 700, steps=4)
    page.mouse.up()
    x = state(page)["means"][0]
    a, b = page.evaluate(f"x => {{ {FIND} return lab.place(x); }}", x)
    assert abs(a) < 0.1 and abs(b - 400) < 0.1


def test_a_link_holds_points_of_the_readers_own_to_the_last_digit(page):
    page.locator("mixture-laboratory summary").last.click()
    page.locator("mixture-laboratory textarea").fill("1234567.891 2\n1234568.123 3.123456789\n1234570.5 4")
    press(page, "use")
    other = opened_by_link(page)
    assert state(other) == state(page) and state(other)["points"][1] == [1234568.123, 3.123456789]
    for one in (page, other):
        press(one, "step")
    told = [one.locator("mixture-laboratory .numbers").all_text_contents() for one in (page, other)]
    assert told[0] == told[1]
    press(page, "clear")
    page.evaluate("history.replaceState(null, '', ' ')")  # the link before is gone
    assert state(opened_by_link(page))["points"] == []


def test_without_scripts_a_still_is_shown(browser, address):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        assert page.locator("mixture-laboratory > svg").is_visible()
        assert "needs JavaScript" in page.locator("mixture-laboratory").inner_text()


def test_inside_a_chapter_the_settings_are_given_and_the_link_opens_the_same_in_the_laboratory(page, address):
    page.goto(address.replace("laboratory", "reduction"))
    inside = page.locator("mixture-laboratory").first
    assert inside.locator("button").count() == 0  # far down the page it is not at work yet
    inside.scroll_into_view_if_needed()
    inside.locator(".setting").first.wait_for()
    assert inside.locator("select").count() == 0 and inside.locator(".setting").count() == 2
    inside.locator("button[name=run]").click()
    assert "the same labels and the same centres" in inside.locator(".verdict").text_content()
    before = state(page)
    inside.locator(".more a").click()
    page.wait_for_url("**/laboratory.html#lab=*")
    after = state(page)
    assert {key: after[key] for key in ("means", "variance", "A", "B", "t")} == {
        key: before[key] for key in ("means", "variance", "A", "B", "t")
    }
    assert len(after["points"]) == 272


def test_the_threshold_of_the_chapter_can_be_crossed(page, address):
    """Soft centres come together above the critical variance, and part below it."""
    page.goto(address.replace("laboratory", "reduction"))
    page.locator("mixture-laboratory").nth(1).scroll_into_view_if_needed()
    page.locator("mixture-laboratory").nth(1).locator(".setting").first.wait_for()
    apart = []
    for variance in (2.5, 1.0):
        apart.append(
            page.evaluate(
                """variance => { const lab = document.querySelectorAll('mixture-laboratory')[1];
            lab.variance = variance; lab.rerun(0); lab.run();
            const [p, q] = lab.record(lab.programs[0]).theta.means;
            return Math.hypot(p[0] - q[0], p[1] - q[1]); }""",
                variance,
            )
        )
    assert apart[0] < 0.01 and apart[1] > 1
