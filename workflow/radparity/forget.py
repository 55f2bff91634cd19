"""`radparity forget`: a patient has withdrawn her consent.

Nothing that was made of her data stays: neither what is hers alone nor what she is in with others, a network that was
trained on her among it. The next run makes the latter again, without her. Only the raw data is left to a person.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

from radparity.audit.stats import FOLDER as MEMORY
from radparity.audit.stats import forget as forget_stats
from radparity.config import ConfigError
from radparity.plan import now
from radparity.provenance import RESULTS
from radparity.record import read
from radparity.release.fixed import RELEASES
from radparity.sweep import STATS
from radparity.swept import DIGESTS
from radparity.terminal import bar
from radparity.trace.mentions import about, rows_without
from radparity.trace.text import many, names
from radparity.trace.touched import by_stage, network_lines
from radparity.trace.withdrawal import FORGOTTEN, SNAKEMAKE, Withdrawal, files_below, withdrawal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("patient", help="her pseudonym in the exams sheet")
    parser.add_argument("--yes", action="store_true", help="remove it; without this it is only listed")


def run(options: argparse.Namespace) -> str:
    """List what goes with a patient, or remove it. Raises ConfigError where that cannot be done, before it begins."""
    found = withdrawal(options.config, options.patient, bar("looking at the ledger"), bar("looking for her names"))
    if not options.yes:
        return "\n".join(
            [*listing(found), "", f"Nothing was removed. To do it: radparity forget {options.patient} --yes"]
        )
    locks = SNAKEMAKE / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        raise ConfigError("Snakemake is at work here. Wait for it, or after a crash: snakemake --unlock")
    count = remove(found)
    return "\n".join(
        [f"{many(count, 'file')} removed, and her rows of the sheets.", "", *afterwards(found, options.config)]
    )


def listing(found: Withdrawal) -> list[str]:
    """What goes, and what is left to a person, for a terminal of 100 columns."""
    whom = found.whom
    lines = [f"patient {whom.name}: {many(len(whom.exams), 'exam')}, {many(len(whom.breasts), 'breast')}"]
    lines += names("", [*sorted(whom.exams), *sorted(whom.breasts)])
    lines += ["", "rows of the sheets that go"]
    for path, (_, rows) in found.sheets.items():
        lines += names(f"{path}, {'row' if len(rows) == 1 else 'rows'}", map(str, rows))
    lines += ["", f"hers alone, goes: {many(len(found.touched.own), 'file')}", *by_stage(found.touched.own)]
    lines += ["", f"made of hers and of others', goes and is made again without her: {len(found.touched.shared)} files"]
    lines += by_stage(found.touched.shared)
    lines += ["", f"lists of batches, made again: {len(found.touched.lists)} (the other cases in them stand)"]
    if found.touched.networks:
        lines += ["", "networks among these", *network_lines(found.touched)]
    if found.kept:
        lines += ["", "kept and unfinished trainings, go", *names("", map(str, found.kept))]
    if found.naming:
        lines += [
            "",
            f"logs, notes and caches that name her, and copies of the report, go: {many(len(found.naming), 'file')}",
        ]
    return lines + _left(found)


def _left(found: Withdrawal) -> list[str]:
    raw = Path(found.study.config.raw)
    there = [path for path in sorted(found.whom.raw) if (raw / path).exists()]
    lines = ["", f"raw data below {raw}, left for you to delete", *(f"  {path}" for path in there)]
    if found.fixed:
        lines += ["", "these name her and are not rewritten: they are fixed, and for a person to decide about"]
        lines += [f"  {path}" for path in found.fixed]
        if any(path.name == "plan.json" for path in found.fixed):
            lines.append("  (the page names what is gone from the locked plan as a deviation)")
        if any(path.parent == RELEASES for path in found.fixed):
            lines.append("  (a release with her cannot be gone on with: make another one without her)")
    return [*lines, "", "Copies elsewhere (version control, released archives, backups) are not looked at."]


def remove(found: Withdrawal) -> int:
    """Remove all of it; returns how many files. What was cut short can be called again: her rows go last."""
    files = found.files
    for path in files:
        path.unlink(missing_ok=True)
    for folder in found.kept:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in sorted({path.parent for path in files}, key=lambda path: -len(path.parts)):
        _remove_empty(folder)
    for memory in files_below(MEMORY):
        forget_stats(memory, {path.as_posix() for path in files})
    for table in DIGESTS.parent.glob("*.tsv"):
        text, rows = rows_without(table, about(("path",), found.whom.raw))
        if rows:
            _write(table, text)
    if STATS.is_file():
        raw = found.study.config.raw
        stats = read(STATS)
        for name in found.whom.raw:
            stats.pop(f"{raw}/{name}", None)
        _write(STATS, json.dumps(stats, sort_keys=True, indent=0))
    for path, (text, _) in found.sheets.items():
        _write(path, text)
    _note(Path(found.study.config.plan), found.whom.name, len(files))
    return len(files)


def _remove_empty(folder: Path) -> None:
    while folder.is_relative_to(RESULTS) and folder != RESULTS and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _write(path: Path, text: str) -> None:
    written = path.with_name(f".writing-{path.name}")
    written.write_text(text, encoding="utf-8", newline="")
    shutil.copymode(path, written)
    os.replace(written, path)


def _note(folder: Path, patient: str, files: int) -> None:
    """That she was forgotten, so that a later reader of the project knows why the numbers changed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FORGOTTEN).open("a", encoding="utf-8") as stream:
        if stream.tell() == 0:
            stream.write("when\tpatient\tfiles\n")
        stream.write(f"{now()}\t{patient}\t{files}\n")


def afterwards(found: Withdrawal, source: str) -> list[str]:
    """What to call next."""
    named = f" --config {source}" if source != "config.yaml" else ""
    lines = [f"Delete the raw data by hand: {Path(found.study.config.raw)}/ ..."]
    lines += [f"  {path}" for path in sorted(found.whom.raw)]
    if found.fixed:
        lines += ["Decide about these, which name her:", *(f"  {path}" for path in found.fixed)]
    lines += ["Then make the study without her:", f"  radparity sweep{named}"]
    release = found.study.config.release
    if release and RELEASES / f"{release}.tsv" in found.fixed:
        lines += [f"  radparity release {release}b{named}    # and name it in the configuration: release: {release}b"]
    return [*lines, f"  snakemake --cores all{named.replace('--config ', '--configfile ')}"]
