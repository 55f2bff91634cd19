"""The device of a job, each in a process of its own with what a scheduler sets there."""

import os
import subprocess
import sys

import pytest

from radparity.code import LIBRARY

CHOOSE = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
from radparity.networks.device import choose_device
print(choose_device(sys.argv[1]))
"""
SEES_A_GPU = "import torch; raise SystemExit(not torch.cuda.is_available())"


def clean():
    """This process's environment without what a scheduler may have set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "CUDA_"))}
    return kept | {"PYTHONPATH": str(LIBRARY.parent)}


def choose(wanted, **variables):
    command = [sys.executable, "-c", CHOOSE, wanted]
    return subprocess.run(command, env=clean() | variables, capture_output=True, text=True)


@pytest.fixture(scope="module")
def without_gpu():
    if subprocess.run([sys.executable, "-c", SEES_A_GPU], env=clean()).returncode == 0:
        pytest.skip("this machine has a GPU")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"SLURM_JOB_ID": "7"},
        {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "NoDevFiles"},
        {"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "", "CUDA_VISIBLE_DEVICES": ""},
        {"CUDA_VISIBLE_DEVICES": "0"},
    ],
)
def test_auto_takes_the_processor_where_no_gpu_was_given(without_gpu, variables):
    done = choose("auto", **variables)
    assert done.returncode == 0 and done.stdout == "cpu\n", done.stderr
    assert "(CUDA " in done.stderr and "device cpu" in done.stderr


@pytest.mark.parametrize("variable", ["SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES"])
def test_auto_fails_at_once_in_a_slurm_job_whose_gpu_is_not_seen(without_gpu, variable):
    done = choose("auto", SLURM_JOB_ID="7", **{variable: "0"})
    assert done.returncode != 0 and done.stdout == ""
    assert f"SLURM gave this job a GPU ({variable}=0)" in done.stderr and "device: cpu" in done.stderr


def test_a_gpu_that_was_asked_for_and_is_not_seen_fails_at_once(without_gpu):
    done = choose("cuda")
    assert done.returncode != 0 and "device: cuda is asked for" in done.stderr and "device: auto" in done.stderr


def test_the_processor_is_taken_where_it_is_asked_for_whatever_slurm_gave():
    done = choose("cpu", SLURM_JOB_ID="7", SLURM_JOB_GPUS="0", CUDA_VISIBLE_DEVICES="0")
    assert done.returncode == 0 and done.stdout == "cpu\n", done.stderr
