"""More: the exploratory tables beside the primary comparison, each with what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radparity.report.results import Results
from radparity.report.tables import Table, both, interval, missing, number

Cell = tuple[str, Callable[[Mapping[str, Any]], str]]
CLUSTERED = "p with cases independent / with patients as clusters"


@dataclass(frozen=True)
class Shown:
    """How a table of the comparison is shown: caption, columns with what they print, note, the columns of words."""

    caption: str
    cells: Sequence[Cell]
    note: str
    words: Sequence[int] = (0,)


def text(key: str) -> Callable[[Mapping[str, Any]], str]:
    """A cell of words."""
    return lambda row: "" if missing(row[key]) else str(row[key])


def figure(key: str, digits: int = 3, sign: bool = False) -> Callable[[Mapping[str, Any]], str]:
    """A cell of one number."""
    return lambda row: number(row[key], digits, sign)


def count(key: str) -> Callable[[Mapping[str, Any]], str]:
    """A cell of a whole number."""
    return lambda row: "" if missing(row[key]) else f"{int(row[key]):,}"


def bounds(low: str, high: str, digits: int = 3, sign: bool = False) -> Callable[[Mapping[str, Any]], str]:
    """A cell of an interval."""
    return lambda row: interval(row[low], row[high], digits, sign)


def pair(by_case: str = "p_cases", by_patient: str = "p_by_patient") -> Callable[[Mapping[str, Any]], str]:
    """A cell of two p."""
    return lambda row: both(row[by_case], row[by_patient])


def quartiles(who: str, digits: int = 2) -> Callable[[Mapping[str, Any]], str]:
    """A median with its quartiles."""
    return lambda row: (
        ""
        if missing(row[f"{who}_median"])
        else f"{number(row[f'{who}_median'], digits)} ({interval(row[f'{who}_q25'], row[f'{who}_q75'], digits)})"
    )


SHOWN: dict[str, Shown] = {
    "sensitivity": Shown(
        "The same question asked in other ways",
        [
            ("analysis", text("analysis")),
            ("estimand", text("estimand")),
            ("scale", text("scale")),
            ("cases", count("n")),
            ("margin", figure("margin", 3)),
            ("estimate", figure("estimate", sign=True)),
            ("interval", bounds("low", "high", sign=True)),
            ("p", pair()),
            ("verdict", text("verdict")),
        ],
        "Only the first row decides, and only in a study with a locked plan. Each row has its own estimand: a row that"
        f" answers another question does not contradict the first. p: the larger of two one-sided, {CLUSTERED}.",
        (0, 1, 2, 8),
    ),
    "random_readers": Shown(
        "These readers, or readers like them",
        [
            ("readers are", text("readers_are")),
            ("readers", count("readers")),
            ("estimate", figure("estimate", sign=True)),
            ("standard error", figure("standard_error", 4)),
            ("degrees of freedom", figure("df", 1)),
            ("interval", bounds("low", "high", sign=True)),
            ("p", pair()),
            ("verdict", text("verdict")),
            ("speaks of", text("claim")),
        ],
        "Obuchowski-Rockette with Hillis' degrees of freedom; the wider of the two intervals is used.",
        (0, 7, 8),
    ),
    "references": Shown(
        "Each rater on every kind of reference",
        [
            ("reference rule", text("rule")),
            ("made without", text("reference")),
            ("rater", text("rater")),
            ("cases", count("n")),
            ("unusable", count("unusable")),
            ("mean Dice", figure("mean")),
            ("median", figure("median")),
            ("quartiles", bounds("q25", "q75")),
        ],
        "How much of a score is the choice of the rule. An intersection favours the careful, a union the generous.",
        (0, 1, 2),
    ),
    "agreement": Shown(
        "Agreement of every two raters, Dice",
        [
            ("rater", text("rater")),
            ("with", text("other")),
            ("cases", count("n")),
            ("mean", figure("mean")),
            ("median", figure("median")),
            ("quartiles", bounds("q25", "q75")),
        ],
        "No reference: one mask against the other. The last rows take the mean over all readers but the rater.",
        (0, 1),
    ),
    "distance_summary": Shown(
        "Distances of the outlines, mm",
        [
            ("measure", lambda row: str(row["measure"]).upper()),
            ("reference", text("reference")),
            ("cases", count("n")),
            ("network", quartiles("network")),
            ("missed by it", count("network_missed")),
            ("reader", quartiles("reader")),
            ("missed", count("reader_missed")),
            ("median difference", figure("median_of_differences", 2, sign=True)),
            ("p", pair("wilcoxon_p", "wilcoxon_p_by_patient")),
        ],
        "HD95: the larger of the two directed 95th percentiles; ASSD: mean of all distances between the outlines."
        f" A mask that missed is infinitely far: it counts in medians and ranks. Wilcoxon {CLUSTERED}.",
        (0, 1),
    ),
    "size_summary": Shown(
        "Sizes of the outlines, each against the reader's own",
        [
            ("rater", text("rater")),
            ("against", text("against")),
            ("unit", lambda row: str(row["unit"]).replace("mm2", "mm²").replace("mm3", "mm³")),
            ("cases", count("n")),
            ("median of the rater", figure("rater_median", 0)),
            ("of the other", figure("against_median", 0)),
            ("bias", figure("bias", 1, sign=True)),
            ("its interval", bounds("bias_low", "bias_high", 1, sign=True)),
            ("limits of agreement", bounds("limit_low", "limit_high", 0, sign=True)),
            ("relative difference, per cent", figure("relative_median", 1, sign=True)),
        ],
        "Bland and Altman, patients as clusters. No reference made of several readers is a measure of size.",
        (0, 1, 2),
    ),
    "detection_summary": Shown(
        "Lesions found",
        [
            ("rater", text("rater")),
            ("reference", text("reference")),
            ("lesions", count("lesions")),
            ("found", count("found")),
            ("sensitivity", figure("sensitivity", 3)),
            ("Wilson's interval", bounds("wilson_low", "wilson_high")),
            ("over patients", bounds("bootstrap_low", "bootstrap_high")),
            ("false positives", count("false_positives")),
            ("a section", figure("false_positives_per_section", 3)),
        ],
        "A lesion is a connected part of what most readers (or most of the others) outlined; it is found where a"
        " part of the mask overlaps it enough. The section is given, so this is no screening performance.",
        (0, 1),
    ),
    "subgroups": Shown(
        "Subgroups of the test cases",
        [
            ("by", text("subgroup")),
            ("value", text("value")),
            ("cases", count("n")),
            ("patients", count("patients")),
            ("network, median", figure("network_median")),
            ("readers, median", figure("reader_median")),
            ("mean difference", figure("mean_difference", sign=True)),
            ("interval", bounds("low", "high", sign=True)),
            ("p of the interaction", pair("interaction_p_cases", "interaction_p_by_patient")),
            ("note", text("note")),
        ],
        f"No claim of equivalence is made in a subgroup, and no p under 10 cases. Interaction: {CLUSTERED}.",
        (0, 1, 9),
    ),
    "anova": Shown(
        "Analysis of variance: rater type and reference",
        [
            ("scale", text("scale")),
            ("effect", text("effect")),
            ("cases", count("n")),
            ("F", figure("f", 2)),
            ("Greenhouse-Geisser epsilon", figure("epsilon", 3)),
            ("p", pair()),
        ],
        f"Repeated measures; type: network or reader. {CLUSTERED[0].upper()}{CLUSTERED[1:]}.",
        (0, 1),
    ),
    "mixed": Shown(
        "Mixed model of Dice",
        [
            ("term", text("term")),
            ("kind", text("kind")),
            ("estimate", figure("estimate", 4)),
            ("interval", bounds("low", "high", sign=True)),
            ("F", figure("f", 2)),
            ("p", pair()),
            ("note", text("note")),
        ],
        "Network minus readers is the effect of the type; of random terms the standard deviation. References and"
        " readers are confounded: type:ref is how much the readers differ.",
        (0, 1, 6),
    ),
    "normality": Shown(
        "Are the differences normal? (Shapiro-Wilk)",
        [
            ("reference", text("reference")),
            ("scale", text("scale")),
            ("cases", count("n")),
            ("standard deviation", figure("sd", 3)),
            ("skewness", figure("skewness", 2)),
            ("W", figure("w", 3)),
            ("p", pair()),
        ],
        "A small p says that t-tests are approximations here; with few cases a large one says nothing.",
        (0, 1),
    ),
    "correlation": Shown(
        "Do network and readers find the same cases hard?",
        [
            ("reference", text("reference")),
            ("correlation", text("method")),
            ("cases", count("n")),
            ("r", figure("r", 2)),
            ("interval", bounds("low", "high", 2)),
            ("p", pair()),
        ],
        "Both are scored on one reference, so a poor reference alone makes them correlate.",
        (0, 1),
    ),
}


def more_tables(results: Results) -> list[Table]:
    """The exploratory tables of the primary arm that have rows, in the order of `SHOWN`."""
    tables = {name: results.table(name) for name in SHOWN}
    return [as_table(f"more-{name}", rows, SHOWN[name]) for name, rows in tables.items() if len(rows)]


def as_table(name: str, rows: pd.DataFrame, shown: Shown) -> Table:
    """A table of the results as the page shows it; `name` is its anchor."""
    body = [[cell(row) for _, cell in shown.cells] for row in rows.to_dict("records")]
    return Table(name, shown.caption, [head for head, _ in shown.cells], body, shown.note, shown.words)
