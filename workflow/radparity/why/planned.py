"""The jobs of a study as Snakemake would run them now; another process asks it (workflow/planned.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from radparity.code import LIBRARY, SCRIPTS
from radparity.config import ConfigError

PROGRAM = LIBRARY.parent / "planned.py"


@dataclass(frozen=True)
class Planned:
    """A job: what it reads, makes and depends on, and what Snakemake says of it.

    inputs: name to paths. runs: whether it would run. known: whether Snakemake has a record of an earlier run. missing,
    unfinished, newer: its outputs that are not there, those that a job began and did not finish, and inputs that are
    newer than they.
    """

    rule: str
    message: str
    wildcards: dict[str, str]
    inputs: dict[str, list[str]]
    outputs: list[str]
    params: dict[str, Any]
    runs: bool
    known: bool
    missing: list[str]
    unfinished: list[str]
    newer: list[str]
    environment: str
    script: str
    benchmark: str

    @property
    def by_cases(self) -> bool:
        """Whether it takes a batch of cases."""
        return "made" in self.params and "cases" in self.params

    @property
    def cases(self) -> dict[str, dict[str, Any]]:
        """Case to its own params, of a job that takes a batch."""
        found: dict[str, dict[str, Any]] = self.params["cases"]
        return found

    @property
    def stage(self) -> str:
        """The folder of results/ that it writes to."""
        return Path(self.outputs[0]).parts[1] if self.outputs else self.rule

    @cached_property
    def put_back(self) -> bool:
        """Whether its outputs are put back, and not made, where all that they are made from is the same."""
        script = SCRIPTS / Path(self.script).name
        return script.is_file() and "lasting_job" in script.read_text(encoding="utf-8")


def ask(config: str, pilot: int | None, targets: Sequence[str]) -> list[Planned]:
    """Every job that leads to the targets (the whole study where none is named), each after those that it needs.

    Raises ConfigError with Snakemake's own words where it cannot plan.
    """
    named = [] if config == "config.yaml" else ["--configfile", config]
    sample = [] if pilot is None else ["--pilot", str(pilot)]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    command = [sys.executable, str(PROGRAM), *named, *sample, *targets]
    told = subprocess.run(command, capture_output=True, text=True, env=environment)
    if told.returncode != 0:
        raise ConfigError(f"Snakemake cannot plan the study:\n{(told.stderr or told.stdout).strip()[-4000:]}")
    return [Planned(**json.loads(line)) for line in told.stdout.splitlines()]
