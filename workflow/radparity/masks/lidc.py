"""The study of masks that ships: 456 lung nodules, each outlined by four radiologists of LIDC-IDRI on one section.

`resources/lidc` holds the masks as one array; here they become what a study has: a file a mask, and a sheet.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

SOURCE, RAW = Path("resources/lidc"), Path("data/lidc")
SLOTS = ("S1", "S2", "S3", "S4")
"""The four outlines of a nodule, in LIDC's order; a slot is not one person."""


def unpack(source: Path, raw: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Write one NIfTI mask a nodule and slot (one axial section; spacing, thickness and height of the CT in mm), and
    `masks.tsv` with pseudonyms of the patients. Returns the number of masks. The same source gives the same bytes.

    In the plane, positions are counted from the first voxel of the CT section: its own position is not published.
    """
    import nibabel

    (raw / "masks").mkdir(parents=True, exist_ok=True)
    with np.load(source / "masks_4readers_96x96.npz") as held:
        masks = held["masks"]
    with (source / "reader_dice.csv").open(newline="", encoding="utf-8") as stream:
        nodules = list(csv.DictReader(stream))
    patients = {name: f"P{n:03d}" for n, name in enumerate(dict.fromkeys(row["lidc_patient"] for row in nodules), 1)}
    lines = [["case", "patient", "rater", "file"]]
    for nodule, (row, four) in enumerate(zip(nodules, masks, strict=True)):
        step, thick = float(row["pixel_spacing_mm"]), float(row["slice_thickness_mm"])
        affine = np.diag([-step, -step, thick, 1.0])  # columns run to the patient's left, rows to the back
        affine[:3, 3] = -step * int(row["crop_col0"]), -step * int(row["crop_row0"]), float(row["slice_z_mm"])
        for slot, mask in zip(SLOTS, four, strict=True):
            path = f"masks/N{nodule:03d}_{slot}.nii.gz"
            image = nibabel.Nifti1Image(np.ascontiguousarray(mask.T)[..., None], affine)
            image.header.set_xyzt_units("mm")
            nibabel.save(image, raw / path)
            lines.append([f"N{nodule:03d}", patients[row["lidc_patient"]], slot, path])
        if progress:
            progress(nodule + 1, len(nodules))
    with (raw / "masks.tsv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(lines)
    return len(lines) - 1
