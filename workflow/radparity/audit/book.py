"""What the audit remembers of all entries, and which of their claims are not so."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from radparity import ledger
from radparity.provenance import Entry, Ledger, raw_of

Claim = tuple[str, str]


@dataclass
class Book:
    """No more than a digest of each file, and which inputs were claimed."""

    recorded: dict[str, str] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)
    more: set[Claim] = field(default_factory=set)
    """further digests of the same inputs, which cannot be right too"""
    raw: dict[str, str] = field(default_factory=dict)
    more_raw: set[Claim] = field(default_factory=set)
    orphans: dict[str, str] = field(default_factory=dict)
    """file to what the study does not have any more"""
    files: int = 0
    inputs: int = 0
    let_go: int = 0
    before: int = 0

    def add(self, path: str, entry: Entry, sources: Mapping[str, str]) -> None:
        """Note an entry, and what it claims of its inputs."""
        self.recorded[sys.intern(path)] = sys.intern(entry["sha256"])
        for claimed, first, others in ((sources, self.claimed, self.more), (raw_of(entry), self.raw, self.more_raw)):
            for source, digest in claimed.items():
                self.inputs += 1
                if first.setdefault(sys.intern(source), sys.intern(digest)) != digest:
                    others.add((source, digest))

    def wrong(self) -> dict[Claim, str]:
        """Claims of inputs that are not so, with what is wrong."""
        found = {}
        for source, digest in _all(self.claimed, self.more):
            made, left = self.recorded.get(source), self.orphans.get(source)
            if made is not None and made != digest:
                found[source, digest] = f"was made from an earlier version of {source}"
            elif left:
                found[source, digest] = f"was made from {source} of {left}, which is not in the study any more"
            elif made is None and not Path(source).is_file():
                found[source, digest] = f"was made from {source}, which is gone"
            elif made is None and ledger.digest_file(Path(source)) != digest:
                found[source, digest] = f"was made from {source}, which has changed since"
        return found

    def wrong_raw(self, raw: Mapping[str, str]) -> dict[Claim, str]:
        """Claims of raw data that are not so. raw: path to the digest that the sweep recorded."""
        said = "was made from an earlier content of {}"
        return {
            claim: said.format(claim[0]) for claim in _all(self.raw, self.more_raw) if raw.get(claim[0]) != claim[1]
        }


def claims(ledger_of: Ledger, path: str, entry: Entry) -> dict[str, str]:
    """What an entry says of its inputs; a list also of the files that it lists."""
    listed = ledger_of.made_from(path) if Path(path).name.startswith("batch_") else {}
    return dict(entry["inputs"]) | listed


def _all(first: dict[str, str], more: set[Claim]) -> Iterator[Claim]:
    yield from first.items()
    yield from more
