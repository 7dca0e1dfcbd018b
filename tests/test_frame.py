"""Lines of a page break where a reader would break them."""

import re

import pytest
from appendices import letters
from built import page
from frame import set_breaks
from numerals import MINUS, set_numbers
from tables import set_tables

NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("of k-means, and k-means++.", "of [k-means], and [k-means++]."),
        ("The E-step of K-Means Clustering", "The [E-step] of [K-Means] Clustering"),
        ("non-k-means-like", "non-k-means-like"),
        ('<a href="k-means.html" title="k-means">on</a>', '<a href="k-means.html" title="k-means">on</a>'),
        ("<pre>k-means</pre> <code>1e-5</code>", "<pre>k-means</pre> <code>1e-5</code>"),
        ("<math><mi>k-means</mi></math>", "<math><mi>k-means</mi></math>"),
        ("DP-means, Monte-Carlo; iteration i-1", "[DP-means], [Monte-Carlo]; iteration [i-1]"),
        ("an array (n, K) or (K,), (a)", "an array [(n, K)] or [(K,)], (a)"),
        ("<p>So they agree. □</p>", '<p>So they agree. <span class="qed">□</span></p>'),
        ("<span>Theorem 5.2</span>", f"<span>Theorem{NO_BREAK}5.2</span>"),
        ("<span>Theorem 5.2 says</span>", "<span>Theorem 5.2 says</span>"),
        ("<td><p>0.93 ± 0.01</p></td>", f"<td><p>0.93 ±{NO_BREAK}0.01</p></td>"),
        ("<a>doi:10.1023/B:MACH.0000033113</a>", "<a>doi:10.1023/<wbr>B:MACH.0000033113</a>"),
    ],
)
def test_breaks(written, shown):
    assert set_breaks(written) == shown.replace("[", '<span class="together">').replace("]", "</span>")


def test_long_names_in_code_break_at_their_joints():
    code = '<span class="pre">np.linalg.cholesky(Sigma)</span>'
    assert set_breaks(code) == '<span class="pre long">np.<wbr>linalg.<wbr>cholesky(<wbr>Sigma)</span>'
    assert set_breaks('<span class="pre">KMeans().partial_fit(batch)</span>').count("<wbr>") == 3
    for short in ("covariances_", "&quot;tied_diag&quot;"):  # these break nowhere
        assert set_breaks(f'<span class="pre">{short}</span>') == f'<span class="pre">{short}</span>'
    signature = '<dt class="sig sig-object"><span class="pre">sample_weight</span></dt>'
    assert set_breaks(signature) == signature


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("agree to 1e-09", "agree to 10<sup>−9</sup>"),
        ("-4e-15, +2e-03, +2e-01, +1e+00, +0e+00", "−4·10<sup>−15</sup>, +2·10<sup>−3</sup>, +0.2, +1, 0"),
        ("<td><p>-4.15 / -4.2</p></td>", "<td><p>−4.15_/ −4.2</p></td>"),
        ("2.4e+06 / 2.5e+06", "2.4·10<sup>6</sup>_/ 2.5·10<sup>6</sup>"),
        ("at (1e+06, 2, 8), 10⁵, 16, 16", "at (10<sup>6</sup>,_2,_8), 10<sup>5</sup>,_16,_16"),
        ("1 - exp(-q/2), so q = -2 log 3", "1 − exp(−q/2), so q = −2 log 3"),
        ("n = 20,000 in 3 ms, 24 GB/s", "n_=_20,000 in 3_ms, 24_GB/s"),
        ("about 2 dB, 12.8 gigabytes<pre>3 dB</pre>", "about 2_dB, 12.8_gigabytes<pre>3 dB</pre>"),
        ("1.57 (1.5–1.58)", '1.57 <span class="together range">(1.5–1.58)</span>'),
        ("39(1):1–38, 1977.", '39(1):<span class="together">1–38</span>, 1977.'),
        ("k-means||", "k-means‖"),
        *(
            (same, same)
            for same in ("<code>1e-5 -3</code>", "<a href='-1'>x</a>", "faiss-cpu 1.15", "9(3):e90081", "i-1")
        ),
    ],
)
def test_numbers_are_those_of_print(written, shown):
    assert set_numbers(written) == shown.replace("_", NO_BREAK).replace("−", MINUS)


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
