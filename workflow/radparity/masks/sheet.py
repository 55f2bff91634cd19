"""The sheet of a study of masks, one row a mask, checked with row numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from radparity.config import ConfigError
from radparity.sheets import Pseudonym, RawPath, Row


class MaskRow(Row):
    """One mask of one case by one rater (a reader or a network).

    `section` is counted from 0 along the third axis of the file; without it the whole file is compared. `partition`
    is `test` where it is empty; a tuning case was used to make the network's masks, so it is not compared.
    """

    case: Pseudonym
    patient: Pseudonym
    rater: Pseudonym
    file: RawPath
    section: int | None = Field(None, ge=0)
    partition: Literal["tuning", "test"] = "test"


def check_masks(rows: Sequence[MaskRow], raters: Sequence[str], subgroups: Sequence[str] = ()) -> None:
    """Each case has one patient, partition and section, one value in each column that `subgroups` names, and one row
    for each of the raters; no patient is in two partitions; no file stands for two raters.

    Raises ConfigError that lists every fault with its row (the header is row 1).
    """
    absent = [rater for rater in raters if rater not in {row.rater for row in rows}]
    faults = [f"no row has the rater {rater}, whom the configuration names. Add the rows" for rater in absent]
    first: dict[str, tuple[MaskRow, int]] = {}
    of_patient: dict[str, tuple[str, int]] = {}
    given: dict[tuple[str, str], int] = {}
    files: dict[tuple[str, int | None], int] = {}
    for number, row in enumerate(rows, start=2):
        case, above = first.setdefault(row.case, (row, number))
        for column in ("patient", "partition", "section", *subgroups):
            here, there = getattr(row, column), getattr(case, column)
            if here != there:
                faults.append(
                    f"row {number}: {row.case} has the {column} {_said(here)} here and {_said(there)} in row {above}."
                    " A case has one: correct one of the rows"
                )
        partition, before = of_patient.setdefault(row.patient, (row.partition, number))
        if partition != row.partition and row.partition == case.partition:
            faults.append(
                f"row {number}: patient {row.patient} is in {row.partition} here and in {partition} in row {before}."
                f" A patient belongs to one partition: write {partition} in both rows"
            )
        other = given.setdefault((row.case, row.rater), number)
        if other != number:
            faults.append(
                f"row {number}: {row.rater} has a mask of {row.case} in row {other}. Every rater has a name of his own"
            )
        same = files.setdefault((row.file, row.section), number)
        if same != number:
            faults.append(f"row {number}: {row.file} stands in row {same} already. Name the mask of {row.rater}")
    for name, (row, number) in first.items():
        for rater in raters:
            if rater not in absent and (name, rater) not in given:
                line = "\t".join([name, row.patient, rater, "FILE"])
                faults.append(f"row {number}: {name} has no row for {rater}. Add a row: {line}")
    if faults:
        raise ConfigError("the masks sheet cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults[:50]))


def _said(value: object) -> str:
    return "(none)" if value is None else str(value)
