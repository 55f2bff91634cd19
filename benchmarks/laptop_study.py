"""The laptop study of public cohorts from raw data to the report, with the one real exam standing in for each patient.

python benchmarks/laptop_study.py > benchmarks/laptop_study.md          a quarter of an hour and 5 GB

Sheets and configuration are those of `radparity cohort --patients 12`; the download is left out. Each copy of the exam
has noise, an identity and UIDs of its own, so that no two patients are found to be one.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import shutil
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pydicom
from demo import ROOT, measure, processor

PATIENTS = 12
NOISE = 0.6  # standard deviation; the images have whole numbers up to 219, in air about 8
ROLES = {
    "dynamic": "image_dce_3dfgre_orig",
    "enhancement_map": "image_dce_pe1",
    "washout_map": "image_dce_ser",
    "segmentation": "mask",
}
"""Role of a series to its folder in the archive of resources/real_exam, which has no T2 series."""
CONFIG, SHEETS = Path("config/laptop.yaml"), Path("resources/laptop")
USED = re.compile(r"finished in .* s, ([\d.]+) s of the processor, peak ([\d.]+) GB")
PACKAGES = ("snakemake", "torch", "antspyx", "numpy")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def stand_in(image: pydicom.Dataset, patient: int, noise: np.random.Generator | None) -> None:
    """Make an image that of another patient, in place. noise: what is added to its pixels is drawn from it."""

    def renamed(_: pydicom.Dataset, element: pydicom.DataElement) -> None:
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008."):
            element.value = pydicom.uid.generate_uid(entropy_srcs=[f"{patient} {element.value}"])

    image.walk(renamed)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PatientID, image.PatientName = f"STANDIN{patient:02}", f"Standin^{patient:02}"
    image.AccessionNumber = str(9_000_000 + patient)
    if noise:
        pixels = image.pixel_array
        changed = np.rint(pixels + noise.normal(0, NOISE, pixels.shape)).clip(0, 32767)
        image.PixelData = changed.astype(pixels.dtype).tobytes()


def lay(folder: Path, source: Path, series: list[dict[str, str]]) -> float:
    """Copies of the real exam where the sheet of series says; GB of them."""
    patients = {exam: number for number, exam in enumerate(dict.fromkeys(row["exam"] for row in series), start=1)}
    size = 0
    for row in (row for row in series if row["role"] in ROLES):
        place, patient = folder / "data/laptop" / row["path"], patients[row["exam"]]
        place.mkdir(parents=True)
        noise = np.random.default_rng(patient) if row["role"] == "dynamic" else None
        for path in sorted((source / ROLES[row["role"]]).iterdir()):
            image = pydicom.dcmread(path)
            stand_in(image, patient, noise)
            image.save_as(place / path.name)
            size += (place / path.name).stat().st_size
    return size / 1e9


def without_download(folder: Path) -> None:
    """Leave out what is to be fetched and from whom, and the sides that are not the real exam's."""
    config, breasts = folder / CONFIG, folder / SHEETS / "breasts.tsv"
    config.write_text(re.sub(r"(?m)^  (series|sources): .*\n", "", config.read_text()))
    rows = [row | {"side": ""} for row in read(breasts)]
    breasts.write_text("".join("\t".join(cells) + "\n" for cells in [rows[0], *(row.values() for row in rows)]))


def stages(results: Path) -> list[tuple[str, int, float, float, float]]:
    """Stage, its jobs, their minutes together, of them of the processor, GB of the largest; in the order of their ends.

    Processor and memory are the jobs' own words in their logs, since a sample of short jobs misses much.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted((results / "benchmarks").rglob("*.tsv"), key=lambda path: path.stat().st_mtime, reverse=True):
        found.setdefault(path.relative_to(results / "benchmarks").parts[0], []).append(path)
    rows = []
    for stage, paths in reversed(found.items()):
        minutes = sum(float(read(path)[0]["s"]) for path in paths) / 60
        used = [USED.search(path.read_text()) for path in (results / "logs" / stage).rglob("*.log")]
        said = [(float(one[1]), float(one[2])) for one in used if one]
        processor_minutes = sum(seconds for seconds, _ in said) / 60
        rows.append((stage, len(paths), minutes, processor_minutes, max((gb for _, gb in said), default=0.0)))
    return rows


def gigabytes(series: list[dict[str, str]], *roles: str) -> float:
    """What series of some roles take in the store."""
    return sum(int(row["bytes"]) for row in series if row["role"] in roles) / 1e9


def main() -> None:
    """Run the study once and print the table."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder, source = Path(scratch, "study"), Path(scratch, "source")
        ignored = shutil.ignore_patterns(".git", ".venv", "data", "results", ".radparity", ".snakemake", "__pycache__")
        shutil.copytree(ROOT, folder, ignore=ignored)
        with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
            archive.extractall(source, filter="data")
        measure(["radparity", "cohort", "--patients", str(PATIENTS)], folder)
        series = read(folder / SHEETS / "series.tsv")
        laid = lay(folder, next(source.rglob("mask")).parent, series)
        without_download(folder)
        sweep, _ = measure(["radparity", "sweep", "--config", str(CONFIG)], folder)
        study, memory = measure(["snakemake", "--cores", "2", "--configfile", str(CONFIG)], folder)
        rows = stages(folder / "results")
        audit = json.loads((folder / "results/audit/audit.json").read_text())
        judged = len(read(folder / "results/compare/unet/cases.tsv"))
        size = sum(path.stat().st_size for path in (folder / "results").rglob("*") if path.is_file()) / 1e9
    print(f"# The laptop study: {PATIENTS} patients from raw data to the report\n")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(
        f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}; `laptop_study.py`.\n"
    )
    print(
        f"**{(sweep + study) / 60:.0f} minutes** on two cores without the download: sweep {sweep:.0f} s, study", end=" "
    )
    print(f"{study / 60:.1f} minutes. Peak memory {memory:.1f} GB, results {size:.1f} GB. Load of the machine", end=" ")
    beside = ", of work that had just ended or ran beside it: an upper bound" if load > 0.5 else ""
    print(f"before: {load:.1f}{beside}.\n")
    print("| stage | jobs | minutes of the jobs | of the processor | memory of the largest job, GB |")
    print("|---|---:|---:|---:|---:|")
    for stage, jobs, minutes, used, largest in rows:
        print(f"| {stage} | {jobs} | {minutes:.1f} | {used:.1f} | {largest:.1f} |")
    jobs, minutes, used = (sum(row[column] for row in rows) for column in (1, 2, 3))
    print(f"| together | {jobs} | {minutes:.1f} | {used:.1f} | |\n")
    print(f"Two jobs run side by side. The audit is {audit['verdict']}; {judged} test cases were judged.\n")
    print(
        "What stands in for what: sheets and settings are those of `radparity cohort --patients 12`, and each of its\n"
        f"{PATIENTS} patients is the one real exam of resources/, with noise, identity and UIDs of its own, labelled\n"
        "by the functional tumour volume of its SEG. So the times count and nothing else: no Dice is given.\n"
        f"{laid:.2f} GB lay there; the true exams have {gigabytes(series, *ROLES):.2f} GB of the same kinds"
        f" (DCE {gigabytes(series, 'dynamic'):.2f}) and {gigabytes(series, 't2'):.2f} GB of\n"
        "T2 series, which the networks do not use. Fetching them is not included."
    )


if __name__ == "__main__":
    main()
