"""The built pages: all there, typeset, described, linked, and in need of no other host."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import booksite
import nbformat
import pytest
from built import HTML, page, page_names, require_fresh_site, soup
from jupyter_cache import get_cache
from results import ROOT, equation_numbers, pages, results, texts

PAGES = page_names()
EVERY_PAGE = [*PAGES, "search", "genindex"]
LOADING = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
    "use": "href",
    "image": "href",
}
NAMES_ONLY = {"canonical"}  # a link that names an address and loads nothing
OUTSIDE = re.compile(r"^(https?:)?//")
CDN = re.compile(r"unpkg\.com|jsdelivr|cdnjs|googleapis|googletagmanager|gstatic|plausible\.io|readthedocs\.net")


def test_the_site_is_fresh():
    require_fresh_site()


def test_every_page_was_built():
    for name in PAGES:
        assert len(page(name).find("article").get_text().split()) > 20, name
    front = (HTML / "index.html").read_text(encoding="utf-8")
    assert "book/index.html" in front


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_nothing_loads_from_another_host(name):
    found = [
        element[attribute]
        for tag, attribute in LOADING.items()
        for element in page(name).find_all(tag)
        if element.get(attribute) and not NAMES_ONLY & set(element.get("rel", ()))
    ]
    assert found != []
    assert [address for address in found if OUTSIDE.match(address)] == []
    inline = [element.get_text() for element in page(name).find_all(["script", "style"])]
    assert [text for text in inline if CDN.search(text) or "@import" in text] == []


def test_no_style_or_script_names_another_host():
    styles = list(HTML.rglob("*.css"))
    assert [path.name for path in styles] == ["book.css"]
    assert "div.formula" in styles[0].read_text(encoding="utf-8")  # all of them are in it
    for path in styles:
        text = path.read_text(encoding="utf-8")
        loads = re.findall(r"url\(\s*['\"]?([^)'\"]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)
        assert [address for address in loads if OUTSIDE.match(address)] == [], path
        assert [address for address in loads if not (path.parent / address).exists()] == [], path
    scripts = list(HTML.rglob("*.js"))
    assert len(scripts) > 3
    assert [path for path in scripts if CDN.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_what_a_page_loads_is_there(name):
    folder = (HTML / f"{name}.html").parent
    for tag, attribute in LOADING.items():
        for element in page(name).find_all(tag):
            address = element.get(attribute, "")
            if address and not address.startswith(("#", "data:")) and not NAMES_ONLY & set(element.get("rel", ())):
                assert (folder / unquote(address.split("?")[0].split("#")[0])).exists(), address
    for source in page(name).find_all("source"):
        assert (folder / source["srcset"]).exists() and source.find_parent("picture").img, source


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_ids_are_unique(name):
    ids = [element["id"] for element in page(name).find_all(id=True)]
    assert {one for one in ids if ids.count(one) > 1} == set()


@pytest.mark.parametrize("name", PAGES)
def test_links_inside_the_book_lead_somewhere(name):
    here = HTML / f"{name}.html"
    for link in page(name).find_all("a", href=True):
        if re.match(r"[a-z]+:", link["href"]):
            assert link["href"].startswith(("https://", "http://www.")), link["href"]
            continue
        address, _, anchor = link["href"].partition("#")
        target = (here.parent / unquote(address.split("?")[0])).resolve() if address else here
        assert target.exists(), link["href"]
        if anchor and target.suffix == ".html":
            assert soup(target).find(id=unquote(anchor)) is not None, link["href"]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_described(name):
    found = page(name)
    assert found.html["lang"] == "en"
    assert len(found.find("article").find_all("h1")) == 1
    assert len(found.find("meta", attrs={"name": "description"})["content"]) >= 20
    assert len(found.title.get_text()) > 5


def test_descriptions_and_titles_differ():
    for read in (
        lambda found: found.find("meta", attrs={"name": "description"})["content"],
        lambda found: found.title.get_text(),
    ):
        said = [read(page(name)) for name in PAGES]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize("name", PAGES)
def test_images_have_alternatives(name):
    for image in page(name).find("article").find_all("img"):
        assert image.get("alt", "").strip(), image["src"]
        assert not image["alt"].startswith(("_images/", "../_images/")), image["src"]


@pytest.mark.parametrize("path", [path for _, path in pages() if path.suffix == ".ipynb"], ids=lambda path: path.stem)
def test_every_figure_was_drawn(path):
    notebook = nbformat.read(path, as_version=4)
    wanted = {
        cell.metadata["mystnb"]["figure"]["name"]
        for cell in notebook.cells
        if "figure" in cell.metadata.get("mystnb", {})
    }
    drawn = {
        one["id"]
        for figure in page(f"book/{path.stem}").find_all("figure")
        if figure.find("img")
        for one in [figure, *figure.find_all(id=True)]
        if one.get("id")
    }
    drawn |= {
        span["id"]
        for span in page(f"book/{path.stem}").find_all("span", id=True)
        if span.find_parent("figure") or span.find_next_sibling("figure")
    }
    assert wanted <= drawn


def test_equations_have_the_numbers_that_the_pointers_use():
    built = {}
    for name in PAGES:
        for formula in page(name).select("div.math[id^=equation-]"):
            number = formula.find(class_="eqno").get_text()
            built[formula["id"].removeprefix("equation-")] = number.strip("()#¶ \n")
    labels = [result.label for _, path in pages() for result in results(texts(path)) if result.kind == "equation"]
    assert built == equation_numbers()
    assert len(labels) == len(built)


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_names_match_what_is_shown(name):
    """A control is named by its words; lists have items; landmarks have names of their own."""
    found = page(name)
    assert found.find(["summary", "button"], attrs={"aria-label": True}) is None
    assert all(button.get_text().strip() for button in found.find_all(["button", "summary"]))
    names = [part.get("aria-label") for part in found.find_all("nav")]
    assert len(set(names)) == len(names) and None not in names
    assert len(found.find_all("main")) == 1
    assert [item for item in found.select("div.citation") if item["role"] != "listitem"] == []


@pytest.mark.parametrize("name", PAGES)
def test_tables_name_their_columns(name):
    for head in page(name).find("article").find_all("th"):
        assert head.get_text().strip(), head.find_parent("table").get_text()[:80]


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_styles_and_licence_on_every_page(name):
    found = page(name)
    assert any("book.css" in link["href"] for link in found.find_all("link", rel="stylesheet"))
    footer = found.find(class_="bd-footer-content").get_text()
    assert "CC BY 4.0" in footer and "MIT" in footer


def test_solutions_are_hidden():
    """Each under its number, which is no link and does not repeat the title."""
    count = 0
    for name in PAGES:
        for solution in page(name).select(".solution"):
            assert solution.name == "details" and not solution.has_attr("open")
            assert re.fullmatch(r"Solution to Exercise [\dA-Z.]+", solution.summary.get_text())
            assert solution.summary.a is None
            count += 1
    exercises = sum(len(page(name).select("div.exercise")) for name in PAGES)
    assert count == exercises > 0


def test_theorems_link_to_themselves_and_proofs_end():
    theorems = proofs = 0
    for name in PAGES:
        for box in page(name).select("div.proof"):
            assert box.find(class_="admonition-title").find(class_="headerlink")["href"] == f"#{box['id']}"
            theorems += 1
        for proof in page(name).select("details.proof"):
            assert proof.has_attr("open") and re.fullmatch(r"Proof( of Theorem\s[\d.]+\d)?\.", proof.summary.get_text())
            assert not proof.find("p").get_text().startswith("(of ")
            assert len(proof.select(".qed")) == 1 and proof.get_text().rstrip().endswith("□")
            proofs += 1
    assert theorems > 30 and proofs > 20


@pytest.mark.parametrize("name", PAGES)
def test_images_have_a_size_and_wait(name):
    """Nothing moves when a figure comes; all but the first wait until they come near."""
    images = page(name).find("article").find_all("img")
    for place, image in enumerate(images):
        assert int(image["width"]) > 100 and int(image["height"]) > 100
        assert (image.get("loading") == "lazy") == (place > 0)


def test_figures_with_panels_side_by_side_have_a_second_drawing():
    """Theirs are the words "first" and "second": on a phone there is no left one."""
    side = re.compile(r"\b(Left|Right)\b|\((left|right)\b|\b(left|right) (one|panel)|\bon the (left|right)\b")
    count = 0
    for path in (path for _, path in pages() if path.suffix == ".ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            grid = re.search(r"subplots\((\d), (\d)(?!.*width_ratios)", cell.source)
            described = cell.metadata.get("mystnb", {})
            if "figure" in described:
                figure = page(f"book/{path.stem}").find(id=described["figure"]["name"])
                beside = bool(grid) and grid[1] == "1" < grid[2]
                assert (figure.find("source") is not None) == beside, described["figure"]["name"]
                words = described["figure"]["caption"] + described["image"]["alt"]
                assert not (beside and side.search(words)), words
                count += beside
    assert count > 15


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_pages_load_few_and_small_files(name):
    """The frame, styles, scripts and fonts of a page together, as stored; only the search page loads an index."""
    found = page(name)
    folder = (HTML / f"{name}.html").parent
    files = [
        folder / tag[key].split("?")[0]
        for tag, key in [(tag, "src") for tag in found.find_all("script", src=True)]
        + [(tag, "href") for tag in found.find_all("link", rel="stylesheet")]
    ]
    if name == "search":
        files = [path for path in files if path.name not in ("searchindex.js", "searchtools.js")]
    assert sum(path.stat().st_size for path in files) < 120_000
    assert sum(path.stat().st_size for path in (HTML / "_static" / "fonts").glob("*.woff2")) < 130_000


def test_scripts_of_an_element_load_where_it_stands():
    """A folder of scripts bears the name of the element that they make."""
    seen = set()
    for name in PAGES:
        loaded = [
            script["src"].split("?")[0].split("_static/")[1] for script in page(name).find_all("script", src=True)
        ]
        assert {"site.js", "folds.js"} <= set(loaded)
        for folder in (path for path in (ROOT / "book" / "_static").iterdir() if path.is_dir()):
            scripts = sorted(f"{folder.name}/{path.name}" for path in folder.glob("*.js"))
            stands = page(name).find(folder.name) is not None
            assert [one for one in loaded if one.startswith(f"{folder.name}/")] == (scripts if stands else [])
            seen |= {folder.name} if stands else set()
    assert seen == {"variance-slider", "mixture-laboratory", "covariance-ellipse", "slide-deck"}


def test_no_icon_font_and_no_unused_files():
    assert (
        not list(HTML.rglob("*fontawesome*"))
        and not list(HTML.rglob("*bootstrap*"))
        and not list(HTML.rglob("*mathjax*"))
    )
    for name in EVERY_PAGE:
        assert page(name).select('i[class*="fa-"]') == []


def test_a_page_for_wrong_addresses():
    found = soup(HTML / "404.html")
    assert (
        found.h1.get_text() == "Page not found" and found.find("meta", attrs={"name": "robots"})["content"] == "noindex"
    )


# ----------------------------------------------------------------- what keeps the site true


@pytest.fixture
def project(tmp_path):
    for name, text in {
        "mixlib/em.py": "a = 2\n",
        "mixlib/data/x.csv": "1\n",
        "requirements.lock": "numpy==1\n",
        "book/em.ipynb": "{}",
        "_config.yml": "",
        "_toc.yml": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "name, executed_again",
    [
        ("mixlib/em.py", True),
        ("mixlib/data/x.csv", True),
        ("requirements.lock", True),
        ("mixlib/new.py", True),
        ("book/em.ipynb", False),
        ("_config.yml", False),
        ("book/new.md", False),
    ],
)
def test_a_change_is_never_missed(project, name, executed_again):
    code, sources = booksite.code_digest(project), booksite.source_digest(project)
    (project / name).write_text("a = 3\n")
    assert (booksite.code_digest(project) != code) == executed_again
    assert booksite.source_digest(project) != sources
    (project / "mixlib" / "__pycache__").mkdir()
    again = booksite.source_digest(project)
    (project / "mixlib" / "__pycache__" / "em.pyc").write_bytes(b"1")
    assert booksite.source_digest(project) == again


def test_results_of_other_code_are_thrown_away(project):
    app, config = SimpleNamespace(outdir=project / "_build/html", srcdir=project), SimpleNamespace()
    booksite.prepare_execution(app, config)
    first = config.nb_execution_cache_path
    (project / "_build/execution").mkdir(parents=True)
    (project / "_build/execution" / first.split("/")[-1]).mkdir()
    booksite.prepare_execution(app, config)
    assert config.nb_execution_cache_path == first
    (project / "mixlib/em.py").write_text("a = 3\n")
    booksite.prepare_execution(app, config)
    assert config.nb_execution_cache_path != first
    assert list((project / "_build/execution").iterdir()) == []


def test_notebooks_are_executed_side_by_side_once(tmp_path, capfd):
    (tmp_path / "book").mkdir()
    for name, source in {"a": "1 + 1", "b": "2 + 2", "c": "1 / 0"}.items():
        cells = [nbformat.v4.new_code_cell(source, id=name)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "book" / f"{name}.ipynb")
    config = SimpleNamespace(nb_execution_cache_path=str(tmp_path / "cache"), nb_execution_timeout=60)
    app = SimpleNamespace(srcdir=tmp_path, config=config)
    booksite.execute_side_by_side(app)
    cache = get_cache(config.nb_execution_cache_path)
    kept = {Path(record.uri).stem: cache.get_cache_bundle(record.pk).nb for record in cache.list_cache_records()}
    assert {name: nb.cells[0].outputs[0].data["text/plain"] for name, nb in kept.items()} == {"a": "2", "b": "4"}
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert [Path(record.uri).stem for record in cache.list_unexecuted()] == ["c"]  # its page will report it


@pytest.mark.parametrize("failed, warnings, fresh", [(None, 0, True), (None, 1, False), (OSError(), 0, False)])
def test_a_failed_build_is_not_fresh(project, failed, warnings, fresh):
    outdir = project / "_build/html"
    outdir.mkdir(parents=True)
    (outdir / booksite.STAMP).write_text("old")
    booksite.stamp(SimpleNamespace(outdir=outdir, srcdir=project, _warncount=warnings), failed)
    assert (outdir / booksite.STAMP).exists() == fresh


@pytest.mark.parametrize(
    "remote, url",
    [
        ("https://github.com/someone/book.git", "https://github.com/someone/book"),
        ("https://user:word@gitlab.com/someone/book", "https://gitlab.com/someone/book"),
        ("git@github.com:someone/book.git", "https://github.com/someone/book"),
        ("ssh://git@github.com/someone/book.git", "https://github.com/someone/book"),
        ("/srv/git/book", None),
        ("https://example.org/someone/book", None),
        (None, None),
    ],
)
def test_links_to_the_repository_only_where_one_is_known(tmp_path, monkeypatch, remote, url):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    if remote:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        subprocess.run(["git", "remote", "add", "origin", remote], cwd=tmp_path, check=True)
    assert booksite.repository(tmp_path) == url
    app, config = SimpleNamespace(srcdir=tmp_path), SimpleNamespace(html_theme_options={})
    booksite.set_theme(app, config)
    assert config.html_theme_options.get("repository_url") == url
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/else")
    assert booksite.repository(tmp_path) == "https://github.com/someone/else"
