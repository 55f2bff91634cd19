"""How an exam differs from those of the study, as far as its images tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radparity.bundle.counts import SMALLEST
from radparity.bundle.eligibility import asked
from radparity.bundle.method import Method
from radparity.criteria import Rule, fact
from radparity.scaling import scanner_name


def unlike(intake: Mapping[str, Any], method: Method) -> list[dict[str, str]]:
    """Flags: `not_eligible` for each rule of the study about images that the exam does not meet, and
    `scanner_not_trained_on`. intake: the exam's record."""
    flags = [
        {"code": "not_eligible", "sentence": _left_out(rule, intake)}
        for rule in method.eligible
        # A site does not know the label, so a rule for one of them is put to every exam.
        if not rule.met({"label": rule.label}, intake)
    ]
    scanner = scanner_name(intake)
    if scanner not in method.scanners:
        few = f"fewer than {SMALLEST} training exams, or none, are from this scanner ({scanner})"
        flags.append({"code": "scanner_not_trained_on", "sentence": few})
    return flags


def _left_out(rule: Rule, intake: Mapping[str, Any]) -> str:
    value = fact(intake, str(rule.fact))
    stated = ", ".join(map(str, value)) if isinstance(value, list) else value
    return (
        f"the study left such exams out: its rule '{rule.name}' asks for {asked(rule)}, and this exam has"
        f" {'nothing stated' if stated in (None, '') else stated}"
    )
