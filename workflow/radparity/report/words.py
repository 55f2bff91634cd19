"""Words: how the pages call those whose outlines the network is compared with, by their number and by what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radparity.raters import by_software, few, whose


@dataclass(frozen=True)
class Words:
    """few: of one or two raters. start, subject, question, together: of titles. others: what the network is
    compared with; drawn: whose outlines the pictures show."""

    few: bool
    start: str
    subject: str
    question: str
    together: str
    others: str
    drawn: str


MANY = Words(
    few=False,
    start="Verdict",
    subject="network against readers",
    question="does the network segment as the readers do?",
    together="Network and readers",
    others="readers",
    drawn="the readers' outlines",
)


def words_of(readers: Mapping[str, Any], rule: str = "intersection") -> Words:
    """The words of a study, from its blocks `readers` and `compare: reference`."""
    if not few(readers["test"]):
        return MANY
    program = by_software(readers)
    return Words(
        few=True,
        start="Estimate",
        subject="network against one reference",
        question=f"how close does the network come to {whose(readers, rule)}?",
        together="Network and reference",
        others="reference",
        drawn=("the reference's outlines" if program else "the raters' outlines")
        if len(readers["test"]) > 1
        else ("the reference's outline" if program else "the reader's outline"),
    )


def study_words(config: Mapping[str, Any]) -> Words:
    """The same from a whole configuration."""
    readers = config["readers"]
    return words_of(readers, config["compare"]["reference"]) if few(readers["test"]) else MANY
