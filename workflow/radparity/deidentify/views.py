"""What text a file holds, whatever its kind: names, header fields, metadata, members of archives, embedded pictures.

The kind is told by the first bytes, not by the name. Pixels and voxels are not text and are left out.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import json
import re
import struct
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from radparity.deidentify.formats import (
    PNG,
    Unreadable,
    View,
    is_nifti,
    read_dicom,
    read_nifti,
    read_pickle,
    read_png,
    runs,
    within,
)

BLOCK = 64 * 2**20
OVERLAP = 1024
DEEPEST = 5
EMBEDDED = re.compile(r"data:[\w/+.;=-]*;base64,([A-Za-z0-9+/=\s]+)")
# What every log holds by chance: the time at which a line was written, and the random names of temporary folders.
LOG_CHANCE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} |\btmp[a-z0-9_]{8}\b", re.MULTILINE)
BROKEN = "broken"
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    Unreadable,
)


def views(path: Path) -> Iterator[View]:
    """Everything in one file that could carry a name or a number of the source."""
    with path.open("rb") as stream:
        yield from _stream(stream, "", 0, path.suffix == ".log")


def _stream(stream: BinaryIO, place: str, depth: int, log: bool = False) -> Iterator[View]:
    head = stream.read(1024)
    stream.seek(0)
    try:
        if head[:2] == b"\x1f\x8b" and depth < DEEPEST:
            yield from _gzip(stream, place, depth)
        elif head[:4] == b"PK\x03\x04" and depth < DEEPEST:
            yield from _zip(stream, place, depth)
        elif is_nifti(head):
            yield from read_nifti(stream, place)
        elif head[:8] == PNG:
            yield from read_png(stream, place)
        elif head[128:132] == b"DICM":
            yield from read_dicom(stream, place)
        else:
            yield from _plain(stream, place, depth, log)
    except UNREADABLE:
        yield View(place, "", "field", BROKEN)
        stream.seek(0)
        yield View(place, runs(stream.read()), "bytes")


def _gzip(stream: BinaryIO, place: str, depth: int) -> Iterator[View]:
    head = stream.read(4096)
    stream.seek(0)
    flags, position = head[3], 10
    if flags & 4:
        position += 2 + struct.unpack_from("<H", head, 10)[0]
    for bit, name in ((8, "file name"), (16, "comment")):
        if flags & bit:
            text, _, _ = head[position:].partition(b"\0")
            position += len(text) + 1
            yield View(within(place, f"gzip {name}"), text.decode("latin-1"), "field")
    with gzip.GzipFile(fileobj=stream) as inner:
        yield from _stream(inner, place, depth + 1)  # type: ignore[arg-type]


def _zip(stream: BinaryIO, place: str, depth: int) -> Iterator[View]:
    with zipfile.ZipFile(stream) as archive:
        yield View(within(place, "zip comment"), archive.comment.decode("latin-1"), "field")
        for info in archive.infolist():
            here = within(place, f"zip member {info.filename}")
            notes = f"{info.comment.decode('latin-1')} {info.extra.decode('latin-1')}"
            yield View(within(place, "zip member name"), info.filename, "field")
            yield View(here, notes, "bytes")
            with archive.open(info) as member:
                if info.filename.endswith(".pkl"):
                    yield from read_pickle(member.read(), here)
                else:
                    yield from _stream(io.BytesIO(member.read()), here, depth + 1)


def _plain(stream: BinaryIO, place: str, depth: int, log: bool) -> Iterator[View]:
    """Text, JSON, HTML and tables; the printable runs of anything else."""
    tail = b""
    while block := stream.read(BLOCK):
        data, tail = tail + block, block[-OVERLAP:]
        try:
            text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            yield View(place, runs(data), "bytes")
        elif len(block) < BLOCK and text.lstrip()[:1] in ("{", "[") and (value := _json(text)) is not None:
            if "\\" in text:  # escaped letters are read as such, and the n of a line's end is no part of a word
                text = re.sub(r"\\\\|\\[bfnrt]", " ", json.dumps(value, ensure_ascii=False))
            yield View(place, text, "text", "json")
        else:
            yield from _text(text, place, depth, log)


def _text(text: str, place: str, depth: int, log: bool) -> Iterator[View]:
    for number, found in enumerate(EMBEDDED.finditer(text), start=1):
        if depth < DEEPEST:
            try:
                data = base64.b64decode(re.sub(r"\s", "", found.group(1)))
            except (binascii.Error, ValueError):
                continue
            yield from _stream(io.BytesIO(data), within(place, f"embedded picture {number}"), depth + 1)
    text = EMBEDDED.sub("data:", text)
    if log:
        text = LOG_CHANCE.sub("", text)
    yield View(place, text, "text", "lines")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def pieces(view: View) -> Iterator[View]:
    """A view taken apart, so that the place of a finding can be named: JSON by key path, text by line."""
    if view.of == "json":
        yield from _walk(_json(view.text), view.place, "")
    elif view.of == "lines":
        for number, line in enumerate(view.text.split("\n"), start=1):
            yield View(within(view.place, f"line {number}"), readable(line), view.form)
    else:
        yield view


def readable(text: str) -> str:
    """A line with its HTML entities and percent signs resolved."""
    if "&" in text:
        text = html.unescape(text)
    if re.search(r"%[0-9A-Fa-f]{2}", text):
        text = f"{text} {urllib.parse.unquote(text)}"
    return text


def _walk(value: Any, place: str, path: str) -> Iterator[View]:
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else str(key)
            yield View(within(place, f"JSON key {here}"), str(key), "text")
            yield from _walk(inner, place, here)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _walk(inner, place, f"{path}[{number}]")
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield View(within(place, f"JSON value {path}"), str(value), "text")
