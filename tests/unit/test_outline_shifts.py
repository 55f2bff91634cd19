"""Shifts of a whole study: planted ones are found with their direction and owner, honest studies stay clear."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from radparity.faults import FAULTS
from radparity.outline.picture import draw_suspects
from radparity.outline.shifts import format_of, numbered, shift_facts
from radparity.outline.study_shifts import (
    COLUMNS,
    FEWEST_PATIENTS,
    MOST,
    PLACES,
    SOME,
    SUSPECT,
    TOO_FEW,
    study_shifts,
    warnings,
)
from radparity.outline.uptake import FARTHEST, MOVED, PLAUSIBLE, border, check_uptake, contrast, settle
from radparity.record import DataFault

RATERS = ["R1", "R2"]
SHAPE = (16, 40, 36)
SPACING = (3.0, 1.0, 1.0)


def exam(seed, section=5):
    """Uptake with one cancer, a ball whose largest section is `section`, and what two readers drew there."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(SHAPE)
    distance = np.sqrt(((z - section) * SPACING[0]) ** 2 + (y - 20) ** 2 + (x - 16) ** 2)
    uptake = np.where(distance < 7, 1.0, 0.0) + 0.2 * rng.standard_normal(SHAPE)
    return uptake, np.stack([distance[section] < 7 + offset for offset in (-0.1, 0.1)], axis=-1)


EXAMS = [exam(seed) for seed in range(24)]


def study(off=lambda n: 0, raters=RATERS, ways=lambda n: "right", formats=lambda n, rater: "NIfTI", count=24):
    """Facts and patients of a study; off: sections to the right that case n's outlines lie off (of `raters`)."""
    facts = {}
    for n, (uptake, outlines) in enumerate(EXAMS[:count]):
        honest = shift_facts(uptake, outlines, RATERS, 5, SPACING)
        moved = shift_facts(uptake, outlines, RATERS, 5 + off(n), SPACING)
        concerned = {*raters, "together"} if len(raters) > 1 else {*raters}
        contrasts = {whose: (moved if whose in concerned else honest)[whose] for whose in honest}
        kinds = {rater: formats(n, rater) for rater in RATERS}
        facts[f"B{n:02d}"] = {"contrast": contrasts, "numbered": ways(n), "formats": kinds}
    return facts, {breast: f"P{breast}" for breast in facts}


def suspects(facts, patients):
    table = study_shifts(facts, patients)
    rows = table[table["verdict"] == SUSPECT].to_dict("records")
    return {(row["group"], row["whose"], row["place"], row["concerns"]) for row in rows}


def alternately(n):
    return ("right", "left")[n % 2]


def test_an_honest_study_is_clear():
    assert suspects(*study()) == set() and suspects(*study(ways=alternately)) == set()
    assert warnings(study_shifts(*study())) == []


@pytest.mark.parametrize("step", [-2, -1, 1, 2])
def test_a_shift_of_all_outlines_is_found_where_they_belong(step):
    place = f"{abs(step)} section{'s' if abs(step) > 1 else ''} further {'left' if step > 0 else 'right'}"
    found = suspects(*study(lambda n: step))
    assert {(group, whose) for group, whose, where, concerns in found if (where, concerns) == (place, MOST)} == {
        ("all", "all"),
        ("rater", "R1"),
        ("rater", "R2"),
        ("format", "NIfTI"),
    }
    (sentence,) = warnings(study_shifts(*study(lambda n: step)))
    assert sentence.startswith("Most outlines of all raters") and place in sentence


@pytest.mark.parametrize("step", [-1, 1])
def test_a_fault_in_the_numbers_is_found_although_it_goes_both_ways_in_the_patient(step):
    facts, patients = study(lambda n: step if alternately(n) == "right" else -step, ways=alternately)
    place = f"1 section {'down' if step > 0 else 'up'} the numbers"
    assert ("all", "all", place, MOST) in suspects(facts, patients)
    (sentence,) = warnings(study_shifts(facts, patients))
    assert place in sentence
    unknown = {breast: own | {"numbered": None} for breast, own in facts.items()}
    table = study_shifts(unknown, patients)
    numbers = table[table["place"].str.contains("numbers")]
    assert (numbers["verdict"] == TOO_FEW).all() and (numbers["cases"] == 0).all()


def test_a_shift_of_one_rater_is_found_as_that_raters():
    found = suspects(*study(lambda n: 1, raters=["R2"]))
    assert ("rater", "R2", "1 section further left", MOST) in found
    assert {(group, whose) for group, whose, _, concerns in found if concerns == MOST} == {("rater", "R2")}
    assert any("rater R2" in said for said in warnings(study_shifts(*study(lambda n: 1, raters=["R2"]))))


def test_a_shift_of_one_format_is_found_as_that_formats():
    formats = lambda n, rater: "DICOM" if n % 2 else "NIfTI"  # noqa: E731
    found = suspects(*study(lambda n: n % 2, formats=formats))
    assert ("format", "DICOM", "1 section further left", MOST) in found
    assert not any(whose == "NIfTI" for _, whose, *_ in found)


def test_a_shift_in_half_of_the_cases_is_found_as_a_part():
    found = suspects(*study(lambda n: n % 2))
    assert ("format", "NIfTI", "1 section further left", SOME) in found
    assert not any(concerns == MOST for *_, concerns in found)
    said = warnings(study_shifts(*study(lambda n: n % 2)))
    assert said and all(sentence.startswith("A part of the outlines of") for sentence in said)


def test_outlines_on_reversed_sections_are_found():
    facts, patients = study(lambda n: SHAPE[0] - 1 - 2 * 5)
    assert ("all", "all", "mirrored left-right", MOST) in suspects(facts, patients)


def test_too_few_patients_are_never_suspect():
    facts, patients = study(lambda n: 1, count=FEWEST_PATIENTS - 1)
    assert set(study_shifts(facts, patients)["verdict"]) == {TOO_FEW}
    facts, patients = study(lambda n: 1)
    same = {breast: f"P{n % (FEWEST_PATIENTS - 1)}" for n, breast in enumerate(facts)}
    assert set(study_shifts(facts, same)["verdict"]) == {TOO_FEW}


def test_the_columns_are_documented_and_an_empty_study_has_them():
    assert list(study_shifts({}, {}).columns) == list(COLUMNS) and study_shifts({}, {}).empty
    assert warnings(study_shifts({}, {})) == []
    assert list(study_shifts(*study()).columns) == list(COLUMNS)


def test_the_order_of_the_cases_does_not_matter():
    facts, patients = study(lambda n: n % 2)
    again = study_shifts(dict(reversed(facts.items())), patients)
    pd.testing.assert_frame_equal(study_shifts(facts, patients), again)


def test_one_case_a_patient_gives_the_paired_t_interval():
    facts, patients = study()
    row = study_shifts(facts, patients).iloc[1]
    moves = [own["contrast"]["together"]["-1"] - own["contrast"]["together"]["0"] for own in facts.values()]
    low, high = stats.ttest_1samp(moves, 0).confidence_interval(0.998)
    assert (row["place"], row["cases"]) == (PLACES[1].name, 24)
    assert [row["mean_difference"], row["low"], row["high"]] == pytest.approx([np.mean(moves), low, high])
    leans = [own["contrast"]["together"]["-1"] - own["contrast"]["together"]["1"] for own in facts.values()]
    assert row["lean"] == pytest.approx(np.mean(leans)) and row["better"] == np.mean(np.array(moves) > 0)


def test_the_facts_of_a_case_are_the_contrasts_at_each_section():
    uptake, outlines = EXAMS[0]
    facts = shift_facts(uptake, outlines, RATERS, 1, SPACING)
    assert list(facts) == ["together", *RATERS]
    assert facts["R1"]["-2"] is None and facts["R1"]["-1"] is not None
    bands = border(outlines[..., 1], SPACING[1:], MOVED.band_mm)
    for place, section in (("0", 1), ("2", 3), ("mirrored", SHAPE[0] - 2)):
        assert facts["R2"][place] == pytest.approx(contrast(uptake[section], *bands), abs=5e-5)
    nothing = shift_facts(uptake, outlines & False, RATERS, 1, SPACING)
    assert {value for own in nothing.values() for value in own.values()} == {None}
    table = study_shifts({"B": {"contrast": nothing, "numbered": None, "formats": {"R1": "PNG"}}}, {"B": "P"})
    assert set(table["cases"]) == {0} and set(table["verdict"]) == {TOO_FEW}


@given(st.lists(st.integers(1, 99_999), min_size=2, max_size=40, unique=True))
def test_numbers_are_those_of_the_files(numbers):
    ordered = sorted(numbers)
    assert numbered([f"S1/IM{n}.dcm" for n in ordered], True) == "right"
    assert numbered([f"e.dcm#{n}" for n in reversed(ordered)], True) == "left"
    assert numbered([f"IM{n}" for n in ordered], False) is None


def test_names_that_count_nothing_say_nothing():
    assert numbered(["a", "b", "c"], True) is None and numbered(["1", "3", "2"], True) is None
    assert numbered(["1"], True) is None and numbered([], True) is None


def test_formats_by_the_names_of_files():
    names = ["a/R1.nii.gz", "R1.NII", "R1.seg.nrrd", "x.png", "x.xml", "x.csv", "x.dcm", "1.2.3"]
    kinds = ["NIfTI", "NIfTI", "NRRD", "PNG", "OsiriX", "OsiriX", "DICOM", "DICOM"]
    assert [format_of(name) for name in names] == kinds


def moved_contrast(share):
    """Uptake where the outline's border shows a contrast of 0.7 as drawn and `share` more one section on."""
    outline = np.zeros((*SHAPE[1:], 1), bool)
    outline[10:30, 8:28] = True
    inside, outside = border(outline[..., 0], SPACING[1:], MOVED.band_mm)
    uptake = np.random.default_rng(0).standard_normal(SHAPE) * 1e-3
    for section, wanted in ((5, 0.7), (6, 0.7 + share)):
        # Bright inside in this share of voxels and dark everywhere else gives (1 + share) / 2.
        bright = np.flatnonzero(inside)[: round((2 * wanted - 1) * inside.sum())]
        uptake[section] = 0
        uptake[section].flat[bright] = 1
    return uptake, outline


@pytest.mark.parametrize(("share", "expected"), [(0.03, None), (0.07, "doubtful"), (0.13, "suspect")])
def test_a_little_more_contrast_is_doubtful_and_stays_in_the_study(share, expected, tmp_path):
    uptake, outline = moved_contrast(share)
    found = check_uptake(uptake[None], ["dce_in"], outline, ["R6"], 5, SPACING)
    assert found[-1].best_score - found[-1].score == pytest.approx(share, abs=0.01)
    assert (found[-1].suspect, found[-1].doubtful) == (expected == "suspect", expected == "doubtful")
    assert found[-1].best.section == 6 and abs(found[-1].best.section - 5) <= FARTHEST and found[-1].score > PLAUSIBLE
    draw_suspects(found, uptake, outline, ["R6"], 5, np.array(SPACING), tmp_path / "check.png")
    assert bool((tmp_path / "check.png").stat().st_size) == (expected is not None)
    if expected == "doubtful":
        settled = settle(found, {"flags": [{"code": "other"}]}, accepted=False)
        assert [flag["code"] for flag in settled["flags"]] == ["other", "geometry_doubtful"]
        assert FAULTS["geometry_doubtful"].flag and "further right" in settled["flags"][1]["sentence"]
        assert settle(found, {}, accepted=True)["flags"][0]["code"] == "outline_accepted"


def test_a_case_that_is_excluded_for_its_outlines_still_counts_in_the_study():
    uptake, outline = moved_contrast(0.2)
    found = check_uptake(uptake[None], ["dce_in"], outline, ["R6"], 5, SPACING)
    shifts = {"contrast": shift_facts(uptake, outline, ["R6"], 5, SPACING), "numbered": None, "formats": {"R6": "PNG"}}
    with pytest.raises(DataFault) as fault:
        settle(found, {"flags": [], "shifts": shifts}, accepted=False)
    assert fault.value.code == "suspect_geometry" and fault.value.facts["shifts"] == shifts
    row = study_shifts({"B": fault.value.facts["shifts"]}, {"B": "P"}).iloc[2]
    assert (row["group"], row["place"], row["cases"]) == ("all", "1 section further right", 1)
    assert row["mean_difference"] == pytest.approx(0.2, abs=0.01)
