"""Lines of a page break where a reader would break them."""

import re

import pytest
from appendices import letters
from built import page
from frame import set_breaks
from tables import set_tables

NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("of k-means, and k-means++.", "of [k-means], and [k-means++]."),
        ("The E-step; largest error 2e-15", "The [E-step]; largest error 2·10⁻¹⁵"),
        ("less -4e-15, +2.5e-09 (1e+06, 2)", "less −4·10⁻¹⁵, +2.5·10⁻⁹ (10⁶, 2)"),
        ("-1e-12, 7.79431e+07", "−10⁻¹², 7.79431·10⁷"),
        ("0e+00, 1e+00, +2e-03, -3e-01, 1e-04", "0, 1, +0.002, −0.3, 10⁻⁴"),
        ("<dt>tol=1e-06</dt> 3-1e5x", "<dt>tol=1e-06</dt> 3-1e5x"),
        ("non-k-means-like", "non-k-means-like"),
        ('<a href="k-means.html" title="k-means">on</a>', '<a href="k-means.html" title="k-means">on</a>'),
        ("<pre>k-means</pre> <code>1e-5</code>", "<pre>k-means</pre> <code>1e-5</code>"),
        ("<math><mi>k-means</mi></math>", "<math><mi>k-means</mi></math>"),
        ("DP-means, Monte-Carlo; iteration i-1", "[DP-means], [Monte-Carlo]; iteration [i-1]"),
        ("<td>-4.15538 / -1.2</td> i-1 2-3", "<td>−4.15538 / −1.2</td> [i-1] 2-3"),
        ("an array (n, K) or (K,), (a)", "an array [(n, K)] or [(K,)], (a)"),
        ("about 2 dB, 12.8 gigabytes<pre>3 dB</pre>", f"about 2{NO_BREAK}dB, 12.8{NO_BREAK}gigabytes<pre>3 dB</pre>"),
        ("<p>So they agree. □</p>", '<p>So they agree. <span class="qed">□</span></p>'),
        ("<span>Theorem 5.2</span>", f"<span>Theorem{NO_BREAK}5.2</span>"),
        ("<span>Theorem 5.2 says</span>", "<span>Theorem 5.2 says</span>"),
        ("<td><p>0.93 / 1.00</p></td>", f"<td><p>0.93{NO_BREAK}/ 1.00</p></td>"),
        ("<td><p>0.93 ± 0.01</p></td>", f"<td><p>0.93 ±{NO_BREAK}0.01</p></td>"),
        ("<a>doi:10.1023/B:MACH.0000033113</a>", "<a>doi:10.1023/<wbr>B:MACH.0000033113</a>"),
    ],
)
def test_breaks(written, shown):
    assert set_breaks(written) == shown.replace("[", '<span class="together">').replace("]", "</span>")


def test_long_names_in_code_break_at_their_joints():
    code = '<span class="pre">np.linalg.cholesky(Sigma)</span>'
    assert set_breaks(code) == '<span class="pre">np.<wbr>linalg.<wbr>cholesky(<wbr>Sigma)</span>'
    assert set_breaks('<span class="pre">KMeans().partial_fit(batch)</span>').count("<wbr>") == 3
    assert set_breaks('<span class="pre">covariances_</span>') == '<span class="pre">covariances_</span>'


def table(heads, *rows):
    row = lambda tag, cells: "<tr>" + "".join(f"<{tag}><p>{cell}</p></{tag}>" for cell in cells) + "</tr>"  # noqa: E731
    return f'<table class="table"><thead>{row("th", heads)}</thead>{"".join(row("td", one) for one in rows)}</table>'


def test_tables_know_how_they_stand_on_a_phone():
    small = table(["n", "time"], ["1", "2"])
    assert set_tables(small) == small
    many = set_tables(table("abcdefg", "1234567"))
    assert many == table("abcdefg", "1234567").replace('"table"', '"table many"')
    words = ["unsupervised_learning", "expectation_maximisation", "regularised"]
    cards = set_tables(table(["here", "<code>there</code>", "R & S"], words))
    assert cards.startswith('<table class="table cards"') and "<td><p>unsup" in cards
    assert re.findall('<td data-head="([^"]*)"', cards) == ["there", "R &amp; S"]
    long = table(["a", "b", "c"], ["words " * 30] * 3)  # these break
    assert set_tables(long) == long


def test_appendices_have_letters():
    numbers = {
        "index": {"figure": {"a": (1,)}},
        "one": {"figure": {"b": (2,), "c": (3,)}, "theorem": {"d": (1,)}, "displaymath": {"f": (1,)}},
        "none": {"figure": {}},
        "two": {"figure": {"e": (4,)}},
    }
    assert letters(numbers, ["one", "none", "two"]) == {
        "one": {"figure": {"b": ("A", 1), "c": ("A", 2)}, "theorem": {"d": ("A", 1)}, "displaymath": {"f": ("A", 1)}},
        "two": {"figure": {"e": ("B", 1)}},
    }


@pytest.mark.site
def test_no_appendix_goes_on_from_the_front_page():
    shown = [
        node.get_text() for name in ("numerics", "speed") for node in page(f"book/{name}").select(".caption-number")
    ]
    assert len(shown) > 3 and all(re.search(r" [AB]\.\d", words) for words in shown)
