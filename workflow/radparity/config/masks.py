"""The configuration of a study that begins with finished masks: no images, no training, only the comparison."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from radparity.config.explain import validated
from radparity.config.judging import Compare, Deidentify, Readers, Reads
from radparity.config.section import Name, Section
from radparity.crate import Level
from radparity.raters import CONSENSUS

NONE = "none"
READERS = "readers"
COLUMNS = ("case", "patient", "rater", "file", "section", "partition", "size")
"""Words that no column of subgroups may have: the sheet's own columns, and the subgroup that is made from the masks."""
RESERVED = (NONE, READERS, "network", "baseline", "averaged", "pooled")


class MaskSheets(Section):
    """Where the sheet lies, relative to the project."""

    masks: str


class MasksConfig(Section):
    """A study of masks alone. What says that a configuration is one is the key `sheets: masks`.

    `workflow/schemas/masks.schema.json` is generated from it.
    """

    study: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    seed: int = Field(ge=0)
    raw: str = Field(description="folder that the paths in the sheet are relative to")
    plan: str = Field("plan", description="folder of the locked plan and the log of looks at the test set")
    sheets: MaskSheets
    crate: Level = Field("all", description="as in a study of exams")
    readers: Readers
    network: Name = Field(NONE, description="the rater who is compared with the readers; none: readers only")
    compare: Compare = Compare()
    audit: Reads = Field("changed", description="what the audit reads: files that changed since the last one, or all")
    deidentify: Deidentify = Deidentify()

    @property
    def raters(self) -> list[str]:
        """Everybody whose mask every case needs: the readers, then the network where there is one."""
        return [*self.readers.test, *([] if self.network == NONE else [self.network])]

    @model_validator(mode="after")
    def _combinations(self) -> MasksConfig:
        if self.readers.few:
            raise ValueError(
                f"readers: test: a study of masks compares at least {CONSENSUS} readers among themselves, and names"
                f" {len(self.readers.test)} here. Add the others"
            )
        if len(set(self.readers.test)) < len(self.readers.test):
            raise ValueError("readers: test: a name stands twice. Every reader has a name of his own")
        taken = [name for name in self.raters if name in RESERVED]
        if taken:
            raise ValueError(f"no rater may be called {taken[0]}: the tables use that word. Rename it here and there")
        if self.network in self.readers.test:
            raise ValueError(
                f"network: {self.network} is one of the readers. Take it out of readers: test, or write: network: none"
            )
        if self.compare.arms is not None:
            raise ValueError(
                "compare: arms: a study of masks has no arms; `network` says who is compared. Leave it out"
            )
        own = [name for name in self.compare.subgroups if name in COLUMNS]
        if own:
            raise ValueError(f"compare: subgroups: {own[0]} has a meaning of its own. Name another column of the sheet")
        return self


def is_masks(raw: dict[str, Any]) -> bool:
    """Whether a parsed configuration file is that of a study of masks."""
    sheets = raw.get("sheets")
    return isinstance(sheets, dict) and "masks" in sheets


def load_masks(raw: dict[str, Any], source: str) -> MasksConfig:
    """Check a parsed configuration file. Raises ConfigError with one paragraph a fault."""
    return validated(MasksConfig, raw, source)
