"""Detection of lesions: sensitivity and false positives of network and readers on majorities of readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from radparity.compare.lesions import components, lesions_of
from radparity.compare.patients import Float, draw, number
from radparity.compare.scores import NETWORK, Case, Mask
from radparity.consensus import box, leave_one_out

ALL = "all"
EMPTY = "empty reference: there is no lesion to find"

COLUMNS: dict[str, str] = {
    "case": "case id",
    "patient": "patient id, the cluster of the case",
    "reference": '"all": the majority of all readers; or the reader left out: the majority of all other readers',
    "rater": '"network", or the left-out reader',
    "lesions": "connected components of the reference",
    "found": "lesions with which one connected component of the rater has an IoU of the configured overlap or more",
    "components": "connected components of the rater",
    "false_positives": "components of the rater whose IoU with every lesion is below the overlap",
    "touching": "those of the false positives that share a voxel with a lesion",
    "sections": "sections of the image: 1, or the first axis of a volume",
    "note": "why the pair is not counted; empty otherwise",
}
SUMMARY: dict[str, str] = {
    "rater": '"network", or a reader',
    "reference": '"all", or the reader whose reference it is; network and reader there look for the same lesions',
    "n": "number of cases with a lesion on this reference",
    "patients": "number of patients of those cases",
    "cases_left_out": "cases without a lesion on this reference",
    "lesions": "lesions of those cases",
    "found": "lesions that the rater found",
    "sensitivity": "found/lesions, 0 to 1",
    "wilson_low": "its lower bound by Wilson, lesions independent, level 1 - alpha",
    "wilson_high": "its upper bound by Wilson",
    "bootstrap_low": "its lower bound, percentile bootstrap over patients, level 1 - alpha",
    "bootstrap_high": "its upper bound, bootstrap; with every lesion found, or none, only Wilson's bounds say anything",
    "false_positives": "components of the rater that find no lesion",
    "touching": "those of them that share a voxel with a lesion",
    "false_positives_per_case": "false positives for each case",
    "false_positives_per_section": "false positives for each section",
    "note": "what could not be computed, and why; empty otherwise",
}


class Detection(NamedTuple):
    """Lesions of a reference, how many were found, components of the mask, and which of these found none."""

    lesions: int
    found: int
    components: int
    false_positives: int
    touching: int


def detect(mask: Mask, reference: Mask, overlap: float = 0.1) -> Detection:
    """Which lesions of the reference a mask found. Both boolean, of one shape, a section or a volume.

    A lesion is a connected component of the reference. It is found if a single connected component of the mask has an
    intersection over union of at least `overlap` with it; a component that spans two lesions can find both. A component
    that finds no lesion is a false positive (reader_statistics, section 2).

    Raises ValueError for differing shapes or an overlap outside 0 to 1.
    """
    if mask.shape != reference.shape:
        raise ValueError(f"detection needs masks on one grid, got shapes {mask.shape} and {reference.shape}")
    if not 0 < overlap <= 1:
        raise ValueError(f"overlap is {overlap}: write an intersection over union above 0, at most 1, such as 0.1")
    within = box(mask | reference)
    ours, marked = components(mask[within])
    lesions, count = components(reference[within])
    pairs = ours.ravel().astype(np.int64) * (count + 1) + lesions.ravel()
    shared = np.bincount(pairs, minlength=(marked + 1) * (count + 1)).reshape(marked + 1, count + 1)
    sizes, lesion_sizes = shared.sum(axis=1)[1:, None], shared.sum(axis=0)[None, 1:]
    shared = shared[1:, 1:]
    finds = shared / (sizes + lesion_sizes - shared) >= overlap
    false = ~finds.any(axis=1)
    touching = int(np.count_nonzero(false & shared.any(axis=1)))
    return Detection(count, int(finds.any(axis=0).sum()), marked, int(false.sum()), touching)


def detection_table(cases: Sequence[Case], *, overlap: float = 0.1) -> pd.DataFrame:
    """The network on the majority of all readers, then network and reader on the majority of the other readers.

    One row a case, reference and rater; `COLUMNS` explains the columns. The reference is a majority (strictly more than
    half) whatever rule the Dice has. A pair without a lesion on its reference is not counted, for either rater.

    Raises ValueError as `detect` and `leave_one_out` do.
    """
    rows = []
    for case in cases:
        for reference, rater, mask, lesions in _looks(case):
            sections = mask.shape[0] if mask.ndim == 3 else 1
            found = detect(mask, lesions_of(case, lesions), overlap)
            note = "" if found.lesions else EMPTY
            rows.append((case.case, case.patient, reference, rater, *found, sections, note))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def detection_summary(table: pd.DataFrame, *, alpha: float = 0.05, draws: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """Sensitivity and false positives for each rater and reference of `detection_table`; `SUMMARY` explains them.

    Two intervals of level 1 - alpha: Wilson's, with lesions independent, and a percentile bootstrap over patients.
    """
    groups = table.groupby(["reference", "rater"], sort=False)
    rows = [_row(str(rater), str(reference), own, alpha, draws, seed) for (reference, rater), own in groups]
    return pd.DataFrame(rows, columns=list(SUMMARY))


def wilson(found: int, of: int, alpha: float = 0.05) -> tuple[float, float]:
    """Wilson's interval of level 1 - alpha for a proportion (J Am Stat Assoc 1927;22:209-212); nan without any."""
    from scipy.special import ndtri

    if of == 0:
        return float("nan"), float("nan")
    z = float(ndtri(1 - alpha / 2))
    share, scale = found / of, 1 + z**2 / of
    middle, half = share + z**2 / (2 * of), z * float(np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)))
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _looks(case: Case) -> Iterator[tuple[str, str, Mask, Mask]]:
    """Reference, rater, the rater's mask and the mask of lesions that it should find."""
    votes = np.sum(list(case.readers.values()), axis=0, dtype=np.int32)
    yield ALL, NETWORK, case.network, np.asarray(votes > len(case.readers) / 2)
    for reader, lesions in leave_one_out(case.readers, "majority").items():
        yield reader, NETWORK, case.network, lesions
        yield reader, reader, case.readers[reader], lesions


def _row(rater: str, reference: str, own: pd.DataFrame, alpha: float, draws: int, seed: int) -> dict[str, object]:
    used = own[own["lesions"] > 0]
    lesions, found, false = (int(used[name].sum()) for name in ("lesions", "found", "false_positives"))
    wilson_low, wilson_high = wilson(found, lesions, alpha)
    low, high = _bootstrap(used, alpha, draws, seed)
    notes = {0: "no case has a lesion on this reference", 1: "fewer than two patients: no bootstrap"}
    return {
        "rater": rater,
        "reference": reference,
        "n": len(used),
        "patients": used["patient"].nunique(),
        "cases_left_out": len(own) - len(used),
        "lesions": lesions,
        "found": found,
        "sensitivity": found / lesions if lesions else float("nan"),
        "wilson_low": wilson_low,
        "wilson_high": wilson_high,
        "bootstrap_low": low,
        "bootstrap_high": high,
        "false_positives": false,
        "touching": int(used["touching"].sum()),
        "false_positives_per_case": false / len(used) if len(used) else float("nan"),
        "false_positives_per_section": false / int(used["sections"].sum()) if len(used) else float("nan"),
        "note": notes.get(used["patient"].nunique(), ""),
    }


def _bootstrap(used: pd.DataFrame, alpha: float, draws: int, seed: int) -> tuple[float, float]:
    numbers, count = number(used["patient"].to_numpy())
    if count < 2:
        return float("nan"), float("nan")
    found: Float = np.bincount(numbers, weights=used["found"]).astype(np.float64)
    lesions: Float = np.bincount(numbers, weights=used["lesions"]).astype(np.float64)
    shares = [found[rows].sum(axis=1) / lesions[rows].sum(axis=1) for rows in draw(count, draws, seed)]
    low, high = np.quantile(np.concatenate(shares), [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
