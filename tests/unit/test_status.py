"""`radparity status`: jobs of a real Snakemake that fail in every way, and what is counted, grouped and tried again."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radparity import failures
from radparity.ledger import dump
from radparity.record import excluded, ok
from radparity.status import command
from radparity.status.counts import count, status
from radparity.status.notes import failed_results, read_notes, sorted_out
from radparity.status.slurm import fates
from radparity.status.stages import Part

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

SNAKEFILE = """
import os
os.environ["PYTHONPATH"] = {library!r}
HOW = "well bug other killed memory full".split()

rule all:
    input: expand("results/register/batch_{{how}}.json", how=HOW), "results/fold/folds.tsv"

rule register_exam:
    output: batch="results/register/batch_{{batch}}.json"
    log: "results/logs/register/{{batch}}.log"
    params:
        unit="exam", files={{}}, code="c",
        cases=lambda wc: {{f"{{wc.batch}}{{n}}": {{}} for n in (1, 2, 3)}},
        made={{"record": "results/register/{{exam}}/register.json"}},
    script: "register.py"

rule fold_partition:
    output: folds="results/fold/folds.tsv"
    log: "results/logs/fold/partition.log"
    params: code="c"
    script: "fold.py"
"""
REGISTER = """
import os
from pathlib import Path

from radparity.batch_job import case_job
from radparity.scaling import scanner_name


def work(run):
    how = "well" if Path("mended").exists() else run.name[:-1]
    if run.name.endswith("1"):
        return {}
    if how == "bug":
        scanner_name({})
    if how == "other":
        raise KeyError("nothing")
    if how == "killed":
        os.kill(os.getpid(), 9)
    if how == "memory":
        bytearray(2**60)
    if how == "full":
        with open("/dev/full", "w") as stream:
            stream.write("x")
    return {}


case_job(snakemake, "register", work)
"""
FOLD = """
from radparity.job import job

with job(snakemake) as run:
    raise ValueError("no partition")
"""


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """A study after a run in which every batch but one failed in its own way."""
    folder = tmp_path_factory.mktemp("crashed")
    (folder / "Snakefile").write_text(SNAKEFILE.format(library=str(ROOT / "workflow")))
    (folder / "register.py").write_text(REGISTER)
    (folder / "fold.py").write_text(FOLD)
    done = snakemake(folder, "--keep-going")
    assert done.returncode != 0
    return folder


def snakemake(folder, *arguments):
    call = [str(BIN / "snakemake"), "--cores", "2", "--rerun-triggers", "mtime", "--rerun-incomplete", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def seen(crashed, tmp_path, monkeypatch):
    """Notes, running jobs and failures of a copy of it, by rule and cause."""
    folder = tmp_path / "copy"
    shutil.copytree(crashed, folder, symlinks=True)
    monkeypatch.chdir(folder)
    notes = read_notes(Path("results/logs"))
    alive, failed = sorted_out(notes)
    return folder, notes, alive, failed


def test_failures_are_grouped_by_cause_with_their_place(seen):
    _, _, alive, failed = seen
    assert alive == []
    found = {(f.cause, f.exception, f.place.partition(":")[0]): f for f in failed}
    assert set(found) == {
        ("disk", "OSError", "scripts/register.py"),
        ("memory", "MemoryError", "scripts/register.py"),
        ("killed", "", ""),
        ("bug", "KeyError", "radparity/scaling.py"),
        ("bug", "KeyError", "scripts/register.py"),
        ("bug", "ValueError", "scripts/fold.py"),
    }
    library, own = found["bug", "KeyError", "radparity/scaling.py"], found["bug", "KeyError", "scripts/register.py"]
    assert library.cases == ["bug2", "bug3"] and library.targets == ["results/register/batch_bug.json"]
    assert own.cases == ["other2", "other3"]
    # The line is that of the script itself, without what Snakemake writes above it.
    line = int(own.place.rpartition(":")[2])
    assert REGISTER.splitlines()[line - 1].strip() == 'raise KeyError("nothing")'
    assert found["bug", "ValueError", "scripts/fold.py"].cases == []
    for failure in failed:
        assert Path(failure.log).is_file()


def test_a_case_of_a_failed_batch_that_was_made_is_done(seen):
    _, notes, _, _ = seen
    cases = [f"{how}{n}" for how in "well bug other killed memory full never".split() for n in (1, 2, 3)]
    parts = [Part("register", "", "exams", cases), Part("fold", "", "tables", files=[Path("results/fold/folds.tsv")])]
    register, fold = count(parts, failed_results(notes, ()))
    # Of five batches the first case was made; the other two of each failed. Nobody came to the batch `never`.
    assert (register.done, register.excluded, register.waiting, register.failed) == (3 + 5, 0, 3, 10)
    assert (fold.done, fold.waiting, fold.failed) == (0, 0, 1)


def test_the_targets_run_only_what_failed_and_the_notes_go(seen):
    folder, _, _, failed = seen
    (folder / "mended").touch()
    target = next(f.targets for f in failed if f.cause == "killed")
    assert snakemake(folder, *target).returncode == 0
    left = {f.cause for f in sorted_out(read_notes(Path("results/logs")))[1]}
    assert left == {"disk", "memory", "bug"}
    targets = [target for f in failed if f.rule == "register_exam" for target in f.targets]
    assert snakemake(folder, *targets).returncode == 0
    assert [f.rule for f in sorted_out(read_notes(Path("results/logs")))[1]] == ["fold_partition"]
    assert list(Path("results/logs/register").glob("*.json")) == []


def test_a_job_that_runs_is_not_a_failure_until_it_is_killed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results/logs/train").mkdir(parents=True)
    code = textwrap.dedent(
        """
        import time
        from pathlib import Path
        from radparity.failures import started
        log = Path("results/logs/train/unet_1.log")
        started(log, "train_fold", {"arm": "unet", "fold": "1"}, [Path("results/train/unet/1/weights.pt")])
        print("runs", flush=True)
        time.sleep(600)
        """
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout.readline() == "runs\n"
        alive, failed = sorted_out(read_notes(Path("results/logs")))
        assert [(job.state, job.rule, job.about) for job in alive] == [("running", "train_fold", "unet 1")]
        assert failed == []
    finally:
        process.kill()
        process.wait()
    alive, failed = sorted_out(read_notes(Path("results/logs")))
    assert alive == [] and [(f.cause, f.rule) for f in failed] == [("killed", "train_fold")]
    # The number of the process given to another one is another birth.
    path = next(Path("results/logs/train").iterdir())
    note = json.loads(path.read_text())
    path.write_text(json.dumps(note | {"pid": os.getpid()}))
    assert sorted_out(read_notes(Path("results/logs")))[0] == []
    # Of a job of another machine nobody can say more here.
    path.write_text(json.dumps(note | {"host": "elsewhere"}))
    assert [f.cause for f in sorted_out(read_notes(Path("results/logs")))[1]] == ["unreachable"]


def test_a_full_disk_still_takes_the_note(tmp_path):
    """A real one of a megabyte: what was noted at the start is written over, for which there is room."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        log = small / "register.log"
        note = failures.started(log, "register_exam", {"batch": "b"}, [small / "list.json"], ["E1"])
        with pytest.raises(OSError, match="No space left") as raised, (small / "data").open("wb", 0) as stream:
            while True:
                stream.write(bytes(4096))
        failures.ended(log, note, raised.value)
        assert json.loads(failures.failed_note(log).read_text())["faults"][0]["cause"] == "disk"
        _, failed = sorted_out(read_notes(small))
        assert [(f.cause, f.cases) for f in failed] == [("disk", ["E1"])]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_causes_are_told_by_the_exception():
    said = {
        "memory": [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 20 MiB")],
        "disk": [
            OSError(28, "No space left"),
            OSError(30, "Read-only"),
            OSError(116, "Stale"),
            PermissionError(13, ""),
        ],
        "bug": [ValueError("x"), FileNotFoundError(2, "gone"), KeyError("k")],
    }
    for cause, errors in said.items():
        assert [failures.cause(error) for error in errors] == [cause] * len(errors)


def test_an_accounting_that_cannot_be_asked_says_nothing(tmp_path, monkeypatch):
    (tmp_path / "sacct").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "sacct").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fates({"12"}) == {} and fates(set()) == {}


STATES = st.sampled_from(["ok", "convert", "register", "broken", "empty folder", "none", "failed"])


@given(st.lists(STATES, max_size=30), st.integers(0, 40_000))
def test_the_counts_sum_to_the_cases(tmp_path_factory, states, padding):
    folder = tmp_path_factory.mktemp("counts")
    part = Part("register", "", "exams", [f"E{n}" for n in range(len(states))])
    for case, state in zip(part.cases, states, strict=True):
        record = folder / part.record(case)
        if state not in ("none", "failed"):
            record.parent.mkdir(parents=True)
        if state == "ok":
            # A list before and after the status, and a sentence that looks like one.
            facts = {
                "aa": ["x" * 10] * (padding // 20),
                "zz": 'said "status": "excluded"',
                "zzz": ["y"] * (padding // 9),
            }
            record.write_text(dump(ok("register", case, facts)))
        elif state in ("convert", "register"):
            record.write_text(dump(excluded(state, case, "code", 'it said\n "status": "ok"')))
        elif state == "broken":
            record.write_text('{"case": "E1", "stat')
    before = Path.cwd()
    os.chdir(folder)
    try:
        bad = {case for case, state in zip(part.cases, states, strict=True) if state == "failed"}
        (found,) = count([part], {("register", ""): bad | {"of-another-study"}})
    finally:
        os.chdir(before)
        shutil.rmtree(folder)
    assert found.done == states.count("ok") and found.failed == len(bad)
    assert (found.excluded, found.here) == (
        states.count("convert") + states.count("register"),
        states.count("register"),
    )
    assert found.done + found.excluded + found.waiting + found.failed == len(states)


def test_an_unreadable_record_is_no_record(tmp_path):
    assert status(tmp_path / "none.json") == ""


@pytest.mark.parametrize("config", ["config.yaml", "config/lidc.yaml"])
def test_both_kinds_of_study_before_anything_has_run(config, tmp_path, monkeypatch, capsys):
    from radparity.__main__ import main

    for name in ("config.yaml", "config", "resources"):
        (tmp_path / name).symlink_to(ROOT / name)
    if config != "config.yaml":
        monkeypatch.chdir(tmp_path)
        assert main(["lidc"]) == 0
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["status", "--config", config]) == 0
    said = capsys.readouterr().out
    assert "nothing has run yet" in said and "No job has failed." in said
    assert all(len(line) <= command.WIDTH for line in said.splitlines())
    assert main(["status", "--config", config, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(row["waiting"] == row["all"] for row in found["stages"])
    assert main(["status", "--config", config, "--targets", "1"]) == 2


def test_the_command_to_try_again_is_short_and_names_what_failed(seen):
    _, _, _, failed = seen
    many = next(f for f in failed if f.cause == "killed")
    line = command.retry(3, many, "config/mine.yaml", 30)
    assert line == (
        "snakemake results/register/batch_killed.json --cores all --configfile config/mine.yaml --config pilot=30"
    )
    many.targets = [f"results/register/batch_{n}.json" for n in range(50)]
    many.slurm = True
    assert command.retry(3, many, "config.yaml", None) == (
        "snakemake $(radparity status --targets 3) --profile workflow/profiles/slurm"
    )
