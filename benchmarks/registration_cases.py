"""Pairs of phases with known displacements, for registration.py.

The real exam: its pre-contrast phase, moved by known smooth fields, onto its first post-contrast one. Its own motion
between the phases is unknown and part of every error; the pair without an added field shows how much. Full-size
phantoms: pre-contrast phase and last phase onto the first post-contrast one, with the simulated motion as truth.

A pair is a file: fixed, moving (section, anterior, superior), true (3, ...) in mm from fixed to moving points, inside
(the breast), lesion, spacing in mm, uptake (true mean difference fixed minus moving in the lesion).
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
from scipy import ndimage

ROOT = Path(__file__).parents[1]
FIELDS = {  # name: RMS mm, scale mm, seed
    "real, no added field": (0.0, 20.0, 1),
    "real, 1 mm": (1.0, 20.0, 2),
    "real, 2 mm": (2.0, 20.0, 1),
    "real, 2 mm, of smaller scale": (2.0, 15.0, 3),
    "real, 2 mm, of larger scale": (2.0, 30.0, 4),
    "real, 4 mm": (4.0, 25.0, 5),
    "real, sliding by 3 mm": (3.0, 0.0, 0),
}
PHANTOMS = ("E02", "E05", "E03", "E07")


def real_phases(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First two phases of the real exam (section, anterior, superior) in RAS order, and the spacing in mm."""
    import pydicom

    with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    images = [pydicom.dcmread(path) for path in sorted(folder.rglob("image_dce_3dfgre_orig/*"))]
    times = sorted({image.ContentTime for image in images})
    volumes = []
    for moment in times[:2]:
        own = sorted((i for i in images if i.ContentTime == moment), key=lambda i: -float(i.ImagePositionPatient[0]))
        # Sagittal: rows run to the back, columns down; so both axes are turned round.
        volumes.append(np.stack([i.pixel_array.T[::-1, ::-1] for i in own]).astype(np.float32))
    step = abs(float(own[1].ImagePositionPatient[0]) - float(own[0].ImagePositionPatient[0]))
    assert [round(float(v)) for v in own[0].ImageOrientationPatient] == [0, 1, 0, 0, 0, -1]
    return volumes[0], volumes[1], np.array([step, *map(float, own[0].PixelSpacing)])


def smooth_field(
    shape: tuple[int, ...], spacing: np.ndarray, inside: np.ndarray, rms: float, scale: float, seed: int
) -> np.ndarray:
    """A displacement (3, ...) in mm with this RMS inside the breast, half as large across sections.

    scale: mm over which it changes; 0 for a breast that slides down along the chest.
    """
    if scale:
        noise = np.random.default_rng(seed).standard_normal((3, *shape), dtype=np.float32)
        parts = [ndimage.gaussian_filter(part, scale / spacing, truncate=2.5) for part in noise]
        parts = [part / np.sqrt((part[inside] ** 2).mean()) for part in parts]
        field = np.stack([0.5 * parts[0], parts[1], parts[2]])
    else:
        # The breast slides down along the chest: full motion in front, none at the back, over two centimetres.
        anterior = np.arange(shape[1]) * spacing[1]
        back = anterior[np.flatnonzero(inside.any(axis=(0, 2)))].mean() - 25
        field = np.zeros((3, *shape), np.float32)
        field[2] = -(1 / (1 + np.exp(-(anterior - back) / 5)))[None, :, None]
    return (field * rms / np.sqrt((field[:, inside] ** 2).sum(axis=0).mean())).astype(np.float32)


def inverse(field: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """The displacement u with u(x) = -field(x + u(x)), by fixed-point iteration; axes (3, ...)."""
    found = -field
    grid = np.indices(field.shape[1:], np.float32)
    for _ in range(8):
        points = grid + found / spacing.reshape(3, 1, 1, 1).astype(np.float32)
        found = -np.stack([ndimage.map_coordinates(part, points, order=1, mode="nearest") for part in field])
    return found


def real_cases(folder: Path) -> list[Path]:
    """The real pair under every known field, as files."""
    from radparity.register import warp

    before, after, spacing = real_phases(folder / "dicom")
    smooth = [ndimage.gaussian_filter(volume, (0, 1, 1)) for volume in (before, after)]
    # Tissue in front of the hindmost quarter (the chest); the lesion is the largest region of 70 % enhancement.
    tissue = smooth[1] > 0.15 * np.percentile(after, 95)
    inside = ndimage.binary_fill_holes(ndimage.binary_opening(tissue, iterations=2))
    labels, _ = ndimage.label(inside)
    inside = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    inside[:, : after.shape[1] // 4] = False
    bright = (smooth[1] - smooth[0] > 0.7 * smooth[0]) & (smooth[0] > 30) & inside
    labels, _ = ndimage.label(ndimage.binary_opening(bright & ndimage.binary_erosion(inside, iterations=4)))
    lesion = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    found = []
    for name, (rms, scale, seed) in FIELDS.items():
        moving, true = before, np.zeros((3, *before.shape), np.float32)
        if rms:
            pull = smooth_field(before.shape, spacing, inside, rms, scale, seed)
            moving, true = warp(before, np.moveaxis(pull, 0, -1), spacing), inverse(pull, spacing)
        found.append(folder / f"{name}.npz")
        uptake = np.array((after - before)[lesion].mean())
        np.savez(
            found[-1], fixed=after, moving=moving, true=true, inside=inside, lesion=lesion, spacing=spacing,
            uptake=uptake,
        )  # fmt: skip
    return found


def phantom_cases(folder: Path) -> list[Path]:
    """Full-size virtual exams with the motion they were drawn with, as files: pre-contrast phase, and last phase."""
    return [path for exam in PHANTOMS for path in _phantom(exam, folder)]


def _phantom(exam: str, folder: Path) -> list[Path]:
    """The drawing of `radparity.phantom.exam.make_exam`, without the DICOM."""
    from radparity.phantom import image
    from radparity.phantom.anatomy import paint
    from radparity.phantom.design import SCANNERS, SIZES, generator, read_cohort
    from radparity.phantom.enhancement import phase_times
    from radparity.phantom.grid import place
    from radparity.phantom.motion import displacements

    seed = 20220105
    design = {design.exam: design for design in read_cohort(ROOT / "resources/phantom/cohort.tsv")}[exam]
    native, painted, sides = place(design, SIZES["full"], seed)
    anatomy = paint(design, painted, sides, SIZES["full"], seed)
    times = phase_times(generator(seed, exam, "times"), design.phases)
    breast = image.breast_mask(anatomy, native) > 0
    moves = displacements(generator(seed, exam, "motion"), times, painted, native, breast)
    numbers = image.lesion_numbers(anatomy, native)
    lesion = np.isin(numbers, [mark.number for mark in anatomy.marks if mark.kind == "cancer"])
    phases, still = [], []
    for phase in (1, 0, design.phases - 1):
        painting, random = anatomy.signal(times[phase]), generator(seed, exam, "noise", f"phase {phase}")
        still.append(np.maximum(image.sample(painting, painted, native, None), 0)[lesion].mean())
        moved = image.sample(painting, painted, native, moves[phase])
        phases.append(image.rician(random, moved, SCANNERS[design.scanner].noise).astype(np.float32))
    found = []
    for k, phase, title in ((1, 0, "pre-contrast"), (2, design.phases - 1, "last phase")):
        move = moves[phase]
        assert move is not None
        found.append(folder / f"phantom {exam}, {title}.npz")
        truth = {"true": move.on_grid(native), "uptake": np.array(still[0] - still[k])}
        spacing = np.asarray(native.spacing, float)
        np.savez(found[-1], fixed=phases[0], moving=phases[k], inside=breast, lesion=lesion, spacing=spacing, **truth)
    return found
