"""Power: the published figures, statsmodels, closed forms, and what must hold of any simulation."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from radparity.compare.margin import margin_test, verdict
from radparity.compare.scores import Case
from radparity.load import load_study
from radparity.power import closed_form
from radparity.power.closed_form import cases_for, equivalence_power, paired_t_power
from radparity.power.picture import power_picture
from radparity.power.pilot import Pilot, of_cases, of_table
from radparity.power.study import COLUMNS, Settings, draw_studies, needed, power_table
from radparity.power.verdict import power_verdict
from radparity.terminal import read_config

ROOT = Path(__file__).parents[2]
SHARES = ["equivalent", "superior", "inferior", "inconclusive"]


def pilot_of(patients, breasts=1, sd=0.1, seed=1):
    values = np.random.default_rng(seed).normal(0.02, sd, patients * breasts)
    return Pilot([f"P{number // breasts:03d}" for number in range(len(values))], values)


def test_the_papers_calculation():
    """The figures of the specification, which recomputed the paper's."""
    paper = closed_form.paper()
    assert (paper["effect"], paper["cases"], paper["cases_unrounded"]) == (0.1918, 246, 247)
    assert paper["power_at_250"] == pytest.approx(0.8556, abs=5e-5)
    assert paired_t_power(0.1918, 246) == pytest.approx(0.85001, abs=5e-6)
    assert cases_for(0.85, lambda cases: paired_t_power(0.1918, cases)) == pytest.approx(245.99, abs=0.005)
    assert paper["equivalence_power_at_250"] == pytest.approx(0.832, abs=5e-4)
    assert paper["equivalence_cases"] == 260


@settings(deadline=None, max_examples=40)
@given(st.floats(0.05, 1.5), st.integers(3, 400), st.floats(0.01, 0.2))
def test_paired_t_is_statsmodels(effect, cases, alpha):
    expected = TTestPower().power(effect, cases, alpha)
    if np.isfinite(expected):
        assert paired_t_power(effect, cases, alpha) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("margin", "sd", "cases", "truth"), [(0.05, 0.1, 12, 0.0), (0.05, 0.12, 60, 0.02)])
def test_equivalence_power_is_what_a_simulation_finds(margin, sd, cases, truth):
    from scipy import stats

    values = np.random.default_rng(3).normal(truth, sd, (40_000, cases))
    mean, error = values.mean(axis=1), stats.sem(values, axis=1)
    half = stats.t.isf(0.05, cases - 1) * error
    share = np.mean((mean - half > -margin) & (mean + half < margin))
    assert equivalence_power(margin, sd, cases, truth) == pytest.approx(share, abs=4 * math.sqrt(0.25 / 40_000))


@settings(deadline=None, max_examples=40)
@given(st.floats(0.03, 0.3), st.integers(5, 300))
def test_equivalence_power_rises_with_cases_and_falls_with_distance(sd, cases):
    now = equivalence_power(0.05, sd, cases)
    # Where it is near 0 it truly falls at first: few cases have a small standard deviation more often.
    assert now < 0.05 or equivalence_power(0.05, sd, cases + 5) >= now - 1e-7
    assert equivalence_power(0.05, sd, cases, 0.03) <= equivalence_power(0.05, sd, cases) + 1e-7
    assert equivalence_power(0.05, sd, cases, 0.05) <= 0.05 + 1e-7


def test_no_number_of_cases_reaches_a_power_at_the_margin():
    assert cases_for(0.85, lambda cases: equivalence_power(0.05, 0.1, cases, 0.05)) == math.inf


def test_normal_differences_with_one_case_a_patient_have_the_closed_forms_power():
    """A large normal pilot: the studentized bootstrap is then nearly t, so the powers agree but for Monte-Carlo."""
    pilot = pilot_of(4000)
    chosen = Settings(studies=1500, draws=2000, seed=4)
    table = power_table(pilot, [50, 80, 150], chosen)
    for row in table.to_dict("records"):
        expected = equivalence_power(0.05, pilot.sd, row["cases"])
        assert row["equivalent"] == pytest.approx(expected, abs=4 * row["equivalent_error"] + 0.01)
        assert row["patients"] == row["cases"]


def test_power_rises_with_cases_and_falls_with_correlation_within_patients():
    chosen = Settings(studies=400, draws=500)
    table = power_table(pilot_of(60, sd=0.15), [50, 100, 200, 400], chosen)
    assert table["equivalent"].is_monotonic_increasing and table["equivalent"].iloc[-1] > table["equivalent"].iloc[0]
    single = pilot_of(60, sd=0.15)
    twice = Pilot(sorted(single.patients * 2), np.repeat(single.differences, 2))
    assert twice.design_effect > 1.8
    assert (power_table(twice, [100, 200], chosen)["equivalent"] < table["equivalent"].iloc[1:3].to_numpy()).all()


@pytest.mark.parametrize(("truth", "name"), [(0.2, "superior"), (-0.2, "inferior"), (0.0, "equivalent")])
def test_the_verdict_of_large_studies_is_the_truth(truth, name):
    chosen = Settings(true_difference=truth, studies=100, draws=300)
    assert chosen.aim == name
    table = power_table(pilot_of(40, breasts=2), [300], chosen)
    assert table[name].iloc[0] == 1
    assert table[SHARES].iloc[0].sum() == pytest.approx(1)


def test_at_the_margin_a_claim_of_equivalence_is_as_rare_as_alpha():
    chosen = Settings(true_difference=0.05, studies=2000, draws=500)
    row = power_table(pilot_of(60), [200], chosen).iloc[0]
    assert row["equivalent"] == pytest.approx(0.05, abs=4 * row["equivalent_error"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=3, max_size=9), st.integers(3, 30), st.integers(0, 99))
def test_a_drawn_study_has_exactly_its_cases_and_whole_patients_but_for_the_last(breasts, cases, seed):
    patients = [1000.0**row * np.arange(1, own + 1) for row, own in enumerate(breasts)]
    sums, sizes = draw_studies(patients, cases, 20, seed)
    wholes = {(float(own.sum()), float(len(own))) for own in patients}
    parts = {(float(own[:count].sum()), float(count)) for own in patients for count in range(1, len(own) + 1)}
    for own_sums, own_sizes in zip(sums, sizes, strict=True):
        count = np.count_nonzero(own_sizes)
        assert own_sizes.sum() == cases and not own_sizes[count:].any()
        drawn = list(zip(own_sums[:count], own_sizes[:count], strict=True))
        assert set(drawn[:-1]) <= wholes and drawn[-1] in parts


def test_the_shares_are_those_of_the_primary_rule_one_study_at_a_time():
    pilot, chosen = pilot_of(20, sd=0.12), Settings(studies=30, draws=200, seed=7)
    sums, sizes = draw_studies(pilot.by_patient(0.0), 60, 30, 7)
    assert (sizes == 1).all()
    said = []
    for values in sums:
        names = [f"{number:03d}" for number in range(len(values))]
        one = margin_test(values, names, draws=200, seed=7)
        assert one.verdict == verdict(one.low, one.high, 0.05, 60)
        said.append(one.verdict)
    row = power_table(pilot, [60], chosen).iloc[0]
    assert row["equivalent"] == said.count("equivalent") / 30
    assert row["inconclusive"] == said.count("inconclusive") / 30


def test_few_cases_are_too_few_whatever_the_numbers():
    row = power_table(pilot_of(30, sd=0.001), [49], Settings(studies=100, draws=100)).iloc[0]
    assert row[SHARES].sum() == 0 and row["note"] == "too few cases"


def test_a_pilot_of_seven_patients_claims_nothing_and_one_of_eight_does(tmp_path):
    seven, eight = (power_table(pilot_of(n, 2), [50, 400], Settings(studies=100, draws=200)) for n in (7, 8))
    assert seven[SHARES].isna().all().all() and not eight[SHARES].isna().any().any()
    said = power_verdict(seven, pilot_of(7, 2), "tuning", Settings())
    assert said["cases_needed"] is None and said["normal_cases"] is None and said["paper"]["cases"] == 246
    assert said["sentences"] == [
        "No number of cases is claimed: a pilot of 7 patients is too small: at least 8 are needed."
    ]
    json.dumps(said, allow_nan=False)
    power_picture(seven, said, tmp_path / "p.png", tmp_path / "p.svg")
    assert "No number of cases is claimed" in (tmp_path / "p.svg").read_text()
    small = power_verdict(eight, pilot_of(8, 2), "tuning", Settings())["sentences"]
    assert any("fewer than 30" in sentence for sentence in small)


@pytest.mark.parametrize("count", [0, 1])
def test_a_pilot_without_or_with_one_case(count, tmp_path):
    pilot = Pilot(["P1"] * count, np.full(count, 0.1))
    table = power_table(pilot, [50, 100], Settings())
    said = power_verdict(table, pilot, "tuning", Settings())
    json.dumps(said, allow_nan=False)
    power_picture(table, said, tmp_path / "p.png", tmp_path / "p.svg")
    assert list(table.columns) == list(COLUMNS) and said["cases_needed"] is None


def test_a_pilot_without_spread_claims_nothing():
    pilot = Pilot([f"P{n}" for n in range(20)], np.full(20, 0.01))
    assert "the same" in power_table(pilot, [50], Settings())["note"].iloc[0]


def shares(*equivalent):
    table = power_table(Pilot([], np.empty(0)), [100, 200, 300], Settings())
    return table.assign(equivalent=equivalent)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((0.5, 0.8, 0.9), (250, "interpolated")),
        ((0.5, 0.9, 0.8), (200, "interpolated")),  # made to rise: 0.5, 0.85, 0.85
        ((0.9, 0.95, 1.0), (100, "smallest tried")),
        ((0.1, 0.2, 0.3), (None, "more than tried")),
    ],
)
def test_the_number_is_interpolated_on_shares_that_rise(found, expected):
    assert needed(shares(*found), Settings(power=0.85)) == expected


def test_no_number_below_the_fewest_cases_that_have_a_verdict():
    table = shares(0.0, 1.0, 1.0).assign(cases=[30, 52, 400])
    assert needed(table, Settings(power=0.85)) == (50, "interpolated")


def test_same_inputs_same_bytes_and_other_sizes_do_not_matter(tmp_path):
    pilot, chosen = pilot_of(30, 2), Settings(studies=100, draws=200, seed=9)
    table, again = power_table(pilot, [60, 90], chosen), power_table(pilot, [90], chosen)
    assert table.iloc[1].to_dict() == again.iloc[0].to_dict()
    said = power_verdict(table, pilot, "tuning", chosen)
    for name in ("one", "two"):
        power_picture(table, said, tmp_path / f"{name}.png", tmp_path / f"{name}.svg")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_cases_are_scored_as_the_comparison_scores_them():
    square = np.zeros((20, 20), dtype=bool)
    square[5:15, 5:15] = True
    readers = {"R1": square, "R2": square, "R3": square}
    half = square.copy()
    half[10:] = False
    pilot = of_cases([Case("a", "P1", half, readers), Case("b", "P2", square, readers)], "intersection", "drop")
    assert pilot.patients == ["P1", "P2"]
    assert pilot.differences == pytest.approx([2 * 50 / 150 - 1, 0])
    blank = dict.fromkeys(readers, np.zeros_like(square))
    assert of_cases([Case("c", "P3", square, blank)], "intersection", "drop").cases == 0
    assert of_cases([], "intersection", "drop").cases == 0


def test_a_table_is_read_and_a_faulty_row_is_named(tmp_path):
    path = tmp_path / "pilot.tsv"
    path.write_text("patient\tdifference\tcase\nP1\t-0.03\ta\nP1\t0.5\tb\n")
    assert of_table(path).differences == pytest.approx([-0.03, 0.5])
    for text, said in [
        ("patient\tdice\nP1\t0.1\n", "no column difference"),
        ("patient\tdifference\nP1\t0.1\nP2\t\n", "row 3: difference is ''"),
        ("patient\tdifference\nP1\t5\n", "row 2: difference is '5'"),
        ("patient\tdifference\n\t0.1\n", "row 2: no patient"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=said):
            of_table(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("power") / "study"
    folder.mkdir()
    for name in ("Snakefile", "config.yaml", "workflow", "envs", "resources", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    rows = ["path\tdigest"]
    environment = os.environ | {"PYTHONPATH": str(folder / "workflow")}
    listed = "from pathlib import Path; from radparity.release.given import give, write_given;"
    listed += "from radparity.terminal import read_config; from radparity.load import load_study;"
    listed += "study = load_study(read_config('config.yaml')); write_given(Path('plan'), give(study)[0]);"
    listed += "print('\\n'.join(study.raw_paths()))"
    done = subprocess.run([sys.executable, "-c", listed], cwd=folder, env=environment, capture_output=True, text=True)
    rows += [f"{path}\t0" for path in done.stdout.split()]
    (folder / "results/raw").mkdir(parents=True)
    (folder / "results/raw/digests.tsv").write_text("\n".join(rows) + "\n")
    return folder, environment


def dry_run(project, *arguments):
    folder, environment = project
    snakemake = [str(Path(sys.executable).parent / "snakemake"), "-n", *arguments, "--", "power"]
    done = subprocess.run(snakemake, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_target_asks_for_the_batches_of_tuning_cases_and_for_no_comparison(project, monkeypatch):
    code, out = dry_run(project)
    assert code == 0, out
    monkeypatch.chdir(project[0])
    study = load_study(read_config("config.yaml"))
    of_tuning, of_test = (
        {study.batches.of(study.patient_of(case)) for case in study.cases(name)} for name in ("tuning", "test")
    )
    assert set(re.findall(r"segment (judged_\w+) with unet", out)) == of_tuning and of_test - of_tuning
    assert "power: how many cases" in out and "compare unet" not in out


def test_with_a_table_nothing_else_is_made(project):
    (project[0] / "pilot.tsv").write_text("patient\tdifference\nP1\t0.1\n")
    code, out = dry_run(project, "--config", 'power={"pilot": "pilot.tsv"}')
    assert code == 0, out
    assert "power: how many cases" in out and "segment" not in out.replace("segment,", "")
