from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from reader_tables import made, tables
from scipy import stats

from radparity.compare.bracket import AnonymousReaders, bracket


def table(network: dict[str, np.ndarray], readers: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = [
        {"case": str(i), "patient": f"p{i // 2}", "reference": k, "dice_network": x, "dice_reader": y, "usable": True}
        for k in readers
        for i, (x, y) in enumerate(zip(network[k], readers[k], strict=True))
    ]
    frame = pd.DataFrame(rows)
    frame["usable"] = frame["dice_network"].notna()
    return frame


def spread(offsets: dict[str, float], seed: int = 0, n: int = 60) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    readers = {k: 0.7 + offset + generator.normal(0, 0.02, n) for k, offset in offsets.items()}
    network = {k: 0.7 + generator.normal(0, 0.02, n) for k in offsets}
    return table(network, readers)


def test_passes_between_two_readers_with_scipys_p() -> None:
    scores = spread({"A": 0.01, "B": 0.1, "C": -0.1})
    result = bracket(scores, anonymous=False)
    assert (result.lowest, result.highest, result.verdict) == ("C", "B", "passed")
    low, high = scores[scores["reference"] == "C"], scores[scores["reference"] == "B"]
    for rows, p, side in ((low, result.p_lowest, "greater"), (high, result.p_highest, "less")):
        theirs = stats.wilcoxon(rows["dice_network"], rows["dice_reader"], alternative=side, method="asymptotic")
        assert p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert result.p == max(result.p_lowest, result.p_highest)


def test_by_patient_takes_the_same_sides() -> None:
    result = bracket(spread({"A": -0.01, "B": 0.01}), anonymous=False)
    scores = spread({"A": -0.01, "B": 0.01})
    for reader, sign, p in (("A", 1, result.p_lowest_by_patient), ("B", -1, result.p_highest_by_patient)):
        rows = scores[scores["reference"] == reader]
        differences = sign * (rows["dice_network"] - rows["dice_reader"]).to_numpy()
        ranks = np.sign(differences) * stats.rankdata(np.abs(differences))
        sums = pd.Series(ranks).groupby(rows["patient"].to_numpy()).sum()
        assert p == pytest.approx(stats.norm.sf(sums.sum() / np.sqrt((sums**2).sum())), rel=1e-9)
    assert result.p_by_patient == max(result.p_lowest_by_patient, result.p_highest_by_patient)


def test_both_sides_are_needed() -> None:
    assert bracket(spread({"A": 0.1, "B": 0.2}), anonymous=False).verdict == "not passed"
    assert bracket(spread({"A": -0.1, "B": -0.2}), anonymous=False).verdict == "not passed"


def test_a_wider_spread_of_readers_passes_more_easily() -> None:
    narrow = bracket(spread({"A": -0.001, "B": 0.001}), anonymous=False)
    wide = bracket(spread({"A": -0.3, "B": 0.3}), anonymous=False)
    assert (narrow.verdict, wide.verdict) == ("not passed", "passed")


def test_ties_go_to_the_mean_then_to_the_id() -> None:
    median_tied = {"C": np.array([0.5, 0.7, 0.9]), "B": np.array([0.4, 0.7, 0.9]), "A": np.array([0.6, 0.7, 0.9])}
    network = {k: np.full(3, 0.7) for k in median_tied}
    by_mean = bracket(table(network, median_tied), anonymous=False)
    assert (by_mean.lowest, by_mean.highest) == ("B", "A")
    same = {k: np.array([0.5, 0.7, 0.9]) for k in ("B", "C", "A")}
    by_id = bracket(table(network, same), anonymous=False)
    assert (by_id.lowest, by_id.highest) == ("A", "C")


def test_unusable_pairs_leave() -> None:
    readers = {"A": np.array([0.1, np.nan, 0.2]), "B": np.full(3, np.nan), "C": np.array([0.8, 0.9, 0.7])}
    network = {k: np.where(np.isnan(v), np.nan, 0.5) for k, v in readers.items()}
    result = bracket(table(network, readers), anonymous=False)
    assert (result.lowest, result.cases_lowest, result.highest, result.cases_highest) == ("A", 2, "C", 3)


def test_not_testable_with_one_reader() -> None:
    result = bracket(table({"A": np.ones(3)}, {"A": np.ones(3)}), anonymous=False)
    assert result.verdict == "not testable" and np.isnan(result.p)


def test_refused_for_anonymous_readers() -> None:
    with pytest.raises(AnonymousReaders, match="margin test"):
        bracket(spread({"A": -0.3, "B": 0.3}), anonymous=True)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_awkward_tables_are_judged_as_scipy_would(scores: pd.DataFrame) -> None:
    """Ties, zeros, perfect agreement, a constant network, misses, unusable pairs, two breasts a patient, n = 3."""
    result = bracket(scores, anonymous=False)
    usable = scores[scores["usable"]]
    if usable["reference"].nunique() < 2:
        assert result.verdict == "not testable"
        return
    medians = usable.groupby("reference")["dice_reader"].median()
    assert medians[result.lowest] == pytest.approx(medians.min(), abs=1e-12)
    assert medians[result.highest] == pytest.approx(medians.max(), abs=1e-12)
    sides = ((result.lowest, result.p_lowest, "greater"), (result.highest, result.p_highest, "less"))
    for reader, p, side in sides:
        rows = usable[usable["reference"] == reader]
        differences = (rows["dice_network"] - rows["dice_reader"]).to_numpy().round(12)
        nonzero = np.abs(differences[differences != 0])
        if not len(nonzero):
            assert p == 1
            continue
        exact = len(nonzero) == len(differences) and len(np.unique(nonzero)) == len(nonzero)
        method = {"method": "exact" if exact else "asymptotic", "zero_method": "wilcox", "correction": False}
        assert p == pytest.approx(stats.wilcoxon(differences, alternative=side, **method).pvalue, rel=1e-9)
    assert (result.verdict == "passed") == (max(result.p_lowest, result.p_highest) < 0.05)


def test_perfect_agreement_shows_nothing() -> None:
    result = bracket(made("perfect agreement", 1, 30, 3), anonymous=False)
    assert (result.p, result.p_by_patient, result.verdict) == (1, 1, "not passed")
