"""What every block of the configuration is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from radparity.channels import CHANNELS, DEFAULT_CHANNELS, Channel

__all__ = ["CHANNELS", "DEFAULT_CHANNELS", "Channel", "ConfigError", "Harmonization", "Name", "Section"]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Harmonization = Literal["pre_p95", "pre_max", "own_p95", "zscore", "histogram"]


class ConfigError(ValueError):
    """The configuration or a sheet cannot be used; the message says what to write instead."""


class Section(BaseModel):
    """A block of the configuration: no unknown keys, no silent change of type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
