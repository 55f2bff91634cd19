"""The chain against the phantoms' truth, at the demo's settings and on half its exams: floors, not records."""

import csv

import pytest

EXAMS = "E02 E05 E07 E10 E11 E13 E15 E16 E18 E19 E20 E24 E25 E26 E27 E28 E31 E33 E34 E38".split()


@pytest.fixture(scope="module")
def summary(room, project_of):
    project = project_of(room / "study", EXAMS, small=False)
    project.configure(train={"steps": 120}, fold={"folds": 2})
    project.sweep()
    code, out = project.snakemake("verify")
    assert code == 0, out[-5000:]
    with (project.folder / "results/verify/summary.tsv").open(newline="") as stream:
        return {
            row["quantity"]: {k: float(row[k]) for k in ("n", "median")}
            for row in csv.DictReader(stream, delimiter="\t")
        }


def test_phase_times_are_exact(summary):
    assert summary["phase_time_error_s"]["n"] == len(EXAMS) and summary["phase_time_error_s"]["median"] < 0.01


def test_registration_halves_the_displacement_and_keeps_lesions(summary):
    assert summary["displacement_after_mm"]["median"] < 0.5 * summary["displacement_before_mm"]["median"]
    assert summary["lesion_volume_change_percent"]["median"] < 3


def test_registration_brings_the_slopes_nearer_to_the_truth(summary):
    for channel in ("dce_in", "dce_out"):
        assert summary[f"{channel}_error_registered"]["median"] < summary[f"{channel}_error_unregistered"]["median"]


def test_the_breast_mask_is_the_breast(summary):
    assert summary["breast_mask_dice"]["median"] > 0.95


def test_the_network_finds_the_cancer_and_beats_the_baseline(summary):
    assert summary["dice_unet"]["n"] == 7
    assert summary["dice_unet"]["median"] > 0.5
    assert summary["dice_unet"]["median"] > summary["dice_fuzzy_c_means"]["median"]
