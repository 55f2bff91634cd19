"""What the sheets say about who is eligible, put together per exam for the params of the rule that decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from radparity.config import ConfigError
from radparity.criteria import Rule
from radparity.decisions import KEEP, Decision
from radparity.eligible import OUT, relevant
from radparity.sheets import Breast, Exam


def columns_of(rules: Sequence[Rule]) -> dict[str, str]:
    """The user's own columns that rules name, and what each holds: number, switch (yes, no) or text.

    Raises ConfigError for a column that has a meaning of its own.
    """
    for rule in rules:
        if rule.column in (*Exam.model_fields, *Breast.model_fields):
            raise ConfigError(
                f"eligible: rule '{rule.name}': the column {rule.column} has a meaning of its own in the sheets."
                " Copy it into a column of another name and name that one"
            )
    return {rule.column: rule.kind for rule in rules if rule.column}


@dataclass(frozen=True)
class Enrolment:
    """The rules, the rows they look at, and the decisions that override them."""

    rules: Sequence[Rule]
    exams: Sequence[Exam]
    breasts: Sequence[Breast]
    decisions: Sequence[Decision]
    patients: dict[str, str]
    """exam to patient, records of one patient merged"""

    @cached_property
    def _columns(self) -> set[str]:
        return set(columns_of(self.rules))

    @cached_property
    def _exams(self) -> dict[str, Exam]:
        return {row.exam: row for row in self.exams}

    @cached_property
    def _breasts(self) -> dict[str, list[Breast]]:
        return _grouped((row.exam, row) for row in self.breasts)

    @cached_property
    def _decisions(self) -> dict[str, list[Decision]]:
        # A look that changes nothing runs nothing again.
        return _grouped((row.exam, row) for row in self.decisions if row.verdict != KEEP)

    @cached_property
    def _of_patient(self) -> dict[str, list[str]]:
        return _grouped((patient, exam) for exam, patient in self.patients.items())

    @cached_property
    def _kept(self) -> set[str]:
        return {rule.keep for rule in self.rules if rule.keep}

    def check(self) -> None:
        """Every column that a rule names is in one sheet, and where a rule keeps one exam, their days tell them apart.

        Raises ConfigError with the mend.
        """
        faults = []
        for column in sorted(self._columns):
            sheets = [name for name, rows in (("exams", self.exams), ("breasts", self.breasts)) if _has(rows, column)]
            if not sheets:
                faults.append(f"eligible: no sheet has the column {column}. Add it to exams.tsv or breasts.tsv")
            if len(sheets) > 1:
                faults.append(f"eligible: both sheets have the column {column}. Rename it in one of them")
        out = {row.exam for row in self.decisions if row.verdict in OUT and row.breast is None}
        for patient, names in sorted(self._of_patient.items()) if self._kept else ():
            # The two rows of an exam with a stack a side are one session: one of them stands for both.
            sessions = {self._session(name): name for name in sorted(names, reverse=True) if name not in out}
            days = {name: self._exams[name].day for name in sessions.values()}
            if len(days) > 1 and (None in days.values() or len(set(days.values())) < len(days)):
                said = ", ".join(f"{name} {'empty' if day is None else day}" for name, day in sorted(days.items()))
                faults.append(
                    f"exams sheet, column 'day': one exam of patient {patient} is to be kept, and their days do not"
                    f" tell which ({said}). Number the days, or exclude the others in decisions.tsv"
                )
        if faults:
            raise ConfigError("nobody can say who is eligible:\n" + "\n".join(f"  {fault}" for fault in faults[:50]))

    def _session(self, exam: str) -> tuple[str, ...]:
        row = self._exams[exam]
        return (row.folder, str(row.day)) if row.side else (exam,)

    def rivals(self, exam: str) -> list[str]:
        """The patient's exams that can take this one's place by a `keep` rule, sorted.

        These are the earlier ones where the first is kept, the later ones where the last is, and those that a decision
        includes; so an exam that arrives later does not run the others again.
        """
        if not self._kept:
            return []
        own, found = self._day(exam), []
        for other in self._of_patient[self.patients[exam]]:
            day = self._day(other)
            before, after = "first" in self._kept and day <= own, "last" in self._kept and day >= own
            included = any(row.verdict == "include" for row in self._decisions.get(other, []))
            if other != exam and (before or after or included):
                found.append(other)
        return sorted(found)

    def _day(self, exam: str) -> int:
        return self._exams[exam].day or 0

    def params(self, exam: str) -> dict[str, Any]:
        """What decides on an exam, as plain JSON: the `rules` that can take it out, and the rows of `exams` (its own
        and its rivals')."""
        names = [exam, *self.rivals(exam)]
        rules = relevant(self.rules, {name: self._row(name, self._columns) for name in names})
        columns = {rule.column for rule in rules if rule.column}
        return {
            "rules": [rule.model_dump(mode="json", exclude_none=True) for rule in rules],
            "exams": {name: self._row(name, columns) for name in sorted(names)},
        }

    def _row(self, exam: str, columns: set[str]) -> dict[str, Any]:
        """One exam as radparity.eligible reads it."""
        breasts = sorted(self._breasts.get(exam, []), key=lambda row: row.breast)
        return {
            "day": self._exams[exam].day if self._kept else None,
            "columns": _values(self._exams[exam], columns),
            "breasts": {row.breast: {"label": row.label, **_values(row, columns)} for row in breasts},
            "decisions": sorted(
                (row.model_dump(mode="json") for row in self._decisions.get(exam, [])),
                key=lambda row: [str(value) for value in row.values()],
            ),
        }


def _grouped(pairs: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _has(rows: Sequence[Exam] | Sequence[Breast], column: str) -> bool:
    return bool(rows) and column in type(rows[0]).model_fields


def _values(row: Exam | Breast, columns: set[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in sorted(columns) if name in type(row).model_fields}
