"""Findings: what a radiologist would say of a virtual breast, for the subgroups of the demo's breasts sheet."""

from __future__ import annotations

from radparity.phantom.anatomy import paint
from radparity.phantom.design import SIZES, ExamDesign
from radparity.phantom.grid import place


def findings(design: ExamDesign, seed: int, size: str = "demo") -> dict[str, tuple[str, str]]:
    """Breast to the form of its cancer (tumour_type; empty without one) and its background enhancement.

    Both are drawn with the anatomy, so it is painted once more; forms are spiculated, lobulated and irregular, the
    background is minimal, mild, moderate or marked.
    """
    _, painted, slabs = place(design, SIZES[size], seed)
    anatomy = paint(design, painted, slabs, SIZES[size], seed)
    forms = {mark.side: mark.form for mark in reversed(anatomy.marks) if mark.kind == "cancer"}
    return {design.breast(side): (forms.get(side, ""), anatomy.background[side]) for side in design.imaged}
