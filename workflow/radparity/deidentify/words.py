"""How text is cut into the words that are compared, and which words say nothing about a patient.

Case and accents do not count. A run of digits joined by dots is one word (a decimal number, a date or a UID), so that
the decimals of a measurement are never taken for a record number.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

WORD = re.compile(r"\d+(?:\.\d+)+(?:e[+-]?\d+)?(?![^\W_])|[^\W_]+")
PROJECT = Path(__file__).parents[3]
OWN_TEXT = (".py", ".smk", ".j2", ".md", ".yaml", ".json", ".css", ".js")
# What the programs that the study calls print into the logs, and the processors that they name.
PRINTED_BY_OTHERS = """Chris Rorden's dcm2niiX version OpenJPEG CharLS Linux Darwin Windows Traceback most recent
    call last NVIDIA GeForce Quadro Tesla Pascal Volta Turing Ampere Hopper Blackwell Intel Xeon Matplotlib Dublin"""


def fold(text: str) -> str:
    """Text with case and accents removed."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    return WORD.findall(fold(text))


def spelled_out(text: str) -> str:
    """German umlauts and Scandinavian letters as two letters, the other way to write them in ASCII."""
    pairs = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"}
    return "".join(pairs.get(c, c) for c in unicodedata.normalize("NFC", text.casefold()))


@cache
def ordinary() -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Words, and pairs of neighbouring words, that radparity writes itself: a name equal to one cannot be told apart.

    Taken from the workflow's own text, so the list needs no care. Letters only: no number is ever ordinary.
    """
    files = [PROJECT / "README.md", PROJECT / "Snakefile", PROJECT / "config.yaml"]
    for folder in ("workflow", "resources"):
        files += [p for p in sorted((PROJECT / folder).rglob("*")) if p.suffix in OWN_TEXT]
    alone: set[str] = set(words(PRINTED_BY_OTHERS))
    together: set[tuple[str, str]] = set()
    for path in files:
        if path.is_file():
            found = words(path.read_text(encoding="utf-8", errors="replace"))
            alone.update(found)
            together.update(pairwise(found))
    return frozenset(w for w in alone if w.isalpha()), frozenset(
        p for p in together if p[0].isalpha() or p[1].isalpha()
    )
