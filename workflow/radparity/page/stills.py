"""The images of a case's section, each small enough for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radparity.harmonize import channels_of
from radparity.page.view import View
from radparity.page.webp import Plane, scaled, small, upright, uri, within
from radparity.report.pictures import windows

LONGEST = (256, 192, 128, 96)
"""Voxels a side, the first with which the image is small enough."""
LIMIT = 3_200
CHECK_LIMIT = 6_000
PERCENTILE = 99.7


@dataclass(frozen=True)
class Still:
    """One image: its name on the page, what it shows in words, and its data."""

    name: str
    said: str
    data: str


def stills(view: View, times: Sequence[float | None], probability: Plane | None) -> list[Still]:
    """Pre and post contrast in one window, DCE-in, DCE-out, T2 where there is one, the network's probability likewise.

    times: of the phases, s; where one is not known, the phases are taken as evenly spaced, for the picture only.
    probability: on the view's section, none where there is none.
    """
    known = [float(time) for time in times if time is not None]
    seconds = known if len(known) == len(times) and sorted(set(known)) == known else list(range(view.phases.shape[-1]))
    planes = channels_of(view.phases, seconds, False)
    limits = windows(planes)
    found = [
        _grey("pre", "before contrast, in the window of T1c", view.phases[..., 0], *limits[0]),
        _grey("T1c", "the first phase after contrast", planes[0], *limits[0]),
        _grey("DCE-in", "first phase after contrast minus before", planes[1], *limits[1]),
        _grey("DCE-out", "slope after contrast; middle grey: none, darker: washout", planes[2], *limits[2]),
    ]
    if view.t2 is not None:
        found.append(_grey("T2", "T2-weighted", view.t2, 0.0, float(np.percentile(view.t2, PERCENTILE)) or 1.0))
    if probability is not None:
        top = float(probability.max()) or 1.0
        said = f"of cancer, by the network; dark blue 0 to yellow {top:.2f}"
        found.append(Still("probability", said, _coloured(probability / top)))
    return found


def check_picture(png: str) -> str | None:
    """The outlines' check, as its stage drew it, smaller; None where it drew nothing."""
    from pathlib import Path

    from PIL import Image

    if not Path(png).stat().st_size:
        return None
    with Image.open(png) as drawn:
        image = drawn.convert("RGB")
    for width in (520, 420, 320, 240):
        height = round(image.height * width / image.width)
        made = within(np.asarray(image.resize((width, height))), CHECK_LIMIT, (60, 40, 20, 5))
        if made is not None:
            return uri(made)
    return None


def _grey(name: str, said: str, plane: Plane, low: float, high: float) -> Still:
    return Still(name, said, _small_enough(plane, lambda pixels: scaled(pixels, low, high)))


def _coloured(share: Plane) -> str:
    import matplotlib

    colours = matplotlib.colormaps["cividis"]
    return _small_enough(share, lambda pixels: (colours(pixels)[..., :3] * 255 + 0.5).astype(np.uint8))


def _small_enough(plane: Plane, paint: Callable[[Plane], NDArray[np.uint8]]) -> str:
    for longest in LONGEST:
        made = within(paint(upright(small(plane, longest))), LIMIT)
        if made is not None:
            return uri(made)
    raise ValueError(f"a section of {plane.shape} voxels does not fit in {LIMIT} bytes")
