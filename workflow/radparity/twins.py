"""Twins: the same pixels in two exams.

Under two patients they would put one woman in training and test, so nothing is partitioned or compared until a person
has said which it is. In two exams of one patient they are worth a look, no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class TwinsError(ValueError):
    """Two patients have the same pixels; the message names every pair and the two ways out."""


def find_twins(pixels: Mapping[str, Sequence[str | None]], patients: Mapping[str, str]) -> list[dict[str, Any]]:
    """Exams that share the pixels of a phase: `exams` (two or more), their `patients`, how many `phases` they share.

    pixels: exam to one digest a phase; None (a volume of one intensity) equals nothing. patients: exam to patient.
    Groups are in order of their exams; a digest that occurs twice within one exam does not count.
    """
    owners: dict[str, set[str]] = {}
    for exam, digests in pixels.items():
        for digest in digests:
            if digest is not None:
                owners.setdefault(digest, set()).add(exam)
    shared: dict[tuple[str, ...], int] = {}
    for exams in owners.values():
        if len(exams) > 1:
            group = tuple(sorted(exams))
            shared[group] = shared.get(group, 0) + 1
    return [
        {"exams": list(exams), "patients": sorted({patients[exam] for exam in exams}), "phases": count}
        for exams, count in sorted(shared.items())
    ]


def check_twins(twins: Sequence[Mapping[str, Any]], patients: Mapping[str, str]) -> None:
    """Raises TwinsError where exams of two patients share pixels, with what to write in the sheets."""
    lines = []
    for group in twins:
        if len(group["patients"]) > 1:
            one, other = group["patients"][:2]
            named = ", ".join(f"{exam} (patient {patients[exam]})" for exam in group["exams"])
            moved = next(exam for exam in group["exams"] if patients[exam] == other)
            lines.append(
                f"  {named}: {group['phases']} phase{'s' * (group['phases'] > 1)} with the same pixels. If {one} and"
                f" {other} are one person, write {one} into the column same_as of {moved} in the exams sheet; if one of"
                " them is a wrong copy, exclude that exam in the decisions sheet (verdict exclude)"
            )
    if lines:
        raise TwinsError(
            "identical pixels under two patients would put one person in training and test. Nothing is partitioned or"
            " compared until this is resolved:\n" + "\n".join(lines)
        )
