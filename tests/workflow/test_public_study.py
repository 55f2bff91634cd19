"""The whole way of a public study: one command from the store to a green audit, with one label a case made by a rule.

Virtual exams with their truth as labels stand in for the cohort that trains; the case that is judged is the real exam,
which lies in a store on the loopback, and whose label is the functional tumour volume of its own site's thresholds.
"""

import csv
import json

import nibabel
import numpy as np
import pytest
from downloads import EXAM, serve, write_sheet
from pages import visit
from store import Store

TRAINED = {"E05": "E05L", "E07": "E07R", "E10": "E10R", "E13": "E13L"}
TUNED = {"E24": "E24L"}
CANCER = 1
SITES_OWN = 41_105  # voxels of the functional tumour volume, in the site's own object (resources/real_exam/README.md)
RATER = "FTV"


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def rewrite(path, rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["\t".join(row.get(column) or "" for column in columns) for row in rows]
    path.write_text("\n".join(["\t".join(columns), *lines]) + "\n")


def one_label_a_case(project):
    """Of each virtual exam one label, the truth's cancer; of the real one what the rule makes of its site's object."""
    sheets, readings = project.folder / "resources/demo", []
    for exam, breast in (TRAINED | TUNED).items():
        truth = nibabel.load(project.folder / f"data/demo/truth/{exam}/lesion.nii.gz")
        mask = (np.asarray(truth.dataobj) == CANCER).astype(np.uint8)
        file = f"outlines/{breast}_{RATER}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(mask, truth.affine), project.folder / "data/demo" / file)
        readings.append({"breast": breast, "rater": RATER, "file": file})
    rule = {"rule": "functional_tumour_volume"}
    readings.append({"breast": f"{EXAM}L", "rater": RATER, "file": f"{EXAM}/segmentation", **rule})
    rewrite(sheets / "readings.tsv", readings)
    real = {"exam": EXAM, "patient": EXAM, "folder": EXAM, "tumour_volume": f"{EXAM}/segmentation"}
    real |= {name: f"{EXAM}/{name}" for name in ("enhancement_map", "washout_map")}
    rewrite(sheets / "exams.tsv", [*rows_of(sheets / "exams.tsv"), real])
    judged = {"breast": f"{EXAM}L", "exam": EXAM, "side": "left", "label": "malignant", "partition": "test"}
    rewrite(sheets / "breasts.tsv", [*rows_of(sheets / "breasts.tsv"), judged])


@pytest.fixture(scope="module")
def study(room, project_of, finished):
    with Store() as store:
        project = project_of(room / "study", sorted(TRAINED | TUNED))
        project.take_over(finished)
        one_label_a_case(project)
        write_sheet(project.folder / "resources/demo/series.tsv", serve(store))
        project.configure(
            sheets={"series": "resources/demo/series.tsv"},
            download={"endpoint": store.address},
            readers={"test": [RATER], "made_by": "software"},
            train={"negatives": "tumour_free_sections"},
            batch=8,
        )
        project.sweep()
        code, out = project.snakemake()
        assert code == 0, out[-5000:]
        project.sent = dict(store.sent)
    return project


def record(study, path):
    return json.loads((study.folder / "results" / path).read_text())


def test_the_audit_is_green_and_after_a_sweep_nothing_is_left_to_do(study):
    assert record(study, "audit/audit.json")["verdict"] == "green"
    assert (
        set(study.sent.values()) == {1} and len(study.sent) == record(study, f"download/{EXAM}/download.json")["files"]
    )
    study.sweep()
    assert study.planned() == []


def test_the_label_is_the_sites_own_volume_on_its_largest_section(study):
    facts = record(study, f"outline/{EXAM}L/outline.json")
    assert facts["chosen_by"] == "largest_area" and facts["fills_volume"]
    assert facts["by_rule"][RATER]["voxels"] == SITES_OWN
    kinetics = record(study, f"kinetics/{EXAM}/kinetics.json")
    assert kinetics["status"] == "ok"
    outline = np.asarray(nibabel.load(study.folder / f"results/outline/{EXAM}L/outlines.nii.gz").dataobj)
    assert outline.shape[0] == 1 and outline.any()


def test_the_network_is_judged_on_the_exam_that_was_downloaded(study):
    cases = rows_of(study.folder / "results/compare/unet/cases.tsv")
    assert [row["case"] for row in cases] == [f"{EXAM}L"]
    mask = np.asarray(nibabel.load(study.folder / f"results/segment/unet/{EXAM}L/mask.nii.gz").dataobj) > 0
    label = np.asarray(nibabel.load(study.folder / f"results/outline/{EXAM}L/outlines.nii.gz").dataobj)[..., 0] > 0
    dice = 2 * (mask & label).sum() / (mask.sum() + label.sum())
    assert float(cases[0]["dice_network"]) == pytest.approx(dice, abs=1e-6)


def test_the_pages_say_whose_labels_they_are_and_show_the_mask_over_the_images(study, browser, screenshots):
    report = study.folder / "results/report"
    with visit(browser, report / "index.html") as page:
        assert page.faults == []
        assert "Equivalence and consensus are not available" in page.locator("#verdict").inner_text()
        page.screenshot(path=screenshots / "public_index.png", full_page=True, timeout=120_000)
    with visit(browser, report / "data.html") as page:
        assert page.faults == [] and "functional tumour volume" in page.inner_text("body")
        page.screenshot(path=screenshots / "public_data.png", full_page=True, timeout=120_000)
    with visit(browser, report / f"cases/{EXAM}L.html") as page:
        assert page.faults == [] and RATER in page.inner_text("body")
        page.screenshot(path=screenshots / "public_case.png", full_page=True, timeout=120_000)
