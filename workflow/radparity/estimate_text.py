"""The estimate in words for the terminal: its table, the sums, and which tier of `keep` fits on the disk."""

from __future__ import annotations

import csv
from pathlib import Path

from radparity.keep import TIERS

HEADS = {
    "cases": "cases",
    "fetch_gb": "GB to fetch",
    "fetch_hours": "hours",
    "cpu_hours": "CPU hours",
    "gpu_hours": "GPU hours",
    "memory_gb": "GB a job",
    "files": "files",
    **{f"gb_{tier}": f"GB, {tier}" for tier in TIERS},
}
SUMS = ("fetch_gb", "fetch_hours", "cpu_hours", "gpu_hours", "files", *(f"gb_{tier}" for tier in TIERS))


def text(table: Path, free_gb: float) -> str:
    """The estimate as a table of plain text.

    free_gb: what the disk of the results has left.
    """
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    sums = {name: sum(float(row[name]) for row in rows if row[name]) for name in SUMS}
    known = {name: f"{value:.1f}" for name, value in sums.items() if any(row[name] for row in rows)}
    last = dict.fromkeys(HEADS, "") | known
    lines = [["stage", *HEADS.values()]]
    lines += [[_named(row), *(_spaced(row[name]) for name in HEADS)] for row in rows]
    lines.append(["together", *(_spaced(last[name]) for name in HEADS)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
    shown += ["", *_fits(sums, free_gb)]
    blank = [_named(row) for row in rows if row["stage"] == "train" and not row["gpu_hours"]]
    if blank:
        shown.append(
            "Training was not measured on a GPU; its CPU hours say what it takes without one."
            " Time 100 steps on yours and write their seconds: estimate: gpu_seconds_a_step"
        )
    if any(row["stage"] == "download" and not row["fetch_hours"] for row in rows):
        shown.append("How long fetching takes your connection decides: estimate: megabits_per_second")
    return "\n".join(shown)


def _named(row: dict[str, str]) -> str:
    return f"{row['stage']}, {row['unit']}"


def _spaced(value: str) -> str:
    """Thousands apart; what is below 100 as it is."""
    try:
        number = float(value)
    except ValueError:
        return value
    return f"{number:,.0f}" if number >= 100 else value


def _fits(sums: dict[str, float], free_gb: float) -> list[str]:
    """A sentence for each tier."""
    said = []
    for tier in TIERS:
        needed = sums[f"gb_{tier}"]
        verdict = "fits" if needed < free_gb else "does not fit"
        said.append(f"keep: {tier}: {_size(needed)} at the end; {_size(free_gb)} are free: {verdict}")
    return said


def _size(gigabytes: float) -> str:
    return f"{gigabytes / 1000:.2f} TB" if gigabytes >= 1000 else f"{gigabytes:.1f} GB"
