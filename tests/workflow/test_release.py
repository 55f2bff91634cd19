"""A study that grows: arrivals are prepared and wait, the release advances, and nobody who was there moves."""

import csv
import hashlib
import json
import shutil

from project import ROOT

ARRIVALS = {"E06": "development", "E22": "tuning", "E34": "test"}
CHAIN = {"intake", "eligible", "convert", "register", "harmonize", "mask", "outline"}
LEARNED = ("fold", "slab", "train", "predict", "consensus", "segment", "compare", "figures", "verify")


def arrive(study):
    """The arrivals' data and rows, as a data manager adds them."""
    for sheet in ("exams", "breasts", "readings"):
        rows = (ROOT / f"resources/demo/{sheet}.tsv").read_text().splitlines()[1:]
        own = [row for row in rows if any(field.rstrip("LR") in ARRIVALS for field in row.split("\t")[:2])]
        with (study.folder / f"resources/demo/{sheet}.tsv").open("a") as stream:
            stream.write("".join(row + "\n" for row in own))
    demo = ROOT / "data/demo"
    for exam in ARRIVALS:
        for kind in ("dicom", "truth"):
            shutil.copytree(demo / kind / exam, study.folder / "data/demo" / kind / exam)
        for path in (demo / "outlines").glob(f"{exam}[LR]_*"):
            shutil.copy(path, study.folder / "data/demo/outlines")


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def digests(study, *stages):
    """File to digest, of these stages."""
    files = (path for stage in stages for path in (study.folder / "results" / stage).rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def made(study, cases):
    """When each file of these exams' and breasts' chain was made."""
    files = (path for stage in CHAIN for path in (study.folder / "results" / stage).rglob("*") if path.is_file())
    return {path: path.stat().st_mtime_ns for path in files if path.parent.name.rstrip("LR") in cases}


def called(study, *command):
    code, out = study.call(*command)
    assert code == 0, out[-5000:]
    return out


def ran(study):
    return called(study, "snakemake", "--cores", "2")


def held_out(study):
    return {r["breast"]: r["fold"] for r in table(study.folder / "results/fold/folds.tsv") if r["role"] == "held_out"}


def test_a_study_grows_from_one_release_to_the_next(finished, tmp_path):
    study = finished.copy(tmp_path / "study")
    results = study.folder / "results"
    # A finished study put under a release of all that it has: the page says so, and nothing else is made.
    assert "8 exams, 8 breasts" in called(study, "radparity", "release", "R1")
    study.configure(release="R1")
    assert {job.split()[0] for job in study.planned()} == {"report", "audit"}

    learned, folds, dealt = digests(study, *LEARNED), held_out(study), (study.folder / "plan/given.tsv").read_text()
    arrive(study)
    assert "3 new lines in plan/given.tsv" in study.sweep()
    assert set(dealt.splitlines()) < set((study.folder / "plan/given.tsv").read_text().splitlines())
    planned = study.planned()
    assert {job.split()[0] for job in planned} == CHAIN | {"report", "audit"}
    assert all("waiting_1_of_1" in job for job in planned if job.split()[0] in CHAIN)
    ran(study)
    assert study.planned() == []
    assert digests(study, *LEARNED) == learned
    for exam in ARRIVALS:
        assert json.loads((results / f"register/{exam}/register.json").read_text())["status"] == "ok"
    waiting = [row for row in table(results / "report/flow.tsv") if row["stage"] == "the next release"]
    assert {row["partition"]: row["breasts"] for row in waiting} == dict.fromkeys(ARRIVALS.values(), "1")
    assert "1 for the next release" in (results / "report/index.html").read_text()
    assert "3 exams came later and wait for the next one" in (results / "report/provenance.html").read_text()
    assert json.loads((results / "audit/audit.json").read_text())["verdict"] == "green"
    assert table(results / "report/headline.tsv")[0]["value"] == "R1"

    # Advanced: networks are trained again, nobody moves, and what was prepared is not made again.
    said = called(study, "radparity", "release", "R2")
    assert "to R1 it adds 3 exams" in said and "releases/R1.numbers.tsv" in said
    study.configure(release="R2")
    assert {"train", "predict", "compare", "report"} <= {job.split()[0] for job in study.planned()}
    before = made(study, ARRIVALS)
    ran(study)
    assert {path: stamp for path, stamp in made(study, ARRIVALS).items() if path in before} == before
    now = held_out(study)
    assert now.items() > folds.items() and now.keys() - folds.keys() == {"E06L"}
    assert "E34R" in {row["case"] for row in table(results / "compare/unet/cases.tsv")}
    # The network of the fold that holds the new patient out learned from whom it did before: it is the same.
    same = {p.parent.name for p, own in digests(study, "train").items() if p.name == "weights.pt" and learned[p] == own}
    assert same == {now["E06L"]}
    assert json.loads((results / "audit/audit.json").read_text())["verdict"] == "green"

    out = called(study, "radparity", "diff", "R1", "R2")
    assert "only in R2: 3 (E06, E22, E34)" in out and "in both and changed: 0" in out
    found = json.loads(called(study, "radparity", "diff", "R1", "R2", "--json"))
    cases = found["numbers"]["unet, main, averaged, n"]
    assert int(cases["after"]) == int(cases["before"]) + 1

    # A release that changes is none.
    outline = study.folder / "data/demo/outlines/E31L_R2.nii.gz"
    shutil.copy(study.folder / "data/demo/outlines/E31L_R1.nii.gz", outline)
    study.sweep()
    code, out = study.snakemake("-n")
    assert code != 0 and "E31L: the content of its outlines has changed" in out and "make another release" in out
