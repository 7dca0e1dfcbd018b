"""Sphinx extension: what the site needs beyond Jupyter Book.

Execution results are kept only while mixlib and the lock stay as they are; the styles and scripts
of book/_static are loaded; repository buttons appear where a repository is known; and the stock
theme's faults are mended (a script from another host, ids used twice on a page, controls without a name).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from docutils import nodes

ROOT = Path(__file__).resolve().parents[2]
STAMP = "built-from.txt"
REPEATED_IDS = {"proof", "proof-content", "exercise-content", "solution-content"}


def digest(paths, root=ROOT):
    """One hash of the files' names and contents."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def files(root, *names):
    """The files under these folders (or these files), without what programs leave there."""
    found = []
    for name in names:
        path = root / name
        found += [path] if path.is_file() else path.rglob("*")
    return [path for path in found if path.is_file() and path.suffix != ".pyc"
            and not any(part.startswith(".") for part in path.relative_to(root).parts)]


def code_digest(root=ROOT):
    """Changes when a chapter's results might: with mixlib, the lock, or Python."""
    return digest(files(root, "mixlib", "requirements.lock"), root) + f"-{sys.version_info[1]}"


def source_digest(root=ROOT):
    """Changes whenever the site might."""
    return digest(files(root, "book", "mixlib", "requirements.lock", "_config.yml", "_toc.yml"), root)


# ----------------------------------------------------------------- before the build

def prepare_execution(app, config):
    """A cache of executed notebooks per state of the code, and none for the states before."""
    os.environ.pop("MPLBACKEND", None)      # "agg" there would drop every figure
    caches = Path(app.outdir).parent / "execution"
    cache = caches / code_digest(Path(app.srcdir))[:16]
    for old in caches.glob("*"):
        if old != cache:
            shutil.rmtree(old)
    config.nb_execution_cache_path = str(cache)


def add_static_files(app):
    folder = Path(app.srcdir) / "book" / "_static"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".css":
            app.add_css_file(name)
        elif path.suffix == ".js":
            app.add_js_file(name, loading_method="defer")


def repository(folder):
    """Address of the book's repository on GitHub or GitLab, or None where it is not known."""
    name = os.environ.get("GITHUB_REPOSITORY")
    if name:
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    try:
        remote = subprocess.run(["git", "remote", "get-url", "origin"], cwd=folder, check=True,
                                capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.fullmatch(r"(?:https://(?:[^@/]*@)?|(?:ssh://)?git@)(github\.com|gitlab\.com)[:/]"
                         r"([\w.-]+/[\w.-]+?)(?:\.git)?/?", remote)
    return f"https://{found[1]}/{found[2]}" if found else None


def set_theme(app, config):
    """Repository buttons where one is known; no place for advertisements."""
    config.html_theme_options["primary_sidebar_end"] = []
    url = repository(app.srcdir)
    if url:
        config.html_theme_options.update(repository_url=url, repository_branch="main",
                                         use_repository_button=True, use_issues_button=True)


def drop_thebe(app, config):
    """Jupyter Book always loads Thebe, a script from another host that this book does not use."""
    for listeners in app.events.listeners.values():
        listeners[:] = [listener for listener in listeners
                        if not listener.handler.__module__.startswith("sphinx_thebe")]
    styles = app.registry.css_files
    styles[:] = [style for style in styles if style[0] != "sphinx-thebe.css"]


# ----------------------------------------------------------------- during and after it

def number_repeated_ids(app, doctree):
    """The theorem and exercise directives give every body of a page the same id."""
    counts = Counter()
    for node in doctree.findall(nodes.Element):
        for place, name in enumerate(node["ids"]):
            if name in REPEATED_IDS:
                counts[name] += 1
                node["ids"][place] = f"{name}-{counts[name]}"


def set_proofs(app, doctree):
    """The word that opens a proof stands out from its text."""
    for node in doctree.findall(nodes.admonition):
        if "proof" in node["classes"] and len(node):
            first = next(iter(node[0].findall(nodes.Text)), None)
            if first is not None and first.startswith("Proof."):
                place = first.parent.index(first)
                first.parent[place:place + 1] = [nodes.emphasis("", "Proof."),
                                                 nodes.Text(first.removeprefix("Proof."))]


def describe_types(app, env, node, words):
    """A docstring's types are words for readers ("(n, d) array"), not links; mixlib's names are links."""
    if node.get("refdomain") == "py" and "mixlib" not in node.get("reftarget", ""):
        return words


# What the stock templates get wrong for readers with a screen reader: (wrong, right).
MENDINGS = [
    # a button or summary is named by the words that it shows
    (re.compile(r'(<button class="btn search-button-field [^>]*?) title="Search" aria-label="Search"'), r"\1"),
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"'), r"\1"),
    # the sidebar is a landmark
    (re.compile(r'<div id="pst-primary-sidebar"'), '<div id="pst-primary-sidebar" role="navigation" aria-label="Book"'),
    # a list has list items
    (re.compile(r'(<div class="citation" [^>]*?)role="doc-biblioentry"'), r'\1role="listitem"'),
]


def mend_pages(app, failed):
    if app.builder.format != "html" or failed:
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" not in path.parts:
            page = path.read_text(encoding="utf-8")
            for wrong, right in MENDINGS:
                page = wrong.sub(right, page)
            path.write_text(page, encoding="utf-8")


def stamp(app, failed):
    """Write from which sources the site was built; the tests refuse a stale one."""
    path = Path(app.outdir) / STAMP
    if failed or app._warncount:
        path.unlink(missing_ok=True)
    else:
        path.write_text(source_digest(Path(app.srcdir)) + "\n", encoding="utf-8")


def setup(app):
    app.connect("config-inited", prepare_execution)
    app.connect("config-inited", set_theme)
    app.connect("config-inited", drop_thebe)
    app.connect("builder-inited", add_static_files)
    app.connect("doctree-read", number_repeated_ids)
    app.connect("doctree-read", set_proofs)
    app.connect("missing-reference", describe_types)
    app.connect("build-finished", mend_pages)
    app.connect("build-finished", stamp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
