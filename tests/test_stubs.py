"""The exercises to hand out: made from the solutions, which still run in them, and with nothing of them in sight."""

import contextlib
import io
import re
import warnings

import matplotlib
import nbformat
import pytest
import stubs
from built import HTML, page
from results import directives, equation_numbers, markdown, notebooks

NUMBERS = equation_numbers()
CHAPTERS = [path for path in notebooks() if stubs.exercises(nbformat.read(path, as_version=4))]
EXERCISES = [(path.stem, one) for path in CHAPTERS for one in stubs.exercises(nbformat.read(path, as_version=4))]
CHECKED = [(chapter, one) for chapter, one in EXERCISES if one.checks]


def source(one, *parts):
    return "\n".join(line for part in parts for line in getattr(one, part))


def run(one, *parts):
    matplotlib.use("agg")
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(source(one, *parts), one.label, "exec"), {"__name__": "stub"})


def test_every_exercise_of_every_chapter_is_there():
    for path in CHAPTERS:
        notebook = nbformat.read(path, as_version=4)
        asked = [found.title for found in directives(markdown(notebook)) if found.name == "exercise"]
        heads = re.findall(r"^## (.*)$", "\n".join(markdown(stubs.stub(path, NUMBERS))), re.MULTILINE)
        assert heads == asked and len(asked) >= 5, path.stem
    assert len(CHECKED) > len(EXERCISES) / 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_nothing_of_the_work_shows(path):
    made = stubs.stub(path, NUMBERS)
    assert all(not cell.get("outputs") for cell in made.cells)
    for one in (one for chapter, one in CHECKED if chapter == path.stem):
        given = {*one.given, *one.checks, *one.setup}
        shown = {line for cell in made.cells if "# Your work" in cell.source for line in cell.source.splitlines()}
        for statement in (text for text in one.solution if text not in given):
            hidden = [line for line in statement.splitlines() if not line.lstrip().startswith(("def ", '"""'))]
            assert not shown & set(hidden), one.label


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_notebook_reads_without_the_book(path):
    text = "\n".join(markdown(stubs.stub(path, NUMBERS)))
    assert not re.search(r"\{(eq|prf:ref|ref|numref|cite:\w|doc)\}`", text)


@pytest.mark.slow
@pytest.mark.parametrize("one", [one for _, one in CHECKED], ids=lambda one: one.label)
def test_the_solution_passes_its_self_check_and_blanks_do_not(one):
    run(one, "setup", "solution")
    with pytest.raises(Exception):  # noqa: B017  (an Ellipsis fails in many ways)
        run(one, "setup", "given", "blanks", "checks")


def test_what_is_work_and_what_is_its_check():
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("import math\nunused = 1\nscale = 2"),
            nbformat.v4.new_markdown_cell("```{exercise} Easy: double\n:label: ex-a\nDouble {eq}`eq-b`.\n```"),
            nbformat.v4.new_markdown_cell("```{solution-start} ex-a\n```\nSo."),
            nbformat.v4.new_code_cell('data = [1, 2]\ndef double(v):\n    "Twice v."\n    return scale * v'),
            nbformat.v4.new_code_cell("assert [double(v) for v in data] == [2, 4]"),
            nbformat.v4.new_markdown_cell("```{solution-end}\n```"),
        ]
    )
    (one,) = stubs.exercises(book)
    assert one.setup == ["scale = 2"] and one.given == ["data = [1, 2]"]
    assert one.blanks == ['def double(v):\n    """Twice v."""\n    ...'] and len(one.checks) == 1
    assert stubs.plain("Double {eq}`eq-b` by {cite:t}`lloyd1982`.", {"eq-b": "1.2"}) == "Double (1.2) by Lloyd (1982)."


@pytest.mark.site
def test_the_site_offers_them():
    links = page("book/teaching").select('a[href*="exercises/"]')
    assert [link["href"] for link in links] == [f"../exercises/exercises-{path.stem}.ipynb" for path in CHAPTERS]
    for path in CHAPTERS:
        offered = nbformat.read(HTML / "exercises" / f"exercises-{path.stem}.ipynb", as_version=4)
        assert offered.cells == stubs.stub(path, NUMBERS).cells
