"""An outline that a rule makes from the exam's phases, with what the site's segmentation object says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.outline.dicom_file import one_file, read_dicom
from radparity.outline.exam import Target
from radparity.outline.site_volume import read_site_volume
from radparity.outline.tumour_volume import choose_phases, functional_tumour_volume
from radparity.record import DataFault


class Drawn(NamedTuple):
    """An outline made by a rule.

    mask, box: on the exam's native grid, (sagittal section, anterior, superior), the box that the mask was made in;
    flags; facts: of the record, with which thresholds, on which phases, and how many voxels the site counted.
    """

    mask: NDArray[np.bool_]
    box: NDArray[np.bool_]
    flags: list[dict[str, str]]
    facts: dict[str, Any]


def outline_by_rule(path: Path, target: Target) -> Drawn:
    """The functional tumour volume on the exam's own grid; path: the site's segmentation object, or its folder.

    target: with the exam's phases and images. Raises DataFault where the object is missing or another exam's, where its
    description or a phase is missing (`rule_group`, `rule_box`, `rule_thresholds`, `rule_phases`), and where nothing
    meets the rule (`outline_empty`).
    """
    from radparity.outline.segmentation import linked

    if target.phases is None:
        raise ValueError("a rule makes outlines from phases: give them")
    name = path.name
    if target.images is None:
        raise DataFault(
            "outline_unsupported",
            f"{name} refers to DICOM images, and those of this exam are not at hand: no rule can make its outline."
            " Export NIfTI or NRRD",
        )
    if not path.exists():
        raise DataFault("outline_missing", f"{name}: no such file. Correct `file` in the readings sheet")
    data = read_dicom(one_file(path), name, pixels=False)
    target.images.check_linked(str(data.get("FrameOfReferenceUID") or ""), set(linked(data)), name)
    site = read_site_volume(data, name)
    chosen, apart = choose_phases(target.phases.times, site)
    mask, box = functional_tumour_volume(target.phases.values, target.affine, site, chosen)
    if not box.any():
        raise DataFault("rule_box", f"the box of {name} lies outside the exam. Check that both are of one visit")
    voxels = int(mask.sum())
    if not voxels:
        raise DataFault(
            "outline_empty",
            f"no voxel in the box of {name} enhances by {site.percent:g} % early: there is no functional tumour volume."
            " Drop the row, or take another visit",
        )
    flags = []
    if voxels != site.voxels:
        sentence = f"the rule gives {voxels} voxels, and {name} says that the site counted {site.voxels}"
        flags.append({"code": "rule_count", "sentence": sentence})
    facts = {
        "rule": "functional_tumour_volume",
        "percent": site.percent,
        "threshold": site.threshold,
        "phases": [phase + 1 for phase in chosen],
        "largest_time_difference_s": None if apart is None else round(apart, 2),
        "voxels": voxels,
        "site_voxels": site.voxels,
        "millilitres": round(voxels * float(np.prod(target.spacing)) / 1000, 4),
    }
    return Drawn(mask, box, flags, facts)
