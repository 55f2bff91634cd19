"""A store that speaks S3, read without credentials: its listing of a series, and the body of an object."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from radparity.download.options import Options
from radparity.download.wanted import Wanted

if TYPE_CHECKING:
    from obstore.store import S3Store

CHUNK = 2**20
MD5 = re.compile(r"[0-9a-f]{32}")
URL = re.compile(r"\w+://\S+")


class StoreError(OSError):
    """The store cannot be reached or does not serve: no fault of an exam, and the next one would meet it too."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.EHOSTUNREACH, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


class Gone(Exception):
    """The store says that an object, or the bucket, is not there."""


class Broken(Exception):
    """The body of an object ended too early."""


class Listed(NamedTuple):
    """An object as the store lists it: its name below the series, bytes, ETag."""

    name: str
    size: int
    etag: str

    @property
    def md5(self) -> str | None:
        """The MD5 of its bytes; None where the ETag is none, as of an object that was put there in parts."""
        return self.etag if MD5.fullmatch(self.etag) else None


@contextmanager
def _nobody() -> Iterator[None]:
    """Whoever opens a store in here is nobody: the environment holds no credentials, and no other address of S3."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.upper().startswith("AWS_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


class Store:
    """Series and objects of one store."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._buckets: dict[str, S3Store] = {}

    def listing(self, series: Wanted) -> list[Listed]:
        """The objects of a series in order of name; empty where there are none. Raises StoreError, Gone."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            pages = list(obstore.list(self._bucket(series), prefix=series.prefix))
        except FileNotFoundError:
            raise Gone(series.path) from None
        except BaseError as error:
            raise self._said(error, series) from None
        found = [
            Listed(one["path"].removeprefix(series.prefix), one["size"], (one["e_tag"] or "").strip('"'))
            for page in pages
            for one in page
        ]
        return sorted(found)

    def body(self, series: Wanted, name: str) -> Iterator[bytes]:
        """The bytes of an object, piece by piece. Raises StoreError, Gone, and Broken where it ends too early."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = obstore.get(self._bucket(series), series.prefix + name)
        except FileNotFoundError:
            raise Gone(series.path) from None
        except BaseError as error:
            raise self._said(error, series) from None
        try:
            yield from map(bytes, found.stream(min_chunk_size=CHUNK))
        except (BaseError, FileNotFoundError) as error:
            raise Broken(_words(error)) from None

    def _bucket(self, series: Wanted) -> S3Store:
        if series.bucket not in self._buckets:
            from obstore.store import S3Store

            with _nobody():
                self._buckets[series.bucket] = S3Store(
                    series.bucket,
                    endpoint=self.options.endpoint,
                    region="us-east-1",
                    skip_signature=True,
                    client_options={
                        "allow_http": self.options.endpoint.startswith("http://"),
                        "timeout": timedelta(hours=2),
                        "connect_timeout": timedelta(seconds=20),
                        "read_timeout": timedelta(seconds=60),
                    },
                    retry_config={"max_retries": self.options.retries, "retry_timeout": timedelta(minutes=10)},
                )
        return self._buckets[series.bucket]

    def _said(self, error: Exception, series: Wanted) -> StoreError:
        return StoreError(
            f"{self.options.endpoint} did not serve {series.path} after {self.options.retries} more tries"
            f" ({_words(error)}). Look at the connection of this machine, and at `download: endpoint` in the"
            " configuration; then call Snakemake again: what has come stays"
        )


def _words(error: Exception) -> str:
    """What an error says at its end, without addresses: they name the source."""
    return URL.sub("…", str(error).partition("\n")[0].rpartition(" - ")[2])[:200]
