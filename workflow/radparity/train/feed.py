"""Minibatches in the order of steps, the next one made ready while the current one is computed with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from radparity.networks.presets import Architecture
from radparity.slab import Breast
from radparity.train.patches import Minibatch, Tables, cut, finish
from radparity.train.sampling import Key, Plan, Pools, draw

RESIDENT_SHARE = 0.4
"""Share of a GPU's memory that the slabs may take; where they fit, patches are cut there."""


class Feed:
    """Draws, cuts and finishes minibatches.

    On a GPU a thread does so one step ahead, on a stream of its own; what it cuts on the host travels from pinned
    memory. On a CPU the thread would take from the computation the very time that it saves, so there is none unless
    `ahead` asks for it. The minibatch of a step is the same in any case.
    """

    def __init__(
        self,
        breasts: Sequence[Breast],
        key: Key,
        plan: Plan,
        minibatch: int,
        architecture: Architecture,
        device: str = "cpu",
        ahead: bool | None = None,
    ) -> None:
        self.breasts, self.key, self.plan, self.minibatch = breasts, key, plan, minibatch
        self.architecture, self.device = architecture, device
        self.pools, self.tables = Pools.of(breasts), Tables(device)
        self.on_gpu = device.startswith("cuda")
        self.ahead = self.on_gpu if ahead is None else ahead
        self.resident = self.on_gpu and _fit(breasts, device)
        self.planes = [torch.from_numpy(breast.planes) for breast in breasts]
        if self.resident:
            self.planes = [planes.to(device) for planes in self.planes]
        self.stream = torch.cuda.Stream(device) if self.on_gpu else None  # type: ignore[no-untyped-call]

    def make(self, step: int) -> Minibatch:
        """The minibatch of one step, whatever was made before it."""
        draws = [draw(self.breasts, self.pools, self.key, step, i, self.plan) for i in range(self.minibatch)]
        size = self.plan.patch
        stored = torch.stack([cut(self.planes[d.breast], self.breasts[d.breast], d, size) for d in draws])
        if self.on_gpu and not self.resident:
            stored = stored.pin_memory().to(self.device, non_blocking=True)
        own = self.architecture
        return finish(stored, draws, self.breasts, self.tables, own.geometry, own.mask_prior, own.coordinates)

    def minibatches(self, first: int, stop: int) -> Iterator[Minibatch]:
        """The minibatches of the steps `first` to `stop` - 1."""
        if not self.ahead:
            yield from (self.make(step) for step in range(first, stop))
            return
        with ThreadPoolExecutor(1, "feed") as thread:
            waiting = thread.submit(self._make_on_stream, first)
            for step in range(first, stop):
                minibatch, ready = waiting.result()
                if step + 1 < stop:
                    waiting = thread.submit(self._make_on_stream, step + 1)
                if ready is not None:
                    _hand_over(minibatch, ready)
                yield minibatch

    def _make_on_stream(self, step: int) -> tuple[Minibatch, torch.cuda.Event | None]:
        if self.stream is None:
            return self.make(step), None
        with torch.cuda.stream(self.stream):
            minibatch = self.make(step)
            ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
            ready.record(self.stream)
        return minibatch, ready


def _fit(breasts: Sequence[Breast], device: str) -> bool:
    total = torch.cuda.get_device_properties(device).total_memory
    return sum(breast.planes.nbytes for breast in breasts) <= RESIDENT_SHARE * total


def _hand_over(minibatch: Minibatch, ready: torch.cuda.Event) -> None:
    """Let the computing stream wait for the minibatch, and its memory be reused only when that stream is done."""
    computing = torch.cuda.current_stream()
    computing.wait_event(ready)
    tensors: list[Tensor] = [tensor for tensor in minibatch if tensor is not None]
    for tensor in tensors:
        tensor.record_stream(computing)
