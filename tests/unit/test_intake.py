"""Intake: phases with times from every layout, roles, geometry and record, on exams written for the purpose."""

import json
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicoms import SHAPE, pixels, write_exam, write_image, write_multiframe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radparity.faults import FAULTS
from radparity.intake.exam import intake_exam
from radparity.intake.geometry import along, normal, plane
from radparity.intake.headers import read_headers, seconds
from radparity.intake.source import exam_files
from radparity.record import DataFault


def intake(folder, **options):
    return intake_exam(exam_files(folder.parent, folder.name), **options)


def fault(folder, **options):
    with pytest.raises(DataFault) as error:
        intake(folder, **options)
    assert error.value.code in FAULTS and not FAULTS[error.value.code].flag
    return error.value


def flags(record):
    assert all(FAULTS[flag["code"]].flag and flag["sentence"] for flag in record["flags"])
    return {flag["code"] for flag in record["flags"]}


def times(record):
    return [phase["time_s"] for phase in record["phases"]]


@pytest.mark.parametrize(
    ("layout", "split_by", "timed_by", "wanted"),
    [
        ("trigger", "TemporalPositionIdentifier", "TriggerTime", [0, 90, 180, 270]),
        ("trigger only", "TriggerTime", "TriggerTime", [0, 90, 180, 270]),
        ("content", "ContentTime", "ContentTime", [0, 120, 240, 360]),
        ("acquisition", "AcquisitionNumber", "AcquisitionTime", [0, 120, 240, 360]),
        ("moment", "AcquisitionDateTime", "AcquisitionDateTime", [0, 120, 240, 360]),
        ("instance", "InstanceNumber", "unknown", [None] * 4),
        ("series", "SeriesNumber", "AcquisitionTime", [0, 120, 240, 360]),
        ("described", "SeriesNumber", "SeriesDescription", [0, 20.3, 40.6, 60.9]),
        ("pre and posts", "TriggerTime", "AcquisitionTime and TriggerTime", [0, 240, 330, 420]),
    ],
)
def test_phases_and_times_from_every_layout(tmp_path, layout, split_by, timed_by, wanted):
    files = write_exam(tmp_path / "e", layout=layout)
    found = intake(tmp_path / "e")
    assert times(found) == wanted
    assert (found["split_by"], found["timed_by"], found["phase_count"]) == (split_by, timed_by, 4)
    # the normal of a sagittal image points to the patient's right, the sections are written towards the left
    seen = [[tmp_path / "e" / name for name in reversed(phase["files"])] for phase in found["phases"]]
    assert seen == files
    assert not found["flags"] or flags(found) == {"laterality_unknown"}


@pytest.mark.parametrize(
    ("time", "timed_by", "wanted"),
    [
        ("moment", "AcquisitionDateTime", [0, 120, 240, 360]),
        ("offset", "TemporalPositionTimeOffset", [0, 75.5, 151, 226.5]),
        ("none", "unknown", [None] * 4),
    ],
)
def test_enhanced_multiframe_files(tmp_path, time, timed_by, wanted):
    frames = write_multiframe(tmp_path / "e/one", time=time, laterality="R")
    found = intake(tmp_path / "e")
    assert times(found) == wanted and found["timed_by"] == timed_by
    assert [p["files"] for p in found["phases"]] == [[f"one#{n}" for n in phase] for phase in frames]
    assert (found["in_plane_mm"], found["section_mm"], found["laterality"]) == ([0.7, 0.8], 3.0, "right")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(4)), st.sampled_from(["series", "described"]), st.integers(0, 9999))
def test_neither_file_names_nor_series_numbers_decide_where_times_do(tmp_path, order, layout, seed):
    folder = tmp_path / f"{layout}{seed}{order}"
    shutil.rmtree(folder, ignore_errors=True)
    generator = np.random.default_rng(seed)
    truth = {}
    for phase, number in enumerate(order):
        for section, name in enumerate(generator.permutation(10)):
            tags = {
                "series": {"AcquisitionTime": f"10{2 * phase:02d}30"},
                "described": {"SeriesDescription": f"dyn_TT={60 * phase}.0s"},
            }[layout]
            path = folder / f"{generator.integers(10**9)}-{name}"
            write_image(
                path, pixels(phase, section), position=(3.0 * section, 0, 0), series=5 + number,
                instance=section + 1, **tags,
            )  # fmt: skip
            truth[path.name] = (phase, section)
    found = intake(folder)
    seen = [[truth[name] for name in phase["files"]] for phase in found["phases"]]
    assert seen == [[(phase, section) for section in range(9, -1, -1)] for phase in range(4)]
    assert times(found) == ([0, 120, 240, 360] if layout == "series" else [0, 60, 120, 180])
    assert ("series_order" in flags(found)) == (list(order) != sorted(order))


def test_the_record_is_plain_and_names_no_patient_or_day(tmp_path):
    write_exam(tmp_path / "e", PatientID="MRN-4711", AccessionNumber="ACC-99", ReceiveCoilName="8CH BREAST")
    found = intake(tmp_path / "e")
    text = json.dumps(found)
    assert json.loads(text) == found
    for secret in ("4711", "ACC-99", "20050101", "1.2.826", "1.2.840"):
        assert secret not in text
    assert found["scanner"] == {"manufacturer": "GE MEDICAL SYSTEMS", "model": "", "tesla": 1.5, "coil": "8CH BREAST"}
    assert (found["sections"], found["matrix"], found["section_mm"]) == (12, [20, 24], 3.0)
    assert (found["x_range_mm"], found["plane"], found["oblique_degrees"]) == ([-10, 23], "sagittal", 0)
    assert found["series"][0]["file"] == "s00/000.dcm" and found["series"][0]["images"] == 48


@pytest.mark.parametrize(
    ("orientation", "name", "degrees"),
    [
        ((0, 1, 0, 0, 0, -1), "sagittal", 0),
        ((1, 0, 0, 0, 1, 0), "axial", 0),
        ((1, 0, 0, 0, 0, -1), "coronal", 0),
        ((0, 0.9848, -0.1736, 0, -0.1736, -0.9848), "sagittal", 0),
        ((0.1736, 0.9848, 0, 0, 0, -1), "sagittal", 10),
    ],
)
def test_planes_and_the_order_of_sections(tmp_path, orientation, name, degrees):
    across = np.cross(orientation[:3], orientation[3:])
    for phase in range(3):
        for section in range(SHAPE[0]):
            write_image(
                tmp_path / f"e/{phase}_{(7 * section) % 12:02d}", pixels(phase, section), orientation=orientation,
                position=tuple(across * 3.0 * section + (5, -7, 11)), spacing=(1.0, 1.25),
                instance=phase * SHAPE[0] + section + 1, TriggerTime=60_000.0 * phase,
            )  # fmt: skip
    found = intake(tmp_path / "e")
    assert (found["plane"], found["in_plane_mm"]) == (name, [1.0, 1.25])
    assert found["section_mm"] == pytest.approx(3, abs=1e-3)
    assert found["oblique_degrees"] == pytest.approx(degrees, abs=0.01)
    assert found["phases"][1]["files"] == [f"1_{(7 * section) % 12:02d}" for section in range(SHAPE[0])]


def test_other_series_are_told_apart_with_reasons(tmp_path):
    folder = tmp_path / "e"
    write_exam(folder)
    for section in range(SHAPE[0]):
        where = {"position": (3.0 * section, 0, 0), "instance": section + 1}
        write_image(folder / f"t2/{section}.dcm", pixels(0, 0), series=20, RepetitionTime=4000.0, **where)
        write_image(folder / f"sub/{section}.dcm", pixels(0, 0), series=21, ImageType=["DERIVED", "SECONDARY"], **where)
    (folder / "readme.txt").write_text("no image")
    found = intake(folder)
    assert {s["number"]: s["role"] for s in found["series"]} == {1: "dynamic", 20: "t2", 21: "derived"}
    assert all(s["reason"] for s in found["series"]) and found["other_files"] == 1
    assert len(found["phases"]) == 4


def test_a_person_decides_over_the_rules(tmp_path):
    write_exam(tmp_path / "e", RepetitionTime=1200.0, SeriesDescription="unheard of")
    assert fault(tmp_path / "e").code == "no_dynamic_series"
    found = intake(tmp_path / "e", roles={1: "dynamic"})
    assert times(found) == [0, 90, 180, 270] and "person" in found["series"][0]["reason"]


@pytest.mark.parametrize(("written", "tesla"), [(15000, 1.5), (1.5, 1.5), ("3", 3.0), (None, None)])
def test_field_strength_in_tesla_or_gauss(tmp_path, written, tesla):
    write_exam(tmp_path / "e", phases=3, MagneticFieldStrength=written, MRAcquisitionType=None)
    assert intake(tmp_path / "e")["scanner"]["tesla"] == tesla


@pytest.mark.parametrize(
    ("text", "value"), [("101530.5", 36930.5), ("10:15:30", 36930.0), ("", None), ("101", None), ("abcdef", None)]
)
def test_dicom_times(text, value):
    assert seconds(text) == value


SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real data are not here")


@shared
@pytest.mark.parametrize(("number", "apart"), [(2, 1.0), (3, 1.35)])
def test_real_ge_multiphase_series(number, apart):
    """Interleaved sections, each with a trigger time of its own; the delay between phases is in the series' name."""
    folder = next((SHARED / "ge_multiphase").glob(f"{number}_*"))
    found = intake(folder, roles={number: "dynamic"})
    assert (found["split_by"], found["timed_by"]) == ("TemporalPositionIdentifier", "TriggerTime")
    assert times(found) == pytest.approx([apart * phase for phase in range(10)], abs=1e-6)
    for phase, files in enumerate(p["files"] for p in found["phases"]):
        instances = [pydicom.dcmread(folder / name, stop_before_pixels=True).InstanceNumber for name in files]
        assert instances == list(range(10 * phase + 10, 10 * phase, -1))


@shared
def test_real_oblique_ge_geometry_is_that_of_its_reference_nifti():
    nibabel = pytest.importorskip("nibabel")
    images, _ = read_headers(exam_files(SHARED / "ge_sagittal_geometry_dicom2nifti", "001"))
    affine = nibabel.load(SHARED / "ge_sagittal_geometry_dicom2nifti/001_ground_truth.nii.gz").affine
    assert plane(images[0]) == ("sagittal", pytest.approx(np.degrees(np.arctan(0.0530167 / 0.998594)), abs=0.01))
    across = normal(images[0]) * [-1, -1, 1]
    sections = affine[:3, int(np.argmax(np.abs(across @ affine[:3, :3])))]
    assert abs(across @ sections / np.linalg.norm(sections)) == pytest.approx(1, abs=1e-6)
    steps = np.diff(sorted(along(image) for image in images))
    assert steps == pytest.approx(np.linalg.norm(sections), abs=1e-3)


@shared
@pytest.mark.parametrize("early", [True, False])
def test_the_real_siemens_series_per_frame_layout(tmp_path, early):
    """A real TWIST header, its volume written out: TT of the descriptions times the phases, not the creation times."""
    real = pydicom.dcmread(SHARED / "qin_breast_dce_samples/dicom_slices/12.dcm")
    first = 0 if early else 1
    for frame, stated in enumerate((0.0, 172.7, 190.2, 608.1)[first:]):
        real.SeriesDescription = f"twist_20s_dyn_TRA (h20 ex B17)_TT={stated}s"
        real.SeriesNumber, real.AcquisitionNumber = 15 + 8 * frame, frame + 1
        real.SeriesInstanceUID = f"1.2.3.{frame}"
        real.AcquisitionTime = f"2031{48 + frame}.25"
        for section in range(10):
            real.ImagePositionPatient = [-157.6, -143.3, 1.4 * section]
            real.SOPInstanceUID = real.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{frame}.{section + 1}"
            real.InstanceNumber = section + 1
            (tmp_path / "e").mkdir(exist_ok=True)
            real.save_as(tmp_path / f"e/{frame}-{section}")
    found = intake(tmp_path / "e")
    assert times(found) == pytest.approx([0, 172.7, 190.2, 608.1] if early else [0, 17.5, 435.4])
    assert (found["timed_by"], found["plane"]) == ("SeriesDescription", "axial")
    assert found["scanner"]["model"] == "TrioTim" and found["laterality"] == "both"
