"""The kit as one file: every file's digest in MANIFEST, one digest over it all, the same bytes each time."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

FOLDER = "audit_kit"
MANIFEST, ROOT = "MANIFEST", "ROOT"
# The first day that a zip file knows.
DAY = (1980, 1, 1, 0, 0, 0)


def sealed(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], str]:
    """The files with MANIFEST, which lists them in the form of sha256sum, and ROOT, its digest; and that digest."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    manifest = "".join(lines).encode()
    root = hashlib.sha256(manifest).hexdigest()
    return {**files, MANIFEST: manifest, ROOT: f"{root}\n".encode()}, root


def pack(files: Mapping[str, bytes], path: Path, folder: str = FOLDER) -> None:
    """Write files into one folder of a zip, sorted by name, without dates, owners and rights of their own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files.items()):
            about = zipfile.ZipInfo(f"{folder}/{name}", DAY)
            about.create_system = 3  # also where it is packed on another system
            about.external_attr = 0o644 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, content)
