"""Outlines that are refused: each says what is wrong and what to write instead, and holds no identifier."""

import copy
import json
import plistlib

import nibabel
import numpy as np
import pydicom
import pytest
from outlines import COLUMNS, ROWS, SECTIONS, Exam, rectangle
from PIL import Image
from pydicom.uid import generate_uid
from test_outline_formats import K, ring

from radparity.outline import Source, outline_case
from radparity.outline.exam import Target
from radparity.outline.formats import read_outline
from radparity.record import DataFault
from radparity.sheets import Breast, Reading
from radparity.sheets import Exam as Row
from radparity.study import Study

BOX = rectangle((4, 6), (11, 15))


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    return Exam(tmp_path_factory.mktemp("exam"), "sagittal, oblique")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Exam(tmp_path_factory.mktemp("other"), "sagittal, oblique", seed="2")


def refused(exam, path, image=None, segment=None):
    with pytest.raises(DataFault) as found:
        exam.read(path, image, segment)
    held = [str(d.SOPInstanceUID) for d in exam.datasets] + [str(exam.folder), "20050101"]
    assert not any(text in found.value.sentence for text in held)
    return found.value


def test_another_exams_outline(exam, other):
    assert refused(exam, other.seg([ring()])).code == "outline_frame"
    path = other.rtstruct({"c": [(K, BOX)]})
    assert refused(exam, path).code == "outline_frame"
    path = other.rtstruct({"c": [(K, BOX)]}, frame=exam.datasets[0].FrameOfReferenceUID)
    assert refused(exam, path).code == "outline_other_exam"
    assert refused(exam, other.osirix_xml([("c", K, BOX)])).code == "outline_other_exam"
    assert refused(exam, other.png(ring(), K), str(other.datasets[K].SOPInstanceUID)).code == "outline_other_exam"


def test_a_copy_with_another_frame_of_reference(exam):
    data = pydicom.dcmread(exam.seg([ring()]))
    data.FrameOfReferenceUID = generate_uid()
    data.save_as(exam.folder / "copy.dcm")
    assert refused(exam, exam.folder / "copy.dcm").code == "outline_frame"


def test_a_segmentation_that_names_nothing(exam):
    data = pydicom.dcmread(exam.rtstruct({"c": [(K, BOX)]}, images=False))
    del data.StructureSetROISequence[0].ReferencedFrameOfReferenceUID
    data.save_as(exam.folder / "bare.dcm")
    assert refused(exam, exam.folder / "bare.dcm").code == "outline_other_exam"


def test_several_segments_and_none_named(exam):
    masks, labels = [ring(), ring(1, hole=False)], ["cancer of Mrs Doe", "node"]
    for path in (
        exam.seg(masks, labels),
        exam.seg_nrrd(masks, labels),
        exam.rtstruct({label: [(K, BOX)] for label in labels}),
        exam.osirix_xml([(label, K, BOX) for label in labels]),
    ):
        fault = refused(exam, path)
        assert fault.code == "outline_segment" and "Doe" not in fault.sentence and "`segment`" in fault.sentence
        assert refused(exam, path, None, "7").code == "outline_segment"
    assert refused(exam, exam.nifti(ring()), None, "cancer").code == "outline_segment"


def test_outlines_without_a_place(exam):
    assert refused(exam, exam.png(ring(), K)).code == "outline_unplaced"
    pixels_only = exam.osirix_xml([("c", K, BOX)], millimetres=False, uid=False)
    assert refused(exam, pixels_only).code == "outline_unplaced"
    bare = nibabel.Nifti1Image(ring().astype(np.uint8), None)
    bare.header["sform_code"] = bare.header["qform_code"] = 0
    nibabel.save(bare, exam.folder / "bare.nii")
    assert refused(exam, exam.folder / "bare.nii").code == "outline_unplaced"
    text = exam.nrrd(ring()).read_bytes().replace(b"space: left-posterior-superior\n", b"space dimension: 3\n")
    (exam.folder / "bare.nrrd").write_bytes(text)
    assert refused(exam, exam.folder / "bare.nrrd").code == "outline_unplaced"


def pictures():
    """What comes instead of a mask: name to the picture's pixels and the words that say so."""
    mask = ring()[K]
    shown = np.where(mask, 200, 90).astype(np.uint8)
    grown = np.kron(mask, np.ones((2, 2))).astype(np.uint8) * 255
    soft = np.clip(np.cumsum(mask, axis=1) * 25, 0, 255).astype(np.uint8)
    return {
        "screenshot in colour": (np.stack([shown, shown, mask * 255], axis=-1).astype(np.uint8), "colour"),
        "other size": (grown, "2 x"),
        "anti-aliased": (soft, "grey values"),
        "on the image": (shown, "grey values"),
        "black and white changed": ((~mask * 255).astype(np.uint8), "changed places"),
    }


@pytest.mark.parametrize("name", pictures())
def test_pictures_that_are_no_masks(exam, name):
    pixels, words = pictures()[name]
    Image.fromarray(pixels).save(exam.folder / "p.png")
    fault = refused(exam, exam.folder / "p.png", exam.names[K])
    words = f"{2 * ROWS} x {2 * COLUMNS}" if words == "2 x" else words
    assert fault.code == "outline_picture" and words in fault.sentence and "not a screenshot" in fault.sentence


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("o.jpg", b"\xff\xd8\xff\xe0", "JPEG"),
        ("o.tif", b"II*\0", "TIFF"),
        ("o.mha", b"ObjectType = Image", "MetaImage"),
        ("o.json", b'{"shapes": []}', "JSON"),
        ("o.mrb", b"PK\3\4", "archive"),
        ("o.roi", plistlib.dumps({"$archiver": "NSKeyedArchiver"}, fmt=plistlib.FMT_BINARY), "OsiriX's own"),
        ("o.bin", b"\0\1\2", "no format"),
    ],
)
def test_formats_that_are_not_read_say_what_to_export(exam, name, content, words):
    (exam.folder / name).write_bytes(content)
    fault = refused(exam, exam.folder / name)
    assert fault.code == "outline_unsupported" and words in fault.sentence and "RTSTRUCT" in fault.sentence


def test_dicom_of_another_kind_and_brush_rois(exam):
    fault = refused(exam, exam.folder / exam.names[0])
    assert fault.code == "outline_unsupported" and "MR Image Storage" in fault.sentence
    assert refused(exam, exam.osirix_xml([("c", K, BOX)], kind=20)).code == "outline_unsupported"


def test_files_cut_short(exam):
    for path in (
        exam.nifti(ring()),
        exam.nrrd(ring()),
        exam.seg([ring()]),
        exam.png(ring(), K),
        exam.osirix_xml([("c", K, BOX)]),
        exam.osirix_csv([("c", K, BOX)]),
    ):
        content = path.read_bytes()
        cut = path.with_name(f"cut-{path.name}")
        cut.write_bytes(content[: int(len(content) * 0.6)])
        assert refused(exam, cut, exam.names[K]).code == "outline_unreadable", path.name


def test_masks_that_do_not_lie_on_the_exams_voxels(exam):
    for change, code in (
        (lambda a: a @ np.diag([1, 1, 0.5, 1]), "outline_geometry"),
        (lambda a: a + np.array([[0, 0, 0, 0.3], [0] * 4, [0] * 4, [0] * 4]), "outline_geometry"),
        (lambda a: np.diag([3.0, 0.7, 0.9, 1]), "outline_geometry"),
        (lambda a: a @ np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "outline_geometry"),
        (lambda a: a @ np.array([[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "outline_shape"),
    ):
        moved = nibabel.Nifti1Image(exam.expected(ring()).astype(np.uint8), change(exam.affine))
        nibabel.save(moved, exam.folder / "moved.nii")
        assert refused(exam, exam.folder / "moved.nii").code == code


def test_points_in_pixels_that_contradict_those_in_mm(exam):
    path = exam.osirix_xml([("c", K, BOX)])
    content = plistlib.loads(path.read_bytes())
    roi = content["Images"][0]["ROIs"][0]
    roi["Point_px"] = [f"({column + 6.5:f}, {row + 0.5:f})" for row, column in BOX]
    path.write_bytes(plistlib.dumps(content))
    assert refused(exam, path).code == "outline_geometry"


def elements(data, above=()):
    """Every element of an object, of sequences those of the first item, as the way to it."""
    for element in data:
        yield (*above, element.tag)
        for item in element.value[:1] if element.VR == "SQ" else ():
            yield from elements(item, (*above, element.tag))


@pytest.mark.parametrize("kind", ["SEG", "RTSTRUCT"])
def test_an_object_that_lacks_an_element_is_read_right_or_refused(exam, kind):
    """Never a bug, never another mask, never an empty one in silence."""
    mask = ring(hole=False)
    path = exam.seg([mask]) if kind == "SEG" else exam.rtstruct({"c": [(K, BOX)]})
    whole, wanted, read = pydicom.dcmread(path), exam.expected(mask), 0
    for way in list(elements(whole)):
        for gone in (True, False):
            part = data = copy.deepcopy(whole)
            for tag in way[:-1]:
                part = part[tag].value[0]
            if gone:
                del part[way[-1]]
            else:
                part[way[-1]].value = [] if part[way[-1]].VR == "SQ" else None
            data.save_as(exam.folder / "lacking.dcm")
            try:
                found, _ = exam.read(exam.folder / "lacking.dcm")
            except DataFault:
                continue
            read += 1
            np.testing.assert_array_equal(found, wanted, err_msg=str(way))
    assert read > 5


@pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL"])
@pytest.mark.parametrize("element", ["SegmentationType", "SegmentSequence", "PixelData"])
def test_a_segmentation_of_other_types_that_lacks_an_element(exam, kind, element):
    data = pydicom.dcmread(
        exam.seg([], kind=kind, values=ring().astype(np.uint8 if kind == "LABELMAP" else np.float32))
    )
    delattr(data, element)
    data.save_as(exam.folder / "lacking.dcm")
    assert refused(exam, exam.folder / "lacking.dcm").code == "outline_unreadable"


def test_structures_and_rois_without_a_closed_contour(exam):
    assert refused(exam, exam.rtstruct({"c": [(K, BOX)]}, "OPEN_PLANAR")).code == "outline_contours"
    assert refused(exam, exam.osirix_xml([("c", K, BOX)], kind=5)).code == "outline_contours"


def test_a_single_section_of_an_axial_exam_is_refused(tmp_path):
    exam = Exam(tmp_path, "axial")
    sources = {"R1": Source(exam.rtstruct({"c": [(K, BOX)]}))}
    with pytest.raises(DataFault) as found:
        outline_case(sources, exam.shape, exam.affine, exam.shape, exam.affine, 2, exam.target.images)
    assert found.value.code == "outline_flat" and "axial" in found.value.sentence


def test_an_outlined_volume_in_the_other_breast(tmp_path):
    exam = Exam(tmp_path, "axial")
    mask = np.zeros((SECTIONS, ROWS, COLUMNS), bool)
    mask[1:4, 5:9, 0:4] = True
    wanted = exam.expected(mask)
    marked = np.flatnonzero(wanted.any(axis=(1, 2)))
    first = 0 if marked.min() > exam.shape[0] // 2 else exam.shape[0] // 2
    grid = exam.affine.copy()
    grid[:3, 3] = (exam.affine @ [first, 0, 0, 1])[:3]
    shape = (exam.shape[0] // 2, *exam.shape[1:])
    with pytest.raises(DataFault) as found:
        outline_case({"R1": Source(exam.nifti(mask))}, exam.shape, exam.affine, shape, grid, 2)
    assert found.value.code == "outline_side"


def test_a_picture_named_as_a_volume_and_files_that_need_headers_without_them(exam):
    path = exam.png(ring(), K)
    named = path.rename(path.with_suffix(".nii"))
    assert refused(exam, named).code == "outline_unreadable"
    with pytest.raises(DataFault) as found:
        read_outline(Source(exam.seg([ring()])), Target(exam.shape, exam.affine))
    assert found.value.code == "outline_unsupported"


def test_no_identifier_of_the_sheet_reaches_params():
    identifier = "1.2.840.113619.2.1"
    rows = [
        Reading(breast="B1", rater="R1", file="a.png", image=identifier, segment="Mrs Doe"),
        Reading(breast="B1", rater="R2", file="a.nii.gz"),
        Reading(breast="B2", rater="R1", file="b.seg.nrrd"),
    ]
    exams = {"E1": Row(exam="E1", patient="P1", folder="e1")}
    breasts = {
        name: Breast(breast=name, exam="E1", side=side, label="malignant", partition="test")
        for name, side in (("B1", "left"), ("B2", "right"))
    }
    study = Study(None, exams, breasts, rows)
    said = study.outline_choices["B1"]
    assert set(said) == {"R1"} and identifier not in json.dumps(said) and "Doe" not in json.dumps(said)
    assert "B2" not in study.outline_choices
    assert (study.outlined_images("B1"), study.outlined_images("B2")) == ("e1", None)
