"""What the README promises is what the Makefile and the lock do."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def blocks(language):
    """The README's code blocks in a language, each a list of lines."""
    return [
        block.strip().splitlines()
        for block in re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    ]


def recipe_lines():
    """The Makefile's commands, with its variables put in and pip's quietening left out."""
    joined = MAKEFILE.replace("\\\n", " ").replace("$(PY)", ".venv/bin/python")
    joined = joined.replace("$(PYTHON)", "python3").replace(" --clear", "")
    joined = joined.replace(" --disable-pip-version-check", "")
    return [line.strip().removeprefix("@") for line in joined.splitlines() if line.startswith("\t")]


def locked():
    """{name: (version, marker)} of the lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {item.name.lower(): item for item in found}, len(found)


def test_readme_names_the_two_commands():
    commands = [line for block in blocks("sh") for line in block if line.startswith("make")]
    assert commands == ["make book", "make test", "make pdf"]
    for command in re.findall(r"`make (\w+)", README) + ["book", "test"]:
        assert re.search(rf"^{command}:", MAKEFILE, re.MULTILINE), command


def test_lines_without_make_are_the_makefiles():
    lines = next(block for block in blocks("sh") if len(block) > 1)
    assert len(lines) == 5
    recipes = recipe_lines()
    for line in lines:
        assert line in recipes
    assert [recipes.index(line) for line in lines[:3]] == sorted(recipes.index(line) for line in lines[:3])


def test_windows_lines_are_the_same():
    unix = next(block for block in blocks("sh") if len(block) > 1)
    (windows,) = blocks("bat")
    assert windows == [
        line.replace("python3 -m venv", "py -m venv").replace(".venv/bin/", ".venv\\Scripts\\") for line in unix
    ]


def test_ci_runs_the_test_command():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "exec make test"


@pytest.mark.parametrize("lines", blocks("python"), ids=["fit"])
def test_readme_example_runs(lines):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.split()) == 2


def test_readme_links_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_lock_is_exact_and_the_same_everywhere():
    found, count = locked()
    assert len(found) == count, "a package is locked at two versions"
    for name, item in found.items():
        assert [part.operator for part in item.specifier] == ["=="], name


def test_lock_holds_what_the_project_asks_for():
    found, _ = locked()
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            asked = Requirement(line)
            (pinned,) = found[asked.name.lower()].specifier
            assert pinned.version in asked.specifier, line
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]:
        assert Requirement(line).name in found


@pytest.mark.parametrize("name", ["numpy", "scipy", "scikit-learn", "jupyter-book", "sphinx", "nbval"])
def test_this_environment_is_the_locked_one(name):
    (pinned,) = locked()[0][name].specifier
    assert version(name) == pinned.version


def test_the_package_carries_its_data(tmp_path):
    shutil.copytree(ROOT / "mixlib", tmp_path / "mixlib")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    build = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"
    (tmp_path / "wheels").mkdir()
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "mixlib").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in packed


def test_one_version_number():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == citation["version"]
    assert f"## {project['version']} ({citation['date-released']})" in (ROOT / "CHANGELOG.md").read_text(
        encoding="utf-8"
    )
    assert version("mixlib") == project["version"]


def test_bibliography_is_complete():
    from pybtex.database import parse_file

    needed = {
        "article": {"journal", "volume", "pages"},
        "book": {"publisher"},
        "inproceedings": {"booktitle"},
        "incollection": {"booktitle", "publisher"},
    }
    entries = parse_file(str(ROOT / "book" / "references.bib")).entries
    titles = []
    for key, entry in entries.items():
        assert entry.persons.get("author"), key
        assert needed.get(entry.type, set()) | {"title", "year"} <= set(entry.fields), key
        assert re.fullmatch(r"[a-z]+\d{4}[a-z]?", key) and key.rstrip("ab").endswith(entry.fields["year"]), key
        titles.append(entry.fields["title"].lower())
    assert len(set(titles)) == len(titles)


def test_the_bibliography_holds_what_is_cited_and_nothing_else():
    from pybtex.database import parse_file
    from results import pages, texts

    cited = {
        key.strip()
        for _, path in pages()
        for text in texts(path)
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
        for key in keys.split(",")
    }
    assert cited == set(parse_file(str(ROOT / "book" / "references.bib")).entries)
