"""Four radiologists on 456 LIDC nodules: every figure here was published with the definitions, not made by this code.

Slot 4 stands in the network's place, slots 1 to 3 are the readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radparity.compare.bracket import bracket
from radparity.compare.margin import margin_test, robust_t, standard_error
from radparity.compare.scores import Case, averaged, empties, score
from radparity.compare.study import Settings, compare
from radparity.compare.wilcoxon import EXACT, signed_rank, signed_rank_by_patient

DATA = Path(__file__).parents[1] / "data" / "lidc_four_readers"
ROWS = ["1", "2", "3", "averaged"]


@pytest.fixture(scope="module")
def masks() -> np.ndarray:
    with np.load(DATA / "masks_4readers_96x96.npz") as stored:
        return stored["masks"].astype(bool)


@pytest.fixture(scope="module")
def patients() -> list[str]:
    return pd.read_csv(DATA / "reader_dice.csv")["lidc_patient"].tolist()


def study(masks: np.ndarray, patients: Sequence[str], network: int = 4) -> list[Case]:
    readers = [slot for slot in (1, 2, 3, 4) if slot != network]
    return [
        Case(f"n{i:03d}", patient, four[network - 1], {str(slot): four[slot - 1] for slot in readers})
        for i, (four, patient) in enumerate(zip(masks, patients, strict=True))
    ]


@pytest.fixture(scope="module")
def tables(masks: np.ndarray, patients: list[str]) -> dict[str, pd.DataFrame]:
    return compare(study(masks, patients), Settings())


@pytest.fixture(scope="module")
def union(masks: np.ndarray, patients: list[str]) -> dict[str, pd.DataFrame]:
    return compare(study(masks, patients), Settings(rule="union"))


def pairs(tables: dict[str, pd.DataFrame], row: str) -> tuple[np.ndarray, np.ndarray]:
    scores = tables["scores"]
    table = tables["cases"] if row == "averaged" else scores[scores["reference"] == row]
    return (table["dice_network"] - table["dice_reader"]).to_numpy(), table["patient"].to_numpy()


def test_the_data(masks: np.ndarray, patients: list[str], tables: dict[str, pd.DataFrame]) -> None:
    assert masks.shape == (456, 4, 96, 96) and len(set(patients)) == 300
    assert (tables["main"]["n"] == 456).all() and (tables["main"]["patients"] == 300).all()
    assert (tables["main"]["unusable_pairs"] == 0).all() and (tables["main"]["emptied_by"] == "").all()


@pytest.mark.parametrize(
    ("column", "golden", "tolerance"),
    [
        ("network_median", (0.8664, 0.8705, 0.8641, 0.8620), 5e-5),
        ("network_iqr", (0.1084, 0.0941, 0.1008, 0.0905), 5e-5),
        ("reader_median", (0.8539, 0.8696, 0.8642, 0.8607), 5e-5),
        ("reader_iqr", (0.1044, 0.1029, 0.1118, 0.0984), 5e-5),
        ("median_of_differences", (-0.00043, -0.00576, -0.00138, 0.00386), 5e-6),
        ("mean_difference", (0.000266, -0.005191, -0.005049, -0.003325), 5e-7),
        ("wilcoxon_p", (0.619, 0.08935, 0.3114, 0.9171), 5e-5),
        ("wilcoxon_p_by_patient", (0.6723, 0.1283, 0.3767, 0.9266), 5e-5),
        ("rank_biserial", (0.0270, -0.0919, -0.0548, 0.0056), 5e-5),
        ("a_reader_above_network", (0.4876, 0.5226, 0.5150, 0.5060), 5e-5),
        ("a_low", (0.458, 0.491, 0.484, 0.480), 3e-3),
        ("a_high", (0.517, 0.552, 0.546, 0.532), 3e-3),
    ],
)
def test_main_table(tables: dict[str, pd.DataFrame], column: str, golden: tuple[float, ...], tolerance: float) -> None:
    main = tables["main"].set_index("reference")
    assert main.loc[ROWS, column].tolist() == pytest.approx(golden, abs=tolerance)


@pytest.mark.parametrize(
    ("row", "spread", "zeros", "plus", "minus", "z", "cases", "by_patient"),
    [
        ("1", 0.083932, 5, 52340, 49586, 0.4230, 0.003930, 0.004569),
        ("2", 0.077593, 1, 47102.5, 56637.5, -1.5210, 0.003634, 0.003991),
        ("3", 0.083294, 2, 48811, 54474, -0.8840, 0.003901, 0.004268),
        ("averaged", 0.066679, 0, 52391, 51805, 0.0921, 0.003123, 0.003475),
    ],
)
def test_ranks_and_standard_errors(
    tables: dict[str, pd.DataFrame],
    row: str,
    spread: float,
    zeros: int,
    plus: float,
    minus: float,
    z: float,
    cases: float,
    by_patient: float,
) -> None:
    differences, patients = pairs(tables, row)
    test = signed_rank(differences)
    assert differences.std(ddof=1) == pytest.approx(spread, abs=5e-7)
    assert (test.zeros, test.plus, test.minus) == (zeros, plus, minus)
    assert signed_rank_by_patient(differences, patients).z == pytest.approx(z, abs=5e-5)
    assert standard_error(differences, np.arange(456)) == pytest.approx(cases, abs=5e-7)
    assert standard_error(differences, patients) == pytest.approx(by_patient, abs=5e-7)


@pytest.mark.parametrize(
    ("row", "t", "studentized", "t_cases", "t_patients", "shifted"),
    [
        ("1", (-0.00727, 0.00780), (-0.0075, 0.0079), 0.006814, 0.01698, 0.009357),
        ("2", (-0.01178, 0.00139), (-0.0118, 0.0014), 0.09319, 0.1146, 0.1346),
        ("3", (-0.01209, 0.00199), (-0.0122, 0.0020), 0.1025, 0.1235, 0.04369),
        ("averaged", (-0.00906, 0.00241), (-0.0093, 0.0023), 0.01653, 0.02784, 0.0005231),
    ],
)
def test_intervals_and_two_one_sided_tests_at_a_margin_of_one_hundredth(
    tables: dict[str, pd.DataFrame],
    row: str,
    t: tuple[float, float],
    studentized: tuple[float, float],
    t_cases: float,
    t_patients: float,
    shifted: float,
) -> None:
    differences, patients = pairs(tables, row)
    by_patient, by_case = robust_t(differences, patients, margin=0.01), robust_t(differences, range(456), margin=0.01)
    assert (by_patient.low, by_patient.high) == pytest.approx(t, abs=5e-6)
    assert (by_patient.p, by_case.p) == pytest.approx((t_patients, t_cases), rel=1e-3)
    for seed in (0, 1):
        bootstrap = margin_test(differences, patients, margin=0.01, seed=seed)
        assert (bootstrap.low, bootstrap.high) == pytest.approx(studentized, abs=5e-4)
    p = max(signed_rank(differences + 0.01).p_greater, signed_rank(differences - 0.01).p_less)
    assert p == pytest.approx(shifted, rel=1e-3)


def test_equivalence_table(tables: dict[str, pd.DataFrame], masks: np.ndarray, patients: list[str]) -> None:
    table = tables["equivalence"].set_index("test")
    assert table.loc["margin", ["role", "verdict", "non_inferior"]].tolist() == ["primary", "equivalent", "yes"]
    assert table.loc["patient-robust t", "verdict"] == "equivalent"
    assert table.loc["bracket", "verdict"] == "not passed"
    arithmetic = bracket(tables["scores"], anonymous=False)
    assert (arithmetic.lowest, arithmetic.highest) == ("1", "2")
    assert arithmetic.p_lowest == pytest.approx(0.3095, abs=5e-5)
    assert arithmetic.p_highest == pytest.approx(0.04468, abs=5e-6)
    anonymous = compare(study(masks[:60], patients[:60]), Settings(anonymous=True, draws=200))["equivalence"]
    assert anonymous.set_index("test").loc["bracket", "verdict"].startswith("refused")
    assert anonymous.set_index("test").loc["bracket", ["p_cases", "p_by_patient"]].isna().all()


def test_first_twenty_rows_have_the_exact_p(tables: dict[str, pd.DataFrame]) -> None:
    test = signed_rank(pairs(tables, "1")[0][:20])
    assert test.method == EXACT and min(test.plus, test.minus) == 90
    assert test.p == pytest.approx(0.595819, abs=5e-7)


def test_union(union: dict[str, pd.DataFrame]) -> None:
    row = union["main"].set_index("reference").loc["averaged"]
    columns = ["network_median", "network_iqr", "reader_median", "reader_iqr", "a_reader_above_network"]
    assert row[columns].tolist() == pytest.approx([0.8721, 0.0862, 0.8727, 0.0764, 0.5127], abs=5e-5)
    assert row["mean_difference"] == pytest.approx(-0.008241, abs=5e-7)
    assert row["wilcoxon_p"] == pytest.approx(0.2913, abs=5e-5)
    assert union["main"].set_index("reference").loc["3", "wilcoxon_p"] == pytest.approx(8.07e-4, abs=5e-7)


@pytest.mark.parametrize(
    ("rule", "medians"),
    [
        ("intersection", (0.8470, 0.8594, 0.8529, 0.8563)),
        ("union", (0.8712, 0.8653, 0.8754, 0.8653)),
        ("majority", (0.8828, 0.8847, 0.8926, 0.8876)),
    ],
)
def test_four_readers_without_a_network(
    masks: np.ndarray, patients: list[str], rule: str, medians: tuple[float, ...]
) -> None:
    cases = [
        Case(str(i), patient, four[0], {str(k + 1): four[k] for k in range(4)})
        for i, (four, patient) in enumerate(zip(masks, patients, strict=True))
    ]
    scores = score(cases, rule)  # type: ignore[arg-type]
    assert scores.groupby("reference")["dice_reader"].median().tolist() == pytest.approx(medians, abs=5e-5)
    if rule == "majority":
        stored = pd.read_csv(DATA / "reader_dice.csv")[[f"dice_reader{k}_vs_majority_of_other3" for k in (1, 2, 3, 4)]]
        # the stored column counts two votes of three, which is the majority
        np.testing.assert_allclose(scores["dice_reader"].to_numpy().reshape(456, 4), stored.to_numpy(), atol=1e-6)


@pytest.mark.parametrize(("empty", "mean"), [("drop", -0.002954), ("zero", -0.009141)])
def test_planted_empties(masks: np.ndarray, patients: list[str], empty: str, mean: float) -> None:
    planted = masks.copy()
    planted[0:5, 1] = False
    planted[5:10, 3] = False
    scores = score(study(planted, patients), empty=empty)  # type: ignore[arg-type]
    counted = empties(scores).set_index("reference")
    assert counted["empty"].to_dict() == {"1": 5, "2": 0, "3": 5}
    assert counted["emptied_by"].to_dict() == {"1": "2: 5", "2": "", "3": "2: 5"}
    cases = averaged(scores)
    assert cases["difference"].mean() == pytest.approx(mean, abs=5e-7)
    assert (cases["dice_network"][5:10] == 0).all() and (cases["references_used"] >= 1).all()


def test_levels_when_the_network_is_truly_a_reader(masks: np.ndarray, patients: list[str]) -> None:
    """Slots permuted within nodules: why the averaged Wilcoxon is only "the paper's figure" and margin is primary.

    The averaged difference depends only on which slot takes the network's place, so it is tabulated once.
    """
    differences = np.column_stack(
        [averaged(score(study(masks, patients, slot)))["difference"].to_numpy() for slot in (1, 2, 3, 4)]
    )
    generator, draws = np.random.default_rng(0), 1000
    higher, lower, t_higher, t_lower = 0, 0, 0, 0
    for _ in range(draws):
        drawn = differences[np.arange(456), generator.integers(0, 4, 456)]
        test = signed_rank(drawn)
        higher, lower = higher + (test.p_greater < 0.025), lower + (test.p_less < 0.025)
        t = robust_t(drawn, np.arange(456), margin=0.05, alpha=0.025)
        t_higher, t_lower = t_higher + (t.low > 0), t_lower + (t.high < 0)
        assert t.verdict == "equivalent"
    assert higher / draws == pytest.approx(0.153, abs=0.035) and lower / draws < 0.01
    assert t_higher / draws == pytest.approx(0.027, abs=0.015) and t_lower / draws == pytest.approx(0.025, abs=0.015)
