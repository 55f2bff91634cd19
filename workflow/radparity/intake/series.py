"""Which series of an exam form its dynamic acquisition, with the reason for every series taken or left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from radparity.intake.acquisition import (
    Acquisition,
    group,
    left_out,
    needs_pre,
    orphans,
    says,
)
from radparity.intake.headers import Header
from radparity.intake.roles import ROLES, kind, role, summary
from radparity.record import DataFault

__all__ = ["by_series", "dynamic_series", "role"]
FEWEST_VOLUMES = 3  # spec section 2: one before and at least two after contrast
HOW = (
    "Name the series numbers in decisions.tsv with the role `dynamic` (and the others with `other`);"
    " two breasts in separate series are two rows of the exams sheet"
)


@dataclass
class Series:
    """One series with the role given so far; `decided` where a person gave it."""

    images: list[Header]
    role: str
    reason: str
    decided: bool


def by_series(headers: list[Header]) -> list[list[Header]]:
    """Images grouped by series, in order of series number (as a number, not as text).

    A series that mixes things (the water, fat and phase images of a Dixon acquisition, or phases with subtractions, as
    told by ImageType) gives one group for each.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Header]] = defaultdict(list)
    for header in headers:
        groups[header.series, tuple(sorted(kind(header)))].append(header)
    ordered = sorted(groups.items(), key=lambda item: (item[1][0].series_number, item[0]))
    return [images for _, images in ordered]


def dynamic_series(
    series: list[list[Header]], decided: Mapping[int, str] | None = None
) -> tuple[list[list[Header]], list[dict[str, object]]]:
    """The series that together form the dynamic acquisition, and the record of every series.

    series: as `by_series` gives them. decided: series number to the role that a person gave it; such a series is taken,
    or left, whatever the rules say, and the acquisition it belongs to is preferred to all others.
    Rules, after the roles of the single series (radparity.intake.roles): candidates that share grid, sections and
    sequence are one acquisition; it needs three volumes; steady-state is preferred to ultrafast, one whose descriptions
    say it is dynamic to one that does not, with fat suppression to without; of several pre-contrast series the highest
    number is kept (spec section 2). The list is empty where no acquisition has two volumes. The record holds number,
    description, images, role, reason and the first file of each.
    Raises DataFault `dynamic_ambiguous` where these rules do not decide, `precontrast_missing` where every series says
    it is after contrast.
    """
    mixed = _mixed(series)
    known = [_judged(images, decided or {}, mixed) for images in series]
    named = [one for one in known if one.decided and one.role == "dynamic"]
    candidates = [
        one
        for one in known
        if one.images[0].placed and (one.role == "dynamic" or one.role == "ultrafast" and not one.decided)
    ]
    acquisitions = group([one.images for one in candidates], [one.images for one in named])
    owner = {id(one.images): one for one in known}
    chosen, why = _chosen(acquisitions, [one.images for one in named])
    if chosen is not None:
        dropped = left_out(chosen, [one.images for one in named], HOW)
        kept = [images for images in chosen.series if id(images) not in dropped]
        chosen = replace(chosen, series=kept)
        if needs_pre(chosen) and not named:
            raise DataFault(
                "precontrast_missing",
                f"{summary(kept)}: every description says after contrast, and no series before it shares grid and"
                f" sequence. {HOW}",
            )
        lost = [] if named else orphans(chosen, acquisitions)
        if lost:
            raise DataFault(
                "dynamic_ambiguous",
                f"{summary(lost)} lies before {summary(kept)}, of the same sequence on another grid: which of them is"
                f" the pre-contrast phase? {HOW}",
            )
        for images in chosen.series:
            one = owner[id(images)]
            one.role, one.reason = "dynamic", one.reason if one.decided else f"{one.reason}; {why}"
        for key, reason in dropped.items():
            owner[key].role, owner[key].reason = "t1", reason
    for acquisition in acquisitions:
        for images in acquisition.series:
            one, ours = owner[id(images)], chosen is not None and acquisition.key == chosen.key
            if not ours and not one.decided:
                one.role, one.reason = _not_taken(acquisition, chosen, one)
    return [one.images for one in known if one.role == "dynamic" and one.images[0].placed], [_row(one) for one in known]


def _judged(images: list[Header], decided: Mapping[int, str], mixed: set[str]) -> Series:
    number = images[0].series_number
    found, reason = role(images)
    # Of a series that mixes things, a person who says dynamic does not mean its subtractions or fat images.
    apart = images[0].series in mixed and found in ("derived", "other") and decided.get(number) == "dynamic"
    if number not in decided or apart:
        return Series(images, found, reason, False)
    if decided[number] not in ROLES:
        raise ValueError(f"decided role '{decided[number]}' of series {number} is none of {', '.join(ROLES)}")
    return Series(images, decided[number], "decided by a person", True)


def _mixed(series: list[list[Header]]) -> set[str]:
    """Series that hold images of several kinds (radparity.intake.roles.kind), by SeriesInstanceUID."""
    kinds: dict[str, set[frozenset[str]]] = defaultdict(set)
    for images in series:
        kinds[images[0].series].add(kind(images[0]))
    return {uid for uid, found in kinds.items() if len(found) > 1}


def _chosen(acquisitions: list[Acquisition], named: list[list[Header]]) -> tuple[Acquisition | None, str]:
    """The acquisition to take and the reason; None where none has two volumes.

    Raises DataFault `dynamic_ambiguous`.
    """
    if named:
        mine = [a for a in acquisitions if any(images in a.series for images in named)]
        if len(mine) > 1:
            raise DataFault(
                "dynamic_ambiguous", f"{summary(named)} were named dynamic, but lie on different grids. {HOW}"
            )
        return (mine[0] if mine else None), "of the acquisition that a person named"
    steady = [a for a in acquisitions if not a.ultrafast and a.volumes >= FEWEST_VOLUMES]
    fast = [a for a in acquisitions if a.ultrafast and a.volumes >= FEWEST_VOLUMES]
    few = [a for a in acquisitions if a.volumes == FEWEST_VOLUMES - 1]
    pool = steady or fast or few
    why = "the only acquisition of several volumes"
    if not steady and fast:
        why = "ultrafast, and the exam holds no steady-state acquisition"
    elif steady and fast:
        why = "steady-state, preferred to the ultrafast acquisition"
    preferences: list[tuple[Callable[[Acquisition], bool], str]] = [
        (says, "its description says it is dynamic, that of the others does not"),
        (lambda a: a.fat_suppressed is True, "fat-suppressed, which the other is not"),
    ]
    for preferred, reason in preferences:
        best = [a for a in pool if preferred(a)]
        if len(pool) > 1 and 0 < len(best) < len(pool):
            pool, why = best, reason
    if len(pool) > 1:
        raise DataFault(
            "dynamic_ambiguous",
            f"{len(pool)} acquisitions could be the dynamic one: {'; '.join(summary(a.series) for a in pool)}. {HOW}",
        )
    return (pool[0], why) if pool else (None, "")


def _not_taken(acquisition: Acquisition, chosen: Acquisition | None, one: Series) -> tuple[str, str]:
    """Role and reason of a candidate whose acquisition was not chosen."""
    if acquisition.ultrafast:
        return "ultrafast", f"{one.reason}; another acquisition is taken" if chosen else one.reason
    if acquisition.volumes < 2:
        return "t1", f"{one.reason}; a single volume: no other series shares its grid, sections and sequence"
    taken = f"{summary(chosen.series)} is taken" if chosen else "too few volumes"
    return "t1", f"{one.reason}; an acquisition of {acquisition.volumes} volumes, but {taken}"


def _row(one: Series) -> dict[str, object]:
    first = one.images[0]
    return {
        "number": first.series_number,
        "description": first.description,
        "images": len(one.images),
        "role": one.role,
        "reason": one.reason,
        "file": first.file,
    }
