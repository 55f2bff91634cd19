"""Raw data that is not there yet: a path that the sheet of series announces has a digest before anything is fetched.

It keeps that digest for as long as what lies there is what was verified on arrival, so that nothing is made again when
the sweep sees the files for the first time; any other byte gives the path the digest of its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from radparity.download.note import NOTE, read_note
from radparity.download.wanted import Wanted, digest


class Announced:
    """The rows of the sheet of series, by the raw paths that they speak of."""

    def __init__(self, rows: Iterable[Wanted]) -> None:
        self._rows = list(rows)

    @cached_property
    def exams(self) -> dict[str, list[Wanted]]:
        """Exam to its rows."""
        found: dict[str, list[Wanted]] = {}
        for row in self._rows:
            found.setdefault(row.exam, []).append(row)
        return found

    @cached_property
    def _series(self) -> dict[str, Wanted]:
        return {row.path: row for row in self._rows}

    def __contains__(self, path: str) -> bool:
        return bool(self.rows(path))

    def rows(self, path: str) -> list[Wanted]:
        """The series that lie at a raw path: all of an exam's folder, one of a series' folder or of a file in it."""
        exam, _, below = path.rstrip("/").partition("/")
        if not below:
            return self.exams.get(exam, [])
        row = self._series.get(f"{exam}/{below.partition('/')[0]}")
        return [row] if row else []

    def exam(self, exam: str) -> str:
        """What decides on the download of an exam: the digest of all that is announced of it."""
        return digest(self.exams[exam])

    def owners(self, path: str) -> list[str]:
        """The exams whose download brings what lies at a raw path; none where it lies there already."""
        return sorted({row.exam for row in self.rows(path)})

    def digest(self, path: str) -> str:
        """The digest of what is announced of a raw path."""
        rows, below = self.rows(path), "/".join(path.rstrip("/").split("/")[2:])
        return digest(rows) if not below else hashlib.sha256(f"{digest(rows)} {below}".encode()).hexdigest()

    def bytes(self, path: str) -> int:
        """The announced size of what lies at a raw path; of a file that of its series."""
        return sum(row.size for row in self.rows(path))

    def totals(self) -> list[int]:
        """How many exams, objects and bytes are announced."""
        return [len(self.exams), sum(row.files for row in self._rows), sum(row.size for row in self._rows)]

    def note(self, raw: Path, path: str) -> Path:
        """Where the note lies that says what came."""
        return raw / path.partition("/")[0] / NOTE

    def arrived(self, raw: Path, path: str) -> dict[str, str] | None:
        """Name below a raw path to the SHA-256 that its file had on arrival.

        None where the download has not been finished, or was of other series than the sheet announces now.
        """
        note = read_note(self.note(raw, path).parent)
        if note is None or any(note.addresses.get(row.folder) != row.address for row in self.rows(path)):
            return None
        below = path.rstrip("/").partition("/")[2]
        found = {}
        for name, one in note.files.items():
            if name == below:
                found["."] = one.sha256
            elif not below or name.startswith(f"{below}/"):
                found[name[len(below) + 1 if below else 0 :]] = one.sha256
        return found


def as_arrived(there: Mapping[str, str], arrived: Mapping[str, str]) -> bool:
    """Whether every file that is there came so. Of a download that is gone, in part or whole, nothing has changed:
    it is to be fetched again, and what was made of it stands."""
    return all(arrived.get(name) == sha256 for name, sha256 in there.items())


NOTHING = Announced([])
"""Of a study without downloads."""
