"""T2 as an optional fourth channel: which series is taken, where its voxels land, how it is scaled, what lacks it."""

import shutil
from dataclasses import replace
from itertools import product

import numpy as np
import pydicom
import pytest
from dicoms import SHAPE, pixels, write_exam, write_image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from test_convert import PLANES, assert_every_voxel, write_phases
from test_intake import flags, intake

from radparity.channels import CHANNELS, DEFAULT_CHANNELS, channel_positions
from radparity.convert import convert_exam, convert_t2
from radparity.grid import BreastGrid, GridRules, breast_grid
from radparity.harmonize import Settings, harmonize_breast
from radparity.image import load
from radparity.intake.exam import intake_exam
from radparity.intake.headers import read_headers
from radparity.intake.source import exam_files
from radparity.intake.t2 import choose_t2
from radparity.phantom import image
from radparity.phantom.anatomy import paint
from radparity.phantom.cohort import write_exam as write_virtual
from radparity.phantom.design import SIZES, ExamDesign
from radparity.phantom.grid import Grid, place
from radparity.record import DataFault
from radparity.scaling import PERCENTILES, PUBLISHED, Scaling, learn
from radparity.t2 import place_t2

SAGITTAL, AXIAL = (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 1, 0)
T2 = {"RepetitionTime": 4000.0, "EchoTime": 90.0}


def volume(folder, series, sections=SHAPE[0], origin=(-10.0, -20.0, 30.0), step=(3.0, 0, 0), phase=7, **tags):
    """A further series of one volume; returns its files in order."""
    files = []
    for section in range(sections):
        files.append(folder / f"v{section:03d}")
        where = {"position": tuple(np.array(origin) + section * np.array(step)), "instance": section + 1}
        write_image(files[-1], pixels(phase, section), series=series, **(where | T2 | tags))
    return files


# Which series


@pytest.fixture(scope="module")
def header(tmp_path_factory):
    """An image of the dynamic series, for others to be made like it."""
    folder = tmp_path_factory.mktemp("one")
    write_image(folder / "a", pixels(0, 0), position=(-10.0, -20.0, 30.0))
    return read_headers({"a": folder / "a"})[0][0]


def stack(header, number, fat, axial, lost):
    """The headers of a T2 series over the dynamic volume (36 x 24 x 20 mm), `lost` of whose sections are missing."""
    across = (0, 0, 2.0) if axial else (3.0, 0, 0)
    start = (-12.0, -22.0, 10.0) if axial else (-10.0, -20.0, 30.0)
    count = (11 if axial else 12) - lost
    return [
        replace(
            header,
            file=f"s{number}-{k}",
            series=f"{number}",
            series_number=number,
            description={True: "T2 FS", False: "T2 no fat sat", None: "T2"}[fat],
            orientation=AXIAL if axial else SAGITTAL,
            position=tuple(np.array(start) + k * np.array(across)),
            rows=60,
            columns=60,
        )
        for k in range(count)
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from([True, None, False]), st.booleans(), st.sampled_from([0, 3, 6])),
        min_size=1,
        max_size=6,
    ),
    random=st.randoms(use_true_random=False),
)
def test_of_several_series_the_stated_rule_takes_one_whatever_the_order(header, kinds, random):
    """Fat-suppressed before unstated before not; then the dynamic plane; then what covers more; then the number."""
    dynamic = [replace(header, position=(-10.0 + 3 * k, -20.0, 30.0)) for k in range(12)]
    numbers = random.sample(range(1, 900), len(kinds))
    found = [stack(header, number, *kind) for number, kind in zip(numbers, kinds, strict=True)]
    rows = [{"file": images[0].file, "role": "t2"} for images in found]
    best = kinds
    for question, order in ((0, [True, None, False]), (1, [False, True]), (2, [0, 3, 6])):
        answer = next(a for a in order if any(kind[question] == a for kind in best))
        best = [kind for kind in best if kind[question] == answer]
    wanted = min(number for number, kind in zip(numbers, kinds, strict=True) if kind == best[0])
    random.shuffle(found)
    random.shuffle(rows)
    shuffled = [images[:1] + random.sample(images[1:], len(images) - 1) for images in found]
    chosen, noted = choose_t2(shuffled, rows, dynamic)
    assert chosen["t2"]["series"] == wanted and noted == []
    # Positions count along the normal, which of these sagittal images points to the right, of the axial ones upwards.
    step = 1 if best[0][1] else -1
    assert chosen["t2"]["files"] == [f"s{wanted}-{k}" for k in range(chosen["t2"]["sections"])][::step]
    named = random.choice(numbers)
    assert choose_t2(shuffled, rows, dynamic, roles={named: "t2"})[0]["t2"]["series"] == named


def test_the_record_of_an_exam_with_and_without_t2(tmp_path):
    write_exam(tmp_path / "e", Laterality="L")
    found = intake(tmp_path / "e")
    assert found["t2"] is None and found["t2_reason"] == "no series is T2-weighted" and flags(found) == set()
    volume(tmp_path / "e/t2", 20, SeriesDescription="Sag T2 FS")
    found = intake(tmp_path / "e")
    assert found["t2"] == {
        "series": 20, "files": [f"t2/v{k:03d}" for k in reversed(range(12))], "plane": "sagittal", "sections": 12,
        "matrix": [20, 24], "in_plane_mm": [1.0, 1.0], "section_mm": 3.0, "covers": 1.0, "fat_suppressed": True,
    }  # fmt: skip
    assert flags(found) == set()
    assert intake(tmp_path / "e", roles={20: "other"})["t2"] is None


def cut(files):
    files[4].write_bytes(files[4].read_bytes()[:-50])


def cut_in_the_header(files):
    whole = files[4].read_bytes()
    files[4].write_bytes(whole[: len(whole) - 2 * SHAPE[1] * SHAPE[2] - 60])


def alter(number, **tags):
    def change(files):
        for file in files if number is None else files[number : number + 1]:
            data = pydicom.dcmread(file)
            for name, value in tags.items():
                setattr(data, name, value)
            data.save_as(file)

    return change


def twice(files):
    for k, file in enumerate(list(files)):
        data = pydicom.dcmread(file)
        data.InstanceNumber = 100 + k
        data.SOPInstanceUID = f"1.2.{k}"
        data.PixelData = bytes(reversed(data.PixelData))
        data.save_as(file.with_name(f"again{k}"))


FAULTY = {
    "a section is missing": lambda files: files[5].unlink(),
    "a file is cut": cut,
    "a file is cut in its header": cut_in_the_header,
    "a matrix of its own": alter(3, Rows=10, PixelData=b"\0" * 480),
    "every section twice": twice,
    "hardly a section": lambda files: [file.unlink() for file in files[4:]],
    "elsewhere": alter(None, ImagePositionPatient=[500.0, 0, 0]),
    "another frame of reference": alter(None, FrameOfReferenceUID="1.2.3"),
    "a section beside the others": alter(6, ImagePositionPatient=[8.0, 12.0, 30.0]),
    "no position": alter(2, ImagePositionPatient=None),
    "no pixel spacing": alter(2, PixelSpacing=None),
    "another spacing": alter(2, PixelSpacing=[2.0, 2.0]),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_t2_never_excludes_the_exam(tmp_path, fault):
    write_exam(tmp_path / "e")
    FAULTY[fault](volume(tmp_path / "e/t2", 20))
    found = intake(tmp_path / "e")
    assert found["phase_count"] == 4 and found["t2"] is None and "t2_unusable" in flags(found)
    assert found["t2_reason"].startswith("series 20")
    volume(tmp_path / "e/spare", 21, SeriesDescription="T2 no fat sat")
    spare = intake(tmp_path / "e")
    assert spare["t2"]["series"] == 21 and "t2_unusable" not in flags(spare)


@pytest.mark.parametrize("tag", [{"ImageOrientationPatient": [0.0] * 6}, {"PixelSpacing": None}])
def test_a_t2_that_says_nowhere_where_it_lies_is_none(tmp_path, tag):
    write_exam(tmp_path / "e")
    alter(None, **tag)(volume(tmp_path / "e/t2", 20))
    found = intake(tmp_path / "e")
    assert found["phase_count"] == 4 and found["t2"] is None
    assert {"number": 20, "role": "other"}.items() <= found["series"][-1].items()


def test_each_side_takes_the_t2_of_its_own_breast(tmp_path):
    left, right = (40.0, -20.0, 30.0), (-75.0, -20.0, 30.0)
    for name, origin, number in (("a", left, 0), ("b", right, 40)):
        write_exam(tmp_path / f"e/{name}", layout="series", origin=origin, number=number)
        volume(tmp_path / f"e/{name}/t2", 20 + number, origin=origin)
    assert intake(tmp_path / "e", side="left")["t2"]["series"] == 20
    assert intake(tmp_path / "e", side="right")["t2"]["series"] == 60
    shutil.rmtree(tmp_path / "e/b/t2")
    assert intake(tmp_path / "e", side="right")["t2"] is None
    # One series of two stacks is two series.
    shutil.rmtree(tmp_path / "e/a/t2")
    for name, origin, first in (("l", left, 0), ("r", right, 50)):
        for k, file in enumerate(volume(tmp_path / f"e/t2{name}", 90, origin=origin)):
            alter(None, InstanceNumber=first + k)([file])
    assert {f[:5] for f in intake(tmp_path / "e", side="right")["t2"]["files"]} == {"t2r/v"}
    assert {f[:5] for f in intake(tmp_path / "e", side="left")["t2"]["files"]} == {"t2l/v"}


# Conversion


def with_t2(record, names):
    t2 = {"series": 9, "files": names, "sections": record["sections"], "matrix": record["matrix"]}
    return record | {"t2": t2, "t2_reason": "only one"}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plane=st.sampled_from(sorted(PLANES)), turn=st.tuples(*[st.floats(-20, 20)] * 3))
def test_every_voxel_of_t2_lies_where_dicom_says(tmp_path_factory, plane, turn):
    folder = tmp_path_factory.mktemp("t2")
    orientation = Rotation.from_euler("xyz", turn, degrees=True).apply(PLANES[plane])
    files, record, axes = write_phases(folder, orientation.round(6))
    facts = convert_t2(files, with_t2(record, record["phases"][0]["files"]), folder / "t2.nii.gz")
    assert facts["t2"] is True and facts["flags"] == []
    found, affine = load(folder / "t2.nii.gz")
    later = [convert_t2(files, with_t2(record, p["files"]), folder / "p.nii.gz") for p in record["phases"][1:2]]
    assert later[0]["t2"] and found.ndim == 3
    # The checker of phases wants three of them; the others are what it expects them to be.
    convert_exam(files, record, folder / "phases.nii.gz")
    phases, same = load(folder / "phases.nii.gz")
    assert_every_voxel(folder / "phases.nii.gz", axes)
    assert np.array_equal(phases[..., 0], found) and np.allclose(affine, same)


@pytest.mark.parametrize("fault", ["gone", "constant", "shape", "pixels"])
def test_a_t2_that_does_not_convert_is_left_out_with_its_reason(tmp_path, fault):
    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    own = {f"t2_{k}": tmp_path / f"in/t2_{k}" for k in range(record["sections"])}
    for k, path in enumerate(own.values()):
        shutil.copy(files[f"0_{k}"], path)
        if fault == "constant":
            alter(None, PixelData=b"\1" * len(pydicom.dcmread(path).PixelData))([path])
    record = with_t2(record, list(own))
    if fault == "gone":
        own["t2_3"].unlink()
    elif fault == "shape":
        record["t2"]["sections"] += 1
    elif fault == "pixels":
        data = pydicom.dcmread(own["t2_3"])
        data.compress(pydicom.uid.JPEG2000Lossless, generate_instance_uid=False)
        data.PixelData = data.PixelData[:24] + b"\7" * (len(data.PixelData) - 32) + data.PixelData[-8:]
        data.save_as(own["t2_3"])
    facts = convert_exam(files | own, record, tmp_path / "phases.nii.gz")
    facts |= convert_t2(files | own, record, tmp_path / "t2.nii.gz")
    assert facts["t2"] is False and (tmp_path / "t2.nii.gz").read_bytes() == b"" and len(facts["pixels"]) == 3
    assert [flag["code"] for flag in facts["flags"]] == ["t2_not_converted"] and "series 9" in facts["t2_reason"]
    none = convert_t2(files, record | {"t2": None, "t2_reason": "no series is T2-weighted"}, tmp_path / "t2.nii.gz")
    assert none == {"t2": False, "t2_reason": "no series is T2-weighted", "flags": []}


# On the breast's grid


def turned(degrees, spacing, centre, shape):
    """The affine of a volume whose middle voxel lies at `centre`, its axes turned."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(spacing)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def points(affine, shape):
    index = np.indices(shape).reshape(3, -1)
    return (affine[:3, :3] @ index + affine[:3, 3:]).reshape(3, *shape)


def plain_grid(shape=(9, 30, 26), spacing=(3.0, 1.0, 1.2)):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -40, 5, -10
    return BreastGrid(0, shape[0] - 1, affine, shape, affine, False)


@settings(max_examples=15, deadline=None)
@given(
    turn=st.tuples(*[st.floats(-35, 35)] * 3),
    spacing=st.tuples(*[st.floats(0.9, 4.0)] * 3),
    slope=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_a_volume_in_any_orientation_lands_where_the_patient_coordinates_say(turn, spacing, slope):
    """A plane in patient coordinates is the same plane on the breast's grid, whatever the voxels it came through."""
    grid = plain_grid()
    shape = tuple(int(130 / s) for s in spacing)
    affine = turned(turn, spacing, points(grid.affine, grid.shape).mean(axis=(1, 2, 3)), shape)

    def plane(at):
        return 500 + np.tensordot(slope, at, 1)

    found = place_t2(plane(points(affine, shape)), affine, grid, np.ones(grid.shape, bool))
    assert np.allclose(found, plane(points(grid.affine, grid.shape)), atol=0.02)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("end", [0, 1])
def test_nothing_is_extrapolated_and_too_little_is_refused(axis, end):
    grid = plain_grid((50, 60, 60), (1.0, 1.0, 1.0))
    whole = np.random.default_rng(0).uniform(10, 20, grid.shape)
    for lost, kept in ((1, True), (4, False)):
        part = np.take(whole, range(lost if end == 0 else 0, grid.shape[axis] - (lost if end == 1 else 0)), axis)
        affine = grid.affine.copy()
        affine[:3, 3] += grid.affine[:3, axis] * (lost if end == 0 else 0)
        if not kept:
            with pytest.raises(DataFault) as fault:
                place_t2(part, affine, grid, np.ones(grid.shape, bool))
            assert fault.value.code == "t2_incomplete" and "leaves out" in fault.value.sentence
            continue
        found = place_t2(part, affine, grid, np.ones(grid.shape, bool))
        beyond = np.take(found, 0 if end == 0 else -1, axis)
        rest = np.delete(found, 0 if end == 0 else -1, axis)
        assert not beyond.any() and np.allclose(rest, part)
    # Air may be missing: what counts is tissue.
    tissue = np.zeros(grid.shape, bool)
    tissue[10:40, 10:40, 10:40] = True
    assert place_t2(part, affine, grid, tissue).any()


def test_stripes_finer_than_the_grid_make_no_false_ones():
    grid = plain_grid((20, 30, 26), (3.0, 1.0, 1.2))
    shape = (80, 30, 26)
    affine = grid.affine.copy()
    affine[:3, 0] /= 4
    affine[0, 3] -= 1.5 - 0.375
    stripes = np.broadcast_to(100 + 50 * (-1.0) ** np.arange(80)[:, None, None], shape)
    assert np.allclose(place_t2(stripes, affine, grid, np.ones(grid.shape, bool)), 100, atol=1e-3)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_volume_without_signal_is_refused(value):
    grid = plain_grid()
    with pytest.raises(DataFault, match="no usable signal"):
        place_t2(np.full(grid.shape, value), grid.affine, grid, np.ones(grid.shape, bool))


# Virtual exams, from DICOM to channels

SEED = 5


def design(**changes):
    base = ExamDesign(
        "E07", "P03", "left", "malignant", "", "test", "Genesis Signa 1.5T", "coarse", 3, "multiphase", "none"
    )
    return replace(base, **changes)


@pytest.fixture(scope="module")
def virtual(tmp_path_factory):
    made = {}

    def make(still=False, **changes):
        key = (still, *sorted(changes.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("virtual")
            write_virtual(design(**changes), made[key], SEED, motion=not still, noise=not still)
        return made[key]

    return make


@pytest.fixture(scope="module")
def painted():
    """The still tissue of the virtual exam and the grid it is painted on; the same for both planes."""
    _, grid, slabs = place(design(), SIZES["demo"], SEED)
    return paint(design(), grid, slabs, SIZES["demo"], SEED), grid


def channels_of(folder, scratch, changes, harmonization="pre_p95"):
    files = exam_files(folder, f"dicom/{design(**changes).exam}")
    record = intake_exam(files)
    facts = convert_exam(files, record, scratch / "phases.nii.gz") | convert_t2(files, record, scratch / "t2.nii.gz")
    phases, affine = load(scratch / "phases.nii.gz")
    t2 = load(scratch / "t2.nii.gz") if facts["t2"] else None
    made = harmonize_breast(
        phases, affine, facts["times_s"], "left", "A", harmonization, Settings(), t2, facts["t2_reason"]
    )
    return record, *made


def apart(one, two):
    """By how many voxels the second volume would have to move to fit best: the vertex of the squared differences."""
    found = []
    for axis in range(3):
        errors = []
        for shift in (-1, 0, 1):
            moved = np.roll(two, shift, axis)
            inner = tuple(slice(2, -2) for _ in range(3))
            errors.append(float(((one - moved)[inner] ** 2).mean()))
        bend = errors[0] - 2 * errors[1] + errors[2]
        found.append((errors[0] - errors[2]) / (2 * bend) if bend > 0 else np.inf)
    return np.abs(found)


@pytest.mark.parametrize(
    "changes",
    [{"t2": "axial"}, {"t2": "sagittal", "layout": "axial"}],
    ids=lambda changes: f"{changes['t2']}-t2-{'axial' if 'layout' in changes else 'sagittal'}-dynamic",
)
def test_the_tissue_lies_where_the_truth_has_it(virtual, painted, tmp_path, changes):
    record, channels, affine, facts = channels_of(virtual(still=True, **changes), tmp_path, changes)
    assert facts["channels"] == list(CHANNELS) and facts["flags"] == [] and record["t2"]["fat_suppressed"]
    anatomy, grid = painted
    spacing = tuple(float(v) for v in np.diag(affine)[:3])
    truth = image.sample(anatomy.t2, grid, Grid(tuple(affine[:3, 3]), spacing, channels.shape[:3]))
    found = channels[..., 3] * facts["divisors"][3]
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.95
    assert (apart(found, truth) * spacing < 0.5 * np.array(spacing)).all()


def dynamic_files(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*.dcm") if not path.name.startswith("i2.")}


def test_a_t2_series_changes_no_byte_of_the_other_series_or_the_outlines(virtual):
    none, weighted = (virtual(t2=t2) for t2 in ("none", "truncated"))
    assert dynamic_files(none) == dynamic_files(weighted) and len(dynamic_files(none)) == 24 * 3
    assert len(list(weighted.rglob("i2.*.dcm"))) == 21
    for name in ("outlines/E07L_R2.nii.gz", "truth/E07/dce.nii.gz", "truth/E07/displacement.nii.gz"):
        assert (none / name).read_bytes() == (weighted / name).read_bytes()


def test_virtual_t2_shows_fluid_bright_fat_dark_and_cancer_between(painted):
    anatomy, grid = painted
    t2, t1 = (image.sample(volume, grid, grid) for volume in (anatomy.t2, anatomy.baseline))
    cancer = np.isin(anatomy.owner, [m.number for m in anatomy.marks if m.kind == "cancer"]) & (anatomy.lesion > 2)
    tissue = (anatomy.skin > 8) & (anatomy.wall > 8) & (anatomy.lesion < -3)
    gland = tissue & (t1 > np.percentile(t1[tissue], 90))
    fat = np.percentile(t2[tissue], 5)
    assert 3 * fat < np.median(t2[gland]) < np.median(t2[cancer]) < t2[tissue].max()


def test_a_truncated_virtual_t2_leaves_the_exam_with_three_channels(virtual, tmp_path):
    changes = {"t2": "truncated"}
    record, channels, _, facts = channels_of(virtual(**changes), tmp_path, changes)
    assert record["t2"] is None and {"t2_unusable", "truncated_elsewhere"} <= flags(record)
    assert facts["channels"] == list(DEFAULT_CHANNELS) and channels.shape[-1] == 3
    assert "ends before" in facts["t2_reason"]
    with pytest.raises(DataFault) as fault:
        channel_positions(facts, ["t1c", "t2"])
    assert fault.value.code == "no_t2" and facts["t2_reason"] in fault.value.sentence
    assert channel_positions(facts, ["dce_out", "t1c"]) == [2, 0]


# Scale

AFFINE = np.array([[3.0, 0, 0, -70], [0, 0.5, 0, -20], [0, 0, 0.5, -30], [0, 0, 0, 1]])


def exam(seed=0, gain=1.0):
    made = np.random.default_rng(seed)
    tissue = made.choice([2.0, 20.0, 60.0, 90.0], p=[0.3, 0.4, 0.2, 0.1], size=(8, 24, 24))
    phases = tissue[..., None] * np.array([1.0, 1.6, 1.5, 1.4]) * made.uniform(0.9, 1.1, (8, 24, 24, 4))
    return (gain * phases).astype(np.float32), (tissue[::-1] * made.uniform(0.9, 1.1, tissue.shape)).astype(np.float32)


def harmonized(harmonization="pre_p95", t2=True, case="B1", seed=0, shift=0.0, scanner="A"):
    phases, weighted = exam(seed)
    affine = AFFINE.copy()
    affine[1, 3] += shift
    channels, _, facts = harmonize_breast(
        phases, AFFINE, [0.0, 90.0, 180.0, 270.0], "left", scanner, harmonization, Settings(GridRules("off")),
        (weighted, affine) if t2 else None, "" if t2 else "no series is T2-weighted",
    )  # fmt: skip
    return channels, {"case": case, "status": "ok", **facts}


@pytest.mark.parametrize("harmonization", ["pre_p95", "pre_max", "own_p95", "zscore", "histogram"])
def test_the_scale_of_t2_is_that_of_the_harmonization(harmonization):
    phases, weighted = exam()
    channels, facts = harmonized(harmonization)
    pre = {"pre_p95": np.percentile(phases[..., 0], 95), "pre_max": phases[..., 0].max()}
    pre["histogram"] = pre["pre_p95"]
    if harmonization in pre:
        wanted = weighted / pre[harmonization]
    elif harmonization == "own_p95":
        wanted = weighted / np.percentile(weighted, 95)
    else:
        wanted = (weighted - weighted.mean()) / weighted.std()
    assert np.allclose(channels[..., 3], wanted, rtol=1e-4, atol=1e-4)
    assert facts["p95"][3] == pytest.approx(np.percentile(np.abs(wanted), 95), rel=1e-4)
    others, without = harmonized(harmonization, t2=False)
    assert np.array_equal(channels[..., :3], others)
    assert without["p95"] == facts["p95"][:3] and without["divisors"] == facts["divisors"][:3]


def test_a_t2_beside_the_breast_is_left_out_and_flagged():
    channels, facts = harmonized(shift=4.0)
    assert facts["channels"] == list(DEFAULT_CHANNELS) and channels.shape[-1] == 3
    assert [flag["code"] for flag in facts["flags"]] == ["t2_incomplete"] and "leaves out" in facts["t2_reason"]


def test_the_divisor_of_t2_comes_from_the_breasts_that_have_it():
    some = [harmonized(t2=n % 2 == 0, case=f"B{n}", seed=n)[1] for n in range(6)]
    made = learn(some, CHANNELS)
    assert made.channels == CHANNELS and made.breasts == tuple(f"B{n}" for n in range(6))
    own = [record["p95"][3] for record in some if "t2" in record["channels"]]
    assert len(own) == 3 and made.divisors[3] == pytest.approx(np.percentile(own, 95))
    assert made.divisors[:3] == learn([r | {"channels": r["channels"][:3], "p95": r["p95"][:3]} for r in some],
                                      CHANNELS).divisors  # fmt: skip
    assert made.only(["t2", "t1c"]).divisors == (made.divisors[3], made.divisors[0])
    assert Scaling.from_json(made.to_json()) == made


@pytest.mark.parametrize("divisors", ["fold", "published"])
def test_a_channel_that_no_training_breast_has_is_refused_by_name(divisors):
    none = learn([harmonized(t2=False, case=f"B{n}", seed=n)[1] for n in range(3)], CHANNELS, divisors)
    assert none.channels == DEFAULT_CHANNELS == none.only(DEFAULT_CHANNELS).channels
    with pytest.raises(ValueError, match="no training breast of this fold has the channel t2"):
        none.only(["t1c", "t2"])
    with_t2_ = learn([harmonized(case="B1")[1]], CHANNELS, "published")
    assert with_t2_.divisors[3] == PUBLISHED["t2"] == 30.0


def test_landmarks_of_t1c_do_not_touch_t2():
    rows = [harmonized("histogram", case=f"{s}{n}", seed=n, scanner=s)[1] for s, n in product("AB", range(3))]
    for row in rows[3:]:
        row["landmarks"] = [2 * v for v in row["landmarks"]]
    made = replace(learn(rows, CHANNELS), divisors=(1.0,) * 4)
    values = np.full((4, len(PERCENTILES)), 0.7)
    assert np.array_equal(made.apply(values, "B")[3], values[3].astype(np.float32))
    assert not np.allclose(made.apply(values, "B")[1], values[1])


def test_a_breast_cut_from_both_takes_its_half_of_t2():
    """The grid of a breast of a volume of both, and T2 in another plane: each half at its own place."""
    affine = np.diag([3.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -120, -20, -40
    x = affine[0, 3] + 3.0 * np.arange(81)
    surface = 20 + 60 * np.exp(-((np.abs(x) - 65) ** 2) / 1200)
    a = affine[1, 3] + 2.0 * np.arange(60)
    body = np.where(a[None, :, None] < surface[:, None, None], 100.0, 1.0) * np.ones((81, 60, 40))
    own = turned((0, 0, 0), (1.5, 1.5, 5.0), (0.0, 40.0, 0.0), (180, 90, 20))
    weighted = points(own, (180, 90, 20))[0] + 1000
    for side, sign in (("left", -1), ("right", 1)):
        grid = breast_grid(body, affine, side, GridRules("double"))
        found = place_t2(weighted, own, grid, grid.place(body) > 50)
        inside = found > 0
        assert np.allclose(found[inside], (points(grid.affine, grid.shape)[0] + 1000)[inside], atol=0.01)
        assert sign * (np.median(found[inside]) - 1000) > 0 and inside.mean() > 0.8
