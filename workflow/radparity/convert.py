"""Convert: one 4-D NIfTI an exam, phase by phase: DICOM by dcm2niix, NIfTI as it is."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError

from radparity.frames import Image, single_frames
from radparity.image import load, save
from radparity.nifti_phase import FORMAT, read_volume
from radparity.record import DataFault

AGREE_MM = 0.05


def dcm2niix() -> str:
    """The converter's program, from the package of that name in this environment."""
    from dcm2niix import bin as program

    return str(program)


def convert_phase(images: Sequence[Image], expected: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """One phase as an array (sagittal section, anterior, superior) in RAS+ and its affine.

    images: in order of position. Phases are converted alone, each in a fresh folder, because dcm2niix merges or splits
    them by vendor, keeps no times and adds a letter to names that exist. Compressed pixels are left to it as well.
    Raises DataFault `conversion_failed` where not exactly one volume of the expected shape comes out, and
    `geometry_disagrees` where it does not lie where the headers say. A full disk is an OSError: no fault of the exam.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch, "in"), Path(scratch, "out")
        source.mkdir()
        made.mkdir()
        files = single_frames(images, source)
        command = [dcm2niix(), "-z", "n", "-b", "n", "-f", "phase", "-o", str(made), str(source)]
        run = subprocess.run(command, capture_output=True, text=True)
        # Its own words name files of the temporary folder only.
        print(run.stdout, run.stderr)
        if "disk full?" in run.stdout + run.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), scratch)
        volumes = sorted(made.glob("*.nii"))
        if run.returncode or len(volumes) != 1:
            said = " ".join((run.stdout + run.stderr).replace(scratch, "").strip().splitlines()[-2:])
            raise DataFault("conversion_failed", f"dcm2niix gave {len(volumes)} volumes, exit {run.returncode}: {said}")
        raw = nibabel.load(volumes[0])
        if sorted(raw.shape) != sorted(expected):
            raise DataFault("conversion_failed", f"dcm2niix gave shape {raw.shape}; the headers say {expected}")
        _check_geometry(raw.affine, raw.shape, files)
        plain = raw.dataobj.slope == 1 and raw.dataobj.inter == 0 and raw.get_data_dtype().kind in "iu"
        return load(volumes[0], raw.get_data_dtype() if plain else np.float32)


def _nifti_phase(
    files: Mapping[str, Path], name: str, expected: tuple[int, ...]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """What `convert_phase` gives, of a phase that came as NIfTI: nothing is resampled."""
    image = _image(files, name)
    volume, affine = read_volume(image.file, name, image.frame)
    if sorted(volume.shape) != sorted(expected):
        raise DataFault("conversion_failed", f"the file has shape {volume.shape}; at intake it had {expected}")
    return volume, affine


def convert_folder(folder: Path, expected: tuple[int, ...]) -> NDArray[np.float64]:
    """The one volume of a folder that holds nothing else (a site's own map), axes as `convert_phase`, and as it raises.

    The files may have any names: an archive's are random. Raises DataFault `conversion_failed` where one is no image.
    """
    placed = sorted((_place(path), path) for path in folder.iterdir() if not path.name.startswith("."))
    if not placed:
        raise DataFault("conversion_failed", f"{folder.name} holds no image. Fetch the series again")
    return convert_phase([Image(path, None) for _, path in placed], expected)[0].astype(float)


def _place(file: Path) -> float:
    """Where an image lies along the normal of its plane, mm."""
    try:
        data = pydicom.dcmread(file, specific_tags=["ImagePositionPatient", "ImageOrientationPatient"])
        along, down = np.array(data.ImageOrientationPatient, dtype=float).reshape(2, 3)
        return float(np.cross(along, down) @ np.array(data.ImagePositionPatient, dtype=float))
    except (InvalidDicomError, AttributeError, TypeError, ValueError):
        raise DataFault("conversion_failed", f"{file.parent.name} holds a file that is no image with a place") from None


def _check_geometry(affine: NDArray[np.float64], shape: tuple[int, ...], files: Sequence[Path]) -> None:
    """The volume's first and last sections lie where the DICOM headers put them (LPS against RAS).

    dcm2niix may turn the axes, so the section axis is found from the headers' own positions.
    """
    centres = []
    for file in (files[0], files[-1]):
        data = pydicom.dcmread(file, stop_before_pixels=True)
        step = np.array(data.ImageOrientationPatient, dtype=float).reshape(2, 3)
        across, down = float(data.PixelSpacing[1]), float(data.PixelSpacing[0])
        corner = np.array(data.ImagePositionPatient, dtype=float)
        centre = corner + step[0] * across * (data.Columns - 1) / 2 + step[1] * down * (data.Rows - 1) / 2
        centres.append(np.linalg.inv(affine) @ np.append(centre * [-1, -1, 1], 1))
    first, last = (centre[:3] for centre in centres)
    middle = (np.array(shape) - 1) / 2
    axis = int(np.argmax(np.abs(last - first)))
    ends = np.array([middle, middle])
    ends[:, axis] = [0, shape[axis] - 1] if last[axis] > first[axis] else [shape[axis] - 1, 0]
    apart = float((np.abs(np.array([first, last]) - ends) * np.linalg.norm(affine[:3, :3], axis=0)).max())
    if apart > AGREE_MM:
        raise DataFault("geometry_disagrees", f"the converted volume and the headers differ by {apart:.2f} mm")


def pixel_digest(volume: NDArray[Any]) -> str | None:
    """SHA-256 of a volume's shape and intensities, whatever type they are kept in; None where all are equal.

    The same images under two patients have the same digest, although their headers differ.
    """
    if volume.size == 0 or volume.min() == volume.max():
        return None
    seen = hashlib.sha256(repr(volume.shape).encode())
    for section in volume:
        seen.update(np.ascontiguousarray(section, dtype="<f4").tobytes())
    return seen.hexdigest()


def convert_exam(files: Mapping[str, Path], intake: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """All phases of an exam in one file, axes (sagittal section, anterior, superior, phase).

    files: the exam's files by the names that its intake record uses (`name`, or `name#frame` for a multi-frame file,
    and for the volume of a NIfTI file of several).
    Returns the facts of the record: times in s from the first phase (None where intake could not know them), shape,
    spacing in mm, a digest of each phase's pixels. Raises DataFault where a phase cannot be converted, is empty or a
    copy of another, or where the phases do not share one grid.
    """
    expected = (intake["sections"], *intake["matrix"])
    together: NDArray[Any] | None = None
    first_affine = np.eye(4)
    digests: list[str] = []
    count = len(intake["phases"])
    for number, phase in enumerate(intake["phases"]):
        if intake.get("format") == FORMAT:
            volume, affine = _nifti_phase(files, phase["files"][0], expected)
        else:
            volume, affine = convert_phase([_image(files, name) for name in phase["files"]], expected)
        if together is None:
            together, first_affine = np.empty((*volume.shape, count), volume.dtype), affine
        if volume.shape != together.shape[:3] or not np.allclose(affine, first_affine, atol=1e-3):
            raise DataFault("grids_differ", f"phase {number + 1} lies on another grid than the first")
        digest = pixel_digest(volume)
        if digest is None:
            raise DataFault("phase_empty", f"every voxel of phase {number + 1} has the same intensity")
        if digest in digests:
            raise DataFault(
                "phases_identical",
                f"phases {digests.index(digest) + 1} and {number + 1} hold the same pixels: one was exported twice,"
                " another not at all. Fetch the exam again from the archive",
            )
        digests.append(digest)
        together = together.astype(np.result_type(together, volume), copy=False)
        together[..., number] = volume
    if together is None:
        raise ValueError("the intake record names no phases")
    save(output, together, first_affine)
    return {
        "times_s": [phase["time_s"] for phase in intake["phases"]],
        "shape": list(together.shape[:3]),
        "spacing_mm": [round(float(v), 4) for v in np.linalg.norm(first_affine[:3, :3], axis=0)],
        "pixels": digests,
    }


def convert_t2(files: Mapping[str, Path], intake: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """The exam's T2-weighted volume (section, anterior, superior), where intake chose a series; else an empty file.

    Returns the facts `t2` (whether there is a volume), `t2_reason` and `flags`. T2 is optional: a series that gives no
    volume is left out with its reason and flagged `t2_not_converted`; it excludes nothing.
    """
    chosen = intake["t2"]
    reason, flags = intake["t2_reason"], []
    if chosen is not None:
        try:
            images = [_image(files, name) for name in chosen["files"]]
            volume, affine = convert_phase(images, (chosen["sections"], *chosen["matrix"]))
            if pixel_digest(volume) is None:
                raise DataFault("conversion_failed", "every voxel has the same intensity")
        except DataFault as fault:
            reason = f"series {chosen['series']}: {fault.sentence}"
            flags.append({"code": "t2_not_converted", "sentence": reason})
        else:
            save(output, volume, affine)
            return {"t2": True, "t2_reason": reason, "flags": []}
    output.write_bytes(b"")
    return {"t2": False, "t2_reason": reason, "flags": flags}


def _image(files: Mapping[str, Path], name: str) -> Image:
    """The file and frame that a name of the intake record stands for.

    Raises DataFault `conversion_failed` where the file has gone since intake looked.
    """
    stem, mark, frame = name.rpartition("#")
    known, number = (stem, int(frame)) if mark and frame.isdigit() and stem in files else (name, None)
    if known not in files or not files[known].is_file():
        raise DataFault("conversion_failed", f"{known} has gone since intake read it. Run `radparity sweep` again")
    return Image(files[known], number)
