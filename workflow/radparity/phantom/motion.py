"""How the breast lies in each phase: smooth known displacements from settling and breathing.

`displacement` u(x), in mm RAS, is defined on the reference grid (first post-contrast phase): a phase shows at x + u(x)
what the reference shows at x. To draw a phase, its voxels y are traced back to x with x + u(x) = y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.phantom.grid import Grid
from radparity.phantom.smooth import SplineField, random_field

NODE_MM = 26.0
TRACE_MM = 5.0
THROUGH_PLANE_LIMIT_MM = 0.5
# Share of the motion along (right, anterior, superior); settling sinks and slides, breathing lifts.
SETTLING = (0.10, 0.75, 0.65)
BREATHING = (0.08, 0.60, 0.80)


@dataclass(frozen=True)
class Displacement:
    """One phase's displacement: three spline fields in mm (right, anterior, superior)."""

    parts: tuple[SplineField, SplineField, SplineField]

    def on_grid(self, grid: Grid) -> NDArray[np.float32]:
        """u at the voxels of a grid: (3, section, anterior, superior) mm."""
        return np.stack([part.on_grid(grid.axes) for part in self.parts])

    def origin_of(self, grid: Grid) -> NDArray[np.float32]:
        """Where the tissue at the voxels y of a phase lies in the reference: x with x + u(x) = y, (3, ...) mm.

        Solved by fixed-point iteration (u varies slowly) on nodes 5 mm apart and carried to the grid by cubic splines.
        """
        nodes = [np.arange(axis[0] - 2 * TRACE_MM, axis[-1] + 3 * TRACE_MM, TRACE_MM) for axis in grid.axes]
        here = np.stack(np.meshgrid(*nodes, indexing="ij"))
        back = np.zeros_like(here)
        for _ in range(12):
            step = -np.stack([part.at(here + back) for part in self.parts])
            settled = np.abs(step - back).max() < 1e-3
            back = step
            if settled:
                break
        low = np.array([n[0] for n in nodes])
        result = []
        for k, axis in enumerate(grid.axes):
            smooth = SplineField(ndimage.spline_filter(back[k], order=3, mode="mirror"), low, np.full(3, TRACE_MM))
            shape = [1, 1, 1]
            shape[k] = -1
            result.append(smooth.on_grid(grid.axes) + axis.reshape(shape).astype(np.float32))
        return np.stack(result).astype(np.float32)


def displacements(
    rng: np.random.Generator, times_s: list[float], paint: Grid, native: Grid, breast: NDArray[np.bool_]
) -> list[Displacement | None]:
    """One displacement a phase, None for the reference (the second phase), RMS 0.5 to 2.5 mm inside the breast.

    Settling has one pattern in an exam and grows with the time from the reference; breathing differs in every phase.
    breast: inside the breast, on the native grid.
    """
    settling = [random_field(rng, paint.axes, NODE_MM) for _ in range(3)]
    result: list[Displacement | None] = []
    for phase, time in enumerate(times_s):
        if phase == 1:
            result.append(None)
            continue
        breathing = [random_field(rng, paint.axes, NODE_MM) for _ in range(3)]
        drift = np.tanh((time - times_s[1]) / 250.0)
        wanted = float(np.clip(rng.uniform(0.5, 1.6) + 0.9 * abs(drift), 0.5, 2.5))
        parts = [
            SplineField(1.4 * drift * a * s.coefficients + 0.8 * b * c.coefficients, s.origin, s.spacing)
            for a, s, b, c in zip(SETTLING, settling, BREATHING, breathing, strict=True)
        ]
        values = [part.on_grid(native.axes)[breast] for part in parts]
        factor = wanted / float(np.sqrt(sum(np.mean(v**2) for v in values)))
        through = float(np.abs(values[0]).max()) * factor
        limit = min(1.0, THROUGH_PLANE_LIMIT_MM / through)
        result.append(Displacement((parts[0].scaled(factor * limit), parts[1].scaled(factor), parts[2].scaled(factor))))
    return result
