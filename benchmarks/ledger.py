"""What the ledger costs: the demo run once in a fresh folder, its ledger's functions timed where they work.

python benchmarks/ledger.py > benchmarks/ledger.md       # the demo; --small: eight exams, to try it

A run with and one without the ledger would differ by less than two runs of the same study do, and without digests a
study cannot tell what stands. So a copy of the project counts the seconds inside these functions, in every process,
each second once; all else is as always. Of `publish` all is counted, also what a study without a ledger would do:
flushing outputs to the disk and renaming them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
sys.path += [str(ROOT / "tests"), str(ROOT / "benchmarks")]
TIMED = {  # module: functions, each with what it does
    "ledger": {"digest_file": "digests of outputs, and of inputs without an entry", "versions": "versions of packages"},
    "job": {
        "publish": "writing entries; flushing and renaming outputs and entries",
        "digest_of": "digests of inputs, from their entries",
    },
    "batch_job": {"Case.stands": "looking whether a case stands", "Case.publish": "publishing a case: the rest"},
    "code": {"digest": "digests of code", "environment": "digests of environments"},
    "lasting_job": {
        "_key": "what a training was made from",
        "_put_back": "whether it can be put back",
        "_keep": "keeping it",
    },
    "references": {"digests": "the cases' digests in lists of batches"},
}
TIMING = '''
"""Counts the seconds inside functions, of each without those that it calls and that are counted too."""
import atexit, functools, json, os, time, threading
FOLDER, here, seconds, calls = os.environ.get("RADPARITY_TIMES"), threading.local(), {}, {}

def timed(name, work):
    @functools.wraps(work)
    def counted(*given, **named):
        stack = here.__dict__.setdefault("stack", [])
        started = time.perf_counter()
        stack.append(0.0)
        try:
            return work(*given, **named)
        finally:
            whole, inside = time.perf_counter() - started, stack.pop()
            seconds[name] = seconds.get(name, 0.0) + whole - inside
            calls[name] = calls.get(name, 0) + 1
            if stack:
                stack[-1] += whole
    return counted

@atexit.register
def write():
    if FOLDER and seconds:
        with open(f"{FOLDER}/{os.getpid()}_{time.time_ns()}.json", "w") as stream:
            json.dump({"seconds": seconds, "calls": calls}, stream)
'''


def instrument(workflow: Path) -> None:
    """Have a copy of the library count the time of its ledger."""
    (workflow / "radparity" / "timing.py").write_text(TIMING)
    for module, functions in TIMED.items():
        path = workflow / "radparity" / f"{module}.py"
        lines = ["\n\nfrom radparity import timing  # noqa: E402\n"]
        lines += [f"{name} = timing.timed('{module}.{name}', {name})\n" for name in functions]
        path.write_text(path.read_text() + "".join(lines))


def run(folder: Path, small: bool) -> tuple[float, float, Path]:
    """Run the study; wall seconds, the sum of its jobs' seconds, and where the counts lie."""
    from project import Project

    exams = [row.split("\t")[0] for row in (ROOT / "resources/demo/exams.tsv").read_text().splitlines()[1:]]
    virtual = [exam for exam in exams if (ROOT / "data/demo/dicom" / exam).is_dir()]
    study = Project(folder / "study", "E05 E07 E16 E18 E24 E25 E26 E31".split() if small else virtual, small)
    times = folder / "times"
    times.mkdir()
    instrument(study.folder / "workflow")
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(study.folder / "workflow")}
    environment["RADPARITY_TIMES"] = str(times)
    subprocess.run(["radparity", "sweep"], cwd=study.folder, env=environment, check=True, stdout=sys.stderr)
    shutil.rmtree(times)
    times.mkdir()
    started = time.monotonic()
    command = ["snakemake", "--cores", "2"]
    subprocess.run(command, cwd=study.folder, env=environment, check=True, stdout=sys.stderr, stderr=sys.stderr)
    wall = time.monotonic() - started
    spent = 0.0
    for path in (study.folder / "results/benchmarks").rglob("*.tsv"):
        with path.open(newline="") as stream:
            spent += sum(float(row["s"]) for row in csv.DictReader(stream, delimiter="\t"))
    return wall, spent, times


def main() -> None:
    """Run once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    with tempfile.TemporaryDirectory() as scratch:
        wall, spent, times = run(Path(scratch), small := parser.parse_args().small)
        found = [json.loads(path.read_text()) for path in times.glob("*.json")]
    print("# What the ledger costs\n\nMade by `python benchmarks/ledger.py`, whose first lines say how.\n")
    packages = ", ".join(f"{name} {version(name)}" for name in ("snakemake", "torch", "antspyx", "numpy"))
    from demo import processor

    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}\n")
    print("| of the ledger | calls | seconds | per cent of the jobs' seconds |\n|---|---:|---:|---:|")
    total = 0.0
    for module, functions in TIMED.items():
        for name, what in functions.items():
            key = f"{module}.{name}"
            seconds = sum(one["seconds"].get(key, 0.0) for one in found)
            calls = sum(one["calls"].get(key, 0) for one in found)
            total += seconds
            print(f"| {what} | {calls:,} | {seconds:.2f} | {100 * seconds / spent:.2f} |")
    print(f"| **all of it** | | **{total:.2f}** | **{100 * total / spent:.2f}** |\n")
    print(
        f"The {'small study' if small else 'demo'} took {wall:.0f} s, its jobs {spent:.0f} s together. Were"
        f" nothing of the ledger done beside anything else, it would be {100 * total / wall:.2f} % of the wall time."
    )


if __name__ == "__main__":
    main()
