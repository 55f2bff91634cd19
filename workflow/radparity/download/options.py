"""How to fetch: nothing of it changes what is made, so it stands in no params."""

from __future__ import annotations

from typing import NamedTuple

ENDPOINT = "https://s3.amazonaws.com"
"""Where the buckets of NCI Imaging Data Commons lie, for anybody."""


class Options(NamedTuple):
    """endpoint: address of the store. at_once: objects side by side. retries: tries after the first, of each."""

    endpoint: str = ENDPOINT
    at_once: int = 8
    retries: int = 5
