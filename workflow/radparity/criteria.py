"""What makes an exam or a breast eligible: the vocabulary of the configuration's block `eligible`.

A rule looks at a column of the user's own in exams.tsv or breasts.tsv, at a fact of the intake record, or at which of a
patient's exams comes first. The models stand apart from the decision itself (radparity.eligible), because every stage
that reads the configuration reaches them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

Fact = Literal[
    "phase_count",
    "plane",
    "oblique_degrees",
    "sections",
    "section_mm",
    "in_plane_mm",
    "laterality",
    "split_by",
    "timed_by",
    "scanner.manufacturer",
    "scanner.model",
    "scanner.tesla",
    "scanner.coil",
    "compressed",
    "flags",
]
NUMBERS = {"phase_count", "oblique_degrees", "sections", "section_mm", "in_plane_mm", "scanner.tesla"}
SWITCH = {"yes", "no"}


def _word(value: Any) -> Any:
    """YAML reads an unquoted yes as true and 3 as a number; a sheet's cells are text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word), StringConstraints(strip_whitespace=True, min_length=1)]


class Rule(BaseModel):
    """One rule. Who does not meet it leaves the study, in a box of the flow chart that bears its name."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\t\n]{1,60}$")]
    column: str | None = Field(None, description="a column of your own in exams.tsv or breasts.tsv")
    fact: Fact | None = Field(None, description="a fact of the intake record")
    exclude: list[Word] | None = Field(None, min_length=1, description="who has one of these values leaves")
    only: list[Word] | None = Field(None, min_length=1, description="who has none of these values leaves")
    at_least: float | None = Field(None, allow_inf_nan=False, description="who has less leaves")
    at_most: float | None = Field(None, allow_inf_nan=False, description="who has more leaves")
    missing: Literal["keep", "exclude"] | None = Field(None, description="what happens to an empty cell or fact")
    label: Literal["malignant", "benign"] | None = Field(None, description="the rule concerns these breasts only")
    keep: Literal["first", "last"] | None = Field(None, description="of each patient's exams, by the column `day`")

    @model_validator(mode="after")
    def _one_question(self) -> Rule:
        if sum(given is not None for given in (self.column, self.fact, self.keep)) != 1:
            raise ValueError(f"rule '{self.name}': write one of column, fact and keep")
        words, bounds = self._words(), self.at_least is not None or self.at_most is not None
        if self.keep is not None:
            if words or bounds or self.missing is not None:
                raise ValueError(f"rule '{self.name}': beside keep only label may stand")
            return self
        if (self.exclude is not None) + (self.only is not None) + bounds != 1:
            raise ValueError(f"rule '{self.name}': write exclude: [...], only: [...], or at_least and at_most")
        if self.missing is None:
            raise ValueError(f"rule '{self.name}': say what becomes of an empty value: missing: keep   # keep, exclude")
        if bounds and self.fact is not None and self.fact not in NUMBERS:
            raise ValueError(f"rule '{self.name}': {self.fact} is not a number. Write exclude: [...] or only: [...]")
        return self

    def _words(self) -> list[str]:
        return [word.casefold() for word in self.exclude or self.only or []]

    @property
    def kind(self) -> Literal["number", "switch", "text"]:
        """What a column of this rule holds: numbers, yes and no, or any text."""
        words = self._words()
        return "switch" if words and SWITCH.issuperset(words) else "text" if words else "number"

    def met(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
        """Whether a breast meets this rule. Text is compared without regard to case.

        values: its label and the columns of its own and of its exam. record: the intake record of its exam.
        """
        if self.label is not None and values["label"] != self.label:
            return True
        value = values[self.column] if self.column is not None else fact(record, str(self.fact))
        if value is None or value == "":
            return self.missing == "keep"
        if self.kind == "number":
            low = -math.inf if self.at_least is None else self.at_least
            return low <= float(value) <= (math.inf if self.at_most is None else self.at_most)
        given = {_word(one).casefold() for one in (value if isinstance(value, list) else [value])}
        return given.isdisjoint(self._words()) if self.exclude else given.issubset(self._words())


def check_rules(rules: Sequence[Rule]) -> None:
    """Raises ValueError where two rules have one name, or want one column to hold different things."""
    named = [rule.name for rule in rules]
    if len(set(named)) < len(named):
        raise ValueError("eligible: two rules have one name. Every rule is a box of the flow chart: name it apart")
    kinds = {rule.column: rule.kind for rule in rules if rule.column}
    for rule in rules:
        if rule.column and rule.kind != kinds[rule.column]:
            held = f"{rule.kind} in one rule and {kinds[rule.column]} in another"
            raise ValueError(f"eligible: the column {rule.column} holds {held}. Use two columns")


def fact(record: Mapping[str, Any], name: str) -> Any:
    """A fact of an intake record; None where the images do not state it.

    In-plane spacing is the larger of the two; flags are their codes, of which an exam can have several.
    """
    found: Any = record
    for part in name.split("."):
        found = found[part]
    if name == "flags":
        return [flag["code"] for flag in found]
    return max(found) if name == "in_plane_mm" else found
