"""What a case's page shows of its images without the network: phases on one section, and a small volume.

It is kept, so that a page can be made again, with another network or another look, when the phases have gone.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.grid import FIRST_POST, BreastGrid, resample
from radparity.page.mosaic import Mosaic, mosaic, read_mosaic

Volume = NDArray[Any]
"""(section, anterior, superior)"""
VOLUME_BYTES = 22_000


@dataclass(frozen=True)
class View:
    """One breast. `section` counts in the breast's grid, from 0 at the patient's left.

    phases: registered, on that section (anterior, superior, phase), in the acquired plane; breast: its mask there, on
    the breast's grid, spacing_mm; t2: in the acquired plane, none where there is none. t1c, dce_in: the whole breast,
    8 bits, small.
    """

    section: int
    sections: int
    spacing_mm: tuple[float, float, float]
    phases: NDArray[np.float32]
    breast: NDArray[np.bool_]
    t2: NDArray[np.float32] | None
    t1c: Mosaic
    dce_in: Mosaic

    @property
    def shape(self) -> tuple[int, int]:
        """Voxels of a section of the breast's grid, anterior and superior."""
        return self.breast.shape[0], self.breast.shape[1]

    def on_grid(self) -> NDArray[np.float32]:
        """The phases on the breast's grid, (anterior, superior, phase)."""
        found = [resample(self.phases[None, ..., k], (1, *self.shape))[0] for k in range(self.phases.shape[-1])]
        return np.stack(found, axis=-1)

    def write(self, path: Path) -> None:
        """As one file; the same view gives the same bytes."""
        arrays = {"phases": self.phases, "breast": self.breast} | ({} if self.t2 is None else {"t2": self.t2})
        facts = {
            "section": self.section,
            "sections": self.sections,
            "spacing_mm": self.spacing_mm,
            "t1c": self.t1c.facts(),
            "dce_in": self.dce_in.facts(),
        }
        arrays |= {name: np.frombuffer(made.data, np.uint8) for name, made in (("t1c", self.t1c), ("in", self.dce_in))}
        arrays["facts"] = np.frombuffer(json.dumps(facts, sort_keys=True).encode(), np.uint8)
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        path.write_bytes(stream.getvalue())


def read_view(path: str | Path) -> View:
    """A view from its file."""
    with np.load(path) as held:
        facts = json.loads(held["facts"].tobytes())
        return View(
            facts["section"],
            facts["sections"],
            tuple(facts["spacing_mm"]),
            held["phases"],
            held["breast"],
            held["t2"] if "t2" in held.files else None,
            read_mosaic(held["t1c"].tobytes(), facts["t1c"]),
            read_mosaic(held["in"].tobytes(), facts["dce_in"]),
        )


def view_of(phases: Volume, grid: BreastGrid, breast: NDArray[np.bool_], t2: Volume | None, section: int) -> View:
    """The view of a breast.

    phases: the exam's, registered, (section, anterior, superior, phase); breast: its mask on the breast's grid; t2: on
    that grid. section: the one that is shown.
    """
    part = grid.cut(phases)
    on_section = np.stack([plane_of(part[..., k], grid.shape[0], section) for k in range(part.shape[-1])], axis=-1)
    post = part[..., FIRST_POST].astype(np.float32)
    taken_up = np.maximum(post - part[..., 0], 0)
    step = np.linalg.norm(grid.affine[:3, :3], axis=0)
    whole = [mosaic(resample(volume, (grid.shape[0], *volume.shape[1:])), breast, step, VOLUME_BYTES // 2)
             for volume in (post, taken_up)]  # fmt: skip
    own_t2 = None
    if t2 is not None:
        own_t2 = resample(t2[section][None].astype(np.float32), (1, *on_section.shape[:2]))[0].astype(np.float32)
    spacing_mm = (float(step[0]), float(step[1]), float(step[2]))
    return View(
        section, grid.shape[0], spacing_mm, on_section.astype(np.float32), breast[section], own_t2, whole[0], whole[1]
    )


def plane_of(part: Volume, sections: int, section: int) -> NDArray[Any]:
    """One section of the breast's grid, of `sections` sections, from its own part of an exam's volume, in the acquired
    plane (anterior, superior)."""
    whole = part if len(part) == sections else resample(part, (sections, *part.shape[1:]))
    found: NDArray[Any] = whole[section]
    return found


def shown_section(outline: dict[str, Any] | None, named: int | None, sections: int) -> tuple[int, str]:
    """The section to show, and why: the readers' (outline: their record, if there is one), the sheet's, the middle."""
    if outline is not None and outline.get("section") is not None and 0 <= outline["section"] < sections:
        return int(outline["section"]), "readers"
    if named is not None and named < sections:
        return named, "sheet"
    return sections // 2, "middle"
