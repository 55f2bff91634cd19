"""At a site: which breasts a folder holds, the images that show a lesion, and how an exam differs from the study's."""

import shutil

import numpy as np
import pytest
from dicoms import write_exam, write_multiframe
from outlines import PLANES, SECTIONS, Exam
from test_bundle import METHOD

from radparity.bundle.eligibility import rules_table, scanners
from radparity.criteria import Rule
from radparity.intake.exam import intake_exam
from radparity.intake.source import exam_files
from radparity.record import DataFault
from radparity.scaling import scanner_name
from radparity.seg.source import read_source
from radparity.site.exam import read_exam
from radparity.site.images import marked_images
from radparity.site.unlike import unlike

LEFT, RIGHT = (40.0, -20.0, 30.0), (-75.0, -20.0, 30.0)


def sides(folder):
    parts, refused = read_exam(folder)
    return [part.side or part.intake["laterality"] for part in parts], {side: fault.code for side, fault in refused}


@pytest.fixture
def stacks(tmp_path):
    """One series of two stacks, a breast each: files of the left, files of the right, as [phase][section]."""
    return write_exam(tmp_path / "e/left", origin=LEFT), write_exam(tmp_path / "e/right", origin=RIGHT)


def test_both_breasts_of_two_stacks_are_read(tmp_path, stacks):
    assert sides(tmp_path / "e") == (["left", "right"], {})


@pytest.mark.parametrize("broken", ["left", "right"])
def test_one_lost_image_of_a_breast_leaves_the_other(tmp_path, stacks, broken):
    other = {"left": "right", "right": "left"}[broken]
    stacks[broken == "right"][2][5].unlink()
    found, refused = sides(tmp_path / "e")
    assert found == [other] and refused == {broken: "sections_missing"}


def test_a_breast_with_too_few_phases_does_not_disappear(tmp_path, stacks):
    for phase in stacks[1][2:]:
        for path in phase:
            path.unlink()
    found, refused = sides(tmp_path / "e")
    assert found == ["left"] and list(refused) == ["right"]


def test_a_breast_with_images_that_are_no_dynamic_series_is_named(tmp_path):
    write_exam(tmp_path / "e/left", origin=LEFT, Laterality="L")
    assert sides(tmp_path / "e") == (["left"], {})
    write_exam(tmp_path / "e/right", phases=1, origin=RIGHT, Laterality="R", number=40)
    found, refused = sides(tmp_path / "e")
    assert found == ["left"] and list(refused) == ["right"]


def test_nothing_is_read_where_neither_breast_is_whole(tmp_path, stacks):
    for files in stacks:
        files[2][5].unlink()
    with pytest.raises(DataFault):
        read_exam(tmp_path / "e")


def test_no_path_stands_in_a_nameless_exam(tmp_path):
    files = write_exam(tmp_path / "e/DOE_JANE_19610304", origin=LEFT)
    shutil.copy(files[1][3], files[1][3].with_name("zz_copy.dcm"))
    for named in (True, False):
        (exam,), _ = read_exam(tmp_path / "e", named)
        (flag,) = (flag for flag in exam.intake["flags"] if flag["code"] == "file_twice")
        said = f"{flag['sentence']} {exam.intake['phases']} {sorted(exam.files)}"
        assert ("DOE" in said) == ("zz_copy" in said) == named
    files[2][5].unlink()
    with pytest.raises(DataFault) as error:
        read_exam(tmp_path / "e", named=False)
    assert "DOE" not in error.value.sentence


@pytest.mark.parametrize("plane", PLANES)
def test_images_bear_their_own_numbers_whatever_the_plane(tmp_path, plane):
    exam = Exam(tmp_path, plane)
    source = read_source(exam_files(tmp_path, "dicom"), [name.removeprefix("dicom/") for name in exam.names])
    drawn = np.zeros((SECTIONS, source.rows, source.columns), bool)
    drawn[2, 4:7, 5:9], drawn[3, 4:9, 5:9], drawn[4, 4, 5] = True, True, True
    # Instance k + 1 lies at place k.
    said = marked_images(exam.expected(drawn), source.affine, source)
    assert said == {"series": 1, "numbered_by": "instance number", "images": [3, 4, 5], "largest_image": 4}


def test_frames_of_one_file_bear_their_number_in_it(tmp_path):
    numbers = write_multiframe(tmp_path / "e/all.dcm")
    files = exam_files(tmp_path, "e")
    source = read_source(files, intake_exam(files)["phases"][1]["files"])
    mask = np.zeros(source.shape, bool)
    # Sagittal sections of the volume are counted from the patient's left, the file's frames towards her right.
    mask[3, 2:5, 2:5], mask[4, 2, 2] = True, True
    said = marked_images(mask, source.affine, source)
    assert said["numbered_by"] == "frame" and said["images"] == sorted(numbers[1][n] + 1 for n in (3, 4))
    assert said["largest_image"] == numbers[1][3] + 1


def test_what_the_study_left_out_or_never_saw_is_said(tmp_path):
    write_exam(tmp_path / "e", origin=LEFT, MagneticFieldStrength=0.5, ManufacturerModelName="Signa")
    intake = intake_exam(exam_files(tmp_path, "e"))
    field = Rule(name="field", fact="scanner.tesla", at_least=1.0, missing="exclude", label="benign")
    kept = Rule(name="planes", fact="plane", only=["sagittal"], missing="keep")
    name = scanner_name(intake)
    found = unlike(intake, METHOD.model_copy(update={"eligible": [kept, field], "scanners": scanners([intake] * 5)}))
    assert [flag["code"] for flag in found] == ["not_eligible"]
    assert "'field'" in found[0]["sentence"] and "at least 1, and this exam has 0.5" in found[0]["sentence"]
    (found,) = unlike(intake, METHOD.model_copy(update={"eligible": [kept], "scanners": scanners([intake] * 4)}))
    assert found["code"] == "scanner_not_trained_on" and name in found["sentence"]


def test_the_card_lists_every_rule():
    rules = [
        Rule(name="implant", column="implant", exclude=["yes"], missing="keep"),
        Rule(name="first", keep="first", label="malignant"),
        Rule(name="phases", fact="phase_count", at_least=3, at_most=8, missing="exclude"),
    ]
    assert rules_table(rules).rows == [
        ["implant", "implant (a column of the sheets) none of: yes", "all", "stays"],
        ["first", "the first of each patient's exams", "malignant", ""],
        ["phases", "phase_count at least 3 and at most 8", "all", "leaves"],
    ]
