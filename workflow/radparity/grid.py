"""The grid of one breast: which part of an exam's volume is its own, and how that is resampled.

Images, masks and truths of a breast all go through `breast_grid`, so that they lie on one grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.midline import find_midline, section_positions
from radparity.record import DataFault

COARSE_MM = 0.6
COARSEST = 1.05
FIRST_POST = 1


@dataclass(frozen=True)
class GridRules:
    """in_plane: `double` (above 0.6 mm), `off`, or a spacing in mm; section_mm: of exams not acquired sagittally."""

    in_plane: str | float = "double"
    section_mm: float = 3.0


@dataclass(frozen=True)
class BreastGrid:
    """From an exam's volume to one breast's grid. Axes (section, anterior, superior), RAS+.

    The breast's own part are the sections `first` to `last` of the exam's volume, native affine `native`; its grid has
    `shape` and `affine` and shows the same field of view. `midline_mm` and `midline_from` (origin or image) say where a
    volume of both breasts was cut; None where the volume shows one breast. `reformatted`: not acquired sagittally.
    """

    first: int
    last: int
    native: NDArray[np.float64]
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    reformatted: bool
    midline_mm: float | None = None
    midline_from: str | None = None

    def cut(self, volume: NDArray[Any]) -> NDArray[Any]:
        """The breast's own part of an exam's volume (section, anterior, superior[, phase]), unchanged; a view."""
        return volume[self.first : self.last + 1]

    def resample(self, part: NDArray[Any], order: int = 1) -> NDArray[Any]:
        """A cut volume (section, anterior, superior) on the breast's grid; order 1 for images, 0 for masks."""
        return resample(part, self.shape, order)

    def place(self, volume: NDArray[Any], order: int = 1) -> NDArray[Any]:
        """An exam's volume (section, anterior, superior) on the breast's grid: cut and resampled."""
        return self.resample(self.cut(volume), order)

    def facts(self) -> dict[str, Any]:
        """What a record says of the grid."""
        spacings = (np.linalg.norm(a[:3, :3], axis=0) for a in (self.native, self.affine))
        native, own = ([round(float(v), 4) for v in spacing] for spacing in spacings)
        return {
            "native_mm": native,
            "spacing_mm": own,
            "shape": list(self.shape),
            "reformatted": self.reformatted,
            "midline_mm": None if self.midline_mm is None else round(self.midline_mm, 2),
            "midline_from": self.midline_from,
        }


def breast_grid(image: NDArray[Any], affine: NDArray[np.float64], side: str | None, rules: GridRules) -> BreastGrid:
    """The grid of the left or right breast of an exam (spec sections 3 and 6).

    image: the exam's first post-contrast volume (section, anterior, superior); the midline is looked for in it.
    side: None for the one that the volume shows.
    A volume of one breast is taken whole, one of both is cut at the midline. Sections stay as acquired where they are
    the coarsest axis; axial, coronal and isotropic exams get sections of about `section_mm` and square pixels of the
    finer in-plane spacing. Then the in-plane rule holds.
    Raises DataFault `side_disagrees` where the side is not imaged, `side_open` where none is given and both are,
    `midline_unclear`.
    """
    first, last, midline = _own_sections(image, affine, side)
    native = affine.copy()
    native[:3, 3] += affine[:3, 0] * first
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    size = np.array([last - first + 1, *image.shape[1:3]])
    reformatted = bool(spacing[0] < COARSEST * spacing[1:].max())
    factors = np.ones(3)
    if reformatted:
        factors[0] = max(1, round(size[0] * spacing[0] / rules.section_mm)) / size[0]
        factors[1:] = spacing[1:] / spacing[1:].min()
        factors[1:] *= in_plane_factor(np.diag([1, *[spacing[1:].min()] * 2, 1]), rules.in_plane)
    else:
        factors[1:] = in_plane_factor(affine, rules.in_plane)
    sections, rows, columns = (int(n * factor + 1e-6) for n, factor in zip(size, factors, strict=True))
    shape = (sections, rows, columns)
    return BreastGrid(first, last, native, shape, same_view(native, size, shape), reformatted, *(midline or ()))


def _own_sections(
    image: NDArray[Any], affine: NDArray[np.float64], side: str | None
) -> tuple[int, int, tuple[float, str] | None]:
    """First and last section of one side, and the midline where there is one. Sections count to the patient's right."""
    x = section_positions(affine, image.shape)
    midline = find_midline(image, affine)
    if midline is not None:
        if side is None:
            raise DataFault(
                "side_open", "the volume shows both breasts and the breasts sheet does not say which counts"
            )
        own = np.flatnonzero(x < midline[0] if side == "left" else x >= midline[0])
        if own.size == 0:
            raise DataFault("side_disagrees", f"no section lies on the {side} of the midline. Correct the column side")
        return int(own[0]), int(own[-1]), midline
    lies = side_shown(affine, image.shape)
    if side not in (None, lies):
        raise DataFault(
            "side_disagrees",
            f"the volume lies on the patient's {lies} (x from {x[0]:.0f} to {x[-1]:.0f} mm) but the breasts sheet"
            f" says {side}. Correct the column side",
        )
    return 0, len(x) - 1, None


def side_shown(affine: NDArray[np.float64], shape: tuple[int, ...]) -> str:
    """The side that a volume of one breast (section, anterior, superior) lies on: left or right."""
    return "left" if section_positions(affine, shape).mean() < 0 else "right"


def in_plane_factor(affine: NDArray[np.float64], rule: str | float) -> float:
    """How much finer the in-plane grid becomes: 2 above 0.6 mm (`double`), 1 (`off`), or what a spacing in mm needs."""
    spacing = float(np.linalg.norm(affine[:3, 1]))
    if rule == "off":
        return 1.0
    if rule == "double":
        return 2.0 if spacing > COARSE_MM else 1.0
    return spacing / float(rule)


def same_view(affine: NDArray[np.float64], old: Any, new: Any) -> NDArray[np.float64]:
    """The affine of a grid of another shape that shows the same field of view, edge to edge."""
    ratio = np.asarray(old[:3]) / np.asarray(new)
    grid = affine.copy()
    # Voxel i of the new grid has its centre at (i + 0.5) * ratio - 0.5 of the old one.
    grid[:3, :3] = affine[:3, :3] * ratio
    grid[:3, 3] = affine[:3, 3] + affine[:3, :3] @ (0.5 * ratio - 0.5)
    return grid


def resample(volume: NDArray[Any], shape: tuple[int, ...], order: int = 1) -> NDArray[Any]:
    """A volume (section, anterior, superior) on a grid of another shape over the same field of view.

    Along an axis that becomes finer, linear interpolation; along one that becomes coarser, the mean over each new
    voxel's extent, so that nothing is aliased. order 0 is for masks of 0 and 1: a voxel is 1 where at least half of it
    is (which at twice the resolution is the nearest neighbour), or anything of it where all would be lost.
    """
    if volume.shape == tuple(shape):
        return volume
    out = volume.astype(np.float32) if order == 0 else volume
    for axis in range(3):
        if shape[axis] < volume.shape[axis]:
            out = _average(out, axis, shape[axis])
    out = _interpolate(out, shape, 1)
    if order == 0:
        most = out >= 0.5
        out = (most if most.any() else out > 0).astype(volume.dtype)
    return out


def _average(volume: NDArray[Any], axis: int, count: int) -> NDArray[np.float32]:
    """Mean over `count` equal parts of an axis; a voxel across a border counts to both by its share."""
    size = volume.shape[axis]
    edges = np.arange(count + 1) * size / count
    voxel = np.arange(size)
    overlap = np.minimum(edges[1:, None], voxel + 1) - np.maximum(edges[:-1, None], voxel)
    weights = (np.maximum(overlap, 0) * count / size).astype(np.float32)
    averaged: NDArray[np.float32] = np.moveaxis(np.tensordot(weights, volume.astype(np.float32), (1, axis)), 0, axis)
    return averaged


def _interpolate(volume: NDArray[Any], shape: tuple[int, ...], order: int) -> NDArray[Any]:
    """Linear or nearest interpolation from voxel centre to voxel centre; beyond the outermost ones, their value."""
    if volume.shape == tuple(shape):
        return volume
    ratio = np.array(volume.shape) / np.array(shape)
    found: NDArray[Any] = ndimage.affine_transform(
        volume,
        np.diag(ratio),
        offset=0.5 * ratio - 0.5,
        output_shape=tuple(shape),
        order=order,
        mode="nearest",
        prefilter=False,
    )
    return found


def cut_breast(
    volume: NDArray[Any], affine: NDArray[np.float64], side: str | None
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The sections of one side and their affine, as `breast_grid` cuts (section, anterior, superior[, phase])."""
    image = volume if volume.ndim == 3 else volume[..., FIRST_POST]
    grid = breast_grid(image, affine, side, GridRules("off"))
    return grid.cut(volume), grid.native


def resample_in_plane(
    volume: NDArray[Any], affine: NDArray[np.float64], rule: str | float, order: int = 1
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Resample (section, anterior, superior) in-plane by interpolation alone. Sections and the field of view stay.

    order: 1 linear for images, 0 nearest for masks. Returns the volume and its affine.
    """
    factor = in_plane_factor(affine, rule)
    if factor == 1.0:
        return volume, affine
    shape = (volume.shape[0], *(int(n * factor + 1e-6) for n in volume.shape[1:]))
    return _interpolate(volume, shape, order), same_view(affine, volume.shape, shape)
