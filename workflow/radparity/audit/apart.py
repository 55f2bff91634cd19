"""Apart: that no patient whom a network is judged on is in anything that was learned from.

The sheets are checked for it when they are read; here it is looked for in what the jobs left: the partition table, and
the files that weights and scalings were made from, by their ledger entries.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from radparity.audit.entries import read_entry
from radparity.audit.faults import Fault, again
from radparity.study import JUDGED, Study

FOLDS = "fold/folds.tsv"
# Each with the position of the arm in its path; others belong to no arm.
LEARNED = {
    "train/*/*/weights.pt": 1,
    "train/*/*/last.pt": 1,
    "nnunet/*/*/weights.pth": 1,
    "fold/*/*/scaling.json": None,
    "mask/weights.pt": None,
}
TOLD = 5


def check_apart(results: Path, study: Study) -> list[Fault]:
    """A fault for each file that was learned from a breast or exam of a patient who tunes, tests or is internal test.

    Patients are those of the study as it is loaded now, records joined by `same_as`. Arms that the study no longer has
    are left alone: nothing is judged with them.
    """
    judged = {study.patient_of(breast): study.breasts[breast].partition for breast in study.cases(*JUDGED)}
    faults = []
    # A scaling is made from breasts, the mask network from whole exams.
    patients = study.patients | {breast: study.patient_of(breast) for breast in study.breasts}
    for path, cases in _learned(results, study):
        seen = sorted({name for name in cases if patients.get(name) in judged})
        if seen:
            more = f" and {len(seen) - TOLD} more" if len(seen) > TOLD else ""
            parts = sorted({judged[patients[name]] for name in seen})
            what = (
                f"was learned from patients who are judged ({', '.join(parts)}): {', '.join(seen[:TOLD])}{more}. The"
                " comparison is worth nothing"
            )
            faults.append(Fault(path, what, again(path)))
    return faults


def _learned(results: Path, study: Study) -> Iterator[tuple[str, Iterable[str]]]:
    """Each file that was learned, with the breasts or exams that it was learned from."""
    folds = results / FOLDS
    if folds.is_file():
        with folds.open(newline="", encoding="utf-8") as stream:
            yield folds.as_posix(), [row["breast"] for row in csv.DictReader(stream, delimiter="\t")]
    for pattern, place in LEARNED.items():
        for file in sorted(results.glob(pattern)):
            if place is not None and file.relative_to(results).parts[place] not in study.arms:
                continue
            found = read_entry(file.as_posix())
            if not isinstance(found, str):  # else the audit says what is wrong with the entry
                yield file.as_posix(), [Path(source).parent.name for source in found[0]["inputs"]]
