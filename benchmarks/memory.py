"""Peak memory and time of each exam job at 512 x 512 x 60 with eight phases, through the workflow's own rules.

The exam is the real one of resources/, enlarged in the plane, its later phases interpolated, with a little noise.

python benchmarks/memory.py > benchmarks/memory.md
"""

from __future__ import annotations

import copy
import csv
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pydicom
import yaml
from demo import BIN, ROOT, processor
from scipy import ndimage

PHASES, SECTIONS = 8, 60
STAGES = [
    ("intake", "results/intake/A01/intake.json"),
    ("eligible", "results/eligible/A01/eligible.json"),
    ("convert", "results/convert/A01/phases.nii.gz"),
    ("register", "results/register/A01/registered.nii.gz"),
    ("harmonize", "results/harmonize/pre_p95/A01L/channels.nii.gz"),
    ("mask", "results/mask/A01L/mask.nii.gz"),
]


def enlarge(source: Path, out: Path) -> None:
    """480 images of 512 x 512 in one series, with TriggerTime."""
    images = [pydicom.dcmread(path) for path in source.rglob("*") if path.is_file()]
    images.sort(key=lambda image: int(image.InstanceNumber))
    rng = np.random.default_rng(1)
    out.mkdir(parents=True)
    for phase in range(PHASES):
        late = max(0, phase - 1) / (PHASES - 2)
        for section in range(SECTIONS):
            pre, early, last = (images[part * SECTIONS + section] for part in range(3))
            pixels = pre.pixel_array if phase == 0 else (1 - late) * early.pixel_array + late * last.pixel_array
            fine = ndimage.zoom(pixels.astype(np.float32), 2, order=1, grid_mode=True, mode="nearest")
            fine = np.clip(np.rint(fine + rng.normal(0, 3, fine.shape)), 0, 32767).astype("<i2")
            image = copy.deepcopy(pre)
            row, column = np.array(image.ImageOrientationPatient, dtype=float).reshape(2, 3)
            step = float(image.PixelSpacing[0]) / 2
            image.ImagePositionPatient = list(np.array(image.ImagePositionPatient) - (row + column) * step / 2)
            image.PixelSpacing = [step, step]
            image.Rows, image.Columns = fine.shape
            image.PixelData = fine.tobytes()
            image.TriggerTime, image.AcquisitionNumber = f"{90_000 * phase}", phase + 1
            image.InstanceNumber = phase * SECTIONS + section + 1
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
            image.save_as(out / f"{image.InstanceNumber:04d}.dcm")


def study(folder: Path) -> None:
    """Configuration and sheets: the large exam, and the same again under another name for the second fold."""
    found = yaml.safe_load((ROOT / "config.yaml").read_text())
    for key in ("phantom", "eligible"):
        found.pop(key, None)
    found["raw"], found["fold"]["folds"], found["segment"]["fraction"] = "raw", 2, 0.5
    found["sheets"] = {name: f"{name}.tsv" for name in ("exams", "breasts", "readings")}
    (folder / "config.yaml").write_text(yaml.safe_dump(found))
    sheets = {
        "exams": ["exam\tpatient\tfolder", "A01\tP01\texam", "A02\tP02\texam"],
        "breasts": ["breast\texam\tside\tlabel\tpartition"]
        + [f"{exam}L\t{exam}\tleft\tmalignant\tdevelopment" for exam in ("A01", "A02")],
        "readings": ["breast\trater\tfile", "A01L\tR6\toutline.nii.gz", "A02L\tR6\toutline.nii.gz"],
    }
    for name, lines in sheets.items():
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Run the stages of the one exam and print Snakemake's own measurements."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
            archive.extractall(folder / "source", filter="data")
        enlarge(next((folder / "source").rglob("image_dce_3dfgre_orig")), folder / "raw/exam")
        study(folder)
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "workflow")}
        subprocess.run(["radparity", "sweep"], cwd=folder, env=environment, check=True, stdout=sys.stderr)
        command = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "--jobs", "1"]
        wanted = [path for _, path in STAGES]
        subprocess.run([*command, *wanted], cwd=folder, env=environment, check=True, stdout=sys.stderr)
        rows = []
        for stage, path in STAGES:
            unit = path.split("/")[-2]
            (table,) = (folder / "results/benchmarks" / stage).rglob(f"{unit}.tsv")
            with table.open() as stream:
                measured = next(csv.DictReader(stream, delimiter="\t"))
            rows.append((stage, float(measured["s"]), float(measured["max_rss"]) / 1000))
            if (folder / path).stat().st_size == 0:
                raise SystemExit(
                    f"{stage} excluded the exam: {Path(folder / path).with_name(f'{stage}.json').read_text()}"
                )
    packages = ", ".join(f"{name} {version(name)}" for name in ("snakemake", "antspyx", "numpy"))
    print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}.")
    print("One exam of 512 x 512 x 60 with 8 phases, sagittal; one run, one job at a time.")
    print("Peaks are Snakemake's samples.\n")
    print("| stage | seconds | peak memory, GB |\n|---|---:|---:|")
    for stage, seconds, gigabytes in rows:
        print(f"| {stage} | {seconds:.0f} | {gigabytes:.2f} |")


if __name__ == "__main__":
    main()
