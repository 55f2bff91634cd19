"""A virtual exam on disk: valid DICOM, the same bytes each time, and a truth that fits the images."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dcm2niix
import nibabel
import numpy as np
import pydicom
import pytest
from scipy import ndimage

from radparity.convert import convert_exam
from radparity.phantom import cohort
from radparity.phantom.cohort import ExamDesign, write_exam

SEED = 5
BASE: dict[str, Any] = {
    "exam": "E07",
    "patient": "P03",
    "sides": "left",
    "left_label": "malignant",
    "right_label": "",
    "partition": "test",
    "scanner": "Genesis Signa 1.5T",
    "resolution": "coarse",
    "phases": 4,
    "layout": "multiphase",
    "distractors": "localizer",
}
Made = tuple[ExamDesign, Path]


def design(**changes: Any) -> ExamDesign:
    return ExamDesign(**{**BASE, **changes})


def write(exam: ExamDesign, out: Path, **options: bool) -> Made:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_exam(exam, out, SEED, **options)
    return exam, out


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write(design(), tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write(design(), tmp_path_factory.mktemp("still"), motion=False, noise=False)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write(design(), tmp_path_factory.mktemp("moved"), noise=False)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Made:
    changes = {"sides": "both", "right_label": "benign", "layout": "content_time", "phases": 3, "t2": "same"}
    return write(design(exam="E08", **changes), tmp_path_factory.mktemp("both"), motion=False, noise=False)


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Made:
    changes = {"resolution": "fine", "layout": "per_phase", "phases": 3, "distractors": "none"}
    return write(design(**changes), tmp_path_factory.mktemp("fine"), motion=False, noise=False)


@pytest.fixture(scope="module")
def axial(tmp_path_factory: pytest.TempPathFactory) -> Made:
    changes = {"sides": "both", "right_label": "benign", "layout": "axial", "phases": 3, "scanner": "Skyra 3T"}
    return write(design(exam="E17", **changes), tmp_path_factory.mktemp("axial"), motion=False, noise=False)


def truth(made: Made) -> dict[str, Any]:
    exam, out = made
    return dict(json.loads((out / "truth" / exam.exam / "truth.json").read_text()))


def volume(made: Made, name: str) -> tuple[np.ndarray, np.ndarray]:
    exam, out = made
    image = nibabel.load(out / "truth" / exam.exam / name)
    return np.asarray(image.dataobj), image.affine


def phase_files(made: Made) -> list[tuple[float, list[Path]]]:
    """Times in s from the first phase and files of each phase of the dynamic series, by the tags of its layout."""
    exam, out = made
    groups: dict[float, list[Path]] = defaultdict(list)
    for path in sorted((out / "dicom" / exam.exam).rglob("*.dcm")):
        d = pydicom.dcmread(path, stop_before_pixels=True)
        if float(d.RepetitionTime) > 100 or "Loc" in d.SeriesDescription:
            continue
        if exam.layout == "multiphase":
            time = float(d.TriggerTime) / 1000
        else:
            text = d.AcquisitionTime if exam.layout in ("per_phase", "axial") else d.ContentTime
            time = int(text[:2]) * 3600.0 + int(text[2:4]) * 60 + float(text[4:])
        groups[time].append(path)
    first = min(groups)
    return [(time - first, groups[time]) for time in sorted(groups)]


def convert(paths: list[Path], folder: Path) -> Any:
    """One phase through dcm2niix, in RAS+ order; nothing but what GE exams without private tags always draw."""
    source, target = folder / "in", folder / "out"
    source.mkdir(parents=True)
    target.mkdir()
    for number, path in enumerate(paths):
        (source / f"{number:04d}.dcm").symlink_to(path)
    run = subprocess.run(
        [dcm2niix.bin, "-z", "n", "-f", "x", "-o", str(target), str(source)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    complaints = [line for line in (run.stdout + run.stderr).splitlines() if "Warning" in line or "Error" in line]
    assert [line for line in complaints if "protocol data block" not in line.lower()] == []
    (found,) = target.glob("*.nii")
    return nibabel.as_closest_canonical(nibabel.load(found))


def test_same_seed_same_bytes_and_another_seed_other_bytes(real: Made, tmp_path: Path) -> None:
    exam, out = real
    write(exam, tmp_path / "again")
    write_exam(exam, tmp_path / "other", SEED + 1)

    def contents(folder: Path) -> dict[str, bytes]:
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    first, again, other = contents(out), contents(tmp_path / "again"), contents(tmp_path / "other")
    assert first == again
    assert len(first) > 24 * 4
    assert first["truth/E07/dce.nii.gz"] != other["truth/E07/dce.nii.gz"]


@pytest.mark.parametrize("name", ["still", "both", "fine", "axial"])
def test_dcm2niix_gives_the_grid_of_the_truth_and_its_times(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made: Made = request.getfixturevalue(name)
    phases = phase_files(made)
    times = truth(made)["times_s"]
    assert [time for time, _ in phases] == [t - times[0] for t in times]
    breast, affine = volume(made, "breast.nii.gz")
    images = [convert(files, tmp_path / str(k)) for k, (_, files) in enumerate(phases)]
    for image in images:
        assert image.shape == breast.shape
        np.testing.assert_allclose(image.affine, affine, atol=1e-4)
    shape, spacing = {
        "still": ((24, 112, 112), (3.5, 1.0, 1.0)),
        "both": ((48, 112, 112), (3.5, 1.0, 1.0)),
        "fine": ((24, 192, 192), (3.5, 0.58, 0.58)),
        "axial": ((168, 112, 32), (1.0, 1.0, 3.5)),
    }[name]
    assert breast.shape == shape
    np.testing.assert_allclose(np.diag(affine)[:3], spacing, atol=1e-6)
    # Without noise and motion the converted phases and the truth must agree voxel by voxel, up to rounding of pixels.
    raw = np.stack([np.asarray(image.dataobj, dtype=float) for image in images])
    dce, _ = volume(made, "dce.nii.gz")
    assert np.abs(raw[1] - raw[0] - dce[..., 0]).max() < 1.01
    t = np.array(times[1:])
    slope = np.polyfit(t, raw[1:].reshape(len(t), -1), 1)[0].reshape(breast.shape)
    # The largest error in a slope that errors of half a unit in each phase can make.
    bound = 0.51 * np.abs(t - t.mean()).sum() / ((t - t.mean()) ** 2).sum()
    assert np.abs(slope - dce[..., 1]).max() < bound
    assert dce[..., 0].max() > 50


def test_bilateral_volume_has_its_midline_at_zero_and_one_cancer(both: Made) -> None:
    breast, affine = volume(both, "breast.nii.gz")
    x = affine[0, 3] + affine[0, 0] * np.arange(breast.shape[0])
    assert set(np.unique(breast[x < 0])) == {0, 1} and set(np.unique(breast[x > 0])) == {0, 2}
    assert abs(x.sum()) < 1e-3
    cancers = [lesion for lesion in truth(both)["lesions"] if lesion["kind"] == "cancer"]
    assert [c["breast"] for c in cancers] == ["E08L"] and cancers[0]["centre_mm"][0] < 0


def test_the_multi_frame_file_holds_the_images_of_the_single_ones(still: Made, tmp_path: Path) -> None:
    changed = design(layout="enhanced", distractors="none")
    made = write(changed, tmp_path / "made", motion=False, noise=False)
    (path,) = (tmp_path / "made" / "dicom").rglob("*.dcm")
    data = pydicom.dcmread(path)
    frames: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        position = frame.PlanePositionSequence[0].ImagePositionPatient[0]
        frames[frame.FrameContentSequence[0].TemporalPositionIndex].append((position, number))
    record = {
        "sections": 24,
        "matrix": [112, 112],
        "phases": [{"time_s": None, "files": [f"x#{n}" for _, n in sorted(frames[k])]} for k in sorted(frames)],
    }
    convert_exam({"x": path}, record, tmp_path / "phases.nii.gz")
    together = nibabel.as_closest_canonical(nibabel.load(tmp_path / "phases.nii.gz"))
    for phase, (_, files) in enumerate(phase_files(still)):
        single = convert(files, tmp_path / str(phase))
        np.testing.assert_array_equal(np.asarray(together.dataobj)[..., phase], np.asarray(single.dataobj))
        np.testing.assert_allclose(together.affine, single.affine, atol=1e-4)
    assert truth(made)["times_s"] == truth(still)["times_s"]


def test_headers_are_those_of_a_sagittal_ge_exam(real: Made) -> None:
    exam, out = real
    paths = sorted((out / "dicom" / exam.exam).rglob("*.dcm"))
    images = [pydicom.dcmread(path) for path in paths]
    dynamic = [d for d in images if d.SeriesDescription == "Sag VIBRANT dynamic"]
    assert len(dynamic) == 24 * exam.phases and len(images) == len(dynamic) + 9
    assert len({d.SOPInstanceUID for d in images}) == len(images) and len({d.StudyInstanceUID for d in images}) == 1
    d = dynamic[0]
    assert d.file_meta.TransferSyntaxUID.name == "Explicit VR Little Endian"
    assert [float(v) for v in d.ImageOrientationPatient] == [0, 1, 0, 0, 0, -1]
    assert (d.PatientID, d.Laterality, d.MRAcquisitionType, d.BitsStored) == ("P03", "L", "3D", 16)
    assert "FAT_GEMS" in d.ScanOptions and d.PixelRepresentation == 0 and d.pixel_array.dtype == np.uint16
    # The left of the patient is positive in DICOM's coordinates.
    assert all(float(image.ImagePositionPatient[0]) > 0 for image in dynamic)
    planes = {tuple(map(float, image.ImageOrientationPatient)) for image in images if image not in dynamic}
    assert len(planes) == 3


def breast_error(made: Made, reference: Made, phase: int, tmp: Path, pull: bool) -> float:
    image, target = (
        np.asarray(convert(phase_files(m)[phase][1], tmp / str(k)).dataobj, dtype=float)
        for k, m in enumerate((made, reference))
    )
    breast, affine = volume(made, "breast.nii.gz")
    index = np.stack(np.meshgrid(*[np.arange(n, dtype=float) for n in image.shape], indexing="ij"))
    if pull:
        field, sparse = volume(made, "displacement.nii.gz")
        at = np.linalg.inv(sparse) @ affine
        where = index * np.diag(at)[:3].reshape(3, 1, 1, 1) + at[:3, 3].reshape(3, 1, 1, 1)
        for axis in range(3):
            mm = ndimage.map_coordinates(field[..., phase, axis], where, order=3, mode="nearest")
            index[axis] += mm / affine[axis, axis]
    pulled = ndimage.map_coordinates(image, index, order=3, mode="nearest")
    return float(np.sqrt(((pulled - target)[breast > 0] ** 2).mean()))


@pytest.mark.parametrize("phase", [0, 3])
def test_pulling_a_phase_back_by_the_true_displacement_undoes_the_motion(
    phase: int, moved: Made, still: Made, tmp_path: Path
) -> None:
    raw = breast_error(moved, still, phase, tmp_path / "raw", pull=False)
    corrected = breast_error(moved, still, phase, tmp_path / "pulled", pull=True)
    assert corrected < raw / 5


def test_displacement_is_none_in_the_reference_and_moderate_elsewhere(moved: Made, still: Made) -> None:
    field, affine = volume(moved, "displacement.nii.gz")
    breast, native = volume(moved, "breast.nii.gz")
    assert field.shape == (24, 28, 28, 4, 3)
    np.testing.assert_allclose(affine @ [5, 3, 2, 1], native @ [5, 12, 8, 1], atol=1e-5)
    inside = breast[:, ::4, ::4] > 0
    rms = np.sqrt((field[inside] ** 2).sum(-1).mean(0))
    np.testing.assert_allclose(rms, truth(moved)["displacement_rms_mm"], rtol=0.05)
    assert rms[1] == 0 and all(0.4 < v < 2.6 for v in rms[[0, 2, 3]])
    assert np.abs(field[inside][..., 0]).max() <= 0.505
    assert not volume(still, "displacement.nii.gz")[0].any()


def test_noise_free_images_of_the_noisy_exam_differ_by_noise_alone(real: Made, moved: Made, tmp_path: Path) -> None:
    noisy, clean = (
        np.asarray(convert(phase_files(m)[1][1], tmp_path / str(k)).dataobj, dtype=float)
        for k, m in enumerate((real, moved))
    )
    breast, _ = volume(real, "breast.nii.gz")
    bright = (breast > 0) & (clean > 40)
    difference = (noisy - clean)[bright]
    assert abs(difference.std() - 8.0) < 1.0 and abs(difference.mean()) < 1.5


def test_lesions_of_the_truth_are_those_of_the_mask(real: Made) -> None:
    lesion, affine = volume(real, "lesion.nii.gz")
    breast, _ = volume(real, "breast.nii.gz")
    (cancer,) = [item for item in truth(real)["lesions"] if item["kind"] == "cancer"]
    mask = lesion == 1
    assert cancer["volume_mm3"] == pytest.approx(mask.sum() * 3.5, rel=1e-6)
    centre = affine @ [*np.argwhere(mask).mean(axis=0), 1]
    np.testing.assert_allclose(centre[:3], cancer["centre_mm"], atol=1e-2)
    assert cancer["section"] == mask.sum(axis=(1, 2)).argmax()
    assert (breast[mask] == 1).all()
    held = np.flatnonzero(mask.any(axis=(1, 2)))
    assert held.min() >= 4 and held.max() < mask.shape[0] - 4


def test_outlines_lie_on_the_section_of_largest_area_and_overlap(real: Made) -> None:
    exam, out = real
    lesion, affine = volume(real, "lesion.nii.gz")
    (cancer,) = [item for item in truth(real)["lesions"] if item["kind"] == "cancer"]
    assert {p.name for p in (out / "outlines").iterdir()} == {f"E07L_R{k}.nii.gz" for k in (1, 2, 3, 4)}
    section = lesion[cancer["section"]] == 1
    dice: Callable[[np.ndarray, np.ndarray], float] = lambda a, b: float(2 * (a & b).sum() / (a.sum() + b.sum()))  # noqa: E731
    for path in (out / "outlines").iterdir():
        image = nibabel.load(path)
        drawn = np.asarray(image.dataobj)
        np.testing.assert_allclose(image.affine, affine, atol=1e-5)
        assert drawn.dtype == np.uint8 and list(np.flatnonzero(drawn.any(axis=(1, 2)))) == [cancer["section"]]
        assert dice(drawn[cancer["section"]] > 0, section) > 0.6


def test_a_complete_exam_is_left_alone_and_a_damaged_one_is_made_again(real: Made) -> None:
    exam, out = real
    stamp = out / "truth" / exam.exam / "stamp.json"
    outline = out / "outlines" / "E07L_R2.nii.gz"
    before, content = stamp.stat().st_mtime_ns, outline.read_bytes()
    cohort.write_cohort([exam], out, SEED)
    assert stamp.stat().st_mtime_ns == before
    outline.unlink()
    told: list[tuple[int, int]] = []
    cohort.write_cohort([exam], out, SEED, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 1), (1, 1)]
    assert outline.read_bytes() == content and stamp.stat().st_mtime_ns != before
    assert not list(out.glob(".writing-*"))
