"""The real exam of resources/ as a large one: 512 x 512 x 60 with eight phases, enlarged in the plane, its later phases
interpolated, with a little noise."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pydicom
from scipy import ndimage

PHASES, SECTIONS = 8, 60


def enlarge(source: Path, out: Path) -> None:
    """480 images of 512 x 512 in one series, with TriggerTime."""
    images = [pydicom.dcmread(path) for path in source.rglob("*") if path.is_file()]
    images.sort(key=lambda image: int(image.InstanceNumber))
    rng = np.random.default_rng(1)
    out.mkdir(parents=True)
    for phase in range(PHASES):
        late = max(0, phase - 1) / (PHASES - 2)
        for section in range(SECTIONS):
            pre, early, last = (images[part * SECTIONS + section] for part in range(3))
            pixels = pre.pixel_array if phase == 0 else (1 - late) * early.pixel_array + late * last.pixel_array
            fine = ndimage.zoom(pixels.astype(np.float32), 2, order=1, grid_mode=True, mode="nearest")
            fine = np.clip(np.rint(fine + rng.normal(0, 3, fine.shape)), 0, 32767).astype("<i2")
            image = copy.deepcopy(pre)
            row, column = np.array(image.ImageOrientationPatient, dtype=float).reshape(2, 3)
            step = float(image.PixelSpacing[0]) / 2
            image.ImagePositionPatient = list(np.array(image.ImagePositionPatient) - (row + column) * step / 2)
            image.PixelSpacing = [step, step]
            image.Rows, image.Columns = fine.shape
            image.PixelData = fine.tobytes()
            image.TriggerTime, image.AcquisitionNumber = f"{90_000 * phase}", phase + 1
            image.InstanceNumber = phase * SECTIONS + section + 1
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
            image.save_as(out / f"{image.InstanceNumber:04d}.dcm")
