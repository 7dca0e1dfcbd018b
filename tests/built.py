"""The built pages, for the tests that read them."""

from functools import cache
from pathlib import Path

from booksite import STAMP, source_digest
from bs4 import BeautifulSoup
from results import ROOT, pages

HTML = ROOT / "_build" / "html"


def page_names():
    """The pages of the table of contents, in order."""
    return [path.relative_to(ROOT).with_suffix("").as_posix() for _, path in pages()]


def require_fresh_site():
    """A test of an old site would say nothing."""
    stamp = HTML / STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8").strip() != source_digest():
        raise AssertionError("the built book is missing, or older than its sources: `make book`")


@cache
def soup(path):
    require_fresh_site()
    return BeautifulSoup(Path(path).read_text(encoding="utf-8"), "html.parser")


def page(name):
    return soup(HTML / f"{name}.html")
