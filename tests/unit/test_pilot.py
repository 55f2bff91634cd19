"""The pilot: who is drawn, that no test case is, and that it neither looks at the test set nor trains over a study."""

import dataclasses
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from dicoms import write_exam
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity import sweep
from radparity.__main__ import main
from radparity.config import ConfigError, load
from radparity.download.wanted import Wanted
from radparity.kinds import open_study, open_whole
from radparity.pilot import about, refuse_over_whole, sample, spread
from radparity.plan import PILOT, lock, standing
from radparity.report.stamp import PILOT as SAID
from radparity.report.stamp import stamped
from radparity.report.verdict import Verdict
from radparity.sheets import Breast, Exam
from radparity.strata import STRATA, Stratum, known_strata, stratum, table
from radparity.study import Study

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "config.yaml").read_text())
SCANNERS = ("GE SIGNA 1.5 T", "GE DISCOVERY 3 T", "SIEMENS Skyra 3 T")
KINDS = [("development", "malignant"), ("development", "benign"), ("tuning", "malignant"), ("test", "malignant")]


def study_of(patients, **changes):
    """A study with these patients: (partition, label, number of exams, scanner) each, and its strata on disk."""
    exams, breasts, strata = {}, {}, {}
    for number, (partition, label, count, scanner) in enumerate(patients):
        for k in range(count):
            name = f"E{number}-{k}"
            exams[name] = Exam(exam=name, patient=f"P{number}", folder=name)
            row = {"breast": f"{name}L", "exam": name, "side": "left", "label": label, "partition": partition}
            breasts[f"{name}L"] = Breast(**row)
            strata[name] = Stratum(SCANNERS[scanner], str(2000 + number % 3), "5")
    STRATA.parent.mkdir(parents=True, exist_ok=True)
    STRATA.write_text(table(strata))
    return Study(load(DEMO | changes), exams, breasts, [])


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


PATIENT = st.tuples(st.sampled_from(KINDS), st.integers(1, 3), st.integers(0, 2)).map(lambda p: (*p[0], p[1], p[2]))


@given(st.lists(PATIENT, min_size=1, max_size=60), st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_whole_patients_are_drawn_and_none_of_a_test_case(patients, exams):
    study = study_of(patients)
    pilot = sample(study, exams)
    drawn = set(pilot.patients.values())
    assert set(pilot.exams) == {exam for exam, patient in study.patients.items() if patient in drawn}
    assert set(pilot.breasts) == {breast for breast, row in study.breasts.items() if row.exam in pilot.exams}
    for breast, row in pilot.breasts.items():
        before = study.breasts[breast].partition
        assert before != "test"
        assert row.partition == before or (before, row.partition) == ("tuning", "test")
    # A patient tunes the threshold or stands in, never both.
    tunes, stands = ({pilot.patient_of(b) for b in pilot.cases(partition)} for partition in ("tuning", "test"))
    assert not tunes & stands and len(stands) in (len(tunes), len(tunes) - 1)
    # What a study needs in order to run, as far as it has it itself.
    for partition, label, fewest in [*((*kind, 2 * study.config.fold.folds) for kind in KINDS[:2]), (*KINDS[2], 4)]:
        held = sum(p[:2] == (partition, label) for p in patients)
        got = {pilot.patient_of(b) for b in pilot.breasts if study.breasts[b].partition == partition}
        got = {
            p for p in got if any(study.breasts[b].label == label for b in study.breasts if study.patient_of(b) == p)
        }
        assert len(got) >= min(held, fewest)
    # As many exams as were asked for, where there are so many; whole patients make it a few more.
    can = sum(count for partition, *_, count, _ in patients if partition != "test")
    assert len(pilot.exams) >= min(exams, can)
    assert sample(study, exams).exams == pilot.exams


def test_every_kind_of_exam_is_in_a_sample_in_about_its_share():
    patients = [("development", "malignant", 1, n % 10 and (2 if n % 10 == 9 else 1)) for n in range(200)]
    patients += [("tuning", "malignant", 1, 0)] * 8
    pilot = sample(study_of(patients), 40)
    found = {(row[0], row[1]): (row[2], row[3]) for row in about(pilot)["strata"]}
    for scanner, share in zip(SCANNERS, (0.1, 0.8, 0.1), strict=True):
        taken, _ = found["scanner", scanner]
        assert abs(taken - (share * 40)) <= 4
    assert sum(taken for (fact, _), (taken, _) in found.items() if fact == "year") == len(pilot.exams)
    assert sum(count for (fact, _), (_, count) in found.items() if fact == "year") == 208


@given(st.lists(st.integers(0, 3), min_size=1, max_size=120), st.integers(1, 120), st.integers(0, 9))
def test_every_beginning_of_the_order_holds_all_strata_in_their_shares(kinds, length, seed):
    found = {f"P{n}": Stratum(str(kind), "2000", "4") for n, kind in enumerate(kinds)}
    order = list(spread(found, seed))
    assert sorted(order) == sorted(found)
    length = min(length, len(order))
    beginning = Counter(found[p].scanner for p in order[:length])
    for scanner, count in Counter(map(str, kinds)).items():
        assert abs(beginning[scanner] - count * length / len(kinds)) <= 2.5


def test_the_jobs_of_a_pilot_have_the_names_of_the_whole_studys():
    study = study_of([(*KINDS[n % 4], 1, 0) for n in range(120)], batch=2)
    pilot = sample(study, 20)
    assert len(pilot.exams) < 40
    for exam, patient in pilot.patients.items():
        assert pilot.batches.of(patient) == study.batches.of(study.patients[exam])


def test_what_is_locked_is_the_whole_study_and_a_pilot_is_no_primary_test():
    study = study_of([(*KINDS[n % 4], 1, 0) for n in range(40)])
    pilot = sample(study, 12)
    assert pilot.planned == study.planned
    assert set(pilot.planned["test_cases"]) == set(study.cases("test"))
    lock(Path("plan"), study.planned, "2026-01-01", "c")
    assert standing(Path("plan"), "unet", "unet", pilot.planned)["role"] == "primary"
    assert standing(Path("plan"), "unet", "unet", pilot.planned, pilot=True)["role"] == PILOT


def test_a_pilot_does_not_train_over_the_networks_of_the_whole_study():
    study = study_of([(*KINDS[n % 4], 1, 0) for n in range(40)])
    pilot = sample(study, 12)
    refuse_over_whole(pilot)
    entry = Path("results/fold/folds.tsv.ledger.json")
    entry.parent.mkdir(parents=True)
    entry.write_text(json.dumps({"params": {"pilot": None}}))
    refuse_over_whole(pilot)
    weights = Path("results/train/unet/1/weights.pt")
    weights.parent.mkdir(parents=True)
    weights.touch()
    with pytest.raises(ConfigError, match="trained on the whole study"):
        refuse_over_whole(pilot)
    refuse_over_whole(study)
    entry.write_text(json.dumps({"params": {"pilot": 12}}))
    refuse_over_whole(pilot)


def test_the_sweep_notes_what_tells_exams_apart(place):
    """Real DICOM: two exams of two scanners, one of which changes."""
    for name in ("a", "b"):
        write_exam(Path("raw", name))
    study = study_of([("development", "malignant", 1, 0)] * 2, raw="raw")
    STRATA.unlink()
    exams = {f"E{n}": Exam(exam=f"E{n}", patient=f"P{n}", folder=folder) for n, folder in enumerate("ab")}
    breasts = {f"E{n}L": row.model_copy(update={"exam": f"E{n}"}) for n, row in enumerate(study.breasts.values())}
    study = dataclasses.replace(study, exams=exams, breasts=breasts)
    with pytest.raises(ConfigError, match="radparity sweep"):
        sample(study, 1)
    sweep.sweep(study, 2)
    assert known_strata() == {name: stratum(Path("raw"), name) for name in "ab"}
    assert all(value.year.isdigit() and len(value.year) == 4 for value in known_strata().values())
    before = STRATA.read_text()
    sweep.sweep(study, 2)
    assert STRATA.read_text() == before
    # An exam without an image is of a kind of its own, and does not stop the sweep.
    for path in Path("raw/b").rglob("*.dcm"):
        path.unlink()
    Path("raw/b/note.txt").write_text("no image")
    sweep.sweep(study, 2)
    assert known_strata()["b"] == Stratum(*["not readable"] * 3)


@pytest.mark.skipif(not (ROOT / "data/demo").is_dir(), reason="the virtual exams are not here: run `radparity demo`")
def test_the_acquisitions_follow_the_phases(place):
    """Of virtual exams of every arrangement: one series, one a phase, interleaved."""
    raw = ROOT / "data/demo"
    by_phases = {}
    for path in sorted(Path(raw, "truth").iterdir()):
        phases = len(json.loads((path / "truth.json").read_text())["times_s"])
        by_phases.setdefault(phases, []).append(int(stratum(raw, f"dicom/{path.name}").acquisitions))
    assert len(by_phases) > 2
    for phases, seen in by_phases.items():
        assert all(phases <= count <= phases + 2 for count in seen)


def test_the_demo_as_a_pilot_and_its_stamp(place):
    for name in ("config.yaml", "resources", "data"):
        (place / name).symlink_to(ROOT / name)
    whole = open_whole(DEMO)
    STRATA.parent.mkdir(parents=True)
    STRATA.write_text(table({row.folder: Stratum("GE 3 T", "2004", "5") for row in whole.exams.values()}))
    pilot = open_study(DEMO | {"pilot": 12})
    assert set(pilot.whole.exams) == set(whole.exams) > set(pilot.exams)
    assert set(open_study(DEMO).exams) == set(whole.exams) and about(whole) is None
    assert main(["status", "--pilot", "12"]) == 0
    results = type("Of", (), {"pilot": about(pilot), "awaited": None, "compare": {}})()
    said = stamped(Verdict("Equivalent.", "Over 14 test cases.", []), results)
    assert said.headline == "A pilot: no verdict." and said.sentence == SAID


def test_a_study_without_benign_breasts_has_a_pilot_too():
    kinds = [("development", "malignant")] * 20 + [("tuning", "malignant")] * 6 + [("test", "malignant")] * 5
    study = study_of([(*kind, 1, 0) for kind in kinds], train=DEMO["train"] | {"negatives": "tumour_free_sections"})
    pilot = sample(study, 12)
    assert len(pilot.cases("development")) >= 2 * study.config.fold.folds and pilot.cases("tuning", "test")
    assert {pilot.breasts[name].label for name in pilot.cases()} == {"malignant"} and pilot.benign_sample == []


def test_a_pilot_announces_the_downloads_of_its_own_exams_only():
    study = study_of([(*kind, 1, 0) for kind in KINDS * 12])
    rows = [Wanted(e, "dynamic", f"{e}/dynamic", f"s3://b/{e}/", 3, 1000, True, "1.2") for e in study.exams]
    pilot = sample(replace(study, series=rows), 12)
    assert pilot.announced.totals() == [len(pilot.exams), 3 * len(pilot.exams), 1000 * len(pilot.exams)]
    assert set(pilot.announced.exams) == set(pilot.exams) < set(study.exams)
