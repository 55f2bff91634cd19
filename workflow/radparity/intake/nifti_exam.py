"""The intake of an exam that comes as NIfTI: its phases with the times of the table, or the fault that excludes it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from radparity.intake.geometry import PLANES
from radparity.intake.laterality import OTHER_SIDE, placed_side
from radparity.intake.phases import FEWEST_PHASES
from radparity.intake.source import is_nifti
from radparity.intake.times_table import TimeRow, read_times
from radparity.nifti_phase import FORMAT, NiftiHeader, read_header
from radparity.record import DataFault

LAST_NUMBER = re.compile(r"(\d+)\.nii(\.gz)?$", re.IGNORECASE)
COARSER = 1.05
"""How much coarser than the others the spacing of the sections has to be, to be told by it."""
SAME_GRID_MM = 1e-3


class Phase(NamedTuple):
    """A phase: its number in the table, its time in s, its file and, in a file of several, the volume (from 0)."""

    number: int
    seconds: float
    file: str
    volume: int | None

    @property
    def name(self) -> str:
        """What the record calls it: the file, with the volume as a frame."""
        return self.file if self.volume is None else f"{self.file}#{self.volume}"


def intake_nifti(files: Mapping[str, Path], times: Path, exam: str, side: str | None = None) -> dict[str, Any]:
    """Inventory of one exam of NIfTI files, headers only: the facts that `radparity.intake.exam.intake_exam` gives of
    DICOM, with `format`; what a NIfTI header does not say (scanner, series) is empty.

    files: path by the name that the record uses. times: the table (radparity.intake.times_table). side: the breast
    that the exam is said to show. Raises DataFault with the code and the mend where the exam cannot be used.
    """
    images = {name: path for name, path in sorted(files.items()) if is_nifti(path)}
    if not images:
        held = f"{len(files)} other files" if files else "no files"
        raise DataFault(
            "no_nifti",
            f"the exam names a table of times and holds no NIfTI file ({held}). Correct `folder` in the exams sheet, or"
            " leave `times` empty for an exam of DICOM files",
        )
    rows = read_times(times, exam)
    named = any(row.file for row in rows)
    phases, headers = (_named if named else _numbered)(images, rows)
    _check_numbers(phases)
    if len(phases) < FEWEST_PHASES:
        raise DataFault("too_few_phases", f"{len(phases)} phases; one before and two after contrast are needed")
    first = _one_grid(phases, headers)
    axis = _plane(first, rows)
    low, high = _x_range(first)
    shown, shown_from, flags = placed_side(low, high)
    if side is not None and shown == OTHER_SIDE[side]:
        raise DataFault(
            "side_missing",
            f"the images lie on the {shown}, and the exams sheet asks for the {side} breast. Correct the column `side`",
        )
    spacing = np.linalg.norm(first.affine[:3, :3], axis=0)
    normal = first.affine[:3, axis] / spacing[axis]
    rows_axis, columns_axis = {0: (2, 1), 1: (2, 0), 2: (1, 0)}[axis]
    return {
        "format": FORMAT,
        "phases": [{"time_s": round(phase.seconds - phases[0].seconds, 3), "files": [phase.name]} for phase in phases],
        "phase_count": len(phases),
        "split_by": "table of times" if named else "fourth axis" if phases[0].volume is not None else "file name",
        "timed_by": "table of times",
        "plane": PLANES[axis],
        "oblique_degrees": round(float(np.degrees(np.arccos(min(1.0, abs(normal[axis]))))), 2),
        "sections": first.shape[axis],
        "matrix": [first.shape[rows_axis], first.shape[columns_axis]],
        "in_plane_mm": [round(float(spacing[n]), 6) for n in (rows_axis, columns_axis)],
        "section_mm": round(float(spacing[axis]), 4),
        "x_range_mm": [round(low, 2), round(high, 2)],
        "laterality": shown,
        "laterality_from": shown_from,
        "scanner": {"manufacturer": None, "model": None, "tesla": None, "coil": None},
        "sequence": {"repetition_ms": None, "echo_ms": None, "flip_degrees": None},
        "transfer_syntax": [],
        "compressed": False,
        "t2": None,
        "t2_reason": "exams of NIfTI files are taken without T2",
        "series": [],
        "other_files": len(files) - len({phase.file for phase in phases}),
        "flags": flags,
    }


Found = tuple[list[Phase], dict[str, NiftiHeader]]


def _named(images: Mapping[str, Path], rows: Sequence[TimeRow]) -> Found:
    """The phases where the table names their files; files that it does not name are left out."""
    without = next((row for row in rows if not row.file), None)
    if without is not None:
        raise DataFault("times_unusable", f"the table names a file for some phases and none for phase {without.phase}")
    by_file: dict[str, list[TimeRow]] = {}
    for row in rows:
        by_file.setdefault(_file(images, str(row.file), row.phase), []).append(row)
    phases: list[Phase] = []
    headers = {}
    for name, own in by_file.items():
        headers[name] = read_header(images[name], name)
        phases += _volumes(name, headers[name], own)
    return sorted(phases), headers


def _file(images: Mapping[str, Path], wanted: str, phase: int) -> str:
    """The exam's file that a row of the table names: by its path within the exam's folder, or the last parts of it."""
    if wanted in images:
        return wanted
    ends = [name for name, path in images.items() if path.as_posix().endswith(f"/{wanted}")]
    if len(ends) != 1:
        held = f"{len(ends)} files" if ends else "no file"
        raise DataFault(
            "phase_file_missing",
            f"the table of times names for phase {phase} a file of which the exam's folder holds {held}. Correct the"
            " column `file`, or bring the file back",
        )
    return ends[0]


def _numbered(images: Mapping[str, Path], rows: Sequence[TimeRow]) -> Found:
    """The phases where the table does not name files: the volumes of the only file in order, or one file a phase whose
    name ends in the phase's number."""
    if len(images) == 1:
        name, path = next(iter(images.items()))
        header = read_header(path, name)
        return _volumes(name, header, rows), {name: header}
    found = {name: int(said[1]) for name, path in images.items() if (said := LAST_NUMBER.search(path.name))}
    twice = [number for number, count in Counter(found.values()).items() if count > 1]
    if not found or twice:
        why = f"{Counter(found.values())[twice[0]]} files end in the number {twice[0]}" if twice else "none ends in one"
        raise DataFault(
            "nifti_phases_unclear",
            f"the exam holds {len(images)} NIfTI files, and the numbers at the end of their names do not tell which"
            f" phase each is: {why}. Name them in a column `file` of the table of times",
        )
    headers = {name: read_header(images[name], name) for name in found}
    several = [name for name, header in headers.items() if header.count > 1]
    if several:
        raise DataFault(
            "nifti_phases_unclear",
            f"{several[0]} holds {headers[several[0]].count} volumes beside other files. Name the exam's files in a"
            " column `file` of the table of times",
        )
    files = {number: name for name, number in found.items()}
    _check_same(set(files), rows)
    return [Phase(row.phase, row.seconds, files[row.phase], None) for row in rows], headers


def _volumes(name: str, header: NiftiHeader, rows: Sequence[TimeRow]) -> list[Phase]:
    """The volumes of one file in order, with the times of its rows."""
    if header.count != len(rows):
        code = "times_missing" if header.count > len(rows) else "phase_file_missing"
        raise DataFault(
            code,
            f"{name} holds {header.count} volumes, and the table of times has {len(rows)} rows for them. Write one row"
            " for each volume",
        )
    volumes: Sequence[int | None] = [None] if header.count == 1 else range(header.count)
    return [Phase(row.phase, row.seconds, name, volume) for row, volume in zip(rows, volumes, strict=True)]


def _check_same(numbers: set[int], rows: Sequence[TimeRow]) -> None:
    """Every file has a time and every time a file. Raises DataFault `times_missing`, `phase_file_missing`."""
    timed = {row.phase for row in rows}
    if untimed := sorted(numbers - timed):
        raise DataFault(
            "times_missing",
            f"the table of times has no row for phase {untimed[0]}, of which there is a file. The number at the end of"
            " a file's name is its phase: add the row, or take the file out of the folder",
        )
    if absent := sorted(timed - numbers):
        raise DataFault(
            "phase_file_missing",
            f"the table of times has a row for phase {absent[0]}, and no file of the exam ends in that number. Bring"
            " the file back, or correct the row",
        )


def _check_numbers(phases: Sequence[Phase]) -> None:
    """Phases follow one another without a gap, at times that rise.

    Raises DataFault `times_unusable`, `phase_file_missing`, `times_not_rising`.
    """
    for before, after in zip(phases, phases[1:], strict=False):
        if before.number == after.number:
            raise DataFault("times_unusable", f"the table of times has two rows for phase {after.number}. Delete one")
        if after.number > before.number + 1:
            raise DataFault(
                "phase_file_missing",
                f"phase {before.number} is followed by phase {after.number}: one between them is missing. Bring its"
                " file and its time back, or number the phases one by one",
            )
        if after.seconds <= before.seconds:
            raise DataFault(
                "times_not_rising",
                f"phase {after.number} has the time {after.seconds:g} s and the one before it {before.seconds:g} s."
                " Correct the table of times: seconds rise from phase to phase",
            )


def _one_grid(phases: Sequence[Phase], headers: Mapping[str, NiftiHeader]) -> NiftiHeader:
    """The header that all phases share. Raises DataFault `grids_differ`."""
    first = headers[phases[0].file]
    for phase in phases[1:]:
        other = headers[phase.file]
        if other.shape != first.shape or not np.allclose(other.affine, first.affine, atol=SAME_GRID_MM):
            raise DataFault(
                "grids_differ",
                f"phase {phase.number} lies on another grid than phase {phases[0].number}. Export all phases of one"
                " acquisition, without resampling",
            )
    return first


def _plane(header: NiftiHeader, rows: Sequence[TimeRow]) -> int:
    """The axis (of RAS+) that the sections were acquired along: by the table, by a spacing that is clearly the
    coarsest, by the header, or the third axis of the file."""
    said = {row.plane for row in rows if row.plane}
    if len(said) > 1:
        raise DataFault("times_unusable", "the table of times names several planes for this exam. Leave one")
    if said:
        return PLANES.index(said.pop())
    spacing = np.linalg.norm(header.affine[:3, :3], axis=0)
    order = np.argsort(spacing)
    if spacing[order[2]] > COARSER * spacing[order[1]]:
        return int(order[2])
    return header.third if header.acquired is None else header.acquired


def _x_range(header: NiftiHeader) -> tuple[float, float]:
    """Smallest and largest patient x of the voxel centres, mm, LPS as in the records: positive to the left."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in header.shape])).reshape(3, -1)
    x = -(header.affine[0, :3] @ corners + header.affine[0, 3])
    return float(x.min()), float(x.max())
