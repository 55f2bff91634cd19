"""Enhanced MR images: many frames in one file, each with values of its own (DICOM PS3.3 C.7.6.16, C.8.13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydicom
from pydicom.datadict import keyword_for_tag

# Enhanced MR, and classic images that an archive wrapped (Legacy Converted Enhanced MR).
MULTIFRAME_CLASSES = {"1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4"}
# What a frame calls otherwise than a single image does.
OWN_NAMES = {
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "FrameType": "ImageType",
    "FrameLaterality": "ImageLaterality",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
    "EffectiveEchoTime": "EchoTime",
}
SPATIAL_DIMENSIONS = {"StackID", "InStackPositionNumber", "ImagePositionPatient", "ImageOrientationPatient"}
NO_LATERALITY = "U"


def frames(data: pydicom.Dataset) -> Iterator[dict[str, Any]]:
    """The values of each frame by keyword, in order of frame: its own functional groups over the shared ones.

    Frames without a TemporalPositionIndex get it from the one dimension that is not spatial (DimensionIndexValues).
    """
    shared = _flat(data.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])
    own = [_flat([item]) for item in data.PerFrameFunctionalGroupsSequence]
    time = _time_dimension(data, own)
    count = len(own)
    instance = str(data.get("InstanceNumber") or "")
    first = (int(instance) - 1) * count if instance.isdecimal() else 0
    for number, values in enumerate(own, start=first + 1):
        merged = {OWN_NAMES.get(keyword, keyword): value for keyword, value in (shared | values).items()}
        if time is not None and "TemporalPositionIdentifier" not in merged:
            merged["TemporalPositionIdentifier"] = values["DimensionIndexValues"][time]
        if merged.get("ImageLaterality") == NO_LATERALITY:
            del merged["ImageLaterality"]
        yield merged | {"InstanceNumber": number}


def _flat(groups: Any) -> dict[str, Any]:
    """The elements of all functional groups, whatever the depth of their sequences, by keyword."""
    found: dict[str, Any] = {}
    for dataset in groups:
        for element in dataset:
            if element.VR == "SQ":
                found |= _flat(element.value)
            elif element.keyword:
                found[element.keyword] = element.value
    if isinstance(found.get("DimensionIndexValues", []), int | None):
        found["DimensionIndexValues"] = [found["DimensionIndexValues"]]
    return found


def _time_dimension(data: pydicom.Dataset, own: list[dict[str, Any]]) -> int | None:
    """Which of the frames' DimensionIndexValues counts time: the only one that varies and is not spatial."""
    found = [item.get("DimensionIndexPointer") for item in data.get("DimensionIndexSequence") or ()]
    pointers = [keyword_for_tag(pointer) if isinstance(pointer, int) else "" for pointer in found]
    values = [frame.get("DimensionIndexValues", ()) for frame in own]
    if not pointers or any(len(value) != len(pointers) for value in values):
        return None
    open_ones = [
        place
        for place, keyword in enumerate(pointers)
        if keyword not in SPATIAL_DIMENSIONS and len({value[place] for value in values}) > 1
    ]
    return open_ones[0] if len(open_ones) == 1 else None
