"""Fold: the partition of the development cases."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["training", "validation", "held_out"]


@dataclass(frozen=True)
class Member:
    """A development breast."""

    breast: str
    patient: str
    malignant: bool


def _rank(seed: int, *parts: str) -> str:
    """A reproducible random order: it depends on nothing but the seed and the names."""
    return hashlib.sha256("/".join((str(seed), *parts)).encode()).hexdigest()


def assign_folds(
    members: Iterable[Member], folds: list[str], seed: int, unit: str, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The fold that holds each breast out. With unit `patient` no patient is in two folds.

    given: patient (or breast, by unit) to the fold that she has had so far and keeps. The others are dealt out, those
    with cancer first, each to the fold with the fewest of her kind; so folds differ by at most one patient of a kind
    as far as what was given allows.
    """
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(_unit(member, unit), []).append(member)
    ill = {group: any(m.malignant for m in own) for group, own in groups.items()}
    place = {group: given[group] for group in groups if given and group in given}
    held = Counter((fold, ill[group]) for group, fold in place.items())
    for group in sorted(groups.keys() - place.keys(), key=lambda g: (not ill[g], _rank(seed, "fold", g))):
        kind = ill[group]
        place[group] = min(folds, key=lambda fold: (held[fold, kind], held[fold, not kind]))
        held[place[group], kind] += 1
    return {member.breast: place[group] for group, own in groups.items() for member in own}


def roles(
    members: Iterable[Member], assigned: Mapping[str, str], fold: str, share: float, seed: int, unit: str
) -> dict[str, Role]:
    """What each breast is for one fold's network: held out, inner validation, or training.

    The inner validation set is a share of the remaining patients (of those with and without cancer alike), so neither
    weights nor scaling ever see a held-out or validation patient.
    """
    members = list(members)
    key = {m.breast: m.patient if unit == "patient" else m.breast for m in members}
    found: dict[str, Role] = {m.breast: "held_out" for m in members if assigned[m.breast] == fold}
    rest = [m for m in members if m.breast not in found]
    ill = {key[m.breast] for m in rest if m.malignant}
    well = {key[m.breast] for m in rest} - ill
    chosen: set[str] = set()
    for group in (ill, well):
        ordered = sorted(group, key=lambda name: _rank(seed, "validation", fold, name))
        chosen.update(ordered[: round(share * len(ordered))])
    for member in rest:
        found[member.breast] = "validation" if key[member.breast] in chosen else "training"
    return found


def subset(
    members: Iterable[Member], seed: int, malignant: float, benign: float, repeat: int, unit: str
) -> frozenset[str]:
    """A part of one fold's training breasts, for a learning curve (the paper's figure E5).

    members: that fold's usable training members only; malignant, benign: shares of theirs, above 0 to 1; repeat:
    another number, another draw. Patients stand in an order that depends on nothing but seed, repeat and patient; of
    the first ones all breasts of a label are taken until its share (rounded, at least one breast) is reached. So within
    a repeat a smaller part lies inside a larger one, no patient's breasts of one label are torn apart, and the parts of
    the folds resemble one another. With unit `breast` every breast counts as a patient of its own.
    """
    ordered = sorted(members, key=lambda m: (_rank(seed, "subset", str(repeat), _unit(m, unit)), _unit(m, unit)))
    chosen: set[str] = set()
    for label, share in ((True, malignant), (False, benign)):
        own = [member for member in ordered if member.malignant == label]
        wanted = max(1, round(share * len(own)))
        last = {_unit(member, unit) for member in own[:wanted]}
        chosen.update(member.breast for member in own if _unit(member, unit) in last)
    return frozenset(chosen)


def _unit(member: Member, unit: str) -> str:
    """What is never torn apart: the patient or, as in the paper, the breast."""
    return member.patient if unit == "patient" else member.breast


def read_partition(path: str, fold: str) -> dict[str, dict[str, str]]:
    """Breast to its row (fold, breast, patient, label, role) for one fold, from the partition table."""
    with open(path, newline="", encoding="utf-8") as stream:
        return {row["breast"]: row for row in csv.DictReader(stream, delimiter="\t") if row["fold"] == fold}
