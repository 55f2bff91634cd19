"""What an earlier call of Snakemake left in SLURM's queue."""

from __future__ import annotations

import subprocess
from pathlib import Path


def left_in_queue(folder: Path) -> list[str]:
    """Ids of the jobs of this study, which works in `folder`, that wait or run; none where there is no SLURM.

    Jobs live on when the Snakemake that submitted them is killed, and a second one does not know of them.
    """
    try:
        told = subprocess.run(
            ["squeue", "--me", "--noheader", "--format=%i|%Z|%k"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [line.split("|", 2) for line in told.stdout.splitlines()]
    # The comment tells the plugin's jobs from a person's own in the same folder.
    return [row[0] for row in rows if row[1:2] == [str(folder)] and row[2].startswith(("rule_", "group_"))]
