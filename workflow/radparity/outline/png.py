"""An outline as a PNG of one section: pixel for pixel the image it was drawn on, which the readings sheet names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radparity.outline.exam import Target, section_affine
from radparity.outline.lattice import on_lattice
from radparity.record import DataFault

if TYPE_CHECKING:
    from radparity.intake.headers import Header

MOST = 0.5
MEND = "Export the mask itself, black and white, in the image's own pixels; not a screenshot"


def read_png(path: Path, target: Target, header: Header | None) -> NDArray[np.bool_]:
    """The mask on the exam's native grid: pixels of the one value that is not black.

    header: the image that the readings sheet names. Raises DataFault `outline_unplaced` where it names none,
    `outline_unreadable`, and `outline_picture` for what is no mask of that image.
    """
    from PIL import Image

    if header is None:
        raise DataFault(
            "outline_unplaced",
            f"{path.name} is a picture and has no place. Write the file or the SOPInstanceUID of the image it was drawn"
            " on into the column `image` of the readings sheet",
        )
    try:
        with Image.open(path) as picture:
            mode, frames = picture.mode, getattr(picture, "n_frames", 1)
            pixels = np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataFault(
            "outline_unreadable", f"{path.name} cannot be read as PNG ({type(error).__name__}). Export it again"
        ) from error
    if pixels.ndim != 2 or frames != 1:
        raise DataFault("outline_picture", f"{path.name} is a colour picture ({mode}). {MEND}")
    if pixels.shape != (header.rows, header.columns):
        raise DataFault(
            "outline_picture",
            f"{path.name} has {pixels.shape[0]} x {pixels.shape[1]} pixels; the image it was drawn on has"
            f" {header.rows} x {header.columns}. {MEND}",
        )
    values = np.unique(pixels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise DataFault(
            "outline_picture", f"{path.name} holds {len(values)} grey values; a mask holds black and one other. {MEND}"
        )
    drawn = pixels > 0
    if drawn.mean() > MOST:
        raise DataFault(
            "outline_picture", f"more than half of {path.name} is marked: black and white have changed places. {MEND}"
        )
    affine = section_affine(header.position, header.orientation, header.spacing, target)
    return on_lattice(drawn[..., None], affine, target, path.name)[0]
