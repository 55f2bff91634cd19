"""From a study to another hospital: the bundle is packed, checked and used on an exam, as the study would have done."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pages import visit

from radparity.bundle.method import Method
from radparity.bundle.opened import open_bundle
from radparity.deidentify.search import deidentification, read_sources
from radparity.image import load
from radparity.load import load_study
from radparity.register import Settings
from radparity.site.breast import read_breast, sides_of
from radparity.site.exam import read_exam
from radparity.site.registration import register_phases
from radparity.terminal import read_config

EXAM = "E26"
"""Of one breast, a test case."""


def predict(study, exam, output, *options):
    folder = study.folder / f"data/demo/dicom/{exam}"
    return study.call("radparity", "predict", folder, "--weights", study.bundle, "--output", output, *options)


def test_the_bundle_is_whole_and_bears_its_published_digest(bundled):
    digest, name = (bundled.bundle.parent / "unet.zip.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(bundled.bundle.read_bytes()).hexdigest(), "unet.zip")
    bundle = open_bundle(bundled.bundle, digest)
    assert len(bundle.networks) == 2 and bundle.method.threshold.floor.probability == 0
    fraction = json.loads((bundled.folder / "results/segment/unet/fraction.json").read_text())
    assert bundle.method.threshold.section_fraction == fraction["fraction"]
    assert "Never for clinical use" in bundle.card and "for a test" in bundle.card
    assert [rule.name for rule in bundle.method.eligible] == ["field strength"] and "two-year stability" in bundle.card
    code, out = bundled.call("radparity", "predict", "--check", bundled.bundle, "--digest", digest)
    assert code == 0 and digest in out and "Never for clinical use" in out
    code, out = bundled.call("radparity", "predict", "--check", bundled.bundle, "--digest", "0" * 64)
    assert code == 2 and "ask who made it" in out and "Traceback" not in out


def test_it_is_the_same_bytes_and_made_only_when_asked_for(bundled):
    first = bundled.bundle.read_bytes()
    assert not any("bundle" in said for said in bundled.planned()) and bundled.planned("bundle") == []
    bundled.bundle.unlink()
    code, out = bundled.snakemake("bundle")
    assert code == 0 and bundled.bundle.read_bytes() == first, out[-3000:]


def test_nobody_can_be_told_from_it(bundled, monkeypatch):
    monkeypatch.chdir(bundled.folder)
    study = load_study(read_config("config.yaml"))
    text = bundled.bundle.read_bytes().decode("latin-1")
    words = set(re.findall(r"[A-Za-z0-9-]{3,}", text))
    assert not words & {*study.exams, *study.breasts, *study.patients.values()}
    assert not [path for path in study.raw_paths() if path in text] and study.config.raw not in text
    exams = {exam: [row.folder] for exam, row in study.exams.items()}
    found, _ = deidentification(bundled.bundle.parent, read_sources(Path(study.config.raw), exams, 1), {}, (), 1)
    assert found["verdict"] == "green" and found["headers"], found["findings"]


def test_a_site_makes_the_channels_of_the_study(bundled):
    (exam,), refused = read_exam(bundled.folder / f"data/demo/dicom/{EXAM}")
    assert refused == []
    bundle = open_bundle(bundled.bundle)
    assert isinstance(bundle.method, Method) and sides_of(exam, bundle.method) == ["right"]
    phases = exam.phases.copy()
    settings = Settings.of(bundle.method.registration.model_dump(mode="json"))
    facts = register_phases(phases, exam.affine, settings, threads=2)
    found = read_breast(exam, phases, "right", bundle, "cpu", 2)
    results = bundled.folder / "results"
    record = json.loads((results / f"register/{EXAM}/register.json").read_text())
    assert facts == {name: record[name] for name in ("quality", "flags")}
    assert np.array_equal(phases, load(results / f"register/{EXAM}/registered.nii.gz")[0])
    channels, affine = load(results / f"harmonize/pre_p95/{EXAM}R/channels.nii.gz")
    assert np.array_equal(found.channels, channels) and np.allclose(found.affine, affine)
    assert np.array_equal(found.mask, load(results / f"mask/{EXAM}R/mask.nii.gz", np.uint8)[0] > 0)


def test_one_command_from_dicom_to_segmentation_volume_and_page(bundled, tmp_path, browser, screenshots):
    import highdicom

    source = bundled.folder / f"data/demo/dicom/{EXAM}"
    before = {path: path.stat().st_mtime_ns for path in sorted(source.rglob("*"))}
    code, out = predict(bundled, EXAM, tmp_path / "a", "--nifti", "--identity", "pseudonymous", "--label", "X1")
    assert code == 0 and "Right breast: lesion of" in out and "Never for clinical use" in out, out
    assert {path: path.stat().st_mtime_ns for path in sorted(source.rglob("*"))} == before
    results = json.loads((tmp_path / "a/results.json").read_text())
    assert results["files"] == sorted(path.name for path in (tmp_path / "a").iterdir())
    (said,) = results["breasts"]
    image = nibabel.load(tmp_path / "a/right_lesion.nii.gz")
    mask = np.asarray(image.dataobj) > 0
    assert said["voxels"] == mask.sum()
    assert said["volume_cc"] == pytest.approx(mask.sum() * np.prod(image.header.get_zooms()[:3]) / 1000, rel=1e-3)
    phases, native = load(bundled.folder / f"results/convert/{EXAM}/phases.nii.gz")
    assert np.allclose(image.affine, native) and mask.shape == phases.shape[:3]
    seg = highdicom.seg.segread(tmp_path / "a/right_lesion.dcm")
    assert seg.PatientID == "X1" and seg.pixel_array.astype(bool).sum() == mask.sum()
    for number in range(seg.NumberOfFrames):
        frame = seg.PerFrameFunctionalGroupsSequence[number]
        corner = np.append(np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float) * [-1, -1, 1], 1)
        section = round(float((np.linalg.inv(native) @ corner)[0]))
        assert seg.pixel_array.reshape(-1, *seg.pixel_array.shape[-2:])[number].sum() == mask[section].sum()
    code, _ = predict(bundled, EXAM, tmp_path / "b", "--nifti", "--identity", "pseudonymous", "--label", "X1")
    assert code == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    with visit(browser, tmp_path / "a/summary.html") as page:
        assert "cc" in page.inner_text("main") and "X1" in page.inner_text("main")
        assert page.evaluate("Array.from(document.images).every(i => i.naturalWidth > 100)")
        page.screenshot(path=screenshots / "site_summary.png", full_page=True)
        sheet = page.pdf(format="A4", prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
        assert page.faults == []
    shutil.unpack_archive(bundled.bundle, tmp_path / "bundle", "zip")
    with visit(browser, tmp_path / "bundle/model_card.html") as page:
        assert page.locator("h2").count() >= 10
        page.screenshot(path=screenshots / "model_card.png", full_page=True)
        assert page.faults == []


def test_faults_end_in_one_message_and_leave_nothing(bundled, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(bundled.folder / f"data/demo/dicom/{EXAM}", broken)
    for path in sorted(broken.rglob("*.dcm"))[30:]:
        path.unlink()
    for exam, bundle, code, said in (
        (broken, bundled.bundle, 1, "This exam cannot be used"),
        (bundled.folder / "resources", bundled.bundle, 1, "This exam cannot be used"),
        (broken, bundled.folder / "config.yaml", 2, "no bundle of radparity"),
    ):
        found, out = bundled.call("radparity", "predict", exam, "--weights", bundle, "--output", tmp_path / "made")
        assert found == code and said in out and "Traceback" not in out, out
        assert not list(tmp_path.glob("*made*"))
