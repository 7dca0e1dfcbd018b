"""Sphinx extension: what others need to cite a page, to find it and to share it.

Each page ends with "Cite this page", and names itself to reference managers (`citation_*`) and to
those who preview links (Open Graph). Author, version and date are those of CITATION.cff. Where the
book's address is known, pages give their own, and there are a sitemap and a picture for previews.
"""

import os
import re
from functools import cache
from html import escape
from pathlib import Path
from xml.sax.saxutils import escape as xml_escape

import yaml
from docutils import nodes
from ledger import reading_order

ROOT = Path(__file__).resolve().parents[2]
CARD = "_static/card.png"
CARD_SIZE = (1200, 630)
CARD_ALT = "Points in the plane, coloured by four soft clusters that melt into each other, under the book's title."


@cache
def reference(path=ROOT / "CITATION.cff"):
    """The book as CITATION.cff describes it."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def address():
    """Where the book stands in the web, ending in a slash; None where that is not known."""
    known = os.environ.get("BOOK_URL")
    if known:
        return known.rstrip("/") + "/"
    owner, _, name = os.environ.get("GITHUB_REPOSITORY", "").partition("/")
    if not name or os.environ.get("GITHUB_SERVER_URL", "https://github.com") != "https://github.com":
        return None
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


# ----------------------------------------------------------------- who, what, when


def authors():
    """{"family", "given"} or {"name"} of each author, as text and for each purpose."""
    return reference()["authors"]


def in_text(author):
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def family_first(author):
    """For reference managers; the comma behind the name of a group keeps them from parting its words."""
    return f"{author['name']}," if "name" in author else f"{author['family-names']}, {author['given-names']}"


def in_bibtex(author):
    return f"{{{author['name']}}}" if "name" in author else family_first(author)


def number(env, docname):
    """ "Chapter 4", or "" for a page without a number."""
    found = env.toc_secnumbers.get(docname, {}).get("")
    return f"Chapter {'.'.join(map(str, found))}" if found else ""


def plain(title):
    """A title without its markup; of a formula the letters remain."""
    words = "".join(node.astext() if isinstance(node, nodes.Text) else plain(node) for node in title.children)
    return re.sub(r"[\\$]", "", " ".join(words.split()))


# ----------------------------------------------------------------- the two forms of a reference


def text(title, number, url):
    """One line for a list of references, in HTML."""
    book, version, year = reference()["title"], reference()["version"], str(reference()["date-released"])[:4]
    who = escape(", ".join(map(in_text, authors())))
    part = f"“{escape(title)}”, " + (f"{number.lower()} of " if number else "in ") if title else ""
    where = f' <a href="{escape(url)}">{escape(url)}</a>.' if url else ""
    return f"{who}. {part}<cite>{escape(book)}</cite>, version {escape(version)}, {year}.{where}"


def bibtex(docname, title, number, url):
    book, version, year = reference()["title"], reference()["version"], str(reference()["date-released"])[:4]
    book = for_tex(book).replace("Gaussian", "{Gaussian}")
    key = f"kmeans-gaussian-mixture-{year}" + (f"-{docname.rpartition('/')[2]}" if title else "")
    fields = {"author": " and ".join(map(in_bibtex, authors())), "title": for_tex(title) if title else book}
    part = f"{number} of" if number else "In"
    fields["howpublished"] = f"{part} \\emph{{{book}}}, version {version}" if title else f"Version {version}"
    fields["year"] = year
    if url:
        fields["url"] = url
    return f"@misc{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items()) + "}"


def for_tex(words):
    words = re.sub(r"([&%#_])", r"\\\1", words)
    return re.sub(r"\b((?:[A-Z]\w*)?[A-Z]{2}\w*|Gaussian\w*)", r"{\1}", words)  # their capitals stay: {EM}


# ----------------------------------------------------------------- on the page


def describe(app, pagename, templatename, context, doctree):
    """Tags in the head of the page, and the reference at its end."""
    if doctree is None or "body" not in context:
        context["pageurl"] = None
        return
    env = app.env
    front = pagename == app.config.root_doc
    url = context.get("pageurl") or ""
    title = "" if front else plain(env.titles[pagename])
    said = re.search(r'<meta content="([^"]*)" name="description"', context["metatags"])
    tags = [("name", "citation_title", title or reference()["title"])]
    tags += [("name", "citation_author", family_first(author)) for author in authors()]
    tags += [
        ("name", "citation_publication_date", str(reference()["date-released"]).replace("-", "/")),
        ("name", "citation_language", "en"),
    ]
    if title:
        tags += [("name", "citation_book_title", reference()["title"])]
    tags += [
        ("property", "og:type", "article" if title else "book"),
        ("property", "og:title", title or reference()["title"]),
        ("property", "og:site_name", reference()["title"]),
    ]
    if url:
        picture = address() + CARD
        tags += [
            ("name", "citation_public_url", url),
            ("property", "og:url", url),
            ("property", "og:image", picture),
            ("property", "og:image:width", str(CARD_SIZE[0])),
            ("property", "og:image:height", str(CARD_SIZE[1])),
            ("property", "og:image:alt", CARD_ALT),
            ("name", "twitter:card", "summary_large_image"),
        ]
    made = [f'<meta {kind}="{name}" content="{escape(value)}">' for kind, name, value in tags]
    made += [f'<meta property="og:description" content="{said[1]}">'] if said else []  # escaped already
    context["metatags"] += "\n" + "\n".join(made)
    number_ = number(env, pagename)
    context["body"] += (
        f'<details class="cite"><summary>Cite this page</summary>\n<p>{text(title, number_, url)}</p>\n'
        f'<pre tabindex="0" aria-label="The same for BibTeX">{escape(bibtex(pagename, title, number_, url))}</pre>\n</details>\n'
    )


# ----------------------------------------------------------------- beside the pages


def write_sitemap(app, where):
    pages = "".join(
        f"<url><loc>{xml_escape(where + app.builder.get_target_uri(name))}</loc></url>\n"
        for name in reading_order(app.env)
    )
    (Path(app.outdir) / "sitemap.xml").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n',
        encoding="utf-8",
    )


def draw_card(path):
    """The picture that stands beside a link to the book: soft k-means on four groups."""
    import numpy as np
    from matplotlib.figure import Figure

    import mixlib
    from mixlib import plot

    rng = np.random.default_rng(4)
    x = np.concatenate(
        [rng.normal(centre, 0.62, (110, 2)) for centre in [(0, 0.4), (2.1, -0.9), (4.4, 0.7), (6.6, -0.5)]]
    )
    fitted = mixlib.fit(x, 4, covariance="identity", weights="equal", variance=0.5, random_state=1)
    figure = Figure(figsize=[side / 100 for side in CARD_SIZE], dpi=100, facecolor="white")
    ax = figure.add_axes((0.04, 0.03, 0.92, 0.62))
    plot.points(ax, x, responsibilities=fitted.responsibilities, s=60)
    plot.centres(ax, fitted.means if hasattr(fitted, "means") else fitted.mixture.means, s=260)
    ax.set_axis_off()
    ax.set_aspect("equal")
    first, _, second = reference()["title"].partition(" a ")
    figure.text(0.05, 0.84, f"{first} a", fontsize=44, family="STIXGeneral", color="#1b1b1b")
    figure.text(0.05, 0.71, second, fontsize=44, family="STIXGeneral", color="#1b1b1b")
    figure.savefig(path, metadata={"Software": None})


def set_address(app, config):
    if address():
        config.html_baseurl = address()


def finish(app, failed):
    if app.builder.format == "html" and not failed and address():
        write_sitemap(app, address())
        draw_card(Path(app.outdir) / CARD)


def setup(app):
    app.connect("config-inited", set_address)
    app.connect("html-page-context", describe, priority=950)
    app.connect("build-finished", finish, priority=700)  # after `frame` has dropped what it does not know
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
