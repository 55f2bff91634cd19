"""The engine ANTs: symmetric normalization (SyN, Avants 2008) or an affine transform, through ANTsPy.

antsRegistration is called with its own arguments, since `ants.registration` has no control over levels and precision,
and its seed is ignored. From the identity, with dense metrics, nothing is random.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.register.pair import Pair
from radparity.register.settings import Settings

THREADS = "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"


def deformable(pair: Pair, settings: Settings) -> NDArray[np.float32]:
    """The field (section, anterior, superior, 3) in mm on the pair's grid, from fixed points to moving ones."""
    chosen = settings.ants
    transform = f"SyN[{chosen.step},{chosen.update_variance},{chosen.total_variance}]"
    with tempfile.TemporaryDirectory() as folder:
        ants = _run(pair, f"CC,{chosen.radius}", transform, chosen.iterations, settings.threads, folder)
        field: NDArray[np.float32] = ants.image_read(str(Path(folder, "0Warp.nii.gz"))).numpy()
    return field.astype(np.float32)


def affine(pair: Pair, settings: Settings) -> NDArray[np.float64]:
    """The 4 x 4 matrix, in mm of the pair's grid, that carries fixed points to moving ones."""
    with tempfile.TemporaryDirectory() as folder:
        # One thread: several would add up the metric's sum in another order, and bits would differ.
        ants = _run(pair, "GC,1", "Affine[0.1]", (60, 20), 1, folder)
        found = ants.read_transform(str(Path(folder, "0Affine.mat")))
        numbers, centre = found.parameters, found.fixed_parameters
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(numbers[:9], (3, 3))
    matrix[:3, 3] = numbers[9:] + centre - matrix[:3, :3] @ centre
    return matrix


def _run(pair: Pair, metric: str, transform: str, iterations: tuple[int, ...], threads: int, folder: str) -> Any:
    """Call antsRegistration; its outputs lie in the folder. Returns the module ants."""
    # ITK reads this when it makes its first thread pool: the engine's own number, whatever the machine has.
    os.environ[THREADS] = str(threads)
    import ants
    from ants.internal import get_lib_fn, get_pointer_string

    spacing = [float(s) for s in pair.spacing]
    images = [ants.from_numpy(np.ascontiguousarray(v), spacing=spacing) for v in (pair.fixed, pair.moving)]
    fixed, moving = (get_pointer_string(image) for image in images)
    name, radius = metric.split(",")
    levels = [2**k for k in reversed(range(len(iterations)))]
    code = get_lib_fn("antsRegistration")(
        [
            *("-d", "3", "--float", "1", "-u", "0", "-z", "0", "-v", "0"),
            *("-m", f"{name}[{fixed},{moving},1,{radius}]"),
            *("-t", transform),
            *("-c", f"[{'x'.join(map(str, iterations))},1e-7,8]"),
            *("-f", "x".join(map(str, levels))),
            *("-s", "x".join(str(level / 2 if level > 1 else 0) for level in levels)),
            *("-o", f"{folder}/"),
        ]
    )
    if code != 0:
        raise RuntimeError(f"antsRegistration ended with code {code}")
    return ants
