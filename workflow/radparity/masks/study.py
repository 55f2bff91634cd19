"""A study of masks as the workflow sees it: the checked configuration and its one sheet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from radparity.config import ConfigError
from radparity.config.masks import NONE, MasksConfig, load_masks
from radparity.download.announced import NOTHING
from radparity.masks.sheet import MaskRow, check_masks
from radparity.plan import Plan, read_plan
from radparity.sheets import read
from radparity.swept import swept


@dataclass(frozen=True)
class MasksStudy:
    """Everything known before a job runs. Nothing here touches a mask."""

    config: MasksConfig
    rows: list[MaskRow]
    """the rows of the raters that take part"""
    unused: list[str]
    """raters of the sheet that neither `readers` nor `network` names"""

    kind = "masks"
    announced = NOTHING

    @property
    def whole(self) -> MasksStudy:
        """This study: there are no pilots of masks, which take seconds."""
        return self

    @cached_property
    def digests(self) -> dict[str, str]:
        """The content digest of each mask's file, as the sweep recorded it. Raises ConfigError as `swept` does."""
        return swept(self.raw_paths())

    def raw_paths(self) -> list[str]:
        """Every path of the sheet that takes part, relative to the raw folder, in order and once each."""
        return list(dict.fromkeys(row.file for row in self.rows))

    @cached_property
    def cases(self) -> dict[str, dict[str, Any]]:
        """Case to patient, partition, section and files (rater to path, raters as the configuration orders them)."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            about = row.model_dump(include={"patient", "partition", "section"})
            found.setdefault(row.case, about | {"files": {}})["files"][row.rater] = row.file
        for about in found.values():
            about["files"] = {rater: about["files"][rater] for rater in self.config.raters}
        return dict(sorted(found.items()))

    @property
    def compared(self) -> list[str]:
        """Who stands in the network's place: one rater, or nobody."""
        return [] if self.config.network == NONE else [self.config.network]

    @property
    def subgroups(self) -> dict[str, dict[str, str]]:
        """Column of the masks sheet to test case to its value; an empty cell is an empty text."""
        rows = {row.case: row for row in self.rows if row.partition == "test"}
        columns = self.config.compare.subgroups
        return {column: {case: getattr(rows[case], column) or "" for case in sorted(rows)} for column in columns}

    @cached_property
    def plan(self) -> Plan | None:
        """The locked plan, or none."""
        return read_plan(Path(self.config.plan))

    @property
    def planned(self) -> dict[str, Any]:
        """What `lock_plan` freezes: who is compared, how, and the test cases with the digests of the readers' masks."""
        blocks = self.params("compare", "network", "readers", "seed")
        blocks["compare"] = {key: value for key, value in blocks["compare"].items() if key not in ("arms", "outliers")}
        del blocks["readers"]["made_by"]  # said of one or two raters only
        cases = {
            name: {"patient": about["patient"]}
            | {reader: self.digests[about["files"][reader]] for reader in self.config.readers.test}
            for name, about in self.cases.items()
            if about["partition"] == "test"
        }
        return blocks | {"primary_test": "margin", "test_cases": cases}

    def params(self, *blocks: str) -> dict[str, Any]:
        """The named blocks of the configuration as plain JSON, for a rule's params."""
        dumped = self.config.model_dump(mode="json")
        return {block: json.loads(json.dumps(dumped[block], sort_keys=True)) for block in sorted(blocks)}


def load_masks_study(raw: dict[str, Any], source: str = "config.yaml") -> MasksStudy:
    """Check a configuration and its sheet. Raises ConfigError with the mend where either cannot be used."""
    config = load_masks(raw, source)
    groups = config.compare.subgroups
    rows = read(Path(config.sheets.masks), MaskRow, dict.fromkeys(groups, "text"))
    absent = [name for name in groups if rows and name not in type(rows[0]).model_fields]
    if absent:
        raise ConfigError(
            f"{source}: compare: subgroups: {config.sheets.masks} has no column {absent[0]}. Add it, or leave it out"
        )
    check_masks(rows, config.raters, groups)
    unused = sorted({row.rater for row in rows} - set(config.raters))
    return MasksStudy(config, [row for row in rows if row.rater in config.raters], unused)
