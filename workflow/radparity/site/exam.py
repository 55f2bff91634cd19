"""One exam's folder as a volume of phases: what intake and convert make of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.convert import convert_exam, convert_t2
from radparity.image import load
from radparity.intake.exam import intake_exam
from radparity.intake.geometry import one_grid
from radparity.intake.headers import read_headers
from radparity.intake.laterality import one_side, stacks
from radparity.intake.series import by_series
from radparity.intake.source import exam_files
from radparity.record import DataFault

SIDES = ("left", "right")


@dataclass(frozen=True)
class SiteExam:
    """An exam, or the part of it that has dynamic series of its own.

    files: by the names that the intake record uses. phases: (section, anterior, superior, phase), raw, RAS+. t2: the
    T2-weighted volume and its affine. side: the breast that was asked of intake, None where it was not asked.
    """

    files: Mapping[str, Path]
    intake: Mapping[str, Any]
    convert: Mapping[str, Any]
    phases: NDArray[np.float32]
    affine: NDArray[np.float64]
    t2: tuple[NDArray[np.float32], NDArray[np.float64]] | None
    side: str | None = None


class Refused(NamedTuple):
    """A breast that an exam shows and that cannot be used."""

    side: str
    fault: DataFault


def read_exam(folder: Path, named: bool = True) -> tuple[list[SiteExam], list[Refused]]:
    """The exam of a folder (files in any arrangement, other series among them), in two parts where each breast has
    dynamic series of its own; and the breasts that it shows and whose series cannot be used. The folder is only read.

    named: files bear their path below the folder; else `image-00012`, counted in order of name, so that no path of the
    hospital reaches the results. Raises DataFault, as intake and convert do, where nothing can be used.
    """
    folder = folder.resolve()
    files = exam_files(folder.parent, folder.name)
    if not named:
        files = {f"image-{number:05d}": files[name] for number, name in enumerate(sorted(files), start=1)}
    parts, refused = [], []
    try:
        found = intake_exam(files)
        parts.append(_converted(files, found))
        sides = _beside(files, found)
    except DataFault as fault:
        if fault.code != "two_sides":
            raise
        sides = SIDES
    for side in sides:
        try:
            parts.append(_converted(files, intake_exam(files, side), side))
        except DataFault as fault:
            refused.append(Refused(side, fault if fault.code != "side_missing" else _incomplete(side)))
    if not parts:
        raise refused[0].fault
    return parts, refused


def _beside(files: Mapping[str, Path], intake: Mapping[str, Any]) -> tuple[str, ...]:
    """The breast that images of the folder show alone, beside the one whose dynamic series was taken."""
    taken = intake["laterality"]
    if taken not in SIDES:
        return ()
    series = by_series([image for image in read_headers(files)[0] if image.placed])
    shown = {one_side(stack) for images in series for stack in stacks(one_grid(images))}
    return tuple(side for side in SIDES if side != taken and side in shown)


def _incomplete(side: str) -> DataFault:
    return DataFault(
        "side_missing",
        f"the folder holds images of the {side} breast and no whole dynamic series of it. Export it again, if there is"
        " one",
    )


def _converted(files: Mapping[str, Path], intake: dict[str, Any], side: str | None = None) -> SiteExam:
    # Through files, uncompressed: an affine of a NIfTI file has fewer digits, and the chain's went through one.
    with tempfile.TemporaryDirectory(prefix="radparity-") as scratch:
        phases, weighted = Path(scratch, "phases.nii"), Path(scratch, "t2.nii")
        facts = convert_exam(files, intake, phases)
        facts |= convert_t2(files, intake, weighted)
        volume, affine = load(phases)
        return SiteExam(files, intake, facts, volume, affine, load(weighted) if facts["t2"] else None, side)
