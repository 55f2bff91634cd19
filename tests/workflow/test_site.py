"""At a site, from a folder and a bundle to the answer: none, of an axial exam, of two parts, of one breast of two."""

import json
import re
import shutil

import numpy as np
import pydicom
from project import ROOT

from radparity.bundle.archive import contents, written
from radparity.bundle.manifest import SETTINGS, sealed, verified
from radparity.ledger import dump

DICOM = ROOT / "data/demo/dicom"
LEFT, RIGHT, AXIAL = "E25", "E26", "E17"
NAME = "DOE^JANE"


def repacked(bundle, to, floor):
    """The bundle with another floor, sealed anew."""
    files = contents(bundle.read_bytes(), bundle.name)
    manifest = verified(files, bundle.name)
    settings = json.loads(files[SETTINGS])
    settings["threshold"]["floor"]["probability"] = floor
    kept = {name: content for name, content in files.items() if name in manifest["files"]}
    about = {key: manifest[key] for key in ("arm", "study", "radparity", "head", "code", "versions")}
    to.write_bytes(written(sealed(kept | {SETTINGS: dump(settings).encode()}, about)))
    return to


def predicted(study, exam, bundle, output, *options):
    """What is printed, results.json, and the page's text."""
    code, out = study.call("radparity", "predict", exam, "--weights", bundle, "--output", output, *options)
    assert code == 0, out
    results = json.loads((output / "results.json").read_text())
    assert results["files"] == sorted(path.name for path in output.iterdir())
    return out, results, (output / "summary.html").read_text()


def woman(folder, *exams):
    """Exams of one breast each as one of a woman, in folders that bear her name."""
    for number, exam in enumerate(exams):
        for path in sorted((DICOM / exam).rglob("*")):
            if path.is_dir():
                continue
            to = folder / "DOE_JANE_19610304" / exam / path.relative_to(DICOM / exam)
            to.parent.mkdir(parents=True, exist_ok=True)
            data = pydicom.dcmread(path)
            data.PatientName, data.PatientID, data.PatientBirthDate = NAME, "4711", "19610304"
            data.StudyInstanceUID, data.StudyDate = "1.2.3.4", "20200102"
            data.SeriesNumber = int(data.SeriesNumber) + 100 * number
            data.save_as(to)
    return folder


def test_below_the_floor_no_lesion_is_written_drawn_or_said(bundled, tmp_path):
    exam = bundled.folder / f"data/demo/dicom/{RIGHT}"
    high = repacked(bundled.bundle, tmp_path / "high.zip", 1.0)
    out, results, page = predicted(bundled, exam, high, tmp_path / "made")
    (said,) = results["breasts"]
    assert said["answer"] == "no lesion found" and 0 < said["maximum"] <= 1 == said["floor"]
    assert results["files"] == ["results.json", "summary.html"] and said["files"] == []
    assert not {"volume_cc", "images", "disagreement"} & said.keys()
    sentence = f"Right breast: no lesion found (largest probability {said['maximum']:.3f}, floor 1)."
    assert sentence in out and sentence in page and "lesion of" not in out + page


def test_images_of_an_axial_exam_are_those_that_the_segmentation_names(bundled, tmp_path):
    _, results, page = predicted(bundled, DICOM / AXIAL, bundled.bundle, tmp_path / "made")
    assert [(said["side"], said["answer"]) for said in results["breasts"]] == [("left", "lesion"), ("right", "lesion")]
    assert [part["sides"] for part in results["parts"]] == [["left", "right"]]
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in (DICOM / AXIAL).rglob("*.dcm")]
    numbers = {str(data.SOPInstanceUID): (data.SeriesNumber, data.InstanceNumber) for data in headers}
    for said in results["breasts"]:
        seg = pydicom.dcmread(tmp_path / f"made/{said['side']}_lesion.dcm")
        named = [
            numbers[frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
            for frame in seg.PerFrameFunctionalGroupsSequence
        ]
        assert said["numbered_by"] == "instance number" and said["images"] == sorted(number for _, number in named)
        assert {said["series"]} == {series for series, _ in named} and said["largest_image"] in said["images"]
        assert len(named) == 1 or f"most on {said['largest_image']}" in page


def test_two_parts_bear_the_patients_name_or_nothing_of_her(bundled, tmp_path):
    exam = woman(tmp_path / "exam", LEFT, RIGHT)
    image = next(path for path in exam.rglob("*") if path.is_file())
    shutil.copy(image, image.with_name("zz_copy.dcm"))
    out, results, page = predicted(bundled, exam, bundled.bundle, tmp_path / "own")
    assert [part["sides"] for part in results["parts"]] == [["left"], ["right"]]
    assert [said["status"] for said in results["breasts"]] == ["ok", "ok"] and "4711" in page
    for side, raw in (("left", LEFT), ("right", RIGHT)):
        seg = pydicom.dcmread(tmp_path / f"own/{side}_lesion.dcm")
        assert (seg.PatientName, seg.PatientID) == (NAME, "4711")
        assert np.count_nonzero(seg.pixel_array) and f"{side.capitalize()} breast: lesion of" in out, raw
    lost = sorted((exam / "DOE_JANE_19610304" / RIGHT).rglob("*.dcm"))[40]
    lost.unlink()
    nameless = ("--identity", "pseudonymous", "--label", "X1")
    out, results, page = predicted(bundled, exam, bundled.bundle, tmp_path / "other", *nameless)
    assert [said["status"] for said in results["breasts"]] == ["ok", "excluded"]
    assert results["breasts"][0]["side"] == "left" and "Right breast: not segmented." in out
    assert "image-0" in page and not (tmp_path / "other/right_lesion.dcm").exists()
    for path in (tmp_path / "other").iterdir():
        # A picture's letters may spell anything.
        held = re.sub(rb"base64,[A-Za-z0-9+/=]+", b"", path.read_bytes())
        assert not [word for word in (b"DOE", b"JANE", b"4711", b"zz_copy", b"19610304") if word in held], path.name
