"""The table of scores as arrays, case by reference: what the models over references work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.patients import Float


@dataclass(frozen=True)
class Paired:
    """Dice of network and reader on each reference.

    `network` and `reader` are (case, reference), both nan where the pair is unusable; `patients` (case,) has the
    patient of each case; `references` names the second axis.
    """

    references: list[str]
    patients: NDArray[np.object_]
    network: Float
    reader: Float

    @property
    def complete(self) -> Paired:
        """The cases of which every reference is usable: all that a repeated-measures design can take."""
        kept = np.isfinite(self.network).all(axis=1)
        return Paired(self.references, self.patients[kept], self.network[kept], self.reader[kept])


def paired(scores: pd.DataFrame) -> Paired:
    """A table made by `scores.score` as arrays; cases and references keep the order they have there."""
    references = list(dict.fromkeys(scores["reference"]))
    cases = scores.drop_duplicates("case")
    wide = scores.set_index(["case", "reference"])[["dice_network", "dice_reader"]].unstack("reference")
    wide = wide.reindex(cases["case"])
    network, reader = (wide[name][references].to_numpy(dtype=np.float64) for name in ("dice_network", "dice_reader"))
    return Paired(references, cases["patient"].to_numpy(dtype=object), network, reader)
