"""The page of one case: what its template shows, put together from the case's own records and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.compare.scores import Case, EmptyPolicy, dice
from radparity.consensus import Rule
from radparity.figures import style
from radparity.page import facts
from radparity.page.contour import Mask
from radparity.page.curve import Curve, drawing, relative
from radparity.page.mosaic import Mosaic, probability_mosaic
from radparity.page.numbers import against_table, dice_table, network_facts, size_table
from radparity.page.overlay import Overlay, dashes, majority, overlays, references_of
from radparity.page.stills import stills
from radparity.page.view import View
from radparity.page.webp import uri
from radparity.report.pictures import CONVENTION
from radparity.report.tables import Table
from radparity.report.words import Words, words_of

BAR_MM = 20
NEAR_MM = 8.0
LARGEST = 0.8
"""Share of the section beyond which a close-up shows nothing more."""
PROBABILITY_BYTES = 4_000
JUDGED = ("tuning", "test", "internal")
NAMES = {"readers": "outlines"}
"""What the volume calls its overlays, where they are no readers'."""


@dataclass(frozen=True)
class Network:
    """What the primary arm says of a case: the map (section, anterior, superior), which begins at section `first`; the
    mask, and the section that it is on."""

    probability: NDArray[Any]
    first: int
    mask: Mask
    section: int


@dataclass(frozen=True)
class Content:
    """A case: what the sheets say of it, by column; its records by stage; its images where it has any."""

    breast: str
    who: Mapping[str, str]
    records: Mapping[str, facts.Record]
    digests: Mapping[str, str]
    view: View | None = None
    readers: Mapping[str, Mask] = field(default_factory=dict)
    network: Network | None = None
    check: str | None = None


@dataclass(frozen=True)
class Rules:
    """How the study compares: the primary arm, the readers who judge, references, empty references."""

    arm: str
    readers: Sequence[str]
    reference: Rule
    empty: EmptyPolicy
    made_by: str = "people"

    @property
    def words(self) -> Words:
        """How the page calls those who judge."""
        return words_of({"test": self.readers, "made_by": self.made_by}, self.reference)


def variables(case: Content, rules: Rules) -> dict[str, Any]:
    """What the template `case.html.j2` needs beside the frame. The same case gives the same values."""
    references = _references(case, rules)
    shown: dict[str, Any] = {
        "case": case,
        "words": rules.words,
        "left": _left(case, references, rules),
        "about": _about(case),
        "convention": CONVENTION,
        "tables": _quality(case),
        "files": facts.files_table(case.digests),
        "numbers": [],
        "network": network_facts(rules.arm, case.records["segment"], case.records["predict"]) if case.network else {},
        "section": None,
        "curve": None,
        "volume": None,
    }
    if case.view is not None:
        shown |= _images(case, case.view, rules, references)
    return shown


def _references(case: Content, rules: Rules) -> dict[str, Mask]:
    judged = case.who["partition"] in JUDGED
    return references_of(case.readers, rules.readers, rules.reference) if judged else {}


def _left(case: Content, references: Mapping[str, Mask], rules: Rules) -> facts.Left | None:
    """Where the case left: at a stage, or as a test case at the comparison, where no reference is usable."""
    found = facts.left(case.records, case.breast)
    if found or case.who["partition"] != "test" or not references:
        return found
    usable = any(not np.isnan(dice(mask, mask, rules.empty)) for mask in references.values())
    return None if usable else facts.without_reference(rules.words.few)


def _about(case: Content) -> dict[str, str]:
    said = dict(case.who)
    harmonized = case.records.get("harmonize", {})
    volume = case.records.get("mask", {}).get("volume_ml")
    said["scanner"] = str(harmonized.get("scanner", ""))
    said["breast"] = f"{volume:.0f} ml" if volume else ""
    return {name: value for name, value in said.items() if value}


def _quality(case: Content) -> list[Table]:
    records = case.records
    found = [
        facts.flags_table(records),
        facts.registration_table(records.get("register", {}), records.get("convert", {}).get("times_s", [])),
        facts.uptake_table(records.get("outline", {})),
        facts.scale_table(records.get("harmonize", {})),
    ]
    return [table for table in found if table is not None]


def _images(case: Content, view: View, rules: Rules, references: Mapping[str, Mask]) -> dict[str, Any]:
    here = case.network if case.network and case.network.section == view.section else None
    network = here.mask if here else None
    # One rater's outline is the reference, and is drawn once.
    shown = references if len(rules.readers) > 1 else {}
    drawn = overlays(case.readers, shown, network, view.breast, rules.arm)
    probability = here.probability[view.section - here.first] if here else None
    times = case.records["convert"]["times_s"]
    return {
        "section": {
            "number": view.section,
            "last": view.sections - 1,
            "chosen_by": case.records["view"]["section_chosen_by"],
            "elsewhere": case.network.section if case.network and here is None else None,
            "stills": stills(view, times, probability),
            "overlays": [one for one in drawn if one.path],
            "empty": [one.label for one in drawn if not one.path],
            "size": [2 * n for n in view.shape],
            "ratio": _ratio(view),
            "bar": 2 * BAR_MM / view.spacing_mm[1],
            "bar_mm": BAR_MM,
            "near": _near(_marked(case, network), view),
        },
        "numbers": _numbers(case, view, rules, network, references),
        "curve": drawing(_curves(view, network, _together(case, rules, references)), times),
        "volume": _volume(case, view, drawn) | ({"names": NAMES} if rules.words.few else {}),
    }


def _marked(case: Content, network: Mask | None) -> Mask | None:
    """What to show from near: all that the readers marked on the section, or else the network; None for nothing."""
    marked: Mask | None = np.any([*case.readers.values()], axis=0) if case.readers else network
    return marked if marked is not None and marked.any() else None


def _near(marked: Mask | None, view: View) -> dict[str, float] | None:
    """How the images are enlarged and moved, per cent of their frame, to show what is marked from near; None where
    nothing is, or nearly all of the section."""
    if marked is None:
        return None
    size = np.array(marked.shape) * view.spacing_mm[1:]
    ends = [np.flatnonzero(marked.any(axis=other)) for other in (1, 0)]
    low = np.array([found[0] for found in ends]) * view.spacing_mm[1:]
    high = np.array([found[-1] + 1 for found in ends]) * view.spacing_mm[1:]
    share = float(max((high - low + 2 * NEAR_MM) / size))
    if share > LARGEST:
        return None
    corner = np.clip((low + high) / 2 / size - share / 2, 0, 1 - share)
    left, top = float(corner[0]), 1 - float(corner[1]) - share
    return {"times": round(1 / share, 3), "left": round(-100 * left / share, 2), "top": round(-100 * top / share, 2)}


def _ratio(view: View) -> float:
    """Width of a section over its height, in mm."""
    return round(view.shape[0] * view.spacing_mm[1] / (view.shape[1] * view.spacing_mm[2]), 5)


def _numbers(
    case: Content, view: View, rules: Rules, network: Mask | None, references: Mapping[str, Mask]
) -> list[Table]:
    masks: dict[str, Any] = dict(case.readers) | ({} if network is None else {"network": network})
    step = (round(view.spacing_mm[1], 6), round(view.spacing_mm[2], 6))
    found = [size_table(masks, step)] if masks else []
    if network is not None and references:
        own = {reader: case.readers[reader] for reader in rules.readers}
        compared = Case(case.breast, case.who["patient"], network, own, step)
        table = against_table if rules.words.few else dice_table
        found.insert(0, table(compared, rules.reference, rules.empty))
    return found


def _together(case: Content, rules: Rules, references: Mapping[str, Mask]) -> tuple[str, Mask | None]:
    """Where those who outlined the case see the lesion, and what it is called: of one or two raters their reference, as
    the study's rule makes it, else the majority of all outlines."""
    if not rules.words.few:
        return rules.words.others, majority(case.readers)
    return next(iter(references.items()), ("outlines", majority(case.readers)))


def _curves(view: View, network: Mask | None, others: tuple[str, Mask | None]) -> list[Curve]:
    phases, (name, together) = view.on_grid(), others
    found = []
    if network is not None:
        found.append(Curve("network", relative(phases, network), style.NETWORK.colour, ""))
    if together is not None:
        # The colour of the figures' readers together is too pale for a line on paper.
        found.append(Curve(name, relative(phases, together), "#B35900", dashes(style.LINES[1], 2.2)))
    return found


def _volume(case: Content, view: View, drawn: Sequence[Overlay]) -> dict[str, Any]:
    frame = view.t1c.frame
    masks: list[dict[str, Any]] = [
        {"kind": one.kind, "path": one.path} for one in drawn if one.kind in ("reader", "network") and one.path
    ]
    chance: Mosaic | None = None
    if case.network is not None:
        found = case.network
        chance = probability_mosaic(found.probability, found.first, frame, PROBABILITY_BYTES)
        if found.section != view.section:
            from radparity.page.contour import svg_path

            masks.append({"kind": "network", "path": svg_path(found.mask), "section": found.section})
    pixel = [view.shape[k] * view.spacing_mm[k + 1] / frame.whole[k] for k in (0, 1)]
    layers = {"t1c": _layer(view.t1c), "dce_in": _layer(view.dce_in)}
    return {
        "sections": view.sections,
        "section": view.section,
        "spacing_mm": [round(view.spacing_mm[0], 4), *(round(v, 4) for v in pixel)],
        "size": [2 * n for n in view.shape],
        "layers": layers | ({"probability": _layer(chance)} if chance else {}),
        "masks": masks,
    }


def _layer(made: Mosaic) -> dict[str, Any]:
    return {**made.facts(), "frame": made.frame._asdict(), "data": uri(made.data)}
