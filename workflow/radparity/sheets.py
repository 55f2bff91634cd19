"""The three sheets a study starts from, checked column by column with row numbers.

exams.tsv: one row an exam; breasts.tsv: one row a breast (a case); readings.tsv: one row an outline.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from radparity.config import ConfigError

ID = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,23}")
DATE_OR_RECORD = re.compile(r"\d{6}|(19|20)\d\d-?[01]\d-?[0-3]\d")
PERSON = re.compile(r"[A-Z]?[a-z]{3,}")
DAY_IN_TEXT = re.compile(r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b")
LONGEST_TEXT = 60


@cache
def _pseudonym(value: str) -> str:
    """Ids show in the scheduler's queue and in file names: only study pseudonyms may pass."""
    if not ID.fullmatch(value):
        raise ValueError("an id has 1 to 24 letters, digits and hyphens and begins with a letter, as in E0012")
    if DATE_OR_RECORD.search(value):
        raise ValueError("this looks like a date or a record number. Use a study pseudonym, as in E0012")
    if PERSON.fullmatch(value):
        raise ValueError("this looks like a name. Use a study pseudonym, as in P0012")
    return value


def _relative(value: str) -> str:
    """Absolute paths differ between machines and would make results depend on where they were computed."""
    if value.startswith(("/", "~")) or ".." in value.split("/"):
        raise ValueError("write the path relative to the folder that `raw` names in the configuration")
    return value


def _free_text(value: str) -> str:
    """Words that tables of the report show, as a cohort's name: nothing that points at a person."""
    if len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"write at most {LONGEST_TEXT} printable characters")
    if DATE_OR_RECORD.search(value) or DAY_IN_TEXT.search(value):
        raise ValueError("this looks like a date or a record number. Write a name that says nothing of a patient")
    return value


Pseudonym = Annotated[str, AfterValidator(_pseudonym)]
FreeText = Annotated[str, AfterValidator(_free_text)]
RawPath = Annotated[str, AfterValidator(_relative)]


class Row(BaseModel):
    """A row of a sheet: known columns only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Exam(Row):
    """One imaging session. `truth` is filled for virtual exams only; the maps where the site computed its own.

    `same_as` is another patient id of this sheet where two records are one patient; `day` counts from any day of that
    patient's, so that her exams have an order without a date; `side` is for an exam of one breast. `cohort` is what
    `train_on` and `test_on` name; results are shown by `site` and `scanner` too. `times` is the table of times of an
    exam whose phases come as NIfTI.
    """

    exam: Pseudonym
    patient: Pseudonym
    folder: RawPath
    side: Literal["left", "right"] | None = None
    same_as: Pseudonym | None = None
    day: int | None = None
    times: RawPath | None = None
    truth: RawPath | None = None
    enhancement_map: RawPath | None = None
    washout_map: RawPath | None = None
    tumour_volume: RawPath | None = None
    cohort: FreeText | None = None
    site: FreeText | None = None
    scanner: FreeText | None = None


class Breast(Row):
    """One breast of an exam: the case of the study.

    `side` may stay empty where the exam shows one breast: it is the one that is imaged.
    `section` is for a case that nobody outlined: the one to look at, counted from 0 at the patient's left.
    `breast_mask` is a NIfTI mask of the breast on the exam's grid; those of development breasts train the mask network.
    """

    breast: Pseudonym
    exam: Pseudonym
    side: Literal["left", "right"] | None = None
    label: Literal["malignant", "benign"]
    partition: Literal["development", "tuning", "test", "shown"]
    section: int | None = Field(None, ge=0)
    breast_mask: RawPath | None = None


class Reading(Row):
    """One outline of a malignant breast by one rater.

    `image` is the image that a picture was drawn on: its file relative to the exam's folder (`#12` for a frame, from 0)
    or its SOPInstanceUID; `segment` the number or label of the cancer in a file of several segments. With a `rule`, the
    file is the site's segmentation object, and the outline is made from the exam's phases as it says.
    """

    breast: Pseudonym
    rater: Pseudonym
    file: RawPath
    image: RawPath | None = None
    segment: str | None = None
    rule: Literal["functional_tumour_volume"] | None = None


# Partitions that no sheet gives: `radparity.tested_on` settles them. A test case of a cohort that trains is `internal`,
# and a case of a cohort that does neither is left out.
INTERNAL, LEFT_OUT = "internal", "left_out"
SHEETS_WORD: dict[str, str] = {INTERNAL: "test"}

# Outlines of these endings carry a grid of their own; all others refer to the exam's images.
OWN_GRID = (".nii", ".nii.gz", ".nrrd")

RowType = TypeVar("RowType", bound=Row)


CELLS: dict[str, Any] = {
    "number": Annotated[float, Field(allow_inf_nan=False)],
    "switch": Literal["yes", "no"],
    "text": str,
}


def read(
    path: Path, kind: type[RowType], own: Mapping[str, str] | None = None, may_be_empty: bool = False
) -> list[RowType]:
    """Read a tab-separated sheet. Empty cells are missing values.

    own: columns of the user's that the sheet may have besides, and what they hold: `number`, `switch` or `text`; each
    is an attribute of the rows where the sheet has it.
    Raises ConfigError that lists every fault with its row (the header is row 1) and column.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such sheet. Name it under `sheets:` in the configuration")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream, delimiter="\t")
        columns = next(reader, [])
        present = {name: (CELLS[holds] | None, None) for name, holds in (own or {}).items() if name in columns}
        if present:
            kind = cast(type[RowType], create_model(kind.__name__, __base__=kind, **cast(Any, present)))
        missing = [n for n, f in kind.model_fields.items() if f.is_required() and n not in columns]
        unknown = [n for n in columns if n not in kind.model_fields]
        if missing or unknown:
            wanted = "\t".join(n for n, f in kind.model_fields.items() if f.is_required() or n in columns)
            raise ConfigError(
                f"{path} row 1: "
                + "; ".join(f"column '{n}' is missing" for n in missing)
                + ("; " if missing and unknown else "")
                + "; ".join(
                    f"column '{n}' is not known, and no rule under `eligible:` names it, nor `compare: subgroups`"
                    for n in unknown
                )
                + f". Tabs separate columns; write the header:\n{wanted}"
            )
        cells = [{k: v for k, v in zip(columns, row, strict=False) if v} for row in reader if row]
    rows: list[RowType] = []
    faults = []
    try:
        # All at once: the sheets of a large study have 100,000 rows, and each job of a cluster reads them.
        rows = TypeAdapter(list[kind]).validate_python(cells)  # type: ignore[valid-type]
    except ValidationError as error:
        for fault in error.errors():
            number, column = int(fault["loc"][0]), fault["loc"][1]
            message = fault["msg"].removeprefix("Value error, ").replace("Input should be", "write")
            faults.append(f"  row {number + 2}, column '{column}': {cells[number].get(str(column))!r}: {message}")
    if not rows and not faults and not may_be_empty:
        faults.append("  the sheet has a header and no rows")
    if faults:
        raise ConfigError(f"{path} cannot be used:\n" + "\n".join(faults[:50]))
    return rows


def merged(exams: list[Exam]) -> dict[str, str]:
    """Exam to patient, with the records that `same_as` says are one patient followed to their last.

    Raises ConfigError with rows where `same_as` names nobody, differs between a patient's rows, or goes in a circle.
    """
    faults: list[str] = []
    first: dict[str, tuple[str, int]] = {}
    patients = {row.patient for row in exams}
    for number, row in enumerate(exams, start=2):
        if row.same_as is None:
            continue
        where = f"exams sheet row {number}, column 'same_as'"
        other, before = first.setdefault(row.patient, (row.same_as, number))
        if row.same_as not in patients:
            faults.append(f"{where}: {row.same_as} is no patient of this sheet. Write the id of another row's patient")
        elif other != row.same_as:
            faults.append(
                f"{where}: {row.patient} is {other} in row {before} and {row.same_as} here. Where all three are one"
                f" patient, write {other} here and {row.same_as} in a row of {other}"
            )
    found: dict[str, str] = {}
    for patient in patients if not faults else ():
        chain = [patient]
        while chain[-1] in first and chain.count(chain[-1]) == 1:
            chain.append(first[chain[-1]][0])
        found[patient] = chain[-1]
        if chain[-1] == patient and len(chain) > 1:
            circle = f"{' is '.join(chain)}: a circle. Leave same_as empty in the rows of one of them"
            faults.append(f"exams sheet row {first[patient][1]}, column 'same_as': {circle}")
    if faults:
        raise ConfigError(
            "the exams sheet cannot be used:\n" + "\n".join(f"  {fault}" for fault in sorted(faults)[:50])
        )
    return {row.exam: found[row.patient] for row in exams}


def check(exams: list[Exam], breasts: list[Breast], readings: list[Reading], readers: list[str]) -> None:
    """What holds between the sheets: unique ids, known references, no patient in two partitions, complete readings.

    Raises ConfigError that lists every fault with its sheet and row.
    """
    faults: list[str] = []
    patient = merged(exams)
    imaged = {row.exam: row.side for row in exams}
    known = {row.breast: row for row in breasts}
    for sheet, ids in (("exams", [r.exam for r in exams]), ("breasts", [r.breast for r in breasts])):
        for name, count in Counter(ids).items():
            if count > 1:
                faults.append(f"{sheet} sheet: {name} stands in {count} rows; every id has one row")
    first: dict[str, tuple[str, int]] = {}
    sides: dict[tuple[str, str | None], int] = {}
    shown = Counter(row.exam for row in breasts)
    for number, row in enumerate(breasts, start=2):
        if row.exam not in patient:
            faults.append(f"breasts sheet row {number}: exam {row.exam} is not in the exams sheet. Add its row there")
            continue
        other = sides.setdefault((row.exam, row.side), number)
        if row.side is None and shown[row.exam] > 1:
            faults.append(
                f"breasts sheet row {number}: {row.breast} names no side, and {row.exam} has another row. Write left or"
                " right"
            )
        elif other != number:
            faults.append(
                f"breasts sheet row {number}: the {row.side} breast of {row.exam} stands already in row {other}"
            )
        if row.side and imaged[row.exam] not in (None, row.side):
            faults.append(
                f"breasts sheet row {number}: the {row.side} breast, but the exams sheet says that {row.exam} shows the"
                f" {imaged[row.exam]} one. Correct one of them"
            )
        here = SHEETS_WORD.get(row.partition, row.partition)
        if here == LEFT_OUT:
            continue
        partition, before = first.setdefault(patient[row.exam], (here, number))
        if partition != here:
            faults.append(
                f"breasts sheet row {number}: patient {patient[row.exam]} is in {here} here and in {partition}"
                f" in row {before}. A patient belongs to one partition: write {partition} in both rows"
            )
    given: set[tuple[str, str]] = set()
    for number, reading in enumerate(readings, start=2):
        if reading.breast not in known:
            faults.append(f"readings sheet row {number}: breast {reading.breast} is not in the breasts sheet")
        elif known[reading.breast].label == "benign":
            faults.append(
                f"readings sheet row {number}: {reading.breast} is benign; only malignant breasts are outlined"
            )
        if (reading.breast, reading.rater) in given:
            faults.append(f"readings sheet row {number}: {reading.rater} has outlined {reading.breast} in a row above")
        given.add((reading.breast, reading.rater))
    outlined = {breast for breast, _ in given}
    for row in breasts:
        if SHEETS_WORD.get(row.partition, row.partition) in ("tuning", "test"):
            absent = [reader for reader in readers if (row.breast, reader) not in given]
            if row.label == "malignant" and absent:
                faults.append(f"readings sheet: {row.breast} ({row.partition}) has no row for {', '.join(absent)}")
            if row.label == "benign":
                faults.append(f"breasts sheet: {row.breast} is benign; {row.partition} cases are outlined cancers")
        if row.partition == "development" and row.label == "malignant" and row.breast not in outlined:
            faults.append(f"readings sheet: {row.breast} is malignant and in development but nobody outlined it")
    if faults:
        raise ConfigError("the sheets do not fit together:\n" + "\n".join(f"  {fault}" for fault in faults[:50]))
