"""What is done beside Snakemake: the demo's data, draft sheets of a raw folder, the sweep over the raw data, status."""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
import tempfile
from importlib import import_module
from pathlib import Path

from radparity.config import Config, ConfigError, load
from radparity.terminal import bar, read_config

COMMANDS = {
    "demo": "make the demo study's raw data",
    "lidc": "unpack the masks of four radiologists that ship, and their sheet, for config/lidc.yaml",
    "draft": "draft the sheets of a study from a raw folder, for you to correct",
    "cohort": "write the sheets of a study of public data, from the index of its collections",
    "mama_mia": "write the sheets of a study from the folder of MAMA-MIA",
    "sweep": "record the content of a study's raw data; again after every change of it",
    "release": "fix the exams of the sheets, with digests, for train, tune and test to see",
    "diff": "what differs between two releases: exams, inputs, labels, and the numbers of their reports",
    "status": "how far a study is, what failed and why, and how to try only that again",
    "why": "what would run now, what changed that it would, and how long it takes",
    "redo": "have a stage's files made again, of all cases or of some",
    "trace": "from a number down to its DICOM, or from an exam to all that it has touched",
    "forget": "a patient has withdrawn: list what she has touched, and remove it",
    "recreate": "make a file again that was not kept, and check that it is the same",
    "predict": "segment one exam with the networks of a bundle: lesions, volumes, a page",
    "schema": "print the JSON schema of the configuration",
    "faults": "print the table of faults",
}
# Commands with a module of their own: add_arguments(parser), and run(options) -> what to print.
MODULES = {
    "redo": "radparity.redo",
    "recreate": "radparity.recreate",
    "status": "radparity.status.command",
    "release": "radparity.release.command",
    "diff": "radparity.release.differences",
    "why": "radparity.why.command",
    "draft": "radparity.draft.command",
    "cohort": "radparity.cohort.command",
    "mama_mia": "radparity.mama_mia",
    "trace": "radparity.trace.command",
    "forget": "radparity.forget",
    "predict": "radparity.site.command",
}
WITHOUT_CONFIG = ("cohort", "diff", "draft", "mama_mia", "predict", "redo", "schema")
REAL_EXAM = Path("resources/real_exam/ucsf_br_06.tar.xz")


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 where the configuration or a sheet cannot be used."""
    parser = argparse.ArgumentParser(prog="radparity", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does)
        command.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1))
        if name == "schema":
            command.add_argument("--kind", choices=("exams", "masks"), default="exams", help="of study; default: exams")
        if name not in WITHOUT_CONFIG:
            command.add_argument("--config", default="config.yaml", help="the study's configuration file")
        if name in MODULES:
            import_module(MODULES[name]).add_arguments(command)
    options = parser.parse_args(arguments)
    try:
        if options.command in MODULES:
            print(import_module(MODULES[options.command]).run(options))
            return 0
        if options.command == "schema":
            print(schema(options.kind), end="")
            return 0
        if options.command == "faults":
            from radparity.faults_page import table

            print(table(), end="")
            return 0
        if options.command == "lidc":
            from radparity.masks.lidc import RAW, SOURCE, unpack

            print(f"{unpack(SOURCE, RAW, bar('nodules'))} masks and {RAW / 'masks.tsv'}")
            return 0
        raw = read_config(options.config)
        if options.command == "demo":
            demo(load(raw, options.config), options.workers)
        else:
            from radparity.kinds import open_whole
            from radparity.release.given import giving
            from radparity.sweep import sweep

            # Without the release: what it does not hold is looked at too, and a release is made from what was swept.
            whole = {key: value for key, value in raw.items() if key != "release"}
            study, show = open_whole(whole, options.config), bar("looking at the raw data")
            with giving(study) as given:
                counts = sweep(study, options.workers, show, lambda line: print(line, file=sys.stderr))
            print(", ".join(f"{value} {name}" for name, value in counts.items()), *filter(None, [given]), sep="\n")
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


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


if __name__ == "__main__":
    sys.exit(main())
