"""The audit of a study: its results against the ledger, its raw data against the sweep, all text against the source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from radparity.audit.apart import check_apart
from radparity.audit.entries import Here
from radparity.audit.raw import check_raw
from radparity.audit.verify import audit
from radparity.deidentify.identifiers import Source
from radparity.deidentify.search import deidentification, read_sources
from radparity.masks.study import MasksStudy
from radparity.seg.carried import carried
from radparity.study import Study


def of_another_division(study: Study) -> Callable[[Path], bool]:
    """Whether a file is the list of a batch that the study does not have: its patients were divided otherwise before,
    or it keeps more now. Such lists do no harm, and serve again where the study goes back."""
    current = {f"batch_{name}.json" for name in study.batch_of.values()}
    tier = study.config.keep

    def found(path: Path) -> bool:
        of_keep = path.parent.name == "keep"
        if path.name == "learned.json":
            return of_keep and tier != "minimal"
        return path.name.startswith("batch_") and (path.name not in current or (of_keep and tier == "all"))

    return found


def known(study: Study | MasksStudy) -> dict[str, frozenset[str]]:
    """Unit (exam, breast, arm, fold, harmonization) to its names in a study."""
    if isinstance(study, MasksStudy):
        return {"arm": frozenset(study.compared)}
    return {
        "exam": frozenset(study.exams),
        "breast": frozenset(study.breasts),
        "arm": frozenset(study.arms),
        "fold": frozenset(study.folds),
        "harmonization": frozenset(study.harmonizations),
    }


def audit_study(
    results: Path,
    study: Study | MasksStudy,
    raw: Mapping[str, str],
    workers: int,
    allow: Iterable[str] = (),
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    full: bool = False,
) -> dict[str, Any]:
    """Verify everything under results/, and search it for what identifies the patients of the source.

    raw: path to digest of the raw data as the sweep recorded it. rules: of this checkout, as `Here` has them. full:
    read every byte. The headers of the source are read here and nowhere kept. Returns what `audit` does with the
    section `deidentification`; the verdict is green only where both are. Masks alone have no header to search for.
    """
    here, of_raw = Here(rules, known(study)), check_raw(study.config.raw, raw, workers, full, study.announced)
    if isinstance(study, MasksStudy):
        said = "the source holds masks and no DICOM header, so there was nothing to search for"
        return audit(results, raw, workers, here=here, full=full, raw_faults=of_raw) | {
            "deidentification": {"verdict": "not searched", "headers": 0, "leaks": {}, "warnings": [said]}
        }
    of_raw = (of_raw[0] + check_apart(results, study), of_raw[1])
    sources, pseudonyms = identity(study, workers)
    held = {source.exam: source.identifiers for source in sources}
    meant = carried(study.config.seg.identity, lambda name: held[study.exam_of(name)] if name in study.breasts else ())
    section, matcher = deidentification(results, sources, pseudonyms, allow, workers, meant)
    found = audit(results, raw, workers, of_another_division(study), here, full, raw_faults=of_raw)
    green = found["verdict"] == section["verdict"] == "green"
    for part in ("faults", "remarks"):
        found[part] = masked(found[part], lambda text: matcher.mask(text, matcher.owners(text)))
    return found | {"verdict": "green" if green else "red", "deidentification": section}


def identity(study: Study, workers: int) -> tuple[list[Source], dict[str, set[str]]]:
    """What the headers of the source say of its patients, and every exam, patient and breast id with its exams."""
    exams: dict[str, list[str]] = {e: [row.folder, *study.maps(e).values()] for e, row in study.exams.items()}
    pseudonyms: dict[str, set[str]] = {}
    for exam, row in study.exams.items():
        for name in (exam, row.patient, study.patients[exam]):
            pseudonyms.setdefault(name, set()).add(exam)
    for breast, outlines in study.outlines.items():
        exams[study.exam_of(breast)] += outlines.values()
    for breast in study.breasts:
        pseudonyms.setdefault(breast, set()).add(study.exam_of(breast))
    return read_sources(Path(study.config.raw), exams, workers), pseudonyms


def masked(said: Any, mask: Callable[[str], str]) -> Any:
    """Faults and remarks without the identifiers that their files' names hold."""
    if isinstance(said, dict):
        return {key: masked(value, mask) for key, value in said.items()}
    if isinstance(said, list):
        return [masked(each, mask) for each in said]
    return mask(said) if isinstance(said, str) else said
