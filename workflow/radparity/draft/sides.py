"""Which breasts an exam shows, as far as its headers tell."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from radparity.draft.find import Series
from radparity.intake.geometry import levels
from radparity.intake.headers import Header
from radparity.intake.laterality import laterality, stacks

LONGEST_T1_REPETITION_MS = 780.0
FEWEST_SECTIONS = 8
FEWEST_PHASES = 3


class Doubt(NamedTuple):
    """what: a word that is counted. question, decide: a sentence each, without anything that identifies."""

    what: str
    question: str
    decide: str


class Stack(NamedTuple):
    """One series of an exam: how many images it has, and the places of its sections, each once (mm, LPS)."""

    series: Series
    images: int
    origins: list[tuple[float, float, float]]


SIDE_UNSURE = Doubt(
    "side_unsure",
    "laterality tag, description and position do not tell which breast this is, or disagree",
    "Fill the column `side` of the breasts sheet; add a row if both breasts are shown",
)
SIDES_MIXED = Doubt(
    "sides_mixed",
    "some T1-weighted volumes show both breasts and some one",
    "Look at which ones intake takes for the dynamic series; drop the row of a breast that they do not show",
)
NO_DYNAMIC = Doubt(
    "no_dynamic_series",
    "no T1-weighted volume has three phases",
    "Is the exam complete? Fetch what is missing, or write `exclude` in decisions.tsv",
)


def sides(found: list[Stack]) -> tuple[list[str], list[str], list[Doubt]]:
    """The breasts that an exam shows, the sides of its rows in the exams sheet, and what is doubtful about either.

    Looked at are the series that can be the dynamic one: T1-weighted volumes of three or more phases in all, else any
    volume. Two rows where the left and the right breast come as a stack each; a side is empty where nothing tells.
    """
    doubts: list[Doubt] = []
    groups: dict[tuple[object, ...], list[tuple[int, int]]] = defaultdict(list)
    shown: dict[tuple[object, ...], str] = {}
    for stack in found:
        images = [_header(stack.series, origin) for origin in stack.origins]
        volumes = [part for part in stacks(images)] if images and images[0].placed else []
        for part in volumes:
            sections = max(levels(part)) + 1
            if sections < FEWEST_SECTIONS:
                continue
            side, _, flags = laterality(part)
            series = stack.series
            slow = (series.repetition or 0) >= LONGEST_T1_REPETITION_MS
            key = (bool(series.derived or slow), series.orientation, series.rows, series.columns, series.spacing, side)
            groups[key].append((stack.images * len(part) // len(images), sections))
            shown[key] = "" if side is None or flags else side
    plain = [key for key in groups if not key[0]]
    dynamic = [key for key in plain if sum(n for n, _ in groups[key]) >= FEWEST_PHASES * max(s for _, s in groups[key])]
    if not dynamic:
        doubts.append(NO_DYNAMIC)
    seen = {shown[key] for key in dynamic or plain or groups} or {""}
    if "" in seen:
        return [""], [""], [*doubts, SIDE_UNSURE]
    if "both" in seen:
        return ["left", "right"], [""], doubts + [SIDES_MIXED] * (len(seen) > 1)
    return sorted(seen), sorted(seen) if len(seen) > 1 else [""], doubts


def _header(series: Series, origin: tuple[float, float, float]) -> Header:
    """As much of an image's header as tells where it lies; intake reads the rest when the study runs."""
    orientation = tuple(map(float, series.orientation.split()))
    spacing = [*map(float, series.spacing.split())] or [0.0, 0.0]
    return Header(
        file="",
        series=series.series,
        series_number=0,
        description=series.description,
        image_type=(),
        modality=series.modality,
        orientation=orientation,
        position=origin,
        spacing=(spacing[0], spacing[-1]),
        rows=series.rows,
        columns=series.columns,
        instance=0,
        acquisition_number=None,
        acquisition_time=None,
        content_time=None,
        trigger_time=None,
        temporal_position=None,
        repetition_time=series.repetition,
        b_value=None,
        laterality=series.laterality,
        patient="",
        scanner=("", "", None),
    )
