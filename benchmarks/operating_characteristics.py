"""How often each procedure of the comparison is wrong: simulated at the boundary of its own estimand.

Simulated differences d (network minus readers, Dice) of a case: body + failure, moved so that their mean is 0.
- body: normal, mean 0, standard deviation 0.09.
- failure: 0, or with probability 0.09 a loss, uniform from 0.3 to 0.9. Skewness -2.35, as of a network that now and
  then misses a lesion.
- two breasts a patient: correlation 0.5. The body has a part of the patient and one of the breast, half the variance
  each; each breast takes with probability sqrt(0.5) the patient's failure (or none) and otherwise one of its own.
- on the logit: the reader's Dice is expit of a normal (mean 1.4, standard deviation 0.4), the network's is that plus
  body less failure; both are clipped to 0.001 and 0.999. The mean of the difference of logits is subtracted.
- readers as a sample: each of 4 readers adds to d a normal of his own (standard deviation 0.03) and one of reader and
  case (0.05).
Means are exact; pseudo-median and mean logit difference of the distribution are taken from 4 million cases.

Whoever claims "above -margin" when the truth is -margin is wrong; so is "below +margin" at +margin. Every interval here
moves with the data, so both are counted on data with the truth at 0: the interval lies wholly above it, or below it.

The bracket, n = 250, one case a patient: reader k on his reference has Dice mu_k + c + e, the network nu + c + f; c
(case and reference, standard deviation 0.05) is shared, e and f (0.06) are not; Dice is clipped to 0 and 1.

The slots of LIDC: operating_slots.py.

python benchmarks/operating_characteristics.py > benchmarks/operating_characteristics.md    (--quick: a tenth of it)
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from functools import cache
from importlib.metadata import version

import numpy as np
from operating_procedures import (
    Array,
    against_the_library,
    bracket_against_the_library,
    bracket_passes,
    percentile,
    random_readers,
    student,
    studentized,
    wilcoxon,
)
from operating_slots import permuted
from scipy.special import expit

from radparity.compare.logit import logit

SEED, ALPHA = 20220105, 0.05
STUDIES, DRAWS, BLOCK, PERMUTATIONS = 10_000, 10_000, 500, 20_000
SD, RATE, LOSS, CORRELATION = 0.09, 0.09, (0.3, 0.9), 0.5
READERS, READER_SD, READER_CASE_SD = 4, 0.03, 0.05
SIZES = (12, 50, 250)
MARGIN, LOGIT, MEDIAN, SAMPLE = "mean", "mean logit difference", "pseudo-median", "mean over all such readers"
PROCEDURES = {  # estimand, and the specification's rates on the low side, one breast a patient, n 12, 50, 250
    "margin: studentized bootstrap over patients (primary)": (MARGIN, "18 / 5.8 / 5.2"),
    "percentile bootstrap over patients": (MARGIN, "21-23 / 9-10 / 7"),
    "t, cases independent": (MARGIN, "20 / 9-10 / 7; two breasts 11.5"),
    "t, patient-robust": (MARGIN, "two breasts 7.4"),
    "t, patient-robust, on the logit": (LOGIT, ""),
    "Wilcoxon on shifted differences": (MEDIAN, ""),
    "Wilcoxon on shifted differences, read as a claim of the mean": (MARGIN, "31 / 68 / 99.9"),
    "random readers (Obuchowski-Rockette, Hillis)": (SAMPLE, ""),
    "margin, read as a claim of all such readers": (SAMPLE, ""),
}
BRACKETS = {  # readers' mu, the network's nu, share of failures, the loss in them; the specification's claim rate
    "the network is one of the readers": ((0.84,) * 4, 0.84, 0.0, "0.03-0.1"),
    "it fails grossly (-0.515) in a third of the cases": ((0.60, 0.84, 0.84, 0.84), 0.84, 1 / 3, "93"),
    "one poor reader at 0.38, network at 0.62": ((0.38, 0.84, 0.84, 0.84), 0.62, 0.0, "100"),
    "the network tied with the lowest, of two tied readers": ((0.70, 0.70, 0.84, 0.84), 0.70, 0.0, "7.6"),
}


def differences(generator: np.random.Generator, studies: int, cases: int, per_patient: int) -> Array:
    """d with mean 0, (studies, cases); a patient's breasts follow one another."""
    shape, owners = (studies, cases), (studies, cases // per_patient)

    def failures(shape: tuple[int, int]) -> Array:
        return generator.uniform(*LOSS, shape) * (generator.random(shape) < RATE)

    body, lost = generator.standard_normal(shape), failures(shape)
    if per_patient > 1:
        shared = np.repeat(generator.standard_normal(owners), per_patient, axis=1)
        body = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * body
        hers = np.repeat(failures(owners), per_patient, axis=1)
        lost = np.where(generator.random(shape) < np.sqrt(CORRELATION), hers, lost)
    return SD * body - lost + RATE * sum(LOSS) / 2


def of_logits(generator: np.random.Generator, d: Array) -> Array:
    """Difference of logits of network and reader."""
    reader = expit(generator.normal(1.4, 0.4, d.shape))
    return logit(reader + d - RATE * sum(LOSS) / 2) - logit(reader)


@cache
def truths() -> tuple[float, float]:
    """Pseudo-median of d and mean difference of logits in the population."""
    generator = np.random.default_rng([SEED, 1])
    d = differences(generator, 1, 4_000_000, 1)[0]
    return float(np.median((d + generator.permutation(d)) / 2)), float(of_logits(generator, d).mean())


def one_cell(cases: int, per_patient: int, studies: int) -> tuple[dict[str, tuple[float, float]], int]:
    """Rates of claims on the low and the high side of each procedure, and how many results the library confirmed."""
    median, mean_logit = truths()
    sides: dict[str, list[Array]] = {name: [] for name in PROCEDURES}
    checked = 0
    for block, start in enumerate(range(0, studies, BLOCK)):
        generator = np.random.default_rng([SEED, 2, cases, per_patient, block])
        d = differences(generator, min(BLOCK, studies - start), cases, per_patient)
        on_logit = of_logits(generator, d) - mean_logit
        own = generator.normal(0, READER_SD, (len(d), 1, READERS))
        read = d[..., None] + own + generator.normal(0, READER_CASE_SD, (*d.shape, READERS))
        averaged = read.mean(axis=2)
        seed = SEED + block
        primary = studentized(d, per_patient, DRAWS, seed)
        found = [
            _outside(primary),
            _outside(percentile(d, per_patient, DRAWS, seed)),
            _outside(student(d, 1)),
            _outside(student(d, per_patient)),
            _outside(student(on_logit, per_patient)),
            _below(wilcoxon(d - median, per_patient)),
            _below(wilcoxon(d, per_patient)),
            _outside(random_readers(read, per_patient)),
            _outside(studentized(averaged, per_patient, DRAWS, seed)),
        ]
        for name, pair in zip(PROCEDURES, found, strict=True):
            sides[name].append(pair)
        if block == 0:
            checked = against_the_library(d[:4], read[:4], per_patient, DRAWS, seed)
    rates = {name: np.concatenate(pairs, axis=1).mean(axis=1) for name, pairs in sides.items()}
    return {name: (float(low), float(high)) for name, (low, high) in rates.items()}, checked


def _outside(bounds: tuple[Array, Array]) -> Array:
    """Whether the interval lies above the truth, and below it."""
    return np.stack([bounds[0] > 0, bounds[1] < 0])


def _below(sides: tuple[Array, Array]) -> Array:
    return np.stack(sides) < ALPHA


def brackets(studies: int) -> tuple[dict[str, float], int]:
    """Share of studies in which the bracket is passed."""
    rates, checked = {}, 0
    for number, (name, (levels, level, share, _)) in enumerate(BRACKETS.items()):
        passed = []
        for block, start in enumerate(range(0, studies, BLOCK)):
            generator = np.random.default_rng([SEED, 3, number, block])
            shape = (min(BLOCK, studies - start), 250, len(levels))
            common = generator.normal(0, 0.05, shape)
            reader = np.array(levels) + common + generator.normal(0, 0.06, shape)
            network = level + common + generator.normal(0, 0.06, (*shape[:2], 1))
            network = network - 0.515 * (generator.random((*shape[:2], 1)) < share)
            network, reader = np.clip(network, 0, 1), np.clip(reader, 0, 1)
            passed.append(bracket_passes(network, reader))
            checked += bracket_against_the_library(network[:5], reader[:5]) if block == 0 else 0
        rates[name] = float(np.concatenate(passed).mean())
    return rates, checked


def main() -> None:
    parser = argparse.ArgumentParser(description="operating characteristics of the comparison's procedures")
    parser.add_argument("--quick", action="store_true", help="a tenth of the simulated studies")
    share = 10 if parser.parse_args().quick else 1
    started = time.monotonic()
    studies = STUDIES // share
    cells, checked = {}, 0
    for per_patient in (1, 2):
        for cases in SIZES:
            cells[per_patient, cases], equal = one_cell(cases, per_patient, studies)
            checked += equal
    claims, equal_brackets = brackets(PERMUTATIONS // share)
    slots = permuted(PERMUTATIONS // share, BLOCK, DRAWS, SEED)
    print(
        TEXT.format(
            studies=studies,
            error=100 * np.sqrt(0.0475 / studies),
            draws=DRAWS,
            checked=checked,
            brackets=equal_brackets,
        )
    )
    head = " | ".join(f"{cases}, {word}" for word in ("one breast", "two") for cases in SIZES)
    print(f"| procedure | its estimand | {head} | specification |\n|---|---|{'---|' * 7}")
    for name, (estimand, said) in PROCEDURES.items():
        rates = " | ".join(
            f"{100 * low:.1f} / {100 * high:.1f}" for low, high in (cell[name] for cell in cells.values())
        )
        print(f"| {name} | {estimand} | {rates} | {said} |")
    primary = [100 * rate for (_, cases), cell in cells.items() if cases == 250 for rate in next(iter(cell.values()))]
    print(f"\nThe primary at n = 250: {min(primary):.1f} to {max(primary):.1f} % a side; aimed at: 4.4 to 6.5 %.")
    print(f"\n{READING}")
    print(f"\n{BRACKET_TEXT}\n\n| truth | claims, % | specification, % |\n|---|---:|---:|")
    for name, rate in claims.items():
        print(f"| {name} | {100 * rate:.2f} | {BRACKETS[name][3]} |")
    print(f"\n{LIDC_TEXT}\n\n| test | {PERMUTATIONS // share // 5} draws | {PERMUTATIONS // share} |", end="")
    print(" specification, 4000 |\n|---|---|---|---|")
    for row in slots:
        print("| " + " | ".join(row) + " |")
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    print(f"\n{(time.monotonic() - started) / 60:.0f} minutes; {machine}; seed {SEED}.")


TEXT = """# Operating characteristics

Made by `python benchmarks/operating_characteristics.py`, whose first lines state the simulated distributions.

Rates in per cent at which a procedure claims what is not so, nominal 5 on each side: "above -margin" when the truth is
-margin (the first of each pair: failures are rare, so a study that met few of them looks good) / "below +margin" when
the truth is +margin. {studies} simulated studies a cell: a standard error of {error:.2f} at 5. {draws} bootstrap draws,
others every 500 studies. Columns: cases of a study, breasts a patient. The specification's figures are of the first
kind, from a distribution that it does not state: ours, and the loss of 0.515 below, were chosen to come near them, so
their nearness shows that such failures explain them, and not more.

The procedures here work on many studies at once; on the first 4 studies of each cell they were compared with the
library's own, or with a plain loop for the percentile bootstrap: {checked} pairs of bounds or p equal. The bracket:
{brackets} verdicts equal.
"""
READING = """Read: with many patients the primary keeps its level on both sides; with few (12 cases, or 50 cases of 25
women) no test of the mean does. Cases taken as independent are wrong where a woman has two. Wilcoxon keeps its level
for the pseudo-median, which does not see the failures, and so says nothing of the mean. An interval for these readers
is too narrow for a claim about readers like them."""
BRACKET_TEXT = "The bracket, 4 readers, 250 cases: how often it is passed, which the paper reads as equivalence."
LIDC_TEXT = """LIDC, 456 nodules, slots permuted within nodules: the network is truly one of the readers. Share of draws
rejected at nominal 2.5 % a side, network higher / lower; intersection but for the second row. Of 4000 draws, ours and
the specification's, a rate of 0.15 has a standard error of 0.006."""


if __name__ == "__main__":
    main()
