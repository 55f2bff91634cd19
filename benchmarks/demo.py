"""The demo study from nothing to the report, in a fresh folder: seconds and peak memory of each step.

python benchmarks/demo.py > benchmarks/demo.md
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STEPS = [
    ("virtual exams and the real one", ["radparity", "demo"]),
    ("sweep over the raw data", ["radparity", "sweep"]),
    ("the study", ["snakemake", "--cores", "2"]),
    ("second call, nothing to be done", ["snakemake", "--cores", "2"]),
]


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall seconds and peak resident memory in GB, summed over the command's process tree every half second."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(folder / "workflow")}
    started, peak = time.monotonic(), [0]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=sys.stderr, stderr=sys.stderr)

    def watch() -> None:
        while process.poll() is None:
            total = 0
            for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
                try:
                    total += one.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)
            time.sleep(0.5)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    if process.wait():
        raise SystemExit(f"{' '.join(command)} failed")
    return time.monotonic() - started, peak[0] / 1e9


def processor() -> str:
    """The processor's name as the system gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    """Run every step once and print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "study")
        ignored = shutil.ignore_patterns(".git", ".venv", "data", "results", ".radparity", ".snakemake", "__pycache__")
        shutil.copytree(ROOT, folder, ignore=ignored)
        rows = [(name, *measure(command, folder)) for name, command in STEPS]
    packages = ", ".join(f"{name} {version(name)}" for name in ("snakemake", "torch", "antspyx", "numpy"))
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}\n")
    print("| step | seconds | peak memory, GB |\n|---|---:|---:|")
    for name, seconds, memory in rows:
        print(f"| {name} | {seconds:.0f} | {memory:.1f} |")


if __name__ == "__main__":
    main()
