"""Which channels a breast has, and where they lie along the last axis of its channels.nii.gz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from radparity.record import DataFault

Channel = Literal["t1c", "dce_in", "dce_out", "t2"]
CHANNELS: tuple[Channel, ...] = ("t1c", "dce_in", "dce_out", "t2")
DEFAULT_CHANNELS: tuple[Channel, ...] = CHANNELS[:3]
"""Those that every breast has; T2 is optional, and the last one."""


def channel_positions(record: Mapping[str, Any], wanted: Sequence[str]) -> list[int]:
    """Where the wanted channels lie, in their order.

    record: the harmonize record of the breast: `channels` names them in order, `t2_reason` says why there is no T2.
    Raises DataFault `no_t2` where T2 is wanted and the breast has none.
    """
    held = list(record["channels"])
    if "t2" in wanted and "t2" not in held:
        raise DataFault(
            "no_t2",
            f"the arm takes T2 and this breast has none: {record['t2_reason']}. Fetch the series, or judge the case by"
            " an arm without T2",
        )
    return [held.index(name) for name in wanted]
