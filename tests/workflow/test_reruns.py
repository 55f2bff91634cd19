"""The rerun matrix: what was changed, and what then runs. No rerun without cause, no missing rerun.

The study has one batch of development patients and one of judged ones. Jobs run by batches; which cases in them are
really made anew the last tests show, with real runs.
"""

import json
import os
import re
import shutil
import signal
from pathlib import Path

import nibabel
import numpy as np
import pytest
from project import BIN

ROOT = Path(__file__).parents[2]
LEARNED, JUDGED = "development_1_of_1", "judged_1_of_1"
NETWORK, BASELINE = "unet", "fuzzy_c_means"


def both(*stages):
    return {f"{stage} {batch}" for stage in stages for batch in (LEARNED, JUDGED)}


def one(batch, *stages):
    return {f"{stage} {batch}" for stage in stages}


# Jobs by their messages. The rest of a study, which follows the comparison, is what none of these names.
INTAKE = both("intake")
ELIGIBLE = both("eligible")
CONVERT = both("convert")
CHECKED_DEVELOPMENT = {"fold: the same pixels under two patients? (development exams)"}
CHECKED = {"fold: the same pixels under two patients? (all exams)"}
IMAGES = both("register", "mask") | {f"harmonize {batch} by pre_p95" for batch in (LEARNED, JUDGED)}
OUTLINES = both("outline") | {"outline: shifts of the whole study"}
TRUTH = {f"verify {batch} against its truth" for batch in (LEARNED, JUDGED)}
TRUTHS = {"verify the study against the phantoms' truth"}
REFERENCES = one(JUDGED, "consensus")
FOLDS = {"fold: partition of the development cases"}
SCALINGS = {f"fold {fold}: scaling of pre_p95" for fold in (1, 2)}
SLABS = {f"slabs of {LEARNED}, pre_p95"}
TRAININGS = {f"train {NETWORK}, fold {fold}" for fold in (1, 2)}
BENIGN = {f"predict benign breasts with {NETWORK}"}
CASES = both("view", "page")
LOADED = {"what the pages load"}
ALL_OF_EXAMS = INTAKE | ELIGIBLE | CONVERT | IMAGES | OUTLINES | TRUTH | CASES


def predicted(arm):
    return {f"predict {JUDGED} with {arm}"}


def tuned(arm):
    return {f"segment: tune the fraction of {arm}"}


def segmented(arm):
    return {f"segment {JUDGED} with {arm}", f"segment: maxima of {arm}"}


def compared(arm):
    return {f"compare {arm} with the outlines", f"compare {arm} at other thresholds"}


def drawn():
    return {f"figures: other references of {NETWORK}", f"figures: distributions and differences of {NETWORK}"}


def of_arms(stage):
    return stage(NETWORK) | stage(BASELINE)


JUDGEMENT = of_arms(segmented) | of_arms(compared) | drawn() | TRUTHS | one(JUDGED, "page")
LEARNING = FOLDS | SCALINGS | SLABS | TRAININGS | BENIGN
# Of exams of the judged patients: no network is trained for them.
OF_JUDGED = {job for job in ALL_OF_EXAMS if LEARNED not in job} | REFERENCES | CHECKED
OF_JUDGED |= of_arms(predicted) | of_arms(tuned) | JUDGEMENT
KNOWN = ALL_OF_EXAMS | CHECKED_DEVELOPMENT | CHECKED | REFERENCES | LEARNING | OF_JUDGED | LOADED


def edit(path, before, after):
    text = path.read_text()
    assert text.count(before) == 1, f"{path} has {before!r} {text.count(before)} times"
    path.write_text(text.replace(before, after))


def touched(project):
    for path in (project.folder / "workflow").rglob("*.py"):
        path.touch()


def commented(project):
    for name in ("workflow/scripts/register_exam.py", "workflow/radparity/threshold.py", "envs/image.yaml"):
        path = project.folder / name
        path.write_text(path.read_text() + "\n# a remark\n")


def late_function(project):
    edit(project.folder / "workflow/radparity/threshold.py", "TIE = 1e-9", "TIE = 1e-8")


def early_function(project):
    edit(project.folder / "workflow/radparity/register/exam.py", "TARGET = 1", "TARGET = 2")


def pinned(project):
    path = project.folder / "envs/statistics.yaml"
    path.write_text(re.sub(r"(?m)- scipy==.*$", "- scipy==1.15.99", path.read_text()))


def reported_pin(project):
    path = project.folder / "envs/report.yaml"
    path.write_text(re.sub(r"(?m)- jinja2==.*$", "- jinja2==3.0.0", path.read_text()))


def arms(project, **changed):
    given = {NETWORK: {"network": "paper", "width": 2}, BASELINE: {"network": "fuzzy_c_means"}}
    project.configure(arms={name: arm | changed.get(name, {}) for name, arm in given.items()})


def baseline(project):
    arms(project, fuzzy_c_means={"region": "readers_box"})


def network(project):
    arms(project, unet={"width": 3})


def without_effect(project):
    project.configure(scratch="/tmp", estimate={"gpu_seconds_a_step": 0.1})


def images(project, exam):
    return sorted((project.folder / f"data/demo/dicom/{exam}").rglob("*.dcm"))


def replaced(exam, dated):
    """Another last byte of one image, with a date that says nothing of it."""

    def change(project):
        image = images(project, exam)[5]
        content, stat = image.read_bytes(), image.stat()
        image.write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
        if dated != "newer":
            when = stat.st_mtime_ns if dated == "same" else 1
            os.utime(image, ns=(stat.st_atime_ns, when))

    return change


def removed(project):
    for sheet in ("exams", "breasts", "readings"):
        path = project.folder / f"resources/demo/{sheet}.tsv"
        rows = [row for row in path.read_text().splitlines() if not re.match(r"E31[LR]?\t", row)]
        path.write_text("\n".join(rows) + "\n")


def corrected(project):
    path = project.folder / "data/demo/outlines/E31L_R2.nii.gz"
    mask = nibabel.load(path)
    drawn_again = np.roll(np.asarray(mask.dataobj), 1, axis=int(np.argmax(mask.shape)))
    nibabel.save(nibabel.Nifti1Image(drawn_again, mask.affine), path)


def checked_out_anew(project):
    """Files as after a fresh checkout: other files, all of now."""
    for name in ("workflow", "envs", "resources", "profiles"):
        old = project.folder / f"old_{name}"
        (project.folder / name).rename(old)
        shutil.copytree(old, project.folder / name, copy_function=shutil.copyfile)
        shutil.rmtree(old)
    for name in ("Snakefile", "config.yaml"):
        (project.folder / name).touch()


def undated(project):
    """As after a copy that keeps no dates, in an order of no meaning."""
    for path in sorted((project.folder / "results").rglob("*"), key=lambda path: path.name[::-1]):
        path.touch()


def nothing(project):
    pass


# Situation, how it is made, and the jobs that run before what comes last (report, audit).
NOTHING = None
MATRIX = {
    "nothing changed": (nothing, NOTHING),
    "scripts and modules touched": (touched, NOTHING),
    "comments edited, in a script, a module and an environment": (commented, NOTHING),
    "settings that no result depends on": (without_effect, NOTHING),
    "a function of a late stage edited": (late_function, of_arms(tuned) | JUDGEMENT),
    "a function of an early stage edited": (
        early_function,
        IMAGES | OUTLINES | TRUTH | CASES | SCALINGS | SLABS | TRAININGS | BENIGN
        | OF_JUDGED - INTAKE - ELIGIBLE - CONVERT - CHECKED,
    ),
    "a pin of the statistics edited": (pinned, of_arms(compared) | drawn()),
    "a pin of the pages edited": (
        reported_pin, CASES | LOADED | {f"figures: distributions and differences of {NETWORK}"}
    ),
    "a setting of the baseline changed": (
        baseline,
        predicted(BASELINE) | tuned(BASELINE) | segmented(BASELINE) | compared(BASELINE) | TRUTHS
        | {f"compare {BASELINE} inside the readers' box"},
    ),
    "a setting of the network changed": (
        network, TRAININGS | BENIGN | predicted(NETWORK) | tuned(NETWORK) | JUDGEMENT - segmented(BASELINE)
    ),
    "an image of a test exam replaced, newer": (replaced("E31", "newer"), OF_JUDGED),
    "an image of a test exam replaced, of the same date": (replaced("E31", "same"), OF_JUDGED),
    "an image of a test exam replaced, older": (replaced("E31", "older"), OF_JUDGED),
    "an image of a training exam replaced, older": (
        replaced("E07", "older"),
        {job for job in ALL_OF_EXAMS if JUDGED not in job} | CHECKED | CHECKED_DEVELOPMENT | LEARNING
        | of_arms(predicted) | of_arms(tuned) | JUDGEMENT,
    ),
    "a test exam removed": (removed, OF_JUDGED),
    "a reader's mask corrected": (
        corrected,
        one(JUDGED, "outline", "view") | {"outline: shifts of the whole study"} | REFERENCES | of_arms(predicted)
        | of_arms(tuned) | JUDGEMENT,
    ),
    "results copied without their dates": (undated, NOTHING),
    "another checkout of the same commit": (checked_out_anew, NOTHING),
}  # fmt: skip


# What `radparity why` says of it; of the others that there is nothing to do.
ROOTS = {
    "a function of a late stage edited": "the code of segment_tune has changed",
    "a pin of the statistics edited": "envs/statistics.yaml: scipy 1.15.3 -> 1.15.99",
    "a pin of the pages edited": "envs/report.yaml: jinja2 3.1.6 -> 3.0.0",
    "a setting of the baseline changed": "arms: fuzzy_c_means: region: section -> readers_box",
    "a setting of the network changed": "arms: unet: width: 2 -> 3",
    "an image of a test exam replaced, newer": "exam E31: the content of its DICOM folder has changed",
    "an image of a test exam replaced, of the same date": "exam E31: the content of its DICOM folder has changed",
    "an image of a test exam replaced, older": "exam E31: the content of its DICOM folder has changed",
    "an image of a training exam replaced, older": "exam E07: the content of its DICOM folder has changed",
    "a test exam removed": "exam E31 has left the sheets",
    "a reader's mask corrected": "breast E31L: the outline of R2 has changed",
}
CODE_OF_MORE = "a function of an early stage edited"  # which verify_exam may use too


@pytest.fixture(scope="module")
def last(finished, room):
    """The jobs that follow the comparison: they run whenever anything does."""
    everything = set(finished.copy(room / "study").planned("--forceall"))
    assert everything >= KNOWN, KNOWN - everything
    return everything - KNOWN


@pytest.mark.parametrize("situation", MATRIX)
def test_what_runs_after(situation, finished, last, tmp_path):
    change, expected = MATRIX[situation]
    project = finished.copy(tmp_path / "another place")
    change(project)
    project.sweep()
    planned = set(project.planned())
    wanted = set() if expected is NOTHING else expected | last
    assert (planned - wanted, wanted - planned) == (set(), set()), "without cause; missing"
    found = why(project)
    assert set(found["jobs"]) == planned and found["unseen"] == found["unswept"] == []
    if situation != CODE_OF_MORE:
        assert [cause["text"] for cause in found["causes"]] == ([ROOTS[situation]] if situation in ROOTS else [])


def why(project):
    code, out = project.call("radparity", "why", "--json")
    assert code == 0, out
    return json.loads(out)


def cases_of(found):
    """The cases that `radparity why` says will be made anew, at most; by the job's first word."""
    return {(job.split()[0], case) for job, cases in found["made"].items() for case in cases if case}


def test_nothing_runs_where_jobs_bring_their_environments(finished, tmp_path):
    """As on a cluster; a stand-in answers for conda."""
    project = finished.copy(tmp_path / "study")
    commented(project)
    project.environment = {"PATH": f"{ROOT / 'tests/environments/conda/bin'}:{BIN}:{os.environ['PATH']}"}
    assert project.planned("--sdm", "conda") == []


def records(project):
    """When the record of each case at each stage was written, and each file of a training."""
    results = project.folder / "results"
    of_cases = (path for path in results.rglob("*.json") if path.stem == path.relative_to(results).parts[0])
    return {path: path.stat().st_mtime_ns for path in of_cases}


def made_anew(project, before):
    """Stage and case of every record that is not the one of before."""
    results = project.folder / "results"
    now = records(project)
    return {
        (path.relative_to(results).parts[0], path.parent.name) for path, when in now.items() if before.get(path) != when
    }


def test_a_mask_corrected_in_a_run_that_is_killed_makes_its_case_anew_and_no_other(finished, last, tmp_path):
    project = finished.copy(tmp_path / "study")
    corrected(project)
    project.sweep()
    before, expected, told = records(project), set(project.planned()), cases_of(why(project))
    process = project.start("snakemake", "--cores", "2")
    next(line for line in process.stdout if "Finished jobid" in line and "consensus_case" in line)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    project.snakemake("--unlock")
    left, cut = set(project.planned()), why(project)
    assert set(cut["jobs"]) == left and "cut" in {cause["kind"] for cause in cut["causes"]}
    assert left < expected and last <= left and not left & one(JUDGED, "outline", "consensus")
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    again = made_anew(project, before)
    # The prediction comes out the same, so its mask stands.
    of_case = {"outline", "consensus", "predict"}
    assert {case for case in again if case[0] in of_case} == {(stage, "E31L") for stage in of_case}
    assert {case for case in told if case[0] in of_case} == {(stage, "E31L") for stage in of_case}
    assert {case for case in again if case[0] == "segment"} <= told
    assert again.isdisjoint((stage, case) for stage in ("train", "mask", "register") for case in ("1", "2", "E31L"))
    assert project.planned() == []


def test_an_exam_that_is_added_is_made_and_no_other_though_batches_are_halved(finished, last, tmp_path):
    project = finished.copy(tmp_path / "study")
    demo = ROOT / "data/demo"
    for part in ("dicom", "truth"):
        shutil.copytree(demo / part / "E34", project.folder / "data/demo" / part / "E34")
    for path in (demo / "outlines").glob("E34R_*"):
        shutil.copy(path, project.folder / "data/demo/outlines")
    for sheet in ("exams", "breasts", "readings"):
        rows = [r for r in (ROOT / f"resources/demo/{sheet}.tsv").read_text().splitlines() if re.match(r"E34R?\t", r)]
        with (project.folder / f"resources/demo/{sheet}.tsv").open("a") as stream:
            stream.write("\n".join(rows) + "\n")
    project.sweep()
    planned = set(project.planned())
    judged = {job for job in planned if "judged" in job}
    # Five judged patients are two batches where four were one; those that networks learn from are left alone.
    assert {job.split()[1] for job in judged if job.startswith("intake")} == {"judged_1_of_2", "judged_2_of_2"}
    assert planned - judged == (OF_JUDGED - {job for job in KNOWN if JUDGED in job}) | last
    told = why(project)
    assert {cause["text"] for cause in told["causes"]} == {"exam E34 is new in the sheets"}
    before = records(project)
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    again = made_anew(project, before)
    upstream = ("intake", "eligible", "convert", "register", "harmonize", "mask", "outline", "consensus", "predict")
    assert {case for case in again if case[0] in upstream} == {c for c in cases_of(told) if c[0] in upstream}
    assert {case for stage, case in again if stage not in ("report", "audit")} == {"E34", "E34R"}
    assert {stage for stage, _ in again} >= {"intake", "register", "mask", "outline", "predict", "segment"}
    assert project.planned() == []
    # Of the two batches a change runs its own alone, up to the threshold that all share.
    replaced("E34", "older")(project)
    project.sweep()
    changed = {job for job in project.planned() if job.split()[0] in upstream and "judged" in job}
    (of_exam,) = {job.split()[1] for job in changed if job.startswith("intake")}
    listed = json.loads((project.folder / f"results/intake/batch_{of_exam}.json").read_text())["cases"]
    assert "E34" in listed and len(changed) >= 9 and all(of_exam in job for job in changed)


ELSEWHERE = """
# An executor for jobs elsewhere, for calls that have none to send there.
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(job_deploy_sources=False, non_local_exec=True, implies_no_shared_fs=False)


class Executor(RemoteExecutor):
    def run_job(self, job):
        raise NotImplementedError

    async def check_active_jobs(self, active_jobs):
        for job in active_jobs:
            yield job

    def cancel_jobs(self, active_jobs):
        pass
"""


def test_an_edited_checkout_is_on_record_and_refused_where_jobs_run_elsewhere(finished, tmp_path):
    project = finished.copy(tmp_path / "study")
    plugin = tmp_path / "plugins/snakemake_executor_plugin_elsewhere"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text(ELSEWHERE)
    project.environment = {"PYTHONPATH": f"{project.folder / 'workflow'}:{tmp_path / 'plugins'}"}
    shutil.copy(ROOT / ".gitignore", project.folder)
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "all"]):
        assert project.call(*git, *arguments)[0] == 0
    elsewhere = ["snakemake", "--executor", "elsewhere", "--jobs", "1", "estimate"]  # whose jobs run here
    assert project.call(*elsewhere)[0] == 0
    edit(project.folder / "workflow/radparity/threshold.py", "TIE = 1e-9", "TIE = 1e-8")
    code, out = project.call(*elsewhere)
    assert code != 0 and "workflow/radparity/threshold.py" in out and "git commit" in out
    assert project.snakemake("estimate")[0] == 0
    project.environment["RADPARITY_ALLOW_EDITED"] = "1"
    assert project.call(*elsewhere)[0] == 0
    log = (project.folder / "results/logs/runs.tsv").read_text().splitlines()[-3:]
    assert [row.split("\t")[2] for row in log] == ["", *["workflow/radparity/threshold.py"] * 2]
    assert "workflow/radparity/threshold.py" in why(project)["causes"][0]["text"]
