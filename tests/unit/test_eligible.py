"""Eligibility: one box for each breast and exam whatever comes in, decisions over rules, faults over decisions."""

import datetime
import json

import jobs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.config import ConfigError
from radparity.criteria import Rule
from radparity.decisions import Decision
from radparity.eligible import OUT, exam_record, judge
from radparity.enrolment import Enrolment, columns_of
from radparity.report import flow
from radparity.report.results import Breast as Sheet
from radparity.sheets import Breast, Exam, read
from radparity.twins import TwinsError, check_twins, find_twins

INTAKE = {
    "status": "ok",
    "stage": "intake",
    "phase_count": 4,
    "plane": "sagittal",
    "oblique_degrees": 0.0,
    "in_plane_mm": [0.5, 0.8],
    "scanner": {"manufacturer": "GE MEDICAL SYSTEMS", "model": "Signa", "tesla": 1.5, "coil": None},
    "compressed": False,
    "flags": [{"code": "lossy_compression", "sentence": "s"}, {"code": "laterality_disagrees", "sentence": "s"}],
}


def rule(name="rule", **said):
    return Rule.model_validate({"name": name, **said})


def met(values=None, **said):
    return rule(**said).met({"label": "benign", **(values or {})}, INTAKE)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"fact": "scanner.tesla", "at_least": 1.5, "missing": "exclude"}, True),
        ({"fact": "scanner.tesla", "at_least": 1.6, "missing": "keep"}, False),
        ({"fact": "in_plane_mm", "at_most": 0.7, "missing": "keep"}, False),
        ({"fact": "phase_count", "at_least": 3, "at_most": 4, "missing": "keep"}, True),
        ({"fact": "scanner.manufacturer", "only": ["ge medical systems"], "missing": "exclude"}, True),
        ({"fact": "scanner.model", "exclude": ["SIGNA"], "missing": "exclude"}, False),
        ({"fact": "scanner.coil", "exclude": ["x"], "missing": "keep"}, True),
        ({"fact": "scanner.coil", "exclude": ["x"], "missing": "exclude"}, False),
        ({"fact": "compressed", "exclude": [True], "missing": "keep"}, True),
        ({"fact": "flags", "exclude": ["lossy_compression"], "missing": "keep"}, False),
        ({"fact": "flags", "exclude": ["phases_identical"], "missing": "keep"}, True),
        ({"fact": "plane", "exclude": ["sagittal"], "missing": "keep", "label": "malignant"}, True),
    ],
)
def test_a_rule_over_a_fact(said, expected):
    assert met(**said) is expected


def test_a_rule_over_a_column():
    implant = {"column": "implant", "exclude": [True], "missing": "keep"}  # YAML reads yes as true
    assert not met({"implant": "yes"}, **implant) and met({"implant": "no"}, **implant)
    assert met({"implant": None}, **implant) and not met({"implant": None}, **(implant | {"missing": "exclude"}))
    years = {"column": "years", "at_least": 2, "missing": "exclude", "label": "benign"}
    assert met({"years": 2.0}, **years) and not met({"years": 1.9}, **years)
    assert met({"years": 1.9, "label": "malignant"}, **years)


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ({"exclude": ["yes"], "missing": "keep"}, "write one of column, fact and keep"),
        ({"column": "a", "fact": "plane", "only": ["x"], "missing": "keep"}, "write one of column, fact and keep"),
        ({"column": "a", "missing": "keep"}, "write exclude: \\[...\\], only: \\[...\\], or at_least"),
        ({"column": "a", "exclude": ["yes"], "at_least": 2, "missing": "keep"}, "write exclude"),
        ({"column": "a", "exclude": ["yes"]}, "missing: keep   # keep, exclude"),
        ({"fact": "plane", "at_least": 2, "missing": "keep"}, "plane is not a number"),
        ({"fact": "scanner.telsa", "at_least": 2, "missing": "keep"}, "scanner.tesla"),
        ({"keep": "first", "missing": "keep"}, "beside keep only label"),
        ({"column": "a", "at_least": float("nan"), "missing": "keep"}, "finite"),
    ],
)
def test_a_rule_that_leaves_something_open_is_refused(said, mend):
    with pytest.raises(ValueError, match=mend):
        rule(**said)


def row(day, decisions=(), columns=None, **breasts):
    return {
        "day": day,
        "columns": columns or {},
        "breasts": {name: {"label": label} for name, label in breasts.items()},
        "decisions": list(decisions),
    }


def decided(verdict, exam="E1", breast=None, reason="seen by two"):
    return {"exam": exam, "breast": breast, "verdict": verdict, "reason": reason, "who": "R5", "date": "2024-03-04"}


def test_one_exam_a_patient():
    exams = {"E1": row(30, B1="benign"), "E2": row(10, B2="benign"), "E3": row(20, B3="malignant")}
    records = dict.fromkeys(exams, INTAKE)

    def standing(rules, exams=exams, records=records):
        return {b for found in judge(rules, exams, records).values() for b, v in found.items() if not v.code}

    assert standing([rule("one", keep="first")]) == {"B2"} and standing([rule("one", keep="last")]) == {"B1"}
    assert standing([rule("one", keep="first", label="benign")]) == {"B2", "B3"}
    # An exam that left before, or that intake could not read, takes nobody's place.
    before = rule("no benign", fact="plane", exclude=["sagittal"], label="benign", missing="keep")
    assert standing([before, rule("one", keep="first")]) == {"B3"}
    assert standing([rule("one", keep="first"), before]) == set()
    assert standing([rule("one", keep="first")], records={"E1": INTAKE, "E3": INTAKE}) == {"B3"}
    # A decision names the exam to take; the others leave by the rule.
    named = exams | {"E1": row(30, [decided("include")], B1="benign")}
    found = judge([rule("one", keep="first")], named, records)
    assert standing([rule("one", keep="first")], named) == {"B1"}
    assert found["E1"]["B1"].overridden == ["one"] and found["E2"]["B2"].rule == "one"


STABLE = rule("stable", column="years", at_least=2, label="benign", missing="exclude")
IMPLANT = rule("implant", column="implant", exclude=["yes"], missing="keep")


def test_one_breast_leaves_while_the_other_stays():
    exam = {"day": None, "columns": {"implant": "no"}, "decisions": []}
    exam["breasts"] = {"L": {"label": "benign", "years": 1.0}, "R": {"label": "malignant", "years": None}}
    record = exam_record("E1", [IMPLANT, STABLE], {"E1": exam}, {"E1": INTAKE})
    assert record["status"] == "ok" and record["breasts"]["R"] == {"status": "ok"}
    assert (record["breasts"]["L"]["code"], record["breasts"]["L"]["rule"]) == ("not_eligible", "stable")
    # The exam leaves with the last of them, in that one's box.
    exam["breasts"]["R"] = {"label": "benign", "years": None}
    exam["decisions"] = [decided("exclude", breast="R")]
    record = exam_record("E1", [IMPLANT, STABLE], {"E1": exam}, {"E1": INTAKE})
    assert (record["status"], record["code"], record["rule"]) == ("excluded", "not_eligible", "stable")
    assert record["breasts"]["R"]["code"] == "excluded_by_decision"
    assert "seen by two (R5)" in record["breasts"]["R"]["sentence"]


def test_what_is_on_hold_leaves_for_now_with_a_code_of_its_own():
    exam = row(None, [decided("hold", breast="L")], L="malignant", R="benign")
    record = exam_record("E1", [], {"E1": exam}, {"E1": INTAKE})
    assert record["status"] == "ok" and record["breasts"]["R"] == {"status": "ok"}
    assert record["breasts"]["L"]["code"] == "on_hold" and "seen by two (R5)" in record["breasts"]["L"]["sentence"]
    # The exam's row holds where a breast has none of its own.
    exam["decisions"] = [decided("exclude", breast="L"), decided("hold")]
    record = exam_record("E1", [IMPLANT], {"E1": exam | {"columns": {"implant": "yes"}}}, {"E1": INTAKE})
    assert {b: out["code"] for b, out in record["breasts"].items()} == {"L": "excluded_by_decision", "R": "on_hold"}
    assert record["status"] == "excluded"


def test_a_decision_beats_rules_and_never_a_fault():
    exam = row(None, [decided("include")], {"implant": "yes"}, L="benign") | {}
    record = exam_record("E1", [IMPLANT], {"E1": exam}, {"E1": INTAKE})
    assert record["status"] == "ok"
    assert record["overridden"] == [{"breast": "L", "rules": ["implant"], "reason": "seen by two", "who": "R5"}]
    fault = {"status": "excluded", "stage": "intake", "code": "no_dicom", "sentence": "nothing there"}
    record = exam_record("E1", [IMPLANT], {"E1": exam}, {"E1": fault})
    assert (record["status"], record["stage"], record["code"]) == ("excluded", "intake", "no_dicom")
    assert record["decisions"] == [decided("include")] and record["overridden"] == []


def test_an_exam_that_no_breast_names():
    record = exam_record("E1", [], {"E1": row(None)}, {"E1": INTAKE})
    assert (record["status"], record["stage"], record["code"]) == ("excluded", "eligible", "no_case")


WORDS = ["yes", "no", None]
RULES = st.lists(
    st.sampled_from(
        [
            {"column": "implant", "exclude": ["yes"], "missing": "keep"},
            {"column": "implant", "only": ["no"], "missing": "exclude"},
            {"column": "years", "at_least": 2, "missing": "exclude", "label": "benign"},
            {"column": "years", "at_most": 4, "missing": "keep"},
            {"fact": "scanner.tesla", "at_least": 1.0, "missing": "exclude"},
            {"fact": "plane", "only": ["sagittal"], "missing": "keep", "label": "malignant"},
            *[{"keep": "first"}, {"keep": "last", "label": "benign"}, {"keep": "first", "label": "malignant"}] * 2,
        ]
    ),
    max_size=5,
).map(lambda drawn: [rule(f"rule {n}", **said) for n, said in enumerate(drawn)])
EXAMS = st.lists(
    st.fixed_dictionaries(
        {
            "patient": st.sampled_from(["P1", "P2", "P3"]),
            "implant": st.sampled_from(WORDS),
            "tesla": st.sampled_from([0.5, 1.5, None]),
            "plane": st.sampled_from(["sagittal", "axial"]),
            "faulty": st.sampled_from([False, False, False, True]),
            "decision": st.sampled_from([None, None, None, "include", "exclude", "hold", "keep"]),
            "breasts": st.lists(
                st.tuples(
                    st.sampled_from(["malignant", "benign"]),
                    st.sampled_from([1.0, 2.0, 5.0, None]),
                    st.sampled_from([None, None, None, "include", "exclude", "hold", "keep"]),
                ),
                max_size=2,
            ),
        }
    ),
    min_size=1,
    max_size=7,
)


class Drawn:
    """A random study's sheets with a decision or two, as rows and as the intake records behind them."""

    def __init__(self, exams, days, tmp):
        self.exams, self.breasts, self.decisions, self.intake = [], [], [], {}
        own = {"implant": "switch", "years": "number"}
        both = {e["patient"] for e in exams} >= {"P1", "P3"}
        lines = ["exam\tpatient\tfolder\tday\tsame_as\timplant\n"]
        for n, e in enumerate(exams):
            same = "P1" if both and e["patient"] == "P3" else ""
            lines.append(f"E{n}\t{e['patient']}\tf\t{days[n]}\t{same}\t{e['implant'] or ''}\n")
        (tmp / "exams.tsv").write_text("".join(lines))
        lines = ["breast\texam\tside\tlabel\tpartition\tyears\n"]
        for n, e in enumerate(exams):
            for side, (label, years, verdict) in zip("LR", e["breasts"], strict=False):
                side_name = {"L": "left", "R": "right"}[side]
                lines.append(f"E{n}{side}\tE{n}\t{side_name}\t{label}\tdevelopment\t{years or ''}\n")
                if verdict and not (verdict == "include" and e["decision"] in OUT):
                    self.decide(f"E{n}", f"E{n}{side}", verdict)
            if e["decision"]:
                self.decide(f"E{n}", None, e["decision"])
            self.intake[f"E{n}"] = {
                **INTAKE, "case": f"E{n}", "plane": e["plane"], "scanner": {"tesla": e["tesla"]}
            } if not e["faulty"] else {
                "status": "excluded", "stage": "intake", "code": "no_dicom", "sentence": "s", "case": f"E{n}"
            }  # fmt: skip
        (tmp / "breasts.tsv").write_text("".join(lines))
        self.exams = read(tmp / "exams.tsv", Exam, own)
        self.breasts = read(tmp / "breasts.tsv", Breast, own, may_be_empty=True)

    def decide(self, exam, breast, verdict):
        made = datetime.date(2024, 3, 4)
        self.decisions.append(Decision(exam=exam, breast=breast, verdict=verdict, reason="reason", who="R5", date=made))

    def records(self, rules, reverse=False):
        """Every exam's record as the jobs make it, each from its own params after a trip through JSON."""
        turn = (lambda rows: list(reversed(rows))) if reverse else list
        patients = {e.exam: "P1" if e.same_as else e.patient for e in turn(self.exams)}
        enrolment = Enrolment(rules, turn(self.exams), turn(self.breasts), turn(self.decisions), patients)
        enrolment.check()
        found = {}
        for exam in patients:
            asked = json.loads(json.dumps(enrolment.params(exam)))
            given = {name: self.intake[name] for name in asked["exams"]}
            assert set(asked["exams"]) == {exam, *enrolment.rivals(exam)}
            found[exam] = exam_record(exam, [Rule.model_validate(r) for r in asked["rules"]], asked["exams"], given)
        return found, enrolment


@settings(max_examples=300, deadline=None)
@given(RULES, EXAMS, st.data())
def test_everyone_ends_in_one_box_and_the_boxes_sum(tmp_path_factory, rules, exams, data):
    days = data.draw(st.permutations(range(len(exams))))
    drawn = Drawn(exams, days, tmp_path_factory.mktemp("drawn"))
    if not drawn.breasts:
        return
    records, enrolment = drawn.records(rules)
    assert drawn.records(rules, reverse=True)[0] == records  # the order of rows means nothing
    names = [r.name for r in rules]
    chosen = {(d.exam, d.breast): d.verdict for d in drawn.decisions if d.verdict != "keep"}
    for sheet in drawn.breasts:
        exam = records[sheet.exam]
        if drawn.intake[sheet.exam]["status"] != "ok":
            assert (exam["status"], exam["stage"], exam["code"]) == ("excluded", "intake", "no_dicom")
            continue
        verdict, found = chosen.get((sheet.exam, sheet.breast), chosen.get((sheet.exam, None))), exam["breasts"]
        out = found[sheet.breast]
        assert len(found) == sum(b.exam == sheet.exam for b in drawn.breasts)
        if verdict == "include":
            assert out == {"status": "ok"}
        elif verdict in OUT:
            assert out["code"] == {"exclude": "excluded_by_decision", "hold": "on_hold"}[verdict]
        else:
            assert out["status"] == "ok" or (out["code"] == "not_eligible" and out["rule"] in names)
            assert expected_plain(rules, drawn, sheet, out)
    # That somebody has looked reaches no job.
    drawn.decisions = [d for d in drawn.decisions if d.verdict != "keep"]
    assert drawn.records(rules)[0] == records
    # What an exam's job saw of its patient was enough: all exams and all rules together say the same.
    for patient in set(enrolment.patients.values()):
        own = [name for name, whose in enrolment.patients.items() if whose == patient]
        rows = {name: enrolment._row(name, set(columns_of(rules))) for name in own}
        usable = {name: drawn.intake[name] for name in own if drawn.intake[name]["status"] == "ok"}
        for name, verdicts in judge(rules, rows, usable).items():
            assert {b: (v.code, v.rule) for b, v in verdicts.items()} == {
                b: (o.get("code", ""), o.get("rule", "")) for b, o in records[name]["breasts"].items()
            }
    check_flow(drawn, records, names)


def expected_plain(rules, drawn, sheet, out):
    """Before the first `keep` rule a breast's box is the first rule it does not meet, found here the slow way."""
    exam = next(e for e in drawn.exams if e.exam == sheet.exam)
    record = drawn.intake[sheet.exam]
    for one in rules:
        if one.keep:
            return True
        value = {"implant": exam.implant, "years": sheet.years, "scanner.tesla": record["scanner"]["tesla"]}
        value = (value | {"plane": record["plane"]})[one.column or one.fact]
        if one.label in (None, sheet.label):
            bad = one.missing == "exclude" if value is None else (
                (one.exclude is not None and value in one.exclude)
                or (one.only is not None and value not in one.only)
                or (one.at_least is not None and value < one.at_least)
                or (one.at_most is not None and value > one.at_most)
            )  # fmt: skip
            if bad:
                return out["status"] == "excluded" and out["rule"] == one.name
    return out["status"] == "ok"


def check_flow(drawn, records, names):
    intake = drawn.intake
    sheets = [Sheet(b.breast, b.exam, "P", b.side, b.label, b.partition) for b in drawn.breasts]
    made = {"intake": intake, "eligible": records, "convert": records, "register": records}
    passed = {b.breast: {"status": "ok", "stage": "harmonize"} for b in sheets}
    made |= {"harmonize": passed, "mask": passed}
    ends = flow.outcomes(sheets, made)
    rows, exams = flow.flow_rows(ends, names), flow.exam_ends(intake, ends, made, names)
    exam_rows = flow.exam_rows(exams, names)
    assert sum(r["breasts"] for r in rows) == len(sheets) and sum(r["exams"] for r in exam_rows) == len(intake)
    assert len({tuple(v for k, v in r.items() if k not in ("breasts", "overridden")) for r in rows}) == len(rows)
    assert sum(g.came for g in flow.groups(rows)) == len(sheets)
    group = flow.exam_group(exam_rows)
    assert group.came == len(intake) == group.stayed + sum(n for *_, n in group.left)
    for name, end in exams.items():
        stays = any(e.status == "ok" for e in ends if e.breast.exam == name)
        assert (end.status == "ok") == stays == (records[name]["status"] == "ok")
        assert end.rule == records[name].get("rule", "")
    overridden = {row["breast"] for r in records.values() for row in r["overridden"]}
    assert {e.breast.breast for e in ends if e.overridden} == overridden
    assert sum(r["overridden"] for r in rows) == len(overridden)


def enrolment(rules, exams, breasts=(), decisions=()):
    return Enrolment(rules, exams, list(breasts), list(decisions), {e.exam: e.patient for e in exams})


def exams(*days, patient="P1"):
    return [Exam(exam=f"E{n}", patient=patient, folder="f", day=day) for n, day in enumerate(days)]


def test_the_two_rows_of_an_exam_with_a_stack_a_side_stay_and_leave_together():
    rows = [
        Exam(exam=f"E{day}-{side[0].upper()}", patient="P1", folder=f"E{day}.files", day=day, side=side)
        for day in (0, 7)
        for side in ("left", "right")
    ]
    breasts = [
        Breast(breast=f"{r.exam}B", exam=r.exam, side=r.side, label="benign", partition="development") for r in rows
    ]
    chosen = enrolment([rule(keep="first")], rows, breasts)
    chosen.check()
    for exam, stays in (("E0-L", True), ("E0-R", True), ("E7-L", False), ("E7-R", False)):
        params = chosen.params(exam)
        records = {name: INTAKE for name in params["exams"]}
        rules = [Rule(**r) for r in params["rules"]]
        assert (exam_record(exam, rules, params["exams"], records)["status"] == "ok") is stays


@pytest.mark.parametrize("days", [(1, None), (1, 1)])
def test_days_that_do_not_tell_which_exam_to_keep(days):
    with pytest.raises(ConfigError, match="E0 1, E1 .*Number the days, or exclude the others in decisions.tsv"):
        enrolment([rule(keep="first")], exams(*days)).check()
    enrolment([], exams(*days)).check()
    out = Decision(exam="E1", verdict="exclude", reason="r", who="R5", date="2024-03-04")
    enrolment([rule(keep="first")], exams(*days), (), [out]).check()


def test_a_later_exam_does_not_run_the_earlier_ones_again():
    rules = [rule(keep="first")]
    one, two = enrolment(rules, exams(3, 4)), enrolment(rules, exams(3, 4, 9))
    assert one.params("E1") == two.params("E1") and one.rivals("E1") == ["E0"] and two.rivals("E0") == []
    last = enrolment([rule(keep="last")], exams(3, 4, 9))
    assert last.rivals("E1") == ["E2"] and enrolment([], exams(3, 4)).rivals("E1") == []
    # Unless a decision names it: then it takes the place of the earlier ones.
    named = Decision(exam="E2", verdict="include", reason="r", who="R5", date="2024-03-04")
    assert enrolment(rules, exams(3, 4, 9), (), [named]).rivals("E0") == ["E2"]


def test_a_rule_that_an_exam_meets_is_not_in_its_params():
    before = enrolment([], exams(3, 5)).params("E0")
    stand_alone = rule("years", column="years", at_least=2, missing="keep")
    assert enrolment([stand_alone], exams(3, 5)).params("E0") == before


def test_columns_that_no_sheet_has_or_that_are_taken():
    with pytest.raises(ConfigError, match="no sheet has the column implant"):
        enrolment([IMPLANT], exams(1)).check()
    with pytest.raises(ConfigError, match="column day has a meaning of its own"):
        enrolment([rule(column="day", at_least=2, missing="keep")], exams(1)).check()


JOB = """
from radparity.batch_job import case_job
case_job(snakemake, "demo", lambda run: {})
"""


@pytest.mark.parametrize(
    ("unit", "case", "register", "expected"),
    [
        ("breast", "E1L", "ok", ("excluded", "eligible", "not_eligible")),
        ("breast", "E1R", "ok", ("ok", "demo", None)),
        ("breast", "E1R", "excluded", ("excluded", "register", "not_alike")),
        # An exam may have the id of one of its breasts; its own status counts.
        ("exam", "E1L", "ok", ("ok", "demo", None)),
    ],
)
def test_later_jobs_leave_out_the_breast_and_keep_its_exam(tmp_path, unit, case, register, expected):
    gone = {"status": "excluded", "code": "not_eligible", "rule": "r", "sentence": "s"}
    eligible = {"stage": "eligible", "status": "ok", "breasts": {"E1L": gone, "E1R": {"status": "ok"}}}
    later = {"stage": "register", "status": register, "code": "not_alike", "sentence": "s"}
    exam = case if unit == "exam" else "E1"
    for stage, record in (("eligible", eligible), ("register", later)):
        (tmp_path / f"{stage}.json").write_text(json.dumps(record))
        listed = {"unit": "exam", "cases": {exam: {"record": [f"{stage}.json", "digest"]}}}
        (tmp_path / f"batch_{stage}.json").write_text(json.dumps(listed))
    rule = {
        "rule": "demo",
        "wildcards": {"batch": "one"},
        "input": {"eligible": "batch_eligible.json", "register": "batch_register.json"},
        "output": {"batch": "batch_demo.json"},
        "params": {
            "unit": unit,
            "cases": {case: {"exam": exam} if unit == "breast" else {}},
            "files": {"record": ["eligible.record", "register.record"]},
            "made": {"record": "record.json"},
        },
    }
    code, said = jobs.run(tmp_path, JOB, rule)
    assert code == 0, said
    record = json.loads((tmp_path / "record.json").read_text())
    assert (record["status"], record["stage"], record.get("code")) == expected and record["case"] == case


PATIENTS = {"E1": "P1", "E2": "P2", "E3": "P1", "E4": "P3"}


def test_the_same_pixels_under_two_patients_stop_everything():
    pixels = {"E1": ["a", "b", "c"], "E2": ["x", "b", "c"], "E3": ["q"]}
    with pytest.raises(TwinsError) as error:
        check_twins(find_twins(pixels, PATIENTS), PATIENTS)
    said = str(error.value)
    assert "E1 (patient P1), E2 (patient P2): 2 phases" in said
    assert "write P1 into the column same_as of E2" in said and "exclude that exam in the decisions sheet" in said
    merged = PATIENTS | {"E2": "P1"}
    twins = find_twins(pixels, merged)
    check_twins(twins, merged)
    assert twins == [{"exams": ["E1", "E2"], "patients": ["P1"], "phases": 2}]


def test_constant_volumes_and_copies_within_an_exam_are_no_twins():
    assert find_twins({"E1": [None, "a", "a"], "E2": [None, "b"]}, PATIENTS) == []


def test_three_exams_that_share_a_phase_are_one_group():
    twins = find_twins({"E4": ["a"], "E1": ["a"], "E3": ["a", "b"], "E2": ["b"]}, PATIENTS)
    assert [t["exams"] for t in twins] == [["E1", "E3", "E4"], ["E2", "E3"]]
    with pytest.raises(TwinsError, match="E1 .*E3 .*E4 .*\n.*E2 .*E3 "):
        check_twins(twins, PATIENTS)
