"""The record of one case at one stage: `ok` with its facts, or `excluded` with a code and a sentence.

Data faults never stop a study: the stage that meets one raises DataFault, the record says so, later stages pass the
record on, and the flow chart counts it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any


class DataFault(Exception):
    """Something is wrong with the data of one case.

    code: one word with underscores, counted in the flow chart. sentence: what is wrong, where, and what to do.
    facts: what else the record keeps of it. evidence: names of outputs that show the fault to a person; they are kept
    where the others are left empty.
    """

    def __init__(
        self, code: str, sentence: str, facts: Mapping[str, Any] | None = None, evidence: Collection[str] = ()
    ) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.facts = dict(facts or {})
        self.evidence = evidence


def ok(stage: str, case: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The record of a case that went well."""
    return {"case": case, "stage": stage, "status": "ok", **facts}


def excluded(stage: str, case: str, code: str, sentence: str) -> dict[str, Any]:
    """The record of a case that leaves the study at this stage."""
    return {"case": case, "stage": stage, "status": "excluded", "code": code, "sentence": sentence}


def read(path: str | Path) -> dict[str, Any]:
    """A record from its file."""
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def is_ok(path: str | Path) -> bool:
    """Whether the case of this record is still in the study."""
    return bool(read(path)["status"] == "ok")
