"""An outline as NRRD: ITK-SNAP's and MITK's masks, and 3D Slicer's cropped `.seg.nrrd` with several segments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.outline.nifti import binary
from radparity.outline.segments import Segment, choose
from radparity.record import DataFault

# Signs that turn a NRRD space into RAS+ (https://teem.sourceforge.net/nrrd/format.html#space).
SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
}
SHORT = {"ras": "right-anterior-superior", "las": "left-anterior-superior", "lps": "left-posterior-superior"}


def read_nrrd(path: Path, segment: str | None) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The mask (three axes in the file's order) and its affine, RAS+.

    segment: of a `.seg.nrrd` the label of a segment or its place in Slicer's list from 1; else a label's value.
    Raises DataFault `outline_unreadable`, `outline_unplaced`, `outline_shape`, `outline_values`, `outline_segment`.
    """
    import nrrd

    try:
        values, header = nrrd.read(str(path), index_order="F")
    except Exception as error:  # pynrrd raises what its parts raise: struct, zlib, its own, ValueError
        raise DataFault(
            "outline_unreadable", f"{path.name} cannot be read as NRRD ({type(error).__name__}). Export it again"
        ) from error
    affine = _affine(header, path.name)
    listed = [axis for axis, step in enumerate(header["space directions"]) if not np.isfinite(step).all()]
    layers = np.moveaxis(values, listed, range(len(listed))) if listed else values
    layers = layers[None] if layers.ndim == 3 else layers
    if layers.ndim != 4:
        raise DataFault("outline_shape", f"{path.name} has shape {values.shape}; an outline is one volume")
    segments = _segments(header, layers)
    if not segments:
        if len(layers) > 1:
            raise DataFault("outline_shape", f"{path.name} holds {len(layers)} volumes. Export one mask")
        return binary(layers[0], segment, path.name), affine
    mask = np.zeros(layers.shape[1:], bool)
    for chosen in choose(list(segments), segment, path.name):
        mask |= segments[chosen]
    return mask, affine


def _affine(header: dict[str, Any], name: str) -> NDArray[np.float64]:
    space = str(header.get("space", "")).lower()
    signs = SPACES.get(SHORT.get(space, space))
    if signs is None or "space directions" not in header or "space origin" not in header:
        raise DataFault("outline_unplaced", f"{name} carries no patient position. Export it from the exam")
    steps = np.array([step for step in header["space directions"] if np.isfinite(step).all()], float)
    if steps.shape != (3, 3):
        raise DataFault("outline_shape", f"{name} has {len(steps)} axes in space; an outline is one volume")
    affine = np.eye(4)
    affine[:3, :3] = (steps * signs).T
    affine[:3, 3] = np.asarray(header["space origin"], float) * signs
    return affine


def _segments(header: dict[str, Any], layers: NDArray[Any]) -> dict[Segment, NDArray[np.bool_]]:
    """3D Slicer's segments by their place in its list; none where the header has none."""
    found: dict[Segment, NDArray[np.bool_]] = {}
    places = sorted(int(m[1]) for key in header if (m := re.fullmatch(r"Segment(\d+)_LabelValue", key)))
    for place in places:
        layer = int(header.get(f"Segment{place}_Layer", 0))
        mask = layers[layer] == int(header[f"Segment{place}_LabelValue"])
        found[Segment(place + 1, str(header.get(f"Segment{place}_Name", "")), bool(mask.any()))] = mask
    return found
