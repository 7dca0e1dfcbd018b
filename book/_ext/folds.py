"""Sphinx extension: code that checks folds under its ✓, and hidden code under one quiet line.

The lines of a cell's checks (see `ledger`) become the summary of a disclosure that holds the code
which made them; other outputs stay in sight. A cell tagged `open` keeps its code in sight, too.
A cell tagged `hide-input` folds in the same way. Print shows the summary alone.
"""

from docutils import nodes
from ledger import kinds, largest_error


class fold(nodes.General, nodes.Element):
    """A disclosure; its first child is the summary."""


class summary(nodes.General, nodes.TextElement):
    """What shows of it when it is closed."""


def fold_cells(app, doctree):
    order = {label: place for place, label in enumerate(app.env.book_ledger[app.env.docname])}
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") == "cell_code":
            fold_cell(cell, order)


def fold_cell(cell, order):
    code = next((child for child in cell if child.get("nb_element") == "cell_code_source"), None)
    output = next((child for child in cell if child.get("nb_element") == "cell_code_output"), None)
    lines = [node for node in cell.findall(nodes.paragraph) if "check" in node["classes"]]
    for line in lines:
        line.parent.remove(line)
    if output is not None and not output.children:
        cell.remove(output)
    if lines:
        stays = code if code is not None and "tag_open" in cell["classes"] else None
        folded = checks_fold(lines, None if stays is not None else code, order)
        if code is not None:
            cell.remove(code)
        cell[:0] = [part for part in (stays, folded) if part is not None]
    elif code is not None and cell.get("hide_mode") == "input":
        del cell["hide_mode"]
        cell.remove(code)
        draws = next(cell.findall(nodes.image), None) is not None
        words = "Code of this figure" if draws else "Code"
        folded = fold("", summary("", words), code, classes=["fold", "code"])
        cell.insert(len(cell) if draws else 0, folded)
    for part in cell.findall(fold):
        part.source, part.line = cell.source, cell.line


def checks_fold(lines, code, order):
    """One disclosure for the checks of a cell; a single line without code stays as it is."""
    if code is None and len(lines) == 1:
        return lines[0]
    code = [] if code is None else [code]
    if len(lines) == 1:
        said = lines[0]
        return fold("", summary("", "", *said.children), *code, classes=["fold", "check"], ids=said["ids"])
    return fold("", summary("", "", *headline(lines, order)), *code, *lines, classes=["fold", "check"])


def headline(lines, order):
    """✓ 7 checks of (4.36), (4.37): exact, numerical; largest error 1e-05. The results as the page numbers them."""
    entries = [line["check"] for line in lines]
    found = {line["check"].result: line for line in lines}
    said = [nodes.Text(f"✓ {len(lines)} checks of ")]
    for result in sorted(found, key=lambda result: order.get(result, -1)):
        said += [found[result][1].deepcopy(), nodes.Text(", ")]
    error = largest_error([(None, entry.kind, entry.error) for entry in entries]).removeprefix("0; ")
    worst = "" if error == "0" else f"; largest error {error}"
    return said[:-1] + [nodes.Text(f": {kinds(entry.kind for entry in entries)}{worst}")]


# ----------------------------------------------------------------- writing


def visit_fold(self, node):
    self.body.append(self.starttag(node, "details", **({"open": ""} if node.get("open") else {})))


def depart_fold(self, node):
    self.body.append("</details>\n")


def visit_summary(self, node):
    self.body.append(self.starttag(node, "summary", ""))


def depart_summary(self, node):
    self.body.append("</summary>\n")


def visit_fold_elsewhere(self, node):
    """On paper: the line of the checks, and no code."""
    said = node[0].children if "check" in node["classes"] else None
    node.clear()
    if said:
        node += nodes.paragraph("", "", *said)


def pass_by(self, node):
    pass


def setup(app):
    elsewhere = (visit_fold_elsewhere, pass_by)
    app.add_node(fold, html=(visit_fold, depart_fold), latex=elsewhere, text=elsewhere)
    app.add_node(summary, html=(visit_summary, depart_summary), latex=(pass_by, pass_by), text=(pass_by, pass_by))
    app.connect("doctree-read", fold_cells, priority=600)  # after the ledger has made the lines
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
