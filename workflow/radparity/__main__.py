"""What is done beside Snakemake: the demo's data, draft sheets of a raw folder, the sweep over the raw data, status."""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from radparity.config import Config, ConfigError, load

COMMANDS = {
    "demo": "make the demo study's raw data",
    "lidc": "unpack the masks of four radiologists that ship, and their sheet, for config/lidc.yaml",
    "draft": "draft the sheets of a study from a raw folder, for you to correct",
    "sweep": "record the content of a study's raw data; again after every change of it",
    "status": "how far a study is, what failed and why, and how to try only that again",
    "redo": "have a stage's files made again, of all cases or of some",
    "schema": "print the JSON schema of the configuration",
    "faults": "print the table of faults",
}
REAL_EXAM = Path("resources/real_exam/ucsf_br_06.tar.xz")


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 where the configuration or a sheet cannot be used."""
    parser = argparse.ArgumentParser(prog="radparity", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does)
        command.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1))
        if name == "draft":
            from radparity.draft.command import add_arguments

            add_arguments(command)
        elif name == "redo":
            from radparity.redo import add_arguments as add_redo

            add_redo(command)
        elif name == "schema":
            command.add_argument("--kind", choices=("exams", "masks"), default="exams", help="of study; default: exams")
        else:
            command.add_argument("--config", default="config.yaml", help="the study's configuration file")
        if name == "status":
            from radparity.status.command import add_arguments as add_status

            add_status(command)
    options = parser.parse_args(arguments)
    try:
        if options.command == "schema":
            print(schema(options.kind), end="")
            return 0
        if options.command == "faults":
            from radparity.faults import table

            print(table(), end="")
            return 0
        if options.command == "draft":
            from radparity.draft.command import run

            print("\n".join(run(options, bar)))
            return 0
        if options.command == "lidc":
            from radparity.masks.lidc import RAW, SOURCE, unpack

            print(f"{unpack(SOURCE, RAW, bar('nodules'))} masks and {RAW / 'masks.tsv'}")
            return 0
        if options.command == "redo":
            from radparity.redo import run as redo

            print(redo(options))
            return 0
        raw = read_config(options.config)
        if options.command == "status":
            from radparity.status.command import run as status

            print(status(raw, options))
        elif options.command == "demo":
            demo(load(raw, options.config), options.workers)
        else:
            from radparity.kinds import open_whole
            from radparity.sweep import sweep

            study, show = open_whole(raw, options.config), bar("looking at the raw data")
            counts = sweep(study, options.workers, show, lambda line: print(line, file=sys.stderr))
            print(", ".join(f"{value} {name}" for name, value in counts.items()))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def read_config(path: str) -> dict[str, object]:
    """A configuration file as plain data. Raises ConfigError where it is missing or not YAML."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Name the study's file: --config config.yaml") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}. Indent with two spaces and no tabs") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is empty. Begin with a copy of config.yaml")
    return found


def demo(config: Config, workers: int) -> None:
    """Write the virtual exams and unpack the real one; what is there already stays."""
    from radparity.phantom.cohort import read_cohort, write_cohort

    if config.phantom is None:
        raise ConfigError("this study has no virtual exams: its configuration has no block `phantom`")
    raw = Path(config.raw)
    designs = read_cohort(config.phantom.cohort)
    write_cohort(designs, raw, config.seed, config.phantom.size, workers, bar("virtual exams"))
    if not (raw / "real").is_dir():
        raw.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=raw) as scratch, tarfile.open(REAL_EXAM) as archive:
            archive.extractall(scratch, filter="data")
            os.replace(Path(scratch, "real"), raw / "real")


def schema(kind: str = "exams") -> str:
    """The JSON schema of the configuration of a study of exams, or of masks, for editors."""
    import json

    from radparity.config.masks import MasksConfig

    model = MasksConfig if kind == "masks" else Config
    return json.dumps(model.model_json_schema(), indent=1, sort_keys=True) + "\n"


def bar(what: str) -> Callable[[int, int], None]:
    """Progress on one line of a terminal; one line a tenth elsewhere."""
    last = [-1]

    def show(done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if sys.stderr.isatty():
            print(f"\r{what}: {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif tenth != last[0]:
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
        last[0] = tenth

    return show


if __name__ == "__main__":
    sys.exit(main())
