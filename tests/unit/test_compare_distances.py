from __future__ import annotations

from dataclasses import replace

import lidc
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, stats

from radparity.compare.distances import (
    COLUMNS,
    SUMMARY,
    boundary,
    difference,
    distance_summary,
    distance_table,
    distances,
    for_ranks,
    quantile,
)

NO_DEADLINE = settings(deadline=None)  # a busy machine is no fault of the code

shapes = st.one_of(st.just((6, 7)), st.just((3, 5, 4)))
pairs = shapes.flatmap(lambda shape: hnp.arrays(bool, (2, *shape)))
SPACING = {2: (0.7, 1.3), 3: (3.0, 0.5, 0.8)}


def slow_boundary(mask: np.ndarray) -> set[tuple[int, ...]]:
    found = set()
    for voxel in map(tuple, np.argwhere(mask)):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                there = tuple(index + step * (k == axis) for k, index in enumerate(voxel))
                inside = all(0 <= index < size for index, size in zip(there, mask.shape, strict=True))
                if not inside or not mask[there]:
                    found.add(voxel)
    return found


def slow_distances(mask: np.ndarray, reference: np.ndarray, spacing: tuple[float, ...]) -> tuple[float, float]:
    own, other = (np.array(sorted(slow_boundary(each))) * spacing for each in (mask, reference))
    apart = np.sqrt(((own[:, None] - other[None]) ** 2).sum(axis=-1))
    there, back = apart.min(axis=1), apart.min(axis=0)
    return max(np.percentile(there, 95), np.percentile(back, 95)), np.concatenate([there, back]).mean()


@NO_DEADLINE
@given(pairs)
def test_against_every_pair_of_voxels(pair: np.ndarray) -> None:
    mask, reference = pair
    assert set(map(tuple, boundary(mask).astype(int))) == slow_boundary(mask)
    if mask.any() and reference.any():
        spacing = SPACING[mask.ndim]
        assert distances(mask, reference, spacing) == pytest.approx(slow_distances(mask, reference, spacing))


@NO_DEADLINE
@given(pairs)
def test_against_a_distance_transform(pair: np.ndarray) -> None:
    """Erosion for the boundary and a Euclidean distance transform for the distance, in mm."""
    spacing, surfaces = SPACING[pair.ndim - 1], []
    cross = ndimage.generate_binary_structure(pair.ndim - 1, 1)
    for mask in pair:
        surfaces.append(mask & ~ndimage.binary_erosion(mask, cross, border_value=0))
    if not all(surface.any() for surface in surfaces):
        return
    fields = [ndimage.distance_transform_edt(~surface, sampling=spacing) for surface in surfaces]
    directed = [fields[1][surfaces[0]], fields[0][surfaces[1]]]
    hd95, assd = distances(*pair, spacing)
    assert hd95 == pytest.approx(max(np.percentile(each, 95) for each in directed))
    assert assd == pytest.approx(np.concatenate(directed).mean())


@pytest.mark.parametrize("spacing", [(0.5, 0.8, 3.0), (2.0, 1.0, 1.0)])
def test_against_simpleitk_in_a_volume(spacing: tuple[float, ...]) -> None:
    """Contours, and distance maps of them in mm, by SimpleITK."""
    import SimpleITK as sitk

    masks = np.zeros((2, 12, 14, 16), bool)
    masks[0, 2:9, 3:10, 2:8] = True
    masks[1, 4:10, 3:12, 5:9] = True
    contours = []
    for mask in masks:
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing(spacing[::-1])
        contours.append(sitk.BinaryContour(image, fullyConnected=False))
    maps = [sitk.SignedMaurerDistanceMap(each, squaredDistance=False, useImageSpacing=True) for each in contours]
    fields = [np.abs(sitk.GetArrayFromImage(each)) for each in maps]
    on = [sitk.GetArrayFromImage(each) > 0 for each in contours]
    there, back = fields[1][on[0]], fields[0][on[1]]
    hd95, assd = distances(*masks, spacing)
    assert hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), rel=1e-5)
    assert assd == pytest.approx(np.concatenate([there, back]).mean(), rel=1e-5)


@NO_DEADLINE
@given(pairs)
def test_symmetric_zero_on_itself_and_scaled_by_the_spacing(pair: np.ndarray) -> None:
    mask, reference = pair
    spacing = SPACING[mask.ndim]
    if mask.any() and reference.any():
        there = distances(mask, reference, spacing)
        assert there == pytest.approx(distances(reference, mask, spacing))
        assert distances(mask, mask, spacing) == (0, 0)
        assert distances(mask, reference, [2 * step for step in spacing]) == pytest.approx([2 * mm for mm in there])


def test_a_shift_along_each_axis_of_a_volume_is_that_many_mm() -> None:
    for axis, step in enumerate((3.0, 0.5, 0.8)):
        point = np.zeros((9, 9, 9), bool)
        point[4, 4, 4] = True
        assert distances(np.roll(point, 2, axis), point, (3.0, 0.5, 0.8)) == pytest.approx((2 * step, 2 * step))


def test_the_border_of_the_image_is_outside() -> None:
    full = np.ones((4, 5), bool)
    assert len(boundary(full)) == 14
    assert len(boundary(np.ones((1, 4, 5), bool))) == 20


def test_empty_masks() -> None:
    some, none = np.ones((3, 3), bool), np.zeros((3, 3), bool)
    assert distances(none, some, (1, 1)) == (np.inf, np.inf)
    for mask in (some, none):
        assert np.isnan(distances(mask, none, (1, 1))).all()


@pytest.mark.parametrize(("shape", "spacing"), [((3, 4), (1, 1)), ((3, 3), (1, 1, 1)), ((3, 3), (1, 0))])
def test_what_is_refused(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="one grid|voxel sizes above 0"):
        distances(np.ones((3, 3), bool), np.ones(shape, bool), spacing)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return distance_table(lidc.cases())


def test_golden_medians(table: pd.DataFrame) -> None:
    summary = distance_summary(table).set_index(["measure", "reference"])
    assert list(table.columns) == list(COLUMNS) and len(table) == 3 * 456
    golden = {
        ("hd95", "network"): (1.406, 1.332, 1.406),
        ("hd95", "reader"): (1.398, 1.328, 1.381),
        ("assd", "network"): (0.583, 0.569, 0.576),
        ("assd", "reader"): (0.607, 0.560, 0.584),
    }
    for (measure, rater), medians in golden.items():
        assert summary.loc[measure].loc[["1", "2", "3"], f"{rater}_median"].tolist() == pytest.approx(medians, abs=5e-4)
    assert (summary["n"] == 456).all() and (summary["patients"] == 300).all()


def test_the_test_of_the_summary_is_scipys(table: pd.DataFrame) -> None:
    summary = distance_summary(table)
    own = table[table["reference"] == "2"]
    apart = (own["assd_network"] - own["assd_reader"]).round(12)
    p = stats.wilcoxon(apart, zero_method="wilcox", correction=False, method="approx").pvalue
    row = summary[(summary["measure"] == "assd") & (summary["reference"] == "2")].iloc[0]
    assert row["wilcoxon_p"] == pytest.approx(p)
    assert row["median_of_differences"] == pytest.approx(np.median(apart))


def test_a_missed_case_stays_in_medians_and_ranks_and_leaves_the_mean() -> None:
    cases = list(lidc.cases()[:41])
    whole = distance_summary(distance_table(cases)).set_index(["measure", "reference"])
    none = np.zeros((96, 96), bool)
    blank = [replace(case, network=none) if i < 30 else case for i, case in enumerate(cases)]
    rows = distance_summary(distance_table(blank)).set_index(["measure", "reference"])
    assert (rows["network_missed"] == 30).all() and (rows["reader_missed"] == 0).all() and (rows["n"] == 41).all()
    assert np.isinf(rows["network_median"]).all() and np.isfinite(rows["network_q25"]).all()
    assert np.isfinite(rows["network_mean"]).all() and (rows["wilcoxon_p"] < whole["wilcoxon_p"]).all()
    assert (rows["wilcoxon_p"] < 1e-4).all() and (rows["median_of_differences"] == np.inf).all()


def test_an_empty_reference_and_an_unknown_spacing_leave() -> None:
    first, second, *rest = lidc.cases()[:6]
    none = np.zeros((96, 96), bool)
    emptied = replace(first, readers={**first.readers, "2": none})
    table = distance_table([emptied, replace(second, spacing_mm=None), *rest])
    notes = table.set_index(["case", "reference"])["note"]
    assert notes[first.case].to_dict() == {"1": "empty reference", "2": "", "3": "empty reference"}
    assert (notes[second.case] == "no voxel size").all() and (notes.drop([first.case, second.case]) == "").all()
    own = table[(table["case"] == first.case) & (table["reference"] == "2")].iloc[0]
    assert np.isinf(own["hd95_reader"]) and np.isfinite(own["hd95_network"])
    rows = distance_summary(table).set_index(["measure", "reference"])
    assert rows.loc["hd95", "cases_left_out"].to_dict() == {"averaged": 1, "1": 2, "2": 1, "3": 2}
    assert rows.loc[("hd95", "averaged"), "reader_missed"] == 1


def test_averaged_is_the_mean_over_the_cases_references(table: pd.DataFrame) -> None:
    mean = table.groupby("case")[["hd95_network", "hd95_reader"]].mean()
    row = distance_summary(table).iloc[0]
    assert (row["reference"], row["measure"]) == ("averaged", "hd95")
    assert row["network_median"] == pytest.approx(mean["hd95_network"].median())
    assert row["reader_mean"] == pytest.approx(mean["hd95_reader"].mean())


def test_infinite_differences() -> None:
    inf = np.inf
    apart = difference([1.0, inf, 2.0, inf, inf], [3.0, 1.0, inf, inf, 9.0])
    np.testing.assert_array_equal(apart, [-2, inf, -inf, 0, inf])
    ranked = stats.rankdata(np.abs(for_ranks(apart)))
    assert ranked.tolist() == [2, 4, 4, 1, 4] and (np.sign(for_ranks(apart)) == np.sign(apart)).all()


@NO_DEADLINE
@given(hnp.arrays(float, st.integers(1, 9), elements=st.floats(-5, 5)), st.floats(0, 1))
def test_quantiles_are_type_7(values: np.ndarray, share: float) -> None:
    assert quantile(values, share) == pytest.approx(np.quantile(values, share), abs=1e-9)


def test_quantiles_of_infinite_values() -> None:
    inf = np.inf
    assert quantile(np.array([1, 2, inf]), 0.5) == 2 and quantile(np.array([1, inf]), 0.5) == inf
    assert quantile(np.array([-inf, 1.0]), 0.5) == -inf and np.isnan(quantile(np.array([-inf, inf]), 0.5))
    assert np.isnan(quantile(np.array([]), 0.5))


def test_the_table_of_a_volume_is_that_of_its_sections_where_sections_are_far_apart() -> None:
    """An outline on one section of a volume: each of its voxels is boundary, since the next section is outside."""
    case = lidc.cases()[0]
    deep = {reader: np.stack([mask & False, mask, mask & False]) for reader, mask in case.readers.items()}
    volume = replace(case, network=deep["1"], readers=deep, spacing_mm=(2.5, *case.spacing_mm))
    table = distance_table([volume])
    for row in table.itertuples():
        reference = (
            deep[{"1": "2", "2": "1", "3": "1"}[row.reference]] & deep[{"1": "3", "2": "3", "3": "2"}[row.reference]]
        )
        fields = [ndimage.distance_transform_edt(~mask, sampling=volume.spacing_mm) for mask in (deep["1"], reference)]
        assert row.assd_network == pytest.approx(np.concatenate([fields[1][deep["1"]], fields[0][reference]]).mean())


def test_without_a_case_there_is_a_header() -> None:
    table = distance_table([])
    assert list(table.columns) == list(COLUMNS) and table.empty
    assert list(distance_summary(table).columns) == list(SUMMARY) and distance_summary(table).empty
