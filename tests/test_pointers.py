"""The pointers from mixlib to the book: `# (4.7) eq-m-full` is equation 4.7."""

import re
from functools import cache

import pytest
from pointers import complaints, modules, rewritten, theorem_labels
from results import ROOT, equation_numbers, pages

NUMBERS = {"eq-a": "4.7", "eq-b": "1"}
THEOREMS = {"thm-a"}
CHAPTERS = re.compile(r"\b[Cc]hapters? (\d[\d.]*(?:(?:, | and | to |–)\d[\d.]*)*)")


book_numbers, book_theorems = cache(equation_numbers), cache(theorem_labels)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pointers_are_true(path):
    source = path.read_text(encoding="utf-8")
    assert complaints(source, book_numbers(), book_theorems()) == []


def sources():
    """What people read beside the book: code, its tests, scripts of the pages, and the texts at the top."""
    folders = ("mixlib/**/*.py", "tests/*.py", "benchmarks/*.py", "book/_ext/*.py", "book/_static/**/*.js", "*.md")
    return sorted(path for folder in folders for path in ROOT.glob(folder))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_chapters_that_are_named_exist(path):
    """By their number alone: sections have none that a test could hold true."""
    chapters = {number for number, _ in pages() if number}
    for named in CHAPTERS.findall(path.read_text(encoding="utf-8")):
        assert {int(number) for number in re.findall(r"\d+", named)} <= chapters | {0}, named
        assert not re.search(r"\d\.\d", named), named


def test_mixlib_points_at_the_book():
    sources = "".join(path.read_text(encoding="utf-8") for path in modules())
    pointed = [label for label in book_numbers() if f") {label}" in sources]
    for label in (
        "eq-responsibilities",
        "eq-m-weights",
        "eq-m-means",
        "eq-m-identity",
        "eq-m-tied-spherical",
        "eq-m-spherical",
        "eq-m-tied-diag",
        "eq-m-diag",
        "eq-m-tied",
        "eq-m-full",
        "eq-kmeanspp",
    ):
        assert label in pointed


@pytest.mark.parametrize(
    "source",
    [
        "x = 1  # (4.8) eq-a\n",  # the wrong number
        "x = 1  # (4.7) eq-c\n",  # no such equation
        "x = 1  # eq-a\n",  # no number
        "x = 1  # (?) eq-a\n",  # a number still to be filled in
        "x = 1  # (4.7) eq-a, eq-b\n",
        "x = 1  # thm-b\n",  # no such theorem
        '"""Equation (4.8) eq-a."""\n',
        "x = 1  # by (4.7)\n",  # a number that nothing keeps true
        '"""Equation (4.7)."""\n',
    ],
)
def test_a_wrong_pointer_is_seen(source):
    assert complaints(source, NUMBERS, THEOREMS) != []


def test_true_pointers_pass_and_numbers_are_rewritten():
    source = "x = 1  # (4.7) eq-a, (1) eq-b, thm-a; at (4.6), no equation\ny = 'eq-c', (4.7)\n"
    assert complaints(source, NUMBERS, THEOREMS) == []
    assert rewritten("# (9.9) eq-a and (?) eq-b\n", NUMBERS) == "# (4.7) eq-a and (1) eq-b\n"


def test_numbers_count_labelled_displays_by_chapter(tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "root: index\nparts:\n- numbered: 2\n  chapters:\n  - file: one\n  - file: two\n- chapters:\n  - file: after\n"
    )
    (tmp_path / "index.md").write_text("$$a$$ (eq-i)\n")
    (tmp_path / "one.md").write_text("$$a$$ (eq-a)\n\n$$b$$\n\n```{math}\n:label: eq-b\nb\n```\n")
    (tmp_path / "two.md").write_text(
        ":::{prf:theorem} Name\n:label: thm\n$$c$$ (eq-c)\n:::\n\n- item\n\n  $$d$$ (eq-d)\n"
    )
    (tmp_path / "after.md").write_text("$$e$$ (eq-e)\n")
    assert equation_numbers(tmp_path) == {
        "eq-i": "1",
        "eq-a": "1.1",
        "eq-b": "1.2",
        "eq-c": "2.1",
        "eq-d": "2.2",
        "eq-e": "A.1",
    }
