"""Sphinx extension: what the site needs beyond Jupyter Book.

Execution results are kept only while mixlib and the lock stay as they are; the styles and scripts
of book/_static are loaded; links to the repository appear where one is known; and ids that
extensions use twice on a page are told apart. The pages' frame is in `frame`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from logging import getLogger
from pathlib import Path

from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from sphinx.util import logging

logger = logging.getLogger(__name__)
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
    return [
        path
        for path in found
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def code_digest(root=ROOT):
    """Changes when a chapter's results might: with mixlib, the lock, or Python."""
    return digest(files(root, "mixlib", "requirements.lock"), root) + f"-{sys.version_info[1]}"


def source_digest(root=ROOT):
    """Changes whenever the site might."""
    return digest(files(root, "book", "mixlib", "requirements.lock", "_config.yml", "_toc.yml"), root)


# ----------------------------------------------------------------- before the build


def prepare_execution(app, config):
    """A cache of executed notebooks per state of the code, and none for the states before."""
    os.environ.pop("MPLBACKEND", None)  # "agg" there would drop every figure
    os.environ.setdefault("MIXLIB_FIGURES", "page")  # `make pdf` has set another
    caches = Path(app.outdir).parent / "execution"
    cache = caches / code_digest(Path(app.srcdir))[:16]
    for old in caches.glob("*"):
        if old != cache:
            shutil.rmtree(old)
    config.nb_execution_cache_path = str(cache)


def execute_side_by_side(app):
    """Notebooks that the cache does not hold are executed on all cores; the pages then find them there.

    What fails is executed once more when its page is read, which reports the error.
    """
    cache = get_cache(app.config.nb_execution_cache_path)
    for path in sorted(Path(app.srcdir, "book").glob("*.ipynb")):
        cache.add_nb_to_project(str(path))
    waiting = cache.list_unexecuted()
    if len(waiting) > 1 and (os.cpu_count() or 1) > 1:
        logger.info("executing %d notebooks side by side", len(waiting))
        failures = getLogger("jupyter_cache")
        failures.setLevel("WARNING")
        load_executor("local-parallel", cache, failures).run_and_cache(timeout=app.config.nb_execution_timeout)


def add_static_files(app):
    folder = Path(app.srcdir) / "book" / "_static"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".css":
            app.add_css_file(name)
        elif path.suffix == ".js" and path.parent == folder:
            app.add_js_file(name, loading_method="defer")


def add_scripts_of_elements(app, pagename, templatename, context, doctree):
    """The scripts in _static/NAME/ serve the element <NAME>, and are loaded by the pages that have one."""
    folder = Path(app.srcdir) / "book" / "_static"
    for path in sorted(folder.glob("*/*.js")):
        if f"<{path.parent.name} " in context.get("body", ""):
            app.add_js_file(path.relative_to(folder).as_posix(), loading_method="defer")


def repository(folder):
    """Address of the book's repository on GitHub or GitLab, or None where it is not known."""
    name = os.environ.get("GITHUB_REPOSITORY")
    if name:
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    try:
        remote = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.fullmatch(
        r"(?:https://(?:[^@/]*@)?|(?:ssh://)?git@)(github\.com|gitlab\.com)[:/]"
        r"([\w.-]+/[\w.-]+?)(?:\.git)?/?",
        remote,
    )
    return f"https://{found[1]}/{found[2]}" if found else None


def set_theme(app, config):
    """Links to the repository where one is known."""
    url = repository(app.srcdir)
    if url:
        config.html_theme_options.update(repository_url=url, repository_branch="main")


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
                first.parent[place : place + 1] = [
                    nodes.emphasis("", "Proof."),
                    nodes.Text(first.removeprefix("Proof.")),
                ]


def describe_types(app, env, node, words):
    """A docstring's types are words for readers ("(n, d) array"), not links; mixlib's names are links."""
    if node.get("refdomain") == "py" and "mixlib" not in node.get("reftarget", ""):
        return words


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
    app.connect("builder-inited", execute_side_by_side)
    app.connect("builder-inited", add_static_files)
    app.connect("html-page-context", add_scripts_of_elements)
    app.connect("doctree-read", number_repeated_ids)
    app.connect("doctree-read", set_proofs)
    app.connect("missing-reference", describe_types)
    app.connect("build-finished", stamp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
