"""The tissue of one exam, painted once on a fine grid: signal before contrast, uptake, and the truth behind both.

Levels of signal follow a fat-suppressed spoiled gradient echo: fat dark, gland brighter, skin bright near the coil.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from radparity.phantom.design import SCANNERS, ExamDesign, Size, generator
from radparity.phantom.enhancement import BACKGROUND, VESSEL, Curve
from radparity.phantom.grid import Grid, Slab
from radparity.phantom.lesions import Lesion, place_lesions
from radparity.phantom.shape import Shape, breast_shape, soft
from radparity.phantom.smooth import Array, Axes, noise
from radparity.phantom.vessels import vessel_level

FAT, GLAND, SKIN, MUSCLE, LUNG, VESSEL_SIGNAL, CANCER, BENIGN = 13.0, 44.0, 58.0, 30.0, 4.0, 36.0, 40.0, 41.0
T2_FAT, T2_GLAND, T2_MUSCLE, T2_VESSEL, T2_CANCER, T2_BENIGN, T2_FLUID = 12.0, 55.0, 16.0, 45.0, 70.0, 95.0, 160.0
OUTSIDE_MM = -30.0
BACKGROUND_LEVELS = {0.3: "minimal", 0.6: "mild", 1.0: "moderate", 1.5: "marked"}
"""Uptake of the gland, as a multiple of its baseline signal, and the word for it."""
MOST_CYSTS, CYST_MM = 3, (2.0, 5.0)


@dataclass
class Mark:
    """A lesion of the exam: its number in `owner`, its breast and kind, and the number of the cancer it is part of."""

    number: int
    side: str
    kind: str
    form: str
    part_of: int


@dataclass
class Anatomy:
    """Arrays (section, anterior, superior) on the painting grid.

    baseline: raw signal before contrast, coil and gain included, without noise; uptake: with each curve the raw signal
    that an enhancement of 1 adds; t2: signal of the T2-weighted series; these three as cubic spline coefficients, ready
    to be sampled. skin, wall, lesion: distances in mm, positive inside; owner: number of the lesion that `lesion`
    belongs to. background: side to how strongly its gland takes up contrast, in words.
    """

    grid: Grid
    baseline: Array
    skin: Array
    wall: Array
    lesion: Array
    owner: Array
    t2: Array
    uptake: list[tuple[Curve, Array]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    background: dict[str, str] = field(default_factory=dict)

    def signal(self, time_s: float) -> Array:
        """Raw signal at a time from injection, without noise, as cubic spline coefficients."""
        total = self.baseline.copy()
        for curve, added in self.uptake:
            enhancement = curve.at(time_s)
            if enhancement:
                total += np.float32(enhancement) * added
        return total


def paint(design: ExamDesign, grid: Grid, slabs: list[Slab], size: Size, seed: int) -> Anatomy:
    """The anatomy of an exam on its painting grid: each breast in its slab, by random numbers of its own."""

    def empty() -> Array:
        return np.zeros(grid.shape, dtype=np.float32)

    anatomy = Anatomy(grid, empty(), empty(), empty(), empty(), empty(), empty())
    anatomy.uptake = [(BACKGROUND, empty()), (VESSEL, empty())]
    anatomy.lesion += OUTSIDE_MM
    for slab in slabs:
        _paint_breast(anatomy, design, slab, size, seed)
    # A section shows the mean over its thickness: painting stands at half the section spacing.
    for array in [anatomy.baseline, anatomy.t2, *[added for _, added in anatomy.uptake]]:
        ndimage.correlate1d(array, np.array([0.25, 0.5, 0.25]), axis=0, mode="nearest", output=array)
        ndimage.spline_filter(array, order=3, mode="mirror", output=array)
    return anatomy


def _gland(rng: np.random.Generator, axes: Axes, shape: Shape, scale: float) -> tuple[Array, Array]:
    """Share of fibroglandular tissue, and of the thin strands of connective tissue around it."""
    density = rng.uniform(-0.1, 1.3)
    middle = np.clip(1.7 * np.abs(shape.radius - 0.42), 0, 2)
    texture = 0.85 * noise(rng, axes, (9.0 * scale, 15.0 * scale, 9.0 * scale)) + 0.45 * noise(rng, axes, 4.5)
    inside = soft(shape.skin - 7.0, 3.0) * soft(shape.wall - 7.0, 3.0)
    gland = inside / (1 + np.exp(-(texture + density - 2.6 * middle**2) / 0.22))
    sheet = np.exp(-((noise(rng, axes, (9.0, 9.0, 7.0)) / 0.11) ** 2)) * (noise(rng, axes, 14.0) > -0.1)
    strand = soft(shape.skin - 3.0, 1.0) * soft(shape.wall - 3.0, 2.0) * sheet * np.clip(1.25 - shape.radius, 0, 1)
    return gland.astype(np.float32), strand.astype(np.float32)


def _paint_breast(anatomy: Anatomy, design: ExamDesign, slab: Slab, size: Size, seed: int) -> None:
    rng = generator(seed, design.exam, slab.side, "anatomy")
    x, a, s = anatomy.grid.axes
    mine = x < 0 if slab.side == "left" else x >= 0
    # Work from the midline outwards, so that a left and a right breast are mirror images in kind.
    order = np.flatnonzero(mine)[:: int(slab.sign)]
    lateral = slab.sign * x[order] - slab.medial
    axes = [lateral, a - a.mean(), s - s.mean()]
    _, front, up = np.meshgrid(*[axis.astype(np.float32) for axis in axes], indexing="ij", sparse=True)
    shape = breast_shape(rng, axes[0], axes[1], axes[2], size.scale)
    gland, strand = _gland(rng, axes, shape, size.scale)
    vessel = soft(np.minimum(vessel_level(rng, axes, shape, size.scale), shape.wall))

    # Where the surface runs obliquely through a section, the section shows it blurred.
    oblique = np.hypot(0.6, 1.1 * np.gradient(shape.skin, lateral, axis=0)).astype(np.float32)
    body = soft(shape.skin, oblique)
    breast = body * soft(shape.wall)
    muscle = body * soft(-shape.wall) * soft(9.0 * size.scale + shape.wall + 0.14 * np.clip(up, 0, None))
    skin = breast * soft(2.1 - shape.skin, oblique)
    ribs = np.clip(0.5 + 2 * np.sin(up / (3.6 * size.scale) + 0.05 * shape.lateral + 0.1 * front), 0, 1)
    grain = 1 + 0.10 * noise(rng, axes, 2.6)

    base = body * (LUNG + 7 * ribs * soft(22.0 * size.scale + shape.wall, 3.0)) * (1 - soft(shape.wall))
    base += breast * (FAT * grain + 0.8 * (GLAND - FAT) * strand)
    base += breast * gland * (GLAND * grain - FAT)
    base += muscle * (MUSCLE * (0.85 + 0.2 * noise(rng, axes, (6.0, 2.5, 9.0))) - base)
    base += vessel * breast * (VESSEL_SIGNAL - base)
    base += skin * (SKIN - base)
    t2 = breast * (T2_FAT * grain + gland * (T2_GLAND * grain - T2_FAT))
    t2 += T2_MUSCLE * muscle + vessel * breast * (T2_VESSEL - t2)

    amount = float(rng.choice(list(BACKGROUND_LEVELS)))
    anatomy.background[slab.side] = BACKGROUND_LEVELS[amount]
    patches = np.clip(1 + 0.65 * noise(rng, axes, 6.0), 0.1, 2.6)
    slow = breast * (0.10 + (amount * patches) * gland + 0.25 * strand) + 0.35 * muscle + 0.25 * skin
    fast = 1.7 * vessel * breast * (1 - skin)
    lesion = np.full(shape.skin.shape, OUTSIDE_MM, dtype=np.float32)
    owner = np.zeros(shape.skin.shape, dtype=np.float32)
    found = place_lesions(rng, axes, shape, gland, design.label(slab.side), slab.width, size.section_mm)
    shares: list[tuple[Lesion, Array]] = []
    for item in found:
        w = item.window
        share = soft(item.level)
        signal = CANCER if item.kind == "cancer" else BENIGN
        base[w] += share * (signal * grain[w] - base[w])
        t2[w] += share * ((T2_CANCER if item.kind == "cancer" else T2_BENIGN) - t2[w])
        slow[w] *= 1 - share
        fast[w] *= 1 - share
        _mark(anatomy, slab.side, item, lesion, owner)
        shares.append((item, share))

    _add_cysts(generator(seed, design.exam, slab.side, "cysts"), t2, axes, gland, lesion)
    scanner = SCANNERS[design.scanner]
    behind = np.clip(np.float32(shape.nipple[1]) - front, 0, None)
    coil = np.exp(-behind / (scanner.coil_mm * size.scale)) + 0.35 * np.exp(-np.clip(shape.skin, 0, None) / 9.0)
    base = base * coil * scanner.gain
    for target, value in (
        (anatomy.baseline, base),
        (anatomy.t2, t2 * coil * scanner.gain),
        (anatomy.skin, shape.skin),
        (anatomy.wall, shape.wall),
        (anatomy.lesion, lesion),
        (anatomy.owner, owner),
        (anatomy.uptake[0][1], base * slow),
        (anatomy.uptake[1][1], base * fast),
    ):
        target[order] = value
    for item, share in shares:
        added = np.zeros(base.shape, dtype=np.float32)
        added[item.window] = base[item.window] * share * item.weight
        if item.satellite:
            anatomy.uptake[-1][1][order] = np.maximum(anatomy.uptake[-1][1][order], added)
        else:
            anatomy.uptake.append((item.curve, np.zeros(anatomy.grid.shape, dtype=np.float32)))
            anatomy.uptake[-1][1][order] = added


def _add_cysts(rng: np.random.Generator, t2: Array, axes: Axes, gland: Array, lesion: Array) -> None:
    """Simple cysts in the gland, away from lesions: fluid, bright on T2; T1 before and after contrast shows none."""
    room = np.argwhere((gland > 0.5) & (lesion < -CYST_MM[1]))
    for _ in range(int(rng.integers(0, MOST_CYSTS + 1)) if len(room) else 0):
        centre = [axis[k] for axis, k in zip(axes, rng.choice(room), strict=True)]
        apart = np.meshgrid(*[axis - c for axis, c in zip(axes, centre, strict=True)], indexing="ij", sparse=True)
        share = soft(float(rng.uniform(*CYST_MM)) - np.sqrt(sum(d**2 for d in apart)))
        t2 += share * (T2_FLUID - t2)


def _mark(anatomy: Anatomy, side: str, item: Lesion, lesion: Array, owner: Array) -> None:
    """Give a lesion its number and write its level where it is the nearest one."""
    number = len(anatomy.marks) + 1
    parent = anatomy.marks[-1].number if item.satellite else number
    anatomy.marks.append(Mark(number, side, item.kind, item.form, parent))
    nearer = item.level > lesion[item.window]
    lesion[item.window] = np.where(nearer, item.level, lesion[item.window])
    owner[item.window] = np.where(nearer, number, owner[item.window])
