"""A study of masks alone: its configuration, its sheet, faults of its files, the readers among themselves, the page."""

import copy
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.spatial.distance import dice as dissimilarity

from radparity.compare.scores import Case
from radparity.config import ConfigError
from radparity.config.masks import is_masks, load_masks
from radparity.kinds import open_study
from radparity.masks.among import COLUMNS, among, distances, pooled
from radparity.masks.lidc import SLOTS, unpack
from radparity.masks.read import read_case, read_mask, store, stored, table_of
from radparity.masks.sheet import MaskRow, check_masks
from radparity.record import DataFault
from radparity.report.masks_page import flow_rows

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "resources/lidc"
STEPS = np.diag([0.7, 0.7, 2.5, 1.0])


@pytest.fixture
def raw():
    return yaml.safe_load((ROOT / "config/lidc_slot4.yaml").read_text())


def refused(raw):
    with pytest.raises(ConfigError) as found:
        load_masks(raw, "my.yaml")
    return str(found.value)


@pytest.mark.parametrize("name", ["lidc", "lidc_slot4"])
def test_the_shipped_configurations_are_good_and_every_key_is_commented(name):
    text = (ROOT / f"config/{name}.yaml").read_text()
    config = load_masks(yaml.safe_load(text), name)
    assert config.readers.anonymous and sorted(config.raters) == list(SLOTS)
    for line in text.splitlines():
        assert not line.strip() or "#" in line, line


def test_the_sheets_tell_the_kind_of_study(raw):
    assert is_masks(raw)
    assert not is_masks(yaml.safe_load((ROOT / "config.yaml").read_text()))
    assert not is_masks({"sheets": None}) and not is_masks({})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": "S1"}, "S1 is one of the readers. Take it out of readers: test, or write: network: none"),
        ({"network": "averaged"}, "no rater may be called averaged"),
        ({"readers": {"test": ["S1", "S2", "S2"]}}, "a name stands twice"),
        ({"readers": {"test": ["S1", "S2"]}}, "at least 3"),
        ({"compare": {"arms": ["unet"]}}, "has no arms"),
        ({"compare": {"subgroups": ["size"]}}, "size has a meaning of its own"),
        ({"compare": {"subgroups": ["patient"]}}, "patient has a meaning of its own"),
        ({"train": {"steps": 4}}, "train is not a key of the configuration"),
        ({"netwrok": "S4"}, "Write instead: network: S4"),
        ({"sheets": {"masks": "m.tsv", "exams": "e.tsv"}}, "exams is not a key"),
    ],
)
def test_a_configuration_that_cannot_be_used(raw, change, said):
    assert said in refused(raw | change)


def row(case="C1", patient="P1", rater="R1", file=None, **more):
    return MaskRow(case=case, patient=patient, rater=rater, file=file or f"{case}_{rater}.nii", **more)


def whole(case="C1", patient="P1", **more):
    return [row(case, patient, rater, **more) for rater in ("R1", "R2", "R3")]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (whole()[:2] + whole("C2", "P2"), "row 2: C1 has no row for R3. Add a row: C1\tP1\tR3\tFILE"),
        ([*whole(), row(file="other.nii")], "row 5: R1 has a mask of C1 in row 2. Every rater has a name of his own"),
        ([*whole(), row(rater="R4", file="C1_R2.nii")], "row 5: C1_R2.nii stands in row 3 already"),
        (whole()[:2] + [row(rater="R3", patient="P2")], "row 4: C1 has the patient P2 here and P1 in row 2"),
        (whole()[:2] + [row(rater="R3", section=4)], "row 4: C1 has the section 4 here and (none) in row 2"),
        (whole()[:2] + [row(rater="R3", partition="tuning")], "row 4: C1 has the partition tuning here and test in"),
        (whole() + whole("C2", "P1", partition="tuning"), "row 5: patient P1 is in tuning here and in test in row 2"),
        ([row(rater=r) for r in ("R1", "R2")], "no row has the rater R3, whom the configuration names"),
    ],
)
def test_a_sheet_that_cannot_be_used_names_its_row(rows, said):
    with pytest.raises(ConfigError) as found:
        check_masks(rows, ["R1", "R2", "R3"])
    assert said in str(found.value)
    assert len(str(found.value).splitlines()) == 1 + str(found.value).count("\n  ")


def test_a_case_has_one_value_in_a_column_of_subgroups(tmp_path, raw):
    lines = ["case\tpatient\trater\tfile\tkind\tpartition"]
    kinds = {"C1": "mass", "C2": "", "C3": "mass"}
    for case, kind in kinds.items():
        partition = "tuning" if case == "C3" else ""
        lines += [f"{case}\tP{case}\tS{n}\t{case}{n}.nii\t{kind}\t{partition}" for n in range(1, 5)]
    sheet = tmp_path / "masks.tsv"
    sheet.write_text("\n".join(lines) + "\n")
    raw |= {"sheets": {"masks": str(sheet)}, "compare": {"subgroups": ["kind"]}}
    assert open_study(copy.deepcopy(raw)).subgroups == {"kind": {"C1": "mass", "C2": ""}}
    with pytest.raises(ConfigError, match=r"has no column texture. Add it, or leave it out"):
        open_study(raw | {"compare": {"subgroups": ["kind", "texture"]}})
    with pytest.raises(ConfigError, match="column 'kind' is not known"):
        open_study(raw | {"compare": {}})
    sheet.write_text("\n".join(lines).replace("C13.nii\tmass", "C13.nii\tfocus") + "\n")
    with pytest.raises(ConfigError, match="row 4: C1 has the kind focus here and mass in row 2"):
        open_study(raw)


def test_good_sheets_pass():
    check_masks(whole() + whole("C2", "P1") + whole("C3", "P2", partition="tuning"), ["R1", "R2", "R3"])
    # One volume may hold several cases, each on a section of its own, and further raters may stand in the sheet.
    check_masks(
        [*whole(section=3), *[row("C2", "P2", r, f"C1_{r}.nii", section=5) for r in ("R1", "R2", "R3")]], ["R1"]
    )


def write(path, mask, affine=STEPS):
    nibabel.save(nibabel.Nifti1Image(mask, affine), path)
    return path


@pytest.fixture
def mask():
    found = np.zeros((12, 9, 5), np.uint8)
    found[3:7, 2:6, 1:4] = 1
    found[3, 2, 3] = 0
    return found


def fault(files, section=None):
    with pytest.raises(DataFault) as found:
        read_case(files, section)
    return found.value


def test_a_volume_a_section_and_a_single_section_are_read(tmp_path, mask):
    volume = write(tmp_path / "v.nii.gz", mask)
    masks, spacing = read_case({"R1": volume, "R2": volume}, None)
    assert masks["R1"].shape == (12, 9, 5) and masks["R1"].sum() == mask.sum() and spacing == (0.7, 0.7, 2.5)
    masks, spacing = read_case({"R1": volume}, 3)
    assert np.array_equal(masks["R1"], mask[:, :, 3] > 0) and spacing == (0.7, 0.7)
    for shape in ((12, 9), (12, 9, 1), (12, 9, 1, 1)):
        single = write(tmp_path / "s.nii.gz", mask[:, :, 3].reshape(shape))
        masks, spacing = read_case({"R1": single, "R2": single}, None)
        assert np.array_equal(masks["R2"], mask[:, :, 3] > 0) and spacing == (0.7, 0.7)


def test_a_section_lies_where_its_volume_has_it(tmp_path, mask):
    volume = write(tmp_path / "v.nii.gz", mask)
    _, affine = read_mask(volume, 3)
    assert np.array_equal(affine @ [0, 0, 0, 1], STEPS @ [0, 0, 3, 1])


def test_turned_files_of_one_grid_are_the_same_mask(tmp_path, mask):
    image = nibabel.Nifti1Image(mask, STEPS)
    flipped = nibabel.Nifti1Image(mask[::-1], STEPS @ np.array([[-1, 0, 0, 11], *np.eye(4)[1:]]))
    nibabel.save(image, tmp_path / "a.nii")
    nibabel.save(flipped, tmp_path / "b.nii")
    masks, _ = read_case({"R1": tmp_path / "a.nii", "R2": tmp_path / "b.nii"}, None)
    assert np.array_equal(masks["R1"], masks["R2"])


def test_faults_of_files_exclude_with_their_code(tmp_path, mask):
    good = write(tmp_path / "good.nii.gz", mask)
    assert fault({"R1": good, "R2": tmp_path / "none.nii"}).code == "mask_missing"
    (tmp_path / "torn.nii.gz").write_bytes(good.read_bytes()[:60])
    (tmp_path / "text.nii").write_text("no image")
    for torn in ("torn.nii.gz", "text.nii"):
        assert fault({"R1": good, "R2": tmp_path / torn}).code == "mask_unreadable"
    grey = write(tmp_path / "grey.nii", mask * 3)
    found = fault({"R1": good, "R2": grey})
    assert found.code == "mask_values" and "[0, 3]" in found.sentence
    holes = write(tmp_path / "nan.nii", np.where(mask, np.nan, 0).astype(np.float32))
    assert fault({"R1": holes}).code == "mask_values"
    small = write(tmp_path / "small.nii", mask[:-1])
    found = fault({"R1": good, "R2": small})
    assert found.code == "mask_shape" and "(11, 9, 5)" in found.sentence and "R2" in found.sentence
    several = write(tmp_path / "several.nii", np.stack([mask, mask], axis=-1))
    assert fault({"R1": several}).code == "mask_shape"
    assert fault({"R1": good}, section=5).code == "mask_section"


def nrrd(path, values, affine=STEPS, **header):
    """Written by SimpleITK, which reverses the axes and says positions in LPS."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T))
    image.SetSpacing([float(step) for step in np.diag(affine)[:3]])
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    image.SetOrigin([-float(affine[0, 3]), -float(affine[1, 3]), float(affine[2, 3])])
    for name, value in header.items():
        image.SetMetaData(name, value)
    SimpleITK.WriteImage(image, str(path))
    return path


def png(path, values):
    from PIL import Image

    Image.fromarray(values).save(path)
    return path


def test_nrrd_and_nifti_of_one_grid_are_the_same_mask(tmp_path, mask):
    masks, spacing = read_case({"R1": write(tmp_path / "a.nii.gz", mask), "R2": nrrd(tmp_path / "b.nrrd", mask)}, None)
    assert np.array_equal(masks["R1"], masks["R2"]) and masks["R2"].sum() == mask.sum() and spacing == (0.7, 0.7, 2.5)
    moved = STEPS.copy()
    moved[1, 3] = 3.0
    files = {"R1": tmp_path / "a.nii.gz", "R2": nrrd(tmp_path / "c.nrrd", mask, moved)}
    assert fault(files).code == "mask_geometry"


def test_faults_of_nrrd_have_the_codes_of_masks(tmp_path, mask):
    good = nrrd(tmp_path / "good.nrrd", mask)
    assert fault({"R1": nrrd(tmp_path / "grey.nrrd", mask * 3)}).code == "mask_values"
    two = {f"Segment{n}_LabelValue": str(n + 1) for n in range(2)} | {f"Segment{n}_Layer": "0" for n in range(2)}
    both = mask.copy()
    both[0, 0, 0] = 2
    assert fault({"R1": nrrd(tmp_path / "two.seg.nrrd", both, **two)}).code == "mask_values"
    (tmp_path / "torn.nrrd").write_bytes(good.read_bytes()[:90])
    (tmp_path / "header.nhdr").write_bytes(good.read_bytes())
    for name in ("torn.nrrd", "header.nhdr"):
        assert fault({"R1": tmp_path / name}).code == "mask_unreadable"
    raw = good.read_bytes().replace(b"space: left-posterior-superior\n", b"")
    (tmp_path / "nowhere.nrrd").write_bytes(raw.replace(b"space origin:", b"# origin:"))
    assert fault({"R1": tmp_path / "nowhere.nrrd"}).code == "mask_geometry"
    (tmp_path / "seg.dcm").write_bytes(bytes(128) + b"DICM" + bytes(20))
    found = fault({"R1": tmp_path / "seg.dcm"})
    assert found.code == "mask_unreadable" and "DICOM" in found.sentence


def test_pictures_of_one_size_are_sections_without_a_voxel_size(tmp_path, mask):
    section = mask[:, :, 2]
    files = {"R1": png(tmp_path / "a.png", section * 255), "R2": png(tmp_path / "b.png", section > 0)}
    masks, spacing = read_case(files, None)
    assert spacing is None and all(np.array_equal(own, section > 0) for own in masks.values())
    other = png(tmp_path / "c.png", np.zeros((12, 8), np.uint8))
    assert fault(files | {"R3": other}).code == "mask_shape"
    single = write(tmp_path / "s.nii.gz", section)
    found = fault(files | {"R3": single})
    assert found.code == "mask_geometry" and "a picture without a place" in found.sentence
    for name, pixels in (
        ("grey", np.arange(108, dtype=np.uint8).reshape(12, 9)),
        ("inside_out", section + np.uint8(1)),
        ("colour", np.zeros((12, 9, 3), np.uint8)),
    ):
        assert fault({"R1": png(tmp_path / f"{name}.png", pixels)}).code == "mask_values"
    (tmp_path / "torn.png").write_bytes((tmp_path / "a.png").read_bytes()[:50])
    assert fault({"R1": tmp_path / "torn.png"}).code == "mask_unreadable"
    table = table_of([{"case": "C1", "patient": "P1", "partition": "test", "status": "ok", "axes": "2"}])
    store(tmp_path / "m.npz", {"C1": masks})
    (back,) = stored(tmp_path / "m.npz", table, ["R1", "R2"], ["R1", "R2"], "none")
    assert back.spacing_mm is None and np.array_equal(back.readers["R2"], section > 0)


@pytest.mark.parametrize(
    ("affine", "said"),
    [
        (np.diag([0.8, 0.7, 2.5, 1.0]), "voxels of R2's mask are 0.8 × 0.7 × 2.5 mm"),
        (STEPS + np.array([[0, 0, 0, 3.0], *np.zeros((3, 4))]), "lies 3.0 mm off that of R1"),
    ],
)
def test_masks_on_two_grids_are_never_compared(tmp_path, mask, affine, said):
    one, other = write(tmp_path / "one.nii", mask), write(tmp_path / "other.nii", mask, affine)
    found = fault({"R1": one, "R2": other})
    assert found.code == "mask_geometry" and said in found.sentence
    # A hundredth of a millimetre is rounding of the header, not another place.
    near = STEPS.copy()
    near[0, 3] = 0.01
    read_case({"R1": one, "R2": write(tmp_path / "near.nii", mask, near)}, None)


def test_stored_masks_come_back_with_the_cases_that_take_part(tmp_path, mask):
    rng = np.random.default_rng(0)
    cases = {name: {r: rng.random((6, 5)) < 0.5 for r in ("R1", "R2", "R3", "N")} for name in ("C1", "C2", "C3")}
    fixed = {"status": "ok", "axes": "2", "spacing_mm": "0.5 0.5"}
    table = table_of(
        [
            {"case": "C1", "patient": "P1", "partition": "test", **fixed},
            {"case": "C2", "patient": "P2", "partition": "tuning", **fixed},
            {"case": "C3", "patient": "P3", "partition": "test", **fixed},
            {"case": "C4", "patient": "P4", "partition": "test", "status": "excluded", "code": "mask_values"},
        ]
    )
    for name in ("a", "b"):
        store(tmp_path / name, cases)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = stored(tmp_path / "a", table, ["R1", "R2", "R3", "N"], ["R1", "R2", "R3"], "N")
    assert [(c.case, c.patient, list(c.readers), c.spacing_mm) for c in back] == [
        ("C1", "P1", ["R1", "R2", "R3"], (0.5, 0.5)),
        ("C3", "P3", ["R1", "R2", "R3"], (0.5, 0.5)),
    ]
    assert np.array_equal(back[1].network, cases["C3"]["N"])
    nobody = stored(tmp_path / "a", table, ["R1", "R2", "R3", "N"], ["R1", "R2", "R3"], "none")
    assert not nobody[0].network.any()
    counts = flow_rows(table)
    assert counts["cases"].sum() == 4
    assert counts.set_index(["partition", "status"])["cases"].to_dict() == {
        ("test", "ok"): 2,
        ("tuning", "ok"): 1,
        ("test", "excluded"): 1,
    }


@pytest.fixture(scope="module")
def lidc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lidc")
    assert unpack(SOURCE, folder) == 456 * 4
    return folder


@pytest.fixture(scope="module")
def nodules():
    with np.load(SOURCE / "masks_4readers_96x96.npz") as held:
        return held["masks"] > 0


def test_unpacked_nodules_hold_the_source_on_their_own_grid(lidc, nodules):
    sheet, source = pd.read_csv(lidc / "masks.tsv", sep="\t"), pd.read_csv(SOURCE / "reader_dice.csv")
    assert len(sheet) == 1824 and sheet["case"].nunique() == 456 and sheet["patient"].nunique() == 300
    patients = sheet.drop_duplicates("case")["patient"].tolist()
    assert pd.crosstab(pd.Series(patients), source["lidc_patient"]).gt(0).sum().eq(1).all()
    assert "LIDC-IDRI" not in (lidc / "masks.tsv").read_text()
    for nodule in (0, 17, 455):
        files = {slot: lidc / f"masks/N{nodule:03d}_{slot}.nii.gz" for slot in SLOTS}
        masks, spacing = read_case(files, None)
        step = source["pixel_spacing_mm"][nodule]
        assert spacing == pytest.approx((step, step), abs=1e-6)
        for slot, own in zip(SLOTS, nodules[nodule], strict=True):
            # Read in RAS+ order: columns of the CT run to the left, its rows to the back.
            assert np.array_equal(masks[slot], own.T[::-1, ::-1])
            area = masks[slot].sum()
            assert area == source[f"area_px_reader{slot[1]}"][nodule]


def test_the_shipped_study_opens(lidc, raw, monkeypatch):
    raw = raw | {"sheets": {"masks": str(lidc / "masks.tsv")}}
    study = open_study(copy.deepcopy(raw))
    assert (study.kind, study.compared, study.unused, len(study.cases)) == ("masks", ["S4"], [], 456)
    assert list(study.cases["N000"]["files"]) == ["S1", "S2", "S3", "S4"]
    three = open_study(raw | {"network": "none"})
    assert (three.compared, three.unused, len(three.raw_paths())) == ([], ["S4"], 456 * 3)


def four(nodules, readers=SLOTS):
    blank = np.zeros((96, 96), bool)
    return [Case(f"N{n:03d}", f"P{n}", blank, dict(zip(readers, own, strict=True))) for n, own in enumerate(nodules)]


def test_four_raters_without_a_network_have_the_published_medians(nodules):
    table = among(four(nodules), "intersection", "drop")["references"]
    published = {
        "intersection": [0.8470, 0.8594, 0.8529, 0.8563],
        "union": [0.8712, 0.8653, 0.8754, 0.8653],
        "majority": [0.8828, 0.8847, 0.8926, 0.8876],
        "staple": [0.8838, 0.8847, 0.8926, 0.8876],
    }
    assert set(table["rule"]) == set(published)
    for rule, own in table.groupby("rule"):
        assert own["median"].tolist() == pytest.approx(published[rule], abs=1e-3 if rule == "staple" else 5.1e-5)


def test_pooled_figures_are_those_of_all_published_pairs(nodules):
    cases = four(nodules)
    table = pooled(cases, "majority", "drop").set_index("figure")
    source = pd.read_csv(SOURCE / "reader_dice.csv")
    columns = {
        "two readers": [f"dice_{a}{b}" for a in range(1, 5) for b in range(a + 1, 5)],
        "a reader on the majority of the others": [f"dice_reader{k}_vs_majority_of_other3" for k in range(1, 5)],
    }
    for figure, names in columns.items():
        own, values = table.loc[figure], source[names].to_numpy().ravel()
        assert (own["n"], own["unusable"], own["cases"]) == (len(values), 0, 456)
        found = own[["mean", "median", "q25", "q75"]].tolist()
        assert found == pytest.approx([values.mean(), *np.quantile(values, [0.5, 0.25, 0.75])], abs=1e-6)
        assert own["share_under_half"] == (values < 0.5).mean()
    first = nodules[0]
    alone = pooled(four(nodules[:1, :2], SLOTS[:2]), "union", "drop")["median"][0]
    assert alone == pytest.approx(1 - dissimilarity(first[0].ravel(), first[1].ravel()))


def test_the_network_is_not_looked_at(nodules):
    cases = four(nodules[:20])
    other = [replace(case, network=np.ones((96, 96), bool)) for case in cases]
    one, two = (among(each, "union", "drop") for each in (cases, other))
    for name, columns in COLUMNS.items():
        pd.testing.assert_frame_equal(one[name], two[name])
        assert list(one[name].columns) == list(columns)
        assert not (one[name] == "network").any(axis=None)


def test_blank_masks_score_zero_and_two_blank_ones_are_not_scored():
    drawn, blank = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    cases = [
        Case("C1", "P1", blank, {"R1": drawn, "R2": blank, "R3": drawn}),
        Case("C2", "P2", blank, {"R1": blank, "R2": blank, "R3": drawn}),
    ]
    table = pooled(cases, "intersection", "drop").set_index("figure")
    # Of six pairs one is blank twice, four are blank once, one agrees; of six references one is not empty.
    assert table.loc["two readers", ["n", "unusable", "mean"]].tolist() == [5, 1, 0.2]
    assert table.loc["a reader on the intersection of the others", ["n", "unusable", "mean"]].tolist() == [1, 5, 0.0]


def test_distances_and_sizes_of_two_readers_are_those_of_single_voxels():
    def voxel(*place):
        found = np.zeros((9, 9), bool)
        found[place] = True
        return found

    blank = np.zeros((9, 9), bool)
    cases = [
        Case("C1", "P1", blank, {"R1": voxel(1, 1), "R2": voxel(1, 4), "R3": voxel(5, 1)}, (0.5, 2.0)),
        Case("C2", "P2", blank, {"R1": voxel(1, 1), "R2": blank, "R3": blank}, (0.5, 2.0)),
        Case("C3", "P3", blank, {"R1": voxel(1, 1), "R2": voxel(1, 1), "R3": voxel(1, 1)}, None),
    ]
    table = distances(cases).set_index(["measure", "rater", "against"])
    for measure in ("hd95", "assd"):
        whole = table.loc[(measure, "two readers", "")]
        # Three pairs measured, two with one blank mask, one blank twice and three without a voxel size.
        assert whole[["n", "unusable", "missed"]].tolist() == [5, 4, 2]
        assert whole["median"] == pytest.approx(np.hypot(3 * 2.0, 4 * 0.5))
        assert table.loc[(measure, "R1", "R2"), ["n", "missed"]].tolist() == [2, 1]
        assert table.loc[(measure, "R1", "R3"), "q25"] == np.inf
        assert table.loc[(measure, "R2", "R3"), "median"] == pytest.approx(np.hypot(6, 2))
    sizes = among(cases[:2], "union", "drop")["sizes"].set_index(["rater", "against"])
    assert sizes.loc[("R1", "R2"), ["rater_median", "bias"]].tolist() == [1.0, 0.5]
    assert set(sizes["unit"]) == {"mm2"} and len(sizes) == 3


def test_no_case_leaves_headers():
    for name, table in among([], "intersection", "drop").items():
        assert list(table.columns) == list(COLUMNS[name]) and not len(table)


def test_a_mask_of_one_voxel_row_is_still_a_section(tmp_path):
    line = write(tmp_path / "line.nii", np.ones((7, 1, 1), np.uint8))
    masks, spacing = read_case({"R1": line}, None)
    assert masks["R1"].ndim == 2 == len(spacing) and masks["R1"].sum() == 7
    assert read_mask(line, None)[0].shape == (7, 1, 1)
