"""Series roles: what each series is, and which of them form the dynamic acquisition."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.faults import FAULTS
from radparity.intake.descriptions import Described, fat_suppressed, role_of_description, roles_beside
from radparity.intake.headers import Header, read_headers
from radparity.intake.roles import ROLES, role
from radparity.intake.series import by_series, dynamic_series
from radparity.record import DataFault

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
SAGITTAL, AXIAL = (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 1, 0)
FAT_SATURATED = ("FAST_GEMS", "FS")


def series(number, description="", volumes=1, sections=12, start=0.0, orientation=SAGITTAL, time=None, **tags):
    """One series: `volumes` times the same sections from `start` mm along the normal. Tags by field of Header."""
    normal = np.cross(orientation[:3], orientation[3:])
    values = {
        "series": f"uid-{number}", "series_number": number, "description": description,
        "image_type": ("ORIGINAL", "PRIMARY", "OTHER"), "modality": "MR", "orientation": orientation,
        "spacing": (1.0, 1.0), "rows": 64, "columns": 64, "acquisition_number": 1, "acquisition_time": time,
        "content_time": None, "trigger_time": None, "temporal_position": None, "repetition_time": 6.0,
        "b_value": None, "laterality": "", "patient": "P", "scanner": ("GE", "X", 1.5), "echo_time": 2.0,
        "flip_angle": 10.0, "scanning_sequence": ("GR",), "scan_options": FAT_SATURATED,
    }  # fmt: skip
    return [
        Header(
            file=f"{number}/{volume}_{section}.dcm",
            position=tuple(float(v) for v in normal * (start + 3.0 * section)),
            instance=volume * sections + section + 1,
            **(values | tags),
        )
        for volume in range(volumes)
        for section in range(sections)
    ]


def chosen(*exam, decided=None):
    """Numbers of the dynamic series, and the record by number."""
    taken, record = dynamic_series(by_series([image for images in exam for image in images]), decided)
    assert len(record) >= len(exam) and all(row["reason"] and row["role"] in ROLES for row in record)
    assert sorted(row["number"] for row in record if row["role"] == "dynamic") == sorted(
        images[0].series_number for images in taken
    )
    return [images[0].series_number for images in taken], {row["number"]: row for row in record}


def fault(*exam, **more):
    with pytest.raises(DataFault) as error:
        chosen(*exam, **more)
    assert error.value.code in FAULTS
    return error.value


@pytest.mark.parametrize(
    ("tags", "wanted", "reason"),
    [
        ({}, "dynamic", "RepetitionTime 6 ms"),
        ({"modality": "SEG"}, "segmentation", "Modality"),
        ({"sop_class": "1.2.840.10008.5.1.4.1.1.7"}, "derived", "secondary capture"),
        ({"modality": "PT"}, "other", "Modality is PT"),
        ({"image_type": ("DERIVED", "SECONDARY", "SUBTRACT")}, "derived", "SUBTRACT"),
        ({"image_type": ("DERIVED", "PRIMARY", "M", "ND", "SUB")}, "derived", "SUB: subtraction"),
        ({"image_type": ("DERIVED", "SECONDARY", "PROJECTION IMAGE")}, "derived", "projection"),
        ({"image_type": ("DERIVED", "SECONDARY", "MPR")}, "derived", "reformat"),
        ({"image_type": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")}, "derived", "ADC"),
        ({"image_type": ("DERIVED", "PRIMARY", "TTP")}, "derived", "time to peak"),
        ({"image_type": ("DERIVED", "SECONDARY")}, "derived", "DERIVED"),
        ({"image_type": ("DERIVED", "PRIMARY", "DIXON", "WATER")}, "dynamic", "RepetitionTime"),
        ({"image_type": ("DERIVED", "PRIMARY", "DIXON", "FAT")}, "other", "not the water"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")}, "diffusion", "DIFFUSION"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "localizer", "LOCALIZER"),
        ({"b_value": 600.0}, "diffusion", "600"),
        ({"sequence_name": "*ep_b50t"}, "diffusion", "ep_b50t"),
        ({"scanning_sequence": ("EP", "GR")}, "other", "echo-planar"),
        ({"repetition_time": 4000.0, "echo_time": 90.0, "scanning_sequence": ("SE",)}, "t2", "EchoTime"),
        ({"repetition_time": 780.0, "echo_time": None}, "t2", "780"),
        ({"repetition_time": 779.0, "scanning_sequence": ("SE",)}, "t1", "SE"),
        ({"repetition_time": 2000.0, "scanning_sequence": ("GR", "IR")}, "t1", "inversion"),
        ({"sections": 7}, "other", "7 sections"),
        ({"sequence_name": "*tfi3d1"}, "other", "balanced"),
        ({"description": "Sag MIP"}, "derived", "projection"),
        ({"description": "t1_fl3d_tra_dyn_SUB"}, "derived", "subtraction"),
        ({"description": "3-pl T2* FGRE"}, "localizer", "localizer"),
        ({"description": "ASSET calibration"}, "calibration", "calibration"),
        ({"description": "post needle_R"}, "other", "intervention"),
        ({"description": "Ax DISCO", "volumes": 20}, "ultrafast", "disco"),
        ({"description": "BILAT T2 GRE"}, "t2", "t2"),
        ({"repetition_time": None, "scanning_sequence": (), "description": "ax dyn 2nd pass"}, "dynamic", "missing"),
        ({"repetition_time": None, "scanning_sequence": (), "description": "ax"}, "unsure", "missing"),
    ],
)
def test_roles_by_tags_then_words(tags, wanted, reason):
    found, why = role(series(1, **tags))
    assert found == wanted and reason in why


def test_a_few_degrees_are_one_orientation_three_planes_are_a_localizer():
    turned = (0, 0.9998, -0.02, 0, -0.02, -0.9998)
    images = series(1)
    tilted = images[:6] + [replace(image, orientation=turned) for image in images[6:]]
    assert role(tilted)[0] == "dynamic"
    assert role(images[:6] + series(1, orientation=AXIAL)[6:])[0] == "localizer"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("T1 right POST_DYN FS", "dynamic"), ("Sag BREAST2", "unsure"), ("POST2 t1 flash", "dynamic"),
        ("T1 sag posterior", "t1"), ("#6657 BreasTSET2FSSAG1B", "t2"), ("eADC (mm2/s)", "derived"),
        ("Ph3/Ax 3D dyn", "dynamic"), ("t1_fl3d_tra_dynVIEWS_spair_ pre", "dynamic"), ("eTHRIVE_dyn", "dynamic"),
        ("Screen Save", "derived"), ("no sub T1 fs", "t1"), ("STIR cor", "t2"), ("t2_tirm_tra", "t2"),
        ("(123/4/1)-(123/3/1)", "derived"), ("10-7SUB", "derived"), ("1st pass 8-4 rt", "derived"),
        ("ep2d_diff_b50_400_800", "diffusion"), ("NEW 10-16-02/T1 SAG", "t1"), ("B0Map axi", "calibration"),
        ("needle localization", "other"), ("DynaCAD T1", "derived"), ("twist_20s_dyn_TRA_TT=81.2s", "ultrafast"),
        ("AX T2 DYN", "t2"), ("", "unsure"),
    ],
)  # fmt: skip
def test_words_whatever_case_and_punctuation(text, wanted):
    for written in (text, text.upper(), text.lower(), text.replace(" ", "_")):
        assert role_of_description(written)[0] == wanted, written


def test_fat_suppression_in_words():
    said = [
        fat_suppressed(text) for text in ("Ax 3D T1 NON FS", "T1 no fat sat", "Sag T1 FatSat", "ax t1", "VIBE w/o FS")
    ]
    assert said == [False, False, True, None, False]


def test_one_series_with_all_phases():
    assert chosen(series(1, volumes=4))[0] == [1]


def test_one_series_a_phase_among_the_usual_others():
    exam = [
        series(2, "loc", sections=3), series(3, "Sag T2", repetition_time=4000.0, echo_time=85.0),
        series(9, "Sag T1 FS pre"), series(10, "Sag T1 FS post 1"), series(11, "Sag T1 FS post 2"),
        series(12, "Sag T1 FS post 2 SUB"),
    ]  # fmt: skip
    numbers, record = chosen(*exam)
    assert numbers == [9, 10, 11]
    assert [record[n]["role"] for n in (2, 3, 12)] == ["localizer", "t2", "derived"]
    assert record[9]["file"] == "9/0_0.dcm"


def test_a_separate_pre_contrast_series_joins_the_series_of_all_posts():
    assert chosen(series(4, "Ax VIBRANT PRE"), series(5, "Ax VIBRANT +C", volumes=4))[0] == [4, 5]
    assert chosen(series(4, "Ax T1"), series(5, "Ax T1 post", volumes=4))[0] == [4, 5]


def test_a_series_that_holds_its_own_pre_contrast_takes_no_other():
    numbers, record = chosen(series(4, "3D SPGR PRE"), series(5, "3D SPGR PRE/POST", volumes=4))
    assert numbers == [5] and record[4]["role"] == "t1" and "its own pre-contrast" in record[4]["reason"]


def test_an_unnamed_volume_before_the_dynamic_series_is_for_a_person_to_judge():
    exam = series(4, "Dynamic-3dfgre"), series(5, "Dynamic-3dfgre", volumes=3)
    found = fault(*exam)
    assert found.code == "dynamic_ambiguous" and "decisions.tsv" in found.sentence and "series 4" in found.sentence
    assert chosen(*exam, decided={4: "other"})[0] == [5]
    assert chosen(*exam, decided={5: "dynamic"})[0] == [5]
    numbers, record = chosen(*exam, decided={4: "dynamic", 5: "dynamic"})
    assert numbers == [4, 5] and record[4]["reason"] == "decided by a person"


def test_a_late_phase_joins():
    assert chosen(series(5, "dyn", volumes=3, time=100.0), series(4, "late", time=900.0))[0] == [4, 5]


@pytest.mark.parametrize("time", [None, 86_390.0])
def test_of_two_pre_contrast_series_the_higher_number_is_kept(time):
    def at(seconds):
        return None if time is None else (time + seconds) % 86_400  # over midnight

    numbers, record = chosen(
        series(6, "FL3D", time=at(0)), series(7, "FL3D", time=at(5)),
        series(8, "FL3D post", time=at(20)), series(9, "FL3D post", time=at(100)),
    )  # fmt: skip
    assert numbers == [7, 8, 9] and "series 7" in record[6]["reason"]


def test_contrast_agent_tells_a_repeated_pre_contrast_series_where_words_are_silent():
    given = {"contrast_agent": "PROHANCE"}
    exam = [series(1, "t1"), series(2, "t1"), series(3, "t1", **given), series(4, "t1", **given)]
    assert chosen(*exam)[0] == [2, 3, 4]
    assert chosen(*[[replace(image, contrast_agent="NONE") for image in s] for s in exam])[0] == [1, 2, 3, 4]


def test_a_t1_without_fat_suppression_on_the_same_grid_is_no_phase():
    plain = series(2, "Ax 3D T1", scan_options=("FAST_GEMS",))
    numbers, record = chosen(plain, *(series(n, "Ax Vibrant") for n in (3, 4, 5)))
    assert numbers == [3, 4, 5] and record[2]["role"] == "t1"
    words = series(2, "Ax 3D T1 NON FS", scan_options=())
    assert chosen(words, *(series(n, "Ax Vibrant", scan_options=()) for n in (3, 4, 5)))[0] == [3, 4, 5]


@pytest.mark.parametrize("tags", [{"flip_angle": 40.0}, {"echo_time": 4.4}, {"repetition_time": 12.0}])
def test_another_sequence_on_the_same_grid_is_no_phase(tags):
    assert chosen(series(2, "map", **tags), *(series(n, "T1") for n in (3, 4, 5)))[0] == [3, 4, 5]


def test_fat_suppressed_is_preferred_to_not():
    plain = [series(n, "Ax T1", scan_options=("FAST_GEMS",)) for n in (1, 2, 3)]
    numbers, record = chosen(*plain, *(series(n, "Ax T1") for n in (4, 5, 6)))
    assert numbers == [4, 5, 6] and "fat-suppressed" in record[4]["reason"] and record[1]["role"] == "t1"


def test_ultrafast_only_where_there_is_no_steady_state():
    fast = series(3, "Ax DISCO", volumes=15, orientation=AXIAL)
    numbers, record = chosen(fast, series(4, "Ax T1 dyn", volumes=4, orientation=AXIAL, rows=128))
    assert numbers == [4] and record[3]["role"] == "ultrafast"
    numbers, record = chosen(fast)
    assert numbers == [3] and "no steady-state" in record[3]["reason"]


def test_ultrafast_by_the_time_between_volumes():
    def timed(number, seconds, count, **tags):
        images = series(number, "Ax T1", volumes=count, **tags)
        return [replace(i, trigger_time=1000 * seconds * ((i.instance - 1) // 12)) for i in images]

    assert chosen(timed(3, 6.0, 12, rows=128), timed(4, 90.0, 5))[0] == [4]
    assert fault(timed(3, 60.0, 12, rows=128), timed(4, 90.0, 5)).code == "dynamic_ambiguous"


def test_one_series_a_frame_with_the_time_in_its_description():
    frames = [series(n, f"twist_20s_dyn_TRA_TT={18.2 * n:.1f}s") for n in range(1, 33)]
    assert chosen(*frames)[0] == list(range(1, 33))


def test_sagittal_and_axial_dynamic_acquisitions_are_for_a_person_to_judge():
    exam = series(3, "Sag dyn", volumes=4), series(4, "Ax dyn", volumes=4, orientation=AXIAL)
    assert fault(*exam).code == "dynamic_ambiguous"
    numbers, record = chosen(*exam, decided={4: "dynamic"})
    assert numbers == [4] and record[3]["role"] == "t1" and record[4]["reason"] == "decided by a person"
    assert fault(*exam, decided={3: "dynamic", 4: "dynamic"}).code == "dynamic_ambiguous"


def test_a_repeated_acquisition_is_for_a_person_to_judge():
    exam = series(3, "Sag dyn", volumes=4), series(4, "Sag dyn", volumes=4)
    assert fault(*exam).code == "dynamic_ambiguous"
    assert chosen(*exam, decided={4: "dynamic"})[0] == [4]


def test_words_of_dynamics_beat_none():
    exam = series(3, "Sag T1 FS", volumes=3), series(4, "Ax dynamic", volumes=4, orientation=AXIAL)
    assert chosen(*exam)[0] == [4]


def test_phases_after_contrast_alone_are_a_fault():
    posts = [series(n, f"Sag T1 post {n}") for n in (1, 2, 3)]
    assert fault(*posts).code == "precontrast_missing"
    # The pre-contrast phase has another matrix and so does not join: never take the first post for it.
    assert fault(series(0, "Sag T1 pre", rows=128), *posts).code == "precontrast_missing"
    assert chosen(*posts, decided={1: "dynamic"})[0] == [1, 2, 3]


def test_a_volume_of_the_same_sequence_before_it_on_another_grid_is_for_a_person_to_judge():
    exam = [series(1, "fl3d", rows=128), *(series(n, "fl3d") for n in (2, 3, 4))]
    assert fault(*exam).code == "dynamic_ambiguous"
    beside = [series(1, "fl3d", start=200.0), *exam[1:]]  # the other breast
    assert chosen(*beside)[0] == [2, 3, 4]


def test_a_phase_that_lost_sections_stays_in_so_that_the_loss_is_found():
    assert chosen(series(1), series(2)[:-2], series(3))[0] == [1, 2, 3]


def test_water_fat_and_phases_with_subtractions_in_one_series_are_told_apart():
    def part(value):
        return [replace(i, file=f"{value}/{i.file}", image_type=("ORIGINAL", "PRIMARY", value)) for i in images]

    images = series(5, "mDixon dyn", volumes=4)
    for other in ("F", "IP", "SUB"):
        taken, record = dynamic_series(by_series(part("W") + part(other)))
        assert [{i.image_type[2] for i in s} for s in taken] == [{"W"}] and len(taken[0]) == 48
        assert {row["role"] for row in record} == {"dynamic", "derived" if other == "SUB" else "other"}
        taken, _ = dynamic_series(by_series(part("W") + part(other)), {5: "dynamic"})
        assert [{i.image_type[2] for i in s} for s in taken] == [{"W"}]


def test_single_volumes_of_different_kinds_are_no_dynamic_series():
    numbers, record = chosen(series(1), series(2, orientation=AXIAL), series(3, rows=128))
    assert numbers == [] and {row["role"] for row in record.values()} == {"t1"}


def test_two_volumes_are_handed_on_for_the_phases_to_refuse():
    assert chosen(series(1, "pre"), series(2, "post"))[0] == [1, 2]


def test_an_unknown_decided_role_is_a_mistake_of_the_sheet():
    with pytest.raises(ValueError, match="series 1"):
        dynamic_series([series(1)], {1: "dynamik"})


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(random):
    exam = [
        series(6, "FL3D", time=0.0), series(7, "FL3D", time=50.0), series(8, "FL3D post", time=100.0),
        series(9, "FL3D post", time=200.0), series(10, "Ax DISCO", volumes=8, orientation=AXIAL), series(11, "NON FS"),
    ]  # fmt: skip
    images = [image for one in exam for image in one]
    wanted = chosen(images)
    random.shuffle(images)
    numbers, record = chosen(images)
    assert numbers == wanted[0]
    assert {n: (r["role"], r["reason"]) for n, r in record.items()} == {
        n: (r["role"], r["reason"]) for n, r in wanted[1].items()
    }


@pytest.fixture(scope="module")
def index():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import series_roles

        return series_roles.judged(), series_roles.agreement
    finally:
        sys.path.pop(0)


def test_agreement_with_the_labels(index):
    found, agreement = index
    rows = agreement(found).set_index("label")
    assert len(found) == 18_324 and rows.loc["all", "series"] == 15_632
    # Words alone may be unsure; what they say is nearly never another role than the label.
    assert rows.loc["all", "alone: other"] <= 0.005 * 15_632
    assert rows.loc["all", "beside: same"] >= 0.99 * 15_632
    assert rows.loc["all", "beside: other"] <= 0.001 * 15_632
    for safe in ("derived", "segmentation", "localizer", "t2", "diffusion"):
        assert rows.loc[safe, "beside: same"] == rows.loc[safe, "series"], safe


def test_every_duke_exam_has_a_dynamic_acquisition_and_its_maps_are_derived(index):
    found, _ = index
    duke = found[found["collection"] == "duke_breast_cancer_mri"]
    phases = duke[duke["beside"] == "dynamic"].groupby("exam").size()
    assert (phases >= 3).mean() > 0.99
    maps = found["description"].str.contains(r": (?:PE\d|SER)$", regex=True)
    assert maps.sum() > 900 and set(found.loc[maps, "beside"]) == {"derived"}
    frames = found["description"].str.startswith("twist_")
    assert set(found.loc[frames, "beside"]) == {"ultrafast"}


def test_neighbours_settle_what_a_description_leaves_open():
    def roles(*exam):
        return [found for found, _ in roles_beside([Described(text, "MR", images) for text, images in exam])]

    assert roles(("fl3d_sag", 64)) == ["unsure"]
    assert roles(("fl3d_sag", 64), ("fl3d_sag", 64), ("fl3d_sag", 64)) == ["dynamic"] * 3
    assert roles(("Sag 3D", 180), ("Sag 3D: SER", 60)) == ["dynamic", "derived"]
    assert roles(("T1 left", 60), ("T1 left post", 60), ("T1 right", 58)) == ["dynamic", "dynamic", "t1"]
    assert roles(("ax 3d t1", 100), ("ax dyn pre", 160), ("ax dyn 1st pass", 160)) == ["t1", "dynamic", "dynamic"]
    assert roles(("ax 3d pre", 96), ("1st ax dyn", 96), ("2nd ax dyn", 96)) == ["dynamic"] * 3


def real(folder, **more):
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return chosen(read_headers(files)[0], **more)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real series are not here")
def test_real_series():
    numbers, record = real(SHARED / "ucsf_br_06")
    assert numbers == [2] and {n: r["role"] for n, r in record.items()} == {
        2: "dynamic",
        21000: "derived",
        21001: "derived",
    }
    for folder in ("ge_multiphase", "ge_sagittal_geometry_dicom2nifti", "qin_breast_dce_samples"):
        numbers, record = real(SHARED / folder)  # an echo-planar phantom, four sections, single sections of two exams
        assert numbers == [] and {r["role"] for r in record.values()} == {"other"}
