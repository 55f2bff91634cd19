"""Tables: numbers as the page prints them. A cell without a value stays blank."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

AVERAGED = "averaged"
BLANK = "not published in the main text"


@dataclass(frozen=True)
class Table:
    """A table of the page: `name` is its anchor, `words` the columns (by index) that hold text and not numbers."""

    name: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: Sequence[int] = (0,)


class Link(str):
    """A cell that leads somewhere: `href`, from the page that the table stands on."""

    href: str

    def __new__(cls, text: str, href: str) -> Link:
        made = super().__new__(cls, text)
        made.href = href
        return made


def missing(value: Any) -> bool:
    """Whether a cell has no value."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def number(value: Any, digits: int = 3, sign: bool = False) -> str:
    """A number with a true minus; blank where it is missing."""
    if missing(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+") if sign else text.lstrip("-")
    return text.replace("-", "−")


def probability(value: Any) -> str:
    """A p value; never printed as 0."""
    if missing(value):
        return ""
    return "< 0.001" if value < 0.001 else number(min(value, 1.0))


def interval(low: Any, high: Any, digits: int = 3, sign: bool = False) -> str:
    """Two bounds; blank where either is missing."""
    return "" if missing(low) or missing(high) else f"{number(low, digits, sign)} to {number(high, digits, sign)}"


def spread(middle: Any, width: Any) -> str:
    """A median with the width of its interquartile range."""
    return "" if missing(middle) else f"{number(middle)} ({number(width)})"


def both(by_case: Any, by_patient: Any) -> str:
    """A p with cases independent and with patients as clusters."""
    return (
        ""
        if missing(by_case) and missing(by_patient)
        else f"{probability(by_case) or '–'} / {probability(by_patient) or '–'}"
    )


def main_table(arm: str, main: pd.DataFrame, config: Mapping[str, Any]) -> Table:
    """Network (or baseline) and readers on each reference, with tests and effect sizes."""
    level = f"{100 * (1 - config['compare']['alpha']):g} %"
    rows = []
    for row in main.to_dict("records"):
        whole = row["reference"] == AVERAGED
        rows.append(
            [
                AVERAGED if whole else f"without {row['reference']}",
                "all readers" if whole else str(row["reference"]),
                f"{row['n']:d}",
                spread(row["network_median"], row["network_iqr"]),
                spread(row["reader_median"], row["reader_iqr"]),
                number(row["median_of_differences"], sign=True),
                both(row["wilcoxon_p"], row["wilcoxon_p_by_patient"]),
                both(row["holm_p"], row["holm_p_by_patient"]),
                _effect(row["a_reader_above_network"], interval(row["a_low"], row["a_high"], 2)),
                f"{row['unusable_pairs']:d}"
                + ("" if whole or missing(row["emptied_by"]) else f" ({row['emptied_by']})"),
            ]
        )
    note = (
        "Dice, median (width of the interquartile range). A reference is made from all readers but the one named, "
        "and that "
        "reader is scored on it too. Differences are minus the reader. A: chance that the reader's Dice is "
        f"above the {masks_of(arm, config)}'s; 0.5 is parity; {level} interval by bootstrap over patients. p: "
        "cases independent, as in "
        "the paper / patients as clusters. All p values here are "
        "exploratory. The p of the averaged row is the figure that the paper prints; on averaged Dice this test "
        "does not "
        "hold its level (with a true reader in the network's place it called the network better in 15 % of draws, at a "
        "nominal 2.5 %), so neither a small nor a large p decides."
    )
    if len(main):
        left_out = int(main.loc[main["reference"] == AVERAGED, "cases_left_out"].sum())
        note += f" Wilcoxon signed rank: {'; '.join(dict.fromkeys(main['wilcoxon_method'].dropna()))}."
        note += (
            f" Cases left out because all their references are empty: {left_out}. In brackets: whose outlines "
            "emptied them."
        )
    who = masks_of(arm, config)
    head = [
        "reference",
        "reader",
        "cases",
        who,
        "reader's Dice",
        "median of differences",
        "Wilcoxon p, cases / patients",
    ]
    head += ["Holm p, cases / patients", f"A ({level} interval)", "empty references"]
    return Table(f"main-{arm}", f"{who.capitalize()} against readers: {title(arm, config)}", head, rows, note, (0, 1))


def _effect(value: Any, bounds: str) -> str:
    return number(value, 2) + (f" ({bounds})" if bounds else "")


def masks_of(arm: str, config: Mapping[str, Any]) -> str:
    """What makes an arm's masks: the tables of the comparison call every arm the network."""
    return "baseline" if config["arms"][arm]["network"] == "fuzzy_c_means" else "network"


def location_given(arm: str, config: Mapping[str, Any]) -> bool:
    """Whether the readers' outlines tell an arm where the lesion is."""
    return bool(config["arms"][arm]["region"] == "readers_box")


def title(arm: str, config: Mapping[str, Any]) -> str:
    """An arm's name in captions."""
    return f"arm {arm}" + (", location given" if location_given(arm, config) else "")


def equivalence_table(arm: str, rows: pd.DataFrame, config: Mapping[str, Any], primary: bool) -> Table:
    """The primary test, the paper's, and the sensitivity analysis. A study has one primary test: the primary arm's."""
    head = [
        "test",
        "role",
        "estimand",
        "cases",
        "margin",
        "estimate",
        "interval",
        "p, cases / patients",
        "verdict",
        "non-inferior",
    ]
    body = []
    for row in rows.to_dict("records"):
        level = "" if missing(row["level"]) else f" ({100 * row['level']:g} %)"
        bounds = interval(row["low"], row["high"], sign=True)
        body.append(
            [
                str(row["test"]),
                str(row["role"]) if primary or row["role"] != "primary" else "exploratory",
                str(row["estimand"]),
                f"{row['n']:d}",
                number(row["margin"], 2),
                number(row["estimate"], sign=True),
                bounds + level if bounds else "",
                both(row["p_cases"], row["p_by_patient"]),
                str(row["verdict"]),
                str(row["non_inferior"]) if not missing(row["non_inferior"]) else "",
            ]
        )
    note = (
        "Dice, minus the readers'. p: the larger of two one-sided p, with cases independent / patients as "
        "clusters. Only the "
        "primary test of the primary arm decides; a bracket is not a test of equivalence. The bracket's verdict "
        "is the paper's, from p with cases independent."
    )
    caption = f"Tests of equivalence: {title(arm, config)}"
    return Table(f"equivalence-{arm}", caption, head, body, note, (0, 1, 2, 8, 9))


def claims_table(rows: pd.DataFrame) -> Table:
    """What each test of equivalence can and cannot claim, with its two one-sided tests."""
    body = [[str(row["test"]), _text(row["detail"]), _text(row["claim"])] for row in rows.to_dict("records")]
    head = ["test", "in detail", "what it can and cannot claim"]
    return Table("claims", "What each test can and cannot claim", head, body, words=range(3))


def _text(value: Any) -> str:
    return "" if missing(value) else str(value)


def tails_table(arm: str, rows: pd.DataFrame, config: Mapping[str, Any]) -> Table:
    """The ends of the distributions, since medians hide failures."""
    body = []
    for row in rows.to_dict("records"):
        where = row["reference"] if row["reference"] == AVERAGED else f"without {row['reference']}"
        ends = [number(row["percentile_5"]), number(row["percentile_95"])]
        share = "" if missing(row["share_under_half"]) else f"{100 * row['share_under_half']:.0f} %"
        rater = masks_of(arm, config) if row["rater"] == "network" else str(row["rater"])
        body.append([rater, str(where), f"{row['n']:d}", *ends, share])
    head = ["rater", "reference", "cases", "5th percentile", "95th percentile", "cases with Dice under 0.5"]
    return Table(
        f"tails-{arm}",
        f"The tails of Dice: {title(arm, config)}",
        head,
        body,
        "Medians hide failures; these do not.",
        (0, 1),
    )


def counted(name: str, caption: str, what: str, unit: str, values: Iterable[str]) -> Table:
    """How often each value occurs, most frequent first."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Table(name, caption, [what, unit], [[value, str(n)] for value, n in order])
