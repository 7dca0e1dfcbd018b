"""Sphinx extension: the book on paper, by XeLaTeX, in the type of the pages and with their numbers.

What moves on a page is a still picture here, with the sentence that describes it. Equations and
figures carry the numbers of the site, so a number means the same in both. See `pdf.py`, which makes
the PDF and checks it.
"""

import re
import subprocess
from html import unescape
from pathlib import Path
from string import Template

from cite import address, in_text, reference, text
from docutils import nodes
from epub import parts, rights
from folds import fold
from fontTools.ttLib import TTFont
from results import ROOT
from sphinx.addnodes import number_reference, tabular_col_spec
from sphinx.builders.latex.nodes import math_reference
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import wrap_displaymath
from sphinx_exercise.nodes import solution_node
from sphinx_jupyterbook_latex.transforms import LatexRootDocPostTransforms
from typeset import mathml

FONTS = Path(__file__).resolve().parents[1] / "_vendor" / "stix"
LONG = 25  # rows from which a table is set with fixed widths: from 30 on Sphinx lets it run over pages
LETTERS = "letters.tex"  # what the text font lacks, written when the text is there
TEMPLATES = Path(__file__).resolve().parents[1] / "_templates" / "paper"
PICTURE = ROOT / ".github" / "picture.svg"  # on the title page
ON_THE_WEB = {
    "The slider": "On the web this picture is a slider.",
    "The laboratory": "On the web you can step both programs, move the starts and change the settings.",
    "Dragging": "On the web you can drag the ellipse.",
}
LEDGER = (16, 30, 26, 8, 11, 9)  # per cent of the page for each column
FIGURE, ON_A_SLIDE = 80, 55  # per cent of its size on a screen, where its words are larger than those of the text
LETTERS_OF_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}

FONT_SETUP = r"""
\usepackage{fontspec}
\usepackage{unicode-math}
\setmainfont{text-400-normal}[Path=./, Extension=.ttf, ItalicFont=text-400-italic, BoldFont=text-600-normal, BoldItalicFont=text-600-italic]
\setsansfont{text-400-normal}[Path=./, Extension=.ttf, ItalicFont=text-400-italic, BoldFont=text-600-normal, BoldItalicFont=text-600-italic]
\setmathfont{math}[Path=./, Extension=.ttf]
\setmonofont{DejaVuSansMono}[Extension=.ttf, Scale=0.8, BoldFont=*-Bold, ItalicFont=*-Oblique, BoldItalicFont=*-BoldOblique]
\newfontfamily{\otherletters}{math}[Path=./, Extension=.ttf, ItalicFont=math, BoldFont=math, BoldItalicFont=math]
"""


def filled(name, **words):
    """A template with words in it, as LaTeX writes them."""
    words = {key: for_latex(" ".join(said.split())) for key, said in words.items()}
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(words)


def for_latex(words):
    return re.sub(r"[\\~^]|[&%#_{}$]", lambda found: LETTERS_OF_TEX.get(found[0], "\\" + found[0]), words)


def title_page():
    """Title, authors and version; overleaf what the book is, whose it is, and how to cite it."""
    about, online = reference(), address()
    return filled(
        "title.tex",
        title=about["title"],
        authors=", ".join(map(in_text, about["authors"])),
        version=version(),
        abstract=about["abstract"],
        rights=rights(),
        cited=unescape(re.sub(r"<[^>]*>", "", text("", "", online))),
    )


def version():
    return f"Version {reference()['version']}, {reference()['date-released']}"


def set_latex(app, config):
    about = reference()
    config.latex_engine = "xelatex"
    config.latex_theme = "manual"
    config.latex_use_xindy = False
    config.latex_show_urls = "no"
    config.latex_domain_indices = False
    config.today = version()
    config.latex_documents = [(config.root_doc, "book.tex", config.project, config.author, "manual")]
    config.latex_elements = {
        "papersize": "a4paper",
        "pointsize": "10pt",
        "extraclassoptions": "openany,oneside",
        "fncychap": "",
        "fontpkg": FONT_SETUP,
        "preamble": filled("preamble.tex", subject=about["abstract"], keywords=", ".join(about["keywords"])),
        "maketitle": title_page(),
        "figure_align": "htbp",
        "tableofcontents": r"\renewcommand{\contentsname}{Contents}\sphinxtableofcontents",
        "sphinxsetup": "verbatimwithframe=false, div.note_title-background-TeXcolor={rgb}{0.95,0.93,0.88}, noteBgColor={rgb}{0.98,0.975,0.96}, noteBorderColor={rgb}{0.8,0.76,0.66}, VerbatimColor={rgb}{0.96,0.95,0.92}, InnerLinkColor={rgb}{0.04,0.3,0.55}, "
        "OuterLinkColor={rgb}{0.04,0.3,0.55}, hmargin={2.4cm,2.4cm}, vmargin={2.4cm,2.6cm}",
    }
    config.jblatex_captions_to_parts = False
    config.jblatex_show_tocs = False
    config.jblatex_load_imgconverter = False


def leave_pages_alone(app):
    """sphinx-jupyterbook-latex would take the sections of the front page apart."""
    if LatexRootDocPostTransforms in app.registry.post_transforms:
        app.registry.post_transforms.remove(LatexRootDocPostTransforms)


# ----------------------------------------------------------------- pictures of what moves


class Stills(SphinxPostTransform):
    """Drawings as PDF; of a slider or a laboratory, the one that it holds for readers without scripts."""

    default_priority = 3  # before MyST-NB chooses among the forms of an output
    formats = ("latex",)

    def run(self, **kwargs):
        for number, bundle in enumerate(list(self.document.findall(is_moving))):
            html = next(node.astext() for node in bundle.findall(nodes.raw))
            svg = re.search(r"<svg\b.*?</svg>", html, re.DOTALL)[0]
            path = Path(self.app.outdir) / f"still-{number}.svg"
            path.write_text(svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1), encoding="utf-8")
            image = nodes.image(width="80%", align="center")
            self.take(image, path)
            put(bundle, [image, nodes.paragraph("", sentence(html))])
        for image in list(self.document.findall(nodes.image)):
            if image.get("uri", "").endswith(".svg"):
                self.take(image, Path(self.app.srcdir) / image["uri"])

    def take(self, image, path):
        """The drawing as PDF, which LaTeX can read."""
        made = Path(self.app.outdir) / f"{path.stem}.pdf"
        subprocess.run(["rsvg-convert", "--format=pdf", f"--output={made}", path], check=True)
        image["uri"] = made.relative_to(self.app.srcdir).as_posix()
        image["candidates"] = {"application/pdf": image["uri"]}
        self.env.images.add_file(self.env.docname, image["uri"])


def is_moving(node):
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "mime_bundle"
        and any("<noscript>" in child.astext() for child in node.findall(nodes.raw))
    )


def sentence(html):
    """What the page tells where no script runs, as words for paper."""
    said = re.search(r"<noscript>\s*<p>(.*?)</p>", html, re.DOTALL)[1]
    said = " ".join(unescape(re.sub(r"<[^>]*>", "", said)).split())
    return re.sub(r"(The slider|The laboratory|Dragging) needs JavaScript.*", lambda found: ON_THE_WEB[found[1]], said)


# ----------------------------------------------------------------- the pages as chapters


class Chapters(SphinxPostTransform):
    """The front page is a chapter like the others; its cards are the list of contents once more."""

    default_priority = 700
    formats = ("latex",)

    def run(self, **kwargs):
        top = next(self.document.findall(nodes.section))
        lists = [node for node in top if isinstance(node, nodes.compound) and "toctree-wrapper" in node["classes"]]
        front = nodes.section(
            "",
            *(node.deepcopy() if node is top[0] else node for node in top if node not in lists),
            ids=top["ids"],
            docname=top.get("docname"),
        )
        top.children, top["ids"] = [top[0]], []
        top += [front, *lists]
        for only_on_a_screen in list(self.document.findall(is_to_press)):
            only_on_a_screen.parent.remove(only_on_a_screen)


def is_to_press(node):
    """The cards of the front page, a paragraph that is a button, and what is said of mouse and keys."""
    if isinstance(node, nodes.paragraph):
        return len(node) == 1 and "sd-btn" in getattr(node[0], "attributes", {}).get("classes", ())
    return bool({"sd-container-fluid", "for-a-screen"} & set(getattr(node, "attributes", {}).get("classes", ())))


class Boxes(SphinxPostTransform):
    """Proofs stand in the text and end in a box; of checks there is the line, and of folded code nothing.

    The solutions stand at the end of their chapter. The bibliography has the heading that LaTeX gives it.
    A figure shown again stands where it is shown.
    """

    default_priority = 950  # as on the pages, when titles and references are there
    formats = ("latex",)

    def run(self, **kwargs):
        for page, solutions in by_page(self.document.findall(solution_node)):
            if page["docname"] == self.app.config.root_doc:  # which holds all others, and its own text as a chapter
                page = next(part for part in page if isinstance(part, nodes.section))
            page += raw(r"\solutions")
            for node in solutions:
                node.parent.remove(node)
                page += solution(node)
        for page, images in by_page(self.document.findall(nodes.image)):
            for image in images:
                if not image.get("width"):
                    image["scale"] = ON_A_SLIDE if page["docname"].endswith("slides") else FIGURE
        for node in list(self.document.findall(nodes.Element)):
            if isinstance(node, nodes.admonition) and "proof" in node["classes"]:
                end_proof(node)
                put(node, node.children)
            elif isinstance(node, fold):
                put(node, check_line(node) if "check" in node["classes"] else [])
            elif isinstance(node, nodes.section) and node.get("docname", "").endswith("bibliography"):
                put(node, [nodes.target("", "", ids=node["ids"]), *node.children[1:]])
            elif isinstance(node, nodes.figure) and not any(isinstance(part, nodes.caption) for part in node):
                node[0]["align"] = "center"
                put(node, node.children)
            elif isinstance(node, nodes.table) and "ledger" in node["classes"]:
                count_checks(node)
                widths = "".join(rf"\X{{{part}}}{{100}}" for part in LEDGER)
                node.parent.insert(node.parent.index(node), tabular_col_spec(spec=widths))
            elif isinstance(node, nodes.table) and len(list(node.findall(nodes.row))) > LONG:
                node.parent.insert(node.parent.index(node), tabular_col_spec(spec=column_widths(node)))


def is_page(node):
    """The section that is a page of the site; an exercise holds sections, too."""
    inside = (nodes.section, nodes.Admonition)
    return isinstance(node, nodes.section) and node.get("docname") and not isinstance(node.parent, inside)


def by_page(found):
    """[(page, those of the nodes that stand on it)]"""
    pages = {}
    for node in found:
        pages.setdefault(page_of(node), []).append(node)
    return list(pages.items())


def page_of(node):
    while not is_page(node):
        node = node.parent
    return node


def solution(node):
    """Its text under the name of the exercise, which leads there."""
    titled = isinstance(node[0], nodes.title)
    name = [part for part in node[0] if part.astext().strip() != "Solution to"] if titled else []
    heading = nodes.inline("", "", raw(r"\solution{", ""), *name, raw("}"))
    return [nodes.target("", "", ids=node["ids"]), heading, *node.children[titled:]]


def end_proof(node):
    """A box: in the last line of a paragraph or a list, beside the last display, or below."""
    last = node[-1]
    while isinstance(last, (nodes.bullet_list, nodes.enumerated_list, nodes.list_item)):
        last = last[-1]
    if isinstance(last, nodes.paragraph):
        last += raw(r"\proofend{}", "")
    elif isinstance(last, nodes.math_block) and not last.get("nowrap") and not last.get("label"):
        last["ends_proof"] = True
    else:
        node += nodes.paragraph("", "", raw(r"\proofend{}", ""))


def check_line(node):
    """The line of a check, in small type; what leads to one of its checks leads there."""
    names = node["ids"] + [name for line in node.findall(nodes.paragraph) for name in line["ids"]]
    line = nodes.paragraph("", "", raw(r"{\small{}", ""), *node[0].children, raw(r"\par}", ""))
    return [nodes.target("", "", ids=names), line]


def count_checks(ledger):
    """Of the checks of a result their number, which leads to the first of them."""
    for row in ledger.findall(nodes.row):
        links = list(row[3].findall(nodes.reference))
        if links:
            links[0].children = [nodes.Text(str(len(links)))]
            row[3][0].children = links[:1]


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
        for title in self.document.findall(nodes.title):
            for node in list(title.findall(nodes.math)):
                node.replace_self(in_title(node.astext()))
        part = {names[0][0]: caption for caption, names in parts() if caption}
        for section in list(self.document.findall(is_page)):
            depth = 2 if self.env.toc_secnumbers.get(section["docname"], {}).get("") else -1
            listed = 0 if section["docname"].endswith("slides") else 1  # the contents list no slide
            place = section.parent.index(section)
            while place and isinstance(section.parent[place - 1], nodes.target):  # which belong to the section
                place -= 1
            opens = part.get(section["docname"].rpartition("/")[2])
            section.parent[place:place] = [raw(rf"\opens{{{opens}}}")] * bool(opens) + [
                raw(
                    rf"\setcounter{{secnumdepth}}{{{depth}}}\addtocontents{{toc}}{{\protect\setcounter{{tocdepth}}{{{listed}}}}}"
                )
            ]
        for link in list(self.document.findall(number_reference)):
            page, _, name = link.get("refuri", "").removeprefix("%").partition("#")
            found = self.env.toc_fignumbers.get(page, {}).get("exercise", {}).get(name)
            if found:  # sphinx-exercise leaves those of other pages without a number
                link.replace_self(raw(rf"\hyperref[exercise:{name}]{{Exercise {'.'.join(map(str, found))}}}", ""))
        exercises = {name for known in self.env.toc_fignumbers.values() for name in known.get("exercise", ())}
        for link in list(self.document.findall(nodes.reference)):
            name = link.get("refuri", "").rpartition("#")[2]
            if name in exercises:
                link.replace_self([raw(rf"\hyperref[exercise:{name}]{{", ""), *link.children, raw("}", "")])
        for link in list(self.document.findall(nodes.reference)):
            page, _, label = link.get("refuri", "").removeprefix("%").partition("#equation-")
            if label:
                link.replace_self(math_reference("", "", docname=page, target=label))


def column_widths(table):
    """The page shared out by what stands in the columns: its mean length, or its longest word."""
    columns = zip(*([entry.astext() for entry in row] for row in table.findall(nodes.row)))
    means = [
        max(
            8,
            min(40, sum(map(len, texts)) / len(texts)),
            max(len(word) for text in texts for word in text.split() or [""]),
        )
        for texts in columns
    ]
    return "".join(rf"\X{{{round(100 * mean / sum(means))}}}{{102}}" for mean in means)


def put(node, others):
    """Others in the place of a node."""
    place = node.parent.index(node)
    node.parent[place : place + 1] = others


def raw(tex, end="\n"):
    return nodes.raw("", tex + end, format="latex")


def in_title(tex):
    """A formula that the PDF's list of contents shows as plain letters."""
    letters = "".join(mathml(tex).itertext()).replace("\u2061", "")
    return nodes.raw("", rf"\texorpdfstring{{\({tex}\)}}{{{letters}}}", format="latex")


def numbered(env, node, kind):
    known = env.toc_fignumbers.get(page_of(node)["docname"], {}).get(kind, {})
    number = next((known[name] for name in node["ids"] if name in known), ())
    return ".".join(map(str, number))


def visit_display(writer, node):
    tex = node.astext()
    join(writer, node)
    if node.get("nowrap"):
        writer.body.append(tex + "\n")
        raise nodes.SkipNode
    label = f"equation:{node['docname']}:{node['label']}" if node.get("label") else None
    made = wrap_displaymath(tex, label, False).strip()
    if label:
        number = numbered(writer.builder.env, node, "displaymath")
        made = made.replace(r"\label{", rf"\tag{{{number}}}\label{{", 1)
    if node.get("ends_proof"):
        made = made.replace(r"\begin{equation*}", r"\begin{equation*}\tag*{\(\square\)}", 1)
    writer.body.append(f"{made}\n")
    raise nodes.SkipNode


def join(writer, display):
    """No empty line between a display and what it belongs to: to TeX it would begin a paragraph."""
    place = display.parent.index(display)
    if place and isinstance(display.parent[place - 1], (nodes.paragraph, nodes.math_block)):
        while writer.body[-1].endswith("\n"):
            writer.body[-1] = writer.body[-1].rstrip("\n")
            if not writer.body[-1]:
                writer.body.pop()
    writer.body.append("\n")


# ----------------------------------------------------------------- beside the text


def finish(app, failed):
    """The book's fonts, and how to set the letters that its text font lacks."""
    if app.builder.format != "latex" or failed:
        return
    folder = Path(app.outdir)
    subprocess.run(["rsvg-convert", "--format=pdf", f"--output={folder / 'picture.pdf'}", PICTURE], check=True)
    for path in FONTS.glob("*.woff2"):
        font = TTFont(path)
        font.flavor = None
        font.save(folder / f"{path.stem}.ttf")
    has = TTFont(FONTS / "text-400-normal.woff2").getBestCmap()
    used = {letter for letter in (folder / "book.tex").read_text(encoding="utf-8") if ord(letter) > 127} - set(
        map(chr, has)
    )
    lines = [rf'\newunicodechar{{{letter}}}{{\letter{{"{ord(letter):X}}}}}' for letter in sorted(used)]
    (folder / LETTERS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app):
    app.connect("config-inited", set_latex, priority=900)  # after sphinx-jupyterbook-latex
    app.connect("builder-inited", leave_pages_alone, priority=900)
    app.add_post_transform(Stills)
    app.add_post_transform(Chapters)
    app.add_post_transform(Boxes)
    app.add_post_transform(Numbers)
    app.add_node(nodes.math_block, override=True, latex=(visit_display, None))
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
