"""Every fault and every flag of intake, each built in an exam of its own."""

import shutil

import numpy as np
import pydicom
import pytest
from dicoms import SHAPE, pixels, write_exam, write_image
from test_intake import fault, flags, intake, times

from radparity.intake.exam import intake_exam
from radparity.intake.headers import read_headers
from radparity.intake.source import exam_files


def change(paths, **tags):
    """Set tags in files; None deletes."""
    for path in paths:
        data = pydicom.dcmread(path)
        for name, value in tags.items():
            if value is None:
                delattr(data, name)
            else:
                setattr(data, name, value)
        data.save_as(path)


@pytest.fixture
def exam(tmp_path):
    return tmp_path / "e"


def volume(folder, phase=7, sections=SHAPE[0], **tags):
    """A further series of one volume."""
    for section in range(sections):
        where = {"position": (-10 + 3.0 * section, -20, 30), "instance": section + 1}
        write_image(folder / f"v{section:02d}", pixels(phase, section), **(where | tags))


def test_no_dicom(exam):
    assert fault(exam).code == "no_dicom"
    exam.mkdir()
    (exam / "a.txt").write_text("x")
    (exam / "empty.dcm").write_bytes(b"")
    assert "2 other files" in fault(exam).sentence


def test_several_patients(exam):
    write_exam(exam)
    volume(exam / "more", series=5, PatientID="P2")
    found = fault(exam)
    assert found.code == "several_patients" and "P2" not in found.sentence
    joined = intake_exam(exam_files(exam.parent, exam.name), one_patient=True)
    assert joined["phase_count"] == 5 and "patient_ids_joined" in flags(joined)


def test_images_without_an_id_beside_a_patient(exam):
    write_exam(exam)
    volume(exam / "more", series=5, PatientID=None, RepetitionTime=4000.0)
    assert intake(exam)["phase_count"] == 4
    change((exam / "more").iterdir(), StudyInstanceUID="1.2.3")
    assert fault(exam).code == "several_patients"


@pytest.mark.parametrize("other", ["p1", " P1 ", "0P1"])
def test_one_patient_id_in_several_spellings(exam, other):
    change(write_exam(exam)[1], PatientID=other)
    assert flags(intake(exam)) == {"patient_id_spelling", "laterality_unknown"}


def test_several_exams(exam):
    write_exam(exam / "a", layout="series")
    write_exam(exam / "b", layout="series", StudyInstanceUID="1.2.3", StudyDate="20060101", number=20)
    assert fault(exam).code == "several_exams"


@pytest.mark.parametrize(("day", "frame"), [("20050101", "1.2.9"), ("20050102", None), (None, None)])
def test_one_exam_under_two_studies(exam, day, frame):
    files = write_exam(exam, layout="series")
    tags = {"StudyInstanceUID": "1.2.3", "StudyDate": day} | ({"FrameOfReferenceUID": frame} if frame else {})
    change(files[2] + files[3], **tags)
    if day is None:
        change(files[0] + files[1], StudyDate=None)
    found = intake(exam)
    assert times(found) == [0, 120, 240, 360] and "several_studies" in flags(found)


def test_two_studies_without_dates_or_a_common_frame(exam):
    files = write_exam(exam, layout="series", StudyDate=None)
    change(files[2], StudyInstanceUID="1.2.3", FrameOfReferenceUID="1.2.9")
    assert fault(exam).code == "several_exams"


def test_only_derived_series(exam):
    write_exam(exam, ImageType=["DERIVED", "PRIMARY"])
    found = fault(exam)
    assert found.code == "no_dynamic_series" and "ImageType holds DERIVED" in found.sentence


def test_a_truncated_file_is_named(exam):
    files = write_exam(exam)
    files[1][3].write_bytes(files[1][3].read_bytes()[:-100])
    found = fault(exam)
    assert found.code == "truncated_file" and "s01/003.dcm" in found.sentence


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4, 0.5, 0.6])
def test_a_file_cut_inside_its_header_is_named(exam, share):
    files = write_exam(exam)
    whole = files[0][5].read_bytes()
    header = len(whole) - 2 * SHAPE[1] * SHAPE[2]
    files[0][5].write_bytes(whole[: int(132 + share * (header - 132))])
    found = fault(exam)
    assert found.code == "truncated_file" and "s00/005.dcm" in found.sentence


def test_a_truncated_file_elsewhere_does_not_matter(exam):
    write_exam(exam)
    volume(exam / "t2", series=5, RepetitionTime=4000.0)
    (exam / "t2/v03").write_bytes((exam / "t2/v03").read_bytes()[:-50])
    found = intake(exam)
    assert "truncated_elsewhere" in flags(found) and found["phase_count"] == 4


def test_a_truncated_copy_of_a_whole_file_does_not_matter(exam):
    files = write_exam(exam)
    (exam / "a-copy").write_bytes(files[0][0].read_bytes()[:-50])
    found = intake(exam)
    assert "file_twice" in flags(found) and "s00/000.dcm" in found["phases"][0]["files"]


@pytest.mark.parametrize("tag", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
@pytest.mark.parametrize("everywhere", [True, False])
def test_missing_geometry(exam, tag, everywhere):
    files = write_exam(exam)
    change(sum(files, []) if everywhere else files[1][:2], **{tag: None})
    assert fault(exam).code == "geometry_missing"


def test_a_file_twice(exam):
    files = write_exam(exam)
    for number, file in enumerate(files[0]):
        shutil.copy(file, exam / f"again{number}")
    found = intake(exam)
    assert "file_twice" in flags(found) and "12 images" in found["flags"][0]["sentence"]
    assert times(found) == [0, 90, 180, 270] and len(sum((p["files"] for p in found["phases"]), [])) == 48


def test_an_exam_sent_twice_under_new_identifiers(exam):
    write_exam(exam / "a", layout="series")
    write_exam(exam / "b", layout="series", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")
    for phase, folder in enumerate(sorted((exam / "b").iterdir())):
        change(folder.iterdir(), SeriesInstanceUID=f"1.2.3.{phase}")
    found = intake(exam)
    assert {"image_twice", "several_studies"} <= flags(found) and times(found) == [0, 120, 240, 360]
    assert len({name.split("/")[0] for phase in found["phases"] for name in phase["files"]}) == 1


def test_copies_that_differ(exam):
    files = write_exam(exam)
    shutil.copy(files[0][0], exam / "again.dcm")
    data = pydicom.dcmread(exam / "again.dcm")
    data.PixelData = bytes(len(data.PixelData))
    data.save_as(exam / "again.dcm")
    assert fault(exam).code == "copies_differ"


@pytest.mark.parametrize("layout", ["trigger", "series"])
def test_two_different_images_of_one_section(exam, layout):
    files = write_exam(exam, layout=layout)
    shutil.copy(files[1][4], exam / "other.dcm")
    change([exam / "other.dcm"], SOPInstanceUID="1.2.3", InstanceNumber=999, PixelData=bytes(960))
    assert fault(exam).code == "section_repeated"


@pytest.mark.parametrize("layout", ["trigger", "content", "instance", "series", "described"])
def test_a_missing_section(exam, layout):
    write_exam(exam, layout=layout)[2][4].unlink()
    assert fault(exam).code == "sections_missing"


def test_the_same_section_missing_in_every_phase(exam):
    for phase in write_exam(exam):
        phase[4].unlink()
    assert fault(exam).code == "section_gap"


@pytest.mark.parametrize("layout", ["trigger", "content", "instance", "series", "described", "pre and posts"])
def test_an_interrupted_last_phase_is_left_out(exam, layout):
    for section in write_exam(exam, layout=layout)[3][9:]:
        section.unlink()
    found = intake(exam)
    whole = {"trigger": [0, 90, 180], "instance": [None] * 3, "described": [0, 20.3, 40.6]}
    assert times(found) == whole.get(layout, [0, 240, 330] if layout == "pre and posts" else [0, 120, 240])
    assert "phase_dropped" in flags(found)


@pytest.mark.parametrize("layout", ["trigger", "series"])
def test_an_interrupted_third_phase_leaves_too_few(exam, layout):
    for section in write_exam(exam, phases=3, layout=layout)[2][9:]:
        section.unlink()
    assert fault(exam).code == "phase_interrupted"


@pytest.mark.parametrize("layout", ["trigger", "series"])
def test_two_phases_are_too_few(exam, layout):
    write_exam(exam, phases=2, layout=layout)
    assert fault(exam).code == "too_few_phases"


def test_sections_that_do_not_lie_over_one_another(exam):
    for phase in write_exam(exam, layout="series"):
        for section, path in enumerate(phase):
            change([path], ImagePositionPatient=[3.0 * section, 0.4 * section, 0])
    assert fault(exam).code == "sections_shifted"


def test_a_phase_that_was_planned_elsewhere(exam):
    for path in (files := write_exam(exam, layout="series"))[2]:
        x, y, z = pydicom.dcmread(path).ImagePositionPatient
        change([path], ImagePositionPatient=[x + 0.4, y, z])
    assert len(files) == 4 and fault(exam, roles=dict.fromkeys(range(9, 13), "dynamic")).code == "phases_shifted"


@pytest.mark.parametrize(("tag", "code"), [("matrix", "mixed_matrix"), ("spacing", "mixed_spacing")])
@pytest.mark.parametrize("separated", [True, False])
def test_a_series_of_two_grids(exam, tag, code, separated):
    write_exam(exam)
    for section in range(SHAPE[0]):
        write_image(
            exam / f"odd{section:02d}", pixels(0, section)[: 10 if tag == "matrix" else None],
            position=(-10.0 + 3.0 * section, -20, 30), spacing=(1.0, 1.0) if tag == "matrix" else (0.5, 0.5),
            instance=100 + section, TriggerTime=0.0, TemporalPositionIdentifier=1,
            AcquisitionNumber=7 if separated else None,
        )  # fmt: skip
    if separated:
        found = intake(exam)
        assert "acquisition_left_out" in flags(found) and times(found) == [0, 90, 180, 270]
        assert (found["matrix"], found["in_plane_mm"]) == ([20, 24], [1, 1])
    else:
        assert fault(exam).code == code


def test_two_echoes_are_no_phases(exam):
    write_exam(exam, phases=3, layout="instance")
    for path in [p for phase in range(3) for p in sorted((exam / f"s{phase:02d}").iterdir())]:
        data = pydicom.dcmread(path)
        data.EchoTime, data.SOPInstanceUID = 4.4, data.SOPInstanceUID + ".1"
        data.InstanceNumber += 36
        data.save_as(path.with_suffix(".second"))
    assert fault(exam).code == "mixed_contrasts"


def test_series_in_no_order(exam):
    files = write_exam(exam, layout="series", SeriesNumber=3, AcquisitionTime=None)
    assert fault(exam, roles={3: "dynamic"}).code == "phase_order_unknown"
    for phase, paths in enumerate(files):
        change(paths, SeriesTime=f"10{2 * phase:02d}00")
    assert times(intake(exam, roles={3: "dynamic"})) == [0, 120, 240, 360]


def test_the_unsure_side(exam):
    write_exam(exam)
    assert flags(intake(exam)) == {"laterality_unknown"}


def test_a_side_that_disagrees_with_the_position(exam):
    write_exam(exam, origin=(40.0, -20.0, 30.0), Laterality="R")
    found = intake(exam)
    assert flags(found) == {"laterality_disagrees"} and found["laterality"] == "right"
    assert found["x_range_mm"] == [40, 73]


def test_lossy_compression(exam):
    change(write_exam(exam, Laterality="L")[0], LossyImageCompression="01")
    assert flags(intake(exam)) == {"lossy_compression"}


def test_other_objects_are_no_images(exam):
    write_exam(exam)
    write_image(exam / "sr", np.zeros((2, 2)), position=(0, 0, 0), Rows=None, Columns=None, PixelData=None,
                ImagePositionPatient=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")  # fmt: skip
    headers, others = read_headers(exam_files(exam.parent, "e"))
    assert others == ["sr"] and len(headers) == 48
