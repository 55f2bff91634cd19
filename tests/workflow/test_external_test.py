"""Two cohorts of virtual exams: trained on the one, tested on the other, through to a green audit."""

import csv
import json

import numpy as np
import pytest

# By scanner: 3 T with a high gain, 1.5 T with a low one; E36 is of neither cohort.
COHORTS = {
    "A": "E01 E07 E13 E18 E24 E28 E34".split(),
    "B": "E05 E16 E25 E26 E31".split(),
    "C": ["E36"],
}
EXAMS = sorted(exam for own in COHORTS.values() for exam in own)


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.fixture(scope="module")
def study(room, project_of, finished):
    project = project_of(room / "study", EXAMS)
    project.take_over(finished, "E07", "E18", "E24", "E25", "E26", "E31")
    path = project.folder / "resources/demo/exams.tsv"
    header, *rows = path.read_text().splitlines()
    cohort = {exam: name for name, own in COHORTS.items() for exam in own}
    added = [f"{row}\t{cohort[row.split()[0]]}\tSite of {row.split()[0][-1]}" for row in rows]
    path.write_text("\n".join([f"{header}\tcohort\tsite", *added]) + "\n")
    project.configure(train_on=["A"], test_on=["B"], keep="minimal", batch=8)
    project.sweep()
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    return project


def test_the_audit_is_green_and_nothing_is_left_to_do(study):
    assert json.loads((study.folder / "results/audit/audit.json").read_text())["verdict"] == "green"
    assert study.planned() == []
    code, out = study.call("radparity", "status", "--json")
    found = json.loads(out)
    assert code == 0 and [row for row in found["stages"] if row["waiting"] or row["failed"]] == []


def test_every_stage_sees_the_cohorts(study):
    results = study.folder / "results"
    assert {row["breast"][:3] for row in table(results / "fold/folds.tsv")} == {"E01", "E07", "E13", "E18"}
    assert {row["case"][:3] for row in table(results / "compare/unet/cases.tsv")} == {"E25", "E26", "E31"}
    assert {row["case"][:3] for row in table(results / "shift/unet/internal.tsv")} == {"E28", "E34"}
    given = {row["patient"]: row["partition"] for row in table(study.folder / "plan/given.tsv")}
    assert sorted(given.values()) == ["development"] * 4 + ["internal"] * 2 + ["test"] * 3 + ["tuning"]
    gone = ("E05", "E16", "E36")
    assert not [path for path in results.rglob("*") if path.name.rstrip("LR") in gone]
    flow = table(results / "report/flow.tsv")
    left = {(row["label"], row["code"]): int(row["breasts"]) for row in flow if row["stage"] == "cohort"}
    unlabelled = {(label, "test_cohort_unlabelled"): 1 for label in ("malignant", "benign")}
    assert left == unlabelled | {("malignant", "cohort_not_named"): 1}
    assert sum(int(row["breasts"]) for row in flow) == len(EXAMS)
    assert sum(int(row["exams"]) for row in table(results / "report/flow_exams.tsv")) == len(EXAMS)


def test_tables_are_those_of_the_cases(study):
    results = study.folder / "results"
    dice = {
        kind: [float(row["dice_network"]) for row in table(results / path) if row["references_used"] != "0"]
        for kind, path in (("external", "compare/unet/cases.tsv"), ("internal", "shift/unet/internal.tsv"))
    }
    rows = {(row["by"], row["value"], row["test"]): row for row in table(results / "shift/unet/groups.tsv")}
    for kind, cohort in (("external", "B"), ("internal", "A")):
        row = rows["cohort", cohort, kind]
        assert float(row["network_mean"]) == pytest.approx(np.mean(dice[kind]))
        assert (row["network_low"], int(row["n"])) == ("", len(dice[kind])) and "fewer than 5" in row["note"]
    assert ("scanner", "GE MEDICAL SYSTEMS GENESIS_SIGNA 1.5 T", "external") in rows and (
        "site",
        "Site of 5",
        "external",
    ) in rows
    (drop,) = (row for row in table(results / "shift/unet/drop.tsv") if row["rater"] == "network")
    assert float(drop["change"]) == pytest.approx(np.mean(dice["external"]) - np.mean(dice["internal"]))


def test_every_column_is_explained(study):
    folder = study.folder / "results/shift/unet"
    words = json.loads((folder / "columns.json").read_text())
    headers = {path.stem: set(path.read_text().splitlines()[0].split("\t")) for path in folder.glob("*.tsv")}
    assert {name: set(own) for name, own in words.items()} == headers


def test_the_planted_shift_is_found_and_harmonization_takes_the_gain_out(study):
    facts = {row["fact"]: row for row in table(study.folder / "results/shift/unet/facts.tsv")}
    assert (float(facts["tesla"]["median_train"]), float(facts["tesla"]["median_test"])) == (3.0, 1.5)
    assert float(facts["tesla"]["distance"]) == 1.0 and float(facts["flip_degrees"]["n_train"]) > 0
    ratio = {
        part: float(facts[f"{part}_t1c_p50"]["median_train"]) / float(facts[f"{part}_t1c_p50"]["median_test"])
        for part in ("raw", "scaled")
    }
    assert ratio["raw"] > 2 and abs(np.log(ratio["scaled"])) < 0.5 * np.log(ratio["raw"])
    notes = {row["note"] for row in table(study.folder / "results/shift/unet/separable.tsv")}
    assert notes == {"fewer than 10 patients in a cohort"}


def test_the_page_tells_both_tests_and_what_left(study):
    page = (study.folder / "results/report/comparison.html").read_text()
    assert "External test, and how the cohorts differ" in page and "Trained on A, tested on B." in page
    assert "descriptive" in page and 'id="table-shift-groups"' in page
    assert "internal, malignant" in (study.folder / "results/report/index.html").read_text()
