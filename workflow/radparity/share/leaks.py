"""The search of a shared copy for what must not leave: the source's identifiers, and paths, people, hosts and dates."""

from __future__ import annotations

import base64
import binascii
import getpass
import gzip
import hashlib
import html
import io
import re
import socket
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from radparity.deidentify.formats import View, runs
from radparity.deidentify.matcher import Matcher
from radparity.deidentify.views import readable
from radparity.deidentify.words import ordinary
from radparity.share.names import PACKED, Names
from radparity.share.pictures import beyond_pixels, is_picture

DEEPEST = 4
PATTERNS = {
    "path": re.compile(
        r"(?<![\w.:/<])/(?:home|root|Users|tmp|var|mnt|media|data|srv|opt|work|scratch|export|nfs|gpfs|lustre|proj|usr"
        r"|etc|dev|run|private|Volumes)/[\w.@+~-]+|\b[A-Za-z]:\\\\?\w|\\\\\\\\\w+\\\\|\bfile:/|(?<![\w/])~[\w-]*/\w"
        r"|(?<![\w/.])(?:results|raw)/[\w.-]+/"
    ),
    "e-mail address": re.compile(r"\b[\w.+-]+@[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*\.[A-Za-z]{2,}\b"),
    "date": re.compile(
        r"(?<![\w.])(?:19|20)\d\d-(?:0\d|1[0-2])-[0-3]\d(?!\d)|(?<![\d.])[0-3]?\d[./][01]?\d[./](?:19|20)\d\d(?![\d.])"
        r"|\b[0-3]?\d\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? (?:19|20)\d\d\b"
        r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? [0-3]?\d, (?:19|20)\d\d\b"
        r"|(?<!\d)(?:19|20)\d{6}T\d{4}"
    ),
    "time of day": re.compile(r"(?<![\d:])[0-2]\d:[0-5]\d:[0-5]\d(?![\d:])"),
    "UID": re.compile(r"(?<![\d.])[012](?:\.(?:0|[1-9]\d*)){6,}(?![\d.])"),
}


class Leak(NamedTuple):
    """What must not leave: in which file, what kind of it, and where in the file; never the value itself."""

    file: str
    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kind}{f' ({self.place})' if self.place else ''}"


@dataclass(frozen=True)
class Here:
    """What names this machine and its people. Words that the project's own text holds cannot be told from it."""

    words: Mapping[str, str]
    """name, in lower case, to its kind"""
    folders: Collection[str] = ()
    """absolute paths that belong to the study"""


def here(people: Iterable[str] = (), folders: Iterable[Path] = ()) -> Here:
    """The user and host that run this, the people whom sheets and plan name, and the folders of the study."""
    host = socket.gethostname()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    known = {user: "user name", host: "host name", host.partition(".")[0]: "host name"} | dict.fromkeys(
        people, "person"
    )
    alone, _ = ordinary()
    words = {word.lower(): kind for word, kind in known.items() if len(word) > 2 and word.lower() not in alone}
    return Here(words, [str(folder) for folder in folders if len(Path(folder).parts) > 2])


class Search:
    """Reads files of a copy; `allowed` are digests of files that are no part of the study, as a published script."""

    def __init__(self, matcher: Matcher | None, names: Names, machine: Here, allowed: Collection[str] = ()) -> None:
        """matcher: of the source's identifiers; none where the source has no header."""
        self.matcher, self.names, self.machine, self.allowed = matcher, names, machine, frozenset(allowed)
        parts = sorted((re.escape(word) for word in machine.words), key=len, reverse=True)
        self._people = re.compile(rf"(?<![\w])(?:{'|'.join(parts)})(?![\w])", re.IGNORECASE) if parts else None

    def leaks(self, files: Mapping[str, bytes]) -> list[Leak]:
        """Everything in the files and in their names that must not leave, in order, each once."""
        found: list[Leak] = []
        for name, data in sorted(files.items()):
            found += self._in_text(name, View("file name", name, "text"))
            if hashlib.sha256(data).hexdigest() not in self.allowed:
                found += self._in_bytes(name, data, "", 0)
        return list(dict.fromkeys(found))

    def _in_bytes(self, name: str, data: bytes, place: str, depth: int) -> Iterator[Leak]:
        if is_picture(data):
            for chunk in beyond_pixels(data):
                yield Leak(name, "text beside the pixels of a picture", _at(place, chunk))
            return
        if data[:2] == b"\x1f\x8b" and depth < DEEPEST:
            if data[3] & 0b11000 or data[4:8] != b"\0\0\0\0":
                yield Leak(name, "file name or time in a gzip header", place)
            try:
                yield from self._in_bytes(name, gzip.decompress(data), place, depth + 1)
            except (OSError, EOFError, zlib.error):
                yield Leak(name, "a packed file that cannot be read", place)
            return
        if data[:4] == b"PK\x03\x04" and depth < DEEPEST:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    here = _at(place, f"zip member {member.filename}")
                    yield from self._in_text(name, View(here, member.filename, "text"))
                    yield from self._in_bytes(name, archive.read(member), here, depth + 1)
            return
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            yield from self._in_header(name, runs(data[:1024]), place)
            return
        for number, packed in enumerate(PACKED.finditer(text), start=1):
            try:
                inner = base64.b64decode(packed.group() + "=" * (-len(packed.group()) % 4), validate=True)
            except binascii.Error:
                continue
            if depth < DEEPEST:
                yield from self._in_bytes(name, inner, _at(place, f"embedded data {number}"), depth + 1)
        for number, line in enumerate(PACKED.sub("", text).split("\n"), start=1):
            yield from self._in_text(name, View(_at(place, f"line {number}"), line, "text"))

    def _in_header(self, name: str, text: str, place: str) -> Iterator[Leak]:
        """Of binary data only what its header says: chance writes words into voxels."""
        for line in text.split("\n"):
            yield from self._in_text(name, View(_at(place, "header"), line, "bytes"))

    def _in_text(self, name: str, view: View) -> Iterator[Leak]:
        text = html.unescape(readable(view.text))
        for kind, pattern in PATTERNS.items():
            if pattern.search(text):
                yield Leak(name, kind, view.place)
        if any(folder in text for folder in self.machine.folders):
            yield Leak(name, "path", view.place)
        if self._people and (found := self._people.search(text)):
            yield Leak(name, self.machine.words[found.group().lower()], view.place)
        if self.names.inside(text):
            yield Leak(name, "pseudonym", view.place)
        if self.matcher and self.matcher.suspects(text):
            for hit in self.matcher.find(text, view.form, self.matcher.owners(text)):
                yield Leak(name, f"{hit.kind} of the source", view.place)


def _at(place: str, more: str) -> str:
    return f"{place}, {more}" if place else more
