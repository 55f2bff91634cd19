"""Enough: whether the sheets hold the cases and columns that the configuration needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radparity.config import ConfigError

if TYPE_CHECKING:
    from radparity.study import Study


def refuse_too_little(study: Study, source: str) -> None:
    """Raises ConfigError, with the line to write instead, where the column of a subgroup, masks to train on, patients
    with cancer for the folds, breasts without cancer to learn from or tuning cases are missing."""
    config = study.config
    rows = list(study.breasts.values())
    absent = [name for name in config.compare.subgroups if rows and name not in type(rows[0]).model_fields]
    if absent:
        raise ConfigError(
            f"{source}: compare: subgroups: {config.sheets.breasts} has no column {absent[0]}. Add it, or leave it out"
        )
    if config.mask.method == "network" and not config.mask.weights and not study.breast_masks:
        raise ConfigError(
            f"{source}: mask: method: network needs masks to train on: no development breast has one in the column"
            f" breast_mask of {config.sheets.breasts}. Fill that column, name trained weights (mask: weights: FILE),"
            " or write instead: method: classical"
        )
    patients = {study.patient_of(b) for b in study.cases("development", label="malignant")}
    learns = any(arm.trained or arm.network == "nnunet" for arm in config.arms.values())
    if learns and len(patients) < config.fold.folds:
        raise ConfigError(
            f"{source}: fold: folds: {config.fold.folds} folds for {len(patients)} development patients with cancer."
            f" Write instead: folds: {max(2, len(patients))}"
        )
    if any(arm.trained for arm in config.arms.values()) and not study.cases("development", label="benign"):
        _refuse_without_benign(study, source)
    if config.segment.fraction == "tuned" and not study.cases("tuning"):
        raise ConfigError(f"{source}: segment: fraction: tuned needs tuning cases. Write instead: fraction: 0.5")


def _refuse_without_benign(study: Study, source: str) -> None:
    """Raises ConfigError for what needs benign development breasts, of which there are none."""
    train, curve = study.config.train, study.config.learning_curve
    if train.tumour_free_margin is None and train.malignant_share < 1:
        raise ConfigError(
            f"{source}: train: negatives: benign_breasts: no development breast is benign, so no patch without tumour"
            " can be drawn. Where outlines fill the volume, write instead: negatives: tumour_free_sections"
            " (docs/no_benign_arm.md)"
        )
    for name, points in curve.curves.items() if curve else ():
        if any(malignant != benign for malignant, benign in points):
            raise ConfigError(
                f"{source}: learning_curve: {name}: no development breast is benign, so points that differ in the"
                f" second share are one training. Write every share twice, as {name}: [[0.5, 0.5], [1.0, 1.0]]"
            )
