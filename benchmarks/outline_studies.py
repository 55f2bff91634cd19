"""Whole studies with planted shifts, for outline_checks.py: drawn from cases at hand, tested by study_shifts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from radparity.outline.shifts import shift_facts
from radparity.outline.study_shifts import MOST, SUSPECT, study_shifts

if TYPE_CHECKING:
    from outline_checks import Case

SIZES = (12, 20, 30)
DRAWS = 40
HONEST = 200
RATER = "R2"


class Plan(NamedTuple):
    """A fault: in words, how far off the case of a number (0 to n-1) lies given the direction of its numbers (None:
    on reversed sections), whose outlines are concerned, and words of the places that are right answers."""

    name: str
    off: Callable[[int, int], int | None]
    rater: str | None
    answers: tuple[str, ...]


PLANS = [
    Plan("all outlines 1 section to the right", lambda n, way: 1, None, ("1 section further left",)),
    Plan("all outlines 1 section to the left", lambda n, way: -1, None, ("1 section further right",)),
    Plan("all, numbers counted from 1", lambda n, way: way, None, ("1 section down the numbers",)),
    Plan("all, numbers 1 too low", lambda n, way: -way, None, ("1 section up the numbers",)),
    Plan("one reader of four, numbers counted from 1", lambda n, way: way, RATER, ("1 section down the numbers",)),
    Plan("one reader of four, numbers 1 too low", lambda n, way: -way, RATER, ("1 section up the numbers",)),
    Plan("half of the cases, 1 section to the right", lambda n, way: n % 2, None, ("1 section further left",)),
    Plan(
        "half of the cases, numbers counted from 1", lambda n, way: n % 2 * way, None, ("1 section down the numbers",)
    ),
    Plan("all, on reversed sections", lambda n, way: None, None, ("mirrored left-right",)),
]


def facts_at(case: Case) -> dict[int | None, dict[str, Any]]:
    """A case's facts with its outlines as drawn (0), one section off (-1, 1), and on reversed sections (None)."""
    sections = case.uptake.shape[0]
    moved = {off: case.section + off for off in (-1, 0, 1)} | {None: sections - 1 - case.section}
    found = {
        off: shift_facts(case.uptake, case.outlines, case.raters, at, case.step)
        for off, at in moved.items()
        if 0 <= at < sections
    }
    return {off: found.get(off, found[0]) for off in moved}


def told(facts: Sequence[dict[int | None, Any]], chosen: Sequence[int], plan: Plan | None, seed: int) -> set[str]:
    """What is suspect of a study of the chosen cases: `all` and raters, each with its place. Half of the exams, drawn
    by the seed, have numbers that run to the left."""
    ways = np.random.default_rng([seed, 1]).choice([-1, 1], len(chosen))
    cases = {}
    for number, (index, way) in enumerate(zip(chosen, ways, strict=True)):
        off = plan.off(number, int(way)) if plan else 0
        contrast = facts[index][off]
        if plan and plan.rater:
            contrast = facts[index][0] | {plan.rater: contrast[plan.rater]}
        formats = {rater: ("NIfTI", "DICOM")[number % 2] for rater in contrast if rater != "together"}
        cases[f"C{index}"] = {
            "contrast": contrast,
            "numbered": "right" if way > 0 else "left",
            "formats": formats,
        }
    table = study_shifts(cases, {case: case for case in cases})
    rows = table[table["verdict"] == SUSPECT]
    return {f"{row['whose']}|{row['place']}|{row['concerns'] == MOST}" for row in rows.to_dict("records")}


def studies(cases: Sequence[Case]) -> list[str]:
    """The benchmark's section on whole studies."""
    facts = [facts_at(case) for case in cases]
    lines = [
        f"\n## Whole studies\n\nStudies drawn from the {len(cases)} cases above that four readers outlined, half of the"
        f" exams numbered from the right and half of the files in another format; {DRAWS} draws of each planted fault."
        " Found: suspect at the right place, of the raters concerned. Honest: anything at all is suspect.\n",
        f"| found / studies | {' | '.join(f'{size} cases' for size in SIZES)} |",
        f"|---|{'---:|' * len(SIZES)}",
    ]
    for plan in [*PLANS, None]:
        cells, draws = [], DRAWS if plan else HONEST
        for size in SIZES:
            hits = 0
            for seed in range(draws):
                chosen = np.random.default_rng([seed, size]).permutation(len(facts))[:size]
                suspects = told(facts, [int(index) for index in chosen], plan, seed)
                owner = (plan.rater or "all") if plan else ""
                right = (
                    {f"{owner}|{place}|{most}" for place in plan.answers for most in (True, False)}
                    if plan
                    else suspects
                )
                hits += bool(suspects & right)
            cells.append(f"{hits} / {draws}")
        lines.append(f"| {plan.name if plan else '**honest: false alarms**'} | {' | '.join(cells)} |")
    return lines
