"""What of a training survives a crash: saved whole or not at all, loaded only if intact and of the same configuration.

The folder holds, per save, `state-<configuration>-<step>.pt` and beside it the sha256 of its bytes. A save that was
cut short lacks its sum or does not match it, and the one before is taken.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

KEPT = 2


def save(folder: Path, configuration: str, step: int, content: dict[str, Any]) -> Path:
    """Save `content` (plain types and tensors) as the state at `step`; keep the newest two of this configuration.

    `configuration` is a hexadecimal digest of everything the training's result depends on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save({"configuration": configuration, "step": step, "content": content}, buffer)
    data = buffer.getvalue()
    path = folder / f"state-{configuration[:16]}-{step:09d}.pt"
    # The sum is renamed last: from then on the state counts.
    _sum_of(path).unlink(missing_ok=True)
    _write(path, data)
    _write(_sum_of(path), hashlib.sha256(data).hexdigest().encode())
    for old in _newest_first(folder, configuration)[KEPT:]:
        _sum_of(old).unlink(missing_ok=True)
        old.unlink(missing_ok=True)
    return path


def load(
    folder: Path, configuration: str, warn: Callable[[str], None] = lambda sentence: None
) -> tuple[int, dict[str, Any]] | None:
    """Step and content of the newest intact state of this configuration, or None.

    Damaged states are passed over, each with a sentence to `warn`.
    """
    found = _newest_first(folder, configuration)
    for path in found:
        stored = _read(path)
        if stored is None:
            warn(f"{path} is damaged or was cut short; the state before it is taken")
        # The file name holds only the beginning of the digest.
        elif stored["configuration"] == configuration:
            return stored["step"], stored["content"]
    if found:
        warn(f"no state in {folder} can be used; the training starts again from its first step")
    return None


def _read(path: Path) -> dict[str, Any] | None:
    """The content of a state file, or None where its bytes are not those that were saved."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != _sum_of(path).read_text():
            return None
    except (OSError, UnicodeDecodeError):
        return None
    stored: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return stored


def _newest_first(folder: Path, configuration: str) -> list[Path]:
    return sorted(folder.glob(f"state-{configuration[:16]}-*.pt"), reverse=True)


def _sum_of(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    # The rename itself must reach the disk before anything older is deleted.
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
