"""Outline: readers' masks of one case, from what their tools write, placed by patient position into the breast's grid.

One module a format (`nifti`, `nrrd`, `segmentation`, `rtstruct`, `osirix`, `png`), each from a file to a mask on the
exam's native grid; `case` puts the raters of a case together.
"""

from radparity.outline.case import Outlines, outline_case
from radparity.outline.exam import Phases, read_images
from radparity.outline.formats import Source

__all__ = ["Outlines", "Phases", "Source", "outline_case", "read_images"]
