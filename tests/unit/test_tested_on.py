"""Which cohorts train and which test: settled once, and nobody on both sides."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from radparity import ledger
from radparity.audit.apart import check_apart
from radparity.config import ConfigError, load
from radparity.kinds import open_study
from radparity.load import load_study
from radparity.release.given import give
from radparity.report import flow
from radparity.report.results import Breast as Shown
from radparity.sheets import Breast, Exam, Reading, read
from radparity.tested_on import about_left_out, grouped_by, settle

ROOT = Path(__file__).parents[2]
READERS = ("R1", "R2", "R3", "R4")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes a small study and loads it. rows: exam, patient, cohort, label, partition, raters[, same_as]."""
    monkeypatch.chdir(tmp_path)

    def loaded(rows, kind=load_study, **keys):
        exams, breasts, readings = (
            ["exam\tpatient\tfolder\tcohort\tsame_as"],
            ["breast\texam\tside\tlabel\tpartition"],
            [],
        )
        for exam, patient, cohort, label, partition, raters, *same in rows:
            exams.append(f"{exam}\t{patient}\t{exam}\t{cohort}\t{''.join(same)}")
            breasts.append(f"{exam}L\t{exam}\tleft\t{label}\t{partition}")
            readings += [f"{exam}L\t{rater}\t{exam}_{rater}.nii.gz" for rater in raters]
        for name, lines in (("exams", exams), ("breasts", breasts), ("readings", ["breast\trater\tfile", *readings])):
            Path(f"{name}.tsv").write_text("\n".join(lines) + "\n")
        raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"eligible": []}
        raw["sheets"] = {name: f"{name}.tsv" for name in ("exams", "breasts", "readings")}
        raw["fold"] = raw["fold"] | {"folds": 2}
        raw["compare"] = raw["compare"] | {"subgroups": []}
        return kind(raw | keys)

    return loaded


TRAINING = [
    ("E01", "P01", "A", "malignant", "development", ["R6"]),
    ("E02", "P02", "A", "malignant", "development", ["R6"]),
    ("E03", "P03", "A", "benign", "development", []),
    ("E04", "P04", "A", "malignant", "tuning", READERS),
    ("E05", "P05", "A", "malignant", "test", READERS),
]
TESTED = [
    ("E11", "P11", "B", "malignant", "development", READERS),
    ("E12", "P12", "B", "malignant", "tuning", READERS),
    ("E13", "P13", "B", "malignant", "test", READERS),
    ("E14", "P14", "B", "benign", "development", []),
    ("E15", "P15", "B", "malignant", "development", ["R6"]),
    ("E16", "P16", "B", "malignant", "shown", []),
    ("E17", "P17", "C", "malignant", "test", READERS),
    ("E18", "P18", "", "malignant", "development", ["R6"]),
]
KEYS = {"train_on": ["A"], "test_on": ["B"]}


def refused(study, rows, **keys):
    with pytest.raises(ConfigError) as error:
        study(rows, **keys)
    return str(error.value)


def test_cohorts_decide_who_trains_and_who_is_tested(study):
    found = study(TRAINING + TESTED, **KEYS)
    assert found.cases("development") == ["E01L", "E02L", "E03L"] and found.cases("tuning") == ["E04L"]
    assert found.cases("internal") == ["E05L"] and found.cases("test") == ["E11L", "E12L", "E13L"]
    assert found.cases("shown") == ["E16L"]
    assert set(found.exams) == {f"E{n:02}" for n in (1, 2, 3, 4, 5, 11, 12, 13, 16)}
    assert {row.breast for row in found.readings} == {f"E{n:02}L" for n in (1, 2, 4, 5, 11, 12, 13)}
    Path("results/raw").mkdir(parents=True)
    swept = ["path\tdigest", *(f"{path}\t{'a' * 64}" for path in found.raw_paths())]
    Path("results/raw/digests.tsv").write_text("\n".join(swept) + "\n")
    assert set(found.planned["test_cases"]) == {"E11L", "E12L", "E13L"}
    assert "E05L" in found.predicted("unet") and "E05L" in found.paged and found.batch_of["E05"].startswith("judged")
    assert found.shifted == [f"E{n:02}L" for n in (1, 2, 4, 5, 11, 12, 13)]
    groups = grouped_by(found, ["E05L", "E11L"])
    assert groups["cohort"] == {"E05L": "A", "E11L": "B"} and set(groups["site"].values()) == {"not stated"}


def test_the_flow_chart_counts_everybody_who_left(study):
    found = study(TRAINING + TESTED, **KEYS)
    left = about_left_out(found)
    codes = {row[0]: row[6] for row in left["breasts"]}
    assert codes == {
        "E14L": "test_cohort_unlabelled",
        "E15L": "test_cohort_unlabelled",
        "E17L": "cohort_not_named",
        "E18L": "cohort_not_named",
    }
    assert list(left["exams"]) == ["E14", "E15", "E17", "E18"]
    ends = [flow.Outcome(breast=Shown(*row)) for row in found.described(found.cases())]
    rows = flow.flow_rows(ends + flow.departed(left["breasts"]))
    assert sum(row["breasts"] for row in rows) == len(TRAINING + TESTED)
    titles = [group.title for group in flow.groups(rows)]
    assert titles.index("internal, malignant") == titles.index("test, malignant") + 1
    development = next(group for group in flow.groups(rows) if group.title == "development, malignant")
    assert (development.came, development.stayed) == (4, 2)
    assert ("cohort", "cohort not named", 1) in development.left


def test_without_the_keys_the_column_changes_nothing(study):
    found = study(TRAINING + TESTED)
    assert found.settled is None and found.cases("internal") == found.shifted == [] and about_left_out(found) is None
    assert found.cases("test") == ["E05L", "E13L", "E17L"] and "E18L" in found.cases("development")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"train_on": ["A"]}, "train_on stands alone. Write beside it: test_on: [COHORT]"),
        ({"test_on": ["B"]}, "test_on stands alone. Write beside it: train_on: [COHORT]"),
        ({"train_on": ["A", "B"], "test_on": ["B", "C"]}, "Write instead: test_on: [C]"),
        ({"train_on": ["A", "A"], "test_on": ["B"]}, "a cohort stands twice. Write instead: train_on: [A]"),
        ({"train_on": [], "test_on": ["B"]}, "train_on"),
        ({"train_on": ["A"], "test_on": ["D"]}, "no exam of exams.tsv is of the cohort D. Write one of: A, B, C"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_with_the_line_to_write(study, keys, said):
    assert said in refused(study, TRAINING + TESTED, **keys)


def test_a_sheet_without_cohorts_is_told_the_column(study):
    rows = [(*row[:2], "", *row[3:]) for row in TRAINING]
    assert "Add the column cohort" in refused(study, rows, **KEYS)


def test_a_patient_on_both_sides_is_refused_and_the_mend_works(study):
    twice = [*TRAINING, *TESTED, ("E19", "P01", "B", "malignant", "development", READERS)]
    said = refused(study, twice, **KEYS)
    assert "exams sheet row 15: patient P01 has E19 in B (test_on) and E01 in A (train_on)" in said
    assert "Empty the cell 'cohort'" in said
    mended = [*twice[:-1], ("E19", "P01", "", "malignant", "development", READERS)]
    assert "E19" not in study(mended, **KEYS).exams
    twin = [*TRAINING, *TESTED, ("E19", "P19", "B", "malignant", "test", READERS, "P02")]
    assert "patient P02 has E19 in B" in refused(study, twin, **KEYS)


def test_a_record_that_leaves_still_says_who_is_one_woman(study):
    """As after the mend above: the record that `same_as` names leaves, or the row of it that names another."""
    twin = ("E20", "P20", "B", "malignant", "test", READERS, "P06")
    found = study([*TRAINING, ("E06", "P06", "", "malignant", "test", READERS), *TESTED, twin], **KEYS)
    assert "E06" not in found.exams and "E20L" in found.cases("test") and found.patient_of("E20L") == "P06"
    leaves = ("E06", "P06", "", "malignant", "development", ["R6"], "P01")
    stays = ("E07", "P06", "A", "malignant", "development", ["R6"])
    found = study([*TRAINING, leaves, stays, *TESTED], **KEYS)
    assert "E06" not in found.exams and found.patient_of("E07L") == found.patient_of("E01L") == "P01"


def test_faults_of_the_sheets_keep_their_rows(study):
    rows = [TESTED[-1], *TRAINING, ("E20", "P05", "A", "malignant", "development", ["R6"])]
    said = refused(study, [*rows, *TESTED[:-1]], **KEYS)
    assert "breasts sheet row 8: patient P05 is in development here and in test in row 7" in said
    assert "internal" not in said


def test_an_internal_case_needs_every_reader(study):
    rows = [*TRAINING[:-1], ("E05", "P05", "A", "malignant", "test", READERS[:2]), *TESTED]
    assert "E05L (internal) has no row for R3, R4" in refused(study, rows, **KEYS)


def test_folds_are_given_to_the_cohorts_that_train_and_stay_theirs(study):
    found = study(TRAINING + TESTED, **KEYS)
    places, _ = give(found)
    assert {place.patient: place.partition for place in places} == {
        **dict.fromkeys(("P01", "P02", "P03"), "development"),
        "P04": "tuning",
        "P05": "internal",
        **dict.fromkeys(("P11", "P12", "P13"), "test"),
        "P16": "shown",
    }
    from radparity.release.given import write_given

    write_given(Path("plan"), places)
    with pytest.raises(ConfigError, match="write train_on and test_on as they were"):
        give(study(TRAINING + TESTED, train_on=["B"], test_on=["A"]))


def test_a_pilot_holds_no_test_case_and_no_shift(study, monkeypatch):
    from radparity import pilot
    from radparity.strata import Stratum

    monkeypatch.setattr(pilot, "read_strata", lambda paths: dict.fromkeys(paths, Stratum("S", "2020", "4")))
    rows = [*TRAINING, *TESTED, *((f"E{n}", f"P{n}", "A", "malignant", "tuning", READERS) for n in range(30, 34))]
    found = study(rows, kind=open_study, **KEYS, pilot=4)
    assert found.sample_of is not None and found.shifted == [] and about_left_out(found) is None
    assert found.cases("test") and not {"E05L", "E11L", "E12L", "E13L"} & set(found.breasts)


def test_a_patient_whose_breast_that_leaves_trained_a_network_made_elsewhere_is_not_its_test(study, tmp_path):
    rows = [*TRAINING, *TESTED, ("E19", "P11", "B", "benign", "development", [])]
    sheet = ["breast\tfile\ttrained_on", "E19L\te/E19L.nii.gz\tyes"]
    sheet += [f"{name}L\te/{name}L.nii.gz\tno" for name in ("E04", "E05", "E11", "E12", "E13")]
    (tmp_path / "theirs.tsv").write_text("\n".join(sheet) + "\n")
    arms = {"theirs": {"network": "external", "sheet": "theirs.tsv"}}
    off = {"selection": None, "learning_curve": None}
    found = study(rows, **KEYS, **off, arms=arms, primary_arm="theirs")
    assert "E19L" in found.settled.gone and "E19L" not in found.externals["theirs"]
    seen = [name for name in found.cases("test", "tuning", "internal") if found.external("theirs", name)["seen"]]
    assert seen == ["E11L"]


def learned(path, inputs):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("learned")
    digests = dict.fromkeys(inputs, "a" * 64)
    ledger.sidecar(path).write_text(ledger.dump(ledger.entry(path, "rule", {}, digests, {}, "c")))


@pytest.mark.parametrize("leaked", ["E04L", "E05L", "E11L"])
@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("results/train/unet/1/weights.pt", "results/slab/pre_p95/{}/slab.npy"),
        ("results/fold/pre_p95/2/scaling.json", "results/harmonize/pre_p95/{}/harmonize.json"),
        ("results/nnunet/unet/1/weights.pth", "results/nnunet/pre_p95/{}/labels.nii.gz"),
    ],
)
def test_a_judged_patient_in_what_was_learned_from_is_a_fault_of_the_audit(study, path, source, leaked):
    found = study(TRAINING + TESTED, **KEYS)
    Path("results/fold").mkdir(parents=True)
    rows = [f"1\t{name}\tP\tmalignant\ttraining" for name in found.cases("development")]
    Path("results/fold/folds.tsv").write_text("\n".join(["fold\tbreast\tpatient\tlabel\trole", *rows]) + "\n")
    trained = [source.format(name) for name in found.cases("development")]
    learned(path, trained)
    assert check_apart(Path("results"), found) == []
    learned(path, [*trained, source.format(leaked)])
    (fault,) = check_apart(Path("results"), found)
    assert fault.file == path and leaked in fault.fault and "redo" in fault.mend
    learned(path, trained)
    Path("results/fold/folds.tsv").write_text("\n".join(["fold\tbreast\tpatient\tlabel\trole", *rows[1:]]) + "\n")
    with Path("results/fold/folds.tsv").open("a") as stream:
        stream.write(f"2\t{leaked}\tP\tmalignant\tvalidation\n")
    assert [fault.file for fault in check_apart(Path("results"), found)] == ["results/fold/folds.tsv"]


@pytest.mark.parametrize("leaked", ["E04", "E05", "E11"])
def test_a_judged_patient_in_the_mask_network_is_found_though_it_learns_from_exams(study, leaked):
    found = study(TRAINING + TESTED, **KEYS)
    learned("results/mask/weights.pt", ["results/register/E01/registered.nii.gz"])
    assert check_apart(Path("results"), found) == []
    learned("results/mask/weights.pt", [f"results/register/{name}/registered.nii.gz" for name in ("E01", leaked)])
    (fault,) = check_apart(Path("results"), found)
    assert fault.file == "results/mask/weights.pt" and leaked in fault.fault


def test_a_twin_by_same_as_in_training_is_found_though_no_breast_of_hers_trains(study):
    """Another breast of a judged woman, under her other record number."""
    rows = [*TRAINING, ("E06", "P06", "A", "malignant", "test", READERS, "P05"), *TESTED]
    found = study(rows, **KEYS)
    learned("results/train/unet/1/weights.pt", ["results/slab/pre_p95/E06L/slab.npy"])
    learned("results/train/gone/1/weights.pt", ["results/slab/pre_p95/E06L/slab.npy"])
    assert [fault.file for fault in check_apart(Path("results"), found)] == ["results/train/unet/1/weights.pt"]


CASE = st.tuples(
    st.integers(0, 5),
    st.sampled_from(["A", "B", "C", None]),
    st.sampled_from(["malignant", "benign"]),
    st.sampled_from(["development", "tuning", "test", "shown"]),
    st.sampled_from([(), ("R6",), READERS[:3], READERS]),
)


@given(st.lists(CASE, min_size=1, max_size=14))
def test_whatever_the_sheets_nobody_is_on_both_sides_and_nobody_vanishes(cases):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    config = load(raw | KEYS)
    exams = [Exam(exam=f"E{n:02}", patient=f"P{p}", folder="f", cohort=c) for n, (p, c, *_) in enumerate(cases)]
    breasts = [
        Breast(breast=f"E{n:02}L", exam=f"E{n:02}", side="left", label=label, partition=partition)
        for n, (_, _, label, partition, _) in enumerate(cases)
    ]
    readings = [
        Reading(breast=f"E{n:02}L", rater=rater, file="f") for n, case in enumerate(cases) for rater in case[-1]
    ]
    sides = {cohort: {p for p, c, *_ in cases if c == cohort} for cohort in "AB"}
    if not all(sides.values()) or sides["A"] & sides["B"]:
        with pytest.raises(ConfigError):
            settle(config, exams, breasts, readings)
        return
    found = settle(config, exams, breasts, readings)
    now = {row.breast: row.partition for row in found.breasts}
    assert list(now) == [row.breast for row in breasts]
    assert found.gone == {name for name, partition in now.items() if partition == "left_out"}
    patients = {f"E{n:02}L": case[0] for n, case in enumerate(cases)}
    learns = {patients[b] for b, partition in now.items() if partition in ("development", "tuning")}
    tested = {patients[b] for b, partition in now.items() if partition == "test"}
    assert not learns & tested
    for n, (_, cohort, label, partition, raters) in enumerate(cases):
        is_labelled = label == "malignant" and set(READERS) <= set(raters)
        assert (now[f"E{n:02}L"] == "test") == (cohort == "B" and is_labelled)
        assert (now[f"E{n:02}L"] == "internal") == (cohort == "A" and partition == "test")
        assert (f"E{n:02}" in found.exams) == (now[f"E{n:02}L"] != "left_out")


@pytest.mark.parametrize(
    "value", ["seen 2004-03-12", "12.3.2004", "3/12/04", "record 4711083", "x" * 61, "two\x07lines"]
)
@pytest.mark.parametrize("column", ["cohort", "site", "scanner"])
def test_words_of_the_sheet_hold_no_date_and_no_record_number(tmp_path, column, value):
    path = tmp_path / "exams.tsv"
    path.write_text(f"exam\tpatient\tfolder\t{column}\nE1\tP1\tf\t{value}\n")
    with pytest.raises(ConfigError, match=f"row 2, column '{column}'"):
        read(path, Exam)


def test_words_of_the_sheet_may_be_names_of_places_and_machines(tmp_path):
    path = tmp_path / "exams.tsv"
    path.write_text("exam\tpatient\tfolder\tcohort\tsite\tscanner\nE1\tP1\tf\tISPY1\tSite 3\tGE Signa HDxt 1.5 T\n")
    assert (row := read(path, Exam)[0]).scanner == "GE Signa HDxt 1.5 T" and (row.cohort, row.site) == (
        "ISPY1",
        "Site 3",
    )
