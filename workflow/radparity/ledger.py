"""The sidecar beside each output: what it is and what made it, in digests.

Nothing that varies between two runs of the same study (time, host, memory) may enter here; that belongs in the rule's
log and benchmark.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

SUFFIX = ".ledger.json"
PACKAGES = (
    "antspyx dcm2niix jinja2 matplotlib nibabel nnunetv2 numpy pandas pydantic pydicom scipy statsmodels torch".split()
)


def sidecar(path: Path) -> Path:
    """Where the ledger entry of an output lies."""
    return path.with_name(path.name + SUFFIX)


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute, as this process's environment has them.

    Not only of those that were imported: that depends on which case of a batch was the first to need one.
    """
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def device() -> str:
    """The kind of device that this process has computed on."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    return "cpu"


def entry(
    path: Path,
    rule: str,
    wildcards: dict[str, str],
    inputs: dict[str, str],
    params: dict[str, Any],
    code: Any = None,
) -> dict[str, Any]:
    """The ledger entry of one finished output. Paths are as the workflow names them (relative to the project)."""
    return {
        "output": path.as_posix(),
        "sha256": digest_file(path),
        "rule": rule,
        "wildcards": dict(sorted(wildcards.items())),
        "inputs": dict(sorted(inputs.items())),
        "code": code,
        "params": params,
        "versions": versions(),
        "device": device(),
    }


def dump(data: Any) -> str:
    """JSON with sorted keys and a final newline: the same data gives the same bytes."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
