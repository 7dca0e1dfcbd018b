"""Sphinx extension: what readers take along from a page: its notebook, and the whole book as an EPUB and a PDF.

Where the book's repository is known, the copy of a notebook that readers get installs by itself what
it imports, from there; the notebook in the repository stays as it is. Colab and Binder open those
copies from the branch `notebooks`, where the workflow that publishes the site puts them.
"""

import os
import re
import shutil
from html import escape
from pathlib import Path

import nbformat
from booksite import STAMP, repository, source_digest

BRANCH = "notebooks"
PDF = "book.pdf"
EPUB = "book.epub"


def requirement(url):
    """What pip installs: mixlib, with all that the chapters import, as it was when the book was built."""
    return f"mixlib[book] @ git+{url}@{os.environ.get('GITHUB_SHA', 'main')}"


def prepared(notebook, url, page):
    """The notebook with a first cell that installs what it needs."""
    notebook = nbformat.from_dict(notebook)
    said = f"# The page itself: {page}\n" if page else ""
    cell = nbformat.v4.new_code_cell(f'{said}%pip install --quiet "{requirement(url)}"', id="install")
    notebook.cells.insert(0, cell)
    nbformat.validate(notebook)
    return notebook


def on_github(url):
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", url or "")
    return found[1] if found else None


def services(url, name):
    """(service, address) that open the prepared notebook; none where the repository is not on GitHub."""
    found = on_github(url)
    return (
        [
            ("Colab", f"https://colab.research.google.com/github/{found}/blob/{BRANCH}/{name}"),
            ("Binder", f"https://mybinder.org/v2/gh/{found}/{BRANCH}?labpath={name}"),
        ]
        if found
        else []
    )


def fresh_pdf(app):
    """The PDF of these very sources, or None."""
    folder = Path(app.srcdir) / "_build" / "pdf"
    stamp = folder / STAMP
    return (
        folder / PDF
        if stamp.exists() and stamp.read_text(encoding="utf-8").strip() == source_digest(Path(app.srcdir))
        else None
    )


def offer(app, pagename, templatename, context, doctree):
    """Before "Cite this page": where to run it, the PDF of these very sources, and the EPUB that comes with the pages."""
    if doctree is None or "body" not in context:
        return
    said, name = [], Path(context.get("sourcename", "")).name
    if name.endswith(".ipynb"):
        links = [f'<a href="{escape(link)}">{service}</a>' for service, link in services(repository(app.srcdir), name)]
        said += [f"Run this page: {', '.join(links)}."] if links else []
    files = ([(PDF, "PDF")] if fresh_pdf(app) else []) + [(EPUB, "EPUB")]
    links = [f'<a href="{context["pathto"](name, True)}" download="">{kind}</a>' for name, kind in files]
    said.append(f"The whole book: {', '.join(links)}.")
    context["body"] += f'<p class="launch">{" ".join(said)}</p>\n'


def finish(app, failed):
    if app.builder.format != "html" or failed:
        return
    if fresh_pdf(app):
        shutil.copy(fresh_pdf(app), app.outdir)
    url = repository(app.srcdir)
    if url:
        copies = Path(app.outdir) / "_sources"
        for path in sorted(copies.rglob("*.ipynb")):
            docname = path.relative_to(copies).with_suffix("").as_posix()
            page = app.config.html_baseurl + app.builder.get_target_uri(docname) if app.config.html_baseurl else ""
            nbformat.write(prepared(nbformat.read(path, as_version=4), url, page), path)
        (copies / "book" / "requirements.txt").write_text(requirement(url) + "\njupyterlab\n", encoding="utf-8")


def setup(app):
    app.connect("html-page-context", offer, priority=945)
    app.connect("build-finished", finish, priority=650)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
