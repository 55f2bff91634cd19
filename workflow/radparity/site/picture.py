"""The pictures of the summary: of each breast its section and the whole of it in one view, with the lesion's border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from radparity.image import spacing
from radparity.report.figures import Figure, canvas, finish, styled
from radparity.report.pictures import CONVENTION, outline, show
from radparity.site.breast import SiteBreast

COLOUR = "#E69F00"


@styled
def picture(breasts: Sequence[SiteBreast]) -> Figure:
    """A row a breast: T1 post-contrast and uptake on one section, and the largest uptake along all sections."""
    figure, axes = canvas(7.4, 2.75 * len(breasts), len(breasts), 3)
    said = []
    for row, breast in zip(axes, breasts, strict=True):
        section = _section(breast)
        _row(row, breast, section)
        what = "with the lesion's border" if breast.lesion.found else "the brightest place marked; no lesion found"
        said.append(f"{breast.side} breast, sagittal section {section + 1} of {len(breast.mask)} of its grid, {what}")
    caption = (
        f"{CONVENTION} Sagittal sections of the breast's grid, not images of the exam, counted from the patient's left."
        " Orange: border of the lesion; cross: the largest probability, where no lesion was found."
    )
    return finish(figure, "breasts", caption, "; ".join(said))


def _section(breast: SiteBreast) -> int:
    """The section with the largest part of the lesion, or with the largest probability; the middle without any."""
    if breast.lesion.found:
        return int(breast.lesion.mask.sum(axis=(1, 2)).argmax())
    return breast.lesion.peak[0] if breast.lesion.peak else len(breast.mask) // 2


def _row(row: Any, breast: SiteBreast, section: int) -> None:
    mm = spacing(breast.affine)[1:]
    post, uptake = (breast.channels[..., breast.names.index(name)] for name in ("t1c", "dce_in"))
    inside = np.where(breast.mask, uptake, 0)
    views = (
        (f"{breast.side}: T1 post-contrast, grid section {section + 1}", post[section], post[section]),
        (f"uptake, grid section {section + 1}", uptake[section], inside[section]),
        ("uptake in the breast, all sections", inside.max(axis=0), inside.max(axis=0)),
    )
    for number, (axis, (title, plane, scale)) in enumerate(zip(row, views, strict=True)):
        high = float(np.percentile(scale, 99.8)) or 1.0
        show(axis, plane, mm, 0.0, high)
        axis.set_title(title, fontsize=8)
        lesion = breast.lesion.mask
        drawn = lesion[section] if number < 2 else np.any(lesion, axis=0)
        if lesion.any():
            outline(axis, drawn, mm, COLOUR, "-", 1.2, halo=True)
        elif breast.lesion.peak:
            x, y = ((at + 0.5) * step for at, step in zip(breast.lesion.peak[1:], mm, strict=True))
            axis.plot([x], [y], marker="+", markersize=9, markeredgewidth=1.2, color=COLOUR)
