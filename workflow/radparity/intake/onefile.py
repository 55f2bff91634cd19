"""Opening one DICOM file: its header, how its pixels are coded, and whether they are all there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

T = TypeVar("T")
PREAMBLE = 132
PIXEL_ELEMENTS = {0x0008, 0x0009, 0x0010}
LONG_LENGTH_VRS = {b"OB", b"OW", b"OF", b"OD", b"UN"}
PLAIN_VRS = {"CS", "DA", "DS", "DT", "IS", "TM", "UI"}
UNDEFINED = 0xFFFFFFFF
ITEM, SEQUENCE_END = 0xE000, 0xE0DD
MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
# What pydicom raises on a file that is cut or damaged; see also `_decoded`.
BROKEN = (EOFError, struct.error, zlib.error, ValueError, KeyError, TypeError, AttributeError, NotImplementedError,
          BytesLengthException, InvalidDicomError)  # fmt: skip


@dataclass(frozen=True)
class ReadFile:
    """A file's elements, their values by keyword, the name of its transfer syntax, and whether its pixels are cut."""

    data: pydicom.FileDataset
    values: dict[str, Any]
    syntax: str
    compressed: bool
    truncated: bool
    sop_class: str

    def private(self, creator_tag: int, creator: str, tag: int) -> Any:
        """A private element's value, None where its block is another vendor's."""
        if creator_tag not in self.data or str(self.data[creator_tag].value).strip() != creator:
            return None
        return self.data[tag].value if tag in self.data else None


def read_file(path: Path, tags: list[int]) -> ReadFile | None:
    """The header of one file (only the elements `tags` are decoded), None where it is not DICOM.

    Files without the 128-byte preamble (old archives wrote them) are read where their first element is plausible.
    """
    with path.open("rb") as stream:
        start = stream.read(PREAMBLE)
        stream.seek(0)
        if start[128:] != b"DICM" and not _plausible(start):
            return None
        found = _decoded(lambda: _opened(path, stream, tags))
    if found is None:
        start_only = _decoded(lambda: pydicom.filereader.read_file_meta_info(path))
        if start_only is None:
            return None
        found = pydicom.FileDataset(path, {}, file_meta=start_only), False
    data, whole = found
    meta, values = _values(data.file_meta), _values(data)
    syntax = UID(str(meta.get("TransferSyntaxUID", "")))
    kind = str(meta.get("MediaStorageSOPClassUID", "") or values.get("SOPClassUID", ""))
    # What carries no pixels (structured reports, presentation states) has none to lose.
    pixels = "Rows" in values or kind.startswith(MR_STORAGE)
    known = syntax.is_transfer_syntax
    return ReadFile(
        data,
        values,
        syntax=syntax.name if known else "unknown" if syntax else "not named",
        compressed=known and syntax.is_encapsulated,
        truncated=pixels and not whole,
        sop_class=kind,
    )


def _decoded(read: Callable[[], T]) -> T | None:
    """What `read` gives, None where the file is cut or damaged.

    pydicom raises OSErrors of its own there, without the system's number; one with a number is the disk's and must be
    seen.
    """
    try:
        return read()
    except BROKEN:
        return None
    except OSError as error:
        if error.errno is not None:
            raise
        return None


def _opened(path: Path, stream: BinaryIO, tags: list[int]) -> tuple[pydicom.FileDataset, bool]:
    """The header, and whether all pixels are there."""
    data = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=tags, force=True)
    deflated = _values(data.file_meta).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    return data, _whole_deflated(path) if deflated else _whole(stream, data)


def _values(data: pydicom.Dataset) -> dict[str, Any]:
    """The elements by keyword; what cannot be decoded (a file cut inside it) is left out, and taken out of `data`.

    Sequences are decoded to their depth: pydicom would do it when they are used, and fail there. Plain text is
    decoded here: pydicom's checked types take half the time of an exam's intake.
    """
    found: dict[str, Any] = {}
    for tag in list(data.keys()):
        keyword = keyword_for_tag(tag)
        if not keyword:
            continue
        raw = _decoded(partial(data.get_item, tag))
        if isinstance(raw, RawDataElement) and raw.VR in PLAIN_VRS and raw.value:
            parts = raw.value.decode("ascii", "replace").rstrip("\0 ").split("\\")
            found[keyword] = parts if len(parts) > 1 else parts[0]
            continue
        element = _decoded(partial(_deep, data, tag))
        if element is None:
            del data[tag]
        else:
            found[keyword] = element.value
    return found


def _deep(data: pydicom.Dataset, tag: BaseTag) -> DataElement:
    """An element with every sequence inside it decoded."""
    element = data[tag]
    if element.VR == "SQ":
        for item in element.value:
            for inner in item.keys():
                _deep(item, inner)
    return element


def _plausible(start: bytes) -> bool:
    """Whether a file without preamble begins with an element of group 2 or 8, in any of the encodings."""
    if len(start) < 12:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", start[:4])
        if group in (0x0002, 0x0008) and element <= 0x0100:
            length = struct.unpack(f"{order}L", start[4:8])[0]
            return start[4:6].isalpha() and start[4:6].isupper() or length <= 256
    return False


def _whole(stream: BinaryIO, data: pydicom.FileDataset) -> bool:
    """Whether all pixel bytes are there. `stream` stands where reading stopped: at the pixel element, or at the end.

    Encapsulated pixels (compressed syntaxes) are items of their own lengths up to a closing delimiter; others have one
    length, which must be that of the image.
    """
    order = "<" if data.original_encoding[1] else ">"
    head = stream.read(8)
    if len(head) < 8:
        return False
    group, element = struct.unpack(f"{order}HH", head[:4])
    if group != 0x7FE0 or element not in PIXEL_ELEMENTS:
        return False
    if head[4:6] in LONG_LENGTH_VRS:
        head = head[:4] + stream.read(4)
    (length,) = struct.unpack(f"{order}L", head[4:8])
    start = stream.tell()
    end = stream.seek(0, 2)
    if length != UNDEFINED:
        samples = int(data.get("SamplesPerPixel", 1) or 1) * int(data.get("NumberOfFrames", 1) or 1)
        bits = int(data.get("BitsAllocated", 0) or 0) * samples * int(data.get("Rows", 0)) * int(data.get("Columns", 0))
        return bool(bits // 8 <= length <= end - start)
    stream.seek(start)
    while len(item := stream.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", item)
        if group != 0xFFFE or element not in (ITEM, SEQUENCE_END):
            return False
        if element == SEQUENCE_END:
            return True
        if stream.tell() + length > end:
            return False
        stream.seek(length, 1)
    return False


def _whole_deflated(path: Path) -> bool:
    """A deflated file has to be read through: its lengths show only when it is inflated."""
    data = pydicom.dcmread(path)
    bits = int(data.BitsAllocated) * int(data.get("SamplesPerPixel", 1)) * int(data.get("NumberOfFrames", 1) or 1)
    return "PixelData" in data and len(data.PixelData) >= bits * data.Rows * data.Columns // 8
