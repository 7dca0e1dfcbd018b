"""The stored notebooks were run, can be read, and prove what they number."""

import nbformat
import pytest
import rules
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from results import markdown, notebooks, pages

NOTEBOOKS = notebooks()
CHAPTERS = [path for number, path in pages() if number]


@pytest.mark.parametrize("rule", rules.EVERY_NOTEBOOK, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook(path, rule):
    assert rule(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("rule", rules.EVERY_CHAPTER, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter(path, rule):
    assert rule(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("path", [path for _, path in pages() if path.suffix == ".md"], ids=lambda path: path.stem)
def test_plain_words_on_every_page(path):
    page = new_notebook(cells=[new_markdown_cell(path.read_text(encoding="utf-8"))])
    assert rules.plain_words(page) == []
    assert rules.results_labelled(page) == []
    assert rules.results_checked(page) == []  # a page without code can check nothing


def test_notebook_is_valid_and_stored_by_resave():
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert path.read_text(encoding="utf-8") == nbformat.writes(notebook, indent=1) + "\n"
        assert notebook.metadata.kernelspec.name == "python3"
        assert [cell.id for cell in notebook.cells] == [
            f"cell-{number:03d}" for number in range(1, len(notebook.cells) + 1)
        ]


def test_descriptions_differ():
    found = [nbformat.read(path, as_version=4).metadata.myst.html_meta.description for path in NOTEBOOKS]
    assert len(set(found)) == len(found)


# ----------------------------------------------------------------- the rules can fail

CHECK = {"check": {"result": "eq-a", "kind": "exact"}}
EXERCISE = "```{exercise} Easy: one\n:label: ex-one\nWhat?\n```\n\n"
SOLUTION = "```{solution-start} ex-one\n:class: dropdown\n```\nThis.\n\n```{solution-end}\n```\n"


def good():
    """A small notebook that keeps every rule."""
    figure = new_code_cell(
        "plt.plot(x)",
        execution_count=2,
        metadata={"mystnb": {"image": {"alt": "A rising line."}, "figure": {"name": "fig-a", "caption": "It rises."}}},
        outputs=[new_output("display_data", {"text/plain": "<Figure size 640x480 with 1 Axes>"})],
    )
    return new_notebook(
        metadata={"myst": {"html_meta": {"description": "A sentence about the page."}}},
        cells=[
            new_markdown_cell("# Title\n\n$$a = b$$ (eq-a)\n\n```{prf:theorem} Name\n:label: thm-a\nText.\n```"),
            new_code_cell(
                "check()",
                execution_count=1,
                outputs=[
                    new_output("display_data", {"text/plain": "✓ eq-a: exact, holds"}, metadata=CHECK),
                    new_output(
                        "display_data",
                        {"text/plain": "✓ thm-a: exact, holds"},
                        metadata={"check": {"result": "thm-a", "kind": "exact"}},
                    ),
                ],
            ),
            figure,
            new_markdown_cell(EXERCISE + SOLUTION),
        ],
    )


def bad(change):
    notebook = good()
    change(notebook)
    return notebook


def text(addition):
    return lambda nb: nb.cells.append(new_markdown_cell(addition))


def code(source="1", tags=(), **output):
    """Append a cell that was run third."""

    def change(notebook):
        outputs = [new_output(**output)] if output else []
        notebook.cells.append(
            new_code_cell(source, execution_count=3, outputs=outputs, metadata={"tags": list(tags)} if tags else {})
        )

    return change


def printed(words):
    return code(output_type="stream", name="stdout", text=words)


def settings(part, key, value):
    return lambda nb: nb.cells[2].metadata.mystnb[part].update({key: value})


def replace(old, new):
    """Change the last text cell."""

    def change(notebook):
        assert old in notebook.cells[3].source
        notebook.cells[3].source = notebook.cells[3].source.replace(old, new)

    return change


BAD = [
    ("was_run", lambda nb: nb.cells[1].update(execution_count=None)),
    ("was_run", lambda nb: nb.cells[2].update(execution_count=1)),
    ("was_run", lambda nb: nb.cells[1].update(execution_count=2) or nb.cells[2].update(execution_count=1)),
    ("was_run", lambda nb: nb.cells[2].update(execution_count=7)),
    ("no_errors", code(output_type="error", ename="ValueError", evalue="", traceback=[])),
    ("no_errors", code(output_type="stream", name="stderr", text="a warning")),
    ("no_images", code(output_type="display_data", data={"image/png": "iVBO"})),
    ("no_images", code(output_type="display_data", data={"image/svg+xml": "<svg/>"})),
    ("nothing_skipped", code(tags=["nbval-skip"])),
    ("nothing_skipped", code(tags=["nbval-ignore-output"])),
    ("nothing_skipped", code(tags=["raises-exception"])),
    ("nothing_skipped", code("# NBVAL_IGNORE_OUTPUT\n1")),
    ("few_digits", printed("0.1234567")),
    ("few_digits", printed("[1.5, -2.3456789e-05]")),
    ("few_digits", printed("12345.67")),
    ("few_digits", code(output_type="display_data", data={"text/html": "<td>0.12345678</td>"})),
    (
        "few_digits",
        code(output_type="execute_result", execution_count=3, data={"text/plain": "np.float64(3.141592653589793)"}),
    ),
    ("figures_described", settings("image", "alt", " ")),
    ("figures_described", settings("figure", "caption", "")),
    ("formulas_typeset", settings("figure", "caption", "The variance σ² rises.")),
    ("formulas_typeset", settings("figure", "caption", "It rises, with K = 2.")),
    ("figures_described", settings("figure", "name", "")),
    ("figures_described", lambda nb: nb.cells[2].metadata.pop("mystnb")),
    ("figures_described", lambda nb: nb.cells[2].outputs.insert(0, nb.cells[1].outputs[0])),
    ("short_cells", code("1\n" * 13)),
    ("short_cells", code("1\n" * 13, tags=["open"], output_type="display_data", metadata=CHECK)),
    ("narrow_cells", code("1 + " * 14 + "1")),
    ("narrow_cells", code("1 + " * 22 + "1", tags=["hide-input"])),
    ("few_in_a_row", lambda nb: nb.cells.extend(new_code_cell("1") for _ in range(3))),
    (
        "few_in_a_row",
        lambda nb: nb.cells.extend(
            new_code_cell("1", metadata={"tags": tags}) for tags in ([], ["hide-input"], [], [])
        ),
    ),
    ("code_in_small_bites", lambda nb: nb.cells.extend(new_code_cell("1\n" * 5) for _ in range(2))),
    ("page_described", lambda nb: nb.metadata.pop("myst")),
    ("page_described", lambda nb: nb.metadata.myst.html_meta.update(description="Short.")),
    ("plain_words", text("This is Clearly true.")),
    ("plain_words", text("It is easy to see that.")),
    ("plain_words", text("Now just compute it.")),
    ("plain_words", settings("figure", "caption", "It obviously rises.")),
    ("results_checked", text("$$c = d$$ (eq-c)")),
    ("results_checked", text("```{math}\n:label: eq-c\nc = d\n```")),
    ("results_checked", text("````{note}\n```{math}\n:label: eq-c\nc = d\n```\n````")),
    ("results_checked", text(":::{prf:lemma} Name\n:label: lem-a\nText.\n:::")),
    ("results_checked", text("```{prf:proposition} Name\n---\nlabel: prp-a\n---\nText.\n```")),
    ("results_checked", text("```{prf:corollary} Name\n:label: cor-a\nText.\n```")),
    ("results_checked", text(":::{prf:proof}\n$$c = d$$ (eq-c)\n:::")),
    ("results_checked", lambda nb: nb.cells[1].outputs.pop()),
    ("results_checked", lambda nb: nb.cells[0].update(source="# Title\n\n$$a = b$$ (eq-a)")),
    ("checks_unforged", printed("✓ eq-c: exact, holds")),
    ("results_labelled", text("```{prf:theorem} Name\nText.\n```")),
    ("results_labelled", text("```{prf:theorem}\n:label: thm-b\nText.\n```")),
    ("results_labelled", text("\\begin{align}\na &= b\n\\end{align}")),
    ("exercises_solved", replace(SOLUTION, "")),
    ("exercises_solved", replace(EXERCISE, "")),
    ("exercises_solved", replace(":class: dropdown\n", "")),
    ("exercises_solved", replace("Easy: one", "One")),
    ("exercises_solved", replace(":label: ex-one\n", "")),
    ("exercises_solved", replace("```{solution-end}\n```\n", "")),
    ("exercises_solved", text(SOLUTION)),
]


@pytest.mark.parametrize("rule", rules.EVERY_NOTEBOOK, ids=lambda rule: rule.__name__)
def test_rule_accepts_a_good_notebook(rule):
    notebook = good()
    nbformat.validate(notebook)
    assert rule(notebook) == []


@pytest.mark.parametrize("name, change", BAD, ids=[f"{name}-{i}" for i, (name, _) in enumerate(BAD)])
def test_rule_rejects_a_bad_notebook(name, change):
    assert getattr(rules, name)(bad(change)) != []


def test_every_rule_is_seen_to_fail():
    assert {name for name, _ in BAD} == {rule.__name__ for rule in rules.EVERY_NOTEBOOK}


def test_five_exercises_are_counted():
    assert rules.five_exercises(good()) == ["it has 1 exercises"]
    assert rules.five_exercises(bad(text(EXERCISE * 4))) == []


def test_what_rules_let_pass():
    for words in (
        "123456 points",
        "1234567 points",
        "0.123456",
        "0.00123456",
        "1.0e-09",
        "version 1.2.3456789",
        "<Figure size 640x480>",
        "#1234567",
    ):
        assert rules.few_digits(bad(printed(words))) == []
    assert rules.plain_words(bad(text("> clearly we want\n\nThe essay says “clearly”."))) == []
    for kept in (
        code("1\n" * 13, tags=["hide-input"]),
        code("1\n\n" * 12),
        code("1\n" * 13, output_type="display_data", metadata=CHECK),
    ):
        assert rules.short_cells(bad(kept)) == []
    for kept in (
        code("1\n" * 13, tags=["hide-input"]),
        code("1\n\n" * 4),
        code("1\n" * 13, output_type="display_data", metadata=CHECK),
    ):
        assert rules.code_in_small_bites(bad(kept)) == []
    assert rules.narrow_cells(bad(code("1 + " * 21 + "1", tags=["hide-input"]))) == []
    assert rules.few_in_a_row(bad(lambda nb: nb.cells.extend(new_code_cell("1") for _ in range(2)))) == []
    assert rules.results_labelled(bad(text("\\begin{align*}\na &= b\n\\end{align*}"))) == []
    assert rules.results_checked(bad(text("$$c = d$$\n\n`$$c = d$$ (eq-c)`\n\n```\n$$c$$ (eq-d)\n```"))) == []


def test_labels_are_unique_in_the_book():
    from results import results

    labels = [result.label for path in NOTEBOOKS for result in results(markdown(nbformat.read(path, as_version=4)))]
    repeated = {label for label in labels if labels.count(label) > 1}
    assert repeated == set()
