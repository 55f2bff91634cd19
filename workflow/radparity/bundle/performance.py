"""How an arm did in its study, for the model card: the comparison with readers, held-out cases, subgroups, maxima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radparity import raters
from radparity.bundle.counts import SMALLEST, one, shown
from radparity.report import against
from radparity.report.tables import Table, interval, missing, number
from radparity.report.verdict import verdict


@dataclass(frozen=True)
class Measured:
    """data: what was measured on, in sentences; sentences: verdict and limits; tables: the numbers; references: what
    the masks were scored on."""

    data: Sequence[str]
    sentences: Sequence[str]
    tables: Sequence[Table]
    references: str = "references made by the study's readers, on the section that they outlined"


def measured(tables: Mapping[str, pd.DataFrame], config: Mapping[str, Any]) -> Measured:
    """The numbers of an arm.

    tables: main, equivalence, random_readers and subgroups of its comparison (absent where it was not compared), scores
    of the held-out development cases, maxima. config: compare, fold, readers and phantom of the study.
    """
    by_breast = config["fold"]["unit"] == "breast"
    who = "outline" if raters.by_software(config["readers"]) else "reader"
    found = [_held_out(tables["scores"], by_breast, who)]
    if "main" not in tables:
        data = ["No test case: this arm was not compared with readers. Its held-out development cases only."]
        return Measured(data, ["Not compared with readers."], [*found, _maxima(tables["maxima"])])
    main = tables["main"]
    if raters.few(config["readers"]["test"]):
        return _against(tables, config, found)
    said = verdict(main, tables["equivalence"], config, tables.get("random_readers"))
    whole = main[main["reference"] == "averaged"]
    n, patients = (int(whole.iloc[0][name]) if len(whole) else 0 for name in ("n", "patients"))
    data = [
        f"{one(n)} test cases of {one(patients)} patients, outlined by {len(config['readers']['test'])} readers on one"
        " section each; none of their patients was in training or tuning."
    ]
    found = [
        _dice(main, tables["equivalence"]),
        *found,
        _subgroups(tables["subgroups"], n),
        _maxima(tables["maxima"]),
    ]
    few = [f"Test cases of fewer than {SMALLEST} patients: no verdict, and their numbers are not shown."]
    return Measured(data, few if 0 < patients < SMALLEST else [said.headline, said.sentence, *said.limits], found)


def _against(tables: Mapping[str, pd.DataFrame], config: Mapping[str, Any], found: Sequence[Table]) -> Measured:
    """Of a study with one or two raters: the estimate, and that there is no verdict."""
    said, row = against.estimate(tables["main"], config), against.whole(tables["main"])
    n, patients = (int(row.iloc[0][name]) if len(row) else 0 for name in ("n", "patients"))
    whom = raters.whose(config["readers"], config["compare"]["reference"])
    data = [
        f"{one(n)} test cases of {one(patients)} patients, each with {whom} on one section; none of their patients was"
        " in training or tuning."
    ]
    if 0 < patients < SMALLEST:
        hidden = [f"Test cases of fewer than {SMALLEST} patients: their numbers are not shown."]
        return Measured(data, [said.headline, *hidden], [*found, _maxima(tables["maxima"])], f"{whom}, on one section")
    sentences = [said.headline, said.sentence, *said.limits]
    return Measured(data, sentences, [*found, _maxima(tables["maxima"])], f"{whom}, on one section")


def _dice(main: pd.DataFrame, equivalence: pd.DataFrame) -> Table:
    margin = equivalence[equivalence["test"] == "margin"]
    rows = []
    for row in main.to_dict("records"):
        whole = row["reference"] == "averaged"
        bounds = interval(margin.iloc[0]["low"], margin.iloc[0]["high"], sign=True) if whole and len(margin) else ""
        rows.append(
            [
                "averaged" if whole else f"without {row['reference']}",
                one(int(row["n"])),
                *_unless_few(row["patients"], number(row["network_median"]), number(row["reader_median"])),
                *_unless_few(row["patients"], number(row["mean_difference"], sign=True), bounds),
            ]
        )
    level = 100 * float(margin.iloc[0]["level"]) if len(margin) and not missing(margin.iloc[0]["level"]) else 90
    head = ["reference", "cases", "network", "readers", "mean difference", f"its {level:g} % interval"]
    note = "Medians of Dice over cases; difference: network minus readers. Intervals over patients."
    return Table("dice", "Dice on the outlined section of the test cases", head, rows, note)


def _held_out(scores: pd.DataFrame, by_breast: bool, who: str = "reader") -> Table:
    dice = scores["dice"].dropna()
    row = [one(len(dice)), *_unless_few(len(dice), number(dice.median()), interval(*dice.quantile([0.25, 0.75])))]
    missed = int((dice == 0).sum())
    row += _unless_few(len(dice), shown({"missed": missed, "met": len(dice) - missed})["missed"])
    head = ["cases", "median Dice", "quartiles", "missed"]
    whom = "this breast, but perhaps the patient's other" if by_breast else "its patient"
    note = f"Each by the network that never saw {whom}, at half of the section's maximum, against one {who}."
    return Table("held_out", "Held-out cancers of the development cases", head, [row], note, words=())


def _subgroups(subgroups: pd.DataFrame, cases: int) -> Table:
    """cases: all test cases; those of no value of a subgroup are what its rows lack."""
    rows = []
    for subgroup, own in subgroups.groupby(subgroups["subgroup"].astype(str), sort=False):
        counts = dict(zip(own["value"].astype(str), own["n"].astype(int), strict=True))
        texts = shown({**counts, None: max(0, cases - sum(counts.values()))})
        for row in own.to_dict("records"):
            text = texts[str(row["value"])]
            bounds = interval(row["low"], row["high"], sign=True)
            numbers = [number(row["network_median"]), number(row["mean_difference"], sign=True), bounds]
            # With the numbers of all values but one, its own would follow from those of all cases.
            enough = text.isdecimal() and row["patients"] >= SMALLEST
            rows.append([subgroup.replace("_", " "), str(row["value"]), text, *(numbers if enough else [""] * 3)])
    head = ["subgroup", "value", "cases", "network", "mean difference", "its interval"]
    note = (
        f"Of fewer than {SMALLEST} patients no number is shown, nor one that would tell theirs. Exploratory: nothing is"
        " claimed of a subgroup."
    )
    return Table("subgroups", "Subgroups of the test cases", head, rows, note, words=(0, 1))


def _maxima(maxima: pd.DataFrame) -> Table:
    rows = []
    for label, column, of in (
        ("malignant", "section_maximum", "the outlined section"),
        ("benign", "breast_maximum", "the central section, inside the breast mask"),
    ):
        own = maxima[maxima["label"] == label][column].dropna()
        values = (own.min(), own.median(), own.max()) if len(own) else ("", "", "")
        rows.append([label, of, one(len(own)), *_unless_few(len(own), *(number(v) for v in values))])
    head = ["label", "maximum on", "breasts", "smallest", "median", "largest"]
    note = "A relative threshold returns a lesion of every breast, however faint; these are the largest probabilities."
    return Table("maxima", "Largest probability of cancers, and of breasts without one", head, rows, note, (0, 1))


def _unless_few(count: int, *cells: str) -> list[str]:
    return ["" if 0 < count < SMALLEST else cell for cell in cells]
