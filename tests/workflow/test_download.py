"""The real exam from a store on the loopback: fetched, read, converted; the sweep afterwards reruns nothing."""

import json
import re

import pytest
from downloads import EXAM, serve, write_sheet
from project import Project
from store import Store

FEW = "E05 E07 E16 E18 E24 E25 E26 E31".split()
LOST = "UCSF-BR-07"


def append(path, *cells):
    header = path.read_text().splitlines()[0].split("\t")
    rows = ["\t".join(row.get(column, "") for column in header) for row in cells]
    path.write_text("\n".join([path.read_text().rstrip("\n"), *rows]) + "\n")


@pytest.fixture
def store():
    with Store() as found:
        yield found


@pytest.fixture
def project(tmp_path, store):
    """The small study, with two exams more that are still to be downloaded; of one the store has nothing."""
    found = Project(tmp_path / "study", FEW)
    rows = serve(store)
    lost = rows[0] | {"exam": LOST, "path": f"{LOST}/dynamic", "address": "s3://idc-open-data/lost/", "series": "1.2"}
    sheets = found.folder / "resources/demo"
    write_sheet(sheets / "series.tsv", [*rows, lost])
    for exam in (EXAM, LOST):
        append(sheets / "exams.tsv", {"exam": exam, "patient": exam, "folder": exam})
        breast = {
            "breast": f"{exam}L",
            "exam": exam,
            "side": "left",
            "label": "malignant",
            "partition": "shown",
            "section": "21",
        }
        append(sheets / "breasts.tsv", breast)
    found.configure(
        batch=1,
        sheets={"series": "resources/demo/series.tsv"},
        download={"endpoint": store.address, "retries": 0},
        estimate={"megabits_per_second": 100.0},
    )
    found.sources = [word for row in [*rows, lost] for word in (row["series"], row["address"].split("/")[3])]
    return found


def lists(project, stage):
    """The lists of a stage that hold an exam which is downloaded, by exam."""
    names = {}
    for path in project.folder.glob("results/download/batch_*[0-9].json"):
        names |= dict.fromkeys(json.loads(path.read_text())["cases"], path.name)
    return {exam: f"results/{stage}/{name}" for exam, name in names.items()}


def record(project, stage, exam=EXAM):
    return json.loads((project.folder / f"results/{stage}/{exam}/{stage}.json").read_text())


def digest(project, path=EXAM):
    return re.search(rf"(?m)^{path}\t(\w+)\t", (project.folder / "results/raw/digests.tsv").read_text())[1]


def run(project, *targets):
    code, out = project.snakemake(*targets)
    assert code == 0, out[-5000:]
    return out


def test_a_study_that_downloads_an_exam(project, store):
    project.sweep()
    announced = digest(project)
    out = run(project, "estimate")
    assert re.search(r"download, exam, to the raw folder +2 ", out), out
    run(project, "download")
    chain = lists(project, "convert")
    assert set(chain) == {EXAM, LOST}
    run(project, *chain.values())
    assert set(store.sent.values()) == {1} and len(store.sent) == record(project, "download")["files"]
    assert record(project, "convert")["status"] == "ok"
    lost = record(project, "convert", LOST)
    assert (lost["status"], lost["stage"], lost["code"]) == ("excluded", "download", "download_missing")

    # The sweep sees the files for the first time, and nothing is to be made again.
    project.sweep()
    assert digest(project) == announced
    assert project.planned(*chain.values()) == []
    said = project.call("radparity", "status")[1]
    assert re.search(r"download +2 +exams +1 +1 +0", said), said
    traced = project.call("radparity", "trace", f"results/convert/{EXAM}/phases.nii.gz")[1]
    assert EXAM in traced and announced[:8] in traced, traced

    # Nothing below results/ names the source.
    for path in (project.folder / "results").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(word.encode() in content for word in project.sources if len(word) > 4), path

    # A byte of a pixel changes: that exam's chain is made again, and the other's is not.
    before = record(project, "convert"), (project.folder / f"results/convert/{EXAM}/phases.nii.gz").read_bytes()
    image = sorted((project.folder / f"data/demo/{EXAM}/dynamic").iterdir())[7]
    content = bytearray(image.read_bytes())
    content[-2000] ^= 1
    image.write_bytes(content)
    project.sweep()
    assert digest(project) != announced
    mine = chain[EXAM].rpartition("batch_")[2].removesuffix(".json")
    assert project.planned(*chain.values()) == sorted(f"{stage} {mine}" for stage in ("convert", "eligible", "intake"))
    run(project, *chain.values())
    changed = (project.folder / f"results/convert/{EXAM}/phases.nii.gz").read_bytes()
    assert changed != before[1] and sum(store.sent.values()) == len(store.sent)

    # Fetched again on demand, the exam is what it was: one object comes, and the chain gives the same bytes.
    code, out = project.call("radparity", "redo", "download", EXAM)
    assert code == 0 and "snakemake --cores 8 download" in out, out
    run(project, "download")
    assert sum(store.sent.values()) == len(store.sent) + 1
    project.sweep()
    assert digest(project) == announced
    run(project, *chain.values())
    assert (project.folder / f"results/convert/{EXAM}/phases.nii.gz").read_bytes() == before[1]
