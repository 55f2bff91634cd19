"""Segmentations that others wrote are read by the code that reads ours; real ones of UCSF and of ISPY1."""

import tarfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

from radparity.intake.source import exam_files
from radparity.outline import Source, read_images
from radparity.outline.exam import Images, Target
from radparity.outline.formats import read_outline
from radparity.record import DataFault
from radparity.seg.source import read_source
from radparity.seg.write import Algorithm, Finding, write_seg

ROOT = Path(__file__).parents[2]
ISPY1 = ROOT.parent / "shared/data/ispy1_1001_seg/MR_UnspecifiedLength.dcm"
ALGORITHM = Algorithm("radparity unet", "0.1.0", "")


def by_hand(data, target):
    """The volume of a segmentation of sagittal frames, frame by frame from its values, without the reader."""
    out = np.zeros(target.shape, bool)
    for frame, image in zip(data.PerFrameFunctionalGroupsSequence, data.pixel_array, strict=True):
        x, y, z = map(float, frame.PlanePositionSequence[0].ImagePositionPatient)
        # Columns run backwards and rows downwards: from the corner at the front and top of RAS+.
        corner = np.linalg.inv(target.affine) @ [-x, -y, z, 1]
        section, anterior, superior = np.rint(corner[:3]).astype(int)
        drawn = image.T[::-1, ::-1] > 0
        columns, rows = drawn.shape
        out[section, anterior - columns + 1 : anterior + 1, superior - rows + 1 : superior + 1] |= drawn
    return out


def as_enhancement(path, target, folder):
    """A copy that says it marks enhancement: UCSF's objects of tissue, which these are, are refused as outlines."""
    with pytest.raises(DataFault) as fault:
        read_outline(Source(path), target)
    assert fault.value.code == "outline_tissue"
    data = pydicom.dcmread(path)
    data.SeriesDescription = "VOI PE Segmentation thresh=70"
    data.save_as(folder / "enhancement.dcm")
    return Source(folder / "enhancement.dcm")


@pytest.fixture(scope="module")
def ucsf(tmp_path_factory):
    """The real exam that ships, its first phase after contrast, and the site's own segmentation."""
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    exam = folder / "real/UCSF-BR-06"
    files = exam_files(exam, "image_dce_3dfgre_orig")
    # Sections are numbered from 1 within each of its three acquisitions.
    return exam, read_source(files, [f"2-{k:03d}.dcm" for k in range(1, 61)]), files


def test_ucsfs_own_segmentation_is_read_as_ours_is(ucsf, tmp_path):
    exam, source, files = ucsf
    target = Target(source.shape, source.affine, 0, read_images(files, exam))
    path = exam / "mask/1-1.dcm"
    theirs, flags = read_outline(as_enhancement(path, target, tmp_path), target)
    assert not flags
    np.testing.assert_array_equal(theirs, by_hand(pydicom.dcmread(path), target))
    assert theirs.any(axis=(1, 2)).sum() == 42
    write_seg(tmp_path / "ours.dcm", [Finding("mass", "left", theirs)], source.affine, source, ALGORITHM, "original")
    np.testing.assert_array_equal(read_outline(Source(tmp_path / "ours.dcm"), target)[0], theirs)


def test_ispy1s_segmentation_is_read_by_the_same_code(tmp_path):
    if not ISPY1.is_file():
        pytest.skip("the segmentation of ISPY1 lies in ../shared/data, which is not here")
    data = pydicom.dcmread(ISPY1)
    places = [f.PlanePositionSequence[0].ImagePositionPatient for f in data.PerFrameFunctionalGroupsSequence]
    positions = np.array(places, float)
    # Its images are not there: the grid is its own, and so is the exam.
    spacing = float(data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[0])
    affine = np.diag([abs(positions[1, 0] - positions[0, 0]), spacing, spacing, 1.0])
    affine[0, 3] = -positions[:, 0].max()
    affine[1, 3] = -positions[0, 1] - spacing * (data.Columns - 1)
    affine[2, 3] = positions[0, 2] - spacing * (data.Rows - 1)
    named = [e.value for e in data.iterall() if e.keyword == "ReferencedSOPInstanceUID"]
    images = Images(dict.fromkeys(named, []), {}, frozenset([str(data.FrameOfReferenceUID)]))
    target = Target((len(positions), data.Columns, data.Rows), affine, 0, images)
    found, _ = read_outline(as_enhancement(ISPY1, target, tmp_path), target)
    np.testing.assert_array_equal(found, by_hand(data, target))
    assert found.any()
