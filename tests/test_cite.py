"""Each page can be cited, found and shared; nothing is invented about where it stands."""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import cite
import pytest
from built import HTML, page, page_names
from PIL import Image
from pybtex.database import parse_string

PAGES = page_names()
FRONT = PAGES[0]
BOOK = cite.reference()["title"]
VERSION = cite.reference()["version"]
YEAR = str(cite.reference()["date-released"])[:4]


def tag(found, name):
    one = found.find("meta", attrs={"name": name}) or found.find("meta", attrs={"property": name})
    return one and one["content"]


@pytest.fixture
def nowhere(monkeypatch):
    for name in ("BOOK_URL", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)


# ----------------------------------------------------------------- the address


@pytest.mark.parametrize(
    "environment, address",
    [
        ({}, None),
        ({"BOOK_URL": "https://book.example.org"}, "https://book.example.org/"),
        ({"BOOK_URL": "https://example.org/book/", "GITHUB_REPOSITORY": "a/b"}, "https://example.org/book/"),
        ({"GITHUB_REPOSITORY": "Some-One/the-book"}, "https://some-one.github.io/the-book/"),
        ({"GITHUB_REPOSITORY": "someone/someone.github.io"}, "https://someone.github.io/"),
        ({"GITHUB_REPOSITORY": "someone/book", "GITHUB_SERVER_URL": "https://git.example.org"}, None),
    ],
)
def test_the_address_is_known_or_not(nowhere, monkeypatch, environment, address):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cite.address() == address
    config = SimpleNamespace(html_baseurl="")
    cite.set_address(None, config)
    assert config.html_baseurl == (address or "")


# ----------------------------------------------------------------- the built pages


@pytest.mark.site
@pytest.mark.parametrize("name", PAGES)
def test_page_says_how_to_cite_it(name):
    found = page(name)
    (box,) = found.select("article details.cite")
    assert not box.has_attr("open") and box.summary.get_text() == "Cite this page"
    said = " ".join(box.p.get_text().split())
    assert BOOK in said and f"version {VERSION}, {YEAR}." in said
    (entry,) = parse_string(box.pre.get_text(), "bibtex").entries.values()
    assert entry.fields["year"] == YEAR and f"ersion {VERSION}" in entry.fields["howpublished"]
    assert [str(person).strip("{}") for person in entry.persons["author"]] == [
        author.get("name") for author in cite.authors()
    ]
    shown = re.sub(r"[{}\\]", "", entry.fields["title"])
    assert shown == (BOOK if name == FRONT else tag(found, "citation_title"))
    if name != FRONT:
        assert f"“{tag(found, 'citation_title')}”" in said
        heading = re.match(r"(\d+)\.", found.title.get_text())
        assert (
            (f"chapter {heading[1]} of" in said and entry.fields["howpublished"].startswith(f"Chapter {heading[1]} of"))
            if heading
            else ("”, in " in said)
        )


@pytest.mark.site
def test_keys_differ():
    keys = [
        next(iter(parse_string(page(name).select_one("details.cite pre").get_text(), "bibtex").entries))
        for name in PAGES
    ]
    assert len(set(keys)) == len(PAGES)


@pytest.mark.site
@pytest.mark.parametrize("name", PAGES)
def test_page_names_itself(name):
    found = page(name)
    front = name == FRONT
    assert tag(found, "citation_title") in found.title.get_text()
    assert tag(found, "citation_author").strip(",") == cite.in_text(cite.authors()[0])
    assert tag(found, "citation_publication_date") == str(cite.reference()["date-released"]).replace("-", "/")
    assert tag(found, "citation_book_title") == (None if front else BOOK)
    assert tag(found, "og:type") == ("book" if front else "article")
    assert tag(found, "og:title") == tag(found, "citation_title") and tag(found, "og:site_name") == BOOK
    assert tag(found, "og:description") == tag(found, "description")


@pytest.mark.site
@pytest.mark.parametrize("name", PAGES)
def test_addresses_only_where_they_are_known(name):
    """The same environment as for the build."""
    found, where = page(name), cite.address()
    canonical = [link["href"] for link in found.find_all("link", rel="canonical")]
    given = [tag(found, key) for key in ("citation_public_url", "og:url")]
    if where:
        assert canonical == [f"{where}{name}.html"] and given == canonical * 2
        assert tag(found, "og:image") == where + cite.CARD and (HTML / cite.CARD).exists()
        assert canonical[0] in found.select_one("details.cite pre").get_text()
    else:
        assert canonical == [] and given == [None, None] and tag(found, "og:image") is None
        assert "http" not in found.select_one("details.cite").get_text()


@pytest.mark.site
def test_the_sitemap_lists_every_page_or_is_not_there():
    path, where = HTML / "sitemap.xml", cite.address()
    assert path.exists() == bool(where)
    if where:
        listed = [one.text for one in ElementTree.parse(path).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
        assert listed == [f"{where}{name}.html" for name in PAGES]


@pytest.mark.site
@pytest.mark.parametrize("name", ["search", "genindex"])
def test_pages_without_text_are_not_cited(name):
    assert page(name).select("details.cite, link[rel=canonical]") == []


# ----------------------------------------------------------------- with an address, whatever the build had


def test_a_page_that_knows_its_address(nowhere, monkeypatch):
    from docutils import nodes

    monkeypatch.setenv("BOOK_URL", "https://example.org/book")
    title = nodes.title("", "", nodes.Text("EM & "), nodes.math("", "K"), nodes.Text("-means"))
    env = SimpleNamespace(titles={"book/em": title}, toc_secnumbers={"book/em": {"": (4,)}})
    app = SimpleNamespace(env=env, config=SimpleNamespace(root_doc="book/index"))
    context = {
        "body": "<p>text</p>",
        "metatags": '<meta content="About &quot;it&quot;." name="description" />',
        "pageurl": "https://example.org/book/book/em.html",
    }
    cite.describe(app, "book/em", "page.html", context, object())
    assert '<meta name="citation_title" content="EM &amp; K-means">' in context["metatags"]
    assert '<meta property="og:url" content="https://example.org/book/book/em.html">' in context["metatags"]
    assert '<meta property="og:image" content="https://example.org/book/_static/card.png">' in context["metatags"]
    assert '<meta property="og:description" content="About &quot;it&quot;.">' in context["metatags"]
    assert "“EM &amp; K-means”, chapter 4 of <cite>" in context["body"]
    assert 'href="https://example.org/book/book/em.html"' in context["body"]
    assert "title = {{EM} \\&amp; K-means}" in context["body"]
    assert "url = {https://example.org/book/book/em.html}" in context["body"]


def test_people_as_authors(monkeypatch):
    monkeypatch.setattr(
        cite, "authors", lambda: [{"given-names": "Ada", "family-names": "Moss"}, {"name": "The Group"}]
    )
    assert cite.text("", "", "").startswith("Ada Moss, The Group. <cite>")
    assert "author = {Moss, Ada and {The Group}}" in cite.bibtex("book/index", "", "", "")
    assert [cite.family_first(one) for one in cite.authors()] == ["Moss, Ada", "The Group,"]


def test_the_card(tmp_path):
    cite.draw_card(tmp_path / "card.png")
    with Image.open(tmp_path / "card.png") as card:
        assert card.size == cite.CARD_SIZE
        assert len(card.convert("RGB").getcolors(1 << 24)) > 100
    assert (tmp_path / "card.png").stat().st_size < 300_000
