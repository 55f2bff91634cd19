"""A study with one reference made by software: through to a green audit, and nothing in it is called a reader's."""

import csv
import html
import json
import re
import zipfile

import pytest
from pages import visit

EXAMS = "E05 E07 E16 E18 E24 E25 E26 E31".split()
NOT_AVAILABLE = "Equivalence and consensus are not available: each case has one reference, made by software."
# What speaks of readers in general, and claims none for this study.
GENERAL = (
    "how far readers are from one another is not known",
    "need three readers or more",
    "not how well a reader would do",
    "with fewer than three readers",
    "no reader outlined them",
    "how close readers would be",
    "of the other three readers",
    "radiologist-level performance by using",
)


@pytest.fixture(scope="module")
def study(project_of, finished, room):
    """A small study whose sheets hold one outline a case, by a program."""
    project = project_of(room / "study", EXAMS)
    project.take_over(finished)
    sheet = project.folder / "resources/demo/readings.tsv"
    header, *rows = sheet.read_text().splitlines()
    first = {}
    for row in rows:
        first.setdefault(row.split("\t")[0], row.replace("\tR1\t", "\tFTV\t"))
    kept = [row.replace(f"\t{row.split(chr(9))[1]}\t", "\tFTV\t", 1) for row in first.values()]
    sheet.write_text("\n".join([header, *kept]) + "\n")
    project.configure(readers={"test": ["FTV"], "made_by": "software"}, batch=8)
    project.sweep()
    code, out = project.snakemake("lock_plan")
    assert code == 0, out[-3000:]
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    return project


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def said(page):
    """What a page says, what its pictures say included."""
    text = re.sub(r"<script.*?</script>|<style.*?</style>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    beside = " ".join(re.findall(r'(?:alt|aria-label)="([^"]*)"', text))
    return re.sub(r"\s+", " ", html.unescape(f"{re.sub('<[^>]+>', ' ', text)} {beside}"))


def test_the_audit_is_green_and_only_the_tables_of_few_raters_are_made(study):
    results = study.folder / "results"
    assert (results / "audit/green.json").is_file()
    made = {path.stem for path in (results / "compare/unet").glob("*.tsv")}
    assert "main" in made and not made & {"equivalence", "random_readers", "agreement", "anova", "thresholds"}
    main = rows_of(results / "compare/unet/main.tsv")
    assert [(row["rater"], row["reference"]) for row in main] == [("network", "reference")]
    cases = rows_of(results / "compare/unet/cases.tsv")
    assert float(main[0]["mean"]) == pytest.approx(sum(float(row["dice_network"]) for row in cases) / len(cases))
    consensus = json.loads(next(results.glob("consensus/*/consensus.json")).read_text())
    assert list(consensus["voxels"]) == ["FTV", "reference"] and len(set(consensus["voxels"].values())) == 1
    headline = {row["name"]: row["value"] for row in rows_of(results / "report/headline.tsv")}
    assert float(headline["unet, main, network on reference, mean"]) == pytest.approx(float(main[0]["mean"]))


def test_the_plan_fixes_an_estimate_and_no_test(study):
    plan = json.loads((study.folder / "plan/plan.json").read_text())["content"]
    assert plan["primary_test"].startswith("none: mean Dice") and plan["readers"]["made_by"] == "software"
    assert json.loads((study.folder / "results/compare/unet/plan.json").read_text())["role"] == "primary"


def test_the_start_page_says_first_what_is_not_available_and_then_the_number(study, browser, screenshots):
    main = rows_of(study.folder / "results/compare/unet/main.tsv")[0]
    with visit(browser, study.folder / "results/report/index.html") as page:
        assert page.faults == []
        assert page.locator("#verdict").inner_text() == NOT_AVAILABLE
        sentence = page.locator("p.sentence").first.inner_text()
        bounds = f"{float(main['mean_low']):.3f} to {float(main['mean_high']):.3f}"
        assert "the reference made by software" in sentence
        assert f"is {float(main['mean']):.3f} (95 % interval {bounds})" in sentence
        assert page.locator("#figure-against img").is_visible() and page.locator("#table-main-unet").is_visible()
        page.screenshot(path=screenshots / "few_raters_index.png", full_page=True)
    with visit(browser, study.folder / "results/report/comparison.html") as page:
        assert page.faults == [] and page.locator("#more-detection_summary, #table-more-detection_summary").count() == 1
        page.screenshot(path=screenshots / "few_raters_comparison.png", full_page=True)
    case = sorted((study.folder / "results/report/cases").glob("*.html"))[-1]
    with visit(browser, case) as page:
        assert page.faults == []
        page.screenshot(path=screenshots / "few_raters_case.png", full_page=True)


def test_no_page_calls_a_programs_outline_a_readers(study):
    report = study.folder / "results/report"
    pages = [*report.glob("*.html"), *report.glob("cases/*.html")]
    assert len(pages) > 10
    for page in pages:
        text = said(page).lower()
        for general in GENERAL:
            text = text.replace(general, "")
        assert re.findall(r".{0,40}(?:reader|radiologist).{0,30}", text) == [], page.name


def test_what_needs_three_readers_is_refused_with_a_sentence(study):
    for target in ("power", "audit_kit"):
        code, out = study.snakemake("-n", target)
        assert code != 0 and "needs three readers or more; readers: test names 1" in out, out[-1500:]


def test_the_copy_to_send_away_and_the_networks_card_say_it_too(study):
    study.configure(bundle={"floor": 0.0, "licence": "for a test", "contact": ""})
    code, out = study.snakemake("share", "bundle")
    assert code == 0, out[-3000:]
    shared = (study.folder / "results/share/report/index.html").read_text()
    assert NOT_AVAILABLE in shared
    with zipfile.ZipFile(study.folder / "results/bundle/unet.zip") as bundle:
        (card,) = (name for name in bundle.namelist() if name.endswith(".md"))
        text = bundle.read(card).decode()
    assert "Dice of the mask with the reference made by software" in text and NOT_AVAILABLE in text
