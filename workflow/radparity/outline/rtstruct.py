"""An outline as a DICOM structure set (RTSTRUCT): closed contours in patient coordinates."""

from __future__ import annotations

import numpy as np
import pydicom
from numpy.typing import NDArray

from radparity.outline.exam import Images, Target
from radparity.outline.polygons import draw
from radparity.outline.segments import NOTHING, Segment, choose, number_of
from radparity.record import DataFault

CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
CLOSED = {"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"}


def read_rtstruct(
    data: pydicom.Dataset, target: Target, images: Images, segment: str | None, name: str
) -> NDArray[np.bool_]:
    """The mask on the exam's native grid. Points, open lines and measurements of a structure are left out.

    segment: the structure's ROI number or name. Holes: by XOR (DICOM PS3.3 C.8.8.6.3), by keyhole, or as a contour
    wholly within another. Raises DataFault `outline_segment`, `outline_contours`, `outline_geometry`, and those of the
    exam's checks.
    """
    contours: dict[int, list[pydicom.Dataset]] = {}
    for item in data.get("ROIContourSequence") or ():
        closed = [c for c in item.get("ContourSequence") or () if str(c.get("ContourGeometricType")) in CLOSED]
        contours.setdefault(number_of(item.get("ReferencedROINumber"), name), []).extend(closed)
    listed = {number_of(roi.get("ROINumber"), name): roi for roi in data.get("StructureSetROISequence") or ()}
    segments = [
        Segment(number, str(roi.get("ROIName") or ""), bool(contours.get(number))) for number, roi in listed.items()
    ]
    if not any(segment.drawn for segment in segments):
        raise DataFault("outline_contours", f"{name} holds no closed contour. {NOTHING}")
    out = target.empty()
    for chosen in choose(segments, segment, name):
        own = contours.get(chosen.number, [])
        frame = str(listed[chosen.number].get("ReferencedFrameOfReferenceUID") or data.get("FrameOfReferenceUID") or "")
        linked = {str(i.get("ReferencedSOPInstanceUID")) for c in own for i in c.get("ContourImageSequence") or ()}
        images.check_linked(frame, linked, name)
        exclusive = any(str(c.ContourGeometricType) == "CLOSEDPLANAR_XOR" for c in own)
        out |= draw([_points(c, name) for c in own], target, name, exclusive)
    return out


def _points(contour: pydicom.Dataset, name: str) -> NDArray[np.float64]:
    values = np.asarray(contour.get("ContourData") or [], float).ravel()
    if len(values) % 3:
        raise DataFault("outline_contours", f"a contour of {name} is cut short. Export it again")
    return values.reshape(-1, 3)
