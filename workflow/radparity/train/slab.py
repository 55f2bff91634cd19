"""One breast as training sees it: the sections around the one with the reference, scaled for the network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radparity.networks.grid import SECTIONS, slab_of
from radparity.scaling import Prepare

Label = Literal["malignant", "benign"]


@dataclass(frozen=True)
class Breast:
    """A slab of one breast; the section with the reference is in its middle.

    `channels` is (channel, 19, anterior, superior), the network's input; `mask` is the breast mask (19,
    anterior, superior); `outline` is the tumour (anterior, superior) in the middle section, empty in a benign
    breast. `section` is the index of the middle section in the volume of shape `volume_shape` (section, anterior,
    superior). `digest` names the content of the arrays. The arrays may be memory maps.
    """

    id: str
    patient: str
    label: Label
    channels: NDArray[np.floating[Any]]
    mask: NDArray[np.bool_]
    outline: NDArray[np.bool_]
    section: int
    volume_shape: tuple[int, int, int]
    digest: str

    @property
    def malignant(self) -> bool:
        return self.label == "malignant"


def make_breast(
    id: str,
    patient: str,
    label: Label,
    channels: NDArray[Any],
    mask: NDArray[Any],
    outline: NDArray[Any] | None,
    prepare: Prepare,
    section: int | None = None,
    dtype: type[np.floating[Any]] = np.float32,
) -> Breast:
    """Make a Breast from whole volumes.

    `channels` is (channel, section, anterior, superior), harmonized; `prepare` makes network input of it
    (`Scaling.of`); `mask` and `outline` are (section, anterior, superior). `section` is the labelled section; left
    out, it is the only outlined one of a malignant breast and the central one of a benign breast.
    Raises ValueError, naming the breast, for volumes that do not fit each other, values that are not finite, an
    outline that is empty, in several sections, or given for a benign breast, and for an empty mask in the section
    of a benign breast.
    """

    def refuse(reason: str) -> ValueError:
        return ValueError(f"breast {id}: {reason}")

    if label not in ("malignant", "benign"):
        raise refuse(f"label '{label}' is unknown; write malignant or benign")
    if channels.ndim != 4 or mask.shape != channels.shape[1:]:
        raise refuse(f"channels {channels.shape} and mask {mask.shape} do not have the same voxels")
    if outline is not None and outline.shape != mask.shape:
        raise refuse(f"outline {outline.shape} and mask {mask.shape} do not have the same voxels")
    if label == "malignant":
        outlined = [] if outline is None else np.flatnonzero(np.any(outline > 0, axis=(1, 2))).tolist()
        if section is None:
            if len(outlined) != 1:
                raise refuse(f"{len(outlined)} outlined sections {outlined}; name the labelled one")
            section = outlined[0]
        elif section not in outlined:
            raise refuse(f"section {section} holds no outline; outlined are {outlined}")
    elif outline is not None and np.any(outline):
        raise refuse("benign, but an outline is drawn; correct the sheet or the outline")
    elif section is None:
        section = mask.shape[0] // 2
    if not 0 <= section < mask.shape[0]:
        raise refuse(f"section {section} is outside its {mask.shape[0]} sections")

    cut = prepare(slab_of(channels, section)).astype(dtype, copy=False)
    if not np.all(np.isfinite(cut)):
        raise refuse(f"channels hold values that are not finite, or too large for {dtype.__name__}")
    cut_mask = slab_of(mask, section) > 0
    if label == "benign" and not cut_mask[SECTIONS // 2].any():
        raise refuse(f"the breast mask is empty in section {section}, so no benign patch can be drawn")
    drawn = np.zeros(mask.shape[1:], dtype=bool) if outline is None else outline[section] > 0

    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    digest = hashlib.sha256(repr((id, patient, label, section, shape, cut.shape, cut.dtype.str)).encode())
    for array in (cut, cut_mask, drawn):
        digest.update(np.ascontiguousarray(array).tobytes())
    return Breast(id, patient, label, cut, cut_mask, drawn, section, shape, digest.hexdigest())


def load_breast(
    id: str,
    patient: str,
    label: Label,
    channels: Path,
    mask: Path,
    outline: Path | None,
    prepare: Prepare,
    section: int | None = None,
    dtype: type[np.floating[Any]] = np.float32,
    channel_indices: Sequence[int] | None = None,
) -> Breast:
    """`make_breast` from NIfTI files.

    `channels` is (section, anterior, superior, channel), `mask` and `outline` (section, anterior, superior), all in
    RAS+ and on one grid.
    `channel_indices` takes some of the channels, in that order; `prepare` is for these.
    Raises ValueError for another orientation or another grid, and as `make_breast`.
    """
    import nibabel

    images: dict[str, Any] = {"channels": nibabel.load(channels), "mask": nibabel.load(mask)}
    if outline is not None:
        images["outline"] = nibabel.load(outline)
    affine = images["channels"].affine
    for name, image in images.items():
        orientation = "".join(nibabel.orientations.aff2axcodes(image.affine))
        if orientation != "RAS":
            raise ValueError(f"breast {id}: {name} are oriented {orientation}, not RAS; convert them first")
        if not np.allclose(image.affine, affine, atol=1e-3):
            raise ValueError(f"breast {id}: {name} and channels have different affines; place both on the breast grid")
    arrays = {name: np.asanyarray(image.dataobj) for name, image in images.items()}
    return make_breast(
        id,
        patient,
        label,
        np.moveaxis(arrays["channels"][..., slice(None) if channel_indices is None else list(channel_indices)], -1, 0),
        arrays["mask"],
        arrays.get("outline"),
        prepare,
        section,
        dtype,
    )
