"""Formulas: every one of the sources stands on its page, typeset, with the letters that its TeX has."""

import json
import re
import unicodedata
from collections import Counter
from types import SimpleNamespace

import nbformat
import plaintext
import pytest
import typeset
from built import HTML, page, page_names
from results import Directive, _walk, pages, texts
from sphinx.errors import ExtensionError

PAGES = [(path.stem, path) for _, path in pages()]


# ----------------------------------------------------------------- all are there


def sources(path):
    """The TeX of every formula in a page's texts and captions, and in the tables that its cells print."""
    written = texts(path)
    written += [
        output["data"]["text/markdown"] for output in outputs(path) if "text/markdown" in output.get("data", {})
    ]
    if path.suffix == ".ipynb":
        written += [
            cell.metadata["mystnb"]["figure"]["caption"]
            for cell in nbformat.read(path, as_version=4).cells
            if "caption" in cell.metadata.get("mystnb", {}).get("figure", {})
        ]
    found = []
    for token in _walk(written):
        if isinstance(token, Directive):
            found += [token.body] if token.name == "math" else re.findall(r"\$([^$]+)\$", token.title)
        elif token.type in ("math_block", "math_block_label", "amsmath"):
            found.append(token.content)
        elif token.type == "inline":
            found += [child.content for child in token.children if child.type == "math_inline"]
    return found


def shown(found):
    """The TeX of every formula of a built page, and its MathML."""
    formulas = []
    for element in found.select("[data-tex], math[alttext]"):
        tex = element["data-tex"] if element.has_attr("data-tex") else element["alttext"]
        formulas.append((tex, [element] if element.name == "math" else element.find_all("math")))
    return formulas


def plain(tex):
    return " ".join(tex.split())


@pytest.mark.parametrize("name, path", PAGES, ids=[name for name, _ in PAGES])
def test_every_formula_of_the_source_is_on_its_page(name, path):
    article = page(f"book/{name}").find("article")
    on_page = Counter(plain(tex) for tex, _ in shown(article))
    written = Counter(map(plain, sources(path)))
    assert written - on_page == Counter()
    if name not in ("ledger", "results", "api"):  # where names of theorems are repeated, or docstrings typeset
        made = on_page - written  # by cells that print LaTeX
        assert sum(made.values()) <= sum("text/latex" in output.get("data", {}) for output in outputs(path))


def outputs(path):
    if path.suffix != ".ipynb":
        return []
    return [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", ())]


# ----------------------------------------------------------------- they say what the TeX says

WORDS = {"operatorname", "mathrm", "text", "mathbf", "mathcal", "mathbb", "substack", "operatorname*", "mathit"}
SILENT = {
    "frac",
    "tfrac",
    "dfrac",
    "sqrt",
    "begin",
    "end",
    "quad",
    "qquad",
    "bar",
    "hat",
    "widehat",
    "tilde",
    "widetilde",
    "left",
    "right",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "big",
    "Big",
    "biggl",
    "biggr",
    "underbrace",
    "overline",
    "displaystyle",
    "textstyle",
    "binom",
    "genfrac",
    "limits",
    "nolimits",
    "mathop",
    "boldsymbol",
    "phantom",
    "smash",
}
GREEK = {
    "epsilon": "ϵ",
    "varepsilon": "ε",
    "phi": "ϕ",
    "varphi": "φ",
    "theta": "θ",
    "vartheta": "ϑ",
    "sigma": "σ",
    "varsigma": "ς",
    "lambda": "λ",
    "Lambda": "Λ",
    "rho": "ρ",
    "varrho": "ϱ",
}
NAMES = {
    "log",
    "exp",
    "det",
    "max",
    "min",
    "arg",
    "lim",
    "coth",
    "limsup",
    "sup",
    "inf",
    "cos",
    "sin",
    "tanh",
    "cosh",
    "sinh",
    "tan",
    "ln",
    "dim",
    "ker",
    "Pr",
    "gcd",
    "deg",
}


def letters_of(tex):
    """The letters and digits that a reader of this TeX sees, counted."""
    tex = re.sub(r"\\(begin|end)\{array\}(\{[clr|]*\})?|\\(begin|end)\{[a-z]+\*?\}", " ", tex)
    tex = re.sub(r"\\genfrac(\{(\\[{}]|[^{}])*\}){3}(\{\d?\})?", " ", tex)
    tex = re.sub(r"\\\\\[[^\]]*\]|\\[hv]space\*?\{[^}]*\}", " ", tex)
    found = ""
    for command, letter in re.findall(r"\\([A-Za-z]+)|\\.|([A-Za-z0-9])", tex):
        if letter:
            found += letter
        elif command in NAMES:
            found += command
        elif command and command not in WORDS | SILENT:
            found += GREEK.get(command) or greek(command)
    return counted(found)


def greek(command):
    case = "CAPITAL" if command[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {command.upper()}")
    except KeyError:
        return {"ell": "l"}.get(command, "")


def counted(text):
    """Letters and digits; mathematical alphabets count as the letters that they are."""
    text = "".join(letter if letter in "ϑϕϵϱς" else unicodedata.normalize("NFKC", letter) for letter in text)
    return Counter(letter for letter in text if letter.isalnum() and letter != "ˆ")  # that is a hat


@pytest.mark.parametrize("name, path", PAGES, ids=[name for name, _ in PAGES])
def test_what_is_shown_is_what_was_written(name, path):
    for tex, formulas in shown(page(f"book/{name}")):
        assert formulas != [], tex
        assert counted("".join(formula.get_text() for formula in formulas)) == letters_of(tex), tex


def test_the_comparison_sees_a_lost_letter():
    assert letters_of(r"\frac{a_1}{b} + \log\sigma^2 \mathcal N") == counted("a1b logσ2𝒩")
    assert letters_of(r"\frac{a_1}{b}") != counted("a1") != letters_of(r"a_2")
    assert letters_of(r"\mathbb{R}^d") == counted("ℝd")


# ----------------------------------------------------------------- nothing is left as it was typed


@pytest.mark.parametrize("name", [*page_names(), "search", "genindex", "404"])
def test_no_typesetting_script_and_no_raw_tex(name):
    found = page(name)
    assert not re.search("mathjax|katex", str(found.head), re.IGNORECASE)
    words = []
    for text in found.body.find_all(string=True):
        if not any(parent.name in ("pre", "code", "script", "style") for parent in text.parents):
            words.append(text)
    words = " ".join(words)
    assert "$$" not in words and not re.search(r"\\[a-zA-Z(\[]|(?<!\d)\$[^\s\d]", words)
    assert found.find("merror") is None and found.find(class_="failed") is None
    assert found.select(".math:not(:has(math))") == []


def test_the_search_index_reads_titles_as_they_are_shown():
    index = json.loads(
        (HTML / "searchindex.js").read_text(encoding="utf-8").removeprefix("Search.setIndex(").removesuffix(")")
    )
    assert [title for title in index["alltitles"] if "\\" in title or "$" in title or "<" in title] == []
    assert [title for title in index["titles"] if "\\" in title or "<math" in title] == []


# ----------------------------------------------------------------- how a formula is made


@pytest.mark.parametrize("tex", [r"\frac{1", r"\nosuchcommand x", r"\begin{aligned} x", r"x_1_2", r"\left( x"])
def test_what_cannot_be_typeset_is_refused(tex):
    with pytest.raises(typeset.TypesetError):
        typeset.inline(tex)


def test_a_failed_formula_fails_the_build_and_is_named(tmp_path, caplog):
    formulas = typeset.Formulas(tmp_path / "formulas.json")
    html = formulas.html(None, typeset.inline, r"\nosuchcommand x", "", "")
    assert "nosuchcommand" in html and formulas.failures == [r"\nosuchcommand x"]
    app = SimpleNamespace(formulas=formulas)
    with pytest.raises(ExtensionError, match="nosuchcommand"):
        typeset.close_formulas(app, None)


def test_formulas_are_kept_until_the_typesetter_changes(tmp_path, monkeypatch):
    path = tmp_path / "formulas.json"
    formulas = typeset.Formulas(path)
    html = formulas.html(None, typeset.inline, "x^2", "", ".")
    formulas.save()
    monkeypatch.setattr(typeset, "mathml", None)  # what is kept is not made again
    again = typeset.Formulas(path)
    assert again.html(None, typeset.inline, "x^2", "", ".") == html
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(stored | {"made by": "another"}), encoding="utf-8")
    assert typeset.Formulas(path).known == {}


def test_a_formula_and_its_full_stop_stay_together():
    assert typeset.inline("x", "(", ").").startswith('<span class="together">(<math')
    assert typeset.inline("x", "(", ").").endswith("</math>).</span>")
    assert "together" not in typeset.inline("x")
    long = typeset.inline(r"a_1 + a_2 + a_3 + a_4 = b_1 + b_2 + b_3 + b_4", "", ",")
    assert long.count("<math>") >= 2 and long.endswith("</math>,</span></span>") and long.count("together") == 1


@pytest.mark.parametrize(
    "tex, pieces",
    [
        ("a=b", ["a=b"]),
        (r"a_1+a_2+a_3 = b_1+b_2+b_3+b_4", ["a1+", "a2+", "a3=", "b1+", "b2+", "b3+b4"]),
        (r"f(a+b+c+d+e+f+g+h+i+j+k) = -1", ["f(a+b+c+d+e+f+g+h+i+j+k)=", "−1"]),
    ],
)
def test_lines_break_behind_operators_outside_brackets(tex, pieces):
    row = typeset.top_row(typeset.mathml(tex))
    found = ["".join("".join(element.itertext()) for element in piece) for piece in typeset.pieces_after(row)]
    if typeset.width(typeset.mathml(tex)) <= typeset.SHORT_INLINE:
        found = ["".join(found)]
    assert found == pieces


def test_a_long_display_breaks_before_its_relations():
    html = typeset.display(
        r"f(x) = \sum_{i=1}^n (x_i-\mu)^2 + \sum_{i=1}^n (y_i-\nu)^2 + \sum_{i=1}^n (z_i - \rho)^2 = 0"
    )
    assert html.count("<math") > 2 and 'displaystyle="true"' in html
    assert html.count("<wbr>") == html.count("<math") - 1
    assert typeset.display("a=b").count("<math") == 1


def test_no_line_breaks_inside_large_bars():
    html = typeset.display(
        r"J(z^{(t)},\mu^{(t-1)})-J(z^{(t)},\mu^{(t)})=\sum_k N_k\bigl\lVert\mu_k^{(t)}-\mu_k^{(t-1)}\bigr\rVert^2+c+d+e"
    )
    assert sum(len(re.findall("[‖∥]", piece)) == 2 for piece in html.split("<wbr>")) == 1


def test_a_function_without_argument_has_no_space_behind():
    assert "mspace" not in typeset.inline(r"D\operatorname{EM}=-Q").split("EM")[1].split("=")[0]
    assert "mspace" not in typeset.inline(r"-\tfrac12\log").split("log<")[1]
    assert "mspace" in typeset.inline(r"\log x").split("<mi>log")[1]


def test_what_stands_before_a_comma_keeps_it():
    html = typeset.display(
        r"\frac{\lVert x-\mu\rVert^2}{\sigma^2}-\frac{\lVert y-\nu\rVert^2}{\tau^2}+c,\qquad c=2\log K+b"
    )
    first, last = html.split("<wbr>")
    assert first.endswith('<mo separator="true">,</mo></mrow></math>') and "<mi>c</mi><mo" in last


def test_a_title_reads_as_plain_text_in_the_search_index():
    assert plaintext.text(typeset.mathml(r"\sigma^2\to0")) == "σ² → 0"


def test_a_function_stands_apart_from_its_factor():
    for tex in (r"r\log q", r"\tfrac12\log q", r"x_k\max_j y"):
        assert re.search(r'<mspace width="0.1667em"></mspace>(<mrow>|<msub>)*<mi>(log|max)', typeset.inline(tex)), tex
    assert "mspace" not in typeset.inline(r"(\log q)").split("<mi>log")[0]


@pytest.mark.parametrize(
    "tex, numbers",
    [
        (r"\mathcal N(0,1)", ["0", "1"]),
        (r"(0.64,0.33)", ["0.64", "0.33"]),
        (r"\{0,2,5\}", ["0", "2", "5"]),
        (r"[0,255]", ["0", "255"]),
        (r"19,584", ["19,584"]),
        (r"x_{1,2}", ["1,2"]),
    ],
)
def test_a_comma_between_numbers_has_its_space(tex, numbers):
    tree = typeset.mathml(tex)
    assert [number.text for number in tree.iter("mn")] == numbers
    if len(numbers) > 1:
        assert sum(sign.text == "," for sign in tree.iter("mo")) == len(numbers) - 1


def test_a_root_does_not_hang_below_its_line():
    assert typeset.inline(r"\sqrt n").count("<msqrt><mspace") == 1


@pytest.mark.parametrize("tex", [r"\Bigl(-a\Bigr)", r"x\bigl[-a\bigr]^2", r"\sum_i\Bigl\{\pm a\Bigr\}"])
def test_a_sign_behind_a_bracket_belongs_to_what_follows(tex):
    assert re.search(r'<mo form="prefix"[^>]*>[−±]</mo>', typeset.display(tex))


@pytest.mark.parametrize(
    ("tex", "tight", "spaced"),
    [
        ("x_{m+1}+y", 1, 1),
        (r"\theta^{(t+1)}=\theta^{(t)}", 1, 1),
        (r"\sum_{k=1}^{K-1}a_{k,l}-b", 3, 1),
        (r"\lim_{t\to\infty}a=b", 1, 1),
    ],
)
def test_signs_and_commas_in_scripts_have_no_space(tex, tight, spaced):
    html = typeset.inline(tex)
    signs = re.findall(r"<mo([^>]*)>([^<])</mo>", html)
    found = [
        'lspace="0" rspace="0"' in said for said, sign in signs if sign in typeset.RELATIONS | typeset.BINARY | {","}
    ]
    assert (sum(found), len(found) - sum(found)) == (tight, spaced)


def test_a_large_slash_has_no_space_about_it():
    assert re.search(r'<mo [^>]*lspace="0"[^>]*>/</mo>', typeset.inline(r"a\big/b"))


@pytest.mark.parametrize(
    "line, form",
    [
        (r"a&=b\\ &+c", "infix"),
        (r"\log a&+c", "infix"),
        (r"f={}&\lVert b\rVert\\ &-c", "infix"),
        (r"f={}&b\\ &\quad-c", "infix"),
        (r"f={}&b\\ &\cdot c", "infix"),
        (r"f={}&-c", "prefix"),
        (r"f\le&-c", "prefix"),
        (r"\max_c\;&-c", "prefix"),
        (r"&-c\\ &\qquad\to d", "prefix"),
        (r"\log{}&f=\\ &-c", "prefix"),
        (r"a&=b,\\ &-c", "prefix"),
        (r"a&=b,\\ -c&=d", "prefix"),
    ],
)
def test_a_sign_that_goes_on_from_the_line_above_stands_between_its_spaces(line, form):
    """A sign at a beginning belongs to what follows."""
    html = typeset.display(rf"\begin{{aligned}}{line}\end{{aligned}}")
    assert re.findall(r'<mo form="(\w+)"[^>]*>[+−⋅]</mo>', html) == [form]
    assert 'lspace="0"' not in html


@pytest.mark.parametrize("before", ["", "a=", "a+", "-a+", "a,", r"\Bigl(", "a=b,", r"\frac1"])
def test_a_sum_at_the_beginning_of_a_term_has_no_space_before_it(before):
    begins = re.findall(r'lspace="0">∑', typeset.inline(before + r"{\sum_ka_k}"))
    assert len(begins) == 1


@pytest.mark.parametrize("before", ["a", r"\frac12", "(a)", "a!", "-", r"\sum_j", r"\log", "a^2", r"\sqrt a"])
def test_a_sum_behind_a_factor_is_set_apart(before):
    assert re.search(r'<mo movablelimits="false">∑', typeset.inline(before + r"\sum_ka_k"))


@pytest.mark.parametrize("space", [r"\;", r"\ "])
def test_no_line_of_a_formula_begins_with_a_space(space):
    html = typeset.inline(rf"s(x,\theta),{space}s(\theta),{space}s_b(\theta)")
    assert re.findall(r"<wbr><math><mrow><(\w+)", html) == ["mi", "msub"]


@pytest.mark.parametrize("before", [r"\exp\Bigl(", r"\lim_{s\to0}", r"\sum_i", "a=", r"\bigl["])
def test_a_minus_at_the_beginning_of_a_term_has_no_space_behind_it(before):
    assert re.search('<mo form="prefix"[^>]*>−', typeset.inline(before + "-b"))


def test_a_relation_alone_in_its_cell_has_its_space():
    html = typeset.display(r"\begin{aligned}f&+g\\ ={}&-c\end{aligned}")
    assert re.search(r'<mo>=</mo>(<mrow></mrow>)?</mrow><mspace width="0.2778em"></mspace></mtd>', html)
    assert "mspace" not in typeset.display(r"\begin{aligned}f={}&-c\end{aligned}")


# ----------------------------------------------------------------- in plain words


@pytest.mark.parametrize(
    "tex, words",
    [
        (r"\ell(\theta)=\sum_{i=1}^n\log\sum_{k=1}^K\pi_k", "ℓ(θ) = ∑ᵢ₌₁ⁿ log ∑ₖ₌₁ᴷ πₖ"),
        (r"-\tfrac12(x-\mu)^\top\Sigma^{-1}(x-\mu)", "−1/2(x − μ)ᵀΣ⁻¹(x − μ)"),
        (r"u=Sv/\sqrt{v^\top Sv}", "u = Sv/√(vᵀSv)"),
        (r"\frac{a+b}{2c}", "(a + b)/2c"),
        (r"p(x\mid\theta^{(t)})", "p(x | θ⁽ᵗ⁾)"),
        (r"\sigma^2>\lambda_{\max}(S)", "σ² > λₘₐₓ(S)"),
        (r"\mu_{z_i}, \bar x_A, q^*, \sqrt[3]t", "μ_(zᵢ), x̄_A, q∗, ³√t"),
        (r"\begin{aligned}a&=b\\&=c\end{aligned}", "a = b = c"),
        (r"\underbrace{a+b}_{\text{sum}}", "a + b"),
    ],
)
def test_a_formula_in_a_line_of_plain_words(tex, words):
    tree = typeset.mathml(tex)
    typeset.set_spaces(tree)
    assert plaintext.text(tree) == words


def test_a_page_in_plain_words():
    """From each anchor to the next; formulas in a line; code at the end, check lines not at all."""
    page = f"""<article><section id="one"><h2>Why <i>it</i> rises<a class="headerlink">#</a></h2>
        <p>Let {typeset.inline("x^2=1", "", ".")}</p><pre>x = 1</pre>
        <details class="fold check"><summary>✓ a check</summary><p class="of">Check of it.</p></details>
        <div class="proof admonition" id="thm"><p>It <br>holds.</p></div>
        <dl><dt id="term">mean</dt><dd>A sum.</dd></dl><table><tr><td>1</td><td>2 &lt; 3</td></tr></table>
        <script>no()</script></section></article>"""
    assert plaintext.article(page) == [
        ["one", "Why it rises. Let x² = 1."],
        ["thm", "It holds."],
        ["term", "mean: A sum. 1, 2 < 3,"],
        ["", "x = 1"],
    ]
