"""Study: what was run, and where it departs from the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radparity.raters import WHY_NOT, whose
from radparity.report import against
from radparity.report.results import Results
from radparity.report.tables import Table, number

PAPER_WIDTH = 47


def study_table(results: Results) -> Table:
    """The settings that a reader of the page needs."""
    c = results.config
    compare, fold, train, register = c["compare"], c["fold"], c["train"], c["register"]
    arms = [f"{name}{_standing(results, name)}: {_arm(arm)}" for name, arm in c["arms"].items()]
    folds = (
        f"{fold['folds']} by {fold['unit']}; {100 * fold['validation']:g} % of the training {fold['unit']}s validate"
    )
    rows = [
        ["study", str(c["study"])],
        ["release", _release(results)],
        ["seed", str(c["seed"])],
        ["arms", "; ".join(arms)],
        *(against.settings(c) if results.few else _judges(c)),
        ["fewest cases for a verdict", str(compare["minimum_cases"])],
        ["folds", folds],
        ["registration", f"{register['method']}, onto the first post-contrast phase"],
        ["training", f"{train['steps']} steps of {train['minibatch']} patches {' × '.join(map(str, train['patch']))}"],
        ["threshold", "; ".join(_fraction(results, arm) for arm in results.fractions)],
    ]
    return Table("study", "Settings of the study", ["setting", "value"], rows, words=(0, 1))


def _judges(c: Mapping[str, Any]) -> list[list[str]]:
    """Who judges, and how: of three readers or more."""
    compare = c["compare"]
    return [
        ["readers", ", ".join(c["readers"]["test"]) + (" (slots, not persons)" if c["readers"]["anonymous"] else "")],
        ["reference", f"{compare['reference']} of the other readers; an empty one: {compare['empty_reference']}"],
        [
            "margin",
            f"±{compare['margin']:g} Dice, fixed beforehand; error {compare['alpha']:g} a side; "
            f"{compare['bootstrap']} draws",
        ],
    ]


def _release(results: Results) -> str:
    """What train, tune and test saw."""
    if results.release is None:
        return "none: all exams of the sheets"
    exams = len(results.release["exams"])
    later = f"{exams} exam{'s' * (exams != 1)} came later and wait{'s' * (exams == 1)} for the next one"
    return f"{results.release['name']} ({results.release['digest'][:16]}); {later if exams else 'none came later'}"


def _standing(results: Results, arm: str) -> str:
    if arm == results.primary:
        return " (primary)"
    return "" if arm in results.compare or results.awaited is not None else " (not compared)"


def _arm(arm: dict[str, object]) -> str:
    channels = ", ".join(str(channel) for channel in arm["channels"])  # type: ignore[attr-defined]
    where = ", location given" if arm["region"] == "readers_box" else ""
    width = f", base width {arm['width']}" if arm["width"] is not None else ""
    return f"{arm['network']}{width}, channels {channels}, harmonization {arm['harmonization']}{where}"


def _fraction(results: Results, arm: str) -> str:
    found = results.fractions[arm]
    how = f"tuned on {len(found['cases'])} tuning cases" if found["curve"] else "fixed"
    return f"{arm}: {number(found['fraction'], 2)} of the section's maximum, {how}"


def departures(results: Results) -> list[str]:
    """Where this study departs from the paper, in sentences."""
    c = results.config
    primary = c["arms"][results.primary]
    found = [
        "The network was trained elsewhere; its masks or probability maps are taken as they are."
        if primary["network"] == "external"
        else f"A test case's probability is the mean over the {c['fold']['folds']} folds' networks; the paper used one "
        "network.",
        f"There is no test of equivalence. {WHY_NOT}"
        if results.few
        else f"The primary test is one of equivalence with a margin of {c['compare']['margin']:g} Dice; the paper's "
        "bracket test"
        " stands beside it with its limits.",
    ]
    if c["fold"]["unit"] == "patient":
        found.append("The partition is by patient, so no patient is in two folds; the paper's was by breast.")
    if primary["network"] == "paper" and primary["width"] not in (None, PAPER_WIDTH):
        found.append(f"The network is {primary['width']} wide at its base; the paper's is {PAPER_WIDTH}.")
    if c["harmonize"]["dce_in"] == "rate":
        found.append("DCE-in is a rate per second, as in the authors' later code; the paper's is a difference.")
    if results.few:
        rule = c["compare"]["reference"]
        found.append(f"The reference is {whose(c['readers'], rule)}; the paper's are made of the other three readers.")
    elif c["compare"]["reference"] != "intersection":
        found.append(
            f"The reference is the {c['compare']['reference']} of the other readers; the paper's is their intersection."
        )
    return found
