"""A browser that a person would use, without a window, for the tests of pages.

Its network is shut: a page that asks for anything beyond its own folder is at fault.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# The volume view draws with WebGL, here on the processor.
OPTIONS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]


@contextmanager
def chromium():
    """Debian's Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser, path, width=1280, height=900, **options):
    """A page opened from disk: `page.faults` collects what the console, scripts and requests complain of.

    options: of playwright's `new_context`, as java_script_enabled=False or accept_downloads=True.
    """
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    page.faults = []
    page.on("console", lambda said: page.faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("requestfailed", lambda request: page.faults.append(f"not loaded: {request.url}"))
    context.route(lambda url: url.startswith(("http:", "https:", "ws:")), lambda route: route.abort())
    try:
        page.goto(Path(path).absolute().as_uri(), wait_until="load")
        yield page
    finally:
        context.close()
