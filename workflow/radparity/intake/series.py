"""What each series is, by its tags first and its description second, with the reason."""

from __future__ import annotations

import re
from collections import defaultdict

from radparity.intake.headers import Header

DERIVED = {"DERIVED", "SUBTRACT", "SUB", "SLOPE", "MIP", "PROJECTION IMAGE", "PE1", "SER", "MPR"}
LONGEST_T1_REPETITION_MS = 780.0
FEWEST_SECTIONS = 8


def by_series(headers: list[Header]) -> list[list[Header]]:
    """Images grouped by series, in order of series number (as a number, not as text)."""
    groups: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        groups[header.series].append(header)
    return sorted(groups.values(), key=lambda g: (g[0].series_number, g[0].series))


def role(images: list[Header]) -> tuple[str, str]:
    """The role of one series and the reason: dynamic candidate, t2, localizer, derived, diffusion or other."""
    first = images[0]
    text = first.description.lower()
    if first.modality != "MR":
        return "other", f"Modality is {first.modality or 'missing'}, not MR"
    derived = DERIVED.intersection(first.image_type)
    if derived:
        return "derived", f"ImageType holds {sorted(derived)[0]}"
    if re.search(r"\b(sub|subtraction|mip|ser|pe1|slope|adc)\b", text):
        return "derived", f"description '{first.description}'"
    if "LOCALIZER" in first.image_type or len({image.orientation for image in images}) > 1:
        return "localizer", "ImageType or several orientations in one series"
    if re.search(r"\b(loc|localizer|scout|survey|calib\w*|pjn)\b", text):
        return "localizer", f"description '{first.description}'"
    if any(image.b_value is not None for image in images):
        return "diffusion", "DiffusionBValue is given"
    if first.repetition_time is not None and first.repetition_time >= LONGEST_T1_REPETITION_MS:
        return "t2", f"RepetitionTime {first.repetition_time:g} ms is at least {LONGEST_T1_REPETITION_MS:g} ms"
    if len({image.position for image in images}) < FEWEST_SECTIONS:
        return "other", f"fewer than {FEWEST_SECTIONS} sections"
    return "dynamic", "T1-weighted volume: short RepetitionTime, one orientation, not derived"


def geometry(images: list[Header]) -> tuple[object, ...]:
    """What images must share to be phases of one dynamic series."""
    first = images[0]
    return (first.orientation, first.rows, first.columns, first.spacing, first.laterality)


def dynamic_series(series: list[list[Header]]) -> tuple[list[list[Header]], list[dict[str, object]]]:
    """The series that together form the dynamic one, and the record of every series with its role and reason.

    Of several geometries the one with the most images is taken; the others are recorded as other.
    """
    roles = [role(images) for images in series]
    groups: dict[tuple[object, ...], list[list[Header]]] = defaultdict(list)
    for images, (name, _) in zip(series, roles, strict=True):
        if name == "dynamic":
            groups[geometry(images)].append(images)
    chosen = max(groups.values(), key=lambda g: sum(map(len, g)), default=[])
    record: list[dict[str, object]] = []
    for images, (name, reason) in zip(series, roles, strict=True):
        if name == "dynamic" and images not in chosen:
            name, reason = "other", "another geometry than the dynamic series with the most images"
        first = images[0]
        record.append(
            {
                "number": first.series_number,
                "description": first.description,
                "images": len(images),
                "role": name,
                "reason": reason,
            }
        )
    return chosen, record
