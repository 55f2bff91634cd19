"""Lesions: where they lie, their shape as a level in mm (positive inside), and how their uptake varies within them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from radparity.phantom.enhancement import Curve, benign, cancer
from radparity.phantom.shape import Shape
from radparity.phantom.smooth import Array, noise

FORMS = ("spiculated", "lobulated", "irregular")
BORDER_SECTIONS = 4
Axes = Sequence[NDArray[np.float64]]
Window = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Lesion:
    """One lesion of a breast, kind cancer or benign, and its form; a satellite belongs to the cancer that precedes it.

    level (mm, positive inside) and weight (relative uptake) are arrays on the window of the painting grid.
    """

    kind: str
    form: str
    satellite: bool
    window: Window
    level: Array
    weight: Array
    curve: Curve


def window(axes: Axes, centre: NDArray[np.float64], reach: float) -> Window:
    """Indices of the grid within `reach` mm of a point along each axis."""
    found = [np.searchsorted(axis, [c - reach, c + reach]) for axis, c in zip(axes, centre, strict=True)]
    return (slice(*found[0]), slice(*found[1]), slice(*found[2]))


def _offsets(axes: Axes, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*[axis - c for axis, c in zip(axes, centre, strict=True)], indexing="ij"), axis=-1)


def ellipsoid(axes: Axes, centre: NDArray[np.float64], radii: NDArray[np.float64], turn: Rotation) -> Array:
    """Distance inside a turned ellipsoid, mm, right to first order at its surface."""
    turned = _offsets(axes, centre) @ turn.as_matrix()
    radius = np.linalg.norm(turned / radii, axis=-1)
    pace = np.linalg.norm(turned / radii**2, axis=-1) / np.maximum(radius, 1e-6)
    return np.asarray((1 - radius) / np.clip(pace, 1 / radii.max(), 1 / radii.min()), dtype=np.float32)


def _spicules(rng: np.random.Generator, axes: Axes, centre: NDArray[np.float64], radius: float) -> Array:
    """Tapering needles from the centre, mostly in the sagittal plane where they are seen."""
    offsets = _offsets(axes, centre)
    squared = (offsets**2).sum(-1)
    level = np.full(squared.shape, -9.0, dtype=np.float32)
    for direction in Rotation.random(14, random_state=rng).apply([0.0, 1.0, 0.0]) * np.array([0.5, 1.0, 1.0]):
        along = offsets @ (direction / np.linalg.norm(direction))
        aside = np.sqrt(np.maximum(squared - along**2, 0))
        taper = np.minimum(0.30 * (rng.uniform(1.35, 1.8) * radius - along), 0.26 * radius)
        level = np.maximum(level, np.where(along > 0, taper - aside, -9.0)).astype(np.float32)
    return level


def _cancer_level(rng: np.random.Generator, axes: Axes, centre: NDArray[np.float64], radius: float, form: str) -> Array:
    """An ellipsoid with a border roughened by band-limited noise, and spicules or lobules."""
    turn = Rotation.random(random_state=rng)
    radii = radius * rng.uniform(0.8, 1.2, 3) * (0.85 if form == "spiculated" else 1.0)
    level = ellipsoid(axes, centre, radii, turn)
    if form == "lobulated":
        for direction in Rotation.random(4, random_state=rng).apply([1.0, 0.0, 0.0]):
            lobe = np.full(3, rng.uniform(0.45, 0.65) * radius)
            level = np.maximum(level, ellipsoid(axes, centre + 0.75 * radius * direction, lobe, turn))
    if form == "spiculated":
        level = np.maximum(level, _spicules(rng, axes, centre, radius))
    return np.asarray(level + 0.10 * radius * noise(rng, axes, max(0.5 * radius, 2.5)), dtype=np.float32)


def _weight(rng: np.random.Generator, axes: Axes, level: Array, rim: bool) -> Array:
    """Relative uptake: patchy, and lower in the core where the lesion enhances at its rim."""
    weight = np.clip(1 + 0.22 * noise(rng, axes, 4.0), 0.5, 1.5)
    if rim:
        width = max(float(level.max()) * 0.4, 2.0)
        weight = weight * (1 - 0.65 * np.clip((level - width) / width, 0, 1))
    return np.asarray(weight, dtype=np.float32)


def _room(shape: Shape, width: float, section_mm: float) -> Array:
    """Distance (mm) from the nearest thing a lesion keeps clear of: skin, chest wall, the outer sections."""
    border = BORDER_SECTIONS * section_mm + 0.1
    room = np.minimum(shape.skin - 3.0, shape.wall - 2.0)
    room = np.minimum(room, np.minimum(shape.lateral - border, width - border - shape.lateral))
    return np.asarray(room, dtype=np.float32)


def _pick(rng: np.random.Generator, axes: Axes, room: Array, wanted: Array, reach: float) -> NDArray[np.float64]:
    """A random point with `reach` mm of room, in glandular tissue where possible; else the roomiest point."""
    every = (slice(None, None, 2), slice(None, None, 4), slice(None, None, 4))
    near, gland = room[every], wanted[every]
    found = np.flatnonzero((near > reach) & (gland > 0.4))
    if not found.size:
        found = np.flatnonzero(near > reach)
    flat = int(rng.choice(found)) if found.size else int(near.argmax())
    index = np.unravel_index(flat, near.shape)
    return np.array([axis[e][i] for axis, e, i in zip(axes, every, index, strict=True)])


def place_lesions(
    rng: np.random.Generator, axes: Axes, shape: Shape, gland: Array, label: str, width: float, section_mm: float
) -> list[Lesion]:
    """The lesions of one breast: a cancer if it is malignant (some have a satellite), and up to two benign ones."""
    room = _room(shape, width, section_mm)
    taken: list[tuple[NDArray[np.float64], float]] = []
    lesions: list[Lesion] = []

    def add(
        kind: str, centre: NDArray[np.float64], radius: float, form: str, curve: Curve, rim: bool, satellite: bool
    ) -> None:
        w = window(axes, centre, 2.1 * radius + 2)
        local = [axis[k] for axis, k in zip(axes, w, strict=True)]
        if kind == "cancer":
            level = _cancer_level(rng, local, centre, radius, form)
        else:
            radii = radius * np.array([1.25, 1.0, 0.8]) * rng.uniform(0.92, 1.08, 3)
            level = ellipsoid(local, centre, radii, Rotation.random(random_state=rng))
        level = np.minimum(level, room[w])
        lesions.append(Lesion(kind, form, satellite, w, level, _weight(rng, local, level, rim), curve))

    if label == "malignant":
        radius = 0.5 * float(np.exp(rng.uniform(np.log(9.5), np.log(26.0))))
        form = str(rng.choice(FORMS))
        curve, rim = cancer(rng), bool(rng.random() < 0.35)
        centre = _pick(rng, axes, room, gland, 1.1 * radius)
        add("cancer", centre, radius, form, curve, rim, False)
        taken.append((centre, 1.5 * radius))
        if rng.random() < 0.3:
            direction = Rotation.random(random_state=rng).apply([0.0, 1.0, 0.0]) * np.array([0.25, 1.0, 1.0])
            beside = centre + (1.45 * radius + rng.uniform(4.0, 7.0)) * direction / np.linalg.norm(direction)
            add("cancer", beside, rng.uniform(2.4, 3.6), "irregular", curve, False, True)
    for _ in range(int(rng.integers(0, 3))):
        radius = 0.5 * rng.uniform(6.0, 15.0)
        free = room.copy()
        for other, away in taken:
            squared = [((axis - o) ** 2).astype(np.float32) for axis, o in zip(axes, other, strict=True)]
            distance = np.sqrt(squared[0][:, None, None] + squared[1][None, :, None] + squared[2][None, None, :])
            free = np.minimum(free, distance - away - 12.0)
        if free.max() < 1.3 * radius:
            continue
        centre = _pick(rng, axes, free, gland, 1.3 * radius)
        add("benign", centre, radius, "smooth", benign(rng), False, False)
        taken.append((centre, 1.5 * radius))
    return lesions
