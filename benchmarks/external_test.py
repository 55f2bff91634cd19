"""How often the intervals of an external test hold the truth, for skewed Dice with failures, by number of patients.

python benchmarks/external_test.py [STUDIES]      prints the table of external_test.md; about a quarter of an hour
"""

from __future__ import annotations

import sys

import numpy as np
from scipy import stats

from radparity.compare.margin import margin_test
from radparity.shift.scores import change_interval

ALPHA, DRAWS, SEED = 0.05, 1000, 20261122
SIZES = ((5, 5), (10, 10), (10, 40), (20, 20), (20, 60), (50, 50), (100, 100))
INTERNAL, EXTERNAL, FAILED, TOGETHER = 0.85, 0.70, 0.08, 0.04


def dice(generator: np.random.Generator, patients: int, mean: float, cases: int) -> np.ndarray:
    """Dice (patients * cases,): beta by patient, 8 per cent of patients failed at 0; her cases are alike."""
    hers = generator.beta(8 * mean, 8 * (1 - mean), patients)
    hers = np.where(generator.random(patients) < FAILED, 0.0, hers)
    own = np.repeat(hers, cases)
    moved = generator.uniform(-TOGETHER, TOGETHER, patients * cases)
    return np.where(own > 0, own * (1 + moved), 0.0)


def row(inside: int, outside: int, cases: int, studies: int) -> list[str]:
    """Coverage of the interval of the change and of the external mean, beside Welch's t on cases."""
    generator = np.random.default_rng([SEED, inside, outside, cases])
    means = [(1 - FAILED) * mean for mean in (INTERNAL, EXTERNAL)]
    names = [np.repeat(np.arange(n).astype(str), cases) for n in (inside, outside)]
    counts = np.zeros(5)
    width = []
    for study in range(studies):
        one, other = dice(generator, inside, INTERNAL, cases), dice(generator, outside, EXTERNAL, cases)
        change = means[1] - means[0]
        low, high = change_interval(one, names[0], other, names[1], ALPHA, DRAWS, study)
        plain = stats.ttest_ind(other, one, equal_var=False).confidence_interval(1 - 2 * ALPHA)
        alone = margin_test(other, names[1], alpha=ALPHA, draws=DRAWS, seed=study)
        counts += [
            low <= change <= high,
            change < low,
            change > high,
            plain.low <= change <= plain.high,
            alone.low <= means[1] <= alone.high,
        ]
        width.append(high - low)
    shares = [f"{100 * count / studies:.1f}" for count in counts]
    return [f"{inside}, {outside}", str(cases), *shares, f"{np.median(width):.3f}"]


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    head = ["patients, internal and external", "cases a patient", "change: holds the truth, %", "truth below it, %"]
    head += ["truth above it, %", "Welch's t on cases, %", "mean of the external test, %", "median width of the change"]
    print("| " + " | ".join(head) + " |\n|" + "---:|" * len(head))
    for cases in (1, 2):
        for inside, outside in SIZES:
            print("| " + " | ".join(row(inside, outside, cases, studies)) + " |", flush=True)


if __name__ == "__main__":
    main()
