"""Beside: the paper's own table with ours beside it: which quantity, both values, and why they may differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radparity.compare.bracket import bracket
from radparity.compare.normality import normality
from radparity.report.results import Results, read_table
from radparity.report.tables import AVERAGED, BLANK, Table, location_given, masks_of, missing, number, probability

OTHER_DATA = "other exams, readers and numbers of cases"
OTHER_READERS = "other persons; the number is only a place in the list of readers"
SPREAD = "the mean over the folds' networks is steadier than the paper's single network"
FOLDS = "the inner validation cases of each fold, few of them, which also chose the weights; a mean over folds"
CURVE = "held-out development cases, other numbers of breasts, training steps and cases"
CLUSTERS = "neither code nor settings of the paper's baseline are published"
VIRTUAL = "ours, on virtual exams: not comparable"
Row = list[str]


def beside_table(results: Results) -> Table:
    """Every quantity that the paper prints, with its source, beside ours on these data.

    A cell is blank where the paper's main text has no figure, or where this study has none. In a study of phantoms the
    heading of our column says that the two cannot be compared.
    """
    paper, virtual = results.published, bool(results.config.get("phantom"))
    rows = [
        *_dice_rows(results),
        *_test_rows(results),
        *_normality_rows(results),
        *_training_rows(results),
        *_baseline_rows(results),
        *_literature_rows(paper),
    ]
    head = ["quantity", f"the paper's, {paper['test_cases']} cases", "where it stands", _heading(results), "cases"]
    note = (
        f"± is the width of the interquartile range. A blank cell of the paper's is {BLANK}; of ours, not computed"
        f" here. Nothing in this table is a test of one study against the other. {paper['citation']}"
        f" doi:{paper['doi']} ({paper['licence']})."
    )
    if virtual:
        note = f"Our column measures this chain on simulated images and says nothing about patients. {note}"
    head += ["ours is", "why they may differ"]
    return Table("beside", "The paper's figures and ours, side by side", head, rows, note, (0, 2, 5, 6))


def _heading(results: Results) -> str:
    return VIRTUAL if results.config.get("phantom") else f"ours, study {results.config['study']}"


def _dice_rows(results: Results) -> Iterator[Row]:
    """Averaged, tails, and every reference with its reader."""
    paper, main, tails = results.published, results.table("main"), results.table("tails")
    who, rule = masks_of(results.primary, results.config), results.config["compare"]["reference"]
    same = "" if rule == "intersection" else f"; our references are the {rule}, the paper's the intersection"
    dice, averaged = paper["dice"], _row(main, AVERAGED)
    ours = f"median of Dice averaged over each case's references ({rule})"
    why = {"network": f"{OTHER_DATA}; {SPREAD}{same}", "reader": f"{OTHER_DATA}{same}"}
    for side, name in (("network", "network"), ("reader", "readers")):
        label = f"Dice averaged over references, {who if side == 'network' else name}"
        yield [label, _pair(dice[0][name]), dice[0]["source"], *_spread(averaged, side), ours, why[side]]
    ends = paper["percentiles"]
    for side, name in (("network", "network"), ("reader", "readers")):
        found = tails[(tails["rater"] == name) & (tails["reference"] == AVERAGED)] if len(tails) else tails
        row = found.iloc[0].to_dict() if len(found) else {}
        values = [row.get("percentile_5"), row.get("percentile_95")]
        own = "" if any(missing(v) for v in values) else f"{number(values[0])} to {number(values[1])}"
        label = f"5th to 95th percentile, {who if side == 'network' else name}"
        theirs = f"{ends[name][0]:.2f} to {ends[name][1]:.2f}"
        what = "percentiles over cases, interpolated linearly, of the averaged Dice"
        yield [label, theirs, ends["source"], own, _count(row), what, why[side]]
    for position, (given, reader) in enumerate(_paired(dice[1:], results.config["readers"]["test"])):
        row = _row(main, reader) if reader else {}
        what = f"median of Dice on the {rule} of all readers but {reader}" if reader else ""
        for side, name in (("network", "network"), ("reader", "readers")):
            rated = who if side == "network" else f"reader {position + 1}"
            theirs = _pair(given[name]) if given else ""
            source = str(given["source"]) if given else ""
            label = f"Dice on reference {position + 1}, {rated}"
            yield [label, theirs, source, *_spread(row, side), what, f"{OTHER_READERS}; {why[side]}"]


def _test_rows(results: Results) -> Iterator[Row]:
    """Effect sizes A and p of the averaged comparison and of the bracket."""
    tests, main, scores = results.published["tests"], results.table("main"), results.table("scores")
    averaged = _row(main, AVERAGED)
    ours = "A: chance that the readers' Dice is the higher; p: Wilcoxon on averaged Dice, two-sided, cases independent"
    why = "on averaged Dice this test does not hold its level, in the paper and here"
    yield _effect(tests[0], averaged, averaged.get("wilcoxon_p"), _count(averaged), ours, why)
    found = None
    anonymous = results.config["readers"]["anonymous"]
    if len(scores) and not anonymous:
        found = bracket(scores, anonymous=False, alpha=results.config["compare"]["alpha"])
    for test, bound in zip(tests[1:], ("lowest", "highest"), strict=True):
        reader = getattr(found, bound) if found else ""
        row, p = _row(main, reader) if reader else {}, getattr(found, f"p_{bound}") if found else None
        what = f"A and one-sided Wilcoxon p against our {bound} reader, {reader}" if reader else ""
        what = "refused: our readers are anonymous slots" if anonymous else what
        yield _effect(test, row, p, _count(row), what, f"the {bound} reader is another person; {OTHER_DATA}")


def _effect(test: Mapping[str, Any], row: Mapping[Any, Any], p: Any, count: str, ours: str, why: str) -> Row:
    effect = row.get("a_reader_above_network")
    own = "" if missing(effect) else f"A {number(effect, 2)}, p {probability(p)}".removesuffix(", p ")
    theirs = f"A {test['effect']:.2f}, p {test['p']}"
    return [str(test["quantity"]), theirs, str(test["source"]), own, count, ours, why]


def _normality_rows(results: Results) -> Iterator[Row]:
    """Shapiro and Wilk's W of the averaged difference, of Dice and of its logit."""
    table = results.table("normality")
    if table.empty:
        table = normality(results.table("scores"))
    for given in results.published["normality"]:
        scale = str(given["quantity"])
        found = table[(table["reference"] == AVERAGED) & (table["scale"] == scale)] if len(table) else table
        row = found.iloc[0].to_dict() if len(found) else {}
        own = "" if missing(row.get("w")) else f"W {number(row['w'])}, p {probability(row['p_cases'])}"
        label = f"Shapiro-Wilk of the difference, {'Dice' if scale == 'dice' else 'logit of Dice'}"
        theirs = f"W {given['w']:.2f}, p {given['p']}"
        what = "of the averaged Dice, network minus readers" + ("" if scale == "dice" else ", clipped at 0.001")
        yield [
            label,
            theirs,
            str(given["source"]),
            own,
            _count(row),
            what,
            "W falls with the tail of failures and with n",
        ]


def _training_rows(results: Results) -> Iterator[Row]:
    """Validation Dice and the learning curve."""
    paper, kept = results.published, []
    for (arm, fold), curve in sorted(results.curves.items()):
        step = results.training.get((arm, fold), {}).get("selected_step")
        if arm == results.primary and step is not None and len(curve):
            kept += list(curve.loc[curve["step"] == step, "validation_dice"].dropna())
    own = number(float(np.mean(kept))) if kept else ""
    what = f"mean over {len(kept)} folds, Dice of the inner validation cases at the weights that were kept"
    given = paper["validation"]
    label = f"validation Dice, {paper['validation_cases']} cases in the paper"
    yield [label, f"{given['dice']:.2f}", given["source"], own, "", what, FOLDS]
    points = _learning_points(results)
    for position, given in enumerate(paper["learning_curve"]):
        row = points[position] if position < len(points) else {}
        what = "not asked for: report: experiments: [learning_curve]"
        if row:
            what = f"mean Dice, {row['malignant']:g} malignant and {row['benign']:g} benign breasts in training"
        label = f"learning curve, {given['malignant']:,} malignant and {given['benign']:,} benign"
        count = "" if missing(row.get("cases")) else f"{int(row['cases'])}"
        yield [label, f"{given['dice']:.2f}", given["source"], number(row.get("mean")), count, what, CURVE]


def _learning_points(results: Results) -> list[dict[Any, Any]]:
    """The points of our learning curve that follow the paper's shares, from the smallest."""
    files = [path for path in results.files.get("experiments", []) if Path(path).name == "learning_curve.tsv"]
    table = read_table(files[0]) if files else pd.DataFrame()
    own = table[table["curve"] == "paper"] if len(table) else table
    return own.sort_values("point").to_dict("records") if len(own) else []


def _baseline_rows(results: Results) -> Iterator[Row]:
    """Fuzzy c-means on the section and in a region, and the network in that region."""
    given = results.published["fuzzy_c_means"]
    arms = [arm for arm in results.arms if masks_of(arm, results.config) == "baseline"]
    whole = next((arm for arm in arms if not location_given(arm, results.config)), "")
    dice = results.table("cases", whole)["dice_network"].dropna() if whole else pd.Series(dtype=float)
    own, count = (number(float(dice.median())), str(len(dice))) if len(dice) else ("", "")
    what = f"median averaged Dice of arm {whole}" if whole else ""
    yield ["fuzzy c-means, whole section", f"{given['dice']:.2f}", given["source"], own, count, what, CLUSTERS]
    boxed = next((arm for arm in arms if location_given(arm, results.config)), "")
    table = results.table("located", boxed) if boxed else pd.DataFrame()
    for rater, label, key in (
        ("baseline", "fuzzy c-means, location given", "in_box"),
        ("network", "network, location given", "network_in_box"),
    ):
        row: Mapping[Any, Any] = _row(table[table["rater"] == rater], AVERAGED) if len(table) else {}
        what = f"median averaged Dice inside the readers' box, arm {boxed}" if boxed else ""
        own = number(row.get("median"))
        why = f"the paper's region is not defined in its main text; {CLUSTERS}"
        yield [label, f"{given[key]:.2f}", given["source"], own, _count(row), what, why]


def _literature_rows(paper: Mapping[str, Any]) -> Iterator[Row]:
    """What the paper sets its figures beside; not ours to compute."""
    for given in paper["comparators"]:
        for side in ("network", "readers"):
            if side in given:
                label = f"{given['quantity']}, {side}"
                yield [label, _pair(given[side]), given["source"], "", "", "", "another study, as the paper cites it"]
        if "range" in given:
            theirs = f"{given['range'][0]:.2f} to {given['range'][1]:.2f}"
            yield [
                str(given["quantity"]),
                theirs,
                given["source"],
                "",
                "",
                "",
                "other studies, as the paper cites them",
            ]


def _row(table: pd.DataFrame, reference: str) -> dict[Any, Any]:
    found = table[table["reference"] == reference] if len(table) else table
    return found.iloc[0].to_dict() if len(found) else {}


def _spread(row: Mapping[Any, Any], side: str) -> tuple[str, str]:
    """Our median with the width of its interquartile range, and the number of cases."""
    middle, width = row.get(f"{side}_median"), row.get(f"{side}_iqr")
    return ("" if missing(middle) else f"{number(middle)} ± {number(width)}"), _count(row)


def _pair(value: Sequence[float]) -> str:
    return f"{value[0]:.2f} ± {value[1]:.2f}"


def _count(row: Mapping[Any, Any]) -> str:
    return "" if missing(row.get("n")) else f"{int(row['n'])}"


def _paired(given: Sequence[Any], readers: Sequence[str]) -> list[tuple[Any, str]]:
    """The paper's references and our readers by place; the longer list goes on alone."""
    count = max(len(given), len(readers))
    pad: list[Any] = [None] * count
    return [((list(given) + pad)[k], str((list(readers) + pad)[k] or "")) for k in range(count)]
