"""Decisions: what may stand beside what, what is in the study by them, and the sheet as a browser changes it."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import visit

from radparity.config import ConfigError
from radparity.decisions import Decision, about_decisions, check_decisions, rulings, writing
from radparity.eligible import judge
from radparity.sheets import read

ASSETS = Path(__file__).parents[2] / "workflow/report/assets"
BREASTS = {"E1": ["E1L", "E1R"], "E2": ["E2L"]}
EXAM_OF = {breast: exam for exam, breasts in BREASTS.items() for breast in breasts}


def row(verdict, exam="E1", breast=None, who="R5", reason="seen by two", **more):
    day = datetime.date(2024, 3, 4)
    return Decision(exam=exam, breast=breast, verdict=verdict, reason=reason, who=who, date=day, **more)


@pytest.mark.parametrize("verdict", ["exclude", "hold"])
@pytest.mark.parametrize(
    ("kept", "out"), [("E1L", "E1L"), ("E1L", None), (None, "E1L"), (None, None)], ids=lambda value: str(value)
)
def test_nobody_is_kept_and_taken_out(kept, out, verdict):
    with pytest.raises(ConfigError, match="is kept and taken out in row 3"):
        check_decisions([row("keep", breast=kept), row(verdict, breast=out)], EXAM_OF, BREASTS)


def test_what_may_stand_together():
    keeps = [row("keep", breast="E1L"), row("keep", breast="E1L", who="R6"), row("keep")]
    check_decisions([*keeps, row("include", breast="E1L"), row("outline_ok", breast="E1L")], EXAM_OF, BREASTS)
    check_decisions([row("keep", breast="E1L"), row("hold", breast="E1R"), row("exclude", "E2")], EXAM_OF, BREASTS)
    with pytest.raises(ConfigError, match="E1L has a decision in row 2 already"):
        check_decisions([row("keep", breast="E1L"), row("keep", breast="E1L")], EXAM_OF, BREASTS)
    with pytest.raises(ConfigError, match="E1L has a decision in row 2 already"):
        check_decisions([row("hold", breast="E1L"), row("exclude", breast="E1L")], EXAM_OF, BREASTS)
    check_decisions([row("hold", breast="E1L"), row("include", breast="E1L")], EXAM_OF, BREASTS)
    check_decisions([row("include"), row("hold"), row("hold", breast="E1L")], EXAM_OF, BREASTS)
    with pytest.raises(ConfigError, match="E1L is included and excluded in row 2"):
        check_decisions([row("exclude", breast="E1L"), row("include", breast="E1L")], EXAM_OF, BREASTS)
    with pytest.raises(ConfigError, match="E1L is included and all of E1 on hold. Hold the other breast instead"):
        check_decisions([row("include", breast="E1L"), row("hold")], EXAM_OF, BREASTS)


def test_a_breasts_own_ruling_counts_more_than_its_exams_and_a_look_rules_nothing():
    rows = [row("hold"), row("include", breast="E1R"), row("keep", "E2", "E2L"), row("outline_ok", breast="E1R")]
    assert {breast: found.verdict for breast, found in rulings(rows, EXAM_OF).items()} == {
        "E1L": "hold",
        "E1R": "include",
    }


@pytest.mark.parametrize("about", ["E1L", None])
def test_a_hold_counts_more_than_the_include_that_it_stands_beside(about):
    for rows in (
        [row("include", breast=about), row("hold", breast=about)],
        [row("hold", breast=about), row("include")],
    ):
        ruled = rulings(rows, EXAM_OF)["E1L"]
        decisions = [said.model_dump(mode="json") for said in rows]
        exam = {"day": None, "columns": {}, "breasts": {"E1L": {"label": "benign"}}, "decisions": decisions}
        verdict = judge([], {"E1": exam}, {"E1": {}})["E1"]["E1L"]
        assert (ruled.verdict, verdict.code) == ("hold", "on_hold")


def test_the_report_is_told_cells_and_no_absolute_path():
    assert about_decisions([], None) == {"sheet": None, "rows": []}
    assert about_decisions([], "/home/someone/study/decisions.tsv")["sheet"] == "decisions.tsv"
    told = about_decisions([row("role", series=7, role="t1")], "sheets/decisions.tsv")
    assert told["sheet"] == "sheets/decisions.tsv"
    said = {"exam": "E1", "verdict": "role", "series": "7", "role": "t1", "reason": "seen by two", "who": "R5"}
    assert told["rows"] == [said | {"date": "2024-03-04"}]


@pytest.fixture(scope="module")
def sheet(browser, tmp_path_factory):
    """A page with nothing but the script that changes the decisions sheet; calls its functions."""
    page = tmp_path_factory.mktemp("sheet") / "page.html"
    page.write_text(f'<!DOCTYPE html><script src="{(ASSETS / "decisions_sheet.js").as_uri()}"></script>')
    with visit(browser, page) as opened:
        yield lambda code, *given: opened.evaluate(f"(given) => {{ const s = window.decisionsSheet; {code} }}", given)
        assert not opened.faults


DATA = writing() | {"exams": BREASTS}
REASONS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z", "Nd")), min_size=1, max_size=20)
TOLD = st.builds(
    lambda at, verdict, who, reason: (
        {"exam": at[0], **({"breast": at[1]} if at[1] else {}), "verdict": verdict}
        | {"reason": reason, "who": who, "date": "2024-03-04"}
    ),
    st.sampled_from([("E1", None), ("E1", "E1L"), ("E1", "E1R"), ("E2", None), ("E2", "E2L")]),
    st.sampled_from(["keep", "exclude", "hold", "include"]),
    st.sampled_from(["R5", "R6"]),
    REASONS | st.sampled_from(['"quoted" at first', 'a "quote" within', '"', "two  words"]),
)


@settings(max_examples=120)
@given(told=st.lists(TOLD, min_size=1, max_size=8))
def test_whatever_is_decided_the_browser_writes_a_sheet_that_the_study_reads(sheet, tmp_path_factory, told):
    """The last word on a case counts, also on its other breast where only one of them was concerned."""
    code = """const [told, data] = given;
      const rows = told.reduce((found, row) => s.add(found, row, data.exams), []);
      const text = s.write(rows, data.columns);
      const again = s.read(text, {...data, patterns: {id: ".*", record: "(?!)", person: "(?!)", points: "(?!)"}});
      return {text, rows, again};"""
    found = sheet(code, told, DATA)
    assert found["again"] == found["rows"]
    path = tmp_path_factory.mktemp("read") / "decisions.tsv"
    path.write_text(found["text"], encoding="utf-8", newline="")
    read_back = read(path, Decision)
    check_decisions(read_back, EXAM_OF, BREASTS)
    assert [row.reason for row in read_back] == [row["reason"].strip() for row in found["rows"]]
    expected = {breast: None for breast in EXAM_OF}
    for said in told:
        for breast in [said["breast"]] if "breast" in said else BREASTS[said["exam"]]:
            if said["verdict"] in ("exclude", "hold"):
                expected[breast] = said["verdict"]
            elif said["verdict"] == "keep" or "breast" in said or not _own(found["rows"], breast):
                expected[breast] = None
    out = {b: r.verdict for b, r in rulings(read_back, EXAM_OF).items() if r.verdict != "include"}
    assert out == {breast: verdict for breast, verdict in expected.items() if verdict}


@settings(max_examples=40)
@given(told=st.lists(TOLD.filter(lambda said: said["verdict"] != "exclude"), max_size=6), whole=st.booleans())
def test_an_include_outlasts_a_hold(sheet, told, whole):
    said = {"exam": "E1", "reason": "unclear", "who": "R7", "date": "2024-03-05"}
    held = said | {"verdict": "hold"} | ({} if whole else {"breast": "E1L"})
    ends = [said | {"breast": breast, "verdict": "keep"} for breast in BREASTS["E1"]]
    code = "return given[1].map((rows) => s.lay(s.lay([], rows, given[0]), given[2], given[0]));"
    before, after = sheet(code, BREASTS, [told, [*told, held]], ends)
    kept = ["E1L", *(["E1R"] if whole else [])]
    assert {b for b in kept if _included(after, b)} == {b for b in kept if _included(before, b)}


def _included(rows, breast):
    mine = [said for said in rows if said["exam"] == "E1" and said.get("breast") in (None, breast)]
    return any(said["verdict"] == "include" for said in mine)


@settings(max_examples=80)
@given(told=st.lists(TOLD, max_size=7), cuts=st.tuples(st.integers(0, 7), st.integers(0, 7)), other=TOLD)
def test_what_has_arrived_in_the_sheet_is_not_decided_again(sheet, told, cuts, other):
    """Whenever the sheet was exported and put in place, laying what is left over it gives what was decided in all."""
    told = [said for said in told if said["exam"] == "E1"]
    first, second = sorted(min(cut, len(told)) for cut in cuts)
    code = """const [breasts, old, arrived, later] = given;
      const before = s.lay([], old, breasts), now = s.lay(before, arrived, breasts);
      const left = s.left(before, [...arrived, ...later], now, breasts);
      const set = (rows) => rows.map(s.text).sort();
      return [left.length, set(s.lay(now, left, breasts)), set(s.lay(now, later, breasts))];"""
    count, found, expected = sheet(code, BREASTS, told[:first], told[first:second], told[second:])
    assert found == expected and count <= len(told) - second


def test_what_others_decide_later_counts_more_than_what_was_decided_here(sheet):
    def told(verdict, who="R7", **more):
        return {
            "exam": "E1",
            "breast": "E1L",
            "verdict": verdict,
            "reason": "x",
            "who": who,
            "date": "2024-03-04",
        } | more

    def left(before, made, now):
        return sheet("return s.left(...given);", before, made, now, BREASTS)

    keep, out, theirs = told("keep"), told("exclude"), told("hold", "R8")
    role = {
        "exam": "E1",
        "verdict": "role",
        "series": "7",
        "role": "t1",
        "reason": "x",
        "who": "R8",
        "date": "2024-03-04",
    }
    assert left([], [keep, out], [out]) == left([], [keep, out], [out, role]) == []
    assert left([], [keep, out], [keep, role]) == [out]
    assert left([], [out], [theirs]) is left([], [keep, out], [theirs]) is None
    assert left([theirs], [out], [theirs]) == left([theirs], [out], [theirs, role]) == [out]
    # Two people may keep the same case, and one breast is not the other.
    assert left([], [keep], [told("keep", "R8")]) == [keep]
    assert left([], [keep], [told("hold", "R8", breast="E1R")]) == [keep]


def _own(rows, breast):
    return any(row.get("breast") == breast and row["verdict"] in ("exclude", "hold") for row in rows)


WORDS = [
    "R5",
    "",
    "5R",
    "Miller",
    "miller",
    "R-2024-03",
    "R123456",
    "a" * 25,
    "R5 x",
    "Rü",
    "ABC",
    "P0012",
    "E20240304",
]
SAID = [
    "motion",
    "",
    "x" * 200,
    "x" * 201,
    "𝔸" * 150,
    "seen on 3/4/19",
    "record 4711081",
    "2024-03-04",
    "1.2.3",
    "12 345",
]
SAID += ["١٢٣٤٥٦", "phase 2 of 3", "a/b-c.d"]


def test_the_browser_refuses_what_the_study_refuses(sheet):
    def accepted(**said):
        try:
            return bool(row("keep", **said).reason)
        except ValueError:
            return False

    for who in WORDS:
        assert (sheet("return s.whoFault(...given);", who, DATA["patterns"]) == "") is accepted(who=who), who
    for reason in SAID:
        fault = sheet("return s.reasonFault(...given);", reason, DATA["longest"], DATA["patterns"])
        assert (fault == "") is accepted(reason=reason), reason
