"""The text in files of the formats that medical imaging writes: NIfTI, PNG, DICOM, and the pickles of networks."""

from __future__ import annotations

import pickletools
import re
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from radparity.deidentify.identifiers import elements
from radparity.deidentify.matcher import Form

PRINTABLE = re.compile(rb"[\x20-\x7e]{6,}")
PNG = b"\x89PNG\r\n\x1a\n"
PNG_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"IEND")


class View(NamedTuple):
    """A piece of text of a file and where it stands.

    form: how it is matched. of: `json` or `lines`, which can be taken apart to name the place; `broken` for a file that
    is not what its first bytes say, so that only its bytes can be searched.
    """

    place: str
    text: str
    form: Form
    of: str = ""


class Unreadable(Exception):
    """A file that is not what its first bytes say."""


def within(place: str, more: str) -> str:
    """A place inside another, in words: `member a.txt, line 3`."""
    return f"{place}, {more}" if place else more


def runs(data: bytes) -> str:
    """What looks like text in binary data, a line each run of printable characters."""
    return "\n".join(run.decode("ascii") for run in PRINTABLE.findall(data))


def read_pickle(data: bytes, place: str) -> Iterator[View]:
    """The strings of a pickle, read without running it."""
    try:
        for _, argument, position in pickletools.genops(data):
            if isinstance(argument, str | bytes) and argument:
                text = argument if isinstance(argument, str) else argument.decode("latin-1")
                yield View(f"{place}, byte {position}", text, "field")
    except ValueError:
        yield View(place, runs(data), "bytes")


def is_nifti(head: bytes) -> bool:
    """Whether a file that begins with these bytes (347 at least) is a NIfTI image, version 1 or 2."""
    return head[344:347] in (b"n+1", b"ni1") or head[4:8] in (b"n+2\0", b"ni2\0")


def read_nifti(stream: BinaryIO, place: str) -> Iterator[View]:
    """Text fields and extensions of a NIfTI header; versions 1 and 2, either byte order."""
    import nibabel

    kind = nibabel.Nifti2Header if stream.read(8)[4:8] in (b"n+2\0", b"ni2\0") else nibabel.Nifti1Header
    stream.seek(0)
    header = kind.from_fileobj(stream, check=False)
    for name in ("data_type", "db_name", "descrip", "aux_file", "intent_name"):
        if name in header.structarr.dtype.names:
            value = bytes(header.structarr[name].tobytes()).rstrip(b"\0").decode("latin-1")
            yield View(within(place, f"NIfTI header field {name}"), value.replace("\0", " "), "field")
    stream.seek(header.sizeof_hdr)
    rest = stream.read(max(int(header["vox_offset"]), 352 if header.sizeof_hdr == 348 else 544) - header.sizeof_hdr)
    if rest[:1] not in (b"", b"\0"):
        for number, run in enumerate(re.findall(rb"[^\x00]{2,}", rest[4:]), start=1):
            yield View(within(place, f"NIfTI extension, text {number}"), run.decode("utf-8", "replace"), "text")


def read_png(stream: BinaryIO, place: str) -> Iterator[View]:
    """The texts of a PNG's chunks, packed ones unpacked. Raises Unreadable where it is cut."""
    data, position = stream.read(), 8
    while position + 12 <= len(data):
        (size,), kind = struct.unpack_from(">I", data, position), data[position + 4 : position + 8]
        chunk = data[position + 8 : position + 8 + size]
        position += 12 + size
        if position > len(data):
            raise Unreadable
        here = within(place, f"PNG chunk {kind.decode('latin-1')}")
        if kind in (b"zTXt", b"iCCP"):
            name, _, packed = chunk.partition(b"\0")
            yield View(here, f"{name.decode('latin-1')} {zlib.decompress(packed[1:]).decode('latin-1')}", "text")
        elif kind == b"iTXt":
            name, _, rest = chunk.partition(b"\0")
            language, _, more = rest[2:].partition(b"\0")
            translated, _, text = more.partition(b"\0")
            text = zlib.decompress(text) if rest[:1] == b"\1" else text
            together = b" ".join((name, language, translated, text))
            yield View(here, together.decode("utf-8", "replace"), "text")
        elif kind not in PNG_PIXELS:
            yield View(here, chunk.decode("latin-1").replace("\0", " "), "text")
        if kind == b"IEND":
            break
    if position < len(data):
        yield View(within(place, "after the end of the PNG"), runs(data[position:]), "bytes")


def read_dicom(stream: BinaryIO, place: str) -> Iterator[View]:
    """The preamble and every element of a DICOM file, in sequences too. Raises Unreadable where it is none."""
    import pydicom
    from pydicom import config

    yield View(within(place, "DICOM preamble"), stream.read(128).decode("latin-1"), "text")
    stream.seek(0)
    with config.disable_value_validation():
        try:
            data = pydicom.dcmread(stream)
        except Exception as error:
            raise Unreadable from error
        for part in (data.file_meta, data):
            for name, representation, text in elements(part):
                form: Form = "text" if representation in ("IS", "DS", "US", "SS", "UL", "SL", "FL", "FD") else "field"
                yield View(within(place, f"DICOM {name}"), text, form)
