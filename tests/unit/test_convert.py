"""Conversion: every voxel where DICOM says, whatever the plane, the file layout and the compression."""

import copy

import numpy as np
import pydicom
import pytest
from dicoms import write_image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, JPEG2000Lossless, JPEGLSLossless, RLELossless
from scipy.spatial.transform import Rotation

from radparity.convert import convert_exam, pixel_digest
from radparity.image import load
from radparity.record import DataFault

SECTIONS, ROWS, COLUMNS, PHASES = 7, 40, 36, 3
SPACING, APART = (0.8, 1.1), 2.5
PLANES = {
    "sagittal": [[0, 1, 0], [0, 0, -1]],
    "axial": [[1, 0, 0], [0, 1, 0]],
    "coronal": [[1, 0, 0], [0, 0, -1]],
}


def voxel(phase, section):
    generator = np.random.default_rng([phase, section])
    return generator.integers(0, 3000, (ROWS, COLUMNS), dtype=np.uint16)


def write_phases(folder, orientation, start=(5.0, -7.0, 11.0), **tags):
    """Phases of sections along the normal, with the files by name and the record that intake would write."""
    row, column = np.array(orientation[0], dtype=float), np.array(orientation[1], dtype=float)
    normal = np.cross(row, column)
    files, phases = {}, []
    folder.mkdir(exist_ok=True)
    for phase in range(PHASES):
        names = []
        for section in range(SECTIONS):
            name = f"{phase}_{section}"
            files[name] = folder / name
            write_image(
                files[name], voxel(phase, section), position=tuple(np.array(start) + normal * APART * section),
                orientation=(*row, *column), spacing=SPACING, instance=phase * SECTIONS + section + 1, **tags,
            )  # fmt: skip
            names.append(name)
        phases.append({"time_s": 60.0 * phase, "files": names})
    return files, {"sections": SECTIONS, "matrix": [ROWS, COLUMNS], "phases": phases}, (row, column, normal)


def assert_every_voxel(path, axes, start=(5.0, -7.0, 11.0), scale=1.0):
    row, column, normal = axes
    volume, affine = load(path)
    assert volume.shape[-1] == PHASES and np.all(np.diag(affine)[:3] > 0)
    inverse = np.linalg.inv(affine)
    for phase in range(PHASES):
        for section in range(SECTIONS):
            r, c = np.indices((ROWS, COLUMNS)).reshape(2, -1)
            patient = (
                np.array(start)
                + normal * APART * section
                + np.outer(c * SPACING[1], row)
                + np.outer(r * SPACING[0], column)
            )
            index = np.column_stack([patient * [-1, -1, 1], np.ones(len(patient))]) @ inverse.T
            assert np.abs(index - np.rint(index)).max() < 0.02
            i, j, k = np.rint(index[:, :3]).astype(int).T
            assert np.allclose(volume[i, j, k, phase], scale * voxel(phase, section).ravel())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plane=st.sampled_from(sorted(PLANES)),
    turn=st.tuples(*[st.floats(-20, 20)] * 3),
    flip=st.booleans(),
)
def test_every_voxel_lies_where_dicom_says(tmp_path_factory, plane, turn, flip):
    folder = tmp_path_factory.mktemp("phases")
    rotation = Rotation.from_euler("xyz", turn, degrees=True)
    orientation = rotation.apply(PLANES[plane])
    if flip:
        orientation = orientation * [[-1], [1]]
    files, record, axes = write_phases(folder, orientation.round(6))
    facts = convert_exam(files, record, folder / "phases.nii.gz")
    assert facts["times_s"] == [0, 60, 120]
    assert_every_voxel(folder / "phases.nii.gz", axes)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless], ids=lambda uid: uid.name)
def test_compressed_pixels_are_the_same_pixels(tmp_path, syntax):
    files, record, axes = write_phases(tmp_path / "in", PLANES["sagittal"])
    for path in files.values():
        data = pydicom.dcmread(path)
        data.compress(syntax, generate_instance_uid=False)
        data.save_as(path)
    convert_exam(files, record, tmp_path / "phases.nii.gz")
    assert_every_voxel(tmp_path / "phases.nii.gz", axes)


def merge(files, path, syntax=None, slope=None):
    """All images as one enhanced multi-frame file, in a shuffled order; returns name of each image to its frame."""
    order = np.random.default_rng(3).permutation(sorted(files))
    images = {name: pydicom.dcmread(files[name]) for name in order}
    first = next(iter(images.values()))
    out = copy.deepcopy(first)
    out.SOPClassUID = out.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    out.NumberOfFrames = len(images)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = first.ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = first.PixelSpacing, "2.5"
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    if slope:
        change = Dataset()
        change.RescaleSlope, change.RescaleIntercept, change.RescaleType = str(slope), "0", "US"
        shared.PixelValueTransformationSequence = [change]
    frames = []
    for image in images.values():
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = image.ImagePositionPatient
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    out.SharedFunctionalGroupsSequence, out.PerFrameFunctionalGroupsSequence = [shared], frames
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        del out[name]
    out.PixelData = np.stack([image.pixel_array for image in images.values()]).tobytes()
    if syntax:
        out.compress(syntax, generate_instance_uid=False)
    out.save_as(path)
    return {name: number for number, name in enumerate(order)}


@pytest.mark.parametrize("syntax", [None, JPEG2000Lossless], ids=["plain", "jpeg2000"])
def test_enhanced_multi_frame_files(tmp_path, syntax):
    files, record, axes = write_phases(tmp_path / "in", PLANES["axial"])
    frame = merge(files, tmp_path / "one.dcm", syntax, slope=2)
    for phase in record["phases"]:
        phase["files"] = [f"one.dcm#{frame[name]}" for name in phase["files"]]
    convert_exam({"one.dcm": tmp_path / "one.dcm"}, record, tmp_path / "phases.nii.gz")
    assert_every_voxel(tmp_path / "phases.nii.gz", axes, scale=2)


def test_scaling_of_its_own_in_each_phase(tmp_path):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    for name, path in files.items():
        data = pydicom.dcmread(path)
        data.RescaleSlope, data.RescaleIntercept = ("0.5", "3") if name.startswith("1_") else ("1", "0")
        data.save_as(path)
    convert_exam(files, record, tmp_path / "phases.nii.gz")
    volume = load(tmp_path / "phases.nii.gz")[0]
    for phase, (slope, intercept) in enumerate([(1, 0), (0.5, 3), (1, 0)]):
        stored = np.concatenate([voxel(phase, section).ravel() for section in range(SECTIONS)])
        assert np.array_equal(
            np.sort(volume[..., phase].ravel()), np.sort(slope * stored + intercept).astype(np.float32)
        )


def fault(files, record, tmp_path):
    with pytest.raises(DataFault) as found:
        convert_exam(files, record, tmp_path / "phases.nii.gz")
    return found.value


def test_a_phase_exported_twice(tmp_path):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    record["phases"][2]["files"] = record["phases"][1]["files"]
    found = fault(files, record, tmp_path)
    assert found.code == "phases_identical" and "phases 2 and 3" in found.sentence


def test_an_empty_phase(tmp_path):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    for section in range(SECTIONS):
        data = pydicom.dcmread(files[f"1_{section}"])
        data.PixelData = b"\0" * len(data.PixelData)
        data.save_as(files[f"1_{section}"])
    assert fault(files, record, tmp_path).code == "phase_empty"


def test_a_phase_on_another_grid(tmp_path):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    for section in range(SECTIONS):
        data = pydicom.dcmread(files[f"2_{section}"])
        data.ImagePositionPatient = [float(v) + 4 for v in data.ImagePositionPatient]
        data.save_as(files[f"2_{section}"])
    assert fault(files, record, tmp_path).code == "grids_differ"


def test_a_file_gone_since_intake(tmp_path):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    files["1_3"].unlink()
    assert fault(files, record, tmp_path).code == "conversion_failed"


def test_pixels_that_do_not_decode(tmp_path):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    data = pydicom.dcmread(files["1_3"])
    data.compress(JPEG2000Lossless, generate_instance_uid=False)
    data.PixelData = data.PixelData[:24] + b"\7" * (len(data.PixelData) - 32) + data.PixelData[-8:]
    data.save_as(files["1_3"])
    assert fault(files, record, tmp_path).code == "conversion_failed"


def test_headers_that_contradict_the_sections(tmp_path):
    """Sections 2.5 mm apart that say they are not: the volume would be stretched."""
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    record["sections"] += 1
    assert fault(files, record, tmp_path).code == "conversion_failed"


def test_pixel_digests_know_the_same_image_again():
    one = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    assert pixel_digest(one) == pixel_digest(one.astype(np.float32)) != pixel_digest(one.reshape(3, 2, 4))
    assert pixel_digest(one) != pixel_digest(one + 1)
    assert pixel_digest(np.full((2, 3, 4), 7)) is None
