"""A DICOM object that a sheet names: its file, or the folder of a series that holds that file alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from radparity.record import DataFault

if TYPE_CHECKING:
    from pydicom import Dataset

MAGIC_AT, MAGIC = 128, b"DICM"


def is_dicom(path: Path) -> bool:
    """Whether a file begins as a DICOM file does."""
    with path.open("rb") as stream:
        return stream.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC


def one_file(path: Path) -> Path:
    """The path itself, or of a folder the one DICOM file in it: a downloaded series keeps the archive's file name.

    Raises DataFault `outline_folder` where a folder holds none or several.
    """
    if not path.is_dir():
        return path
    found = [file for file in sorted(path.iterdir()) if file.is_file() and is_dicom(file)]
    if len(found) != 1:
        raise DataFault(
            "outline_folder",
            f"the folder {path.name} holds {len(found)} DICOM files; a folder stands for the one file in it. Name the"
            " file itself in the sheet, or fetch the series again",
        )
    return found[0]


def read_dicom(path: Path, name: str, pixels: bool = True) -> Dataset:
    """A DICOM object; name: what sentences call it. Raises DataFault `outline_unreadable`."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        data = pydicom.dcmread(path, stop_before_pixels=not pixels)
        data.get("SOPClassUID")  # elements are decoded where they are first looked at
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise DataFault(
            "outline_unreadable", f"{name} cannot be read as DICOM ({type(error).__name__}). Export it again"
        ) from error
    return data
