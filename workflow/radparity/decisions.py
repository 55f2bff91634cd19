"""Decisions: what a person has ruled about an exam, a breast or a series, with reason, name and date.

decisions.tsv is optional. A row overrides every rule of the configuration's block `eligible`, or intake's choice of a
series' role; of the faults in the data it overrides `suspect_geometry` and `external_suspect` alone, by `outline_ok`.
It holds pseudonyms only: it is copied into results and report.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from radparity.config import ConfigError
from radparity.sheets import Pseudonym, Row


def _unnamed(value: str) -> str:
    """A reason is printed in the report, so it may hold no number or date that points at a person."""
    if re.search(r"\d{6}|\d[-./]\d{1,2}[-./]\d", value):
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
    verdict `role` only. outline_ok: a person has looked at a breast's outlines and they lie where they should. who: a
    pseudonym. date: of the decision.
    """

    exam: Pseudonym
    breast: Pseudonym | None = None
    verdict: Literal["include", "exclude", "role", "one_patient", "outline_ok"]
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
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_unnamed)]
    who: Pseudonym
    date: Annotated[datetime.date, BeforeValidator(_day)]


def check_decisions(decisions: list[Decision], exam_of: Mapping[str, str], exams: Collection[str]) -> None:
    """What holds between decisions and the other sheets, and that no two decisions contradict each other.

    exam_of: breast to exam. Raises ConfigError that lists every fault with its row and the mend.
    """
    faults: list[str] = []
    seen: dict[tuple[str, str | None, int | None, str], int] = {}
    out = {row.exam for row in decisions if row.verdict == "exclude" and row.breast is None}
    for number, row in enumerate(decisions, start=2):
        about = row.breast or row.exam
        said = []
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
        elif row.verdict == "include" and row.breast is not None and row.exam in out:
            said.append(f"{row.breast} is included and all of {row.exam} excluded. Exclude the other breast instead")
        if row.verdict == "one_patient" and row.breast is not None:
            said.append("the patient ids are the whole exam's. Leave the column 'breast' empty")
        if row.verdict == "outline_ok" and row.breast is None:
            said.append("the outlines are one breast's. Fill the column 'breast'")
        alone = row.verdict if row.verdict in ("one_patient", "outline_ok") else ""
        before = seen.setdefault((row.exam, row.breast, row.series, alone), number)
        if before != number:
            said.append(f"{about} has a decision in row {before} already. Delete the row that no longer holds")
        faults += [f"  row {number}: {text}" for text in said]
    if faults:
        raise ConfigError("the decisions sheet cannot be used:\n" + "\n".join(faults[:50]))
