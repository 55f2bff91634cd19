"""The run's crate without what names a case, a patient or a place in the raw data."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote

Entity = dict[str, Any]
WORD = re.compile(r"[A-Za-z0-9-]+")
# When a job ran; the day of the run stays, which a crate must have.
TIMES = ("startTime", "endTime")
REDUCED = "Reduced to what names no case: the entities of cases and of raw data are left out, and what points to them."


def reduced(text: str, pseudonyms: Collection[str], raw: Collection[str]) -> bytes:
    """A crate's JSON-LD without the entities that name one of these pseudonyms or raw paths, and without days of jobs.

    What is left is renumbered nowhere, so that it can be held against the whole crate, which the study keeps.
    """
    crate = json.loads(text)
    unwanted, paths = frozenset(pseudonyms), frozenset(raw)

    def named(entity: Entity) -> bool:
        return any(said in paths or not unwanted.isdisjoint(WORD.findall(said)) for said in _strings(_own(entity)))

    gone = {e["@id"] for e in crate["@graph"] if e["@id"].startswith("#raw/") or named(e)}
    crate["@graph"] = [_without(entity, gone) for entity in crate["@graph"] if entity["@id"] not in gone]
    for entity in crate["@graph"]:
        if entity["@id"] == "./":
            entity["description"] = f"{entity.get('description', '')} {REDUCED}".strip()
    return (json.dumps(crate, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _own(entity: Entity) -> Entity:
    """What an entity says itself, not what it points to."""
    return {key: value for key, value in entity.items() if not _points(value)}


def _points(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def _strings(value: Any) -> Iterator[str]:
    """Every text in a value, also in a text that is JSON itself, as the values of parameters are."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _strings(key)
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield unquote(value)
        if value[:1] in ("{", "[", '"'):
            try:
                yield from _strings(json.loads(value))
            except ValueError:
                return


def _without(entity: Entity, gone: Collection[str]) -> Entity:
    """An entity that points to nothing that is gone."""
    found = {}
    for key, value in entity.items():
        if isinstance(value, list):
            left = [one for one in value if not (isinstance(one, dict) and one.get("@id") in gone)]
            if left or not value:
                found[key] = left
        elif not (isinstance(value, dict) and value.get("@id") in gone) and key not in TIMES:
            found[key] = value
    return found
