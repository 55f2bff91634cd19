"""Segments that are not a cancer: the breast, its tissue, the box that a cancer lies in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from radparity.outline.site_volume import is_of_site
from radparity.record import DataFault

if TYPE_CHECKING:
    from pydicom import Dataset

# Of the property type of a segment: breast (SRT, MRSC, SNOMED CT), selected region (DCM).
CODES = {"T-04000", "B-1000", "76752008", "111099"}
LABELS = {"voi", "breast", "left breast", "right breast", "whole breast", "breast tissue", "fibroglandular tissue"}
# Of the objects of UCSF only this one marks the cancer; the others mark tissue, or hold codes of several masks.
OF_SITE = "voi pe segmentation"


def refuse_others(data: Dataset, segments: Iterable[Dataset], name: str) -> None:
    """Refuses chosen segments of a segmentation object that are said to be something else than a cancer.

    segments: items of its SegmentSequence. Raises DataFault `outline_tissue`.
    """
    if is_of_site(data):
        if not str(data.get("SeriesDescription") or "").lower().startswith(OF_SITE):
            raise DataFault(
                "outline_tissue",
                f"{name} marks tissue, the whole breast's enhancement or codes of several masks, not the cancer. Write"
                " functional_tumour_volume into the column `rule` of the readings sheet, and the outline is made",
            )
        return
    for segment in segments:
        types = segment.get("SegmentedPropertyTypeCodeSequence") or ()
        coded = any(str(item.get("CodeValue")) in CODES for item in types)
        if coded or str(segment.get("SegmentLabel") or "").strip().lower() in LABELS:
            raise DataFault(
                "outline_tissue",
                f"segment {segment.get('SegmentNumber')} of {name} is a breast, its tissue or a box, not a cancer."
                " Write the number or label of the cancer into the column `segment` of the readings sheet",
            )
