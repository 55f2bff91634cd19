"""The role of one series: its tags first, its description second, with the reason in words."""

from __future__ import annotations

from collections import Counter

import numpy as np

from radparity.intake.descriptions import (
    FEWEST_SECTIONS,
    NOT_DYNAMIC,
    fat_suppressed,
    plain,
    role_of_description,
)
from radparity.intake.headers import Header

ROLES = (
    "dynamic",
    "ultrafast",
    "t1",
    "t2",
    "diffusion",
    "localizer",
    "derived",
    "segmentation",
    "calibration",
    "other",
    "unsure",
)
SEGMENTATION_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Values of ImageType that vendors write for what they computed from other images.
COMPUTED = {
    "SUBTRACT": "subtraction",
    "SUBTRACTION": "subtraction",
    "SUB": "subtraction",
    "SLOPE": "slope",
    "PE1": "percent enhancement",
    "PE2": "percent enhancement",
    "PEI": "percent enhancement",
    "SER": "signal enhancement ratio",
    "MIP": "projection",
    "PROJECTION IMAGE": "projection",
    "MPR": "reformat",
    "REFORMATTED": "reformat",
    "CPR": "reformat",
    "ADC": "apparent diffusion coefficient",
    "EADC": "apparent diffusion coefficient",
    "TTP": "time to peak",
    "WASH_IN": "wash-in",
    "WASH_OUT": "wash-out",
    "SCREEN SAVE": "screenshot",
    "SCREENSAVE": "screenshot",
    "POSDISP": "screenshot",
    "CSA REPORT": "report",
    "MOCO": "motion-corrected copy",
}
WATER = {"WATER", "W"}
DIXON_OTHER = {"FAT", "F", "IN_PHASE", "OUT_PHASE", "OPP_PHASE", "IP", "OP", "P", "R", "I", "PHASE", "PHASE MAP"}
FAT_OPTIONS = {"FS", "SFS", "FAT_GEMS", "FATSAT", "WE", "SPAIR", "SPIR"}
# Spec section 2: at least this repetition time is T2-weighted; an echo this late is, whatever the repetition time.
LONGEST_T1_REPETITION_MS = 780.0
LATE_ECHO_MS = 40.0
EARLY_ECHO_MS = 15.0  # gradient echoes this early are T1-weighted also where the repetition time counts an inversion
ONE_PLANE = 0.996  # cosine of 5 degrees
NO_AGENT = {"", "NONE", "NO", "N", "0"}


def kind(header: Header) -> frozenset[str]:
    """The values of ImageType that make images of one series different things: Dixon parts, subtractions, maps."""
    return frozenset(header.image_type) & (COMPUTED.keys() | WATER | DIXON_OTHER | {"DERIVED", "LOCALIZER"})


def fat_tags(images: list[Header]) -> bool | None:
    """Whether ImageType or ScanOptions say that fat is suppressed; None where neither is filled."""
    first = images[0]
    if WATER & set(first.image_type):
        return True
    return bool(FAT_OPTIONS.intersection(first.scan_options)) if first.scan_options else None


def suppresses_fat(images: list[Header]) -> bool | None:
    """Whether fat is suppressed, by the tags, else by the description; None where neither says so.

    Vendors leave suppression out of ScanOptions now and then, so options without it are no proof of its absence.
    """
    return True if fat_tags(images) else fat_suppressed(images[0].description)


def agent(images: list[Header]) -> bool:
    """Whether ContrastBolusAgent names an agent on any image."""
    return any(image.contrast_agent.upper() not in NO_AGENT for image in images)


def planes(images: list[Header]) -> int:
    """How many orientations the images have that differ by more than 5 degrees."""
    normals: list[np.ndarray] = []
    for orientation in {image.orientation for image in images if len(image.orientation) == 6}:
        normal = np.cross(orientation[:3], orientation[3:])
        if all(abs(float(normal @ known)) < ONE_PLANE for known in normals):
            normals.append(normal)
    return len(normals)


def sections(images: list[Header]) -> int:
    """How many positions the images cover."""
    return len({tuple(round(v, 1) for v in image.position) for image in images})


def role(images: list[Header]) -> tuple[str, str]:
    """The role of one series and the reason. images: all of one series, at least one.

    `dynamic` and `ultrafast` are candidates: radparity.intake.series chooses among them within the exam. `unsure` where
    neither the tags nor the description tell.
    """
    first = images[0]
    said, why = role_of_description(first.description)
    return (
        _not_an_image(first)
        or _computed(first)
        # Reconstructions keep the acquisition's tags, so words that say so count before them.
        or ((said, why) if said in ("segmentation", "derived", "localizer", "calibration", "other") else None)
        or _scout(images)
        or _diffusion(images, said, why)
        or _weighting(first, said)
        or ((said, why) if said in NOT_DYNAMIC else None)
        or _few(images)
        or _volume(first, said, why)
    )


def _not_an_image(first: Header) -> tuple[str, str] | None:
    if first.modality == "SEG" or first.sop_class == SEGMENTATION_CLASS:
        return "segmentation", "Modality or SOPClassUID is a segmentation"
    if first.sop_class.startswith(SECONDARY_CAPTURE) or first.modality == "SC":
        return "derived", "SOPClassUID is a secondary capture"
    return None if first.modality == "MR" else ("other", f"Modality is {first.modality or 'missing'}, not MR")


def _computed(first: Header) -> tuple[str, str] | None:
    values = set(first.image_type)
    if "LOCALIZER" in values:
        return "localizer", "ImageType holds LOCALIZER"
    for value in first.image_type:
        if value in COMPUTED:
            return "derived", f"ImageType holds {value}: {COMPUTED[value]}"
    if "DIFFUSION" in values or "TRACEW" in values:
        return "diffusion", "ImageType holds DIFFUSION or TRACEW"
    if part := DIXON_OTHER & set(first.image_type[2:]):
        return "other", f"ImageType holds {sorted(part)[0]}: not the water or magnitude image"
    if "DERIVED" in values and not WATER & values:  # the water image of a Dixon acquisition is derived and wanted
        return "derived", "ImageType holds DERIVED"
    return None


def _scout(images: list[Header]) -> tuple[str, str] | None:
    found = planes(images)
    return ("localizer", f"{found} orientations in one series") if found > 1 else None


def _diffusion(images: list[Header], said: str, why: str) -> tuple[str, str] | None:
    values = sorted({image.b_value for image in images if image.b_value is not None})
    if values and values[-1] > 0:
        return "diffusion", f"DiffusionBValue up to {values[-1]:g}"
    name = images[0].sequence_name.lower()
    if "ep_b" in name or "ep2d_diff" in name:
        return "diffusion", f"SequenceName is {images[0].sequence_name}"
    if "EP" in images[0].scanning_sequence:
        return ("diffusion", why) if said == "diffusion" else ("other", "ScanningSequence is EP: echo-planar")
    return None


def _weighting(first: Header, said: str) -> tuple[str, str] | None:
    repetition, echo, sequence = first.repetition_time, first.echo_time, set(first.scanning_sequence)
    if "tfi" in first.sequence_name.lower() or "fiesta" in first.sequence_name.lower():
        return "other", f"SequenceName is {first.sequence_name}: balanced gradient echo"
    if echo is not None and echo >= LATE_ECHO_MS:
        return "t2", f"EchoTime {echo:g} ms is at least {LATE_ECHO_MS:g} ms"
    if repetition is not None and repetition >= LONGEST_T1_REPETITION_MS:
        if "GR" in sequence and echo is not None and echo < EARLY_ECHO_MS:
            return "t1", f"gradient echo with RepetitionTime {repetition:g} ms: inversion-prepared or many sections"
        if said == "t1":
            return "t1", f"description says T1, though RepetitionTime is {repetition:g} ms"
        return "t2", f"RepetitionTime {repetition:g} ms is at least {LONGEST_T1_REPETITION_MS:g} ms"
    if "SE" in sequence:
        return "t1", "ScanningSequence is SE with a short RepetitionTime"
    return None


def _few(images: list[Header]) -> tuple[str, str] | None:
    found = sections(images)
    return ("other", f"{found} sections: fewer than {FEWEST_SECTIONS}") if found < FEWEST_SECTIONS else None


def _volume(first: Header, said: str, why: str) -> tuple[str, str]:
    """The T1-weighted volumes: candidates where the tags or the words say so."""
    if said == "ultrafast":
        return said, why
    if first.repetition_time is not None and first.repetition_time > 0:
        return (
            "dynamic",
            f"T1-weighted volume: RepetitionTime {first.repetition_time:g} ms, not derived",
        )
    if said == "dynamic" or said == "t1":
        return said, f"RepetitionTime is missing; {why}"
    return "unsure", f"RepetitionTime is missing; {why}"


def summary(series: list[list[Header]]) -> str:
    """Series in words for a message: numbers, descriptions and how often each comes."""
    names = Counter(plain(images[0].description) for images in series)
    numbers = ", ".join(str(images[0].series_number) for images in series)
    return f"series {numbers} ({'; '.join(name or 'no description' for name in names)})"
