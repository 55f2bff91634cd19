"""Slab: what training needs of one development breast, in half precision and in one file that can be memory-mapped.

Training never leaves the 19 sections around the labelled or the central one (the paper's sampling); only the sampling
of the authors' code takes benign patches from anywhere, and then a benign breast keeps all its sections; so does a
breast with cancer whose tumour-free sections give patches (radparity.train.tumour_free). The channels
are kept as harmonize left them: a fold's scaling is applied to what is drawn, so one slab serves every fold and arm of
a harmonization.

File: float16 (plane, section, anterior, superior), a plane a channel and, last, the marks: 1 breast mask, plus 2
outlined. A channel is multiplied by a power of two that brings its largest value under 2^15; this is exact, and leaves
a relative error of at most 2^-11 down to a 2^29th of the largest value. Sections beyond the volume's ends are not kept:
they are reflections of sections that are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radparity.channels import channel_positions
from radparity.networks.grid import reflected
from radparity.record import DataFault
from radparity.scaling import Prepare, Scaling

Label = Literal["malignant", "benign"]
Sampling = Literal["paper", "code"]
SECTIONS = 19
"""The most sections that a network needs to see for one section of output."""
LARGEST = 15
"""Stored values stay under 2 to this power; float16 ends just before 2^16."""
INSIDE, OUTLINED, BOTH = np.array([1, 2, 3], np.float16).view(np.uint16)
"""The marks 1, 2 and 3 as they lie in the file."""
BRIGHT_PERCENTILE = 90
FEWEST_BRIGHT = 1e-3
"""Share of bright voxels below which drawing one at random would take too long: such a volume is constant."""


def make_slab(
    channels: NDArray[np.floating[Any]],
    mask: NDArray[Any],
    outline: NDArray[Any] | None,
    section: int | None,
    sampling: Sampling = "paper",
    tumour_free: Sequence[int] = (),
) -> tuple[NDArray[np.float16], dict[str, Any]]:
    """The planes of a breast's slab and the facts of its record.

    channels: (channel, section, anterior, superior), harmonized, T1c first; mask: (section, anterior, superior).
    A malignant breast has its outline (anterior, superior) and the index of its section; for a benign one both are
    None, and the central section is taken. tumour_free: sections of a malignant breast that give patches without
    tumour. Facts: section, first_section (where the planes begin in the volume), shape
    (section, anterior, superior), exponents (value = stored / 2^exponent), bright (of benign breasts with sampling
    `code`: the 90th percentile of T1c over the volume), tumour_free (those that hold some of the breast mask, each with
    the number of its voxels there), bytes and sha256 (of the planes), share_of_volume (of float32
    channels and a byte's mask).
    Raises DataFault `nothing_to_draw` where no patch can be drawn, ValueError for arrays that do not fit each other and
    for values that are not finite.
    """
    if channels.ndim != 4 or mask.shape != channels.shape[1:]:
        raise ValueError(f"channels {channels.shape} and mask {mask.shape} do not have the same voxels")
    if (outline is None) != (section is None) or (outline is not None and outline.shape != mask.shape[1:]):
        raise ValueError(
            "a malignant breast needs the outline of one section, a benign one neither outline nor section"
        )
    if not np.all(np.isfinite(channels)):
        raise ValueError("the channels hold values that are not finite")
    total = mask.shape[0]
    here = total // 2 if section is None else section
    if not 0 <= here < total:
        raise ValueError(f"section {here} is outside the volume's {total} sections")
    anywhere = sampling == "code" and outline is None
    first, stop = (
        (0, total) if anywhere or tumour_free else (max(0, here - SECTIONS // 2), min(total, here + SECTIONS // 2 + 1))
    )

    marks = (mask[first:stop] > 0).astype(np.float16)
    if outline is not None:
        marks[here - first] += 2 * (outline > 0).astype(np.float16)
    held = channels[:, first:stop].astype(np.float32)
    exponents = [_exponent(float(np.abs(channel).max())) for channel in held]
    stored = [np.ldexp(channel, exponent).astype(np.float16) for channel, exponent in zip(held, exponents, strict=True)]
    planes = np.stack([*stored, marks])
    bright = float(np.percentile(_decoded(planes[0], exponents[0]), BRIGHT_PERCENTILE)) if anywhere else None

    if outline is not None:
        drawable = bool((outline > 0).any())
    elif bright is not None:
        drawable = bool((_decoded(planes[0], exponents[0]) > np.float32(bright)).mean() >= FEWEST_BRIGHT)
    else:
        drawable = bool(marks[here - first].any())
    if not drawable:
        raise DataFault(
            "nothing_to_draw",
            f"no voxel of section {here} (of {total}) can be the centre of a training patch: outline or breast mask is"
            " empty there, or T1c is the same everywhere. Look at the exam and its mask",
        )
    inside = [[int(n), int((mask[n] > 0).sum())] for n in tumour_free]
    volume = channels.size * 4 + mask.size
    facts = {
        "section": int(here),
        "first_section": int(first),
        "shape": [int(n) for n in mask.shape],
        "exponents": exponents,
        "bright": bright,
        "tumour_free": [row for row in inside if row[1]],
        "bytes": int(planes.nbytes),
        "sha256": hashlib.sha256(planes.tobytes()).hexdigest(),
        "share_of_volume": round(planes.nbytes / volume, 4),
    }
    return planes, facts


def _exponent(largest: float) -> int:
    """The power of two that brings `largest` under 2^LARGEST."""
    return LARGEST - int(np.frexp(largest)[1]) if largest > 0 else 0


def _decoded(stored: NDArray[np.float16], exponent: int) -> NDArray[np.float32]:
    """Values as harmonize left them, but for the rounding."""
    return np.ldexp(stored.astype(np.float32), -exponent)


@dataclass(frozen=True)
class Breast:
    """One breast as training sees it.

    planes: the slab's file, beginning at section `first` of a volume of `shape` (section, anterior, superior).
    positions and exponents: of the arm's channels, in its order; bright_exponent: of T1c, whether or not the arm takes
    it. prepare makes network input of the channels, the same for all breasts of one scanner. section: the outlined or
    the central one. tumour_free: sections of a breast with cancer that give patches without tumour, each with its
    number of voxels in the breast mask. digest: of all that is said here, the planes by the digest in their record,
    since tens of thousands of files cannot be read to open them.
    """

    id: str
    patient: str
    label: Label
    planes: NDArray[np.float16]
    positions: tuple[int, ...]
    exponents: tuple[int, ...]
    prepare: Prepare
    scanner: str
    section: int
    first: int
    shape: tuple[int, int, int]
    bright: float | None
    bright_exponent: int
    tumour_free: tuple[tuple[int, int], ...]
    digest: str

    @property
    def malignant(self) -> bool:
        return self.label == "malignant"

    @property
    def outline(self) -> NDArray[np.bool_]:
        """The tumour in `section`, (anterior, superior); empty in a benign breast."""
        bits = self._marks(self.section)
        outlined: NDArray[np.bool_] = (bits == OUTLINED) | (bits == BOTH)
        return outlined

    def mask(self, section: int) -> NDArray[np.bool_]:
        """The breast mask of one stored section, (anterior, superior)."""
        bits = self._marks(section)
        inside: NDArray[np.bool_] = (bits == INSIDE) | (bits == BOTH)
        return inside

    def _marks(self, section: int) -> NDArray[np.uint16]:
        """The marks of one stored section as bits: numpy compares integers many times faster than halves."""
        return np.asarray(self.planes[-1, section - self.first]).view(np.uint16)

    def is_bright(self, voxels: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether T1c exceeds the breast's own 90th percentile, for voxels (3, voxel) of the volume."""
        if self.bright is None:
            raise ValueError(f"breast {self.id}: its slab was made for the paper's sampling; make it again for `code`")
        section, anterior, superior = voxels
        values = _decoded(self.planes[0, section - self.first, anterior, superior], self.bright_exponent)
        bright: NDArray[np.bool_] = values > np.float32(self.bright)
        return bright

    def slab(self, sections: int = SECTIONS) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Channels (channel, section, anterior, superior), not yet prepared, and mask of the sections around `section`,
        reflected at the volume's ends."""
        index = reflected(self.section - sections // 2, sections, self.shape[0]) - self.first
        channels = [
            _decoded(self.planes[position, index], exponent)
            for position, exponent in zip(self.positions, self.exponents, strict=True)
        ]
        return np.stack(channels), self.planes[-1, index] % 2 == 1


def open_breast(
    record: Mapping[str, Any], file: Path, patient: str, label: Label, channels: Sequence[str], scaling: Scaling
) -> Breast:
    """A breast from its slab, memory-mapped, with the fold's scaling of the arm's channels.

    Raises DataFault `no_t2` where the arm takes T2 and the breast has none, ValueError for a file that is not what the
    record says.
    """
    case = record["case"]
    try:
        # Copy on write, since torch takes no array that it may not write to; nothing is ever written.
        planes = np.load(file, mmap_mode="c")
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"breast {case}: {file} cannot be read ({error}); delete it, the workflow makes it again"
        ) from error
    if planes.dtype != np.float16 or planes.nbytes != record["bytes"] or len(planes) != len(record["exponents"]) + 1:
        raise ValueError(f"breast {case}: {file} is not what its record says; delete it, the workflow makes it again")
    positions = channel_positions(record, channels)
    shape = tuple(record["shape"])
    facts = (case, patient, label, record, scaling.to_json(), list(channels))
    return Breast(
        id=case,
        patient=patient,
        label=label,
        planes=planes,
        positions=tuple(positions),
        exponents=tuple(record["exponents"][position] for position in positions),
        prepare=scaling.of(record),
        scanner=record["scanner"],
        section=record["section"],
        first=record["first_section"],
        shape=(shape[0], shape[1], shape[2]),
        bright=record["bright"],
        bright_exponent=record["exponents"][0],
        tumour_free=tuple((section, voxels) for section, voxels in record["tumour_free"]),
        digest=digest_of(facts),
    )


def digest_of(facts: Any) -> str:
    """A digest of plain facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
