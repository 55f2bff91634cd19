"""One exam: every phase onto the first post-contrast one, phase by phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.register import ants, greedy
from radparity.register.field import warp
from radparity.register.pair import make_pair
from radparity.register.picture import Row, largest_section, row
from radparity.register.quality import enhancing_mask, flags, likeness, measure, tissue_mask
from radparity.register.settings import Settings

TARGET = 1
STRIDE = 4
ENGINES = {"ants": ants, "greedy": greedy}


class Registered(NamedTuple):
    """An exam after registration.

    phases: (section, anterior, superior, phase), the target unchanged. fields: mm along the volume's axes at every
    fourth in-plane voxel, (section, anterior, superior, phase, 3). facts: of the record. rows: of the picture.
    """

    phases: NDArray[np.float32]
    fields: NDArray[np.float32]
    facts: dict[str, Any]
    rows: list[Row]


def displacement(
    fixed: NDArray[Any], moving: NDArray[Any], spacing: NDArray[np.float64], settings: Settings
) -> NDArray[np.float32]:
    """The field that carries a point of the fixed volume to the place in the moving one that shows the same tissue.

    fixed, moving: (section, anterior, superior). Returns (section, anterior, superior, 3): mm along the volume's axes.
    """
    pair = make_pair(fixed, moving, spacing, settings.spacing_mm, settings.window_mm)
    engine = ENGINES[settings.engine]
    if settings.method == "deformable":
        return pair.fine(engine.deformable(pair, settings))
    matrix = engine.affine(pair, settings) - np.eye(4)
    points = np.moveaxis(np.indices(pair.fixed.shape), 0, -1) * pair.spacing
    return pair.fine((points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32))


def register_exam(
    phases: NDArray[np.float32], affine: NDArray[np.float64], settings: Settings, report: Callable[[str], None]
) -> Registered:
    """Every phase on the first post-contrast one, in place: `phases` (section, anterior, superior, phase) is altered.

    The record's facts give, per phase, the likeness before and after, and what `quality.measure` measures; `flags`
    lists what lies beyond the settings' limits.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    count = phases.shape[-1]
    target = np.ascontiguousarray(phases[..., TARGET])
    tissue = tissue_mask(target)
    fields = np.zeros((*target[:, ::STRIDE, ::STRIDE].shape, count, 3), np.float32)
    quality: list[dict[str, Any]] = []
    rows: list[Row] = []
    enhancing, section = tissue, 0
    for phase in range(count):
        original = np.ascontiguousarray(phases[..., phase])
        entry: dict[str, Any] = {"phase": phase, "likeness_before": round(likeness(target, original, tissue), 5)}
        moved = original
        if phase != TARGET and settings.method != "off":
            report(f"phase {phase + 1} of {count} onto the first post-contrast phase")
            field = displacement(target, original, spacing, settings)
            moved = warp(original, field, spacing, threads=settings.threads)
            phases[..., phase] = moved
            fields[..., phase, :] = field[:, ::STRIDE, ::STRIDE]
        if phase == 0:
            enhancing = enhancing_mask(target, moved, tissue)
            section = largest_section(enhancing)
        if moved is not original:
            entry |= {"likeness_after": round(likeness(target, moved, tissue), 5)}
            entry |= measure(field, spacing, tissue, enhancing)
        quality.append(entry)
        if phase != TARGET:
            rows.append(row(phase, target, original, moved, section))
    facts = {"method": settings.method, "engine": settings.engine, "threads": settings.threads}
    facts |= {"quality": quality, "flags": flags(quality, settings.quality)}
    return Registered(phases, fields, facts, rows)
