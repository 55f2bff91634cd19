"""The params `files`: which of the cases' files a job of the whole study reads through the lists of batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Of a name among a job's inputs: folder, unit and cases of each of its lists.
Listed = Callable[[str], list[tuple[str, str, dict[str, Any]]]]


def digests(files: Mapping[str, Any], listed: Listed) -> dict[str, str]:
    """Path to digest of every file that the params `files` name: of the cases that they choose, else of all.

    files: name to "input.output", or to {"file": "input.output", "cases": [...]}. Unknown cases are left out.
    """
    found = {}
    for wanted in files.values():
        cases = wanted["cases"] if isinstance(wanted, dict) else None
        given, output = (wanted["file"] if isinstance(wanted, dict) else wanted).split(".")
        for _, _, held in listed(given):
            for case in held if cases is None else [case for case in cases if case in held]:
                found[str(held[case][output][0])] = str(held[case][output][1])
    return found
