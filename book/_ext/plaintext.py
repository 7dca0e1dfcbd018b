"""Pages and formulas in plain words: what the search shows of them."""

import re
from html import escape
from html.parser import HTMLParser
from xml.etree import ElementTree

RELATIONS = set("=≠<>≤≥≈∼≅≡∝∈∉⊂⊆→←↦⇒⇔⟹⟺≽≼⪰⪯≪≫≔")
BINARY = set("+−±∓×⋅∘⊗⊕∪∩∧∨")
APPLY = "\u2061"  # invisible, stands behind the name of a function
ACCENTS = {
    "‾": "\u0304",
    "¯": "\u0304",
    "ˉ": "\u0304",
    "ˆ": "\u0302",
    "^": "\u0302",
    "˜": "\u0303",
    "~": "\u0303",
    "˙": "\u0307",
}
RAISED = str.maketrans("0123456789+−=()⊤abcdeghijklmnoprstuvxyzDKN", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵀᵃᵇᶜᵈᵉᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛˣʸᶻᴰᴷᴺ")
LOWERED = str.maketrans("0123456789+−=()aehijklmnoprstuvxβγρϕχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)


# ----------------------------------------------------------------- formulas


def text(element):
    """The formula in a line of text: σ² → 0."""
    return " ".join(line(element).split())


def line(element):
    inside = [line(child) for child in element]
    match element.tag:
        case "mphantom" | "annotation":
            return ""
        case "mspace":
            return " " if re.match(r"0\.[1-9]|[1-9]", element.get("width", "")) else ""
        case "msub":
            return inside[0] + small(inside[1], LOWERED, "_")
        case "msup":
            return inside[0] + small(inside[1], RAISED, "^")
        case "msubsup" | "munderover":
            space = " " if element[0].tag == "mo" else ""
            return inside[0] + small(inside[1], LOWERED, "_") + small(inside[2], RAISED, "^") + space
        case "munder":
            return inside[0] + ("" if "⏟" in "".join(element.itertext()) else small(inside[1], LOWERED, "_"))
        case "mover":
            return accented(*inside)
        case "mfrac":
            return " ".join(inside) if element.get("linethickness") else "/".join(map(grouped, inside))
        case "msqrt":
            return root("".join(inside))
        case "mroot":
            return small(inside[1], RAISED, "") + root(inside[0])
        case "mtable":
            return (" " if element.get("class") == "tml-jot" else "; ").join(inside)
        case "mtr":
            return " ".join(inside)
    return (element.text or "").replace("\N{NO-BREAK SPACE}", " ") + "".join(
        signed(children, place, inside[place]) if child.tag == "mo" else inside[place]
        for children in [list(element)]
        for place, child in enumerate(children)
    )


def signed(children, place, sign):
    """A sign with its spaces, in its row."""
    before = children[place - 1] if place else None
    after = children[place + 1] if place + 1 < len(children) else None
    if sign == APPLY:
        return "" if after is None or "".join(after.itertext())[:1] in "([{" else " "
    goes_on = before is not None and (before.tag != "mo" or before.text in set(")]}|‖′!"))
    if sign in RELATIONS or sign in BINARY and goes_on or children[place].get("lspace", "0")[:3] in ("0.2", "0.1"):
        return f" {sign} "
    return sign + " " * (sign in (",", ";"))


def small(words, table, mark):
    """An index or an exponent: in small letters where there are such, else behind a mark."""
    words = "".join(words.split())
    found = words.translate(table)
    if all(letter not in words for letter in found) or set(words) <= set("′∗"):
        return found
    return mark + (words if len(words) == 1 else f"({words})")


def accented(base, over):
    accent = ACCENTS.get(over.strip())
    return base[:1] + accent + base[1:] if accent else base


def root(words):
    words = words.strip()
    return "√" + (words if re.fullmatch(r"\d+|\w", words) else f"({words})")


def grouped(words):
    words = words.strip()
    return f"({words})" if re.search(r"[\s+−/⋅]", words) and not re.fullmatch(r"\([^()]*\)|−?\w+", words) else words


# ----------------------------------------------------------------- pages


class _Reader(HTMLParser):
    """Collects the words of an article: [anchor, words] from each anchor to the next, and the code apart."""

    VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}
    BLOCKS = {"p", "div", "li", "dd", "td", "th", "tr", "figure", "figcaption", "section", "table", "summary"}
    HEADS = {"h1", "h2", "h3", "h4", "dt"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.code, self.open = [["", ""]], "", []

    def handle_starttag(self, tag, attributes):
        if tag in self.VOID:
            return
        attributes = dict(attributes)
        classes = set((attributes.get("class") or "").split())
        parent = self.open[-1] if self.open else ("", set(), "words")
        kind = parent[2]
        if (
            tag in ("script", "style", "button")
            or classes & {"headerlink", "of"}
            or tag == "summary"
            and parent[1] & {"code", "check"}
        ):
            kind = "nothing"
        elif tag == "pre":
            kind = "code"
        self.open.append((tag, classes, kind))
        if attributes.get("id") and kind == "words" and (tag in ("section", "dt") or "admonition" in classes):
            self.parts.append([attributes["id"], ""])
        self.handle_data(" " if tag in self.BLOCKS | self.HEADS else "")

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        self.open.pop()
        words = self.parts[-1][1].rstrip()
        if tag in self.HEADS and (words[-1:].isalnum() or words[-1:] in (")", "]")):
            self.parts[-1][1] = words + (":" if tag == "dt" else ".")
        elif tag in ("td", "th") and words[-1:].isalnum():
            self.parts[-1][1] = words + ","
        self.handle_data(" " if tag in self.BLOCKS | self.HEADS | {"pre"} else "")

    def handle_data(self, data):
        kind = self.open[-1][2] if self.open else "words"
        if self.open and self.open[-1][0] == "sup":
            data = data.translate(RAISED)
        if kind == "words":
            self.parts[-1][1] += data
        elif kind == "code":
            self.code += data


def article(page):
    """[[anchor, words], ...] of a built page, its code last."""
    found = re.search(r"<article\b.*?</article>", page, re.DOTALL)[0]
    found = MATH.sub(lambda formula: escape(line(ElementTree.fromstring(formula[0]))), found)
    reader = _Reader()
    reader.feed(found)
    parts = [*reader.parts, ["", reader.code]]
    return [[anchor, " ".join(words.split())] for anchor, words in parts if words.strip()]
