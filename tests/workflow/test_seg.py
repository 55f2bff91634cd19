"""What goes back to the hospital: one DICOM SEG a segmented case, on the images that the network saw."""

import json
import shutil
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest

from radparity.audit.study import audit_study
from radparity.kinds import open_study
from radparity.terminal import read_config

ARM = "results/seg/unet"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
QUARTERS = [(0.0, a, b) for a in (-0.25, 0.25) for b in (-0.25, 0.25)]


def run(project, *targets):
    # By date alone: what is tested is the stage, and the study may have been made by yesterday's code.
    code, out = project.snakemake("--rerun-triggers", "mtime", "--", *targets)
    assert code == 0, out[-3000:]
    return out


def record(project, breast):
    return json.loads((project.folder / ARM / breast / "seg.json").read_text())


def segmented(project):
    """The cases whose segment stage marked something."""
    found = sorted((project.folder / "results/segment/unet").glob("*/segment.json"))
    assert found
    records = {path.parent.name: json.loads(path.read_text()) for path in found}
    return [breast for breast, one in records.items() if one["status"] == "ok" and one["voxels"]]


def searched(project, monkeypatch):
    """What the audit's search for identities says; the audit of a study in development may be red for other reasons."""
    monkeypatch.chdir(project.folder)
    study = open_study(read_config("config.yaml"), "config.yaml")
    return audit_study(Path("results"), study, {}, 1)["deidentification"]


@pytest.fixture(scope="module")
def study(finished, room):
    return finished.copy(room / "study")


def test_every_segmented_case_gets_its_mask_on_the_images_of_its_first_phase_after_contrast(study):
    run(study, "seg")
    cases = segmented(study)
    assert len(cases) >= 2
    for breast in cases:
        seg = highdicom.seg.segread(study.folder / ARM / breast / "seg.dcm")
        volume = seg.get_volume(combine_segments=True)
        marked = np.argwhere(volume.array > 0)
        (finding,) = record(study, breast)["findings"]
        assert finding["voxels"] == len(marked) > 0 and finding["side"][0].upper() == breast[-1]
        # Each voxel of the segmentation lies to at least a half in the mask, looked up at four places.
        mask = nibabel.load(study.folder / f"results/segment/unet/{breast}/mask.nii.gz")
        to_mask = np.linalg.inv(mask.affine) @ LPS_TO_RAS @ volume.affine
        share = np.zeros(len(marked))
        for quarter in QUARTERS:
            points = np.c_[marked + quarter, np.ones(len(marked))] @ to_mask.T
            share += np.asarray(mask.dataobj)[tuple(np.rint(points[:, :3]).astype(int).T)] / 4
        assert (share >= 0.5).all()
        size = abs(np.linalg.det(mask.affine[:3, :3]))
        assert finding["volume_mm3"] == pytest.approx(np.asarray(mask.dataobj).sum() * size, rel=0.1)
        intake = json.loads((study.folder / f"results/intake/{breast[:-1]}/intake.json").read_text())
        folder = study.folder / "data/demo/dicom" / breast[:-1]
        images = {pydicom.dcmread(folder / name).SOPInstanceUID for name in intake["phases"][1]["files"]}
        assert {item.ReferencedSOPInstanceUID for item in seg.SourceImageSequence} == images
        assert str(seg.PatientID).startswith("P") and not seg.StudyDate


def test_it_is_made_once_and_always_with_the_same_bytes(study):
    run(study, "seg")
    assert "Nothing to be done" in run(study, "seg")
    before = {path: path.read_bytes() for path in (study.folder / ARM).rglob("*") if path.is_file()}
    shutil.rmtree(study.folder / ARM)
    run(study, "seg")
    assert {path: path.read_bytes() for path in (study.folder / ARM).rglob("*") if path.is_file()} == before


def test_the_audit_knows_which_identifiers_belong_there_and_finds_those_that_do_not(study, monkeypatch):
    run(study, "seg")
    for identity in ("pseudonymous", "original"):
        if identity == "original":
            study.configure(seg={"identity": identity})
            shutil.rmtree(study.folder / ARM)
            run(study, "seg")
        said = searched(study, monkeypatch)
        assert said["verdict"] == "green" and any("segmentations hold" in line for line in said["warnings"])
    breast = segmented(study)[0]
    data = pydicom.dcmread(study.folder / ARM / breast / "seg.dcm")
    header = pydicom.dcmread(next((study.folder / "data/demo/dicom" / breast[:-1]).rglob("*.dcm")))
    assert (data.PatientID, data.StudyDate) == (header.PatientID, header.StudyDate)
    # The segmentation of another patient in a breast's folder names somebody who is not to be named there.
    another = next(b for b in segmented(study) if b[:-1] != breast[:-1])
    path = study.folder / ARM / breast / "seg.dcm"
    own = path.read_bytes()
    path.unlink()
    path.write_bytes((study.folder / ARM / another / "seg.dcm").read_bytes())
    said = searched(study, monkeypatch)
    assert said["verdict"] == "red" and {"SOPInstanceUID", "StudyDate"} <= said["leaks"].keys()
    assert {Path(finding["file"]).parent.name for finding in said["findings"]} == {breast}
    path.write_bytes(own)
    study.configure(seg={"identity": "pseudonymous"})
    said = searched(study, monkeypatch)
    assert said["verdict"] == "red" and "StudyDate" in said["leaks"]
    assert {finding["file"].rpartition("/")[2] for finding in said["findings"]} == {"seg.dcm"}


def test_a_case_whose_images_went_is_a_fault_of_that_case_alone(study, tmp_path):
    broken = study.copy(tmp_path / "broken")
    shutil.rmtree(broken.folder / ARM, ignore_errors=True)
    lost, empty, *others = segmented(broken)
    path = broken.folder / f"results/segment/unet/{empty}/mask.nii.gz"
    mask = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(np.zeros(mask.shape, np.uint8), mask.affine), path)
    intake = json.loads((broken.folder / f"results/intake/{lost[:-1]}/intake.json").read_text())
    (broken.folder / "data/demo/dicom" / lost[:-1] / intake["phases"][1]["files"][3]).unlink()
    run(broken, "seg")
    said = record(broken, lost)
    assert (
        said["status"] == "excluded" and said["code"] == "seg_source_missing" and "radparity sweep" in said["sentence"]
    )
    assert (broken.folder / ARM / lost / "seg.dcm").read_bytes() == b""
    assert record(broken, empty)["code"] == "seg_nothing_marked"
    assert all(record(broken, other)["status"] == "ok" for other in others)
