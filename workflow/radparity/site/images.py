"""Which of an exam's own images show a lesion, by the numbers that a viewer shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.seg.source import SourceImages
from radparity.seg.write import on_images


def marked_images(mask: NDArray[np.bool_], affine: NDArray[np.float64], source: SourceImages) -> dict[str, Any]:
    """The images with a voxel of the mask, by number, and the one with most of them; the number of their series (None
    where it has none); and what numbers them: `frame`, `instance number`, or where neither tells them apart `place in
    the stack` (from 1, in order of position).

    mask: (section, anterior, superior) on the exam's volume, not empty. The images have a plane of their own.
    Raises DataFault `seg_source_geometry` where they do not lie on the mask's voxels.
    """
    areas = on_images(mask, affine, source).sum(axis=(1, 2))
    numbers, numbered_by = _numbers(source)
    series = source.header.get("SeriesNumber")
    return {
        "series": None if series is None else int(series),
        "numbered_by": numbered_by,
        "images": sorted(numbers[n] for n in np.flatnonzero(areas)),
        "largest_image": numbers[int(areas.argmax())],
    }


def _numbers(source: SourceImages) -> tuple[list[int], str]:
    for numbered_by, given in (
        ("frame", [image.frame for image in source.images]),
        ("instance number", [image.instance for image in source.images]),
    ):
        numbers = [number for number in given if number is not None]
        if len(set(numbers)) == len(given):
            return numbers, numbered_by
    return [*range(1, len(source.images) + 1)], "place in the stack"
