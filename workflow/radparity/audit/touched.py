"""What was made from a faulty file, and which files were made from something that is not so."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from radparity.audit.book import Claim, claims
from radparity.audit.faults import Fault, again
from radparity.audit.files import GREEN
from radparity.provenance import AT_ONCE, Entry, Ledger, ahead, raw_of

# Of the same words so many are listed; all are counted.
LISTED = 100
HEADLINE = re.compile(r"results/(report/index\.html|compare/\w+/(main|equivalence)\.tsv|select/\w+\.tsv)")
RAW = "raw "
Users = Mapping[str, list[str]]


def described(
    ledger: Ledger,
    faults: list[Fault],
    wrong: Mapping[Claim, str],
    wrong_raw: Mapping[Claim, str],
    apart: Mapping[str, str],
) -> tuple[list[dict[str, Any]], int, set[str]]:
    """Faults as the audit says them, with what each touches: of the same words the first; how many there are; their
    files.

    wrong, wrong_raw: claims of inputs and of raw data that are not so, to what is wrong; who claims them is looked for
    here. apart: files whose claims are of no account. Without a fault no entry is read again.
    """
    if not (faults or wrong or wrong_raw):
        return [], 0, set()
    users: dict[str, list[str]] = {}
    found = list(faults)
    for path, entry, sources in _entries(ledger):
        for source in sources:
            users.setdefault(sys.intern(source), []).append(path)
        for source in raw_of(entry):
            users.setdefault(RAW + source, []).append(path)
        if path in apart:
            continue
        own = [wrong[claim] for claim in claims(ledger, path, entry).items() if claim in wrong]
        own += [wrong_raw[claim] for claim in raw_of(entry).items() if claim in wrong_raw]
        found += [
            Fault(path, said, f"Call the study again; where that leaves it: {_mend(path, entry)}") for said in own
        ]
    distinct = sorted(set(found))
    listed: Counter[str] = Counter()
    said = []
    for fault in distinct:
        words = _words(fault)
        listed[words] += 1
        if listed[words] <= LISTED:
            touches = downstream(users, fault.file)
            headline = sorted(path for path in touches if HEADLINE.fullmatch(path))
            said.append(fault._asdict() | {"touches": len(touches), "headline": headline})
    return said, len(distinct), {fault.file for fault in distinct}


def _entries(ledger: Ledger) -> Iterator[tuple[str, Entry, Collection[str]]]:
    """Every file with its entry and what it was made from; but the audit's own word, which no audit judges."""

    def read(path: str) -> tuple[str, Entry | None, Collection[str]]:
        return path, ledger.entry(path), ledger.made_from(path)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, entry, sources in ahead(pool, read, ledger.paths()):
            if entry is not None and not path.endswith(GREEN):
                yield path, entry, sources


def downstream(users: Users, start: str) -> set[str]:
    """Every file that was made from a file or raw path, directly or not; not itself."""
    start = start.removesuffix(".ledger.json")
    found: set[str] = set()
    waiting = [*users.get(start, []), *users.get(RAW + start, [])]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += users.get(path, [])
    return found - {start}


def _mend(path: str, entry: Entry) -> str:
    return again(path, entry.get("wildcards"))


def _words(fault: Fault) -> str:
    """The fault without the names in it."""
    return re.sub(r"\S*[/…]\S*", "…", fault.fault)
