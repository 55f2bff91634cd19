"""Which exams a study took, for the model card and for the site that asks whether its own is like them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from radparity.bundle.counts import SMALLEST
from radparity.criteria import Rule
from radparity.report.tables import Table
from radparity.scaling import scanner_name


def scanners(exams: Iterable[Mapping[str, Any]]) -> list[str]:
    """The scanners of at least 5 of the exams, by their intake records: rarer ones are not told."""
    counts = Counter(map(scanner_name, exams))
    return sorted(name for name, count in counts.items() if count >= SMALLEST)


def asked(rule: Rule) -> str:
    """What a rule asks for, in words."""
    if rule.keep is not None:
        return f"the {rule.keep} of each patient's exams"
    what = rule.fact or f"{rule.column} (a column of the sheets)"
    if rule.exclude or rule.only:
        return f"{what} {'none' if rule.exclude else 'one'} of: {', '.join(rule.exclude or rule.only or ())}"
    bounds = ("at least", rule.at_least), ("at most", rule.at_most)
    return f"{what} {' and '.join(f'{word} {bound:g}' for word, bound in bounds if bound is not None)}"


def rules_table(rules: Sequence[Rule]) -> Table:
    """The rules by which exams entered the study."""
    empty = {"keep": "stays", "exclude": "leaves", None: ""}
    rows = [[rule.name, asked(rule), rule.label or "all", empty[rule.missing]] for rule in rules]
    head = ["rule", "asks for", "of breasts", "where it is not stated"]
    note = "" if rules else "The study has no rules of eligibility."
    return Table("eligible", "Who was eligible", head, rows, note, words=(0, 1, 2, 3))
