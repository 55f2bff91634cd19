"""What happens to clusters happens to a training here: it goes on where it was saved, to the very same weights."""

import json
import os
import signal
from pathlib import Path

import pytest
from on_cluster import PROFILE
from slurm import until

WEIGHTS = "results/train/unet/1/weights.pt"


@pytest.fixture
def training(request, study, record_property):
    """A fold's training that is under way on the cluster: Snakemake's process, and the id of its job.

    With the parameter `unwarned` SLURM does not ask it to save before its walltime.
    """
    if getattr(request, "param", None) == "unwarned":
        path = study.folder / PROFILE / "profile.yaml"
        path.write_text("".join(line for line in path.open() if "slurm_extra" not in line))
    study.forget("train/unet/1/*", "logs/train/*")
    process = study.submit(WEIGHTS)
    until(lambda: "step 100" in log(study), "the training runs", 300)
    (job,) = study.slurm.running("train_fold")
    yield process, job
    if process.poll() is None:
        study.kill(process)
    # For benchmarks/cluster_faults.py.
    record_property("runs", json.dumps(study.jobs("train_fold")))


def log(study):
    path = study.folder / "results/logs/train/unet_1.log"
    return path.read_text() if path.exists() else ""


def finished(study, local, process):
    """Snakemake's output; the run ended well, with the weights of the run that nothing happened to."""
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out[-5000:]
    assert study.digests("train") == local.digests("train"), "weights differ from the undisturbed run's"
    return out


def states(study):
    return [job["state"] for job in study.jobs("train_fold")]


def send(study, number):
    """A signal to the training's own processes."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path("/proc", entry, "cmdline").read_text()
        except OSError:
            continue
        if f"{study.folder}/" in command and "train_fold.py" in command:
            os.kill(int(entry), number)


def test_a_signal_saves_and_the_next_attempt_goes_on(study, local, training):
    process, job = training
    study.slurm.signal(job, "TERM")
    finished(study, local, process)
    assert states(study) == ["FAILED", "COMPLETED"]
    assert "resumed" in log(study)


def test_a_requeued_job_goes_on_under_its_own_number(study, local, training):
    process, job = training
    study.slurm.requeue(job)
    finished(study, local, process)
    runs = study.jobs("train_fold")
    assert [run["jobidraw"] for run in runs] == [job, job] and runs[-1]["state"] == "COMPLETED"
    assert "resumed" in log(study)


def test_a_training_is_asked_to_save_before_its_walltime(study, local, training):
    process, job = training
    # Held back, so that it has work left when its time is nearly over; SLURM has it go on with the signal.
    send(study, signal.SIGSTOP)
    study.slurm.run("scontrol", "update", f"JobId={job}", "TimeLimit=6")
    finished(study, local, process)
    assert states(study) == ["FAILED", "COMPLETED"]
    assert "resumed" in log(study)


@pytest.mark.parametrize("training", ["unwarned"], indirect=True)
def test_the_walltime_ends_a_training_that_hangs_and_the_next_attempt_finishes(study, local, training):
    process, job = training
    send(study, signal.SIGSTOP)
    study.slurm.run("scontrol", "update", f"JobId={job}", "TimeLimit=1")
    finished(study, local, process)
    assert states(study) == ["TIMEOUT", "COMPLETED"]


def test_a_node_goes_down_and_slurm_starts_the_job_again(study, local, training):
    process, job = training
    node = study.slurm.node_of(job)
    # It comes back by itself (ReturnToService).
    study.slurm.down(node)
    finished(study, local, process)
    runs = study.jobs("train_fold")
    assert [run["jobidraw"] for run in runs] == [job, job], "Snakemake submitted one more"
    assert [run["state"] for run in runs] == ["NODE_FAIL", "COMPLETED"]


def test_slurmctld_is_restarted_and_nothing_happens(study, local, training):
    process, _ = training
    study.slurm.restart_controller()
    finished(study, local, process)
    assert states(study) == ["COMPLETED"] and "resumed" not in log(study)


def test_snakemake_is_killed_and_started_again(study, local, training):
    process, job = training
    study.kill(process)
    send(study, signal.SIGSTOP)
    assert study.slurm.running("train_fold") == [job], "the job does not die with the process that submitted it"
    code, out = study.call("snakemake", "--unlock")
    assert code == 0, out
    code, out = study.on_cluster(WEIGHTS)
    assert code != 0 and f"scancel {job}" in out and len(study.jobs()) == 1, out[-5000:]
    send(study, signal.SIGCONT)
    until(lambda: states(study) == ["COMPLETED"], "the job ends", 300)
    code, out = study.on_cluster(WEIGHTS)
    assert code == 0, out[-5000:]
    assert states(study) == ["COMPLETED"], "it ran twice for nothing"
    assert study.digests("train") == local.digests("train")
