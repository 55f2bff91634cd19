"""What `radparity status` says of jobs that SLURM ended: each noted that it runs, and could say no more."""

import sys
import textwrap
import time
from pathlib import Path

import pytest
from project import ROOT
from slurm import until

from radparity.failures import running_note
from radparity.status.notes import read_notes, sorted_out

LOGS = Path("results/logs")
BEGIN = """
import sys, time
from pathlib import Path
sys.path.insert(0, {library!r})
from radparity.failures import started
name = sys.argv[1]
log = Path("results/logs", f"{{name}}.log")
started(log, name, {{"batch": "b"}}, [Path(f"results/{{name}}/batch_b.json")], ["E1", "E2"])
if name == "memory":
    held = []
    for _ in range(200):
        held.append(bytearray(b"x" * 10_000_000))
        time.sleep(0.05)
time.sleep(600)
"""
HOW = ("memory", "walltime", "node", "cancelled", "running")


@pytest.fixture
def submit(slurm, tmp_path, monkeypatch):
    """Submit a job that notes itself under results/logs/<name>; returns its id once it runs."""
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    LOGS.mkdir(parents=True)
    Path("job.py").write_text(textwrap.dedent(BEGIN.format(library=str(ROOT / "workflow"))))

    def submitted(name, *options):
        wrapped = f"{sys.executable} job.py {name}"
        job = slurm.run("sbatch", "--parsable", "--mem=200M", *options, f"--wrap={wrapped}").strip()
        until(lambda: running_note(LOGS / f"{name}.log").exists(), f"{name} runs")
        return job

    yield submitted
    for node in ("node1", "node2"):
        if slurm.states()[node] == "down":
            slurm.resume(node)


def states(slurm, job):
    return slurm.run("sacct", "-n", "-P", "-X", "-o", "State", "-j", job)


def test_what_slurm_ended_is_told_by_cause(slurm, submit):
    on_time = submit("walltime", "--time=1", "--nodelist=node2")
    submit("memory", "--nodelist=node2")
    running = submit("running", "--nodelist=node2")
    cancelled = submit("cancelled", "--nodelist=node2")
    slurm.run("scancel", cancelled)
    lost = submit("node", "--nodelist=node1", "--no-requeue")
    slurm.down("node1")
    until(lambda: "NODE_FAIL" in states(slurm, lost), "the job of the node that went down ends")
    until(lambda: "TIMEOUT" in states(slurm, on_time), "the walltime is over", 180)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        alive, failed = sorted_out(read_notes(LOGS, {"b"}))
        if len(failed) == 4:
            break
        time.sleep(1)
    assert {f.rule: f.cause for f in failed} == {name: name for name in HOW if name != "running"}
    assert [(job.rule, job.state) for job in alive] == [("running", "running")]
    assert all(f.slurm and f.cases == ["E1", "E2"] and f.targets == [f"results/{f.rule}/batch_b.json"] for f in failed)
    slurm.run("scancel", running)


def test_a_job_that_was_requeued_is_not_called_failed(slurm, submit):
    job = submit("requeued", "--requeue")
    note = running_note(LOGS / "requeued.log").read_text()
    slurm.run("scontrol", "requeuehold", job)
    until(lambda: not slurm.run("squeue", "-h", "-t", "RUNNING,COMPLETING", "-j", job), "it has left its node")
    running_note(LOGS / "requeued.log").write_text(note)
    alive, failed = sorted_out(read_notes(LOGS, {"b"}))
    assert (failed, [job.state for job in alive]) == ([], ["queued"])
    slurm.run("scancel", job)
