"""Figures draw what they say: each artist is compared with the numbers it stands for."""

import io
import sys
from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy.integrate import dblquad
from scipy.stats import multivariate_normal

import mixlib
from mixlib import plot

MIXTURE = mixlib.Mixture([0.3, 0.7], [[0.0, 0.0], [3.0, 1.0]], [[[1.0, 0.6], [0.6, 0.8]], [[0.5, -0.2], [-0.2, 2.0]]])


@pytest.fixture
def ax():
    with matplotlib.rc_context():
        plot.use_style()
        _, ax = plt.subplots()
        yield ax
        plt.close("all")


def luminance(color):
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    light, dark = sorted([luminance(a), luminance(b)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_contrast_on_both_pages(page):
    assert min(contrast(color, page) for color in plot.colors) >= 3
    assert contrast(plot.ink, page) >= 4


def test_forty_two_components_look_different():
    assert len({(plot.color(k), plot.marker(k)) for k in range(42)}) == 42


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_lines_can_be_seen_on_a_tint(ax, page):
    """Axes, text and boundaries have a contrast of 3:1 to the page under the tint of any component."""
    plot.regions(ax, MIXTURE)
    alpha = ax.collections[0].get_alpha()
    for color in plot.colors:
        under = alpha * np.array(to_rgb(color)) + (1 - alpha) * np.array(to_rgb(page))
        assert contrast(plot.ink, under) >= 3


def test_style(ax, monkeypatch):
    """Lines take the components' colours, the same figure is the same file, and a notebook's images are sharp."""
    lines = ax.plot(np.zeros((2, 6)))
    assert [line.get_color() for line in lines] == plot.colors
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        ax.figure.savefig(file, format="svg", metadata={"Date": None})
    assert files[0].getvalue() == files[1].getvalue()
    asked = []
    inline = SimpleNamespace(set_matplotlib_formats=asked.append)
    monkeypatch.delenv("MIXLIB_FIGURES", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib_inline", SimpleNamespace(backend_inline=inline))
    monkeypatch.setitem(sys.modules, "matplotlib_inline.backend_inline", inline)
    for shell, backend in (
        (None, "inline"),
        (object(), "agg"),
        (object(), "module://matplotlib_inline.backend_inline"),
    ):
        assert asked == []
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        monkeypatch.setattr(plt, "get_backend", lambda backend=backend: backend)
        plot.use_style()
    assert asked == ["retina"]
    monkeypatch.setenv("MIXLIB_FIGURES", "pdf")
    plot.use_style()
    assert asked == ["retina", "pdf"]


def test_figures_have_no_background_and_axes_no_box(ax):
    assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
    assert ax.spines["left"].get_visible() and ax.spines["bottom"].get_visible()
    assert ax.figure.get_facecolor()[3] == 0 and ax.get_facecolor()[3] == 0


def test_points_by_label(ax):
    x = np.arange(10.0).reshape(5, 2)
    drawn = plot.points(ax, x, [2, 0, 2, 0, 0])
    assert [len(d.get_offsets()) for d in drawn] == [3, 2]
    assert np.array_equal(drawn[1].get_offsets(), x[[0, 2]])
    assert np.allclose(drawn[1].get_facecolors()[:, :3], to_rgb(plot.colors[2]))
    assert len(drawn[0].get_paths()[0].vertices) != len(drawn[1].get_paths()[0].vertices)


def test_points_by_responsibility_mix_colours(ax):
    r = np.array([[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]])
    first, second = plot.points(ax, np.eye(3)[:, :2], responsibilities=r, alpha=1)
    blue, orange = (np.array(to_rgb(c)) for c in plot.colors[:2])
    assert np.allclose(first.get_facecolors()[:, :3], [blue])
    assert np.allclose(second.get_facecolors()[:, :3], [0.25 * blue + 0.75 * orange, orange])


def test_points_without_labels_and_keywords(ax):
    (plain,) = plot.points(ax, np.eye(2))
    assert to_rgb(plain.get_facecolors()[0]) == to_rgb(plot.ink)
    for drawn in (plain, *plot.points(ax, np.eye(2), [0, 1]), *plot.points(ax, np.eye(2), responsibilities=np.eye(2))):
        assert 0.5 < drawn.get_alpha() < 1  # points can be seen, and those beneath them
    (only,) = plot.points(ax, np.eye(2), s=7, color="black")
    assert only.get_sizes() == [7] and np.allclose(only.get_facecolors()[0, :3], 0)
    assert np.allclose(plot.points(ax, np.eye(2), [0, 1], color="black")[0].get_facecolors()[0, :3], 0)


def test_centres_can_be_seen_on_anything(ax, tmp_path):
    """Over points of their own colour: the component's colour, a white rim and a black one, to the last pixel."""
    ax.set_axis_off()
    ax.scatter([0, 1], [0, 1], s=9000, color=plot.colors[:2], linewidths=0)
    marks = plot.centres(ax, [[0, 0], [1, 1]])
    ax.figure.savefig(tmp_path / "figure.png")
    shown = {tuple(pixel) for pixel in np.rint(255 * plt.imread(tmp_path / "figure.png").reshape(-1, 4)).astype(int)}
    assert {(255, 255, 255, 255), (0, 0, 0, 255)} <= shown
    for k, mark in enumerate(marks):
        assert np.allclose(mark.get_facecolors()[:, :3], to_rgb(plot.colors[k]))
        assert mark.get_sizes() > 2 * plot.points(ax, [[0, 0]])[0].get_sizes()
    outlines = [mark.get_paths()[0].vertices.shape for mark in (*marks, *plot.points(ax, np.eye(2), [0, 1]))]
    assert outlines[:2] == outlines[2:] and outlines[0] != outlines[1]


def test_centres_keywords_win(ax):
    for own in ({"color": "black"}, {"c": "black"}):
        for mark in plot.centres(ax, np.eye(2), marker="X", s=50, zorder=9, **own):
            assert np.allclose(mark.get_facecolors()[0], (0, 0, 0, 1)) and mark.get_sizes() == [50]
            assert mark.get_zorder() == 9
            (cross,) = plot.centres(ax, [[0, 0]], marker="X")
            assert np.array_equal(mark.get_paths()[0].vertices, cross.get_paths()[0].vertices)


def test_what_lies_on_what(ax):
    """From below: tint, boundaries and points, ellipses and ways, centres; whatever is drawn first."""
    fit = mixlib.fit(MIXTURE.sample(50, 1)[0], 2, init=[[0.0, 0.0], [3.0, 1.0]], tol=0, max_iter=2)
    centres, ways, ellipses = plot.centres(ax, MIXTURE.means), plot.path(ax, fit), plot.ellipses(ax, MIXTURE)
    points, before = plot.points(ax, MIXTURE.means), len(ax.collections)
    plot.regions(ax, MIXTURE)
    tint, boundary = ax.collections[before:]
    orders = [
        [artist.get_zorder() for artist in layer]
        for layer in ([tint], [boundary, *points], [*ways, *ellipses], centres)
    ]
    assert all(max(below) < min(above) for below, above in zip(orders, orders[1:]))
    assert tint.get_rasterized()


def test_ellipses_are_in_view_and_take_keywords(ax):
    ellipses = plot.ellipses(ax, MIXTURE, edgecolor="black", zorder=7)
    for ellipse, default in zip(ellipses, plot.ellipses(ax, MIXTURE, mass=0.9)):
        assert ellipse.get_edgecolor() == (0, 0, 0, 1) and ellipse.get_zorder() == 7
        assert (ellipse.width, ellipse.height, ellipse.angle) == (default.width, default.height, default.angle)
        outline = ellipse.get_patch_transform().transform(ellipse.get_path().vertices)
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert (outline > [left, bottom]).all() and (outline < [right, top]).all()


@pytest.mark.parametrize("mass", [0.5, 0.9])
def test_ellipse_holds_its_mass(ax, mass):
    """Integrate the density over the drawn ellipse itself, in its own polar coordinates."""
    for k, ellipse in enumerate(plot.ellipses(ax, MIXTURE, mass)):
        angle, half = np.radians(ellipse.angle), np.array([ellipse.width, ellipse.height]) / 2
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        density = multivariate_normal(MIXTURE.means[k], MIXTURE.covariances[k]).pdf

        def polar(r, t):
            return density(ellipse.center + turn @ (half * [r * np.cos(t), r * np.sin(t)])) * r * half.prod()

        assert np.isclose(dblquad(polar, 0, 2 * np.pi, 0, 1)[0], mass, atol=1e-6)
        assert ellipse.get_edgecolor()[:3] == to_rgb(plot.colors[k])


def test_ellipse_is_a_level_set(ax):
    ellipse = plot.ellipses(ax, MIXTURE)[1]
    outline = ellipse.get_patch_transform().transform(ellipse.get_path().vertices)[:-1]
    levels = multivariate_normal(MIXTURE.means[1], MIXTURE.covariances[1]).logpdf(outline)
    on_the_curve = levels[::3]  # the others are control points of the Bezier curve
    assert np.allclose(on_the_curve, on_the_curve[0], atol=1e-4)


def test_region_boundary_is_where_responsibilities_tie(ax):
    points = plot.points(ax, MIXTURE.sample(200, 1)[0])
    before = len(ax.collections), ax.get_xlim(), ax.get_ylim()
    plot.regions(ax, MIXTURE)
    tint, contour = ax.collections[len(points) :]
    vertices = np.concatenate([path.vertices for path in contour.get_paths()])
    assert len(vertices) > 50
    assert np.allclose(MIXTURE.responsibilities(vertices), 0.5, atol=2e-3)
    assert len(ax.collections) == before[0] + 2 and (ax.get_xlim(), ax.get_ylim()) == before[1:]
    grid = tint.get_coordinates()
    middle = (grid[:-1, :-1] + grid[1:, 1:]) / 2
    best = MIXTURE.responsibilities(middle.reshape(-1, 2)).argmax(axis=1)
    assert np.array_equal(np.ravel(tint.get_array()), best)


def test_regions_of_one_component_and_of_a_hidden_one(ax):
    ax.set(xlim=(0, 1), ylim=(0, 1))
    plot.regions(ax, mixlib.Mixture([1.0], [[0.0, 0.0]], [np.eye(2)]))
    for hidden in ([99.0, 0.0], [-99.0, 0.0]):
        plot.regions(ax, mixlib.Mixture([0.5, 0.5], [[0.0, 0.0], hidden], [np.eye(2)] * 2))
        plot.regions(ax, mixlib.Mixture([0.5, 0.5], [hidden, [0.0, 0.0]], [np.eye(2)] * 2))
    assert len(ax.collections) == 5  # tints, and no boundary in view


def test_regions_of_three_have_all_their_boundaries_and_colours(ax):
    """Three corners of a triangle: each pair has a boundary, between two points nearer to it than to the third."""
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 3.0]])
    ax.set(xlim=(-1, 5), ylim=(-1, 4))
    plot.regions(ax, mixlib.Mixture([1 / 3] * 3, corners, [0.5 * np.eye(2)] * 3), n=100, colors="black", linewidths=3)
    tint, *boundaries = ax.collections
    assert np.size(tint.get_array()) == 100 * 100
    assert np.allclose(tint.cmap(tint.norm(range(3)))[:, :3], [to_rgb(c) for c in plot.colors[:3]])
    pairs = set()
    for boundary in boundaries:
        assert np.allclose(boundary.get_edgecolor(), (0, 0, 0, 1)) and boundary.get_linewidths() == [3]
        for vertex in np.concatenate([path.vertices for path in boundary.get_paths()]):
            distances = np.linalg.norm(vertex - corners, axis=1)
            first, second, third = np.argsort(distances)
            assert np.isclose(distances[first], distances[second], atol=0.02)
            if distances[third] > distances[second] + 0.1:
                pairs.add(frozenset([int(first), int(second)]))
    assert len(pairs) == 3


def test_boundaries_of_narrow_components_are_exact_between_grid_points(ax):
    """Log-ratios of a shared covariance are linear: however steep, their zero line is met between two points of a grid."""
    centres = np.array([[0.0, 0.0], [1.0, 0.3]])
    ax.set(xlim=(-1, 2), ylim=(-1, 2))
    plot.regions(ax, mixlib.Mixture([0.5, 0.5], centres, [0.01 * np.eye(2)] * 2), n=40)
    vertices = np.concatenate([path.vertices for path in ax.collections[-1].get_paths()])
    distances = np.linalg.norm(vertices[:, None] - centres, axis=2)
    assert len(vertices) > 30 and np.allclose(distances[:, 0], distances[:, 1], atol=1e-9)


@pytest.mark.parametrize("n", [1, 0, -3])
def test_a_grid_has_two_points_a_side(ax, n):
    with pytest.raises(ValueError, match="n must be at least 2"):
        plot.regions(ax, MIXTURE, n=n)


def test_trace_and_path_follow_the_history(ax):
    x = MIXTURE.sample(100, 2)[0]
    fit = mixlib.fit(x, 2, init=x[:2], tol=0, max_iter=5)
    line = plot.trace(ax, fit)
    assert line.get_xydata().tolist() == [[t, r.objective] for t, r in enumerate(fit.history)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("iteration", "objective")
    for k, way in enumerate(plot.path(ax, fit)):
        assert way.get_xydata().tolist() == [r.means[k].tolist() for r in fit.history]
    marks = [c.get_offsets()[0].tolist() for c in ax.collections]
    assert marks == fit.mixture.means.tolist()


def test_ways_begin_with_a_ring_and_keywords_win(ax):
    x = MIXTURE.sample(100, 2)[0]
    fit = mixlib.fit(x, 2, init=x[:2], tol=0, max_iter=5)
    for color in (None, "black"):
        ways = plot.path(ax, fit, **({"color": color, "zorder": 2.5} if color else {}))
        rings = ax.lines[-3], ax.lines[-1]
        for k, (way, ring) in enumerate(zip(ways, rings)):
            assert to_rgb(way.get_color()) == to_rgb(ring.get_markeredgecolor()) == to_rgb(color or plot.colors[k])
            assert ring.get_xydata().tolist() == [fit.history[0].means[k].tolist()]
            assert ring.get_markerfacecolor() == "none" and ring.get_markersize() > 2 * way.get_markersize()
            assert way.get_zorder() == ring.get_zorder() == (2.5 if color else 3)
    assert plot.trace(ax, fit, marker="s").get_marker() == "s"


def test_iterations_are_counted_in_whole_numbers():
    """On axes where matplotlib alone would choose halves."""
    x = MIXTURE.sample(100, 2)[0]
    ax = matplotlib.figure.Figure().subplots()
    plot.trace(ax, mixlib.fit(x, 2, init=x[:2], tol=0, max_iter=2))
    assert np.array_equal(ax.get_xticks(), np.rint(ax.get_xticks()))


def test_colours_of_many_components_mix():
    r = np.eye(8)[[0, 5, 6, 7]] * 0.5 + 0.0625
    palette = np.array([to_rgb(plot.color(k)) for k in range(8)])
    assert np.allclose(plot.mix(r), [[sum(a * b for a, b in zip(row, column)) for column in palette.T] for row in r])
    assert plot.mix([[9.0, 0.0], [0.0, 9.0]]).max() == 1  # rows that do not sum to one are colours all the same


def test_a_figure_is_drawn_without_a_warning(ax, tmp_path, recwarn):
    x, labels = MIXTURE.sample(60, 3)
    plot.points(ax, x, labels)
    plot.regions(ax, MIXTURE)
    plot.ellipses(ax, MIXTURE)
    plot.centres(ax, MIXTURE.means, s=80)
    ax.figure.savefig(tmp_path / "figure.png")
    pixels = plt.imread(tmp_path / "figure.png")
    assert pixels.shape[:2] == (720, 1000) and pixels[0, 0, 3] == 0.0 and pixels[..., 3].max() == 1
    assert not recwarn.list


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot.points(ax, np.zeros((4, 3))),
        lambda ax: plot.points(ax, np.zeros(2)),
        lambda ax: plot.points(ax, np.zeros((3, 2, 2))),
        lambda ax: plot.centres(ax, np.zeros((2, 1))),
        lambda ax: plot.ellipses(ax, mixlib.Mixture([1.0], [[0.0]], [[[1.0]]])),
        lambda ax: plot.regions(ax, mixlib.Mixture([1.0], [[0.0]], [[[1.0]]])),
    ],
)
def test_other_dimensions_are_refused_with_advice(ax, draw):
    with pytest.raises(ValueError, match="two columns"):
        draw(ax)


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"labels": [0, 1], "responsibilities": np.eye(2)}, "not both"),
        ({"labels": [0]}, r"2 integers from 0.*\(1,\)"),
        ({"labels": [0, -1]}, "integers from 0"),
        ({"labels": [0.0, 1.0]}, "integers from 0.*float64"),
        ({"responsibilities": np.ones(2)}, r"responsibilities must be 2-D.*\(2,\)"),
        ({"responsibilities": np.ones((3, 2))}, r"got \(3, 2\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(ax, arguments, match):
    with pytest.raises(ValueError, match=match):
        plot.points(ax, np.eye(2), **arguments)


@pytest.mark.parametrize("mass", [0, 1, -0.1, float("nan")])
def test_mass_is_a_probability(ax, mass):
    with pytest.raises(ValueError, match="between 0 and 1"):
        plot.ellipses(ax, MIXTURE, mass)
