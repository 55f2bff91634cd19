"""One virtual exam: its DICOM, its readers' outlines and its truth, written below a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity import image as nifti
from radparity.phantom import image
from radparity.phantom.anatomy import Anatomy, paint
from radparity.phantom.design import SCANNERS, SIZES, ExamDesign, generator
from radparity.phantom.dicom import ExamWriter
from radparity.phantom.enhancement import phase_times
from radparity.phantom.grid import Grid, place, t2_grid
from radparity.phantom.motion import Displacement, displacements
from radparity.phantom.readers import HABITS, largest_section, outline

DISPLACEMENT_STEP = 4
LOCALIZER_PIXELS, LOCALIZER_MM = 128, 2.0
PLANES = ((1, 0, 0, 0, 1, 0), (1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1))


def make_exam(design: ExamDesign, out: Path, seed: int, size: str, motion: bool, noise: bool) -> None:
    """Write dicom/<exam>, outlines/ and truth/<exam> of one exam below `out`."""
    native, painted, slabs = place(design, SIZES[size], seed)
    anatomy = paint(design, painted, slabs, SIZES[size], seed)
    times = phase_times(generator(seed, design.exam, "times"), design.phases)
    breast = image.breast_mask(anatomy, native)
    moves: list[Displacement | None] = [None] * design.phases
    if motion:
        moves = displacements(generator(seed, design.exam, "motion"), times, painted, native, breast > 0)
    deviation = SCANNERS[design.scanner].noise if noise else 0.0

    def acquire(
        volume: NDArray[np.float32], purpose: str, move: Displacement | None, grid: Grid
    ) -> NDArray[np.float32]:
        signal = image.sample(volume, painted, grid, move)
        return (
            image.rician(generator(seed, design.exam, "noise", purpose), signal, deviation)
            if noise
            else np.maximum(signal, 0)
        )

    phases = [
        acquire(anatomy.signal(t), f"phase {k}", m, native) for k, (t, m) in enumerate(zip(times, moves, strict=True))
    ]
    writer = ExamWriter(design, out / "dicom" / design.exam, seed)
    writer.window = float(np.percentile(phases[1], 99.8))
    writer.dynamic(phases, times, native)
    if design.t2 != "none":
        plane = "sagittal" if design.t2 == "truncated" else design.t2
        grid = native if plane == "same" else t2_grid(native, plane)
        # T2 is read before the dynamic series, when the breast lies as before contrast.
        writer.t2(acquire(anatomy.t2, "t2", moves[0], grid), grid, plane, cut=design.t2 == "truncated")
    if design.distractors == "localizer":
        writer.localizer(_localizer(anatomy, native), LOCALIZER_MM)

    numbers = image.lesion_numbers(anatomy, native)
    _write_outlines(design, anatomy, native, numbers, out / "outlines", seed)
    _write_truth(design, anatomy, native, numbers, breast, times, moves, out / "truth" / design.exam)


def _localizer(anatomy: Anatomy, native: Grid) -> list[tuple[NDArray[Any], Sequence[float], Sequence[float]]]:
    """Three images in each of three planes through the middle of the volume, without noise."""
    middle = np.array([axis.mean() for axis in native.axes]) * np.array([-1, -1, 1])
    found: list[tuple[NDArray[Any], Sequence[float], Sequence[float]]] = []
    steps = LOCALIZER_MM * (np.arange(LOCALIZER_PIXELS) - LOCALIZER_PIXELS / 2)
    for orientation in PLANES:
        row, column = np.array(orientation[:3], dtype=float), np.array(orientation[3:], dtype=float)
        for shift in (-20.0, 0.0, 20.0):
            centre = middle + shift * np.cross(row, column)
            points = centre + steps[None, :, None] * row + steps[:, None, None] * column
            index = anatomy.grid.index(np.moveaxis(points * np.array([-1, -1, 1]), -1, 0))
            pixels = ndimage.map_coordinates(anatomy.baseline, index, order=3, prefilter=False, mode="constant")
            found.append((pixels, tuple(centre + steps[0] * (row + column)), orientation))
    return found


def _cancer(anatomy: Anatomy, side: str) -> tuple[list[int], list[int]]:
    """Numbers of the main mass and of its satellites in one breast; empty where there is no cancer."""
    own = [mark for mark in anatomy.marks if mark.side == side and mark.kind == "cancer"]
    return [m.number for m in own if m.part_of == m.number], [m.number for m in own if m.part_of != m.number]


def _write_outlines(
    design: ExamDesign, anatomy: Anatomy, native: Grid, numbers: NDArray[np.uint8], folder: Path, seed: int
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for side in design.imaged:
        if not design.raters(side):
            continue
        main, satellites = _cancer(anatomy, side)
        section = largest_section(np.isin(numbers, main + satellites))
        levels = [image.lesion_level(anatomy, native, chosen)[section] for chosen in (main, satellites)]
        for rater in design.raters(side):
            drawn = np.zeros(native.shape, dtype=np.uint8)
            rng = generator(seed, design.exam, side, "reader", rater)
            drawn[section] = outline(rng, HABITS[rater], levels[0], levels[1], *native.axes[1:])
            nifti.save(folder / f"{design.breast(side)}_{rater}.nii.gz", drawn, native.affine)


def _write_truth(
    design: ExamDesign,
    anatomy: Anatomy,
    native: Grid,
    numbers: NDArray[np.uint8],
    breast: NDArray[np.uint8],
    times: list[float],
    moves: list[Displacement | None],
    folder: Path,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lesions = []
    lesion = np.zeros(native.shape, dtype=np.uint8)
    for mark in anatomy.marks:
        if mark.part_of != mark.number:
            continue
        mask = np.isin(numbers, [m.number for m in anatomy.marks if m.part_of == mark.number])
        if not mask.any():
            continue
        lesion[mask] = 1 if mark.kind == "cancer" else 2
        volume = float(mask.sum() * np.prod(native.spacing))
        centre = [float(axis[index].mean()) for axis, index in zip(native.axes, np.nonzero(mask), strict=True)]
        lesions.append(
            {
                "breast": design.breast(mark.side),
                "kind": mark.kind,
                "volume_mm3": round(volume, 3),
                "centre_mm": [round(c, 3) for c in centre],
                "section": largest_section(mask),
                "diameter_mm": round(float(np.cbrt(6 * volume / np.pi)), 3),
            }
        )
    rms = [
        0.0 if m is None else float(np.sqrt((m.on_grid(native)[:, breast > 0] ** 2).sum(axis=0).mean())) for m in moves
    ]
    sparse = native.every(DISPLACEMENT_STEP)
    still = np.zeros((3, *sparse.shape), dtype=np.float32)
    field = np.stack([still if m is None else m.on_grid(sparse) for m in moves])
    record = {
        "exam": design.exam,
        "times_s": times,
        "lesions": lesions,
        "displacement_rms_mm": [round(v, 4) for v in rms],
        "t2": design.t2,
    }
    (folder / "truth.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    nifti.save(folder / "displacement.nii.gz", np.moveaxis(field, (0, 1), (3, 4)), sparse.affine)
    nifti.save(folder / "dce.nii.gz", image.enhancement_truth(anatomy, native, times), native.affine)
    nifti.save(folder / "breast.nii.gz", breast, native.affine)
    nifti.save(folder / "lesion.nii.gz", lesion, native.affine)
