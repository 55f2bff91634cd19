"""Register: every phase onto the first post-contrast one, deformable, by ANTs (spec section 4).

The recipe repeats bit for bit: one stage (symmetric normalization from the identity, no random sampling) on one thread.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.grid import resample_in_plane

TARGET = 1
STRIDE = 4
TISSUE_SHARE = 0.15
BORDER_MM = 8.0


@dataclass(frozen=True)
class Settings:
    """How phases are registered. iterations per level, coarse to fine; radius and sigmas in voxels."""

    method: str
    spacing_mm: float
    iterations: tuple[int, ...]
    metric: str
    metric_radius: int
    flow_sigma: float
    total_sigma: float


def tissue_box(volume: NDArray[Any], spacing: NDArray[np.float64]) -> tuple[slice, slice, slice]:
    """The part of a volume that holds tissue, with a border: air costs as much time as tissue and knows no motion."""
    tissue = ndimage.uniform_filter(volume.astype(np.float32), 3) > TISSUE_SHARE * np.percentile(volume, 95)
    found = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(tissue.mean(axis=others) > 0.01)
        border = int(np.ceil(BORDER_MM / spacing[axis]))
        low, high = (held[0], held[-1] + 1) if held.size else (0, volume.shape[axis])
        found.append(slice(max(0, int(low) - border), min(volume.shape[axis], int(high) + border)))
    return found[0], found[1], found[2]


def displacement(
    fixed: NDArray[Any], moving: NDArray[Any], affine: NDArray[np.float64], settings: Settings
) -> NDArray[np.float32]:
    """The field that carries a point of the fixed volume to the place in the moving one that shows the same tissue.

    fixed, moving: (section, anterior, superior). Returns (section, anterior, superior, 3): mm along the volume's axes.
    Estimated around the tissue, at the in-plane spacing of the settings: the field is smooth, and the work falls with
    the square of that spacing.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    box = tissue_box(fixed, spacing)
    rule: str | float = settings.spacing_mm if spacing[1] < 0.9 * settings.spacing_mm else "off"
    blur = 0.35 * settings.spacing_mm / spacing[1] if rule != "off" else 0
    pair, grid = [], affine
    for volume in (fixed, moving):
        smooth = ndimage.gaussian_filter(volume[box].astype(np.float32), (0, blur, blur))
        coarse, grid = resample_in_plane(smooth, affine, rule)
        # Square root evens out the coil's falloff and the bright enhancing tissue, so that gland and skin count too.
        pair.append(np.sqrt(np.maximum(coarse, 0)).astype(np.float32))
    field = _symmetric_normalization(pair[0], pair[1], np.linalg.norm(grid[:3, :3], axis=0), settings)
    inside = fixed[box].shape
    ratio = np.array(field.shape[:3]) / np.array(inside)
    border = [(part.start, size - part.stop) for part, size in zip(box, fixed.shape, strict=True)]
    components = []
    for axis in range(3):
        fine = ndimage.affine_transform(
            field[..., axis],
            np.diag(ratio),
            0.5 * ratio - 0.5,
            output_shape=inside,
            order=1,
            mode="nearest",
            prefilter=False,
        )
        components.append(np.pad(fine, border, mode="edge"))
    return np.stack(components, axis=-1)


def _symmetric_normalization(
    fixed: NDArray[np.float32], moving: NDArray[np.float32], spacing: NDArray[np.float64], settings: Settings
) -> NDArray[np.float32]:
    """ANTs' field in mm on the grid it is given, from the identity and without random sampling."""
    import ants

    images = [ants.from_numpy(np.ascontiguousarray(v), spacing=[float(s) for s in spacing]) for v in (fixed, moving)]
    with tempfile.TemporaryDirectory() as scratch:
        ants.registration(
            images[0],
            images[1],
            type_of_transform="SyNOnly",
            initial_transform="Identity",
            outprefix=f"{scratch}/",
            syn_metric=settings.metric,
            syn_sampling=settings.metric_radius,
            reg_iterations=settings.iterations,
            flow_sigma=settings.flow_sigma,
            total_sigma=settings.total_sigma,
            use_histogram_matching=False,
        )
        field: NDArray[np.float32] = ants.image_read(str(next(Path(scratch).glob("*[0-9]Warp.nii.gz")))).numpy()
    return field


def warp(
    volume: NDArray[Any], field: NDArray[np.float32], spacing: NDArray[np.float64], order: int = 3
) -> NDArray[np.float32]:
    """Pull a volume (section, anterior, superior) back along a field in mm; never below zero.

    Cubic by default: linear interpolation blurs the moved phases and not the target, which would leave false
    enhancement at every edge.
    """
    points = np.indices(volume.shape, dtype=np.float32) + np.moveaxis(field / spacing.astype(np.float32), -1, 0)
    pulled = ndimage.map_coordinates(volume.astype(np.float32), points, order=order, mode="nearest")
    positive: NDArray[np.float32] = np.maximum(pulled, 0).astype(np.float32)
    return positive


def jacobian(field: NDArray[np.float32], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Determinant of the field's Jacobian: the local change of volume (1 is none, below 0 a fold)."""
    gradient = np.empty((*field.shape[:3], 3, 3), np.float32)
    for axis in range(3):
        parts = np.gradient(field[..., axis], *spacing)
        for along in range(3):
            gradient[..., axis, along] = parts[along] + (axis == along)
    found: NDArray[np.float32] = np.linalg.det(gradient).astype(np.float32)
    return found


def likeness(one: NDArray[Any], other: NDArray[Any], where: NDArray[np.bool_]) -> float:
    """Pearson correlation of two volumes' square-rooted intensities inside a mask."""
    return float(np.corrcoef(np.sqrt(np.maximum(one[where], 0)), np.sqrt(np.maximum(other[where], 0)))[0, 1])


def register_exam(
    phases: NDArray[Any], affine: NDArray[np.float64], settings: Settings, report: Callable[[str], None]
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    """Every phase on the first post-contrast one.

    phases: (section, anterior, superior, phase). Returns the registered phases (the target unchanged), the fields at
    every fourth in-plane voxel (section, anterior, superior, phase, 3) in mm, and the record's facts: per phase the
    likeness before and after, the range of the Jacobian and the mean displacement inside tissue.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    target = phases[..., TARGET]
    tissue = target > np.percentile(target, 60)
    out = phases.astype(np.float32)
    fields = np.zeros((*target[:, ::STRIDE, ::STRIDE].shape, phases.shape[-1], 3), np.float32)
    quality: list[dict[str, Any]] = []
    for phase in range(phases.shape[-1]):
        before = likeness(target, phases[..., phase], tissue)
        entry: dict[str, Any] = {"phase": phase, "likeness_before": round(before, 5)}
        if phase != TARGET and settings.method == "deformable":
            report(f"phase {phase + 1} of {phases.shape[-1]} onto the first post-contrast phase")
            field = displacement(target, phases[..., phase], affine, settings)
            out[..., phase] = warp(phases[..., phase], field, spacing)
            fields[..., phase, :] = field[:, ::STRIDE, ::STRIDE]
            inside = jacobian(field, spacing)[tissue]
            entry |= {
                "likeness_after": round(likeness(target, out[..., phase], tissue), 5),
                "jacobian": [round(float(inside.min()), 4), round(float(inside.max()), 4)],
                "mean_displacement_mm": round(float(np.linalg.norm(field[tissue], axis=-1).mean()), 4),
            }
        quality.append(entry)
    return out, fields, {"method": settings.method, "quality": quality}
