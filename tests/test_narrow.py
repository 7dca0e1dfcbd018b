"""Figures for a phone: the second drawing has the same data, its panels one below the other."""

import io
from base64 import b64decode
from types import SimpleNamespace

import frame
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from mixlib import narrow, plot


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        plot.use_style()
        yield
        plt.close("all")


def pair(**settings):
    """Two panels side by side, with numbers, words and a legend above both."""
    figure, axes = plt.subplots(1, 2, figsize=(5.2, 2.7), **settings)
    for ax, color in zip(axes, plot.colors):
        ax.plot([0, 1, 4], [0, 1, 2], "o-", color=color, label=color)
        ax.set_xlabel("across")
    axes[0].set_ylabel("upward")
    figure.legend(loc="outside upper center", ncols=2)
    return figure, axes


def laid_out(figure):
    """The panels' boxes in inches, from above."""
    figure.draw_without_rendering()
    return [ax.get_window_extent().transformed(figure.dpi_scale_trans.inverted()) for ax in figure.axes]


def test_panels_stand_one_below_the_other():
    figure, _ = pair()
    other = narrow.turned(figure)
    assert other.get_figwidth() == figure.get_figwidth()
    before, (upper, lower) = laid_out(figure), laid_out(other)
    assert upper.y0 > lower.y1 and upper.x0 == pytest.approx(lower.x0) and upper.x1 == pytest.approx(lower.x1)
    assert upper.width > 1.8 * before[0].width
    assert [upper.height, lower.height] == pytest.approx([box.height for box in before], rel=0.1)
    assert not other.axes[0].get_tightbbox().overlaps(other.axes[1].get_tightbbox())
    assert all(other.bbox.x0 <= ax.get_tightbbox().x0 and ax.get_tightbbox().x1 <= other.bbox.x1 for ax in other.axes)


def test_the_data_are_the_same_and_the_figure_stays_as_it_is():
    figure, axes = pair(sharey=True)
    laid_out(figure)
    before = [ax.get_position().bounds for ax in axes]
    other = narrow.turned(figure)
    for ax, again in zip(axes, other.axes, strict=True):
        for line, same in zip(ax.lines, again.lines, strict=True):
            assert line is not same and np.array_equal(line.get_xydata(), same.get_xydata())
        assert (ax.get_xlim(), ax.get_ylim()) == (again.get_xlim(), again.get_ylim())
    assert [ax.get_position().bounds for ax in axes] == before and tuple(figure.get_size_inches()) == (5.2, 2.7)
    assert axes[1].get_ylabel() == "" and not axes[1].yaxis.get_major_ticks()[0].label1.get_visible()


@pytest.mark.parametrize("shared", [True, False])
def test_what_the_first_panel_says_for_both_each_says_then(shared):
    figure, axes = pair(sharey=shared)
    axes[1].set_ylabel("" if shared else "its own")
    other = narrow.turned(figure)
    laid_out(other)
    assert [ax.get_ylabel() for ax in other.axes] == ["upward", "upward" if shared else "its own"]
    for ax in other.axes:
        numbers = [tick.label1 for tick in ax.yaxis.get_major_ticks()]
        assert any(number.get_visible() and number.get_text() for number in numbers)


def test_panels_keep_a_shape_that_is_fixed():
    figure, axes = pair()
    axes[0].set_aspect("equal")
    wide = laid_out(figure)
    tall = laid_out(narrow.turned(figure))
    assert tall[0].width / tall[0].height == pytest.approx(wide[0].width / wide[0].height, rel=0.01)
    assert tall[0].width > 1.7 * wide[0].width
    assert tall[1].height == pytest.approx(wide[1].height, rel=0.15)


@pytest.mark.parametrize(
    "grid, settings",
    [
        ((1, 1), {}),
        ((2, 1), {}),
        ((2, 2), {}),
        ((2, 3), {}),
        ((1, 2), {"width_ratios": [1, 2]}),  # one picture in two parts
    ],
)
def test_other_figures_stay(grid, settings):
    assert narrow.turned(plt.subplots(*grid, **settings)[0]) is None


def test_a_panel_beyond_the_grid_stays():
    figure, _ = pair()
    figure.add_axes([0.1, 0.1, 0.2, 0.2])
    assert narrow.turned(figure) is None
    assert narrow.turned(plt.figure()) is None


def test_smallest_words():
    """Those in sight alone, wherever they stand."""
    figure, axes = pair()
    assert narrow.smallest_words(figure) == pytest.approx(13 * 100 / 72)
    axes[1].set_title("small", fontsize=7).set_visible(False)
    axes[1].text(0, 0, " ", fontsize=6)
    assert narrow.smallest_words(figure) == pytest.approx(13 * 100 / 72)
    axes[1].text(0, 0, "small", fontsize=9)
    assert narrow.smallest_words(figure) == pytest.approx(9 * 100 / 72)
    assert narrow.smallest_words(narrow.turned(figure)) == pytest.approx(9 * 100 / 72)


def test_a_picture_brings_its_second_drawing_along(tmp_path):
    """One PNG; the site makes two files of it, and knows how small each may be shown."""
    figure, axes = pair()
    axes[1].text(0, 0, "small", fontsize=9)
    known = plt.get_fignums()
    data, size = narrow.drawn_for_the_page(figure)
    assert plt.get_fignums() == known  # nothing else would be shown by the notebook
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.png").write_bytes(b64decode(data))
    ((name, picture),) = frame.slim_images(tmp_path).items()
    assert (name, picture.name, picture.narrow.name) == ("a", "a.webp", "a-narrow.webp")
    assert (picture.width, picture.height) == pytest.approx((size["width"], size["height"]), abs=1)
    assert picture.narrow.height > 1.5 * picture.height and picture.narrow.least < 500
    for one in (picture, picture.narrow):
        assert one.least * one.words / one.width == pytest.approx(11, rel=0.01) and one.words == 12.5
        with Image.open(tmp_path / "_images" / one.name) as image:
            assert image.size == pytest.approx((2 * one.width, 2 * one.height), abs=1)
            assert "exif" not in image.info and "xmp" not in image.info
    tag = frame.set_image('<img alt="x" src="../_images/a.png" style="width: 3px"/>', {"a": picture}, lazy=True)
    assert tag.startswith(f'<div class="picture" style="--least: {picture.narrow.least}px"><picture><source media=')
    assert 'srcset="../_images/a-narrow.webp"' in tag and 'src="../_images/a.webp"' in tag and tag.count("alt=") == 1
    assert sorted(path.name for path in (tmp_path / "_images").iterdir()) == ["a-narrow.webp", "a.webp"]


def test_a_figure_of_one_panel_is_drawn_once():
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    with Image.open(io.BytesIO(b64decode(narrow.drawn_for_the_page(figure)[0]))) as image:
        image.load()
        assert narrow.NARROW not in image.text and narrow.LEAST in image.text


def test_words_of_a_drawing(tmp_path):
    """matplotlib writes letters as paths, scaled: a superscript does not count as words."""
    figure, ax = plt.subplots(figsize=(4, 3))
    ax.set(xlabel="$10^{3}$", xticks=[], yticks=[])
    ax.text(0, 0, "small", fontsize=9)
    figure.savefig(tmp_path / "a.svg")
    width, height, words = frame.svg_size((tmp_path / "a.svg").read_text())
    assert (width, height, words) == (384, 288, pytest.approx(12))


def test_only_the_site_asks_for_it(monkeypatch):
    """A reader's notebook shows a figure once, and so does the PDF."""
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib.figure import Figure
    from matplotlib_inline import backend_inline

    formatter = InteractiveShell().display_formatter.formatters["image/png"]
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"image/png": formatter}))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(plt, "get_backend", lambda: "inline")
    monkeypatch.setattr(backend_inline, "set_matplotlib_formats", lambda kind: formatter.type_printers.clear())
    for wanted, asked in ((None, False), ("pdf", False), ("page", True)):
        monkeypatch.delenv("MIXLIB_FIGURES", raising=False)
        if wanted:
            monkeypatch.setenv("MIXLIB_FIGURES", wanted)
        plot.use_style()
        assert (formatter.type_printers.get(Figure) is narrow.drawn_for_the_page) == asked
