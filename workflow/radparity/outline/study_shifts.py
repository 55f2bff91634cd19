"""Shifts: whether all outlines of a study, of a rater or of a format lie some sections off, or on reversed sections.

Neighbouring sections of one cancer look alike, so one case's image (`uptake`) often cannot tell where its outline
belongs. But such a fault is made by a tool (sections counted from 1, a stack that was reversed) and is the same in many
cases: what no case shows alone, their mean does.

Two questions are asked of each place. Would the outlines' borders have more contrast there than where they lie, on the
mean over cases? And, for a fault in a part of the cases: more than at the same distance on the other side? An honest
study leans to neither side. `benchmarks/outline_checks.md` says what is found and how often the rule is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from radparity.compare.margin import robust_t
from radparity.outline.shifts import MIRRORED, STEPS
from radparity.outline.uptake import TOGETHER

FEWEST_PATIENTS = 10
# Of each side. Some sixty places are looked at in a study, so the interval is wider than is usual.
ALPHA = 0.001
# A lean alone is suspect where this share of the cases has more contrast at the place than as drawn.
PART = 0.3
SUSPECT, CLEAR, TOO_FEW = "suspect", "clear", "too few cases"
MOST, SOME = "most outlines", "a part of the outlines"
COLUMNS = {
    "group": "whose outlines: all (those of a case together), rater, or format (of the outlines' files)",
    "whose": "name of the rater or format",
    "place": "where the outlines would lie instead; numbers are those of the exam's images",
    "cases": "cases in which the contrast could be measured in both places",
    "patients": "patients of these cases",
    "mean_difference": "mean over cases of the border's contrast (0.5 to 1) at the place, minus that as drawn",
    "low": "lower bound of its interval, level 99.8 %, patients as clusters",
    "high": "upper bound of its interval",
    "better": "share of the cases with more contrast at the place than as drawn",
    "lean": "mean over cases of the contrast at the place, minus that as far on the other side; empty where mirrored",
    "lean_low": "lower bound of its interval, level 99.8 %, patients as clusters",
    "lean_high": "upper bound of its interval",
    "verdict": f"{SUSPECT}: low above 0, or lean_low above 0 and better at least {PART}; {CLEAR}; {TOO_FEW}: fewer than"
    f" {FEWEST_PATIENTS} patients",
    "concerns": f"of a suspect place: {MOST} (low above 0), or {SOME}",
}


class Place(NamedTuple):
    """Where outlines could lie: in words, and how many sections off (0: mirrored left-right on the breast's grid),
    to the patient's right or, where `numbers`, up the numbers of the exam's images."""

    name: str
    step: int
    numbers: bool = False

    def key(self, numbered: str | None, other_side: bool = False) -> str | None:
        """The place in a case's facts; None where its images' numbers are unknown, or mirrored has no other side."""
        if not self.step:
            return None if other_side else MIRRORED
        if self.numbers and numbered is None:
            return None
        turned = (self.numbers and numbered == "left") != other_side
        return str(-self.step if turned else self.step)


def _sections(step: int) -> str:
    return f"{abs(step)} section{'s'[: abs(step) - 1]}"


PLACES = [
    *(Place(f"{_sections(step)} further {'right' if step > 0 else 'left'}", step) for step in STEPS),
    *(Place(f"{_sections(step)} {'up' if step > 0 else 'down'} the numbers", step, True) for step in STEPS),
    Place("mirrored left-right", 0),
]


def study_shifts(facts: Mapping[str, Mapping[str, Any]], patients: Mapping[str, str]) -> pd.DataFrame:
    """Every place of `PLACES` for all outlines, each rater's and each format's; columns `COLUMNS`.

    facts: breast to what its outline record has under `shifts`: contrast (shift_facts), numbered, formats (rater to
    format). patients: breast to patient. Rows in order of groups, names and places, whatever the order of the cases.
    """
    rows = []
    for group, whose in _groups(facts):
        for place in PLACES:
            moves, leans = [], []
            for breast in sorted(facts):
                named = place.key(facts[breast]["numbered"])
                other = place.key(facts[breast]["numbered"], other_side=True)
                for own in _contrasts(facts[breast], group, whose):
                    there, beyond = own.get(named or ""), own.get(other or "")
                    if there is not None and own["0"] is not None:
                        moves.append((there - own["0"], breast))
                        if beyond is not None:
                            leans.append((there - beyond, breast))
            rows.append({"group": group, "whose": whose, "place": place.name} | _tested(moves, leans, patients))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def warnings(table: pd.DataFrame) -> list[str]:
    """A sentence for each rater, format or `all` with a suspect place, naming the place that stands out most.

    Where most outlines of all are suspect, that sentence alone.
    """
    said = []
    suspects = table[table["verdict"] == SUSPECT]
    everybody = (suspects["group"] == "all") & (suspects["concerns"] == MOST)
    suspects = suspects[suspects["group"] == "all"] if everybody.any() else suspects
    for (group, whose), rows in suspects.groupby(["group", "whose"], sort=False):
        # The first of equals: a place to the right or left before the same one by numbers.
        concerns = MOST if (rows["concerns"] == MOST).any() else SOME
        measure = "mean_difference" if concerns == MOST else "lean"
        one = rows[rows["concerns"] == concerns].sort_values(measure, ascending=False, kind="stable").iloc[0]
        owner = {"all": "all raters", "rater": f"rater {whose}", "format": f"files in {whose}"}[str(group)]
        said.append(
            f"{concerns.capitalize()} of {owner} may lie in the wrong place: their borders show more contrast"
            f" {one['place']} ({one['better']:.0%} of {one['cases']} cases). Check how sections were counted at export."
        )
    return said


def _groups(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    if facts:
        yield "all", "all"
    yield from (("rater", rater) for rater in sorted({r for own in facts.values() for r in own["formats"]}))
    yield from (("format", name) for name in sorted({f for own in facts.values() for f in own["formats"].values()}))


def _contrasts(facts: Mapping[str, Any], group: str, whose: str) -> list[dict[str, float | None]]:
    """One case's contrasts of a group: of all together, of one rater, or of each outline in a format."""
    found = facts["contrast"]
    if group == "all":
        return [found[TOGETHER]]
    formats = facts["formats"]
    return [found[rater] for rater in formats if whose == (rater if group == "rater" else formats[rater])]


def _tested(
    moves: Sequence[tuple[float, str]], leans: Sequence[tuple[float, str]], patients: Mapping[str, str]
) -> dict[str, Any]:
    move, lean = _estimate(moves, patients), _estimate(leans, patients)
    verdict, concerns = CLEAR, ""
    if move.patients < FEWEST_PATIENTS:
        verdict = TOO_FEW
    elif move.low > 0:
        verdict, concerns = SUSPECT, MOST
    elif lean.patients >= FEWEST_PATIENTS and lean.low > 0 and move.better >= PART:
        verdict, concerns = SUSPECT, SOME
    return {
        "cases": move.cases,
        "patients": move.patients,
        "mean_difference": move.mean,
        "low": move.low,
        "high": move.high,
        "better": move.better,
        "lean": lean.mean,
        "lean_low": lean.low,
        "lean_high": lean.high,
        "verdict": verdict,
        "concerns": concerns,
    }


class Estimate(NamedTuple):
    """A mean over cases with its interval, and the share of the cases above 0."""

    cases: int
    patients: int
    mean: float
    better: float
    low: float
    high: float


def _estimate(values: Sequence[tuple[float, str]], patients: Mapping[str, str]) -> Estimate:
    """Of values with their breasts; the values of one breast are averaged first."""
    cases = pd.Series([value for value, _ in values], dtype=float).groupby([breast for _, breast in values]).mean()
    who = [patients[str(breast)] for breast in cases.index]
    found = robust_t(cases.to_numpy(), who, alpha=ALPHA)
    better = float((cases > 0).mean()) if len(cases) else float("nan")
    return Estimate(found.cases, found.patients, found.estimate, better, found.low, found.high)
