"""Which device a job computes on."""

from __future__ import annotations

import logging
import os

from radparity import ledger

log = logging.getLogger(__name__)
# As SLURM says in a job which GPUs it was given, and what stands there in a job without.
GIVEN_BY_SLURM = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES")
NONE_GIVEN = ("", "NoDevFiles", "-1")


def choose_device(wanted: str) -> str:
    """`cuda` or `cpu` for auto, cpu or cuda; the log says which, and torch's own CUDA.

    Raises RuntimeError where no GPU is seen though one is asked for, or though SLURM gave this job one.
    """
    import torch

    build = f"torch {torch.__version__} (CUDA {torch.version.cuda})"
    seen = torch.cuda.is_available()
    if wanted == "cuda" and not seen:
        raise RuntimeError(
            f"train: device: cuda is asked for, but {build} sees no GPU."
            " Ask the scheduler for one, or write device: auto"
        )
    given = _given_by_slurm()
    if wanted == "auto" and given and not seen:
        look = "whether its driver is new enough (nvidia-smi)" if torch.version.cuda else "for a torch built with CUDA"
        raise RuntimeError(
            f"SLURM gave this job a GPU ({given}), but {build} sees none on {os.uname().nodename}. Look {look},"
            " or write train: device: cpu and ask for no GPU in the profile"
        )
    device = "cuda" if wanted != "cpu" and seen else "cpu"
    kind = str(torch.cuda.get_device_name()) if device == "cuda" else device
    ledger.computes_on(kind)
    log.info("%s, device %s", build, kind)
    return device


def _given_by_slurm() -> str | None:
    """The variable that says which GPUs this job was given; None outside of SLURM and in a job without."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    found = ((name, os.environ.get(name, "")) for name in GIVEN_BY_SLURM)
    return next((f"{name}={value}" for name, value in found if value not in NONE_GIVEN), None)
