"""Among: the tables of the readers among themselves in a study of masks, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from radparity.report.more import SHOWN, Shown, as_table, bounds, count, figure, text
from radparity.report.tables import Table

AMONG: dict[str, Shown] = {
    "pooled": Shown(
        "All readers pooled, Dice",
        [
            ("of", text("figure")),
            ("values", count("n")),
            ("unusable", count("unusable")),
            ("cases", count("cases")),
            ("mean", figure("mean")),
            ("median", figure("median")),
            ("quartiles", bounds("q25", "q75")),
            ("share under 0.5", figure("share_under_half")),
        ],
        "Where a reader's name is a slot and not a person, these are the figures that can be said.",
    ),
    "agreement": replace(SHOWN["agreement"], caption="Agreement of every two readers, Dice"),
    "references": replace(SHOWN["references"], caption="Each reader against references made from the other readers"),
    "distances": Shown(
        "Distances between the outlines of every two readers, mm",
        [
            ("measure", lambda row: str(row["measure"]).upper()),
            ("reader", text("rater")),
            ("with", text("against")),
            ("values", count("n")),
            ("unusable", count("unusable")),
            ("one blank", count("missed")),
            ("median", figure("median", 2)),
            ("quartiles", bounds("q25", "q75", 2)),
        ],
        "HD95: the larger of the two directed 95th percentiles; ASSD: mean of all distances between the outlines. A"
        " blank mask is infinitely far from one that is not.",
        (0, 1, 2),
    ),
    "sizes": replace(SHOWN["size_summary"], caption="Sizes of the outlines of every two readers"),
}
BESIDE_A_NETWORK = ("agreement", "references", "sizes")
"""Tables that the comparison of a network holds too, with a row more for the network."""


def among_tables(tables: Mapping[str, pd.DataFrame], network: bool) -> list[Table]:
    """The tables that have rows, in the order of `AMONG`; without those that a network's comparison shows."""
    names = [name for name in AMONG if len(tables[name]) and not (network and name in BESIDE_A_NETWORK)]
    return [as_table(f"among-{name}", tables[name], AMONG[name]) for name in names]
