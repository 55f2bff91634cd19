"""The sheet of series: what is to be downloaded, one row a series, checked before anything is fetched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from radparity.config import ConfigError
from radparity.download.wanted import Wanted, wanted
from radparity.sheets import Exam, Pseudonym, RawPath, Row

ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9_-][A-Za-z0-9._-]*/)+")
Role = Literal["dynamic", "t2", "enhancement_map", "washout_map", "tumour_volume", "segmentation", "other"]


def _address(value: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise ValueError("write the address of a series, as s3://idc-open-data/<its folder>/, with a slash at its end")
    return value


class Series(Row):
    """One series: `path` is the folder it lands in, `address` where it lies, `files` its number of objects.

    Its size is in `bytes`, or in `megabytes` (of a million bytes, two decimals) where the index has no more.
    """

    exam: Pseudonym
    role: Role
    path: RawPath
    address: Annotated[str, AfterValidator(_address)]
    files: int = Field(ge=1)
    megabytes: float | None = Field(None, ge=0, allow_inf_nan=False)
    bytes: int | None = Field(None, ge=0)
    series: str = Field(pattern=r"^[0-9.]{1,64}$")

    @property
    def wanted(self) -> Wanted:
        """The row as the jobs read it."""
        return wanted({name: str(value) for name, value in self.model_dump(exclude_none=True).items()})


def check_series(rows: Sequence[Series], exams: Sequence[Exam]) -> None:
    """What holds between the rows, and with the exams sheet.

    Raises ConfigError that lists every fault with its row.
    """
    folders = {row.exam: row.folder for row in exams}
    faults: list[str] = []
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        where, parts = f"series sheet row {number}", row.path.split("/")
        if row.exam not in folders:
            faults.append(
                f"{where}: exam {row.exam} is not in the exams sheet. Add its row there, or take this one out"
            )
        if len(parts) != 2 or parts[0] != row.exam or not parts[1] or parts[1].startswith("."):
            faults.append(
                f"{where}, column 'path': {row.path}: a series lands in a folder of its own in its exam's. Write"
                f" {row.exam}/{row.role}"
            )
        if row.bytes is None and row.megabytes is None:
            faults.append(f"{where}: its size is missing. Write it in the column 'megabytes' or 'bytes'")
        for what in (row.path, row.address, row.series):
            if first.setdefault(what, number) != number:
                faults.append(f"{where}: {what} stands already in row {first[what]}. Every series has one row")
    for exam in sorted({row.exam for row in rows} & folders.keys()):
        if folders[exam].rstrip("/") not in (exam, *(row.path for row in rows if row.exam == exam)):
            faults.append(
                f"exams sheet: {exam} has the folder {folders[exam]}, and its series land in {exam}. Write {exam} in"
                " the column 'folder'"
            )
    if faults:
        raise ConfigError("the sheet of series cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults[:50]))
