"""An outline as a DICOM segmentation (SEG, also LABELMAP): frames that each carry their own position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.tag import Tag

from radparity.intake.multiframe import frames
from radparity.outline.cancer import refuse_others
from radparity.outline.exam import Images, Target, section_affine
from radparity.outline.lattice import on_lattice
from radparity.outline.segments import Segment, choose, number_of
from radparity.record import DataFault

CLASSES = {"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}
KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
HALF = 0.5
LINKED = Tag(0x0008, 0x1155)  # ReferencedSOPInstanceUID
# Where images that a segmentation was made from stand; others (a plan, a presentation) are not the exam's images.
SOURCES = ("ReferencedSeriesSequence", "SourceImageSequence")


def read_segmentation(
    data: pydicom.Dataset, target: Target, images: Images, segment: str | None, name: str
) -> tuple[NDArray[np.bool_], list[dict[str, str]]]:
    """The mask on the exam's native grid, and flags (`outline_fractional`, `outline_half_pixel`).

    Frames are placed one by one, so that their order, and sections that are left out, do not matter. A fractional
    segmentation marks the voxels of which at least half belong to it.
    Raises DataFault `outline_unreadable`, `outline_segment`, `outline_tissue`, `outline_unplaced`, those of the exam's
    checks and of `on_lattice`.
    """
    own = list(frames(data)) if data.get("PerFrameFunctionalGroupsSequence") else []
    images.check_linked(str(data.get("FrameOfReferenceUID") or ""), set(linked(data)), name)
    pixels = _pixels(data, len(own), name)
    kind = str(data.get("SegmentationType"))
    if kind not in KINDS:
        raise DataFault("outline_unreadable", f"{name} does not say which type of segmentation it is. Export it again")
    labelled = kind == "LABELMAP"
    flags: list[dict[str, str]] = []
    if kind == "FRACTIONAL":
        most = float(data.get("MaximumFractionalValue") or 255)
        if not np.isin(pixels, (0, most)).all():
            sentence = f"{name} holds shares of voxels; those of at least a half are taken"
            flags.append({"code": "outline_fractional", "sentence": sentence})
        pixels = pixels >= HALF * most
    numbers = [int(frame.get("ReferencedSegmentNumber") or 0) for frame in own]
    held = set(np.unique(pixels).tolist()) if labelled else {n for n, p in zip(numbers, pixels, strict=True) if p.any()}
    described = {number_of(s.get("SegmentNumber"), name): s for s in data.get("SegmentSequence") or ()}
    if (held - {0} if labelled else held) - set(described):
        raise DataFault("outline_unreadable", f"{name} marks voxels of a segment it does not describe. Export it again")
    # 0 is the background of a label map.
    listed = [Segment(n, str(s.get("SegmentLabel") or ""), n in held) for n, s in described.items() if n]
    chosen = {found.number for found in choose(listed, segment, name)}
    refuse_others(data, [item for number, item in described.items() if number in chosen], name)
    out = target.empty()
    for frame, number, image in zip(own, numbers, pixels, strict=True):
        drawn = np.isin(image, list(chosen)) if labelled else (image > 0) & (number in chosen)
        if not drawn.any():
            continue
        place: list[Any] = [
            frame.get(key) for key in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        ]
        if any(value is None for value in place):
            raise DataFault("outline_unplaced", f"a frame of {name} carries no patient position. Export it again")
        affine = section_affine(place[0], place[1], place[2], target)
        mask, found = on_lattice(drawn[..., None], affine, target, name)
        out |= mask
        flags += [flag for flag in found if flag not in flags]
    return out, flags


def _pixels(data: pydicom.Dataset, count: int, name: str) -> NDArray[Any]:
    """The pixels as (frame, row, column)."""
    try:
        pixels = data.pixel_array
    except Exception as error:  # what a decoder raises depends on the decoder
        raise DataFault(
            "outline_unreadable", f"the pixels of {name} cannot be decoded ({type(error).__name__}). Export it again"
        ) from error
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or len(pixels) != count:
        raise DataFault("outline_unreadable", f"{name} has not one position for each of its frames. Export it again")
    return np.asarray(pixels)


def linked(data: pydicom.Dataset) -> Iterator[str]:
    """The images that it says it was drawn on: of the whole object, and of each frame."""
    for word in SOURCES:
        for item in data.get(word) or ():
            yield from _below(item)
    groups = [
        *(data.get("SharedFunctionalGroupsSequence") or ()),
        *(data.get("PerFrameFunctionalGroupsSequence") or ()),
    ]
    for group in groups:
        for derived in group.get("DerivationImageSequence") or ():
            for item in derived.get("SourceImageSequence") or ():
                yield from _below(item)


def _below(item: pydicom.Dataset) -> Iterator[str]:
    for element in item.iterall():
        if element.tag == LINKED:
            yield str(element.value)
