"""The bundle as one file: nothing compressed, sorted, without dates, so that equal contents are equal bytes.

Because there is one way to write given contents, reading can refuse every other: no byte of the file is free.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from radparity.config.section import ConfigError

# The first day that a zip file knows.
DAY = (1980, 1, 1, 0, 0, 0)


class BundleError(ConfigError):
    """A bundle cannot be used; the message says what is wrong with it and what to do."""


def written(files: Mapping[str, bytes]) -> bytes:
    """A zip file of these files, name to content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            about = zipfile.ZipInfo(name, DAY)
            about.create_system = 3  # also where it is packed on another system
            about.external_attr = 0o644 << 16
            archive.writestr(about, content)
    return stream.getvalue()


def contents(data: bytes, name: str) -> dict[str, bytes]:
    """The files of a bundle. name: of the bundle, for messages. Raises BundleError where it is not whole."""
    damaged = f"{name} is damaged, or no bundle of radparity: {{}}. Fetch it again from who made it"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(set(names)) < len(names):
                raise BundleError(damaged.format("a file stands in it twice"))
            # Before a byte is read: a small file that says it holds a large one would fill the memory.
            if any(m.compress_type != zipfile.ZIP_STORED or m.file_size != m.compress_size for m in members):
                raise BundleError(damaged.format("a file in it is compressed"))
            if sum(member.file_size for member in members) > len(data):
                raise BundleError(damaged.format("its files are larger than itself"))
            files = {each: archive.read(each) for each in names}
    except BundleError:
        raise
    except Exception as error:  # zipfile raises half a dozen kinds for what is damaged
        raise BundleError(damaged.format(error)) from error
    if written(files) != data:
        raise BundleError(damaged.format("its bytes are not those that radparity writes for its files"))
    return files
