"""The nnU-Net raw dataset: labels, dataset.json and splits_final.json. Needs no nnU-Net."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BACKGROUND, CANCER, IGNORE = 0, 1, 2
ENDING = ".nii.gz"


def dataset_name(study: str) -> str:
    """The folder's name, as nnU-Net wants it: a number of three digits and a word."""
    return f"Dataset001_{re.sub(r'[^A-Za-z0-9]+', '_', study).strip('_') or 'study'}"


def labels(
    shape: Sequence[int],
    section: int | None = None,
    outline: NDArray[np.bool_] | None = None,
    tumour_free: Sequence[int] = (),
) -> NDArray[np.uint8]:
    """The labels of one breast (section, anterior, superior).

    A cancer's `outline` (anterior, superior) is known on its `section` alone: there 0 and 1, background on the sections
    that are known to be `tumour_free`, and `ignore` on every other. Without an outline the breast is benign and
    background throughout.
    Raises ValueError where the outline does not fit the breast.
    """
    if outline is None or section is None:
        return np.full(tuple(shape), BACKGROUND, np.uint8)
    if outline.shape != tuple(shape[1:]) or not 0 <= section < shape[0]:
        raise ValueError(f"an outline {outline.shape} on section {section} does not fit a breast {tuple(shape)}")
    found = np.full(tuple(shape), IGNORE, np.uint8)
    found[list(tumour_free)] = BACKGROUND
    found[section] = np.where(outline, CANCER, BACKGROUND)
    return found


def image_name(breast: str, position: int) -> str:
    """The file of one channel, by its position in the export."""
    return f"imagesTr/{breast}_{position:04d}{ENDING}"


def label_name(breast: str) -> str:
    """The file of the labels."""
    return f"labelsTr/{breast}{ENDING}"


def dataset_json(cases: Sequence[str], channels: Sequence[str], kept: Sequence[str] | None = None) -> dict[str, Any]:
    """dataset.json of the usable breasts, with the files of each.

    channels: those of the export, in its order; kept: those that are trained on (all). The channels bear their own
    names, which is nnU-Net's z-score of each channel in each breast. Files are relative to the dataset's folder.
    """
    kept = list(channels if kept is None else kept)
    positions = [list(channels).index(name) for name in kept]
    return {
        "channel_names": {str(number): name for number, name in enumerate(kept)},
        "labels": {"background": BACKGROUND, "cancer": CANCER, "ignore": IGNORE},
        "numTraining": len(cases),
        "file_ending": ENDING,
        "dataset": {
            case: {"images": [image_name(case, position) for position in positions], "label": label_name(case)}
            for case in sorted(cases)
        },
    }


def splits(partition: Mapping[str, Mapping[str, str]], cases: Sequence[str]) -> dict[str, list[str]]:
    """One fold of splits_final.json, from its rows of the partition table.

    `train` are the fold's training breasts and `val` its inner validation breasts. What the fold holds out is in
    neither: nnU-Net looks at `val` while it trains. Where the study keeps no inner validation, `val` repeats `train`;
    nothing is chosen by it.
    """
    role = {case: partition[case]["role"] for case in sorted(cases)}
    train = [case for case, own in role.items() if own == "training"]
    return {"train": train, "val": [case for case, own in role.items() if own == "validation"] or train}
