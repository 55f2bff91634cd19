"""Releases: what they hold nobody changes, what they do not hold waits, and two of them can be held side by side."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity import ledger
from radparity.__main__ import main
from radparity.config import ConfigError, load
from radparity.kinds import open_study
from radparity.release.fixed import about_release, read_release, refuse_changed, rows_of, write_release
from radparity.release.given import giving
from radparity.release.numbers import keep_numbers, numbers_of
from radparity.report import flow
from radparity.report.results import Breast as Shown
from radparity.sheets import Breast, Exam, Reading
from radparity.study import Study
from radparity.swept import DIGESTS

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
KINDS = st.sampled_from(
    [("development", "malignant"), ("development", "benign"), ("tuning", "malignant"), ("test", "malignant")]
)
PATIENTS = st.lists(st.tuples(KINDS, st.integers(1, 3)), min_size=1, max_size=25)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study_of(exams, content=None, **changes):
    """A study of exams: name to (patient, partition, label); content: raw path to its digest, where it is not 0."""
    rows = {name: Exam(exam=name, patient=patient, folder=f"in/{name}") for name, (patient, *_) in exams.items()}
    breasts, readings = {}, []
    for name, (_, partition, label) in exams.items():
        row = {"exam": name, "side": "left", "partition": partition, "label": label}
        breasts[f"{name}L"] = Breast(breast=f"{name}L", **row)
        drawn = [Reading(breast=f"{name}L", rater=rater, file=f"out/{name}-{rater}") for rater in ("R1", "R2", "R3")]
        readings += drawn if label == "malignant" else []
    study = Study(load(DEMO | {"fold": {"folds": 2}} | changes), rows, breasts, readings)
    found = {path: "0" for path in study.raw_paths()} | (content or {})
    DIGESTS.parent.mkdir(parents=True, exist_ok=True)
    DIGESTS.write_text("".join(f"{path}\t{digest}\n" for path, digest in {"path": "digest", **found}.items()))
    with giving(study):
        pass
    return study


def under(study, release):
    return replace(study, release=release)


def released(name, study):
    write_release(name, rows_of(study, study.breasts), "2026-11-21T20:00:00+00:00", "abc")
    return read_release(name)


def again():
    for path in (*Path().glob("releases/*"), *Path().glob("plan/*")):
        path.unlink()


FEW = {
    "E1": ("P1", "development", "malignant"),
    "E2": ("P2", "development", "malignant"),
    "E3": ("P3", "development", "benign"),
    "E4": ("P4", "tuning", "malignant"),
    "E5": ("P5", "test", "malignant"),
}
LATE = {
    "E6": ("P6", "development", "malignant"),
    "E7": ("P5", "test", "malignant"),
    "E8": ("P8", "tuning", "malignant"),
}


@given(PATIENTS, PATIENTS, st.integers(0, 25), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_what_a_release_holds_never_sees_an_arrival(old, new, second, size):
    again()
    exams = {f"A{n}x{k}": (f"P{n}", *kind) for n, (kind, count) in enumerate(old) for k in range(count)}
    last = {"batch": size, "eligible": [{"name": "last", "keep": "last"}]}
    alone = study_of(exams, **last)
    release = released("R1", alone)
    # Some arrivals are second exams of patients of the release.
    later = {f"B{n}x{k}": (f"Q{n}", *kind) for n, (kind, count) in enumerate(new) for k in range(count)}
    later |= {f"B{n}y": (f"P{n}", *kind) for n, (kind, _) in enumerate(old[:second])}
    study = under(study_of(exams | later, **last), release)
    refuse_changed(study)
    assert set(study.entered) == set(exams) and set(study.exams) == set(exams) | set(later)
    for partition in ("development", "tuning", "test", "shown"):
        assert study.cases(partition) == alone.cases(partition)
    assert study.held_out == alone.held_out and study.benign_sample == alone.benign_sample
    assert study.predicted("unet") == alone.predicted("unet") and study.planned == alone.planned
    # Nor does a job of the release: its batches are those that it had, and an arrival is in none of them.
    assert {exam: study.batch_of[exam] for exam in exams} == alone.batch_of
    assert {study.batch_of[exam] for exam in later}.isdisjoint(alone.batch_of.values())
    assert all(study.batch_of[exam].startswith("waiting_") for exam in later)
    for exam in exams:
        assert study.enrolment.params(exam) == alone.enrolment.params(exam)
    about = about_release(study)
    assert about["exams"] == sorted(later) == [row[1] for row in about["breasts"]] and about["name"] == "R1"
    # Advanced, all are in, and those of before are in the folds of before.
    both = under(study, released("R2", replace(study, release=None)))
    assert set(both.entered) == set(both.exams) and both.held_out.items() >= alone.held_out.items()


def test_an_exam_that_waits_takes_nobodys_place_by_a_rule_that_keeps_one():
    rule = [{"name": "last", "keep": "last"}]
    alone = study_of(FEW, eligible=rule)
    release = released("R1", alone)
    both = study_of(FEW | LATE, eligible=rule)
    days = {name: row.model_copy(update={"day": int(name[1:])}) for name, row in both.exams.items()}
    both = replace(both, exams=days)
    assert both.enrolment.rivals("E5") == ["E7"]
    assert under(both, release).enrolment.rivals("E5") == []


def test_without_a_release_everything_is_in():
    study = study_of(FEW)
    assert list(study.entered) == list(FEW) and about_release(study) is None
    refuse_changed(study)


def test_a_release_is_written_once_and_an_edited_one_is_refused():
    study = study_of(FEW)
    release = released("R1", study)
    assert list(release.rows.values()) == rows_of(study, study.breasts)
    with pytest.raises(ConfigError, match="is there already, and a release is never changed"):
        released("R1", study)
    path = Path("releases/R1.tsv")
    text = path.read_text()
    for edit in (
        text.replace("E5L\tE5\tP5\tleft\ttest", "E5L\tE5\tP5\tleft\ttuning"),
        "\n".join(text.splitlines()[:-1]) + "\n",
        text.partition("\n")[2],
    ):
        assert edit != text
        path.write_text(edit)
        with pytest.raises(ConfigError, match="a release is never edited"):
            read_release("R1")
    path.write_text(text)
    path.rename("releases/R2.tsv")
    with pytest.raises(ConfigError, match="is not the release R2"):
        read_release("R2")
    with pytest.raises(ConfigError, match=r"there is no releases/R1.tsv \(there: R2\). Write it: radparity release R1"):
        read_release("R1")


@pytest.mark.parametrize(
    ("exams", "content", "said"),
    [
        ({}, {"in/E1": "1"}, "E1L: the content of its images has changed"),
        ({}, {"out/E5-R2": "1"}, "E5L: the content of its outlines has changed"),
        ({"E3": ("P3", "development", "malignant")}, {}, "E3L: label is malignant, was benign"),
        ({"E4": None}, {}, "E4L: is no longer in the sheets"),
        ({"E3": ("P2", "development", "benign")}, {}, "E3L: patient is P2, was P3"),
    ],
)
def test_a_release_whose_data_changed_is_none(exams, content, said):
    release = released("R1", study_of(FEW))
    now = {name: own for name, own in (FEW | LATE | exams).items() if own}
    with pytest.raises(ConfigError) as error:
        refuse_changed(under(study_of(now, content), release))
    assert f"  {said}\n" in str(error.value) and "make another release" in str(error.value)
    # The data brought back, it stands again.
    refuse_changed(under(study_of(FEW | LATE), release))


def test_a_release_agrees_with_what_was_given():
    study = study_of(FEW)
    release = released("R1", study)
    place = Path("plan/given.tsv")
    place.write_text(place.read_text().replace("1 of 2", "x").replace("2 of 2", "1 of 2").replace("x", "2 of 2"))
    with pytest.raises(ConfigError, match="E1L: fold is"):
        refuse_changed(under(replace(study), release))


def test_a_breast_more_of_an_exam_of_the_release_is_a_change():
    release = released("R1", study_of(FEW))
    study = study_of(FEW)
    more = Breast(breast="E3R", exam="E3", side="right", partition="development", label="benign")
    with pytest.raises(ConfigError, match="E3R: a breast more of exam E3"):
        refuse_changed(under(replace(study, breasts=study.breasts | {"E3R": more}), release))


def test_files_that_moved_are_the_same_files():
    study = study_of(FEW)
    rows = rows_of(study, study.breasts)
    moved = {name: row.model_copy(update={"folder": f"elsewhere/{name}"}) for name, row in study.exams.items()}
    other = replace(study, exams=moved)
    DIGESTS.write_text(DIGESTS.read_text().replace("in/", "elsewhere/"))
    assert rows_of(other, other.breasts) == rows


def test_arrivals_have_a_box_of_their_own_in_the_flow_chart():
    shown = [Shown("E1L", "E1", "P1", "left", "malignant", "development")]
    waits = [Shown("E6L", "E6", "P6", "left", "malignant", "development")]
    records = {stage: {"E1": {"status": "ok"}, "E1L": {"status": "ok"}} for stage in flow.ORDER}
    ends = flow.outcomes(shown, records) + flow.arrivals(waits)
    (group,) = flow.groups(flow.flow_rows(ends))
    assert (group.came, group.stayed, group.waiting) == (2, 1, [("the next release", 1)])
    exams = flow.exam_ends(["E1", "E6"], ends, records)
    assert exams["E6"].status == "waiting" and exams["E1"].status == "ok"


def sheets(exams):
    """The same study as files, for the command line."""
    study = study_of(exams)
    columns = {"exams": Exam, "breasts": Breast, "readings": Reading}
    rows = {"exams": study.exams.values(), "breasts": study.breasts.values(), "readings": study.readings}
    for name, kind in columns.items():
        names = [c for c, field in kind.model_fields.items() if field.is_required()]
        lines = ["\t".join(names), *("\t".join(getattr(row, c) for c in names) for row in rows[name])]
        Path(f"{name}.tsv").write_text("\n".join(lines) + "\n")
    named = {name: f"{name}.tsv" for name in columns}
    raw = {key: DEMO[key] for key in ("seed", "train")} | {"study": "small", "raw": "raw", "sheets": named}
    raw |= {"readers": {"test": ["R1", "R2", "R3"]}, "fold": {"folds": 2}, "eligible": [], "primary_arm": "unet"}
    return raw | {"arms": {"unet": {"network": "paper", "width": 2}}}


def written(raw, release=None):
    raw = raw | ({"release": release} if release else {})
    Path("config.yaml").write_text(yaml.safe_dump(raw))
    return raw


def said(capsys, *arguments):
    code = main(list(arguments))
    out = capsys.readouterr()
    return code, out.out + out.err


def headline(release, digest, **numbers):
    """A report's headline numbers under results/, with its ledger entry."""
    path = Path("results/report/headline.tsv")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [["name", "value", "source", "digest"], ["release", release, f"releases/{release}.tsv", digest]]
    rows += [[name, value, "results/compare/unet/main.tsv", "00"] for name, value in numbers.items()]
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    ledger.sidecar(path).write_text(json.dumps({"sha256": ledger.digest_file(path)}))


def test_from_one_release_to_the_next_by_the_commands(capsys):
    raw = sheets(FEW)
    written(raw, "R1")
    # Named before it is there: the command that makes it works all the same.
    with pytest.raises(ConfigError, match="Write it: radparity release R1"):
        open_study(written(raw, "R1"))
    code, out = said(capsys, "release", "R1")
    assert code == 0 and "5 exams, 5 breasts (3 development, 1 tuning, 1 test) of 5 patients" in out
    assert said(capsys, "release", "R1")[0] == 2
    first = open_study(written(raw, "R1"))
    refuse_changed(first)
    headline("R1", first.release.digest, median="0.5", n="12")

    written(sheets({**FEW, "E1": ("P1", "development", "benign")} | LATE), "R1")
    DIGESTS.write_text(DIGESTS.read_text().replace("out/E5-R3\t0", "out/E5-R3\t1"))
    DIGESTS.write_text(DIGESTS.read_text().replace("in/E7\t0", "in/E7\tmissing"))
    code, out = said(capsys, "release", "R2")
    assert "nothing lies at 1 of the sheets' paths, as in/E7" in out
    assert code == 0 and "to R1 it adds 3 exams" in out and "releases/R1.numbers.tsv" in out
    code, out = said(capsys, "diff", "R1", "R2")
    assert code == 0 and "no numbers of R2" in out
    headline("R2", read_release("R2").digest, median="0.75", n="12")
    code, out = said(capsys, "diff", "R1", "R2")
    assert code == 0
    for line in (
        "only in R2: 3 (E6, E7, E8)",
        "only in R1: 0",
        "  test, malignant: 1 (E7L)",
        "in both and changed: 2 (E1L, E5L)",
        "  label: 1 (E1L malignant -> benign)",
        "  content of the outlines: 2 (E1L, E5L)",
        "headline numbers: 2, of which 1 differ",
    ):
        assert line in out.splitlines()
    assert out.splitlines()[-1].split() == ["median", "0.5", "0.75"]
    found = json.loads(said(capsys, "diff", "R1", "R2", "--json")[1])
    assert found["exams_in"] == ["E6", "E7", "E8"] and found["changed"]["E5L"].keys() == {"outlines"}
    assert found["numbers"]["median"]["before"] == "0.5" and found["numbers"]["n"]["after"] == "12"
    back = json.loads(said(capsys, "diff", "R2", "R1", "--json")[1])
    assert back["exams_out"] == found["exams_in"] and back["breasts_out"] == found["breasts_in"]


def test_numbers_are_kept_only_of_the_release_that_they_belong_to():
    release = released("R1", study_of(FEW))
    assert keep_numbers() is None
    headline("R1", "another digest", median="0.5")
    assert keep_numbers() is None
    headline("none", "", median="0.5")
    assert keep_numbers() is None
    headline("R1", release.digest, median="0.5")
    path = Path("results/report/headline.tsv")
    path.write_text(path.read_text().replace("0.5", "0.9"))
    assert keep_numbers() is None and numbers_of("R1") is None
    headline("R1", release.digest, median="0.5")
    assert keep_numbers() == Path("releases/R1.numbers.tsv") and numbers_of("R1")["median"].value == "0.5"


@pytest.mark.parametrize("name", ["1st", "R 1", "../R1", "R1.numbers"])
def test_names_that_are_none(capsys, name):
    written(sheets(FEW))
    assert said(capsys, "release", name)[0] == 2 and not Path("releases").exists()
