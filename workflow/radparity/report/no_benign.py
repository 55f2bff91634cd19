"""No benign arm: where patches without tumour came from, and what a study without benign breasts cannot say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from radparity.networks.geometry import GEOMETRIES
from radparity.report import outlines
from radparity.report.results import Results
from radparity.report.tables import Table
from radparity.report.verdict import Verdict

UNKNOWN = (
    "No breast without cancer was trained on or judged, and of a test case only the outlined section is judged: how"
    " often the network marks something in a healthy breast is not known, and specificity on benign breasts is not"
    " available."
)


def without_benign(results: Results) -> bool:
    """Whether the primary arm was trained here and no development breast is benign."""
    network = results.config["arms"][results.primary]["network"]
    labels = {breast.label for breast in results.breasts if breast.partition == "development"}
    return network in GEOMETRIES and labels == {"malignant"}


def limited(said: Verdict, results: Results) -> Verdict:
    """The verdict, limited by what is suspect of all outlines and where no benign breast was there."""
    said = outlines.limited(said, results)
    return dataclasses.replace(said, limits=[*said.limits, UNKNOWN]) if without_benign(results) else said


def patches(train: Mapping[str, Any], benign: bool) -> str:
    """Where the patches of a training lay, as a sentence of a paper; `benign`: the study has such breasts."""
    share = f"{100 * train['malignant_share']:g} %"
    flips = f"; {100 * train['flip_share']:g} % of the patches were flipped" if train["flip_share"] else ""
    if train["negatives"] == "tumour_free_sections":
        also = ", and around voxels of the central section of breasts without cancer" if benign else ""
        return (
            f"Of the patches {share} were drawn around a voxel of an outline; the others around voxels of the breast in"
            " tumour-free sections of breasts with cancer (where an outline fills the volume, and at least"
            f" {train['negatives_margin_mm']:g} mm from any section with tumour){also}{flips}."
        )
    where = (
        "from their central section"
        if train["sampling"] == "paper"
        else "half around bright voxels and half from anywhere, mostly near the middle"
    )
    return (
        f"Of the breasts drawn {share} had cancer, with the patch around a voxel of the outline; patches of the others"
        f" came {where}{flips}."
    )


def sentences(results: Results) -> Iterable[str]:
    """What a paper's methods say of patches without tumour."""
    yield patches(results.config["train"], any(breast.label == "benign" for breast in results.breasts))
    if without_benign(results):
        yield UNKNOWN


def negatives_table(results: Results) -> Table | None:
    """Of each training: how many of its breasts gave patches without tumour; None where all of them are benign."""
    if results.config["train"]["negatives"] == "benign_breasts":
        return None
    benign = {breast.breast for breast in results.breasts if breast.label == "benign"}
    rows = []
    for (arm, fold), facts in sorted(results.training.items(), key=lambda item: (item[0][0], int(item[0][1]))):
        if "negatives_from" not in facts:
            continue
        own, cancers = set(facts["negatives_from"]), set(facts["training"]) - benign
        rows.append([arm, fold, f"{len(own - benign)} of {len(cancers)}", f"{len(own & benign)}"])
    if not rows:
        return None
    head = ["arm", "fold", "breasts with cancer that gave tumour-free sections", "benign breasts"]
    note = "An outline on one section says nothing of the others: such a breast gives no patch without tumour."
    return Table("negatives", "Where patches without tumour came from", head, rows, note, (0, 1))
