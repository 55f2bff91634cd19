"""Which device a job computes on."""

from __future__ import annotations


def choose_device(wanted: str) -> str:
    """`cuda` or `cpu` for auto, cpu or cuda. Raises RuntimeError where a GPU is asked for and none is seen."""
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            f"train: device: cuda is asked for, but torch {torch.__version__} (CUDA {torch.version.cuda}) sees no GPU."
            " Ask the scheduler for one, or write device: auto"
        )
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"
