"""Registration engines side by side: seconds, memory, error in mm against known displacements, lesion volume, uptake.

python benchmarks/registration.py > benchmarks/registration.md      (about a quarter of an hour on two cores)
The pairs are those of registration_cases.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "benchmarks")]

ENGINES: dict[str, dict[str, Any]] = {
    "none": {"method": "off"},
    "ants, affine": {"engine": "ants", "method": "affine"},
    "greedy, affine": {"engine": "greedy", "method": "affine"},
    "ants": {"engine": "ants"},
    "greedy": {"engine": "greedy"},
    "greedy, native grid, radius 4": {
        "engine": "greedy",
        "spacing_mm": 0.01,
        "window_mm": 0,
        "greedy": {"iterations": [100, 50, 10], "radius": 4, "update_sigma": 3, "total_sigma": 1},
    },
}
EVERYWHERE = ("none", "ants", "greedy")
REFERENCE = "real, 2 mm"


def one(case: Path, engine: str, threads: int, repeats: int) -> dict[str, Any]:
    """Register one pair and judge it; runs in a process of its own, so that memory is its own."""
    from radparity.register import Settings, displacement, jacobian, warp

    with np.load(case) as file:
        z = {name: file[name] for name in file.files}
    settings = Settings.of(ENGINES[engine] | {"threads": threads})
    spacing, true = z["spacing"], np.moveaxis(z["true"], 0, -1)
    if settings.method != "off":
        _import(settings.engine, threads)
    seconds, digests, field, moved = [], set(), np.zeros(true.shape, np.float32), z["moving"]
    processor = 0.0
    for _ in range(repeats if settings.method != "off" else 0):
        started, spent = time.perf_counter(), sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        field = displacement(z["fixed"], z["moving"], spacing, settings)
        moved = warp(z["moving"], field, spacing, threads=threads)
        seconds.append(time.perf_counter() - started)
        processor += (sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - spent) / repeats
        digests.add(hashlib.sha256(moved.tobytes()).hexdigest())
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1e6
    inside, lesion = z["inside"], z["lesion"]
    error = np.linalg.norm(field - true, axis=-1)
    own, real = jacobian(field, spacing), jacobian(true, spacing)
    return {
        "seconds": seconds,
        "processor": processor,
        "peak": peak,
        "same": len(digests) <= 1,
        "breast": float(error[inside].mean()),
        "breast95": float(np.percentile(error[inside], 95)),
        "lesion": float(error[lesion].mean()),
        "volume": 100 * float(own[lesion].mean() / real[lesion].mean() - 1),
        "jacobian": [float(own[inside].min()), float(own[inside].max())],
        "uptake": 100 * float((z["fixed"] - moved)[lesion].mean() / z["uptake"]),
    }


def _import(engine: str, threads: int) -> None:
    """Load the engine before the clock starts: a study's job loads it once for all its phases."""
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(threads)
    if engine == "ants":
        import ants  # noqa: F401
    else:
        import picsl_greedy  # noqa: F401
        import SimpleITK  # noqa: F401


def measured(case: Path, engine: str, threads: int, repeats: int) -> dict[str, Any]:
    """`one` in a fresh process."""
    command = [sys.executable, __file__, "--one", str(case), engine, str(threads), str(repeats)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    out = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def line(name: str, engine: str, threads: int, r: dict[str, Any]) -> str:
    """A line of the table."""
    if r["seconds"]:
        middle, low, high = np.median(r["seconds"]), min(r["seconds"]), max(r["seconds"])
        clock = f"{middle:.1f}" + (f" ({low:.1f} to {high:.1f})" if len(r["seconds"]) > 1 else "")
        cost = [str(threads), clock, f"{r['processor']:.1f}", f"{r['peak']:.2f}"]
    else:
        cost = ["", "", "", ""]
    low, high = r["jacobian"]
    accuracy = [f"{r['breast']:.2f}", f"{r['breast95']:.2f}", f"{r['lesion']:.2f}", f"{r['volume']:+.1f}"]
    return (
        "| "
        + " | ".join(
            [
                name,
                engine,
                *cost,
                *accuracy,
                f"{low:.2f} to {high:.2f}",
                "" if "last phase" in name else f"{r['uptake']:.1f}",
            ]
        )
        + " |"
    )


def medians(kept: dict[tuple[str, str], dict[str, Any]], names: list[str], title: str) -> list[str]:
    """One line an engine: medians over cases."""
    out = []
    for engine in EVERYWHERE:
        own = [kept[name, engine] for name in names]
        middle = [np.median([abs(r[key]) for r in own]) for key in ("breast", "lesion", "volume")]
        # Between two phases after contrast hardly any uptake lies, and a ratio to it says nothing.
        uptake = np.median([kept[name, engine]["uptake"] for name in names if "last phase" not in name])
        clock = "" if engine == "none" else f"{np.median([np.median(r['seconds']) for r in own]):.1f}"
        cells = [title, engine, clock, *(f"{value:.2f}" for value in middle), f"{uptake:.1f}"]
        out.append("| " + " | ".join(cells) + " |")
    return out


def main() -> None:
    """Print the tables."""
    from demo import processor
    from registration_cases import phantom_cases, real_cases

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=4, metavar=("CASE", "ENGINE", "THREADS", "REPEATS"), help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="on the case of the goal; once on the others")
    given = parser.parse_args()
    if given.one:
        case, engine, threads, repeats = given.one
        print(json.dumps(one(Path(case), engine, int(threads), int(repeats))))
        return
    lines: list[str] = []
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        cases = real_cases(Path(folder)) + phantom_cases(Path(folder))
        for case in cases:
            for engine in ENGINES if case.stem == REFERENCE else EVERYWHERE:
                repeats = given.repeats if case.stem == REFERENCE else 1
                for threads in (
                    dict.fromkeys((given.threads, 1)) if repeats > 1 and engine in EVERYWHERE[1:] else (given.threads,)
                ):
                    result = measured(case, engine, threads, repeats)
                    kept.setdefault((case.stem, engine), result)
                    assert result["same"], f"{engine} with {threads} threads does not repeat"
                    lines.append(line(case.stem, engine, threads, result))
                    print(lines[-1], file=sys.stderr)
    packages = ", ".join(f"{p} {version(p)}" for p in ("antspyx", "picsl_greedy", "SimpleITK", "numpy", "scipy"))
    names = [case.stem for case in cases]
    print("# Registration, engines side by side\n")
    print(f"{processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {packages}.")
    print(
        "Made by `python benchmarks/registration.py > benchmarks/registration.md`. Every repeat gave the same bytes.\n"
    )
    print("Medians over cases; errors in mm, lesion volume in per cent of change, uptake in per cent of the truth.\n")
    print("| cases | engine | seconds | breast, mm | lesion, mm | lesion volume, ± % | uptake, % |")
    print("|---|---|---:|---:|---:|---:|---:|")
    moved = [name for name in names if name.startswith("real") and "no added" not in name]
    print("\n".join(medians(kept, moved, f"real exam, {len(moved)} known fields")))
    phantoms = [name for name in names if name.startswith("phantom")]
    print("\n".join(medians(kept, phantoms, f"phantoms, {len(phantoms)} pairs")))
    print("\nEach case. Seconds: median (range), of one pair, the warped phase included, the engine's import not.\n")
    print("| case | engine | threads | seconds | CPU s | peak memory, GB | breast, mm | 95th percentile, mm", end=" | ")
    print("lesion, mm | lesion volume, % | Jacobian in breast | uptake, % |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
