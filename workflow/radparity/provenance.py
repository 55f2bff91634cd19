"""The ledger as a graph: what each file was made from, down to the raw data, and what was made of it.

A job of the whole study has the lists of batches as its inputs; here it was made from the cases' files that it read
through them, and a list from the files that it lists.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from radparity import ledger, references

RESULTS = Path("results")
AT_ONCE = 16
Entry = dict[str, Any]


class Ledger:
    """The ledger entries under a results folder. Paths are as the entries name them, relative to the project."""

    def __init__(self, results: Path = RESULTS) -> None:
        self.results = results
        self.entry = cache(self._entry)
        self._listed = cache(self._read_list)

    def _entry(self, path: str) -> Entry | None:
        """The entry of a file; None where there is none, or it cannot be read. (`entry` remembers it.)"""
        try:
            found: Entry = json.loads(ledger.sidecar(Path(path)).read_text(encoding="utf-8"))
            return found if found["output"] and found["sha256"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def paths(self) -> Iterator[str]:
        """Every file with an entry, also one that `keep` let go of; folders in order, and the files of each."""
        for top, folders, names in os.walk(self.results):
            folders.sort()
            for name in sorted(names):
                if name.endswith(ledger.SUFFIX):
                    yield Path(top, name.removesuffix(ledger.SUFFIX)).as_posix()

    def made_from(self, path: str) -> dict[str, str]:
        """The files that a file was made from, with the digests that they had then. Nothing where it has no entry."""
        entry = self.entry(path)
        return {} if entry is None else self._sources(path, entry)

    def _sources(self, path: str, entry: Entry) -> dict[str, str]:
        if Path(path).name.startswith("batch_"):
            return {str(made): str(digest) for case in self._listed(path)[2].values() for made, digest in case.values()}
        files, lists = entry["params"].get("files", {}), entry.get("lists", {})
        read = {(wanted["file"] if isinstance(wanted, dict) else wanted).split(".")[0] for wanted in files.values()}
        # A list whose cases' files were not read stands for itself.
        through = {name for given in read for name in lists.get(given, [])}
        named = references.digests(files, lambda given: [self._listed(name) for name in lists.get(given, [])])
        return {name: digest for name, digest in entry["inputs"].items() if name not in through} | named

    def raw(self, path: str) -> dict[str, str]:
        """The raw folders and files that a file was made from directly, with the digests that they had then."""
        return raw_of(self.entry(path))

    def upstream(self, path: str) -> dict[str, Entry]:
        """A file and every file that it was made from, with their entries; what it was made from comes first."""
        found: dict[str, Entry] = {}
        waiting, seen = [(path, False)], set()
        while waiting:
            name, ready = waiting.pop()
            entry = self.entry(name)
            if entry is None or (name in seen and not ready):
                continue
            if ready:
                found[name] = entry
                continue
            seen.add(name)
            waiting.append((name, True))
            waiting += [(source, False) for source in sorted(self.made_from(name), reverse=True) if source not in seen]
        return found

    def downstream(self, starts: Collection[str] = (), raw: Collection[str] = ()) -> set[str]:
        """Every file that was made from some files or raw paths, directly or not; the starting files too.

        It looks at every entry and remembers none of them.
        """
        users: dict[str, list[str]] = {}
        found: set[str] = set()
        waiting = list(starts)
        paths = list(self.paths())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for path, (sources, of_raw) in zip(paths, pool.map(self._look, paths), strict=True):
                for source in sources:
                    users.setdefault(source, []).append(path)
                if not set(raw).isdisjoint(of_raw):
                    waiting.append(path)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += users.get(path, [])
        return found

    def _look(self, path: str) -> tuple[list[str], list[str]]:
        entry = self._entry(path)
        return ([], []) if entry is None else (list(self._sources(path, entry)), list(raw_of(entry)))

    def _read_list(self, path: str) -> tuple[str, str, dict[str, Any]]:
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return str(Path(path).parent), str(content["unit"]), dict(content["cases"])
        except (OSError, ValueError, KeyError, TypeError):
            return str(Path(path).parent), "", {}


def raw_of(entry: Entry | None) -> dict[str, str]:
    """The raw paths of an entry, with the digests that they had then."""
    return dict(entry["params"].get("raw", {})) if entry else {}
