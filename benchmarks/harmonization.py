"""What each harmonization does to the difference between two scanners, on virtual patients imaged on both.

The scanners differ in gain, noise, coil and contrast. The tissue is known, so the same fat, gland and cancer are
compared. What is learned is learned from other patients, each imaged on one scanner, as in a study.

python benchmarks/harmonization.py > benchmarks/harmonization.md
"""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.channels import DEFAULT_CHANNELS
from radparity.grid import GridRules
from radparity.harmonize import HARMONIZATIONS, Settings, harmonize_breast, raw_channels
from radparity.phantom import image
from radparity.phantom.anatomy import paint
from radparity.phantom.design import SCANNERS, SIZES, ExamDesign, generator
from radparity.phantom.enhancement import phase_times
from radparity.phantom.grid import place
from radparity.scaling import learn

SEED, TRAINING, TEST = 11, range(1, 25), range(25, 41)
# Name, and the power of its signal: below 1, bright tissue is compressed as by another flip angle or echo time.
FIRST, SECOND = ("Genesis Signa 1.5T", 1.0), ("Signa HDxt 3T", 0.8)
PLAIN = Settings(GridRules("off"))
TISSUES = ("fat", "gland", "cancer")
Tissue = dict[str, NDArray[np.bool_]]


def imaged(patient: int, scanner: tuple[str, float]) -> tuple[NDArray[Any], NDArray[Any], list[float], Tissue]:
    """One patient's phases (section, anterior, superior, phase) on a scanner, affine, times, and where which tissue is.

    The tissue of a patient does not depend on the scanner.
    """
    name, power = scanner
    design = ExamDesign(
        f"E{patient:02d}", f"P{patient:02d}", "left", "malignant", "", "test", name, "coarse", 4, "per_phase", "none"
    )
    native, painted, slabs = place(design, SIZES["demo"], SEED)
    anatomy = paint(design, painted, slabs, SIZES["demo"], SEED)
    times = phase_times(generator(SEED, design.exam, "times"), design.phases)
    bright, noise = 60 * SCANNERS[name].gain, SCANNERS[name].noise
    phases = []
    for number, moment in enumerate(times):
        signal = np.maximum(image.sample(anatomy.signal(moment), painted, native), 0)
        signal = (bright * (signal / bright) ** power).astype(np.float32)
        phases.append(image.rician(generator(SEED, design.exam, name, str(number)), signal, noise))
    base, background, vessel = (
        image.sample(part, painted, native) for part in (anatomy.baseline, anatomy.uptake[0][1], anatomy.uptake[1][1])
    )
    deep = (image.level(anatomy.skin, painted, native) > 5) & (image.level(anatomy.wall, painted, native) > 3)
    lesion = image.lesion_numbers(anatomy, native)
    cancers = [mark.number for mark in anatomy.marks if mark.kind == "cancer"]
    # What background tissue takes up, as a share of its signal, tells fat (0.1) from gland; coil and gain cancel.
    share = background / np.maximum(base, 1e-6)
    plain = deep & (lesion == 0) & (vessel < 0.02 * base)
    tissue = {
        "fat": plain & (share < 0.12),
        "gland": plain & (share > 0.3),
        "cancer": deep & np.isin(lesion, cancers),
    }
    return np.stack(phases, axis=-1), native.affine, times, tissue


def means(channels: NDArray[Any], tissue: Tissue) -> NDArray[np.float64]:
    """Mean of each channel in each tissue: (channel, tissue). channels: (channel, section, anterior, superior)."""
    return np.array([[float(channel[tissue[name]].mean()) for name in TISSUES] for channel in channels])


def compare(harmonization: str, training: list[Any], test: list[Any]) -> dict[str, NDArray[np.float64]]:
    """Means (patient, scanner, channel, tissue) of raw channels, of network input, of input of an unseen scanner."""

    def made(exam: Any, scanner: str, patient: int) -> tuple[NDArray[Any], dict[str, Any]]:
        phases, affine, times, _ = exam
        channels, _, facts = harmonize_breast(phases, affine, times, "left", scanner, harmonization, PLAIN)
        return np.moveaxis(channels, -1, 0), {"case": f"E{patient:02d}L", **facts}

    scaling = learn([made(exam, scanner, n)[1] for n, (scanner, exam) in enumerate(training)], DEFAULT_CHANNELS)
    found: dict[str, list[Any]] = {"seen": [], "unseen": []}
    for patient, pair in enumerate(test):
        rows: dict[str, list[Any]] = {"seen": [], "unseen": []}
        for scanner, exam in pair:
            channels, facts = made(exam, scanner, patient)
            rows["seen"].append(means(scaling.of(facts)(channels), exam[3]))
            rows["unseen"].append(means(scaling.apply(channels, "unseen"), exam[3]))
        for name, row in rows.items():
            found[name].append(row)
    return {name: np.array(rows) for name, rows in found.items()}


def table(title: str, found: NDArray[np.float64]) -> list[list[str]]:
    """Rows of one harmonization: second scanner minus first, in per cent of the channel's range over the tissues."""
    contrast = np.ptp(found, axis=-1).mean(axis=(0, 1))
    apart = 100 * (found[:, 1] - found[:, 0]) / contrast[:, None]
    low, middle, high = np.percentile(apart, [25, 50, 75], axis=0)
    cells = [
        [f"{middle[c, t]:+.0f} ({low[c, t]:+.0f} to {high[c, t]:+.0f})" for t in range(len(TISSUES))]
        for c in range(len(DEFAULT_CHANNELS))
    ]
    return [[title, channel, *row] for channel, row in zip(DEFAULT_CHANNELS, cells, strict=True)]


def processor() -> str:
    """The processor's name as the system gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    """Image everyone, harmonize in every way, print the tables."""
    started = time.monotonic()
    training = []
    for patient in TRAINING:
        scanner = (FIRST, SECOND)[patient % 2]
        training.append((scanner[0], imaged(patient, scanner)))
    test = [[(scanner[0], imaged(patient, scanner)) for scanner in (FIRST, SECOND)] for patient in TEST]
    print("virtual patients are imaged", file=sys.stderr)
    raw = np.array(
        [
            [means(np.stack(list(raw_channels(exam[0], exam[2], as_rate=False))), exam[3]) for _, exam in pair]
            for pair in test
        ]
    )
    rows = table("none", raw)
    for harmonization in HARMONIZATIONS:
        found = compare(harmonization, training, test)
        rows += table(harmonization, found["seen"])
        if harmonization == "histogram":
            rows += table("histogram, scanners unseen in training", found["unseen"])
    rows.sort(key=lambda row: DEFAULT_CHANNELS.index(row[1]))  # type: ignore[arg-type]
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    print(
        f"{len(TEST)} virtual patients, each imaged on two scanners without motion; what is learned is learned from"
        f" {len(TRAINING)}\nothers, each imaged on one. First: {FIRST[0]}, gain {SCANNERS[FIRST[0]].gain}. Second:"
        f" {SECOND[0]}, gain {SCANNERS[SECOND[0]].gain}, another coil and noise,\nsignal to the power of"
        f" {SECOND[1]}.\n\nMean intensity of the same tissue, second scanner minus first, in per cent of the channel's"
        " range over the three tissues:\nmedian over patients (quartiles). 0 is no difference."
        " Nothing measured on virtual exams is a clinical result.\n"
    )
    print("| channel | harmonization | fat | gland | cancer |\n|---|---|---:|---:|---:|")
    for title, channel, *cells in rows:
        print(f"| {channel} | {title} | {' | '.join(cells)} |")
    print(
        f"\n{time.monotonic() - started:.0f} s on {processor()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}, {packages}"
    )


if __name__ == "__main__":
    main()
