"""What the sweep found under the raw folder, as the workflow reads it."""

from __future__ import annotations

import csv
from pathlib import Path

from radparity.config import ConfigError

DIGESTS = Path("results/raw/digests.tsv")


def swept(paths: list[str]) -> dict[str, str]:
    """The content digests of raw paths, as the sweep recorded them.

    Raises ConfigError where the sweep has not been run or does not know one of these paths.
    """
    mend = "Run `radparity sweep` (`make study` does it), then call Snakemake again"
    if not DIGESTS.is_file():
        raise ConfigError(f"{DIGESTS}: the raw data has not been looked at yet. {mend}")
    with DIGESTS.open(newline="") as stream:
        found = {row["path"]: row["digest"] for row in csv.DictReader(stream, delimiter="\t")}
    unknown = [path for path in paths if path not in found]
    if unknown:
        raise ConfigError(f"{DIGESTS} does not know {unknown[0]} ({len(unknown)} such paths). {mend}")
    return found
