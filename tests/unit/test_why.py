"""What would run and why, on small plans and ledgers built by hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity import ledger
from radparity.config import load
from radparity.sheets import Breast, Exam, Reading
from radparity.study import Study
from radparity.terminal import read_config
from radparity.why import words
from radparity.why.causes import CUT, REMOVED, UNMADE, Cause, Sheets, of_environment
from radparity.why.cost import Cost, Prices
from radparity.why.differences import ABSENT, Difference, differences, plain, said
from radparity.why.planned import Planned
from radparity.why.spread import Spread

ROOT = Path(__file__).parents[2]
CODE = {"script": "aaaa", "environment": "eeee"}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=50)
@given(PLAIN)
def test_what_is_the_same_does_not_differ(value):
    assert list(differences(value, plain(value), {"a"})) == []


@settings(deadline=None, max_examples=50)
@given(PLAIN, PLAIN)
def test_every_difference_is_found_and_the_same_the_other_way_round(before, now):
    found = list(differences(before, now, set()))
    assert bool(found) == (json.dumps(before, sort_keys=True) != json.dumps(now, sort_keys=True)) or (before == now)
    assert [(d.path, d.now, d.before) for d in differences(now, before, set())] == [
        (d.path, d.before, d.now) for d in found
    ]


def test_cases_that_came_and_went_are_named_one_by_one():
    before = {"cases": ["E1", "E2"], "rows": [["E1", "left"], ["E2", "right"]], "steps": [40, 20]}
    now = {"cases": ["E2", "E3"], "rows": [["E1", "right"], ["E2", "right"]], "steps": [40]}
    assert list(differences(before, now, {"E1", "E2", "E3"})) == [
        Difference(("cases", "E1"), True, ABSENT),
        Difference(("cases", "E3"), ABSENT, True),
        Difference(("rows", "E1"), ["left"], ["right"]),
        Difference(("steps",), [40, 20], [40]),
    ]


def test_long_values_are_cut_in_sentences():
    assert said("auto") == "auto" and said(ABSENT) == "nothing" and len(said(list(range(99)))) == 60


def sheets(breasts=("E1L", "E2R"), before=None):
    """A study of these breasts (the exam is the name without its side), which had others before."""
    config = load(read_config(str(ROOT / "config.yaml")), "config.yaml")
    exams = {b[:-1]: Exam(exam=b[:-1], patient=f"P{b[1:-1]}", folder=f"dicom/{b[:-1]}") for b in breasts}
    rows = {b: Breast(breast=b, exam=b[:-1], side="left", label="malignant", partition="test") for b in breasts}
    study = Study(config, exams, rows, [Reading(breast=breasts[0], rater="R1", file="outlines/one.nii")])
    return Sheets(study, {name: name[:-1] for name in (breasts if before is None else before)})


def job(rule, **more):
    given = {"message": rule, "wildcards": {}, "inputs": {}, "outputs": [], "params": {}, "runs": True, "known": True}
    given |= {"missing": [], "unfinished": [], "newer": [], "environment": "", "script": f"../scripts/{rule}.py"}
    return Planned(rule, **given | {"benchmark": ""} | more)


def batch(rule, unit, cases, **more):
    """A job of a batch at the stage that the rule begins with."""
    stage = rule.split("_")[0]
    params = {"unit": unit, "cases": cases, "files": more.pop("files", {}), "code": more.pop("code", CODE)}
    params["made"] = {"record": f"results/{stage}/{{{unit}}}/{stage}.json"}
    params |= more.pop("params", {})
    outputs = [f"results/{stage}/batch_one.json"]
    return job(rule, wildcards={"batch": "one"}, outputs=outputs, params=params, **more)


def make(job):
    """Leave what a job leaves: its outputs with their entries, and those of its cases."""
    params = plain({k: v for k, v in job.params.items() if k != "code"})
    if job.by_cases:
        shared = {k: v for k, v in params.items() if k not in ("cases", "files", "made", "unit")}
        for case, own in job.params["cases"].items():
            for pattern in job.params["made"].values():
                wildcards = {job.params["unit"]: case}
                leave(Path(pattern.format(**wildcards)), job, wildcards, shared | own)
    for path in job.outputs:
        leave(Path(path), job, job.wildcards, params)


def leave(path, job, wildcards, params):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    entry = ledger.entry(path, job.rule, wildcards, {}, params, job.params.get("code"))
    ledger.sidecar(path).write_text(ledger.dump(entry))


def chain(digest="d1", spacing=2.0, exams=("E1", "E2"), **runs):
    """From intake by registration to one table; keyword: whether a rule runs, or more of it."""
    of = {name: value if isinstance(value, dict) else {"runs": value} for name, value in runs.items()}
    raw = {exam: {"raw": {f"dicom/{exam}": digest if exam == "E1" else "d2"}} for exam in exams}
    intake = batch("intake_exam", "exam", raw, **of.get("intake", {}))
    register = batch(
        "register_exam",
        "exam",
        {exam: {} for exam in exams},
        files={"record": "intake.record"},
        params={"register": {"spacing": spacing}},
        inputs={"intake": intake.outputs},
        **of.get("register", {}),
    )
    table = job(
        "compare_arm",
        inputs={"register": register.outputs},
        outputs=["results/compare/main.tsv"],
        params={"files": {"records": {"file": "register.record", "cases": list(exams)}}, "code": CODE},
        **of.get("compare", {}),
    )
    return [intake, register, table]


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for one in chain():
        make(one)


def reached(jobs, whose=None):
    found = Spread(jobs, whose or sheets())
    return found, {one.job.rule: one for one in found.reached}


RAW = Cause("raw", "exam E1: the content of its DICOM folder has changed")


def test_nothing_changed_reaches_nothing(made):
    spread, _ = reached(chain(intake=False, register=False, compare=False))
    assert not any(one.all for one in spread.reached) and spread.unseen == []


def test_changed_raw_data_reaches_the_exam_and_the_tables_and_no_other_exam(made):
    _, of = reached(chain(digest="d9"))
    assert of["intake_exam"].made == {"E1": {RAW}, "E2": set()}
    assert of["register_exam"].made == {"E1": {RAW}, "E2": set()} and of["compare_arm"].made == {"": {RAW}}


def test_a_setting_reaches_every_case_from_its_stage_on(made):
    _, of = reached(chain(spacing=3.0, intake=False))
    cause = Cause("config", "register: spacing: 2.0 -> 3.0")
    assert of["intake_exam"].all == set()
    assert of["register_exam"].made == {"E1": {cause}, "E2": {cause}} and of["compare_arm"].made == {"": {cause}}


def test_two_causes_are_kept_apart(made):
    _, of = reached(chain(digest="d9", spacing=3.0))
    assert len(of["register_exam"].made["E1"]) == 2 and len(of["register_exam"].made["E2"]) == 1


def test_an_exam_that_left_reaches_the_tables_and_no_case(made):
    _, of = reached(chain(exams=("E2",)), sheets(("E2R",), ("E1L", "E2R")))
    assert of["intake_exam"].made == {"E2": set()} and of["register_exam"].made == {"E2": set()}
    assert of["compare_arm"].made == {"": {Cause("gone", "exam E1 has left the sheets")}}


def test_a_new_exam_is_named_and_the_others_stand(made):
    _, of = reached(chain(exams=("E1", "E2", "E3")), sheets(("E1L", "E2R", "E3L"), ("E1L", "E2R")))
    new = {Cause("new", "exam E3 is new in the sheets")}
    assert of["register_exam"].made == {"E1": set(), "E2": set(), "E3": new} and of["compare_arm"].made == {"": new}


def test_batches_that_are_divided_otherwise_make_no_case_anew(made):
    for stage in ("intake", "register"):
        for name in ("batch_one.json", "batch_one.json.ledger.json"):
            Path(f"results/{stage}/{name}").unlink()
    gone = {"known": False, "missing": ["results/x/batch_one.json"]}
    _, of = reached(chain(intake=gone, register=gone))
    assert of["intake_exam"].made == of["register_exam"].made == {"E1": set(), "E2": set()}
    # The table is made of the very same, and is made again since the jobs before it run.
    assert of["compare_arm"].same


def test_what_was_never_made_what_was_removed_and_what_was_cut_short_are_told_apart(made):
    for path in Path("results/register").glob("**/*.json"):
        if "E1" in path.parts or path.name.startswith("batch"):
            path.unlink()
    lists = ["results/register/batch_one.json"]
    for state, cause in (
        ({"known": False, "missing": lists}, UNMADE),
        ({"known": True, "missing": lists}, REMOVED),
        ({"known": True, "unfinished": lists}, CUT),
    ):
        _, of = reached(chain(intake=False, register=state))
        assert of["register_exam"].made["E1"] == {cause} and cause in of["compare_arm"].made[""]
        assert of["register_exam"].made["E2"] <= {CUT}


def test_what_a_run_that_was_cut_short_did_not_get_to_is_told(made):
    """The record of one exam was made anew, and nothing of it."""
    for exam in ("E1", "E2"):
        digest = json.loads(Path(f"results/intake/{exam}/intake.json.ledger.json").read_text())["sha256"]
        note = Path(f"results/register/{exam}/register.json.ledger.json")
        inputs = {f"results/intake/{exam}/intake.json": digest if exam == "E2" else "of before"}
        note.write_text(ledger.dump(json.loads(note.read_text()) | {"inputs": inputs}))
    _, of = reached(chain(intake=False))
    assert of["register_exam"].made == {"E1": {CUT}, "E2": set()} and of["compare_arm"].made == {"": {CUT}}


def test_edited_code_is_collected_by_script(made):
    jobs = chain(intake=False, register={"code": CODE | {"script": "bbbb"}})
    spread, of = reached(jobs)
    assert spread.edited == {"register_exam"} and of["register_exam"].made["E1"] == {Cause("code", "code")}


def test_what_snakemake_does_not_see_is_told(made):
    spread, _ = reached(chain(spacing=3.0, intake=False, register=False, compare=False))
    assert [one.rule for one in spread.unseen] == ["register_exam"]


def test_files_that_are_gone_and_that_nothing_needs_are_told(made):
    for path in Path("results/register").glob("batch_one.json*"):
        path.unlink()
    for path in Path("results/register/E1").iterdir():
        path.unlink()
    spread, _ = reached(chain(intake=False, register=False, compare=False))
    assert [one.rule for one in spread.gone] == ["register_exam"] and spread.unseen == []


def test_the_package_whose_pin_changed_is_named(tmp_path):
    path = tmp_path / "image.yaml"
    path.write_text("dependencies:\n- python=3.11\n- pip:\n  - numpy==2.4.0\n  - scipy==1.15.3\n")
    versions = {"python": "3.11.7", "numpy": "2.3.5", "scipy": "1.15.3"}
    assert of_environment(path, versions).text == "envs/image.yaml: numpy 2.3.5 -> 2.4.0"
    assert "pins have changed" in of_environment(path, {}).text


def test_params_have_the_names_of_the_configuration():
    whose = sheets()
    for path, wildcards, name in (
        (("arm", "width"), {"arm": "unet"}, "arms: unet: width"),
        (("config", "arms", "unet", "width"), {}, "arms: unet: width"),
        (("planned", "arm", "width"), {"arm": "other"}, "arms: unet: width"),
        (("segment", "component"), {}, "segment: component"),
        (("grid", "section_mm"), {}, "harmonize: section_mm"),
        (("reference",), {}, "compare: reference"),
    ):
        assert whose.of_params(wildcards, [Difference(path, 1, 2)]) == {Cause("config", f"{name}: 1 -> 2")}


def test_the_sheets_rows_are_named():
    whose = sheets()
    row = [Difference(("breasts", "E1L"), ["E1", "P1", "left"], ["E1", "P1", "right"])]
    assert whose.of_params({}, row) == {Cause("sheet", "breast E1L: side: left -> right")}
    outline = [Difference(("raw", "outlines/one.nii"), "d1", "d2")]
    assert whose.of_case("breast", "E1L", outline) == {Cause("raw", "breast E1L: the outline of R1 has changed")}
    gone = [Difference(("raw", "dicom/E1"), "d1", "missing")]
    assert whose.of_case("exam", "E1", gone) == {
        Cause("raw", "exam E1: the content of its DICOM folder is not there any more")
    }


def test_times_come_from_this_study_and_say_so(made):
    path = Path("results/benchmarks/register.tsv")
    path.parent.mkdir(parents=True)
    path.write_text("s\tcpu_time\n9\t7200\n")
    prices = Prices(chain(register={"benchmark": str(path)}), None)
    cost = prices.of({"register_exam": 3, "compare_arm": 1})
    # Two cases were made in 7200 seconds.
    assert cost.processor == pytest.approx(3.0) and cost.gpu == 0.0
    assert cost.rules == {"here": {"register_exam"}, "table": set(), "unknown": {"compare_arm"}}
    told = words.cost_in_words(cost)
    assert "about 3.0 hours" in told and "in this study" in told and "not counted" in told
    assert "not known" in words.cost_in_words(Cost())


def test_counts_are_said_as_a_person_would():
    stages = {"register_exam": "register", "train_fold": "train", "compare_arm": "compare", "fold_twins": "fold"}
    everything = {"register_exam": 9, "train_fold": 3, "compare_arm": 2, "fold_twins": 1}
    found = words.in_words({"compare_arm": 2, "train_fold": 3, "register_exam": 1, "fold_twins": 1}, everything, stages)
    assert found.replace(words.TIED, " ") == "1 registration, 3 trainings, 1 job between, all tables"
    assert words.in_words({"compare_arm": 1}, everything, stages) == "some tables"
    assert words.named(["a", "b"]) == "a, b" and words.named(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_very_many_causes_of_a_kind_are_told_as_one():
    few, many = [Cause("gone", f"exam E{n} has left the sheets") for n in (1, 2)], [RAW]
    many += [Cause("raw", f"exam F{n}: the content of its DICOM folder has changed") for n in range(20)]
    told = words.together([*few, *many])
    assert {told[cause] for cause in few} == set(few)
    assert {told[cause].text for cause in many} == {f"21 changes of raw data, as: {RAW.text}"}
