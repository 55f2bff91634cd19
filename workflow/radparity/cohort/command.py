"""The command line of `radparity cohort`."""

from __future__ import annotations

import argparse
from pathlib import Path

from radparity.cohort.collections import COLLECTIONS, PUBLIC_SAGITTAL

SEED = 20220105


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    known = f"{PUBLIC_SAGITTAL.name} (also where nothing is named), all, or some of: {', '.join(COLLECTIONS)}"
    parser.add_argument("collections", nargs="*", metavar="collection", help=known)
    parser.add_argument("--patients", type=int, help="only so many, drawn from all, with a training of minutes")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the draw and the partition; default: {SEED}")
    parser.add_argument("--out", type=Path, help="folder of sheets and configuration; default: resources/ and config/")
    parser.add_argument("--counts", action="store_true", help="print the tables of docs/cohorts.md and write nothing")


def run(options: argparse.Namespace) -> str:
    """Write the sheets and say what they hold. Raises ConfigError with the mend where that cannot be done."""
    # Imported here, since every command of the program reads the arguments of all.
    from radparity.cohort.run import run as write

    return write(options)
