"""The chain from end to end on a small study: faults, reruns, kills, and the same bytes from two runs."""

import csv
import hashlib
import json
import os
import random
import shutil
import time

import nibabel
import numpy as np
import pytest
import yaml

EXAMS = "E05 E07 E10 E13 E16 E18 E19 E20 E24 E25 E26 E28 E31 E34".split()
VARYING = ("logs", "benchmarks")


def plant(project):
    """One fault each: a missing folder, a truncated file, a reader's mask on another grid."""
    shutil.rmtree(project.folder / "data/demo/dicom/E19")
    image = sorted((project.folder / "data/demo/dicom/E26").rglob("*.dcm"))[40]
    image.write_bytes(image.read_bytes()[:-2000])
    outline = project.folder / "data/demo/outlines/E28R_R2.nii.gz"
    mask = nibabel.load(outline)
    wider = np.pad(np.asarray(mask.dataobj), ((0, 0), (0, 4), (0, 0)))
    nibabel.save(nibabel.Nifti1Image(wider, mask.affine), outline)
    return image.name


def digests(results):
    """Every file under results/ but what varies from run to run."""
    files = (path for path in sorted(results.rglob("*")) if path.is_file())
    inside = ((path.relative_to(results), path) for path in files)
    return {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in inside
        if name.parts[0] not in VARYING
    }


@pytest.fixture(scope="module")
def study(room, project_of):
    project = project_of(room / "study", EXAMS)
    project.truncated = plant(project)
    project.sweep()
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    project.out = out
    return project


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_the_report_and_a_green_audit_are_there(study):
    page = (study.folder / "results/report/index.html").read_text()
    assert "too few cases" in page and "phantom" in page.lower()
    audit = json.loads((study.folder / "results/audit/audit.json").read_text())
    assert audit["verdict"] == "green" and audit["files"] > 200 and audit["inputs"] > 400


def test_data_faults_exclude_their_case_and_nothing_else(study):
    results = study.folder / "results"
    missing = json.loads((results / "intake/E19/intake.json").read_text())
    assert missing["code"] == "no_dicom" and missing["case"] == "E19"
    truncated = json.loads((results / "intake/E26/intake.json").read_text())
    assert truncated["code"] == "truncated_file" and study.truncated in truncated["sentence"]
    mask = json.loads((results / "outline/E28R/outline.json").read_text())
    assert mask["code"] == "outline_shape" and "E28R_R2.nii.gz" in mask["sentence"]
    flow = table(results / "report/flow.tsv")
    out = {(row["stage"], row["code"]): int(row["breasts"]) for row in flow if row["status"] == "excluded"}
    assert out == {("intake", "no_dicom"): 1, ("intake", "truncated_file"): 1, ("outline", "outline_shape"): 1}
    assert sum(int(row["breasts"]) for row in flow) == len(EXAMS)
    cases = {row["case"] for row in table(results / "compare/unet/cases.tsv")}
    assert cases == {"E31L", "E34R"}
    page = (results / "report/data.html").read_text()
    for code in ("no_dicom", "truncated_file", "outline_shape"):
        assert code in page


def test_excluded_cases_leave_no_data_and_nothing_half_written(study):
    assert (study.folder / "results/convert/E26/phases.nii.gz").stat().st_size == 0
    assert not list((study.folder / "results").rglob(".writing-*"))
    assert not (study.folder / ".radparity/state/unet/1").exists() or not any(
        (study.folder / ".radparity/state/unet/1").iterdir()
    )


def test_progress_is_visible(study):
    assert "of" in study.out and "steps" in study.out
    assert any("step" in line and "loss" in line for line in study.out.splitlines() if "train_fold" in line)


def test_the_status_of_a_finished_study_has_nothing_waiting_and_nothing_failed(study):
    code, out = study.call("radparity", "status", "--json")
    found = json.loads(out)
    assert code == 0 and found["failures"] == found["running"] == found["warnings"] == []
    assert [row for row in found["stages"] if row["waiting"] or row["failed"]] == []
    excluded = {(row["stage"], row["unit"]): row["excluded_here"] for row in found["stages"]}
    assert (excluded["intake", "exams"], excluded["outline", "breasts"]) == (2, 1)


def test_weights_know_what_they_saw_and_it_is_training_patients_only(study):
    roles = {(row["fold"], row["breast"]): row["role"] for row in table(study.folder / "results/fold/folds.tsv")}
    for fold in ("1", "2"):
        record = json.loads((study.folder / f"results/train/unet/{fold}/train.json").read_text())
        assert record["training"] and all(roles[fold, breast] == "training" for breast in record["training"])
        scaling = json.loads((study.folder / f"results/fold/pre_p95/{fold}/scaling.json").read_text())
        assert scaling["breasts"] == sorted(record["training"])


def test_no_result_holds_a_path_of_this_machine_or_a_time(study):
    for path in (study.folder / "results").rglob("*.json"):
        text = path.read_text()
        assert str(study.folder) not in text and os.uname().nodename not in text, path


def test_a_second_call_has_nothing_to_do(study):
    code, out = study.snakemake()
    assert code == 0 and "Nothing to be done" in out


def remade(folder, before):
    """Files of cases and trainings that are not the ones of before: first folder, case or fold."""
    return {
        (path.relative_to(folder / "results").parts[0], path.parent.name)
        for path in (folder / "results").rglob("*.json")
        if path.stem == path.relative_to(folder / "results").parts[0] and before.get(path) != path.stat().st_mtime_ns
    }


def records(folder):
    """When the record of each case at each stage was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*.json")}


def test_only_the_case_that_changed_is_made_again_and_an_equal_training_is_put_back(study, tmp_path):
    other = study.copy(tmp_path / "copy")
    rules = yaml.safe_load((other.folder / "config.yaml").read_text())["eligible"]
    rules.append({"name": "any field", "fact": "scanner.tesla", "at_least": 0.1, "missing": "keep"})
    for block in ({"eligible": rules}, None):
        before, weights = records(other.folder), digests(other.folder / "results/train")
        if block:
            other.configure(**block)
        else:
            for image in (other.folder / "data/demo/dicom/E34").rglob("*.dcm"):
                content = image.read_bytes()
                image.write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
        other.sweep()
        planned = {job.split()[0] for job in other.planned()}
        assert ("train" in planned) == bool(block) and {"register", "predict", "compare"} <= planned
        code, out = other.snakemake()
        assert code == 0, out[-5000:]
        again = {(stage, case) for stage, case in remade(other.folder, before)}
        if block:
            again = {case for case in again if case[0] not in ("eligible", "audit")}
            assert again == {("train", "1"), ("train", "2")} and "put back" in out
        else:
            stages = {"intake", "convert", "register", "harmonize", "mask", "predict", "segment", "outline", "verify"}
            assert {stage for stage, _ in again} >= stages and {case for _, case in again} == {"E34", "E34R", "audit"}
        assert digests(other.folder / "results/train") == weights
        assert json.loads((other.folder / "results/audit/audit.json").read_text())["verdict"] == "green"


def test_a_run_that_was_killed_ends_in_the_same_bytes_as_one_that_was_not(study, tmp_path, project_of):
    other = project_of(tmp_path / "a study", EXAMS)
    plant(other)
    other.sweep()
    generator = random.Random(os.getpid())
    for _ in range(2):
        process = other.start("snakemake", "--cores", "2")
        time.sleep(generator.uniform(15, 40))
        other.kill(process)
        assert not [p for p in (other.folder / "results").rglob("*.nii.gz") if p.name.startswith("phases") and _torn(p)]
        other.snakemake("--unlock")
    code, out = other.snakemake()
    assert code == 0, out[-5000:]
    assert not list((other.folder / "results").rglob(".writing-*"))
    one, two = digests(study.folder / "results"), digests(other.folder / "results")
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_a_pilot_looks_at_no_test_case_and_leaves_nothing_behind(study, tmp_path, project_of):
    other = project_of(tmp_path / "study", EXAMS)
    plant(other)
    other.sweep()
    code, out = other.snakemake("--config", "pilot=6")
    assert code == 0, out[-5000:]
    page = (other.folder / "results/report/index.html").read_text()
    assert "A pilot: no verdict." in page and 'class="stamp"' in page
    assert json.loads((other.folder / "results/audit/audit.json").read_text())["verdict"] == "green"
    assert not (other.folder / "plan/looks.tsv").exists()
    tested = {row["exam"] for row in table(other.folder / "resources/demo/breasts.tsv") if row["partition"] == "test"}
    drawn = {path.parent.name for path in (other.folder / "results/intake").glob("*/intake.json")}
    assert drawn and not drawn & tested
    # The whole study takes over what was made of single cases, and ends as if there had been no pilot.
    before, stood = records(other.folder), remade(other.folder, {})
    code, out = other.snakemake()
    assert code == 0, out[-5000:]
    again = {stage for stage, _ in remade(other.folder, before) & stood}
    assert again.isdisjoint("intake eligible convert register harmonize mask outline slab consensus".split())
    one, two = digests(study.folder / "results"), digests(other.folder / "results")
    assert sorted(one) == sorted(two)
    # An entry names the packages that its process had loaded, which depends on the cases that it made before.
    assert [name for name in one if one[name] != two[name]] == []
    code, out = other.snakemake("-n", "--config", "pilot=6")
    assert code != 0 and "trained on the whole study" in out


def _torn(path):
    """Whether a gzip file under its final name does not read to its end."""
    if path.stat().st_size == 0:
        return False
    try:
        np.asarray(nibabel.load(path).dataobj)
    except Exception:
        return True
    return False


def test_a_plan_that_comes_after_a_look_confirms_nothing_and_is_locked_once(study):
    page = study.folder / "results/report/index.html"
    assert "no plan was locked" in page.read_text()
    code, out = study.snakemake("lock_plan")
    assert code == 0, out
    plan = json.loads((study.folder / "plan/plan.json").read_text())
    assert plan["looks_before"] > 0 and set(plan["content"]["test_cases"]) >= {"E31L", "E34R"}
    assert {row["arm"] for row in table(study.folder / "plan/looks.tsv")} == {"unet", "fuzzy_c_means"}
    code, out = study.snakemake("lock_plan")
    assert code != 0 and "locked already" in out
    code, out = study.snakemake()
    assert code == 0, out[-3000:]
    roles = {row["test"]: row["role"] for row in table(study.folder / "results/compare/unet/equivalence.tsv")}
    assert roles["margin"] == "exploratory: the test set had been looked at before the plan was locked"
    assert "the test cases had been scored" in page.read_text()
    assert json.loads((study.folder / "results/audit/audit.json").read_text())["verdict"] == "green"


def test_every_stage_is_a_target(study):
    stages = (
        "intake convert kinetics register harmonize mask outline fold slab train predict consensus segment select"
        " compare power verify nnunet export_nnunet"
    )
    for stage in stages.split():
        code, out = study.snakemake("-n", stage)
        assert code == 0, f"{stage}: {out}"


def test_the_experiments_score_each_cancer_out_of_fold_and_join_the_page(study):
    """The last test here: it adds arms to the study."""
    arms = {"unet": {"network": "paper", "width": 2}, "fuzzy_c_means": {"network": "fuzzy_c_means"}}
    study.configure(
        arms=arms | {"flat": {"network": "unet2d", "width": 2, "patch": [3, 64, 64]}},
        selection={"arms": ["unet", "flat", "fuzzy_c_means"], "repeats": 1},
        learning_curve={"arm": "unet", "curves": {"size": [[0.5, 0.5], [1.0, 1.0]]}, "repeats": 3},
        report={"experiments": ["selection", "learning_curve"]},
    )
    before = digests(study.folder / "results" / "train")
    code, out = study.snakemake()
    assert code == 0, out[-5000:]
    results = study.folder / "results"
    assert before.items() <= digests(results / "train").items()

    held = {(r["fold"], r["breast"]) for r in table(results / "fold/folds.tsv") if r["role"] == "held_out"}
    roles = {(r["fold"], r["breast"]): r for r in table(results / "fold/folds.tsv")}
    sick = {b for (_, b), r in roles.items() if r["label"] == "malignant"}
    for arm in ("unet", "flat", "fuzzy_c_means"):
        scores = table(results / f"select/{arm}/scores.tsv")
        assert sorted(r["breast"] for r in scores) == sorted(sick)
        assert all((r["fold"], r["breast"]) in held for r in scores)
    ranked = table(results / "select/selection.tsv")
    assert {r["arm"] for r in ranked} == {"unet", "flat", "fuzzy_c_means"}
    means = [float(r["mean_shared"]) for r in ranked]
    assert means == sorted(means, reverse=True)

    for repeat in (1, 2, 3):
        for fold in ("1", "2"):
            part, whole = (
                set(
                    json.loads((results / f"train/unet_m{share}_b{share}_r{repeat}/{fold}/train.json").read_text())[
                        "training"
                    ]
                )
                for share in ("0500", "1000")
            )
            assert part < whole and all(roles[fold, breast]["role"] == "training" for breast in whole)
    assert not list(results.glob("compare/unet_m*")) and not (results / "compare/flat").exists()
    page = (results / "report/training.html").read_text()
    assert "Learning curve" in page or "learning curve" in page
    assert json.loads((results / "audit/audit.json").read_text())["verdict"] == "green"


def test_the_export_passes_the_check_of_nnunet_itself(study):
    code, out = study.snakemake("export_nnunet")
    assert code == 0, out[-3000:]
    (raw,) = (study.folder / "results/nnunet/pre_p95/raw").iterdir()
    check = (
        "import sys; from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity as v"
    )
    code, out = study.call("python", "-c", f"{check}; v(sys.argv[1], 1)", str(raw))
    assert code == 0, out[-3000:]
    listed = json.loads((raw / "dataset.json").read_text())
    roles = [r for r in table(study.folder / "results/fold/folds.tsv") if r["role"] == "held_out"]
    record = json.loads((raw.parent.parent / "export.json").read_text())
    assert record["left_out"] == {"E19R": "no_dicom"}
    assert listed["numTraining"] == len(roles) - 1 and listed["labels"] == {"background": 0, "cancer": 1, "ignore": 2}
