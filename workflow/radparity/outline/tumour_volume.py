"""Functional tumour volume: the rule that makes an outline from the phases (UCSF; reader_statistics, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.outline.site_volume import Box, SiteVolume
from radparity.record import DataFault

FEWEST_NEIGHBOURS = 4
INSIDE_MM = 1e-3
# A time may be off by this share of the shortest time between two phases: sites take a phase's start or its middle.
SAME_PHASE = 0.25


def choose_phases(times: Sequence[float | None], site: SiteVolume) -> tuple[tuple[int, int, int], float | None]:
    """Which of an exam's phases are the site's before contrast, early and late; how far apart their times lie, s.

    times: of the exam's phases, in s from its first, which is taken for the site's. Where they are not known and the
    exam has as many phases as the site had, three, they are taken in order, and None is how far they lie apart.
    Raises DataFault `rule_phases` where a time of the site's is that of no phase.
    """
    wanted = [time - site.times[0] for time in site.times]
    known = np.array([time for time in times if time is not None], dtype=float)
    if len(known) < len(times) or len(known) < 3:
        if len(times) == site.phases == 3:
            return (0, 1, 2), None
        raise DataFault(
            "rule_phases",
            f"the exam has {len(times)} phases, {len(known)} of them with a time: the three that the site measured"
            " cannot be told. Correct the roles of its series, or leave the column `rule` empty",
        )
    apart = np.abs(known[None] - np.array(wanted)[:, None])
    found, farthest = apart.argmin(axis=1), float(apart.min(axis=1).max())
    if farthest > SAME_PHASE * np.diff(np.sort(known)).min() or len(set(found.tolist())) < 3:
        listed = ", ".join(f"{time:.0f}" for time in known)
        raise DataFault(
            "rule_phases",
            f"the site measured phases at {', '.join(f'{time:.0f}' for time in wanted)} s from its first; the exam's"
            f" are at {listed} s. Check that the segmentation is of this visit, and the roles of the exam's series",
        )
    return (int(found[0]), int(found[1]), int(found[2])), farthest


def functional_tumour_volume(
    phases: Any, affine: NDArray[np.float64], site: SiteVolume, chosen: tuple[int, int, int] = (0, 1, 2)
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Voxels of the functional tumour volume and of the box it is counted in, (section, anterior, superior).

    phases: raw, (section, anterior, superior, phase), an array or what is sliced like one; affine: RAS+; chosen: the
    phases before contrast (S0), early (S1) and late (S2). A voxel counts where S0 reaches the threshold, the early
    enhancement 100 (S1 - S0) / S0 reaches `percent`, S2 > S0, and at least 4 of its 26 neighbours meet these too,
    inside the box or not.
    """
    shape = phases.shape[:3]
    box = np.any([within(one, affine, shape) for one in site.boxes], axis=0)
    for one in site.omitted:
        box &= ~within(one, affine, shape)
    tumour = np.zeros(shape, bool)
    if not box.any():
        return tumour, box
    # The neighbours of the box's voxels are needed, nothing beyond them.
    marked = [np.flatnonzero(box.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    part = tuple(slice(max(0, own[0] - 1), own[-1] + 2) for own in marked)
    pre, early, late = (np.asarray(phases[(*part, phase)], dtype=np.float64) for phase in chosen)
    # Without a division, so that an enhancement of exactly the percentage counts. Nothing enhances from 0.
    meets = (pre > 0) & (pre >= site.threshold) & (100 * (early - pre) >= site.percent * pre) & (late > pre)
    neighbours = ndimage.convolve(meets.astype(np.int16), np.ones((3, 3, 3), np.int16), mode="constant") - meets
    tumour[part] = meets & (neighbours >= FEWEST_NEIGHBOURS) & box[part]
    return tumour, box


def within(box: Box, affine: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Voxels whose centre lies in a box, (section, anterior, superior)."""
    found = np.ones(shape, bool)
    for half in box.half_axes:
        length = float(np.linalg.norm(half))
        step = (half / length) @ affine[:3, :3]
        sections, rows, columns = (step[axis] * np.arange(shape[axis]) for axis in range(3))
        plane = rows[:, None] + columns + (half / length) @ (affine[:3, 3] - box.centre)
        for section, place in enumerate(sections):  # one by one: a whole volume of positions would fill the memory
            found[section] &= np.abs(place + plane) <= length + INSIDE_MM
    return found
