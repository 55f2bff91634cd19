"""Tables of scores for tests of the statistics: random ones, and the awkward ones that studies do produce."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

KINDS = ("plain", "ties", "zeros", "perfect agreement", "constant network", "misses")


def table(network: np.ndarray, reader: np.ndarray, patients: list[str]) -> pd.DataFrame:
    """A table as `score` makes it, from Dice (case, reference); nan in both where the pair is unusable."""
    rows = [
        {
            "case": f"c{i:03d}",
            "patient": patients[i],
            "reference": f"R{k + 1}",
            "dice_network": network[i, k],
            "dice_reader": reader[i, k],
            "reference_voxels": 0 if np.isnan(network[i, k]) else 100,
            "usable": not np.isnan(network[i, k]),
            "emptied_by": "no overlap" if np.isnan(network[i, k]) else "",
        }
        for i, k in np.ndindex(network.shape)
    ]
    return pd.DataFrame(rows)


def made(
    kind: str, seed: int, cases: int, references: int, *, pairs: bool = True, unusable: bool = False
) -> pd.DataFrame:
    """A random table of a kind; with `pairs` every other patient has two breasts, which are alike."""
    generator = np.random.default_rng(seed)
    patients = [f"p{i - (pairs and i % 3 == 2):03d}" for i in range(cases)]
    woman = {patient: generator.normal(0, 0.08, 2) for patient in sorted(set(patients))}
    own = np.array([woman[patient] for patient in patients])
    hard = generator.normal(0, 0.05, (cases, 1))
    both = 0.75 + own[:, :1] + hard + generator.normal(0, 0.02, (cases, references))
    network = both + own[:, 1:] / 3 + generator.normal(0, 0.04, (cases, references))
    reader = both + generator.normal(0, 0.04, (cases, references))
    network, reader = np.clip(network, 0, 1), np.clip(reader, 0, 1)
    if kind == "ties":
        network, reader = network.round(1), reader.round(1)
    if kind == "zeros":
        network[::2] = reader[::2]
    if kind == "perfect agreement":
        network = reader.copy()
    if kind == "constant network":
        network[:] = 0.7
    if kind == "misses":
        network[generator.random(cases) < 0.3] = 0.0
    if unusable:
        gone = generator.random((cases, references)) < 0.15
        network, reader = np.where(gone, np.nan, network), np.where(gone, np.nan, reader)
    return table(network, reader, patients)


@st.composite
def tables(draw: st.DrawFn, least: int = 3, most: int = 30) -> pd.DataFrame:
    """Any kind of table, from three cases on, with or without unusable pairs."""
    return made(
        draw(st.sampled_from(KINDS)),
        draw(st.integers(0, 10_000)),
        draw(st.integers(least, most)),
        draw(st.integers(2, 4)),
        pairs=draw(st.booleans()),
        unusable=draw(st.booleans()),
    )


def wide(scores: pd.DataFrame, name: str) -> np.ndarray:
    """Dice (case, reference)."""
    return scores.pivot(index="case", columns="reference", values=name).to_numpy()


def long(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a case, reference and rater type, as packages of statistics want it."""
    halves = [scores.assign(type=t, dice=scores[f"dice_{t}"]) for t in ("network", "reader")]
    return pd.concat(halves).dropna(subset=["dice"]).reset_index(drop=True)
