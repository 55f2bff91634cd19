"""The engine greedy: greedy diffeomorphic registration (Yushkevich, picsl_greedy), with cross-correlation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.register.pair import Pair
from radparity.register.settings import Settings

# Its images lie in ITK's coordinates (left, posterior, superior), its matrices in NIfTI's (right, anterior, superior).
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def deformable(pair: Pair, settings: Settings) -> NDArray[np.float32]:
    """The field (section, anterior, superior, 3) in mm on the pair's grid, from fixed points to moving ones."""
    import SimpleITK

    chosen = settings.greedy
    # -wp 0: written without rounding to a tenth of a voxel.
    smoothing = f"-s {chosen.update_sigma}vox {chosen.total_sigma}vox -wp 0"
    image = _run(pair, smoothing, chosen.iterations, settings)
    field: NDArray[np.float32] = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0, 3)
    return field.astype(np.float32)


def affine(pair: Pair, settings: Settings) -> NDArray[np.float64]:
    """The 4 x 4 matrix, in mm of the pair's grid, that carries fixed points to moving ones."""
    # Its jitter of sample points is random, and several threads would add up their sums in any order.
    matrix = _run(pair, "-a -dof 12 -jitter 0 -ia-identity", (60, 30), replace(settings, threads=1))
    found: NDArray[np.float64] = FLIP @ np.asarray(matrix, float) @ FLIP
    return found


def _run(pair: Pair, options: str, iterations: tuple[int, ...], settings: Settings) -> Any:
    """Call greedy; returns what it writes to its output."""
    import SimpleITK
    from picsl_greedy import Greedy3D  # type: ignore[import-not-found]

    images = {}
    for name, volume in (("fixed", pair.fixed), ("moving", pair.moving)):
        images[name] = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.T))
        images[name].SetSpacing([float(s) for s in pair.spacing])  # type: ignore[no-untyped-call]
    radius = settings.greedy.radius
    engine = Greedy3D()
    # The metric adds a little noise to the images; without a seed no two runs agree.
    engine.execute(
        f"-i fixed moving -o found -m NCC {radius}x{radius}x{radius} -n {'x'.join(map(str, iterations))}"
        f" -threads {settings.threads} -seed 1 -V 0 {options}",
        found=None,
        **images,
    )
    return engine["found"]
