"""What the audit finds: faults, which make it red, and remarks, which do not. Each says what it is and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

FIRST = 5


class Fault(NamedTuple):
    """Something wrong with a file."""

    file: str
    fault: str
    mend: str


class Remark(NamedTuple):
    """Something about a file that does no harm, and that somebody should know."""

    file: str
    remark: str


def gathered(remarks: Iterable[Remark]) -> list[dict[str, Any]]:
    """Remarks with the same words together: how many files, and the first of them."""
    found: dict[str, list[str]] = {}
    for remark in sorted(remarks):
        found.setdefault(remark.remark, []).append(remark.file)
    return [{"remark": said, "files": len(files), "first": files[:FIRST]} for said, files in sorted(found.items())]


def again(path: str, wildcards: dict[str, str] | None = None) -> str:
    """What to do so that a file is made again."""
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "results":
        return "Call the study again"
    if parts[-1].startswith("batch_"):
        return f"Delete it with its entry and call the study again: rm {path} {path}.ledger.json"
    known = {name: value for name, value in (wildcards or {}).items() if name != "batch"}
    name = known.get("breast") or known.get("exam") or next(iter(known.values()), "")
    if not known and len(parts) > 3:
        name = parts[-2]
    return f"`radparity redo {parts[1]}{' ' * bool(name)}{name}`, then call the study again"
