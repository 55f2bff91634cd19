"""What an audit takes: of the finished study that stands in results/, and of made-up ledgers of many small files.

python benchmarks/audit.py > benchmarks/audit.md          ten minutes and 1 GB; to try it: --entries 1000

Measured without the search for identifiers (docs/deidentification.md), each in a process of its own: the first audit,
which reads every file, and the second, which reads none. What is then said of larger studies is extrapolated from it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from demo import processor

from radparity import ledger
from radparity.audit.entries import Here
from radparity.audit.verify import audit

WORKERS = 2
PAPER_FILES, TERABYTE = 1_500_000, 1e12
FILES_A_CASE = 10
LARGE_MB = 500


def made_up(entries: int) -> None:
    """A ledger under results/: chains of small files, each made from the last, and a list for every eight chains."""
    digests: dict[str, str] = {}
    for number in range(0, entries, FILES_A_CASE):
        case, before = f"E{number // FILES_A_CASE:06}", ""
        for step in range(FILES_A_CASE):
            path = Path(f"results/stage{step}/{case}/file.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"case": case, "step": step}))
            made_from = {before: digests.pop(before)} if before else {}
            entry = ledger.entry(
                path, f"rule{step}", {"exam": case}, made_from, {"raw": {}, "block": {"a": 1, "b": [1] * 20}}
            )
            ledger.sidecar(path).write_text(ledger.dump(entry))
            before = path.as_posix()
            digests[before] = entry["sha256"]


def once(memory: str) -> None:
    """One audit of results/ in this process; what it took as JSON."""
    started, used = time.monotonic(), time.process_time()
    found = audit(Path("results"), {}, WORKERS, here=Here(), memory=Path(memory))
    took = {"seconds": time.monotonic() - started, "processor": time.process_time() - used, "files": found["files"]}
    # ru_maxrss is in kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps(took | {"inputs": found["inputs"], "gigabytes": peak}))


def twice(place: Path) -> Iterator[dict[str, float]]:
    """The first and the second audit of a project."""
    with tempfile.TemporaryDirectory() as memory:
        for _ in range(2):
            call = [sys.executable, str(Path(__file__).absolute()), "--once", memory]
            yield json.loads(subprocess.run(call, cwd=place, check=True, stdout=subprocess.PIPE).stdout)


def throughput(place: Path) -> float:
    """Megabytes a second that one thread digests of a large file that the system has at hand."""
    path = place / "large"
    piece = os.urandom(1_000_000)
    with path.open("wb") as stream:
        for _ in range(LARGE_MB):
            stream.write(piece)
    ledger.digest_file(path)
    started = time.monotonic()
    ledger.digest_file(path)
    return LARGE_MB / (time.monotonic() - started)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--once", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        return once(options.once)
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}; {WORKERS} threads digest.\n")
    print(
        "| what | files | inputs | audit | seconds | of the processor | peak memory, GB |\n"
        "|---|---:|---:|---|---:|---:|---:|"
    )
    size, place = 0, Path.cwd()
    if (place / "results/report/index.html").is_file():
        size = sum(path.stat().st_size for path in (place / "results").rglob("*") if path.is_file())
        rows("results/ of this project", place)
    found = [{"seconds": 0.0, "files": 1.0}] * 2
    for entries in options.entries:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            made_up(entries)
            found = rows("made up", Path(folder))
            os.chdir(place)
    with tempfile.TemporaryDirectory() as folder:
        speed = throughput(Path(folder))
    hours = TERABYTE / 1e6 / speed / WORKERS / 3600
    first, second = (one["seconds"] / one["files"] * PAPER_FILES / 60 for one in found)
    print(
        f"\nresults/ of this project: {size / 1e9:.2f} GB. One thread digests {speed:,.0f} MB a second from memory.\n"
    )
    print("**Extrapolated, not measured**, from the largest made-up ledger and from that speed:\n")
    print(f"- {PAPER_FILES:,} files, as the paper's study: {first:.0f} minutes for the first audit besides the bytes,")
    print(
        f"  {second:.0f} for the second, on a disk that answers as fast as this one's cache. On a network file system"
    )
    print("  the answers to some million opens decide.")
    print(
        f"- 1 TB: {hours:.1f} hours for the first audit on {WORKERS} cores, if the disk delivers as fast; none for the"
        " second."
    )


def rows(what: str, place: Path) -> list[dict[str, float]]:
    """Print the first and the second audit of a project."""
    found = list(twice(place))
    for one, name in zip(found, ("first", "second"), strict=True):
        numbers = f"{one['seconds']:.1f} | {one['processor']:.1f} | {one['gigabytes']:.2f}"
        print(f"| {what} | {one['files']:,} | {one['inputs']:,} | {name} | {numbers} |", flush=True)
    return found


if __name__ == "__main__":
    main()
