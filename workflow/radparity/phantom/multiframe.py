"""All phases of an exam as one enhanced multi-frame MR file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage

from radparity.phantom.grid import Grid


def as_multiframe(
    d: Dataset, volumes: Sequence[NDArray[Any]], moments: Sequence[str], grid: Grid, orientation: Sequence[float]
) -> Dataset:
    """Turn a dataset into a file of all sagittal sections of all phases (section, anterior, superior).

    Frames run through the phases of a section before the next section, as some scanners write them. moments: start of
    each phase as DICOM date and time.
    """
    d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    shared, direction, measures = Dataset(), Dataset(), Dataset()
    direction.ImageOrientationPatient = [f"{v:g}" for v in orientation]
    measures.SliceThickness = measures.SpacingBetweenSlices = f"{grid.spacing[0]:g}"
    measures.PixelSpacing = [f"{grid.spacing[2]:g}", f"{grid.spacing[1]:g}"]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [direction], [measures]
    x, a, s = grid.axes
    frames, pixels = [], []
    for section in range(len(x)):
        for phase, (volume, moment) in enumerate(zip(volumes, moments, strict=True), start=1):
            frame, position, content = Dataset(), Dataset(), Dataset()
            position.ImagePositionPatient = [f"{v:.9g}" for v in (-x[section], -a[-1], s[-1])]
            content.FrameAcquisitionDateTime = content.FrameReferenceDateTime = moment
            content.TemporalPositionIndex, content.StackID, content.InStackPositionNumber = phase, "1", section + 1
            content.DimensionIndexValues = [section + 1, phase]
            frame.PlanePositionSequence, frame.FrameContentSequence = [position], [content]
            frames.append(frame)
            pixels.append(np.clip(np.rint(volume[section, ::-1, ::-1].T), 0, 65535).astype("<u2"))
    d.SharedFunctionalGroupsSequence, d.PerFrameFunctionalGroupsSequence = [shared], frames
    d.NumberOfFrames, d.InstanceNumber = str(len(frames)), 1
    d.Rows, d.Columns = pixels[0].shape
    d.PixelData = np.stack(pixels).tobytes()
    return d
