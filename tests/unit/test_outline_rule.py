"""The functional tumour volume as an outline: the site's own voxels, an independent count, and what is refused."""

import copy
import itertools
import json
import tarfile
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from radparity.convert import convert_exam, convert_folder
from radparity.grid import resample_in_plane
from radparity.image import load
from radparity.intake.exam import intake_exam
from radparity.intake.source import exam_files
from radparity.outline import Phases, Source, outline_case, read_images
from radparity.outline.by_rule import outline_by_rule
from radparity.outline.dicom_file import read_dicom
from radparity.outline.exam import Target
from radparity.outline.site_volume import Box, SiteVolume, read_site_volume
from radparity.outline.tumour_volume import choose_phases, functional_tumour_volume
from radparity.record import DataFault
from radparity.sheets import Reading
from radparity.study import Study

ROOT = Path(__file__).parents[2]
OTHER_SEG = ROOT.parent / "shared/data/ispy1_1001_seg/MR_UnspecifiedLength.dcm"
RULE = "functional_tumour_volume"


class Real:
    """The real exam that ships: its phases, headers and the site's files."""

    def __init__(self, folder):
        with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        self.folder, self.scratch = folder / "real/UCSF-BR-06", folder
        files = exam_files(self.folder.parent, self.folder.name)
        record = intake_exam(files)
        convert_exam(files, record, folder / "phases.nii.gz")
        self.seg = self.folder / "mask/1-1.dcm"
        self.phases, self.affine = load(folder / "phases.nii.gz")
        self.times = [phase["time_s"] for phase in record["phases"]]
        self.images = read_images(files, self.folder)
        self.target = self.with_phases(nibabel.load(folder / "phases.nii.gz").dataobj, self.times)

    def with_phases(self, values, times):
        return Target(values.shape[:3], self.affine, 0, self.images, Phases(values, times))

    def changed(self, change):
        """The site's object with something else in it."""
        data = pydicom.dcmread(self.seg)
        change(data)
        data.save_as(self.scratch / "changed.dcm")
        return self.scratch / "changed.dcm"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return Real(tmp_path_factory.mktemp("real"))


def index_box(data, shape):
    """The site's box by its own voxel numbers (first and last column, row, section), as slices of the native grid."""
    (left, top, first), (right, bottom, last) = data[0x0117, 0x10A1].value, data[0x0117, 0x10A2].value
    # RAS+: sections from the patient's left, columns from posterior, rows from inferior; the DICOM's run otherwise.
    return (
        slice(shape[0] - 1 - last, shape[0] - first),
        slice(shape[1] - 1 - right, shape[1] - left),
        slice(shape[2] - 1 - bottom, shape[2] - top),
    )


def test_the_outline_of_the_real_exam_is_the_sites_volume_voxel_for_voxel(real):
    fine, grid = resample_in_plane(np.zeros(real.target.shape, np.uint8), real.affine, "double", order=0)
    source = {"SITE": Source(real.seg, rule=RULE)}
    found = outline_case(source, real.target.shape, real.affine, fine.shape, grid, 0, real.images, real.target.phases)
    wanted = np.zeros(real.target.shape, bool)
    box = index_box(pydicom.dcmread(real.seg), wanted.shape)
    wanted[box] = convert_folder(real.folder / "image_dce_ser", wanted.shape)[box] > 0
    assert wanted.sum() == 41105
    np.testing.assert_array_equal(found.native["SITE"], wanted)
    areas = wanted.sum(axis=(1, 2))
    facts = found.facts
    assert facts["section"] == areas.argmax() and facts["chosen_by"] == "largest_area" and facts["flags"] == []
    assert facts["fills_volume"] and facts["tumour_sections"] == np.flatnonzero(areas).tolist()
    assert facts["box_sections"] == [box[0].start, box[0].stop - 1]
    doubled = wanted[facts["section"]].repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(found.masks[0, ..., 0] > 0, doubled)
    made = facts["by_rule"]["SITE"]
    assert (made["voxels"], made["site_voxels"], made["percent"], made["threshold"]) == (41105, 41105, 70, 35)
    assert made["phases"] == [1, 2, 3] and made["millilitres"] == pytest.approx(40.643371582, abs=1e-3)
    assert str(pydicom.dcmread(real.seg).SOPInstanceUID) not in json.dumps(facts)


def counted_by_hand(phases, affine, site):
    """The definition, voxel by voxel."""
    shape, found = phases.shape[:3], np.zeros(phases.shape[:3], bool)

    def meets(v):
        before, early, late = (float(phases[(*v, n)]) for n in range(3))
        enough = before > 0 and 100 * (early - before) / before >= site.percent
        return before >= site.threshold and enough and late > before

    def inside(v, box):
        place = affine[:3, :3] @ v + affine[:3, 3] - box.centre
        return all(abs(place @ half) <= half @ half + 1e-9 for half in box.half_axes)

    for v in itertools.product(*map(range, shape)):
        around = itertools.product(*(range(max(0, n - 1), min(size, n + 2)) for n, size in zip(v, shape, strict=True)))
        if meets(v) and sum(meets(w) for w in around if w != v) >= 4:
            found[v] = any(inside(v, box) for box in site.boxes) and not any(inside(v, box) for box in site.omitted)
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    percent=st.sampled_from([50, 70, 100, 140]),
    threshold=st.sampled_from([0, 35, 100]),
    turned=st.floats(0, 90),
    centre=st.tuples(*[st.floats(0, 9)] * 3),
    half=st.tuples(*[st.floats(1.3, 8.7)] * 3),
    omit=st.booleans(),
)
def test_the_rule_is_its_definition_with_any_thresholds_in_any_box(
    seed, percent, threshold, turned, centre, half, omit
):
    rng = np.random.default_rng(seed)
    shape = (5, 6, 5)
    base = rng.integers(0, 120, shape)
    phases = np.stack([base, base + rng.integers(0, 160, shape), base + rng.integers(-40, 160, shape)], axis=-1)
    angle = np.radians(turned)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.diag([2.0, 1.5, 1.5, 1])
    box = Box(np.array(centre), turn * np.array(half)[:, None])
    omitted = (Box(np.array(centre) + 0.4, turn * 1.21),) if omit else ()
    site = SiteVolume((box,), threshold, percent, (-90, 60, 300), omitted=omitted)
    found, _ = functional_tumour_volume(phases, affine, site)
    np.testing.assert_array_equal(found, counted_by_hand(phases, affine, site))


def test_isolated_voxels_are_dropped_and_neighbours_counted_before_the_box():
    phases = np.full((10, 10, 10, 3), 100.0)
    phases[2:5, 2:5, 2:5] = [100, 190, 150]
    phases[8, 8, 8] = [100, 190, 150]
    narrow = SiteVolume((Box(np.array([3.0, 3, 3]), np.diag([1.0, 1, 0.5])),), 35, 70, (0, 1, 2))
    found, box = functional_tumour_volume(phases, np.eye(4), narrow)
    assert box.sum() == 9 and found.sum() == 9
    wide = SiteVolume((Box(np.array([5.0, 5, 5]), np.diag([9.0, 9, 9])),), 35, 70, (0, 1, 2))
    assert functional_tumour_volume(phases, np.eye(4), wide)[0].sum() == 27


@settings(max_examples=60)
@given(data=st.data())
def test_the_phases_are_those_of_the_sites_times(data):
    count, step = data.draw(st.integers(3, 9)), data.draw(st.floats(40, 400))
    times = np.cumsum([0, *(step * (1 + data.draw(st.floats(0, 1))) for _ in range(count - 1))])
    chosen = (0, *sorted(data.draw(st.permutations(range(1, count)))[:2]))
    jitter = [data.draw(st.floats(-0.12, 0.12)) * np.diff(times).min() for _ in range(3)]
    site = SiteVolume((), 35, 70, tuple(times[k] - 230 + j for k, j in zip(chosen, jitter, strict=True)))
    found, apart = choose_phases(times.tolist(), site)
    assert found == chosen and apart == pytest.approx(max(abs(j - jitter[0]) for j in jitter), abs=1e-6)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 90, 180, 270], "0, 407, 761"),  # another visit
        ([0, 407], "2 phases"),
        ([0, 407, None, 761], "3 of them with a time"),
        ([0, 407, 600, 761 + 150], "0, 407, 761"),
    ],
)
def test_times_that_are_no_phases(real, times, words):
    values = np.repeat(real.phases[..., :1], len(times), axis=-1)
    with pytest.raises(DataFault) as fault:
        outline_by_rule(real.seg, real.with_phases(values, times))
    assert fault.value.code == "rule_phases" and words in fault.value.sentence


def test_phases_without_times_are_taken_in_order_where_there_are_as_many(real):
    drawn = outline_by_rule(real.seg, real.with_phases(real.phases, [None] * 3))
    assert drawn.facts["largest_time_difference_s"] is None and drawn.facts["voxels"] == 41105


def test_phases_between_those_that_the_site_used_are_passed_over(real):
    first, early, late = np.moveaxis(real.phases, -1, 0)
    values = np.stack([first, early, early, late, late], axis=-1)
    drawn = outline_by_rule(real.seg, real.with_phases(values, [0, 200, 407, 600, 761]))
    assert drawn.facts["phases"] == [1, 3, 5] and drawn.facts["voxels"] == 41105


def element(data, *way):
    """The data set or sequence item at a way of element numbers of the private group, of sequences (number, item)."""
    for number, item in way:
        data = data[0x0117, number].value[item]
    return data


def test_thresholds_are_read_and_not_assumed_and_another_count_is_flagged(real):
    def change(data):
        element(data, (0x10B0, 0))[0x0117, 0x10B5].value = "FTVpe(PEearly>110%)"
        element(data, (0x1010, 2))[0x0117, 0x1019].value = 60

    drawn = outline_by_rule(real.changed(change), real.target)
    assert (drawn.facts["percent"], drawn.facts["threshold"]) == (110, 60)
    assert 0 < drawn.mask.sum() < 41105 and [flag["code"] for flag in drawn.flags] == ["rule_count"]
    pre, early = (real.phases[..., n][drawn.mask].astype(float) for n in (0, 1))
    assert pre.min() >= 60 and (early / pre).min() >= 2.1


def drop(number, *way):
    def change(data):
        del element(data, *way)[0x0117, number]

    return change


def put(number, value, *way):
    def change(data):
        element(data, *way)[0x0117, number].value = value

    return change


def set_frame(data):
    data.FrameOfReferenceUID = generate_uid()


FAULTS = {
    "no private group": (drop(0x0010), "rule_group"),
    "no box": (drop(0x1020), "rule_box"),
    "a box without a kind": (drop(0x1046, (0x1020, 0)), "rule_box"),
    "a box of another kind": (put(0x1046, "SEED", (0x1020, 0)), "rule_box"),
    "a box without a width": (put(0x1043, ["0", "0", "0", "1"], (0x1020, 0)), "rule_box"),
    "a box beside the exam": (put(0x1042, ["-98.8", "-41", "-15.9", "1"], (0x1020, 0)), "rule_box"),
    "no settings": (drop(0x1010), "rule_thresholds"),
    "no threshold": (drop(0x1019, (0x1010, 2)), "rule_thresholds"),
    "no volumes": (drop(0x10B0), "rule_thresholds"),
    "no percentage": (put(0x10B5, "FTV", (0x10B0, 0)), "rule_thresholds"),
    "no times": (drop(0x1034), "rule_phases"),
    "two times": (put(0x1034, ["-230", "177"]), "rule_phases"),
    "times out of order": (put(0x1034, ["-230", "531", "177"]), "rule_phases"),
    "nothing enhances so much": (put(0x10B5, "FTVpe(PEearly>99999%)", (0x10B0, 0)), "outline_empty"),
    "another frame of reference": (set_frame, "outline_frame"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_description_that_cannot_be_used(real, name):
    change, code = FAULTS[name]
    with pytest.raises(DataFault) as fault:
        outline_by_rule(real.changed(change), real.target)
    assert fault.value.code == code
    assert str(pydicom.dcmread(real.seg).SOPInstanceUID) not in fault.value.sentence


def test_a_file_that_is_missing_or_no_dicom(real):
    for path, code in ((real.scratch / "none.dcm", "outline_missing"), (ROOT / "README.md", "outline_unreadable")):
        with pytest.raises(DataFault) as fault:
            outline_by_rule(path, real.target)
        assert fault.value.code == code


def test_a_part_of_the_box_that_the_site_left_out(real):
    """An OMIT box in the lower half of the volume: what lies in it does not count, the rest does."""
    whole = outline_by_rule(real.seg, real.target).mask

    def change(data):
        counted = element(data, (0x1020, 0))
        omitted = copy.deepcopy(counted)
        omitted[0x0117, 0x1046].value = "OMIT"
        omitted[0x0117, 0x1042].value = ["98.8", "-40.958", "-59.5", "1"]
        data[0x0117, 0x1020].value = [counted, omitted]

    drawn = outline_by_rule(real.changed(change), real.target)
    height = real.affine[2, 2] * np.arange(whole.shape[2]) + real.affine[2, 3]
    np.testing.assert_array_equal(drawn.mask, whole & (height > -59.5 + 43.594))
    assert 0 < drawn.mask.sum() < whole.sum()


def test_the_sites_tissue_is_no_outline_of_a_cancer(real):
    with pytest.raises(DataFault) as fault:
        outline_case({"SITE": Source(real.seg)}, real.target.shape, real.affine, real.target.shape, real.affine, 0,
                     real.images)  # fmt: skip
    assert fault.value.code == "outline_tissue" and RULE in fault.value.sentence


def test_the_sites_enhancement_in_its_box_is_read_as_it_is(real):
    """Frames on 42 of 60 sections, shares of voxels of 0 and 255: each lands on the section of its position."""

    def change(data):
        data.SeriesDescription = "VOI PE Segmentation thresh=70"

    path = real.changed(change)
    found = outline_case({"SITE": Source(path)}, real.target.shape, real.affine, real.target.shape, real.affine, 0,
                         real.images)  # fmt: skip
    data = pydicom.dcmread(path)
    wanted = np.zeros(real.target.shape, bool)
    for frame, own in zip(data.pixel_array, data.PerFrameFunctionalGroupsSequence, strict=True):
        x = float(own.PlanePositionSequence[0].ImagePositionPatient[0])
        wanted[round((-x - real.affine[0, 3]) / real.affine[0, 0])] = frame[::-1, ::-1].T > 0
    assert len(data.pixel_array) == 42 and wanted.sum() == (data.pixel_array > 0).sum() == 82527
    np.testing.assert_array_equal(found.native["SITE"], wanted)
    assert found.facts["flags"] == [] and found.facts["fills_volume"] and found.facts["by_rule"] == {}


@pytest.mark.skipif(not OTHER_SEG.is_file(), reason="a second object of the site, which does not ship")
def test_the_description_in_an_object_with_sequences_of_undefined_length():
    site = read_site_volume(read_dicom(OTHER_SEG, "seg"), "seg")
    assert (site.threshold, site.percent, site.voxels, site.phases) == (65, 70, 0, 3)
    assert site.times == pytest.approx((-234.091506958, 142.908493042, 469.9085083008))
    np.testing.assert_allclose(site.boxes[0].centre, [-68.6999970482, 47.6593742762, 9.1562500391])
    assert np.abs(site.boxes[0].half_axes).sum(axis=0) == pytest.approx([34, 37.1093749609, 31.2499999609])


def test_a_rule_in_the_readings_sheet_makes_the_outline_again():
    study = Study(None, {}, {}, [Reading(breast="B1", rater="R1", file="s.dcm", rule=RULE)])
    plain = Study(None, {}, {}, [Reading(breast="B1", rater="R1", file="s.dcm")])
    assert study.outline_choices["B1"]["R1"] and not plain.outline_choices
    with pytest.raises(ValueError, match="functional_tumour_volume"):
        Reading(breast="B1", rater="R1", file="s.dcm", rule="otsu")
