"""The page of quality control: worst first by stated numbers, blind to the network, of what is open to decide."""

import re
import shutil
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import visit

from radparity.decisions import Decision, about_decisions, check_decisions
from radparity.faults import FAULTS
from radparity.report import quality_facts
from radparity.report.counted import Counted
from radparity.report.flow import End, Outcome
from radparity.report.frame import QUALITY, frame
from radparity.report.quality import OUTLYING, ROWS, looked_table, quality_page
from radparity.report.quality_facts import LARGEST, MEASURES, distances, facts_of, outlying
from radparity.report.results import STAGES, Breast, Results
from radparity.report.templates import templates
from radparity.sheets import read

ROOT = Path(__file__).parents[2]
EXAMS = 30
PLANTED = {
    "registration": "E07",
    "harmonization": "E11",
    "mask": "E13",
    "outlines": "E17",
    "exam": "E19",
}


def facts(number, draw):
    """The records of one exam and its one breast, as the stages leave them."""
    name = f"E{number:02d}"
    planted = {kind for kind, exam in PLANTED.items() if exam == name}
    scale = 900.0 if "harmonization" in planted else draw.normal(200 if number % 2 else 800, 10)
    moved = {
        "phase": 0,
        "likeness_before": 0.7,
        "likeness_after": 0.5 if "registration" in planted else 0.8 + draw.normal(0, 0.01),
        "jacobian": [0.7 + draw.normal(0, 0.01), 1.4 + draw.normal(0, 0.01)],
        "largest_displacement_mm": 3 + draw.normal(0, 0.1),
        "volume_change_enhancing": 0.01 + abs(draw.normal(0, 0.001)),
    }
    contrast = 0.3 if "outlines" in planted else 0.8 + draw.normal(0, 0.01)
    return {
        "intake": {
            "scanner": {"manufacturer": "GE", "model": "one" if number % 2 else "two", "tesla": 1.5},
            "phases": [{"time_s": 0.0}, {"time_s": 120.0}, {"time_s": 400.0}],
            "phase_count": 3,
            "sections": 60,
            "section_mm": 9.0 if "exam" in planted else 3.0 + draw.normal(0, 0.1),
            "in_plane_mm": [0.7, 0.8],
            "oblique_degrees": 0.0,
            "flags": [],
        },
        "eligible": {"decisions": [], "overridden": [], "breasts": {}},
        "convert": {"flags": []},
        "register": {"quality": [moved, {"phase": 1, "likeness_before": 1.0}], "flags": []},
        "harmonize": {"channels": ["t1c"], "divisors": [scale], "p95": [1.2 + draw.normal(0, 0.01)], "flags": []},
        "mask": {"volume_ml": 40.0 if "mask" in planted else 400 * np.exp(draw.normal(0, 0.05)), "flags": []},
        "outline": {
            "uptake": [{"whose": "together", "score": contrast, "best_score": None}],
            "flags": [],
        },
    }


@pytest.fixture
def study():
    draw = np.random.default_rng(3)
    breasts = [Breast(f"E{n:02d}L", f"E{n:02d}", f"P{n}", "left", "malignant", "test") for n in range(EXAMS)]
    records = {stage: {} for stage in STAGES}
    for number, breast in enumerate(breasts):
        for stage, own in facts(number, draw).items():
            unit = breast.exam if stage in ("intake", "eligible", "convert", "register") else breast.breast
            records[stage][unit] = {"case": unit, "stage": stage, "status": "ok"} | own
    results = Results(
        config={"study": "small", "report": {"cases": "all"}, "arms": {}},
        breasts=breasts,
        records=records,
        compare={},
        curves={},
        training={},
        fractions={},
        images={},
        verify={},
        published={},
        files={},
    )
    return results, Counted([Outcome(breast=breast) for breast in breasts], {}, [], [])


def order(page, kind=""):
    rows = page["rows"]
    return [row["breast"] for row in (sorted(rows, key=lambda row: row["places"][kind]) if kind else rows)]


@pytest.mark.parametrize("kind", PLANTED)
def test_what_was_planted_is_the_worst_of_its_kind_and_marked(study, kind):
    page = quality_page(*study)
    assert order(page, kind)[0] == f"{PLANTED[kind]}L"
    row = next(row for row in page["rows"] if row["exam"] == PLANTED[kind])
    marked = [(check["kind"], fact) for check in row["checks"] for fact in check["facts"] if fact["worst"]]
    assert [where for where, _ in marked] == [kind] and marked[0][1]["outlying"]
    assert set(order(page)[: len(PLANTED)]) == {f"{exam}L" for exam in PLANTED.values()}


def test_the_order_is_that_of_an_independent_computation(study):
    """Breast masks: the distance of the logarithm of the volume, and nothing else is measured there."""
    results, _ = study
    logs = {breast: np.log(record["volume_ml"]) for breast, record in results.records["mask"].items()}
    middle = statistics.median(logs.values())
    scale = 1.4826 * statistics.median(abs(value - middle) for value in logs.values())
    expected = sorted(logs, key=lambda breast: -min(LARGEST, abs(logs[breast] - middle) / scale))
    assert order(quality_page(*study), "mask") == expected
    row = next(r for r in quality_page(*study)["rows"] if r["breast"] == expected[3])
    fact = next(check for check in row["checks"] if check["kind"] == "mask")["facts"][0]
    assert float(fact["distance"]) == pytest.approx(abs(logs[expected[3]] - middle) / scale, abs=0.051)
    assert fact["outlying"] == (abs(logs[expected[3]] - middle) / scale >= OUTLYING)


def test_scales_are_compared_within_a_scanner_that_has_enough_cases(study):
    results, counted = study
    scales = {breast: record["divisors"][0] for breast, record in results.records["harmonize"].items()}
    assert max(scales, key=scales.get) == "E11L"  # 900 is unusual on its scanner alone; the other has 800 throughout
    assert order(quality_page(results, counted), "harmonization")[0] == "E11L"
    few = {f"E{n:02d}": "rare" if n < 3 else "common" for n in range(EXAMS)}
    found = outlying({exam: {"divisor": 800.0 if n < 3 else 200.0 + n} for n, exam in enumerate(few)}, few)
    assert found["E01"]["divisor"] > OUTLYING  # three of a scanner are compared with all


def test_flags_come_before_distances_and_what_is_on_hold_before_all(study):
    results, counted = study
    flag = {"code": "lossy_compression", "sentence": "images were compressed"}
    results.records["intake"]["E21"]["flags"] = [flag]
    held = results.breasts[4]
    sentence = "unclear (R5)"
    ends = [
        Outcome("excluded", "eligible", "on_hold", "", sentence, breast=b) if b is held else end
        for b, end in zip(results.breasts, counted.ends, strict=True)
    ]
    page = quality_page(results, replace(counted, ends=ends))
    assert order(page)[:2] == [held.breast, "E21L"] and order(page, "exam")[1] == "E21L"
    assert order(page, "mask")[:2] == [held.breast, "E13L"]
    assert page["rows"][0]["state"] == "On hold: unclear (R5)"
    assert page["rows"][1]["checks"][-1]["flags"] == ["images were compressed"]


def test_nothing_tells_how_the_readers_agree(study):
    """Readers' own rows and the sentence of a flag on outlines, which begins with a reader's name, stay away."""
    results, counted = study
    records = results.records["outline"]
    own = {"whose": "R2", "score": 0.5, "best_score": 0.9}
    for breast, record in records.items():
        record["uptake"] += [{"whose": "together", "score": 0.8, "best_score": 0.7 + int(breast[1:3]) / 1000}]
    before = {breast: facts_of("outline", record) for breast, record in records.items()}
    rows = quality_page(results, counted)["rows"]
    records["E09L"]["uptake"] = [own, *records["E09L"]["uptake"]]
    assert {breast: facts_of("outline", record) for breast, record in records.items()} == before
    assert all("elsewhere" in facts for facts in before.values())
    assert quality_page(results, counted)["rows"] == rows
    records["E09L"]["flags"] = [{"code": "outline_accepted", "sentence": "R2: 0.50 as drawn, 0.90 mirrored"}]
    flagged = next(row for row in quality_page(results, counted)["rows"] if row["breast"] == "E09L")
    words = [words for check in flagged["checks"] for words in check["flags"]]
    assert words == [FAULTS["outline_accepted"].meaning] and not re.search(r"R2|0\.[59]0", str(words))


def test_only_what_a_person_can_decide_is_shown_and_nothing_tells_how_the_network_did(study):
    results, counted = study
    end = End("excluded", "intake", "no_dicom", "", "nothing there")
    kinds = {
        "E00L": end,
        "E01L": replace(end, stage="eligible", code="excluded_by_decision"),
        "E02L": replace(end, stage="eligible", code="not_eligible"),
        "E03L": replace(end, stage="segment", code="nothing_found"),
        "E04L": replace(end, stage="compare", code="no_usable_reference"),
        "E05L": End("waiting", "the next release", "waiting"),
        "E06L": replace(end, stage="outline", code="suspect_geometry"),
    }
    ends = [Outcome(**vars(kinds.get(e.breast.breast, End())), breast=e.breast) for e in counted.ends]
    page = quality_page(results, replace(counted, ends=ends))
    shown = {row["breast"]: row for row in page["rows"]}
    assert kinds.keys() - shown.keys() == {"E00L", "E02L", "E05L", "E06L"} and page["left"] == 3
    assert shown["E01L"]["state"].startswith("Excluded: nothing there")
    # A case that left at the network's stages looks like any other.
    assert shown["E03L"]["state"] == shown["E04L"]["state"] == shown["E08L"]["state"] == ""
    assert quality_facts.STAGES.keys().isdisjoint({"predict", "segment", "consensus", "compare"})


def test_a_case_of_which_nothing_is_measured_yet_is_there(study):
    results, counted = study
    for stage in quality_facts.STAGES:
        results.records[stage].pop("E05", None), results.records[stage].pop("E05L", None)
    row = next(row for row in quality_page(results, counted)["rows"] if row["breast"] == "E05L")
    assert row["checks"] == [] and row["worst"] == "0.0"
    empty = replace(results, records={stage: {} for stage in STAGES})
    assert len(quality_page(empty, counted)["rows"]) == EXAMS


def test_of_many_cases_the_worst_are_shown(study):
    results, counted = study
    ends = [Outcome(breast=Breast(f"X{n}L", f"X{n}", f"P{n}", "left", "benign", "development")) for n in range(ROWS)]
    page = quality_page(results, replace(counted, ends=counted.ends + ends))
    assert page["all"] == ROWS + EXAMS and len(page["rows"]) == ROWS
    assert {f"{exam}L" for exam in PLANTED.values()} <= set(order(page))


def test_who_has_looked_is_counted(study):
    results, _ = study
    rows = [{"who": "R6", "verdict": "keep"}] * 3 + [{"who": "R5", "verdict": v} for v in ("hold", "keep", "include")]
    assert looked_table(results) is None
    assert looked_table(replace(results, decided={"sheet": None, "rows": rows[-1:]})) is None
    table = looked_table(replace(results, decided={"sheet": None, "rows": rows}))
    assert table.head == ["who", "keep", "exclude", "hold"]
    assert table.rows == [["R5", "1", "0", "1"], ["R6", "3", "0", "0"]]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.sampled_from(["low", "high", "both"]))
def test_distances_are_never_negative_never_endless_and_follow_the_values(values, bad):
    found = distances({str(at): value for at, value in enumerate(values)}, bad)
    assert all(0 <= distance <= LARGEST for distance in found.values())
    middle = statistics.median(values)
    for at, value in enumerate(values):
        if (bad == "low" and value >= middle) or (bad == "high" and value <= middle) or value == middle:
            assert found[str(at)] == 0
    above = sorted((value, found[str(at)]) for at, value in enumerate(values) if value >= middle and bad != "low")
    assert [distance for _, distance in above] == sorted(distance for _, distance in above)


def test_distances_of_values_that_are_nearly_all_the_same():
    assert distances({"a": 3.0, "b": 3.0}) == {"a": 0.0, "b": 0.0} and distances({}) == {}
    found = distances({str(n): 3.0 for n in range(9)} | {"odd": 5.0})
    assert found["odd"] > OUTLYING and found["0"] == 0.0


def test_every_fact_has_its_words_and_a_record_that_is_not_ok_has_none():
    draw = np.random.default_rng(1)
    for stage, record in facts(7, draw).items():
        assert facts_of(stage, {"status": "ok"} | record).keys() <= MEASURES.keys()
        assert facts_of(stage, {"status": "excluded"} | record) == {}
    assert len({measure.label for measure in MEASURES.values()}) == len(MEASURES)
    assert not any(re.search("dice|probab|network", measure.label, re.IGNORECASE) for measure in MEASURES.values())


def test_places_are_a_permutation_for_every_kind(study):
    page = quality_page(*study)
    for kind in PLANTED:
        assert sorted(row["places"][kind] for row in page["rows"]) == list(range(EXAMS))


@pytest.fixture
def build(study, tmp_path):
    """Writes the page of a study in which one exam has both breasts, with a decisions sheet; nobody has made its
    pictures."""
    results, counted = study
    other = replace(results.breasts[3], breast="E03R", side="right")
    results = replace(
        results, breasts=[*results.breasts, other], config={"study": "small", "report": {"cases": "none"}}
    )
    counted = replace(counted, ends=[*counted.ends, Outcome(breast=other)])
    shutil.copytree(ROOT / "workflow/report/assets", tmp_path / "assets")

    def write(sheet=None):
        decided = about_decisions(read(sheet, Decision) if sheet else [], str(sheet) if sheet else None)
        given = frame(study="small", page=QUALITY) | quality_page(replace(results, decided=decided), counted)
        page = templates(ROOT / "workflow/report").get_template("quality.html.j2").render(given)
        (tmp_path / QUALITY).write_text(page)
        return tmp_path / QUALITY

    return write


@pytest.fixture
def written(build):
    return build()


def press(page, breast, key, reason=""):
    page.locator(f"#case-{breast}").focus()
    page.keyboard.press(key)
    if reason:
        page.keyboard.type(reason)
        page.keyboard.press("Enter")


def exported(page, path):
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(path)
    rows = read(path, Decision)
    exam_of = {row.breast: row.exam for row in rows if row.breast}
    check_decisions(rows, exam_of | {"E03L": "E03", "E03R": "E03"}, {row.exam for row in rows} | {"E03"})
    return [(row.breast, row.verdict) for row in rows]


def test_a_whole_exam_can_be_meant_and_one_breast_of_it_taken_back(written, browser, tmp_path):
    with visit(browser, written, accept_downloads=True) as page:
        page.locator("#who").fill("R7")
        page.locator("#case-E03L").focus()
        page.keyboard.press("x")
        assert page.locator("#scope").is_visible() and not page.locator("#who-field").is_visible()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.type("an implant")
        page.keyboard.press("Enter")
        for breast in ("E03L", "E03R"):
            assert page.locator(f"#case-{breast} .state").text_content() == "whole exam E03 excluded by R7: an implant"
        assert exported(page, tmp_path / "one.tsv") == [(None, "exclude")]
        page.locator("#case-E03R").focus()
        page.keyboard.press("k")
        assert sorted(exported(page, tmp_path / "two.tsv")) == [("E03L", "exclude"), ("E03R", "keep")]
        page.keyboard.press("u")
        assert exported(page, tmp_path / "three.tsv") == [(None, "exclude")]
        assert page.faults == []


def test_what_was_changed_before_the_export_stays_as_it_was_changed(build, browser, tmp_path):
    with visit(browser, build(), accept_downloads=True) as page:
        page.locator("#who").fill("R7")
        press(page, "E03L", "k"), press(page, "E05L", "h", "unclear")
        press(page, "E03L", "x", "motion"), press(page, "E05L", "x", "an implant")
        out = [("E03L", "exclude"), ("E05L", "exclude")]
        assert exported(page, tmp_path / "one.tsv") == out
        build(tmp_path / "one.tsv")
        page.reload()
        assert page.locator("#progress").inner_text().endswith("looked at") and page.locator("#undo").is_disabled()
        assert page.locator("#case-E03L .state").text_content() == "excluded by R7: motion"
        assert exported(page, tmp_path / "two.tsv") == out
        # What came after the export is still to be said; what a colleague wrote since counts more, and is told.
        press(page, "E03L", "k"), press(page, "E05L", "k"), press(page, "E07L", "k")
        theirs = (tmp_path / "two.tsv").read_text().replace("an implant\tR7", "it moves\tR8")
        (tmp_path / "three.tsv").write_text(theirs)
        build(tmp_path / "three.tsv")
        page.reload()
        assert "decided on E05 since" in page.locator("#said").inner_text()
        assert exported(page, tmp_path / "four.tsv") == [("E05L", "exclude"), ("E03L", "keep"), ("E07L", "keep")]
        assert page.faults == []


def test_a_loaded_file_stands_in_the_place_of_the_sheet(build, browser, tmp_path):
    with visit(browser, build(), accept_downloads=True) as page:
        page.locator("#who").fill("R7")
        press(page, "E03L", "x", "motion"), press(page, "E05L", "k")
        exported(page, tmp_path / "one.tsv")
        build(tmp_path / "one.tsv")
        page.reload()
        rows = (tmp_path / "one.tsv").read_text().splitlines(keepends=True)
        (tmp_path / "shorter.tsv").write_text("".join(row for row in rows if "E03L" not in row))
        press(page, "E07L", "k")
        page.locator("#load").set_input_files(tmp_path / "shorter.tsv")
        page.wait_for_function("document.getElementById('said').textContent.includes('1 of whose rows it lacks')")
        left = [("E05L", "keep"), ("E07L", "keep")]
        assert exported(page, tmp_path / "two.tsv") == left
        page.reload()
        assert page.locator("#case-E03L .state").text_content() == ""
        assert exported(page, tmp_path / "three.tsv") == left
        # In place, the file is the sheet: nothing of what was loaded or decided is left here.
        build(tmp_path / "three.tsv")
        page.reload()
        assert page.locator("#forget").is_disabled() and page.locator("#said").inner_text() == ""
        assert exported(page, tmp_path / "four.tsv") == left
        assert page.faults == []


def test_a_case_that_is_included_comes_back_when_its_hold_ends(build, browser, tmp_path):
    row = "E03\tE03L\tinclude\t\t\tseen by two\tR5\t2024-03-04\n"
    (tmp_path / "one.tsv").write_text("exam\tbreast\tverdict\tseries\trole\treason\twho\tdate\n" + row)
    with visit(browser, build(tmp_path / "one.tsv"), accept_downloads=True) as page:
        page.locator("#who").fill("R7")
        press(page, "E03L", "h")
        page.locator("input[name=scope][value=exam]").check()
        page.locator("#reason").fill("unclear")
        page.keyboard.press("Enter")
        both = [("E03L", "include"), ("E03L", "hold"), ("E03R", "hold")]
        assert exported(page, tmp_path / "two.tsv") == both
        build(tmp_path / "two.tsv")
        page.reload()
        assert page.locator("#undo").is_disabled()
        press(page, "E03L", "k"), press(page, "E03R", "k")
        found = [("E03L", "include"), ("E03L", "keep"), ("E03R", "keep")]
        assert exported(page, tmp_path / "three.tsv") == found
        assert page.faults == []


def test_a_browser_that_keeps_nothing_is_said_so_and_the_page_works(written, browser, tmp_path):
    with visit(browser, written, accept_downloads=True) as page:
        assert not page.locator("#storage").is_visible()
        page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('shut'); } })")
        page.reload()
        assert page.locator("#storage").is_visible()
        page.locator("#who").fill("R7")
        page.locator("#case-E03L").focus()
        page.keyboard.press("k")
        assert exported(page, tmp_path / "one.tsv") == [("E03L", "keep")]
        assert page.faults == []


def test_the_page_fits_a_narrow_window(written, browser):
    for width in (1280, 400):
        with visit(browser, written, width=width) as page:
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
