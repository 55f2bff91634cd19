"""Outlines that fill a volume: which do, which section of them is judged, and DICOM SEG frames of any kind."""

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outlines import COLUMNS, ROWS, SECTIONS, SPACING, Exam
from pydicom.uid import generate_uid

from radparity.outline import Source, outline_case
from radparity.outline.sections import is_volume
from radparity.record import DataFault

MATRIX = (SECTIONS, ROWS, COLUMNS)


@pytest.fixture(scope="module", params=["sagittal", "sagittal, oblique", "axial, oblique"])
def exam(request, tmp_path_factory):
    return Exam(tmp_path_factory.mktemp("exam"), request.param)


@pytest.fixture(scope="module")
def sagittal(tmp_path_factory):
    return Exam(tmp_path_factory.mktemp("sagittal"), "sagittal")


def drawn(areas, exam):
    """A NIfTI mask with so many voxels on each section, and the sections of the native grid from the first."""
    mask = np.zeros(MATRIX, bool)
    for section, area in enumerate(areas):
        mask[section].ravel()[:area] = True
    return exam.nifti(mask, name=f"{'-'.join(map(str, areas))}.nii.gz"), exam.expected(mask)


def case(exam, *files, **more):
    sources = {f"R{n}": file if isinstance(file, Source) else Source(file) for n, file in enumerate(files, start=1)}
    axis = exam.target.section_axis
    return outline_case(sources, exam.shape, exam.affine, exam.shape, exam.affine, axis, exam.target.images, **more)


# Shuffled frames are written with the empty ones, whole fractions as bytes.
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mask=st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).random(MATRIX) < 0.2),
    sections=st.permutations(range(SECTIONS)),
    kept=st.integers(1, SECTIONS),
    seed=st.integers(0, 2**32 - 1),
    shift=st.tuples(st.floats(-0.49, 0.49), st.floats(-0.49, 0.49)),
    fractional=st.booleans(),
)
def test_any_mask_on_any_sections_in_any_order_a_part_of_a_pixel_off_comes_back_exactly(
    exam, mask, sections, kept, seed, shift, fractional
):
    rows, columns = shift
    own = np.zeros_like(mask)
    own[sections[:kept]] = mask[sections[:kept]]
    if fractional:
        path = exam.seg([], kind="FRACTIONAL", values=own.astype(np.float32), sections=sorted(sections[:kept]))
    else:
        path = exam.seg([own], sections=sorted(sections[:kept]), shuffle=seed)
    data = pydicom.dcmread(path)
    off = columns * SPACING[1] * exam.orientation[:3] + rows * SPACING[0] * exam.orientation[3:]
    for frame in data.get("PerFrameFunctionalGroupsSequence", ()):
        place = frame.PlanePositionSequence[0]
        place.ImagePositionPatient = [f"{v:.5f}" for v in np.array(place.ImagePositionPatient, float) + off]
    data.save_as(path)
    found, flags = exam.read(path)
    np.testing.assert_array_equal(found, exam.expected(own))
    if own.any():
        assert ("outline_half_pixel" in {flag["code"] for flag in flags}) == (np.linalg.norm(off) > 0.1)


def test_most_of_a_pixel_off_is_another_place(exam):
    mask = np.ones(MATRIX, bool)
    data = pydicom.dcmread(exam.seg([mask]))
    for frame in data.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0]
        moved = np.array(place.ImagePositionPatient, float) + 0.7 * SPACING[1] * exam.orientation[:3]
        place.ImagePositionPatient = [f"{v:.5f}" for v in moved]
    data.save_as(exam.folder / "moved.dcm")
    with pytest.raises(DataFault) as fault:
        exam.read(exam.folder / "moved.dcm")
    assert fault.value.code == "outline_geometry"


@given(st.lists(st.integers(0, 40), min_size=3, max_size=12).filter(any))
def test_a_volume_is_a_run_of_three_sections_none_of_them_a_stray(areas):
    mask = np.zeros((len(areas), 1, 40), bool)
    for section, area in enumerate(areas):
        mask[section, 0, :area] = True
    runs = [areas[n : n + 3] for n in range(len(areas) - 2)]
    assert is_volume(mask) == any(all(area > 0 and area * 20 >= max(areas) for area in run) for run in runs)
    assert is_volume(np.moveaxis(mask, 0, 2), 2) == is_volume(mask)


def test_the_section_of_largest_area_is_judged_and_the_first_of_equals(sagittal):
    # A volume is read in the exam's order of sections, which may run against the DICOM's.
    path, wanted = drawn([0, 20, 90, 90, 30, 0], sagittal)
    found = case(sagittal, path)
    areas = wanted.sum(axis=(1, 2))
    assert found.facts["section"] == int(areas.argmax()) and (areas == 90).sum() == 2
    assert found.facts["tumour_sections"] == [1, 2, 3, 4] and found.facts["fills_volume"]
    np.testing.assert_array_equal(found.masks[0, ..., 0] > 0, wanted[found.facts["section"]])


@pytest.mark.parametrize(("areas", "fills"), [([0, 70, 90, 0, 0, 0], False), ([0, 70, 90, 70, 0, 0], True)])
def test_two_axial_sections_are_judged_and_say_nothing_of_the_others(tmp_path, areas, fills):
    axial = Exam(tmp_path, "axial")
    found = case(axial, drawn(areas, axial)[0]).facts
    assert (found["chosen_by"], found["fills_volume"]) == ("largest_area", fills)


def test_an_outline_of_one_section_says_nothing_of_the_others(sagittal):
    path, _ = drawn([0, 0, 90, 0, 0, 0], sagittal)
    facts = case(sagittal, path).facts
    assert (facts["fills_volume"], facts["chosen_by"]) == (False, "outlined")
    assert facts["tumour_sections"] == [facts["section"]]


@pytest.mark.parametrize(
    "areas", [[0, 90, 0, 1, 0, 0], [0, 1, 90, 1, 0, 0], [4, 90, 4, 0, 4, 0], [0, 90, 80, 0, 0, 0], [9, 0, 90, 0, 80, 9]]
)
def test_strays_make_no_volume_of_an_outline(sagittal, areas):
    with pytest.raises(DataFault) as fault:
        case(sagittal, drawn(areas, sagittal)[0])
    assert fault.value.code == "outline_sections" and "3 neighbouring" in fault.value.sentence


def test_a_volume_beside_an_outline_of_one_section(sagittal):
    volume, one = drawn([0, 20, 90, 30, 0, 0], sagittal)[0], drawn([0, 0, 90, 0, 0, 0], sagittal)[0]
    with pytest.raises(DataFault) as fault:
        case(sagittal, volume, one)
    assert fault.value.code == "outline_sections" and "R1 outlined a volume" in fault.value.sentence


def test_two_volumes_are_judged_where_their_union_is_largest(sagittal):
    first, one = drawn([0, 20, 90, 30, 0, 0], sagittal)
    second, other = drawn([0, 0, 10, 60, 99, 0], sagittal)
    found = case(sagittal, first, second)
    areas = (one | other).sum(axis=(1, 2))
    assert areas[found.facts["section"]] == areas.max() == 99
    assert found.facts["tumour_sections"] == np.flatnonzero(areas).tolist()


@pytest.mark.parametrize("plane", ["sagittal", "axial"])
def test_a_folder_stands_for_the_one_dicom_file_in_it(tmp_path, plane):
    exam = Exam(tmp_path, plane)
    mask = np.zeros(MATRIX, bool)
    mask[1:5, 4:9, 5:11] = True
    made, folder = exam.seg([mask]), exam.folder / "segmentation"
    folder.mkdir()
    with pytest.raises(DataFault) as fault:
        exam.read(folder)
    assert fault.value.code == "outline_folder" and "holds 0" in fault.value.sentence
    made.rename(folder / "0b2f9a.dcm")
    (folder / "LICENSE").write_text("as it came")
    np.testing.assert_array_equal(exam.read(folder)[0], exam.expected(mask))
    data = pydicom.dcmread(folder / "0b2f9a.dcm")
    data.FrameOfReferenceUID = generate_uid()
    data.save_as(folder / "0b2f9a.dcm")
    with pytest.raises(DataFault) as fault:
        exam.read(folder)
    # The file's own name is the archive's, and may not reach a record.
    assert fault.value.code == "outline_frame" and "0b2f9a" not in fault.value.sentence
    data.save_as(folder / "another.dcm")
    with pytest.raises(DataFault) as fault:
        exam.read(folder)
    assert fault.value.code == "outline_folder" and "holds 2" in fault.value.sentence


@pytest.mark.parametrize("label", ["Breast", "VOI", "whole breast", "Fibroglandular tissue"])
def test_a_segment_that_is_no_cancer_is_refused_by_its_label(sagittal, label):
    masks = [np.zeros(MATRIX, bool), np.zeros(MATRIX, bool)]
    masks[0][1:5], masks[1][1:5, 4:9, 5:11] = True, True
    path = sagittal.seg(masks, [label, "mass"])
    for segment in ("1", label):
        with pytest.raises(DataFault) as fault:
            sagittal.read(path, None, segment)
        assert fault.value.code == "outline_tissue" and "`segment`" in fault.value.sentence
        assert label not in fault.value.sentence
    np.testing.assert_array_equal(sagittal.read(path, None, "mass")[0], sagittal.expected(masks[1]))


def test_a_segment_that_is_no_cancer_is_refused_by_its_code(sagittal):
    data = pydicom.dcmread(sagittal.seg([np.ones(MATRIX, bool)], ["Segment_1"]))
    code = data.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "76752008", "SCT", "Breast"
    data.save_as(sagittal.folder / "coded.dcm")
    with pytest.raises(DataFault) as fault:
        sagittal.read(sagittal.folder / "coded.dcm")
    assert fault.value.code == "outline_tissue"
