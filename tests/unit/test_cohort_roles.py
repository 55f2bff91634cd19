"""The roles judged by hand: table, page and rules agree, and the draw can be made again."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from radparity.intake.descriptions import Described, role_of_description, roles_beside
from radparity.intake.roles import ROLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cohort_roles():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import cohort_roles

        return cohort_roles
    finally:
        sys.path.pop(0)


def roles(*exam):
    return [found for found, _ in roles_beside([Described(text, "MR", images) for text, images in exam])]


def test_the_table_has_what_the_rules_propose_today(cohort_roles):
    table, today = cohort_roles.judged(), cohort_roles.proposed()
    assert dict(table["collection"].value_counts()) == dict.fromkeys(cohort_roles.COLLECTIONS, cohort_roles.EACH)
    facts = ["series", "collection", "number", "modality", "description", "images", "proposed"]
    pd.testing.assert_frame_equal(
        table[facts].sort_values("series", ignore_index=True),
        today[facts].astype(str).sort_values("series", ignore_index=True),
        check_dtype=False,
    )


def test_verdicts_follow_from_the_roles_by_hand(cohort_roles):
    table = cohort_roles.judged()
    assert {role.removesuffix("?") for role in table["by_hand"]} <= {"", *ROLES} - {"unsure"}
    for row in table.itertuples():
        assert row.verdict == cohort_roles.verdict(row.proposed, row.by_hand), row.series
        assert row.remark or row.verdict == "right", f"{row.series} wants a reason"
    assert [cohort_roles.verdict(*given) for given in (("t1", "t1"), ("t1", "t2"), ("unsure", "t2"))] == [
        "right", "wrong", "undecided",
    ]  # fmt: skip


def test_the_page_has_the_tables_counts(cohort_roles):
    text, table = cohort_roles.PAGE.read_text(encoding="utf-8"), cohort_roles.judged()
    assert cohort_roles.page(table, text) == text
    row = re.search(r"(?s)<!-- today -->.*?\| all \| ([\d |]+) \|\n", text)[1]
    assert dict(zip(cohort_roles.VERDICTS, map(int, row.split(" | ")), strict=True)) == {
        verdict: (table["verdict"] == verdict).sum() for verdict in cohort_roles.VERDICTS
    }
    table.loc[0, "by_hand"] = "other"
    assert cohort_roles.page(table, text) != text


@pytest.mark.skipif(not (find_spec("duckdb") and find_spec("idc_index_data")), reason="the index is not installed")
def test_the_draw_can_be_made_again(cohort_roles):
    index = Path(find_spec("idc_index_data").origin).with_name("idc_index.parquet")
    again = cohort_roles.draw(index).astype(str)
    kept = pd.read_csv(cohort_roles.EXAMS, sep="\t", keep_default_na=False, dtype=str)
    pd.testing.assert_frame_equal(again.reset_index(drop=True), kept, check_dtype=False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ISPY2: Ph3/AX VIBRANT-SERIES", "dynamic"), ("Ph3/AX VIBRANT-SERIES", "dynamic"),
        ("ISPY2: FAT:IDEAL", "other"), ("MPRSeries0014", "derived"), ("MPRAXIAL", "derived"), ("MPRAGE sag", "unsure"),
        ("SAG 3D FSPGR PRE X1 &POSTX3", "dynamic"), ("SAG 3D FSPGR PRE X1&POST X3", "dynamic"),
        ("SAG 3D preposterior", "unsure"), ("ACRIN-6698: DWI MASK: from S4: Whole Tumor Manual", "derived"),
        ("ACRIN-6698: DWI TRACE: from S4", "diffusion"),
    ],
)  # fmt: skip
def test_words_of_the_public_collections(text, wanted):
    assert role_of_description(text)[0] == wanted


def test_a_copy_of_the_phases_says_nothing_of_the_series_that_it_was_taken_from():
    phases = [("ISPY2: AX VIBE PRE FAT SAT", 72), *[("ISPY2: AX VIBE POST FAT SAT", 72)] * 3]
    copy, plain = ("ISPY2: VOLSER: uni-lateral cropped: original DCE", 256), ("ISPY2: AX T1 NON FS", 40)
    assert roles(*phases, copy, plain) == ["dynamic"] * 5 + ["t1"]
    # An acquisition that says it is dynamic does.
    assert roles(phases[0], ("ISPY2: AX DYN", 360), copy) == ["t1", "dynamic", "dynamic"]
