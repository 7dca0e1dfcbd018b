"""The built ledger lists every numbered result, with its checks, and nothing else."""

from collections import Counter

import nbformat
import pytest
from built import page, page_names
from ledger import LINE, kinds, largest_error
from results import THEOREMS, checks, equation_numbers, markdown, notebooks, results


def rows():
    table = page("book/ledger").find("table", class_="ledger")
    return [row.find_all("td") for row in table.tbody.find_all("tr")]


def expected():
    """(page, label, checks) of every result, in reading order."""
    found = []
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        entries = checks(notebook)
        found += [
            (path.stem, result, [entry for entry in entries if entry.result == result.label])
            for result in results(markdown(notebook))
        ]
    return found


def test_ledger_lists_exactly_the_results():
    listed = [row[0].a["href"] for row in rows()]
    wanted = [
        f"{name}.html#{'equation-' if result.kind == 'equation' else ''}{result.label}"
        for name, result, _ in expected()
    ]
    assert listed == wanted
    assert len(listed) > 0


def test_ledger_numbers_equations_as_the_pages_do():
    numbers = equation_numbers()
    for row, (_, result, _) in zip(rows(), expected(), strict=True):
        said = row[0].get_text()
        if result.kind == "equation":
            assert said == f"({numbers[result.label]})"
            assert row[1].get_text() == result.label
        else:
            assert said.startswith(result.kind.title())
            assert len(row[1].get_text()) > 2


def test_ledger_links_every_check_and_says_its_kind():
    for row, (name, result, entries) in zip(rows(), expected(), strict=True):
        links = row[3].find_all("a")
        assert len(links) == len(entries) > 0, result.label
        for link in links:
            target, anchor = link["href"].split("#")
            line = page(f"book/{target.removesuffix('.html')}").find(id=anchor)
            assert target == f"{name}.html"
            said = line.find(class_="of") if line.name == "details" else line
            assert "check" in line["class"] and said.a["href"] == f"#{row[0].a['href'].split('#')[1]}"
        assert row[4].get_text() == kinds(entry.kind for entry in entries)
        assert row[5].get_text().strip() != ""


def test_every_check_on_a_page_is_a_line_with_a_link():
    for name in page_names():
        found = page(name)
        assert "✓ eq-" not in found.get_text() and "✓ thm-" not in found.get_text()
        assert all(line.a for line in found.find_all("p", class_="check"))


def test_code_that_checks_folds_under_its_line():
    """One line per cell: the code of a cell with checks is inside, its other outputs are not."""
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        made = Counter(check.cell for check in checks(notebook))
        cells = [cell for cell in page(f"book/{path.stem}").find_all("div", class_="cell") if cell.find(class_="check")]
        assert len(cells) == len(made)
        for cell, (index, count) in zip(cells, sorted(made.items()), strict=True):
            folds = cell.find_all("details", class_="check")
            open_cell = "open" in notebook.cells[index].metadata.get("tags", [])
            assert len(folds) == (0 if open_cell and count == 1 else 1)
            code = cell.find("div", class_="cell_input")
            assert (code.find_parent("details") is None) == open_cell
            for fold in folds:
                assert fold.summary.get_text().startswith("✓ ")
                assert fold.summary.a is None and fold.find(class_="of").a
                assert fold.find(class_="cell_output") is None
                assert (f"{count} checks" in fold.summary.get_text()) == (count > 1)


def test_a_line_of_checks_names_its_results_in_the_order_of_the_page():
    lines = 0
    for path in notebooks():
        order = [result.label for result in results(markdown(nbformat.read(path, as_version=4)))]
        for line in page(f"book/{path.stem}").select("details.check > p.of"):
            places = [
                order.index(link["href"].removeprefix("#").removeprefix("equation-")) for link in line.select("a")
            ]
            assert places == sorted(places), line.get_text()
            lines += len(places) > 1
    assert lines > 50


@pytest.mark.parametrize(
    "found, said",
    [
        (["numerical", "exact", "numerical"], "exact, numerical"),
        (
            ["stated, numerical experiment", "Monte-Carlo", "symbolic"],
            "symbolic, Monte-Carlo; stated, numerical experiment",
        ),
        (["stated, exact experiment"], "stated, exact experiment"),
    ],
)
def test_kinds_of_checks_stand_from_the_strictest_on(found, said):
    assert kinds(found) == said


def test_hidden_code_folds_under_one_word():
    for path in notebooks():
        cells = nbformat.read(path, as_version=4).cells
        hidden = [
            cell
            for cell in cells
            if "hide-input" in cell.metadata.get("tags", [])
            and not any(output.get("metadata", {}).get("check") for output in cell.outputs)
        ]
        folds = page(f"book/{path.stem}").select("details.fold.code")
        assert len(folds) == len(hidden)
        assert {fold.summary.get_text() for fold in folds} <= {"Code", "Code of this figure"}


def test_ledger_scrolls_in_its_own_box_and_names_its_columns():
    table = page("book/ledger").find("table", class_="ledger")
    assert "pst-scrollable-table-container" in table.parent["class"]
    assert [head.get_text() for head in table.thead.find_all("th")] == [
        "Result",
        "Name",
        "Derived in",
        "Checks",
        "How",
        "Largest error",
    ]


@pytest.mark.parametrize(
    "entries, said",
    [
        ([("a", "exact", 0.0)], "0"),
        ([("a", "exact", 0.0), ("b", "numerical", 3.2e-13), ("c", "numerical", 1e-15)], "3e-13"),
        ([("a", "Monte-Carlo", 1.26), ("b", "Monte-Carlo", 0.4)], "1.3 standard errors"),
        ([("a", "symbolic", 0.0), ("b", "stated, Monte-Carlo experiment", 2.0)], "0; 2.0 standard errors"),
    ],
)
def test_largest_error(entries, said):
    assert largest_error(entries) == said


def test_the_line_that_is_read_is_the_line_that_is_printed(capsys):
    from mixlib.checks import check

    for label in ("eq-a", *(f"{kind[:3]}-a" for kind in THEOREMS)):
        check(label, 1, "==", 1)
        assert LINE.fullmatch(capsys.readouterr().out.strip()).groups() == (label, "exact, holds")
