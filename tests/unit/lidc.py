"""The 456 LIDC nodules outlined by four radiologists each, as cases: slot 4 in the network's place."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from radparity.compare.scores import Case

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "resources/lidc", ROOT / "tests/data/lidc_four_readers", ROOT.parent / "shared/data/lidc_four_readers")


@cache
def masks() -> np.ndarray:
    """Outlines, (456 nodules, 4 slots, 96, 96)."""
    folder = next(place for place in PLACES if (place / "masks_4readers_96x96.npz").is_file())
    with np.load(folder / "masks_4readers_96x96.npz") as stored:
        return stored["masks"].astype(bool)


@cache
def table() -> pd.DataFrame:
    folder = next(place for place in PLACES if (place / "reader_dice.csv").is_file())
    return pd.read_csv(folder / "reader_dice.csv")


@cache
def cases() -> tuple[Case, ...]:
    rows = zip(masks(), table()["lidc_patient"], table()["pixel_spacing_mm"], strict=True)
    return tuple(
        Case(f"n{i:03d}", patient, four[3], {str(k + 1): four[k] for k in range(3)}, (step, step))
        for i, (four, patient, step) in enumerate(rows)
    )
