"""What the chain takes for one exam, small and large, through the workflow's own rules: for `snakemake estimate`.

Small is the real exam of resources/ as it is, large the same with twice the pixels a row and eight phases. One breast
is imaged. Seconds of the processor, start of the job included, and peak memory are the jobs' own words in their logs.
What is made of judged cases alone, some hundred in any study, and the cases' pages are taken from the demo study that
stands in results/, of any size of exam: seconds a case by Snakemake's clock, the largest memory and files.

python benchmarks/estimate.py > resources/estimate/measured.tsv          half an hour
"""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import yaml
from demo import BIN, ROOT, processor
from large_exam import enlarge

STAGES = ("intake", "eligible", "convert", "register", "harmonize/pre_p95", "mask", "outline", "slab/pre_p95")
SHEETS = ("exams", "breasts", "readings", "decisions")
OF_DEMO = ("consensus", "predict/unet", "segment/unet", "view", "page")
CASE_PAGES = ROOT / "results/report/cases"
USED = re.compile(r"finished in .* s, ([\d.]+) s of the processor, peak ([\d.]+) GB")


def study(folder: Path) -> None:
    """One exam whose breast is outlined, and another of the same images for the second fold, which is never made."""
    found = yaml.safe_load((ROOT / "config.yaml").read_text())
    for key in ("phantom", "eligible"):
        del found[key]
    found |= {"raw": "raw", "batch": 1, "sheets": {name: f"{name}.tsv" for name in SHEETS}}
    found["fold"]["folds"], found["segment"]["fraction"], found["compare"]["subgroups"] = 2, 0.5, []
    (folder / "config.yaml").write_text(yaml.safe_dump(found))
    sheets = {
        "exams": ["exam\tpatient\tfolder", "A01\tP01\texam", "A02\tP03\texam"],
        "breasts": ["breast\texam\tside\tlabel\tpartition"]
        + [f"{exam}L\t{exam}\tleft\tmalignant\tdevelopment" for exam in ("A01", "A02")],
        "readings": ["breast\trater\tfile", "A01L\tR1\toutline.nii.gz", "A02L\tR1\toutline.nii.gz"],
        "decisions": [
            "exam\tbreast\tverdict\tseries\trole\treason\twho\tdate",
            "A01\tA01L\toutline_ok\t\t\tdrawn where it is bright, by a program\tR1\t2024-03-04",
        ],
    }
    for name, lines in sheets.items():
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def outline(folder: Path) -> None:
    """A reader's outline on the brightest uptake of the exam's middle section."""
    import nibabel
    import numpy as np

    phases = nibabel.load(folder / "results/convert/A01/phases.nii.gz")
    middle = phases.shape[0] // 2
    uptake = np.asarray(phases.dataobj[middle, ..., 1], float) - np.asarray(phases.dataobj[middle, ..., 0], float)
    row, column = np.unravel_index(np.argmax(uptake[20:-20, 20:-20]), uptake[20:-20, 20:-20].shape)
    drawn = np.zeros(phases.shape[:3], np.uint8)
    drawn[middle, row + 15 : row + 26, column + 15 : column + 26] = 1
    nibabel.save(nibabel.Nifti1Image(drawn, phases.affine), folder / "raw/outline.nii.gz")


def run(folder: Path) -> None:
    """The chain of the one exam."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "workflow")}

    def called(*command: str) -> None:
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=sys.stderr)

    def made(*stages: str) -> None:
        called("radparity", "sweep")
        names = [f"results/{stage}/batch_development_{batch}.json" for stage in stages]
        called("snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1", *names)

    # A stand-in until the grid is known that the outline is drawn on.
    (folder / "raw/outline.nii.gz").write_bytes(b"")
    sys.path.insert(0, str(ROOT / "workflow"))
    from radparity.batches import Batches

    batch = Batches(["P01", "P03"], [], 1).of("P01").removeprefix("development_")
    made("harmonize/pre_p95", "mask")
    outline(folder)
    made("outline", "slab/pre_p95")


def measured(folder: Path, stage: str) -> dict[str, float]:
    """Processor seconds, GB, number of files of the case, and MB of each of its data files."""
    (log,) = (path for path in (folder / "results/logs" / stage).rglob("development_*.log"))
    found = USED.search(log.read_text())
    if not found:
        raise SystemExit(f"{log}: the job did not finish\n{log.read_text()}")
    (case,) = (folder / "results" / stage).glob("A01*")
    record = json.loads((case / f"{stage.partition('/')[0]}.json").read_text())
    if record["status"] != "ok":
        raise SystemExit(f"{stage} excluded the exam: {record}")
    return {"processor_s": float(found[1]), "memory_gb": float(found[2])} | files_of(case.iterdir())


def files_of(paths: Iterable[Path], case: str = "") -> dict[str, float]:
    """Number of files of a case, and MB of each; records and ledger entries together. case: left out of their names."""
    sizes = {path.name.removeprefix(f"{case}."): path.stat().st_size / 1e6 for path in paths}
    data = {name: size for name, size in sizes.items() if not name.endswith(".json")}
    return {"files": len(sizes), "records": sum(sizes.values()) - sum(data.values())} | data


def of_demo(stage: str) -> dict[str, float]:
    """The same of a stage of the demo study, whose benchmarks are of one job each."""
    name, _, arm = stage.partition("/")
    jobs = []
    for path in (ROOT / "results/benchmarks" / name).glob(f"{arm}*.tsv"):
        if not re.search("held_out|benign|tune|maxima", path.stem):
            with path.open() as stream:
                jobs += list(csv.DictReader(stream, delimiter="\t"))
    if stage == "page":
        names = [path.stem for path in CASE_PAGES.glob("*.html")]
        cases = [files_of(CASE_PAGES.glob(f"{case}.*"), case) for case in names]
    else:
        cases = [files_of(path.iterdir()) for path in (ROOT / "results" / stage).iterdir() if path.is_dir()]
    largest = {what: max(case.get(what, 0) for case in cases) for what in cases[0]}
    seconds = sum(float(job["s"]) for job in jobs) / len(cases)
    return {"processor_s": seconds, "memory_gb": max(float(job["max_rss"]) for job in jobs) / 1000} | largest


def main() -> None:
    """Print the table."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in ("small", "large"):
            folder = Path(scratch, size)
            with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
                archive.extractall(folder / "source", filter="data")
            series = next((folder / "source").rglob("image_dce_3dfgre_orig"))
            (folder / "raw").mkdir()
            series.rename(folder / "raw/exam") if size == "small" else enlarge(series, folder / "raw/exam")
            study(folder)
            run(folder)
            raw = sum(path.stat().st_size for path in (folder / "raw/exam").rglob("*") if path.is_file()) / 1e6
            found[size] = {"raw": {"mb": raw}} | {stage: measured(folder, stage) for stage in STAGES}
    packages = ", ".join(f"{name} {version(name)}" for name in ("snakemake", "antspyx", "numpy"))
    print(f"# {processor()}, Python {platform.python_version()}, {packages}; made by benchmarks/estimate.py")
    for stage in OF_DEMO:
        found["small"][stage] = found["large"][stage] = of_demo(stage)
    print("stage\twhat\tsmall\tlarge")
    for stage, figures in found["small"].items():
        for what, small in figures.items():
            print(f"{stage.split('/')[0]}\t{what}\t{small:.4g}\t{found['large'][stage].get(what, 0):.4g}")


if __name__ == "__main__":
    main()
