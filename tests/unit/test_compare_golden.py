"""Four radiologists on 456 LIDC nodules: every figure here was published with the definitions, not made by this code.

Slot 4 stands in the network's place, slots 1 to 3 are the readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radparity.compare.anova import anova
from radparity.compare.bracket import bracket
from radparity.compare.correlation import correlation
from radparity.compare.margin import margin_test, robust_t, standard_error
from radparity.compare.mixed import effect_of_type, fit_mixed, mixed
from radparity.compare.normality import normality
from radparity.compare.paired import paired
from radparity.compare.random_readers import obuchowski_rockette, random_readers
from radparity.compare.scores import Case, averaged, empties, score
from radparity.compare.sensitivity import sensitivity, shifted_wilcoxon
from radparity.compare.study import Settings, compare
from radparity.compare.wilcoxon import EXACT, signed_rank, signed_rank_by_patient

DATA = Path(__file__).parents[2] / "resources" / "lidc"
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
    assert shifted_wilcoxon(differences, np.arange(456), margin=0.01).p == pytest.approx(shifted, rel=1e-3)


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


def test_logit_and_normality(tables: dict[str, pd.DataFrame]) -> None:
    table = normality(tables["scores"]).set_index(["scale", "reference"])
    logits, dice = table.loc["logit"], table.loc["dice"]
    assert logits.loc[ROWS, "mean"].tolist() == pytest.approx([-0.00932, -0.11940, -0.09641, -0.03697], abs=5e-6)
    assert logits.loc[ROWS, "sd"].tolist() == pytest.approx([0.81216, 0.83063, 0.90361, 0.59145], abs=5e-6)
    assert dice.loc[ROWS, "w"].tolist() == pytest.approx([0.9685, 0.9942, 0.9750, 0.9689], abs=5e-5)
    assert logits.loc[ROWS, "w"].tolist() == pytest.approx([0.8676, 0.9140, 0.8804, 0.9108], abs=5e-5)
    assert dice.loc[ROWS, "sd"].tolist() == pytest.approx([0.083932, 0.077593, 0.083294, 0.066679], abs=5e-7)


def test_repeated_measures_analysis_of_variance(tables: dict[str, pd.DataFrame]) -> None:
    table = anova(tables["scores"]).set_index(["scale", "effect"]).loc["dice"]
    effects = ["type", "ref", "type:ref"]
    assert table.loc[effects, "f"].tolist() == pytest.approx([1.1337, 9.4024, 1.3239], abs=5e-5)
    assert table.loc[effects, "p_uncorrected"].tolist() == pytest.approx([0.2875, 9.08e-5, 0.2666], rel=5e-4)
    assert table.loc[effects, "epsilon"].tolist() == pytest.approx([1.0, 0.997, 0.970], abs=5e-4)
    differences, patients = pairs(tables, "averaged")
    for f, unit in ((table.loc["type", "f"], np.arange(456)), (table.loc["type", "f_by_patient"], patients)):
        assert f == pytest.approx((differences.mean() / standard_error(differences, unit)) ** 2, rel=1e-9)


def test_random_readers(tables: dict[str, pd.DataFrame]) -> None:
    table = paired(tables["scores"])
    found = obuchowski_rockette(table, table.patients)
    assert found.estimate == pytest.approx(-0.003325, abs=5e-7)
    assert found.standard_error == pytest.approx(0.003488, abs=5e-7)
    assert found.df == pytest.approx(28.5, abs=0.05)
    rows = random_readers(tables["scores"], anonymous=True).set_index("readers_are")
    assert rows.loc["a sample", "note"].startswith("refused") and rows.loc["used", "claim"] == "these 3 readers"


def test_correlation_of_network_and_readers(tables: dict[str, pd.DataFrame]) -> None:
    table = correlation(tables["scores"], draws=500).set_index(["reference", "method"])
    row = table.loc[("averaged", "spearman")]
    assert row["r"] == pytest.approx(0.6208, abs=5e-5) and row["low"] < 0.6208 < row["high"]


def test_mixed_model(tables: dict[str, pd.DataFrame]) -> None:
    """With cases independent it is the balanced design's; (1|case) alone has a standard error a third too small."""
    table = mixed(tables["scores"]).set_index("term")
    assert (table["converged"] == "yes").all() and (table["n"] == 456).all() and (table["patients"] == 300).all()
    assert table.loc["type", "p_cases"] == pytest.approx(0.2875, abs=5e-5)
    arrays = paired(tables["scores"])
    difference, error = effect_of_type(fit_mixed(arrays, by_patient=False))
    assert (difference, error) == pytest.approx((-0.003325, 0.003123), abs=5e-7)
    dice = np.hstack([arrays.network, arrays.reader])
    residual = dice - dice.mean(axis=1, keepdims=True) - dice.mean(axis=0) + dice.mean()
    alone = np.sqrt(np.sum(residual**2) / (455 * 5) * 2 / (456 * 3))
    assert alone / error == pytest.approx(2 / 3, abs=0.02)
    assert effect_of_type(fit_mixed(arrays))[1] > error


def test_sensitivity_table_at_a_margin_of_one_hundredth(masks: np.ndarray, patients: list[str]) -> None:
    table = sensitivity(study(masks, patients), margin=0.01, draws=2000).set_index("analysis")
    p = ["p_by_patient", "p_cases"]
    assert table.loc["patient-robust t", p].tolist() == pytest.approx([0.02784, 0.01653], rel=1e-3)
    assert table.loc["Wilcoxon on shifted differences", "p_cases"] == pytest.approx(0.0005231, rel=1e-3)
    assert table.loc["patient-robust t on the logit", "estimate"] == pytest.approx(-0.03697, abs=5e-6)
    assert table.loc["margin test, union references", "estimate"] == pytest.approx(-0.008241, abs=5e-7)
    same = ["margin test, the primary", "margin test, majority references", "margin test, empty references: zero"]
    assert table.loc[same, "estimate"].tolist() == pytest.approx([-0.003325] * 3, abs=5e-7)
    means = [table.loc[f"margin test, reference {k}", "estimate"] for k in (1, 2, 3)]
    assert means == pytest.approx([0.000266, -0.005191, -0.005049], abs=5e-7)


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


def by_pairs(masks: np.ndarray, patients: list[str], rule: str) -> np.ndarray:
    """Dice (nodule, slot, other slot) of a slot on the reference of the two slots that are neither."""
    table = np.full((456, 4, 4), np.nan)
    for network in (1, 2, 3, 4):
        scores = score(study(masks, patients, network), rule)  # type: ignore[arg-type]
        for reader, rows in scores.groupby("reference"):
            table[:, network - 1, int(reader) - 1] = rows["dice_network"]
    return table


def test_levels_when_the_network_is_truly_a_reader(masks: np.ndarray, patients: list[str]) -> None:
    """Slots permuted within nodules: why the averaged Wilcoxon is only "the paper's figure" and margin is primary."""
    tables = {rule: by_pairs(masks, patients, rule) for rule in ("intersection", "union")}
    generator, draws, nodules = np.random.default_rng(0), 1000, np.arange(456)[:, None]
    counted: dict[str, int] = dict.fromkeys(
        ["averaged higher", "averaged lower", "union higher", "union lower", "ref1 higher", "ref1 lower"]
        + ["t higher", "t lower", "bracket"],
        0,
    )
    for draw in range(draws):
        order = np.argsort(generator.random((456, 4)), axis=1)
        network, readers = order[:, :1], order[:, 1:]
        for name, table in tables.items():
            x, y = table[nodules, network, readers], table[nodules, readers, network]
            difference = (x - y).mean(axis=1)
            if name == "union":
                _count(counted, "union", difference)
                continue
            _count(counted, "averaged", difference)
            _count(counted, "ref1", x[:, 0] - y[:, 0])
            t = robust_t(difference, np.arange(456), margin=0.05, alpha=0.025)
            counted["t higher"] += t.low > 0
            counted["t lower"] += t.high < 0
            assert t.verdict == "equivalent"
            if draw < 200:
                columns = {"case": nodules.repeat(3, 1).ravel(), "reference": np.tile([1, 2, 3], 456), "usable": True}
                scores = pd.DataFrame(columns | {"dice_network": x.ravel(), "dice_reader": y.ravel()})
                counted["bracket"] += (
                    bracket(scores.assign(patient=scores["case"]), anonymous=False).verdict == "passed"
                )
            if draw < 5:
                assert margin_test(difference, patients, margin=0.05, draws=500).verdict == "equivalent"
    rate = {name: number / draws for name, number in counted.items()}
    # published with 4,000 draws and a tolerance of 0.01; the rest is three standard errors of 1,000 draws
    assert rate["averaged higher"] == pytest.approx(0.153, abs=0.045) and rate["averaged lower"] <= 0.012
    assert rate["union higher"] == pytest.approx(0.312, abs=0.055) and rate["union lower"] <= 0.01
    for name in ("ref1 higher", "ref1 lower", "t higher", "t lower"):
        assert rate[name] == pytest.approx(0.027, abs=0.025)
    assert counted["bracket"] <= 2


def _count(counted: dict[str, int], name: str, difference: np.ndarray) -> None:
    test = signed_rank(difference)
    counted[f"{name} higher"] += test.p_greater < 0.025
    counted[f"{name} lower"] += test.p_less < 0.025
