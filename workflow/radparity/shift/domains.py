"""Domains: how the cases of the training cohorts and of the external test differ, fact by fact and all together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.effect import vargha_delaney
from radparity.shift.columns import COLUMNS, TESTED, TRAINED
from radparity.shift.facts import ACQUIRED, AFTER, BEFORE, FACTS

FOLDS = 5
FEWEST = 10
"""Patients of a cohort below which nobody can say how well it is told apart."""
HAD_BY = 0.8
"""Share of the cases that must have a fact for the classifier to use it; the others get its median."""
RIDGE = 1.0
TOGETHER = {
    "acquisition": (ACQUIRED,),
    "image, before harmonization": (BEFORE, ""),
    "image, after harmonization": (AFTER, ""),
}
Float = NDArray[np.float64]


def fact_table(cases: pd.DataFrame) -> pd.DataFrame:
    """One row a fact; `COLUMNS["facts"]` explains the table.

    cases: one row a case with `cohort` (`train_on` or `external`), `patient` and a column a fact (nan where unknown).
    """
    rows = []
    for name, fact in FACTS.items():
        row: dict[str, object] = {"fact": name, "part": fact.part, "meaning": fact.meaning, "unit": fact.unit}
        sides = [cases.loc[cases["cohort"] == side, name].dropna().to_numpy(float) for side in (TRAINED, TESTED)]
        for end, own in zip(("train", "test"), sides, strict=True):
            quartiles = np.quantile(own, [0.5, 0.25, 0.75]) if len(own) else [np.nan] * 3
            row |= dict(zip((f"median_{end}", f"q25_{end}", f"q75_{end}"), map(float, quartiles), strict=True))
            row[f"n_{end}"] = len(own)
        if min(map(len, sides)) == 0:
            row["note"] = "not known of one of the two"
        else:
            row["distance"] = distance(*sides)
            row["standardized_difference"], row["note"] = _standardized(*sides)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS["facts"]))


def distance(one: Float, other: Float) -> float:
    """The Kolmogorov-Smirnov distance of two samples (n,), (m,): the largest gap between their distribution curves."""
    steps = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(sample), steps, side="right") / len(sample) for sample in (one, other)]
    return float(np.max(np.abs(below[0] - below[1])))


def _standardized(one: Float, other: Float) -> tuple[float, str]:
    if min(len(one), len(other)) < 2:
        return float("nan"), "fewer than two cases"
    spread = float(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    apart = float(other.mean() - one.mean())
    if spread <= 1e-12 * max(1.0, abs(float(one.mean()))):
        return (0.0, "") if abs(apart) <= spread else (float("nan"), "constant in each, and not the same")
    return apart / spread, ""


def separable_table(cases: pd.DataFrame, alpha: float, draws: int, seed: int) -> pd.DataFrame:
    """How well the cohorts are told apart by acquisition and by intensities before and after harmonization;
    `COLUMNS["separable"]` explains the table. cases: as of `fact_table`. Intervals have level 1 - 2 alpha.
    """
    rows = []
    tested = (cases["cohort"] == TESTED).to_numpy()
    patients = cases["patient"].to_numpy(str)
    counts = [len(set(patients[tested == side])) for side in (False, True)]
    for words, parts in TOGETHER.items():
        names = [name for name, fact in FACTS.items() if fact.part in parts]
        used, values = _usable(cases[names])
        row = {"facts": words, "used": len(used), "level": 1 - 2 * alpha, "note": ""}
        row |= {"n_train": int((~tested).sum()), "n_test": int(tested.sum())}
        row |= {"patients_train": counts[0], "patients_test": counts[1]}
        if min(counts) < FEWEST:
            row["note"] = f"fewer than {FEWEST} patients in a cohort"
        elif not used:
            row["auc"], row["note"] = 0.5, "no fact varies"
        else:
            scores = held_out_scores(values, tested, patients, seed)
            row["auc"] = vargha_delaney(scores[tested], scores[~tested])
            row["low"], row["high"] = auc_interval(scores, tested, patients, alpha, draws, seed)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS["separable"]))


def _usable(table: pd.DataFrame) -> tuple[list[str], Float]:
    """The facts that most cases have and that vary, and their values (case, fact), nan where unknown."""
    own = table.astype(float)
    names = [c for c in own if own[c].notna().mean() >= HAD_BY and own[c].nunique() > 1]
    return names, own[names].to_numpy()


def held_out_scores(values: Float, tested: NDArray[np.bool_], patients: NDArray[np.str_], seed: int) -> Float:
    """For each case how much it looks like the external test (log odds), by a model that saw none of its patient.

    values: (case, fact), nan where unknown. Patients of each cohort are dealt to FOLDS by seed and name; each fold's
    model is a ridge-penalized logistic regression with both cohorts weighted alike, on facts standardized by its own
    training cases, in which missing values are the median.
    """
    of_fold = _dealt(tested, patients, seed)
    scores = np.full(len(values), np.nan)
    for fold in range(FOLDS):
        held = of_fold == fold
        inside = values[~held]
        middle = np.nanmedian(inside, axis=0)
        filled = np.where(np.isnan(values), middle, values)
        mean, spread = filled[~held].mean(axis=0), filled[~held].std(axis=0)
        z = (filled - mean) / np.where(spread > 1e-12, spread, 1.0)
        # What lies far outside of what the model saw says "other", not "a hundred times other".
        z = np.clip(np.column_stack([np.ones(len(z)), z]), -5, 5)
        scores[held] = z[held] @ logistic(z[~held], tested[~held])
    return scores


def _dealt(tested: NDArray[np.bool_], patients: NDArray[np.str_], seed: int) -> NDArray[np.intp]:
    fold: dict[str, int] = {}
    for side in (False, True):
        names = sorted(
            set(patients[tested == side]), key=lambda p: hashlib.sha256(f"{seed}/shift/{p}".encode()).digest()
        )
        fold |= {name: place % FOLDS for place, name in enumerate(names)}
    return np.array([fold[patient] for patient in patients])


def logistic(z: Float, tested: NDArray[np.bool_]) -> Float:
    """Coefficients (fact,) of a logistic regression of two classes weighted alike, by Newton's steps.

    z: (case, fact), the first column of ones and not penalized; RIDGE is the penalty, as of one case's information.
    """
    weight = np.where(tested, len(z) / (2 * tested.sum()), len(z) / (2 * (~tested).sum()))
    penalty = np.diag([0.0, *[RIDGE] * (z.shape[1] - 1)])
    beta = np.zeros(z.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(z @ beta, -30, 30)))
        gradient = z.T @ (weight * (tested - p)) - penalty @ beta
        curvature = (z * (weight * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ z + penalty
        step = np.linalg.solve(curvature, gradient)
        beta += step * min(1.0, 4.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-8:
            break
    return beta


def auc_interval(
    scores: Float, tested: NDArray[np.bool_], patients: NDArray[np.str_], alpha: float, draws: int, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of level 1 - 2 alpha for the AUC, whole patients of each cohort drawn."""
    one, other = np.round(scores[tested], 12)[:, None], np.round(scores[~tested], 12)[None, :]
    wins = np.where(one == other, 0.5, (one > other).astype(float))
    groups = [_membership(patients[tested == side]) for side in (True, False)]
    by_patient = groups[0].T @ wins @ groups[1]
    sizes = [group.sum(axis=0) for group in groups]
    generator = np.random.default_rng(seed)
    found = np.empty(draws)
    for draw in range(draws):
        a, b = (np.bincount(generator.integers(0, len(s), len(s)), minlength=len(s)) for s in sizes)
        found[draw] = a @ by_patient @ b / ((a @ sizes[0]) * (b @ sizes[1]))
    low, high = np.quantile(found, [alpha, 1 - alpha])
    return float(low), float(high)


def _membership(patients: Sequence[str] | NDArray[np.str_]) -> Float:
    names, numbers = np.unique(np.asarray(patients), return_inverse=True)
    return np.eye(len(names))[numbers.reshape(-1)]


def case_table(records: Sequence[Mapping[str, object]], patients: Mapping[str, str], tested: set[str]) -> pd.DataFrame:
    """The records of the stage `shift` that are ok as one table: case, patient, cohort, scanner and the facts."""
    rows = [
        {"case": r["case"], "patient": patients[str(r["case"])], "scanner": r["scanner"]}
        | {"cohort": TESTED if r["case"] in tested else TRAINED}
        | {name: r[name] for name in FACTS}
        for r in records
        if r["status"] == "ok"
    ]
    table = pd.DataFrame(rows, columns=["case", "patient", "scanner", "cohort", *FACTS])
    return table.astype(dict.fromkeys(FACTS, float))
