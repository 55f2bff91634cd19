"""What SLURM's accounting says became of jobs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection

# State to what it means for the job; the earlier one counts where a job and its steps differ.
MEANING = {
    "OUT_OF_MEMORY": "memory",
    "TIMEOUT": "walltime",
    "DEADLINE": "walltime",
    "NODE_FAIL": "node",
    "BOOT_FAIL": "node",
    "PREEMPTED": "preempted",
    "PENDING": "queued",
    "REQUEUED": "queued",
    "SUSPENDED": "queued",
    "RUNNING": "running",
    "COMPLETING": "running",
    "CANCELLED": "cancelled",
}
OF_STEPS = ("OUT_OF_MEMORY", "RUNNING", "PREEMPTED", "NODE_FAIL", "TIMEOUT")  # a step is cancelled for many reasons
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
AT_ONCE = 400
PATIENCE = 60  # seconds


def fates(jobs: Collection[str]) -> dict[str, str]:
    """Job id to memory, walltime, node, preempted, cancelled, running, queued, or empty for any other end.

    A job that the accounting does not know is absent; so are all where there is none.
    """
    if not jobs or shutil.which("sacct") is None:
        return {}
    found: dict[str, set[str]] = {}
    asked: dict[str, float] = {}
    wanted = sorted(jobs)
    for first in range(0, len(wanted), AT_ONCE):
        ids = ",".join(wanted[first : first + AT_ONCE])
        command = ["sacct", "--noheader", "--parsable2", "--format=JobIDRaw,State,ReqMem,MaxRSS", f"--jobs={ids}"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        except (OSError, subprocess.SubprocessError):
            return {}
        for line in said.splitlines():
            job, state, memory, held = line.split("|")
            job, _, step = job.partition(".")
            state = state.partition(" ")[0]  # CANCELLED by 1000
            asked.setdefault(job, _bytes(memory))
            states = found.setdefault(job, set())
            states |= {state} if not step or state in OF_STEPS else set()
            # Where SLURM ends a step that holds more than was asked for, it calls it cancelled.
            states |= {"OUT_OF_MEMORY"} if step and state == "CANCELLED" and _bytes(held) > asked[job] > 0 else set()
    return {job: next((MEANING[s] for s in MEANING if s in states), "") for job, states in found.items()}


def _bytes(said: str) -> float:
    """A size of the accounting, as 286526K or 200M; 0 where it says none."""
    said = said.rstrip("cn")
    try:
        return float(said[:-1]) * UNITS[said[-1]] if said[-1:] in UNITS else float(said or 0)
    except ValueError:
        return 0.0
