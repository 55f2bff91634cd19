"""Audit: every file under results/ against its ledger entry, every input against the output that it was, all text
against the identifiers of the source."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from radparity import ledger
from radparity.deidentify.search import deidentification, read_sources
from radparity.masks.study import MasksStudy
from radparity.study import Study

# What varies from run to run, and what the sweep keeps; neither has an entry.
OUTSIDE = ("logs", "benchmarks", "raw", "audit")
# The page of an unfinished study is made from what stood there then.
INTERIM = ("report", "interim")


def files(results: Path) -> tuple[list[Path], list[Path]]:
    """Every result that must have a ledger entry, and every ledger entry, in order."""
    found = []
    for top, _, names in os.walk(results):
        inside = Path(top).relative_to(results).parts[:1]
        if inside not in [(name,) for name in OUTSIDE]:
            found += [Path(top, n) for n in names if inside != INTERIM[:1] or not n.startswith(INTERIM[1])]
    notes = sorted(path for path in found if path.name.endswith(ledger.SUFFIX))
    return sorted(set(found) - set(notes)), notes


def check(path: Path) -> tuple[str, dict[str, Any] | None, str | None]:
    """One file: its name, its entry, and what is wrong with it (None where nothing is)."""
    note = ledger.sidecar(path)
    if not note.is_file():
        return path.as_posix(), None, "has no ledger entry: it was not made by this workflow, or its job did not finish"
    try:
        entry: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        recorded, named = entry["sha256"], entry["output"]
    except (ValueError, KeyError, TypeError):
        return path.as_posix(), None, "its ledger entry cannot be read"
    if named != path.as_posix():
        return path.as_posix(), None, f"its ledger entry belongs to {named}"
    if ledger.digest_file(path) != recorded:
        return path.as_posix(), entry, "does not have its recorded digest: it was changed after it was made"
    return path.as_posix(), entry, None


def audit(
    results: Path, raw: dict[str, str], workers: int, of_before: Callable[[Path], bool] = lambda _: False
) -> dict[str, Any]:
    """Verify everything under results/.

    raw: path to digest of the raw data as the sweep found it. of_before: whether a file is a list that the study no
    longer goes by; such lists are counted and left alone. Returns the verdict, the number of files and of inputs
    checked, of files that `keep` let go of, and the faults with their files.
    """
    outputs, notes = files(results)
    before = {path for path in outputs if of_before(path)}
    with ThreadPoolExecutor(workers) as pool:
        checked = list(pool.map(check, [path for path in outputs if path not in before]))
    entries = {name: entry for name, entry, _ in checked if entry is not None}
    faults = [{"file": name, "fault": fault} for name, _, fault in checked if fault]
    gone = [path for note in notes if not (path := note.with_name(note.name.removesuffix(ledger.SUFFIX))).exists()]
    let_go = {path.as_posix(): entry for path in gone if (entry := not_kept(path)) is not None}
    faults += [
        {"file": ledger.sidecar(path).as_posix(), "fault": "is the entry of a file that is gone"}
        for path in gone
        if path.as_posix() not in let_go and not of_before(path)
    ]
    entries |= let_go
    inputs = 0
    for name, entry in entries.items():
        for source, digest in entry["inputs"].items():
            inputs += 1
            made = entries.get(source)
            if made is not None and made["sha256"] != digest:
                faults.append({"file": name, "fault": f"was made from an earlier version of {source}"})
            elif made is None and not Path(source).is_file():
                faults.append({"file": name, "fault": f"was made from {source}, which is gone"})
            elif made is None and ledger.digest_file(Path(source)) != digest:
                faults.append({"file": name, "fault": f"was made from {source}, which has changed since"})
        for source, digest in entry["params"].get("raw", {}).items():
            inputs += 1
            if raw.get(source) != digest:
                faults.append({"file": name, "fault": f"was made from an earlier content of {source}"})
    return {
        "verdict": "green" if not faults else "red",
        "files": len(checked),
        "inputs": inputs,
        "not_kept": len(let_go),
        "lists_of_before": len(before),
        "faults": sorted(faults, key=lambda f: (f["file"], f["fault"])),
    }


def not_kept(path: Path) -> dict[str, Any] | None:
    """The entry of a file that is gone because nothing was to read it any more; None where it has none that says so."""
    try:
        entry: dict[str, Any] = json.loads(ledger.sidecar(path).read_text(encoding="utf-8"))
        return entry if entry["kept"] is False and entry["output"] == path.as_posix() else None
    except (ValueError, KeyError, TypeError):
        return None


def of_another_division(study: Study) -> Callable[[Path], bool]:
    """Whether a file is the list of a batch that the study does not have: its patients were divided otherwise before,
    or it keeps more now. Such lists do no harm, and serve again where the study goes back."""
    current = {f"batch_{study.batches.of(patient)}.json" for patient in study.patients.values()}
    tier = study.config.keep

    def found(path: Path) -> bool:
        of_keep = path.parent.name == "keep"
        if path.name == "learned.json":
            return of_keep and tier != "minimal"
        return path.name.startswith("batch_") and (path.name not in current or (of_keep and tier == "all"))

    return found


def audit_study(
    results: Path, study: Study | MasksStudy, raw: dict[str, str], workers: int, allow: Iterable[str] = ()
) -> dict[str, Any]:
    """Verify everything under results/, and search it for what identifies the patients of the source.

    The headers of the source are read here and nowhere kept. Returns what `audit` does with the section
    `deidentification`; the verdict is green only where both are. Masks alone have no header to search for.
    """
    if isinstance(study, MasksStudy):
        said = "the source holds masks and no DICOM header, so there was nothing to search for"
        return audit(results, raw, workers) | {
            "deidentification": {"verdict": "not searched", "headers": 0, "leaks": {}, "warnings": [said]}
        }
    exams: dict[str, list[str]] = {e: [row.folder, *study.maps(e).values()] for e, row in study.exams.items()}
    pseudonyms: dict[str, set[str]] = {}
    for exam, row in study.exams.items():
        for name in (exam, row.patient, study.patients[exam]):
            pseudonyms.setdefault(name, set()).add(exam)
    for breast, outlines in study.outlines.items():
        exams[study.exam_of(breast)] += outlines.values()
    for breast in study.breasts:
        pseudonyms.setdefault(breast, set()).add(study.exam_of(breast))
    sources = read_sources(Path(study.config.raw), exams, workers)
    section, matcher = deidentification(results, sources, pseudonyms, allow, workers)
    found = audit(results, raw, workers, of_another_division(study))
    for fault in found["faults"]:
        fault.update({key: matcher.mask(text, matcher.owners(text)) for key, text in fault.items()})
    green = found["verdict"] == section["verdict"] == "green"
    return found | {"verdict": "green" if green else "red", "deidentification": section}
