"""Convert: one 4-D NIfTI an exam, by dcm2niix phase by phase."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray

from radparity.image import load, save
from radparity.record import DataFault

AGREE_MM = 0.05


def dcm2niix() -> str:
    """The converter's program, from the package of that name in this environment."""
    from dcm2niix import bin as program

    return str(program)


def convert_phase(files: list[Path], expected: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """One phase as an array (sagittal section, anterior, superior) in RAS+ and its affine.

    Phases are converted alone because dcm2niix merges or splits them by vendor and keeps no times.
    Raises DataFault `conversion_failed` where not exactly one volume of the expected shape comes out.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch, "in"), Path(scratch, "out")
        source.mkdir()
        made.mkdir()
        for number, file in enumerate(files):
            (source / f"{number:05d}.dcm").symlink_to(file.resolve())
        command = [dcm2niix(), "-z", "n", "-b", "n", "-f", "phase", "-o", str(made), str(source)]
        run = subprocess.run(command, capture_output=True, text=True)
        print(run.stdout, run.stderr)
        volumes = sorted(made.glob("*.nii"))
        if run.returncode or len(volumes) != 1:
            said = " ".join((run.stdout + run.stderr).strip().splitlines()[-2:])
            raise DataFault("conversion_failed", f"dcm2niix gave {len(volumes)} volumes, exit {run.returncode}: {said}")
        raw = nibabel.load(volumes[0])
        if sorted(raw.shape) != sorted(expected):
            raise DataFault("conversion_failed", f"dcm2niix gave shape {raw.shape}; the headers say {expected}")
        _check_geometry(raw.affine, raw.shape, files)
        plain = raw.dataobj.slope == 1 and raw.dataobj.inter == 0 and raw.get_data_dtype().kind in "iu"
        return load(volumes[0], raw.get_data_dtype() if plain else np.float32)


def _check_geometry(affine: NDArray[np.float64], shape: tuple[int, ...], files: list[Path]) -> None:
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
        raise DataFault(
            "geometry_disagrees", f"converted volume and header of {files[0].name} differ by {apart:.2f} mm"
        )


def convert_exam(folder: Path, intake: dict[str, Any], output: Path) -> dict[str, Any]:
    """All phases of an exam in one file, axes (sagittal section, anterior, superior, phase).

    Returns the facts of the record: times in s from the first phase, shape, spacing in mm.
    Raises DataFault where a phase cannot be converted or the phases do not share one grid.
    """
    expected = (intake["sections"], *intake["matrix"])
    volumes, affines = [], []
    for phase in intake["phases"]:
        volume, affine = convert_phase([folder / name for name in phase["files"]], expected)
        volumes.append(volume)
        affines.append(affine)
    if any(not np.allclose(affine, affines[0], atol=1e-3) for affine in affines):
        raise DataFault("grids_differ", "the phases lie on different grids")
    save(output, np.stack(volumes, axis=-1), affines[0])
    return {
        "times_s": [phase["time_s"] for phase in intake["phases"]],
        "shape": list(volumes[0].shape),
        "spacing_mm": [round(float(v), 4) for v in np.linalg.norm(affines[0][:3, :3], axis=0)],
    }
