"""The golden table's permutation of LIDC's slots (reader_statistics, section 3), for operating_characteristics.py.

In each draw the four slots of every nodule are permuted: the first is "the network", the others are the readers. So the
network truly is one of the readers, and every rejection is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from operating_procedures import Array, bracket_against_the_library, bracket_passes, normal_wilcoxon, two_sided_t

from radparity.compare.many import margin_tests
from radparity.compare.scores import Case, score
from radparity.compare.wilcoxon import signed_rank

LIDC = Path(__file__).parents[1] / "resources/lidc"
ALPHA, MARGIN = 0.05, 0.05
SPECIFICATION = {
    "averaged Wilcoxon": "0.153 / 0.002",
    "averaged Wilcoxon, union": "0.312 / 0.000",
    "Wilcoxon of reference 1": "0.027 / 0.027",
    "t of the average": "0.027 / 0.025",
    "bracket": "0.0003",
    "margin 0.05 says equivalent": "1.000",
}


def slot_scores(rule: str) -> Array:
    """Dice of LIDC, (network or reader, nodule, slot that is the network, slot of the reader); nan on the diagonal."""
    with np.load(LIDC / "masks_4readers_96x96.npz") as stored:
        masks = stored["masks"].astype(bool)
    found = np.full((2, len(masks), 4, 4), np.nan)
    for network in range(4):
        readers = [slot for slot in range(4) if slot != network]
        cases = [Case(f"{i:03d}", "", own[network], {str(k): own[k] for k in readers}) for i, own in enumerate(masks)]
        table = score(cases, rule, "drop")  # type: ignore[arg-type]
        for side, column in enumerate(("dice_network", "dice_reader")):
            found[side][:, network, readers] = table[column].to_numpy().reshape(len(masks), 3)
    return found


def permuted(draws: int, block_size: int, bootstrap: int, seed: int) -> list[tuple[str, ...]]:
    """Rejection rates with the slots permuted within nodules: row, a fifth of the draws, all, the specification's."""
    patients = pd.read_csv(LIDC / "reader_dice.csv")["lidc_patient"]
    numbers = pd.factorize(patients, sort=True)[0]
    tables = {rule: slot_scores(rule) for rule in ("intersection", "union")}
    nodules = np.arange(len(patients))
    sides: dict[str, list[Array]] = {}
    for block, start in enumerate(range(0, draws, block_size)):
        generator = np.random.default_rng([seed, 4, block])
        slots = generator.permuted(np.tile(np.arange(4), (min(block_size, draws - start), len(patients), 1)), axis=2)
        scores = {
            rule: [side[nodules[:, None], slots[..., :1], slots[..., 1:]] for side in table]
            for rule, table in tables.items()
        }
        network, reader = scores["intersection"]
        # An empty reference counts for neither; the mean is over the usable ones, as in the library.
        averaged = {rule: np.nanmean(pair[0] - pair[1], axis=2) for rule, pair in scores.items()}
        d = averaged["intersection"]
        sums, sizes = np.zeros((2, len(d), numbers.max() + 1))
        for nodule, patient in enumerate(numbers):
            sums[:, patient] += d[:, nodule]
            sizes[:, patient] += 1
        margins = margin_tests(sums, sizes, alpha=ALPHA, draws=bootstrap, seed=seed + block)
        found: dict[str, Any] = {
            "averaged Wilcoxon": _rejected(normal_wilcoxon(d)),
            "averaged Wilcoxon, union": _rejected(normal_wilcoxon(averaged["union"])),
            "Wilcoxon of reference 1": _rejected(normal_wilcoxon(network[..., 0] - reader[..., 0])),
            "t of the average": _rejected(two_sided_t(d)),
            "bracket": bracket_passes(network, reader)[None],
            "margin 0.05 says equivalent": ((margins.low > -MARGIN) & (margins.high < MARGIN))[None],
        }
        if block == 0:
            bracket_against_the_library(network[:3], reader[:3])
            expected = [signed_rank(own) for own in d[:20]]
            np.testing.assert_allclose(normal_wilcoxon(d[:20])[0], [one.p_greater for one in expected], rtol=1e-9)
        for name, each in found.items():
            sides.setdefault(name, []).append(each)
    rows = []
    for name, blocks in sides.items():
        rejected = np.concatenate(blocks, axis=1)
        first, all_draws = (_said(name, rejected[:, :count]) for count in (draws // 5, draws))
        rows.append((name, first, all_draws, SPECIFICATION[name]))
    return rows


def _rejected(sides: tuple[Array, Array]) -> Array:
    """At 2.5 % a side: network higher, network lower."""
    return np.stack(sides) < ALPHA / 2


def _said(name: str, rejected: Array) -> str:
    return " / ".join(f"{rate:.4f}" if name == "bracket" else f"{rate:.3f}" for rate in rejected.mean(axis=1))
