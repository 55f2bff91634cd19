"""What stays on disk: what goes, when, what says so, and what happens where it is needed again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jobs
import pytest

from radparity import ledger
from radparity.audit import study as audit_of
from radparity.audit.verify import audit
from radparity.keep import OF_DEVELOPMENT, STAYS, TIERS, drop, stays
from radparity.load import load_study
from radparity.terminal import read_config

RULES = jobs.ROOT / "workflow/rules"
KEEP = (jobs.ROOT / "workflow/scripts/keep_batch.py").read_text()
# Who reads a file that may go: keep.smk waits for them, or the study's other cases are read there only.
READERS = {
    "convert.phases": {
        *("register_exam", "kinetics_exam", "outline_case", "verify_exam", "predict_external", "view_breast")
    },
    "convert.t2": {"harmonize_breast"},
    "register.registered": {"harmonize_breast", "mask_breast", "mask_train", "verify_exam", "view_breast"},
    "register.fields": {"verify_exam"},
    "harmonize.channels": {
        *("outline_case", "slab_breast", "predict_case", "predict_external", "predict_held_out", "predict_benign"),
        *("nnunet_case", "nnunet_predict", "nnunet_held_out", "figures_cases", "report_study", "view_breast"),
        "shift_breast",
    },
    "mask.mask": {
        *(
            "slab_breast",
            "predict_case",
            "predict_held_out",
            "predict_benign",
            "verify_exam",
            "view_breast",
            "shift_breast",
        )
    },
    "slab.slab": {"train_fold"},
}


def test_the_table_names_files_that_the_stages_make():
    for stage, files in STAYS.items():
        made = (RULES / f"{stage}.smk").read_text()
        assert all(re.search(rf'"results/{stage}/\S*/{re.escape(file)}"', made) for file in files), stage


def test_no_rule_reads_a_file_that_may_go_without_being_waited_for():
    """A rule that is new here has to be among those that keep.smk waits for."""
    found = {}
    for path in RULES.glob("*.smk"):
        for rule, body in re.findall(r"(?ms)^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text()):
            for stage, file in re.findall(
                r'"(\w+?)(?:_lists)?\.(phases|t2|registered|fields|channels|mask|slab)"', body
            ):
                if stage in STAYS:
                    found.setdefault(f"{stage}.{file}", set()).add(rule)
    assert found == READERS


def test_a_thriftier_tier_keeps_no_more_and_judged_breasts_stay():
    for stage, files in STAYS.items():
        for file in (*files, "record.json"):
            for development in (True, False):
                kept = [stays(stage, file, tier, development) for tier in TIERS]
                assert kept == sorted(kept, reverse=True) and kept[0]
                assert kept[-1] == (file not in files or (stage in OF_DEVELOPMENT and not development))


# Three stages in a row, as convert, register and harmonize: each writes bytes that follow from its inputs.
STAGE = """
import hashlib, random
from pathlib import Path
from radparity.batch_job import case_job
from radparity.record import DataFault

def work(run):
    with open("made.txt", "a") as stream:
        stream.write(f"{run.rule} {run.name}\\n")
    if run.params.get("fault"):
        raise DataFault("too_dark", "the image is black")
    given = b"".join(Path(p).read_bytes() for p in run.inputs("source"))
    for name in set(run.output) - {"record"}:
        seed = given + f"{run.name} {name} {run.params.get('level')}".encode()
        run.output[name].write_bytes(random.Random(hashlib.sha256(seed).digest()).randbytes(5000))
    return {}

case_job(snakemake, snakemake.rule, work)
"""
EXAMS, BREASTS = ("E1", "E2", "E3"), {"E1L": "E1", "E1R": "E1", "E2L": "E2"}


def stage(name, folder, unit, cases, files, outputs, **params):
    made = {"record": f"{folder}/{{{unit}}}/{name}.json"}
    made |= {output: f"{folder}/{{{unit}}}/{file}" for output, file in outputs.items()}
    source = next(iter(files.values())).split(".")[0] if files else None
    lists = {source: [f"results/{source}/batch_one.json"]} if source else {}
    return {
        "rule": name,
        "wildcards": {"batch": "one"},
        "input": lists,
        "output": {"batch": f"{folder}/batch_one.json"},
        "params": {"unit": unit, "cases": cases, "files": files, "made": made, "code": "1"} | params,
    }


def convert(**own):
    cases = {exam: {"level": 1} | own.get(exam, {}) for exam in EXAMS}
    return stage("convert", "results/convert", "exam", cases, {}, {"phases": "phases.nii.gz", "t2": "t2.nii.gz"})


def register(**params):
    files = {"record": "convert.record", "source": "convert.phases"}
    outputs = {"registered": "registered.nii.gz", "fields": "fields.nii.gz", "picture": "quality.png"}
    return stage("register", "results/register", "exam", {exam: {} for exam in EXAMS}, files, outputs, **params)


def harmonize(how="one", **params):
    cases = {breast: {"exam": exam} for breast, exam in BREASTS.items()}
    files = {"record": "register.record", "source": "register.registered"}
    return stage(
        "harmonize", f"results/harmonize/{how}", "breast", cases, files, {"channels": "channels.nii.gz"}, **params
    )


def keep(tier, development=()):
    lists = {name: [f"results/{name}/batch_one.json"] for name in ("convert", "register")}
    return {
        "rule": "keep_batch",
        "wildcards": {"batch": "one"},
        "input": lists | {"harmonize": ["results/harmonize/one/batch_one.json"], "read": []},
        "output": {"batch": "results/keep/batch_one.json"},
        "params": {"tier": tier, "development": list(development), "code": "1"},
    }


class Study:
    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.run(convert(E3={"fault": True}), register(), harmonize())

    def run(self, *rules):
        """The words of the last of some jobs, all of which go well; `made` is what they worked on."""
        (self.path / "made.txt").write_text("")
        for rule in rules:
            code, said = self.call(rule)
            assert code == 0, said
        self.made = (self.path / "made.txt").read_text().splitlines()
        return said

    def call(self, rule):
        return jobs.run(self.path, KEEP if rule["rule"] == "keep_batch" else STAGE, rule)

    def command(self, *arguments):
        environment = os.environ | {"PYTHONPATH": str(jobs.ROOT / "workflow")}
        command = [sys.executable, "-m", "radparity", *arguments]
        return subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True)

    @property
    def tree(self):
        return jobs.tree(self.path / "results")

    def without_lists_of_keep(self):
        return {name: content for name, content in self.tree.items() if not name.startswith("keep/")}


@pytest.fixture
def study(tmp_path, monkeypatch):
    found = Study(tmp_path / "study")
    monkeypatch.chdir(found.path)
    return found


def verdict():
    found = audit(Path("results"), {}, 2)
    return found["verdict"], found["not_kept"], [fault["file"] for fault in found["faults"]]


LARGE = (
    "convert/{}/phases.nii.gz",
    "convert/{}/t2.nii.gz",
    "register/{}/registered.nii.gz",
    "register/{}/fields.nii.gz",
)


def test_large_files_go_say_so_and_count_as_made(study):
    before = study.tree
    assert "8 files are not kept" in study.run(keep("lean"))
    after = study.tree
    gone = {file.format(exam) for exam in ("E1", "E2") for file in LARGE}
    assert set(before) - set(after) == gone
    # An excluded exam's files are empty and stay. Of all that is left only the entries of what went have changed.
    assert {n for n in before if n in after and after[n] != before[n]} == {n + ledger.SUFFIX for n in gone}
    said = json.loads(after["keep/batch_one.json"])
    digests = {f"results/{n}": json.loads(before[n + ledger.SUFFIX])["sha256"] for n in gone}
    assert said == {"tier": "lean", "not_kept": digests}
    assert verdict() == ("green", 8, [])
    study.run(convert(E3={"fault": True}), register(), harmonize())
    assert study.made == [] and study.tree == after
    assert "0.00 GB freed" in study.run(keep("lean")) and study.tree == after


def test_keeping_all_lets_nothing_go_and_minimal_only_what_is_of_development(study):
    before = study.tree
    study.run(keep("all"))
    assert study.without_lists_of_keep() == before
    study.run(keep("minimal", ["E1L", "E2L"]))
    channels = {name for name in before if name.endswith("channels.nii.gz")}
    assert channels - set(study.tree) == {f"harmonize/one/{breast}/channels.nii.gz" for breast in ("E1L", "E2L")}
    assert verdict() == ("green", 10, [])


def test_a_change_of_one_case_makes_that_case_and_needs_no_others(study):
    study.run(keep("lean"))
    study.run(convert(E1={"level": 2}, E3={"fault": True}), register(), harmonize())
    assert study.made == ["convert E1", "register E1", "harmonize E1L", "harmonize E1R"]
    assert study.run(keep("lean")) and verdict() == ("green", 8, [])


def test_what_is_needed_again_is_said_with_the_commands_that_mend_it(study):
    whole = study.tree
    study.run(keep("lean"))
    code, said = study.call(harmonize("two"))
    assert code != 0 and study.made == []
    wanted = "radparity redo register E1 E2; snakemake --cores 8 register; then the same call as before"
    assert "2 files are needed that were not kept" in said and wanted in said
    # The commands do it, and bring the same bytes.
    done = study.command("redo", "register", "E1", "E2")
    assert done.returncode == 0 and "snakemake --cores 8 convert register" in done.stdout
    study.run(convert(E3={"fault": True}), register())
    assert study.made == ["convert E1", "convert E2", "register E1", "register E2"] and study.tree == whole
    study.run(harmonize(), harmonize("two"))
    assert study.made == [f"harmonize {breast}" for breast in BREASTS] and verdict() == ("green", 0, [])


def test_a_job_of_the_whole_study_says_so_too(study):
    study.run(keep("lean"))
    script = """
from radparity.job import job
with job(snakemake) as run:
    run.inputs("registered")
"""
    rule = {
        "rule": "mask_train",
        "input": {"register": ["results/register/batch_one.json"]},
        "output": {"weights": "results/mask/weights.pt"},
        "params": {"files": {"registered": {"file": "register.registered", "cases": ["E2", "E3"]}}},
    }
    code, said = jobs.run(study.path, script, rule)
    assert code != 0 and "1 files are needed" in said and "radparity redo register E2; snakemake" in said


def test_what_is_gone_without_a_word_is_a_fault_and_so_is_what_was_made_from_another(study):
    study.run(keep("lean"))
    channels, note = Path("results/harmonize/one/E1L/channels.nii.gz"), Path("results/register/E1/registered.nii.gz")
    channels.unlink()
    entry = json.loads(ledger.sidecar(note).read_text())
    ledger.sidecar(note).write_text(json.dumps(entry | {"sha256": "0" * 64}))
    found = verdict()
    assert found[0] == "red" and set(found[2]) == {
        f"{channels}{ledger.SUFFIX}",
        *(f"results/harmonize/one/{breast}/harmonize.json" for breast in ("E1L", "E1R")),
        *(f"results/harmonize/one/{breast}/channels.nii.gz" for breast in ("E1L", "E1R")),
        # The lists of batches, which hold the digests that both had.
        *("results/harmonize/one/batch_one.json", "results/register/batch_one.json"),
    }


def test_killed_between_the_word_and_the_deed_nothing_is_lost(study):
    path = Path("results/register/E1/registered.nii.gz")
    whole = path.read_bytes()
    drop(path)
    path.write_bytes(whole)  # as a kill leaves it: the entry says that it went, and it is still there
    study.run(register())
    assert study.made == [] and verdict() == ("green", 0, [])
    study.run(keep("lean"))
    assert not path.exists() and verdict() == ("green", 8, [])


def test_lists_of_another_division_are_counted_and_left_alone(study):
    old = Path("results/register/batch_one.json")
    found = audit(Path("results"), {}, 2, lambda path: path == old)
    assert (found["verdict"], found["lists_of_before"]) == ("green", 1)
    # Nor does it matter that they were made from what is not so any more.
    entry = json.loads(ledger.sidecar(old).read_text())
    ledger.sidecar(old).write_text(json.dumps(entry | {"inputs": {"results/convert/batch_one.json": "0" * 64}}))
    assert audit(Path("results"), {}, 2)["verdict"] == "red"
    assert audit(Path("results"), {}, 2, lambda path: path == old)["verdict"] == "green"


@pytest.mark.parametrize("tier", TIERS)
def test_the_study_knows_its_own_lists(monkeypatch, tier):
    monkeypatch.chdir(jobs.ROOT)
    raw = read_config("config.yaml")
    study, finer = (load_study(raw | {"batch": size, "keep": tier}) for size in (8, 1))
    own, others = ({of.batches.of(patient) for patient in of.patients.values()} for of in (study, finer))
    of_before = audit_of.of_another_division(study)
    for stage in ("register", "harmonize/pre_p95", "keep"):
        lists = {name: of_before(Path(f"results/{stage}/batch_{name}.json")) for name in own | others}
        assert {name for name, before in lists.items() if not before} == (
            set() if stage == "keep" and tier == "all" else own
        )
    assert of_before(Path("results/keep/learned.json")) is (tier != "minimal")
    assert not of_before(Path("results/report/index.html")) and not of_before(
        Path("results/register/E01/register.json")
    )
