"""The real exam in a store, and the rows of its sheet: what the tests of the download share."""

import atexit
import shutil
import tarfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pydicom

from radparity.download.wanted import wanted

ARCHIVE = Path(__file__).parents[1] / "resources/real_exam/ucsf_br_06.tar.xz"
ROLES = {
    "image_dce_3dfgre_orig": "dynamic",
    "image_dce_pe1": "enhancement_map",
    "image_dce_ser": "washout_map",
    "mask": "segmentation",
}
COLUMNS = ("exam", "role", "path", "address", "files", "megabytes", "series")
EXAM = "UCSF-BR-06"


@cache
def unpacked():
    """Role to the files of the real exam's series."""
    folder = Path(mkdtemp(prefix="radparity-exam-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    found = {}
    for path in sorted(folder.rglob("*.dcm")):
        found.setdefault(ROLES[path.parent.name], []).append(path)
    return found


def serve(store, exam=EXAM, roles=None):
    """Put the real exam into a store under its true series identifiers; the cells of the sheet, a row a series."""
    rows = []
    for role in roles or ROLES.values():
        files = unpacked()[role]
        series = pydicom.dcmread(files[0], stop_before_pixels=True).SeriesInstanceUID
        megabytes = round(sum(path.stat().st_size for path in files) / 1e6, 2)
        values = (exam, role, f"{exam}/{role}", store.series(series, files), len(files), megabytes, series)
        rows.append(dict(zip(COLUMNS, map(str, values), strict=True)))
    return rows


def small(store, files, exam="E1", role="dynamic"):
    """A series of small files that are no images, by name to content; its cells."""
    address = f"s3://idc-open-data/series-of-{exam}-{role}/"
    for name, content in files.items():
        store.objects[f"{address.removeprefix('s3://')}{name}"] = content
    size = sum(map(len, files.values()))
    cells = (exam, role, f"{exam}/{role}", address, len(files), "", "1.2.3")
    return dict(zip(COLUMNS, map(str, cells), strict=True)) | {"bytes": str(size)}


def write_sheet(path, rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["\t".join(row.get(column, "") for column in columns) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["\t".join(columns), *lines]) + "\n")


def of(rows):
    return [wanted(row) for row in rows]


def tree(folder):
    """Every file below a folder, by its path, with its content."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
