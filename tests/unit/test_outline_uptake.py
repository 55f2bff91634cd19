"""Outlines where they were drawn: planted flips and moves are found, honest and undecidable ones never suspected."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import mannwhitneyu

from radparity.config import ConfigError
from radparity.decisions import Decision, check_decisions
from radparity.eligible import _included
from radparity.outline.picture import draw_suspects
from radparity.outline.uptake import (
    FARTHEST,
    MIRRORED,
    border,
    check_uptake,
    compare,
    contrast,
    mirrored_in_plane,
    mirrored_left_right,
    moved,
    settle,
    together,
)
from radparity.record import DataFault

SPACING = (3.0, 0.7, 0.7)
SHAPE = (16, 80, 72)
CENTRE = (5, 52, 24)
RATERS = ["R1", "R2", "R3", "R4"]
NAMES = ["t1c", "dce_in", "dce_out"]


def breast(seed=0, radius=8.0, rim=False):
    """Channels with one cancer of an odd shape in noise, and what four readers drew on its largest section."""
    rng = np.random.default_rng(seed)
    away = [(index - c) * step for index, c, step in zip(np.indices(SHAPE), CENTRE, SPACING, strict=True)]
    distance = np.sqrt(away[0] ** 2 + away[1] ** 2 / 1.4 + away[2] ** 2 / 0.8)
    uptake = 0.1 + np.where(distance < radius, 0.8, 0.0)
    if rim:
        uptake = np.where(distance < 0.6 * radius, 0.05, uptake)
    uptake = uptake + 0.15 * rng.standard_normal(SHAPE)
    channels = np.stack([uptake + 1.0, uptake, -uptake]).astype(np.float32)
    outlines = np.stack([distance[CENTRE[0]] < radius + offset for offset in (-0.7, 0.0, 0.7, 0.2)], axis=-1)
    return channels, outlines


def findings(channels, outlines, section=CENTRE[0], raters=RATERS):
    return check_uptake(channels, NAMES, outlines, raters, section, SPACING)


def suspects(*args, **kwargs):
    return [finding.whose for finding in findings(*args, **kwargs) if finding.suspect]


@pytest.mark.parametrize("rim", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_honest_outlines_are_never_suspected(seed, rim):
    assert suspects(*breast(seed, rim=rim)) == []


@pytest.mark.parametrize("rim", [False, True])
@pytest.mark.parametrize(
    ("axes", "name"),
    [
        ((0,), "mirrored anterior-posterior"),
        ((1,), "mirrored superior-inferior"),
        ((0, 1), "mirrored anterior-posterior and superior-inferior"),
    ],
)
@pytest.mark.parametrize("position", range(4))
def test_one_flipped_reader_among_four_is_found_and_no_other(position, axes, name, rim):
    channels, outlines = breast(rim=rim)
    outlines[..., position] = np.flip(outlines[..., position], axes)
    found = [finding for finding in findings(channels, outlines) if finding.suspect]
    assert [(finding.whose, finding.best.name) for finding in found] == [(RATERS[position], name)]


def test_all_readers_flipped_are_found():
    channels, outlines = breast()
    (found,) = [finding for finding in findings(channels, outlines[::-1]) if finding.suspect]
    assert (found.whose, found.best.name) == ("together", "mirrored anterior-posterior")


@pytest.mark.parametrize("step", [-2, -1, 1, 2])
def test_a_section_that_is_off_is_found_with_its_direction(step):
    channels, outlines = breast()
    (found,) = [finding for finding in findings(channels, outlines, CENTRE[0] + step) if finding.suspect]
    assert found.best.section == CENTRE[0]
    assert (
        found.best.name
        == f"{abs(step)} section{'s' if abs(step) > 1 else ''} further {'left' if step > 0 else 'right'}"
    )


def test_outlines_mirrored_from_left_to_right_are_found():
    channels, outlines = breast()
    other = SHAPE[0] - 1 - CENTRE[0]
    assert abs(other - CENTRE[0]) > FARTHEST
    (found,) = [finding for finding in findings(channels, outlines, other) if finding.suspect]
    assert (found.whose, found.best.name, found.best.section) == ("together", "mirrored left-right", CENTRE[0])


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(1e-3, 1e4), offset=st.floats(-10, 10), flipped=st.booleans())
def test_the_scale_of_the_intensities_does_not_matter(gain, offset, flipped):
    channels, outlines = breast()
    outlines = outlines[::-1] if flipped else outlines
    scaled = channels.astype(np.float64) * gain + offset * gain
    for before, after in zip(findings(channels, outlines), findings(scaled, outlines), strict=True):
        assert (before.best, before.suspect) == (after.best, after.suspect)
        assert after.score == pytest.approx(before.score, abs=1e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), levels=st.integers(2, 50))
def test_the_contrast_is_the_mann_whitney_statistic(seed, levels):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, levels, (20, 20))
    mask = np.zeros((20, 20), bool)
    mask[4:13, 5:15] = True
    inside, outside = border(mask, (1.0, 1.0), 1.5)
    expected = mannwhitneyu(image[inside], image[outside]).statistic / (inside.sum() * outside.sum())
    assert contrast(image, inside, outside) == pytest.approx(expected)


def test_the_bands_lie_on_either_side_of_the_border_in_mm():
    mask = np.zeros((30, 30), bool)
    mask[10:20, 10:20] = True
    inside, outside = border(mask, (0.5, 1.0), 1.0)
    assert not (inside & ~mask).any() and not (outside & mask).any()
    assert np.flatnonzero(inside[:, 15]).tolist() == [10, 11, 18, 19]
    assert np.flatnonzero(outside[:, 15]).tolist() == [8, 9, 20, 21]
    assert np.flatnonzero(inside[15]).tolist() == [10, 19] and np.flatnonzero(outside[15]).tolist() == [9, 20]


@pytest.mark.parametrize("awkward", ["nothing", "one voxel", "everything"])
def test_outlines_without_a_border_give_no_decision_and_no_alarm(awkward):
    channels, outlines = breast()
    outlines[..., 2] = awkward == "everything"
    if awkward == "one voxel":
        outlines[40, 40, 2] = True
    found = {finding.whose: finding for finding in findings(channels, outlines)}
    assert found["R3"].score is None and "too small" in found["R3"].note
    assert not any(finding.suspect for finding in found.values())


def test_a_flat_channel_gives_no_decision_and_no_alarm():
    channels, outlines = breast()
    channels[:] = 3.0
    found = findings(channels, outlines[::-1])
    assert all(not finding.suspect and finding.score is None and "flat" in finding.note for finding in found)
    channels[:] = np.nan
    assert suspects(channels, outlines) == []


def test_a_flat_section_beside_the_outline_is_no_better_place():
    channels, outlines = breast()
    channels[:, CENTRE[0] + 1] = 0
    assert suspects(channels, outlines) == []


def test_noise_without_any_cancer_raises_no_alarm():
    channels, outlines = breast()
    rng = np.random.default_rng(1)
    assert suspects(rng.standard_normal(channels.shape), outlines) == []


def test_a_reader_who_alone_shows_less_of_a_border_where_all_drew_is_not_suspected():
    """Another reader's honest outline has witnesses; a vessel at its mirror image does not count against them."""
    channels, outlines = breast()
    channels[1, CENTRE[0]] = 0.1
    channels[1, CENTRE[0]][outlines[::-1, :, 0]] = 3.0
    assert "R1" not in suspects(channels, outlines)


def test_an_outline_at_the_border_of_the_image_is_measured():
    channels, _ = breast()
    channels[1, CENTRE[0], :9, :9] += 2
    outlines = np.zeros((*SHAPE[1:], 1), bool)
    outlines[:9, :9] = True
    found = findings(channels, outlines, raters=["R6"])
    assert found[0].score > 0.9 and suspects(channels, outlines, raters=["R6"]) == []


def test_an_outline_that_is_its_own_mirror_image_is_not_suspected():
    channels, _ = breast()
    outlines = np.zeros((*SHAPE[1:], 1), bool)
    outlines[30:50, 26:46] = True
    places = mirrored_in_plane(CENTRE[0])
    found = compare(channels[1], outlines[..., 0], CENTRE[0], SPACING, places, MIRRORED)
    assert found.score == found.best_score and not found.suspect


def test_places_stay_within_the_breast():
    assert [place.section for place in moved(0, 10)] == [1, 2]
    assert [place.section for place in moved(9, 10)] == [7, 8]
    assert moved(0, 1) == [] and mirrored_left_right(4, 10) == []
    assert {place.section for place in mirrored_left_right(1, 10)} == {8}


def test_what_half_of_the_raters_outlined_stands_for_all():
    outlines = np.zeros((4, 4, 4), bool)
    outlines[0, 0, :2] = outlines[1, 1, :1] = True
    assert np.argwhere(together(outlines)).tolist() == [[0, 0]]
    outlines[0, 0] = False
    assert np.argwhere(together(outlines)).tolist() == [[1, 1]]


def test_arrays_that_do_not_fit_are_refused():
    channels, outlines = breast()
    with pytest.raises(ValueError, match="dce_in"):
        check_uptake(channels[:1], ["t1c"], outlines, RATERS, 5, SPACING)
    with pytest.raises(ValueError, match="do not fit"):
        check_uptake(channels, NAMES, outlines, RATERS[:2], 5, SPACING)
    with pytest.raises(ValueError, match="do not fit"):
        check_uptake(channels, NAMES, outlines, RATERS, SHAPE[0], SPACING)


def test_a_suspect_is_excluded_with_its_evidence_unless_a_decision_accepts_it():
    channels, outlines = breast()
    honest = settle(findings(channels, outlines), {"section": 5, "flags": []}, accepted=False)
    assert honest["flags"] == [] and honest["section"] == 5
    assert {entry["whose"] for entry in honest["uptake"]} == {*RATERS, "together"}
    outlines[..., 1] = outlines[::-1, :, 1]
    found = findings(channels, outlines)
    with pytest.raises(DataFault) as fault:
        settle(found, {"flags": []}, accepted=False)
    assert fault.value.code == "suspect_geometry" and "R2" in fault.value.sentence
    assert fault.value.facts["uptake"][1]["suspect"] and list(fault.value.evidence) == ["check"]
    accepted = settle(found, {"flags": []}, accepted=True)
    assert [flag["code"] for flag in accepted["flags"]] == ["outline_accepted"]


def test_the_picture_has_a_row_for_each_suspect_and_the_same_bytes_again(tmp_path):
    channels, outlines = breast()

    def picture(name, drawn):
        draw_suspects(
            findings(channels, drawn), channels[1], drawn, RATERS, CENTRE[0], np.array(SPACING), tmp_path / name
        )
        return (tmp_path / name).read_bytes()

    assert picture("honest.png", outlines) == b""
    one, two = outlines.copy(), outlines.copy()
    one[..., :1] = one[::-1, :, :1]
    two[..., :2] = two[::-1, :, :2]
    first = picture("one.png", one)
    assert first == picture("again.png", one) and first.startswith(b"\x89PNG")
    sizes = [struct.unpack(">II", data[16:24]) for data in (first, picture("two.png", two))]
    assert sizes[1][1] == 2 * sizes[0][1] and sizes[0][0] == sizes[1][0]


def decision(**values):
    return Decision(**{"exam": "E01", "reason": "seen", "who": "R5", "date": "2024-03-04", **values})


def test_a_decision_accepts_the_outlines_of_one_breast_beside_any_other():
    rows = [decision(breast="E01L", verdict="outline_ok"), decision(breast="E01L", verdict="include")]
    check_decisions(rows, {"E01L": "E01"}, ["E01"])
    with pytest.raises(ConfigError, match="Fill the column 'breast'"):
        check_decisions([decision(verdict="outline_ok")], {"E01L": "E01"}, ["E01"])
    with pytest.raises(ConfigError, match="already"):
        check_decisions([rows[0], rows[0]], {"E01L": "E01"}, ["E01"])
    with pytest.raises(ValidationError):
        decision(breast="E01L", verdict="outline_fine")


def test_accepting_outlines_leaves_the_exams_own_decision_in_force():
    rows = [decision(breast="E01L", verdict="outline_ok"), decision(verdict="include")]
    assert _included("E01L", {"decisions": [row.model_dump(mode="json") for row in rows]})
