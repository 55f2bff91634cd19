"""The floor: the probability under which the answer is "no lesion found"."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radparity.bundle.counts import one, shown
from radparity.bundle.method import Floor
from radparity.config.bundle import NO_BENIGN
from radparity.config.section import ConfigError


def floor_of(maxima: pd.DataFrame, wanted: str | float, percentile: float) -> Floor:
    """The floor that the configuration names, or a percentile of the benign breasts' maxima inside the breast mask:
    where a site looks for the maximum too.

    maxima: the table of `segment_maxima`. Of few breasts a high percentile is hardly less than their largest maximum.
    Raises ConfigError where there is no benign breast to learn from.
    """
    benign = maxima[maxima["label"] == "benign"]["breast_maximum"].dropna().to_numpy(dtype=float)
    breasts = one(len(benign))
    if wanted != "benign":
        return Floor(probability=float(wanted), benign_breasts=breasts)
    if not len(benign):
        raise ConfigError(NO_BENIGN)
    # Four digits, so that the number that is printed is the number that is used.
    found = round(float(np.percentile(benign, percentile)), 4)
    return Floor(probability=found, percentile=percentile, benign_breasts=breasts)


def below(maxima: pd.DataFrame, floor: Floor, by: str = "that the readers outlined") -> str:
    """How many of the test cancers would not reach the floor on the outlined section; a sentence. by: who outlined."""
    cancers = maxima[maxima["label"] == "malignant"]["section_maximum"].dropna()
    if cancers.empty:
        return "The study has no test cancer to say how many."
    missed = int((cancers < floor.probability).sum())
    counts = shown({"below": missed, "others": len(cancers) - missed})
    return (
        f"Of {one(len(cancers))} test cancers {counts['below']} have their largest probability below it on the section"
        f" {by}."
    )
