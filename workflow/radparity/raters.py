"""Raters: how many references a case has, and what these may be called.

With three raters or more each of them can be judged by the others. With one or two there is no such judge: the network
is compared with the reference, and nobody can say how far raters would be from one another on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

CONSENSUS = 3
"""Raters from which on there are leave-one-out references, a consensus and tests of equivalence."""
SOFTWARE = "software"
REFERENCE = "reference"
TAKEN = frozenset({"network", "baseline", "readers", "averaged", REFERENCE})
"""What the tables of one or two raters call others than raters."""
FEW_RULES: tuple[Literal["intersection", "union"], ...] = ("intersection", "union")
"""What two outlines can be made into; of one the reference is that outline."""


def few(raters: Sequence[str]) -> bool:
    """Whether there are too few raters for a consensus."""
    return len(raters) < CONSENSUS


def by_software(readers: Mapping[str, Any]) -> bool:
    """Whether a program made the references: the configuration's block `readers`."""
    return bool(readers.get("made_by") == SOFTWARE)


def whose(readers: Mapping[str, Any], rule: str = "intersection") -> str:
    """What the reference of one or two raters is, as a phrase: never a reader's where a program made it."""
    raters, program = readers["test"], by_software(readers)
    if len(raters) == 1:
        return "the reference made by software" if program else "the outline of one reader"
    return f"the {rule} of two outlines{' made by software' if program else ', each by a reader'}"


def given(readers: Mapping[str, Any]) -> str:
    """What each case has in place of three readers, as a phrase."""
    count = "one reference" if len(readers["test"]) == 1 else "two references only"
    return count + (", made by software" if by_software(readers) else "")


WHY_NOT = (
    "How far readers are from one another is not known here, so nobody can say whether the network is as close to them"
    " as they are: equivalence and consensus need three readers or more."
)
"""Why equivalence and consensus are not available with one or two raters."""
