"""Sizes: the readers' median area or volume of a case, and the diameter of a circle or sphere of that size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radparity.compare.scores import Case, Mask


def size_of(mask: Mask, spacing_mm: Sequence[float] | None) -> float:
    """Area (2 axes, mm2) or volume (3 axes, mm3) of a mask; nan where the voxel size is not known."""
    return int(np.count_nonzero(mask)) * float(np.prod(spacing_mm)) if spacing_mm is not None else float("nan")


def readers_size(case: Case) -> float:
    """Median over the readers of the size of their outlines, mm2 or mm3; an empty outline counts as 0."""
    return float(np.median([size_of(mask, case.spacing_mm) for mask in case.readers.values()]))


def equivalent_diameter(size: float, axes: int) -> float:
    """Diameter in mm of the circle (2 axes) with an area in mm2, or of the sphere (3 axes) with a volume in mm3.

    Raises ValueError for another number of axes.
    """
    if axes not in (2, 3):
        raise ValueError(f"a size has 2 or 3 axes, got {axes}: pass a section or a volume")
    return float(2 * np.sqrt(size / np.pi)) if axes == 2 else float(np.cbrt(6 * size / np.pi))


def case_diameter(case: Case) -> float:
    """Equivalent diameter (mm) of the readers' median area or volume; nan where the voxel size is not known."""
    return equivalent_diameter(readers_size(case), case.network.ndim)


def band_names(bounds_mm: Sequence[float]) -> list[str]:
    """Names of the size bands between the bounds (mm, from small to large), smallest first; no bound gives one band."""
    if not bounds_mm:
        return ["all sizes"]
    inner = [f"{low:g} to < {high:g} mm" for low, high in zip(bounds_mm, bounds_mm[1:], strict=False)]
    return [f"< {bounds_mm[0]:g} mm", *inner, f">= {bounds_mm[-1]:g} mm"]


def band_of(diameter_mm: float, bounds_mm: Sequence[float]) -> str:
    """The band that a diameter (mm) lies in, a bound belonging to the band above; "" where it is nan."""
    if np.isnan(diameter_mm):
        return ""
    return band_names(bounds_mm)[int(np.searchsorted(bounds_mm, diameter_mm, side="right"))]
