"""What every block of the configuration is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Harmonization = Literal["pre_p95", "pre_max", "own_p95", "zscore", "histogram"]
Channel = Literal["t1c", "dce_in", "dce_out"]
CHANNELS: tuple[Channel, ...] = ("t1c", "dce_in", "dce_out")


class ConfigError(ValueError):
    """The configuration or a sheet cannot be used; the message says what to write instead."""


class Section(BaseModel):
    """A block of the configuration: no unknown keys, no silent change of type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
