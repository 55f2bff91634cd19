"""Of one patient's series, what a study takes: the baseline visit, its dynamic series, T2, maps and outlines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from radparity.cohort.collections import COLLECTIONS, Collection, Outline
from radparity.cohort.index import Listed
from radparity.intake.descriptions import FEWEST_SECTIONS, Described, plain, roles_beside
from radparity.intake.laterality import OTHER_SIDE, side_of_words

FEWEST_PHASES = 3
MAPS = {"enhancement_map": ": pe1", "washout_map": ": ser"}
LEFT_OUT = {
    "no_mr": "no MR series",
    "no_visit": "no baseline visit",
    "no_dynamic": "no dynamic series by the words at the baseline visit",
    "no_outline": "no DICOM SEG that holds the tumour at the baseline visit",
    "other_maker": "imaged on another manufacturer's scanner",
}


class Taken(NamedTuple):
    """A series that the study takes. outline: of a SEG, whose and by which rule it is made."""

    role: str
    series: Listed
    outline: Outline | None = None


@dataclass(frozen=True)
class Exam:
    """The baseline exam of a patient. side: by the words of the dynamic series, else of the visit; None: not said."""

    collection: Collection
    patient: str
    taken: list[Taken]
    side: str | None

    def of(self, role: str) -> list[Listed]:
        """The series taken in a role."""
        return [one.series for one in self.taken if one.role == role]

    @property
    def outlined(self) -> bool:
        """Whether any tumour outline was found."""
        return any(one.outline for one in self.taken)

    @property
    def both(self) -> bool:
        """Whether the words, or what is known of the collection, say that the exam shows both breasts."""
        return bool(re.search(self.collection.both, self.of("dynamic")[0].description))

    @property
    def scanner(self) -> str:
        """Manufacturer and model of the dynamic series."""
        first = self.of("dynamic")[0]
        return " ".join(filter(None, (first.manufacturer, first.model)))


def choose(series: Sequence[Listed], maker: str | None = None) -> tuple[Exam | None, str]:
    """The exam of one patient, or None with the key in LEFT_OUT that says why there is none.

    series: all of one patient, of one collection. maker: the first word of the manufacturer that is wanted.
    """
    collection = COLLECTIONS[series[0].collection]
    if not any(row.modality == "MR" for row in series):
        return None, "no_mr"
    visit = baseline(series, collection)
    if not visit:
        return None, "no_visit"
    dynamic = _dynamic(visit, collection)
    if not dynamic:
        return None, "no_dynamic"
    outlines = _outlines(visit, collection)
    if collection.outlines and not outlines:
        return None, "no_outline"
    if maker and not dynamic[0].manufacturer.upper().startswith(maker.upper()):
        return None, "other_maker"
    side = _side(_drawn_on(visit, outlines, collection), dynamic, visit)
    dynamic = [row for row in dynamic if not side or side_of_words(row.description) != OTHER_SIDE[side]]
    taken = [Taken("dynamic", row) for row in dynamic]
    taken += [Taken("t2", row) for row in _t2(visit, side)]
    taken += [Taken(role, row) for role in MAPS for row in _map(visit, dynamic, collection, MAPS[role])]
    return Exam(collection, series[0].patient, [*taken, *outlines], side), ""


def baseline(series: Sequence[Listed], collection: Collection) -> list[Listed]:
    """The MR and SEG series of the baseline visit: by the study's description, or of the first day with MR."""
    images = [row for row in series if row.modality in ("MR", "SEG")]
    if collection.baseline:
        return [row for row in images if row.study_description.endswith(collection.baseline)]
    first = min(row.visit for row in images if row.modality == "MR")
    return [row for row in images if row.visit == first]


def proposed(visit: Sequence[Listed]) -> list[tuple[str, str]]:
    """Role and reason of each series of a visit, by the rules that a study has for descriptions beside one another."""
    return roles_beside([Described(row.description, row.modality, row.images) for row in visit])


def _dynamic(visit: Sequence[Listed], collection: Collection) -> list[Listed]:
    """The dynamic series: the copy that was analysed, else the one that the maps were made from, else all by words."""
    roles = proposed(visit)
    found = [row for row, (role, _) in zip(visit, roles, strict=True) if role == "dynamic"]
    if collection.analysed:
        return [row for row in found if re.search(collection.analysed, row.description)] or found
    if collection.numbered:
        maps = [row for row in visit if row.modality == "MR" and _ends(row, MAPS["washout_map"])]
        for one in maps:
            source = [row for row in found if row.number == one.number // collection.numbered]
            # Where each phase is a series of its own, the number is only the first one's.
            if len(source) == 1 and source[0].images >= FEWEST_PHASES * one.images:
                return source
    return found


def _outlines(visit: Sequence[Listed], collection: Collection) -> list[Taken]:
    """One SEG for each kind of outline, of the best description that is there."""
    objects = [row for row in visit if row.modality == "SEG"]
    if collection.needed and not any(re.fullmatch(collection.needed, row.description) for row in objects):
        return []
    found = []
    for outline in collection.outlines:
        for words in outline.descriptions:
            fitting = [row for row in objects if re.fullmatch(words, row.description)]
            if fitting:
                found.append(Taken("segmentation", fitting[-1], outline))
                break
    return found


def _map(visit: Sequence[Listed], dynamic: list[Listed], collection: Collection, ending: str) -> list[Listed]:
    """The site's own map of the dynamic series, where the collection has one whose meaning is known."""
    if not collection.numbered:
        return []
    numbers = {row.number for row in dynamic}
    fitting = [row for row in visit if _ends(row, ending) and row.number // collection.numbered in numbers]
    return fitting[:1]


def _t2(visit: Sequence[Listed], side: str | None) -> list[Listed]:
    """The T2-weighted series with most images that does not name the other side; none where there is none."""
    roles = proposed(visit)
    other = OTHER_SIDE[side] if side else "the other"
    found = [
        row
        for row, (role, _) in zip(visit, roles, strict=True)
        if role == "t2" and row.images >= FEWEST_SECTIONS and side_of_words(row.description) != other
    ]
    return sorted(found, key=lambda row: (-row.images, row.number, row.series))[:1]


def _drawn_on(visit: Sequence[Listed], outlines: list[Taken], collection: Collection) -> list[Listed]:
    """The series that the outlines' numbers point to, where the collection numbers them so."""
    numbers = {one.series.number // collection.numbered for one in outlines} if collection.numbered else set()
    return [row for row in visit if row.modality == "MR" and row.number in numbers]


def _side(drawn_on: list[Listed], dynamic: list[Listed], visit: Sequence[Listed]) -> str | None:
    """Left or right: the first of these sets of descriptions that names a side decides, and only where it names one."""
    own, dynamics = ({row.description for row in rows} for rows in (drawn_on, dynamic))
    for words in (own, dynamics, {text for row in visit for text in (row.description, row.study_description)}):
        said = {side_of_words(text) for text in words} - {None}
        if said:
            return said.pop() if said in ({"left"}, {"right"}) else None
    return None


def _ends(row: Listed, ending: str) -> bool:
    return plain(row.description).endswith(ending)
