"""Trial: what is ranked or set against another, an arm with the scores of all its repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Trial:
    """An arm, or a point of a learning curve.

    scores: one table a repeat, as `select.scores` describes its columns.
    """

    name: str
    scores: Sequence[pd.DataFrame]

    @cached_property
    def by_repeat(self) -> pd.DataFrame:
        """Dice of every case (index breast) in every repeat (columns from 0): cases that all repeats have."""
        columns = [table.dropna(subset=["dice"]).set_index("breast")["dice"] for table in self.scores]
        return pd.concat(columns, axis=1, join="inner", keys=range(len(columns))).sort_index()

    @cached_property
    def dice(self) -> pd.Series[float]:
        """Dice of every case (index breast), the mean over the repeats."""
        return self.by_repeat.mean(axis=1)

    @cached_property
    def patients(self) -> pd.Series[str]:
        """Patient of every case that any repeat names (index breast)."""
        return pd.concat([table.set_index("breast")["patient"] for table in self.scores]).groupby(level=0).first()

    @property
    def left_out(self) -> int:
        """How many cases have no score in some repeat."""
        return len(self.patients) - len(self.dice)

    @cached_property
    def repeat_means(self) -> NDArray[np.float64]:
        """The mean Dice of every repeat (k,)."""
        means: NDArray[np.float64] = self.by_repeat.mean(axis=0).to_numpy(dtype=np.float64)
        return means

    @property
    def spread(self) -> float:
        """Standard deviation between the repeats' means; nan for a single one."""
        return float(np.std(self.repeat_means, ddof=1)) if len(self.scores) > 1 else float("nan")

    def on(self, breasts: pd.Index[str]) -> pd.Series[float]:
        """Dice of the named cases, in their order."""
        return self.dice.loc[breasts]


def shared(trials: Sequence[Trial]) -> pd.Index[str]:
    """The cases that all trials have, sorted."""
    return reduce(lambda some, more: some.intersection(more), (trial.dice.index for trial in trials)).sort_values()


def read_scores(path: str) -> pd.DataFrame:
    """A table of scores from its file; only an empty cell is missing."""
    text = dict.fromkeys(("breast", "patient", "fold", "left_out"), str)
    return pd.read_csv(path, sep="\t", dtype=text, keep_default_na=False, na_values=[""])
