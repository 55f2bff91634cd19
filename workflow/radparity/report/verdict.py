"""Verdict: the page's first sentence, from the primary test and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radparity.compare.margin import EQUIVALENT, INCONCLUSIVE, INFERIOR, SUPERIOR, TOO_FEW
from radparity.report.tables import interval, missing, number

PHANTOM_BANNER = "The demo study runs on virtual exams (phantoms). Nothing here is a clinical result."
HEADLINES = {
    TOO_FEW: "Too few cases for a verdict.",
    EQUIVALENT: "Equivalent to these readers within the margin.",
    SUPERIOR: "Above these readers by more than the margin.",
    INFERIOR: "Below these readers by more than the margin.",
    INCONCLUSIVE: "Inconclusive: the interval reaches past the margin.",
}


@dataclass(frozen=True)
class Verdict:
    """The headline, the sentence with its numbers, and what limits it."""

    headline: str
    sentence: str
    limits: list[str]


def verdict(
    main: pd.DataFrame, equivalence: pd.DataFrame, config: Mapping[str, Any], random_readers: pd.DataFrame | None = None
) -> Verdict:
    """The verdict of the primary margin test in words. Nothing is claimed where the table holds no verdict.

    random_readers: the table of that name, for what may be said of readers other than these.
    """
    rows = equivalence[equivalence["test"] == "margin"] if len(equivalence) else equivalence
    readers = len(config["readers"]["test"])
    limits = _limits(config, readers) + limits_of_tables(equivalence, random_readers, config)
    if rows.empty or missing(rows.iloc[0]["estimate"]) or int(rows.iloc[0]["n"]) == 0:
        return Verdict(
            "No verdict.", "No test case is left to compare; the flow chart says where each left the study.", limits
        )
    row = rows.iloc[0]
    cases = "case" if row["n"] == 1 else "cases"
    headline = HEADLINES[str(row["verdict"])]
    if row["verdict"] == TOO_FEW:
        headline = (
            f"Too few cases for a verdict: {row['n']} test {cases}, and the study asks for "
            f"{config['compare']['minimum_cases']}."
        )
    sentence = (
        f"Over {row['n']} test {cases} the mean of the network's Dice minus the {readers} readers' is "
        f"{number(float(row['estimate']), sign=True)} ({100 * float(row['level']):g} % interval "
        f"{interval(float(row['low']), float(row['high']), sign=True) or 'not to be had'}; margin "
        f"±{float(row['margin']):g})"
    )
    whole = main[main["reference"] == "averaged"] if len(main) else main
    if len(whole):
        one = whole.iloc[0]
        sentence += (
            f"; the median Dice is {number(one['network_median'])} for the network and "
            f"{number(one['reader_median'])} for the readers"
        )
    return Verdict(headline, sentence + ".", limits)


def limits_of_tables(
    equivalence: pd.DataFrame, random_readers: pd.DataFrame | None, config: Mapping[str, Any]
) -> list[str]:
    """What the comparison's own numbers say against the verdict, a sentence each."""
    return _of_few_patients(equivalence, config) + _of_a_sample(random_readers)


def _of_few_patients(equivalence: pd.DataFrame, config: Mapping[str, Any]) -> list[str]:
    """That cases are counted and their patients are fewer, where that decides whether there are enough."""
    rows = equivalence[equivalence["test"] == "margin"] if len(equivalence) else equivalence
    fewest = config["compare"]["minimum_cases"]
    if rows.empty or not rows.iloc[0].get("patients", fewest) < fewest <= rows.iloc[0]["n"]:
        return []
    row = rows.iloc[0]
    return [
        f"The {row['n']} cases are of {row['patients']} patients, and the study asks for {fewest} cases: with so few"
        " patients the interval errs more often than stated (in simulated studies of 50 cases of 25 patients 9.4 % of"
        " times on the low side instead of 5)."
    ]


def _of_a_sample(table: pd.DataFrame | None) -> list[str]:
    """What the comparison says where the readers are taken as a sample of readers."""
    if table is None or table.empty:
        return []
    row = table[table["readers_are"] == "a sample"].iloc[0]
    if missing(row["low"]):
        return []
    bounds = interval(float(row["low"]), float(row["high"]), sign=True)
    return [f"Were these readers a random sample of readers, the interval would be {bounds}: {row['verdict']}."]


def _limits(config: Mapping[str, Any], readers: int) -> list[str]:
    limits = [
        f"It speaks of these {readers} readers and of Dice averaged over cases, not of other readers or of single "
        "cases.",
        "It speaks of cancers known to be there: the section that the readers outlined is given to network and "
        "readers alike.",
    ]
    if config["readers"]["anonymous"]:
        limits.append("A reader's name is a slot here, not one person.")
    if config.get("phantom"):
        limits.append("Images, cancers and readers are simulated.")
    return limits
