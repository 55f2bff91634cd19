from __future__ import annotations

from dataclasses import replace

import lidc
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from radparity.compare.scores import Case
from radparity.compare.volume import COLUMNS, SUMMARY, bland_altman, volume_table


def test_areas_are_those_stored_with_the_outlines() -> None:
    table = volume_table(lidc.cases())
    assert list(table.columns) == list(COLUMNS) and (table["unit"] == "mm2").all()
    stored = lidc.table()
    for rater, slot in (("network", 4), ("1", 1), ("2", 2), ("3", 3)):
        area = stored[f"area_px_reader{slot}"] * stored["pixel_spacing_mm"] ** 2
        np.testing.assert_allclose(table.loc[table["rater"] == rater, "size"], area)


def test_bland_altman_against_a_regression_with_clusters() -> None:
    table = volume_table(lidc.cases())
    rows = bland_altman(table).set_index(["rater", "against"])
    sizes = table.pivot(index="case", columns="rater", values="size")
    patients = lidc.table()["lidc_patient"].to_numpy()
    sizes["readers"] = sizes[["1", "2", "3"]].mean(axis=1)
    wanted = [("network", "readers"), *[("network", k) for k in "123"], ("1", "2"), ("1", "3"), ("2", "3")]
    assert list(rows.index) == wanted
    for (rater, other), row in rows.iterrows():
        apart = (sizes[rater] - sizes[other]).to_numpy()
        clusters = {"groups": pd.factorize(patients)[0], "use_correction": False}
        fit = sm.OLS(apart, np.ones(456)).fit(cov_type="cluster", cov_kwds=clusters)
        assert row["bias"] == pytest.approx(fit.params[0])
        assert row["bias_se"] == pytest.approx(fit.bse[0] * np.sqrt(300 / 299))
        assert row["limit_high"] - row["limit_low"] == pytest.approx(2 * 1.959964 * np.std(apart, ddof=1), rel=1e-6)
        assert (row["limit_low"] + row["limit_high"]) / 2 == pytest.approx(apart.mean())
        relative = 100 * (sizes[rater] / sizes[other] - 1)
        assert row["relative_median"] == pytest.approx(relative.median())


def cube(shape: tuple[int, ...], side: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[(slice(0, side),) * len(shape)] = True
    return mask


def test_volumes_of_anisotropic_voxels() -> None:
    shape = (6, 6, 6)
    case = Case("c", "p", cube(shape, 4), {"a": cube(shape, 2), "b": cube(shape, 0)}, (3.0, 0.5, 0.8))
    table = volume_table([case, replace(case, case="d", patient="q")])
    assert table["size"].tolist()[:3] == pytest.approx([64 * 1.2, 8 * 1.2, 0]) and (table["unit"] == "mm3").all()
    rows = bland_altman(table).set_index(["rater", "against"])
    assert rows.loc[("network", "a"), ["bias", "bias_se", "spread"]].tolist() == pytest.approx([56 * 1.2, 0, 0])
    assert rows.loc[("network", "a"), "relative_median"] == pytest.approx(700)
    assert rows.loc[("network", "b"), "relative_left_out"] == 2 and np.isnan(rows.loc[("network", "b"), "relative_q25"])
    assert rows.loc[("network", "b"), "bias"] == pytest.approx(64 * 1.2)


def test_a_planted_bias_is_found() -> None:
    shape, spacing = (40, 40), (0.5, 0.5)
    cases = [
        Case(f"c{k}", f"p{k // 2}", cube(shape, k + 5), {"a": cube(shape, k + 3), "b": cube(shape, k + 5)}, spacing)
        for k in range(12)
    ]
    rows = bland_altman(volume_table(cases)).set_index(["rater", "against"])
    true = np.mean([((k + 5) ** 2 - (k + 3) ** 2) * 0.25 for k in range(12)])
    assert rows.loc[("network", "a"), "bias"] == pytest.approx(true)
    assert rows.loc[("network", "a"), "bias_low"] > 0 and rows.loc[("network", "b"), "bias"] == 0


def test_voxels_where_their_size_is_not_known_have_a_row_of_their_own() -> None:
    known, unknown = Case("c", "p", cube((4, 4), 2), {"a": cube((4, 4), 1)}, (2.0, 2.0)), cube((4, 4), 3)
    table = volume_table([known, Case("d", "q", unknown, {"a": unknown})])
    assert table["unit"].tolist() == ["mm2", "mm2", "voxels", "voxels"] and (table["note"] != "").sum() == 2
    rows = bland_altman(table)
    assert rows["unit"].tolist() == ["mm2", "mm2", "voxels", "voxels"] and (rows["n"] == 1).all()
    assert rows["bias_se"].isna().all() and rows["note"].str.contains("two patients").all()


def test_a_spacing_that_does_not_fit_and_no_case() -> None:
    with pytest.raises(ValueError, match="case c.*one an axis"):
        volume_table([Case("c", "p", cube((4, 4), 2), {}, (1.0, 1.0, 1.0))])
    assert list(volume_table([]).columns) == list(COLUMNS)
    assert list(bland_altman(volume_table([])).columns) == list(SUMMARY)
