"""Sections: the images and outlines of one case, for the figures that show cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.consensus import Rule, leave_one_out
from radparity.image import load, spacing
from radparity.record import read

Plane = NDArray[np.bool_]
"""A mask of one section, (anterior, superior)"""
CLOSE_MM = 6.0


@dataclass(frozen=True)
class Section:
    """One section of a case: T1 post-contrast (anterior, superior), voxel sizes in mm, the masks drawn on it."""

    case: str
    image: NDArray[np.float32]
    spacing_mm: NDArray[np.float64]
    network: Plane
    readers: Mapping[str, Plane]

    @property
    def limits(self) -> tuple[float, float]:
        """Display limits of the image."""
        high = float(np.percentile(self.image, 99.7))
        return 0.0, high if high > 0 else 1.0

    @property
    def box(self) -> tuple[float, float, float]:
        """A square in mm around all masks, inside the image where it fits: left, lower, side."""
        together = np.any([self.network, *self.readers.values()], axis=0)
        size = self.spacing_mm * together.shape
        if not together.any():
            return 0.0, 0.0, float(min(size))
        ends = [np.flatnonzero(together.any(axis=other)) for other in (1, 0)]
        low = np.array([where[0] for where in ends]) * self.spacing_mm
        high = np.array([where[-1] + 1 for where in ends]) * self.spacing_mm
        side = float(min(max(high - low) + 2 * CLOSE_MM, *size))
        left, lower = np.clip((low + high - side) / 2, 0, size - side)
        return float(left), float(lower), side

    def consensus(self, rule: Rule) -> Plane:
        """All readers together by the study's rule; scores use the references that leave one of them out."""
        nobody = np.zeros(self.network.shape, dtype=bool)
        return leave_one_out({**self.readers, "": nobody}, rule)[""]


def read_section(
    case: str, section: int, channels: str | Path, mask: str | Path, outlines: str | Path, outline: str | Path,
    readers: Sequence[str],
) -> Section:  # fmt: skip
    """A case from the files that the stages left; `section` counts in the breast's grid, `outline` is the record."""
    image, affine = load(channels)
    drawn, raters = load(outlines, np.uint8)[0][0] > 0, read(outline)["raters"]
    return Section(
        case,
        image[section, ..., 0],
        spacing(affine)[1:],
        load(mask, np.uint8)[0][0] > 0,
        {reader: drawn[..., raters.index(reader)] for reader in readers},
    )


def show(axis: Any, section: Section, near: bool, letters: bool = False) -> None:
    """The image in mm, superior at the top, anterior to the right; `near` shows the box around the masks only."""
    from radparity.report.pictures import show as whole

    whole(axis, section.image, section.spacing_mm, *section.limits)
    if not letters:
        for text in list(axis.texts):
            text.remove()
    if near:
        left, lower, side = section.box
        axis.set(xlim=(left, left + side), ylim=(lower, lower + side))


def frame(axis: Any, section: Section) -> None:
    """The box around the masks, drawn on the whole image."""
    from matplotlib.patches import Rectangle

    left, lower, side = section.box
    axis.add_patch(Rectangle((left, lower), side, side, fill=False, edgecolor="white", linewidth=0.8))


def scale_bar(axis: Any, section: Section, near: bool) -> None:
    """A bar of 10 mm at the lower left."""
    left, lower, side = section.box if near else (0.0, 0.0, float(min(section.spacing_mm * section.image.shape)))
    x, y = left + 0.05 * side, lower + 0.06 * side
    for colour, width in (("black", 3.4), ("white", 1.8)):
        axis.plot([x, x + 10], [y, y], color=colour, linewidth=width, solid_capstyle="butt", zorder=6)
