"""The answer for one breast: lesion or none, with its numbers, and its files on the exam's own voxels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.bundle.opened import Bundle
from radparity.image import save
from radparity.register import TARGET
from radparity.seg.native import to_native
from radparity.seg.patient import Identity
from radparity.seg.source import SourceImages, read_source
from radparity.seg.write import Algorithm, Finding, write_seg
from radparity.site.breast import SiteBreast
from radparity.site.exam import SiteExam
from radparity.site.extent import extent
from radparity.site.images import marked_images

FOUND, NONE = "lesion", "no lesion found"


@dataclass(frozen=True)
class Given:
    """How answers are written. identity: of the DICOM segmentation; label: the exam's pseudonym; nifti: masks and maps
    as NIfTI too."""

    identity: Identity
    label: str
    version: str
    nifti: bool


def answer(exam: SiteExam, breast: SiteBreast, bundle: Bundle, folder: Path, given: Given) -> dict[str, Any]:
    """Write a breast's files into a folder; returns what the results say of it.

    Raises DataFault where the segmentation cannot refer to the exam's images.
    """
    threshold = bundle.method.threshold
    lesion = breast.lesion
    said: dict[str, Any] = {
        "side": breast.side,
        "status": "ok",
        "answer": FOUND if lesion.found else NONE,
        "maximum": round(lesion.maximum, 4),
        "floor": threshold.floor.probability,
        "threshold": round(threshold.fraction * lesion.maximum, 4),
        **breast.facts,
        "files": [],
    }
    if lesion.found:
        native = to_native(lesion.mask, breast.affine, exam.phases.shape[:3], exam.affine)
        source = read_source(exam.files, exam.intake["phases"][TARGET]["files"])
        said |= extent(native, exam.affine) | marked_images(native, exam.affine, source)
        said["disagreement"] = round(float(breast.disagreement[lesion.mask].mean()), 4)
        said["files"] += _masks(exam, breast.side, native, source, bundle, folder, given)
    if given.nifti:
        name = f"{breast.side}_probability.nii.gz"
        save(folder / name, breast.probability, breast.affine)
        said["files"].append(name)
    return said


def _masks(
    exam: SiteExam,
    side: str,
    native: NDArray[np.bool_],
    source: SourceImages,
    bundle: Bundle,
    folder: Path,
    given: Given,
) -> list[str]:
    names = [f"{side}_lesion.dcm"]
    made_by = Algorithm(
        f"radparity {bundle.method.name}", given.version, f"network sha256 {bundle.manifest['network']}"
    )
    pseudonym = given.label if given.identity == "pseudonymous" else ""
    write_seg(
        folder / names[0], [Finding("Lesion", side, native)], exam.affine, source, made_by, given.identity, pseudonym
    )
    if given.nifti:
        names.append(f"{side}_lesion.nii.gz")
        save(folder / names[1], native.astype(np.uint8), exam.affine)
    return names
