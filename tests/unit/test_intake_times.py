"""Times of phases: which source is believed, which is refused, and what is said."""

import pydicom
import pytest
from dicoms import write_exam
from hypothesis import given
from hypothesis import strategies as st
from test_intake import flags, intake, times
from test_intake_faults import change

from radparity.intake.times import DAY, unwrapped


@pytest.fixture
def exam(tmp_path):
    return tmp_path / "e"


@given(st.lists(st.integers(1, 3000), min_size=2, max_size=8), st.integers(0, 86_399))
def test_times_of_the_day_rise_over_midnight(gaps, start):
    clock = [start]
    for gap in gaps:
        clock.append(clock[-1] + gap)
    found = unwrapped([time % DAY for time in clock])
    assert [later - found[0] for later in found] == [time - start for time in clock]


@pytest.mark.parametrize("dated", ["dates", "old dates", "none"])
@pytest.mark.parametrize("layout", ["series", "trigger"])
def test_an_exam_over_midnight(exam, dated, layout):
    """With the date of each phase, with all dated on the study's day, and without dates."""
    files = write_exam(exam, phases=3, layout=layout, TriggerTime=None)
    for paths, time, day in zip(files, ("235800", "235930", "000100"), ("01", "01", "02"), strict=True):
        date = {"dates": f"200501{day}", "old dates": "20050101", "none": ""}[dated]
        change(paths, AcquisitionTime=time, AcquisitionDate=date)
    found = intake(exam)
    assert times(found) == [0, 90, 180] and found["timed_by"] == "AcquisitionTime"
    assert "series_order" not in flags(found)


def test_images_made_in_one_go_do_not_time_their_phases(exam):
    """As on Siemens scanners, where ContentTime is when all images were reconstructed after the scan."""
    for phase, paths in enumerate(write_exam(exam, layout="series", AcquisitionTime=None, SeriesTime="101000")):
        change(paths, ContentTime=f"10150{2 * phase}.5")
    found = intake(exam)
    assert times(found) == [None] * 4 and found["timed_by"] == "unknown" and found["phase_count"] == 4


@pytest.mark.parametrize("trigger", [[0, 90, 90, 180], [0, 180, 90, 270], [0, 90, 180, 40_000], [0, 0.01, 0.02, 0.03]])
def test_times_that_cannot_be_right_are_refused_for_the_next_source(exam, trigger):
    for phase, paths in enumerate(write_exam(exam, ContentTime=None)):
        change(paths, TriggerTime=1000 * trigger[phase], ContentTime=f"10{2 * phase:02d}00")
    found = intake(exam)
    assert found["timed_by"] == "ContentTime" and times(found) == [0, 120, 240, 360]
    for paths in sorted(exam.iterdir()):
        change(paths.iterdir(), ContentTime="100000")
    assert times(intake(exam)) == [None] * 4


def test_sources_that_disagree_are_said(exam):
    for phase, paths in enumerate(write_exam(exam)):
        change(paths, AcquisitionTime=f"10{phase:02d}00")
    found = intake(exam)
    assert times(found) == [0, 90, 180, 270]
    assert "270 s by TriggerTime but 180 s by AcquisitionTime" in found["flags"][0]["sentence"]


def test_ge_before_and_after_contrast_in_two_series(exam):
    files = write_exam(exam, layout="pre and posts", Manufacturer="GE MEDICAL SYSTEMS")
    found = intake(exam)
    assert times(found) == [0, 240, 330, 420] and found["timed_by"] == "AcquisitionTime and TriggerTime"
    change(sum(files, []), AcquisitionTime=None)
    assert times(intake(exam)) == [None] * 4
    for path in files[0]:
        data = pydicom.dcmread(path)
        data.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x5A, "FL", 84_000_000.0)
        data.save_as(path)
    found = intake(exam)
    assert times(found) == [0, 84, 174, 264] and found["timed_by"] == "TriggerTime and duration"
    assert "first_time_estimated" in flags(found)
    change(files[0], SeriesTime="100100")
    change(sum(files[1:], []), SeriesTime="100530")
    found = intake(exam)
    assert times(found) == [0, 270, 360, 450] and found["timed_by"] == "SeriesTime and TriggerTime"
    assert not {"times_disagree", "first_time_estimated"} & flags(found)


def test_one_private_block_is_another_vendors(exam):
    files = write_exam(exam, layout="pre and posts", AcquisitionTime=None)
    for path in files[0]:
        data = pydicom.dcmread(path)
        data.private_block(0x0019, "SOMEONE ELSE", create=True).add_new(0x5A, "FL", 84_000_000.0)
        data.save_as(path)
    assert times(intake(exam)) == [None] * 4


def test_a_series_before_contrast_beside_frames_with_stated_times(exam):
    files = write_exam(exam, layout="described")
    change(files[0], SeriesDescription="t1_fl3d_pre", AcquisitionTime="100000")
    change(files[1], AcquisitionTime="100230")
    found = intake(exam, roles=dict.fromkeys(range(9, 13), "dynamic"))
    assert times(found) == pytest.approx([0, 150, 170.3, 190.6])
    assert found["timed_by"] == "SeriesDescription and AcquisitionTime"


def test_sections_first_order_without_any_tag(exam):
    """Instance numbers that run through the phases of a section before the next section."""
    files = write_exam(exam, layout="instance")
    for phase, paths in enumerate(files):
        for section, path in enumerate(paths):
            change([path], InstanceNumber=4 * section + phase + 1)
    found = intake(exam)
    assert found["split_by"] == "InstanceNumber"
    assert [{name.split("/")[0] for name in p["files"]} for p in found["phases"]] == [{f"s0{n}"} for n in range(4)]
