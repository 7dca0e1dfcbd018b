"""Sphinx extension: the book on paper, by XeLaTeX, in the type of the pages and with their numbers.

What moves on a page is a still picture here, with the sentence that describes it. Equations and
figures carry the numbers of the site, so a number means the same in both. See `pdf.py`, which makes
the PDF and checks it.
"""

import re
import subprocess
from html import unescape
from pathlib import Path

from docutils import nodes
from fontTools.ttLib import TTFont
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import wrap_displaymath

FONTS = Path(__file__).resolve().parents[1] / "_vendor" / "stix"
LETTERS = "letters.tex"         # what the text font lacks, written when the text is there

FONT_SETUP = r"""
\usepackage{fontspec}
\usepackage{unicode-math}
\setmainfont{text-400-normal}[Path=./, Extension=.ttf, ItalicFont=text-400-italic, BoldFont=text-600-normal, BoldItalicFont=text-600-italic]
\setsansfont{text-400-normal}[Path=./, Extension=.ttf, ItalicFont=text-400-italic, BoldFont=text-600-normal, BoldItalicFont=text-600-italic]
\setmathfont{math}[Path=./, Extension=.ttf]
\setmonofont{DejaVuSansMono}[Extension=.ttf, Scale=0.8, BoldFont=*-Bold, ItalicFont=*-Oblique, BoldItalicFont=*-BoldOblique]
\newfontfamily{\otherletters}{math}[Path=./, Extension=.ttf]
"""
PREAMBLE = r"""
\usepackage{newunicodechar}
\newcommand{\letter}[1]{\iffontchar\font#1\relax\symbol{#1}\else{\otherletters\symbol{#1}}\fi}
\input{letters.tex}
\allowdisplaybreaks
\sloppy
\setcounter{tocdepth}{1}
"""


def set_latex(app, config):
    config.latex_engine = "xelatex"
    config.latex_theme = "manual"
    config.latex_use_xindy = False
    config.latex_show_urls = "no"
    config.latex_documents = [(config.root_doc, "book.tex", config.project, config.author, "manual")]
    config.latex_elements = {
        "papersize": "a4paper", "pointsize": "10pt", "extraclassoptions": "openany,oneside", "fncychap": "",
        "fontpkg": FONT_SETUP, "preamble": PREAMBLE, "figure_align": "htbp",
        "sphinxsetup": "verbatimwithframe=false, VerbatimColor={rgb}{0.96,0.95,0.92}, InnerLinkColor={rgb}{0.04,0.3,0.55}, "
                       "OuterLinkColor={rgb}{0.04,0.3,0.55}, hmargin={2.4cm,2.4cm}, vmargin={2.4cm,2.6cm}",
    }
    config.jblatex_captions_to_parts = False
    config.jblatex_show_tocs = False
    config.jblatex_load_imgconverter = False


# ----------------------------------------------------------------- pictures of what moves

class Stills(SphinxPostTransform):
    """The drawing that a slider or a laboratory holds for readers without scripts."""

    default_priority = 3        # before MyST-NB chooses among the forms of an output
    formats = ("latex",)

    def run(self, **kwargs):
        for number, bundle in enumerate(list(self.document.findall(is_moving))):
            html = next(node.astext() for node in bundle.findall(nodes.raw))
            svg = re.search(r"<svg\b.*?</svg>", html, re.DOTALL)[0]
            path = Path(self.app.outdir) / f"still-{number}"
            path.with_suffix(".svg").write_text(svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1), encoding="utf-8")
            subprocess.run(["rsvg-convert", "--format=pdf", f"--output={path}.pdf", f"{path}.svg"], check=True)
            bundle.replace_self([self.picture(path.with_suffix(".pdf")), nodes.paragraph("", sentence(html))])

    def picture(self, path):
        name = path.relative_to(self.app.srcdir).as_posix()
        self.env.images.add_file(self.env.docname, name)
        return nodes.image(uri=name, candidates={"application/pdf": name}, width="80%", align="center")


def is_moving(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle" and any(
        "<noscript>" in child.astext() for child in node.findall(nodes.raw))


def sentence(html):
    """What the page tells where no script runs, as words for paper."""
    said = re.search(r"<noscript>\s*<p>(.*?)</p>", html, re.DOTALL)[1]
    said = " ".join(unescape(re.sub(r"<[^>]*>", "", said)).split())
    return re.sub(r"The (slider|laboratory) needs JavaScript.*", r"On its page in the web it moves.", said)


# ----------------------------------------------------------------- the numbers of the site

class Numbers(SphinxPostTransform):
    """Chapters that the site does not number have no number; figures have that of the site."""

    default_priority = 960
    formats = ("latex",)

    def run(self, **kwargs):
        for figure in list(self.document.findall(nodes.figure)):
            number = numbered(self.env, figure, "figure")
            if number:
                figure.insert(0, raw(rf"\renewcommand{{\thefigure}}{{{number}}}"))
        for section in list(self.document.findall(nodes.section)):
            name = section.get("docname")
            if name in self.env.toc_secnumbers or name in self.env.titles:
                depth = 2 if self.env.toc_secnumbers.get(name, {}).get("") else -1
                place = section.parent.index(section)
                if not isinstance(section.parent, nodes.section):
                    section.parent.insert(place, raw(rf"\setcounter{{secnumdepth}}{{{depth}}}"))


def raw(tex):
    return nodes.raw("", tex + "\n", format="latex")


def page_of(node):
    while node is not None and not (isinstance(node, nodes.section) and node.get("docname")):
        node = node.parent
    return node["docname"] if node is not None else None


def numbered(env, node, kind):
    known = env.toc_fignumbers.get(page_of(node), {}).get(kind, {})
    number = next((known[name] for name in node["ids"] if name in known), ())
    return ".".join(map(str, number))


def visit_display(writer, node):
    tex = node.astext()
    if node.get("nowrap"):
        writer.body.append(tex)
        raise nodes.SkipNode
    label = f"equation:{node['docname']}:{node['label']}" if node.get("label") else None
    made = wrap_displaymath(tex, label, False)
    if label:
        number = numbered(writer.builder.env, node, "displaymath")
        made = made.replace(r"\label{", rf"\tag{{{number}}}\label{{", 1)
    writer.body.append(f"\n{made}\n")
    raise nodes.SkipNode


# ----------------------------------------------------------------- beside the text

def finish(app, failed):
    """The book's fonts, and how to set the letters that its text font lacks."""
    if app.builder.format != "latex" or failed:
        return
    folder = Path(app.outdir)
    for path in FONTS.glob("*.woff2"):
        font = TTFont(path)
        font.flavor = None
        font.save(folder / f"{path.stem}.ttf")
    has = TTFont(FONTS / "text-400-normal.woff2").getBestCmap()
    used = {letter for letter in (folder / "book.tex").read_text(encoding="utf-8") if ord(letter) > 127} - set(map(chr, has))
    lines = [rf'\newunicodechar{{{letter}}}{{\letter{{"{ord(letter):X}}}}}' for letter in sorted(used)]
    (folder / LETTERS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app):
    app.connect("config-inited", set_latex, priority=900)       # after sphinx-jupyterbook-latex
    app.add_post_transform(Stills)
    app.add_post_transform(Numbers)
    app.add_node(nodes.math_block, override=True, latex=(visit_display, None))
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
