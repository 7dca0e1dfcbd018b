"""Sphinx extension: formulas are typeset when the book is built, as MathML.

Temml (book/_vendor/temml) turns TeX into MathML; it runs in V8, which the package mini-racer
brings along. Here its result is given places to break a line, so that a formula fits a phone, and
is kept together with the punctuation behind it. A page needs no script to show mathematics.
"""

import hashlib
import json
import re
from functools import cache
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import plaintext
from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOGGER = logging.getLogger(__name__)
TEMML = Path(__file__).resolve().parents[1] / "_vendor" / "temml" / "temml.min.js"

SHORT_INLINE = 7  # ems; a shorter formula in a line of text is never broken
SHORT_DISPLAY = 15  # ems; a shorter display fits a phone as it is
RELATIONS = set("=≠<>≤≥≈∼≅≡∝∈∉⊂⊆→←↦⇒⇔⟹⟺≽≼⪰⪯≪≫≔:")
BINARY = set("+−±∓×⋅·∘⊗⊕∪∩∧∨")
SUMS = set("∑∏∫∬⋃⋂")
SEPARATORS = set(",;")
OPENING = set("([{⟨⌊⌈")
CLOSING = set(")]}⟩⌋⌉")
BARS = set("|∣‖∥")
APPLY = "\u2061"  # invisible, stands behind the name of a function
SCRIPTED = ("msub", "msup", "msubsup", "munder", "mover", "munderover")
THIN = {"width": "0.1667em"}
THICK = {"width": "0.2778em"}


class TypesetError(ValueError):
    """A formula that cannot be typeset."""


@cache
def _temml():
    engine = MiniRacer()
    engine.eval(TEMML.read_text(encoding="utf-8"))
    return engine


def mathml(tex, display=False):
    """The formula as an element tree, as Temml makes it."""
    source = (
        f"temml.renderToString({json.dumps(prepared(tex))}, "
        f"{{displayMode: {json.dumps(display)}, throwOnError: true, wrap: 'none'}})"
    )
    try:
        tree = ElementTree.fromstring(_temml().eval(source))
    except JSEvalException as error:
        said = next((line for line in str(error).splitlines() if "Error: " in line), str(error))
        raise TypesetError(said.split("Error: ")[-1].strip()) from None
    part_lists(tree)
    return tree


def prepared(tex):
    """A display of several lines is aligned, if it does not say so itself."""
    tex = tex.strip()
    if "\\\\" in tex and "\\begin{" not in tex and "\\substack" not in tex:
        return f"\\begin{{aligned}}{tex}\\end{{aligned}}"
    return tex


# ----------------------------------------------------------------- HTML of a formula


def inline(tex, before="", after=""):
    """A formula in a line of text, together with what must not be parted from it."""
    tree = mathml(tex)
    set_spaces(tree)
    row = top_row(tree)
    pieces = [row] if width(tree) <= SHORT_INLINE else pieces_after(row)
    found = [math(piece, tex if len(pieces) == 1 else None) for piece in pieces]
    if before:
        found[0] = together(
            escape(before, quote=False) + found[0] + (escape(after, quote=False) if len(found) == 1 else "")
        )
    if after and not (before and len(found) == 1):
        found[-1] = together(found[-1] + escape(after, quote=False))
    return (
        found[0] if len(found) == 1 else f'<span class="formula" data-tex="{escape(tex)}">{"<wbr>".join(found)}</span>'
    )


def display(tex):
    """A formula on a line of its own: it breaks before a relation where the page is narrow."""
    tree = mathml(tex, display=True)
    set_spaces(tree)
    row = top_row(tree)
    pieces = [row] if width(tree) <= SHORT_DISPLAY else pieces_before(row)
    if len(pieces) == 1:
        return f'<div class="formula">{math(row, tex, display="block")}</div>'
    found = "<wbr>".join(math(piece, displaystyle="true") for piece in pieces)
    return f'<div class="formula" data-tex="{escape(tex)}">{found}</div>'


def math(children, tex=None, **attributes):
    element = ElementTree.Element("math", attributes | ({"alttext": tex} if tex else {}))
    if len(children) == 1:
        element.append(children[0])
    else:
        ElementTree.SubElement(element, "mrow").extend(children)
    return ElementTree.tostring(element, encoding="unicode", short_empty_elements=False)


def together(html):
    return f'<span class="together">{html}</span>'


def top_row(tree):
    """The elements that stand side by side in the formula."""
    children = list(tree)
    while len(children) == 1 and children[0].tag == "mrow" and not children[0].attrib:
        children = list(children[0])
    return children


# ----------------------------------------------------------------- where a line may break


def pieces_after(row):
    """Broken as in TeX: behind a relation, a binary operator or a comma outside all brackets."""
    pieces = [[]]
    for element, breaks in zip(row, breaking(row)):
        space = element.tag == "mspace" or element.tag == "mtext" and not element.text.strip()
        ends = space and len(pieces) > 1 and not pieces[-1]  # no line begins with a space
        pieces[-2 if ends else -1].append(element)
        if breaks:
            pieces.append([])
    return joined([piece for piece in pieces if piece], 1.5)


def pieces_before(row):
    """Broken as displays are: before a relation or a binary operator, behind a comma."""
    pieces = [[]]
    for element, breaks in zip(row, breaking(row)):
        comma = breaks and element.text in SEPARATORS
        if breaks and not comma and pieces[-1]:
            pieces.append([])
        pieces[-1].append(element)
        if comma:
            pieces.append([])
    return joined([piece for piece in pieces if piece], 4)


def breaking(row):
    """Whether a line may break at this element, for each."""
    depth, last, found = 0, None, []
    in_bars = False
    for element in row:
        core = element[0] if element.tag in ("msub", "msup", "msubsup") else element
        if core.tag == "mo" and core.text in BARS and core.get("minsize"):
            in_bars = not in_bars  # of set size: the same sign before and behind
        sign = (element.text or "") if element.tag == "mo" else ""
        opens = sign in OPENING or element.get("form") == "prefix" and sign not in BINARY
        closes = sign in CLOSING or element.get("form") == "postfix"
        depth += (sign != "" and opens) - (sign != "" and closes)
        infix = (
            sign in RELATIONS | BINARY
            and element.get("form") != "prefix"
            and last is not None
            and last.tag != "mo"
            or sign in RELATIONS | BINARY
            and last is not None
            and last.text in CLOSING | {"‖", "|", "′", "!"}
        )
        if infix:
            element.set("form", "infix")  # it keeps its spaces at the end of a piece, too
        found.append(depth == 0 and not in_bars and (infix or sign in SEPARATORS))
        last = element
    if found:
        found[-1] = False
    return found


def joined(pieces, least):
    """Pieces narrower than this many ems are joined to their neighbour."""
    found = []
    for piece in pieces:
        narrow = found and sum(map(width, found[-1])) < least
        if narrow and len(found) > 1 and found[-1][-1].text in SEPARATORS:
            found[-2:] = [found[-2] + found[-1], piece]  # what ends with a comma belongs to what it ends
        elif narrow:
            found[-1] = found[-1] + piece
        else:
            found.append(piece)
    if len(found) > 1 and sum(map(width, found[-1])) < least:
        found[-2:] = [found[-2] + found[-1]]
    return found


def width(element):
    """About how wide the element is, in ems."""
    inside = [width(child) for child in element]
    text = element.text or ""
    match element.tag:
        case "mi" | "mn" | "mtext" | "ms":
            return 0.52 * len(text)
        case "mo":
            return 0.0 if text == APPLY else 1.3 if text in RELATIONS else 1.1 if text in BINARY else 0.45
        case "mspace":
            return float(re.sub("[^0-9.-]", "", element.get("width", "0")) or 0)
        case "msub" | "msup":
            return inside[0] + 0.7 * inside[1]
        case "msubsup":
            return inside[0] + 0.7 * max(inside[1:])
        case "munder" | "mover" | "munderover":
            return max(inside[0], *(0.7 * one for one in inside[1:]))
        case "mfrac":
            return max(inside) * 0.9 + 0.2
        case "msqrt" | "mroot":
            return 0.9 + sum(inside)
        case "mtable":
            rows = [[width(cell) for cell in row] for row in element]
            return sum(max(row[j] for row in rows if j < len(row)) for j in range(max(map(len, rows))))
        case "annotation":
            return 0.0
    return sum(inside)


# ----------------------------------------------------------------- spaces

ROWS = ("mrow", "math", "mtd", "mstyle", "msqrt")
THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?")


def part_lists(element):
    """0,1 is two numbers with a comma's space between them, for which Temml takes one; 19,584 is one."""
    for place, child in reversed(list(enumerate(element))):
        if child.tag == "mn" and "," in child.text and element.tag in ROWS and not THOUSANDS.fullmatch(child.text):
            element.remove(child)
            for number in reversed(child.text.split(",")):
                element.insert(place, child.makeelement("mn", {}))
                element[place].text = number
                element.insert(place, child.makeelement("mo", {"separator": "true"}))
                element[place].text = ","
            del element[place]
        elif child.tag not in SCRIPTED:
            part_lists(child)
        elif len(child):
            part_lists(child[0])


def set_spaces(tree):
    """TeX's spaces where Temml leaves them to browsers: in lines that go on, behind brackets, before names, around dots."""
    for table in tree.iter("mtable"):
        if table.get("class") == "tml-jot":
            set_apart(table)
    set_beginnings(tree)
    set_scripts(tree)
    set_roots(tree)
    for parent in list(tree.iter()):
        if parent.tag in ROWS:
            children = list(parent)
            for name, behind in zip(children, children[1:] + ([None] if is_top(parent, tree) else [])):
                if ends_function(name) and (behind is None or stands_between(behind)):
                    name.remove(name[-1])  # no argument, no space
            for place in range(len(children) - 1, 0, -1):
                if names_function(children, place) and is_factor(children[place - 1]):
                    parent.insert(place, ElementTree.Element("mspace", THIN))
    for sign in tree.iter("mo"):
        slash = sign.text == "/" and sign.get("minsize")  # a large one is the same sign
        if sign.text in ("…", "⋯") or sign.get("form") == "prefix" and sign.text in ("⋅", "∗") or slash:
            sign.attrib.update(lspace="0", rspace="0")  # else set apart as an operator is


def set_beginnings(element, last=None):
    """Where a term begins, a sum has no space before it and a minus none behind: last is what stands before the element."""
    if element.tag in ("mrow", "mstyle", "mpadded", "math", "mtd", "msqrt"):
        last = None if element.tag in ("math", "mtd", "msqrt") else last
        for child in element:
            last = last if child.tag == "mspace" else set_beginnings(child, last)
        return element if element.tag == "msqrt" else last
    if element.tag in SCRIPTED:
        core = set_beginnings(element[0], last)
        return core if core is not None and core.text in SUMS else element
    if len(element):
        for child in element:
            set_beginnings(child)
    elif element.tag == "mo":
        sign, before = element.text, (last.text if last is not None and last.tag == "mo" else None)
        begins = last is None or before is not None and before in RELATIONS | BINARY | SEPARATORS | OPENING
        if sign in SUMS and begins:
            element.set("lspace", "0")
        if sign in BINARY and (begins or before in {APPLY, *SUMS}) and element.get("form") != "infix":
            element.set("form", "prefix")
            return ElementTree.Element("mi")  # with what follows it is one thing
    return element


def set_scripts(tree):
    """In an index, an exponent and a limit signs and commas have no space: x_{m+1} is closer than x + 1."""
    for element in tree.iter():
        for script in element[1:] if element.tag in SCRIPTED else ():
            for sign in script.iter("mo"):
                if sign.text in RELATIONS | BINARY | SEPARATORS:
                    sign.attrib.update(lspace="0", rspace="0")


def set_roots(tree):
    """As TeX does, a root is as high above a low letter as below it; browsers would hang the sign below."""
    for root in tree.iter("msqrt"):
        root.insert(0, ElementTree.Element("mspace", {"width": "0", "height": "0.78em", "depth": "0.27em"}))


def set_apart(table):
    """In aligned lines Temml takes the sign that begins a right-hand cell for a prefix: it is one only at a beginning."""
    last = None
    for cell in table.iter("mtd"):
        content = visible(cell)
        goes_on = cell.get("class") == "tml-left" and last is not None and is_factor(last)
        if goes_on and content and content[0].tag == "mo" and content[0].text in BINARY:
            content[0].set("form", "infix")
        if cell.get("class") == "tml-right" and len(content) == 1 and content[0].text in RELATIONS:
            cell.append(ElementTree.Element("mspace", THICK))  # a sign alone in its cell has no spaces of its own
        last = content[-1] if content else last


def visible(element):
    """What stands side by side in a cell, without groups and spaces."""
    found = []
    for child in element:
        found += visible(child) if child.tag in ("mrow", "mstyle", "mpadded") else [child]
    return [one for one in found if one.tag != "mspace"]


def names_function(children, place):
    element = children[place]
    inner = list(element) if element.tag == "mrow" else children[place:]
    return len(inner) > 1 and inner[0].tag in ("mi", "msub", "msup", "msubsup", "munder") and inner[1].text == APPLY


def ends_function(element):
    return element.tag == "mrow" and len(element) > 1 and element[-2].text == APPLY and element[-1].tag == "mspace"


def stands_between(sign):
    return sign.tag == "mo" and sign.text in RELATIONS | BINARY | SEPARATORS and sign.get("form") != "prefix"


def is_top(row, tree):
    return row is tree or list(tree) == [row]


def is_factor(element):
    if element.tag == "mrow" and len(element):
        return element[-1].tag != "mspace" and is_factor(element[-1])
    if element.tag == "mo":
        return element.text in CLOSING or element.get("form") == "postfix"
    return element.tag not in ("mspace", "mtext", "mphantom")


# ----------------------------------------------------------------- in Sphinx


class KeepTogether(SphinxPostTransform):
    """Brackets before a formula and punctuation behind it go with the formula."""

    default_priority = 900
    formats = ("html",)
    BEFORE = re.compile(r"[(\[“‘]+$")
    AFTER = re.compile(r"^[.,;:!?)\]”’'…–-]+s?(?=[\s.,;:!?)\]]|$)|^[.,;:!?)\]”’'…–-]+")

    def run(self, **kwargs):
        for node in list(self.document.findall(nodes.math)):
            place = node.parent.index(node)
            self.take(node, "before", place - 1, self.BEFORE)
            self.take(node, "after", node.parent.index(node) + 1, self.AFTER)
        for title in self.document.findall(nodes.title):
            for node in list(title.findall(nodes.math)):
                node.replace_self(title_math("", nodes.math.astext(node), **node.attributes))

    def take(self, node, name, place, pattern):
        if 0 <= place < len(node.parent) and isinstance(node.parent[place], nodes.Text):
            text = node.parent[place]
            found = pattern.search(text)
            if found:
                node[name] = found[0]
                node.parent[place] = nodes.Text(text[: found.start()] + text[found.end() :])


class title_math(nodes.math):
    """In a title: for the search index it reads as the letters that it shows."""

    def astext(self):
        return plaintext.text(mathml(super().astext()))


class Formulas:
    """The formulas of a build: kept from one build to the next, and the failures among them."""

    def __init__(self, path):
        self.path = path
        self.made_by = hashlib.sha256(TEMML.read_bytes() + Path(__file__).read_bytes()).hexdigest()
        self.known, self.used, self.failures = {}, {}, []
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["made by"] == self.made_by:
                self.known = stored["formulas"]

    def html(self, node, make, *parts):
        key = "\0".join((make.__name__, *parts))
        if key not in self.known:
            try:
                self.known[key] = make(*parts)
            except TypesetError as error:
                LOGGER.warning("this formula cannot be typeset: %s (%s)", parts[0], error, location=node)
                self.failures.append(parts[0])
                return f'<code class="failed">{escape(parts[0])}</code>'
        return self.known[key]

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"made by": self.made_by, "formulas": self.known}), encoding="utf-8")


def visit_inline(writer, node):
    tex = nodes.math.astext(node)
    writer.body.append(
        writer.builder.app.formulas.html(node, inline, tex, node.get("before", ""), node.get("after", ""))
    )
    raise nodes.SkipNode


def visit_display(writer, node):
    writer.body.append(writer.starttag(node, "div", "", CLASS="math"))
    writer.body.append(writer.builder.app.formulas.html(node, display, node.astext()))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def open_formulas(app):
    app.formulas = Formulas(Path(app.outdir).parent / "formulas.json")


def close_formulas(app, failed):
    app.formulas.save()
    if app.formulas.failures and not failed:
        raise ExtensionError(
            "These formulas cannot be typeset (see the warnings for their pages): " + "; ".join(app.formulas.failures)
        )


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.add_post_transform(KeepTogether)
    app.connect("builder-inited", open_formulas)
    app.connect("build-finished", close_formulas, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
