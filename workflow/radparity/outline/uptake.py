"""Uptake: whether an outline lies where it was drawn, or would enhance more mirrored or some sections away.

A mask that is exported with an axis reversed, or with sections counted from 1, looks like any other mask. Its border
gives it away: around a cancer the uptake (DCE-in) drops from inside to outside.

What is compared is the border's contrast: the probability that a voxel just inside the border takes up more than one
just outside it (the area under the ROC curve). It is 0.5 where the border follows nothing and 1 where it follows an
edge all along, whatever the scale of the intensities, and it holds for cancers that enhance at their rim alone.
`benchmarks/outline_checks.md` says how many planted faults the rule finds and how often it is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import rankdata

from radparity.record import DataFault

UPTAKE = "dce_in"
FEWEST_VOXELS = 8
FARTHEST = 2
# Below this the better place shows no border either: chance, a vessel, or a cancer that does not enhance.
PLAUSIBLE = 0.6
TOGETHER = "together"

Mask = NDArray[np.bool_]


class Rule(NamedTuple):
    """How places are compared: width in mm of the band on each side of the border, and by how much the border's
    contrast must be larger elsewhere than where the outline was drawn: to be suspect, and to be doubtful."""

    band_mm: float
    margin: float
    doubt: float = math.inf


# One rater among several has witnesses: only places that share more with the others' outlines are looked at.
AMONG_OTHERS = Rule(2.0, 0.03)
MIRRORED = Rule(2.0, 0.1)
# Neighbouring sections of a cancer resemble each other, so their rule looks at a narrower band.
MOVED = Rule(1.2, 0.1, 0.05)


class Place(NamedTuple):
    """Where an outline could lie: in words, its section (counted on the breast's grid), and whether it is mirrored
    there about the middle of the anterior and of the superior axis."""

    name: str
    section: int
    anterior: bool = False
    superior: bool = False

    def of(self, mask: Mask) -> Mask:
        """The mask (anterior, superior) as it lies at this place."""
        return mask[:: -1 if self.anterior else 1, :: -1 if self.superior else 1]


class Finding(NamedTuple):
    """One comparison: whose outline (a rater, or all `together`), the contrast of its border as drawn, the best other
    place with its contrast, whether that is suspect, why nothing could be decided (empty where it could), and whether
    it is doubtful: too little for a suspect, enough to look at."""

    whose: str
    score: float | None
    best: Place | None
    best_score: float | None
    suspect: bool
    note: str
    doubtful: bool = False

    def facts(self) -> dict[str, Any]:
        """The finding in a record."""
        return {
            "whose": self.whose,
            "score": _rounded(self.score),
            "best": self.best.name if self.best else None,
            "best_score": _rounded(self.best_score),
            "suspect": self.suspect,
            "doubtful": self.doubtful,
            "note": self.note,
        }

    def sentence(self) -> str:
        """What is suspect or doubtful, for a person."""
        place = self.best.name if self.best else "nowhere"
        return f"{self.whose}: {self.score:.2f} as drawn, {self.best_score:.2f} {place}"


def border(mask: Mask, spacing: Sequence[float] | NDArray[np.float64], band_mm: float) -> tuple[Mask, Mask]:
    """The bands just inside and just outside a mask's border. mask: (anterior, superior); spacing: mm along these."""
    if not mask.any() or mask.all():
        return np.zeros_like(mask), np.zeros_like(mask)
    inside = mask & (ndimage.distance_transform_edt(mask, sampling=spacing) <= band_mm)
    outside = ~mask & (ndimage.distance_transform_edt(~mask, sampling=spacing) <= band_mm)
    return inside, outside


def contrast(image: NDArray[Any], inside: Mask, outside: Mask) -> float | None:
    """The probability that a voxel of `inside` is brighter than one of `outside`, ties counted by half.

    image: (anterior, superior), any scale. None where a band holds fewer than 8 voxels, or the image is flat there.
    """
    within, without = image[inside], image[outside]
    values = np.concatenate([within, without]).astype(np.float64)
    if min(within.size, without.size) < FEWEST_VOXELS or not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    ranks = rankdata(values)[: within.size].sum()
    return float((ranks - within.size * (within.size + 1) / 2) / (within.size * without.size))


def mirrored_in_plane(section: int) -> list[Place]:
    """An outline reversed within its section."""
    return [
        Place("mirrored anterior-posterior", section, True, False),
        Place("mirrored superior-inferior", section, False, True),
        Place("mirrored anterior-posterior and superior-inferior", section, True, True),
    ]


def mirrored_left_right(section: int, sections: int) -> list[Place]:
    """Outlines reversed along the sections of a breast; those that land where a move by sections does are left out."""
    other = sections - 1 - section
    if abs(other - section) <= FARTHEST:
        return []
    here = Place("mirrored left-right", other)
    turned = [place._replace(name=f"{place.name} and left-right") for place in mirrored_in_plane(other)]
    return [here, *turned]


def moved(section: int, sections: int) -> list[Place]:
    """Outlines up to two sections away."""
    steps = [step for step in range(-FARTHEST, FARTHEST + 1) if step and 0 <= section + step < sections]
    return [
        Place(f"{abs(step)} section{'s'[: abs(step) - 1]} further {'right' if step > 0 else 'left'}", section + step)
        for step in steps
    ]


def compare(
    uptake: NDArray[Any],
    mask: Mask,
    section: int,
    spacing: Sequence[float] | NDArray[np.float64],
    places: Sequence[Place],
    rule: Rule,
    whose: str = TOGETHER,
) -> Finding:
    """An outline as drawn against other places that it could lie at.

    uptake: (section, anterior, superior); mask: (anterior, superior); spacing: mm along the three axes.
    An outline whose border cannot be measured where it was drawn, or nowhere else, is never suspect; the note says so.
    """
    inside, outside = border(mask, spacing[1:], rule.band_mm)
    score = contrast(uptake[section], inside, outside)
    if score is None:
        return Finding(whose, None, None, None, False, "its border is too small, or the uptake is flat around it")
    found = [(contrast(uptake[p.section], p.of(inside), p.of(outside)), p) for p in places]
    scored = [(value, place) for value, place in found if value is not None]
    if not scored:
        return Finding(whose, score, None, None, False, "no other place comes into question")
    value, place = max(scored, key=lambda pair: pair[0])
    # An outline that is its own mirror image scores alike in both places, and is where it should be in either.
    more, plausible = value - score, value >= PLAUSIBLE
    suspect = plausible and more > rule.margin
    return Finding(whose, score, place, value, suspect, "", plausible and not suspect and more > rule.doubt)


def together(outlines: Mask) -> Mask:
    """What at least half of the raters outlined, or any of them where that is nothing. outlines: (..., rater)."""
    half: Mask = np.asarray(outlines.mean(axis=-1) >= 0.5)
    return half if half.any() else np.asarray(outlines.any(axis=-1))


def check_uptake(
    channels: NDArray[Any],
    names: Sequence[str],
    outlines: NDArray[Any],
    raters: Sequence[str],
    section: int,
    spacing: Sequence[float] | NDArray[np.float64],
) -> list[Finding]:
    """Every comparison of a case: each rater's outline of several, mirrored in its section to where the others drew;
    and all of them together, mirrored along any axis, or moved by up to two sections.

    channels: (channel, section, anterior, superior), `names` in that order, among them dce_in; outlines: (anterior,
    superior, rater), `raters` in that order, on one `section` of the grid; spacing: mm along the three axes.
    The section is the raters' common one, so one rater alone on another is found without the image (outline_sections).
    Raises ValueError where the uptake is not among the channels or the arrays do not fit together.
    """
    if UPTAKE not in names:
        raise ValueError(f"the channel {UPTAKE} is needed to check outlines; there are {', '.join(names)}")
    if outlines.shape != (*channels.shape[2:], len(raters)) or not 0 <= section < channels.shape[1]:
        raise ValueError(f"outlines {outlines.shape} on section {section} do not fit channels {channels.shape}")
    uptake, masks = channels[list(names).index(UPTAKE)], outlines > 0
    found = []
    for position, rater in enumerate(raters if len(raters) > 1 else ()):
        mask, others = masks[..., position], together(np.delete(masks, position, axis=-1))
        closer = [p for p in mirrored_in_plane(section) if _shared(p.of(mask), others) > _shared(mask, others)]
        found.append(compare(uptake, mask, section, spacing, closer, AMONG_OTHERS, rater))
    common, sections = together(masks), uptake.shape[0]
    mirrored = [*mirrored_in_plane(section), *mirrored_left_right(section, sections)]
    for places, rule in ((mirrored, MIRRORED), (moved(section, sections), MOVED)):
        found.append(compare(uptake, common, section, spacing, places, rule))
    return found


def _shared(mask: Mask, other: Mask) -> int:
    """Voxels that two masks share."""
    return int((mask & other).sum())


def settle(findings: Sequence[Finding], facts: Mapping[str, Any], accepted: bool) -> dict[str, Any]:
    """A case's facts with the findings under `uptake`, and flags: `geometry_doubtful` where nobody has looked at a
    doubtful finding, `outline_accepted` where a decision accepts one, or a suspect.

    Raises DataFault `suspect_geometry`, with the findings, what the study's test of shifts needs, and the picture as
    its evidence, where there is a suspect and nobody accepts it.
    """
    found = {"uptake": [finding.facts() for finding in findings]}
    told = "; ".join(finding.sentence() for finding in findings if finding.suspect or finding.doubtful)
    if not told:
        return {**facts, **found}
    suspect = any(finding.suspect for finding in findings)
    sentence = f"the uptake shows {'more' if suspect else 'a little more'} of a border elsewhere ({told})"
    if suspect and not accepted:
        mend = "Look at check.png: export the outline again, or accept it with outline_ok in the decisions sheet"
        kept = {"shifts": facts["shifts"]} if "shifts" in facts else {}
        raise DataFault("suspect_geometry", f"{sentence}. {mend}", found | kept, evidence=["check"])
    flag = {"code": "outline_accepted" if accepted else "geometry_doubtful", "sentence": sentence}
    return {**facts, **found, "flags": [*facts.get("flags", []), flag]}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
