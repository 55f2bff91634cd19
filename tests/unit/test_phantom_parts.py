"""The parts of the phantom, each against what it claims: fields, motion, kinetics, shapes, readers, sheet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity import sheets
from radparity.phantom import cohort, enhancement, image
from radparity.phantom.anatomy import paint
from radparity.phantom.design import READERS, SIZES, ExamDesign, generator
from radparity.phantom.grid import Grid, place
from radparity.phantom.motion import displacements
from radparity.phantom.readers import HABITS, outline
from radparity.phantom.smooth import random_field

SHEET = Path(__file__).parents[2] / "resources" / "phantom" / "cohort.tsv"
GRID = Grid((-80.0, -50.0, -50.0), (3.5, 2.0, 2.0), (24, 50, 50))


def test_a_random_field_has_unit_variance_and_the_same_value_on_a_grid_as_at_its_points() -> None:
    axes = [np.linspace(-60, 60, 40)] * 3
    field = random_field(np.random.default_rng(0), axes, 6.0)
    values = field.on_grid(axes)
    assert abs(values.std() - 1) < 0.05 and abs(values.mean()) < 0.1
    points = np.stack(np.meshgrid(*axes, indexing="ij"))[:, ::7, ::9, ::5]
    np.testing.assert_allclose(field.at(points), values[::7, ::9, ::5], atol=1e-5)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_displacements_are_invertible_and_traced_back_exactly(seed: int) -> None:
    breast = np.ones(GRID.shape, dtype=bool)
    for move in displacements(np.random.default_rng(seed), [-80.0, 80.0, 400.0], GRID, GRID, breast):
        if move is None:
            continue
        field = move.on_grid(GRID).astype(float)
        gradient = np.stack([np.stack(np.gradient(part, *GRID.axes)) for part in field])
        jacobian = np.moveaxis(gradient + np.eye(3)[:, :, None, None, None], (0, 1), (-2, -1))
        assert np.linalg.det(jacobian).min() > 0.2
        origin = move.origin_of(GRID).astype(float)
        there = origin + np.stack([part.at(origin) for part in move.parts])
        assert np.abs(there - GRID.points).max() < 0.05


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
def test_cancers_wash_out_benign_lesions_persist_and_times_are_those_of_an_exam(seed: int, phases: int) -> None:
    rng = np.random.default_rng(seed)
    malignant, persistent = enhancement.cancer(rng), enhancement.benign(rng)
    times = enhancement.phase_times(rng, phases)
    assert len(times) == phases and -100 <= times[0] <= -60 and 60 <= times[1] <= 114
    assert all(52 <= step <= 128 for step in np.diff(times[1:])) and all(t == round(t) for t in times)
    assert malignant.at(times[0]) == persistent.at(times[0]) == 0
    assert malignant.at(600) < malignant.at(150) and malignant.at(80) > 0.5 * malignant.at(150)
    assert persistent.at(600) > persistent.at(150) > persistent.at(80) > 0


@pytest.mark.parametrize("exam", ["E30", "E32", "E33"])  # lobulated, spiculated with a satellite, irregular
def test_a_cancer_of_any_form_lies_inside_its_breast_away_from_the_outer_sections(exam: str) -> None:
    design = ExamDesign(
        exam, "P01", "right", "", "malignant", "test", "Discovery 3T", "coarse", 3, "multiphase", "none"
    )
    native, painted, slabs = place(design, SIZES["demo"], 3)
    anatomy = paint(design, painted, slabs, SIZES["demo"], 3)
    inside = anatomy.lesion > 0
    assert inside.any() and anatomy.skin[inside].min() > 2 and anatomy.wall[inside].min() > 1
    cancer = image.lesion_level(anatomy, native, [m.number for m in anatomy.marks if m.kind == "cancer"]) > 0
    held = np.flatnonzero(cancer.any(axis=(1, 2)))
    assert held.min() >= 4 and held.max() < native.shape[0] - 4
    volume = cancer.sum() * np.prod(native.spacing)
    # Diameters from 8 to 28 mm, satellites included.
    assert np.pi / 6 * 7**3 < volume < np.pi / 6 * 30**3


def test_the_same_tissue_is_painted_at_both_resolutions_and_the_full_size_is_a_clinical_one() -> None:
    pair = [
        ExamDesign("E01", "P01", "left", "benign", "", "test", "Discovery 3T", r, 3, "multiphase", "none")
        for r in ("coarse", "fine")
    ]
    (coarse, first, _), (fine, second, _) = (place(design, SIZES["demo"], 1) for design in pair)
    assert first == second
    assert coarse.shape == (24, 112, 112) and fine.shape == (24, 192, 192)
    full, _, _ = place(pair[0], SIZES["full"], 1)
    assert full.shape == (60, 256, 256) and full.spacing == (2.5, 0.7, 0.7)


def test_readers_agree_as_readers_do_and_keep_their_habits() -> None:
    axis = np.arange(-40.0, 40.0)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in READERS}
    seen: Counter[str] = Counter()
    beside = (3.0 - np.hypot(axis[:, None] - 22, axis[None, :])).astype(np.float32)
    for case in range(120):
        radius = 4.0 + 9.0 * (case % 10) / 9
        main = (radius - np.hypot(axis[:, None], axis[None, :])).astype(np.float32)
        for name in READERS:
            mask = outline(generator(case, name), HABITS[name], main, beside, axis, axis)
            seen[name] += bool(mask[axis > 18].any())
            drawn[name].append(mask & (axis < 18)[:, None])
    pairs = [(a, b) for k, a in enumerate(READERS) for b in READERS[:k]]
    dice = [2 * (x & y).sum() / (x.sum() + y.sum()) for a, b in pairs for x, y in zip(drawn[a], drawn[b], strict=True)]
    assert 0.75 < np.mean(dice) < 0.9
    area = {name: np.mean([mask.sum() for mask in masks]) for name, masks in drawn.items()}
    assert area["R1"] < area["R2"] < area["R3"] and abs(area["R4"] / area["R2"] - 1) < 0.1
    assert seen["R1"] < 0.4 * 120 < 0.7 * 120 < min(seen[r] for r in ("R2", "R3", "R4"))


def test_the_shipped_cohort_is_the_one_described() -> None:
    designs = cohort.read_cohort(SHEET)
    malignant = Counter(d.partition for d in designs if "malignant" in (d.left_label, d.right_label))
    assert malignant == {"development": 14, "tuning": 4, "test": 14}
    assert len({d.patient for d in designs}) == 38 and len(designs) == 39
    assert sum(d.sides == "both" for d in designs) == 6 and sum(d.resolution == "fine" for d in designs) == 6
    assert {d.layout for d in designs} == {"multiphase", "per_phase", "content_time", "axial", "enhanced"}
    assert sum(d.t2 != "none" for d in designs) == 33 and sum(d.t2 == "truncated" for d in designs) == 1
    assert sum(d.phases >= 6 for d in designs) == 2 and min(d.phases for d in designs) == 3
    scanners = {p: {d.scanner for d in designs if d.partition == p} for p in ("development", "test")}
    assert len(scanners["development"]) == 6 and len(scanners["test"]) == 4


def test_the_study_sheets_pass_the_studys_own_check(tmp_path: Path) -> None:
    tables = cohort.study_sheets(cohort.read_cohort(SHEET))
    for name, table in tables.items():
        table.to_csv(tmp_path / name, sep="\t", index=False)
    exams = sheets.read(tmp_path / "exams", sheets.Exam)
    breasts = sheets.read(tmp_path / "breasts", sheets.Breast)
    readings = sheets.read(tmp_path / "readings", sheets.Reading)
    sheets.check(exams, breasts, readings, list(READERS))
    assert len(readings) == 14 + 4 * 18
    assert Counter(b.label for b in breasts)["malignant"] == 32


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fine", "medium", "column 'resolution': 'medium'"),
        ("E02\t", "E01\t", "stands twice"),
        ("phases", "phase", "row 1: write the header"),
        ("\t5\t", "\t9\t", "Write 3 to 8"),
        ("left\tmalignant", "right\tmalignant", "'left_label' must be empty"),
    ],
)
def test_a_wrong_sheet_is_refused_with_row_and_column(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cohort.tsv"
    path.write_text(SHEET.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match="row ") as error:
        cohort.read_cohort(path)
    assert message in str(error.value)
