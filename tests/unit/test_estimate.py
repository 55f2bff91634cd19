"""The estimate: figures grow in a straight line with the raw data, tiers follow the table of what stays, and what was
not measured stays blank."""

import csv
import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.config import ConfigError, load
from radparity.estimate import (
    COLUMNS,
    Demand,
    Measured,
    Training,
    demands,
    job_files,
    raw_megabytes,
    rows,
    training_rows,
    trainings,
    write_table,
)
from radparity.estimate_text import text
from radparity.keep import STAYS
from radparity.load import load_study
from radparity.slab import make_slab
from radparity.sweep import sweep
from radparity.swept import DIGESTS

ROOT = Path(__file__).parents[2]
SHIPPED = Measured(ROOT / "resources/estimate/measured.tsv")
STEPS = ROOT / "resources/estimate/steps.tsv"

sys.path.insert(0, str(ROOT / "benchmarks"))
from plan_study import PAPER, change_one, write_outputs, write_study  # noqa: E402


@pytest.fixture
def measured(tmp_path):
    table = ["# by hand", "stage\twhat\tsmall\tlarge", "raw\tmb\t20\t120", "register\tprocessor_s\t30\t130"]
    table += ["register\tmemory_gb\t1\t2", "register\tfiles\t8\t8", "register\tregistered.nii.gz\t10\t60"]
    table += ["register\tquality.png\t1\t1", "mask\tmask.nii.gz\t1\t1", "mask\tprocessor_s\t5\t100"]
    (tmp_path / "measured.tsv").write_text("\n".join(table) + "\n")
    return Measured(tmp_path / "measured.tsv")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A hundredth of the paper's study, its folder as the working folder."""
    folder = tmp_path_factory.mktemp("study")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    config = write_study(folder, PAPER.share(0.01), 8, ROOT / "config.yaml")
    yield load_study(yaml.safe_load(config.read_text()))
    patch.undo()


def test_a_figure_meets_both_exams_and_the_line_between_them(measured):
    assert measured.total("register", "processor_s", 1, 20) == 30
    assert measured.total("register", "processor_s", 1, 120) == 130
    assert measured.total("register", "processor_s", 1, 70) == 80


def test_no_exam_takes_less_than_nothing(measured):
    # The line through 5 s at 20 MB and 100 s at 120 MB is below zero at 10 MB.
    assert measured.total("mask", "processor_s", 1, 10) > 0
    assert measured.total("mask", "processor_s", 1, 120) == 100


@settings(deadline=None)
@given(st.lists(st.floats(0, 5000), min_size=1, max_size=20))
def test_a_sum_is_the_sum_of_its_cases_and_more_data_never_takes_less(megabytes):
    for stage in ("convert", "register", "harmonize", "mask", "slab"):
        for what in SHIPPED.figures(stage):
            alone = [SHIPPED.total(stage, what, 1, mb) for mb in megabytes]
            assert SHIPPED.total(stage, what, len(megabytes), sum(megabytes)) == pytest.approx(sum(alone))
            assert min(alone) >= 0
            assert SHIPPED.total(stage, what, 1, max(megabytes) + 1) >= max(alone)


def test_tiers_leave_what_the_table_of_keep_lets_go_of(measured):
    wanted = [Demand("register", "exam", False, 2, 240, 120), Demand("mask", "breast", True, 2, 240, 120)]
    wanted += [Demand("mask", "breast", False, 1, 120, 120), Demand("intake", "exam", False, 2, 240, 120)]
    register, mask, intake = rows(measured, wanted)
    assert (register["gb_all"], register["gb_lean"], register["gb_minimal"]) == pytest.approx((0.122, 0.002, 0.002))
    assert (mask["cases"], mask["gb_all"], mask["gb_lean"]) == pytest.approx((3, 0.003, 0.003))
    assert mask["gb_minimal"] == pytest.approx(0.001)  # the test case's stays
    assert register["memory_gb"] == 2 and register["files"] == 16
    assert {intake[name] for name in COLUMNS if name not in ("stage", "unit", "cases")} == {None}


def test_what_ships_was_measured_for_every_file_that_may_go():
    for stage, files in STAYS.items():
        assert set(files) <= set(SHIPPED.figures(stage)), stage


def test_training_grows_with_the_square_of_the_width_and_knows_no_gpu():
    one = Training("unet", 3, 1000, "paper", 16, 106875, 8)
    (base,), (wide,) = (training_rows(STEPS, [one._replace(width=width)], None) for width in (16, 32))
    assert wide["cpu_hours"] == pytest.approx(4 * base["cpu_hours"])
    assert base["gpu_hours"] is None
    (timed,) = training_rows(STEPS, [one], 0.36)
    assert timed["gpu_hours"] == pytest.approx(0.3)
    (unknown,) = training_rows(STEPS, [one._replace(network="nnunet")], 0.36)
    assert unknown["cpu_hours"] is None and unknown["gpu_hours"] is None


def test_the_widths_without_a_number_are_those_of_the_presets():
    from radparity.networks.presets import PRESETS

    with STEPS.open() as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            assert PRESETS[row["network"]].width == int(row["own_width"])


def test_demands_count_the_sheets_and_share_an_exam_among_its_breasts(small):
    raw_mb = raw_megabytes()
    found: dict[str, list[Demand]] = {}
    for one in demands(small, raw_mb):
        found.setdefault(one.stage, []).append(one)
    together = sum(raw_mb[row.folder] for row in small.exams.values())
    for stage in ("intake", "register", "mask"):
        assert sum(one.raw_mb for one in found[stage]) == pytest.approx(together)
    assert sum(one.cases for one in found["mask"]) == len(small.breasts)
    assert sum(one.cases for one in found["slab"]) == len(small.cases("development"))
    assert not any(one.whole for one in found["slab"])
    assert found["outline"][0].cases == len(small.outlined)
    assert found["predict"][0].cases == len(small.compared) * len(small.cases("tuning", "test"))


@pytest.mark.parametrize(
    ("train", "whole"),
    [({"negatives": "tumour_free_sections"}, {"malignant"}), ({"sampling": "code"}, {"benign"})],
)
def test_slabs_that_give_patches_from_anywhere_hold_all_sections(small, train, whole):
    raw = yaml.safe_load(Path("config/size.yaml").read_text())
    study = load_study(raw | {"train": raw.get("train", {}) | train})
    slabs = [one for one in demands(study, raw_megabytes()) if one.stage == "slab"]
    assert [one.whole for one in slabs] == [label in whole for label in ("malignant", "benign")]
    # What the library makes of as many sections as the measured exam has.
    volume, mask = np.ones((4, 60, 6, 5)), np.ones((60, 6, 5), bool)
    few, every = (make_slab(volume, mask, mask[0], 30, "paper", free)[0].nbytes for free in ((), (50,)))
    for one in slabs:
        (part,), (all_of_it,) = (rows(SHIPPED, [one._replace(whole=whole)]) for whole in (False, True))
        kept = SHIPPED.total("slab", "records", one.cases, one.raw_mb) / 1000
        assert (all_of_it["gb_all"] - kept) / (part["gb_all"] - kept) == pytest.approx(every / few)
        assert all_of_it["files"] == part["files"]


def test_experiments_count_where_the_report_waits_for_them(small):
    own = trainings(small)
    raw = yaml.safe_load(Path("config/size.yaml").read_text()) | {"report": {"experiments": ["selection"]}}
    more = trainings(load_study(raw))
    assert {one.arm for one in own} == {"unet"}
    assert {"unet", "unet_r2", "released_r3"} <= {one.arm for one in more}


def test_a_table_of_the_sweep_without_bytes_asks_for_another_sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DIGESTS.parent.mkdir(parents=True)
    DIGESTS.write_text("path\tdigest\nexam\t00\n")
    with pytest.raises(ConfigError, match="radparity sweep"):
        raw_megabytes()


def test_the_sweep_counts_the_bytes_of_what_is_there(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw, sizes = random.Random(1), {}
    for row in small.exams.values():
        (tmp_path / "raw" / row.folder / "deep").mkdir(parents=True)
        for name, size in (("a", raw.randint(0, 3000)), ("deep/b", raw.randint(0, 3000))):
            (tmp_path / "raw" / row.folder / name).write_bytes(b"x" * size)
            sizes[row.folder] = sizes.get(row.folder, 0) + size
    sweep(small, 1)
    recorded = raw_megabytes()
    assert {path: round(recorded[path] * 1e6) for path in sizes} == sizes
    assert recorded[small.readings[0].file] == 0  # missing


def test_the_words_sum_up_and_say_which_tier_fits(measured, tmp_path):
    wanted = [Demand("register", "exam", False, 1000, 120_000, 120)]
    one = Training("unet", 1, 10, "paper", 16, 106875, 8)
    table = [*rows(measured, wanted), *training_rows(STEPS, [one], None), job_files(100)]
    write_table(tmp_path / "estimate.tsv", table)
    said = text(tmp_path / "estimate.tsv", free_gb=30)
    last = next(line for line in said.splitlines() if line.startswith("together")).split()
    assert "8,500" in last  # 8 files of each exam, 5 of each job
    assert "keep: all: 61.0 GB at the end; 30.0 GB are free: does not fit" in said
    assert "keep: lean: 1.0 GB at the end; 30.0 GB are free: fits" in said
    assert "not measured on a GPU" in said
    assert "not measured on a GPU" not in text_of(training_rows(STEPS, [one], 1.0), tmp_path)


def text_of(table, folder):
    write_table(folder / "other.tsv", table)
    return text(folder / "other.tsv", 1)


def test_the_study_of_the_benchmark_has_the_numbers_that_it_says(small):
    size = PAPER.share(0.01)
    assert (len(small.exams), len(small.breasts)) == (size.exams, size.breasts)
    assert len(set(small.patients.values())) == size.patients
    partitions = Counter(row.partition for row in small.breasts.values())
    assert (partitions["test"], partitions["tuning"]) == (size.test, size.tuning)
    assert len(small.cases("development", label="malignant")) == size.outlined
    assert PAPER.share(1) == PAPER


def test_a_change_of_one_exam_changes_one_digest(small):
    before = dict(small.digests)
    change_one(Path(), "E00100")
    after = load_study(yaml.safe_load(Path("config/size.yaml").read_text())).digests
    assert {path for path in before if before[path] != after[path]} == {"dicom/E00100"}


def test_the_lists_of_the_benchmark_hold_the_cases_of_their_batch(small):
    patient = small.patients["E00100"]
    name = f"results/register/batch_{small.batches.of(patient)}.json"
    write_outputs(Path(), 8, [name, "results/report/index.html"])
    cases = yaml.safe_load(Path(name).read_text())["cases"]
    assert set(cases) == {e for e, p in small.patients.items() if small.batches.of(p) == small.batches.of(patient)}
    assert Path("results/report/index.html").is_file()


def test_the_configuration_refuses_seconds_that_are_none():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    with pytest.raises(ConfigError, match="gpu_seconds_a_step"):
        load(raw | {"estimate": {"gpu_seconds_a_step": 0}})
