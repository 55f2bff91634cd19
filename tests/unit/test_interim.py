"""The interim report: made from whatever is there, counts what waits, and is never taken for the finished study's."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity import ledger
from radparity.audit.files import items, stages
from radparity.compare.columns import TABLES
from radparity.kinds import open_whole
from radparity.record import excluded, ok
from radparity.report import flow
from radparity.report.interim import is_current, read_interim
from radparity.report.results import STAGES
from radparity.report.site import build
from radparity.status.stages import parts

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "workflow/report"
FACTS = {
    "intake": {
        "phases": [{"time_s": t, "files": []} for t in (0.0, 120.0, 240.0)],
        "split_by": "SeriesInstanceUID",
        "timed_by": "ContentTime",
        "plane": "sagittal",
        "in_plane_mm": [0.7, 0.7],
        "section_mm": 3.0,
        "sections": 3,
        "phase_count": 3,
        "oblique_degrees": 0.0,
        "scanner": {"manufacturer": "GE", "model": "Signa", "tesla": 1.5},
    },
    "eligible": {"overridden": [], "decisions": []},
    "register": {"quality": []},
    "harmonize": {"channels": ["t1c", "dce_in", "dce_out"], "divisors": [40.0, 40.0, 40.0]},
    "mask": {"volume_ml": 300.0},
    "predict": {"section": 1, "first_section": 0},
    "segment": {"section": 1, "section_chosen_by": "readers"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The demo study, of which nothing has been made."""
    folder = tmp_path_factory.mktemp("interim")
    for name in ("config.yaml", "resources"):
        (folder / name).symlink_to(ROOT / name)
    before = Path.cwd()
    os.chdir(folder)
    yield open_whole(yaml.safe_load(Path("config.yaml").read_text()))
    os.chdir(before)


def write(part, case, record):
    path = part.record(case)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ledger.dump(record))


def made(study, stages, left_out=(), out=()):
    """Records of all cases of the first so many stages but for those left out; `out`: exams that convert excludes."""
    shutil.rmtree("results", ignore_errors=True)
    for part in [part for part in parts(study) if part.cases and part.stage in flow.ORDER][:stages]:
        for case in part.cases:
            exam = case if case in study.exams else study.exam_of(case)
            if exam in out and part.stage not in ("intake", "eligible"):
                write(part, case, excluded("convert", case, "grids_differ", "why"))
            elif (part.stage, case) not in left_out:
                write(part, case, ok(part.stage, case, FACTS.get(part.stage, {})))


def counted(text):
    """Status to number of a flow's table."""
    found = {}
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        found[row["status"]] = found.get(row["status"], 0) + int(row["breasts" if "breasts" in row else "exams"])
    return found


def test_nothing_has_run(place):
    shutil.rmtree("results", ignore_errors=True)
    site = build(read_interim(place), TEMPLATES)
    assert counted(site["flow.tsv"]) == {"waiting": len(place.breasts)}
    assert counted(site["flow_exams.tsv"]) == {"waiting": len(place.exams)}
    pages = {name: text for name, text in site.items() if name.endswith(".html")}
    assert len(pages) > 4 and "cases.html" not in "".join(pages.values())
    for page in pages.values():
        assert f"<title>Interim, 0 of {len(place.exams)} exams." in page
        assert page.index('class="stamp"') < page.index("<h1")
    assert "No verdict yet." in site["index.html"]


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 12), st.data())
def test_every_case_is_in_one_box_however_far_the_study_is(place, stages, data):
    exams = sorted(place.exams)
    out = set(data.draw(st.lists(st.sampled_from(exams), max_size=5)))
    pairs = [(part.stage, case) for part in parts(place) for case in part.cases if part.stage in flow.ORDER]
    made(place, stages, set(data.draw(st.lists(st.sampled_from(pairs), max_size=9))), out)
    site = build(read_interim(place), TEMPLATES)
    page, breasts, of_exams = site["index.html"], site["flow.tsv"], site["flow_exams.tsv"]
    assert sum(counted(breasts).values()) == len(place.breasts)
    assert sum(counted(of_exams).values()) == len(exams)
    # A breast is through where every record that it will have is there, or where one excludes it.
    own = [p for p in parts(place) if p.cases and p.stage in flow.ORDER and p.of in ("", "pre_p95", "unet")]
    through = 0
    for breast, row in place.breasts.items():
        for part in own:
            case = row.exam if part.stage in flow.EXAM_STAGES else breast
            if case in part.cases and not part.record(case).is_file():
                break
            if case in part.cases and json.loads(part.record(case).read_text())["status"] != "ok":
                through += 1
                break
        else:
            through += 1
    assert len(place.breasts) - counted(breasts).get("waiting", 0) == through
    assert f"{through} of {len(place.breasts)} breasts are through" in page
    assert "Interim" in re.search("<title>(.*)</title>", page).group(1)


def test_a_comparison_counts_only_where_it_is_whole_and_of_what_stands(place):
    made(place, 99)
    source = Path("results/segment/unet/batch_a.json")
    source.write_text("{}")
    named = [f"results/compare/{arm}/{table}.tsv" for arm in place.compared for table in TABLES]
    for name in [*named, *(f"results/compare/{arm}/plan.json" for arm in place.compared)]:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("reference\tn\n" if name.endswith("tsv") else json.dumps({"arm": path.parent.name, "looks": 0}))
        entry = ledger.entry(path, "compare_arm", {}, {source.as_posix(): ledger.digest_file(source)}, {})
        ledger.sidecar(path).write_text(ledger.dump(entry))
    assert set(read_interim(place).compare) == set(place.compared)
    source.write_text('{"another": 1}')
    assert not is_current(Path(named[0])) and read_interim(place).compare == {}
    source.write_text("{}")
    Path(named[-1]).unlink()
    assert read_interim(place).compare == {}


def test_the_audit_leaves_the_interim_report_out_and_nothing_else(place):
    shutil.rmtree("results", ignore_errors=True)
    folder = Path("results/report")
    for name in ("interim/index.html", "interim/assets/report.css", "index.html", "cases/interim/x.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    Path("results/compare/interim").mkdir(parents=True)
    Path("results/compare/interim/main.tsv").write_text("x")
    found = [item.path for stage in stages(Path("results")) for item in items(Path("results"), stage)]
    reported = [(folder / name).as_posix() for name in ("index.html", "cases/interim/x.html")]
    assert found == ["results/compare/interim/main.tsv", *reported]


def test_the_stages_of_the_page_are_those_that_the_status_knows(place):
    assert set(STAGES) <= {part.stage for part in parts(place)}
