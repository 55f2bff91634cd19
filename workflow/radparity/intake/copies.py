"""Copies of one image under several file names or identifiers: one of them is kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from pathlib import Path

import pydicom

from radparity.intake.headers import Header
from radparity.record import DataFault

Flag = dict[str, str]


def drop_copies(headers: list[Header], files: Mapping[str, Path]) -> tuple[list[Header], list[Flag]]:
    """The headers without copies, in their order, and flags that count what was dropped.

    A copy has the SOPInstanceUID of another image (the same file twice), or equals it in every tag that tells images of
    an exam apart (an exam sent twice under new identifiers); either way its pixels are the same, byte for byte: only
    these candidates are read. Images that differ are all kept, for the phases to refuse. Of copies the one in the
    larger series stays, and never a truncated one while there is a whole one.
    """
    sizes = Counter(header.series for header in headers)

    def rank(header: Header) -> tuple[object, ...]:
        return (header.truncated, -sizes[header.series], header.series, header.image, header.file)

    dropped: set[str] = set()
    flags: list[Flag] = []
    for code, key, what in (
        ("file_twice", _identifier, "the same image in another file"),
        ("image_twice", _content, "the same image under another identifier"),
    ):
        before = len(dropped)
        groups: dict[Hashable, list[Header]] = defaultdict(list)
        for header in sorted(headers, key=rank):
            if header.file not in dropped:
                groups[key(header)].append(header)
        for same, group in groups.items():
            if same is not None and len(group) > 1:
                dropped |= _copies(group, files)
        if len(dropped) > before:
            first = min(dropped)
            sentence = f"{len(dropped) - before} images are {what} (as {first}): one of each is used"
            flags.append({"code": code, "sentence": sentence})
    return [header for header in headers if header.file not in dropped], flags


def _identifier(header: Header) -> Hashable:
    frame = header.file.partition("#")[2]
    return (header.image, frame) if header.image else None


def _content(header: Header) -> Hashable:
    if not header.placed:
        return None
    return (
        header.series_number, header.description, header.image_type, header.echo_time, header.instance,
        header.acquisition_number, header.temporal_position, header.trigger_time, header.acquisition_time,
        header.acquisition_moment, header.content_time, header.orientation, header.position, header.spacing,
        header.rows, header.columns, header.study_date,
    )  # fmt: skip


def _copies(group: list[Header], files: Mapping[str, Path]) -> set[str]:
    """The files of a group of candidates whose pixels are those of an earlier one, or which ended before their own."""
    kept: list[bytes] = []
    out = set()
    for header in group:
        pixels = b"" if header.truncated else _pixels(files[header.file.partition("#")[0]])
        if kept and (header.truncated or pixels in kept):
            out.add(header.file)
        else:
            kept.append(pixels)
    return out


def _pixels(path: Path) -> bytes:
    data = pydicom.dcmread(path, force=True, specific_tags=["PixelData", "NumberOfFrames"])
    return bytes(data.get("PixelData") or b"")


def check_no_twins(images: list[Header]) -> None:
    """Images of one SOPInstanceUID that are not copies have been altered. Raises DataFault `copies_differ`."""
    count = Counter(_identifier(image) for image in images if image.image)
    twins = [image.file for image in images if image.image and count[_identifier(image)] > 1]
    if twins:
        sentence = f"{twins[0]} and {twins[1]} have one identifier but different pixels. Fetch the series again"
        raise DataFault("copies_differ", sentence)
