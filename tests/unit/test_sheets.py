"""Sheets: merged patients, columns of the user's own, and decisions, each refused with its row and the mend."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from radparity.config import ConfigError, load
from radparity.decisions import Decision, check_decisions
from radparity.fold import Member, assign_folds
from radparity.intake.roles import ROLES
from radparity.load import load_study
from radparity.sheets import Breast, Exam, check, merged, read
from radparity.study import Study

ROOT = Path(__file__).parents[2]
DECISIONS = "exam\tbreast\tverdict\tseries\trole\treason\twho\tdate\n"


@pytest.fixture
def sheet(tmp_path):
    def write(text):
        (tmp_path / "sheet.tsv").write_text(text)
        return tmp_path / "sheet.tsv"

    return write


def exams(*rows):
    return [Exam(exam=f"E{n}", patient=p, folder="f", same_as=same or None) for n, (p, same) in enumerate(rows)]


def test_merged_records_are_followed_to_their_last():
    assert merged(exams(("P1", ""), ("P2", "P1"), ("P3", "P2"), ("P2", ""), ("P4", ""))) == {
        "E0": "P1",
        "E1": "P1",
        "E2": "P1",
        "E3": "P1",
        "E4": "P4",
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("P1", "P2"), ("P2", "P1")], "row 2, column 'same_as': P1 is P2 is P1: a circle"),
        ([("P1", "P1")], "P1 is P1: a circle"),
        ([("P9", "P1"), ("P1", "P2"), ("P2", "P3"), ("P3", "P1")], "row 5, column 'same_as': P3 is P1 is P2 is P3"),
        ([("P1", "P7")], "row 2, column 'same_as': P7 is no patient of this sheet"),
        ([("P1", "P2"), ("P1", "P3"), ("P2", ""), ("P3", "")], "P1 is P2 in row 2 and P3 here"),
    ],
)
def test_merged_records_that_lead_nowhere(rows, said):
    with pytest.raises(ConfigError, match=said):
        merged(exams(*rows))


@given(st.lists(st.integers(0, 9), min_size=10, max_size=10), st.randoms())
def test_merging_joins_what_same_as_joins_and_nothing_else(targets, random):
    # Patient n is said to be an earlier one, or nobody: a forest, whose trees are the patients.
    said = {f"P{n}": f"P{min(t, n)}" for n, t in enumerate(targets)}
    rows = [Exam(exam=f"E{p}", patient=p, folder="f", same_as=t if t != p else None) for p, t in said.items()]
    random.shuffle(rows)
    groups = {p: {p} for p in said}
    for p, t in said.items():
        joined = groups[p] | groups[t]
        for one in joined:
            groups[one] = joined
    found = merged(rows)
    for p in said:
        assert {q for q in said if found[f"E{q}"] == found[f"E{p}"]} == groups[p]


def breast(name, exam, side="left", partition="development"):
    return Breast(breast=name, exam=exam, side=side, label="benign", partition=partition)


def test_a_merged_patient_belongs_to_one_partition():
    rows = exams(("P1", ""), ("P2", "P1"))
    check(rows, [breast("B1", "E0"), breast("B2", "E1")], [], [])
    with pytest.raises(ConfigError, match="row 3: patient P1 is in shown here and in development in row 2"):
        check(rows, [breast("B1", "E0"), breast("B2", "E1", partition="shown")], [], [])


def test_a_breast_on_the_side_that_its_exam_does_not_show():
    rows = [Exam(exam="E0", patient="P1", folder="f", side="right")]
    with pytest.raises(ConfigError, match="row 2: the left breast, but the exams sheet says that E0 shows the right"):
        check(rows, [breast("B1", "E0")], [], [])


def test_a_side_may_stay_empty_where_the_exam_has_one_breast():
    rows = [Exam(exam="E0", patient="P1", folder="f", side="right")]
    check(rows, [breast("B1", "E0", side=None)], [], [])
    with pytest.raises(ConfigError, match="row 2: B1 names no side, and E0 has another row"):
        check(rows, [breast("B1", "E0", side=None), breast("B2", "E0", side="right")], [], [])


OWN = {"implant": "switch", "years": "number", "density": "text"}


def test_own_columns_are_read_as_what_the_rules_make_of_them(sheet):
    path = sheet("exam\tpatient\tfolder\timplant\tyears\nE1\tP1\tf\tyes\t2.5\nE2\tP2\tf\t\t\n")
    one, two = read(path, Exam, OWN)
    assert (one.implant, one.years, two.implant, two.years) == ("yes", 2.5, None, None)
    assert not hasattr(one, "density") and "implant" not in Exam.model_fields


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("implant\nE1\tP1\tf\tYes", "row 2, column 'implant': 'Yes': write 'yes' or 'no'"),
        ("years\nE1\tP1\tf\tabout 2", "row 2, column 'years': 'about 2'"),
        ("years\nE1\tP1\tf\tnan", "row 2, column 'years': 'nan'"),
        ("bmi\nE1\tP1\tf\t20", "column 'bmi' is not known, and no rule under `eligible:` names it"),
    ],
)
def test_own_columns_that_cannot_be_read(sheet, text, said):
    with pytest.raises(ConfigError, match=said):
        read(sheet(f"exam\tpatient\tfolder\t{text}\n"), Exam, OWN)


EXAM_OF = {"E1L": "E1", "E1R": "E1", "E2L": "E2"}


def decisions(sheet, *rows):
    text = DECISIONS + "".join("\t".join(row.split("|")) + "\n" for row in rows)
    found = read(sheet(text), Decision, may_be_empty=True)
    check_decisions(found, EXAM_OF, {"E1", "E2"})
    return found


def test_decisions_are_read(sheet):
    rows = decisions(
        sheet,
        "E1||include|||clip is no implant|R5|2024-03-04",
        "E1|E1L|exclude|||biopsy between the exams|R5|2024-03-04",
        "E1||role|7|dynamic|its description is wrong|R5|2024-03-05",
        "E1||role|8|other|a test series|R5|2024-03-05",
    )
    assert [r.verdict for r in rows] == ["include", "exclude", "role", "role"] and rows[2].series == 7
    assert decisions(sheet) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["E9||include|||r|R5|2024-03-04"], "row 2: exam E9 is not in the exams sheet"),
        (["E1|E2L|include|||r|R5|2024-03-04"], "row 2: E2L is no breast of E1"),
        (["E1||role|7||r|R5|2024-03-04"], "row 2: the verdict 'role' needs the columns 'series' and 'role'"),
        (["E1|E1L|role|7|t2|r|R5|2024-03-04"], "Leave the column 'breast' empty"),
        (["E1||include|7||r|R5|2024-03-04"], "row 2: the verdict 'include' has no series"),
        (
            ["E1||include|||r|R5|2024-03-04", "E1||exclude|||r|R5|2024-03-05"],
            "row 2: E1 is included and excluded in row 3. Delete what no longer holds",
        ),
        (["E1||include|||r|R5|2024-03-04", "E1||include|||r|R5|2024-03-05"], "row 3: E1 has a decision in row 2"),
        (["E1||role|7|t2|r|R5|2024-03-04", "E1||role|7|other|r|R5|2024-03-04"], "row 3: E1 has a decision in row 2"),
        (["E1|E1L|include|||r|R5|2024-03-04", "E1||exclude|||r|R5|2024-03-04"], "Exclude the other breast instead"),
        (
            ["E1||maybe|||r|R5|2024-03-04"],
            "column 'verdict': 'maybe': write 'include', 'exclude', 'role', 'one_patient', 'outline_ok', 'keep'"
            " or 'hold'",
        ),
        (["E1||role|7|mri|r|R5|2024-03-04"], "column 'role': 'mri': write 'dynamic'"),
        (["E1||include||||R5|2024-03-04"], "column 'reason'"),
        (["E1||include|||record 4711081|R5|2024-03-04"], "looks like a date or a record number"),
        (["E1||include|||seen on 3/4/19|R5|2024-03-04"], "looks like a date or a record number"),
        (["E1||include|||r|Miller|2024-03-04"], "looks like a name"),
        (["E1||include|||r|R5|4.3.24"], "write the date as 2024-03-04"),
    ],
)
def test_decisions_that_cannot_be_used(sheet, rows, said):
    with pytest.raises(ConfigError, match=said):
        decisions(sheet, *rows)


def test_the_roles_of_decisions_are_those_of_intake():
    offered = Decision.model_json_schema()["properties"]["role"]["anyOf"][0]["enum"]
    assert set(offered) == set(ROLES) - {"unsure"}


@pytest.fixture
def raw(monkeypatch):
    monkeypatch.chdir(ROOT)
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def test_the_demo_has_one_breast_out_by_a_rule_and_one_in_by_a_decision(raw):
    study = load_study(copy.deepcopy(raw))
    assert [d.exam for d in study.decisions] == ["E18"] and study.exams["E18"].implant == "yes"
    short = [b for b in study.cases("development", label="benign") if study.breasts[b].stable_years < 2]
    assert short == ["E17L"] and study.roles("E18") == {}
    asked = [e for e in study.exams if len(study.enrolment.params(e)["rules"]) > 1]
    assert asked == ["E17", "E18"]  # nobody else is run again when these two rules change


def test_a_merged_patient_is_one_in_partition_and_statistics(raw):
    rows, cases = exams(("P1", ""), ("P2", "P1")), [breast("B1", "E0"), breast("B2", "E1")]
    study = Study(load(raw), {e.exam: e for e in rows}, {b.breast: b for b in cases}, [])
    assert study.patient_of("B1") == study.patient_of("B2") == "P1"
    members = [Member(b, study.patient_of(b), True) for b in study.cases("development")]
    assert len(set(assign_folds(members, ["1", "2"], 0, "patient").values())) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "implant"}, "two rules have one name"),
        ({"colunm": "implant"}, "colunm is not a key of the configuration. Write instead: column: x"),
        ({"column": "smoker"}, "no sheet has the column smoker. Add it to exams.tsv or breasts.tsv"),
        ({"column": "side"}, "column side has a meaning of its own"),
        ({"column": "implant", "exclude": None, "at_least": 1}, "column implant holds switch in one rule and number"),
    ],
)
def test_rules_that_cannot_be_used(raw, change, said):
    added = {"name": "more", "column": "x", "exclude": ["yes"], "missing": "keep"} | change
    if "colunm" in change:
        added["colunm"] = added.pop("column")
    raw["eligible"].append({key: value for key, value in added.items() if value is not None})
    with pytest.raises(ConfigError) as error:
        load_study(raw)
    assert said in str(error.value)


def test_without_rules_the_columns_are_refused(raw):
    raw["eligible"] = []
    assert load(copy.deepcopy(raw)).eligible == []
    with pytest.raises(ConfigError, match="column 'implant' is not known"):
        load_study(raw)
