"""nnU-Net's own preparation of a dataset: verification, fingerprint, plans, preprocessing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import DatasetFingerprintExtractor
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.plan_and_preprocess_api import preprocess_dataset
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

from radparity.nnunet.environment import no_main_script

DATASET = 1


class SectionPlanner(ExperimentPlanner):  # type: ignore[misc]
    """nnU-Net's planner, with the sections as the first axis whatever their spacing: only sections are outlined."""

    def determine_transpose(self) -> tuple[list[int], list[int]]:
        """From the order in which files are read (superior, anterior, section) to section first, and back."""
        return [2, 0, 1], [1, 2, 0]


def prepare(
    folder: Path,
    name: str,
    dataset: dict[str, Any],
    splits: list[dict[str, list[str]]],
    configuration: str,
    threads: int,
) -> dict[str, Any]:
    """Verify a dataset, plan it and preprocess it for one configuration (`2d` or `3d_fullres`); returns the plans.

    folder: the one given to `set_environment`. dataset: dataset.json with absolute paths. What was prepared before an
    interruption is taken as it is. Raises AssertionError or RuntimeError, in nnU-Net's words, where its verification
    fails.
    """
    raw, done = folder / "raw" / name, folder / "preprocessed" / name
    plans, finished = done / "nnUNetPlans.json", done / "finished"
    if not finished.exists():
        raw.mkdir(parents=True, exist_ok=True)
        done.mkdir(parents=True, exist_ok=True)
        (raw / "dataset.json").write_text(json.dumps(dataset))
        with no_main_script():
            verify_dataset_integrity(str(raw), threads)
            DatasetFingerprintExtractor(DATASET, threads).run(overwrite_existing=True)
            SectionPlanner(DATASET).plan_experiment()
            preprocess_dataset(DATASET, configurations=(configuration,), num_processes=(threads,))
        (done / "splits_final.json").write_text(json.dumps(splits))
        finished.touch()
    found: dict[str, Any] = json.loads(plans.read_text())
    return found
