"""What the report costs: building it for 1,000 made-up cases, and how fast its list of cases answers in a browser.

PYTHONPATH=tests:tests/unit python benchmarks/report.py > benchmarks/report.md

Some minutes; with a finished study in results/ also what its case pages took.

Records and tables are those of the unit tests' study, made larger; the pages come from the report's own code. The list
keeps a hundred rows in the page at a time. Its other side is the same script with all of them there.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from demo import processor
from pages import chromium, visit
from playwright.sync_api import TimeoutError
from test_report import TEMPLATES, Tree, breast

from radparity.report.case_list import cases_page, cases_script
from radparity.report.counted import Counted, count
from radparity.report.flow import Outcome
from radparity.report.frame import frame
from radparity.report.results import Breast, Results
from radparity.report.site import build
from radparity.report.templates import templates

ROOT = Path(__file__).parents[1]
TEST, TUNING = 250, 60
PAPER = 76_000
RUNS, RUNS_WHOLE = 9, 3
WINDOW = "const ROWS = 100;"
ANSWERS = ("list shown", "text searched", "sorted by number", "sorted by name")
SCANNERS = [("GE", "Signa", 1.5), ("GE", "MR750", 3.0), ("Siemens", "Skyra", 3.0), ("Philips", "Ingenia", 3.0)]

# The second frame after all scripts ran.
SHOWN = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
# From the change to the second frame after it, which shows it.
CHANGE = """(change) => new Promise((done) => {
  const started = performance.now();
  new Function(change)();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - started)));
})"""
SEARCH = (
    "const field = document.getElementById('filter-text'); field.value = '%s';"
    " field.dispatchEvent(new Event('input', {bubbles: true}));"
)
SORT = "document.querySelector('#cases th[data-column=%s] button').click()"


def made_up(folder: Path, cases: int) -> Results:
    """A study of so many breasts, 250 of them compared."""
    names = [
        (f"C{n:05d}", "test" if n < TEST else "tuning" if n < TEST + TUNING else "development") for n in range(cases)
    ]
    sheet = [
        breast(name, "malignant" if n % 3 or n < TEST + TUNING else "benign", part)
        for n, (name, part) in enumerate(names)
    ]
    results = Tree(folder, sheet=sheet, shown_maps=False).results()
    for n, record in enumerate(results.records["intake"].values()):
        maker, model, tesla = SCANNERS[n % len(SCANNERS)]
        record["scanner"] = {"manufacturer": maker, "model": model, "tesla": tesla}
    for record in list(results.records["register"].values())[::20]:
        record["flags"] = [{"code": "lesion_volume_changed", "sentence": "made up"}]
    return results


def larger(results: Results, counted: Counted, cases: int) -> tuple[Results, Counted]:
    """The list of so many cases: the study's own again and again, under other names."""
    breasts: list[Breast] = []
    ends: list[Outcome] = []
    records = {stage: dict(own) for stage, own in results.records.items()}
    for copy in range(-(-cases // len(counted.ends))):
        for end in counted.ends[: cases - len(ends)]:
            old = end.breast
            new = replace(
                old, breast=f"{old.breast}-{copy}", exam=f"{old.exam}-{copy}", patient=f"{old.patient}-{copy}"
            )
            breasts.append(new)
            ends.append(replace(end, breast=new))
            for stage, own in results.records.items():
                for before, after in ((old.exam, new.exam), (old.breast, new.breast)):
                    if before in own:
                        records[stage][after] = own[before]
    return replace(results, breasts=breasts, records=records), replace(counted, ends=ends)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a piece of work takes, and what it gives."""
    started = time.monotonic()
    found = work()
    return time.monotonic() - started, found


def write(folder: Path, made: dict[str, str]) -> Path:
    """The report on disk, as the rules leave it, without its case pages."""
    shutil.copytree(TEMPLATES / "assets", folder / "assets")
    for path in (ROOT / "resources/browser").glob("*.js"):
        shutil.copy(path, folder / "assets")
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def whole(folder: Path) -> Path:
    """The same report with a list that keeps every row in the page."""
    other = shutil.copytree(folder, folder.with_name(folder.name + "_whole"))
    script = other / "assets/case_list.js"
    text = script.read_text()
    assert WINDOW in text
    script.write_text(text.replace(WINDOW, "const ROWS = Infinity;"))
    return other


def answers(browser: Any, report: Path) -> dict[str, float]:
    """Milliseconds until the list is shown, until what a search finds is, and until a new order is."""
    try:
        return _answers(browser, report)
    except TimeoutError:  # the page took longer than playwright waits for any
        return dict.fromkeys(ANSWERS, math.inf)


def _answers(browser: Any, report: Path) -> dict[str, float]:
    with visit(browser, report / "cases.html") as page:
        shown = page.evaluate(SHOWN)
        last = page.evaluate("window.CASES.rows.at(-1)[0]")
        searched = page.evaluate(CHANGE, SEARCH % last.lower())
        assert page.locator("#cases tbody tr").count() == 1
        page.evaluate(CHANGE, SEARCH % "")
        by_number, by_name = (page.evaluate(CHANGE, SORT % column) for column in ("difference", "breast"))
        assert page.faults == [], page.faults
    return dict(zip(ANSWERS, (shown, searched, by_number, by_name), strict=True))


def spread(values: list[float]) -> str:
    """Median and range."""
    if math.inf in values:
        return "over 30,000"
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def case_pages(results: Path) -> str:
    """What the pages of single cases took in a finished study, from its own benchmarks; empty without one."""
    tables = list((results / "benchmarks/page").glob("*.tsv")) + list((results / "benchmarks/view").glob("*.tsv"))
    pages = list((results / "report/cases").glob("*.html"))
    if not tables or not pages:
        return ""
    seconds = sum(float(row["cpu_time"]) for path in tables for row in csv.DictReader(path.open(), delimiter="\t"))
    strips = [path.with_suffix(".webp") for path in pages]
    sizes = [page.stat().st_size + strip.stat().st_size for page, strip in zip(pages, strips, strict=True)]
    each, kilobytes = seconds / len(pages), statistics.fmean(sizes) / 1e3
    return (
        f"Case pages of the finished study in results/: {len(pages)}, each {each:.2f} s of the processor (with jobs'"
        f" start), {kilobytes:.0f} kB on average and {max(sizes) / 1e3:.0f} kB at most. **Extrapolated**: 1,000 cases,"
        f" {1000 * each / 60:.0f} minutes of one core and {kilobytes:.0f} MB."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--paper", type=int, default=PAPER, help="rows of the larger list")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "results", help="of a finished study, for its case pages"
    )
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        results = made_up(Path(scratch, "study"), options.cases)
        seconds, made = timed(lambda: build(results, TEMPLATES))
        sizes = {name: len(text.encode()) for name, text in made.items()}
        report = write(Path(scratch, "report"), made)
        large, counted = larger(results, count(results), options.paper)

        def listed() -> dict[str, str]:
            page = templates(TEMPLATES).get_template("cases.html.j2")
            text = page.render(frame("made up", "cases.html") | cases_page(large, counted))
            return {"cases.html": text, "assets/cases.js": cases_script(large, counted)}

        large_seconds, large_made = timed(listed)
        large_report = write(Path(scratch, "large"), large_made)
        sides = {
            (f"{options.cases:,}", "100 rows"): report,
            (f"{options.cases:,}", "all rows"): whole(report),
            (f"{options.paper:,}", "100 rows"): large_report,
            (f"{options.paper:,}", "all rows"): whole(large_report),
        }
        took: dict[tuple[str, str], list[dict[str, float]]] = {side: [] for side in sides}
        answers(browser, report)  # the browser's own start
        for turn in range(RUNS):
            for side, folder in sides.items():
                if side[1] == "100 rows" or folder == sides[f"{options.cases:,}", "all rows"] or turn < RUNS_WHOLE:
                    took[side].append(answers(browser, folder))
        chrome = browser.version
    packages = ", ".join(f"{name} {version(name)}" for name in ("jinja2", "altair", "pandas", "matplotlib"))
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}, Chromium {chrome}.")
    print(f"Load of the machine by other work when this began: {load:.1f}.\n")
    rows = [
        (f"all pages of {options.cases:,} cases, {TEST} of them compared", f"{seconds:.1f}", sum(sizes.values())),
        ("of these cases.html", "", sizes["cases.html"]),
        ("of these assets/cases.js", "", sizes["assets/cases.js"]),
        ("of these comparison.html", "", sizes["comparison.html"]),
        (f"the list of {options.paper:,} cases", f"{large_seconds:.1f}", sum(map(len, large_made.values()))),
    ]
    print("| what is built, without case pages | seconds | MB |\n|---|---:|---:|")
    for name, took_seconds, size in rows:
        print(f"| {name} | {took_seconds} | {size / 1e6:.2f} |")
    print(f"\ncases.js takes {sizes['assets/cases.js'] / options.cases:.0f} bytes a case.\n")
    print("Milliseconds in the browser until the change is seen, median (range):\n")
    print("| cases | in the page | runs | " + " | ".join(ANSWERS) + " |\n|---:|---|---:|" + "---:|" * len(ANSWERS))
    for (cases, window), runs in took.items():
        cells = " | ".join(spread([run[name] for run in runs]) for name in ANSWERS)
        print(f"| {cases} | {window} | {len(runs)} | {cells} |")
    if said := case_pages(options.results):
        print(f"\n{said}")


if __name__ == "__main__":
    main()
