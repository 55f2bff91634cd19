"""The comparison where the location is given: a baseline that clusters in the readers' box, and the network in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from radparity.compare import claims
from radparity.compare.columns import LOCATED
from radparity.compare.margin import margin_test
from radparity.compare.scores import AVERAGED, BASELINE, NETWORK, READERS, Case, Mask, averaged, score
from radparity.compare.study import Settings


def restricted(case: Case, box: Mask) -> Case:
    """A case with every mask cut to the box; a box around the readers' outlines takes nothing from them."""
    return replace(
        case, network=case.network & box, readers={reader: mask & box for reader, mask in case.readers.items()}
    )


def compare_located(
    cases: Sequence[Case], networks: Mapping[str, Mask], boxes: Mapping[str, Mask], settings: Settings
) -> pd.DataFrame:
    """Baseline, network and readers, each inside the readers' box, on leave-one-out references made inside it.

    `cases` hold the baseline's mask where a comparison has the network's; `networks` and `boxes` give the primary
    network's mask and the box of each of them. The table has a row for each rater and reference, `LOCATED` explains
    its columns. Each difference is paired by case, with the margin test's interval (studentized bootstrap over
    patients). Without a case the table has its header only.
    Raises KeyError for a case without a network's mask or a box, ValueError as `score` does.
    """
    if not cases:
        return pd.DataFrame(columns=list(LOCATED))
    inside = [restricted(case, boxes[case.case]) for case in cases]
    by_network = [replace(case, network=networks[case.case] & boxes[case.case]) for case in inside]
    own, theirs = (score(each, settings.rule, settings.empty) for each in (inside, by_network))
    pairs = theirs.assign(dice_baseline=own["dice_network"])
    whole = averaged(theirs).assign(dice_baseline=averaged(own)["dice_network"])
    tables = {AVERAGED: whole} | {str(reader): rows for reader, rows in pairs.groupby("reference", sort=False)}
    rows = [row for reference, table in tables.items() for row in _rows(reference, table, settings)]
    return pd.DataFrame(rows)[list(LOCATED)]


def _rows(reference: str, table: pd.DataFrame, settings: Settings) -> list[dict[str, object]]:
    """The three rows of one reference."""
    used = table.dropna(subset=["dice_network"])
    dice = {name: used[f"dice_{name}"].to_numpy() for name in (BASELINE, NETWORK, "reader")}
    found = []
    for name, values in dice.items():
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if len(values) else (np.nan,) * 3
        row: dict[str, object] = {
            "rater": name if name != "reader" else READERS if reference == AVERAGED else reference,
            "reference": reference,
            "n": len(values),
            "patients": used["patient"].nunique(),
            "median": middle,
            "q25": low,
            "q75": high,
            "level": 1 - 2 * settings.alpha,
            "note": claims.LOCATION_GIVEN,
        }
        for other, theirs in (("readers", dice["reader"]), ("network", dice[NETWORK])):
            apart = values is not theirs
            test = margin_test(
                values - theirs, used["patient"], alpha=settings.alpha, draws=settings.draws, seed=settings.seed
            )
            bounds = (test.estimate, test.low, test.high) if apart else (np.nan,) * 3
            row |= dict(zip((f"minus_{other}", f"minus_{other}_low", f"minus_{other}_high"), bounds, strict=True))
        found.append(row)
    return found
