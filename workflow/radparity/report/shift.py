"""Shift: the external test beside the internal one, and how the cohorts differ, on the comparison page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from radparity.report.figures import drawn_png
from radparity.report.more import Shown, as_table, bounds, count, figure, text
from radparity.report.results import Results
from radparity.report.tables import interval, missing, number

DESCRIPTIVE = (
    "Everything here is descriptive. No claim of equivalence is made of a cohort, a site or a scanner, and the internal"
    " test takes no part in the {}."
)
NO_CAUSE = (
    "A difference between the cohorts says that the network meets other data than it learned from, not that this is"
    " why its Dice changes: women and tumours differ as well."
)
MOST_TOLD = 1.0
"""A standardized difference from which a fact is named in the sentence."""


def _quartiles(side: str) -> Any:
    def cell(row: Mapping[str, Any]) -> str:
        if missing(row[f"median_{side}"]):
            return ""
        middle, low, high = (f"{row[f'{name}_{side}']:.4g}" for name in ("median", "q25", "q75"))
        return f"{middle} ({low} to {high})"

    return cell


SHOWN: dict[str, Shown] = {
    "drop": Shown(
        "Dice of the external test beside the internal one",
        [
            ("rater", text("rater")),
            ("cases, internal", count("n_internal")),
            ("patients, internal", count("patients_internal")),
            ("cases, external", count("n_external")),
            ("patients, external", count("patients_external")),
            ("mean Dice, internal", figure("mean_internal")),
            ("mean Dice, external", figure("mean_external")),
            ("mean change", figure("change", sign=True)),
            ("interval", bounds("low", "high", sign=True)),
            ("note", text("note")),
        ],
        "The readers' change says how much harder, or differently outlined, the other cohort's cases are; network minus"
        " reader what is left of the change then.",
        (0, 9),
    ),
    "groups": Shown(
        "By cohort, site and scanner",
        [
            ("by", text("by")),
            ("value", text("value")),
            ("test", text("test")),
            ("cases", count("n")),
            ("patients", count("patients")),
            ("mean Dice", figure("network_mean")),
            ("median", figure("network_median")),
            ("interval of the mean", bounds("network_low", "network_high")),
            ("mean of the readers", figure("reader_mean")),
            ("mean difference", figure("difference_mean", sign=True)),
            ("interval", bounds("difference_low", "difference_high", sign=True)),
            ("note", text("note")),
        ],
        "Scanners are the exams sheet's, else maker, model and field of the header. Intervals: over patients.",
        (0, 1, 2, 11),
    ),
    "separable": Shown(
        "How well the cohorts are told apart",
        [
            ("by", text("facts")),
            ("facts used, mean 0, SD 1", count("used")),
            ("cases, training cohorts", count("n_train")),
            ("patients, training cohorts", count("patients_train")),
            ("cases, external", count("n_test")),
            ("patients, external", count("patients_test")),
            ("mean AUC", figure("auc")),
            ("interval", bounds("low", "high")),
            ("note", text("note")),
        ],
        "A logistic regression that has seen none of the patient's cases. 0.5: chance; near 1: the two domains share"
        " little. Where the AUC is lower after harmonization than before, scaling has brought the cohorts together.",
        (0, 8),
    ),
    "facts": Shown(
        "Acquisition and intensities of the cohorts' cancers",
        [
            ("of", text("part")),
            ("fact", text("meaning")),
            ("unit", text("unit")),
            ("cases, training cohorts", count("n_train")),
            ("their median (quartiles)", _quartiles("train")),
            ("cases, external", count("n_test")),
            ("their median (quartiles) ", _quartiles("test")),
            ("standardized mean difference", figure("standardized_difference", 2, sign=True)),
            ("Kolmogorov-Smirnov distance", figure("distance", 2)),
            ("note", text("note")),
        ],
        "Medians with quartiles. Before and after harmonization the same voxels of the breast are measured; before a"
        " fold's own divisors, which change nothing of how cohorts lie to each other.",
        (0, 1, 2, 9),
    ),
}

OF_READERS = ("mean of the readers", "mean difference", "interval")


def shown_of(few: bool) -> dict[str, Shown]:
    """How each table is shown; few: of one or two raters, where no row and no column is a reader's."""
    if not few:
        return SHOWN
    groups = [cell for cell in SHOWN["groups"].cells if cell[0] not in OF_READERS]
    note = "On the reference. How much harder the other cohort's cases are cannot be told from one reference a case."
    return SHOWN | {
        "drop": replace(SHOWN["drop"], note=note),
        "groups": replace(SHOWN["groups"], cells=groups, words=(0, 1, 2, len(groups) - 1)),
    }


def shift_part(results: Results) -> dict[str, Any] | None:
    """Sentences, tables and picture of the section; None of a study without an external test."""
    if not results.shift:
        return None
    tables = [as_table(f"shift-{name}", results.shift[name], shown) for name, shown in shown_of(results.few).items()]
    pictures = [Path(path) for path in results.files.get("shift", []) if path.endswith(".png")]
    caption = "Intensities in the breast as they were acquired (above) and as the network sees them (below)."
    said = "Distribution curves of three intensities, of the cohorts trained on and of the external test."
    drawn = [drawn_png(path, "shift", caption, said) for path in pictures]
    return {
        "sentences": [*_sentences(results), DESCRIPTIVE.format("estimate" if results.few else "verdict"), NO_CAUSE],
        "tables": [table for table in tables if table.rows],
        "figure": drawn[0] if drawn else None,
    }


def _sentences(results: Results) -> Sequence[str]:
    trained, tested = (", ".join(results.config[key]) for key in ("train_on", "test_on"))
    found = [f"Trained on {trained}, tested on {tested}."]
    drop = results.shift["drop"]
    for row in drop[drop["rater"] == "network"].to_dict("records"):
        if row["n_internal"] and row["n_external"]:
            level = f"{100 * row['level']:g} % interval"
            between = "" if missing(row["low"]) else f" ({level} {interval(row['low'], row['high'], sign=True)})"
            found.append(
                f"The network's mean Dice is {number(row['mean_internal'])} in the internal test and"
                f" {number(row['mean_external'])} in the external one: {number(row['change'], sign=True)}{between}."
            )
        elif not row["n_internal"]:
            found.append("The training cohorts have no test case, so there is no internal test to compare with.")
    facts = results.shift["facts"]
    apart = facts[facts["standardized_difference"].abs() >= MOST_TOLD]
    kinds = {part: len(own) for part, own in apart.groupby(apart["part"].fillna("in the image"), sort=False)}
    if kinds:
        listed = ", ".join(
            f"{kind}: {n} of {int((facts['part'].fillna('in the image') == kind).sum())} facts"
            for kind, n in kinds.items()
        )
        found.append(f"One standard deviation or more lies between the cohorts in these: {listed}.")
    return found
