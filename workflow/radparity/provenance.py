"""The ledger as a graph: what each file was made from, down to the raw data, and what was made of it.

A job of the whole study has the lists of batches as its inputs; here it was made from the cases' files that it read
through them, and a list from the files that it lists.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from radparity import ledger, references

RESULTS = Path("results")
AT_ONCE = 16
AHEAD = 64 * AT_ONCE  # files that are read ahead of the one that is looked at
ENTRIES, LISTS = 4096, 256  # remembered: a study of 40,000 exams has 1.5 million entries, and 30,000 lists
BLOCKS = ("inputs", "params", "wildcards")
Entry = dict[str, Any]
Sources = dict[str, str]
Item = TypeVar("Item")
Found = TypeVar("Found")


class Ledger:
    """The ledger entries under a results folder. Paths are as the entries name them, relative to the project."""

    def __init__(self, results: Path = RESULTS) -> None:
        self.results = results
        self.entry = lru_cache(ENTRIES)(self.read)
        self._listed = lru_cache(LISTS)(self._read_list)

    def read(self, path: str) -> Entry | None:
        """The entry of a file; None where there is none, or it cannot be read. (`entry` is the same and remembers.)"""
        try:
            found: Entry = json.loads(ledger.sidecar(Path(path)).read_text(encoding="utf-8"))
            whole = found["output"] and found["sha256"] and found["rule"]
            return found if whole and all(isinstance(found[name], dict) for name in BLOCKS) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def paths(self) -> Iterator[str]:
        """Every file with an entry, also one that `keep` let go of; folders in order, and the files of each."""
        for top, folders, names in os.walk(self.results):
            folders.sort()
            for name in sorted(names):
                if name.endswith(ledger.SUFFIX):
                    yield Path(top, name.removesuffix(ledger.SUFFIX)).as_posix()

    def made_from(self, path: str) -> Sources:
        """The files that a file was made from, with the digests that they had then. Nothing where it has no entry."""
        entry = self.entry(path)
        return {} if entry is None else self._sources(path, entry)

    def _sources(self, path: str, entry: Entry) -> Sources:
        listed = self._listed(path)[2] if Path(path).name.startswith("batch_") else {}
        try:
            if listed:
                return {str(made): str(digest) for case in listed.values() for made, digest in case.values()}
            return self._through_lists(entry)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            # An entry or a list that no job wrote in this form: the audit says so.
            return dict(entry["inputs"])

    def _through_lists(self, entry: Entry) -> Sources:
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
        """A file and every file that it was made from, with their entries; what it was made from comes first.

        It remembers them all; of a large study `walk` does not.
        """
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

    def walk(
        self, start: str, follow: Callable[[str, Entry, Sources], Sources] = lambda path, entry, sources: sources
    ) -> Iterator[tuple[str, Entry | None, Sources]]:
        """A file and every file that it was made from, each once and none remembered: path, entry (None of a file that
        the workflow did not make), what it was made from.

        follow: of a file's sources those that are gone into, and handed out.
        """
        seen, wave = {start}, [start]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while wave:
                following = []
                for path, (entry, sources) in zip(wave, ahead(pool, self._read, wave), strict=True):
                    taken = follow(path, entry, sources) if entry else sources
                    yield path, entry, taken
                    new = [source for source in taken if source not in seen]
                    seen.update(new)
                    following += new
                wave = following

    def downstream(
        self,
        starts: Collection[str] = (),
        raw: Collection[str] = (),
        chosen: Callable[[str, Entry], bool] = lambda path, entry: False,
        show: Callable[[int, int], None] = lambda done, total: None,
    ) -> set[str]:
        """Every file that was made from some files or raw paths, directly or not; the starting files too.

        chosen: whether a file is one to start from, by its entry. show: progress. It looks at every entry and remembers
        none of them.
        """
        users: dict[str, list[str]] = {}
        found: set[str] = set()
        waiting, of_raw = list(starts), frozenset(raw)
        # One text for each path: an entry's own copies of its inputs' names would be most of the memory.
        paths = list(self.paths())
        names = {path: path for path in paths}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            looks = zip(paths, ahead(pool, self._read, paths), strict=True)
            for number, (path, (entry, sources)) in enumerate(looks, start=1):
                show(number, len(paths))
                for source in sources:
                    users.setdefault(names.setdefault(source, source), []).append(path)
                if entry and (not of_raw.isdisjoint(raw_of(entry)) or chosen(path, entry)):
                    waiting.append(path)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += users.get(path, [])
        return found

    def _read(self, path: str) -> tuple[Entry | None, Sources]:
        entry = self.read(path)
        return entry, {} if entry is None else self._sources(path, entry)

    def _read_list(self, path: str) -> tuple[str, str, dict[str, Any]]:
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return str(Path(path).parent), str(content["unit"]), dict(content["cases"])
        except (OSError, ValueError, KeyError, TypeError):
            return str(Path(path).parent), "", {}


def ahead(pool: ThreadPoolExecutor, work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Work on items in a pool of threads, results in order, never far ahead of who takes them."""
    left, running = iter(items), deque[Future[Found]]()
    running.extend(pool.submit(work, item) for item in islice(left, AHEAD))
    while running:
        yield running.popleft().result()
        running.extend(pool.submit(work, item) for item in islice(left, 1))


def raw_of(entry: Entry | None) -> dict[str, str]:
    """The raw paths of an entry, with the digests that they had then."""
    return dict(entry["params"].get("raw", {})) if entry else {}
