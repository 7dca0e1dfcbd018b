"""The book as an EPUB 3.3, made from the built pages: a Sphinx extension, and `make epub`, which checks what it made.

Each page becomes a file of XHTML (see `xhtml`); a cover, a title page and a list of contents stand before them.
Nothing in it needs a script or another host. Every build of the site writes it, so the two never differ.
"""

import re
import shutil
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from string import Template
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import yaml
from cite import address, in_text, reference
from launch import EPUB
from results import ROOT
from xhtml import KINDS, Page

TARGET = ROOT / "_build" / "epub"
TEMPLATES = ROOT / "book" / "_templates" / "epub"  # with the style sheet
COVER = "images/cover.png"
COVER_ALT = (
    "The same points under the same loop, twice. Above, k-means cuts the plane by straight lines; below, a Gaussian "
    "mixture finds a wide, a small and a long component."
)


# ----------------------------------------------------------------- what no page has


def fill(name, **values):
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values)


def style():
    """The EPUB's own style sheet, with the lines of the site's that all formulas need."""
    site = (ROOT / "book" / "_static" / "math.css").read_text(encoding="utf-8")
    shared = site.split("takes these lines too. */")[1].split("/* So far. */")[0]
    return (TEMPLATES / "book.css").read_text(encoding="utf-8").replace("/* TEMML */", shared.strip())


def framed(title, body):
    return fill("page.xhtml", title=escape(title), body=body)


def rights():
    """Whose it is and what one may do with it: the lines of LICENSE-text and of the foot of each page."""
    owner = re.search(r"^Copyright.*$", (ROOT / "LICENSE-text").read_text(encoding="utf-8"), re.MULTILINE)[0]
    footer = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["extra_footer"]
    return f"{owner.replace('(c)', '©')}. {re.sub(r'<[^>]*>', '', footer).strip()}"


def parts():
    """[(title of the part or None, [(page, its kind)])] in reading order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [(None, [(Path(toc["root"]).name, "introduction")])]
    for part in toc["parts"]:
        kind = "appendix" if part["caption"] == "Appendices" else "chapter"
        named = {"glossary": "glossary", "bibliography": "bibliography"}
        names = [Path(chapter["file"]).name for chapter in part["chapters"]]
        found.append((part["caption"], [(name, named.get(name, kind)) for name in names]))
    return found


def contents(found):
    """The list of parts, pages and sections, for the navigation document."""

    def entry(name):
        page = found[name]
        sections = "".join(
            f'<li><a href="{name}.xhtml#{key}">{escape(title)}</a></li>\n' for key, title in page.sections
        )
        return (
            f'<li><a href="{name}.xhtml">{escape(page.title)}</a>'
            + (f"\n<ol>\n{sections}</ol>" if sections else "")
            + "</li>\n"
        )

    said = ""
    for caption, entries in parts():
        listed = "".join(entry(name) for name, _ in entries)
        said += f"<li><span>{escape(caption)}</span>\n<ol>\n{listed}</ol></li>\n" if caption else listed
    return said


def cover():
    """The README's picture, one half above the other, under the title."""
    import matplotlib
    from matplotlib.figure import Figure
    from picture import draw_panels

    from mixlib import plot

    file = BytesIO()
    with matplotlib.rc_context():
        plot.use_style()
        figure = Figure(figsize=(6, 9), dpi=200, facecolor="#fffefa", layout="none")
        axes = figure.subplots(2, 1, sharex=True, sharey=True)
        figure.subplots_adjust(left=0.08, right=0.92, bottom=0.12, top=0.76, hspace=0.3)
        draw_panels(axes)
        first, _, second = reference()["title"].partition(" a ")
        for height, line in ((0.915, f"{first} a"), (0.855, second)):
            figure.text(0.08, height, line, fontsize=31, color="#1b1f24")
        figure.text(0.08, 0.03, ", ".join(map(in_text, reference()["authors"])), fontsize=15)
        figure.savefig(file, format="png", dpi=200, facecolor=figure.get_facecolor(), metadata={"Software": None})
    return file.getvalue()


# ----------------------------------------------------------------- all of it


def write(site, target):
    """The EPUB of the pages built in the folder `site`."""
    about, online = reference(), address()
    kinds = dict(entry for _, entries in parts() for entry in entries)
    found = {
        name: Page((site / "book" / f"{name}.html").read_text(encoding="utf-8"), name, kinds, online) for name in kinds
    }
    title, who = escape(about["title"]), [escape(in_text(author)) for author in about["authors"]]
    texts = {name: framed(page.title, page.body(kinds[name])) for name, page in found.items()}
    texts["cover"] = framed("Cover", fill("cover.xhtml", title=title, alt=escape(COVER_ALT)))
    texts["title"] = framed(
        about["title"],
        fill(
            "title.xhtml",
            title=title,
            authors=", ".join(who),
            version=escape(f"Version {about['version']}, {about['date-released']}"),
            abstract=escape(about["abstract"]),
            rights=escape(rights()),
            online=f'<p><a href="{online}">{online}</a></p>' if online else "",
        ),
    )
    texts["contents"] = framed("Contents", fill("contents.xhtml", contents=contents(found), first=next(iter(found))))
    files = {
        f"images/{name}": (site / "_images" / name).read_bytes() for page in found.values() for name in page.images
    }
    files |= {f"images/{name}": svg.encode() for page in found.values() for name, svg in page.stills.items()}
    files |= {f"fonts/{path.name}": path.read_bytes() for path in (site / "_static" / "fonts").glob("*.woff2")}
    files[COVER] = cover()
    order = ["cover", "title", "contents", *found]
    items = [manifest(name, f"{name}.xhtml", "application/xhtml+xml", properties(name, texts[name])) for name in order]
    items += [
        manifest(f"file-{number}", name, KINDS[Path(name).suffix], "cover-image" * (name == COVER))
        for number, name in enumerate(sorted(files))
    ]
    package = fill(
        "package.opf",
        identifier=uuid.uuid5(uuid.NAMESPACE_URL, about["title"]).urn,
        title=title,
        creators="\n".join(f"<dc:creator>{name}</dc:creator>" for name in who),
        subjects="\n".join(f"<dc:subject>{escape(word)}</dc:subject>" for word in about["keywords"]),
        date=about["date-released"],
        modified=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        abstract=escape(about["abstract"]),
        rights=escape(rights()),
        items="\n".join(items),
        spine="\n".join(f'<itemref idref="{name}"/>' for name in order),
    )
    with ZipFile(target, "w", ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", ZIP_STORED)
        book.writestr("META-INF/container.xml", (TEMPLATES / "container.xml").read_text(encoding="utf-8"))
        book.writestr("EPUB/package.opf", package)
        book.writestr("EPUB/book.css", style())
        for name in order:
            book.writestr(f"EPUB/{name}.xhtml", texts[name])
        for name in sorted(files):
            book.writestr(f"EPUB/{name}", files[name])


def properties(name, text):
    return " ".join(["nav"] * (name == "contents") + ["mathml"] * ("<math" in text))


def manifest(name, place, kind, properties):
    said = f' properties="{properties}"' if properties else ""
    return f'<item id="{name}" href="{place}" media-type="{kind}"{said}/>'


# ----------------------------------------------------------------- is it in order?


def has_epubcheck():
    """Is there an epubcheck that reads EPUB 3.3? Those before 5 know no WebP."""
    try:
        said = subprocess.run(["epubcheck", "--help"], capture_output=True, text=True).stdout
    except OSError:
        return False
    found = re.search(r"EPUBCheck v(\d+)", said, re.IGNORECASE)
    return bool(found) and int(found[1]) >= 5


def complaints(path):
    """What epubcheck finds wrong."""
    done = subprocess.run(["epubcheck", path], capture_output=True, text=True)
    said = done.stdout + done.stderr
    return re.findall(r"(?:FATAL|ERROR|WARNING)[ (].*", said) or [said] * bool(done.returncode)


def finish(app, failed):
    if app.builder.name == "html" and not failed:
        write(Path(app.outdir), Path(app.outdir) / EPUB)


def main():
    made = ROOT / "_build" / "html" / EPUB
    if not made.exists():
        return "The book is not built yet: `make book` writes the EPUB, too."
    if not has_epubcheck():
        print("There is no epubcheck 5 here (the README says how to get it): the EPUB is not checked.")
    elif wrong := complaints(made):
        return "\n".join(["The EPUB is not in order:", *wrong])
    TARGET.mkdir(parents=True, exist_ok=True)
    shutil.copy(made, TARGET)
    print(f"The book as an EPUB: {TARGET / EPUB}")
    return 0


def setup(app):
    app.connect("build-finished", finish, priority=800)  # when the pages have their figures and fonts
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.exit(main())
