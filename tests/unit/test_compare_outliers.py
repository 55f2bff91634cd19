"""Outliers: planted failures come first, with the facts that were planted; their table and picture."""

import base64
import io
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radparity.compare.outliers import COLUMNS, DISJOINT, EMPTY, NO_MASK, OVERLAPPING, outliers, read_facts
from radparity.compare.scores import Case, averaged, score
from radparity.ledger import dump
from radparity.report.outliers import outlier_figure, outliers_table

SHAPE, STEP = (48, 40), (0.5, 1.0)


def box(a, s, width=8, height=8):
    mask = np.zeros(SHAPE, bool)
    mask[a : a + width, s : s + height] = True
    return mask


def planted():
    """Good cases, one with an empty mask, one far away, and one that is hard for the readers too."""
    readers = {f"R{k}": box(10, 10, 8 + k % 2) for k in range(4)}
    cases = [Case(f"good{k}", f"p{k}", box(10, 10, 8, 8 - k % 2), readers, STEP) for k in range(5)]
    cases.append(Case("missed", "q1", box(10, 10) & False, readers, STEP))
    cases.append(Case("astray", "q2", box(30, 22), readers, STEP))
    apart = {f"R{k}": box(10 + 2 * k, 10) for k in range(4)}
    cases.append(Case("hard", "q3", box(16, 10), apart, STEP))
    return cases


def test_the_planted_failures_come_first_with_their_facts():
    cases = planted()
    table = outliers(cases, score(cases), 4, {"astray": {"section_maximum": 0.8, "disagreement": 0.1}})
    assert list(table) == list(COLUMNS) and list(table["case"])[:2] == ["astray", "missed"]
    # What is hard for the readers too is in by the network's Dice, not by the difference.
    assert "hard" in set(table["case"])
    rows = table.set_index("case")
    assert rows.loc["missed", "network_mask"] == EMPTY and rows.loc["missed", "note"] == NO_MASK
    assert rows.loc["missed", "network_size"] == 0 and np.isnan(rows.loc["missed", "centroid_distance_mm"])
    assert rows.loc["astray", "network_mask"] == DISJOINT and rows.loc["astray", "section_maximum"] == 0.8
    # The union of the readers is 9 x 8 voxels from (10, 10): centroid (14, 13.5). The mask's is (33.5, 25.5).
    assert rows.loc["astray", "centroid_distance_mm"] == pytest.approx(np.hypot(19.5 * 0.5, 12.0))
    assert rows.loc["hard", "rank_by_dice"] == 3 < rows.loc["hard", "rank_by_difference"]
    assert rows.loc["hard", "network_mask"] == OVERLAPPING
    assert rows.loc["astray", "network_size"] == pytest.approx(64 * 0.5)
    assert rows.loc["astray", "readers_size"] == pytest.approx(np.median([64, 72, 64, 72]) * 0.5)
    assert rows.loc["missed", "dice_network"] == 0 and np.isnan(rows.loc["missed", "section_maximum"])


@given(st.integers(0, 100), st.integers(1, 9))
def test_both_lists_worst_are_in_and_ranks_are_permutations(seed, count):
    generator = np.random.default_rng(seed)
    cases = [
        Case(f"c{k}", f"c{k}", generator.random((6, 6)) > 0.4, {r: generator.random((6, 6)) > 0.3 for r in "ABC"})
        for k in range(8)
    ]
    scores = score(cases)
    table, per_case = outliers(cases, scores, count), averaged(scores).dropna(subset=["difference"])
    assert len(table) == min(count, len(per_case))
    whole = outliers(cases, scores, 99)
    for rank in ("rank_by_difference", "rank_by_dice"):
        assert sorted(whole[rank]) == list(range(1, len(per_case) + 1))
    by_dice = whole.sort_values("rank_by_dice")["dice_network"].to_numpy()
    assert (np.diff(by_dice) >= -1e-12).all()
    assert (np.diff(whole.sort_values("rank_by_difference")["difference"]) >= -1e-12).all()
    best = table[["rank_by_difference", "rank_by_dice"]].min(axis=1)
    assert (np.diff(best) >= 0).all() and best.iloc[0] == 1
    if count >= 2:
        assert {1} <= set(table["rank_by_difference"]) and {1} <= set(table["rank_by_dice"])


def test_the_order_of_the_cases_does_not_matter():
    cases = planted()
    one, two = (outliers(order, score(order), 6) for order in (cases, cases[::-1]))
    assert one.drop(columns="note").equals(two.drop(columns="note"))


def test_volumes_and_unknown_voxels():
    readers = {k: np.pad(np.ones((2, 2, 2), bool), 3) for k in "ABC"}
    solid = Case("v", "v", np.pad(np.ones((4, 2, 2), bool), ((3, 1), (3, 3), (3, 3))), readers, (2.0, 1.0, 1.0))
    row = outliers([solid], score([solid]), 1).iloc[0]
    assert row["network_size"] == 32 and row["centroid_distance_mm"] == pytest.approx(2.0)
    assert row["diameter_mm"] == pytest.approx(np.cbrt(6 * 16 / np.pi))
    blind = Case("v", "v", solid.network, readers)
    row = outliers([blind], score([blind]), 1).iloc[0]
    assert np.isnan(row["network_size"]) and "voxel size unknown" in row["note"]


def test_no_case_none_wanted_and_no_usable_reference_give_the_header():
    cases = planted()
    blank = [Case("b", "b", box(1, 1), {r: box(1, 1) & False for r in "ABC"}, STEP)]
    for table in (
        outliers([], score(cases), 3),
        outliers(cases, score(cases), 0),
        outliers(blank, score(blank), 3),
    ):
        assert list(table) == list(COLUMNS) and table.empty


def test_facts_come_from_the_records_of_segment(tmp_path):
    ok = {"case": "a", "status": "ok", "section_maximum": 0.9, "disagreement": 0.2, "voxels": 5}
    out = {"case": "b", "status": "excluded", "code": "x", "sentence": "y"}
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, record in zip(paths, (ok, out), strict=True):
        path.write_text(dump(record))
    assert read_facts(paths) == {"a": {"section_maximum": 0.9, "disagreement": 0.2}}


def results_of(folder, cases, table):
    """The part of the report's results that the outliers need, with real images on disk."""
    files = {name: {} for name in ("channels", "masks", "outlines")}
    records = {"segment": {}, "outline": {}}
    for case in cases:
        readers = np.stack([case.readers[r] for r in sorted(case.readers)], axis=-1)
        volume = np.random.default_rng(0).random((3, *SHAPE, 3)).astype(np.float32)
        for name, array in (("channels", volume), ("masks", case.network[None]), ("outlines", readers[None])):
            path = folder / f"{name}_{case.case}.nii.gz"
            data = array if name == "channels" else array.astype(np.uint8)
            nibabel.save(nibabel.Nifti1Image(data, np.diag([3.0, *STEP, 1.0])), path)
            files[name][case.case] = path
        records["segment"][case.case] = {"section": 1}
        records["outline"][case.case] = {"raters": sorted(case.readers)}
    config = {"readers": {"test": sorted(cases[0].readers)}}
    return SimpleNamespace(table=lambda name: table, images=files, records=records, config=config)


def test_table_and_picture_name_every_outlier(tmp_path):
    cases = planted()
    table = outliers(cases, score(cases), 4)
    results = results_of(tmp_path, cases, table)
    figure, shown = outlier_figure(results), outliers_table(results)
    assert [row[0] for row in shown.rows] == list(table["case"]) and all(len(r) == len(shown.head) for r in shown.rows)
    assert all(case in figure.said for case in table["case"])
    assert shown.rows[1][5] == EMPTY and shown.rows[1][8] == ""
    assert base64.b64decode(figure.data)[:4] == b"\x89PNG" and outlier_figure(results).data == figure.data


def test_the_picture_shows_the_section_that_was_judged(tmp_path):
    import matplotlib.image

    cases = planted()[:1]
    table = outliers(cases, score(cases), 1)
    results = results_of(tmp_path, cases, table)
    before = outlier_figure(results).data
    path = results.images["channels"]["good0"]
    volume = np.asarray(nibabel.load(path).dataobj).copy()

    def drawn_with(section):
        changed = volume.copy()
        changed[section] = changed[section][::-1]
        nibabel.save(nibabel.Nifti1Image(changed, np.diag([3.0, *STEP, 1.0])), path)
        return outlier_figure(results).data

    assert drawn_with(0) == before and drawn_with(1) != before
    assert matplotlib.image.imread(io.BytesIO(base64.b64decode(before))).shape[0] > 200


def test_without_outliers_the_page_has_neither(tmp_path):
    cases = planted()
    results = results_of(tmp_path, cases, outliers([], score(cases), 3))
    assert outlier_figure(results) is None and outliers_table(results) is None
    table = outliers(cases, score(cases), 2)
    results = results_of(tmp_path, cases, table)
    results.images["masks"].clear()
    assert outlier_figure(results) is None and len(outliers_table(results).rows) == 2
