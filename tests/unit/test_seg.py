"""A mask written as DICOM SEG lies on the images that it is of, whoever reads it, and says what it shall of whom."""

import logging
import shutil
import subprocess
import warnings

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicoms import write_image, write_multiframe
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import PLANES, Exam

from radparity.deidentify.identifiers import elements, identifiers
from radparity.intake.source import exam_files
from radparity.outline import Source, read_images
from radparity.outline.exam import Target
from radparity.outline.formats import read_outline
from radparity.record import DataFault
from radparity.seg.carried import carried
from radparity.seg.patient import NO_DAY
from radparity.seg.source import read_source
from radparity.seg.write import Algorithm, Finding, write_seg

ALGORITHM = Algorithm("radparity unet", "0.1.0", "weights sha256 ab")
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def written(path, source, masks, *identity):
    """One finding a mask, left and right in turn; returns the object as it is read again."""
    findings = [Finding("Lesion", ("left", "right")[n % 2], mask) for n, mask in enumerate(masks)]
    write_seg(path, findings, source.affine, source, ALGORITHM, *(identity or ("pseudonymous", "P7")))
    return pydicom.dcmread(path)


def own(path, source, folder, number):
    """A segment as this project reads any SEG: on the exam's voxels."""
    files = exam_files(folder, "dicom")
    target = Target(source.shape, source.affine, 0, read_images(files, folder))
    mask, flags = read_outline(Source(path, None, str(number)), target)
    assert not flags
    return mask


def places(mask, affine):
    """The middles of a mask's voxels, LPS, to 0.01 mm, as a set."""
    points = np.c_[np.argwhere(mask), np.ones(mask.sum())] @ affine.T
    return set(map(tuple, (np.rint(points[:, :3] * 100) + 0.0).astype(int)))


def by_highdicom(path, number):
    """Where a segment's voxels lie, by highdicom."""
    volume = highdicom.seg.segread(path).get_volume(segment_numbers=[number], combine_segments=False)
    return places(volume.array[..., 0] > 0, volume.affine)


def by_itk(path):
    """Where the voxels of a segmentation of one segment lie, by ITK."""
    image = sitk.ReadImage(str(path))
    found = np.argwhere(sitk.GetArrayFromImage(image) > 0)[:, ::-1]
    points = [image.TransformIndexToPhysicalPoint([int(n) for n in voxel]) for voxel in found]
    return set(map(tuple, (np.rint(np.array(points) * 100) + 0.0).astype(int)))


def errors(path):
    """What dciodvfy finds wrong."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed: apt-get install dicom3tools")
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
    assert "Segmentation" in said.stderr
    return [line for line in said.stderr.splitlines() if line.startswith("Error")]


def near(found, wanted):
    """The same places, where rounding to 0.01 mm may fall either way."""
    return len(found) == len(wanted) and all(
        any((x + dx, y + dy, z + dz) in wanted for dx in (0, -1, 1) for dy in (0, -1, 1) for dz in (0, -1, 1))
        for x, y, z in found
    )


def masks(shape, seed, count=1, share=0.1):
    rng = np.random.default_rng(seed)
    made = [rng.random(shape) < share for _ in range(count)]
    for number, mask in enumerate(made):
        mask.flat[(7 * number + seed) % mask.size] = True
    return made


@pytest.fixture(scope="module", params=PLANES)
def exam(request, tmp_path_factory):
    return Exam(tmp_path_factory.mktemp("exam"), request.param)


def source_of(exam):
    return read_source(exam_files(exam.folder, "dicom"), [name.removeprefix("dicom/") for name in exam.names])


def test_of_every_plane_each_reader_finds_the_voxels_that_were_written(exam):
    source, path = source_of(exam), exam.folder / "made.dcm"
    assert source.shape == exam.shape
    np.testing.assert_allclose(source.affine, exam.affine, atol=1e-4)
    drawn = masks(source.shape, 3, count=3)
    written(path, source, drawn)
    for number, mask in enumerate(drawn, start=1):
        np.testing.assert_array_equal(own(path, source, exam.folder, number), mask)
        assert near(by_highdicom(path, number), places(mask, LPS @ source.affine))
    # ITK knows no segments and no gaps between frames: one finding, on all sections or on a part of them; of a file
    # whose last byte is not full it drops the last pixels, so four.
    axis = exam.target.section_axis
    for sections in (slice(None), slice(1, 5)):
        mask = np.zeros(source.shape, bool)
        chosen = [slice(None)] * 3
        chosen[axis] = sections
        mask[tuple(chosen)] = masks(mask[tuple(chosen)].shape, 5, share=0.3)[0]
        written(path, source, [mask])
        assert near(by_itk(path), places(mask, LPS @ source.affine))


def test_the_validator_of_others_finds_no_error(exam):
    source, path = source_of(exam), exam.folder / "checked.dcm"
    for count, identity in ((1, ("original",)), (3, ("original",)), (1, ()), (3, ())):
        written(path, source, masks(source.shape, 1, count), *identity)
        assert errors(path) == []


@given(data=st.data())
@settings(max_examples=25)
def test_any_masks_on_any_oblique_stack_come_back(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    quaternion = np.array(data.draw(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)))
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    sections, rows, columns = (data.draw(st.integers(*range_of)) for range_of in ((1, 5), (4, 9), (4, 9)))
    spacing = data.draw(st.tuples(*[st.floats(0.3, 3).map(lambda v: round(v, 4))] * 2))
    step = data.draw(st.floats(0.7, 6)) * data.draw(st.sampled_from([1, -1]))
    orientation = [f"{v:.9f}" for v in turn[:2].ravel()]
    normal = np.cross(turn[0], turn[1])
    names = [f"IM{k:02d}.dcm" for k in range(sections)]
    for k, name in enumerate(names):
        position = [f"{v:.8f}" for v in np.array([31.0, -77.0, 12.0]) + k * step * normal]
        write_image(
            folder / "dicom" / name, np.zeros((rows, columns)), position=position, orientation=orientation,
            spacing=spacing, SliceThickness=round(abs(step), 4), instance=k + 1,
        )  # fmt: skip
    source = read_source(exam_files(folder, "dicom"), names)
    drawn = masks(source.shape, data.draw(st.integers(0, 99)), data.draw(st.integers(1, 3)), 0.3)
    written(folder / "made.dcm", source, drawn)
    for number, mask in enumerate(drawn, start=1):
        np.testing.assert_array_equal(own(folder / "made.dcm", source, folder, number), mask)
        assert near(by_highdicom(folder / "made.dcm", number), places(mask, LPS @ source.affine))


def test_frames_of_one_file_are_named_by_their_numbers_and_other_phases_are_not(tmp_path):
    frames = write_multiframe(tmp_path / "dicom/all.dcm", StudyID="", PatientName="P1^")[1]
    source = read_source(exam_files(tmp_path, "dicom"), [f"all.dcm#{frame}" for frame in frames])
    mask = masks(source.shape, 2)[0]
    data = written(tmp_path / "made.dcm", source, [mask])
    np.testing.assert_array_equal(own(tmp_path / "made.dcm", source, tmp_path, 1), mask)
    assert errors(tmp_path / "made.dcm") == []
    assert len(data.SourceImageSequence) == len(data.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    header = pydicom.dcmread(tmp_path / "dicom/all.dcm")
    for group in data.PerFrameFunctionalGroupsSequence:
        item = group.DerivationImageSequence[0].SourceImageSequence
        assert len(item) == 1 and item[0].ReferencedSOPInstanceUID == header.SOPInstanceUID
        named = header.PerFrameFunctionalGroupsSequence[item[0].ReferencedFrameNumber - 1]
        assert (
            named.PlanePositionSequence[0].ImagePositionPatient == group.PlanePositionSequence[0].ImagePositionPatient
        )
        assert named.FrameContentSequence[0].TemporalPositionIndex == 2


def test_each_frame_names_the_image_that_it_lies_on_and_the_object_all_of_them(exam):
    source = source_of(exam)
    data = written(exam.folder / "made.dcm", source, masks(source.shape, 4, 2))
    images = {image.SOPInstanceUID: image for image in exam.datasets}
    assert {item.ReferencedSOPInstanceUID for item in data.SourceImageSequence} == set(images)
    first = exam.datasets[0]
    assert data.ReferencedSeriesSequence[0].SeriesInstanceUID == first.SeriesInstanceUID
    assert (data.StudyInstanceUID, data.FrameOfReferenceUID) == (first.StudyInstanceUID, first.FrameOfReferenceUID)
    assert data.SeriesInstanceUID != first.SeriesInstanceUID
    for group in data.PerFrameFunctionalGroupsSequence:
        (item,) = group.DerivationImageSequence[0].SourceImageSequence
        image = images[item.ReferencedSOPInstanceUID]
        # A header has room for 16 characters.
        place = group.PlanePositionSequence[0].ImagePositionPatient
        assert list(place) == pytest.approx(list(image.ImagePositionPatient), abs=1e-9)


def test_it_says_what_was_found_where_and_by_what(exam):
    source = source_of(exam)
    data = written(exam.folder / "made.dcm", source, masks(source.shape, 4, 2))
    for segment, side in zip(data.SegmentSequence, ("Left", "Right"), strict=True):
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lesion"
        (region,) = segment.AnatomicRegionSequence
        assert (region.CodeMeaning, region.AnatomicRegionModifierSequence[0].CodeMeaning) == ("Breast", side)
        (by,) = segment.SegmentationAlgorithmIdentificationSequence
        assert (by.AlgorithmName, by.AlgorithmVersion) == (ALGORITHM.name, ALGORITHM.version)
        assert ALGORITHM.parameters in by.AlgorithmParameters and segment.SegmentAlgorithmType == "AUTOMATIC"
    assert len({segment.TrackingUID for segment in data.SegmentSequence}) == 2


PERSON = {
    "PatientName": "Müller^Jane",
    "PatientID": "4711-0815",
    "PatientBirthDate": "19610304",
    "PatientSex": "F",
    "StudyDate": "20050102",
    "StudyTime": "101112",
    "ContentDate": "20050103",
    "ContentTime": "111213",
    "AccessionNumber": "ACC0099",
    "StudyID": "S-77",
    "ReferringPhysicianName": "Roe^Richard",
    "InstitutionName": "St. Elsewhere",
    "StationName": "MRST07",
    "SpecificCharacterSet": "ISO_IR 192",
}


@pytest.fixture
def of_a_person(tmp_path):
    """Three images of a person with a name, and their source."""
    for k in range(3):
        write_image(tmp_path / f"dicom/{k}.dcm", np.zeros((8, 9)), position=(3.0 * k, 0, 0), instance=k, **PERSON)
    return tmp_path, read_source(exam_files(tmp_path, "dicom"), [f"{k}.dcm" for k in range(3)])


def test_the_original_identity_is_that_of_the_images(of_a_person):
    folder, source = of_a_person
    data = written(folder / "made.dcm", source, masks(source.shape, 1), "original")
    for keyword in set(PERSON) - {"InstitutionName", "StationName"}:
        assert data[keyword].value == PERSON[keyword], keyword
    assert "PatientIdentityRemoved" not in data
    assert errors(folder / "made.dcm") == []


def test_a_pseudonymous_one_keeps_only_the_uids_without_which_it_could_not_be_laid_over(of_a_person):
    folder, source = of_a_person
    data = written(folder / "made.dcm", source, masks(source.shape, 1))
    held = {text for _, _, text in elements(data)}
    image = pydicom.dcmread(folder / "dicom/0.dcm")
    kept = {found.kind for found in identifiers(image) if found.value in held}
    assert kept == {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"}
    assert (data.PatientID, data.PatientName, data.PatientBirthDate, data.ContentDate) == ("P7", "P7^", "", NO_DAY)
    assert data.PatientIdentityRemoved == "YES"
    with pytest.raises(ValueError, match="pseudonym"):
        written(folder / "made.dcm", source, masks(source.shape, 1), "pseudonymous", "")


def test_no_name_reaches_a_log_or_a_warning(of_a_person, caplog, capfd):
    folder, source = of_a_person
    source.header.PatientName = "JANEONLY"  # a form that highdicom warns of
    with warnings.catch_warnings(record=True) as told, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        written(folder / "made.dcm", source, masks(source.shape, 1), "original")
    said = caplog.text + "".join(str(one.message) for one in told) + "".join(capfd.readouterr())
    assert "JANEONLY" not in said and "4711" not in said


def test_the_same_inputs_give_the_same_bytes_and_others_another_identity(of_a_person):
    folder, source = of_a_person
    drawn = masks(source.shape, 1)
    first, again = (written(folder / name, source, drawn) for name in ("a.dcm", "b.dcm"))
    assert (folder / "a.dcm").read_bytes() == (folder / "b.dcm").read_bytes()
    others = [
        written(folder / "c.dcm", source, masks(source.shape, 2)),
        written(folder / "d.dcm", source, drawn, "pseudonymous", "P8"),
        written(folder / "e.dcm", source, drawn, "original"),
    ]
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        assert first[keyword] == again[keyword]
        assert len({str(data[keyword].value) for data in (first, *others)}) == 4


def test_what_cannot_be_written_is_refused(of_a_person):
    folder, source = of_a_person
    with pytest.raises(ValueError, match="marks nothing"):
        written(folder / "made.dcm", source, [np.zeros(source.shape, bool)])
    shifted = source.affine.copy()
    shifted[0, 3] += 0.3
    for affine, mask in (
        (shifted, np.ones(source.shape, bool)),
        (source.affine, np.ones((4, *source.shape[1:]), bool)),
    ):
        with pytest.raises(DataFault) as fault:
            write_seg(folder / "made.dcm", [Finding("Lesion", "left", mask)], affine, source, ALGORITHM, "original")
        assert fault.value.code == "seg_source_geometry"
    assert not (folder / "made.dcm").exists()


def test_images_that_went_or_lack_what_is_needed_are_faults(of_a_person):
    folder, _ = of_a_person
    names = [f"{k}.dcm" for k in range(3)]

    def code():
        with pytest.raises(DataFault) as fault:
            read_source(files, names)
        return fault.value.code

    files = exam_files(folder, "dicom")
    (folder / "dicom/1.dcm").unlink()
    assert code() == "seg_source_missing"
    write_image(folder / "dicom/1.dcm", np.zeros((8, 9)), position=(3.4, 0, 0))
    assert code() == "seg_source_geometry"
    for lacks in ("FrameOfReferenceUID", "PixelSpacing"):
        write_image(folder / "dicom/1.dcm", np.zeros((8, 9)), position=(3, 0, 0), **{lacks: None})
        assert code() == "seg_source_header"
    (folder / "dicom/1.dcm").write_bytes(b"nothing")
    assert code() == "seg_source_header"


@pytest.fixture
def kept(of_a_person):
    """Segmentations of both identities where a study keeps them, and whether an identifier belongs into one, whose
    exam's images are those of a folder."""
    folder, source = of_a_person
    for identity, of in (("original", ()), ("pseudonymous", ("P7",))):
        for breast in ("E01L", "E02R"):
            path = folder / identity / f"seg/unet/{breast}/seg.dcm"
            path.parent.mkdir(parents=True)
            written(path, source, masks(source.shape, 1), identity, *of)
    another = {**PERSON, "PatientName": "ROE^RICHARD", "PatientID": "8812345"}
    another["StudyInstanceUID"] = "1.2.3.4.5.99"
    write_image(folder / "another/0.dcm", np.zeros((8, 9)), position=(0, 0, 0), **another)
    held = {
        "E01L": set(identifiers(pydicom.dcmread(folder / "dicom/0.dcm"))),
        "E02R": set(identifiers(pydicom.dcmread(folder / "another/0.dcm"))),
    }

    def belongs(identity, kind, breast="E01L", asked=None, held=held, name="seg.dcm"):
        path = folder / identity / f"seg/unet/{breast}" / name
        return carried(asked or identity, lambda breast: held.get(breast, ()))(str(path), kind)

    belongs.folder, belongs.held = folder, held
    return belongs


def test_identifiers_belong_into_the_segmentations_alone_and_a_name_only_where_it_was_asked_for(kept):
    assert kept("pseudonymous", "SOPInstanceUID") and kept("original", "SOPInstanceUID")
    assert kept("original", "PatientName")
    assert not kept("pseudonymous", "PatientName")
    assert not kept("original", "PatientName", asked="pseudonymous")
    for elsewhere in ("seg.json", "other.dcm"):
        shutil.copy(kept.folder / "original/seg/unet/E01L/seg.dcm", kept.folder / f"original/seg/unet/E01L/{elsewhere}")
        assert not kept("original", "PatientName", name=elsewhere)


def test_of_another_exam_nothing_belongs_into_a_segmentation(kept):
    for identity, kind in (
        ("pseudonymous", "SOPInstanceUID"),
        ("original", "SOPInstanceUID"),
        ("original", "PatientID"),
    ):
        assert not kept(identity, kind, "E02R"), kind
        assert not kept(identity, kind, held={}), kind
    # Her study, and somebody else's name.
    mixed = {found for found in kept.held["E01L"] if found.kind not in ("PatientName", "PatientID")}
    mixed |= {found for found in kept.held["E02R"] if found.kind in ("PatientName", "PatientID")}
    assert not kept("original", "PatientName", held={"E01L": mixed})
    assert kept("pseudonymous", "SOPInstanceUID", held={"E01L": mixed})
    (kept.folder / "original/seg/unet/E01L/seg.dcm").write_bytes(b"")
    assert not kept("original", "PatientName")
