"""The command `radparity diff R1 R2`: what differs between two releases, and between the reports made of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from radparity.release.fixed import COLUMNS, Release, changed, read_release
from radparity.release.numbers import Number, keep_numbers, numbers_of

NAMED = 10  # exams in a line of the terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("before", help="the earlier release")
    parser.add_argument("after", help="the later one")
    parser.add_argument("--json", action="store_true", help="everything, for another program")


def run(options: argparse.Namespace) -> str:
    """What the command prints. Raises ConfigError where one of the releases is not there."""
    keep_numbers()
    before, after = read_release(options.before), read_release(options.after)
    found = differences(before, after)
    numbers = [numbers_of(one.name) for one in (before, after)]
    found["numbers"] = compared(*numbers)
    found["reports"] = {one.name: own is not None for one, own in zip((before, after), numbers, strict=True)}
    return json.dumps(found, indent=1) if options.json else text(found)


def differences(before: Release, after: Release) -> dict[str, Any]:
    """Exams and breasts in and out, and breast to the columns that changed, each with both values."""
    came = [row for name, row in after.rows.items() if name not in before.rows]
    left = [row for name, row in before.rows.items() if name not in after.rows]
    both = [(row, after.rows[name]) for name, row in before.rows.items() if name in after.rows]
    return {
        "before": {"name": before.name, "made": before.made, "digest": before.digest, "exams": len(before.exams)},
        "after": {"name": after.name, "made": after.made, "digest": after.digest, "exams": len(after.exams)},
        "exams_in": sorted(after.exams - before.exams),
        "exams_out": sorted(before.exams - after.exams),
        "breasts_in": {row.breast: [row.partition, row.label] for row in came},
        "breasts_out": {row.breast: [row.partition, row.label] for row in left},
        "changed": {
            one.breast: {name: [getattr(one, name), getattr(other, name)] for name in changed(one, other)}
            for one, other in both
            if one != other
        },
    }


def compared(before: Mapping[str, Number] | None, after: Mapping[str, Number] | None) -> dict[str, dict[str, Any]]:
    """Name to the values of both reports, None where one has no such number; in the order of the pages."""
    first, second = before or {}, after or {}
    found = {}
    for name in dict.fromkeys([*first, *second]):
        if name != "release":
            sides = [own[name].value if name in own else None for own in (first, second)]
            found[name] = {"before": sides[0], "after": sides[1], "source": (second.get(name) or first[name]).source}
    return found


def text(found: Mapping[str, Any]) -> str:
    """The same as lines for a terminal of 100 columns."""
    one, other = found["before"], found["after"]
    lines = [f"{side['name']}: {side['exams']} exams, made {side['made']}" for side in (one, other)]
    for key, what in (("in", f"only in {other['name']}"), ("out", f"only in {one['name']}")):
        breasts, exams = found[f"breasts_{key}"], found[f"exams_{key}"]
        lines += ["", f"{what}: {_some(exams)}"]
        kinds = sorted({", ".join(kind) for kind in breasts.values()})
        lines += [f"  {kind}: {_some([b for b, own in breasts.items() if ', '.join(own) == kind])}" for kind in kinds]
    lines += ["", f"in both and changed: {_some(found['changed'])}"]
    for column in COLUMNS:
        own = {breast: sides[column] for breast, sides in found["changed"].items() if column in sides}
        if own and column in ("images", "outlines"):
            lines.append(f"  content of the {column}: {_some(own)}")
        elif own:
            moved = [f"{breast} {before or 'none'} -> {after or 'none'}" for breast, (before, after) in own.items()]
            lines.append(f"  {column}: {_some(moved)}")
    return "\n".join([*lines, "", *_numbers(found)])


def _numbers(found: Mapping[str, Any]) -> list[str]:
    """The headline numbers that differ, side by side."""
    names = [found[side]["name"] for side in ("before", "after")]
    absent = [name for name in names if not found["reports"][name]]
    if absent:
        return [
            f"no numbers of {' and '.join(absent)}: finish the study with `release: {absent[0]}` in the configuration,"
            " then call this again"
        ]
    differ = {name: own for name, own in found["numbers"].items() if own["before"] != own["after"]}
    lines = [f"headline numbers: {len(found['numbers'])}, of which {len(differ)} differ"]
    wide = max((len(name) for name in differ), default=0)
    lines += [f"  {'':<{wide}}  {names[0]:>12}  {names[1]:>12}"] if differ else []
    return lines + [
        f"  {name:<{wide}}  {_short(o['before']):>12}  {_short(o['after']):>12}" for name, o in differ.items()
    ]


def _short(value: str | None) -> str:
    """A value in few characters: numbers to six digits."""
    if value is None:
        return "-"
    try:
        return f"{float(value):.6g}"
    except ValueError:
        return value


def _some(names: Any) -> str:
    """How many, and the first of them."""
    given = list(names)
    shown = ", ".join(given[:NAMED]) + (", ..." if len(given) > NAMED else "")
    return f"{len(given)}" + (f" ({shown})" if given else "")
