"""Where the voxels are: the native grid of an exam and the finer grid on which its tissue is painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radparity.phantom.design import ExamDesign, Size, generator

MARGIN_MM = 5.0
T2_MM = {"sagittal": (4.0, 0.9, 0.9), "axial": (1.2, 1.2, 4.0)}


@dataclass(frozen=True)
class Grid:
    """A regular grid in RAS+: first voxel centre and spacing (mm), number of voxels (section, anterior, superior)."""

    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    @property
    def axes(self) -> list[NDArray[np.float64]]:
        """Positions of the voxel centres along each axis, mm."""
        return [
            o + d * np.arange(n, dtype=np.float64)
            for o, d, n in zip(self.origin, self.spacing, self.shape, strict=True)
        ]

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel index to RAS+ mm, 4 x 4."""
        affine = np.diag([*self.spacing, 1.0])
        affine[:3, 3] = self.origin
        return affine

    @property
    def points(self) -> NDArray[np.float32]:
        """Positions of all voxel centres: (3, section, anterior, superior) mm."""
        return np.stack(np.meshgrid(*[axis.astype(np.float32) for axis in self.axes], indexing="ij"))

    def index(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Continuous voxel index of points (3, ...) in mm, in the precision of the points."""
        shape = (3,) + (1,) * (points.ndim - 1)
        origin, spacing = (np.reshape(np.array(v, dtype=points.dtype), shape) for v in (self.origin, self.spacing))
        return np.asarray((points - origin) / spacing)

    def every(self, step: int) -> Grid:
        """Every step-th voxel in the plane, all sections."""
        n, m, k = self.shape
        d = self.spacing
        return Grid(self.origin, (d[0], d[1] * step, d[2] * step), (n, -(-m // step), -(-k // step)))


def t2_grid(native: Grid, plane: str) -> Grid:
    """The grid of a T2-weighted series of its own spacing, sagittal or axial: it covers the native field of view."""
    spacing = T2_MM[plane]
    extent = np.array(native.shape) * native.spacing
    middle = np.array([(axis[0] + axis[-1]) / 2 for axis in native.axes])
    count = np.ceil(extent / spacing - 1e-6).astype(int)
    first = middle - (count - 1) / 2 * spacing
    origin, shape = tuple(round(float(v), 4) for v in first), tuple(int(n) for n in count)
    return Grid((origin[0], origin[1], origin[2]), spacing, (shape[0], shape[1], shape[2]))


@dataclass(frozen=True)
class Slab:
    """The sections of one breast: its medial border (|x| in mm) and the direction of growing laterality."""

    side: str
    medial: float
    width: float

    @property
    def sign(self) -> float:
        """Left is negative in RAS+."""
        return -1.0 if self.side == "left" else 1.0


def place(design: ExamDesign, size: Size, seed: int) -> tuple[Grid, Grid, list[Slab]]:
    """The native grid, the painting grid (finer, with a margin for what motion brings in) and the breasts' slabs.

    A bilateral volume has its midline at x = 0; a one-sided one begins 4 to 12 mm beside it. The field of view is
    centred on the same point at each resolution, so one exam's tissue is the same at all of them. An axial exam covers
    the same box with sections across the superior axis.
    """
    rng = generator(seed, design.exam, "place")
    gap, centre_a, centre_s = (round(float(v), 1) for v in rng.uniform([4.0, 30.0, -15.0], [12.0, 60.0, 15.0]))
    width = size.sections * size.section_mm
    sections = size.sections * len(design.imaged)
    low = -width if design.sides == "both" else (gap if design.sides == "right" else -gap - width)
    slabs = [Slab(side, 0.0 if design.sides == "both" else gap, width) for side in design.imaged]

    def around(pixel: float, matrix: int, through: float, count: int, first: float) -> Grid:
        half = pixel * (matrix - 1) / 2
        origin = (round(first, 4), round(centre_a - half, 4), round(centre_s - half, 4))
        return Grid(origin, (through, pixel, pixel), (count, matrix, matrix))

    matrix = size.matrix[design.resolution]
    native = around(size.pixel_mm[design.resolution], matrix, size.section_mm, sections, low + size.section_mm / 2)
    if design.layout == "axial":
        pixel, through = size.pixel_mm[design.resolution], size.section_mm
        columns, count = int(sections * through / pixel), int(pixel * matrix / through)
        origin = (low + pixel / 2, native.origin[1], round(centre_s - through * (count - 1) / 2, 4))
        native = Grid(origin, (pixel, pixel, through), (columns, matrix, count))
    extent = max(size.pixel_mm[r] * size.matrix[r] for r in size.matrix) + 2 * MARGIN_MM
    half_section = size.section_mm / 2
    paint = around(
        size.paint_mm, int(np.ceil(extent / size.paint_mm)), half_section, 2 * sections + 3, low - half_section
    )
    return native, paint, slabs
