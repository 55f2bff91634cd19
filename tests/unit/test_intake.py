"""Intake and conversion: phases, times, roles, faults and geometry, on exams written for the purpose."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicoms import SHAPE, pixels, write_exam, write_image

from radparity.convert import convert_exam
from radparity.image import load
from radparity.intake.exam import intake_exam
from radparity.intake.headers import read_headers, seconds
from radparity.record import DataFault


def fault(folder):
    with pytest.raises(DataFault) as error:
        intake_exam(folder)
    return error.value


@pytest.mark.parametrize(
    ("layout", "timed_by", "times"),
    [
        ("trigger", "TriggerTime", [0, 90, 180, 270]),
        ("content", "ContentTime", [0, 120, 240, 360]),
        ("series", "AcquisitionTime", [0, 120, 240, 360]),
    ],
)
def test_phases_and_times_from_every_layout(tmp_path, layout, timed_by, times):
    files = write_exam(tmp_path, layout=layout)
    found = intake_exam(tmp_path)
    assert [phase["time_s"] for phase in found["phases"]] == times
    assert found["timed_by"] == timed_by and found["plane"] == "sagittal"
    for phase, wanted in zip(found["phases"], files, strict=True):
        assert {tmp_path / name for name in phase["files"]} == set(wanted)


def test_series_numbers_are_numbers_not_text(tmp_path):
    write_exam(tmp_path, layout="series")  # series 9 (before contrast), 10, 11, 12: as text 10 would come first
    first = intake_exam(tmp_path)["phases"][0]["files"]
    assert all(pydicom.dcmread(tmp_path / name).SeriesNumber == 9 for name in first)


def test_times_over_midnight(tmp_path):
    for phase, time in enumerate(("235800", "235930", "000100")):
        for section in range(SHAPE[0]):
            write_image(
                tmp_path / f"{phase}_{section}.dcm", pixels(phase, section), position=(3.0 * section, 0, 0),
                instance=phase * SHAPE[0] + section, ContentTime=time, AcquisitionNumber=phase + 1,
            )  # fmt: skip
    assert [phase["time_s"] for phase in intake_exam(tmp_path)["phases"]] == [0, 90, 180]


def test_other_series_are_told_apart_with_reasons(tmp_path):
    write_exam(tmp_path)
    for section in range(SHAPE[0]):
        where = {"position": (3.0 * section, 0, 0), "instance": section + 1}
        write_image(tmp_path / f"t2/{section}.dcm", pixels(0, 0), series=20, RepetitionTime=4000.0, **where)
        write_image(
            tmp_path / f"sub/{section}.dcm", pixels(0, 0), series=21, ImageType=["DERIVED", "SECONDARY"], **where
        )
        turned = {"orientation": (1, 0, 0, 0, 1, 0)} if section % 2 else {}
        write_image(tmp_path / f"loc/{section}.dcm", pixels(0, 0), series=22, **where, **turned)
        write_image(tmp_path / f"mip/{section}.dcm", pixels(0, 0), series=23, SeriesDescription="Sag MIP", **where)
    (tmp_path / "readme.txt").write_text("no image")
    found = intake_exam(tmp_path)
    assert {s["number"]: s["role"] for s in found["series"]} == {
        1: "dynamic",
        20: "t2",
        21: "derived",
        22: "localizer",
        23: "derived",
    }
    assert all(s["reason"] for s in found["series"]) and found["other_files"] == 1
    assert len(found["phases"]) == 4


def test_field_strength_in_gauss(tmp_path):
    write_exam(tmp_path, MagneticFieldStrength=15000)
    assert intake_exam(tmp_path)["scanner"]["tesla"] == 1.5


def test_missing_folder(tmp_path):
    assert fault(tmp_path / "none").code == "no_dicom"
    (tmp_path / "a.txt").write_text("x")
    assert "1 other files" in fault(tmp_path).sentence


def test_a_truncated_file_is_named(tmp_path):
    files = write_exam(tmp_path)
    files[1][3].write_bytes(files[1][3].read_bytes()[:-100])
    found = fault(tmp_path)
    assert found.code == "truncated_file" and "s01/003.dcm" in found.sentence


def test_a_file_cut_inside_its_header_is_named(tmp_path):
    files = write_exam(tmp_path)
    whole = files[0][5].read_bytes()
    files[0][5].write_bytes(whole[: len(whole) // 3])
    found = fault(tmp_path)
    assert found.code in ("truncated_file", "sections_missing")


def test_a_missing_section(tmp_path):
    files = write_exam(tmp_path)
    files[2][4].unlink()
    assert fault(tmp_path).code == "sections_missing"


def test_the_same_section_missing_in_every_phase(tmp_path):
    for phase in write_exam(tmp_path):
        phase[4].unlink()
    assert fault(tmp_path).code == "section_gap"


def test_a_section_twice(tmp_path):
    files = write_exam(tmp_path)
    shutil.copy(files[0][0], tmp_path / "again.dcm")
    assert fault(tmp_path).code == "sections_missing"


def test_two_phases_are_too_few(tmp_path):
    write_exam(tmp_path, phases=2)
    assert fault(tmp_path).code == "too_few_phases"


def test_phases_without_times(tmp_path):
    write_exam(tmp_path, layout="instance")
    assert fault(tmp_path).code == "phase_times_unknown"


def test_two_patients_in_one_folder(tmp_path):
    write_exam(tmp_path / "a")
    write_exam(tmp_path / "b", PatientID="P2")
    assert fault(tmp_path).code == "several_patients"


def test_only_derived_series(tmp_path):
    write_exam(tmp_path, ImageType=["DERIVED", "PRIMARY"])
    assert "ImageType holds DERIVED" in fault(tmp_path).sentence


@pytest.mark.parametrize(
    ("text", "value"), [("101530.5", 36930.5), ("10:15:30", 36930.0), ("", None), ("101", None), ("abcdef", None)]
)
def test_dicom_times(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("orientation", "name"),
    [
        ((0, 1, 0, 0, 0, -1), "sagittal"),
        ((1, 0, 0, 0, 1, 0), "axial"),
        ((0, 0.9848, -0.1736, 0, -0.1736, -0.9848), "sagittal"),
    ],
)
def test_conversion_puts_every_voxel_where_dicom_says(tmp_path, orientation, name):
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(row, column)
    start = np.array([5, -7, 11])
    for phase in range(3):
        for section in range(SHAPE[0]):
            write_image(
                tmp_path / f"in/{phase}_{section:02d}.dcm", pixels(phase, section),
                position=tuple(normal * 3.0 * section + start),
                orientation=orientation, spacing=(1.0, 1.25), instance=phase * SHAPE[0] + section + 1,
                TriggerTime=60_000.0 * phase, TemporalPositionIdentifier=phase + 1,
            )  # fmt: skip
    record = intake_exam(tmp_path / "in")
    assert record["plane"] == name
    facts = convert_exam(tmp_path / "in", record, tmp_path / "phases.nii.gz")
    assert facts["times_s"] == [0, 60, 120]
    volume, affine = load(tmp_path / "phases.nii.gz")
    generator = np.random.default_rng(1)
    for _ in range(200):
        phase, section = generator.integers(3), generator.integers(SHAPE[0])
        r, c = generator.integers(SHAPE[1]), generator.integers(SHAPE[2])
        patient = normal * 3.0 * section + start + row * 1.25 * c + column * 1.0 * r
        voxel = np.linalg.inv(affine) @ np.append(patient * [-1, -1, 1], 1)
        assert np.allclose(voxel[:3], np.rint(voxel[:3]), atol=0.02)
        i, j, k = np.rint(voxel[:3]).astype(int)
        assert volume[i, j, k, phase] == int(pixels(phase, section)[r, c])


def test_a_broken_image_excludes_the_exam(tmp_path):
    files = write_exam(tmp_path)
    record = intake_exam(tmp_path)
    files[1][2].unlink()
    with pytest.raises(DataFault, match="conversion_failed"):
        convert_exam(tmp_path, record, tmp_path / "x.nii.gz")


SHARED = Path(__file__).parents[3] / "shared" / "data" / "ge_multiphase"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real GE multi-phase series are not here")
def test_real_ge_multiphase_series_are_split_by_their_tags():
    for folder in (p for p in SHARED.iterdir() if p.is_dir()):
        from radparity.intake.phases import split

        parts, _ = split(read_headers(folder)[0])
        assert len(parts) == 10 and {len(part) for part in parts} == {10}
        triggers = [min(h.trigger_time for h in part) for part in parts]
        assert triggers == sorted(triggers)
