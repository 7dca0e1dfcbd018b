"""What must hold of a stored notebook: each rule returns its complaints, none if all is well."""

import re
from statistics import median

from results import THEOREMS, autonumbered, checks, directives, markdown, results

BANNED = re.compile(
    r"\b(clearly|obvious(ly)?|trivial(ly)?|simply|of course|needless to say|straightforward(ly)?|"
    r"(it is|it's) (easy|well known)|easy to (see|show|prove|check)|easily seen|"
    r"just (compute|take|use|set|apply|write|note|plug|add|put|run|do))\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r'“[^”]*”|"[^"\n]*"|^\s*>.*$', re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.#])\d+\.\d+(?:[eE][+-]?\d+)?(?![\w.]*\.\d)|(?<![\w.#])\d+[eE][+-]?\d+\b")
FORBIDDEN_TAGS = {"nbval-skip", "nbval-ignore-output", "raises-exception", "skip-execution"}
HIDING_TAGS = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
LONGEST_SHOWN_CELL = 12
USUAL_SHOWN_CELL = 4  # lines, of the median cell
WIDEST_SHOWN_LINE = 56  # columns that fit on a phone
WIDEST_FOLDED_LINE = 88
MOST_SHOWN_IN_A_ROW = 2
MOST_DIGITS = 6


# ----------------------------------------------------------------- that it was run, as it stands


def was_run(notebook):
    """Every code cell was run, once, from top to bottom."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    expected = list(range(1, len(counts) + 1))
    return [] if counts == expected else [f"execution counts are {counts}: run `make resave`"]


def no_errors(notebook):
    """No cell failed, and none wrote to the error stream."""
    return [
        f"cell {index} has {what(output)}"
        for index, output in all_outputs(notebook)
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def no_images(notebook):
    """Images are not stored: the build makes them."""
    return [
        f"cell {index} stores {kind}"
        for index, output in all_outputs(notebook)
        for kind in output.get("data", {})
        if kind.startswith("image/")
    ]


def nothing_skipped(notebook):
    """No cell is left out of the comparison with a fresh run."""
    wrong = [
        f"a cell is tagged {tag}"
        for cell in notebook.cells
        for tag in FORBIDDEN_TAGS & set(cell.metadata.get("tags", []))
    ]
    return wrong + [
        "a comment switches nbval off"
        for cell in code_cells(notebook)
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source)
    ]


def few_digits(notebook):
    """No printed number has more digits than a run on another machine will repeat."""
    wrong = []
    for index, output in all_outputs(notebook):
        for text in texts_of(output):
            wrong += [
                f"cell {index} prints {number}"
                for number in NUMBER.findall(text)
                if significant_digits(number) > MOST_DIGITS
            ]
    return wrong


def significant_digits(number):
    mantissa = re.split("[eE]", number)[0]
    return len(mantissa.replace(".", "").lstrip("0"))


# ----------------------------------------------------------------- that it can be read


AS_LETTERS = re.compile(r"[α-ωΑ-ΩℓΣ√⁰¹²³⁴-⁹⁻¼]|\b[A-Za-z]\*? = |\b[a-z]\([a-z]\)|\bn log\b|\b1/t\b|\| *-\d")


def formulas_typeset(notebook):
    """What is mathematics in a caption or in a table that a cell prints is typeset, and a minus is no hyphen."""
    captions = [
        (index, cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", ""))
        for index, cell in enumerate(notebook.cells)
    ]
    tables = [(index, output.get("data", {}).get("text/markdown", "")) for index, output in all_outputs(notebook)]
    return [
        f"cell {index} has {found[0]!r} as plain text"
        for index, written in captions + tables
        for found in AS_LETTERS.finditer(re.sub(r"\$[^$]*\$|`[^`]*`", "", written))
    ]


def figures_described(notebook):
    """A cell that draws has alt text, a name and a caption, and shows nothing else."""
    wrong = []
    for index, cell in enumerate(notebook.cells):
        shown = [output for output in cell.get("outputs", ()) if "data" in output]
        figures = [output for output in shown if "<Figure size" in output.data.get("text/plain", "")]
        if not figures:
            continue
        settings = cell.metadata.get("mystnb", {})
        if not settings.get("image", {}).get("alt", "").strip():
            wrong.append(f"cell {index}: its figure has no alt text")
        for key in ("name", "caption"):
            if not settings.get("figure", {}).get(key, "").strip():
                wrong.append(f"cell {index}: its figure has no {key}")
        if len(shown) > 1:
            wrong.append(f"cell {index}: a cell that draws a figure shows nothing else")
    return wrong


def short_cells(notebook):
    """A code cell that the reader sees is short."""
    return [
        f"cell {index} shows {count} lines"
        for index, cell in shown_cells(notebook)
        if (count := len(lines_of(cell))) > LONGEST_SHOWN_CELL
    ]


def narrow_cells(notebook):
    """Code fits into a phone's box; folded code into a page's."""
    shown = dict(shown_cells(notebook))
    wrong = []
    for index, cell in enumerate(notebook.cells):
        widest = max(map(len, cell.source.splitlines()), default=0)
        if cell.cell_type == "code" and widest > (WIDEST_SHOWN_LINE if index in shown else WIDEST_FOLDED_LINE):
            wrong.append(f"cell {index} has a line of {widest} columns")
    return wrong


def few_in_a_row(notebook):
    """Text stands between the cells that the reader sees."""
    wrong, row, shown = [], 0, dict(shown_cells(notebook))
    for index, cell in enumerate(notebook.cells):
        row = 0 if cell.cell_type == "markdown" else row + (index in shown)
        if row > MOST_SHOWN_IN_A_ROW and index in shown:
            wrong.append(f"cell {index} is the {row}th shown one in a row")
    return wrong


def code_in_small_bites(notebook):
    """Half of the cells that the reader sees have at most four lines."""
    usual = median([len(lines_of(cell)) for _, cell in shown_cells(notebook)] or [0])
    return [] if usual <= USUAL_SHOWN_CELL else [f"the median shown cell has {usual} lines"]


def page_described(notebook):
    """The page says to search engines what it holds."""
    description = notebook.metadata.get("myst", {}).get("html_meta", {}).get("description", "")
    return [] if len(description) >= 20 else [f"its html_meta description is {description!r}"]


def plain_words(notebook):
    """No word that tells the reader that a step is easy."""
    texts = markdown(notebook)
    for cell in notebook.cells:
        settings = cell.metadata.get("mystnb", {})
        texts += [settings.get("image", {}).get("alt", ""), settings.get("figure", {}).get("caption", "")]
    return [f"it says “{found[0]}”" for text in texts for found in BANNED.finditer(QUOTED.sub("", text))]


# ----------------------------------------------------------------- results and exercises


def results_checked(notebook):
    """Every numbered result has a check, and every check names a result, of this notebook."""
    labels = [result.label for result in results(markdown(notebook))]
    checked = {check.result for check in checks(notebook)}
    return [f"{label} has no check" for label in labels if label and label not in checked] + [
        f"a check names {label}, which is no result of this notebook" for label in sorted(checked - set(labels))
    ]


def checks_unforged(notebook):
    """What looks like a check's line was printed by a check."""
    return [
        f"cell {index} prints a line that no check made"
        for index, output in all_outputs(notebook)
        for text in texts_of(output)
        if re.search(r"^✓ ", text, re.MULTILINE) and not output.get("metadata", {}).get("check")
    ]


def results_labelled(notebook):
    """Theorems have labels and titles; a display is numbered by its label alone."""
    texts = markdown(notebook)
    wrong = [f"a {result.kind} has no label" for result in results(texts) if not result.label]
    wrong += [
        f"{directive.options.get('label')} has no title"
        for directive in directives(texts)
        if directive.name.removeprefix("prf:") in THEOREMS and not directive.title
    ]
    return wrong + [
        f"{text.splitlines()[0]} numbers itself: use $$ … $$ (label), or a starred form" for text in autonumbered(texts)
    ]


def exercises_solved(notebook):
    """Every exercise says how hard it is and has one solution, hidden until asked for."""
    found = directives(markdown(notebook))
    exercises = {
        item.options.get("label", ""): item.title for item in found if item.name in ("exercise", "exercise-start")
    }
    solutions = [item for item in found if item.name in ("solution", "solution-start")]
    solved = [item.title for item in solutions]
    wrong = ["an exercise has no label"] if "" in exercises else []
    wrong += [
        f"{label} is not graded (Easy, Medium, Hard)"
        for label, title in exercises.items()
        if not title.startswith(("Easy", "Medium", "Hard"))
    ]
    wrong += [f"{label} has {solved.count(label)} solutions" for label in exercises if solved.count(label) != 1]
    wrong += [f"a solution names {label}" for label in solved if label not in exercises]
    wrong += [
        f"the solution of {item.title} is not hidden"
        for item in solutions
        if "dropdown" not in item.options.get("class", "").split()
    ]
    for name in ("solution", "exercise"):
        starts = sum(item.name == f"{name}-start" for item in found)
        ends = sum(item.name == f"{name}-end" for item in found)
        if starts != ends:
            wrong.append(f"{starts} {name}-start and {ends} {name}-end")
    return wrong


def five_exercises(notebook):
    """A chapter ends with at least five exercises."""
    count = sum(item.name in ("exercise", "exercise-start") for item in directives(markdown(notebook)))
    return [] if count >= 5 else [f"it has {count} exercises"]


EVERY_NOTEBOOK = (
    was_run,
    no_errors,
    no_images,
    nothing_skipped,
    few_digits,
    figures_described,
    formulas_typeset,
    short_cells,
    narrow_cells,
    few_in_a_row,
    code_in_small_bites,
    page_described,
    plain_words,
    results_checked,
    checks_unforged,
    results_labelled,
    exercises_solved,
)
EVERY_CHAPTER = (five_exercises,)


# ----------------------------------------------------------------- reading outputs


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown_cells(notebook):
    """(index, cell) of the code that the reader sees: neither hidden nor folded under its checks."""
    return [
        (index, cell)
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        and not HIDING_TAGS & set(tags := cell.metadata.get("tags", []))
        and ("open" in tags or not any("check" in output.get("metadata", {}) for output in cell.outputs))
    ]


def lines_of(cell):
    """Its lines without the empty ones."""
    return [line for line in cell.source.splitlines() if line.strip()]


def all_outputs(notebook):
    return [(index, output) for index, cell in enumerate(notebook.cells) for output in cell.get("outputs", ())]


def texts_of(output):
    """Every text that an output shows."""
    if output.output_type == "stream":
        return [output.text]
    return [
        value
        for kind, value in output.get("data", {}).items()
        if isinstance(value, str) and not kind.startswith("image/")
    ]


def what(output):
    return f"the error {output.ename}" if output.output_type == "error" else "output on stderr"
