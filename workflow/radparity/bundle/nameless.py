"""Nobody's name in a bundle: neither a pseudonym of the sheets nor a path of the raw folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radparity.study import Study

WORD = re.compile(r"[A-Za-z0-9-]+")
# Numbers of a network are bytes, in which chance writes short words; a text in them is longer.
SHORTEST_IN_BYTES = 6


def refuse_names(files: Mapping[str, bytes], study: Study) -> None:
    """Raises ValueError where a file of a bundle holds an id of the sheets or a path of the raw folder.

    The audit searches the same files for the identifiers of the source.
    """
    patients = {*study.patients.values(), *(row.patient for row in study.exams.values())}
    ids = {*study.exams, *study.breasts, *patients}
    paths = {path for path in study.raw_paths() if "/" in path}
    for name, content in files.items():
        text = content.decode("latin-1")
        binary = name.endswith(".pt")
        words = {word for word in WORD.findall(text) if not binary or len(word) >= SHORTEST_IN_BYTES}
        found = len(words & ids) + sum(path in text for path in paths)
        if found:
            raise ValueError(f"{name} of the bundle holds {found} ids or paths of the study: it would name patients")
