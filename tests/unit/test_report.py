"""The report: every breast in one box, the first exclusion counts, words follow tables, the pages stand alone."""

import html.parser
import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from radparity.compare.full import compare_in_full
from radparity.compare.located import compare_located
from radparity.compare.study import Case, Settings
from radparity.config import load
from radparity.ledger import dump
from radparity.plan import Look, add_look, lock, standing
from radparity.region import readers_box
from radparity.report import flow, tables
from radparity.report.baselines import side_by_side
from radparity.report.frame import PAGES
from radparity.report.pictures import channel_panel, example_cases
from radparity.report.results import Breast, read_results
from radparity.report.site import build
from radparity.report.tables import Link, Table
from radparity.report.templates import templates
from radparity.report.verdict import HEADLINES, PHANTOM_BANNER, verdict

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "workflow/report"
PUBLISHED = ROOT / "resources/published/hirsch_2022.yaml"
READERS = ["R1", "R2", "R3", "R4"]
SHAPE = (3, 24, 30)
IMAGES = ("channels", "probabilities", "masks", "outlines")


def configuration(**changes):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["compare"]["bootstrap"] = 200
    raw |= changes
    return load(raw).model_dump(mode="json", by_alias=True, exclude={"raw", "sheets"})


def breast(name, label="malignant", partition="test"):
    return [name, f"E{name}", f"P{name}", "left", label, partition]


PLAN = {"compare": {"margin": 0.05}}
SHEET = [breast(f"T{n}") for n in range(6)] + [breast("D1", partition="development")]
SHEET += [breast("D2", "benign", "development"), breast("U1", partition="tuning"), breast("S1", partition="shown")]


MADE = {}


def compared(cases):
    """The comparison's tables; those of the same cases are made once, since many trees have them."""
    masks = [mask.tobytes() for case in cases for mask in (case.network, *case.readers.values())]
    key = (tuple(case.case for case in cases), *masks)
    MADE[key] = MADE.get(key) or compare_in_full(cases, Settings(draws=200))
    return MADE[key]


class Tree:
    """A study's results on disk, small: every stage's records, images of the test and shown cases, real tables."""

    def __init__(self, folder, sheet=SHEET, excluded=(), folds=2, shown_maps=True, empty=(), locked=PLAN):
        self.folder, self.sheet, self.files = folder, sheet, {}
        self.out = dict(excluded)  # breast: (stage, code)
        self.generator = np.random.default_rng(7)
        for row in sheet:
            self.records(*row)
        cases = [self.images(row[0], row[5], row[0] in empty) for row in sheet if row[5] in ("test", "shown")]
        used = [case for case in cases if case]
        if used:
            self.compare("unet", used)
            self.compare("fuzzy_c_means", [Case(c.case, c.patient, ~c.network, c.readers) for c in used])
            self.located("fuzzy_c_means_in_box", used)
        if locked:
            lock(folder / "plan", locked, "2026-01-02T03:04:05+00:00", "c0ffee")
        for arm in ("unet", "fuzzy_c_means", "fuzzy_c_means_in_box"):
            add_look(folder / "plan", Look("2026-01-03", "c0ffee", arm, 6, "", f"scores of {arm}"))
            self.write("plans", f"compare/{arm}/plan.json", dump(standing(folder / "plan", arm, "unet", PLAN)))
        for fold in range(1, folds + 1):
            text = "step\tloss\tvalidation_dice\tvalidation_cases\n50\t0.8\t\t0\n100\t0.6\t0.4\t2\n"
            self.write("curves", f"train/unet/{fold}/curve.tsv", text)
            facts = {"selected_step": 100, "training": ["D1"], "validation": [], "divisors": [3.0, 1.0, 0.02]}
            self.write("training", f"train/unet/{fold}/train.json", json.dumps(facts))
        self.write(
            "fractions", "segment/unet/fraction.json", json.dumps({"fraction": 0.5, "curve": [1], "cases": ["U1"]})
        )
        if shown_maps:
            self.kinetics("ES1")
        self.verify()
        self.files["published"] = [str(PUBLISHED)]

    def write(self, name, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.files.setdefault(name, []).append(str(file))

    def nifti(self, name, path, array):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if array is None:
            file.write_bytes(b"")
        else:
            nibabel.save(nibabel.Nifti1Image(array, np.diag([3.0, 0.7, 0.7, 1.0])), file)
        self.files.setdefault(name, []).append(str(file))

    def records(self, name, exam, patient, side, label, partition):
        facts = {
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
            "register": {
                "quality": [
                    {
                        "phase": 0,
                        "likeness_before": 0.7,
                        "likeness_after": 0.8,
                        "jacobian": [0.7, 1.3],
                        "mean_displacement_mm": 0.6,
                        "largest_displacement_mm": 1.6,
                        "volume_change_enhancing": 0.01,
                    },
                    {"phase": 1, "likeness_before": 1.0},
                    {
                        "phase": 2,
                        "likeness_before": 0.8,
                        "likeness_after": 0.9,
                        "jacobian": [-0.1, 1.3],
                        "mean_displacement_mm": 0.5,
                        "largest_displacement_mm": 1.5,
                        "volume_change_enhancing": -0.02,
                    },
                ]
            },
            "harmonize": {"channels": ["t1c", "dce_in", "dce_out"], "divisors": [40.0, 40.0, 40.0]},
            "mask": {"volume_ml": 300.0},
            "outline": {"raters": READERS, "section": 1},
            "predict": {"section": None if partition == "shown" else 1, "first_section": 0},
            "segment": {
                "section": 1,
                "section_chosen_by": "readers" if partition != "shown" else "network",
                "disagreement": 0.2345,
            },
        }
        gone = None
        for stage in flow.ORDER[:-1]:
            unit = exam if stage in flow.EXAM_STAGES else name
            if (
                label == "benign"
                and stage in ("outline", "predict", "segment")
                or partition == "shown"
                and stage == "outline"
            ):
                continue
            if gone is None and self.out.get(name, ("",))[0] == stage:
                gone = {
                    "case": unit,
                    "stage": stage,
                    "status": "excluded",
                    "code": self.out[name][1],
                    "sentence": "<why>",
                }
            record = gone or {"case": unit, "stage": stage, "status": "ok", **facts.get(stage, {})}
            self.write(stage, f"{stage}/{unit}/{stage}.json", json.dumps(record))

    def images(self, name, partition, empty):
        gone = name in self.out
        network, *drawn = (self.disc(3 + self.generator.random() * 4) for _ in range(5))
        if empty:
            drawn = [np.zeros(SHAPE[1:], bool)] * 3 + [drawn[0]]
        channels = self.generator.random((*SHAPE, 3)).astype(np.float32)
        chance = np.zeros(SHAPE, np.float32)
        chance[1] = network * 0.8
        self.nifti("channels", f"harmonize/pre_p95/{name}/channels.nii.gz", None if gone else channels)
        self.nifti("probabilities", f"predict/unet/{name}/probability.nii.gz", None if gone else chance)
        self.nifti("disagreements", f"predict/unet/{name}/disagreement.nii.gz", None if gone else chance / 4)
        self.nifti("masks", f"segment/unet/{name}/mask.nii.gz", None if gone else network[None].astype(np.uint8))
        if partition == "shown":
            return None
        outlines = np.stack([mask.astype(np.uint8) for mask in drawn], axis=-1)[None]
        self.nifti("outlines", f"outline/{name}/outlines.nii.gz", None if gone else outlines)
        return None if gone else Case(name, f"P{name}", network, dict(zip(READERS, drawn, strict=True)))

    def disc(self, radius):
        y, z = np.indices(SHAPE[1:])
        return (y - 12) ** 2 + (z - 15) ** 2 < radius**2

    def compare(self, arm, cases):
        for name, table in compared(cases).items():
            self.write(
                "compare", f"compare/{arm}/{name}.tsv", table.to_csv(sep="\t", index=False, float_format="%.10g")
            )

    def located(self, arm, cases):
        """The baseline in the box: half of the network's mask. The network's own has a spot outside the box."""
        boxes = {c.case: readers_box(c.readers.values(), (0.7, 0.7)) for c in cases}
        halves = [Case(c.case, c.patient, c.network & boxes[c.case], c.readers) for c in cases]
        for half in halves:
            half.network[:12] = False
        self.compare(arm, halves)
        table = compare_located(halves, {c.case: c.network for c in cases}, boxes, Settings(draws=200))
        self.write("compare", f"compare/{arm}/located.tsv", table.to_csv(sep="\t", index=False, float_format="%.10g"))

    def kinetics(self, exam):
        volume = {"voxels": 12, "site_voxels": 12, "millilitres": 0.1, "threshold": 35.0, "percent": 70.0}
        volume["largest_time_difference_s"] = 0.0
        share = {"voxels": 2160, "equal_share": 0.99999, "equal_share_in_tumour": None}
        facts = {"status": "ok", "stage": "kinetics", "tumour_volume": volume, "enhancement_map": share}
        self.write("kinetics", f"kinetics/{exam}/kinetics.json", json.dumps(facts))
        self.nifti(
            "kinetic_maps", f"kinetics/{exam}/maps.nii.gz", self.generator.random((*SHAPE, 4)).astype(np.float32)
        )

    def verify(self):
        summary = pd.DataFrame([{"quantity": "q", "meaning": "a thing", "n": 2, "median": 0.1, "q25": 0.1, "q75": 0.2}])
        cases = pd.DataFrame([{"arm": "unet", "case": "T0", "dice_truth": 0.8} | {f"dice_{r}": 0.9 for r in READERS}])
        for name, table in (("summary", summary), ("cases", cases)):
            self.write("verify", f"verify/{name}.tsv", table.to_csv(sep="\t", index=False))

    def results(self, **changes):
        return read_results(self.files, configuration(**changes), self.sheet)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    tree = Tree(
        tmp_path_factory.mktemp("study"), excluded={"T1": ("convert", "grids_differ"), "D2": ("mask", "too_dark")}
    )
    return build(tree.results(), TEMPLATES)


class Parser(html.parser.HTMLParser):
    VOID = {"meta", "img", "br", "link", "input", "hr", "option"}

    def __init__(self, text):
        super().__init__()
        self.ids, self.anchors, self.tags, self.open, self.text = [], [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []
        self.anchors += [found["href"]] if tag == "a" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def pages(site):
    return {name: Parser(text) for name, text in site.items() if name.endswith(".html")}


def test_every_page_is_whole_and_loads_nothing_from_elsewhere(site):
    assert set(pages(site)) == set(PAGES)
    for name, parsed in pages(site).items():
        assert not parsed.open, name
        assert len(parsed.ids) == len(set(parsed.ids)), name
        assert not {"iframe", "object", "base"} & {tag for tag, _ in parsed.tags}, name
        for tag, found in parsed.tags:
            for attribute in {"src", "srcset", "data", "poster"} & set(found) | ({"href"} & set(found)):
                value = found[attribute]
                relative = not re.match(r"[a-z]+:|/", value)
                assert relative or value == "data:," or value.startswith("data:image/png;base64,"), (name, tag, value)
        assert not re.search(r"@import|https?://", site[name]), name
        assert site[name].lstrip().startswith("<!DOCTYPE html>"), name
    assert sum(map(len, site.values())) < 8e6


def test_links_between_pages_lead_to_what_is_there(site):
    parsed = pages(site)
    for name, page in parsed.items():
        for anchor in page.anchors:
            file, _, place = anchor.partition("#")
            if not file.startswith(("../", "cases/")):  # looked for in a study
                assert (file or name) in site, (name, anchor)
                assert not place or "=" in place or place in parsed[file or name].ids, (name, anchor)


def test_every_page_has_one_first_heading_and_marks_itself_in_the_navigation(site):
    for name, page in pages(site).items():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False)), name
        marked = [found["href"] for tag, found in page.tags if tag == "a" and "aria-current" in found]
        assert marked == [name]
        assert all(found.get("alt") for tag, found in page.tags if tag == "img"), name
        assert all(found.get("scope") for tag, found in page.tags if tag == "th"), name


def test_every_table_and_figure_stands_on_one_page(site):
    """What the report held when it was one page; the tables of a study that has them all are looked at in a study."""
    placed = [place for page in pages(site).values() for place in page.ids if re.match("(table|figure)-", place)]
    assert len(placed) == len(set(placed)) > 20
    on = {place: name for name, page in pages(site).items() for place in page.ids}
    wanted = {
        "index.html": "verdict flow table-main-unet",
        "data.html": "table-exclusions table-decisions table-scanners",
        "preprocessing.html": "table-registration",
        "training.html": "table-arms table-fold-divisors table-kept figure-learning",
        "comparison.html": "table-beside table-baselines table-claims table-equivalence-unet table-tails-unet"
        " table-truth-table figure-truth figure-channels table-outliers shown truth",
        "provenance.html": "table-study table-plan methods made table-ledger",
    }
    for name, places in wanted.items():
        for place in places.split():
            assert on.get(place) == name, place


def test_a_table_that_is_long_folds_and_keeps_its_rows():
    macros = templates(TEMPLATES).get_template("macros.html.j2").module
    short, long = (Table("t", "T", ["a"], [[f"row {k}"] for k in range(rows)]) for rows in (40, 41))
    assert "<details>" not in macros.table(short) and "<details>" in macros.table(long)
    assert macros.table(long).count("<tr><td>row ") == 41


def test_a_cell_that_leads_somewhere_is_a_link_and_words_are_escaped():
    macros = templates(TEMPLATES).get_template("macros.html.j2").module
    text = macros.table(Table("t", "T", ["a", "b"], [[Link("E<1>", "cases/E1.html"), "<b>"]], words=(0, 1)))
    assert '<td><a href="cases/E1.html">E&lt;1&gt;</a></td><td>&lt;b&gt;</td>' in text


def test_verdict_banner_and_exclusions_stand_on_the_pages(site):
    found = {name: page.text for name, page in pages(site).items()}
    assert "Too few cases for a verdict: 5 test cases, and the study asks for 50." in found["index.html"]
    assert all(PHANTOM_BANNER in text for text in found.values())
    assert "<why>" in found["data.html"]  # escaped in the source, and therefore text
    assert "difference 0" in found["comparison.html"] and "not a radiologist's outline" in found["comparison.html"]


def test_the_same_results_give_the_same_bytes(tmp_path):
    tree = Tree(tmp_path, sheet=SHEET[:3] + SHEET[-1:])
    assert build(tree.results(), TEMPLATES) == build(tree.results(), TEMPLATES)


def test_a_study_of_real_exams_has_no_banner_and_says_nothing_of_truth(tmp_path):
    tree = Tree(tmp_path, sheet=SHEET[:3], shown_maps=False, folds=1)
    tree.files["verify"] = []
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    config = configuration(phantom=None)
    assert raw["phantom"] and config["phantom"] is None
    for parsed in pages(build(read_results(tree.files, config, tree.sheet), TEMPLATES)).values():
        assert PHANTOM_BANNER not in parsed.text and "simulated" not in parsed.text
        assert not {"truth", "shown", "banner"} & set(parsed.ids)


@pytest.mark.parametrize("partition", ["development", "tuning", "test", "shown"])
def test_a_partition_may_be_lost_as_a_whole(tmp_path, partition):
    lost = {row[0]: ("intake", "no_dynamic_series") for row in SHEET if row[5] == partition}
    site = build(Tree(tmp_path, excluded=lost).results(), TEMPLATES)
    rows, exams = site["flow.tsv"], site["flow_exams.tsv"]
    assert not any(page.open for page in pages(site).values())
    assert f"{partition}\tmalignant\texcluded\tintake\tno_dynamic_series" in rows
    assert f"{partition}\tmalignant\tok" not in rows
    assert f"excluded\tintake\tno_dynamic_series\t\t{len(lost)}\t0\n" in exams
    assert ("No verdict." in site["index.html"]) == (partition == "test")


def test_a_case_without_a_reference_leaves_at_the_comparison(tmp_path):
    site = build(Tree(tmp_path, sheet=SHEET[:4], empty=("T2",), shown_maps=False).results(), TEMPLATES)
    rows, exams = site["flow.tsv"], site["flow_exams.tsv"]
    assert "test\tmalignant\texcluded\tcompare\tno_usable_reference\t\t1" in rows
    assert "test\tmalignant\tok\t\t\t\t3" in rows
    assert exams.splitlines()[1:] == ["ok\t\t\t\t3\t0", "excluded\tcompare\tno_usable_reference\t\t1\t0"]


def test_tables_of_another_run_are_refused(tmp_path):
    tree = Tree(tmp_path, sheet=SHEET[:4], shown_maps=False)
    results = tree.results()
    results.records["outline"]["T0"] = {"stage": "outline", "status": "excluded", "code": "c", "sentence": "s"}
    with pytest.raises(ValueError, match="3 test cases and the main table 4"):
        build(results, TEMPLATES)


def test_examples_are_the_best_median_and_worst_case(tmp_path):
    results = Tree(tmp_path, sheet=SHEET[:5], shown_maps=False).results()
    dice = results.table("cases").set_index("case")["dice_network"]
    chosen = example_cases(results)
    assert dice[chosen["best"]] == dice.max() and dice[chosen["worst"]] == dice.min()
    assert dice[chosen["median"]] == dice.median()


def test_arms_stand_side_by_side_by_what_they_were_told(tmp_path):
    results = Tree(tmp_path, sheet=SHEET[:5], shown_maps=False).results()
    table = side_by_side(results)
    rows = {(row[0], row[1], row[2]): row for row in table.rows}
    assert list(rows) == [
        ("network", "unet", "not given"),
        ("baseline", "fuzzy_c_means", "not given"),
        ("readers", "", "not given"),
        ("baseline", "fuzzy_c_means_in_box", "given"),
        ("network", "unet", "given"),
        ("readers", "", "given"),
    ]
    dice = results.table("cases", "fuzzy_c_means_in_box")["dice_network"]
    own = rows["baseline", "fuzzy_c_means_in_box", "given"]
    assert own[3:5] == ["5", tables.number(dice.median())]
    assert own[5] == tables.interval(dice.quantile(0.25), dice.quantile(0.75))
    assert own[6].startswith("−") and "(90 %)" in own[6]
    # The paper's, from its main text (spec section 14.2).
    assert [row[7] for row in table.rows] == ["0.77", "0.11", "0.79", "0.65", "0.82", ""]
    assert all(row[6] == "" for key, row in rows.items() if key[2] == "not given" or key[0] == "network")


def test_the_page_says_whether_the_plan_was_locked_and_what_departs_from_it(tmp_path):
    def text(name, locked):
        site = build(Tree(tmp_path / name, locked=locked).results(), TEMPLATES)
        return site["index.html"] + site["provenance.html"]

    kept, changed, none = text("kept", PLAN), text("changed", {"compare": {"margin": 0.02}}), text("none", None)
    assert "The plan was locked on 2026-01-02, before any look" in kept and "Confirmatory: arm unet" in kept
    assert "1 of its points differ since" in changed
    assert "<li>compare: margin: locked as 0.02, now 0.05</li>" in changed and "Deviations" not in kept
    assert "Exploratory: no plan was locked" in none and "Primary arm, exploratory: arm unet" in none
    assert "Confirmatory:" not in none


def test_every_place_that_shows_the_arm_in_the_box_says_so_and_one_arm_is_confirmatory(site):
    start, full = Parser(site["index.html"]).text, Parser(site["comparison.html"])
    assert start.count("Confirmatory: arm unet") == full.text.count("Confirmatory: arm unet") == 1
    assert "Confirmatory: arm fuzzy" not in start + full.text
    headings = re.findall(r"Exploratory: (.*)", full.text)
    assert headings == ["arm fuzzy_c_means", "arm fuzzy_c_means_in_box, location given"]
    captions = re.findall(r"<figcaption>(.*?fuzzy_c_means_in_box.*?)</figcaption>", site["comparison.html"])
    assert len(captions) == 3 and all("location given" in caption for caption in captions)
    assert "table-baselines" in full.ids
    primary = re.findall(r"<tr><td>margin</td><td>(\w+)</td>", site["comparison.html"])
    assert primary == ["primary", "exploratory", "exploratory"]


def test_an_arm_that_is_not_compared_is_named_as_such_and_has_no_tables(tmp_path):
    results = Tree(tmp_path, sheet=SHEET[:2], shown_maps=False).results()
    results.config["arms"]["wide"] = results.config["arms"]["unet"] | {"width": 16}
    site = build(results, TEMPLATES)
    parsed = Parser(site["provenance.html"])
    assert "main-wide" not in str([page.ids for page in pages(site).values()])
    assert "wide (not compared): paper, base width 16" in parsed.text
    assert "fuzzy_c_means_in_box: fuzzy_c_means" in parsed.text


def test_the_folds_disagreement_is_drawn_where_it_is_there(tmp_path):
    results = Tree(tmp_path, sheet=SHEET[:2], shown_maps=False).results()
    case = example_cases(results)["best"]
    with_map = channel_panel(results, case, "p", "Case.")
    assert "Fold disagreement: standard deviation over the folds' networks; inside the mask its mean is 0.234." in (
        with_map.caption
    )
    path = results.images["disagreements"].pop(case)
    without = channel_panel(results, case, "p", "Case.")
    assert "disagreement" not in without.caption and without.width < with_map.width
    # What it says is the map's: another map, another picture.
    results.images["disagreements"][case] = path
    image = nibabel.load(path)
    changed = np.asarray(image.dataobj).copy()
    changed[1, :5] = changed.max()
    nibabel.save(nibabel.Nifti1Image(changed, image.affine), path)
    assert channel_panel(results, case, "p", "Case.").data != with_map.data


ENDS = st.lists(
    st.tuples(
        st.sampled_from(["development", "tuning", "test", "shown"]),
        st.lists(st.sampled_from(flow.ORDER[:-1]), unique=True),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(ENDS)
def test_every_breast_ends_in_one_box_and_the_first_exclusion_counts(drawn):
    breasts, records = [], {stage: {} for stage in flow.ORDER}
    for number, (partition, bad, _) in enumerate(drawn):
        name = f"B{number}"
        breasts.append(Breast(name, f"E{number}", "P", "left", "malignant", partition))
        for stage in flow.ORDER[1:-1]:
            status = {"status": "excluded", "code": stage, "sentence": ""} if stage in bad else {"status": "ok"}
            records[stage][f"E{number}" if stage in flow.EXAM_STAGES else name] = {"stage": stage, **status}
        if "download" in bad:  # whose records come by way of those of the intake
            records["intake"][f"E{number}"] = {"stage": "download", "status": "excluded", "code": "c", "sentence": ""}
    lost = {f"B{number}" for number, (_, _, unusable) in enumerate(drawn) if unusable}
    ends = flow.outcomes(breasts, records, lost)
    rows = flow.flow_rows(ends)
    assert sum(row["breasts"] for row in rows) == len(breasts)
    assert sum(group.came for group in flow.groups(rows)) == len(breasts)
    assert all(group.came == group.stayed + sum(n for *_, n in group.left) for group in flow.groups(rows))
    for end, (_, bad, unusable) in zip(ends, drawn, strict=True):
        first = min(bad, key=flow.ORDER.index) if bad else "compare" if unusable else ""
        assert end.stage == first and (end.status == "ok") == (first == "")


def test_a_record_that_was_passed_on_names_its_own_stage():
    breasts = [Breast("B", "E", "P", "left", "benign", "development")]
    gone = {"case": "E", "stage": "convert", "status": "excluded", "code": "grids_differ", "sentence": "s"}
    before = {stage: {"E": {"status": "ok"}} for stage in ("intake", "eligible")}
    records = before | {"convert": {"E": gone}, "register": {"E": gone}}
    assert flow.outcomes(breasts, records)[0].stage == "convert"
    records["convert"] = {"E": {"status": "ok"}}
    assert flow.outcomes(breasts, records)[0].stage == "convert"
    with pytest.raises(ValueError, match="no record of convert"):
        flow.outcomes(breasts, before)


def test_rules_and_decisions_have_their_boxes_and_their_table(tmp_path):
    tree = Tree(tmp_path, shown_maps=False)
    results = tree.results(eligible=[{"name": n, "fact": "plane", "only": ["x"], "missing": "keep"} for n in "ab"])
    gone = {"status": "excluded", "code": "not_eligible", "rule": "b", "sentence": "does not meet the rule 'b'"}
    made = {
        "exam": "ED1",
        "breast": None,
        "verdict": "include",
        "reason": "a <clip>",
        "who": "R5",
        "date": "2024-03-04",
    }
    role = made | {"verdict": "role", "series": 7, "role": "dynamic"}
    kept = {"breast": "D1", "rules": ["a", "b"], "reason": "a <clip>", "who": "R5"}
    results.records["eligible"]["ED2"] = {"stage": "eligible", "breasts": {"D2": gone}, "overridden": []} | gone
    results.records["eligible"]["ED1"] |= {
        "breasts": {"D1": {"status": "ok"}}, "overridden": [kept], "decisions": [made, role]
    }  # fmt: skip
    twins = {"exams": 9, "identical_pixels": [{"exams": ["ED1", "ED7"], "patients": ["PD1"], "phases": 4}]}
    tree.write("twins", "fold/twins.json", json.dumps(twins))
    results.files["twins"] = tree.files["twins"]
    site = build(results, TEMPLATES)
    rows, exams = site["flow.tsv"], site["flow_exams.tsv"]
    text, left = Parser(site["index.html"]).text, Parser(site["data.html"]).text
    assert "development\tbenign\texcluded\teligible\tnot_eligible\tb\t1\t0" in rows
    assert "development\tmalignant\tok\t\t\t\t1\t1" in rows
    assert exams.splitlines()[1:] == ["ok\t\t\t\t9\t1", "excluded\teligible\tnot_eligible\tb\t1\t0"]
    assert "10 examsof 10 patients" in text and "1 at eligible: b" in text
    assert "1 of them by a decision against a rule" in text
    table = flow.decisions_table(results.records["eligible"])
    assert [row[:5] for row in table.rows] == [
        ["ED1", "include", "a; b", "a <clip>", "R5"],
        ["ED1", "series 7 is dynamic", "", "a <clip>", "R5"],
    ]
    assert "a <clip>" in left and "ED1, ED7" in left


def test_an_exam_leaves_with_its_last_breast():
    breasts = [Breast(name, "E", "P", "left", "benign", "development") for name in ("B1", "B2")]
    out = {
        b: {"status": "excluded", "code": "not_eligible", "rule": r, "sentence": "s"}
        for b, r in zip(("B1", "B2"), "ba", strict=True)
    }
    eligible = {"stage": "eligible", "status": "ok", "breasts": {"B1": out["B1"], "B2": {"status": "ok"}}}
    fine = {stage: {"E": {"stage": stage, "status": "ok"}} for stage in ("intake", "convert", "register")}
    dark = {"stage": "mask", "status": "excluded", "code": "no_breast", "sentence": "s"}
    records = fine | {"eligible": {"E": eligible}, "harmonize": {"B2": {"status": "ok"}}, "mask": {"B2": dark}}
    ends = flow.outcomes(breasts, records)
    assert [(e.stage, e.rule) for e in ends] == [("eligible", "b"), ("mask", "")]
    assert flow.exam_ends(["E"], ends, records, ["a", "b"])["E"].code == "no_breast"
    records["eligible"]["E"] = {"stage": "eligible", "status": "excluded", "breasts": out} | out["B1"]
    ends = flow.outcomes(breasts, records)
    assert flow.exam_ends(["E"], ends, records, ["a", "b"])["E"].rule == "b"
    nobody = {"stage": "eligible", "status": "excluded", "code": "no_case", "sentence": "s"}
    assert (
        flow.exam_ends(["F"], ends, {"intake": {}, "eligible": {"F": nobody}, "convert": {}, "register": {}})["F"].code
        == "no_case"
    )


@pytest.mark.parametrize("said", [name for name in HEADLINES if name != "too few cases"])
def test_the_headline_follows_the_primary_test_only(said):
    rows = [{"test": "bracket", "verdict": "passed", "n": 80, "estimate": np.nan}]
    rows.append(
        {
            "test": "margin",
            "verdict": said,
            "n": 80,
            "estimate": -0.012,
            "low": -0.03,
            "high": 0.006,
            "level": 0.9,
            "margin": 0.05,
        }
    )
    found = verdict(pd.DataFrame(), pd.DataFrame(rows), configuration())
    assert found.headline == HEADLINES[said]
    assert "−0.012 (90 % interval −0.030 to +0.006; margin ±0.05)" in found.sentence
    assert any("simulated" in limit for limit in found.limits)


@pytest.mark.parametrize(("patients", "cases", "said"), [(49, 50, True), (50, 50, False), (25, 49, False)])
def test_enough_cases_of_too_few_patients_are_said(patients, cases, said):
    row = {"test": "margin", "verdict": "equivalent", "n": cases, "patients": patients, "estimate": 0.0}
    row |= {"low": -0.01, "high": 0.01, "level": 0.9, "margin": 0.05}
    asked = configuration(compare={**configuration()["compare"], "minimum_cases": 50})
    limits = verdict(pd.DataFrame(), pd.DataFrame([row]), asked).limits
    assert any(f"The {cases} cases are of {patients} patients" in limit for limit in limits) == said


def test_the_report_shows_the_number_of_cases_where_it_is_asked_for(tmp_path, site):
    from PIL import Image

    assert not any('id="power"' in text or "#power" in text for text in site.values())
    tree = Tree(tmp_path, sheet=SHEET[:3])
    Image.new("RGB", (640, 200)).save(tmp_path / "power.png")
    (tmp_path / "power.json").write_text(json.dumps({"sentences": ["No number of cases is claimed: <few>."]}))
    tree.files["power"] = [str(tmp_path / name) for name in ("power.json", "power.png")]
    text = build(tree.results(), TEMPLATES)["comparison.html"]
    assert "No number of cases is claimed: &lt;few&gt;." in text and '<a href="#power">' in text
    assert re.search(r'id="figure-power">\s*<img [^>]*width="320"', text)


@pytest.mark.parametrize(
    ("value", "text"), [(0.00099, "< 0.001"), (0.0, "< 0.001"), (0.001, "0.001"), (1.0, "1.000"), (float("nan"), "")]
)
def test_p_values(value, text):
    assert tables.probability(value) == text


def test_numbers_show_sign_infinity_and_blank():
    assert tables.number(-0.0001, sign=True) == "+0.000" and tables.number(-0.0001) == "0.000"
    assert tables.interval(float("-inf"), 0.2, sign=True) == "−∞ to +0.200"
    assert tables.interval(float("nan"), 0.2) == ""
