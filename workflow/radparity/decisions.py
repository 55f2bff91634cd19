"""Decisions: what a person has ruled about an exam, a breast or a series, with reason, name and date.

decisions.tsv is optional. A row overrides every rule of the configuration's block `eligible`, or intake's choice of a
series' role; of the faults in the data it overrides `suspect_geometry` and `external_suspect` alone, by `outline_ok`.
`hold` takes a case out until somebody makes up their mind, also one that is included; `keep` says that a person has
looked, and changes nothing. It holds pseudonyms only: it is copied into results and report.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from radparity.config import ConfigError
from radparity.eligible import OUT
from radparity.sheets import DATE_OR_RECORD, ID, PERSON, Pseudonym, Row

KEEP = "keep"
LONGEST_REASON = 200
POINTS_AT_A_PERSON = re.compile(r"\d{6}|\d[-./]\d{1,2}[-./]\d")


def _unnamed(value: str) -> str:
    """A reason is printed in the report, so it may hold no number or date that points at a person."""
    if POINTS_AT_A_PERSON.search(value):
        raise ValueError("this holds what looks like a date or a record number. Say it without")
    return value


def _day(value: object) -> object:
    """Only 2024-03-04: 4.3.24 and 3/4/24 are read differently by different people."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write the date as 2024-03-04")
    return value


class Decision(Row):
    """One row: about an exam, or about one breast where the column `breast` is filled.

    one_patient: the patient ids of the exam's images are one woman's. series: its number in the intake record, for the
    verdict `role` only. outline_ok: a person has looked at a breast's outlines and they lie where they should. keep: a
    person has looked at the case and it stays as it is. who: a pseudonym. date: of the decision.
    """

    exam: Pseudonym
    breast: Pseudonym | None = None
    verdict: Literal["include", "exclude", "role", "one_patient", "outline_ok", "keep", "hold"]
    series: int | None = Field(None, ge=0)
    role: (
        Literal[
            "dynamic",
            "ultrafast",
            "t1",
            "t2",
            "diffusion",
            "localizer",
            "derived",
            "segmentation",
            "calibration",
            "other",
        ]
        | None
    ) = None
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON), AfterValidator(_unnamed)
    ]
    who: Pseudonym
    date: Annotated[datetime.date, BeforeValidator(_day)]


def rulings(decisions: Iterable[Decision], exam_of: Mapping[str, str]) -> dict[str, Decision]:
    """Breast to the decision on whether it is in the study, its own before its exam's, `hold` before the `include` that
    it stands beside; without those nobody ruled on.

    exam_of: breast to exam.
    """
    said = sorted((row for row in decisions if row.verdict in ("include", *OUT)), key=lambda row: row.verdict in OUT)
    own = {(row.exam, row.breast): row for row in said}
    found = {breast: own.get((exam, breast), own.get((exam, None))) for breast, exam in exam_of.items()}
    return {breast: row for breast, row in found.items() if row}


def about_decisions(decisions: Iterable[Decision], sheet: str | None) -> dict[str, Any]:
    """What the report needs of the decisions: `rows` as cells of text, and the `sheet` that they are in.

    Of an absolute path its name alone: results do not tell where they were made. None where the study has no sheet.
    """
    rows = [{k: str(v) for k, v in row.model_dump(exclude_none=True).items()} for row in decisions]
    return {"sheet": Path(sheet).name if sheet and Path(sheet).is_absolute() else sheet, "rows": rows}


def writing() -> dict[str, Any]:
    """What a program that writes the sheet must know: columns, verdicts, and what a reason and a pseudonym may hold."""
    patterns = {"id": ID, "record": DATE_OR_RECORD, "person": PERSON, "points": POINTS_AT_A_PERSON}
    return {
        "columns": list(Decision.model_fields),
        "verdicts": list(get_args(Decision.model_fields["verdict"].annotation)),
        "longest": LONGEST_REASON,
        "patterns": {name: pattern.pattern for name, pattern in patterns.items()},
    }


def check_decisions(decisions: list[Decision], exam_of: Mapping[str, str], exams: Collection[str]) -> None:
    """What holds between decisions and the other sheets, and that no two decisions contradict each other.

    exam_of: breast to exam. Raises ConfigError that lists every fault with its row and the mend.
    """
    faults: list[str] = []
    out: dict[str, list[tuple[int, Decision]]] = {}
    for number, row in enumerate(decisions, start=2):
        if row.verdict in OUT:
            out.setdefault(row.exam, []).append((number, row))
    seen: dict[tuple[str, str | None, int | None, str], int] = {}
    for number, row in enumerate(decisions, start=2):
        about, said = row.breast or row.exam, []
        others = out.get(row.exam, [])
        whole = next((other.verdict for _, other in others if other.breast is None), None)
        if row.exam not in exams:
            said.append(f"exam {row.exam} is not in the exams sheet")
        elif row.breast is not None and exam_of.get(row.breast) != row.exam:
            said.append(f"{row.breast} is no breast of {row.exam} in the breasts sheet")
        if row.verdict == "role":
            if row.breast is not None:
                said.append("a role is a series' of the whole exam. Leave the column 'breast' empty")
            if row.series is None or row.role is None:
                said.append("the verdict 'role' needs the columns 'series' and 'role'")
        elif row.series is not None or row.role is not None:
            said.append(f"the verdict '{row.verdict}' has no series and no role. Leave these columns empty")
        elif row.verdict == "include" and row.breast is not None and whole:
            became = {"exclude": "excluded. Exclude", "hold": "on hold. Hold"}[whole]
            said.append(f"{row.breast} is included and all of {row.exam} {became} the other breast instead")
        elif row.verdict == KEEP:
            against = [n for n, other in others if None in (row.breast, other.breast) or row.breast == other.breast]
            said += [f"{about} is kept and taken out in row {n}. Delete the one that no longer holds" for n in against]
        if row.verdict == "include":
            against = [n for n, other in others if other.verdict == "exclude" and row.breast == other.breast]
            said += [f"{about} is included and excluded in row {n}. Delete what no longer holds" for n in against]
        if row.verdict == "one_patient" and row.breast is not None:
            said.append("the patient ids are the whole exam's. Leave the column 'breast' empty")
        if row.verdict == "outline_ok" and row.breast is None:
            said.append("the outlines are one breast's. Fill the column 'breast'")
        beside = {name: name for name in ("include", "one_patient", "outline_ok")} | {KEEP: f"{KEEP} by {row.who}"}
        alone = beside.get(row.verdict, "")
        before = seen.setdefault((row.exam, row.breast, row.series, alone), number)
        if before != number:
            said.append(f"{about} has a decision in row {before} already. Delete the row that no longer holds")
        faults += [f"  row {number}: {text}" for text in said]
    if faults:
        raise ConfigError("the decisions sheet cannot be used:\n" + "\n".join(faults[:50]))
