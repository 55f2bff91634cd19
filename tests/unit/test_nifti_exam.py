"""Exams that come as NIfTI: the same volumes as by way of DICOM, every voxel in its place, every fault by its code."""

import gzip
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import get_args

import nibabel
import numpy as np
import pytest
import yaml
from dicoms import write_exam as write_dicom
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from niftis import AFFINE, SECONDS, SHAPE, volume, write, write_exam, write_times
from scipy.spatial.transform import Rotation
from test_convert import PHASES, PLANES, write_phases

from radparity.bundle.trained_on import makers
from radparity.config import ConfigError
from radparity.config import load as load_config
from radparity.convert import convert_exam, convert_t2, dcm2niix
from radparity.criteria import Fact, fact
from radparity.image import load
from radparity.intake.exam import intake_exam
from radparity.intake.nifti_exam import intake_nifti
from radparity.intake.source import exam_files
from radparity.outline import outline_case
from radparity.record import DataFault
from radparity.release.fixed import rows_of
from radparity.report.quality_facts import _exam
from radparity.scaling import scanner_name
from radparity.seg.source import read_source
from radparity.sheets import Breast, Exam, Reading, read
from radparity.strata import stratum
from radparity.study import Study
from radparity.trace.subject import of_exams

ROOT = Path(__file__).parents[2]
SAME_FACTS = """phase_count plane oblique_degrees sections matrix section_mm x_range_mm laterality laterality_from
    flags t2""".split()


def intake(raw, exam="E1", times="times.tsv", side=None):
    return intake_nifti(exam_files(raw, exam), raw / times, exam, side)


def converted(raw, exam="E1"):
    """The record, and the phases as the study gets them with their affine."""
    record = intake(raw, exam)
    convert_exam(exam_files(raw, exam), record, raw / "phases.nii.gz")
    return record, *load(raw / "phases.nii.gz", None)


def fault(raw, **more):
    with pytest.raises(DataFault) as found:
        intake(raw, **more)
    return found.value


def fault_of_conversion(raw):
    with pytest.raises(DataFault) as found:
        converted(raw)
    return found.value


def by_hand(files, record, folder, exam):
    """What a user has who ran dcm2niix over each phase's DICOM files: one NIfTI file a phase."""
    for number, phase in enumerate(record["phases"]):
        source = folder / f"in{number}"
        source.mkdir(parents=True)
        for name in phase["files"]:
            os.symlink(files[name], source / name.replace("/", "_"))
        (folder / exam).mkdir(exist_ok=True)
        command = [dcm2niix(), "-z", "y", "-f", f"{exam}_{number:04d}", "-o", str(folder / exam), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        shutil.rmtree(source)
    write_times(folder / "times.tsv", [1000 + phase["time_s"] for phase in record["phases"]], exam)


def assert_same_as_dicom(files, record, folder):
    """One file a phase, as dcm2niix makes them, and one file of all: the bytes that come by way of DICOM."""
    folder.mkdir(exist_ok=True)
    convert_exam(files, record, folder / "by_dicom.nii.gz")
    expected = (folder / "by_dicom.nii.gz").read_bytes()
    by_hand(files, record, folder, "E1")
    found, *_ = converted(folder)
    assert (folder / "phases.nii.gz").read_bytes() == expected
    assert [phase["time_s"] for phase in found["phases"]] == [phase["time_s"] for phase in record["phases"]]
    shutil.rmtree(folder / "E1")
    together, affine = load(folder / "by_dicom.nii.gz", None)
    write(folder / "E1/all phases.nii", together, affine)
    whole, *_ = converted(folder)
    assert (folder / "phases.nii.gz").read_bytes() == expected
    assert whole["split_by"] == "fourth axis" and found["split_by"] == "file name"
    return found


def test_the_real_exam_is_the_same_by_way_of_nifti(tmp_path):
    with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    files = exam_files(tmp_path / "real", "UCSF-BR-06")
    record = intake_exam(files)
    found = assert_same_as_dicom(files, record, tmp_path / "nifti")
    # A NIfTI header has no tag that names the side; the place says the same.
    facts = {key: record[key] for key in SAME_FACTS} | {"laterality_from": "position"}
    assert {key: found[key] for key in SAME_FACTS} == facts
    assert found["in_plane_mm"] == pytest.approx(record["in_plane_mm"], abs=1e-5)
    assert set(record) - {"t2_reason"} <= set(found)


@pytest.mark.parametrize("turn", [(0, 0, 0), (12, -7, 9)], ids=["upright", "oblique"])
@pytest.mark.parametrize("plane", sorted(PLANES))
def test_every_plane_is_the_same_by_way_of_nifti(tmp_path, plane, turn):
    orientation = Rotation.from_euler("xyz", turn, degrees=True).apply(PLANES[plane]).round(6)
    files, record, axes = write_phases(tmp_path / "dicom", orientation)
    found = assert_same_as_dicom(files, record, tmp_path / "nifti")
    assert found["plane"] == plane and found["phase_count"] == PHASES
    normal = np.abs(axes[2]).max()
    assert found["oblique_degrees"] == pytest.approx(np.degrees(np.arccos(min(1, normal))), abs=0.02)


def test_the_record_of_a_headers_exam_says_the_same(tmp_path):
    write_dicom(tmp_path / "dicom", origin=(-60.0, -20.0, 30.0))
    files = exam_files(tmp_path, "dicom")
    record = intake_exam(files)
    found = assert_same_as_dicom(files, record, tmp_path / "nifti")
    assert {key: found[key] for key in SAME_FACTS} == {key: record[key] for key in SAME_FACTS}


TURNS = st.tuples(st.permutations([0, 1, 2]), st.tuples(*[st.booleans()] * 3), st.tuples(*[st.floats(-20, 20)] * 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS, steps=st.tuples(*[st.floats(0.5, 4)] * 3), together=st.booleans())
def test_every_voxel_stays_where_the_header_puts_it(tmp_path_factory, turns, steps, together):
    """Whatever the order, the direction and the tilt of the file's axes."""
    order, flips, angles = turns
    raw = tmp_path_factory.mktemp("raw")
    affine = np.eye(4)
    axes = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()[:, order] * np.where(flips, -1, 1)
    affine[:3, :3], affine[:3, 3] = axes * steps, (30, -50, 70)
    phases = [volume(n) for n in range(3)]
    if together:
        write(raw / "E1/dynamic.nii", np.stack(phases, axis=-1), affine)
    else:
        for number, phase in enumerate(phases):
            write(raw / f"E1/p{number}.nii.gz", phase, affine)
    write_times(raw / "times.tsv", SECONDS[:3])
    record, found, own = converted(raw)
    assert found.dtype == np.int16 and np.all(np.diag(own)[:3] > 0)
    assert sorted([record["sections"], *record["matrix"]]) == sorted(SHAPE)
    index = np.indices(SHAPE).reshape(3, -1)
    stored = nibabel.load(next((raw / "E1").iterdir())).affine
    places = stored[:3, :3] @ index + stored[:3, 3:]
    there = np.linalg.inv(own) @ np.vstack([places, np.ones(places.shape[1])])
    assert np.abs(there - np.rint(there)).max() < 1e-3
    i, j, k = np.rint(there[:3]).astype(int)
    for number, phase in enumerate(phases):
        np.testing.assert_array_equal(found[i, j, k, number], phase.ravel())


def test_values_that_a_header_scales_are_the_scaled_ones(tmp_path):
    for number in range(3):
        image = nibabel.Nifti1Image(volume(number), AFFINE)
        image.header.set_slope_inter(0.5, 10)
        path = tmp_path / f"E1/{number}.nii"
        path.parent.mkdir(exist_ok=True)
        nibabel.save(image, path)
        raw = bytearray(path.read_bytes())
        raw[112:120] = np.array([0.5, 10], "<f4").tobytes()
        raw[352:] = volume(number).tobytes(order="F")
        path.write_bytes(raw)
    write_times(tmp_path / "times.tsv", SECONDS[:3])
    _, found, _ = converted(tmp_path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 1], 0.5 * volume(1) + 10)


@pytest.mark.parametrize("kind", ["int64", "float64", ">i2", "uint8", "int32"])
def test_any_number_type_keeps_its_values(tmp_path, kind):
    for number in range(3):
        array = ((volume(number) + number) % 250).astype(kind)
        header = nibabel.Nifti1Header(endianness=">" if kind.startswith(">") else "<")
        image = nibabel.Nifti1Image(array, AFFINE, header, dtype=array.dtype)
        (tmp_path / "E1").mkdir(exist_ok=True)
        nibabel.save(image, tmp_path / f"E1/{number}.nii.gz")
    write_times(tmp_path / "times.tsv", SECONDS[:3])
    _, found, _ = converted(tmp_path)
    for number in range(3):
        np.testing.assert_array_equal(found[..., number], (volume(number) + number) % 250)
    assert found.dtype == {"int64": "f4", "float64": "f4", ">i2": "i2", "uint8": "u1", "int32": "i4"}[kind]


def test_times_count_from_the_first_phase_and_one_table_serves_all_exams(tmp_path):
    write_exam(tmp_path, "E1")
    write_exam(tmp_path, "E2", phases=3)
    rows = [
        ("E2", 1, 52),
        ("E1", 3, 610.5),
        ("E1", 0, 500),
        ("E2", 0, 2),
        ("E1", 2, 590),
        ("E1", 1, 505),
        ("E2", 2, 99),
    ]
    text = "exam\tphase\tseconds\n" + "".join(f"{exam}\t{phase}\t{time}\n" for exam, phase, time in rows)
    (tmp_path / "times.tsv").write_text(text)
    assert [phase["time_s"] for phase in intake(tmp_path, "E1")["phases"]] == [0, 5, 90, 110.5]
    assert [phase["time_s"] for phase in intake(tmp_path, "E2")["phases"]] == [0, 50, 97]


def test_ten_phases_are_in_order_of_their_number_not_of_their_name(tmp_path):
    for phase in range(11):
        write(tmp_path / f"E1/dyn-{phase}.nii.gz", volume(phase % 8))
    write_times(tmp_path / "times.tsv", range(11))
    assert [p["files"] for p in intake(tmp_path)["phases"]] == [[f"dyn-{n}.nii.gz"] for n in range(11)]


def test_a_table_that_names_files_needs_no_numbers_in_names(tmp_path):
    names = ["pre.nii.gz", "early.nii.gz", "late.nii.gz"]
    for phase, name in enumerate(names):
        write(tmp_path / "E1" / name, volume(phase))
    write(tmp_path / "E1/t2_7.nii.gz", volume(6))
    (tmp_path / "E1/notes.txt").write_text("none")
    # From the exam's folder, or from the raw folder.
    write_times(tmp_path / "times.tsv", SECONDS[:3], file=["pre.nii.gz", "E1/early.nii.gz", "late.nii.gz"])
    record = intake(tmp_path)
    assert [phase["files"] for phase in record["phases"]] == [[name] for name in names]
    assert (record["other_files"], record["split_by"]) == (2, "table of times")
    # One file of several phases beside one of a single phase: the volumes are taken in order.
    write(tmp_path / "E1/early.nii.gz", np.stack([volume(1), volume(2)], axis=-1))
    write_times(tmp_path / "times.tsv", file=["pre.nii.gz", "early.nii.gz", "early.nii.gz", "late.nii.gz"])
    named = [phase["files"][0] for phase in intake(tmp_path)["phases"]]
    assert named == ["pre.nii.gz", "early.nii.gz#0", "early.nii.gz#1", "late.nii.gz"]


def test_a_list_of_files_keeps_their_names_out_of_the_record(tmp_path):
    write_exam(tmp_path, phases=3)
    (tmp_path / "E1").rename(tmp_path / "QUIGLEY")
    lines = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "QUIGLEY").iterdir())
    (tmp_path / "E1.files").write_text("\n".join(lines) + "\n")
    files = exam_files(tmp_path, "E1.files")
    record = intake_nifti(files, tmp_path / "times.tsv", "E1")
    assert "QUIGLEY" not in json.dumps(record)
    convert_exam(files, record, tmp_path / "phases.nii.gz")
    assert load(tmp_path / "phases.nii.gz", None)[0].shape == (*SHAPE, 3)
    assert convert_t2(files, record, tmp_path / "t2.nii.gz")["t2"] is False


@pytest.mark.parametrize(
    ("steps", "dim_info", "said", "plane"),
    [
        ((3, 0.8, 0.8), None, None, "sagittal"),
        ((0.8, 0.8, 2), 0, None, "axial"),  # the coarsest spacing beats the header
        ((0.9, 0.9, 0.9), 1, None, "coronal"),
        ((0.9, 0.9, 0.9), None, None, "axial"),  # the third axis of the file
        ((3, 0.8, 0.8), None, "axial", "axial"),  # the table beats all
    ],
)
def test_the_plane_of_acquisition(tmp_path, steps, dim_info, said, plane):
    for phase in range(3):
        image = nibabel.Nifti1Image(volume(phase), np.diag([*steps, 1.0]))
        image.header.set_dim_info(slice=dim_info)
        (tmp_path / "E1").mkdir(exist_ok=True)
        nibabel.save(image, tmp_path / f"E1/{phase}.nii")
    write_times(tmp_path / "times.tsv", SECONDS[:3], **({"plane": [said] * 3} if said else {}))
    record = intake(tmp_path)
    assert record["plane"] == plane
    axis = ["sagittal", "coronal", "axial"].index(plane)
    assert (record["sections"], record["section_mm"]) == (SHAPE[axis], steps[axis])


@pytest.mark.parametrize(("x", "side"), [(40.0, "right"), (-64.0, "left")])
def test_the_side_is_told_by_the_place_and_checked(tmp_path, x, side):
    affine = AFFINE.copy()
    affine[0, 3] = x
    for phase in range(3):
        write(tmp_path / f"E1/{phase}.nii", volume(phase), affine)
    write_times(tmp_path / "times.tsv", SECONDS[:3])
    record = intake(tmp_path, side=side)
    assert (record["laterality"], record["laterality_from"]) == (side, "position")
    other = {"left": "right", "right": "left"}[side]
    assert fault(tmp_path, side=other).code == "side_missing"


def test_a_place_over_the_midline_is_flagged(tmp_path):
    for phase in range(3):
        write(tmp_path / f"E1/{phase}.nii", volume(phase), np.diag([3.0, 1, 1, 1]))
    write_times(tmp_path / "times.tsv", SECONDS[:3])
    assert [flag["code"] for flag in intake(tmp_path)["flags"]] == ["laterality_unknown"]


def move(raw, name, to):
    (raw / "E1" / name).rename(raw / "E1" / to)


def again(raw, phase, array=None, affine=AFFINE, **header):
    write(raw / f"E1/E1_{phase:04d}.nii.gz", volume(phase) if array is None else array, affine, **header)


def edit(raw, old, new):
    path = raw / "times.tsv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def cut(raw, phase, size):
    path = raw / f"E1/E1_{phase:04d}.nii.gz"
    path.write_bytes(path.read_bytes()[:size])


def placeless(raw):
    """nibabel would fill in what is missing."""
    path = raw / "E1/E1_0001.nii.gz"
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[252:256] = bytes(4)
    path.write_bytes(gzip.compress(data))


SHEARED = AFFINE + np.array([[0, 0.2, 0, 0]] + [[0] * 4] * 3)
SHIFTED = AFFINE + np.array([[0, 0, 0, 0.2]] + [[0] * 4] * 3)
BREAKS = {
    "no NIfTI": (lambda raw: [p.unlink() for p in (raw / "E1").iterdir()], "no_nifti", "holds no NIfTI file"),
    "not a NIfTI": (lambda raw: (raw / "E1/E1_0002.nii.gz").write_bytes(b"x" * 900), "nifti_unreadable", "E1_0002"),
    "an empty file": (lambda raw: cut(raw, 1, 0), "nifti_unreadable", "E1_0001"),
    "cut in its header": (lambda raw: cut(raw, 1, 60), "nifti_unreadable", "E1_0001"),
    "colours": (
        lambda raw: again(raw, 1, np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])),
        "nifti_unreadable",
        "one number",
    ),
    "flat": (lambda raw: again(raw, 1, volume()[0]), "nifti_unreadable", "has 2 axes"),
    "no place": (placeless, "geometry_missing", "where the volume lies"),
    "in metres": (lambda raw: again(raw, 1, xyzt_units=1), "geometry_missing", "in mm"),
    "two places": (lambda raw: again(raw, 1, qoffset_x=12.0), "nifti_places_disagree", "sform, qform"),
    "sheared": (lambda raw: again(raw, 1, affine=SHEARED, qform_code=0), "sections_shifted", "upright"),
    "another grid": (lambda raw: again(raw, 2, affine=SHIFTED), "grids_differ", "phase 2"),
    "another shape": (lambda raw: again(raw, 2, volume(2)[:-1]), "grids_differ", "phase 2"),
    "two of one number": (
        lambda raw: again(raw, 2) or write(raw / "E1/b_2.nii", volume()),
        "nifti_phases_unclear",
        "2",
    ),
    "no numbers": (
        lambda raw: [move(raw, f"E1_000{n}.nii.gz", f"{'abcd'[n]}.nii.gz") for n in range(4)],
        "nifti_phases_unclear",
        "none ends in one",
    ),
    "a 4-D file among others": (
        lambda raw: again(raw, 2, np.stack([volume(1)] * 2, axis=-1)),
        "nifti_phases_unclear",
        "2 volumes",
    ),
    "a file without a time": (lambda raw: edit(raw, "E1\t3\t285.0\n", ""), "times_missing", "phase 3"),
    "a time without a file": (lambda raw: (raw / "E1/E1_0003.nii.gz").unlink(), "phase_file_missing", "phase 3"),
    "a gap": (
        lambda raw: (edit(raw, "E1\t1\t95.0\n", ""), (raw / "E1/E1_0001.nii.gz").unlink()),
        "phase_file_missing",
        "phase 0 is followed by phase 2",
    ),
    "no table": (lambda raw: (raw / "times.tsv").unlink(), "times_unusable", "no such table"),
    "another column": (lambda raw: edit(raw, "seconds", "time"), "times_unusable", "column 'seconds' is missing"),
    "not a time": (lambda raw: edit(raw, "95.0", "soon"), "times_unusable", "row 3: 'soon' is no time"),
    "not finite": (lambda raw: edit(raw, "95.0", "nan"), "times_unusable", "row 3"),
    "not a phase": (lambda raw: edit(raw, "E1\t1\t", "E1\tone\t"), "times_unusable", "row 3: 'one'"),
    "a phase twice": (lambda raw: edit(raw, "E1\t1\t95.0\n", "E1\t1\t95.0\nE1\t1\t96\n"), "times_unusable", "two rows"),
    "another exam's": (lambda raw: edit(raw, "E1\t", "E2\t"), "times_missing", "no row for exam E1"),
    "falling": (lambda raw: edit(raw, "190.0", "90.0"), "times_not_rising", "phase 2 has the time 90 s"),
    "standing": (lambda raw: edit(raw, "190.0", "95.0"), "times_not_rising", "phase 2"),
    "UTF-16": (lambda raw: (raw / "times.tsv").write_text("exam", "utf-16"), "times_unusable", "UTF-8"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_fault_at_intake(tmp_path, name):
    write_exam(tmp_path)
    assert len(intake(tmp_path)["phases"]) == 4
    breaks, code, words = BREAKS[name]
    breaks(tmp_path)
    found = fault(tmp_path)
    assert found.code == code and words in found.sentence, str(found)
    assert str(tmp_path) not in found.sentence


@pytest.mark.parametrize(("seconds", "code"), [(4, "times_missing"), (6, "phase_file_missing")])
def test_one_file_of_another_number_of_volumes_than_times(tmp_path, seconds, code):
    write(tmp_path / "E1/dynamic.nii.gz", np.stack([volume(n) for n in range(5)], axis=-1))
    write_times(tmp_path / "times.tsv", range(5))
    assert intake(tmp_path)["phase_count"] == 5
    write_times(tmp_path / "times.tsv", range(seconds))
    found = fault(tmp_path)
    assert found.code == code and "5 volumes" in found.sentence and f"{seconds} rows" in found.sentence


@pytest.mark.parametrize("together", [True, False])
def test_two_phases_are_too_few(tmp_path, together):
    write_exam(tmp_path, phases=2)
    if together:
        shutil.rmtree(tmp_path / "E1")
        write(tmp_path / "E1/both.nii", np.stack([volume(0), volume(1)], axis=-1))
    assert fault(tmp_path).code == "too_few_phases"


def test_a_named_file_that_is_not_there_or_not_the_only_one(tmp_path):
    write_exam(tmp_path, phases=3)
    write_times(tmp_path / "times.tsv", SECONDS[:3], file=["E1_0000.nii.gz", "E1_0001.nii.gz", "gone.nii.gz"])
    assert fault(tmp_path).code == "phase_file_missing"
    write_times(tmp_path / "times.tsv", SECONDS[:3], file=["E1_0000.nii.gz", "", "E1_0002.nii.gz"])
    assert fault(tmp_path).code == "times_unusable"
    write_times(tmp_path / "times.tsv", SECONDS[:3], plane=["axial", "sagittal", "axial"])
    assert fault(tmp_path).code == "times_unusable"


def nan(raw):
    array = volume(2).astype(np.float32)
    array[3, 4, 5] = np.nan
    again(raw, 2, array)


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (nan, "phase_not_finite"),
        (lambda raw: again(raw, 1, np.full(SHAPE, 7, np.int16)), "phase_empty"),
        (lambda raw: again(raw, 3, volume(1)), "phases_identical"),
        (lambda raw: cut(raw, 2, 1200), "nifti_unreadable"),
    ],
)
def test_a_fault_of_the_pixels(tmp_path, breaks, code):
    write_exam(tmp_path)
    breaks(tmp_path)
    assert fault_of_conversion(tmp_path).code == code


def test_a_file_that_went_or_changed_after_intake(tmp_path):
    write_exam(tmp_path)
    record = intake(tmp_path)
    again(tmp_path, 2, volume(2)[:-1])
    with pytest.raises(DataFault, match="conversion_failed"):
        convert_exam(exam_files(tmp_path, "E1"), record, tmp_path / "phases.nii.gz")
    (tmp_path / "E1/E1_0002.nii.gz").unlink()
    with pytest.raises(DataFault, match="conversion_failed"):
        convert_exam(exam_files(tmp_path, "E1"), record, tmp_path / "phases.nii.gz")


def test_a_file_that_cannot_be_reached_is_no_fault_of_the_exam(tmp_path):
    write_exam(tmp_path)
    files = exam_files(tmp_path, "E1")
    (tmp_path / "E1/E1_0001.nii.gz").unlink()
    (tmp_path / "E1/E1_0001.nii.gz").symlink_to("E1_0001.nii.gz")  # too many levels of links
    with pytest.raises(OSError):
        intake_nifti(files, tmp_path / "times.tsv", "E1")


def test_an_exam_of_nifti_files_without_a_table_is_told_of_it(tmp_path):
    write_exam(tmp_path)
    with pytest.raises(DataFault, match="no_dicom.*`times`"):
        intake_exam(exam_files(tmp_path, "E1"))


def test_the_stratum_of_a_nifti_exam_is_its_number_of_volumes(tmp_path):
    write_exam(tmp_path)
    assert stratum(tmp_path, "E1") == ("not stated", "not stated", "4")
    cut(tmp_path, 2, 10)
    assert stratum(tmp_path, "E1").acquisitions == "not readable"


@pytest.mark.parametrize("together", [True, False])
def test_a_segmentation_object_cannot_refer_to_nifti(tmp_path, together):
    write_exam(tmp_path)
    if together:
        shutil.rmtree(tmp_path / "E1")
        write(tmp_path / "E1/all.nii", np.stack([volume(n) for n in range(4)], axis=-1))
    with pytest.raises(DataFault) as found:
        read_source(exam_files(tmp_path, "E1"), intake(tmp_path)["phases"][1]["files"])
    assert found.value.code == "seg_no_dicom"


def study(*times, formats=("nii.gz",)):
    """Exams E1, E2 ... with these tables of times, each with one outlined breast."""
    exams, breasts, readings = {}, {}, []
    for n, table in enumerate(times, start=1):
        exams[f"E{n}"] = Exam(exam=f"E{n}", patient=f"P{n}", folder=f"e{n}", times=table)
        breasts[f"B{n}"] = Breast(breast=f"B{n}", exam=f"E{n}", side="left", label="malignant", partition="test")
        readings += [Reading(breast=f"B{n}", rater=f"R{k}", file=f"o{n}.{end}") for k, end in enumerate(formats)]
    return Study(load_config(yaml.safe_load((ROOT / "config.yaml").read_text())), exams, breasts, readings)


def test_an_outline_that_refers_to_images_is_refused_and_one_of_its_own_grid_is_read(tmp_path):
    """Of a DICOM exam the raw folder is read for it; of a NIfTI exam there is no header to look it up in."""
    of_both = study(None, "times.tsv", formats=("nii.gz", "dcm"))
    assert (of_both.outlined_images("B1"), of_both.outlined_images("B2")) == ("e1", None)
    (tmp_path / "o1.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(DataFault, match="outline_unsupported.*Export NIfTI or NRRD"):
        outline_case({"R1": tmp_path / "o1.dcm"}, SHAPE, AFFINE, SHAPE, AFFINE)
    mask = np.zeros(SHAPE, np.uint8)
    mask[4, 3:8, 5:9] = 1
    write(tmp_path / "o1.nii.gz", mask)
    found = outline_case({"R1": tmp_path / "o1.nii.gz"}, SHAPE, AFFINE, SHAPE, AFFINE)
    np.testing.assert_array_equal(found.masks[0, ..., 0], mask[4])


def test_a_table_belongs_to_its_exams():
    found = study("all.tsv", "all.tsv", "own.tsv", None)
    assert found.raw_paths()[:6] == ["e1", "all.tsv", "e2", "e3", "own.tsv", "e4"]
    # A patient who withdraws takes her own table along, not the one that others share.
    assert of_exams(found, "P3", "patient", {"E3"}).raw == {"e3", "own.tsv", "o3.nii.gz"}
    assert of_exams(found, "P1", "patient", {"E1"}).raw == {"e1", "o1.nii.gz"}
    assert of_exams(found, "all", "patients", {"E1", "E2"}).raw >= {"all.tsv"}


def test_a_release_has_the_table_of_times_in_it(monkeypatch):
    monkeypatch.setattr(Study, "held_out", {})  # folds are dealt for development cases

    def images(digest, table="times.tsv"):
        one = study(table)
        one.__dict__["digests"] = {"e1": "a", "times.tsv": digest, "o1.nii.gz": "c"}
        return [row.images for row in rows_of(one, ["B1"])]

    assert images("one") == images("one") != images("other")
    assert images("one", None) == images("other", None)


def test_the_sheet_takes_the_column_and_refuses_a_path_out_of_the_raw_folder(tmp_path):
    sheet = tmp_path / "exams.tsv"
    sheet.write_text("exam\tpatient\tfolder\ttimes\nE1\tP1\te1\tall.tsv\nE2\tP2\te2\t\n")
    assert [row.times for row in read(sheet, Exam)] == ["all.tsv", None]
    sheet.write_text("exam\tpatient\tfolder\ttimes\nE1\tP1\te1\t../all.tsv\n")
    with pytest.raises(ConfigError, match="row 2, column 'times'"):
        read(sheet, Exam)


def test_rules_pages_and_model_cards_find_what_they_read_in_the_record(tmp_path):
    """A fact that no NIfTI header states is None, which a rule's `missing` decides on; none of them is absent."""
    write_exam(tmp_path)
    record = intake(tmp_path)
    found = {name: fact(record, name) for name in get_args(Fact)}
    assert {name for name, value in found.items() if value is None} == {
        name for name in found if name.startswith("scanner.")
    }
    assert scanner_name(record) == "not stated not stated field not stated"
    assert makers([record]) == ["not stated"]
    assert _exam(record) | {"in_plane_mm": 0.8} == {
        "first_s": 95, "last_s": 285, "phases": 4, "sections": 9, "section_mm": 3.0, "in_plane_mm": 0.8, "oblique": 0.0
    }  # fmt: skip
