"""What the README promises is what the Makefile and the lock do."""

import inspect
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement

import mixlib

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
    assert commands == ["make book", "make test", "make pdf", "make epub"]
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


def test_readme_example_prints_what_stands_below_it():
    ((code,), (said,)) = blocks("python"), blocks("text")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(code)], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == said
    defaults = inspect.signature(mixlib.select).parameters
    tried = len(defaults["covariances"].default) * len(defaults["components"].default)
    assert f"among {tried} models" in "\n".join(code)


def test_readme_names_methods_as_the_laboratory_does():
    """Each row of its table is a setting of `fit`, under the name that the map of methods gives it."""
    rows = re.findall(r'^\| (.+?) \| `"(\w+)"` \| `"(\w+)"` \| `"(\w+)"` \|$', README, re.MULTILINE)
    source = (ROOT / "book/_static/mixture-laboratory/2-map.js").read_text(encoding="utf-8")
    columns = json.loads(re.search(r"COLUMNS = (.*);", source)[1])
    names = {key: json.loads(row) for key, row in re.findall(r"^    (\w+): (\[.*\]),$", source, re.MULTILINE)}
    assert len(rows) > 5 and len(names) == 7
    for name, covariance, weights, assignment in rows:
        assert name == names[covariance][columns.index([assignment, weights])].removesuffix(" (VVV)")
        mixlib.fit([[0.0], [1.0], [3.0], [9.0]], 1, covariance=covariance, weights=weights, assignment=assignment)


def test_readme_installs_what_there_is():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    installed = re.findall(r'pip install "\.\[([\w,]+)\]"', README)
    assert len(installed) == 3 and {name for names in installed for name in names.split(",")} <= extras.keys()
    for name, package in re.findall(r"`(\w+)` adds scikit-learn|`(\w+)` matplotlib", README):
        assert (name or package) in extras


def test_readme_picture_is_what_mixlib_draws():
    """Made anew: the same elements and words in the same places, to a tenth of a point; small, and nothing from elsewhere."""
    import picture

    stored = picture.PICTURE.read_text(encoding="utf-8")
    assert len(stored) < 110_000 and "(.github/picture.svg)" in README
    number = re.compile(r"-?\d+(?:\.\d+)?")

    def bare(text):  # names made from contents, and the pixels of the tint, are other ones elsewhere
        text = re.sub(r'(base64,|href="#|id="|url\(#)[^")]*', "", text)
        return number.sub("#", text), np.array(number.findall(text), dtype=float)

    (shape, places), (shape_now, places_now) = bare(stored), bare(picture.svg())
    assert shape == shape_now
    np.testing.assert_allclose(places, places_now, rtol=0, atol=0.1)
    assert not re.search(r'href="(?!#|data:)', stored)


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


def test_oldest_versions_are_the_promised_ones():
    text = (ROOT / "requirements.oldest").read_text(encoding="utf-8").split("\n\n")[0]
    tried = {item.name: item.specifier for item in map(Requirement, text.splitlines()[1:])}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    lowest = {item.name: str(item.specifier)[2:] for item in map(Requirement, promised) if item.specifier}
    assert tried.keys() == lowest.keys()
    for name, at_least in lowest.items():
        (oldest,) = tried[name]
        assert oldest.operator == "==" and (oldest.version + ".").startswith(at_least + "."), name


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
    assert version("mixlib") == mixlib.__version__ == project["version"]


def test_the_wheel_says_what_it_is():
    """Keywords as cited, Pythons as the README has them, and the lowest as required."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["keywords"] == citation["keywords"]
    assert [author["name"] for author in project["authors"]] == [author["name"] for author in citation["authors"]]
    first, last = map(int, re.search(r"Python 3\.(\d+) to 3\.(\d+)", README).groups())
    pythons = [int(minor) for minor in re.findall(r"Python :: 3\.(\d+)", " ".join(project["classifiers"]))]
    assert pythons == list(range(first, last + 1)) and project["requires-python"] == f">=3.{first}"
    assert "Typing :: Typed" in project["classifiers"]


def test_the_readme_installs_extras_that_there_are():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r"pip install \"\.\[([\w,]+)\]\"", README)
    assert named and all(extra in extras for names in named for extra in names.split(","))


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
