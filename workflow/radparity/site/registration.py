"""Registration of one exam with its phases side by side: the same numbers as `radparity.register`, sooner.

In a study exams go side by side; a site has one exam, and a core for each of some phases.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.register.exam import TARGET, displacement
from radparity.register.field import warp
from radparity.register.quality import enhancing_mask, flags, likeness, measure, tissue_mask
from radparity.register.settings import Settings


def register_phases(
    phases: NDArray[np.float32], affine: NDArray[np.float64], settings: Settings, threads: int
) -> dict[str, Any]:
    """Every phase onto the first post-contrast one, in place: `phases` (section, anterior, superior, phase) is altered.

    threads: phases at a time, each in a process of its own. Returns quality and flags, as `register_exam` does.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    moving = [] if settings.method == "off" else [phase for phase in range(phases.shape[-1]) if phase != TARGET]
    target = np.ascontiguousarray(phases[..., TARGET])
    tissue = tissue_mask(target)
    quality: list[dict[str, Any]] = []
    enhancing = tissue
    # Forked: a fresh process would load the image libraries anew. ITK has not started its threads in this one.
    with ProcessPoolExecutor(max(1, min(threads, len(moving))), get_context("fork")) as pool:
        originals = [np.ascontiguousarray(phases[..., phase]) for phase in range(phases.shape[-1])]
        fields = {p: pool.submit(displacement, target, originals[p], spacing, settings) for p in moving}
        for phase, original in enumerate(originals):
            entry: dict[str, Any] = {"phase": phase, "likeness_before": round(likeness(target, original, tissue), 5)}
            if phase in fields:
                field = fields.pop(phase).result()
                phases[..., phase] = warp(original, field, spacing, threads=threads)
            moved = np.ascontiguousarray(phases[..., phase])
            if phase == 0:
                enhancing = enhancing_mask(target, moved, tissue)
            if phase in moving:
                entry |= {"likeness_after": round(likeness(target, moved, tissue), 5)}
                entry |= measure(field, spacing, tissue, enhancing)
            quality.append(entry)
    return {"quality": quality, "flags": flags(quality, settings.quality)}
