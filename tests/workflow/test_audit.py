"""Tampering with a finished study: whatever is changed, the audit is red and names the file."""

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from radparity import ledger
from radparity.audit import touched
from radparity.audit.entries import Here
from radparity.audit.files import OUTSIDE
from radparity.audit.raw import check_raw
from radparity.audit.study import known
from radparity.audit.verify import audit
from radparity.load import load_study
from radparity.provenance import Ledger
from radparity.sweep import sweep
from radparity.swept import swept

PAGE = "results/report/index.html"


@pytest.fixture(scope="module")
def place(finished, room):
    return finished.copy(room / "study").folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(touched, "LISTED", 10**6)  # of the same words


def study(**blocks):
    return load_study(yaml.safe_load(Path("config.yaml").read_text()) | blocks)


def audited(full=False, of=None):
    """What the study's own audit finds, without its search for identifiers and without Snakemake."""
    of = of or study()
    params = json.loads(ledger.sidecar(Path("results/audit/green.json")).read_text())["params"]
    raw = swept(of.raw_paths())
    raw = {path: raw[path] for path in of.raw_paths()}
    about = Here(params["rules"], known(of))
    return audit(Path("results"), raw, 2, here=about, full=full, raw_faults=check_raw(of.config.raw, raw, 2, full))


def named(found, words=""):
    return {fault["file"] for fault in found["faults"] if words in fault["fault"]}


def kinds():
    """One file that is not empty of every stage and kind: records, images, tables, pictures, weights, lists, pages."""
    found = {}
    for path in Ledger().paths():
        parts = Path(path).parts
        if parts[1] not in OUTSIDE and Path(path).is_file() and Path(path).stat().st_size:
            name = "list" if parts[-1].startswith("batch_") else "".join(Path(path).suffixes[-2:])
            found.setdefault((parts[1], name), path)
    return sorted(found.values())


@contextmanager
def changed(contents):
    """Files with other contents for a while (None: removed); the dates are those of before."""
    before = {path: Path(path).read_bytes() if Path(path).is_file() else None for path in contents}
    stats = {path: os.stat(path) for path, content in before.items() if content is not None}
    try:
        _write(contents, stats)
        yield
    finally:
        _write(before, stats)


def _write(contents, stats):
    for path, content in contents.items():
        if content is None:
            Path(path).unlink(missing_ok=True)
            continue
        Path(path).write_bytes(content)
        if path in stats:
            os.utime(path, ns=(stats[path].st_atime_ns, stats[path].st_mtime_ns))


def flipped(path):
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    return bytes(content)


def note(path):
    return ledger.sidecar(Path(path)).as_posix()


def entry(path):
    return json.loads(Path(note(path)).read_text())


def forged(path, **fields):
    return ledger.dump(entry(path) | fields).encode()


def test_untouched_it_is_green_as_often_as_it_is_audited(place):
    said = json.loads(Path("results/audit/audit.json").read_text())
    for full in (False, False, True):
        found = audited(full)
        assert (found["verdict"], found["faults"], found["remarks"]) == ("green", [], [])
        assert found["root_of_the_report"] == said["root_of_the_report"]
        assert found["root_of_all_entries"] == said["root_of_all_entries"]
    assert f'id="root">{said["root_of_the_report"]}<' in Path(PAGE).read_text()


def test_a_byte_flipped_in_every_kind_of_file_is_found(place):
    tampered = kinds()
    assert {".json", ".gz", ".tsv", ".png", ".pt", ".npz", ".html", ".svg", ".pdf", ".npy"} <= {
        Path(path).suffix for path in tampered
    }
    with changed({path: flipped(path) for path in tampered}):
        for full in (False, True):
            assert named(audited(full), "recorded digest") == set(tampered)
    assert audited()["verdict"] == "green"


@pytest.mark.parametrize(
    "field", "output sha256 rule wildcards inputs params code environment lists versions device kept".split()
)
def test_every_field_of_an_entry_edited_by_hand_is_found(place, field):
    tampered = kinds()
    values = {
        "output": lambda e: {"output": PAGE + "x"},
        "sha256": lambda e: {"sha256": "0" * 64},
        "rule": lambda e: {"rule": "sweep"},
        "wildcards": lambda e: {"wildcards": e["wildcards"] | {"arm": "unet", "breast": "E18L"}},
        "inputs": lambda e: {"inputs": dict(list(e["inputs"].items())[1:]) | {"results/x.tsv": "0" * 64}},
        "params": lambda e: {"params": e["params"] | {"seed": 12345}},
        "code": lambda e: {"code": e["code"] | {"script": "0" * 16}},
        "environment": lambda e: {"code": e["code"] | {"environment": "0" * 16}},
        "lists": lambda e: {"lists": {"x": ["results/x/batch_x.json"]}},
        "versions": lambda e: {"versions": e["versions"] | {"numpy": "1.0"}},
        "device": lambda e: {"device": "another"},
        "kept": lambda e: {"kept": False},
    }
    assert audited()["verdict"] == "green"
    edits = {note(path): forged(path, **values[field](entry(path))) for path in tampered}
    if field == "kept":
        edits |= dict.fromkeys(tampered)  # the file is taken away, and the entry says that it may be
        may_go = {path for path in tampered if Path(path).name in ("phases.nii.gz", "registered.nii.gz")}
        assert may_go
        tampered = [note(path) for path in tampered if not re.search(r"(convert|register|harmonize|mask|slab)/", path)]
    with changed(edits):
        assert set(tampered) <= named(audited())
    assert audited()["verdict"] == "green"


def test_entries_that_are_gone_and_files_that_were_added_are_found(place):
    tampered = kinds()
    with changed(dict.fromkeys(map(note, tampered))):
        assert named(audited(), "no ledger entry") == set(tampered)
    added = {Path(path).with_name("added.tsv").as_posix(): b"x" for path in tampered}
    with changed(added | {"results/added.txt": b"x"}):
        assert named(audited(), "no ledger entry") == {*added, "results/added.txt"}


def test_a_file_swapped_with_that_of_another_exam_is_found_with_and_without_its_entry(place):
    pairs = {}
    for path in Ledger().paths():
        of = entry(path)
        case = of["wildcards"].get("exam") or of["wildcards"].get("breast")
        if case and Path(path).is_file():
            pairs.setdefault(path.replace(case, "*"), []).append((of["sha256"], path))
    swaps = [(some[0][1], other) for some in pairs.values() for digest, other in some[1:] if digest != some[0][0]]
    swaps = list({Path(one).parts[1] + Path(one).name: (one, two) for one, two in swaps}.values())
    assert len(swaps) > 12
    files = {one: Path(two).read_bytes() for pair in swaps for one, two in (pair, pair[::-1])}
    notes = {note(one): Path(note(two)).read_bytes() for pair in swaps for one, two in (pair, pair[::-1])}
    with changed(files):
        assert named(audited(), "recorded digest") == set(files)
    with changed(files | notes):
        assert named(audited(), "belongs to") == set(files)


def test_a_file_and_its_entry_replaced_together_are_found_by_who_was_made_from_them(place):
    before, graph = audited(), Ledger()
    # What only the audit was made from, nobody else answers for.
    others = (path for path in graph.paths() if not path.startswith("results/audit/"))
    used = {source for path in others for source in graph.made_from(path)}
    tampered = [path for path in kinds() if path != PAGE]
    for some in ([path for path in tampered if path in used], [path for path in tampered if path not in used]):
        both = {}
        for path in some:
            other = flipped(path)
            Path("other").write_bytes(other)
            both |= {path: other, note(path): forged(path, sha256=ledger.digest_file(Path("other")))}
        with changed(both):
            found = audited()
            said = " ".join(fault["fault"] for fault in found["faults"]) + " "
            if some[0] in used:
                assert [path for path in some if f"version of {path} " not in said] == []
            # What nothing was made from, as the PDF of a figure, changes the root of all entries.
            assert found["root_of_all_entries"] != before["root_of_all_entries"]


def test_entries_forged_up_to_the_page_are_found_by_the_root_that_it_prints(place):
    main = "results/compare/unet/main.tsv"
    other = Path(main).read_bytes().replace(b"0.", b"1.", 1)
    Path("other").write_bytes(other)
    digest = ledger.digest_file(Path("other"))
    edits = {main: other, note(main): forged(main, sha256=digest)}
    for path in Ledger().paths():
        if main in entry(path)["inputs"]:
            edits[note(path)] = forged(path, inputs=entry(path)["inputs"] | {main: digest})
    with changed(edits):
        # Without what an earlier audit remembers: an outsider has none.
        about = json.loads(Path(note("results/audit/green.json")).read_text())["params"]
        raw = swept(study().raw_paths())
        found = audit(Path("results"), raw, 2, here=Here(about["rules"], known(study())), memory=Path("none"))
        assert named(found) == {PAGE} and "prints the root" in found["faults"][0]["fault"]


def test_a_changed_image_is_found_with_and_without_a_sweep(place):
    image = sorted(Path("data/demo/dicom/E31").rglob("*.dcm"))[7].as_posix()
    with changed({image: flipped(image)}):
        found = audited()
        (fault,) = found["faults"]
        assert fault["file"] == "dicom/E31" and "than the sweep recorded" in fault["fault"]
        assert PAGE in fault["headline"]
        sweep(study(), 2)
        found = audited()
        assert {"results/intake/E31/intake.json", "results/convert/E31/phases.nii.gz"} <= named(found, "dicom/E31")
        assert all("E31" in name or "/batch_" in name for name in named(found, "dicom/E31"))
    sweep(study(), 2)
    assert audited()["verdict"] == "green"


def test_what_left_the_study_is_named_and_red_where_results_still_hold_it(place):
    config = yaml.safe_load(Path("config.yaml").read_text())
    arms = {name: arm for name, arm in config["arms"].items() if name != "fuzzy_c_means"}
    found = audited(of=study(arms=arms))
    assert found["verdict"] == "red"  # the report still compares it
    assert any("arm fuzzy_c_means" in each["remark"] for each in found["remarks"])
    assert PAGE in named(found, "arm fuzzy_c_means")
    of = study()
    (breasts,) = [[name for name, row in of.breasts.items() if row.exam == "E25"]]
    exams = {name: row for name, row in of.exams.items() if name != "E25"}
    without = type(of)(of.config, exams, {k: v for k, v in of.breasts.items() if k not in breasts}, [
        row for row in of.readings if row.breast not in breasts
    ])  # fmt: skip
    found = audited(of=without)
    assert any("exam E25" in each["remark"] for each in found["remarks"])
    assert any(name.startswith("results/intake/batch_") for name in named(found, "exam E25"))


def test_the_call_says_red_and_fails_and_the_next_one_audits_again(finished, tmp_path):
    other = finished.copy(tmp_path / "study")
    mask = sorted((other.folder / "results/segment/unet").glob("*/mask.nii.gz"))[0]
    before = mask.read_bytes()
    mask.write_bytes(b"edited by hand")
    code, out = other.snakemake("audit")
    assert code != 0 and "the audit is red: 1 fault" in out and mask.relative_to(other.folder).as_posix() in out
    said = json.loads((other.folder / "results/audit/audit.json").read_text())
    assert said["verdict"] == "red" and named(said) == {mask.relative_to(other.folder).as_posix()}
    assert "The audit is red" in (other.folder / "results/audit/index.html").read_text()
    assert not (other.folder / "results/audit/green.json").exists()
    code, out = other.snakemake()
    assert code != 0 and "the audit is red" in out
    mask.write_bytes(before)
    code, out = other.snakemake()
    assert code == 0, out[-3000:]
    assert json.loads((other.folder / "results/audit/audit.json").read_text())["verdict"] == "green"
