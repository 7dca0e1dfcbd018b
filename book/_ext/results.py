"""The book's numbered results and their checks, read from the sources.

A numbered result is a display with a label, or a theorem, proposition, lemma or corollary.
A check is an output of `mixlib.checks`, which carries `{"check": …}` in its metadata.
"""

from collections import Counter
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple

import nbformat
import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

ROOT = Path(__file__).resolve().parents[2]
THEOREMS = ("theorem", "proposition", "lemma", "corollary")


class Result(NamedTuple):
    label: str  # "" if it has none
    kind: str  # "equation" or one of THEOREMS


class Check(NamedTuple):
    result: str  # the label of the result that it checks
    kind: str  # symbolic, exact, numerical, Monte-Carlo; or stated, … experiment
    error: float | None  # largest error; only in notebooks executed by the build
    cell: int  # index of the cell in the notebook


class Directive(NamedTuple):
    name: str
    title: str
    options: dict
    body: str


# ----------------------------------------------------------------- pages and their numbers


def pages(root=ROOT):
    """The book's pages in reading order: (chapter number or None, path)."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found, number = [(None, _source(root, toc["root"]))], 0
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            number += bool(part.get("numbered"))
            found.append((number if part.get("numbered") else None, _source(root, chapter["file"])))
    return found


def notebooks(root=ROOT):
    """The pages that are notebooks."""
    return [path for _, path in pages(root) if path.suffix == ".ipynb"]


def equation_numbers(root=ROOT):
    """{label: number}, as the built pages number them: chapter or appendix, dot, position."""
    numbers, last, appendices = {}, Counter(), iter(ascii_uppercase)
    for place, (chapter, path) in enumerate(pages(root)):
        found = list(results(texts(path)))
        part = chapter or (next(appendices) if found and place else None)  # the front page is no appendix
        for result in found:
            if result.kind == "equation":
                last[part] += 1
                numbers[result.label] = f"{part}.{last[part]}" if part else f"{last[part]}"
    return numbers


def _source(root, name):
    found = [root / f"{name}{suffix}" for suffix in (".ipynb", ".md")]
    existing = [path for path in found if path.exists()]
    if len(existing) != 1:
        raise FileNotFoundError(f"_toc.yml names {name}: there must be one of {found}")
    return existing[0]


# ----------------------------------------------------------------- what a page holds


def texts(path):
    """The Markdown texts of a page: of a notebook, one per text cell."""
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    return markdown(nbformat.read(path, as_version=4))


def markdown(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def results(sources):
    """The numbered results in the order in which they are numbered."""
    found = []
    for token in _walk(sources):
        if isinstance(token, Directive):
            name = token.name.removeprefix("prf:")
            if token.name == "math" and "label" in token.options:
                found.append(Result(token.options["label"], "equation"))
            elif token.name.startswith("prf:") and name in THEOREMS:
                found.append(Result(token.options.get("label", ""), name))
        elif token.type == "math_block_label":
            found.append(Result(token.info, "equation"))
    return found


def directives(sources):
    """Every directive, those inside others too."""
    return [token for token in _walk(sources) if isinstance(token, Directive)]


def autonumbered(sources):
    """Top-level amsmath environments that would number themselves."""
    return [
        token.content
        for token in _walk(sources)
        if not isinstance(token, Directive) and token.type == "amsmath" and token.meta["numbered"] != "*"
    ]


def checks(notebook):
    """The checks in a notebook's outputs, in order."""
    found = []
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            entry = output.get("metadata", {}).get("check")
            if entry:
                found.append(Check(entry["result"], entry["kind"], entry.get("error"), index))
    return found


def _walk(sources):
    """Tokens of Markdown as MyST reads it, with directives opened in their place."""
    parser = MarkdownIt("commonmark").use(dollarmath_plugin, allow_labels=True)
    parser.use(amsmath_plugin).use(colon_fence_plugin)
    for source in sources:
        for token in parser.parse(source):
            if token.type in ("fence", "colon_fence") and token.info.strip().startswith("{"):
                directive = _directive(token)
                yield directive
                if directive.name not in ("math", "code-cell", "code-block"):
                    yield from _walk([directive.body])
            else:
                yield token


def _directive(token):
    name, _, title = token.info.strip()[1:].partition("}")
    lines, options = token.content.splitlines(), []
    if lines and lines[0].startswith("---"):
        end = next(i for i, line in enumerate(lines[1:], start=1) if line.startswith("---"))
        options, lines = lines[1:end], lines[end + 1 :]
    else:
        while lines and lines[0].lstrip().startswith(":"):
            options.append(lines.pop(0).lstrip()[1:])
    options = dict(line.partition(":")[::2] for line in options)
    options = {key.strip(): value.strip() for key, value in options.items()}
    return Directive(name.strip(), title.strip(), options, "\n".join(lines))
