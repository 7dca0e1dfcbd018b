"""Released anchors keep working. Sphinx extension, and `make anchors`, a step of each release.

An anchor is the id of an equation, theorem, figure, exercise or labelled section, on its page:
`book/em#equation-eq-elbo`. `anchors.txt` lists those of all releases. When one goes, its line says
what serves in its place, `book/normal#fig-errors -> book/numerics#fig-errors`: on the same page the
new place gets the old id as well; on another page the old one shows where to go on.
"""

import re
import sys
from html import escape
from pathlib import Path

import nbformat
from docutils import nodes
from results import ROOT, directives, pages, results, texts

LIST = Path(__file__).with_name("anchors.txt")
TARGET = re.compile(r"^\(([a-z0-9-]+)\)=$", re.MULTILINE)


# ----------------------------------------------------------------- the list


def anchors_of(path):
    """The ids that a page's source promises."""
    sources = texts(path)
    found = {f"equation-{result.label}" for result in results(sources) if result.kind == "equation"}
    for one in directives(sources):
        if one.name.startswith("prf:") or one.name == "exercise":
            found.add(one.options.get("label"))
        elif one.name == "figure":
            found.add(one.options.get("name"))
    found.update(target for source in sources for target in TARGET.findall(source))
    if path.suffix == ".ipynb":
        found.update(
            cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
            for cell in nbformat.read(path, as_version=4).cells
        )
    return found - {None, ""}


def present(root=ROOT):
    """Every anchor in the book as it is, as page#id."""
    return {
        f"{path.relative_to(root).with_suffix('').as_posix()}#{name}"
        for _, path in pages(root)
        for name in anchors_of(path)
    }


def released(path=LIST):
    """{anchor: what serves in its place, or None} of all releases."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    parts = [line.split(" -> ") for line in lines if line and not line.startswith("#")]
    return {anchor: (new[0] if new else None) for anchor, *new in parts}


def final(anchor, known):
    """Where the anchor leads after all its moves."""
    seen = set()
    while known.get(anchor):
        if anchor in seen:
            raise ValueError(f"anchors.txt: {anchor} leads back to itself")
        seen.add(anchor)
        anchor = known[anchor]
    return anchor


def complaints(known, now):
    """What is wrong with the list, given the anchors that the book has now."""
    wrong = []
    for anchor, new in known.items():
        if anchor in now and new:
            wrong.append(f"{anchor} is in the book, so it needs no other place")
        elif anchor not in now and not new:
            wrong.append(
                f"{anchor} was released and is gone: say in anchors.txt what serves in its place, '{anchor} -> page#id'"
            )
        elif new and final(anchor, known) not in now:
            wrong.append(f"{anchor} leads to {final(anchor, known)}, which is not in the book")
    return wrong


def release(root=ROOT, path=LIST):
    """Add the anchors of the book as it is to the list; refuse while one is missing."""
    known, now = released(path), present(root)
    wrong = complaints(known, now)
    if wrong:
        return wrong
    known |= dict.fromkeys(now - known.keys())
    lines = [f"{anchor} -> {new}" if new else anchor for anchor, new in sorted(known.items())]
    path.write_text(
        "# Anchors of all releases; `make anchors` adds those of the next one.\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )
    return []


# ----------------------------------------------------------------- on the pages


def moves(docname):
    """(old id, page, new id) of the anchors that this page had and has no more."""
    known = released()
    return [
        (anchor.partition("#")[2], *final(anchor, known).split("#"))
        for anchor, new in known.items()
        if new and anchor.partition("#")[0] == docname
    ]


def add_aliases(app, doctree):
    """What serves on the same page answers to the old id, too."""
    for old, page, new in moves(app.env.docname):
        if page == app.env.docname:
            node = next(node for node in doctree.findall(nodes.Element) if new in node["ids"])
            node["ids"].append(old)


def show_moves(app, pagename, templatename, context, doctree):
    """At the end of a page: what stood here and stands on another one. It shows when it is asked for."""
    gone = [move for move in moves(pagename) if move[1] != pagename] if doctree is not None else []
    if gone and "body" in context:
        lines = "".join(
            f'<p id="{escape(old)}">What you look for has moved: '
            f'<a href="{escape(context["pathto"](page))}#{escape(new)}">go on to “{escape(title(app.env, page))}”</a>.</p>\n'
            for old, page, new in gone
        )
        context["body"] += f'<div class="moved">\n{lines}</div>\n'


def title(env, docname):
    return " ".join(env.titles[docname].astext().split())


def setup(app):
    app.connect("doctree-read", add_aliases, priority=700)
    app.connect("html-page-context", show_moves, priority=940)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.exit("\n".join(release()))
