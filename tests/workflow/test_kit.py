"""The audit kit of a small study: an outsider's script finds the published numbers, and nobody's name is in it."""

import json
import re
from pathlib import Path

import kits
import pytest

from radparity.deidentify.search import deidentification, read_sources
from radparity.load import load_study
from radparity.terminal import read_config


@pytest.fixture(scope="module")
def packed(finished, room):
    study = finished.copy(room / "study")
    code, out = study.snakemake("audit_kit")
    assert code == 0, out[-3000:]
    study.kit = kits.unpack(study.folder / "results/kit/audit_kit.zip", room / "elsewhere")
    return study


def test_numpy_and_scipy_alone_find_every_published_number(packed):
    roots = json.loads((packed.folder / "results/kit/root.json").read_text())
    code, out = kits.recompute(packed.kit, roots["root"], roots["root_of_the_report"])
    assert code == 0 and "no faults" in out, out[-3000:]
    for arm in ("unet", "fuzzy_c_means"):
        published = (packed.folder / f"results/compare/{arm}/main.tsv").read_bytes()
        assert (packed.kit / f"published/{arm}/main.tsv").read_bytes() == published and f"\n{arm}: 2 cases" in out
    assert "Nothing here is a clinical result" in out


def test_what_made_it_is_there_in_digests(packed):
    entries = json.loads((packed.kit / "ledger.json").read_text())
    of_study = json.loads((packed.folder / "results/compare/unet/main.tsv.ledger.json").read_text())
    own = entries["published/unet/main.tsv"]
    assert all(own[key] == of_study[key] for key in ("sha256", "code", "versions"))
    assert entries["cases/C001/mask_unet.npy"]["sha256"] in own["inputs"]
    rows = [line.split("\t") for line in (packed.kit / "chain.tsv").read_text().splitlines()]
    counts = {row[0]: int(row[3]) for row in rows[1:]}
    crate = json.loads((packed.kit / "crate/ro-crate-metadata.json").read_text())
    assert {"SoftwareSourceCode", "CreateAction"} <= {str(entity["@type"]) for entity in crate["@graph"]}
    assert counts["train_fold"] >= 2 and counts["intake_exam"] == 8 and counts["raw data"] > 8


def test_nobody_can_be_told_from_it(packed, monkeypatch):
    monkeypatch.chdir(packed.folder)
    study = load_study(read_config("config.yaml"))
    exams = {exam: [row.folder] for exam, row in study.exams.items()}
    found, _ = deidentification(packed.kit, read_sources(Path(study.config.raw), exams, 1), {}, (), 1)
    assert found["verdict"] == "green" and found["headers"], found["findings"]
    pseudonyms = {
        *study.exams,
        *study.breasts,
        *study.patients.values(),
        *(row.patient for row in study.exams.values()),
    }
    unwanted = {*pseudonyms, *study.whole.raw_paths(), str(packed.folder), study.config.raw}
    for path in packed.kit.rglob("*"):
        text = path.read_bytes().decode("latin-1") if path.is_file() else ""
        words = {*re.findall(r"[A-Za-z0-9-]+", f"{path.relative_to(packed.kit)} {text}")}
        assert not words & pseudonyms and not [name for name in unwanted - pseudonyms if name in text], path


def test_it_is_packed_to_the_same_bytes_and_only_when_asked_for(packed):
    archive = packed.folder / "results/kit/audit_kit.zip"
    first = archive.read_bytes()
    assert packed.planned() == [] and packed.planned("audit_kit") == []
    archive.unlink()
    code, out = packed.snakemake("audit_kit")
    assert code == 0 and archive.read_bytes() == first, out[-3000:]
