"""Every page in a browser: on a desk and on a phone, light and dark, by keyboard, without scripts, from a file.

Runs where Chromium is (CHROME_PATH names another one); continuous integration sets REQUIRE_BROWSER.
"""

import os
from pathlib import Path

import axe_playwright_python
import pytest
from built import HTML, page_names
from served import browser_path

PAGES = [*page_names(), "search", "genindex", "404"]
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(not browser_path() and not os.environ.get("REQUIRE_BROWSER"), reason="no Chromium here")

# Everything is laid out and open, as for a reader who has been everywhere.
UNFOLD = """() => {
  const style = document.createElement("style");
  style.textContent = "* { content-visibility: visible !important; animation: none !important; transition: none !important; }";
  document.head.append(style);
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (const one of document.querySelectorAll("mixture-laboratory")) one.open();
  dispatchEvent(new Event("resize"));
}"""

# Elements that stick out of the box that should hold them, or are cut off by it.
CLIPPED = """() => {
  const found = [], name = e => e.outerHTML.slice(0, 160);
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const scrolls = e => { for (let b = e; b; b = b.parentElement) if (b.classList.contains("scrolls")) return b; };
  for (const e of document.querySelectorAll("main *")) {
    if (e.closest("math") && e.tagName !== "math" || e.closest("svg, .unseen, canvas")) continue;
    const box = e.getBoundingClientRect();
    if (!box.width) continue;
    const hides = ["hidden", "clip", "auto", "scroll"].includes(getComputedStyle(e).overflowX);
    if (hides && e.scrollWidth > e.clientWidth + 1 && !e.classList.contains("scrolls")) found.push("hides " + name(e));
    if (e.classList.contains("scrolls") && e.tabIndex !== 0) found.push("no keyboard for " + name(e));
    if (!scrolls(e) && (box.right > innerWidth + 1 || box.left < -1)) found.push("outside the page " + name(e));
    if (e.tagName === "math" && !scrolls(e)) {
      const holder = e.closest("p, li, td, th, dd, figcaption, h1, h2, h3, div.formula, summary") ?? document.body;
      const room = holder.getBoundingClientRect();
      if (box.right > room.right + 2 || box.left < room.left - 2) found.push("sticks out " + name(e));
    }
  }
  for (const number of document.querySelectorAll(".eqno")) {
    const a = number.getBoundingClientRect(), b = number.parentElement.querySelector(".formula").getBoundingClientRect();
    if (a.left < b.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) found.push("number over " + name(number.parentElement));
  }
  for (const e of document.querySelectorAll(".together")) {
    const lines = new Set([...e.getClientRects()].map(r => Math.round(r.top / 8)));
    if (lines.size > 1 && [...e.getClientRects()].length > 2) found.push("parted " + name(e));
  }
  return found;
}"""


@pytest.fixture(params=WIDTHS)
def context(request, browser):
    width, height = WIDTHS[request.param]
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme="light") as found:
        yield found


@pytest.fixture
def desk(browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as found:
        yield found


@pytest.fixture
def phone(browser):
    with browser.new_context(viewport={"width": 390, "height": 844}) as found:
        yield found


def listen(tab, said):
    """Note what the page complains of, and what it asks other hosts for."""
    tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on(
        "request",
        lambda request: (
            said.append(request.url)
            if not request.url.startswith(("http://127.0.0.1", "data:", "file:", "blob:"))
            else None
        ),
    )


# Letters of formulas and of code have the colours of a few styles, which one page shows: elsewhere they would only cost time.
SPARE = """() => {
  for (const one of document.querySelectorAll("math")) one.replaceChildren("xy");
  for (const one of document.querySelectorAll("pre")) one.textContent = one.textContent;
}"""


def axe(tab, **options):
    """What axe-core complains of."""
    tab.evaluate("window.axe ||" + AXE)
    result = tab.evaluate("options => axe.run(document, options)", options | {"resultTypes": ["violations"]})
    return [
        (rule["id"], node["html"][:200], node["failureSummary"][:300])
        for rule in result["violations"]
        for node in rule["nodes"][:3]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_page(site, context, name):
    """No complaint, no other host, nothing cut off, every control named and every word legible, light and dark."""
    tab, said = context.new_page(), []
    listen(tab, said)
    tab.goto(f"{site}/{name}.html")
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    tab.evaluate(UNFOLD)
    tab.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    assert tab.evaluate("document.fonts.check('1rem \"STIX Two Text\"')")
    assert tab.evaluate(CLIPPED) == []
    if name != "book/index":
        tab.evaluate(SPARE)
    on_desk = tab.viewport_size["width"] > 1000
    assert axe(tab, **({} if on_desk else {"runOnly": ["scrollable-region-focusable", "target-size", "region"]})) == []
    tab.locator(".theme-button").click()
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    if on_desk:
        assert axe(tab, runOnly=["color-contrast", "link-in-text-block"]) == []
    assert said == []
    tab.close()


def test_code_of_56_columns_fits_a_phone(site, phone):
    tab = phone.new_page()
    tab.goto(f"{site}/book/em.html")
    widths = tab.evaluate("""() => [...document.querySelectorAll("div.cell_input pre")].filter(e => e.clientWidth).map(e => {
        e.textContent = "x".repeat(56); return [e.scrollWidth, e.clientWidth, parseFloat(getComputedStyle(e).fontSize)]; })""")
    assert len(widths) > 5
    for content, box, size in widths:
        assert content <= box and size >= 11


# Of each figure: its frame, its width as shown and as drawn, the least width at which its words have 11 pixels, its file.
FIGURES = """() => [...document.querySelectorAll("article .picture")].map(frame => {
  const image = frame.querySelector("img"), source = frame.querySelector("source");
  const drawn = source && matchMedia(source.media).matches ? source : image;
  return { frame: frame.clientWidth, wide: frame.scrollWidth, width: image.clientWidth, height: image.clientHeight,
           drawn: [+drawn.getAttribute("width"), +drawn.getAttribute("height")],
           least: parseFloat(frame.style.getPropertyValue("--least")),
           expected: drawn === source ? source.srcset : image.getAttribute("src"), file: image.currentSrc }; })"""


@pytest.mark.parametrize("name", page_names())
def test_figures_on_a_phone(site, phone, name):
    """All of a figure is in sight, its words have 11 pixels, and nothing jumps when it comes; no figure is excepted."""
    tab = phone.new_page()
    tab.goto(f"{site}/{name}.html")
    tab.evaluate(UNFOLD)
    before = tab.evaluate(FIGURES)
    tab.evaluate("""() => Promise.all([...document.querySelectorAll("article .picture img")].map(e => {
        e.loading = "eager"; return e.decode(); }))""")
    for width in (390, 320):
        tab.set_viewport_size({"width": width, "height": 844})
        for one in tab.evaluate(FIGURES):
            assert one["wide"] <= one["frame"] <= width, one
            assert one["width"] >= one["least"] > 150, one
            assert one["file"].endswith(one["expected"].split("/")[-1]), one
            assert one["height"] / one["width"] == pytest.approx(one["drawn"][1] / one["drawn"][0], rel=0.02)
        if width == 390:
            heights = [[one["height"] for one in some] for some in (tab.evaluate(FIGURES), before)]
            assert heights[0] == pytest.approx(heights[1], abs=1)


def test_a_narrow_screen_alone_gets_the_narrow_drawing(site, browser):
    """Panels stand one below the other on a phone, side by side on a desk and in print."""
    seen = {}
    for media, width in (("screen", 390), ("screen", 1280), ("print", 390)):
        with browser.new_context(viewport={"width": width, "height": 844}) as context:
            tab = context.new_page()
            tab.emulate_media(media=media)
            tab.goto(f"{site}/book/normal.html")
            tab.evaluate("document.querySelectorAll('article img').forEach(e => e.loading = 'eager')")
            tab.wait_for_function("[...document.querySelectorAll('article img')].every(e => e.complete)")
            images = tab.locator("article .picture:has(source) img").evaluate_all(
                "all => all.map(e => [e.currentSrc, e.naturalHeight / e.naturalWidth])"
            )
            seen[media, width] = images
    assert len(seen["screen", 390]) >= 5
    for phone, desk, paper in zip(*seen.values(), strict=True):
        assert phone[0].endswith("-narrow.webp") and phone[1] > 1.5 * desk[1]
        assert desk == paper and "-narrow" not in desk[0]


def test_a_line_shows_how_far_one_has_read(site, desk):
    tab = desk.new_page()
    tab.goto(f"{site}/book/em.html")
    share = "new DOMMatrix(getComputedStyle(document.querySelector('.bar'), '::after').transform).a"
    assert tab.evaluate(share) == 0
    tab.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    tab.wait_for_timeout(300)
    assert 0.2 < tab.evaluate(share) < 0.8


# The room behind each root, in pixels.
ROOM = """all => all.map(e => { const end = one => one.getBoundingClientRect().right;
  return end(e) + parseFloat(getComputedStyle(e).marginRight) - Math.max(...[...e.children].map(end)); })"""


@pytest.mark.parametrize(("name", "root"), [("howmany", "p msqrt"), ("em", "p msqrt"), ("realdata", "mroot")])
def test_behind_a_root_there_is_no_gap(site, phone, name, root):
    tab = phone.new_page()
    tab.goto(f"{site}/book/{name}.html")
    root = tab.locator(root).first
    root.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    assert root.evaluate_all(ROOM) == pytest.approx([0], abs=1)


def test_on_paper_no_root_has_a_gap_behind_it(site, desk):
    tab = desk.new_page()
    tab.goto(f"{site}/book/normal.html")
    tab.emulate_media(media="print")
    tab.evaluate("document.fonts.ready.then(() => dispatchEvent(new Event('beforeprint')))")
    rooms = tab.locator("msqrt").evaluate_all(ROOM)
    assert len(rooms) > 9 and rooms == pytest.approx([0] * len(rooms), abs=1)


def test_a_proof_begins_on_the_line_of_its_first_words(site, desk):
    """However tall the formulas of that line are."""
    tab = desk.new_page()
    tab.goto(f"{site}/book/convergence.html")
    tab.add_style_tag(content="section { content-visibility: visible !important }")
    gaps = tab.evaluate("""[...document.querySelectorAll("details.proof > summary + p")].map(p => {
        const bottom = part => { const range = document.createRange(); range.selectNodeContents(part); return range; };
        const first = document.createTreeWalker(p, NodeFilter.SHOW_TEXT).nextNode();
        const lines = bottom(first).getClientRects();
        return first.parentNode.closest("math") ? 0
             : lines[0].bottom - bottom(p.previousElementSibling).getClientRects()[0].bottom; })""")
    assert len(gaps) > 5 and max(map(abs, gaps)) < 2, gaps


@pytest.mark.parametrize("name", page_names())
def test_the_number_of_a_wide_formula_gives_way(site, phone, name):
    """On a phone no formula scrolls that would have room without its number."""
    tab = phone.new_page()
    tab.goto(f"{site}/{name}.html")
    tab.evaluate(UNFOLD)
    wide = tab.evaluate("""() => [...document.querySelectorAll("div.math:has(.eqno) > .formula")].filter(
        e => e.scrollWidth > e.clientWidth + 1).map(e => [e.clientWidth, e.parentElement.clientWidth])""")
    assert all(box == row for box, row in wide)


@pytest.mark.parametrize("width", [390, 320])
def test_the_bar_of_a_phone_shows_the_whole_title(site, browser, width):
    with browser.new_context(viewport={"width": width, "height": 844}) as context:
        tab = context.new_page()
        tab.goto(f"{site}/book/glossary.html")
        tab.evaluate("document.fonts.ready")
        title, bar = tab.evaluate("""() => [...document.querySelectorAll(".bar-title, .bar")].map(
            e => [e.scrollWidth - e.clientWidth, e.scrollHeight]).reverse()""")
    assert title[0] <= 0 and title[1] <= 40 < bar[1]


@pytest.mark.parametrize("name", ["book/teaching", "book/notation"])
def test_the_cells_of_a_row_have_lines_of_one_height(site, phone, name):
    tab = phone.new_page()
    tab.goto(f"{site}/{name}.html")
    tab.evaluate(UNFOLD)
    heights = tab.evaluate("""() => [...document.querySelectorAll("main tbody tr")].map(
        row => [...new Set([...row.cells].map(cell => getComputedStyle(cell).lineHeight))])""")
    assert len(heights) > 5 and all(len(row) == 1 for row in heights)


NUMBERS = {"book/speed"}  # its cells, numbers with their ranges, do not wrap: its tables may scroll


@pytest.mark.parametrize("name", page_names())
def test_tables_fit_a_phone(site, phone, name):
    tab = phone.new_page()
    tab.goto(f"{site}/{name}.html")
    tab.evaluate(UNFOLD)
    tab.evaluate("document.fonts.ready")
    wide = tab.evaluate("""() => [...document.querySelectorAll("main table")].filter(e => {
        const box = e.closest(".pst-scrollable-table-container, .text_html") ?? e.parentElement;
        return box.scrollWidth > box.clientWidth + 1; }).map(e => [e.rows[0].cells.length, e.innerText.slice(0, 80)])""")
    assert wide == [] or name in NUMBERS


@pytest.mark.parametrize("name", page_names())
def test_a_link_in_a_table_or_a_list_has_room_for_a_finger(site, phone, name):
    tab = phone.new_page()
    tab.goto(f"{site}/{name}.html")
    tab.evaluate(UNFOLD)
    low = tab.evaluate("""() => [...document.querySelectorAll("main :is(td, th, li) a[href]:not(.headerlink)")].filter(
        e => e.checkVisibility() && Math.max(...[...e.getClientRects()].map(box => box.height)) < 24).map(e => e.outerHTML.slice(0, 160))""")
    assert low == []


@pytest.mark.parametrize("name", page_names())
def test_links_keep_apart_before_all_sections_are_laid_out(site, phone, name):
    """As Lighthouse sees the page."""
    tab = phone.new_page()
    tab.set_viewport_size({"width": 412, "height": 823})
    tab.goto(f"{site}/{name}.html")
    assert axe(tab, runOnly=["target-size"]) == []


def test_a_measure_for_reading(site, desk):
    """A line of text on a desk holds 65 to 75 characters."""
    tab = desk.new_page()
    tab.goto(f"{site}/book/em.html")
    length = tab.evaluate("""() => {
        const p = document.querySelector(".bd-article > section > p"), probe = p.cloneNode();
        probe.innerHTML = "<span>The likelihood rises in each round, and no step length was chosen by hand; why can it never fall?</span>";
        p.before(probe); const s = probe.firstChild; probe.style.whiteSpace = "nowrap";
        const n = s.textContent.length * p.clientWidth / s.getBoundingClientRect().width; probe.remove(); return n; }""")
    assert 65 <= length <= 75


def test_disclosures_open_by_keyboard(site, desk):
    tab = desk.new_page()
    tab.goto(f"{site}/book/em.html")
    kinds = ["details.fold.check", "details.fold.code", "details.solution", "details.proof"]
    for kind in kinds:
        summary, details = tab.locator(f"{kind} > summary").first, tab.locator(kind).first
        before = details.evaluate("e => e.open")
        assert before == (kind == "details.proof")
        summary.focus()
        tab.keyboard.press("Enter")
        assert details.evaluate("e => e.open") != before
        tab.keyboard.press("Space")
        assert details.evaluate("e => e.open") == before


def test_everything_can_be_reached_by_keyboard(site, desk):
    """The first stop leads past the frame; the slider, links and boxes follow."""
    tab = desk.new_page()
    tab.goto(f"{site}/book/index.html")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to main content"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().width") > 50
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert tab.evaluate("!!document.activeElement.closest('main')")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.type") == "search"


def test_contents_of_a_phone_need_no_script(site, browser):
    with browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto(f"{site}/book/em.html")
        link = tab.get_by_role("navigation", name="Book").get_by_role("link", name="3. k-means")
        assert not link.is_visible()
        tab.get_by_role("button", name="Contents").click()
        link.click()
        assert tab.url.endswith("kmeans.html")


@pytest.mark.parametrize("name", page_names())
def test_without_scripts_the_page_is_complete(site, browser, name):
    with browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto(f"{site}/{name}.html")
        assert tab.locator("h1").is_visible()
        text = tab.locator("main").inner_text()
        assert "\\\\(" not in text and "$$" not in text
        for formula in tab.locator("main math").all()[:5]:
            assert formula.bounding_box()["height"] > 5


@pytest.mark.parametrize("words", ["responsibility", "Lloyd", "critical variance"])
def test_search_finds(site, desk, words):
    tab, said, asked = desk.new_page(), [], []
    listen(tab, said)
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"{site}/search.html?q={words.replace(' ', '+')}")
    found = tab.locator("#search-results li a")
    found.first.wait_for()
    tab.wait_for_function("document.querySelector('#search-results p')?.textContent.includes('found')")
    assert found.count() > 1
    tab.locator("#search-results p.context").first.wait_for()
    assert tab.evaluate(CLIPPED) == [] and axe(tab) == [] and said == []
    assert not any("/book/" in url for url in asked)  # no page is loaded for the sake of a line


def test_search_shows_formulas_that_can_be_read(site, desk):
    tab = desk.new_page()
    tab.goto(f"{site}/search.html?q=latent+posterior")
    tab.wait_for_function("document.querySelector('#search-results p')?.textContent.includes('found')")
    tab.locator("#search-results p.context").first.wait_for()
    texts = tab.evaluate(
        "Object.fromEntries(Object.entries(pageTexts).map(([name, parts]) => [name, parts.flat().join(' ')]))"
    )
    assert "ℓ(θ) = F(q, θ) + ∑ᵢ₌₁ⁿ wᵢ KL(qᵢ‖pᵢ)" in texts["book/em"]
    for name, words in texts.items():
        assert "\u2061" not in words and "\\frac" not in words.split("import ")[0], name


def test_search_shows_what_stands_at_the_anchor(site, desk):
    tab = desk.new_page()
    tab.goto(f"{site}/search.html?q=critical+variance")
    theorem = tab.locator("#search-results li", has=tab.locator("a[href$='#thm-critical-variance']"))
    theorem.locator("p.context").wait_for()
    assert theorem.locator("p.context").inner_text().startswith("Theorem 5.3 (The critical variance)")


def test_pages_read_from_a_file(desk):
    for name in ("book/index", "book/em", "search"):
        tab, said = desk.new_page(), []
        listen(tab, said)
        tab.goto((HTML / f"{name}.html").as_uri())
        tab.wait_for_load_state()
        assert said == [] and tab.evaluate("document.fonts.check('1rem \"STIX Two Text\"')")


def test_search_in_a_file_shows_where_the_words_stand(desk):
    tab, said = desk.new_page(), []
    listen(tab, said)
    tab.goto((HTML / "search.html").as_uri() + "?q=responsibility")
    found = tab.locator("#search-results li")
    tab.wait_for_function("document.querySelector('#search-results > p')?.textContent.includes('found')")
    tab.locator("#search-results p.context").first.wait_for()
    assert 5 < tab.locator("#search-results p.context").count() <= found.count() and said == []


def test_a_formula_is_copied_as_tex(site, desk):
    desk.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = desk.new_page()
    tab.goto(f"{site}/book/em.html")
    tab.evaluate("""() => { const box = document.querySelector("#thm-bound");
        getSelection().selectAllChildren(box); document.execCommand("copy"); }""")
    text = tab.evaluate("navigator.clipboard.readText()")
    assert "$q$" in text and "$$" in text and "\\ell(\\theta)" in text


def test_a_link_to_a_section_far_down_arrives(site, desk):
    """Sections that are laid out late do not lead links astray."""
    tab = desk.new_page()
    for anchor in ("thm-m-exists", "equation-eq-e-step", "ex-em-moments"):
        tab.goto(f"{site}/book/em.html#{anchor}")
        tab.wait_for_timeout(400)
        top = tab.evaluate("id => document.getElementById(id).getBoundingClientRect().top", anchor)
        assert 0 <= top < 300, anchor


def test_on_paper_nothing_of_the_argument_is_folded(site, desk):
    tab = desk.new_page()
    tab.goto(f"{site}/book/em.html")
    tab.evaluate("document.querySelector('details.proof').open = false")
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("[...document.querySelectorAll('details.proof, details.solution')].every(e => e.open)")
    assert not tab.locator(".bar").is_visible() and not tab.locator("#contents").is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not tab.evaluate("document.querySelector('details.solution').open")
