"""What differs between the params that a result was made with and those it would be made with now."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from typing import Any, NamedTuple


class Absent:
    """Stands for a value that one side does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


class Difference(NamedTuple):
    """One value: the keys that lead to it, before and now."""

    path: tuple[str, ...]
    before: Any
    now: Any


def differences(before: Any, now: Any, names: Container[str], path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Every value that differs, as deep as dictionaries go.

    names: of exams, breasts and patients. Lists of such names count as sets, lists of rows that begin with one as
    dictionaries: so each case that came or went is named by itself.
    """
    before, now = _keyed(before, names), _keyed(now, names)
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from differences(before.get(key, ABSENT), now.get(key, ABSENT), names, (*path, str(key)))
    elif before != now:
        yield Difference(path, before, now)


def plain(value: Any) -> Any:
    """A value as the ledger keeps it."""
    return json.loads(json.dumps(value))


def said(value: Any) -> str:
    """A value in a sentence."""
    text = repr(value) if isinstance(value, Absent) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = text.strip('"')
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keyed(value: Any, names: Container[str]) -> Any:
    if isinstance(value, list) and value and all(isinstance(one, str) and one in names for one in value):
        return dict.fromkeys(value, True)
    rows = isinstance(value, list) and all(isinstance(one, list) and one and isinstance(one[0], str) for one in value)
    if rows and value and all(row[0] in names for row in value):
        return {row[0]: row[1:] for row in value}
    return value
