"""How fast the training loop is, and what its slabs cost. One run compares, with the same network and settings:

plain: float32, unfused Adam, channels first, patches cut in numpy from whole volumes in float32, one after the other;
loop: the study's own feed and step; ceiling: the study's step on random numbers that already lie on the device.
They take turns, so that whatever else the machine does meets all three alike.

python benchmarks/training.py [--steps 12] [--device cuda] > benchmarks/training.md
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from radparity.networks.compute import describe, on_device, reproducible
from radparity.networks.grid import coordinate_map, reflected
from radparity.networks.presets import Architecture, build, initialise
from radparity.scaling import Scaling
from radparity.slab import Breast, make_slab, open_breast
from radparity.train.feed import Feed
from radparity.train.loop import make_optimizer, train_step
from radparity.train.loss import soft_dice_loss
from radparity.train.patches import Minibatch
from radparity.train.sampling import Key, draw
from radparity.train.settings import Settings
from radparity.train.speed import flops_per_patch, peak_flops

NAMES = ("t1c", "dce_in", "dce_out")
SHAPE = (60, 256, 256)
WARM = 2
Step = Callable[[int], float]


def volumes(count: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Channels, mask and outline of virtual breasts of noise, the first half with a cancer."""
    made = np.random.default_rng(0)
    found = []
    for number in range(count):
        channels = made.normal(size=(3, *SHAPE)).astype(np.float32) * np.float32([40, 0.3, 1e-3])[:, None, None, None]
        mask = np.zeros(SHAPE, np.uint8)
        mask[:, 20:-20, 20:-20] = 1
        outline = np.zeros(SHAPE[1:], np.uint8)
        outline[100:120, 90:115] = 1
        found.append((channels, mask, outline if number < count // 2 else None))
    return found


def slabs(folder: Path, cases: list[Any], scaling: Scaling) -> tuple[list[Breast], float, int, int]:
    """The breasts as training opens them; seconds to make and write one, its bytes, and those of its volume."""
    breasts, seconds = [], 0.0
    for number, (channels, mask, outline) in enumerate(cases):
        began = time.perf_counter()
        planes, facts = make_slab(channels, mask, outline, None if outline is None else 30)
        path = folder / f"{number}.npy"
        np.save(path, planes)
        seconds += time.perf_counter() - began
        way = {"harmonization": "pre_p95", "dce_in": "difference", "scanner": "any", "channels": list(NAMES)}
        label: Any = "benign" if outline is None else "malignant"
        record = {"case": f"B{number}", **facts, **way}
        breasts.append(open_breast(record, path, f"P{number}", label, NAMES, scaling))
    volume = cases[0][0].nbytes + cases[0][1].nbytes
    return breasts, seconds / len(cases), breasts[0].planes.nbytes, volume


def plain(settings: Settings, feed: Feed, cases: list[Any], scaling: Scaling, device: str) -> Step:
    """The loop one would write first."""
    network = build(settings.architecture, settings.batch_norm_momentum).to(device)
    initialise(network, 1)
    optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, eps=1e-7, foreach=False, fused=False)
    margins = [less // 2 for less in settings.architecture.geometry.reduction]

    def patch(index: int, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        drawn = draw(feed.breasts, feed.pools, feed.key, index, number, feed.plan)
        channels, mask, outline = cases[drawn.breast]
        places = [reflected(c - n // 2, n, e) for c, n, e in zip(drawn.centre, settings.patch, SHAPE, strict=True)]
        box = np.ix_(*places)
        image = scaling.apply(np.stack([channel[box] for channel in channels]), "any")
        volume = np.concatenate((image, mask[box][None].astype(np.float32)))
        inner = [p[m : p.size - m] for p, m in zip(places, margins, strict=True)]
        tumour = (
            np.zeros((1, inner[1].size, inner[2].size), bool)
            if outline is None
            else outline[None, *np.ix_(*inner[1:])] > 0
        )
        coordinates = coordinate_map(*inner, SHAPE)
        if drawn.flip is not None:
            axis = drawn.flip - 3
            volume, coordinates, tumour = (np.flip(a, axis) for a in (volume, coordinates, tumour))
        return volume, coordinates, tumour

    def step(index: int) -> float:
        parts = zip(*(patch(index, number) for number in range(settings.minibatch)), strict=True)
        volume, coordinates, tumour = (torch.from_numpy(np.stack(part)).to(device) for part in parts)
        if not settings.architecture.mask_prior:
            volume = volume[:, :-1].contiguous()
        optimizer.zero_grad()
        logits = network(volume, coordinates if settings.architecture.coordinates else None)
        loss = soft_dice_loss(logits, tumour)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def ours(settings: Settings, source: Callable[[int], Minibatch], device: str) -> Step:
    """The study's step on the minibatches of `source`."""
    network = build(settings.architecture, settings.batch_norm_momentum)
    initialise(network, 1)
    network = on_device(network, device)
    optimizer = make_optimizer(network, settings)
    return lambda index: train_step(network, optimizer, source(index), settings, index).item()


def random_minibatch(feed: Feed, device: str) -> Minibatch:
    """Random numbers in the shape of a minibatch."""
    volume, coordinates, tumour = feed.make(0)
    noise = torch.randn_like(volume)
    return Minibatch(noise, None if coordinates is None else torch.rand_like(coordinates), tumour)


def measure(ways: dict[str, Step], steps: int, device: str) -> dict[str, float]:
    """Median seconds a step of each way, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for index in range(steps + WARM):
        for name, step in ways.items():
            if device == "cuda":
                torch.cuda.synchronize()
            began = time.perf_counter()
            step(index)
            seconds[name].append(time.perf_counter() - began)
    return {name: float(np.median(values[WARM:])) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--networks", nargs="+", default=["paper:8:59:8", "paper:16:75:8", "released:16:75:8"])
    chosen = parser.parse_args()
    scaling = Scaling("pre_p95", "difference", NAMES, (40.0, 0.3, 1e-3))
    cases = volumes(6)
    with tempfile.TemporaryDirectory() as folder, reproducible(chosen.threads):
        breasts, seconds, held, volume = slabs(Path(folder), cases, scaling)
        print("# Training: speed\n")
        print(
            f"{describe(chosen.threads, chosen.device)}; {platform.machine()}; {chosen.precision}; `{parser.prog}`.\n"
        )
        print("| network, width, patch, minibatch | plain, s | loop, s | ceiling, s | of the ceiling | times plain "
              "| patches a second | GFLOP a second | of the peak |")  # fmt: skip
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
        for network in chosen.networks:
            preset, width, side, minibatch = network.split(":")
            patch = (19, int(side), int(side))
            architecture = Architecture.of(preset, width=int(width))
            settings: Any = Settings(
                architecture, 100, minibatch=int(minibatch), patch=patch, precision=chosen.precision
            )
            feed = Feed(breasts, Key(1, "arm", "1"), settings.plan, settings.minibatch, architecture, chosen.device)
            ready = feed.minibatches(0, chosen.steps + WARM)
            constant = random_minibatch(feed, chosen.device)
            found = measure(
                {
                    "plain": plain(settings, feed, cases, scaling, chosen.device),
                    "loop": ours(settings, lambda index, ready=ready: next(ready), chosen.device),
                    "ceiling": ours(settings, lambda index, constant=constant: constant, chosen.device),
                },
                chosen.steps,
                chosen.device,
            )
            rate = settings.minibatch / found["loop"]
            work, peak = rate * flops_per_patch(architecture, patch), peak_flops(chosen.device)
            print(
                f"| {preset}, {width}, {' x '.join(map(str, patch))}, {minibatch} | {found['plain']:.3f} |"
                f" {found['loop']:.3f} | {found['ceiling']:.3f} | {found['ceiling'] / found['loop']:.1%} |"
                f" {found['plain'] / found['loop']:.2f} | {rate:.1f} | {work / 1e9:.1f} |"
                f" {f'{work / peak:.1%}' if peak else ''} |",
                flush=True,
            )
        print(
            f"\nOne breast of 3 channels of {' x '.join(map(str, SHAPE))} voxels: volume (float32) with mask"
            f" {volume / 1e6:.1f} MB, slab {held / 1e6:.1f} MB ({held / volume:.1%}), made and written in"
            f" {seconds:.2f} s."
        )


if __name__ == "__main__":
    main()
