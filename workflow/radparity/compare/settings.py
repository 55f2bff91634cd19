"""What a study fixes before the comparison is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radparity.compare.scores import EMPTY_POLICIES, EmptyPolicy
from radparity.consensus import RULES, Rule


@dataclass(frozen=True)
class Settings:
    """What the study fixes before the comparison is run.

    `margin` is in Dice; `alpha` is the error a side of the equivalence tests (their interval has level 1 - 2 alpha) and
    of the two-sided interval of A (level 1 - alpha). `anonymous` says that reader ids are slots, not persons.
    `role` is what the margin test is in this study: primary, of one arm under a locked plan, else exploratory;
    `location_given` is true of an arm that the readers' outlines tell where the lesion is.
    """

    rule: Rule = "intersection"
    empty: EmptyPolicy = "drop"
    margin: float = 0.05
    alpha: float = 0.05
    draws: int = 10_000
    seed: int = 0
    anonymous: bool = False
    minimum_cases: int = 50
    size_bands_mm: tuple[float, ...] = (10.0, 20.0)
    detection_overlap: float = 0.1
    outliers: int = 6
    role: str = "primary"
    location_given: bool = False

    @classmethod
    def of(cls, compare: Mapping[str, Any], readers: Mapping[str, Any], seed: int, **arm: Any) -> Settings:
        """From the configuration's blocks `compare` and `readers`, and what is true of the arm (the last two)."""
        return cls(
            rule=compare["reference"],
            empty=compare["empty_reference"],
            margin=compare["margin"],
            alpha=compare["alpha"],
            draws=compare["bootstrap"],
            seed=seed,
            anonymous=readers["anonymous"],
            minimum_cases=compare["minimum_cases"],
            size_bands_mm=tuple(compare["size_bands_mm"]),
            detection_overlap=compare["detection_overlap"],
            outliers=compare["outliers"],
            **arm,
        )

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule is {self.rule!r}: write one of {', '.join(RULES)}")
        if self.empty not in EMPTY_POLICIES:
            raise ValueError(f"empty is {self.empty!r}: write one of {', '.join(EMPTY_POLICIES)}")
        if not 0 < self.margin < 1:
            raise ValueError(f"margin is {self.margin}: write a difference in Dice between 0 and 1, such as 0.05")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is {self.alpha}: write an error rate a side between 0 and 0.5, such as 0.05")
        if self.draws < 100:
            raise ValueError(f"draws is {self.draws}: a bootstrap needs at least 100 draws, 10000 for a result")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}: write 0 or a positive whole number")
