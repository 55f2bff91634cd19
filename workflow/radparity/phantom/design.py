"""What each virtual exam shall be: the rows of the design sheet, the scanners, the sizes and the seeds."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

READERS = ("R1", "R2", "R3", "R4")
DEVELOPMENT_READER = "R6"


@dataclass(frozen=True)
class Scanner:
    """One scanner model: gain in raw intensity, noise in the same unit, coil falloff in mm."""

    model: str
    field_strength: str
    gain: float
    noise: float
    coil_mm: float
    manufacturer: str = "GE MEDICAL SYSTEMS"


# The oldest model writes its field strength in gauss, as real ones did.
SCANNERS = {
    "Genesis Signa 1.5T": Scanner("GENESIS_SIGNA", "15000", 2.2, 8.0, 75.0),
    "Signa Excite 1.5T": Scanner("SIGNA EXCITE", "1.5", 6.0, 18.0, 85.0),
    "Signa HDxt 3T": Scanner("Signa HDxt", "3", 14.0, 34.0, 70.0),
    "Discovery 3T": Scanner("DISCOVERY MR750", "3", 9.0, 19.0, 100.0),
    "Skyra 3T": Scanner("Skyra", "3", 1.6, 4.0, 90.0, "SIEMENS"),
    "Ingenia 3T": Scanner("Ingenia", "3", 4.0, 10.0, 80.0, "Philips Medical Systems"),
}
CHOICES = {
    "sides": ("left", "right", "both"),
    "left_label": ("malignant", "benign", ""),
    "right_label": ("malignant", "benign", ""),
    "partition": ("development", "tuning", "test"),
    "scanner": tuple(SCANNERS),
    "resolution": ("coarse", "fine"),
    "layout": ("multiphase", "per_phase", "content_time", "axial", "enhanced"),
    "distractors": ("none", "localizer"),
    "t2": ("none", "same", "sagittal", "axial", "truncated"),
}


@dataclass(frozen=True)
class Size:
    """Voxels of one breast's volume, spacings in mm. Tissue is painted on a finer grid, the same at each resolution."""

    sections: int
    section_mm: float
    matrix: dict[str, int]
    pixel_mm: dict[str, float]
    paint_mm: float
    scale: float


SIZES = {
    "demo": Size(24, 3.5, {"coarse": 112, "fine": 192}, {"coarse": 1.0, "fine": 0.58}, 0.58, 1.0),
    "full": Size(60, 2.5, {"coarse": 256, "fine": 256}, {"coarse": 0.7, "fine": 0.7}, 0.7, 1.55),
}


@dataclass(frozen=True)
class ExamDesign:
    """One row of the design sheet: one exam. A label is empty where that breast is not imaged."""

    exam: str
    patient: str
    sides: str
    left_label: str
    right_label: str
    partition: str
    scanner: str
    resolution: str
    phases: int
    layout: str
    distractors: str
    t2: str = "none"

    def __post_init__(self) -> None:
        """Refuse values that the generator does not know."""
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(
                    f"{self.exam}, column '{name}': {value!r} is not known. Write one of {', '.join(allowed)}"
                )
        if not 3 <= self.phases <= 8:
            raise ValueError(
                f"{self.exam}, column 'phases': {self.phases}. Write 3 to 8, the pre-contrast phase included"
            )
        for side, label in (("left", self.left_label), ("right", self.right_label)):
            if (side in self.imaged) != bool(label):
                raise ValueError(
                    f"{self.exam}: sides is {self.sides}, so '{side}_label' must be {'set' if not label else 'empty'}"
                )

    @property
    def imaged(self) -> tuple[str, ...]:
        """The sides in the field of view, in order of growing patient coordinate: left is negative in RAS+."""
        return ("left", "right") if self.sides == "both" else (self.sides,)

    def label(self, side: str) -> str:
        """malignant or benign."""
        return self.left_label if side == "left" else self.right_label

    def breast(self, side: str) -> str:
        """Id of one breast: E01L, E01R."""
        return self.exam + side[0].upper()

    def raters(self, side: str) -> tuple[str, ...]:
        """Who outlines this breast: four readers for tuning and test cancers, one for development cancers."""
        if self.label(side) != "malignant":
            return ()
        return (DEVELOPMENT_READER,) if self.partition == "development" else READERS


def read_cohort(path: str | Path) -> list[ExamDesign]:
    """Read the design sheet (tab-separated, one row an exam).

    Raises ValueError that names row and column where a value is not known, an exam stands twice or a patient is in two
    partitions.
    """
    designs: list[ExamDesign] = []
    partition: dict[str, str] = {}
    with Path(path).open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        wanted = [field.name for field in fields(ExamDesign)]
        if list(reader.fieldnames or []) != wanted:
            raise ValueError(f"{path} row 1: write the header, separated by tabs: {' '.join(wanted)}")
        for number, row in enumerate(reader, start=2):
            try:
                design = ExamDesign(**{**row, "phases": int(row["phases"])})  # type: ignore[arg-type]
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path} row {number}: {error}") from error
            if design.exam in {other.exam for other in designs}:
                raise ValueError(f"{path} row {number}: exam {design.exam} stands twice")
            if partition.setdefault(design.patient, design.partition) != design.partition:
                raise ValueError(f"{path} row {number}: patient {design.patient} is in two partitions")
            designs.append(design)
    return designs


def generator(seed: int, *key: str) -> np.random.Generator:
    """Random numbers that depend on the seed and on what they are for, never on the order of calls."""
    digest = hashlib.sha256("/".join([str(seed), *key]).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
