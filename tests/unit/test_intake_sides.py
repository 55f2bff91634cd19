"""Laterality: by tag, description and position, and exams that hold each breast in series of its own."""

import pytest
from dicoms import write_exam
from test_intake import fault, flags, intake, times

LEFT, RIGHT = (40.0, -20.0, 30.0), (-75.0, -20.0, 30.0)


@pytest.fixture
def exam(tmp_path):
    return tmp_path / "e"


@pytest.mark.parametrize(
    ("origin", "sections", "step", "tags", "side", "source"),
    [
        (LEFT, 12, 3, {}, "left", "position"),
        (RIGHT, 12, 3, {}, "right", "position"),
        (LEFT, 12, 3, {"Laterality": "L"}, "left", "tag"),
        ((-10, 0, 0), 12, 3, {"ImageLaterality": "R"}, "right", "tag"),
        ((-10, 0, 0), 12, 3, {"SeriesDescription": "SAG_RT_VIBRANT"}, "right", "description"),
        ((-10, 0, 0), 12, 3, {"SeriesDescription": "Sag L breast dynamic"}, "left", "description"),
        ((-90, 0, 0), 20, 9, {}, "both", "position"),
        ((-90, 0, 0), 20, 9, {"SeriesDescription": "dynamic bilateral"}, "both", "description"),
        ((-70, 0, 0), 15, 10, {"Laterality": "L"}, "left", "tag"),
        ((-60, 0, 0), 13, 10, {}, None, "unknown"),
    ],
)
def test_the_side_and_where_it_is_from(exam, origin, sections, step, tags, side, source):
    write_exam(exam, phases=3, origin=origin, sections=sections, step=step, **tags)
    found = intake(exam)
    assert (found["laterality"], found["laterality_from"]) == (side, source)
    assert flags(found) == ({"laterality_unknown"} if side is None else set())


def test_a_volume_of_both_breasts_is_that_whatever_its_tag(exam):
    write_exam(exam, phases=3, origin=(-120, 0, 0), sections=25, step=10, Laterality="L")
    found = intake(exam)
    assert (found["laterality"], found["laterality_from"]) == ("both", "position")
    assert flags(found) == {"laterality_disagrees"}


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("layout", ["series", "trigger"])
def test_two_breasts_in_series_of_their_own(exam, layout, tagged):
    write_exam(exam / "a", layout=layout, origin=LEFT, **({"Laterality": "L"} if tagged else {}))
    write_exam(exam / "b", layout=layout, origin=RIGHT, number=40, **({"Laterality": "R"} if tagged else {}))
    found = fault(exam)
    assert found.code == "two_sides" and "column `side`" in found.sentence
    for side, folder, other in (("left", "a", "right"), ("right", "b", "left")):
        record = intake(exam, side=side)
        assert record["laterality"] == side and record["phase_count"] == 4 and times(record)[0] == 0
        assert {name[0] for phase in record["phases"] for name in phase["files"]} == {folder}
        left_out = [s for s in record["series"] if s["role"] == "other"]
        assert len(record["series"]) == 2 * len(left_out) and other in left_out[0]["reason"]


def test_one_series_of_two_stacks(exam):
    """As GE writes a bilateral sagittal acquisition of two slabs."""
    write_exam(exam / "a", origin=LEFT)
    write_exam(exam / "b", origin=RIGHT)
    for side, folder in (("left", "a"), ("right", "b")):
        record = intake(exam, side=side)
        assert (record["laterality"], record["sections"], record["section_mm"]) == (side, 12, 3.0)
        assert {name[0] for phase in record["phases"] for name in phase["files"]} == {folder}
    assert fault(exam).code == "two_sides"


def test_another_series_of_the_other_breast_is_no_second_side(exam):
    write_exam(exam / "a", origin=LEFT, Laterality="L")
    write_exam(exam / "b", phases=1, origin=RIGHT, Laterality="R", number=40)
    for side in (None, "left"):
        assert intake(exam, side=side)["laterality"] == "left"


def test_a_side_that_is_not_there(exam):
    write_exam(exam, origin=LEFT, Laterality="L")
    assert intake(exam, side="left")["phase_count"] == 4
    assert fault(exam, side="right").code == "side_missing"


def test_either_side_of_a_volume_of_both(exam):
    write_exam(exam, phases=3, origin=(-120, 0, 0), sections=25, step=10)
    assert intake(exam, side="left")["phases"] == intake(exam, side="right")["phases"] == intake(exam)["phases"]
