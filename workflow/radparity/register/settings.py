"""Settings: how phases are registered. The configuration's block `register` in the library's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ants:
    """Symmetric normalization of ANTs, cross-correlation. iterations per level, coarse to fine; radius in voxels.

    step: the largest move of an iteration, voxels. update_variance and total_variance: squared voxels of the Gaussians
    that smooth each update and the whole field.
    """

    iterations: tuple[int, ...] = (40, 20, 4)
    radius: int = 1
    step: float = 0.5
    update_variance: float = 8.0
    total_variance: float = 2.0


@dataclass(frozen=True)
class Greedy:
    """Greedy diffeomorphic registration, cross-correlation. iterations per level, coarse to fine; radius in voxels.

    update_sigma and total_sigma: voxels of the Gaussians that smooth each update and the whole field.
    """

    iterations: tuple[int, ...] = (60, 40, 20)
    radius: int = 2
    update_sigma: float = 2.5
    total_sigma: float = 1.0


@dataclass(frozen=True)
class Limits:
    """Beyond these an exam is flagged.

    jacobian: smallest and largest local change of volume in tissue. volume_change: share by which the strongly
    enhancing tissue may grow or shrink. worse: by how much likeness may fall.
    """

    jacobian: tuple[float, float] = (0.3, 3.0)
    volume_change: float = 0.1
    worse: float = 0.01


@dataclass(frozen=True)
class Settings:
    """How phases are registered.

    method: deformable, affine or off. engine: ants or greedy. threads: of the engine; part of the settings and not of
    the machine, so that the same exam gives the same bytes everywhere. spacing_mm: in-plane spacing at which the field
    is estimated. window_mm: standard deviation of the window in which intensities are normalized, 0 for none.
    """

    method: str = "deformable"
    engine: str = "ants"
    threads: int = 1
    spacing_mm: float = 2.1
    window_mm: float = 6.0
    ants: Ants = Ants()
    greedy: Greedy = Greedy()
    quality: Limits = Limits()

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> Settings:
        """The settings of a configuration's block `register` (plain JSON: lists where these have tuples)."""
        given = dict(block)
        parts = {"ants": Ants, "greedy": Greedy, "quality": Limits}
        for name, kind in parts.items():
            own = {k: tuple(v) if isinstance(v, list) else v for k, v in given.pop(name, {}).items()}
            given[name] = kind(**own)
        return cls(**given)
