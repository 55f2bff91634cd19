"""A study of breasts that all have a cancer: from DICOM to the report, with negatives from tumour-free sections."""

import json
import zipfile

import nibabel
import numpy as np
import pytest

CANCERS = {"E05": "E05L", "E07": "E07R", "E10": "E10R"}
ONE_SECTION = "E13L"
EXAMS = [*CANCERS, "E13", "E24", "E31", "E34"]
CANCER = 1
MARGIN_MM = 6.0


def fill_volumes(project):
    """The outlines of some development breasts: all of the cancer instead of one section of it."""
    for exam, breast in CANCERS.items():
        path = project.folder / f"data/demo/outlines/{breast}_R6.nii.gz"
        truth = nibabel.load(project.folder / f"data/demo/truth/{exam}/lesion.nii.gz")
        mask = (np.asarray(truth.dataobj) == CANCER).astype(np.uint8)
        nibabel.save(nibabel.Nifti1Image(mask, nibabel.load(path).affine), path)


@pytest.fixture(scope="module")
def study(room, project_of, finished):
    project = project_of(room / "study", EXAMS)
    project.take_over(finished)
    fill_volumes(project)
    code, out = project.call("radparity", "sweep")
    assert code == 2 and "write instead: negatives: tumour_free_sections" in out, out
    project.configure(train={"negatives": "tumour_free_sections", "negatives_margin_mm": MARGIN_MM}, batch=8)
    project.sweep()
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    return project


def record(study, path):
    return json.loads((study.folder / "results" / path).read_text())


def test_the_audit_is_green(study):
    assert record(study, "audit/audit.json")["verdict"] == "green"


def test_slabs_hold_the_sections_that_the_truth_says_are_free(study):
    for exam, breast in CANCERS.items():
        truth = nibabel.load(study.folder / f"data/demo/truth/{exam}/lesion.nii.gz")
        tumour = np.flatnonzero((np.asarray(truth.dataobj) == CANCER).any(axis=(1, 2)))
        grid = nibabel.load(study.folder / f"results/harmonize/pre_p95/{breast}/channels.nii.gz")
        mask = np.asarray(nibabel.load(study.folder / f"results/mask/{breast}/mask.nii.gz").dataobj) > 0
        here = _positions(grid, np.arange(grid.shape[0]))
        away = np.abs(here[:, None] - _positions(truth, tumour)).min(axis=1)
        free = [[int(n), int(mask[n].sum())] for n in np.flatnonzero(away > MARGIN_MM - 0.1) if mask[n].any()]
        slab = record(study, f"slab/pre_p95/{breast}/slab.json")
        assert slab["tumour_free"] == free and free
        assert slab["first_section"] == 0
    slab = record(study, f"slab/pre_p95/{ONE_SECTION}/slab.json")
    assert slab["tumour_free"] == []


def _positions(image, sections):
    """Where the middles of sections lie from left to right, mm."""
    return image.affine[0, 3] + image.affine[0, 0] * sections


def test_only_breasts_whose_outline_fills_the_volume_give_negatives(study):
    trained = [record(study, f"train/unet/{fold}/train.json") for fold in ("1", "2")]
    assert {breast for facts in trained for breast in facts["training"]} == {*CANCERS.values(), ONE_SECTION}
    for facts in trained:
        assert set(facts["negatives_from"]) == set(facts["training"]) - {ONE_SECTION}


def test_the_report_says_what_such_a_study_cannot_know(study):
    report = study.folder / "results/report"
    said = "specificity on benign breasts is not available"
    assert said in (report / "index.html").read_text()
    methods = (report / "provenance.html").read_text()
    assert said in methods and "tumour-free sections of breasts with cancer" in methods
    assert "at least 6 mm from any section with tumour" in methods
    assert "Where patches without tumour came from" in (report / "training.html").read_text()
    assert not (study.folder / "results/predict/unet/benign.json").exists()


def test_a_bundle_asks_for_a_floor_and_its_card_says_what_nobody_looked_at(study):
    code, out = study.snakemake("bundle", "-n")
    assert code != 0 and "Write a probability instead: floor: 0.5" in out
    study.configure(bundle={"floor": 0.5})
    code, out = study.snakemake("bundle")
    assert code == 0, out[-3000:]
    with zipfile.ZipFile(study.folder / "results/bundle/unet.zip") as bundle:
        assert "No benign breast was looked at" in bundle.read("model_card.md").decode()
