"""The whole comparison: the primary one and, beside it, other ways to ask, other measures, parts of the cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from radparity.compare import (
    agreement,
    anova,
    correlation,
    detection,
    distances,
    mixed,
    normality,
    outliers,
    random_readers,
    sensitivity,
    subgroups,
    volume,
)
from radparity.compare import columns as primary
from radparity.compare.scores import Case
from radparity.compare.settings import Settings
from radparity.compare.study import compare

COLUMNS: dict[str, dict[str, str]] = primary.COLUMNS | {
    "sensitivity": sensitivity.COLUMNS,
    "random_readers": random_readers.COLUMNS,
    "anova": anova.COLUMNS,
    "mixed": mixed.COLUMNS,
    "normality": normality.COLUMNS,
    "correlation": correlation.COLUMNS,
    "agreement": agreement.COLUMNS,
    "references": agreement.REFERENCES,
    "distances": distances.COLUMNS,
    "distance_summary": distances.SUMMARY,
    "sizes": volume.COLUMNS,
    "size_summary": volume.SUMMARY,
    "detection": detection.COLUMNS,
    "detection_summary": detection.SUMMARY,
    "subgroups": subgroups.COLUMNS,
    "outliers": outliers.COLUMNS,
}


def compare_in_full(
    cases: Sequence[Case],
    settings: Settings,
    groups: Mapping[str, Mapping[str, str]] | None = None,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table of `COLUMNS`; all that `compare` does not make are exploratory. Without a case only their headers.

    groups: column of the breasts sheet to case to value; facts: case to what is known of its map (see `outliers`).
    Raises ValueError as `compare` does.
    """
    if not cases:
        return {name: pd.DataFrame(columns=list(own)) for name, own in COLUMNS.items()}
    tables = compare(cases, settings)
    scores = tables["scores"]
    chance: dict[str, Any] = {"alpha": settings.alpha, "draws": settings.draws, "seed": settings.seed}
    test = chance | {"margin": settings.margin, "minimum_cases": settings.minimum_cases}
    apart = distances.distance_table(cases, rule=settings.rule)
    sizes = volume.volume_table(cases)
    found = detection.detection_table(cases, overlap=settings.detection_overlap)
    return tables | {
        "sensitivity": sensitivity.sensitivity(cases, rule=settings.rule, empty=settings.empty, **test),
        "random_readers": random_readers.random_readers(scores, anonymous=settings.anonymous, **test),
        "anova": anova.anova(scores),
        "mixed": mixed.mixed(scores, alpha=settings.alpha),
        "normality": normality.normality(scores),
        "correlation": correlation.correlation(scores, **chance),
        "agreement": agreement.agreement(cases),
        "references": agreement.references(cases, empty=settings.empty),
        "distances": apart,
        "distance_summary": distances.distance_summary(apart),
        "sizes": sizes,
        "size_summary": volume.bland_altman(sizes, alpha=settings.alpha),
        "detection": found,
        "detection_summary": detection.detection_summary(found, **chance),
        "subgroups": subgroups.subgroups(cases, scores, groups or {}, settings.size_bands_mm, **chance),
        "outliers": outliers.outliers(cases, scores, settings.outliers, facts or {}),
    }
