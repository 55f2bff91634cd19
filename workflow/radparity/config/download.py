"""The block `download`: from where, and how, the series of the sheet `series` are fetched."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from radparity.config.section import Section
from radparity.download.options import Options

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OWN = Options()


class Download(Section):
    """Fetching exams from a public store (docs/download.md). Nothing of it changes a result."""

    endpoint: str = Field(OWN.endpoint, description="address of a store that speaks S3")
    at_once: int = Field(OWN.at_once, ge=1, le=64, description="objects fetched side by side")
    retries: int = Field(OWN.retries, ge=0, le=20, description="tries after the first, of each object")

    @field_validator("endpoint")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme, parts.hostname in LOOPBACK) == ("http", True)
        ):
            raise ValueError(f"write an address that begins with https://, as endpoint: {OWN.endpoint}")
        return value
