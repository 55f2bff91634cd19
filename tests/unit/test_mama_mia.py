"""The sheets of MAMA-MIA's layout: sides, partitions and times by its table, and volumes that the study takes."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml
from niftis import volume, write
from openpyxl import Workbook

from radparity import __main__ as command
from radparity.config import ConfigError
from radparity.convert import convert_exam
from radparity.image import load
from radparity.intake.nifti_exam import intake_nifti
from radparity.intake.source import exam_files
from radparity.mama_mia import pseudonym, read_table, write_sheets
from radparity.outline import outline_case
from radparity.sheets import Breast, Exam, Reading, check, read

CONFIG = Path(__file__).parents[2] / "config.yaml"
SHAPE = (40, 14, 17)
SECONDS = {0: "[0, 584, 714]", 1: "[0, 90.5, 181, 272]"}
# Name, dataset, origin x in mm (RAS; the volume is 39 steps wide), step, sections of the lesion, side that is expected.
CASES = [
    ("DUKE_001", "DUKE", -120.0, 6.0, (5, 9), "left"),
    ("DUKE_002", "DUKE", -120.0, 6.0, (30, 33), "right"),
    ("ISPY1_1001", "ISPY1", 15.0, 3.0, (5, 9), "right"),
    ("ISPY2_100899", "ISPY2", -130.0, 3.0, (30, 33), "left"),
    ("NACT_01", "NACT", -15.0, 3.0, (1, 2), "right"),  # a little over the midline: the volume tells
    ("NACT_02", "NACT", 400.0, 6.0, (30, 33), "right"),  # both breasts, the origin lost
]
NOT_COPIED = ("1984/10/13", "1.3.6.1.4.1.14519.5.2.1.185777849803665244536713316058283493877")
COLUMNS = (
    "patient_id dataset age view site manufacturer scanner_model acquisition_times acquisition_date tcia_series_uid"
)


def silent(what):
    return lambda done, total: None


def table():
    rows = [COLUMNS.split()]
    for number, (name, dataset, *_) in enumerate(CASES):
        view = "axial" if dataset == "DUKE" else "sagittal"
        rows.append([name, dataset, 41, view, None, "GE", "Signa HDxt", SECONDS[number % 2], *NOT_COPIED])
    return rows


def workbook(path, rows):
    book = Workbook()
    book.active.title = "about"
    sheet = book.create_sheet("dataset_info")
    for row in rows:
        sheet.append(row)
    book.save(path)


@pytest.fixture
def folder(tmp_path):
    """As the collection comes: folders in capitals, files of Duke in small letters."""
    root = tmp_path / "mama"
    for number, (name, dataset, start, step, lesion, _) in enumerate(CASES):
        affine = np.diag([step, 0.8, 0.9, 1.0])
        affine[0, 3] = start
        called = name.lower() if dataset == "DUKE" else name
        for phase in range(3 + number % 2):
            write(root / f"images/{name}/{called}_{phase:04d}.nii.gz", volume(phase % 7, SHAPE), affine)
        mask = np.zeros(SHAPE, np.uint8)
        mask[lesion[0] : lesion[1] + 1, 4:9, 5:8] = 1
        write(root / f"segmentations/expert/{called}.nii.gz", mask, affine)
    workbook(root / "clinical_and_imaging_info.xlsx", table())
    (root / "train_test_splits.csv").write_text("train_split,test_split\nDUKE_002,DUKE_001\nNACT_01,ISPY1_1001\n")
    return root


def sheets(out):
    return [
        read(out / f"{name}.tsv", kind) for name, kind in (("exams", Exam), ("breasts", Breast), ("readings", Reading))
    ]


def test_sides_partitions_and_ids(folder, tmp_path):
    said = write_sheets(folder, tmp_path / "own", silent)
    exams, breasts, readings = sheets(tmp_path / "own")
    check(exams, breasts, readings, ["EXPERT"])
    assert [row.exam for row in exams] == ["DUKE-001", "DUKE-002", "ISPY1-1001", "ISPY2-100-899", "NACT-01", "NACT-02"]
    assert [row.side for row in breasts] == [case[-1] for case in CASES]
    assert {row.exam for row in breasts if row.partition == "test"} == {"DUKE-001", "ISPY1-1001"}
    assert {row.label for row in breasts} == {"malignant"} and {row.rater for row in readings} == {"EXPERT"}
    assert "6 exams" in said[0] and "2 left, 4 right" in said[0] and any("CC BY-NC" in line for line in said)
    written = "".join(path.read_text() for path in [*(tmp_path / "own").iterdir(), folder / "radparity/times.tsv"])
    assert not any(secret in written for secret in NOT_COPIED)


def test_what_was_written_goes_through_intake_convert_and_outline(folder, tmp_path):
    write_sheets(folder, tmp_path / "own", silent)
    exams, breasts, readings = sheets(tmp_path / "own")
    for number, (exam, breast, reading) in enumerate(zip(exams, breasts, readings, strict=True)):
        files = exam_files(folder, exam.folder)
        record = intake_nifti(files, folder / exam.times, exam.exam)
        assert [phase["time_s"] for phase in record["phases"]] == yaml.safe_load(SECONDS[number % 2])
        assert record["plane"] == ("axial" if exam.exam.startswith("DUKE") else "sagittal")
        convert_exam(files, record, tmp_path / "phases.nii.gz")
        phases, affine = load(tmp_path / "phases.nii.gz", None)
        assert phases.shape == (*SHAPE, 3 + number % 2)
        found = outline_case({"expert": folder / reading.file}, SHAPE, affine, SHAPE, affine, 2)
        assert found.native["expert"].sum() == 15 * (CASES[number][4][1] - CASES[number][4][0] + 1)
        assert record["laterality"] in (breast.side, "both", None)


def test_a_table_saved_as_text_says_the_same(folder, tmp_path):
    before = read_table(folder)
    (folder / "clinical_and_imaging_info.xlsx").unlink()
    with (folder / "clinical_and_imaging_info.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(table())
    assert read_table(folder) == before and before[1]["acquisition_times"] == SECONDS[1]


def test_what_lacks_something_is_left_out_and_counted(folder, tmp_path):
    rows = table()
    rows[1][7], rows[2][7] = "", "[0, soon]"
    workbook(folder / "clinical_and_imaging_info.xlsx", rows)
    (folder / "segmentations/expert/ISPY1_1001.nii.gz").unlink()
    (folder / "segmentations/expert/ISPY2_100899.nii.gz").write_bytes(b"cut")
    write(folder / "segmentations/expert/NACT_01.nii.gz", np.zeros(SHAPE, np.uint8))
    (folder / "train_test_splits.csv").unlink()
    said = write_sheets(folder, tmp_path / "own", silent)
    assert [row.exam for row in sheets(tmp_path / "own")[0]] == ["NACT-02"]
    assert {line for line in said if line.startswith("left out")} == {
        "left out: 2 without times in the table",
        "left out: 1 without an outline by the expert",
        "left out: 1 with an outline that cannot be read",
        "left out: 1 with an outline that marks nothing",
    }
    assert any("no case is for the test" in line for line in said)
    (folder / "images/NACT_02").rename(folder / "images/other")
    with pytest.raises(ConfigError, match="none of the 6 cases can be used: .*1 without images"):
        write_sheets(folder, tmp_path / "own", silent)


def test_tuning_cases_are_drawn_by_name_and_stay(folder, tmp_path):
    write_sheets(folder, tmp_path / "one", silent)
    rows = table()
    workbook(folder / "clinical_and_imaging_info.xlsx", [rows[0], *reversed(rows[1:])])
    write_sheets(folder, tmp_path / "two", silent)
    drawn = [{row.exam: row.partition for row in sheets(tmp_path / name)[1]} for name in ("one", "two")]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ISPY2_100899", "ISPY2-100-899"), ("DUKE_001", "DUKE-001"), ("ISPY1_1001", "ISPY1-1001"), ("A_12345", "A-12345")],
)
def test_every_id_of_the_collection_becomes_a_pseudonym(name, expected):
    assert pseudonym(name) == expected == Exam(exam=pseudonym(name), patient=pseudonym(name), folder="f").exam


def test_the_command_says_what_is_wrong(folder, tmp_path, capsys):
    assert command.main(["mama_mia", str(folder), "--out", str(tmp_path / "own")]) == 0
    assert f"raw: {folder}" in capsys.readouterr().out
    rows = table()
    rows[0][7] = "times"
    workbook(folder / "clinical_and_imaging_info.xlsx", rows)
    assert command.main(["mama_mia", str(folder), "--out", str(tmp_path / "own")]) == 2
    assert "no column acquisition_times" in capsys.readouterr().err
    assert command.main(["mama_mia", str(tmp_path), "--out", str(tmp_path / "own")]) == 2
    assert "holds no clinical_and_imaging_info.xlsx" in capsys.readouterr().err
    assert command.main(["mama_mia", str(folder), "--out", str(tmp_path / "results/own")]) == 2
