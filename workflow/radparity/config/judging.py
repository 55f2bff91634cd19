"""Blocks of what is judged and shown: readers, segment, compare, the experiments, the report, the audit."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from radparity.config.section import Name, Section
from radparity.raters import SOFTWARE, few


class Readers(Section):
    """Who outlined the tuning and test cases."""

    test: list[Name] = Field(min_length=1, description="raters who outline every tuning and test case")
    anonymous: bool = Field(False, description="true where a name does not stand for one person (no bracket then)")
    made_by: Literal["people", "software"] = Field("people", description="who made the references of one or two raters")

    @property
    def few(self) -> bool:
        """Whether there are too few for leave-one-out references, a consensus and tests of equivalence."""
        return few(self.test)

    @model_validator(mode="after")
    def _software(self) -> Readers:
        if self.made_by == SOFTWARE and not self.few:
            raise ValueError(
                f"made_by: software: {len(self.test)} raters are compared as readers, and a program is none. Name one"
                " or two references: test: [NAME]"
            )
        return self


class Segment(Section):
    """From probability map to mask (spec section 13)."""

    fraction: Literal["tuned"] | Annotated[float, Field(gt=0, lt=1)] = "tuned"
    component: float = Field(0.95, gt=0, le=1, description="keep components that reach this share of the maximum")


class Compare(Section):
    """Network against readers (reader_statistics, section 2)."""

    reference: Literal["intersection", "union", "majority", "staple"] = "intersection"
    empty_reference: Literal["drop", "zero"] = "drop"
    margin: float = Field(0.05, gt=0, lt=1)
    alpha: float = Field(0.05, gt=0, lt=0.5)
    bootstrap: int = Field(10_000, ge=100)
    minimum_cases: int = Field(50, ge=2, description="below this the verdict is 'too few cases'")
    arms: list[Name] | None = Field(None, description="none: the primary arm and the baselines")
    detection_overlap: float = Field(0.1, gt=0, le=1, description="overlap (IoU) at which a lesion counts as found")
    subgroups: list[Name] = Field([], description="columns of the sheet that divide the test cases")
    size_bands_mm: list[float] = Field([10.0, 20.0], description="bounds between sizes, equivalent diameter")
    outliers: int = Field(6, ge=0, description="how many of the worst test cases are listed and pictured")

    @model_validator(mode="after")
    def _bands(self) -> Compare:
        if self.size_bands_mm != sorted(set(self.size_bands_mm)) or any(bound <= 0 for bound in self.size_bands_mm):
            raise ValueError("size_bands_mm: write positive bounds from small to large, as [10, 20]")
        return self


class Power(Section):
    """How many cases a study needs: the primary rule on cases drawn from a pilot (reader_statistics, section 1)."""

    pilot: str = Field("tuning", description="tuning: the tuning cases; or a table with columns patient, difference")
    true_difference: float = Field(0.0, gt=-1, lt=1, description="the mean difference that is assumed to be true, Dice")
    cases: list[Annotated[int, Field(ge=3)]] = Field([50, 100, 150, 200, 250, 400], min_length=1)
    studies: int = Field(1000, ge=100, description="simulated studies for each number of cases")
    power: float = Field(0.85, gt=0, lt=1, description="the power that is wanted")


class Selection(Section):
    """Which network, channels and harmonization: arms ranked on the development cases (the paper's figure E4)."""

    arms: list[Name] = Field(min_length=2)
    repeats: int = Field(3, ge=1, description="trainings of each arm from other initial weights and draws")


class LearningCurve(Section):
    """How much data: one arm trained on parts of the development cases (the paper's figure E5)."""

    arm: Name
    curves: dict[Name, list[Annotated[list[float], Field(min_length=2, max_length=2)]]] = Field(
        min_length=1, description="points of each curve: shares of the malignant and of the benign training breasts"
    )
    repeats: int = Field(3, ge=3, description="draws of the parts, each with its own initial weights")

    @model_validator(mode="after")
    def _points(self) -> LearningCurve:
        for name, points in self.curves.items():
            if len(points) < 2 or any(not 0 < share <= 1 for point in points for share in point):
                raise ValueError(f"{name}: write two or more points with shares of 0 to 1: [[0.1, 0.1], [1.0, 1.0]]")
            if any(round(share, 3) != share for point in points for share in point):
                raise ValueError(f"{name}: write shares with at most three decimals, as 0.098: they name the trainings")
            if any(small == large for small, large in pairwise(points)):
                raise ValueError(f"{name}: a point stands twice. Write it once")
            if points != sorted(points) or [point[1] for point in points] != sorted(point[1] for point in points):
                raise ValueError(f"{name}: write the points from the smallest part to the largest")
        return self


class Report(Section):
    """What the page shows besides the verdict."""

    cases: Literal["all", "judged", "none"] = Field(
        "all", description="which breasts get a page: all; judged: tuning, test and shown; none"
    )
    experiments: list[Literal["selection", "learning_curve"]] = []
    power: bool = Field(False, description="true: how many cases such a study needs, from `snakemake power`")


class Share(Section):
    """What a copy of the report to send away tells (docs/share.md)."""

    cases: Literal["none", "anonymous"] = Field(
        "none", description="none: nothing about single cases; anonymous: their pages, under new numbers"
    )
    smallest_cell: int = Field(
        5, ge=1, description="smaller counts of patients, exams and cases are not told; 1: all are"
    )

    @model_validator(mode="after")
    def _tells_nothing(self) -> Share:
        if self.smallest_cell == 2:
            raise ValueError(
                "smallest_cell: 2: every count that is not told would be 1. Write 3 or more, or 1 to tell all"
            )
        return self


Reads = Literal["changed", "full"]


class Deidentify(Section):
    """The audit's search of everything under results/ for the names, ids, dates and UIDs of the source."""

    allow: list[str] = Field([], description="words that may appear although a name or id of the source equals them")
