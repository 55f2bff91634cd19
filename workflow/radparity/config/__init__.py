"""The configuration of a study: typed, closed (unknown keys are refused), with messages that print the line to write.

`config.yaml` is the demo study and documents each key where the user meets it; the models below are the truth about
types, defaults and impossible combinations. `workflow/schemas/config.schema.json` is generated from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from radparity.config.bundle import Bundle
from radparity.config.cohorts import check_cohorts
from radparity.config.download import Download
from radparity.config.explain import validated
from radparity.config.few import check_few
from radparity.config.imaging import Harmonize, Mask, Register
from radparity.config.judging import (
    Compare,
    Deidentify,
    LearningCurve,
    Power,
    Readers,
    Reads,
    Report,
    Segment,
    Selection,
    Share,
)
from radparity.config.networks import Arm, Estimate, Fold, NnUnet, Predict, Subset, Train
from radparity.config.section import CHANNELS, DEFAULT_CHANNELS, Channel, ConfigError, Name, Section
from radparity.config.seg import Seg
from radparity.crate import Level
from radparity.criteria import Rule, check_rules
from radparity.keep import Tier

__all__ = [
    "CHANNELS",
    "DEFAULT_CHANNELS",
    "Arm",
    "Channel",
    "Config",
    "ConfigError",
    "Name",
    "Section",
    "Subset",
    "Train",
    "load",
]


class Sheets(Section):
    """Where the sheets lie, relative to the project."""

    exams: str
    breasts: str
    readings: str
    decisions: str | None = Field(None, description="what people decided about exams, breasts and series")
    series: str | None = Field(None, description="what is to be downloaded, one row a series")
    sources: str | None = Field(None, description="whose data it is, one row a collection: licence and citation")


class Phantom(Section):
    """The virtual exams of the demo study; leave the block out in a study of real exams."""

    cohort: str
    size: Literal["demo", "full"] = "demo"


class Config(Section):
    """A whole study."""

    study: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    seed: int = Field(ge=0)
    raw: str = Field(description="folder that the paths in the sheets are relative to")
    plan: str = Field("plan", description="folder of the locked plan and the log of looks at the test set")
    sheets: Sheets
    release: Name | None = Field(None, description="train, tune and test see the exams of this release only")
    train_on: list[str] | None = Field(None, min_length=1, description="cohorts that train and tune; with test_on")
    test_on: list[str] | None = Field(None, min_length=1, description="cohorts whose labelled cases are the test")
    pilot: int | None = Field(None, ge=1, description="a sample of about so many exams, without any test case")
    batch: int = Field(8, ge=1, description="patients whose exams and breasts go through a stage in one job")
    keep: Tier = Field("all", description="what stays on disk once nothing of this configuration reads it any more")
    scratch: str | None = Field(
        None, min_length=1, description="folder of each node, or a variable as $TMPDIR, to work in; none: in results/"
    )
    crate: Level = Field("all", description="what `snakemake crate` describes: every file, or not those of the cases")
    download: Download = Download()
    readers: Readers
    eligible: list[Rule] = Field([], description="in order; the first that is not met is the box of the flow chart")
    # The attribute cannot be called `register`: that is a method of every pydantic model.
    registration: Register = Field(Register(), alias="register")
    harmonize: Harmonize = Harmonize()
    mask: Mask = Mask()
    fold: Fold = Fold()
    arms: dict[Name, Arm] = Field(min_length=1)
    primary_arm: Name
    train: Train
    nnunet: NnUnet = NnUnet()
    predict: Predict = Predict()
    segment: Segment = Segment()
    seg: Seg = Seg()
    compare: Compare = Compare()
    power: Power = Power()
    estimate: Estimate = Estimate()
    selection: Selection | None = None
    learning_curve: LearningCurve | None = None
    report: Report = Report()
    bundle: Bundle = Bundle()
    share: Share = Share()
    audit: Reads = Field("changed", description="what the audit reads: files that changed since the last one, or all")
    deidentify: Deidentify = Deidentify()
    phantom: Phantom | None = None

    @model_validator(mode="after")
    def _combinations(self) -> Config:
        if self.primary_arm not in self.arms:
            raise ValueError(f"primary_arm: {self.primary_arm} is not an arm. Write one of: {', '.join(self.arms)}")
        if not (self.arms[self.primary_arm].trained or self.arms[self.primary_arm].external):
            raise ValueError(f"primary_arm: {self.primary_arm} is a baseline without a network. Name a trained arm")
        if len(set(self.readers.test)) < len(self.readers.test):
            raise ValueError("readers: test: a name stands twice. Every reader has a name of his own")
        if self.readers.few:
            check_few(self)
        check_rules(self.eligible)
        check_cohorts(self.train_on, self.test_on)
        for name, arm in self.arms.items():
            if arm.trained and self.harmonize.divisors == "published" and arm.harmonization != "pre_p95":
                raise ValueError(
                    f"arms: {name}: harmonization: {arm.harmonization}: the published divisors follow pre_p95."
                    " Write instead: harmonization: pre_p95"
                )
        self._check_named_arms()
        return self

    def _check_named_arms(self) -> None:
        curve = self.learning_curve
        named = {
            "compare: arms": self.compare.arms or [],
            "seg: arms": [] if self.seg.arms == "primary" else self.seg.arms,
            "selection: arms": self.selection.arms if self.selection else [],
            "learning_curve: arm": [curve.arm] if curve else [],
            "bundle: arm": [self.bundle.arm] if self.bundle.arm else [],
        }
        for where, names in named.items():
            unknown = [name for name in names if name not in self.arms]
            if unknown:
                raise ValueError(f"{where}: {unknown[0]} is not an arm. Write one of: {', '.join(self.arms)}")
            if len(set(names)) < len(names):
                raise ValueError(f"{where}: a name stands twice. Name every arm once")
        told = [name for name in named["selection: arms"] if self.arms[name].location_given]
        if told:
            raise ValueError(f"selection: arms: {told[0]} is given the location, so it cannot be ranked. Leave it out")
        elsewhere = [name for name in named["selection: arms"] if self.arms[name].external]
        if elsewhere:
            raise ValueError(f"selection: arms: {elsewhere[0]} was made elsewhere and has no folds. Leave it out")
        if self.compare.arms is not None and self.primary_arm not in self.compare.arms:
            raise ValueError(f"compare: arms: the primary arm is missing. Add {self.primary_arm}")
        if curve and not self.arms[curve.arm].trained:
            raise ValueError(f"learning_curve: arm: {curve.arm} trains no network of ours. Name an arm that does")
        from radparity.arms import arms_of

        arms_of(self)  # refuses names that two trainings would share
        for experiment in self.report.experiments:
            if getattr(self, experiment) is None:
                raise ValueError(
                    f"report: experiments: {experiment} has no block of that name. Add one, or leave it out"
                )


def load(raw: dict[str, Any], source: str = "config.yaml") -> Config:
    """Check a parsed configuration file. Raises ConfigError with one paragraph a fault."""
    return validated(Config, raw, source)
