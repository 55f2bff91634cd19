"""Where an exam's images lie: sections along their normal, plane, and whether they form one even stack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from radparity.intake.headers import Header
from radparity.record import DataFault

SAME_MM = 0.1
STRAIGHT_MM = 0.5
PLANES = ("sagittal", "coronal", "axial")


def normal(image: Header) -> NDArray[np.float64]:
    """Unit vector along which sections follow one another, patient coordinates (LPS)."""
    across = np.cross(image.orientation[:3], image.orientation[3:])
    return np.asarray(across / np.linalg.norm(across), dtype=np.float64)


def along(image: Header) -> float:
    """Position of an image along the normal of its plane, mm."""
    return float(normal(image) @ image.position)


def plane(image: Header) -> tuple[str, float]:
    """The plane whose normal is nearest, and the angle between the two in degrees."""
    share = np.abs(normal(image))
    return PLANES[int(np.argmax(share))], round(float(np.degrees(np.arccos(min(1.0, share.max())))), 2)


def levels(images: list[Header]) -> list[int]:
    """For each image the number of its section, counted along the normal; positions within SAME_MM are one section."""
    where = np.array([along(image) for image in images])
    order = np.argsort(where, kind="stable")
    steps = np.diff(where[order], prepend=where[order[0]]) > SAME_MM
    out = np.empty(len(images), int)
    out[order] = np.cumsum(steps)
    return [int(level) for level in out]


def x_range(images: list[Header]) -> tuple[float, float]:
    """Smallest and largest patient x of the voxel centres, mm, LPS: positive towards the patient's left."""
    xs = []
    for image in images:
        right, down = image.spacing[1] * (image.columns - 1), image.spacing[0] * (image.rows - 1)
        for across in (0.0, right):
            for below in (0.0, down):
                xs.append(image.position[0] + across * image.orientation[0] + below * image.orientation[3])
    return min(xs), max(xs)


def check_stack(images: list[Header]) -> None:
    """One phase's images in order of position are evenly spaced and lie over one another.

    Raises DataFault `section_gap` or `sections_shifted`.
    """
    steps = np.diff([along(image) for image in images])
    if np.ptp(steps) > SAME_MM:
        raise DataFault(
            "section_gap",
            f"sections are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing. Fetch the series again",
        )
    across = normal(images[0])
    offsets = np.array([np.subtract(image.position, images[0].position) for image in images])
    drift = float(np.linalg.norm(offsets - np.outer(offsets @ across, across), axis=1).max())
    if drift > STRAIGHT_MM:
        raise DataFault(
            "sections_shifted",
            f"sections are shifted in their plane by up to {drift:.1f} mm against one another: not one upright stack",
        )


SEPARATORS: list[Callable[[Header], Hashable]] = [
    lambda h: h.acquisition_number,
    lambda h: h.image_type,
    lambda h: h.temporal_position,
    lambda h: h.echo_time,
]


def grid(image: Header) -> tuple[object, ...]:
    """What images of one volume share in their plane."""
    return (image.rows, image.columns, tuple(round(v, 4) for v in image.spacing))


def one_grid(images: list[Header]) -> list[Header]:
    """The images of a series' dominant acquisition, where a tag separates acquisitions of different matrix or spacing.

    A series of one grid, of several orientations, or whose grids no tag separates is returned as it is.
    """
    if len({grid(image) for image in images}) == 1 or len({image.orientation for image in images}) > 1:
        return images
    for separator in SEPARATORS:
        groups: dict[Hashable, list[Header]] = defaultdict(list)
        for image in images:
            groups[separator(image)].append(image)
        if all(len({grid(image) for image in group}) == 1 for group in groups.values()):
            share: dict[Hashable, list[Header]] = defaultdict(list)
            for group in groups.values():
                share[grid(group[0])] += group
            return max(share.values(), key=lambda group: (len(group), str(grid(group[0]))))
    return images


def check_grid(images: list[Header]) -> None:
    """All images of the dynamic series share matrix and spacing. Raises DataFault `mixed_matrix`, `mixed_spacing`."""
    matrices = sorted({(image.rows, image.columns) for image in images})
    if len(matrices) > 1:
        raise DataFault(
            "mixed_matrix",
            f"the dynamic series mixes matrices {' and '.join(f'{r} x {c}' for r, c in matrices)} and no tag separates"
            " them. Fetch the series again, or leave the odd one out in decisions.tsv",
        )
    spacings = sorted({tuple(round(v, 4) for v in image.spacing) for image in images})
    if len(spacings) > 1:
        raise DataFault("mixed_spacing", f"the dynamic series mixes pixel spacings {spacings} mm. Fetch it again")
