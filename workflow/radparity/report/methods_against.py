"""Methods of a study with one or two raters: whose the references are, and what was estimated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from radparity.raters import by_software, whose


def outlined(readers: Mapping[str, Any]) -> Iterator[str]:
    """Who outlined the tuning and test cases."""
    count = len(readers["test"])
    if by_software(readers):
        made = "one outline" if count == 1 else "two outlines"
        yield f"Each tuning and each test case has {made} made by software, on one section; no reader outlined them."
        return
    who = "one reader" if count == 1 else "two readers"
    slots = "; their names stand for slots, not for persons" if readers["anonymous"] else ""
    yield f"Each tuning and each test case was outlined on one section by {who}{slots}."


def comparison(config: Mapping[str, Any], empty: str) -> Iterator[str]:
    """What was estimated, and that nothing was tested. empty: what became of empty references, in words."""
    readers, compare = config["readers"], config["compare"]
    yield (
        f"The network was compared with {whose(readers, compare['reference'])}. The score was Dice; {empty}."
        f" Its mean over cases is given with a {100 * (1 - compare['alpha']):g} % interval by a studentized bootstrap"
        f" over patients, its median with a percentile one ({compare['bootstrap']:,} draws)."
    )
    yield (
        "Equivalence was not tested and no consensus was formed: with fewer than three readers, how far readers are"
        " from one another is not known."
    )
    if len(readers["test"]) == 2:
        yield "The network against each of the two, and these against one another, are given as a description."
