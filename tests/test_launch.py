"""Notebooks that readers take along install what they import, where the book's repository is known."""

import re
import tomllib

import booksite
import launch
import nbformat
import pytest
from built import HTML, page, page_names
from packaging.requirements import Requirement
from results import ROOT, notebooks

URL = "https://github.com/someone/book"
EXTRA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["book"]
NAMES = {"PIL": "pillow", "sklearn": "scikit-learn"}
STANDARD = {"decimal", "fractions", "functools", "itertools", "math", "unittest", "warnings"}
SHIPPED = {"IPython", "mixlib"}  # the notebook's own program, and what the line installs


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_the_extra_holds_what_the_chapters_import(path):
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE)) - STANDARD - SHIPPED - {"numpy"}
    assert {NAMES.get(name, name) for name in imported} <= {Requirement(line).name for line in EXTRA}


def test_the_copy_installs_mixlib_and_is_otherwise_the_same(monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    stored = nbformat.read(ROOT / "book" / "index.ipynb", as_version=4)
    copy = launch.prepared(stored, URL, "https://example.org/book/index.html")
    nbformat.validate(copy)
    assert copy.cells[0].source == (
        "# The page itself: https://example.org/book/index.html\n"
        '%pip install --quiet "mixlib[book] @ git+https://github.com/someone/book@c0ffee"'
    )
    assert copy.cells[1:] == nbformat.read(ROOT / "book" / "index.ipynb", as_version=4).cells


@pytest.mark.parametrize(
    "url, offered",
    [
        (
            URL,
            [
                ("Colab", "https://colab.research.google.com/github/someone/book/blob/notebooks/em.ipynb"),
                ("Binder", "https://mybinder.org/v2/gh/someone/book/notebooks?labpath=em.ipynb"),
            ],
        ),
        ("https://gitlab.com/someone/book", []),
        (None, []),
    ],
)
def test_services_only_for_what_they_can_open(url, offered):
    assert launch.services(url, "em.ipynb") == offered


@pytest.mark.site
@pytest.mark.parametrize("name", page_names())
def test_pages_offer_their_notebook(name):
    """It is there; it is opened elsewhere, and installs by itself, only where the repository is known."""
    found, url = page(name), booksite.repository(ROOT)
    copies = [link["href"] for link in found.find_all("a", download=True) if link["href"].endswith(".ipynb")]
    offered = [link["href"] for link in found.select("p.launch a") if "download" not in link.attrs]
    source = ROOT / f"{name}.ipynb"
    assert len(copies) == source.exists()
    assert offered == [link for _, link in launch.services(url, source.name)] * source.exists()
    for address in copies:
        copy = nbformat.read((HTML / "book" / address).resolve(), as_version=4)
        stored = nbformat.read(source, as_version=4)
        assert ("%pip install" in copy.cells[0].source) == bool(url)
        assert [cell.source for cell in copy.cells[bool(url) :]] == [cell.source for cell in stored.cells]


@pytest.mark.site
def test_binder_finds_its_requirements_or_none():
    path, url = HTML / "_sources" / "book" / "requirements.txt", booksite.repository(ROOT)
    assert path.exists() == bool(url)
    if url:
        assert f"git+{url}@" in path.read_text()
