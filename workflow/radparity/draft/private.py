"""Files that tie pseudonyms to people: outside results/, readable by their owner alone, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from radparity.config import ConfigError


def guard(path: Path) -> None:
    """Raises ConfigError where a file of identities lies in results/, or can be read by others than its owner."""
    if "results" in path.resolve().parts:
        raise ConfigError(
            f"{path} ties pseudonyms to people and must not lie in results/, which is handed on. Write instead:"
            f" .radparity/{path.name}"
        )
    if path.exists() and path.stat().st_mode & 0o077:
        raise ConfigError(
            f"{path} ties pseudonyms to people and can be read by others. Run: chmod 600 {path}  (and find out who has)"
        )


def folder(path: Path) -> None:
    """Make the folder of a private file; a new one is closed to others."""
    if not path.is_dir():
        path.mkdir(parents=True, mode=0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all; leave it alone where nothing changed."""
    guard(path)
    folder(path.parent)
    whole = text.encode(errors="surrogateescape")
    if path.is_file() and path.read_bytes() == whole:
        return
    temporary = path.with_name(".writing-" + path.name)
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(whole)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
