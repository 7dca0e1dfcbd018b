"""Sphinx extension: the checks in the chapters, and the ledger of all results.

In a chapter the line that a check printed becomes a paragraph with a link to its result.
`{ledger}` becomes a table of every numbered result, made from the executed notebooks.
"""

import re

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from results import THEOREMS, checks
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

LINE = re.compile(r"✓ (\S+): (.*)")
PROVED = ("symbolic", "exact", "numerical", "Monte-Carlo")
KINDS = (*PROVED, *(f"stated, {kind} experiment" for kind in PROVED))
HEADINGS = ("Result", "Name", "Derived in", "Checks", "How", "Largest error")


class ledger(nodes.General, nodes.Element):
    """Stands where the table will be."""


class LedgerDirective(SphinxDirective):
    def run(self):
        return [ledger()]


# ----------------------------------------------------------------- reading a chapter


def read_chapter(app, doctree):
    """Note the chapter's results and checks, and tidy the lines that the checks printed."""
    env = app.env
    store = env.__dict__.setdefault("book_ledger", {})
    entries = {}
    for node in doctree.findall(lambda node: isinstance(node, nodes.Element)):
        found = numbered_result(node)
        if found:
            entries[found[0]] = {**found[1], **section_of(node), "checks": []}
    for number, (check, literal) in enumerate(printed_checks(app, doctree), start=1):
        anchor = f"check-{number}-{nodes.make_id(check.result)}"
        literal.replace_self(tidy_line(check, literal, anchor, env.docname))
        if check.result in entries:
            entries[check.result]["checks"].append((anchor, check.kind, check.error))
    store[env.docname] = entries


def numbered_result(node):
    """(label, {kind, title nodes}) of a labelled display or a theorem, else None."""
    if isinstance(node, nodes.math_block) and node.get("label"):
        return node["label"], {"kind": "equation", "title": []}
    if node.get("realtype") in THEOREMS:
        title = [child.deepcopy() for child in node[0].children]
        for text in [child for child in title if isinstance(child, nodes.Text)]:
            place = title.index(text)
            title[place] = nodes.Text(text.removeprefix(" (") if place == 0 else text)
        if title and isinstance(title[-1], nodes.Text):
            title[-1] = nodes.Text(title[-1].removesuffix(")"))
        return node["label"], {"kind": node["realtype"], "title": title}
    return None


def section_of(node):
    """Heading and anchor of the section that holds the node."""
    while not (isinstance(node, nodes.section) and isinstance(node[0], nodes.title)):
        node = node.parent
    return {"section": [child.deepcopy() for child in node[0].children], "anchor": node["ids"][0]}


def printed_checks(app, doctree):
    """(check, node of its printed line) for the checks of this chapter, in order."""
    lines = [node for node in doctree.findall(nodes.literal_block) if LINE.match(node.astext())]
    try:
        entries = checks(executed(app)) if lines else []
    except KeyError:  # it failed to run, of which MyST-NB warns
        return []
    if [LINE.match(node.astext())[1] for node in lines] != [entry.result for entry in entries]:
        raise ValueError(f"{app.env.docname}: the checks shown are not the checks made")
    return list(zip(entries, lines))


def executed(app):
    """The chapter's notebook as this build ran it, from the cache of executed notebooks."""
    notebook = nbformat.read(app.env.doc2path(app.env.docname), as_version=4)
    cache = get_cache(app.config.nb_execution_cache_path)
    return cache.get_cache_bundle(cache.match_cache_notebook(notebook).pk).nb


def tidy_line(check, literal, anchor, docname):
    """The paragraph that stands for a printed line; `folds` gathers those of a cell."""
    label, said = LINE.match(literal.astext()).groups()
    paragraph = nodes.paragraph(
        "",
        "",
        nodes.Text("✓ "),
        link(label, docname),
        nodes.Text(f": {said}"),
        classes=["check"],
        ids=[anchor],
        check=check,
    )
    paragraph.source, paragraph.line = literal.source, literal.line
    return paragraph


def link(label, docname):
    """A reference to a result, which Sphinx turns into its number."""
    domain, role = ("math", "eq") if label.startswith("eq-") else ("prf", "ref")
    return addnodes.pending_xref(
        "",
        nodes.inline(label, label),
        refdomain=domain,
        reftype=role,
        reftarget=label,
        refdoc=docname,
        refexplicit=False,
        refwarn=True,
    )


# ----------------------------------------------------------------- the table


class FillLedger(SphinxPostTransform):
    default_priority = 5  # before references are resolved

    def run(self, **kwargs):
        for node in list(self.document.findall(ledger)):
            node.replace_self(self.table())

    def table(self):
        store = self.env.book_ledger
        rows = [
            self.row(docname, label, entry)
            for docname in reading_order(self.env)
            for label, entry in store.get(docname, {}).items()
        ]
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in HEADINGS))
        group = nodes.tgroup(
            "",
            *(nodes.colspec(colwidth=1) for _ in HEADINGS),
            nodes.thead("", head),
            nodes.tbody("", *rows),
            cols=len(HEADINGS),
        )
        return nodes.table("", group, classes=["ledger"])

    def row(self, docname, label, entry):
        section = self.page_link(docname, entry["anchor"], *(node.deepcopy() for node in entry["section"]))
        name = entry["title"] or [nodes.literal("", label)]
        cells = [
            [link(label, self.env.docname)],
            [node.deepcopy() for node in name],
            [section],
            spaced(
                self.page_link(docname, anchor, nodes.Text(str(number)), title=f"check {number} of {label}")
                for number, (anchor, _, _) in enumerate(entry["checks"], start=1)
            ),
            [nodes.Text(kinds(kind for _, kind, _ in entry["checks"]))],
            [nodes.Text(largest_error(entry["checks"]))],
        ]
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))

    def page_link(self, docname, anchor, *words, title=""):
        builder = self.app.builder
        target = builder.get_relative_uri(self.env.docname, docname)
        more = {"reftitle": title} if title else {}
        return nodes.reference("", "", *words, internal=True, refuri=f"{target}#{anchor}" if anchor else target, **more)


def spaced(items):
    found = []
    for item in items:
        found += [nodes.Text(", "), item] if found else [item]
    return found


def kinds(found):
    """Each kind once, from the strictest on, experiments on what is stated last."""
    return ", ".join(sorted(set(found), key=KINDS.index)).replace(", stated,", "; stated,")


def largest_error(entries):
    """The largest error of each sort: relative, and in standard errors for simulations."""
    said = []
    for unit, simulated in (("", False), (" standard errors", True)):
        errors = [error for _, kind, error in entries if ("Monte-Carlo" in kind) == simulated]
        if errors:
            largest = max(errors)
            said.append(f"{largest:.1f}{unit}" if simulated else f"{largest:.0e}" if largest else "0")
    return "; ".join(said)


def reading_order(env):
    """Pages in the order of the table of contents."""
    found = [env.config.root_doc]
    for docname in found:
        found.extend(env.toctree_includes.get(docname, ()))
    return found


# ----------------------------------------------------------------- bookkeeping


def forget(app, env, docname):
    env.__dict__.setdefault("book_ledger", {}).pop(docname, None)


def merge(app, env, docnames, other):
    store = env.__dict__.setdefault("book_ledger", {})
    store.update({docname: other.book_ledger[docname] for docname in docnames})


def ledger_is_outdated(app, env):
    return [docname for docname in env.found_docs if docname.endswith("ledger")]


def setup(app):
    app.add_node(ledger)
    app.add_directive("ledger", LedgerDirective)
    app.add_post_transform(FillLedger)
    app.connect("doctree-read", read_chapter)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", ledger_is_outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
