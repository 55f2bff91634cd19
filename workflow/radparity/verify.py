"""Verify: what the chain measured on virtual exams against their truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.harmonize import channels_of
from radparity.register import STRIDE, TARGET, jacobian


def phase_times(measured: list[float], true: list[float]) -> float:
    """The largest difference in s between measured and true times, both counted from the first phase."""
    return float(np.abs((np.array(measured) - measured[0]) - (np.array(true) - true[0])).max())


def displacement_errors(
    fields: NDArray[Any], truth: NDArray[Any], inside: NDArray[np.bool_]
) -> list[tuple[float, float]]:
    """Per moved phase: mean length in mm of the true displacement, and of the error that registration left.

    fields, truth: (section, anterior, superior, phase, 3) on the grid of every fourth in-plane voxel; inside: the
    breast on the same grid. The first is the error without registration.
    """
    found = []
    for phase in range(fields.shape[3]):
        if phase != TARGET:
            before = np.linalg.norm(truth[..., phase, :][inside], axis=-1).mean()
            after = np.linalg.norm((fields - truth)[..., phase, :][inside], axis=-1).mean()
            found.append((float(before), float(after)))
    return found


def volume_changes(
    fields: NDArray[Any], truth: NDArray[Any], spacing: NDArray[np.float64], lesion: NDArray[np.bool_]
) -> list[float]:
    """Per moved phase: by how many per cent the registration changes a lesion's volume.

    The mean Jacobian of the estimated field over the lesion against that of the true one, since breathing really does
    press and stretch tissue, and undoing that is no change. fields, truth: on the grid of every fourth in-plane voxel;
    spacing: mm of the native grid; lesion: (section, anterior, superior) on the native grid.
    """
    found = []
    coarse = spacing * [1, STRIDE, STRIDE]
    section, *index = np.nonzero(lesion)
    sizes = fields.shape[1:3]
    at = (section, *(np.minimum(np.rint(i / STRIDE).astype(int), n - 1) for i, n in zip(index, sizes, strict=True)))
    for phase in range(fields.shape[3]):
        if phase != TARGET:
            own, true = (jacobian(f[..., phase, :], coarse)[at].mean() for f in (fields, truth))
            found.append(100 * float(own / true - 1))
    return found


def slope_errors(
    raw: NDArray[Any], registered: NDArray[Any], times: list[float], truth: NDArray[Any], inside: NDArray[np.bool_]
) -> dict[str, float]:
    """Root mean square errors of DCE-in and DCE-out inside the breast, without and with registration.

    raw, registered: (section, anterior, superior, phase); truth: (..., 2), noise-free and motion-free, raw intensities.
    Relative to the root mean square of the truth.
    """
    found = {}
    for name, volume in (("unregistered", raw), ("registered", registered)):
        measured = channels_of(volume, times, as_rate=False)
        for position, channel in ((1, "dce_in"), (2, "dce_out")):
            true = truth[..., position - 1][inside]
            error = measured[position][inside] - true
            found[f"{channel}_error_{name}"] = float(np.sqrt((error**2).mean() / (true**2).mean()))
    return found
