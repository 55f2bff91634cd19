"""What may identify somebody in the header of a NIfTI image of the source, where converters and people put names."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from radparity.deidentify.formats import is_nifti
from radparity.deidentify.identifiers import Identifier, identifiers

ENOUGH = 1 << 20  # header and extensions; the pixels behind them are not read
FIELDS = ("db_name", "descrip", "aux_file", "intent_name")
COMMENT = 6  # of the extensions' codes in the NIfTI standard
# As dcm2niix fills `descrip`: TE=2.4;Time=101530.200;phase=1
WRITTEN = re.compile(r"(?:^|(?<=[;\s]))(TE|Time|phase|mb)=([\d.]+)(?:;|(?=\s)|$)", re.IGNORECASE)
FEWEST_DIGITS = 4


def of_nifti(path: Path) -> set[Identifier] | None:
    """The identifiers in a file's header, in its comments and in a DICOM header that it carries along; None where it is
    no NIfTI image."""
    import nibabel
    from nibabel.nifti1 import Nifti1DicomExtension

    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            start = stream.read(ENOUGH)
        if not is_nifti(start[:348]):
            return None
        kind = nibabel.Nifti2Header if start[4:8] in (b"n+2\0", b"ni2\0") else nibabel.Nifti1Header
        header = kind.from_fileobj(io.BytesIO(start), check=False)
    except (OSError, EOFError, ValueError, zlib.error, struct.error, nibabel.spatialimages.HeaderDataError):
        return None
    found: set[Identifier] = set()
    for name in FIELDS:
        if name in header.structarr.dtype.names:
            value = header.structarr[name].tobytes().rstrip(b"\0")
            found.update(of_text(f"NIfTI {name}", value.decode("utf-8", "replace").replace("\0", " ")))
    for extension in header.extensions:
        if isinstance(extension, Nifti1DicomExtension):
            found.update(identifiers(extension.get_content()))
        elif extension.get_code() == COMMENT:
            text = bytes(extension.get_content()).decode("utf-8", "replace")
            found.update(of_text("NIfTI comment", text.replace("\0", " ")))
    return found


def of_text(kind: str, text: str) -> Iterator[Identifier]:
    """What may identify somebody in a text of which no standard says what it means: its words may be a name, those with
    digits a record number. Of what dcm2niix writes, the time is one and the rest is nothing."""
    for key, value in WRITTEN.findall(text):
        if key.lower() == "time":
            yield Identifier(kind, "time", value)
    free = WRITTEN.sub(" ", text).strip()
    if free:
        yield Identifier(kind, "name", free)
    for token in free.split():
        if sum(map(str.isdigit, token)) >= FEWEST_DIGITS:
            yield Identifier(kind, "id", token)
