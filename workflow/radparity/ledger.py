"""The sidecar beside each output: what it is and what made it, in digests.

Nothing that varies between two runs of the same study (time, host, memory) may enter here; that belongs in the rule's
log and benchmark.
"""

from __future__ import annotations

import hashlib
import json
import site
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

SUFFIX = ".ledger.json"
PACKAGES = """altair antspyx dcm2niix highdicom jinja2 matplotlib nibabel nnunetv2 numpy pandas pillow pydantic pydicom
    scipy statsmodels torch""".split()

_computed_on = ["cpu"]


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
    found = {package: version_of(package) for package in ("python", *PACKAGES)}
    return {package: version for package, version in found.items() if version is not None}


@cache
def version_of(package: str) -> str | None:
    """The version of a package, or of Python, in this process's own environment; None where it is not there."""
    if package == "python":
        return ".".join(map(str, sys.version_info[:3]))
    return next((found.version for found in metadata.distributions(name=package, path=_own_folders())), None)


@cache
def _own_folders() -> list[str]:
    """Where this environment keeps its packages, with the folders that its .pth files add.

    Not all of sys.path: Snakemake appends there the packages of the environment that it runs in itself.
    """
    folders = site.getsitepackages()
    lines = [
        line for folder in folders for file in Path(folder).glob("*.pth") for line in file.read_text().splitlines()
    ]
    return folders + [line for line in lines if Path(line).is_dir()]


def computes_on(device: str) -> None:
    """Say what the outputs from here on are computed on: `cpu`, or the name of a GPU."""
    _computed_on[0] = device


def device() -> str:
    """The kind of device that was last named; `cpu` where none was."""
    return _computed_on[0]


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
