"""What was given: nobody moves as a study grows, folds stay balanced, and sheets that contradict it are refused."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.config import ConfigError, load
from radparity.fold import Member, assign_folds
from radparity.release.given import GIVEN, folds_given, give, giving, read_given, write_given
from radparity.sheets import Breast, Exam
from radparity.study import Study

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
PARTITIONS = ("development", "development", "development", "tuning", "test")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study_of(patients, same_as=None, folds=3, unit="patient", seed=7, order=1):
    """A study of patients: name to (partition, labels of her breasts); each breast has an exam of its own."""
    exams, breasts = {}, {}
    for name, (partition, labels) in list(patients.items())[::order]:
        for k, ill in enumerate(labels):
            exam = f"E-{name}-{k}"
            exams[exam] = Exam(exam=exam, patient=name, folder=exam, same_as=(same_as or {}).get(name))
            row = {"side": "left", "label": "malignant" if ill else "benign", "partition": partition}
            breasts[f"{exam}L"] = Breast(breast=f"{exam}L", exam=exam, **row)
    return Study(load(DEMO | {"seed": seed, "fold": {"folds": folds, "unit": unit}}), exams, breasts, [])


def swept(study):
    with giving(study) as said:
        pass
    return said


def folds(study):
    """Patient to her folds."""
    found = {}
    for breast, fold in replace(study).held_out.items():
        found.setdefault(study.patient_of(breast), set()).add(fold)
    return found


LABELS = st.lists(st.booleans(), min_size=1, max_size=3)


def table_of(text):
    Path("plan").mkdir(exist_ok=True)
    Path("plan", GIVEN).write_text(text)


@given(
    st.lists(LABELS, min_size=1, max_size=40),
    st.integers(2, 5),
    st.integers(0, 9),
    st.sampled_from(["patient", "breast"]),
)
@settings(deadline=None)
def test_a_first_deal_is_round_robin_by_rank_of_those_with_cancer_and_then_of_the_others(patients, count, seed, unit):
    names = [str(n) for n in range(1, count + 1)]
    rows = [Member(f"B{n}-{k}", f"P{n}", ill) for n, labels in enumerate(patients) for k, ill in enumerate(labels)]
    dealt = assign_folds(rows, names, seed, unit)
    units = {(m.patient if unit == "patient" else m.breast): dealt[m.breast] for m in rows}
    ill = {m.patient if unit == "patient" else m.breast for m in rows if m.malignant}
    rank = {u: hashlib.sha256(f"{seed}/fold/{u}".encode()).hexdigest() for u in units}
    order = sorted(units, key=lambda u: (u not in ill, rank[u]))
    assert units == {u: names[position % count] for position, u in enumerate(order)}


WAVES = st.lists(st.lists(st.tuples(st.sampled_from(PARTITIONS), LABELS), max_size=15), min_size=1, max_size=5)


@given(WAVES, st.integers(2, 5), st.sampled_from(["patient", "breast"]), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_as_a_study_grows_nobody_moves_and_folds_stay_balanced(waves, count, unit, random):
    Path("plan", GIVEN).unlink(missing_ok=True)
    patients, before, partitions = {}, {}, {}
    for number, wave in enumerate(waves):
        arrivals = {f"P{number}-{k}": one for k, one in enumerate(wave)}
        patients = dict(random.sample([*patients.items(), *arrivals.items()], len(patients) + len(arrivals)))
        if not patients:
            continue
        study = study_of(patients, folds=count, unit=unit)
        swept(study)
        written = Path("plan", GIVEN).read_text()
        swept(study_of(patients, folds=count, unit=unit, order=-1))
        assert Path("plan", GIVEN).read_text() == written
        now = replace(study).held_out
        assert now.items() >= before.items() and set(now) == set(study.cases("development"))
        ill = {}
        for breast, fold in now.items():
            who = study.patient_of(breast) if unit == "patient" else breast
            ill.setdefault(who, [fold, False])[1] |= study.breasts[breast].label == "malignant"
        for kind in (True, False):
            sizes = [sum(own == [str(f), kind] for own in ill.values()) for f in range(1, count + 1)]
            assert max(sizes) - min(sizes) <= 1
        held = {place.patient: place.partition for place in read_given(Path("plan"))}
        assert (
            held == {name: partition for name, (partition, _) in patients.items()}
            and held.items() >= partitions.items()
        )
        before, partitions = now, held


def test_who_leaves_keeps_her_line_and_comes_back_to_it():
    many = {f"P{n}": ("development", [n % 2 == 0]) for n in range(9)}
    swept(study_of(many))
    before = folds(study_of(many))
    fewer = {name: own for name, own in many.items() if name not in ("P3", "P4")}
    assert (
        swept(study_of(fewer | {"Q1": ("development", [True])}))
        == "1 new line in plan/given.tsv: who is where, for good"
    )
    assert folds(study_of(many)) == before


def test_a_patient_whose_label_changes_keeps_her_fold():
    many = {f"P{n}": ("development", [n < 3]) for n in range(9)}
    swept(study_of(many))
    before = folds(study_of(many))
    assert folds(study_of(many | {"P8": ("development", [True])})) == before


def test_other_seeds_move_nobody():
    many = {f"P{n}": ("development", [n < 3]) for n in range(9)}
    swept(study_of(many))
    before = folds(study_of(many))
    assert swept(study_of(many, seed=8)) == "" and folds(study_of(many, seed=8)) == before


def test_a_known_patient_in_another_partition_is_refused_with_the_line_to_write():
    swept(study_of({"P1": ("development", [True]), "P2": ("test", [True])}))
    moved = study_of({"P1": ("development", [True]), "P2": ("development", [True])})
    for refused in (give, folds_given):
        with pytest.raises(ConfigError) as error:
            refused(moved)
        assert "breasts sheet row 3: patient P2 is in development here and was given to test" in str(error.value)
        assert "Write test in the rows of her breasts" in str(error.value)


def test_a_sweep_that_fails_gives_nothing():
    with pytest.raises(RuntimeError), giving(study_of({"P1": ("development", [True])})):
        raise RuntimeError("the disk is full")
    assert read_given(Path("plan")) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [({"folds": 4}, "Write instead: folds: 3"), ({"unit": "breast"}, "Write instead: unit: patient")],
)
def test_other_folds_are_refused_since_they_would_move_everybody(change, said):
    many = {f"P{n}": ("development", [True]) for n in range(9)}
    swept(study_of(many))
    with pytest.raises(ConfigError) as error:
        folds_given(study_of(many, **change))
    assert said in str(error.value) and "remove plan/given.tsv" in str(error.value)
    Path("plan", GIVEN).unlink()
    swept(study_of(many, **change))
    assert len(study_of(many, **change).held_out) == 9


def test_records_of_one_patient_in_two_folds_or_partitions_are_refused_until_one_line_goes():
    many = {"P1": ("development", [True]), "P2": ("development", [True]), "P3": ("test", [True])}
    swept(study_of(many))
    one = study_of(many, same_as={"P1": "P2"})
    with pytest.raises(ConfigError, match=r"P1 \(fold \d of 3\) and P2 \(fold \d of 3\) are one patient by same_as"):
        folds_given(one)
    lines = Path("plan", GIVEN).read_text().splitlines()
    (kept,) = {line.split("\t")[3][0] for line in lines if line.startswith("P2\t")}
    table_of("\n".join(line for line in lines if not line.startswith("P1\t")) + "\n")
    swept(one)
    assert folds(one) == {"P2": {kept}}
    # Taken back, both stay where they were put together.
    assert folds(study_of(many)) == {"P1": {kept}, "P2": {kept}}
    both = study_of(many | {"P1": ("test", [True])}, same_as={"P1": "P3"})
    with pytest.raises(ConfigError, match="P1 was given to development, and by same_as she is P3, who is in test"):
        folds_given(both)


def test_before_the_sweep_and_for_whom_it_has_not_seen_it_is_asked_for():
    with pytest.raises(
        ConfigError, match="plan/given.tsv: no patient has been given a fold yet. Run `radparity sweep`"
    ):
        folds_given(study_of({"P1": ("development", [True])}))
    swept(study_of({"P1": ("development", [True])}))
    with pytest.raises(ConfigError, match="does not know P2"):
        folds_given(study_of({"P1": ("development", [True]), "P2": ("development", [True])}))


@pytest.mark.parametrize("text", ["", "patient\tfold\nP1\t1\n", "patient\tbreast\tpartition\tfold\nP1\tdevelopment\n"])
def test_a_file_that_is_no_such_table_is_refused(text):
    table_of(text)
    with pytest.raises(ConfigError, match="Bring it back from version control"):
        read_given(Path("plan"))


def test_writing_the_same_again_leaves_the_file_alone():
    swept(study_of({"P1": ("development", [True])}))
    before = Path("plan", GIVEN).stat()
    write_given(Path("plan"), read_given(Path("plan")))
    assert (Path("plan", GIVEN).stat().st_ino, Path("plan", GIVEN).stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )
