"""The intake of one exam: from its files to phases with times, or the fault that excludes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from radparity.intake.belonging import check_exam, check_patient
from radparity.intake.copies import check_no_twins, drop_copies
from radparity.intake.geometry import along, check_grid, one_grid, plane, x_range
from radparity.intake.headers import Header, read_headers
from radparity.intake.laterality import dynamic_of_side, laterality
from radparity.intake.phases import phases
from radparity.intake.series import by_series
from radparity.intake.t2 import choose_t2
from radparity.record import DataFault

ECHO_TOLERANCE_MS = 0.3
# Image types that tell the images of one acquisition apart: Dixon's, and magnitude from phase.
CONTRASTS = {"W", "WATER", "F", "FAT", "IP", "IN_PHASE", "OP", "OPP_PHASE", "OUT_PHASE", "P", "R", "I"}


def intake_exam(
    files: Mapping[str, Path],
    side: str | None = None,
    roles: Mapping[int, str] | None = None,
    one_patient: bool = False,
) -> dict[str, Any]:
    """Inventory of one exam (headers only; pixels are read only of images that may be copies of one another).

    files: path by the name that the record uses (radparity.intake.source.exam_files). side: the breast to take where
    each has dynamic series of its own. roles: series number to role, decided by a person. one_patient: a person has
    decided that the patient ids found are one woman's.

    Returns the facts of its record: phases in order, each with time_s (s from the first, null where `timed_by` is
    unknown) and its files in order of position along the normal (`name#frame`, from 0, in a multi-frame file); split_by
    and timed_by; plane, oblique_degrees, sections, matrix (rows, columns), in_plane_mm (of the same), section_mm,
    phase_count, x_range_mm (patient coordinates, positive to the left), laterality and laterality_from, scanner,
    transfer_syntax, compressed, t2 and t2_reason (radparity.intake.t2), every series with role and reason, other_files,
    flags.
    Raises DataFault with the code and the mend where the exam cannot be used.
    """
    headers, others = read_headers(files)
    flags = check_patient(headers, one_patient) + check_exam(headers)
    headers, copies = drop_copies(headers, files)
    flags += copies
    placed = [image for image in headers if image.placed]
    lost = [image for image in headers if not image.placed]
    whole = by_series(placed)
    series = [one_grid(images) for images in whole]
    dynamic, record = dynamic_of_side(series, side, roles)
    chosen = [image for images in dynamic for image in images]
    flags += _check_lost(lost, headers, {image.series for image in chosen})
    if not dynamic:
        held = ", ".join(f"{s['role']} ({s['reason']})" for s in record)
        raise DataFault("no_dynamic_series", f"no series can be the contrast-enhanced one: {held}")
    flags += _reduced(whole, series, {image.series for image in chosen})
    check_no_twins(chosen)
    check_grid(chosen)
    _check_contrasts(dynamic)
    found = phases(dynamic)
    images = [image for phase in found.phases for image in phase]
    first = found.phases[0]
    positions = [along(image) for image in first]
    name, oblique = plane(first[0])
    shown, shown_from, disagree = laterality(first)
    low, high = x_range(first)
    damaged = {image.series for image in headers if image.truncated}
    t2, unusable = choose_t2(series, record, first, damaged, roles)
    times: list[float | None] = [*found.times] if found.times else [None] * len(found.phases)
    return {
        "phases": [
            {"time_s": time, "files": [image.file for image in phase]}
            for time, phase in zip(times, found.phases, strict=True)
        ],
        "phase_count": len(found.phases),
        "split_by": found.split_by,
        "timed_by": found.timed_by,
        "plane": name,
        "oblique_degrees": oblique,
        "sections": len(positions),
        "matrix": [first[0].rows, first[0].columns],
        "in_plane_mm": list(first[0].spacing),
        "section_mm": round(float(np.median(np.diff(positions))), 4),
        "x_range_mm": [round(low, 2), round(high, 2)],
        "laterality": shown,
        "laterality_from": shown_from,
        "scanner": dict(zip(("manufacturer", "model", "tesla"), first[0].scanner, strict=True))
        | {"coil": first[0].coil},
        "sequence": {
            "repetition_ms": first[0].repetition_time,
            "echo_ms": first[0].echo_time,
            "flip_degrees": first[0].flip_angle,
        },
        "transfer_syntax": sorted({image.syntax for image in images}),
        "compressed": any(image.compressed for image in images),
        **t2,
        "series": record + _unplaced(lost),
        "other_files": len(others),
        "flags": flags + found.flags + disagree + unusable + _lossy(images),
    }


def _check_lost(lost: list[Header], headers: list[Header], dynamic: set[str]) -> list[dict[str, str]]:
    """Truncated images, and images without a position: a fault where the dynamic series needs them, else a flag.

    An image cut so early that its series is not known may be any. Raises DataFault `truncated_file` or
    `geometry_missing`.
    """
    cut = [image for image in headers if image.truncated]
    needed = [image for image in cut if not dynamic or not image.series or image.series in dynamic]
    if needed:
        raise DataFault(
            "truncated_file", f"{needed[0].file} ends before its pixels do. Copy the exam again from the archive"
        )
    missing = [image for image in lost if image.series in dynamic or not dynamic and len(lost) > 1]
    if missing:
        raise DataFault(
            "geometry_missing",
            f"{missing[0].file} and {len(missing) - 1} more lack position, orientation or pixel spacing. Fetch the"
            " originals from the archive",
        )
    if not cut:
        return []
    sentence = f"{len(cut)} files outside the dynamic series end before their pixels do, as {cut[0].file}"
    return [{"code": "truncated_elsewhere", "sentence": sentence}]


def _reduced(whole: list[list[Header]], kept: list[list[Header]], dynamic: set[str]) -> list[dict[str, str]]:
    out = []
    for before, after in zip(whole, kept, strict=True):
        if len(after) < len(before) and after[0].series in dynamic:
            sentence = (
                f"series {after[0].series_number} mixes matrices or spacings; {len(after)} of its {len(before)} images,"
                f" {after[0].rows} x {after[0].columns}, are one acquisition and are used"
            )
            out.append({"code": "acquisition_left_out", "sentence": sentence})
    return out


def _check_contrasts(dynamic: list[list[Header]]) -> None:
    """No series mixes echoes, nor the dynamic series water with fat or magnitude with phase images.

    Raises DataFault `mixed_contrasts`: split by instance number they would pass for phases.
    """
    kinds = {tuple(sorted(CONTRASTS.intersection(image.image_type))) for images in dynamic for image in images}
    echoes = [[image.echo_time for image in images if image.echo_time is not None] for images in dynamic]
    if len(kinds) > 1 or any(max(times) - min(times) > ECHO_TOLERANCE_MS for times in echoes if times):
        said = " and ".join(sorted("/".join(kind) or "plain" for kind in kinds)) if len(kinds) > 1 else "several echoes"
        raise DataFault(
            "mixed_contrasts",
            f"the dynamic series mixes images of different contrast ({said}). Leave the odd series out in"
            " decisions.tsv",
        )


def _lossy(images: list[Header]) -> list[dict[str, str]]:
    count = sum(image.lossy for image in images)
    if not count:
        return []
    sentence = f"{count} images were compressed with loss: their intensities are not the scanner's"
    return [{"code": "lossy_compression", "sentence": sentence}]


def _unplaced(lost: list[Header]) -> list[dict[str, Any]]:
    """The series whose images have no position, for the record."""
    return [
        {
            "number": images[0].series_number,
            "description": images[0].description,
            "images": len(images),
            "role": "other",
            "reason": "images without position, orientation or pixel spacing",
            "file": images[0].file,
        }
        for images in by_series(lost)
    ]
