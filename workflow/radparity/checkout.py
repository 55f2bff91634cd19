"""Which version of the code a run had: the commit, the files edited since, and the log of runs.

Results do not depend on it, they carry digests of the code; so it goes where everything goes that varies. Jobs of a
cluster read the code again when they start. There, edited code would make some results with one version and some with
another, under a commit that is neither: such a checkout is refused.
"""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from radparity.config import ConfigError

RUNS = Path("results/logs/runs.tsv")
COLUMNS = ("when", "commit", "edited", "host", "snakemake", "command")
ALLOW = "RADPARITY_ALLOW_EDITED"
NOT_VERSIONED = "not under version control"
# A new file counts where it could be code; sheets and configurations of one's own often stand beside it.
CODE = ("Snakefile", "workflow", "envs")
# Each site has its own lines there, and they change no result.
OF_THE_SITE = "workflow/profiles"
SHOWN = 10


@dataclass(frozen=True)
class Checkout:
    """The commit, empty outside version control, and the files that are not as they were committed."""

    commit: str
    edited: list[str]


def checkout(folder: Path, written: Collection[str] = ()) -> Checkout:
    """The state of the project in a folder.

    written: paths that runs write to themselves, as the folder of the plan, whose changes are no edits.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None or not _git(folder, "ls-files", "Snakefile"):
        return Checkout("", [])
    apart = [f":(exclude){path}" for path in (OF_THE_SITE, *written) if not Path(path).is_absolute()]
    # Only below this folder: it may be a part of a repository that holds other things.
    edited = _git(folder, "diff", "HEAD", "--name-only", "--relative", "-z", "--", ".", *apart) or ""
    new = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", *CODE, *apart) or ""
    return Checkout(commit.strip(), sorted({*edited.split("\0"), *new.split("\0")} - {""}))


def refuse_edited(found: Checkout) -> None:
    """Raises ConfigError where files were edited, unless the environment allows it."""
    if not found.edited or os.environ.get(ALLOW) == "1":
        return
    more = [f"and {len(found.edited) - SHOWN} more"] if len(found.edited) > SHOWN else []
    raise ConfigError(
        f"{len(found.edited)} files are not as they were committed: {', '.join(found.edited[:SHOWN] + more)}. Every job"
        " of a cluster reads the code when it starts: commit them (git commit), or put them aside (git stash), and call"
        f" again from a checkout that nobody edits meanwhile. To run as it is, with the edits on record: {ALLOW}=1"
    )


def record_run(path: Path, found: Checkout, version: str, command: Sequence[str]) -> None:
    """Add a run to the log of runs: when, of which code, where, by which Snakemake and which command."""
    path.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    called = shlex.join([Path(command[0]).name, *command[1:]])
    row = (now, found.commit or NOT_VERSIONED, ", ".join(found.edited), os.uname().nodename, version, called)
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        if stream.tell() == 0:
            writer.writerow(COLUMNS)
        writer.writerow(row)


def runs(path: Path = RUNS) -> list[dict[str, str]]:
    """The log of runs, the earliest first; nothing where there is none."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))
    except FileNotFoundError:
        return []


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it is not installed, or this is no repository of its."""
    try:
        # Without the lock that a second call at the same moment would meet.
        run = ["git", "--no-optional-locks", *arguments]
        return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
