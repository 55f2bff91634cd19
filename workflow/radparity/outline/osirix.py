"""Outlines as OsiriX and Horos export them: ROIs as a property list (XML) or as a table (CSV).

Both write each point in mm (patient coordinates, LPS) and in pixels, whose origin is the corner of the first pixel.
The image's number in the viewer is no place: another export, or another sorting, counts otherwise.
"""

from __future__ import annotations

import csv
import io
import plistlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from radparity.outline.exam import Images, Target
from radparity.outline.polygons import Points, draw
from radparity.outline.segments import NOTHING, Segment, choose
from radparity.record import DataFault

if TYPE_CHECKING:
    from radparity.intake.headers import Header

# Types of OsiriX's ROI.h that enclose an area by their points: rectangle, oval, closed polygon, pencil.
AREAS = {6, 9, 11, 15}
BRUSH = 20
SAME_MM = 0.2
PIXEL_CORNER = 0.5


class Roi(NamedTuple):
    """One ROI: name, type, image (SOPInstanceUID, empty where unknown), points in mm and in pixels (column, row)."""

    label: str
    kind: int
    image: str
    millimetres: Points
    pixels: Points


def read_osirix(
    path: Path, target: Target, images: Images, header: Header | None, segment: str | None
) -> NDArray[np.bool_]:
    """The mask on the exam's native grid. Measurements, arrows and texts are left out.

    header: the image that the readings sheet names, for an export without mm and identifiers. segment: an ROI's name,
    where the file holds several. Raises DataFault `outline_unreadable`, `outline_unplaced`, `outline_segment`,
    `outline_other_exam`, `outline_unsupported` (brush ROIs, whose pixels are not exported) and those of `draw`.
    """
    rois = _read(path)
    if any(roi.kind == BRUSH for roi in rois):
        raise DataFault(
            "outline_unsupported",
            f"{path.name} holds a brush ROI, of which this export keeps no points. Export it as DICOM SEG, or draw a"
            " closed polygon",
        )
    areas = [roi for roi in rois if roi.kind in AREAS]
    if not areas:
        raise DataFault("outline_contours", f"{path.name} holds no closed contour. {NOTHING}")
    labels = list(dict.fromkeys(roi.label for roi in areas))
    listed = [Segment(number, label) for number, label in enumerate(labels, start=1)]
    chosen = {found.label for found in choose(listed, segment, path.name)}
    kept = [roi for roi in areas if roi.label in chosen]
    images.check_images({roi.image for roi in kept if roi.image}, path.name)
    return draw([_placed(roi, images, header, path.name) for roi in kept], target, path.name)


def _placed(roi: Roi, images: Images, header: Header | None, name: str) -> Points:
    """The points in patient coordinates: as exported in mm, else by the image that the file or the sheet names.

    Where both are known they have to agree.
    """
    own = images.of[roi.image][0] if roi.image else header
    if own is None and len(roi.millimetres):
        return roi.millimetres
    if own is None:
        raise DataFault(
            "outline_unplaced",
            f"{name} does not say which image it was drawn on; the image's number in a viewer is no place. Export with"
            " SOPInstanceUID, or write the image's file or SOPInstanceUID into `image` of the readings sheet",
        )
    if not len(roi.pixels):
        return roi.millimetres
    step = np.array(own.orientation).reshape(2, 3)
    index = roi.pixels - PIXEL_CORNER
    found: Points = np.array(own.position) + index[:, :1] * own.spacing[1] * step[0]
    found = found + index[:, 1:] * own.spacing[0] * step[1]
    if len(roi.millimetres) and np.abs(found - roi.millimetres).max() > SAME_MM + max(own.spacing) * PIXEL_CORNER:
        raise DataFault(
            "outline_geometry", f"the points of {name} in mm and those in pixels of the named image lie elsewhere"
        )
    return roi.millimetres if len(roi.millimetres) else found


def _read(path: Path) -> list[Roi]:
    content = path.read_bytes()
    try:
        if content.lstrip().startswith((b"<?xml", b"<plist", b"bplist")):
            return list(_of_plist(plistlib.loads(content)))
        return list(_of_table(content.decode("utf-8-sig")))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ExpatError,
        plistlib.InvalidFileException,
    ) as e:
        raise DataFault(
            "outline_unreadable", f"{path.name} is no ROI export of OsiriX or Horos ({type(e).__name__}). Export again"
        ) from e


def _of_plist(content: Mapping[str, Any]) -> Iterable[Roi]:
    for image in content["Images"]:
        for roi in image["ROIs"]:
            yield Roi(
                str(roi.get("Name", "")),
                int(roi["Type"]),
                str(roi.get("SOPInstanceUID") or image.get("SOPInstanceUID") or ""),
                _numbers(roi.get("Point_mm") or (), 3),
                _numbers(roi.get("Point_px") or (), 2),
            )


def _numbers(points: Iterable[str], count: int) -> Points:
    """Points written as `(1.0, 2.0, 3.0)`."""
    found = [[float(v) for v in re.findall(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?", point)] for point in points]
    return np.array(found, float).reshape(-1, count)


def _of_table(text: str) -> Iterable[Roi]:
    """Rows of the export plug-in: named columns up to NumOfPoints, then mm x, y, z and pixel x, y of each point."""
    rows = csv.reader(io.StringIO(text))
    columns = [name.strip() for name in next(rows)]
    first = columns.index("NumOfPoints") + 1
    for row in filter(None, rows):
        named = dict(zip(columns[:first], (cell.strip() for cell in row), strict=False))
        count = int(named["NumOfPoints"])
        points = np.array([float(cell) for cell in row[first : first + 5 * count]]).reshape(count, 5)
        kind = int(float(named["RoiType"]))
        yield Roi(named["RoiName"], kind, named.get("SOPInstanceUID", ""), points[:, :3], points[:, 3:])
