"""The breast mask of both methods against the truth of the demo's virtual exams, and a picture of the real exam.

Needs the demo study's registered images (make study). The network learns from the development patients' true masks
and is measured on the other patients; few steps at a high rate, since phantoms are easily learned.

python benchmarks/mask.py > benchmarks/mask.md    (writes docs/mask_real_exam.png)
"""

from __future__ import annotations

import csv
import platform
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy import ndimage

from radparity.grid import GridRules, breast_grid
from radparity.image import load, spacing
from radparity.mask import classical, network
from radparity.mask.sections import resize, to_sections
from radparity.networks.mask_unet import MaskUNet
from radparity.register import TARGET
from radparity.train.mask_loop import MaskedBreast, MaskSettings, train_mask

ROOT = Path(__file__).parents[1]
SETTINGS = MaskSettings(steps=120, minibatch=8, learning_rate=1e-3, validate_every=120)
SHOWN = (4, 12, 20, 28, 36, 44, 52, 57)
LARGE = (60, 512, 512)


def table(name: str) -> list[dict[str, str]]:
    """A sheet of the demo study."""
    named = yaml.safe_load((ROOT / "config.yaml").read_text())["sheets"][name]
    with (ROOT / named).open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def image_of(exam: str, side: str) -> tuple[NDArray[Any], Any, Any]:
    """The breast's own part of the first post-contrast volume, its grid, and its spacing."""
    phases, affine = load(ROOT / f"results/register/{exam}/registered.nii.gz")
    grid = breast_grid(phases[..., TARGET], affine, side, GridRules())
    return grid.cut(phases[..., TARGET]).copy(), grid, spacing(grid.native)


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * float((found & truth).sum()) / float(found.sum() + truth.sum())


def line(name: str, scores: dict[str, float], seconds: float) -> str:
    """One row: quartiles, and who is worst."""
    worst = min(scores, key=scores.__getitem__)
    low, middle, high = np.percentile(list(scores.values()), [25, 50, 75])
    return (
        f"| {name} | {len(scores)} | {middle:.3f} | {low:.3f} to {high:.3f} | {scores[worst]:.3f} ({worst}) |"
        f" {seconds / len(scores):.1f} |"
    )


def picture(image: NDArray[Any], mask: NDArray[np.bool_], step: Any, path: Path) -> None:
    """Sections of the real exam with the mask's outline."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    figure, axes = plt.subplots(2, 4, figsize=(9, 4.7), dpi=100, facecolor="black")
    bright = np.percentile(image, 99)
    for section, axis in zip(SHOWN, axes.flat, strict=True):
        shade = np.sqrt(np.clip(image[section].T / bright, 0, 1))
        axis.imshow(shade, cmap="gray", origin="lower", aspect=step[2] / step[1], interpolation="bilinear")
        axis.contour(mask[section].T, [0.5], colors="#ffd000", linewidths=0.9)
        axis.set_title(f"section {section}", color="white", fontsize=7, pad=2)
        axis.axis("off")
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.955, 0.02, 0.07)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    Image.fromarray(pixels).quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    patient = {row["exam"]: row["patient"] for row in table("exams")}
    truths = {row["exam"]: row["truth"] for row in table("exams")}
    real = next(row for row in table("breasts") if not truths[row["exam"]])
    image, _, step = image_of(real["exam"], real["side"])
    mask, facts = classical.breast_mask(image, step)
    picture(image, mask, step, ROOT / "docs/mask_real_exam.png")

    held = [np.asarray(n) / m for n, m in zip(LARGE, image.shape, strict=True)]
    large = ndimage.zoom(image, held, order=1)
    started = time.process_time()
    classical.breast_mask(large, step / np.array(held))
    large_seconds, large_gb = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    del large

    rows = [row for row in table("breasts") if truths[row["exam"]]]
    scores: dict[str, dict[str, float]] = {"all": {}, "others": {}, "network": {}}
    seconds, learned, others = 0.0, [], []
    for row in rows:
        name = row["breast"]
        print(name, file=sys.stderr, flush=True)
        image, grid, step = image_of(row["exam"], row["side"])
        known = load(ROOT / f"data/demo/truth/{row['exam']}/breast.nii.gz", np.uint8)[0]
        truth = grid.cut(known) == (1 if row["side"] == "left" else 2)
        started = time.process_time()
        scores["all"][name] = dice(classical.breast_mask(image, step)[0], truth)
        seconds += time.process_time() - started
        if row["partition"] == "development":
            drawn = resize(truth, (256, 256)) > 0.5
            learned.append(MaskedBreast(name, patient[row["exam"]], to_sections(image, step), drawn))
        else:
            scores["others"][name] = scores["all"][name]
            others.append((name, image, step, truth))

    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = train_mask(learned, [], SETTINGS, 1, Path(folder))
    trained_seconds, started = time.process_time() - started, time.process_time()
    unet = MaskUNet()
    unet.load_state_dict(result.weights)
    for name, image, step, truth in others:
        scores["network"][name] = dice(network.breast_mask(unet, image, step)[0], truth)
    network_seconds = time.process_time() - started

    print("# Breast mask\n\nMade by `python benchmarks/mask.py`; how the masks are made: docs/mask.md.\n")
    print("| method | breasts | median Dice | quartiles | worst | seconds a breast |\n|---|---|---|---|---|---|")
    print(line("classical, all virtual breasts", scores["all"], seconds))
    print(line("classical, those the network has not seen", scores["others"], seconds * len(others) / len(rows)))
    print(line("network, those it has not seen", scores["network"], network_seconds))
    print(
        f"\nThe network learned from {len(learned)} development breasts in {SETTINGS.steps} steps of"
        f" {SETTINGS.minibatch} sections at a rate of {SETTINGS.learning_rate:g} ({trained_seconds:.0f} s); the others"
        " are of other patients. The real exam has no true mask:"
        f" classical, {facts['volume_ml']:.0f} ml, chest wall seen in {facts['wall_seen']:.0%} of the columns, picture"
        f" in docs/mask.md. Enlarged to {' x '.join(map(str, LARGE))} it takes {large_seconds:.0f} s and"
        f" {large_gb:.1f} GB at its peak, everything loaded included.\n\nPhantoms are not patients: these numbers say"
        " that the methods do what they are meant to do, not how well they do it on women."
        f"\n\nSeconds are of the processor, one thread, {platform.machine()}; Python {platform.python_version()},"
        f" torch {version('torch')}, numpy {version('numpy')}, scipy {version('scipy')}."
    )


if __name__ == "__main__":
    main()
