"""The slides show figures of the chapters, and can be presented with the keyboard."""

import os
import re
from pathlib import Path

import pytest
from built import page, require_fresh_site
from playwright.sync_api import sync_playwright
from served import FLAGS, browser_path, serve

pytestmark = pytest.mark.site
SOURCE = (Path(__file__).parents[1] / "book" / "slides.md").read_text(encoding="utf-8")
needs_browser = pytest.mark.skipif(
    not browser_path() and not os.environ.get("REQUIRE_BROWSER"), reason="no Chromium here"
)


def test_each_figure_is_that_of_its_chapter():
    labels = re.findall(r"```\{again\} (\S+)", SOURCE)
    shown = page("book/slides").select("article figure")
    assert len(labels) > 8 and len(shown) == len(labels)
    links = [link["href"] for link in page("book/slides").select("p.again a")]
    assert [link.split("#")[1] for link in links] == labels
    for figure, link in zip(shown, links, strict=True):
        chapter, label = link.split("#")
        own = page(f"book/{chapter.removesuffix('.html')}").find(id=label)
        image, theirs = figure.find("img"), own.find("img")
        assert image["src"] == theirs["src"] and image["alt"] == theirs["alt"]


@needs_browser
def test_they_are_presented_one_at_a_time():
    require_fresh_site()
    server, address = serve()
    try:
        with sync_playwright() as playwright:
            with playwright.chromium.launch(executable_path=browser_path(), args=FLAGS) as browser:
                found = browser.new_page(viewport={"width": 1280, "height": 800})
                found.goto(f"{address}/book/slides.html")
                heads = found.locator("article h2")
                count = heads.count()
                assert count == len(re.findall(r"^## ", SOURCE, re.MULTILINE)) and heads.nth(5).is_visible()
                found.locator("slide-deck .present").click()

                def seen():
                    return [i for i in range(count) if heads.nth(i).is_visible()]

                assert seen() == [0]
                found.keyboard.press("ArrowRight")
                found.keyboard.press("PageDown")
                assert seen() == [2] and f"3 / {count}" in found.locator("slide-deck output").inner_text()
                found.locator("slide-deck [data-by='-1']").focus()
                found.keyboard.press("Space")  # of a button, not of the page
                found.keyboard.press("Control+ArrowRight")  # the browser's
                assert seen() == [1]
                for _ in range(count):
                    found.keyboard.press("ArrowRight")
                assert seen() == [count - 1]
                assert not found.locator("#contents").is_visible()
                found.keyboard.press("Escape")
                assert len(seen()) == count
    finally:
        server.shutdown()
        server.server_close()
