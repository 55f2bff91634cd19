"""A bundle: whole, or refused whichever byte was touched; counts that give nobody away; where the floor comes from."""

import hashlib
import io
import itertools
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from radparity.bundle.archive import BundleError, contents, written
from radparity.bundle.card import Facts, limits
from radparity.bundle.counts import SMALLEST, one, shown
from radparity.bundle.floor import below, floor_of
from radparity.bundle.manifest import CARD_TEXT, MANIFEST, SETTINGS, sealed
from radparity.bundle.method import Method, Threshold
from radparity.bundle.nameless import refuse_names
from radparity.bundle.opened import open_bundle
from radparity.bundle.performance import measured
from radparity.bundle.strip import stripped
from radparity.bundle.trained_on import makers, trained_exams, training_tables
from radparity.config import Arm, ConfigError
from radparity.config.imaging import Harmonize, Mask, Register
from radparity.config.networks import Predict
from radparity.ledger import dump
from radparity.load import load_study
from radparity.networks.presets import Architecture, build, initialise
from radparity.scaling import Scaling
from radparity.terminal import read_config
from radparity.train import weights

ROOT = Path(__file__).parents[2]
CHANNELS = ("t1c", "dce_in", "dce_out")
METHOD = Method(
    name="unet",
    arm=Arm(network="paper", width=2),
    registration=Register(),
    harmonize=Harmonize(),
    mask=Mask(),
    predict=Predict(),
    threshold=Threshold(fraction=0.5, section_fraction=0.4, tuned=True, floor={"probability": 0.5}),
)
HEAD = {"title": "a card", "warnings": [], "limits": [], "licence": "none"}


def network(seed=1, width=2, **scaling):
    """A fold's weights file with case lists, as a training leaves it."""
    architecture = Architecture.of("paper", width=width)
    made = build(architecture)
    initialise(made, seed)
    scale = Scaling("pre_p95", "difference", CHANNELS, (1.0, 0.5, 0.01), breasts=("E01L", "E02R"))
    about = weights.About(architecture, replace(scale, **scaling), ("E01L", "E02R"), ("E03L",), {"host": "here"})
    return weights.to_bytes(made.state_dict(), about)


def parts(method=METHOD, **changed):
    return {
        SETTINGS: dump(method.model_dump(mode="json")).encode(),
        CARD_TEXT: b"# a card\n",
        "weights/1.pt": network(1),
        "weights/2.pt": network(2),
        **changed,
    }


def sealed_parts(files=None, **about):
    return sealed(files or parts(), {"arm": "unet", "study": "demo", "radparity": "9.9", "head": HEAD} | about)


@pytest.fixture(scope="module")
def whole():
    return written(sealed_parts())


def refused(folder, data, digest=None):
    path = folder / "unet.zip"
    path.write_bytes(data)
    with pytest.raises(BundleError) as error:
        open_bundle(path, digest)
    assert str(path) in str(error.value)
    return str(error.value)


def test_a_whole_bundle_opens_as_it_was_made(tmp_path, whole):
    path = tmp_path / "unet.zip"
    path.write_bytes(whole)
    digest = hashlib.sha256(whole).hexdigest()
    bundle = open_bundle(path, digest.upper())
    assert bundle.digest == digest and bundle.method == METHOD and bundle.mask_network is None
    assert [scaling.channels for _, scaling in bundle.networks] == [CHANNELS, CHANNELS]
    expected, _ = weights.load(network(2))
    found = bundle.networks[1][0].state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.state_dict().items())
    assert written(sealed_parts()) == whole


def test_another_bundle_than_the_published_one_is_refused(tmp_path, whole):
    said = refused(tmp_path, whole, "ab" * 32)
    assert hashlib.sha256(whole).hexdigest() in said and "ask who made it" in said


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_it_is_free(tmp_path, whole, data):
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    refused(tmp_path, bytes(changed))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_part_of_it_is_no_bundle(tmp_path, whole, data):
    refused(tmp_path, whole[: data.draw(st.integers(0, len(whole) - 1))])
    refused(tmp_path, whole + data.draw(st.binary(min_size=1, max_size=20)))


def test_files_that_the_manifest_does_not_say_are_named(tmp_path):
    files = sealed_parts()
    lacking = {name: content for name, content in files.items() if name != "weights/2.pt"}
    assert "weights/2.pt is missing" in refused(tmp_path, written(lacking))
    assert "weights/3.pt is no part" in refused(tmp_path, written(files | {"weights/3.pt": network(3)}))
    assert "weights/1.pt was changed" in refused(tmp_path, written(files | {"weights/1.pt": network(3)}))
    assert f"no {MANIFEST}" in refused(tmp_path, written({"a.txt": b"a"}))


def test_a_changed_threshold_is_named_also_where_the_digests_were_made_to_fit(tmp_path):
    files = sealed_parts()
    facts = json.loads(files[SETTINGS])
    facts["threshold"]["floor"]["probability"] = 0.01
    changed = files | {SETTINGS: dump(facts).encode()}
    assert f"{SETTINGS} was changed" in refused(tmp_path, written(changed))
    manifest = json.loads(files[MANIFEST])
    manifest["files"][SETTINGS] = hashlib.sha256(changed[SETTINGS]).hexdigest()
    said = refused(tmp_path, written(changed | {MANIFEST: dump(manifest).encode()}))
    assert f"{MANIFEST} was changed" in said


def test_a_newer_format_and_unknown_settings_ask_for_the_radparity_that_made_it(tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr("radparity.bundle.manifest.FORMAT", 2)
        newer = written(sealed_parts())
    assert "format 2" in (said := refused(tmp_path, newer)) and "9.9" in said
    facts = METHOD.model_dump(mode="json") | {"rotated": True}
    said = refused(tmp_path, written(sealed_parts(parts() | {SETTINGS: dump(facts).encode()})))
    assert "rotated" in said and "9.9" in said


@pytest.mark.parametrize(
    ("method", "given", "names"),
    [
        (METHOD, {"width": 3}, "width=3"),
        (METHOD, {"dce_in": "rate"}, "dce_in rate"),
        (METHOD, {"harmonization": "zscore"}, "harmonization zscore"),
        (METHOD, {"channels": ("t1c", "dce_out", "dce_in")}, "channels ['t1c', 'dce_out', 'dce_in']"),
        (METHOD.model_copy(update={"mask": Mask(method="network")}), {}, "mask/weights.pt is missing"),
        (METHOD.model_copy(update={"arm": Arm(network="released", width=2)}), {}, "released"),
    ],
)
def test_parts_of_two_studies_do_not_pass_for_one(tmp_path, method, given, names):
    files = parts(method, **{"weights/2.pt": network(2, **given)})
    assert names in refused(tmp_path, written(sealed_parts(files)))


def test_a_foreign_pickle_is_not_run(tmp_path):
    import pickle

    class Harm:
        def __reduce__(self):
            return (Path.write_text, (tmp_path / "harmed", "yes"))

    files = parts(**{"weights/1.pt": pickle.dumps({"about": "{}", "weights": Harm()})})
    assert "weights/1.pt" in refused(tmp_path, written(sealed_parts(files)))
    assert not (tmp_path / "harmed").exists()


def test_stripped_weights_compute_the_same_and_name_nobody(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(network(1))
    found = stripped(path)
    assert b"E01L" in path.read_bytes() and b"E01L" not in found and b"here" not in found
    (before, told), (after, nameless) = weights.load(path), weights.load(found)
    assert all(torch.equal(v, after.state_dict()[k]) for k, v in before.state_dict().items())
    assert nameless.scaling == replace(told.scaling, breasts=()) and nameless.training == ()


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 30), max_size=8))
def test_small_cells_cannot_be_had_by_subtraction(counts):
    found = shown(counts)
    known = {name: int(text) for name, text in found.items() if text.isdecimal()}
    assert all(counts[name] == value and not 0 < value < SMALLEST for name, value in known.items())
    hidden = [name for name in counts if name not in known]
    # One that is hidden alone is the total without the others.
    assert len(hidden) != 1 or all(count < SMALLEST for count in counts.values())


def could_be(text):
    """The counts that a cell can stand for."""
    ranges = {"<5": range(1, 5), "5 or more": range(5, 31), "not shown": range(31)}
    return ranges[text] if text in ranges else [int(text)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=3))
@example([1, 1, 1, 1])
@example([4, 4])
@example([1, 5])
@example([4, 9, 20])
def test_no_small_count_follows_from_the_others_and_their_total(counts):
    cells, total = shown(dict(enumerate(counts))), could_be(one(sum(counts)))
    fitting = [own for own in itertools.product(*(could_be(cells[k]) for k in cells)) if sum(own) in total]
    assert tuple(counts) in fitting
    for k, count in enumerate(counts):
        assert not 0 < count < SMALLEST or len({own[k] for own in fitting}) > 1


def breasts_of(rows):
    return [row[0] for row in rows]


def column(table, index):
    return [str(row[index]) for row in table.rows]


def test_the_table_of_the_training_data_cannot_be_solved_with_its_last_row():
    rows = [[f"{k}L", f"E{k}", f"P{k}", "left", "benign" if k < 3 else "malignant", "development"] for k in range(15)]
    scanner = {"manufacturer": "A", "model": "B", "tesla": 1.5}
    about = {"status": "ok", "in_plane_mm": [1, 1], "section_mm": 2, "plane": "sagittal", "phases": [0, 1]}
    intake = {f"E{k}": about | {"scanner": scanner} for k in range(15)}
    # Nobody trained on this exam: its maker is none of the training scanners'.
    intake["E99"] = about | {"scanner": {"manufacturer": "Z"}}
    training = [{"training": [row[0] for row in rows[::2]], "validation": [row[0] for row in rows[1::2]]}]
    table = training_tables(rows, training, intake)[0]
    assert column(table, 0) == ["benign", "malignant", "all"]
    for index in (1, 2, 3):
        assert column(table, index) == ["<5", "5 or more", "15"]
    assert makers(trained_exams(rows, training, intake)) == ["A"]
    # Two women have a breast of each label: the total would tell that.
    both = [[f"{k}R", f"E{k}", f"P{k}", "right", "benign", "development"] for k in range(4, 12)]
    table = training_tables(rows[3:] + both[:2], [{"training": ["4R", "5R"], "validation": breasts_of(rows)}], intake)[
        0
    ]
    assert column(table, 1) == ["<5", "5 or more", "5 or more"]
    table = training_tables(rows[3:] + both, [{"training": breasts_of(both), "validation": breasts_of(rows)}], intake)[
        0
    ]
    assert column(table, 1) == ["8", "12", "12"] and column(table, 3) == ["8", "12", "20"]


def compared(cases, patients, **values):
    """Tables of an arm as its comparison leaves them. values: value of one subgroup to its cases, a patient each."""
    numbers = {"network_median": 0.8, "reader_median": 0.7, "mean_difference": 0.1, "low": 0.0, "high": 0.2}
    everybody = {"n": cases, "patients": patients} | numbers
    margin = {"test": "margin", "estimate": 0.1, "level": 0.9, "margin": 0.05, "verdict": "too few cases"}
    groups = [{"subgroup": "form", "value": v, "n": n, "patients": n} | numbers for v, n in values.items()]
    return {
        "main": pd.DataFrame([{"reference": "averaged"} | everybody]),
        "equivalence": pd.DataFrame([margin | everybody]),
        "subgroups": pd.DataFrame(groups, columns=["subgroup", "value", "n", "patients", *numbers]),
        "scores": pd.DataFrame({"dice": [0.0] * 2 + [0.8] * 5}),
        "maxima": maxima(0.1, 0.2),
    }


def card(tables, unit="patient"):
    config = {"fold": {"unit": unit}, "readers": {"test": ["R1", "R2", "R3"], "anonymous": False}, "phantom": None}
    found = measured(tables, config | {"compare": {"minimum_cases": 5, "alpha": 0.05}})
    return found, {table.name: table for table in found.tables}


def test_subgroups_and_missed_cases_cannot_be_solved_with_the_number_of_test_cases():
    found, tables = card(compared(14, 14, round=8, oval=4))
    # Two more cases have no value: the cells need not add up, and yet three unknowns stand in one sum.
    assert column(tables["subgroups"], 2) == ["8", "<5"]
    found, tables = card(compared(14, 14, round=10, oval=4))
    assert column(tables["subgroups"], 2) == ["5 or more", "<5"]
    assert [row[3:] for row in tables["subgroups"].rows] == [["", "", ""]] * 2
    found, tables = card(compared(14, 14, round=8, oval=6))
    assert column(tables["subgroups"], 2) == ["8", "6"] and tables["subgroups"].rows[0][3] == "0.800"
    found, tables = card(compared(14, 14, round=11))
    assert column(tables["subgroups"], 2) == ["5 or more"]
    assert tables["held_out"].rows[0][-1] == "<5" and "of 14 patients" in found.data[0]


def test_cases_of_few_patients_are_as_few_patients():
    found, tables = card(compared(7, 3))
    assert "<5 patients" in found.data[0] and "3 patients" not in " ".join([*found.data, *found.sentences])
    assert tables["dice"].rows[0][2:] == ["", "", "", ""] and "0.100" not in " ".join(found.sentences)


def test_a_card_says_that_the_other_breast_may_have_been_in_training_only_where_it_may():
    rest = dict.fromkeys(("release", "licence", "contact", "below_floor"), "") | {"training": [], "notes": []}
    rest |= {"architecture": {}, "parameters": 1, "folds": 2, "makers": ["A", "B"], "digests": {}, "versions": {}}
    floor = floor_of(maxima(0.1, 0.2), "benign", 95.0)
    method = METHOD.model_copy(update={"threshold": METHOD.threshold.model_copy(update={"floor": floor})})
    for unit, said in (("patient", "never saw its patient,"), ("breast", "perhaps the patient's other")):
        found, tables = card(compared(14, 14), unit)
        assert said in tables["held_out"].note
        by_breast = unit == "breast"
        told = limits(Facts("s", method, phantom=False, measured=found, by_breast=by_breast, **rest))
        assert any("divide breasts and not patients" in line for line in told) is by_breast
        assert any("perhaps her other breast" in line for line in told) is by_breast


def maxima(*benign, malignant=(0.99,)):
    """The maximum of a benign breast outside its mask, as at the chest wall, is higher and does not count."""
    rows = [("malignant", value, None) for value in malignant]
    rows += [("benign", 0.999, value) for value in benign]
    return pd.DataFrame(rows, columns=["label", "section_maximum", "breast_maximum"])


def test_the_floor_comes_from_benign_breasts_or_is_a_number():
    found = floor_of(maxima(*(n / 100 for n in range(1, 101)), None), "benign", 95.0)
    assert (found.benign_breasts, found.percentile) == ("100", 95.0) and found.probability == 0.9505
    fixed = floor_of(maxima(0.2, 0.8), 0.5, 95.0)
    assert (fixed.probability, fixed.percentile, fixed.benign_breasts) == (0.5, None, "<5")
    with pytest.raises(ConfigError, match="floor: 0.5"):
        floor_of(maxima(), "benign", 95.0)


def test_the_card_counts_the_cancers_below_the_floor_as_far_as_it_may():
    floor = floor_of(maxima(), 0.5, 95.0)
    cancers = [k / 20 for k in range(20)]
    assert below(maxima(malignant=cancers), floor).startswith("Of 20 test cancers 10 have")
    assert below(maxima(malignant=cancers[8:]), floor).startswith("Of 12 test cancers <5 have")
    assert below(maxima(malignant=cancers[:12]), floor).startswith("Of 12 test cancers 5 or more have")
    assert "no test cancer" in below(maxima(malignant=[]), floor)


def test_an_archive_of_somebody_else_is_refused():
    with pytest.raises(BundleError, match="no bundle of radparity"):
        contents(b"PK not a zip", "x.zip")


def test_a_compressed_archive_is_refused_before_anything_is_unpacked(monkeypatch):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD_TEXT, bytes(50_000_000))
    small = stream.getvalue()
    assert len(small) < 100_000
    said = bytearray(written({CARD_TEXT: b"a card"}))
    central = said.index(b"PK\x01\x02")
    for at in (central + 20, central + 24):  # its sizes, compressed and not
        said[at : at + 4] = (2**31).to_bytes(4, "little")
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    for data, why in ((small, "compressed"), (bytes(said), "larger than itself")):
        with pytest.raises(BundleError, match=why):
            contents(data, "x.zip")


@pytest.mark.parametrize("named", ["breast E26R of", "patient P25, who", "dicom/E26", "e.g. E26"])
def test_an_id_of_the_sheets_in_a_bundle_stops_the_packing(named, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = load_study(read_config("config.yaml"))
    files = sealed_parts()
    refuse_names(files, study)
    with pytest.raises(ValueError, match=CARD_TEXT):
        refuse_names(files | {CARD_TEXT: named.encode()}, study)


def test_a_bundle_of_no_arm_is_refused_with_the_arms_there_are(monkeypatch):
    monkeypatch.chdir(ROOT)
    raw = read_config("config.yaml")
    with pytest.raises(ConfigError, match="bundle: arm: nobody is not an arm.*unet"):
        load_study(raw | {"bundle": {"arm": "nobody"}})
