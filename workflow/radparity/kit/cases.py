"""The test cases of a kit: masks only, cut to what anybody marked, under new names."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.consensus import box
from radparity.image import load
from radparity.record import read

Mask = NDArray[np.bool_]


@dataclass
class Masks:
    """The masks of one case on one grid (anterior, superior): `outlines` and `references` (reader, ...) in the order of
    the readers, `networks` arm to mask. `sources`: name in the kit to the result that it was made from."""

    outlines: Mask
    references: Mask
    networks: dict[str, Mask] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def arrays(self) -> dict[str, bytes]:
        """Each array as an .npy file of zeros and ones, cut to the box around all that anybody marked.

        Outside it nothing counts in a Dice, and where in the breast the box lay is nobody's business.
        """
        named = {"outlines": self.outlines, "references": self.references}
        named |= {f"mask_{arm}": mask for arm, mask in self.networks.items()}
        marked = np.any([mask.any(axis=0) if mask.ndim == 3 else mask for mask in named.values()], axis=0)
        cut = box(marked)
        return {name: _npy(mask[..., cut[0], cut[1]]) for name, mask in named.items()}


def new_names(names: Iterable[str], letter: str) -> dict[str, str]:
    """Names to be known by outside, as C001, in the order of the old ones: resampling goes by it, so that the same
    cases are drawn again."""
    ordered = sorted(set(names))
    digits = max(3, len(str(len(ordered))))
    return {name: f"{letter}{number:0{digits}d}" for number, name in enumerate(ordered, start=1)}


def read_masks(
    segmented: Mapping[str, Iterable[tuple[str, str]]],
    drawn: Iterable[tuple[str, str, str, str]],
    readers: Sequence[str],
) -> dict[str, Masks]:
    """The masks of every test case that an arm was compared on; what left the study before is not among them.

    segmented: arm to the record and the mask of each case; drawn: of each case the records of `outline` and
    `consensus`, the outlines and the references.
    """
    found: dict[str, Masks] = {}
    for outline_record, outlines, consensus_record, references in drawn:
        record = read(outline_record)
        if record["status"] == "ok" == read(consensus_record)["status"]:
            planes = _section(outlines)
            order = [record["raters"].index(reader) for reader in readers]
            own = np.stack([planes[..., rater] for rater in order])
            made = np.moveaxis(_section(references), -1, 0)
            found[record["case"]] = Masks(own, made, {}, {"outlines": outlines, "references": references})
    for arm, files in segmented.items():
        for path, mask in files:
            record = read(path)
            if record["status"] == "ok" and record["case"] in found:
                found[record["case"]].networks[arm] = _section(mask)
                found[record["case"]].sources[f"mask_{arm}"] = mask
    return {case: masks for case, masks in found.items() if masks.networks}


def _section(path: str | Path) -> Mask:
    marked: Mask = load(path, np.uint8)[0][0] > 0
    return marked


def _npy(mask: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(mask, dtype=np.uint8), allow_pickle=False)
    return stream.getvalue()
