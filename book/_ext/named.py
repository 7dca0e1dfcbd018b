"""Sphinx extension: `{named-results}` becomes the index of the book's theorems by name.

It is made from what `ledger` notes of each chapter, so a result stands in it as soon as it has a title.
"""

import re
import unicodedata
from itertools import groupby

from docutils import nodes
from ledger import link, reading_order
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective


class named_results(nodes.General, nodes.Element):
    """Stands where the index will be."""


class NamedResults(SphinxDirective):
    def run(self):
        return [named_results()]


class FillIndex(SphinxPostTransform):
    default_priority = 5  # before references are resolved

    def run(self, **kwargs):
        for node in list(self.document.findall(named_results)):
            node.replace_self(self.index())

    def index(self):
        found = [
            (key(entry["title"]), docname, label, entry)
            for docname in reading_order(self.env)
            for label, entry in self.env.book_ledger.get(docname, {}).items()
            if entry["title"]
        ]
        found.sort(key=lambda item: item[0])
        parts = []
        for letter, items in groupby(found, key=lambda item: item[0][:1].upper()):
            rows = [nodes.list_item("", self.line(docname, label, entry)) for _, docname, label, entry in items]
            parts += [nodes.rubric("", letter), nodes.bullet_list("", *rows)]
        return parts

    def line(self, docname, label, entry):
        chapter = self.env.titles[docname].astext()
        title = [node.deepcopy() for node in entry["title"]]
        where = [nodes.Text(" ("), link(label, self.env.docname), nodes.Text(f", {chapter})")]
        return nodes.paragraph("", "", *title, *where)


def key(title):
    """What a result is sorted by: its words, without the article and without signs."""
    words = "".join(node.astext() for node in title)
    words = unicodedata.normalize("NFD", words.replace("Ł", "L").replace("ł", "l"))  # a letter that does not come apart
    return re.sub(r"[^\w ]", "", re.sub(r"^(The|A|An) ", "", words)).strip().lower()


def outdated(app, env):
    return [docname for docname in env.found_docs if docname.endswith("results")]


def setup(app):
    app.add_node(named_results)
    app.add_directive("named-results", NamedResults)
    app.add_post_transform(FillIndex)
    app.connect("env-updated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
