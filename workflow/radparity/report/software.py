"""Software: what the results were truly made with, from their ledger entries and not from what is installed now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radparity.code import LIBRARY, environment
from radparity.ledger import sidecar
from radparity.report.tables import Table

AT_ONCE = 16
ENVIRONMENTS = LIBRARY.parents[1] / "envs"


@dataclass(frozen=True)
class Used:
    """One environment as it was: its name, packages with versions, the kind of device, and the stages it computed."""

    environment: str
    versions: tuple[tuple[str, str], ...]
    device: str
    stages: tuple[str, ...]


def used(paths: Iterable[str]) -> list[Used]:
    """The environments that made some files, and what these were made from; lists of batches stand for their cases."""
    names = {environment(path): path.stem for path in ENVIRONMENTS.glob("*.yaml")}
    found: dict[tuple[str, tuple[tuple[str, str], ...], str], set[str]] = {}
    waiting = sorted(set(paths))
    seen = set(waiting)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while waiting:
            following = set()
            for entry in pool.map(_entry, waiting):
                if entry is not None:
                    code = entry.get("code")
                    pins = code.get("environment", "") if isinstance(code, dict) else ""
                    name = names.get(pins, f"pins {pins} of before" if pins else "not recorded")
                    key = (name, tuple(sorted(entry["versions"].items())), str(entry["device"]))
                    found.setdefault(key, set()).add(_stage(entry["output"]))
                    following |= set(entry["inputs"]) - seen
            seen |= following
            waiting = sorted(following)
    return [Used(*key, tuple(sorted(stages))) for key, stages in sorted(found.items())]


def _entry(path: str) -> dict[str, Any] | None:
    note = sidecar(Path(path))
    if not note.is_file():
        return None
    found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return found


def _stage(output: str) -> str:
    parts = Path(output).parts
    return parts[1] if len(parts) > 1 else output


def versions(found: Iterable[Used], package: str) -> str:
    """The version of a package, or versions, in words; empty where no file was made with it."""
    return " and ".join(sorted({version for one in found for name, version in one.versions if name == package}))


def software_table(found: list[Used]) -> Table | None:
    """One row for each set of versions that files were made with: where, and on which kind of device."""
    if not found:
        return None
    rows: dict[tuple[tuple[tuple[str, str], ...], str], list[Used]] = {}
    for one in found:
        rows.setdefault((one.versions, one.device), []).append(one)
    body = [
        [
            "; ".join(f"{one.environment}: {', '.join(one.stages)}" for one in held),
            ", ".join(f"{package} {version}" for package, version in packages),
            device,
        ]
        for (packages, device), held in rows.items()
    ]
    note = "From the ledger entries of all that this page was made from. What is installed now may differ."
    head = ["environment: what it made", "versions", "device"]
    return Table("software", "The software that made the results", head, body, note, range(3))
