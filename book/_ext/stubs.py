"""Exercises to hand out: a notebook for each chapter with its exercises, blanks, and self-checks.

They are made from the chapters, so they cannot drift from them. A solution's top-level statements
that assert or check something are the self-check of its exercise, if they use what its other
statements define; those names are the blanks. `{stubs}` lists the notebooks on a page.
"""

import ast
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from results import Directive, directives, equation_numbers, markdown, notebooks, texts
from sphinx.util.docutils import SphinxDirective

FOLDER = "exercises"
CHECKS = {"check", "monte_carlo"}
BINDING = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
GIVEN = {"np.array", "np.random.default_rng", "exact", "dict"}  # what makes data out of numbers
INTRODUCTION = (
    "The exercises of “{title}”, from the book “k-means is a special Gaussian mixture”. Run the cells in order. "
    "Where a cell says *Your work*, replace each `...`; the self-check below it then runs without an error. "
    "You need `mixlib` and the packages that the chapter imports."
)


class Exercise(NamedTuple):
    label: str
    title: str
    text: str
    setup: list  # statements of the chapter that its solution needs, as source
    solution: list  # all statements of the solution
    given: list  # those of them that only write down data
    checks: list  # those that check what the work defines; empty if it is for pen and paper
    blanks: list  # source of the names to fill in


# ----------------------------------------------------------------- names that statements bind and use


class _Names(ast.NodeVisitor):
    """Names bound at the top of a statement, names used, and names whose object may be changed."""

    def __init__(self, statement):
        self.bound, self.used, self.changed = set(), set(), set()
        self.visit(statement)

    def visit_Name(self, node):
        (self.used if isinstance(node.ctx, ast.Load) else self.bound).add(node.id)

    def visit_FunctionDef(self, node):
        self.bound.add(node.name)
        inner = {a.arg for a in [*node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg] if a}
        for part in [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]:
            if part is not None:
                self.visit(part)
        self._inside(node.body, inner)

    def visit_ClassDef(self, node):
        self.bound.add(node.name)
        self._inside([*node.bases, *node.body], set())

    def visit_Lambda(self, node):
        self._inside([node.body], {a.arg for a in node.args.args})

    def _inside(self, body, own):
        for part in body:
            names = _Names(part)
            own |= names.bound
            self.used |= names.used - own

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        self.changed |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        self.used |= self.changed

    def visit_Assign(self, node):
        for target in node.targets:
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                self.changed |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        self.generic_visit(node)

    def visit_Expr(self, node):
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
        ):
            self.changed.add(call.func.value.id)
        self.generic_visit(node)

    def visit_Import(self, node):
        self.bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}

    visit_ImportFrom = visit_Import


def statements(source):
    """(node, its source) of each top-level statement."""
    return [(node, ast.get_source_segment(source, node)) for node in ast.parse(source).body]


def free_names(parts):
    """Names that statements use before they bind them."""
    bound, free = set(), set()
    for node, _ in parts:
        names = _Names(node)
        loops = isinstance(node, (ast.For, ast.While, ast.With, ast.If, ast.Try))
        free |= names.used - bound - (names.bound if loops or comprehends(node) else set())
        bound |= names.bound
    return free


def comprehends(node):
    return any(isinstance(part, (ast.comprehension, ast.NamedExpr)) for part in ast.walk(node))


def needed(before, wanted):
    """Source of the statements before that give the names wanted, in order."""
    kept, wanted = set(), set(wanted)
    while True:
        size, missing = len(kept), set(wanted)
        for place in range(len(before) - 1, -1, -1):
            node, source = before[place]
            names = _Names(node)
            gives, changes = names.bound & missing, names.changed & missing
            if not gives and (not changes or makes_checks(node)):
                continue
            kept.add(place)
            if isinstance(node, BINDING):
                missing -= gives - names.changed
            missing |= free_names([(node, source)])
        wanted |= missing  # a function may use what is defined below it
        if len(kept) == size:
            return [before[place][1] for place in sorted(kept)]


def makes_checks(node):
    """Does the statement assert or check something?"""
    return any(
        isinstance(part, ast.Assert)
        or (isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in CHECKS)
        for part in ast.walk(node)
    )


# ----------------------------------------------------------------- a chapter's exercises


def exercises(notebook):
    """The exercises of a chapter with what their solutions need."""
    asked = {
        found.options["label"]: found
        for found in directives(markdown(notebook))
        if isinstance(found, Directive) and found.name == "exercise"
    }
    before, solution, label, found = [], [], None, []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts = statements(cell.source)
            (solution if label else before).extend(parts)
            continue
        for mark in re.finditer(r"\{solution-start\} (\S+)|\{solution-end\}", cell.source):
            if mark[1]:
                label, solution = mark[1], []
            else:
                found.append(exercise(asked[label], before, solution))
                before, label = before + solution, None
    return found


def exercise(asked, before, solution):
    work = [part for part in solution if not makes_checks(part[0])]
    given = [part for part in work if is_given(part[0])]
    work = [part for part in work if part not in given]
    defined = names_bound(work)
    checks = [part for part in solution if makes_checks(part[0]) and free_names([part]) & defined]
    wanted = free_names(checks) & defined
    blanks = [line for node, _ in work for line in blank(node, wanted)]
    return Exercise(
        asked.options["label"],
        asked.title,
        asked.body.strip(),
        needed(before, free_names(solution)) if checks else [],
        [source for _, source in solution],
        [source for node, source in given if checks],
        [source for _, source in checks],
        list(dict.fromkeys(blanks)),
    )


def names_bound(parts):
    return set().union(*(_Names(node).bound for node, _ in parts))


def is_given(node):
    """Does the statement import, or write down data that the exercise gives?"""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    if not isinstance(node, ast.Assign) or isinstance(node.value, (ast.Constant, ast.BinOp, ast.UnaryOp)):
        return isinstance(node, ast.Assign) and isinstance(getattr(node.value, "value", None), int)
    calls = {ast.unparse(part.func) for part in ast.walk(node.value) if isinstance(part, ast.Call)}
    used = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
    return calls <= GIVEN and used <= {name.split(".")[0] for name in GIVEN}


def blank(node, wanted):
    """Source lines that name what is to be defined."""
    if isinstance(node, ast.FunctionDef) and node.name in wanted:
        head = f"def {node.name}({ast.unparse(node.args)}):"
        said = ast.get_docstring(node)
        return ["\n".join([head, *([f'    """{said}"""'] if said else []), "    ..."])]
    return [f"{name} = ..." for name in sorted(_Names(node).bound & wanted)]


# ----------------------------------------------------------------- the notebook


def stub(path, numbers):
    """The notebook to hand out of a chapter, or None if it has no exercises."""
    chapter = nbformat.read(path, as_version=4)
    found = exercises(chapter)
    if not found:
        return None
    title = next(line[2:] for text in texts(path) for line in text.splitlines() if line.startswith("# "))
    cells = [new_markdown_cell(f"# Exercises: {title}\n\n{INTRODUCTION.format(title=title)}")]
    for one in found:
        cells.append(new_markdown_cell(f"## {one.title}\n\n{plain(one.text, numbers)}"))
        if one.checks:
            folded = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
            if one.setup:
                cells.append(new_code_cell("# From the chapter\n" + "\n".join(one.setup), metadata=folded))
            if one.given:
                cells.append(new_code_cell("# Given\n" + "\n".join(one.given)))
            cells.append(new_code_cell("# Your work\n" + "\n\n".join(one.blanks)))
            cells.append(new_code_cell("# Self-check\n" + "\n".join(one.checks)))
        else:
            cells.append(new_markdown_cell("*Your proof, or your answer:*"))
    for number, cell in enumerate(cells, start=1):
        cell.id = f"cell-{number:03d}"
    made = new_notebook(cells=cells, metadata={"kernelspec": dict(chapter.metadata.kernelspec)})
    nbformat.validate(made)
    return made


def plain(text, numbers):
    """Markdown that a notebook shows without MyST."""
    text = re.sub(r"\{eq\}`([^`]+)`", lambda m: f"({numbers.get(m[1], m[1])})", text)
    text = re.sub(r"\{cite:[pt]\}`([^`]+)`", lambda m: cited(m[1]), text)
    text = re.sub(r"\{[a-z:]+\}`([^`<]+?)\s*<[^`>]+>`", r"\1", text)
    text = re.sub(r"\{[a-z:]+\}`([^`]+)`", r"“\1” of the book", text)
    return re.sub(r"^\$\$ \(eq-[\w-]+\)", "$$", re.sub(r"\$\$ \(eq-[\w-]+\)", "$$", text), flags=re.MULTILINE)


def cited(keys):
    return ", ".join(
        f"{m[1].capitalize()} ({m[2]})" if (m := re.match(r"([a-z]+)(\d{4})", key)) else key
        for key in keys.replace(" ", "").split(",")
    )


def write(folder):
    """Write the notebooks of all chapters; their names, with the titles."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, written = equation_numbers(), []
    for path in notebooks():
        made = stub(path, numbers)
        if made is not None:
            name = f"exercises-{path.stem}.ipynb"
            nbformat.write(made, folder / name)
            written.append((name, made.cells[0].source.splitlines()[0].removeprefix("# Exercises: ")))
    return written


# ----------------------------------------------------------------- on the site


class Stubs(SphinxDirective):
    """A list of links to the notebooks."""

    def run(self):
        items = []
        for path in notebooks():
            found = exercises(nbformat.read(path, as_version=4))
            if found:
                title = next(line[2:] for text in texts(path) for line in text.splitlines() if line.startswith("# "))
                name, checked = f"exercises-{path.stem}.ipynb", sum(bool(one.checks) for one in found)
                link = nodes.reference("", title, refuri=f"../{FOLDER}/{name}", internal=True)
                share = "all" if checked == len(found) else f"{checked} of them"
                count = nodes.Text(f": {len(found)} exercises, {share} with a self-check")
                items.append(nodes.list_item("", nodes.paragraph("", "", link, count)))
        return [nodes.bullet_list("", *items)]


def write_beside_pages(app, failed):
    if not failed and app.builder.format == "html":
        write(Path(app.outdir) / FOLDER)


def setup(app):
    app.add_directive("stubs", Stubs)
    app.connect("build-finished", write_beside_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    for name, _ in write(Path(sys.argv[1])):
        print(name)
