"""How long `radparity predict` takes for one exam of 256 x 256 x 60 voxels with three phases, step by step.

    python benchmarks/site.py results/bundle/unet.zip > benchmarks/site.md

The exam is a virtual one. Beside the bundle's own networks it times networks of the paper's width with weights by
chance: their answers mean nothing, but they take as long as trained ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from itertools import pairwise
from pathlib import Path

from radparity.bundle.archive import contents, written
from radparity.bundle.manifest import MANIFEST, SETTINGS, WEIGHTS, sealed
from radparity.bundle.method import Method
from radparity.ledger import dump
from radparity.phantom.cohort import write_exam
from radparity.phantom.design import ExamDesign

DESIGN = ExamDesign(
    "F01", "F01", "left", "malignant", "", "test", "Signa Excite 1.5T", "coarse", 3, "per_phase", "localizer"
)
SEED = 20220105


def widened(bundle: Path, width: int) -> bytes:
    """The same bundle with networks of another width, untrained."""
    from radparity.networks.presets import Architecture, build, initialise
    from radparity.train import weights

    files = contents(bundle.read_bytes(), str(bundle))
    manifest = json.loads(files.pop(MANIFEST))
    method = Method.model_validate_json(files[SETTINGS])
    method = method.model_copy(update={"arm": method.arm.model_copy(update={"width": width})})
    files[SETTINGS] = dump(method.model_dump(mode="json")).encode()
    for number, name in enumerate(sorted(name for name in files if name.startswith(WEIGHTS))):
        _, about = weights.load(files[name])
        architecture = Architecture(**{**vars(about.architecture), "width": width})
        network = build(architecture)
        initialise(network, number)
        files[name] = weights.to_bytes(network.state_dict(), weights.About(architecture, about.scaling, (), (), {}))
    return written(sealed(files, {name: manifest[name] for name in ("arm", "study", "radparity", "head")}))


def timed(exam: Path, bundle: Path, output: Path, threads: int) -> tuple[dict[str, float], float]:
    """Seconds of each step of the command, `all` of them with its start, and seconds of the processor."""
    command = [sys.executable, "-m", "radparity", "predict", exam, "--weights", bundle, "--output", output]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run([*map(str, command), "--threads", str(threads)], capture_output=True, text=True, check=True)
    whole, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = [(float(at), step) for at, step in re.findall(r"(?m)^ *([0-9.]+) s  (.+)$", run.stderr)]
    steps = {step: later - at for (at, step), (later, _) in pairwise(begun)}
    steps = {"start, bundle, end": whole - sum(steps.values())} | steps | {"all": whole}
    return steps, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=47)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_exam(DESIGN, folder, SEED, "full")
        wide = folder / "wide.zip"
        wide.write_bytes(widened(options.bundle, options.width))
        columns = {"the bundle's networks": options.bundle, f"untrained, width {options.width}": wide}
        found = {
            title: timed(folder / "dicom/F01", bundle, folder / f"made{number}", options.threads)
            for number, (title, bundle) in enumerate(columns.items())
        }
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("torch", "antspyx", "numpy"))
    print("# `radparity predict`: one exam of 256 x 256 x 60 voxels, three phases\n")
    print(f"{platform.machine()}, {options.threads} threads of {os.cpu_count()} cores, `site.py`,")
    print(f"Python {platform.python_version()}, {versions}; load of the machine before: {os.getloadavg()[0]:.1f}.\n")
    print(f"| step | {' | '.join(f'{title}, s' for title in found)} |")
    print(f"|---|{'---:|' * len(found)}")
    for step in next(iter(found.values()))[0]:
        print(f"| {step} | {' | '.join(f'{steps.get(step, 0):.1f}' for steps, _ in found.values())} |")
    print(f"| seconds of the processor | {' | '.join(f'{used:.1f}' for _, used in found.values())} |")


if __name__ == "__main__":
    main()
