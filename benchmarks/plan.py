"""How long Snakemake plans a study of the paper's size, and how much memory it takes; how both grow with the exams.

python benchmarks/plan.py > benchmarks/plan.md          about half an hour, 3 GB of memory, 3 GB of disk
python benchmarks/plan.py 0.0625                        at a sixteenth of the study only

Each call of Snakemake is a process of its own, in a copy of the project. A finished study is not computed: every output
that `snakemake --summary` names is written, the batches' lists with all their cases, and `snakemake --touch` (without
its pause of 0.1 s a job) records them as a run would.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from demo import processor
from plan_study import PAPER, Size, change_one, write_outputs, write_study

ROOT = Path(__file__).parents[1]
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
BATCH = 8
MANY = "5000"  # touched at a time: Snakemake looks through all that wait after each round
PARAGRAPH = "\n\n"
TOUCH = (
    "from snakemake.executors.touch import Executor; Executor.SLEEPING_TIME = 0; from snakemake.cli import main; main()"
)
# What the SLURM plugin has a job run, on its node, twice: to start the job's step, and in that step to run the script.
JOB = (
    "--target-jobs {rule}:batch={batch} --allowed-rules {rule} --cores 1 --attempt 1 --force-use-threads --force"
    " --target-files-omit-workdir-adjustment --keep-storage-local-copies --max-inventory-time 0 --nocolor --notemp"
    " --no-hooks --nolock --ignore-incomplete --rerun-triggers input mtime params"
    " --default-resources mem_mb=2000 --mode subprocess --local-groupid local"
)


class Cost(NamedTuple):
    """What a process took: wall seconds, seconds of the processor, GB of memory at its peak, and what it printed."""

    wall: float
    processor: float
    memory: float
    said: str

    def row(self) -> str:
        """The cells of a table."""
        return f"{self.wall:.1f} | {self.processor:.1f} | {self.memory:.2f}"


def call(folder: Path, *arguments: str) -> Cost:
    """Run Python with arguments in the study's folder. Raises SystemExit with the last lines where it fails."""
    environment = os.environ | {"PYTHONPATH": "workflow"}
    with tempfile.TemporaryFile("w+") as said:
        started = time.monotonic()
        process = subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(f"{shlex.join(arguments)[:300]} failed\n{text[-3000:]}")
    # ru_maxrss is in kilobytes on Linux
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9, text)


def plan(folder: Path, config: Path, *more: str) -> Cost:
    """What would run."""
    return call(folder, "-m", "snakemake", "-n", "--cores", "1", "--configfile", str(config), *more)


def jobs(said: str) -> int:
    """How many jobs a dry run lists."""
    totals = [line.split()[1] for line in said.splitlines() if line.startswith("total ")]
    return int(totals[0]) if totals else 0


def outputs(folder: Path, config: Path) -> list[str]:
    """Every file that the study's jobs would make."""
    said = call(folder, "-m", "snakemake", "--summary", "--configfile", str(config)).said
    return [cells[0] for cells in (line.split("\t") for line in said.splitlines()) if cells[0].startswith("results/")]


def prepare(scratch: Path, size: Size, batch: int) -> tuple[Path, Path]:
    """A copy of the project with the sheets of a study; its folder and configuration."""
    folder = scratch / f"{size.exams}_{batch}"
    for name in ("workflow", "resources", "profiles", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    return folder, write_study(folder, size, batch, ROOT / "config.yaml")


def job(folder: Path, config: Path) -> Cost:
    """The middle of three parses of one registration job."""
    lists = sorted((folder / "results/register").glob("batch_development_*.json"))
    batch = lists[len(lists) // 2].stem.removeprefix("batch_")
    arguments = shlex.split(JOB.format(rule="register_exam", batch=batch))
    again = [call(folder, "-m", "snakemake", *arguments, "-n", "--configfiles", str(config)) for _ in range(3)]
    return sorted(again, key=lambda one: one.processor)[1]


def measure(scratch: Path, share: float) -> Iterator[tuple[str, Cost]]:
    """Every call at a share of the study."""
    size = PAPER.share(share)
    folder, config = prepare(scratch, size, BATCH)
    yield "cold plan", plan(folder, config)
    write_outputs(folder, BATCH, outputs(folder, config))
    arguments = ("--touch", "--forceall", "--cores", MANY, "--configfile", str(config), "--quiet", "all")
    yield "recording the results (--touch)", call(folder, "-c", TOUCH, *arguments)
    finished = plan(folder, config)
    if "Nothing to be done" not in finished.said:
        raise SystemExit(f"the finished study is not finished: {finished.said[-3000:]}")
    yield "nothing to be done", finished
    yield "a job's parse", job(folder, config)
    change_one(folder, "E01000")
    yield "one exam changed", plan(folder, config)
    shutil.rmtree(folder)


def line(exams: list[float], values: list[float]) -> str:
    """Slope for each 1000 exams, and intercept, of the straight line by least squares."""
    slope, intercept = statistics.linear_regression(exams, values)
    return f"{1000 * slope:.3f} | {intercept:.2f}"


def main() -> None:
    """Print the tables, row by row."""
    shares = [float(share) for share in sys.argv[1:]] or list(SHARES)
    packages = f"Python {platform.python_version()}, snakemake {version('snakemake')}"
    print(f"# The plan of a study of the paper's size\n\n{processor()}, {os.cpu_count()} cores, {packages}; `plan.py`.")
    print(f"\n{(__doc__ or '').split(PARAGRAPH)[2].strip()}\n\nPatients a batch: {BATCH}, and 1 in the last row.\n")
    print("| exams | call | jobs | wall, s | processor, s | peak memory, GB |\n|---:|---|---:|---:|---:|---:|")
    found: dict[str, list[tuple[float, Cost]]] = {}

    def row(exams: int, name: str, cost: Cost) -> None:
        print(f"| {exams:,} | {name} | {jobs(cost.said) or ''} | {cost.row()} |", flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        for share in shares:
            for name, cost in measure(Path(scratch), share):
                row(PAPER.share(share).exams, name, cost)
                found.setdefault(name, []).append((PAPER.share(share).exams, cost))
        tenth = PAPER.share(0.1)
        row(tenth.exams, "cold plan, one patient a batch", plan(*prepare(Path(scratch), tenth, 1)))
    if len(shares) > 1:
        print("\nStraight lines through these, of processor seconds and of GB:\n")
        print("| call | s for 1000 exams | s at 0 | GB for 1000 exams | GB at 0 |\n|---|---:|---:|---:|---:|")
        for name, costs in found.items():
            exams = [number for number, _ in costs]
            seconds, memory = (line(exams, [getattr(c, what) for _, c in costs]) for what in ("processor", "memory"))
            print(f"| {name} | {seconds} | {memory} |")


if __name__ == "__main__":
    main()
