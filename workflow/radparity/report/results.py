"""Results: everything the page speaks of, read from the files that the other stages left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from radparity.decisions import about_decisions
from radparity.raters import few
from radparity.record import read

Record = dict[str, Any]
STAGES = ("intake", "eligible", "convert", "register", "harmonize", "mask", "outline", "predict", "segment", "kinetics")


@dataclass(frozen=True)
class Breast:
    """A row of the breasts sheet with its patient."""

    breast: str
    exam: str
    patient: str
    side: str
    label: str
    partition: str


@dataclass(frozen=True)
class Results:
    """A study's results. Keys are names of exams, breasts, arms and folds; what is absent has no key."""

    config: dict[str, Any]
    breasts: list[Breast]
    records: dict[str, dict[str, Record]]
    """stage to exam or breast to record"""
    compare: dict[str, dict[str, pd.DataFrame]]
    """arm to table to rows"""
    curves: dict[tuple[str, str], pd.DataFrame]
    """arm and fold to the rows of the learning curve"""
    training: dict[tuple[str, str], Record]
    fractions: dict[str, Record]
    images: dict[str, dict[str, Path]]
    """channels, probabilities, disagreements, masks, outlines, checks (breast to file) and kinetic_maps (exam to
    file); nothing of excluded cases but the checks of suspect outlines"""
    verify: dict[str, pd.DataFrame]
    published: Record
    files: dict[str, list[str]]
    """every input file by its name in the rule"""
    pilot: dict[str, Any] | None = None
    """of a pilot: what `radparity.pilot.about` says"""
    release: dict[str, Any] | None = None
    """of a study under a release: what `about_release` says"""
    shift: dict[str, pd.DataFrame] = field(default_factory=dict)
    """of an external test: table of the stage `shift` to its rows"""
    left_out: dict[str, Any] | None = None
    """of a study that trains on some cohorts and is tested on others: what `about_left_out` says"""
    decided: dict[str, Any] = field(default_factory=lambda: {"sheet": None, "rows": []})
    """what `radparity.decisions.about_decisions` says"""
    sources: list[dict[str, str]] = field(default_factory=list)
    """rows of the sheet of sources"""
    awaited: dict[str, list[str]] | None = None
    """of an interim page: stage to the exams or breasts that will have a record there"""
    exams: list[str] = field(default_factory=list)
    """of an interim page: all exams"""
    root: str = ""
    """digest over the inputs of the page's job (`radparity.root`); none of an interim page"""

    @property
    def primary(self) -> str:
        """The arm that the page speaks of first."""
        return str(self.config["primary_arm"])

    @property
    def few(self) -> bool:
        """Whether one or two raters outlined each case: estimates then, and no verdict."""
        return few(self.config["readers"]["test"])

    @property
    def interim(self) -> bool:
        """Whether the study is not finished."""
        return self.awaited is not None

    @property
    def arms(self) -> list[str]:
        """Arms with tables, the primary one first."""
        return sorted(self.compare, key=lambda arm: (arm != self.primary, list(self.config["arms"]).index(arm)))

    def table(self, name: str, arm: str | None = None) -> pd.DataFrame:
        """A table of the comparison, of the primary arm where none is named; without rows where it is absent."""
        return self.compare.get(arm or self.primary, {}).get(name, pd.DataFrame())

    def used(self, stage: str) -> dict[str, Record]:
        """Records of a stage that are ok."""
        return {unit: record for unit, record in self.records[stage].items() if record["status"] == "ok"}


def read_table(path: str | Path) -> pd.DataFrame:
    """A tab-separated table; only an empty cell is missing (a reader may be called NA)."""
    text = {name: str for name in ("case", "patient", "reference", "rater", "arm")}
    try:
        return pd.read_csv(path, sep="\t", dtype=text, keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def read_results(
    files: Mapping[str, Sequence[str]],
    config: dict[str, Any],
    breasts: Sequence[Sequence[str]],
    pilot: dict[str, Any] | None = None,
    release: dict[str, Any] | None = None,
    decided: dict[str, Any] | None = None,
    left_out: dict[str, Any] | None = None,
    sources: Sequence[dict[str, str]] = (),
) -> Results:
    """Read a study's results. `files` holds the files of each input of the report's rule, by the input's name."""
    compare: dict[str, dict[str, pd.DataFrame]] = {}
    for path in map(Path, files.get("compare", [])):
        compare.setdefault(path.parent.name, {})[path.stem] = read_table(path)
    images = ("channels", "probabilities", "disagreements", "masks", "outlines", "checks", "kinetic_maps")
    return Results(
        config=config,
        breasts=[Breast(*row) for row in breasts],
        records={stage: {Path(p).parent.name: read(p) for p in files.get(stage, [])} for stage in STAGES},
        compare=compare,
        curves={_arm_and_fold(path): read_table(path) for path in files.get("curves", [])},
        training={_arm_and_fold(path): read(path) for path in files.get("training", [])},
        fractions={Path(path).parent.name: read(path) for path in files.get("fractions", [])},
        images={name: _with_content(files.get(name, [])) for name in images},
        verify={Path(path).stem: read_table(path) for path in files.get("verify", [])},
        published=yaml.safe_load(Path(files["published"][0]).read_text(encoding="utf-8")),
        files={name: list(paths) for name, paths in files.items()},
        pilot=pilot,
        release=release,
        decided=decided or about_decisions([], None),
        shift={Path(path).stem: read_table(path) for path in files.get("shift", []) if path.endswith(".tsv")},
        left_out=left_out,
        sources=list(sources),
    )


def _arm_and_fold(path: str) -> tuple[str, str]:
    return Path(path).parent.parent.name, Path(path).parent.name


def _with_content(paths: Sequence[str]) -> dict[str, Path]:
    """Case to image; an excluded case has left an empty file."""
    return {Path(path).parent.name: Path(path) for path in paths if Path(path).stat().st_size}
