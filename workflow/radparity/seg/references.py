"""What a segmentation says it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radparity.seg.source import SourceImages

if TYPE_CHECKING:
    import pydicom


def refer(data: pydicom.Dataset, source: SourceImages, dimensions: str) -> None:
    """Put the source's images where stand-ins (SOPInstanceUID: number of the image, from 1) are named.

    A file of many frames is named once, and each frame of the segmentation names its own. What highdicom draws by
    chance goes too: the UID of the dimensions becomes `dimensions`, the time of writing is left out.
    """
    from pydicom.dataset import Dataset

    files: dict[str, Dataset] = {}
    for image in source.images:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = image.sop_class, image.identifier
        files.setdefault(image.identifier, one)
    data.SourceImageSequence = list(files.values())
    data.ReferencedSeriesSequence[0].ReferencedInstanceSequence = list(files.values())
    for group in data.PerFrameFunctionalGroupsSequence:
        for derived in group.DerivationImageSequence:
            for item in derived.SourceImageSequence:
                if not item.ReferencedSOPInstanceUID.isdecimal():
                    continue  # segments on the same image share the item
                image = source.images[int(item.ReferencedSOPInstanceUID) - 1]
                item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.sop_class, image.identifier
                if image.frame is not None:
                    item.ReferencedFrameNumber = image.frame
    for equipment in data.ContributingEquipmentSequence:
        del equipment.ContributionDateTime
    for place in (*data.DimensionOrganizationSequence, *data.DimensionIndexSequence):
        place.DimensionOrganizationUID = dimensions
