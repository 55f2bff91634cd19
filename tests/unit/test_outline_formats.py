"""One outline written in every format and orientation gives the same mask; writers are other people's."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from outlines import COLUMNS, PLANES, ROWS, SECTIONS, Exam, keyhole, rectangle

from radparity.outline import Source, outline_case

K = 3
OUTER, HOLE = ((4, 6), (11, 15)), ((7, 9), (8, 11))


@pytest.fixture(scope="module", params=PLANES)
def exam(request, tmp_path_factory):
    return Exam(tmp_path_factory.mktemp("exam"), request.param)


def ring(k=K, hole=True):
    """A rectangle on one section, with a hole: no flip, turn or transposition leaves it alike."""
    mask = np.zeros((SECTIONS, ROWS, COLUMNS), bool)
    mask[k, OUTER[0][0] : OUTER[1][0] + 1, OUTER[0][1] : OUTER[1][1] + 1] = True
    if hole:
        mask[k, HOLE[0][0] : HOLE[1][0] + 1, HOLE[0][1] : HOLE[1][1] + 1] = False
    return mask


def test_every_format_and_orientation_gives_the_same_mask(exam):
    mask = ring()
    wanted = exam.expected(mask)
    outer, hole = rectangle(*OUTER), rectangle(*HOLE)
    several = [("cancer", K, outer), ("cancer", K, hole)]
    assert wanted.sum() == mask.sum() == 8 * 10 - 2 * 3
    files = {
        "NIfTI": lambda: (exam.nifti(mask),),
        "NIfTI, axes turned": lambda: (exam.nifti(mask, "RAI"),),
        "NRRD": lambda: (exam.nrrd(mask),),
        "NRRD, axes turned": lambda: (exam.nrrd(mask, "ASL"),),
        "seg.nrrd, cropped": lambda: (exam.seg_nrrd([mask], ["cancer"]),),
        "SEG": lambda: (exam.seg([mask]),),
        "SEG, some sections": lambda: (exam.seg([mask], sections=[5, 3, 2]),),
        "SEG, frames out of order": lambda: (exam.seg([mask], shuffle=1),),
        "SEG, fractional": lambda: (exam.seg([mask], kind="FRACTIONAL", values=mask.astype(np.float32)),),
        "SEG, labels": lambda: (exam.seg([mask], kind="LABELMAP", values=mask.astype(np.uint8)),),
        "RTSTRUCT, XOR": lambda: (exam.rtstruct({"c": [(K, outer), (K, hole)]}, "CLOSEDPLANAR_XOR"),),
        "RTSTRUCT, hole within": lambda: (exam.rtstruct({"c": [(K, outer), (K, hole)]}),),
        "RTSTRUCT, keyhole": lambda: (exam.rtstruct({"c": [(K, keyhole(outer, hole))]}),),
        "OsiriX XML": lambda: (exam.osirix_xml(several),),
        "OsiriX XML, pixels only": lambda: (exam.osirix_xml(several, millimetres=False),),
        "OsiriX XML, mm only": lambda: (exam.osirix_xml(several, uid=False),),
        "OsiriX XML, image of the sheet": lambda: (
            exam.osirix_xml(several, millimetres=False, uid=False),
            exam.names[K],
        ),
        "OsiriX CSV": lambda: (exam.osirix_csv(several),),
        "PNG by file": lambda: (exam.png(mask, K), exam.names[K]),
        "PNG by SOPInstanceUID": lambda: (exam.png(mask, K, value=1), str(exam.datasets[K].SOPInstanceUID)),
    }
    for name, write in files.items():
        found, flags = exam.read(*write())
        np.testing.assert_array_equal(found, wanted, err_msg=name)
        assert flags == [], name


def test_the_segment_that_the_sheet_names_is_taken(exam):
    cancer, other = ring(), ring(1, hole=False)
    layered = np.where(cancer, 2, np.where(other, 1, 0)).astype(np.uint8)
    sitk.WriteImage(exam.volume(layered), str(exam.folder / "labels.nii.gz"))
    contours = {"other": [(1, rectangle(*OUTER))], "Cancer": [(K, keyhole(rectangle(*OUTER), rectangle(*HOLE)))]}
    files = [
        (exam.folder / "labels.nii.gz", ["2"]),
        (exam.seg_nrrd([other, cancer], ["other", "Cancer"]), ["2", "Cancer"]),
        (exam.seg([other, cancer], ["other", "Cancer"]), ["2", "Cancer"]),
        (exam.rtstruct(contours), ["2", "Cancer"]),
        (exam.osirix_xml([(n, k, p) for n, own in contours.items() for k, p in own]), ["2", "Cancer"]),
    ]
    for path, names in files:
        for segment in names:
            np.testing.assert_array_equal(exam.read(path, None, segment)[0], exam.expected(cancer), err_msg=path.name)


def test_overlapping_segments_of_slicer_and_one_that_nobody_drew_in(exam):
    cancer, around = ring(), ring(hole=False)
    path = exam.seg_nrrd([around, cancer], ["around", "cancer"], layers=True)
    np.testing.assert_array_equal(exam.read(path, None, "cancer")[0], exam.expected(cancer))
    np.testing.assert_array_equal(exam.read(path, None, "around")[0], exam.expected(around))
    path = exam.seg_nrrd([cancer, np.zeros_like(cancer)], ["Segment_1", "Segment_2"])
    np.testing.assert_array_equal(exam.read(path)[0], exam.expected(cancer))


def test_shares_of_voxels_count_from_a_half_and_are_flagged(exam):
    shares = ring().astype(np.float32) * 0.6
    shares[K, 4] *= 0.5
    shares[K, 5] /= 1.2  # exactly a half
    found, flags = exam.read(exam.seg([], kind="FRACTIONAL", values=shares))
    np.testing.assert_array_equal(found, exam.expected(shares >= 0.4999))
    assert [flag["code"] for flag in flags] == ["outline_fractional"]


def test_a_tool_that_writes_pixels_corners_for_their_centres_is_put_right_and_flagged(exam):
    data = pydicom.dcmread(exam.seg([ring()]))
    half = 0.5 * (0.7 * exam.orientation[:3] + 0.9 * exam.orientation[3:])
    for frame in data.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0]
        place.ImagePositionPatient = [f"{v:.5f}" for v in np.array(place.ImagePositionPatient, float) - half]
    data.save_as(exam.folder / "half.dcm")
    found, flags = exam.read(exam.folder / "half.dcm")
    np.testing.assert_array_equal(found, exam.expected(ring()))
    assert [flag["code"] for flag in flags] == ["outline_half_pixel"]


@pytest.mark.parametrize("voxel", [(2, 9, 4), (0, 0, 0), (SECTIONS - 1, ROWS - 1, COLUMNS - 1), (K, 0, COLUMNS - 1)])
def test_a_single_voxel_also_at_the_border(exam, voxel):
    mask = np.zeros((SECTIONS, ROWS, COLUMNS), bool)
    mask[voxel] = True
    k, row, column = voxel
    square = rectangle((row, column), (row, column))
    tiny = [(row + 0.2 * a, column + 0.2 * b) for a, b in ((0.5, 1), (1, -1), (0.6, 0.7))]
    for path, image in (
        (exam.nifti(mask), None),
        (exam.seg_nrrd([mask], ["cancer"]), None),
        (exam.seg([mask]), None),
        (exam.rtstruct({"cancer": [(k, square)]}), None),
        (exam.rtstruct({"cancer": [(k, tiny)]}), None),
        (exam.osirix_csv([("cancer", k, square)]), None),
        (exam.png(mask, k), exam.names[k]),
    ):
        np.testing.assert_array_equal(exam.read(path, image)[0], exam.expected(mask), err_msg=path.name)


def test_an_outlined_volume_of_any_plane_reaches_the_breasts_grid(exam):
    """Judged is where the raters' union is largest; the record says which sections have an outline."""
    mask = np.zeros((SECTIONS, ROWS, COLUMNS), bool)
    mask[1:5, 5:12, 6:15] = True
    mask[2, 4:13, 5:17] = True
    grid = exam.affine.copy()
    axis = exam.target.section_axis
    sources = {"R1": Source(exam.nifti(mask)), "R2": Source(exam.seg([mask]))}
    found = outline_case(sources, exam.shape, exam.affine, exam.shape, grid, axis, exam.target.images)
    wanted = exam.expected(mask)
    areas = wanted.sum(axis=(1, 2))
    assert found.facts["chosen_by"] == "largest_area" and areas[found.facts["section"]] == areas.max()
    assert found.facts["fills_volume"] and found.facts["tumour_sections"] == np.flatnonzero(areas).tolist()
    assert found.facts["box_sections"] is None and found.facts["by_rule"] == {}
    for n, rater in enumerate(("R1", "R2")):
        np.testing.assert_array_equal(found.native[rater], wanted)
        np.testing.assert_array_equal(found.masks[0, ..., n] > 0, wanted[found.facts["section"]])
    np.testing.assert_allclose(found.affine[:3, 3], (grid @ [found.facts["section"], 0, 0, 1])[:3])
