"""Whether a picture carries more than its pixels: texts, dates and places in its own chunks."""

from __future__ import annotations

import struct
from collections.abc import Iterator

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
PNG_PLAIN = frozenset(b"IHDR PLTE IDAT IEND pHYs tRNS gAMA sRGB cHRM bKGD sBIT acTL fcTL fdAT".split())
WEBP_PLAIN = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"))
# Beyond the pixels a JPEG may say how they are coded (JFIF, Adobe).
JPEG_PLAIN = frozenset((0xE0, 0xEE))


def is_picture(data: bytes) -> bool:
    """Whether bytes begin as a PNG, a JPEG or a WebP."""
    return data[:8] == PNG or data[:3] == JPEG or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def beyond_pixels(data: bytes) -> Iterator[str]:
    """The chunks of a picture that hold no pixels, in words, and what stands after its end."""
    if data[:8] == PNG:
        yield from _png(data)
    elif data[:3] == JPEG:
        yield from _jpeg(data)
    elif data[:4] == b"RIFF":
        yield from _webp(data)


def _png(data: bytes) -> Iterator[str]:
    position = 8
    while position + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + size
        if kind not in PNG_PLAIN:
            yield f"PNG chunk {kind.decode('latin-1')}"
        if kind == b"IEND":
            break
    if position != len(data):
        yield "bytes after the end of the PNG"


def _webp(data: bytes) -> Iterator[str]:
    position = 12
    while position + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, position)
        position += 8 + size + size % 2
        if kind not in WEBP_PLAIN:
            yield f"WebP chunk {kind.decode('latin-1').strip()}"
    if position != len(data):
        yield "bytes after the end of the WebP"


def _jpeg(data: bytes) -> Iterator[str]:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != 0xDA:
        marker, size = data[position + 1], struct.unpack_from(">H", data, position + 2)[0]
        position += 2 + size
        if (0xE0 <= marker <= 0xEF or marker == 0xFE) and marker not in JPEG_PLAIN:
            yield f"JPEG segment {marker:02X}"
