"""The numbers of one case: Dice on each reference, sizes, what the network says of the section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radparity.compare.against import pairs_of
from radparity.compare.scores import Case, EmptyPolicy, averaged, dice, score
from radparity.compare.size import equivalent_diameter, size_of
from radparity.consensus import Rule
from radparity.report.tables import Table, missing, number


def dice_table(case: Case, rule: Rule, empty: EmptyPolicy) -> Table:
    """Dice of network and reader on each leave-one-reader-out reference, and averaged, as the comparison has them."""
    scores = score([case], rule, empty)
    mean = averaged(scores).iloc[0]
    rows = [
        [row["reference"], number(row["dice_network"]), number(row["dice_reader"]), str(row["reference_voxels"])]
        for row in scores.to_dict("records")
    ]
    rows.append(["averaged", number(mean["dice_network"]), number(mean["dice_reader"]), ""])
    note = f"Reference: {rule} of all readers but the one named. Reader: that one on the same reference."
    note += "" if all(not missing(v) for v in scores["dice_network"]) else " Blank: the reference is empty."
    return Table("dice", "Dice on each reference", ["reference without", "network", "reader", "voxels"], rows, note)


def against_table(case: Case, rule: Rule, empty: EmptyPolicy) -> Table:
    """Dice of network and, of two raters, of one on the other, where one or two raters outlined the case."""
    rows = [
        [rater, against, number(dice(mask, drawn, empty)), str(int(drawn.sum()))]
        for rater, against, mask, drawn in pairs_of(case, rule)
    ]
    note = "" if len(rows) == 1 else f"The reference is the {rule} of the two."
    note += "" if all(row[2] for row in rows) else " Blank: the reference is empty."
    return Table("dice", "Dice on the reference", ["masks of", "on", "Dice", "voxels"], rows, note, (0, 1))


def size_table(masks: Mapping[str, Any], spacing_mm: tuple[float, float]) -> Table:
    """Area on the section and equivalent diameter of each mask (anterior, superior)."""
    rows = []
    for name, mask in masks.items():
        area = size_of(mask, spacing_mm)
        rows.append([name, number(area, 1), number(equivalent_diameter(area, 2), 1)])
    note = "Diameter: of the circle with that area."
    return Table("sizes", "Size on the section", ["whose", "area, mm²", "diameter, mm"], rows, note)


def network_facts(arm: str, segment: Mapping[str, Any], prediction: Mapping[str, Any]) -> dict[str, str]:
    """What the records say of the network on this case, in words."""
    found = {
        "arm": arm,
        "networks that judged it": str(prediction.get("networks", "")),
        "probability, largest on the section": number(segment.get("section_maximum")),
        "threshold, share of that maximum": number(segment.get("fraction"), 2),
        "fold disagreement inside the mask, mean standard deviation": number(segment.get("disagreement")),
    }
    if prediction.get("networks_without_scanner"):
        found["of them trained without this scanner"] = str(prediction["networks_without_scanner"])
    return {name: value for name, value in found.items() if value}
