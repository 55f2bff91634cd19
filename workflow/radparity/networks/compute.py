"""One place that makes torch reproducible: threads, algorithms, memory layout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils import deterministic

Network = TypeVar("Network", bound=nn.Module)


@contextmanager
def reproducible(threads: int) -> Iterator[None]:
    """Inside this context torch uses `threads` threads and only algorithms that leave the same bits every time.

    Bits are the same for the same machine kind, torch version and number of threads. The former settings come back
    at the end.
    """
    # cuBLAS reads this when its first handle is made; without it deterministic mode refuses to multiply matrices.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    memory: Any = deterministic
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        memory.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
    )
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Filling new memory only guards against reading it unset, at the price of writing every activation twice.
    memory.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        memory.fill_uninitialized_memory = before[2]
        torch.backends.cudnn.benchmark = before[3]


def on_device(network: Network, device: str) -> Network:
    """The network itself, moved to `device`, with channels last in memory: faster on a CPU, as measured."""
    network.to(device)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
            layer.to(memory_format=layouts[layer.weight.dim()])  # type: ignore[call-overload]
    return network


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on a GPU or by numpy's, torch's or oneDNN's allocator."""
    words = ("can't allocate memory", "not enough memory", "bad_alloc", "could not create a memory object")
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or any(word in str(error) for word in words)


def describe(threads: int, device: str) -> str:
    """What a bit of the weights may depend on, in one line: torch version, kind of device, threads."""
    kind = torch.cuda.get_device_name(device) if device.startswith("cuda") else torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {kind}, {threads} threads"
