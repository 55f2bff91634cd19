"""`radparity redo`: have files of a stage made again, by forgetting that they were made.

A job looks at what stands and makes the rest. So what is to be made again goes, entry and file, and with it the lists
of the batches that hold it, which Snakemake then finds missing.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radparity import ledger
from radparity.audit.files import OUTSIDE
from radparity.config import ConfigError
from radparity.keep import STAYS
from radparity.lasting_job import KEPT
from radparity.record import read

RESULTS = Path("results")


@dataclass(frozen=True)
class Made:
    """One result and its ledger entry."""

    path: Path
    entry: dict[str, Any]

    @property
    def names(self) -> set[str]:
        """What a person may call it: its exam or breast, arm, fold, harmonization."""
        return {value for key, value in self.entry["wildcards"].items() if key != "batch"}

    @property
    def is_list(self) -> bool:
        """Whether it is the list of a batch."""
        return self.path.name.startswith("batch_")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("stage", help="a folder of results/, as register")
    parser.add_argument("names", nargs="*", help="exams or breasts (or arms, folds, harmonizations); none: all")
    parser.add_argument("--dropped", action="store_true", help="only what was not kept (docs/keep.md)")


def run(options: argparse.Namespace) -> str:
    """Forget what the arguments name; says what will be made again, and by which call."""
    forgotten = redo(RESULTS, options.stage, options.names, options.dropped)
    stages = sorted(forgotten, key=lambda stage: list(STAYS).index(stage) if stage in STAYS else len(STAYS))
    counts = ", ".join(f"{len(forgotten[stage])} files of {stage}" for stage in stages)
    if not stages:
        return f"nothing of {options.stage} is missing: nothing to do"
    return (
        f"{counts} will be made again. Call Snakemake with the stages first, so that what is made of them is not made"
        f" again where they come out the same, and then as before:\n  snakemake --cores 8 {' '.join(stages)}"
    )


def redo(results: Path, stage: str, names: Collection[str] = (), dropped: bool = False) -> dict[str, list[Path]]:
    """Forget results of a stage, and what they need that was not kept; stage to the files that will be made again.

    names: wildcards of what is meant; all where none is named. dropped: only cases of which a file was not kept.
    Raises ConfigError for a stage or a name that has no results.
    """
    known = sorted(path.name for path in results.glob("*") if path.is_dir() and path.name not in OUTSIDE)
    if stage not in known:
        mend = f"Write one of: {', '.join(known)}" if known else "Nothing has been made yet"
        raise ConfigError(f"{stage}: {results}/ has no such stage. {mend}")
    found = [made for made in _made(results / stage, names) if not made.is_list]
    unknown = [name for name in names if all(name not in made.names for made in found)]
    if unknown:
        raise ConfigError(
            f"{', '.join(unknown)}: nothing under {results / stage}/ is of that name. Write exams, breasts, arms, folds"
            " or harmonizations as they stand in the sheets and the configuration, or none for all"
        )
    chosen = [made for made in found if not names or made.names & set(names)]
    if dropped:
        cases = {_case(made) for made in chosen if made.entry.get("kept") is False}
        chosen = [made for made in chosen if _case(made) in cases]
    forgotten: dict[Path, Made] = {}
    _add(chosen, forgotten)
    return _forget(results, list(forgotten.values()))


def _add(chosen: Collection[Made], forgotten: dict[Path, Made]) -> None:
    """Add what is chosen, and of its inputs the cases of which the file is not kept, and so on up the chain."""
    for made in chosen:
        if made.path in forgotten:
            continue
        forgotten[made.path] = made
        for source in map(Path, made.entry["inputs"]):
            if not source.is_file() and _entry(source).get("kept") is False:
                beside = [Made(path, entry) for path in _outputs(source.parent) if (entry := _entry(path))]
                wildcards = _entry(source)["wildcards"]
                _add([other for other in beside if other.entry["wildcards"] == wildcards], forgotten)


def _forget(results: Path, chosen: Collection[Made]) -> dict[str, list[Path]]:
    """Remove lists, entries and files, in this order: a call that is cut short can be repeated."""
    paths = [made.path for made in chosen]
    gone = {path.as_posix() for path in paths}
    by_stage: dict[str, list[Path]] = {}
    for path in sorted(paths):
        by_stage.setdefault(path.relative_to(results).parts[0], []).append(path)
    for stage in (*by_stage, "keep"):
        for path in sorted(results.glob(f"{stage}/**/batch_*.json")):
            if not path.name.endswith(ledger.SUFFIX) and not gone.isdisjoint(_listed(path)):
                ledger.sidecar(path).unlink(missing_ok=True)
                path.unlink()
    for made in chosen:
        # What would be put back in its stead.
        shutil.rmtree(KEPT / made.entry["rule"] / "_".join(made.entry["wildcards"].values()), ignore_errors=True)
        ledger.sidecar(made.path).unlink(missing_ok=True)
        made.path.unlink(missing_ok=True)
    return by_stage


def _listed(path: Path) -> set[str]:
    """The files that a batch's list names: those of its cases, or those that were not kept of them."""
    content = read(path)
    return {file for files in content.get("cases", {}).values() for file, _ in files.values()} | {
        *content.get("not_kept", ())
    }


def _made(folder: Path, names: Collection[str]) -> Iterator[Made]:
    """The results below a folder in whose path one of the names stands, as every wildcard does."""
    for path in _outputs(folder, "**/"):
        if not names or any(name in path.as_posix() for name in names):
            entry = _entry(path)
            if entry:
                yield Made(path, entry)


def _outputs(folder: Path, below: str = "") -> list[Path]:
    notes = sorted(folder.glob(f"{below}*{ledger.SUFFIX}"))
    return [note.with_name(note.name.removesuffix(ledger.SUFFIX)) for note in notes if note.name[0] != "."]


def _entry(path: Path) -> dict[str, Any]:
    try:
        return read(ledger.sidecar(path))
    except (OSError, ValueError):
        return {}


def _case(made: Made) -> tuple[str, ...]:
    return (made.entry["rule"], *(f"{key}={value}" for key, value in made.entry["wildcards"].items()))
