"""What a network takes and gives: sizes of its input and output, and how tiles of it fit together.

Without torch, so that a configuration can be checked where none is installed. All sizes are (section, anterior,
superior) in voxels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Size = tuple[int, int, int]


@dataclass(frozen=True)
class Geometry:
    """Sizes of one kind of network.

    `reduction` is by how much the output is smaller than the input; legal inputs are `smallest` plus multiples of
    `period`, and an input moved by `period` gives the output moved by it. `patch` is the input of a training where the
    configuration names none. `whole_section` says that convolutions are padded, so that a section must be predicted in
    one piece.
    """

    reduction: Size
    smallest: Size
    period: Size
    patch: Size
    whole_section: bool = False

    @property
    def sections(self) -> int:
        """Sections that the network needs to see for one section of output."""
        return self.reduction[0] + 1

    def check(self, size: Sequence[int]) -> None:
        """Refuse an input size that the network cannot take. Raises ValueError with the nearest legal ones."""
        for axis, length, least, step in zip(
            ("section", "anterior", "superior"), size, self.smallest, self.period, strict=True
        ):
            if length < least or (length - least) % step:
                below = least + max(length - least, 0) // step * step
                nearest = f"{below}" if length < least else f"{below} or {below + step}"
                raise ValueError(
                    f"input of {' x '.join(map(str, size))} voxels: the {axis} axis must be {least} + a multiple of "
                    f"{step}; use {nearest} instead of {length}"
                )

    def output(self, size: Sequence[int]) -> Size:
        """Size of the output for a legal input size; raises ValueError for others."""
        self.check(size)
        section, anterior, superior = (length - less for length, less in zip(size, self.reduction, strict=True))
        return section, anterior, superior

    def covering(self, output: Sequence[int]) -> Size:
        """The smallest legal input whose output is at least `output`."""
        section, anterior, superior = (
            least + step * max(0, math.ceil((length + less - least) / step))
            for length, less, least, step in zip(output, self.reduction, self.smallest, self.period, strict=True)
        )
        return section, anterior, superior


UNET_3D = Geometry(reduction=(18, 38, 38), smallest=(19, 43, 43), period=(8, 8, 8), patch=(19, 75, 75))
GEOMETRIES = {
    "paper": UNET_3D,
    "released": UNET_3D,
    # Spec section 10.1: 13 x 75 x 75 in, 1 x 9 x 9 out; the context path sees every third voxel in-plane.
    "deepmedic": Geometry(reduction=(12, 66, 66), smallest=(13, 69, 69), period=(1, 3, 3), patch=(13, 75, 75)),
    # Spec section 10.2: three sections in, the middle one out, five poolings of 2 in-plane.
    "unet2d": Geometry(
        reduction=(2, 0, 0), smallest=(3, 32, 32), period=(1, 32, 32), patch=(3, 256, 256), whole_section=True
    ),
}
"""The networks a study can train, by name."""
