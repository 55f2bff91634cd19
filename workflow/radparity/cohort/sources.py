"""The sheet of sources: whose data a study downloads, under which licence, and how it asks to be cited."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from radparity.sheets import Row, read


class Source(Row):
    """Data of others. `cohort` is the collection, as in the exams sheet; `commercial_use` what the licence says."""

    cohort: str
    title: str
    doi: str
    licence: str
    licence_address: str
    citation: str
    commercial_use: Literal["yes", "no"]


def read_sources(path: str | None) -> list[Source]:
    """The rows of the sheet that `sheets: sources` names; none without one. Raises ConfigError as radparity.sheets."""
    return read(Path(path), Source) if path else []
