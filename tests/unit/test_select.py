"""Selection and learning curve: nested parts, known Dice, planted winners, tests against independent ones."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import yaml
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from test_report import SHEET, TEMPLATES, Parser, Tree

from radparity.fold import Member, subset
from radparity.report.experiments import experiments
from radparity.report.site import build
from radparity.select.columns import COLUMNS
from radparity.select.picture import curve_picture, selection_picture
from radparity.select.scores import score_case
from radparity.select.tables import Settings, curve_table, curve_tests, paired, selection_table, selection_tests
from radparity.select.trial import Trial
from radparity.select.verdict import curve_verdict, selection_verdict

ROOT = Path(__file__).parents[2]
QUICK = Settings(draws=500)

SHARE = st.integers(1, 1000).map(lambda thousandths: thousandths / 1000)
MEMBERS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=30).map(
    lambda rows: [Member(f"B{n}", f"P{patient}", ill) for n, (patient, ill) in enumerate(rows)]
)


@given(MEMBERS, SHARE, SHARE, SHARE, SHARE, st.integers(1, 3), st.sampled_from(["patient", "breast"]))
def test_a_smaller_part_lies_inside_a_larger_one(members, a, b, c, d, repeat, unit):
    small = subset(members, 7, min(a, b), min(c, d), repeat, unit)
    large = subset(members, 7, max(a, b), max(c, d), repeat, unit)
    assert small <= large <= {m.breast for m in members}
    assert subset(members, 7, 1.0, 1.0, repeat, unit) == {m.breast for m in members}


@given(MEMBERS, SHARE, SHARE, st.sampled_from(["patient", "breast"]))
def test_a_part_has_its_share_and_no_patient_is_torn_apart(members, malignant, benign, unit):
    chosen = subset(members, 7, malignant, benign, 1, unit)
    for ill, share in ((True, malignant), (False, benign)):
        own = [m for m in members if m.malignant == ill]
        kept = [m for m in own if m.breast in chosen]
        wanted = max(1, round(share * len(own))) if own else 0
        largest = max((sum(o.patient == m.patient for o in own) for m in own), default=1) if unit == "patient" else 1
        assert wanted <= len(kept) < wanted + largest
        if unit == "patient":
            patients = {m.patient for m in kept}
            assert all(m in kept for m in own if m.patient in patients)


def test_parts_depend_on_repeat_and_seed_and_not_on_the_order_or_the_others():
    members = [Member(f"B{n}", f"P{n}", n % 2 == 0) for n in range(40)]
    part = subset(members, 1, 0.5, 0.5, 1, "patient")
    assert subset(reversed(members), 1, 0.5, 0.5, 1, "patient") == part
    assert len({part, subset(members, 1, 0.5, 0.5, 2, "patient"), subset(members, 2, 0.5, 0.5, 1, "patient")}) == 3
    # The order of patients is one for all folds: without the others, those chosen before are chosen still.
    fewer = [m for m in members if m.breast in part or m.breast in ("B1", "B2")]
    assert subset(fewer, 1, 0.99, 0.99, 1, "patient") >= part - {"B1", "B2"}


def scores(dice, patients=None, names=None):
    """A table of scores: Dice of cases that all have a patient of their own, where none is named."""
    names = names or [f"B{n:03d}" for n in range(len(dice))]
    patients = patients or [f"P{name}" for name in names]
    return pd.DataFrame({"breast": names, "patient": patients, "dice": dice})


def planted(name, shift, seed, cases=60, repeats=3, noise=0.02, clusters=2):
    """A trial whose true mean Dice is 0.6 + shift: case effects that all arms share, and noise of each training."""
    shared = np.random.default_rng(0).normal(0.6, 0.12, cases)
    own = np.random.default_rng(seed)
    patients = [f"P{n // clusters}" for n in range(cases)]
    tables = [scores(np.clip(shared + shift + own.normal(0, noise, cases), 0, 1), patients) for _ in range(repeats)]
    return Trial(name, tables)


def facts(trials):
    shown = {"network": "paper", "width": 8, "channels": "t1c", "harmonization": "pre_p95", "parameters": 10}
    return {trial.name: shown for trial in trials}


def selected(trials, reference="unet", minimum_cases=50):
    table, tests = selection_table(trials, facts(trials), QUICK), selection_tests(trials, reference, QUICK)
    said = selection_verdict(table, tests, reference, "unet", 0.05, minimum_cases)
    return table, tests.set_index("arm"), said


def test_planted_arms_are_found_and_the_better_one_is_said_plainly():
    trials = [planted("unet", 0.0, 1), planted("better", 0.05, 2), planted("worse", -0.1, 3), planted("alike", 0.0, 4)]
    table, tests, said = selected(trials)
    assert table["arm"].iloc[0] == "better" and table["arm"].iloc[-1] == "worse"
    assert list(table["rank"]) == [1, 2, 3, 4]
    for arm, truth in (("better", 0.05), ("worse", -0.1), ("alike", 0.0)):
        row = tests.loc[arm]
        assert row["low"] <= truth <= row["high"] and row["mean_difference"] == pytest.approx(truth, abs=0.01)
    assert said[0].startswith("better (+0.0") and "is better than the primary arm unet" in said[0]
    assert "locked before this was known" in said[1]
    assert any(s.startswith("Worse than the primary arm unet: worse (−0.") for s in said)
    assert any(s.startswith("Not told apart from the primary arm unet: alike") for s in said)


def test_no_winner_among_arms_of_the_same_scores():
    one = planted("unet", 0.0, 1)
    table, tests, said = selected([one, Trial("twin", one.scores), Trial("other", one.scores)])
    assert list(table["rank"]) == [1, 1, 1]
    assert (tests[["wilcoxon_p", "wilcoxon_p_by_patient", "holm_p", "holm_p_by_patient"]] == 1).all(axis=None)
    assert (tests["mean_difference"] == 0).all()
    assert said[0] == "No arm is better than the primary arm unet beyond chance."


def test_tests_are_those_of_scipy_and_statsmodels():
    trials = [planted("unet", 0.0, 1), *(planted(f"a{n}", 0.004 * n, 10 + n, noise=0.05) for n in range(1, 6))]
    _, tests, _ = selected(trials)
    expected, clustered = [], []
    for trial in trials[1:]:
        difference = (trial.dice - trials[0].dice).round(12)
        expected.append(scipy.stats.wilcoxon(difference, method="approx", correction=False).pvalue)
        ranks = np.sign(difference) * scipy.stats.rankdata(difference.abs())
        sums = ranks.groupby([f"P{n // 2}" for n in range(60)]).sum()
        clustered.append(2 * scipy.stats.norm.sf(abs(sums.sum()) / np.sqrt((sums**2).sum())))
    assert tests["wilcoxon_p"].to_numpy() == pytest.approx(expected)
    assert tests["wilcoxon_p_by_patient"].to_numpy() == pytest.approx(clustered)
    assert tests["holm_p"].to_numpy() == pytest.approx(multipletests(expected, method="holm")[1])
    assert tests["holm_p_by_patient"].to_numpy() == pytest.approx(multipletests(clustered, method="holm")[1])


def test_a_winner_by_chance_is_rare():
    """Under no true difference the verdict names a better arm in about alpha of studies, never in many."""
    named = 0
    for study in range(30):
        trials = [planted(name, 0.0, 100 + 10 * study + n) for n, name in enumerate(("unet", "a", "b", "c"))]
        tests = selection_tests(trials, "unet", Settings(draws=100))
        table = pd.DataFrame({"cases": [60]})
        named += not selection_verdict(table, tests, "unet", "unet", 0.05, 0)[0].startswith("No arm is better")
    assert named <= 5  # binomial with 0.05: more than 5 of 30 has a chance of 1 in 300


def test_arms_are_compared_on_the_cases_that_both_have():
    names = [f"B{n}" for n in range(6)]
    one = Trial("unet", [scores([0.5, 0.5, 0.5, 0.5, 0.5, 0.0], names=names)])
    table = scores([0.6, 0.6, 0.6, 0.6, np.nan, 0.9], names=names)
    some = Trial("some", [table.iloc[:5]])
    row = paired(some, one, QUICK)
    assert (row["cases"], row["only_first"], row["only_second"]) == (4, 0, 2)
    assert row["mean_difference"] == pytest.approx(0.1)
    ranked, tests, said = selected([one, some])
    ranked = ranked.set_index("arm")
    assert list(ranked["shared_cases"]) == [4, 4] and ranked.loc["unet", "mean_shared"] == 0.5
    assert (ranked.loc["unet", "cases"], ranked.loc["unet", "misses"]) == (6, 1)
    assert (ranked.loc["some", "cases"], ranked.loc["some", "left_out"]) == (4, 1)
    assert any("Compared on a part of the cases, those that both arms have: some (4)" in sentence for sentence in said)
    assert any("With 4 cases only a large difference" in sentence for sentence in said)


def test_an_arm_without_a_single_score_is_shown_and_ranked_nowhere():
    trials = [planted("unet", 0.0, 1), planted("other", 0.0, 2), Trial("lost", [scores([np.nan] * 60)])]
    table, tests, said = selected(trials)
    assert table["rank"].isna().all() and (table["shared_cases"] == 0).all()
    assert table.set_index("arm").loc["lost", ["cases", "left_out"]].to_list() == [0, 60]
    assert np.isnan(tests.loc["lost", "holm_p"]) and tests.loc["other", "holm_p"] == tests.loc["other", "wilcoxon_p"]
    assert "lost (no case in common)" in " ".join(said)
    assert selection_picture(table, trials, "unet").startswith(b"\x89PNG")


def test_the_mean_sees_the_failures_that_the_median_hides():
    steady = Trial("unet", [scores([0.70] * 20)])
    failing = Trial("failing", [scores([0.75] * 14 + [0.0] * 6)])
    table, _, _ = selected([steady, failing])
    assert list(table["arm"]) == ["unet", "failing"] and table["median"].is_monotonic_increasing
    assert list(table["misses"]) == [0, 6]


def test_spread_and_error_of_repeats():
    trial = Trial("unet", [scores([0.5, 0.7]), scores([0.6, 0.8]), scores([0.7, 0.9])])
    assert trial.repeat_means == pytest.approx([0.6, 0.7, 0.8]) and trial.spread == pytest.approx(0.1)
    baseline = Trial("fuzzy_c_means", [scores([0.1, 0.2])])
    assert np.isnan(baseline.spread)
    assert paired(baseline, trial, QUICK)["error_of_repeats"] == pytest.approx(0.1 / np.sqrt(3))
    assert trial.dice.to_list() == pytest.approx([0.6, 0.8])


def learning(shifts, name="paper"):
    trials = [planted(f"{name} {n}", shift, 20 + n) for n, shift in enumerate(shifts, 1)]
    shares = [(0.1, 0.05), (0.9, 0.1), (1.0, 1.0)][-len(shifts) :]
    curves = {name: [(m, b, trial) for (m, b), trial in zip(shares, trials, strict=True)]}
    breasts = {trial.name: (10.0 * n, 40.0 * n) for n, trial in enumerate(trials, 1)}
    table, tests = curve_table(curves, breasts, QUICK), curve_tests(curves, QUICK)
    return table, tests, {(name, n): trial for n, trial in enumerate(trials, 1)}


def test_a_learning_curve_that_levels_off_is_told_from_one_that_rises():
    table, tests, _ = learning([-0.2, -0.05, 0.0])
    assert table["mean"].is_monotonic_increasing and list(tests["before"]) == [1, 2]
    raw = tests["wilcoxon_p"].to_numpy()
    assert tests["holm_p"].to_numpy() == pytest.approx(multipletests(raw, method="holm")[1])
    said = curve_verdict(table, tests, 0.05, 50)
    assert "it still rises at its end" in said[0] and "20 malignant and 80 benign breasts to 30 malignant" in said[0]
    assert "changes the ratio of malignant to benign" in said[1]
    table, tests, _ = learning([-0.2, 0.0, 0.0])
    assert "which is not told from chance" in curve_verdict(table, tests, 0.05, 50)[0]
    table, tests, _ = learning([0.0, -0.2])
    assert "more data made it worse" in curve_verdict(table, tests, 0.05, 50)[0]


def test_pictures_are_the_same_bytes_twice_and_show_every_arm():
    trials = [planted("unet", 0.0, 1), planted("other", 0.1, 2, repeats=1)]
    table, _, _ = selected(trials)
    drawn = [selection_picture(table, trials, "unet") for _ in range(2)]
    assert drawn[0] == drawn[1] and drawn[0].startswith(b"\x89PNG")
    assert selection_picture(table.iloc[:1], trials, "unet") != drawn[0]
    points, _, by_point = learning([-0.2, 0.0])
    drawn = [curve_picture(points, by_point) for _ in range(2)]
    assert drawn[0] == drawn[1] and drawn[0].startswith(b"\x89PNG")


def disc(middle, radius, shape=(40, 50)):
    away = np.indices(shape) - np.reshape(middle, (2, 1, 1))
    return (away**2).sum(axis=0) <= radius**2


def test_a_case_is_cut_at_half_of_its_maximum_and_scored():
    outline = disc((15, 20), 8)
    # Half of 0.6 is 0.3: the inner disc stays, the faint ring and the separate faint blob leave.
    probability = np.where(disc((15, 20), 6), 0.6, np.where(disc((15, 20), 9), 0.29, 0.0))
    probability[disc((35, 44), 3)] = 0.4
    found = score_case(probability, outline, (0.5, 0.5), 0.95)
    inner = disc((15, 20), 6).sum()
    assert found["dice"] == pytest.approx(2 * inner / (inner + outline.sum()))
    assert found["diameter_mm"] == pytest.approx(8.0, rel=0.05)
    assert score_case(np.zeros(outline.shape), outline, (1, 1), 0.95)["dice"] == 0
    with pytest.raises(ValueError, match="outline is empty"):
        score_case(probability, np.zeros_like(outline), (1, 1), 0.95)


RUNNER = textwrap.dedent(
    """
    import json, runpy, sys, types

    class Named(list):
        def __init__(self, named):
            super().__init__(f for v in named.values() for f in (v if isinstance(v, list) else [v]))
            self.named = named
        def items(self):
            return list(self.named.items())
        def get(self, name, default=None):
            return self.named.get(name, default)
        def __getattr__(self, name):
            return self.named[name]

    for script, given in json.loads(sys.stdin.read()):
        named = {k: Named(v) for k, v in given.items()}
        stub = types.SimpleNamespace(rule=script, threads=1, log=["job.log"], **named)
        runpy.run_path(f"{sys.argv[1]}/{script}.py", init_globals={"snakemake": stub})
    """
)
ENDS = (".json", ".png", ".tsv", "_tests.tsv")
PATIENTS = {f"B{n}": f"P{n // 2}" for n in range(8)}
POINTS = [[0.5, 0.5, ["good", "same"]], [1.0, 1.0, ["same", "good"]]]


def held_out(folder, arm, shift):
    """Predictions of an arm as the workflow leaves them: discs beside the outlines by `shift` voxels; B7 left out."""
    for fold in ("1", "2"):
        own = [breast for n, breast in enumerate(PATIENTS) if n % 4 // 2 == int(fold) - 1]
        maps = {b: disc((20 + shift, 25), 6 + int(b[1:])).astype(np.float32) for b in own if b != "B7"}
        path = folder / f"results/predict/{arm}/held_out_{fold}"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path.with_suffix(".npz"), **maps)
        left_out = {"B7": "no_breast"} if "B7" in own else {}
        record = {"arm": arm, "fold": fold, "cases": dict.fromkeys(maps, 3), "left_out": left_out}
        path.with_suffix(".json").write_text(json.dumps(record))
        training = folder / f"results/train/{arm}/{fold}/train.json"
        training.parent.mkdir(parents=True, exist_ok=True)
        training.write_text(json.dumps({"parameters": 1234, "training": [b for b in PATIENTS if b not in own]}))


def run_scripts(folder):
    for n, breast in enumerate(PATIENTS):
        path = folder / f"results/outline/{breast}/outlines.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        outline = disc((20, 25), 6 + n).astype(np.uint8)[None, ..., None]
        nibabel.save(nibabel.Nifti1Image(outline, np.diag([3.0, 0.5, 0.5, 1.0])), path)
    rows = [
        f"{fold}\t{b}\t{p}\tmalignant\t{'held_out' if n % 4 // 2 == fold - 1 else 'training'}"
        for fold in (1, 2)
        for n, (b, p) in enumerate(PATIENTS.items())
    ]
    (folder / "results/fold").mkdir(parents=True)
    (folder / "results/fold/folds.tsv").write_text("\n".join(["fold\tbreast\tpatient\tlabel\trole", *rows]) + "\n")
    arms, jobs = {"unet": 0, "same": 0, "good": 0, "bad": 5}, []
    compare = {"alpha": 0.05, "bootstrap": 200, "minimum_cases": 50}
    for arm, shift in arms.items():
        held_out(folder, arm, shift)
        given = {
            "wildcards": {"arm": arm},
            "input": {
                "records": [f"results/predict/{arm}/held_out_{fold}.json" for fold in (1, 2)],
                "maps": [f"results/predict/{arm}/held_out_{fold}.npz" for fold in (1, 2)],
                "outlines": [f"results/outline/{b}/outlines.nii.gz" for b in PATIENTS],
            },
            "output": {"scores": f"results/select/{arm}/scores.tsv"},
            "params": {"patients": PATIENTS, "segment": {"component": 0.95}, "code": "c"},
        }
        (folder / f"results/select/{arm}").mkdir(parents=True)
        jobs.append(("select_arm", given))
    shown = {"network": "paper", "width": None, "channels": "t1c, dce_in", "harmonization": "pre_p95"}
    files = {
        name: {
            "table": f"results/select/{name}.tsv",
            "tests": f"results/select/{name}_tests.tsv",
            "picture": f"results/select/{name}.png",
            "verdict": f"results/select/{name}.json",
        }
        for name in ("selection", "learning_curve")
    }
    tables = [f"results/select/{arm}/scores.tsv" for arm in arms]
    training = [f"results/train/{arm}/{fold}/train.json" for arm in arms for fold in (1, 2)]
    trainings = {"unet": ["unet", "same"], "good": ["good"], "bad": ["bad"]}
    params = {"compare": compare, "seed": 1, "code": "c", "primary": "unet", "reference": "unet", "arm": "unet"}
    params |= {"arms": {a: shown | {"trainings": t} for a, t in trainings.items()}, "curves": {"paper": POINTS}}
    inputs = {"scores": tables, "training": training, "folds": "results/fold/folds.tsv"}
    for name, output in files.items():
        jobs.append((f"select_{name}", {"wildcards": {}, "input": inputs, "output": output, "params": params}))
    command = [sys.executable, "-c", RUNNER, str(ROOT / "workflow/scripts")]
    environment = {"PYTHONPATH": str(ROOT / "workflow"), "PATH": ""}
    done = subprocess.run(
        command, cwd=folder, env=environment, input=json.dumps(jobs), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "results/select"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run_scripts(tmp_path_factory.mktemp("select"))


def test_scores_from_held_out_files(made):
    table = pd.read_csv(made / "bad/scores.tsv", sep="\t").set_index("breast")
    assert list(table.columns) == ["patient", "fold", "section", "dice", "diameter_mm", "left_out"]
    for n, breast in enumerate(PATIENTS):
        row = table.loc[breast]
        assert row["patient"] == PATIENTS[breast] and row["fold"] == (1 if n % 4 // 2 == 0 else 2)
        if breast == "B7":
            assert row["left_out"] == "no_breast" and np.isnan(row["dice"])
            continue
        true, said = disc((20, 25), 6 + n), disc((25, 25), 6 + n)
        assert row["dice"] == pytest.approx(2 * (true & said).sum() / (true.sum() + said.sum()))
        assert row["section"] == 3 and row["diameter_mm"] == pytest.approx(6 + n, rel=0.05)
    assert (pd.read_csv(made / "unet/scores.tsv", sep="\t")["dice"].dropna() == 1).all()


def test_tables_of_the_scripts_are_complete_and_said_in_words(made):
    for name in COLUMNS:
        assert list(pd.read_csv(made / f"{name}.tsv", sep="\t").columns) == list(COLUMNS[name])
    table = pd.read_csv(made / "selection.tsv", sep="\t").set_index("arm")
    assert list(table["rank"]) == [1, 1, 3] and table.loc["bad", "mean"] < 0.8
    assert list(table["parameters"]) == [1234] * 3 and list(table["left_out"]) == [1, 1, 1]
    said = json.loads((made / "selection.json").read_text())
    assert said["verdict"][0] == "No arm is better than the primary arm unet beyond chance."
    points = pd.read_csv(made / "learning_curve.tsv", sep="\t")
    assert list(points["malignant"]) == [4, 4] and list(points["benign"]) == [0, 0]


def test_the_report_shows_the_experiments_that_it_is_asked_for(made):
    named = [made / f"{name}{end}" for name in ("selection", "learning_curve") for end in ENDS]
    published = yaml.safe_load((ROOT / "resources/published/hirsch_2022.yaml").read_text())
    config = {"report": {"experiments": ["selection", "learning_curve"]}, "compare": {"alpha": 0.05}}
    results = SimpleNamespace(config=config, published=published, files={"experiments": list(map(str, named))})
    selection, curve = experiments(results)
    assert [row[0] for row in selection["tables"][0].rows] == ["good", "unet", "bad"]
    assert all(
        len(row) == len(t.head) for e in (selection, curve) for t in (*e["tables"], e["published"]) for row in t.rows
    )
    assert all(row[1] == "" for row in selection["published"].rows)
    assert [row[2] for row in curve["published"].rows] == ["0.63", "0.69", "0.73"]
    assert 800 < curve["picture"].width < 1000
    assert experiments(SimpleNamespace(config={"report": {"experiments": []}}, files={})) == []


def test_the_page_has_their_section_only_where_they_are_asked_for(made, tmp_path):
    tree = Tree(tmp_path, sheet=[SHEET[6]], shown_maps=False)
    tree.files["experiments"] = [str(made / f"learning_curve{end}") for end in ENDS]
    site = build(tree.results(report={"experiments": ["learning_curve"]}), TEMPLATES)
    parsed = Parser(site["training.html"])
    assert not parsed.open
    assert {"experiments", "table-learning-curve", "figure-experiment-learning_curve"} <= set(parsed.ids)
    assert "table-selection" not in parsed.ids and "Curve paper: mean Dice" in parsed.text
    site = build(tree.results(), TEMPLATES)
    assert "experiments" not in Parser(site["training.html"]).ids


def test_two_runs_leave_the_same_bytes(made, tmp_path):
    again = run_scripts(tmp_path)
    files = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    assert len(files) == 2 * (4 + 8)
    for file in files:
        assert (again / file).read_bytes() == (made / file).read_bytes(), file
