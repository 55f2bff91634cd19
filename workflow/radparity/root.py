"""One digest over many files: the root of the ledger, which the report prints and the audit computes again.

The inputs of the report's job are tables and lists of batches, and the lists hold the digests of the cases' files; so a
digest over the digests of those inputs is the root of a Merkle tree over all that the page was made from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

PRINTED = re.compile(r'id="root">([0-9a-f]{64})<')


def root(digests: Mapping[str, str]) -> str:
    """SHA-256 over the lines `path digest` in order of the paths.

    digests: path, as the workflow names it, to the SHA-256 of the file.
    """
    lines = "".join(f"{path} {digest}\n" for path, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def printed(page: Path) -> str | None:
    """The root that a page prints; None where it prints none."""
    found = PRINTED.search(page.read_text(encoding="utf-8", errors="replace"))
    return found[1] if found else None
