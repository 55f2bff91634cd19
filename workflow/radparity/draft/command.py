"""The command line of `radparity draft`."""

from __future__ import annotations

import argparse
from pathlib import Path

from radparity.config import ConfigError
from radparity.terminal import bar

PRIVATE = Path(".radparity")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("raw", type=Path, help="the folder that holds the hospital's DICOM, in any arrangement")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets, as config/mystudy")
    names = parser.add_mutually_exclusive_group()
    names.add_argument("--key", type=Path, help=f"file with the secret key of the pseudonyms, as {PRIVATE / 'key'}")
    names.add_argument("--numbers", type=Path, help="table of trial numbers: patient_id, number, tab-separated")
    parser.add_argument("--make-key", action="store_true", help="make the key file where it is absent")
    parser.add_argument("--dates", choices=["offsets"], help="offsets: a column `day`, from each patient's first exam")
    parser.add_argument("--crosswalk", type=Path, default=PRIVATE / "crosswalk.tsv", help="ids to pseudonyms, private")


def run(options: argparse.Namespace) -> str:
    """Draft the sheets. Returns what to tell the user; raises ConfigError with the mend where it cannot be done."""
    from radparity.draft.pseudonyms import KeyNames, NumberNames, read_key
    from radparity.draft.run import draft

    if options.numbers:
        names: KeyNames | NumberNames = NumberNames(options.numbers)
    elif options.key or options.make_key:
        names = KeyNames(read_key(options.key or PRIVATE / "key", options.make_key))
    else:
        raise ConfigError(
            "say where pseudonyms come from: a secret key (--key .radparity/key --make-key the first time,"
            " --key .radparity/key from then on) or a table of trial numbers (--numbers table.tsv)"
        )
    said = draft(options.raw, options.out, names, options.crosswalk, options.dates == "offsets", options.workers, bar)
    last = f"{options.crosswalk} ties pseudonyms to patients: keep it and the key private, and keep a copy of both"
    return "\n".join([*said, last])
