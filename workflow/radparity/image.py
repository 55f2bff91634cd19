"""Reading and writing NIfTI images in RAS+ order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray


def load(path: str | Path, dtype: Any = np.float32) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """An image in RAS+ orientation: array with axes (sagittal section, anterior, superior[, ...]) and its affine."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.asarray(image.dataobj, dtype=dtype), np.asarray(image.affine, dtype=float)


def save(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write an array with its affine. The same array gives the same bytes (gzip carries no time and no name)."""
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    nibabel.save(image, path)


def spacing(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxel sizes in mm along the three axes."""
    sizes: NDArray[np.float64] = np.linalg.norm(affine[:3, :3], axis=0)
    return sizes
