"""Sphinx extension: `{again} fig-…` shows a figure of another chapter once more, with its number as a link.

The picture is the chapter's own, so a slide shows what the chapter shows.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


class again(nodes.General, nodes.Element):
    """Stands where the figure will be."""


class Again(SphinxDirective):
    required_arguments = 1

    def run(self):
        node = again(label=self.arguments[0], docname=self.env.docname)
        self.set_source_info(node)
        return [node]


class ShowAgain(SphinxPostTransform):
    default_priority = 4  # before references are resolved and images collected

    def run(self, **kwargs):
        labels = self.env.get_domain("std").anonlabels
        for node in list(self.document.findall(again)):
            label = node["label"]
            docname, anchor = labels.get(label, (None, None))[:2]
            image = self.picture(docname, anchor) if docname else None
            if image is None:
                logger.warning("there is no figure %s", label, location=node)
                node.parent.remove(node)
            else:
                node.replace_self([image, self.source(label, node["docname"])])

    def picture(self, docname, anchor):
        for figure in self.env.get_doctree(docname).findall(nodes.figure):
            if anchor in figure["ids"]:
                image = next(figure.findall(nodes.image)).deepcopy()
                self.env.images.add_file(self.env.docname, image["uri"])
                return nodes.figure("", image)
        return None

    def source(self, label, docname):
        link = addnodes.pending_xref(
            "",
            nodes.inline(label, label),
            refdomain="std",
            reftype="numref",
            reftarget=label,
            refdoc=docname,
            refexplicit=False,
            refwarn=True,
        )
        return nodes.paragraph("", "", link, classes=["again"])


def setup(app):
    app.add_node(again)
    app.add_directive("again", Again)
    app.add_post_transform(ShowAgain)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
