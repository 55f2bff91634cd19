"""A study as the workflow sees it: the checked configuration, the sheets, and who belongs to whom."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from radparity.config import Arm, Config, ConfigError, load
from radparity.sheets import Breast, Exam, Reading, check, read

DIGESTS = Path("results/raw/digests.tsv")


@dataclass(frozen=True)
class Study:
    """Everything known before a job runs. Nothing here touches an image."""

    config: Config
    exams: dict[str, Exam]
    breasts: dict[str, Breast]
    readings: list[Reading]

    @cached_property
    def digests(self) -> dict[str, str]:
        """The content digest of each raw folder or file named in the sheets, as the sweep recorded it.

        Raises ConfigError where the sweep has not been run or does not know a path of the sheets.
        """
        mend = "Run `radparity sweep` (`make study` does it), then call Snakemake again"
        if not DIGESTS.is_file():
            raise ConfigError(f"{DIGESTS}: the raw data has not been looked at yet. {mend}")
        with DIGESTS.open(newline="") as stream:
            found = {row["path"]: row["digest"] for row in csv.DictReader(stream, delimiter="\t")}
        unknown = [path for path in self.raw_paths() if path not in found]
        if unknown:
            raise ConfigError(f"{DIGESTS} does not know {unknown[0]} ({len(unknown)} such paths). {mend}")
        return found

    def raw_paths(self) -> list[str]:
        """Every path of the sheets, relative to the raw folder, in order and once each."""
        exam_paths = [p for e in self.exams.values() for p in (e.folder, e.truth, *self.maps(e.exam).values()) if p]
        return list(dict.fromkeys(exam_paths + [reading.file for reading in self.readings]))

    def maps(self, exam: str) -> dict[str, str]:
        """The site's own maps of an exam, by column name; empty where the sheet names none."""
        row = self.exams[exam]
        named = {k: getattr(row, k) for k in ("enhancement_map", "washout_map", "tumour_volume")}
        return {k: v for k, v in named.items() if v}

    def exam_of(self, breast: str) -> str:
        """The exam that a breast was imaged in."""
        return self.breasts[breast].exam

    def patient_of(self, breast: str) -> str:
        """The patient that a breast belongs to."""
        return self.exams[self.exam_of(breast)].patient

    def cases(self, *partitions: str, label: str | None = None) -> list[str]:
        """Breasts of the named partitions (all where none is named), sorted, optionally of one label."""
        return sorted(
            name
            for name, row in self.breasts.items()
            if (not partitions or row.partition in partitions) and (label is None or row.label == label)
        )

    @cached_property
    def outlines(self) -> dict[str, dict[str, str]]:
        """Breast to rater to outline file."""
        found: dict[str, dict[str, str]] = {}
        for row in self.readings:
            found.setdefault(row.breast, {})[row.rater] = row.file
        return found

    @cached_property
    def outlined(self) -> list[str]:
        """Breasts with at least one outline, sorted."""
        return sorted(self.outlines)

    def predicted(self, arm: str) -> list[str]:
        """Cases that an arm is applied to; the baseline works on outlined sections only."""
        if not self.config.arms[arm].trained:
            return self.cases("tuning", "test")
        return self.cases("tuning", "test", "shown")

    @property
    def folds(self) -> list[str]:
        """Fold names."""
        return [str(number) for number in range(1, self.config.fold.folds + 1)]

    @property
    def trained(self) -> dict[str, Arm]:
        """The arms that have networks."""
        return {name: arm for name, arm in self.config.arms.items() if arm.trained}

    @property
    def harmonizations(self) -> list[str]:
        """Harmonizations that some arm uses."""
        return sorted({arm.harmonization for arm in self.config.arms.values()})

    def params(self, *blocks: str) -> dict[str, Any]:
        """The named blocks of the configuration as plain JSON, for a rule's params."""
        dumped = self.config.model_dump(mode="json", by_alias=True)
        return {block: json.loads(json.dumps(dumped[block], sort_keys=True)) for block in sorted(blocks)}


def load_study(raw: dict[str, Any], source: str = "config.yaml") -> Study:
    """Check a configuration and its sheets and put them together.

    Raises ConfigError with the mend where a key, a sheet, a row or a combination cannot be used.
    """
    config = load(raw, source)
    exams = read(Path(config.sheets.exams), Exam)
    breasts = read(Path(config.sheets.breasts), Breast)
    readings = read(Path(config.sheets.readings), Reading)
    check(exams, breasts, readings, config.readers.test)
    study = Study(config, {e.exam: e for e in exams}, {b.breast: b for b in breasts}, readings)
    patients = {study.patient_of(b) for b in study.cases("development", label="malignant")}
    if len(patients) < config.fold.folds:
        raise ConfigError(
            f"{source}: fold: folds: {config.fold.folds} folds for {len(patients)} development patients with cancer."
            f" Write instead: folds: {max(2, len(patients))}"
        )
    if config.segment.fraction == "tuned" and not study.cases("tuning"):
        raise ConfigError(f"{source}: segment: fraction: tuned needs tuning cases. Write instead: fraction: 0.5")
    return study
