"""From an exam up: every result that it has touched."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from radparity.provenance import AT_ONCE, Entry, Ledger, ahead
from radparity.trace.chain import WEIGHTS, roles, stage_of
from radparity.trace.subject import Subject, shown, subject
from radparity.trace.text import DIGEST, many, names

TRAINING, VALIDATION, HELD_OUT, UNUSED = "training", "validation", "held out", "not used"
FEW = 12


@dataclass(frozen=True)
class Unit:
    """What one job, or one case of a batch, has made: rule and wildcards."""

    rule: str
    wildcards: tuple[tuple[str, str], ...]

    @property
    def of_case(self) -> bool:
        """Whether it is one exam's or one breast's."""
        return any(key in ("exam", "breast") for key, _ in self.wildcards)


@dataclass
class Touched:
    """Every result that a subject has touched, as path to what made it."""

    subject: Subject
    own: dict[str, Unit] = field(default_factory=dict)
    lists: dict[str, Unit] = field(default_factory=dict)
    shared: dict[str, Unit] = field(default_factory=dict)
    """made of it together with others: networks, other cases that these segmented, tables, pictures, the page"""
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """weights to their digest, and what each of the subject's breasts was for them"""

    @property
    def paths(self) -> list[str]:
        """All of them."""
        return [*self.own, *self.lists, *self.shared]


def touched_by(book: Ledger, source: str, name: str, show: Callable[[int, int], None]) -> Touched:
    """All that an exam, breast, patient or raw path of the study in a configuration file has touched.

    Raises ConfigError as `subject` does.
    """
    return touched(book, subject(source, name), show)


def touched(
    book: Ledger,
    whom: Subject,
    show: Callable[[int, int], None] = lambda done, total: None,
    look: Callable[[str, Entry], None] = lambda path, entry: None,
) -> Touched:
    """The same of a subject. look: is shown every entry of the study on the way."""

    def chosen(path: str, entry: Entry) -> bool:
        look(path, entry)
        return whom.owns(entry)

    found = Touched(whom)
    paths = sorted(book.downstream(raw=whom.raw, chosen=chosen, show=show))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, entry in zip(paths, ahead(pool, book.read, paths), strict=True):
            if entry is None:
                continue
            unit = Unit(entry["rule"], tuple(sorted(entry["wildcards"].items())))
            if whom.owns(entry):
                found.own[path] = unit
            elif Path(path).name.startswith("batch_"):
                found.lists[path] = unit
            else:
                found.shared[path] = unit
                if path.endswith(WEIGHTS):
                    found.networks[path] = {"sha256": entry["sha256"], "breasts": _roles(path, entry, whom)}
    return found


def _roles(path: str, entry: Entry, whom: Subject) -> dict[str, str]:
    """What each of the subject's breasts was for some weights; none of them where only their test was touched."""
    try:
        said = json.loads(Path(path).with_name("train.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    fold, found = entry["wildcards"].get("fold", ""), {}
    held = set(roles(fold, "held_out"))
    had = {role: set(roles(fold, role)) for role in (TRAINING, VALIDATION)}
    for breast in sorted(whom.breasts):
        for role in (TRAINING, VALIDATION):
            if breast in said.get(role, ()):
                found[breast] = role
            elif breast in had[role]:
                # Excluded on the way, or not in the arm's part of the cases.
                found.setdefault(breast, UNUSED)
        if breast in held:
            found[breast] = HELD_OUT
    return found


def text_touched(found: Touched) -> str:
    """For a terminal of 100 columns."""
    whom = found.subject
    lines = [f"{whom.kind} {whom.name}"]
    for title, of in (("exams", whom.exams), ("breasts", whom.breasts), ("raw paths", whom.raw)):
        lines += names(title, sorted(of)) if of else []
    lines += ["", f"its own: {many(len(found.own), 'file')}", *by_stage(found.own)]
    lines += ["", f"lists of batches that hold it: {len(found.lists)}"]
    lines += ["", f"networks whose training had it at hand: {len(found.networks)}", *network_lines(found)]
    lines += ["", f"made of it together with others: {many(len(found.shared), 'file')}", *by_stage(found.shared)]
    pages = [path for path in found.shared if path.endswith(".html")]
    lines += [f"  pages: {' '.join(pages)}"] if pages else []
    if not found.paths:
        lines.append("Nothing under results/ was made of it.")
    return "\n".join(lines)


def network_lines(found: Touched) -> list[str]:
    """Each network with the subject's part in it."""
    lines = []
    for path, about in sorted(found.networks.items()):
        said = ", ".join(f"{breast} {role}" for breast, role in about["breasts"].items()) or "through other files only"
        lines.append(f"  {path:<44} {about['sha256'][:DIGEST]}  {said}")
    return lines


def by_stage(paths: dict[str, Unit]) -> list[str]:
    """Stage by stage: how many files, of how many cases, or which files where they are few."""
    stages: dict[str, list[str]] = {}
    for path in paths:
        stages.setdefault(stage_of(path), []).append(path)
    lines = []
    for stage, files in sorted(stages.items()):
        units = Counter(paths[path].of_case for path in {paths[path]: path for path in files}.values())
        said = [many(units[True], "case")] if units[True] else []
        whole = sorted(shown(path) for path in files if not paths[path].of_case)
        said += [many(units[False], "job")] if units[False] else []
        lines.append(f"  {stage:<28}{len(files):>6} {'file ' if len(files) == 1 else 'files'}  {', '.join(said)}")
        if whole and len(whole) <= FEW and not units[True]:
            lines += names("", whole, indent="      ")
    return lines


def plain_touched(found: Touched) -> dict[str, Any]:
    """As plain data."""
    whom = {
        key: sorted(value) if isinstance(value, frozenset) else value for key, value in asdict(found.subject).items()
    }
    return {
        "subject": whom,
        "own": sorted(found.own),
        "lists": sorted(found.lists),
        "networks": found.networks,
        "shared": sorted(found.shared),
    }
