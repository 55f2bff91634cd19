"""Voxels a second of whole-volume prediction: ours against the paper's own tiling, on one CPU in one run.

The paper's tiling is 27 x 99 x 99 voxels in and 9 x 61 x 61 out, in single precision and torch's usual memory layout,
over the whole volume. The volume is breast-like: 40 x 256 x 256 voxels with an ellipsoidal mask. Counted are the voxels
of the breast that have a prediction, also of the paper's tiling; without the mask, all voxels.

python benchmarks/inference.py > benchmarks/inference.md
python benchmarks/inference.py 12 128 > SHORT            # sections and side of a smaller volume
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from demo import ROOT, processor

# As the Snakefile sets it for every job; glibc reads it at the start of a process.
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(16 * 2**30)}
REPEATS, THREADS, MEMORY_MB = 3, 2, 1500
IN, OUT = (27, 99, 99), (9, 61, 61)

sys.path.insert(0, str(ROOT / "workflow"))
from radparity.networks.network import Network  # noqa: E402
from radparity.networks.presets import Architecture, build, initialise  # noqa: E402
from radparity.predict import predict_volume  # noqa: E402
from radparity.scaling import as_is  # noqa: E402


def ellipsoid(size: tuple[int, int, int]) -> np.ndarray:
    """A breast mask (section, anterior, superior): half an ellipsoid that stands on the chest wall."""
    section, anterior, superior = np.indices(size, dtype=np.float32)
    middle = [(n - 1) / 2 for n in size]
    return (
        ((section - middle[0]) / (0.48 * size[0])) ** 2
        + ((anterior - 0.1 * size[1]) / (0.75 * size[1])) ** 2
        + ((superior - middle[2]) / (0.42 * size[2])) ** 2
    ) < 1


def papers_tiling(network: Network, volume: np.ndarray, mask: np.ndarray, batch: int) -> np.ndarray:
    """Probability (section, anterior, superior) in tiles side by side, in plain torch."""
    size = volume.shape[1:]
    whole = np.concatenate((volume, mask[None])).astype(np.float32) if network.mask_prior else volume
    counts = [-(-n // o) for n, o in zip(size, OUT, strict=True)]
    pads = [(less // 2, c * o - n + less // 2) for n, o, c, less in zip(size, OUT, counts, (18, 38, 38), strict=True)]
    padded = torch.from_numpy(np.pad(whole, ((0, 0), *pads), mode="reflect"))
    starts = [tuple(i * o for i, o in zip(index, OUT, strict=True)) for index in np.ndindex(*counts)]
    result = np.zeros([c * o for c, o in zip(counts, OUT, strict=True)], dtype=np.float32)
    for first in range(0, len(starts), batch):
        chosen = starts[first : first + batch]
        tiles = torch.stack([padded[:, a : a + IN[0], b : b + IN[1], c : c + IN[2]] for a, b, c in chosen])
        grids = [np.indices(OUT) + np.array(start)[:, None, None, None] for start in chosen]
        places = torch.from_numpy(np.stack(grids) / np.array(size)[:, None, None, None]).float()
        found = torch.softmax(network(tiles, places if network.coordinates else None), dim=1)[:, 1].numpy()
        for (a, b, c), tile in zip(chosen, found, strict=True):
            result[a : a + OUT[0], b : b + OUT[1], c : c + OUT[2]] = tile
    return result[: size[0], : size[1], : size[2]]


def timed(work: Callable[[], object]) -> list[float]:
    """Seconds of some repetitions."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def rows(preset: str, size: tuple[int, int, int]) -> list[str]:
    """Lines of the table for one network."""
    network = build(Architecture.of(preset))
    initialise(network, 1)
    network.eval()
    volume = np.random.default_rng(0).normal(size=(3, *size)).astype(np.float32)
    mask = ellipsoid(size)
    everywhere = np.ones(size, dtype=bool)
    ways: dict[str, Callable[[np.ndarray], object]] = {
        "paper's tiling, batch 1": lambda m: papers_tiling(network, volume, m, 1),
        "paper's tiling, batch 8": lambda m: papers_tiling(network, volume, m, 8),
    }
    for precision in ("float32", "bfloat16"):
        ways[f"radparity, {precision}"] = lambda m, precision=precision: predict_volume(
            [(network, as_is)], volume, m, threads=THREADS, memory_mb=MEMORY_MB, precision=precision
        )
    lines = []
    for where, region in (("breast", mask), ("everything", everywhere)):
        reference = 0.0
        for name, way in ways.items():
            with torch.inference_mode():
                seconds = timed(lambda way=way, region=region: way(region))
            speeds = [region.sum() / s for s in seconds]
            middle = statistics.median(speeds)
            reference = max(reference, middle) if name.startswith("paper") else reference
            lines.append(
                f"| {preset} | {where} | {name} | {middle:,.0f} | {min(speeds):,.0f} to {max(speeds):,.0f} |"
                f" {middle / reference:.1f} |"
            )
            print(lines[-1], file=sys.stderr)
    return lines


def main() -> None:
    """Print the table."""
    if os.environ.get("MALLOC_MMAP_MAX_") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | MALLOC)
    torch.set_num_threads(THREADS)
    sections, side = (int(n) for n in (sys.argv[1:] or ("40", "256")))
    size = (sections, side, side)
    made = [line for preset in ("paper", "released") for line in rows(preset, size)]
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy"))
    print(f"{processor()}, {THREADS} threads, Python {platform.python_version()}, {packages}.")
    print(f"Volume of {' x '.join(map(str, size))} voxels, {100 * ellipsoid(size).mean():.0f} % of them breast;")
    print(
        f"tiles of ours in {MEMORY_MB} MB. Median and range of {REPEATS} repetitions; voxels of the region named that"
    )
    print("have a prediction. The last column is against the faster way of the paper's tiling in the same region.\n")
    print("| network | region | way | voxels a second | range | times the paper's |\n|---|---|---|---:|---:|---:|")
    print("\n".join(made))


if __name__ == "__main__":
    main()
