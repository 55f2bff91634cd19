"""The list of cases: every breast of the sheets is one row, with the numbers of the tables and where it ended."""

import json
import re
import shutil
from dataclasses import replace

import pytest
from pages import visit
from test_report import SHEET, TEMPLATES, Tree

from radparity.report.case_list import STATIC_ROWS, CaseList, case_list, cases_page, cases_script, paged, text
from radparity.report.counted import count
from radparity.report.templates import templates
from radparity.report.words import MANY

LEFT = {"T1": ("convert", "grids_differ"), "D2": ("mask", "too_dark")}
FOLDS = "fold\tbreast\tpatient\tlabel\trole\n1\tD1\tPD1\tmalignant\ttraining\n2\tD1\tPD1\tmalignant\theld_out\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    tree = Tree(tmp_path_factory.mktemp("study"), excluded=LEFT)
    tree.write("folds", "fold/folds.tsv", FOLDS)
    return tree.results()


def rows(results):
    found = case_list(results, count(results))
    names = [column.name for column in found.columns]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.rows}


def test_every_breast_is_one_row_in_the_order_of_the_sheets(results):
    found = case_list(results, count(results))
    assert [row[0] for row in found.rows] == [row[0] for row in SHEET]
    for breast, exam, patient, side, label, partition in SHEET:
        own = rows(results)[breast]
        assert (own["exam"], own["patient"], own["side"], own["label"], own["partition"]) == (
            exam, patient, side, label, partition,
        )  # fmt: skip


def test_where_a_case_left_is_said_and_the_others_are_ok(results):
    found = {breast: row["status"] for breast, row in rows(results).items()}
    assert found.pop("T1") == "excluded at convert: grids differ"
    assert found.pop("D2") == "excluded at mask: too dark"
    assert set(found.values()) == {"ok"}


def test_scores_and_sizes_are_those_of_the_tables(results):
    cases = results.table("cases").set_index("case")
    sizes = results.table("sizes")
    assert len(cases) == 5
    for breast, row in rows(results).items():
        if breast not in cases.index:
            assert row["dice_network"] is row["dice_readers"] is row["difference"] is None
            continue
        for ours, theirs in (("dice_network", "dice_network"), ("dice_readers", "dice_reader"), ("difference",) * 2):
            assert row[ours] == pytest.approx(cases.loc[breast, theirs], abs=5e-5)
        own = sizes[sizes["case"] == breast].set_index("rater")["size"]
        assert row["network_size"] == pytest.approx(own["network"], abs=0.05)
        assert row["readers_size"] == pytest.approx(own.drop("network").mean(), abs=0.05)


def test_a_case_that_is_not_compared_has_the_areas_of_its_records(results):
    results.records["segment"]["U1"]["voxels"] = 100
    results.records["harmonize"]["U1"]["spacing_mm"] = [3.0, 0.5, 0.4]
    results.records["outline"]["U1"]["area_mm2"] = {"R1": 10.0, "R2": 30.0}
    compare = {"unet": {name: table for name, table in results.compare["unet"].items() if name != "sizes"}}
    row = rows(replace(results, compare=compare))["U1"]
    assert (row["network_size"], row["readers_size"]) == (20.0, 20.0)
    volumes = results.table("sizes").assign(unit="mm3")
    row = rows(replace(results, compare={"unet": results.compare["unet"] | {"sizes": volumes}}))["U1"]
    assert row["network_size"] is row["readers_size"] is None


def test_section_and_the_fold_that_holds_a_case_out(results):
    found = rows(results)
    assert found["D1"]["fold"] == 2 and found["T0"]["fold"] is None
    assert found["T0"]["section"] == 1 and found["D2"]["section"] is None


def test_flags_of_the_exam_and_of_the_case_stand_together_once(results):
    results.records["register"]["ET2"]["flags"] = [{"code": "lesion_volume_changed", "sentence": "s"}]
    results.records["outline"]["T2"]["flags"] = [{"code": "far_away", "sentence": "s"}] * 2
    assert rows(results)["T2"]["flags"] == "far away, lesion volume changed"
    choices = case_list(results, count(results)).choices
    assert choices["flags"] == ["far away", "lesion volume changed"]
    assert choices["status"] == ["excluded", "excluded at convert: grids differ", "excluded at mask: too dark", "ok"]


def test_the_filter_of_a_rule_does_not_list_the_cases_of_another_whose_name_begins_like_it(browser, tmp_path):
    reasons = {"T1": "biopsy", "T2": "biopsy before MRI", "T3": "biopsy"}
    tree = Tree(tmp_path / "study", excluded=dict.fromkeys(reasons, ("eligible", "not_eligible")))
    results = tree.results()
    for breast, rule in reasons.items():
        results.records["eligible"][f"E{breast}"]["rule"] = rule
    shutil.copytree(TEMPLATES / "assets", tmp_path / "assets")
    (tmp_path / "assets/cases.js").write_text(cases_script(results, count(results)))
    page = templates(TEMPLATES).get_template("cases.html.j2")
    (tmp_path / "cases.html").write_text(rendered(page, cases_page(results, count(results))))
    wanted = {"biopsy": ["T1", "T3"], "biopsy before MRI": ["T2"], "": ["T1", "T2", "T3"]}
    with visit(browser, tmp_path / "cases.html") as listed:
        for rule, breasts in wanted.items():
            listed.select_option("#filter-status", f"excluded at eligible: {rule}" if rule else "excluded")
            assert listed.locator("#cases tbody th").all_inner_texts() == breasts


def test_who_waits_for_the_next_release_is_listed_without_a_page(tmp_path):
    tree = Tree(tmp_path, sheet=SHEET[:3])
    results = replace(
        tree.results(), release={"exams": ["EN"], "breasts": [["N1", "EN", "PN", "left", "benign", "test"]]}
    )
    found = case_list(results, count(results))
    assert rows(results)["N1"]["status"] == "waiting for the next release"
    assert found.linked == {"T0", "T1", "T2"}


@pytest.mark.parametrize(
    ("which", "linked"),
    [("all", {row[0] for row in SHEET}), ("judged", {row[0] for row in SHEET} - {"D1", "D2"}), ("none", set())],
)
def test_cases_lead_to_the_pages_that_the_study_makes(results, which, linked):
    config = results.config | {"report": results.config["report"] | {"cases": which}}
    own = replace(results, config=config)
    page = templates(TEMPLATES).get_template("cases.html.j2")
    assert case_list(own, count(own)).linked == linked
    assert set(re.findall(r'href="cases/(\w+)\.html"', rendered(page, cases_page(own, count(own))))) == linked


def test_an_interim_report_has_no_pages_of_cases_to_lead_to(results):
    assert paged(replace(results, awaited={})) == frozenset() != paged(results)


def rendered(page, shown):
    return page.render(
        study="s",
        page="cases.html",
        pages={},
        root="",
        stamps=[],
        stamped="",
        banner="",
        ledger_root="",
        words=MANY,
        **shown,
    )


def test_the_script_holds_the_same_rows_and_the_same_bytes_each_time(results):
    script = cases_script(results, count(results))
    assert script == cases_script(results, count(results))
    start, end = "window.CASES = ", ";\n"
    data = json.loads(script[script.index(start) + len(start) : -len(end)])
    found = case_list(results, count(results))
    assert data["rows"] == found.rows and data["columns"] == [column.name for column in found.columns]
    assert set(data["digits"]) < set(data["columns"]) and data["without_page"] == []


def test_of_a_large_study_the_page_holds_the_first_rows_and_says_where_the_others_are(results):
    small = case_list(results, count(results))
    many = [[f"B{n}", *small.rows[0][1:]] for n in range(STATIC_ROWS + 500)]
    shown = {"cases": CaseList(small.columns, many, frozenset()), "primary": "unet"}
    page = rendered(templates(TEMPLATES).get_template("cases.html.j2"), shown)
    assert page.count('<th scope="row">') == STATIC_ROWS
    assert "the first 1,000 of 1,500 cases" in page
    assert "more-cases" not in rendered(
        templates(TEMPLATES).get_template("cases.html.j2"), cases_page(results, count(results))
    )


def test_a_missing_number_is_blank_and_a_difference_has_its_sign():
    assert [text(cell, "difference") for cell in (None, 0.1234, -0.1236, -0.0001)] == ["", "+0.123", "−0.124", "+0.000"]
    assert [text(cell, "section") for cell in (None, 0, 12)] == ["", "0", "12"]


def test_a_study_without_a_comparison_still_lists_its_cases(results):
    found = rows(replace(results, compare={}))
    assert len(found) == len(SHEET) and found["T0"]["dice_network"] is None
