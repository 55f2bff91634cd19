"""How fast a training runs: time per step, time spent waiting for data, and the arithmetic achieved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from radparity.networks.presets import Architecture, build
from radparity.train.patches import Minibatch

PEAK_TFLOPS = {
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "A40": 150.0,
    "RTX A6000": 155.0,
    "L4": 121.0,
}
"""Dense bfloat16 arithmetic by a part of the GPU's name, from NVIDIA's data sheets; the first that fits counts."""


def flops_per_patch(architecture: Architecture, patch: tuple[int, int, int]) -> float:
    """Floating-point operations of one patch, forward and backward, counted on tensors without data.

    A multiplication and an addition count as two. Convolutions only: the rest is small beside them.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = build(architecture)
        volume = torch.empty(2, architecture.channels + architecture.mask_prior, *patch)
        places = torch.empty(2, 3, *architecture.geometry.output(patch)) if architecture.coordinates else None
        network(volume, places).sum().backward()
    return float(counter.get_total_flops()) / 2


def peak_flops(device: str) -> float | None:
    """The GPU's bfloat16 peak, operations a second; None for a CPU and for a GPU that is not in the table."""
    if not device.startswith("cuda"):
        return None
    name = torch.cuda.get_device_name(device)
    return next((1e12 * peak for part, peak in PEAK_TFLOPS.items() if part in name), None)


class Meter:
    """Collects times between two reports."""

    def __init__(self, patch_flops: float, minibatch: int, peak: float | None) -> None:
        self.patch_flops, self.minibatch, self.peak = patch_flops, minibatch, peak
        self.restart()

    def restart(self) -> None:
        """Begin a new stretch of steps."""
        self.began, self.steps, self.waited = time.monotonic(), 0, 0.0

    def watch(self, minibatches: Iterator[Minibatch]) -> Iterator[Minibatch]:
        """The same minibatches; the time until each is at hand counts as waiting."""
        while True:
            asked = time.monotonic()
            minibatch = next(minibatches, None)
            self.waited += time.monotonic() - asked
            if minibatch is None:
                return
            yield minibatch

    def read(self) -> dict[str, Any]:
        """Figures of the steps since the last restart; `steps` must not be 0.

        model_flop_utilization is the share of the GPU's bfloat16 peak, whatever the precision; absent without a peak.
        """
        seconds = max(time.monotonic() - self.began, 1e-9)
        patches = self.steps * self.minibatch / seconds
        figures = {
            "seconds_per_step": seconds / self.steps,
            "waiting_share": self.waited / seconds,
            "patches_per_second": patches,
            "gflops_per_second": patches * self.patch_flops / 1e9,
        }
        return figures | ({"model_flop_utilization": patches * self.patch_flops / self.peak} if self.peak else {})
