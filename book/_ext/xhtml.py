"""A page of the site as it stands in the EPUB: its article as XHTML, without what only a screen has.

MathML, numbers, boxes, folds and alternative texts stay as they are. Links lead to the EPUB's own files, and
what moves on the page is the still that it holds for readers without scripts.
"""

import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

NAMESPACES = {"math": "http://www.w3.org/1998/Math/MathML", "svg": "http://www.w3.org/2000/svg"}
KINDS = {".svg": "image/svg+xml", ".webp": "image/webp", ".png": "image/png", ".woff2": "font/woff2"}
MOVING = {"variance-slider", "mixture-laboratory", "covariance-ellipse"}
FOR_A_SCREEN = {"headerlink", "cite", "launch", "moved", "sd-container-fluid", "toctree-wrapper", "for-a-screen"}
UNUSED = ("loading", "decoding", "data-tex")
NEEDS_SCRIPT = re.compile(r"(?:The slider|The laboratory|Dragging) needs JavaScript[.;]?\s*")


def article(html):
    """The article of a page as an element tree: Sphinx's HTML is XML but for its empty elements and entities."""
    text = re.search(r"<article\b.*?</article>", html, re.DOTALL)[0]
    text = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
    text = re.sub(r'<(img|br|wbr|hr|source|col)\b((?:[^>"]|"[^"]*")*?)\s*/?>', r"<\1\2/>", text)
    text = re.sub(r"&(?!amp;|lt;|gt;|quot;|#)\w+;", lambda entity: unescape(entity[0]), text)
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        line = text.split("\n")[error.position[0] - 1]
        raise ValueError(f"the EPUB needs pages that are XML (attributes with values, tags closed): {line}") from error


def serialised(element):
    """As XHTML that a reader of HTML understands too: only void elements are closed in themselves."""
    text = ET.tostring(element, encoding="unicode")
    return re.sub(r"<(?!(?:img|br|wbr|hr|source|col)\b)([\w:-]+)([^<>]*?) />", r"<\1\2></\1>", text)


def words(element):
    """Its text; of a formula the letters remain."""
    return " ".join("".join(element.itertext()).replace("\u2061", "").split())


def classes(element):
    return set(element.get("class", "").split())


def put(parent, child, others):
    """Others, which may be none, in the place of a child."""
    place, tail = list(parent).index(child), child.tail or ""
    parent[place : place + 1] = others
    if others:
        others[-1].tail = (others[-1].tail or "") + tail
    elif place:
        parent[place - 1].tail = (parent[place - 1].tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail


class Page:
    """One page of the site, as it stands in the EPUB."""

    def __init__(self, html, name, names, online):
        self.name, self.names, self.online, self.images, self.stills = name, names, online, set(), {}
        self.root = article(html)
        self.settle(self.root)
        self.root = self.root.find("section")
        self.title = heading(self.root.find("h1"))
        self.sections = [(part.get("id"), heading(part.find("h2"))) for part in self.root.iterfind("section[h2]")]

    def settle(self, parent):
        """What only a screen has goes, links and pictures lead into the EPUB, and what moves stands still."""
        for child in list(parent):
            if classes(child) & FOR_A_SCREEN or child.tag == "slide-deck" or is_button(child):
                put(parent, child, [])
                continue
            if child.tag in MOVING:
                put(parent, child, [self.still(child)])
                continue
            if child.get("data-tex"):
                set_alternative(child)
            for name in UNUSED + ("style",) * (child.tag == "div"):
                child.attrib.pop(name, None)
            for name in {"src", "srcset"} & set(child.attrib):
                self.images.add(Path(child.get(name)).name)
                child.set(name, f"images/{Path(child.get(name)).name}")
            if child.tag == "source":
                child.set("type", KINDS[Path(child.get("srcset")).suffix])
            if child.tag == "p" and child.find("ul") is not None:  # of a docstring; no paragraph holds a list
                child.tag = "div"
            if child.tag in ("mi", "mn"):  # MathML knows it for mstyle alone; browsers go by the style beside it
                child.attrib.pop("scriptlevel", None)
            if child.tag in NAMESPACES:
                child.set("xmlns", NAMESPACES[child.tag])
            if child.get("alttext"):
                child.set("alttext", " ".join(child.get("alttext").split()))
            if child.tag == "a" and child.get("href"):
                self.lead(child)
            self.settle(child)

    def lead(self, link):
        """To a file of the EPUB; to the site, where its address is known, for what the EPUB has not; else nowhere."""
        target, _, anchor = link.get("href").partition("#")
        if re.match(r"[a-z]+:", target) or not target:
            return
        name = target.removesuffix(".html")
        if name in self.names:
            link.set("href", f"{name}.xhtml" + (f"#{anchor}" if anchor else ""))
        elif self.online:
            link.set("href", f"{self.online}{target.removeprefix('../')}")
        else:
            link.tag = "span"
            del link.attrib["href"]

    def still(self, moving):
        """The picture and the words that the page has for readers without scripts."""
        svg, said = moving.find("svg"), moving.find("noscript")
        name = f"still-{self.name}-{len(self.stills) + 1}.svg"
        figure = ET.Element("figure", {"class": "still"})
        figure.append(ET.Element("img", {"src": f"images/{name}", "alt": svg.attrib.pop("aria-label")}))
        svg.attrib.update(xmlns=NAMESPACES["svg"])
        svg.attrib.update(zip(("width", "height"), svg.get("viewBox").split()[2:]))
        svg.tail = None
        self.stills[name] = ET.tostring(svg, encoding="unicode")
        caption = ET.SubElement(figure, "figcaption")
        first = said.find("p")
        first.text, rest = NEEDS_SCRIPT.split(first.text, maxsplit=1)
        online = ET.SubElement(first, "a", {"href": f"{self.online}book/{self.name}.html"} if self.online else {})
        online.text, online.tail = "The page online", f" has the interactive one. {rest[:1].upper()}{rest[1:]}"
        caption.extend(said)
        return figure

    def body(self, kind):
        """The XHTML of the page, which is a chapter or something else."""
        self.root.set("epub:type", kind)
        return serialised(self.root)


def heading(element):
    """ "4 EM" for "Chapter 4 EM"."""
    return re.sub(r"^Chapter (\d+) ", r"\1. ", words(element))


def is_button(element):
    """A paragraph that is one link, in the form of a button."""
    return element.tag == "p" and len(element) == 1 and "sd-btn" in classes(element[0])


def set_alternative(formula):
    """A formula in pieces, between which a line may break: the first piece carries the words of the whole."""
    for place, math in enumerate(formula.iter("math")):
        math.set("alttext", "" if place else formula.get("data-tex"))
