"""Eligible: which exams and breasts enter the study, by ordered rules that a person's decision can override.

The first rule that a breast does not meet is its box of the flow chart (the paper's figure 1). An exam leaves when none
of its breasts is left. A decision to include beats every rule, never a fault of the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from radparity.criteria import Rule
from radparity.record import excluded, ok

STAGE = "eligible"
OUT = {"exclude": "excluded_by_decision", "hold": "on_hold"}
"""The verdicts of a decision that take a case out of the study, and the code that it leaves with."""
Row = Mapping[str, Any]
"""What the sheets say of one exam: `day`, `columns` (those that rules name), `breasts` (breast to label and columns),
`decisions` (rows of decisions.tsv about the exam or one of its breasts, but those that only say who has looked)."""


@dataclass
class Verdict:
    """Where one breast stands: in (no code), or out by a rule or a decision; and the rules that a decision overrode."""

    code: str = ""
    rule: str = ""
    sentence: str = ""
    overridden: list[str] = field(default_factory=list)


def judge(
    rules: Sequence[Rule], exams: Mapping[str, Row], records: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Verdict]]:
    """The verdict on every breast of one patient: exam to breast to verdict.

    exams: rows of the patient's exams. records: their intake records; an exam without one has a fault in its data, so
    it gets no verdict and takes no other's place. The order of exams and breasts does not matter, that of rules does.
    """
    usable = {exam: row for exam, row in sorted(exams.items()) if exam in records}
    found = {exam: {breast: _decided(breast, row) for breast in sorted(row["breasts"])} for exam, row in usable.items()}
    for rule in rules:
        standing = [(e, b) for e, breasts in found.items() for b, verdict in breasts.items() if not verdict.code]
        out = _out(rule, standing, usable, records)
        for exam, breast in out:
            if _included(breast, usable[exam]):
                found[exam][breast].overridden.append(rule.name)
        included = [e for e, b in standing if _included(b, usable[e]) and _concerns(rule, usable[e]["breasts"][b])]
        taken = {usable[e]["day"] for e in included}
        if rule.keep and taken:
            # A decision has named this patient's exam, so the rule takes the others out.
            out = [
                (e, b)
                for e, b in standing
                if usable[e]["day"] not in taken and _concerns(rule, usable[e]["breasts"][b])
            ]
        for exam, breast in out:
            if not _included(breast, usable[exam]):
                found[exam][breast] = Verdict("not_eligible", rule.name, f"does not meet the rule '{rule.name}'")
    return found


def _out(
    rule: Rule, standing: list[tuple[str, str]], exams: Mapping[str, Row], records: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Those that do not meet a rule, decisions left aside."""
    concerned = [(e, b) for e, b in standing if _concerns(rule, exams[e]["breasts"][b])]
    if not rule.keep:
        values = {(e, b): {**exams[e]["columns"], **exams[e]["breasts"][b]} for e, b in concerned}
        return [(e, b) for e, b in concerned if not rule.met(values[e, b], records[e])]
    if len({e for e, _ in concerned}) < 2:
        return []
    # By day, not by row: an exam that came as one stack a side has two rows of one day.
    days = [exams[e]["day"] for e, _ in concerned]
    kept = min(days) if rule.keep == "first" else max(days)
    return [(e, b) for e, b in concerned if exams[e]["day"] != kept]


def _concerns(rule: Rule, breast: Mapping[str, Any]) -> bool:
    return rule.label is None or breast["label"] == rule.label


def _rows(breast: str, row: Row, verdict: str) -> list[Mapping[str, Any]]:
    """The decisions of one verdict that hold for a breast: its own, and those about its exam where it has none."""
    own = [d for d in row["decisions"] if d["breast"] == breast and d["verdict"] != "outline_ok"]
    return [d for d in own or row["decisions"] if d["breast"] in (breast, None) and d["verdict"] == verdict]


def _included(breast: str, row: Row) -> bool:
    return bool(_rows(breast, row, "include"))


def _decided(breast: str, row: Row) -> Verdict:
    for verdict, code in OUT.items():
        for decision in _rows(breast, row, verdict):
            return Verdict(code, "", f"{decision['reason']} ({decision['who']})")
    return Verdict()


def relevant(rules: Iterable[Rule], exams: Mapping[str, Row]) -> list[Rule]:
    """The rules that can take out one of these breasts: without those that look at columns and that all of them meet.

    So a rule added to the configuration, or a column to a sheet, runs only those exams again that it concerns.
    """
    breasts = [{**row["columns"], **breast} for row in exams.values() for breast in row["breasts"].values()]
    return [
        rule
        for rule in rules
        if rule.fact or (rule.keep and len(exams) > 1) or (rule.column and not all(rule.met(b, {}) for b in breasts))
    ]


def exam_record(
    exam: str, rules: Sequence[Rule], exams: Mapping[str, Row], intake: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The record of one exam: its verdict, `breasts` with theirs, `overridden` rules and the `decisions` made.

    exams: the exam's row and those of the patient's exams that can take its place. intake: their intake records.
    """
    own, row = intake[exam], exams[exam]
    facts: dict[str, Any] = {"breasts": {}, "overridden": [], "decisions": list(row["decisions"])}
    if own["status"] != "ok":
        return excluded(own["stage"], exam, own["code"], own["sentence"]) | facts
    verdicts = judge(rules, exams, {name: record for name, record in intake.items() if record["status"] == "ok"})[exam]
    for breast, verdict in verdicts.items():
        gone = {"status": "excluded", "code": verdict.code, "rule": verdict.rule, "sentence": verdict.sentence}
        facts["breasts"][breast] = gone if verdict.code else {"status": "ok"}
        if verdict.overridden:
            decision = _rows(breast, row, "include")[0]
            facts["overridden"].append(
                {"breast": breast, "rules": verdict.overridden, "reason": decision["reason"], "who": decision["who"]}
            )
    if not verdicts:
        return excluded(STAGE, exam, "no_case", "no row of the breasts sheet names this exam") | facts
    if any(not verdict.code for verdict in verdicts.values()):
        return ok(STAGE, exam, facts)
    last = last_to_leave([(v.code, v.rule, v.sentence) for v in verdicts.values()], [rule.name for rule in rules])
    return excluded(STAGE, exam, last[0], last[2]) | {"rule": last[1]} | facts


def last_to_leave(left: Iterable[tuple[str, str, str]], order: Sequence[str]) -> tuple[str, str, str]:
    """The (code, rule, sentence) of the breast that left last: an exam stays as long as one of its breasts does."""
    return max(left, key=lambda out: (order.index(out[1]) if out[1] else -1, out[2]))
