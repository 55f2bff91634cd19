"""The causes at the root: what has changed since a result was made, said so that a person can act on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from radparity.masks.study import MasksStudy
from radparity.plan import RULED
from radparity.study import Study
from radparity.sweep import MISSING
from radparity.why.differences import Absent, Difference, said

Kind = Literal[
    "raw", "new", "gone", "sheet", "config", "code", "environment", "file", "unmade", "cut", "removed", "follows"
]
# Params that are a part of a block, or of another name than in the configuration.
KEYS = {
    "bootstrap": "compare: bootstrap",
    "component": "segment: component",
    "device": "train: device",
    "divisors": "harmonize: divisors",
    "fat": "mask: fat",
    "grid": "harmonize",
    "method": "mask: method",
    "primary": "primary_arm",
    "reference": "compare: reference",
    "sampling": "train: sampling",
    "tier": "keep",
    "weights": "mask: weights",
}
ROWS = {"breasts": ("exam", "patient", "side", "label", "partition"), "development": ("patient", "label")}
# Params that follow from the configuration or the sheets, whose change is said already, as which files there are.
FOLLOWING = ("files", "made", "unit", "located", "location_given", "masks_of", "rules", "virtual")


class Cause(NamedTuple):
    """What kind of change it is, and a sentence of it."""

    kind: Kind
    text: str


FOLLOWS = Cause("follows", "the workflow's rules are other ones: the files that they read, or code of other stages")
UNMADE = Cause("unmade", "not made yet")
CUT = Cause("cut", "a run was cut short: these jobs did not finish, or it did not get to them")
REMOVED = Cause("removed", "files are gone: removed by hand, or by `radparity redo`")


def at_the_root(causes: set[Cause]) -> set[Cause]:
    """The causes without those that only follow from others of them."""
    found = {cause for cause in causes if cause.kind not in ("follows", "unmade")}
    return found or causes


@dataclass(frozen=True)
class Sheets:
    """Whose a name or a raw path is. before: breasts that the study had when results were made, with their exams."""

    study: Study | MasksStudy
    before: dict[str, str]

    @cached_property
    def names(self) -> set[str]:
        """Exams, breasts and patients, of now and of before."""
        return {*self.exams, *self.breasts, *self.patients, *self.before, *self.before.values()}

    @cached_property
    def exams(self) -> set[str]:
        """The exams of now."""
        return set(self.study.exams) if isinstance(self.study, Study) else set()

    @cached_property
    def breasts(self) -> dict[str, str]:
        """The breasts of now, with their exams; of a study of masks its cases."""
        if isinstance(self.study, Study):
            return {name: row.exam for name, row in self.study.breasts.items()}
        return {case: case for case in getattr(self.study, "cases", ())}

    @cached_property
    def patients(self) -> set[str]:
        """The patients of now."""
        return set(self.study.patients.values()) if isinstance(self.study, Study) else set()

    @cached_property
    def owners(self) -> dict[str, str]:
        """Raw path to the words for it."""
        if isinstance(self.study, MasksStudy):
            return {}
        found = {path: f"the file {path}" for path in self.study.raw_paths()}
        for row in self.study.readings:
            found[row.file] = f"breast {row.breast}: the outline of {row.rater}"
        for name, exam in self.study.exams.items():
            found |= {path: f"exam {name}: the site's {what}" for what, path in self.study.maps(name).items()}
            found |= {exam.truth: f"exam {name}: its truth"} if exam.truth else {}
            found |= {exam.times: f"the table of times {exam.times}"} if exam.times else {}
            found[exam.folder] = f"exam {name}: the content of its {'NIfTI' if exam.times else 'DICOM'} folder"
        return found

    def of_raw(self, path: str, before: Any, now: Any) -> Cause | None:
        """What became of a raw path; None where its exam came or went, which is said elsewhere."""
        whose = self.owners.get(path, f"the content of {path}")
        if isinstance(before, Absent) or isinstance(now, Absent):
            return None
        if now == MISSING:
            return Cause("raw", f"{whose} is not there any more")
        return Cause("raw", f"{whose} {'is there now' if before == MISSING else 'has changed'}")

    def of_name(self, name: str, before: Any, now: Any) -> Cause | None:
        """The cause where a case came or went, by its exam where that did; None where neither."""
        if not (isinstance(before, Absent) or isinstance(now, Absent)):
            return None
        came = isinstance(before, Absent)
        exam = self.breasts.get(name, self.before.get(name, name))
        is_exam = name in self.exams or name in self.before.values() or name not in {*self.breasts, *self.before}
        if came:
            known = exam in self.before.values()
            whose = f"breast {name}" if known and not is_exam else f"exam {exam}"
            return Cause("new", f"{whose} is new in the sheets")
        whose = f"exam {exam}" if exam not in self.exams else f"breast {name}"
        return Cause("gone", f"{whose} has left the sheets")

    def of_case(self, unit: str, case: str, found: Iterable[Difference]) -> set[Cause]:
        """The causes of differences in one case's own params."""
        causes: set[Cause | None] = set()
        differing = list(found)
        rows = any(path[:2] == ("sheets", "exams") for path, _, _ in differing)
        for path, before, now in differing:
            if path[0] == "raw":
                own = self.of_raw(path[1], before, now)
                causes.add(own or Cause("sheet", f"{unit} {case}: the sheets name other files"))
            elif path[0] == "announced":
                causes.add(Cause("sheet", f"{unit} {case}: the sheet of series announces something else"))
            elif path[:2] == ("sheets", "exams"):
                whose = f"breast {path[4]}" if path[3:4] == ("breasts",) else f"exam {path[2]}"
                causes.add(Cause("sheet", f"{whose}: {path[-1]}: {said(before)} -> {said(now)}"))
            elif path[:2] == ("sheets", "rules"):
                # Only rules that a row can meet are given: where the row is another one, so may they be.
                causes.add(None if rows else Cause("config", "eligible: the rules have changed"))
            elif path[0] in ("outlines", "folder", "times", "truth", "exam") and len(path) < 3:
                causes.add(Cause("sheet", f"{unit} {case}: the sheets name other files"))
            elif path[0] != "reads":
                causes.add(Cause("sheet", f"{unit} {case}: {_keys(path)}: {said(before)} -> {said(now)}"))
        return causes - {None}  # type: ignore[return-value]

    def of_params(self, wildcards: Mapping[str, str], found: Iterable[Difference]) -> set[Cause]:
        """The causes of differences in what a whole job was given."""
        causes: set[Cause | None] = set()
        for path, before, now in found:
            named = next((key for key in path if key in self.names), None)
            owner = self._outline(path)
            if path[0] == "raw" and len(path) > 1:
                causes.add(self.of_raw(path[1], before, now))
            elif owner is not None and not (isinstance(before, Absent) or isinstance(now, Absent)):
                causes.add(Cause("raw", f"{owner} has changed"))
            elif path[0] == "decided" or (path[:2] == ("planned", "test_cases") and path[3:4] == (RULED,)):
                causes.add(Cause("sheet", "the decisions sheet has rows that are new, changed or gone"))
            elif named is not None:
                causes.add(self.of_name(named, before, now) or self._row(path, named, before, now))
            elif path[0] in FOLLOWING:
                causes.add(FOLLOWS)
            elif path[:2] == ("config", "eligible"):
                causes.add(Cause("config", "eligible: the rules have changed"))
            elif path[0] == "locked":
                causes.add(Cause("config", "the plan was locked, or another one is"))
            else:
                causes.add(Cause("config", f"{_key(path, wildcards, self.study)}: {said(before)} -> {said(now)}"))
        return causes - {None}  # type: ignore[return-value]

    def _row(self, path: tuple[str, ...], name: str, before: Any, now: Any) -> Cause:
        columns = ROWS.get(path[0], ())
        if columns and isinstance(before, list) and isinstance(now, list):
            changed = [(c, b, n) for c, b, n in zip(columns, before, now, strict=False) if b != n]
            return Cause("sheet", f"breast {name}: " + ", ".join(f"{c}: {said(b)} -> {said(n)}" for c, b, n in changed))
        what = "patient" if path[0] == "patients" else path[0]
        return Cause("sheet", f"{name}: {what}: {said(before)} -> {said(now)}")

    def _outline(self, path: tuple[str, ...]) -> str | None:
        """The words for the outline that a digest in the plan belongs to."""
        if path[:2] != ("planned", "test_cases") or len(path) != 4 or isinstance(self.study, MasksStudy):
            return None
        return self.owners.get(self.study.outlines.get(path[2], {}).get(path[3], ""))


def of_environment(file: Path, versions: Mapping[str, str]) -> Cause:
    """What an environment file pins otherwise than the versions that a result was made with."""
    asked = yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]
    pins = dict(pin.split("==") for one in asked if isinstance(one, dict) for pin in one.get("pip", ()) if "==" in pin)
    other = [
        f"{name} {versions[name]} -> {pins[name]}"
        for name in sorted(pins)
        if versions.get(name, pins[name]) != pins[name]
    ]
    what = ", ".join(other) or "its pins have changed"
    return Cause("environment", f"envs/{file.name}: {what}")


def _keys(path: tuple[str, ...]) -> str:
    return ": ".join(path)


def _key(path: tuple[str, ...], wildcards: Mapping[str, str], study: Study | MasksStudy) -> str:
    """Where in the configuration a param stands."""
    first, *rest = path
    if first == "config":
        return _keys(tuple(rest))
    if first == "planned":
        arm = getattr(study.config, "primary_arm", "")
        return _keys(("arms", arm, *rest[1:]) if rest[:1] == ["arm"] else tuple(rest))
    if first == "arm":
        return _keys(("arms", wildcards.get("arm", ""), *rest))
    if first == "channels" and "arm" in wildcards:
        return _keys(("arms", wildcards["arm"], "channels", *rest))
    return _keys((KEYS.get(first, first), *rest))
