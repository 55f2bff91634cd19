"""The index of the Imaging Data Commons: what its collections hold, read from the package idc-index-data.

The package is a table of series: descriptions, counts, sizes and addresses, no image and no tag of one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, NamedTuple

from radparity.cohort.sources import Source
from radparity.config import ConfigError

NO_DATE = "9999-99-99"
NON_COMMERCIAL = re.compile(r"(?<![A-Za-z])NC(?![A-Za-z])")


class Listed(NamedTuple):
    """A series as the index has it.

    number: SeriesNumber, -1 where it is none. images: number of DICOM files. bytes: of them all. licence: short name,
    as `CC BY 3.0`. address: the folder of its files in the store, as `s3://bucket/uuid/`. visit: the date of the study,
    moved by the collection to hide the true one.
    """

    collection: str
    patient: str
    study: str
    visit: str
    study_description: str
    series: str
    number: int
    description: str
    modality: str
    images: int
    bytes: int
    manufacturer: str
    model: str
    licence: str
    source: str
    address: str


def series_of(collections: Iterable[str]) -> list[Listed]:
    """All series of collections, sorted by collection, patient, visit and number.

    A study counts as one visit also where some of its series lack the date. Raises ConfigError without the package.
    """
    rows = _ask(
        f"""
        SELECT collection_id, PatientID, StudyInstanceUID,
               coalesce(min(StudyDate) OVER (PARTITION BY StudyInstanceUID), '{NO_DATE}'),
               coalesce(StudyDescription, ''), SeriesInstanceUID, coalesce(try_cast(SeriesNumber AS INTEGER), -1),
               coalesce(SeriesDescription, ''), Modality, instanceCount, CAST(round(1e6 * series_size_MB) AS BIGINT),
               coalesce(Manufacturer, ''), coalesce(ManufacturerModelName, ''),
               license_short_name, lower(source_DOI), 's3://' || aws_bucket || '/' || crdc_series_uuid || '/'
        FROM read_parquet($table) WHERE list_contains($collections, collection_id)
        """,
        "idc_index",
        collections=list(collections),
    )
    return sorted((Listed(*row) for row in rows), key=lambda row: (row[0], row.patient, row.visit, row[6], row.series))


def sources_of(series: Iterable[Listed]) -> list[Source]:
    """Whose data these series are, each source once: title, DOI, licence and the sentence that it asks to be cited by.

    A collection has its own data and what others made of it, as segmentations, under licences of their own.
    """
    wanted = dict.fromkeys((row.collection, row.source, row.licence) for row in series)
    rows = _ask(
        """
        SELECT collection_id, lower(s.source_doi), s.source_title, s.license.license_short_name,
               s.license.license_url, s.citation
        FROM (SELECT collection_id, unnest(sources) AS s FROM read_parquet($table))
        """,
        "collections_index",
    )
    found = {(row[0], row[1], row[3]): row for row in rows}
    return [_source(*found[key]) for key in wanted]


def version() -> str:
    """The version of the installed index."""
    _index()
    return installed("idc-index-data")


def _source(cohort: str, doi: str, title: str, licence: str, licence_address: str, citation: str) -> Source:
    return Source(
        cohort=cohort,
        title=_text(title),
        doi=doi,
        licence=licence,
        licence_address=licence_address,
        citation=_text(citation),
        commercial_use="no" if NON_COMMERCIAL.search(licence) else "yes",
    )


def _text(words: str) -> str:
    """Words without markup and line breaks, as a cell of a sheet takes them."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", html.unescape(words)))).strip()


def _index() -> Any:
    try:
        return import_module("idc_index_data")
    except ModuleNotFoundError as absent:
        raise ConfigError(
            "the index of public collections is not installed. Install it, about 80 MB:\n"
            "  pip install idc-index-data duckdb"
        ) from absent


def _ask(query: str, table: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query over one table of the index."""
    path = Path(str(_index().IDC_INDEX_PARQUET_FILEPATH)).with_name(f"{table}.parquet")
    try:
        import duckdb
    except ModuleNotFoundError as absent:
        raise ConfigError(
            "duckdb, which reads the index of public collections, is not installed. Install it:\n  pip install duckdb"
        ) from absent
    with duckdb.connect() as connection:
        connection.execute("SET threads TO 2")
        return list(connection.execute(query, {"table": str(path), **values}).fetchall())
