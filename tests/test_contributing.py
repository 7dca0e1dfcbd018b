"""What CONTRIBUTING.md tells people to type and to touch is there."""

import inspect
import re

from pointers import complaints
from results import equation_numbers
from test_project import MAKEFILE, ROOT, recipe_lines

import mixlib
from mixlib.covariance import CONSTRAINTS

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(title):
    return re.search(rf"^##+ {title}\n(.*?)(?=^## |^### |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def test_every_target_and_every_file_exists():
    for target in re.findall(r"`make (\w+)", TEXT):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
    named = re.findall(r"(?:book|mixlib|tests)/[\w./-]+\.\w+", TEXT)
    assert len(named) > 20
    for path in named:
        assert (ROOT / path).is_file(), path


def test_what_stands_beside_make_is_what_make_runs():
    rows = re.findall(r"^\| `make (\w+)(?: NB=(\S+))?` \| `(.+?)` \|$", TEXT, re.MULTILINE)
    assert [target for target, *_ in rows] == ["unit", "resave", "pointers", "picture", "serve"]
    for target, notebook, command in rows:
        recipe = MAKEFILE[MAKEFILE.index(f"\n{target}:") :].split("\n\n")[0]
        command = command.replace(notebook, "$(NB)") if notebook else command
        assert command in recipe_lines() and command.replace(".venv/bin/python", "$(PY)") in recipe


def test_one_test_can_be_run():
    for line in re.findall(r"-m pytest -n 0 (.*)", TEXT):
        path, _, word = line.partition(" -k ")
        assert f"def test_a_{word}" in (ROOT / path).read_text(encoding="utf-8") if word else (ROOT / path).exists()


def test_its_example_of_a_pointer_is_true():
    (example,) = re.findall(r"`(# \([\d.]+\) eq-[\w-]+)`", TEXT)
    assert complaints(example + "\n", equation_numbers(), set()) == []


def test_every_place_that_knows_the_constraints_is_named():
    """A file in which one of them has its name stands in the worked list; tests follow from tests/reference.py."""
    files = [*(ROOT / "mixlib").rglob("*.py"), *(ROOT / "book/_static").rglob("*.js"), *(ROOT / "book").glob("*.md")]
    known = {path.relative_to(ROOT).as_posix() for path in files if "tied_diag" in path.read_text(encoding="utf-8")}
    listed = set(re.findall(r"`((?:book|mixlib)/[\w./-]+\.(?:py|js|md))`", section("To add a constraint")))
    assert len(known) > 4 and known <= listed


def test_docstrings_name_every_constraint():
    for thing in (mixlib.fit, mixlib.GaussianMixture):
        assert all(f'"{name}"' in inspect.getdoc(thing) for name in CONSTRAINTS), thing
