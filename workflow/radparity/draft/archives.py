"""Zip archives of a raw folder, unpacked once below raw/radparity/unpacked/, also where one lies in another."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from radparity.config import ConfigError
from radparity.draft.index import OURS
from radparity.ledger import digest_file

UNPACKED = Path(OURS, "unpacked")
NESTED = UNPACKED / "nested"


class Unpacked(NamedTuple):
    """digests: of the archives' bytes, by path. refused: reason by path. fresh: whether anything new was unpacked."""

    digests: dict[str, str]
    refused: dict[str, str]
    fresh: bool


def unpack_all(raw: Path, zips: dict[str, str]) -> Unpacked:
    """Unpack archives into a folder named by the digest of their bytes; what is unpacked already is left alone.

    zips: path relative to `raw` to its digest, empty where it is not known yet. A zip in a zip is unpacked as well, a
    third level is not. Raises ConfigError where the disk has no room.
    """
    done = Unpacked({}, {}, False)
    for path, known in zips.items():
        if path.startswith(f"{NESTED}/"):
            done.refused[path] = "a zip in a zip in a zip"
            continue
        done.digests[path] = digest = known or digest_file(raw / path)
        target = raw / (NESTED if path.startswith(f"{UNPACKED}/") else UNPACKED) / digest[:32]
        if target.is_dir():
            continue
        try:
            _unpack(raw / path, target)
            done = done._replace(fresh=True)
        except NotImplementedError:
            done.refused[path] = "a compression that Python does not know"
        except RuntimeError:
            done.refused[path] = "it needs a password"
        except (zipfile.BadZipFile, zlib.error, EOFError):
            done.refused[path] = "it is damaged"
    return done


def _unpack(path: Path, target: Path) -> None:
    """All files of an archive, into a folder that appears whole or not at all. Members cannot leave the folder."""
    scratch = target.with_name(f".writing-{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        target.parent.mkdir(parents=True, exist_ok=True)
        needed, room = sum(member.file_size for member in members), shutil.disk_usage(target.parent).free
        if needed > room:
            raise ConfigError(
                f"an archive of the raw folder needs {needed / 1e9:.1f} GB and the disk has {room / 1e9:.1f} GB left."
                " Make room, or move the archives to a larger disk and link them here"
            )
        try:
            scratch.mkdir()
            for member in members:
                archive.extract(member, scratch)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    os.replace(scratch, target)
