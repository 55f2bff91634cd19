"""The report of a finished study as a person meets it: every page, in a browser, by keyboard, narrow, and on paper."""

import html.parser
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import visit

from radparity.report.frame import PAGES

# Text and what lies behind it, as WCAG 2 counts contrast; of text that is shown.
CONTRASTS = """() => {
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = rgb(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("svg, canvas, [disabled]")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const what = `${element.tagName.toLowerCase()}.${element.className}`;
    found[what] = Math.min(found[what] ?? 99, ratio);
  }
  return found;
}"""
FOCUSED = """() => {
  const here = document.activeElement, style = getComputedStyle(here), box = here.getBoundingClientRect();
  const line = [style.outlineStyle, parseFloat(style.outlineWidth)];
  return [here.tagName, here.getAttribute("href"), ...line, box.left, box.top];
}"""


@pytest.fixture(scope="module")
def report(finished):
    return finished.folder / "results/report"


class Links(html.parser.HTMLParser):
    """What a page leads to or loads, and the places within it."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.places = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.targets |= {found[name] for name in ("href", "src") if name in found}
        self.places |= {found["id"]} if "id" in found else set()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_without_a_fault(report, browser, screenshots, name, script):
    with visit(browser, report / name, java_script_enabled=script) as page:
        assert page.faults == []
        assert page.locator("h1").count() == 1 and page.locator("h1").is_visible()
        assert page.locator("nav [aria-current=page]").get_attribute("href") == name
        for picture in page.locator("img:visible").all():
            assert picture.get_attribute("alt")
        page.screenshot(path=screenshots / f"site_{Path(name).stem}{'' if script else '_still'}.png", full_page=True)


def test_every_link_and_place_is_there(report):
    pages = {path: Links(path) for path in report.rglob("*.html")}
    assert {report / name for name in PAGES} <= set(pages)
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme == "data":
                continue
            assert not parts.scheme and not parts.netloc and not parts.path.startswith("/"), (path.name, target)
            other = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            assert other.is_file(), (path.name, target)
            # A place with `=` is what a script reads.
            if parts.fragment and "=" not in parts.fragment:
                where = pages.get(report / other.relative_to(report.resolve()), links)
                assert parts.fragment in where.places, (path.name, target)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_the_window(report, browser, screenshots, name, width):
    with visit(browser, report / name, width=width) as page:
        wide = page.evaluate("document.documentElement.scrollWidth")
        if width < 1000:
            page.screenshot(path=screenshots / f"site_{Path(name).stem}_narrow.png", full_page=True)
        assert wide <= width


@pytest.mark.parametrize("name", PAGES)
def test_all_text_stands_out_from_what_is_behind_it(report, browser, name):
    with visit(browser, report / name) as page:
        found = page.evaluate(CONTRASTS)
        assert len(found) > 5
        assert {what: ratio for what, ratio in found.items() if ratio < 4.5} == {}


def test_the_keyboard_reaches_every_page_and_shows_where_it_is(report, browser):
    with visit(browser, report / "index.html") as page:
        page.keyboard.press("Tab")
        tag, target, line, width, left, _ = page.evaluate(FOCUSED)
        assert (tag, target) == ("A", "#main") and left >= 0, "the way past the navigation comes first and is seen"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.goto((report / "index.html").absolute().as_uri())
        page.keyboard.press("Tab")
        for name in PAGES:
            page.keyboard.press("Tab")
            tag, target, line, width, left, top = page.evaluate(FOCUSED)
            assert (tag, target) == ("A", name) and line != "none" and width >= 2 and left >= 0 and top >= 0
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{name}")
        assert page.locator("nav [aria-current=page]").get_attribute("href") == name


@pytest.mark.parametrize("name", PAGES)
def test_every_page_goes_on_paper(report, browser, screenshots, name):
    with visit(browser, report / name) as page:
        made = page.pdf(path=screenshots / f"site_{Path(name).stem}.pdf", format="A4", print_background=True)
        assert made.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", made)) >= 1
        page.emulate_media(media="print")
        assert not page.locator("header.site nav").is_visible()
        if name == "index.html":
            assert page.locator("#verdict").is_visible() and page.locator("#banner").is_visible()


def test_tables_have_heads_and_every_head_says_what_it_heads(report, browser):
    for name in PAGES:
        with visit(browser, report / name) as page:
            assert page.locator("html").get_attribute("lang") == "en"
            assert page.locator("figure.table table:not(:has(thead th[scope=col]))").count() == 0, name
            levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
            assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False)), name


def test_the_report_stays_small(report):
    pages = [path for path in report.iterdir() if path.suffix in (".html", ".tsv")]
    assets = [path for path in (report / "assets").iterdir() if not path.name.endswith(".ledger.json")]
    assert sum(path.stat().st_size for path in pages) < 10e6
    assert sum(path.stat().st_size for path in (*pages, *assets)) < 15e6


def test_a_copy_of_the_folder_opens_where_nothing_else_is(report, browser, tmp_path):
    """Only what leads back into results/ is lost: the pages of the audit and of the ledger."""
    shutil.copytree(report, tmp_path / "report")
    for name in PAGES:
        with visit(browser, tmp_path / "report" / name) as page:
            assert page.faults == [], name
