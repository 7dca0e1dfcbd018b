"""What is published: the PDF's own checks, the report of the newest versions, and the workflows."""

import re

import newest
import paper
import pdf
import pytest
import yaml
from docutils import nodes
from results import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "log, count",
    [
        ("Output written on book.pdf (190 pages).\n", 0),
        ("LaTeX Warning: Reference `a:b' on page 3 undefined on input line 5.\n", 1),
        ("x" * 70 + "\nundefined", 1),
        ("LaTeX Warning: Hyper reference `" + "x" * 41 + "' unde\nfined on input line 5.\n", 1),  # broken at 79 letters
        ("Missing character: There is no x in font y!\n", 1),
        ("LaTeX Warning: Label `a' multiply defined.\n", 1),
        ("Overfull \\hbox (9.9pt too wide) in paragraph\n", 0),
        ("Overfull \\hbox (30.2pt too wide) in paragraph\n", 1),
    ],
)
def test_what_latex_reports_is_found(log, count):
    assert len(pdf.complaints_of_log(log)) == count


def test_what_is_open_on_paper_is_found():
    assert pdf.complaints_of_text("The normal\ndensity. See (4.1).", ["The normal density"]) == []
    assert len(pdf.complaints_of_text("See Exercise ?? for more.", ["Likelihood"])) == 2
    assert pdf.complaints_of_text("Dragging needs JavaScript. Likelihood", ["Likelihood"]) == ["'JavaScript.' on paper"]
    assert len(pdf.complaints_of_run('xdvipdfmx:warning: PDF destination "x" not defined.')) == 1
    aux = "\\newlabel{equation:book/em:eq-a}{{4.1}{9}{}{}{}}\n\\newlabel{equation:book/em:eq-b}{{{4.3}}{9}{}{}{}}\n"
    assert pdf.complaints_of_numbers(aux, {"eq-a": "4.1", "eq-b": "4.3"}) == []
    assert len(pdf.complaints_of_numbers(aux, {"eq-a": "4.1", "eq-b": "4.2", "eq-c": "4.4"})) == 2
    assert pdf.complaints_of_pictures(r"\sphinxincludegraphics[width=1cm]{{abc}.pdf}") == []
    assert pdf.complaints_of_pictures(r"\sphinxincludegraphics{{abc}.png}") == ["abc.png is no drawing"]
    assert pdf.complaints_of_pictures("") == ["there are no pictures"]


def test_what_is_said_of_mouse_and_keys_is_not_printed():
    assert paper.is_to_press(nodes.container("", classes=["for-a-screen"]))
    assert not paper.is_to_press(nodes.container("", classes=["cell"]))
    assert "slider" in paper.sentence("<noscript><p>Points. The slider needs JavaScript; its numbers</p></noscript>")


def test_words_of_the_title_page_are_letters_in_latex():
    assert paper.for_latex("a_b & 3% #1 {x} ~") == r"a\_b \& 3\% \#1 \{x\} \textasciitilde{}"


def test_the_columns_of_a_long_table_share_the_page():
    words = ["a sentence that goes on and on", "x", "a_name_without_joints"]
    entries = [nodes.entry("", nodes.paragraph("", word)) for word in words]
    widths = re.findall(r"\\X\{(\d+)\}\{(\d+)\}", paper.column_widths(nodes.table("", nodes.row("", *entries))))
    parts = [int(part) for part, _ in widths]
    assert len(parts) == 3 and sum(parts) <= int(widths[0][1])
    assert parts[1] < parts[2] < parts[0]


def test_the_report_names_the_chapters_that_broke():
    log = (
        "FAILED book/em.ipynb::Cell 3\nFAILED book/em.ipynb::Cell 4\nFAILED tests/test_em.py::test_x - ValueError\n"
        "=========== 3 failed, 9 passed in 4.0s ===========\n"
    )
    said = newest.report(log)
    assert (
        "- **book/em.ipynb**: 2 cells" in said
        and "- tests/test_em.py: 1 tests" in said
        and "3 failed, 9 passed" in said
    )
    assert "did not come to an end" in newest.report("Segmentation fault")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_what_people_run(path):
    """A target of the Makefile, or on Windows the README's lines in their order."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    for name, job in jobs.items():
        runs = [step["run"] for step in job["steps"] if "run" in step]
        for target in re.findall(r"^\s*make (\w+)", "\n".join(runs), re.MULTILINE):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
        if name == "windows":
            lines = re.search(r"^```bat\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[1].splitlines()
            assert runs == [line.replace("py -m venv", "python -m venv") for line in lines]


def test_oldest_and_newest_python_on_each_system():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"]
    lowest, highest = re.search(r"Python (3\.\d+) to (3\.\d+)", README).groups()
    assert all(job["strategy"]["matrix"]["python"] == [lowest, highest] for job in jobs.values())
    assert jobs["unix"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]
    assert jobs["windows"]["runs-on"] == "windows-latest"


def test_the_workflows_install_what_the_readme_names():
    named = set(" ".join(re.search(r"`apt install (latexmk [^`]*)`", README)[1].split()).split())
    for name in ("publish", "release"):
        text = (ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")
        assert set(re.search(r"--no-install-recommends (latexmk.*)", text)[1].split()) == named
