"""Sphinx extension: theorems, proofs, exercises and solutions, as the pages show them.

A theorem and an exercise have a link to themselves; a proof is open, can be folded, and says where
it ends; a solution is folded. No summary holds a link.
"""

import re

from docutils import nodes
from folds import fold, summary
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node


class SetBoxes(SphinxPostTransform):
    default_priority = 950  # when titles and references are there
    formats = ("html",)

    def run(self, **kwargs):
        for node in list(self.document.findall(nodes.Element)):
            if isinstance(node, solution_node):
                node.replace_self(solution(node))
            elif isinstance(node, nodes.admonition) and "proof" in node["classes"]:
                node.replace_self(proof(node))
            elif isinstance(node, fold) and "check" in node["classes"]:
                part_links(node)
            elif isinstance(node, (exercise_node, exercise_enumerable_node)) or node.get("realtype"):
                add_link(node, "exercise" if "exercise" in node["classes"] else node["realtype"])


def add_link(node, name):
    if node["ids"] and len(node) and isinstance(node[0], nodes.title):
        node[0] += nodes.reference(
            "", "#", refid=node["ids"][0], classes=["headerlink"], reftitle=f"Link to this {name}", internal=True
        )


def solution(node):
    """Its summary is "Solution to Exercise 4.1": the title stands just above."""
    title = node[0] if isinstance(node[0], nodes.title) else None
    said = (
        re.match(r"Solution to\s+Exercise [\d.A-Z]*\d", " ".join(title.astext().split())) if title is not None else None
    )
    body = node.children[1:] if title is not None else node.children
    return fold("", summary("", said[0] if said else "Solution"), *body, ids=node["ids"], classes=["fold", "solution"])


def part_links(node):
    """A summary is a control and holds no others: its links go into a line below it."""
    line = nodes.paragraph("", nodes.Text("Check of "), classes=["of"])
    for place, link in enumerate(list(node[0].findall(nodes.reference))):
        line += [nodes.Text(", "), link.deepcopy()] if place else [link.deepcopy()]
        link.replace_self(nodes.inline("", link.astext()))
    line += nodes.Text(".")
    node.insert(1, line)


def proof(node):
    for opening in node[0].findall(nodes.emphasis):
        opening.parent.remove(opening)
        break
    if isinstance(node[0], nodes.paragraph) and len(node[0]) and isinstance(node[0][0], nodes.Text):
        node[0][0] = nodes.Text(node[0][0].lstrip())
    said = of_what(node[0])
    end = nodes.inline("", "□", classes=["qed"])
    if isinstance(node[-1], nodes.paragraph):
        node[-1] += [nodes.Text(" "), end]
    else:
        node += nodes.paragraph("", "", end, classes=["qed-line"])
    return fold("", summary("", said), *node.children, ids=node["ids"], classes=["fold", "proof"], open=True)


def of_what(opening):
    """ "Proof.", or "Proof of Theorem 2.10." where the proof begins with (of {prf:ref}`…`) since others stand between."""
    if not (opening.astext().startswith("(of ") and isinstance(opening[1], nodes.reference)):
        return "Proof."
    result = opening[1].astext().replace(" ", "\N{NO-BREAK SPACE}")
    opening[2] = nodes.Text(opening[2].removeprefix(")").lstrip())
    del opening[:2]
    return f"Proof of {result}."


def setup(app):
    app.add_post_transform(SetBoxes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
