"""What the networks of an arm were trained on, in counts that may be published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from radparity.bundle.counts import LARGER, SMALLEST, one, shown
from radparity.report.tables import Table
from radparity.scaling import scanner_name

Breast = Sequence[str]
"""breast, exam, patient, side, label, partition: `Study.described`."""


def used(breasts: Iterable[Breast], training: Iterable[Mapping[str, Any]]) -> list[Breast]:
    """The breasts that some fold has trained or validated on, by the folds' records."""
    names = {breast for record in training for role in ("training", "validation") for breast in record[role]}
    return [row for row in breasts if row[0] in names]


def trained_exams(
    breasts: Iterable[Breast], training: Iterable[Mapping[str, Any]], intake: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The intake records of those breasts' exams."""
    exams = sorted({row[1] for row in used(breasts, training)})
    return [intake[exam] for exam in exams if intake[exam]["status"] == "ok"]


def training_tables(
    breasts: Sequence[Breast], training: Sequence[Mapping[str, Any]], intake: Mapping[str, Mapping[str, Any]]
) -> list[Table]:
    """Patients, exams and breasts by label, and the scanners and grids of the exams.

    training: the folds' records; a breast counts once that some fold has trained or validated on. intake: records by
    exam.
    """
    rows, exams = used(breasts, training), trained_exams(breasts, training, intake)
    labels = sorted({row[4] for row in rows})
    columns = []
    for column in (2, 1, 0):  # patient, exam, breast
        by_label = {label: len({row[column] for row in rows if row[4] == label}) for label in labels}
        total = len({row[column] for row in rows})
        # Those who count in both rows are what the rows have more than the total.
        several = 0 < sum(by_label.values()) - total < SMALLEST
        columns.append([*shown(by_label).values(), LARGER if several and total >= SMALLEST else one(total)])
    counts = [list(row) for row in zip([*labels, "all"], *columns, strict=True)]
    grids = [f"{e['in_plane_mm'][0]:.2f} × {e['in_plane_mm'][1]:.2f} × {e['section_mm']:.2f}" for e in exams]
    return [
        Table(
            "training",
            "Training data",
            ["label", "patients", "exams", "breasts"],
            counts,
            "A patient or an exam with a breast of each label counts in both rows. Counts of 1 to 4 are shown as <5,"
            " and the next as 5 or more where it would be told by the others.",
        ),
        _counted("scanners", "Scanners of the training exams", "scanner", (scanner_name(e) for e in exams)),
        _counted("grids", "Their resolution, mm: in-plane and section", "mm", grids),
        _counted("planes", "Their plane of acquisition", "plane", (str(e["plane"]) for e in exams)),
        _counted("phases", "Their phases", "phases an exam", (str(len(e["phases"])) for e in exams)),
    ]


def makers(exams: Iterable[Mapping[str, Any]]) -> list[str]:
    """The manufacturers of the scanners of exams, by their intake records, once each."""
    return sorted({str(exam["scanner"].get("manufacturer") or "not stated") for exam in exams})


def _counted(name: str, caption: str, what: str, values: Iterable[str]) -> Table:
    counts = shown(Counter(values))
    return Table(name, caption, [what, "exams"], [[value, counts[value]] for value in sorted(counts)])
