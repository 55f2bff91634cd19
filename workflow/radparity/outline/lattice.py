"""A mask with a grid of its own, put voxel by voxel onto the exam's native grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radparity.outline.exam import Target
from radparity.record import DataFault

SAME_MM = 0.1
HALF_PIXEL = {
    "code": "outline_half_pixel",
    "sentence": "{name} lies up to half a pixel off the exam, as where its tool writes pixels' corners for their"
    " centres; it is put back onto them",
}


def on_lattice(
    mask: NDArray[np.bool_], affine: NDArray[np.float64], target: Target, name: str
) -> tuple[NDArray[np.bool_], list[dict[str, str]]]:
    """A mask (any three axes) with its affine (RAS+) on the target's grid, and the flags of what was put right.

    The two grids have to share their voxels: turned, flipped and cropped are fine, interpolated is not, since that
    would change what the reader drew. A grid as large as the exam's section that lies half a pixel or less off within
    it has only one place: it is put there and flagged. Raises DataFault `outline_geometry` or `outline_shape`.
    """
    between = np.linalg.inv(target.affine) @ affine
    turn = np.rint(between[:3, :3])
    if not (np.abs(turn).sum(axis=0) == 1).all() or not (np.abs(turn).sum(axis=1) == 1).all():
        raise DataFault("outline_geometry", f"{name} has other voxels than the exam, or oblique ones. {MEND}")
    shift, flags = np.rint(between[:3, 3]), []
    # Where voxel 0 lies on the target's grid, for the axis order of the target.
    order = np.argmax(np.abs(turn), axis=1)
    sizes = np.array(mask.shape)[order]
    off = between[:3, 3] - shift
    half = np.abs(off) * target.spacing > SAME_MM / 2
    half[target.section_axis] = False
    if half.any() and np.linalg.norm(off * target.spacing) > SAME_MM:
        # A corner may stand for the centre, so the first voxel is that at the grid's border.
        first = np.where(turn.sum(axis=1) > 0, 0, np.array(target.shape) - 1)
        apart = np.abs(between[:3, 3] - first) - 0.5
        if (sizes == target.shape)[half].all() and (apart * target.spacing <= SAME_MM / 2)[half].all():
            shift[half], off[half] = first[half], 0.0
            flags = [{"code": HALF_PIXEL["code"], "sentence": HALF_PIXEL["sentence"].format(name=name)}]
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in mask.shape])).reshape(3, -1)
    moved = target.affine[:3, :3] @ ((between[:3, :3] - turn) @ corners + off[:, None])
    farthest = float(np.linalg.norm(moved, axis=0).max())
    if farthest > SAME_MM:
        raise DataFault("outline_geometry", f"{name} lies {farthest:.1f} mm off the exam's own voxels. {MEND}")
    ends = turn @ corners + shift[:, None]
    low, high = ends.min(axis=1).astype(int), ends.max(axis=1).astype(int)
    if (low < 0).any() or (high >= target.shape).any():
        raise DataFault(
            "outline_shape",
            f"{name} has shape {mask.shape} and reaches beyond the exam, which has {tuple(target.shape)}. {MEND}",
        )
    out = target.empty()
    flipped = tuple(slice(None, None, -1 if turn[axis].sum() < 0 else 1) for axis in range(3))
    out[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))] = mask.transpose(order)[flipped]
    return out, flags


MEND = "Draw on the exam itself, and export without resampling"
