"""Prediction within a memory budget, and where the memory is not there: measured in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow"
# What was freed goes back to the system at once: else the peak depends on what lies free in the heap before it.
GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_ARENA_MAX": "1"}
START = """
import logging, resource, sys
import numpy as np, torch
from radparity.networks.presets import Architecture, build, initialise
from radparity.predict import predict_volume
from radparity.scaling import as_is

logging.basicConfig(stream=sys.stdout, format="%(message)s")
network = build(Architecture.of("released", width=16))
initialise(network, 1)
models = [(network, as_is)]
channels = np.random.default_rng(0).normal(size=(3, 1, 130, 130)).astype(np.float32)
# Once in small, so that libraries and threads have what they take whatever the input.
small = predict_volume(models, channels, None, memory_mb=130).probability
"""
PEAK = """
held = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
budget = float(sys.argv[1])
# The peak from here on: getrusage would give that of the process that started this one, where it is higher.
open("/proc/self/clear_refs", "w").write("5")
predict_volume(models, channels, None, memory_mb=budget)
(peak,) = (int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print((peak - held) / 1e6)
"""
LIMIT = """
address_space = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (address_space + int(float(sys.argv[1]) * 1e6), -1))
found = predict_volume(models, channels, None, memory_mb=100_000).probability
print("difference", np.abs(found - small).max())
"""


def run(program: str, argument: float) -> str:
    """What the program prints, with its last line of error where it fails."""
    environment = os.environ | {"PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1"} | GIVEN_BACK
    command = [sys.executable, "-c", START + program, str(argument)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + (done.stderr.splitlines()[-1] if done.returncode else "")


@pytest.mark.parametrize("budget", [150, 240])
def test_the_peak_stays_under_the_budget(budget: float) -> None:
    # Image, maps and what the threads hold come on top of the tiles: 3 MB here, a little more on other processors.
    assert float(run(PEAK, budget)) < budget + 10


def test_out_of_memory_goes_on_with_smaller_tiles_and_the_same_map() -> None:
    printed = run(LIMIT, 130)
    assert "out of memory with a tile of" in printed
    assert float(printed.split("difference")[1]) < 1e-4


def test_no_memory_at_all_is_one_clear_line() -> None:
    last = run(LIMIT, 3).splitlines()[-1]
    assert last.startswith("ValueError: predict: memory_mb:")
    assert "Give that much" in last
