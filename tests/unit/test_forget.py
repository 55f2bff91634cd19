"""Rows that leave a sheet, names that are looked for, and the refusals of `radparity forget`."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from radparity import forget
from radparity.config import ConfigError
from radparity.trace.mentions import about, naming, rows_without, words

ROOT = Path(__file__).parents[2]
SHEETS = {
    "plain": b"exam\tpatient\nE1\tP1\nE2\tP2\nE3\tP1\n",
    "crlf, no last end": b"exam\tpatient\r\nE1\tP1\r\nE2\tP2\r\nE3\tP1",
    "with a mark of its encoding": b"\xef\xbb\xbfexam\tpatient\nE1\tP1\nE2\tP2\nE3\tP1\n",
    "quoted, over two lines": b'exam\tpatient\tnote\nE1\tP1\t"a\nb"\nE2\tP2\t"c\n\td"\n\nE3\tP1\t\xc3\xa9\n',
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_loses_rows_and_no_other_byte(tmp_path, name):
    sheet = tmp_path / "exams.tsv"
    sheet.write_bytes(SHEETS[name])
    text, rows = rows_without(sheet, about(("exam",), {"E2"}))
    assert rows == [3]
    start = SHEETS[name].index(b"E2")
    end = SHEETS[name].index(b"E3") - (1 if b"\n\n" in SHEETS[name] else 0)
    assert text.encode() == SHEETS[name][:start] + SHEETS[name][end:]
    assert rows_without(sheet, about(("exam", "breast"), {"E9"})) == (SHEETS[name].decode(), [])


@pytest.mark.parametrize("seed", range(20))
def test_what_stays_of_a_sheet_is_what_was_there(tmp_path, seed):
    chance = random.Random(seed)
    end = chance.choice(["\n", "\r\n"])
    rows = [f"E{n}\t{chance.choice(['', 'x', 'a b', chr(228)])}{end}" for n in range(chance.randint(1, 30))]
    gone = {f"E{n}" for n in range(len(rows)) if chance.random() < 0.4}
    sheet = tmp_path / "sheet.tsv"
    sheet.write_bytes(f"exam\tnote{end}{''.join(rows)}".encode())
    text, numbers = rows_without(sheet, about(("exam",), gone))
    assert text == f"exam\tnote{end}" + "".join(row for n, row in enumerate(rows) if f"E{n}" not in gone)
    assert numbers == [n + 2 for n in range(len(rows)) if f"E{n}" in gone]


def test_a_name_is_found_as_a_word_and_not_in_longer_names(tmp_path):
    wanted = words({"E1", "E1L", "dicom/one.two"})
    found = {
        "a": b"case E1: said",
        "b": b'"E1L_R2.nii.gz"',
        "c": b"results/intake/E1/intake.json",
        "d": b"dicom/one.two/IM1",
    }
    others = {"e": b"E12 E1R E1-B AE1", "f": b"dicom/oneXtwo", "g": b"\x00\xff"}
    for name, content in (found | others).items():
        (tmp_path / name).write_bytes(content)
    assert {path.name for path in naming(list(tmp_path.iterdir()), wanted)} == set(found)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of sheets alone: nothing has run."""
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    sheets = {name: f"{name}.tsv" for name in ("exams", "breasts", "readings")}
    config |= {
        "sheets": sheets,
        "raw": "data",
        "eligible": [],
        "phantom": None,
        "selection": None,
        "learning_curve": None,
    }
    config |= {"readers": {"test": ["R1", "R2", "R3"]}, "fold": {"folds": 2}, "segment": {"fraction": 0.5}}
    config |= {"arms": {"unet": {"network": "paper", "width": 2}}, "compare": config["compare"] | {"subgroups": []}}
    config |= {"train": config["train"] | {"negatives": "tumour_free_sections"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    of = {"E1": "P1", "E2": "P2", "E3": "P3", "E4": "P3b", "E5": "P5"}
    rows = [f"{exam}\t{patient}\tdicom/{exam}\t{'P3' if patient == 'P3b' else ''}" for exam, patient in of.items()]
    (tmp_path / "exams.tsv").write_text("\n".join(["exam\tpatient\tfolder\tsame_as", *rows]) + "\n")
    partition = {"E1": "development", "E2": "development", "E3": "test", "E4": "test", "E5": "development"}
    rows = [f"{exam}L\t{exam}\tleft\tmalignant\t{kind}" for exam, kind in partition.items()]
    (tmp_path / "breasts.tsv").write_text("\n".join(["breast\texam\tside\tlabel\tpartition", *rows]) + "\n")
    rows = [f"{exam}L\t{rater}\toutlines/{exam}L_{rater}.nii.gz" for exam in of for rater in ("R1", "R2", "R3")]
    (tmp_path / "readings.tsv").write_text("\n".join(["breast\trater\tfile", *rows]) + "\n")
    return tmp_path


def call(patient, yes=False):
    return forget.run(SimpleNamespace(config="config.yaml", patient=patient, yes=yes))


def sheets(folder):
    return {path.name: path.read_text() for path in folder.glob("*.tsv")}


def test_it_only_lists_until_it_is_told_to(study):
    before = sheets(study)
    said = call("P1")
    assert "exams.tsv, row: 2" in said and "readings.tsv, rows: 2 3 4" in said and "Nothing was removed" in said
    assert sheets(study) == before and not (study / "plan").exists()


def test_all_records_of_one_woman_go(study):
    for name in ("P3", "P3b"):
        said = call(name)
        assert "2 exams, 2 breasts" in said and "exams.tsv, rows: 4 5" in said
    assert "E3" in call("P3b", yes=True) and "E3" not in "".join(sheets(study).values())
    assert "E4" not in "".join(sheets(study).values()) and "E5L" in sheets(study)["readings.tsv"]
    when, patient, files = (study / "plan/forgotten.tsv").read_text().splitlines()[1].split("\t")
    assert (patient, files) == ("P3b", "0") and when.startswith("20")


def test_rows_that_an_external_test_leaves_out_go_too(study):
    """Of a woman with an exam in a cohort of neither kind, and of one who has no other exam."""
    lines = (study / "exams.tsv").read_text().splitlines()
    cohorts = dict(zip(("E1", "E2", "E5", "E3", "E4"), "AAABB", strict=True))
    lines = [lines[0] + "\tcohort", *(f"{line}\t{cohorts[line[:2]]}" for line in lines[1:])]
    lines += ["E6\tP1\tdicom/E6\t\tC", "E7\tP7\tdicom/E7\t\tC"]
    (study / "exams.tsv").write_text("\n".join(lines) + "\n")
    with (study / "breasts.tsv").open("a") as stream:
        stream.write("E6L\tE6\tleft\tmalignant\tdevelopment\nE7L\tE7\tleft\tmalignant\tdevelopment\n")
    with (study / "readings.tsv").open("a") as stream:
        stream.writelines(f"{name}L\tR1\toutlines/{name}L_R1.nii.gz\n" for name in ("E6", "E7"))
    config = yaml.safe_load((study / "config.yaml").read_text()) | {"train_on": ["A"], "test_on": ["B"]}
    (study / "config.yaml").write_text(yaml.safe_dump(config))
    (study / "data/dicom/E6").mkdir(parents=True)
    assert "dicom/E6" in call("P1")
    call("P7", yes=True)
    call("P1", yes=True)
    left = "".join(sheets(study).values())
    assert not any(name in left for name in ("E1", "E6", "E7", "P7")) and "E2L" in left and "E3L" in left


def test_who_is_not_there_and_a_study_that_cannot_be_without_her_are_refused(study):
    with pytest.raises(ConfigError, match="no patient of the exams sheet"):
        call("P9")
    call("P1", yes=True)
    before = sheets(study)
    with pytest.raises(ConfigError, match="mend that first:\n.*folds: 2 folds for 1 development patients"):
        call("P2", yes=True)
    assert sheets(study) == before


def test_it_waits_for_snakemake(study):
    (study / ".snakemake/locks").mkdir(parents=True)
    (study / ".snakemake/locks/0.input.lock").touch()
    with pytest.raises(ConfigError, match="Snakemake is at work"):
        call("P1", yes=True)
    assert "P1" in sheets(study)["exams.tsv"]


def test_the_sweeps_tables_and_caches_lose_her_and_what_persons_keep_is_named(study):
    private, raw = study / ".radparity", study / "results/raw"
    private.mkdir()
    raw.mkdir(parents=True)
    (private / "stat.json").write_text('{"data/dicom/E1": ["a", "b"], "data/dicom/E2": ["a", "b"]}')
    (private / "crosswalk.tsv").write_text("patient\tP1\n")
    (private / "cache.bin").write_bytes(b"\x00E1L\x00")
    (raw / "digests.tsv").write_text("path\tdigest\tbytes\ndicom/E1\taa\t1\ndicom/E2\tbb\t2\n")
    (study / "results/logs").mkdir()
    (study / "results/logs/one.log").write_text("E1L: done")
    (study / "results/logs/two.log").write_text("E2L: done")
    copies = [study / "results/report/interim/index.html", study / "results/share/report/cases/case-001.webp"]
    for copy in copies:  # they show her without her name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(b"a picture")
    (study / "plan").mkdir()
    (study / "plan/plan.json").write_text('"E1L"')
    (study / "plan/given.tsv").write_text("patient\tbreast\tpartition\tfold\nP1\t\tdevelopment\t1 of 2\nP2\t\ttest\t\n")
    (study / "releases").mkdir()
    (study / "releases/R1.tsv").write_text("# release R1\nbreast\nE1L\n")
    (study / "releases/R0.tsv").write_text("# release R0\nbreast\nE2L\n")
    for folder in ("made/train_fold/unet_1", "state/unet/1"):
        (private / folder).mkdir(parents=True)
        (private / folder / "weights").touch()
    said = call("P1", yes=True)
    assert (private / "stat.json").read_text() == '{\n"data/dicom/E2": [\n"a",\n"b"\n]\n}'
    assert (raw / "digests.tsv").read_text() == "path\tdigest\tbytes\ndicom/E2\tbb\t2\n"
    assert [path.name for path in (study / "results/logs").iterdir()] == ["two.log"]
    assert not any(copy.exists() for copy in copies)
    assert not (private / "cache.bin").exists() and not (private / "state").exists()
    assert not (private / "made/train_fold/unet_1").exists()
    assert (study / "plan/given.tsv").read_text() == "patient\tbreast\tpartition\tfold\nP2\t\ttest\t\n"
    assert (
        "releases/R1.tsv" in said and "releases/R0.tsv" not in said and "E1L" in (study / "releases/R1.tsv").read_text()
    )
    assert "plan/plan.json" in said and ".radparity/crosswalk.tsv" in said
    assert (study / "plan/plan.json").is_file() and (private / "crosswalk.tsv").is_file()
