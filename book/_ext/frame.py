"""Sphinx extension: pages in a frame of our own (book/_templates), with nothing that they do not use.

The theme's scripts, styles and icon font stay out. Figures become WebP with their size given, and
load when they come near; a narrow screen gets the drawing that mixlib.narrow made for it, and no figure
is shown so small that its words have less than 11 pixels. Code keeps only the marks that are coloured.
Of the fonts the site holds the letters that its pages use.
"""

import hashlib
import json
import re
import shutil
from base64 import b64decode
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import plaintext
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from numerals import NO_TEXT, set_numbers
from PIL import Image
from tables import set_tables

from mixlib.narrow import LEAST, NARROW

STYLES = Path(__file__).resolve().parents[1] / "_static"
FONTS = Path(__file__).resolve().parents[1] / "_vendor" / "stix"
SEARCH_SCRIPTS = {
    "documentation_options.js",
    "doctools.js",
    "searchtools.js",
    "language_data.js",
    "sphinx_highlight.js",
}
TEXTS = "texts.js"
RETINA = 2  # mixlib.style draws two pixels for one of the page
WORDS = 11  # pixels that the words of a figure have at least, on any screen
PHONE = "screen and (max-width: 34rem)"  # narrower than a figure of two panels

# Marks of the highlighter that have no colour of their own here (see code.css).
PLAIN = re.compile(r'<span class="(?:n|nn|p|w|o|fm|vm|bp|nb|nc|nf|na|err|x|si|sa)">([^<]*)</span>')
CHAPTER = re.compile(r'<h1><span class="section-number">(\d+)\. </span>')
WHOLE = re.compile(
    NO_TEXT + r"|((?<![\w-])(?:(?:[Kk]-[Mm]eans|DP-means)(?:\+\+)?"
    r"|[EM]-steps?|Monte-Carlo|scikit-learn|[a-z]-\d|\([nKdbCk](?:, (?:[nKdbCk]|\d))*,?\))(?![\w-]))"
)
NUMBERED = re.compile(r">(Theorem|Proposition|Lemma|Corollary|Exercise|Chapter|Fig\.) ((?:[A-Z]\.)?\d[\d.]*</)")
CODE = re.compile(r'(?s:<dt class="sig\b.*?</dt>)|<span class="pre">([^<]+)</span>')  # a signature breaks behind commas
LONG = 13  # letters, from which on a name in code may break
IMAGE = re.compile(r"<img\b[^>]*>")
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
LETTERS = re.compile(r">([^<]+)")


# ----------------------------------------------------------------- a page's frame


def fill_frame(app, pagename, templatename, context, doctree):
    if "toctree" not in context:
        return
    ours = {f"_static/{path.relative_to(STYLES).as_posix()}" for path in STYLES.rglob("*") if path.is_file()}
    context["script_files"] = [one for one in context.get("script_files", ()) if getattr(one, "filename", None) in ours]
    context["styles_version"] = hashlib.sha256(styles().encode()).hexdigest()[:8]
    context["contents_html"] = contents(context)
    source = Path(str(context.get("sourcename", "")))
    context["notebook_name"] = source.name if source.suffix == ".ipynb" else ""
    context["notebook_link"] = (
        context["pathto"](f"_sources/{source.as_posix()}", True) if source.suffix == ".ipynb" else ""
    )
    if "body" in context:
        body = PLAIN.sub(r"\1", context["body"])
        body = CHAPTER.sub(r'<h1><span class="section-number">Chapter \1 </span>', body, count=1)
        body = body.replace(' class="tex2jax_ignore mathjax_ignore"', "")
        body = set_tables(set_breaks(set_numbers(body)))
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')  # a list has list items


def set_breaks(body):
    """Lines break at the joints of a long name in code and of a DOI, and not within k-means or Theorem 5.2."""
    body = CODE.sub(set_joints, body)
    body = re.sub(r">(doi:10\.\d+/)(?=[^<])", r">\1<wbr>", body)
    body = re.sub(r"(<td[^>]*><p>[\d.]+ ±) (?=\d)", "\\1\N{NO-BREAK SPACE}", body)
    body = body.replace(" □</p>", ' <span class="qed">□</span></p>')
    body = NUMBERED.sub(">\\1\N{NO-BREAK SPACE}\\2", body)
    return WHOLE.sub(lambda found: f'<span class="together">{found[2]}</span>' if found[2] else found[0], body)


def set_joints(found):
    """A long name in code breaks at its joints, a short one nowhere (code.css)."""
    if not found[1] or len(unescape(found[1])) < LONG:
        return found[0]
    joined = re.sub(r"(?<=[\w)])([._(=,]+)(?=[\w&\[])", r"\1<wbr>", found[1])
    return f'<span class="pre long">{joined}</span>'


def styles():
    """All styles in one: a page asks once."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(STYLES.glob("*.css"))]
    return re.sub(r"/\*.*?\*/\s*", "", "\n".join(texts), flags=re.DOTALL)


def contents(context):
    """The pages of the book, with the sections of this one below it."""
    pages = context["toctree"](collapse=True, includehidden=True, maxdepth=1)
    sections = re.search(r"<ul>.*</ul>", context.get("toc", "").partition("</a>")[2].rpartition("</li>")[0], re.DOTALL)
    return re.sub(
        r'(<li class="toctree-l1 current"><a class="current reference internal" href="#")>(.*?)</a>',
        lambda found: f'{found[1]} aria-current="page">{found[2]}</a>{sections[0] if sections else ""}',
        pages,
    )


# ----------------------------------------------------------------- figures


class Picture(NamedTuple):
    """A file and its size on the page, the size of its smallest words, and the drawing for a narrow screen."""

    name: str
    width: int
    height: int
    words: float
    narrow: "Picture | None" = None

    @property
    def least(self):
        """The width below which its words would be too small."""
        return round(self.width * WORDS / self.words)


def slim_images(folder):
    """{name without its ending: Picture} of the figures: PNG becomes WebP, what it brings along a file of its own."""
    found = {}
    for path in sorted((folder / "_images").glob("*")):
        if path.suffix == ".png":
            with Image.open(path) as image:
                found[path.stem] = slim(image, path.with_suffix(""))
            path.unlink()
        elif path.suffix == ".svg":
            found[path.stem] = Picture(path.name, *svg_size(path.read_text(encoding="utf-8")))
    return found


def slim(image, path):
    """One PNG as mixlib.narrow made it, written as WebP."""
    image.load()
    narrow = None
    if NARROW in image.text:
        with Image.open(BytesIO(b64decode(image.text[NARROW]))) as other:
            narrow = slim(other, path.with_name(f"{path.name}-narrow"))
    path = path.with_suffix(".webp")
    image.save(path, "WEBP", lossless=True, quality=70, method=4, exif=b"")
    return Picture(path.name, *(round(side / RETINA) for side in image.size), float(image.text[LEAST]), narrow)


def svg_size(text):
    """Width and height of matplotlib's SVG, and its smallest words, in pixels."""
    size = (re.search(rf'<svg[^>]*?\b{side}="([\d.]+)pt"', text)[1] for side in ("width", "height"))
    words = min(map(float, re.findall(r" scale\(([\d.]+) -[\d.]+\)", text)))  # of letters 100 points high
    return *(round(float(points) * 4 / 3) for points in size), words * 100 * 4 / 3


def set_image(tag, images, lazy):
    """The tag with the figure's new name, its size, and whether it waits until it comes near."""
    source = re.search(r'src="([^"]*/)?([^"/]+)\.(\w+)"', tag)
    if not source or source[2] not in images:
        return tag
    picture, folder = images[source[2]], source[1] or ""
    tag = re.sub(r'\s(?:width|height|style|loading|decoding)="[^"]*"', "", tag)
    tag = tag.replace(
        source[0],
        f'src="{folder}{picture.name}" width="{picture.width}" height="{picture.height}"'
        + (' loading="lazy" decoding="async"' if lazy else ""),
    )
    narrow = picture.narrow
    if narrow:
        tag = (
            f'<picture><source media="{PHONE}" srcset="{folder}{narrow.name}" '
            f'width="{narrow.width}" height="{narrow.height}">{tag}</picture>'
        )
    return f'<div class="picture" style="--least: {max(one.least for one in (picture, narrow) if one)}px">{tag}</div>'


def set_images(page, images):
    first = iter([False])
    page = re.sub(r'<a class="reference internal image-reference" href="[^"]*">(<img\b[^>]*>)\s*</a>', r"\1", page)
    return IMAGE.sub(lambda tag: set_image(tag[0], images, next(first, True)), page)


# ----------------------------------------------------------------- fonts


def used_letters(pages):
    """The characters of formulas, and those of the text which the text font does not have."""
    found = set()
    for page in pages:
        for formula in MATH.findall(page):
            found.update(*map(unescape, LETTERS.findall(formula)))
        found.update(letter for letter in unescape(page) if ord(letter) > 0x17F)
    return found


def write_fonts(app, pages):
    """The text fonts as they are; of the font for mathematics the letters used, also slanted and stretched."""
    target = Path(app.outdir) / "_static" / "fonts"
    target.mkdir(parents=True, exist_ok=True)
    for path in FONTS.glob("text-*.woff2"):
        shutil.copy(path, target)
    shutil.copy(FONTS / "LICENSE", target)
    letters = used_letters(pages) | set(map(chr, range(0x20, 0x7F))) | set("αβγδεζηθικλμνξοπρστυφχψωϑϕϱΓΔΘΛΞΠΣΥΦΨΩ∂∇√")
    slanted = {chr(code) for letter in letters for code in slant(letter)}
    key = hashlib.sha256("".join(sorted(letters)).encode() + (FONTS / "math.woff2").read_bytes()).hexdigest()[:20]
    cached = Path(app.outdir).parent / "fonts" / f"{key}.woff2"
    if not cached.exists():
        shutil.rmtree(cached.parent, ignore_errors=True)
        cached.parent.mkdir(parents=True)
        font = TTFont(FONTS / "math.woff2")
        subsetter = Subsetter(Options(layout_features=["*"], flavor="woff2", name_IDs=[0, 1, 2, 13, 14], hinting=False))
        subsetter.populate(unicodes=map(ord, letters | slanted))
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(cached)
    shutil.copy(cached, target / "math.woff2")


def slant(letter):
    """The code of the letter in mathematical italics, in which browsers set a variable."""
    code = ord(letter)
    if letter == "h":
        return [0x210E]
    if "A" <= letter <= "Z":
        return [0x1D434 + code - ord("A")]
    if "a" <= letter <= "z":
        return [0x1D44E + code - ord("a")]
    if "Α" <= letter <= "Ω":
        return [0x1D6E2 + code - ord("Α")]
    if "α" <= letter <= "ω":
        return [0x1D6FC + code - ord("α")]
    return {
        "∂": [0x1D715],
        "ϵ": [0x1D716],
        "ϑ": [0x1D717],
        "ϰ": [0x1D718],
        "ϕ": [0x1D719],
        "ϱ": [0x1D71A],
        "ϖ": [0x1D71B],
        "∇": [0x1D6FB],
        "ı": [0x1D6A4],
        "ȷ": [0x1D6A5],
    }.get(letter, [])


# ----------------------------------------------------------------- after the build


def finish(app, failed):
    if app.builder.format != "html" or failed:
        return
    folder = Path(app.outdir)
    images = slim_images(folder)
    pages = []
    for path in sorted(folder.rglob("*.html")):
        if "_static" not in path.parts:
            page = set_images(path.read_text(encoding="utf-8"), images)
            path.write_text(page, encoding="utf-8")
            pages.append(page)
    write_fonts(app, pages)
    write_texts(app)
    (folder / "_static" / "book.css").write_text(styles(), encoding="utf-8")
    drop_unused(folder / "_static")


def write_texts(app):
    """What the search page shows of each page: one file of plain words in place of the pages themselves."""
    texts = {
        name: plaintext.article(Path(app.builder.get_outfilename(name)).read_text(encoding="utf-8"))
        for name in sorted(app.env.found_docs)
    }
    path = Path(app.outdir) / "_static" / TEXTS
    path.write_text(f"const pageTexts = {json.dumps(texts, ensure_ascii=False)};\n", encoding="utf-8")


def drop_unused(static):
    """Of _static remain our own files, the fonts, and the scripts of the search page."""
    kept = {path.relative_to(STYLES).as_posix() for path in STYLES.rglob("*") if path.suffix != ".css"}
    kept |= SEARCH_SCRIPTS | {"book.css", TEXTS}
    for path in sorted(static.rglob("*"), reverse=True):
        name = path.relative_to(static).as_posix()
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in kept and not name.startswith("fonts/"):
            path.unlink()


def setup(app):
    app.connect("html-page-context", fill_frame, priority=900)
    app.connect("build-finished", finish, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
