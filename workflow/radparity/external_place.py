"""External place: whether a map that was made elsewhere lies where the uptake and the readers have the cancer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.outline.uptake import Finding, Place, check_uptake
from radparity.record import DataFault
from radparity.segment import segment_section

HALF = 0.5
WHOSE = "network"


def misplaced(
    section_map: NDArray[Any],
    outlines: NDArray[Any],
    channels: NDArray[Any],
    names: Sequence[str],
    section: int,
    spacing: Sequence[float] | NDArray[np.float64],
    component: float,
) -> list[Finding]:
    """Where else the cancer of a map seems to belong: the suspects of the check that readers' outlines undergo.

    section_map: the map on the readers' `section`, (anterior, superior), cut at half of its maximum as a mask is;
    outlines: the readers', (anterior, superior, rater); channels: (channel, section, anterior, superior), `names` in
    that order, among them dce_in; spacing: mm along the three axes.

    A mask of the wrong tissue is the failure that a study counts, and takes up no less in many another place. So the
    readers decide with the uptake: a mirrored mask is suspect only where its mirror image shares more with their
    outlines, one that is some sections off only where it touches them.
    """
    mask = segment_section(section_map, HALF, component)
    drawn: NDArray[np.bool_] = np.asarray(np.any(outlines, axis=-1))
    if not mask.any():
        return []
    found = check_uptake(channels, names, mask[..., None], [WHOSE], section, spacing)
    return [each for each in found if each.suspect and each.best and _nearer(mask, each.best, drawn)]


def _nearer(mask: NDArray[np.bool_], place: Place, drawn: NDArray[np.bool_]) -> bool:
    here, there = int((mask & drawn).sum()), int((place.of(mask) & drawn).sum())
    return there > here or (there == here and here > 0)


def settle_place(suspects: Sequence[Finding], accepted: bool) -> dict[str, Any]:
    """What the record says of a map's place: nothing where it is not suspect, a flag where a decision accepts it.

    Raises DataFault `external_suspect` where nobody accepts it.
    """
    if not suspects:
        return {}
    said = "; ".join(
        f"contrast {each.score:.2f} as placed, {each.best_score:.2f} {each.best.name}" for each in suspects if each.best
    )
    sentence = f"the border of the mask would follow the uptake better elsewhere ({said})"
    if not accepted:
        mend = "Export the map again, or accept the breast with outline_ok in the decisions sheet"
        raise DataFault("external_suspect", f"{sentence}. {mend}")
    return {"flags": [{"code": "external_accepted", "sentence": sentence}]}
