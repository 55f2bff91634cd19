"""The command `radparity trace`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from radparity.config import ConfigError
from radparity.provenance import RESULTS, Ledger
from radparity.terminal import bar
from radparity.trace.cell import find
from radparity.trace.chain import Chain, chain_of, entry_of
from radparity.trace.text import text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("file", nargs="?", help="a result, as results/compare/unet/main.tsv: what it was made from")
    parser.add_argument("--cell", metavar="ROW,COLUMN", help="of a table one number, as R2,network_median")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the chain")
    parser.add_argument("--json", action="store_true", help="everything, for another program")
    parser.add_argument("--from", dest="source", metavar="NAME", help="the other way: all that an exam, a breast, a"
                        " patient or a raw path has touched")  # fmt: skip


def run(options: argparse.Namespace) -> str:
    """What the command prints. Raises ConfigError with what to write where nothing can be traced."""
    if (options.file is None) == (options.source is None):
        raise ConfigError(
            "name either a file (radparity trace FILE) or where to start from (radparity trace --from E12)"
        )
    book = Ledger(RESULTS)
    if options.source is not None:
        from radparity.trace.touched import plain_touched, text_touched, touched_by

        if options.cell or options.svg:
            raise ConfigError("--cell and --svg belong to a file, not to --from")
        touched = touched_by(book, options.config, options.source, bar("looking at the ledger"))
        return json.dumps(plain_touched(touched), indent=1) if options.json else text_touched(touched)
    file = Path(options.file).as_posix()
    if file.startswith("/"):
        file = Path(file).relative_to(Path.cwd()).as_posix() if Path(file).is_relative_to(Path.cwd()) else file
    entry_of(book, file)
    chain = chain_of(book, file, find(book, file, options.cell) if options.cell else None, _counted)
    if options.svg:
        from radparity.trace.picture import picture

        options.svg.write_text(picture(chain), encoding="utf-8")
    return json.dumps(plain(chain), indent=1) if options.json else text(chain)


def _counted(done: int) -> None:
    """How far it is; nobody knows beforehand how long a chain is."""
    if done % 10_000 == 0:
        print(f"{done} files of the chain", file=sys.stderr, flush=True)


def plain(chain: Chain) -> dict[str, Any]:
    """A chain as plain data."""
    stages = {
        name: {"files": stage.files, "not_kept": stage.not_kept, "cases": sorted(stage.cases)}
        | {
            "rules": {
                rule: {"files": made.files, "code": sorted(made.scripts), "environments": sorted(made.environments)}
                | {"devices": sorted(made.devices), "params": made.params}
                for rule, made in sorted(stage.rules.items())
            }
        }
        for name, stage in chain.stages.items()
    }
    return {
        "file": chain.file,
        "sha256": chain.sha256,
        "cell": asdict(chain.cell) if chain.cell else None,
        "stages": stages,
        "reads": [{"from": a, "by": b, "files": count} for (a, b), count in sorted(chain.reads.items())],
        "environments": chain.environments,
        "networks": [asdict(network) for network in chain.networks],
        "tuning": chain.tuning,
        "exams": dict(sorted(chain.exams.items())),
        "files": dict(sorted(chain.digests.items())),
        "raw": {path: asdict(raw) for path, raw in sorted(chain.raw.items())},
        "others": dict(sorted(chain.others.items())),
        "without_entry": chain.without_entry,
    }
