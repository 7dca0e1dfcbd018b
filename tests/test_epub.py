"""The book as an EPUB: all that the pages hold, and nothing that needs a script or another host."""

import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from functools import cache
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import ZIP_STORED, ZipFile

import epub
import pytest
import xhtml
from bs4 import BeautifulSoup, SoupStrainer
from built import HTML, page_names, require_fresh_site
from cite import reference
from PIL import Image
from results import ROOT

NAMES = [PurePosixPath(name).name for name in page_names()]
XHTML = "{http://www.w3.org/1999/xhtml}"
MATHML = "{http://www.w3.org/1998/Math/MathML}"
OPF = "{http://www.idpf.org/2007/opf}"
DC = "{http://purl.org/dc/elements/1.1/}"
TAGS = [
    "math",
    "mtable",
    "figure",
    "figcaption",
    "pre",
    "table",
    "tr",
    "details",
    "summary",
    "h1",
    "h2",
    "h3",
    "p",
    "li",
    "dt",
    "dd",
    "blockquote",
]
ONLINE = "https://example.org/book/"


@cache
def book():
    require_fresh_site()
    return ZipFile(HTML / epub.EPUB)


@cache
def tree(name):
    return ET.fromstring(book().read(f"EPUB/{name}"))


def documents():
    return sorted(name.removeprefix("EPUB/") for name in book().namelist() if name.endswith(".xhtml"))


def files():
    return {name.removeprefix("EPUB/") for name in book().namelist() if name.startswith("EPUB/")}


@cache
def article(name):
    """A page of the site, but for the front page's cards and button, the words on how to show slides, and what
    stands below each page."""
    require_fresh_site()
    text = (HTML / "book" / f"{name}.html").read_text(encoding="utf-8")
    found = BeautifulSoup(text, "html.parser", parse_only=SoupStrainer("article")).article
    for element in found.select(".headerlink, .cite, .launch, .moved, .chapters, .for-a-screen, p:has(> .sd-btn)"):
        element.decompose()
    for element in found.select("p:has(> ul)"):  # of a docstring
        element.name = "div"
    return found


def made(html, online=None):
    return xhtml.Page(f"<article><section><h1>T</h1>{html}</section></article>", "em", {"em", "normal"}, online)


def body(html, online=None):
    return made(html, online).body("chapter")


# ----------------------------------------------------------------- one page made into XHTML


def test_a_page_is_read_as_xml_or_named():
    root = xhtml.article('x<article><img alt="a&nbsp;b"><br>&lt;<script>if (1 < 2);</script></article>')
    assert root.find("img").get("alt") == "a\N{NO-BREAK SPACE}b" and root.find("br").tail == "<"
    with pytest.raises(ValueError, match="<a download>x"):
        xhtml.article("<article>\n<a download>x</a></article>")


def test_void_elements_alone_are_closed_in_themselves():
    assert '<span id="a"></span>' in body('<span id="a"></span>')
    assert '<img alt="x &gt; y &lt;" src="images/f.webp" />' in body(
        '<img alt="x > y &lt;" src="../_images/f.webp" loading="lazy">'
    )


def test_what_goes_leaves_the_text_around_it():
    said = body('<p>a<a class="headerlink" href="#b">#</a>c <em>d</em><a class="headerlink">#</a>e</p>')
    assert "<p>ac <em>d</em>e</p>" in said
    said = body('<p><a class="sd-btn" href="normal.html">Start</a></p><slide-deck></slide-deck><p>stays</p>')
    assert "Start" not in said and "slide-deck" not in said and "<p>stays</p>" in said


def test_links_lead_into_the_epub_or_to_the_site():
    link = '<a href="normal.html#eq">1</a><a href="../exercises/x.ipynb">2</a><a href="#em">3</a><a href="https://a.b/c">4</a>'
    known, unknown = body(link, ONLINE), body(link)
    for said in (known, unknown):
        assert '<a href="normal.xhtml#eq">1</a>' in said and '<a href="#em">3</a><a href="https://a.b/c">4</a>' in said
    assert f'<a href="{ONLINE}exercises/x.ipynb">2</a>' in known and "<span>2</span>" in unknown


def test_a_formula_in_pieces_is_told_once():
    said = made(r'<span class="formula" data-tex="a=b"><math><mi>a</mi></math><wbr><math><mi>b</mi></math></span>').root
    assert [math.get("alttext") for math in said.iter("math")] == ["a=b", ""]
    assert {math.get("xmlns") for math in said.iter("math")} == {"http://www.w3.org/1998/Math/MathML"}


@pytest.mark.parametrize("online", [None, ONLINE])
def test_what_moves_is_a_still_that_names_the_page(online):
    made_ = made(
        '<variance-slider><svg viewBox="0 0 64 32" role="img" aria-label="Points."><circle r="1"/></svg><noscript><p>Points. '
        "The slider needs JavaScript; its numbers in short:</p><table></table></noscript></variance-slider>tail",
        online,
    )
    said = made_.body("chapter")
    where = f' href="{ONLINE}book/em.html"' if online else ""
    assert f"<p>Points. <a{where}>The page online</a> has the interactive one. Its numbers in short:</p>" in said
    assert 'src="images/still-em-1.svg" alt="Points."' in said and "</figure>tail" in said
    assert "variance-slider" not in said and "JavaScript" not in said
    still = ET.fromstring(made_.stills["still-em-1.svg"])
    assert (still.get("width"), still.get("height"), still.get("viewBox")) == ("64", "32", "0 0 64 32")


@pytest.mark.parametrize(
    "said, code, count",
    [
        ("EPUB is valid", 0, 0),
        ("WARNING - OPF-013 - a: b\nERROR - RSC-005 - c", 1, 2),
        ("ERROR(RSC-005): a", 1, 1),
        ("Java is missing", 1, 1),
    ],
)
def test_what_epubcheck_says_is_read(monkeypatch, said, code, count):
    done = subprocess.CompletedProcess([], code, said, "")
    monkeypatch.setattr(epub.subprocess, "run", lambda *args, **kwargs: done)
    assert len(epub.complaints("book.epub")) == count


@pytest.mark.parametrize(
    "said, known", [("EPUBCheck v4.2.6", False), ("usage:\n\nEpubCheck v5.3.0 - Validate", True), ("no such", False)]
)
def test_an_epubcheck_before_5_does_not_serve(monkeypatch, said, known):
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(epub.subprocess, "run", lambda *args, **kwargs: done)
    assert epub.has_epubcheck() == known


# ----------------------------------------------------------------- the book itself


@pytest.mark.site
def test_the_package():
    first = book().infolist()[0]
    assert (first.filename, first.compress_type, book().read(first)) == (
        "mimetype",
        ZIP_STORED,
        b"application/epub+zip",
    )
    package = tree("package.opf")
    told = {
        key: [element.text for element in package.iter(f"{DC}{key}")]
        for key in ("title", "creator", "language", "rights", "identifier", "subject")
    }
    assert told["title"] == [reference()["title"]] and told["language"] == ["en"]
    assert told["creator"] == [author["name"] for author in reference()["authors"]]
    assert "CC BY 4.0" in told["rights"][0] and "MIT" in told["rights"][0] and "© 2026" in told["rights"][0]
    assert told["identifier"][0].startswith("urn:uuid:") and told["subject"] == reference()["keywords"]
    listed = {item.get("href"): item for item in package.iter(f"{OPF}item")}
    assert set(listed) == files() - {"package.opf"} and len(listed) == len(list(package.iter(f"{OPF}item")))
    covers = [place for place, item in listed.items() if item.get("properties") == "cover-image"]
    with Image.open(BytesIO(book().read(f"EPUB/{covers[0]}"))) as cover:
        assert len(covers) == 1 and cover.size == (1200, 1800)
    kinds = {item.get("id"): item.get("href") for item in listed.values()}
    order = [kinds[entry.get("idref")] for entry in package.iter(f"{OPF}itemref")]
    assert order == ["cover.xhtml", "title.xhtml", "contents.xhtml", *(f"{name}.xhtml" for name in NAMES)]


@pytest.mark.site
def test_the_contents_list_each_page_and_section_in_order():
    listed = [link.get("href") for link in tree("contents.xhtml").find(f".//{XHTML}nav").iter(f"{XHTML}a")]
    expected = []
    for name in NAMES:
        sections = article(name).find("section").find_all("section", recursive=False)
        expected += [f"{name}.xhtml"] + [
            f"{name}.xhtml#{section['id']}" for section in sections if section.find("h2", recursive=False)
        ]
    assert listed == expected
    parts = [span.text for span in tree("contents.xhtml").iter(f"{XHTML}span")]
    assert parts == re.findall(r"^  - caption: (.*)$", (ROOT / "_toc.yml").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.site
@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_page_is_missing(name):
    site = article(name)
    found = tree(f"{name}.xhtml")
    stills = [figure for figure in found.iter(f"{XHTML}figure") if figure.get("class") == "still"]
    assert len(stills) == len(site.find_all("noscript"))
    for tag in TAGS:
        count = len(list(found.iter(f"{MATHML if tag.startswith('m') else XHTML}{tag}")))
        assert count - len(stills) * tag.startswith("fig") == len(site.find_all(tag)), tag


@pytest.mark.site
@pytest.mark.parametrize("name", NAMES)
def test_formulas_and_pictures_have_words(name):
    found = tree(f"{name}.xhtml")
    assert all("alttext" in math.attrib for math in found.iter(f"{MATHML}math"))
    assert all(image.get("alt") for image in found.iter(f"{XHTML}img"))


@pytest.mark.site
def test_links_and_pictures_resolve():
    ids = {}
    for name in documents():
        found = [element.get("id") for element in tree(name).iter() if element.get("id")]
        assert max(Counter(found).values(), default=1) == 1, name
        ids[name] = set(found)
    links = 0
    for name in documents():
        for element in tree(name).iter():
            for key in {"href", "src", "srcset"} & set(element.attrib):
                target, _, anchor = element.get(key).partition("#")
                if element.tag == f"{XHTML}a" and re.match("https?:", target):
                    continue
                assert target == "" or target in files(), (name, element.get(key))
                assert not anchor or anchor in ids[target or name], (name, element.get(key))
                links += key == "href"
    assert links > 3000
    style = book().read("EPUB/book.css").decode()
    assert {f"fonts/{name}" for name in re.findall(r'url\("fonts/(.*?)"\)', style)} == {
        name for name in files() if name.startswith("fonts/")
    }


@pytest.mark.site
def test_no_script_and_no_other_host():
    for name in documents():
        kinds = {word for element in tree(name).iter() for word in element.get("class", "").split()}
        assert not kinds & {"headerlink", "cite", "launch", "moved", "chapters", "sd-btn", "for-a-screen"}, name
        found = {element.tag.removeprefix(XHTML).removeprefix(MATHML) for element in tree(name).iter()}
        assert not found & {"script", "noscript", "iframe", "object", "input", "button", "form"}, name
        assert not [tag for tag in found if "-" in tag], name
        handlers = [key for element in tree(name).iter() for key in element.attrib if key.startswith("on")]
        words = " ".join("".join(tree(name).itertext()).split())
        assert not handlers and not [
            said for said in ("JavaScript.", "Start reading", "Escape leaves") if said in words
        ], name
    assert "http" not in book().read("EPUB/book.css").decode()


@pytest.mark.site
def test_each_page_offers_it():
    for name in NAMES:
        assert f'<a href="../{epub.EPUB}" download="">EPUB</a>' in (HTML / "book" / f"{name}.html").read_text(
            encoding="utf-8"
        )


@pytest.mark.site
def test_its_size():
    assert (HTML / epub.EPUB).stat().st_size < 10e6


@pytest.mark.site
def test_epubcheck_finds_nothing():
    if not epub.has_epubcheck():
        if os.environ.get("REQUIRE_EPUBCHECK"):
            pytest.fail("there is no epubcheck 5")
        pytest.skip("there is no epubcheck 5 here")
    require_fresh_site()
    assert epub.complaints(HTML / epub.EPUB) == []
