"""What the ledger says of a kit's files and of all that they were made from, in digests: no name, no path."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

from radparity.provenance import Entry, Ledger, Sources, raw_of


def reduced(ledger: Ledger, path: str) -> dict[str, Any]:
    """The ledger entry of a result without what names cases, folders or hosts."""
    entry = ledger.entry(path)
    if entry is None:
        return {}
    kept = {name: entry[name] for name in ("sha256", "rule", "code", "versions", "device")}
    return kept | {
        "inputs": sorted(set(ledger.made_from(path).values())),
        "raw": sorted(set(ledger.raw(path).values())),
    }


def chain(ledger: Ledger, starts: Collection[str]) -> list[dict[str, Any]]:
    """All that some results were made from, down to the raw data: a row for each rule, its code and its environment.

    `files` are counted, and `digest` is taken over their sorted digests: whoever has the study can compute it again.
    The last row is the raw data. Remembers the names of the files and their digests, not their entries.
    """
    made: dict[tuple[str, str, str], list[bytes]] = {}
    raw: dict[str, str] = {}
    seen: set[str] = set()

    def new(path: str, entry: Entry, sources: Sources) -> Sources:
        return {name: digest for name, digest in sources.items() if name not in seen}

    for start in starts:
        for path, entry, _ in ledger.walk(start, new) if start not in seen else ():
            if entry is not None and path not in seen:
                code = entry["code"] if isinstance(entry["code"], dict) else {"script": str(entry["code"])}
                of = (str(entry["rule"]), str(code.get("script", "")), str(code.get("environment", "")))
                made.setdefault(of, []).append(bytes.fromhex(entry["sha256"]))
                raw |= raw_of(entry)
            seen.add(path)
    rows = [
        {"rule": rule, "script": script, "environment": environment, "files": len(found), "digest": _together(found)}
        for (rule, script, environment), found in sorted(made.items())
    ]
    of_raw = [bytes.fromhex(digest) for digest in raw.values() if _is_digest(digest)]
    return [
        *rows,
        {"rule": "raw data", "script": "", "environment": "", "files": len(raw), "digest": _together(of_raw)},
    ]


def _together(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _is_digest(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False
