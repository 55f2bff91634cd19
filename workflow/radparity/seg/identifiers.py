"""Identifiers that follow from what they name, so that the same inputs give the same file."""

from __future__ import annotations

import hashlib
import uuid

NAME_BASED = 5


def unique_identifier(*names: str) -> str:
    """A DICOM UID below 2.25 (an UUID as a number, PS3.5 annex B.2), from the SHA-256 of what it names."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=NAME_BASED).int}"
