"""Quality control as a person does it: decide by keys, export, put the file in place, and what the next run makes."""

import csv
import datetime
import json
import re

import pytest
from pages import visit

from radparity.decisions import Decision, check_decisions
from radparity.sheets import read

SHEET = "resources/demo/decisions.tsv"
JUDGED = "judged_1_of_1"
REASON = "motion between the phases"


@pytest.fixture
def page(finished, browser):
    with visit(browser, finished.folder / "results/report/quality.html", accept_downloads=True) as opened:
        yield opened
        assert opened.faults == []


def rows(finished):
    with (finished.folder / "resources/demo/breasts.tsv").open() as stream:
        return {row["breast"]: row for row in csv.DictReader(stream, delimiter="\t")}


def case(page, breast):
    return page.locator(f"#case-{breast}")


def press(page, breast, key, reason="", whole=False, who=""):
    """Decide on a case as somebody does who has no mouse."""
    case(page, breast).focus()
    page.keyboard.press(key)
    if reason:
        if whole:
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("ArrowDown")
        page.locator("#reason").focus()
        page.keyboard.type(reason)
    if who:
        page.locator("#asked").focus()
        page.keyboard.type(who)
    if reason or who:
        page.keyboard.press("Enter")


def exported(page, folder):
    with page.expect_download() as download:
        page.locator("#save").press("Enter")
    assert download.value.suggested_filename == "decisions.tsv"
    path = folder / "decisions.tsv"
    download.value.save_as(path)
    return path


def shown(page):
    return page.locator("article.case:visible").evaluate_all("all => all.map(one => one.dataset.breast)")


def focused(page):
    return page.evaluate("document.activeElement.closest('article.case')?.dataset.breast")


def test_deciding_by_keys(page, finished, tmp_path, screenshots):
    order, count = shown(page), len(rows(finished))
    assert len(order) == count and page.locator("#progress").inner_text() == f"0 of {count} looked at"
    page.screenshot(path=screenshots / "quality.png", full_page=True)
    page.keyboard.press("j")
    assert focused(page) == order[0]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("j"), page.keyboard.press("ArrowDown"), page.keyboard.press("ArrowUp")
    assert focused(page) == order[1]
    # The pseudonym is asked for once; a name is none.
    page.keyboard.press("k")
    page.keyboard.type("Miller")
    page.keyboard.press("Enter")
    assert "looks like a name" in page.locator("#why-fault").inner_text()
    page.locator("#asked").fill("R7")
    page.keyboard.press("Enter")
    assert page.locator("#progress").inner_text() == f"1 of {count} looked at; 1 not in the study's sheet yet"
    assert case(page, order[1]).locator(".state").text_content() == "kept by R7"
    assert focused(page) == order[2]
    # A reason that points at a person is refused while it is typed, and when it is given.
    page.keyboard.press("x")
    for wrong in ("seen on 3/4/19", "record 4711081", "x" * 201):
        page.locator("#reason").fill(wrong)
        said = page.locator("#why-fault").inner_text()
        assert "date or a record number" in said or "201" in said
        page.keyboard.press("Enter")
        assert page.locator("#why").is_visible()
        assert page.locator("#progress").inner_text().startswith("1 of ")
    page.screenshot(path=screenshots / "quality_refused.png")
    page.locator("#reason").fill("")
    page.keyboard.press("Enter")
    assert page.locator("#why-fault").inner_text() == "Say why, in words."
    page.locator("#reason").fill(REASON)
    page.keyboard.press("Enter")
    assert case(page, order[2]).locator(".state").text_content() == f"excluded by R7: {REASON}"
    press(page, order[3], "h", 'what is "this" in the fat?')
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    assert page.locator("#progress").inner_text().startswith("3 of ")
    # Undo takes back the last one and goes there; a reload forgets nothing.
    press(page, order[4], "k")
    page.keyboard.press("u")
    assert focused(page) == order[4] and page.locator("#progress").inner_text().startswith("3 of ")
    page.reload()
    assert page.locator("#progress").inner_text() == f"3 of {count} looked at; 3 not in the study's sheet yet"
    assert page.locator("#who").input_value() == "R7"
    page.screenshot(path=screenshots / "quality_decided.png", full_page=True)
    page.locator("#unseen").check()
    assert shown(page) == [breast for breast in order if breast not in order[1:4]]
    # The file is the study's sheet with these rows.
    written, before = read(exported(page, tmp_path), Decision), read(finished.folder / SHEET, Decision)
    assert written[: len(before)] == before
    today = datetime.date.today()
    said = [(d.breast, d.verdict, d.reason, d.who, d.date) for d in written[len(before) :]]
    assert said == [
        (order[1], "keep", "looked at", "R7", today),
        (order[2], "exclude", REASON, "R7", today),
        (order[3], "hold", 'what is "this" in the fat?', "R7", today),
    ]
    exam_of = {name: row["exam"] for name, row in rows(finished).items()}
    check_decisions(written, exam_of, set(exam_of.values()))


def test_another_browser_goes_on_from_the_file(page, finished, browser, tmp_path):
    order = shown(page)
    press(page, order[0], "x", REASON, who="R7")
    path, again = exported(page, tmp_path), tmp_path / "again"
    again.mkdir()
    with visit(browser, finished.folder / "results/report/quality.html", accept_downloads=True) as other:
        other.locator("#load").set_input_files(path)
        other.wait_for_function("document.getElementById('said').textContent")
        assert case(other, order[0]).get_attribute("data-verdict") == "exclude"
        press(other, order[1], "k", who="R8")
        assert len(read(exported(other, again), Decision)) == len(read(path, Decision)) + 1
        other.locator("#load").set_input_files({"name": "x.tsv", "mimeType": "text/plain", "buffer": b"a\tb\n1\t2\n"})
        other.wait_for_function("document.getElementById('said').textContent.includes('was not read')")
        assert other.faults == []


def test_buttons_say_the_same_as_keys_and_have_names(page):
    first = shown(page)[0]
    case(page, first).get_by_role("button", name=f"hold {first}").click()
    page.get_by_label(re.compile("^Reason")).fill(REASON)
    page.get_by_label(re.compile("^Your pseudonym, as")).fill("R7")
    page.get_by_role("button", name="Decide").click()
    button = case(page, first).get_by_role("button", name=f"hold {first}")
    assert button.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Undo").click()
    assert button.get_attribute("aria-pressed") == "false"
    unnamed = "all => all.filter(one => !(one.labels?.length || one.textContent.trim() || one.ariaLabel)).length"
    assert page.locator("input, button, select").evaluate_all(unnamed) == 0


def test_the_order_follows_the_kind_of_check_and_the_page_reads_without_scripts(page, finished, browser):
    places = page.locator("article.case").evaluate_all(
        "all => all.map(one => [one.dataset.breast, JSON.parse(one.dataset.places)])"
    )
    for kind in ("registration", "mask", "outlines"):
        page.locator(f"input[name=kind][value={kind}]").check()
        assert shown(page) == [name for name, _ in sorted(places, key=lambda case: case[1][kind])]
    page.locator("input[name=kind][value='']").check()
    assert shown(page) == [name for name, _ in places]
    quality = finished.folder / "results/report/quality.html"
    with visit(browser, quality, java_script_enabled=False) as plain:
        assert len(plain.locator("article.case").all()) == len(places)
        assert not plain.locator("#desk").is_visible() and plain.locator(".checks dd").first.is_visible()
        assert plain.locator("noscript").is_visible()


def test_the_page_tells_nothing_of_the_network(finished):
    text = (finished.folder / "results/report/quality.html").read_text()
    body = text[text.index('<ol id="looks">') : text.index("</ol>")].lower()
    assert not re.search("dice|probabilit|network|segment", body)


def decide(project, *decided):
    """Write decisions into the study's sheet: breast, verdict, reason."""
    with (project.folder / SHEET).open("a") as stream:
        for breast, verdict in decided:
            exam = rows(project)[breast]["exam"]
            stream.write(f"{exam}\t{breast}\t{verdict}\t\t\t{REASON}\tR7\t{datetime.date.today()}\n")


def test_a_look_makes_the_report_anew_and_nothing_else(finished, tmp_path):
    project = finished.copy(tmp_path / "study")
    decide(project, ("E05L", "keep"), ("E26R", "keep"))
    assert set(project.planned()) == {"report", "audit"}
    code, out = project.call("radparity", "why", "--json", "--no-raw")
    causes = [cause["text"] for cause in json.loads(out)["causes"]]
    assert code == 0 and causes == ["the decisions sheet has rows that are new, changed or gone"]


def test_what_was_exported_is_what_the_next_run_goes_by(finished, page, tmp_path):
    project = finished.copy(tmp_path / "study")
    press(page, "E26R", "x", REASON, who="R7")
    press(page, "E25L", "h", "which breast is it?")
    press(page, "E05L", "k")
    (project.folder / SHEET).write_bytes(exported(page, tmp_path).read_bytes())
    planned = set(project.planned())
    learned = {job for job in planned if "development" in job or job.split()[0] == "train"}
    assert learned == set(), "nothing was learned from these cases"
    assert f"eligible {JUDGED}" in planned and f"intake {JUDGED}" not in planned
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    flow = (project.folder / "results/report/flow.tsv").read_text().splitlines()
    assert "tuning\tmalignant\texcluded\teligible\ton_hold\t\t1\t0" in flow
    assert "test\tmalignant\texcluded\teligible\texcluded_by_decision\t\t1\t0" in flow
    data = (project.folder / "results/report/data.html").read_text()
    assert "which breast is it? (R7)" in data and f"{REASON} (R7)" in data
    assert "on hold, nobody has decided yet" in (project.folder / "results/report/index.html").read_text()
    # The case left after its scores could be seen: its name stands with the verdict.
    said = "est cases: 1 of 2 concerned by a decision since the test cases were looked at: E26R (exclude)"
    assert said in (project.folder / "results/report/provenance.html").read_text()
    assert said in (project.folder / "results/report/index.html").read_text()
    with visit(page.context.browser, project.folder / "results/report/quality.html") as again:
        assert case(again, "E25L").get_attribute("data-verdict") == "hold"
        assert again.locator("#progress").inner_text() == f"3 of {len(rows(project))} looked at"
        assert shown(again)[0] == "E25L"
    assert project.planned() == []
