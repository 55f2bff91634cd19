"""One or two raters: what the configuration refuses, what the reference is, and what the pages then say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report import READERS, ROOT, TEMPLATES, Tree, configuration

from radparity.bundle.performance import measured
from radparity.compare.against import against_in_full
from radparity.compare.scores import Case
from radparity.compare.settings import Settings
from radparity.config import ConfigError, load
from radparity.consensus import RETUNED, common_reference, leave_one_out, references_by_rule
from radparity.made_by import refuse_disguised
from radparity.page.numbers import against_table
from radparity.page.overlay import overlays, references_of
from radparity.plan import Plan, deviations, planned
from radparity.report import against
from radparity.report.headline import headline
from radparity.report.methods_against import comparison, outlined
from radparity.report.results import read_results
from radparity.report.site import build
from radparity.report.words import MANY, words_of
from radparity.sheets import Breast, Exam, Reading
from radparity.status.stages import parts
from radparity.study import Study

MASKS = st.lists(st.booleans(), min_size=12, max_size=12).map(lambda flags: np.array(flags).reshape(3, 4))


def raw(readers: dict, **blocks: dict) -> dict:
    made = yaml.safe_load((ROOT / "config.yaml").read_text())
    made["arms"] = {name: made["arms"][name] for name in ("unet", "fuzzy_c_means")}
    for name in ("selection", "learning_curve"):
        del made[name]
    made["readers"] |= readers
    for name, block in blocks.items():
        made[name] |= block
    return made


@pytest.mark.parametrize(
    "readers, blocks, said",
    [
        ({"test": ["R1"]}, {"compare": {"reference": "majority"}}, "Write instead: reference: intersection"),
        ({"test": ["R1", "R2"]}, {"compare": {"reference": "staple"}}, "Write instead: reference: intersection"),
        ({"test": ["R1"]}, {"report": {"power": True}}, "Write instead: power: false"),
        ({"test": READERS, "made_by": "software"}, {}, "a program is none"),
        ({"test": []}, {}, "at least 1"),
        ({"test": ["reference"]}, {}, "may not be called 'reference'"),
        ({"test": ["R1", "readers"]}, {}, "may not be called 'readers'"),
    ],
)
def test_what_needs_three_readers_is_refused_with_the_line_to_write(readers: dict, blocks: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(raw(readers, **blocks))


def test_an_arm_that_is_told_the_location_is_refused_where_it_is_compared() -> None:
    made = raw({"test": ["R1"]})
    made["arms"]["boxed"] = {"network": "fuzzy_c_means", "region": "readers_box"}
    with pytest.raises(ConfigError, match="Leave the arm out"):
        load(made)
    made["compare"]["arms"] = ["unet"]
    assert load(made).readers.few


def test_one_and_two_raters_are_accepted() -> None:
    for names, rule in ((["R1"], "intersection"), (["R1", "R2"], "union")):
        config = load(raw({"test": names, "made_by": "software"}, compare={"reference": rule}))
        assert config.readers.few and config.readers.made_by == "software"
    assert not load(raw({})).readers.few


def test_a_plan_that_was_locked_before_does_not_deviate() -> None:
    """Of three readers or more the plan has the keys that it always had."""
    for names, test in ((READERS, "margin"), (["R1"], "none: mean Dice")):
        content = planned(Study(load(raw({"test": names})), {}, {}, []))
        assert content["primary_test"].startswith(test)
        assert set(content["readers"]) == {"test", "anonymous"} | ({"made_by"} if len(names) < 3 else set())
        assert not {"negatives", "negatives_margin_mm"} & set(content["train"])
    free = {"negatives": "tumour_free_sections", "negatives_margin_mm": 4}
    assert free.items() <= planned(Study(load(raw({"test": READERS}, train=free)), {}, {}, []))["train"].items()


@pytest.mark.parametrize("names, figure", [(READERS, "figure_5a.svg"), (["R1"], "figure_against.svg")])
def test_the_status_waits_for_the_figure_that_is_drawn(names: list[str], figure: str) -> None:
    (part,) = (part for part in parts(Study(load(raw({"test": names})), {}, {}, [])) if part.stage == "figures")
    assert [path.name for path in part.files] == [figure]


@pytest.mark.parametrize(
    "names, made, partition, refused",
    [
        (["R1"], "people", "test", "Write instead: made_by: software"),
        (["R1"], "people", "tuning", "Write instead: made_by: software"),
        (["R1"], "software", "test", None),
        (["R1"], "people", "development", None),
        (["R2"], "people", "test", None),
        (READERS, "people", "test", "a program is no reader"),
        (READERS, "people", "shown", None),
    ],
)
def test_an_outline_that_a_rule_made_never_passes_for_a_readers(names, made, partition, refused) -> None:  # type: ignore[no-untyped-def]
    breast = Breast(breast="E1L", exam="E1", side="left", label="malignant", partition=partition)
    readings = [Reading(breast="E1L", rater="R1", file="E1/seg", rule="functional_tumour_volume")]
    exam = Exam(exam="E1", patient="P1", folder="e1")
    study = Study(load(raw({"test": names, "made_by": made})), {"E1": exam}, {"E1L": breast}, readings)
    if refused is None:
        refuse_disguised(study, "config.yaml")
        return
    with pytest.raises(ConfigError, match=re.escape(refused)):
        refuse_disguised(study, "config.yaml")


def test_a_plan_holds_that_a_rule_makes_the_reference(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    breast = Breast(breast="E1L", exam="E1", side="left", label="malignant", partition="test")
    exam = Exam(exam="E1", patient="P1", folder="e1")
    monkeypatch.setattr("radparity.study.swept", lambda paths: dict.fromkeys(paths, "d"))
    found = []
    for rule in ("functional_tumour_volume", None):
        reading = Reading(breast="E1L", rater="R1", file="E1/seg", rule=rule)
        config = load(raw({"test": ["R1"], "made_by": "software"}))
        found.append(planned(Study(config, {"E1": exam}, {"E1L": breast}, [reading]))["test_cases"]["E1L"])
    assert found == [found[1] | {"R1, rule": "functional_tumour_volume"}, {"patient": "P1", "R1": "d"}]


def test_a_plan_holds_which_segment_of_a_file_is_the_outline(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Another segment of the same file is another outline: it must not pass as the one that was locked."""
    breast = Breast(breast="E1L", exam="E1", side="left", label="malignant", partition="test")
    exam = Exam(exam="E1", patient="P1", folder="e1")
    monkeypatch.setattr("radparity.study.swept", lambda paths: dict.fromkeys(paths, "d"))
    found = []
    for chosen in ({"segment": "1"}, {"segment": "2"}, {"image": "1.2.3"}, {}):
        reading = Reading(breast="E1L", rater="R1", file="E1/seg", **chosen)
        config = load(raw({"test": ["R1"]}))
        found.append(planned(Study(config, {"E1": exam}, {"E1L": breast}, [reading])))
    assert found[3]["test_cases"]["E1L"] == {"patient": "P1", "R1": "d"}
    said = [deviations(Plan("", "", 0, "", one), other) for one in found for other in found]
    assert [bool(one) for one in said] == [one is not other for one in found for other in found]
    assert all("1.2.3" not in str(one) for one in found)


@settings(max_examples=40)
@given(MASKS, MASKS)
def test_the_reference_is_the_outline_of_one_and_the_common_or_joint_area_of_two(one, other) -> None:  # type: ignore[no-untyped-def]
    assert (common_reference({"R1": one}) == one).all() and (common_reference({"R1": one}, "union") == one).all()
    pair = {"R1": one, "R2": other}
    for rule, whole in (("intersection", one & other), ("union", one | other)):
        found = common_reference(pair, rule)  # type: ignore[arg-type]
        assert (found == whole).all() and found.dtype == bool


def test_the_threshold_is_tuned_on_the_reference_and_on_the_other_rule_of_two() -> None:
    one, other = np.eye(4, dtype=bool), np.ones((4, 4), dtype=bool)
    alone = references_by_rule({"R1": one}, "union", [one, one])
    assert list(alone) == ["union"] and (alone["union"][0] == one).all()
    pair = references_by_rule({"R1": one, "R2": other}, "intersection", [one, other, one])
    assert {rule: [mask.sum() for mask in masks] for rule, masks in pair.items()} == {
        "union": [16],
        "intersection": [4],
    }
    three = {"R1": one, "R2": other, "R3": one}
    many = references_by_rule(three, "union", ["made"])  # type: ignore[list-item]
    assert many["union"] == ["made"] and set(many) == set(RETUNED)
    np.testing.assert_array_equal(many["majority"], list(leave_one_out(three, "majority").values()))


def test_what_is_drawn_and_counted_on_the_page_of_a_case() -> None:
    one, other = np.zeros((2, 9, 9), dtype=bool)
    one[2:6, 2:6], other[3:7, 2:6] = True, True
    readers = {"R1": one, "R2": other, "D9": ~one}
    references = references_of(readers, ["R1", "R2"], "intersection")
    assert list(references) == ["reference"] and references["reference"].sum() == 12
    drawn = overlays({"R1": one, "R2": other}, references, one, ~one, "unet")
    assert [shown.label for shown in drawn] == ["R1", "R2", "network (unet)", "reference", "breast mask"]
    table = against_table(Case("a", "p", one, {"R1": one, "R2": other}), "intersection", "drop")
    assert [row[:2] for row in table.rows] == [
        ["network", "reference"],
        ["network", "R1"],
        ["network", "R2"],
        ["R1", "R2"],
    ]
    assert table.rows[1][2] == "1.000" and table.rows[0][2] == "0.857"
    assert references_of({"R1": one}, ["R1", "R2"], "union") == {}


class FewTree(Tree):
    """The results of the report's tests, with the comparison of the first raters alone."""

    def __init__(self, folder, raters, **given):  # type: ignore[no-untyped-def]
        self.raters = raters
        super().__init__(folder, **given)

    def compare(self, arm, cases):  # type: ignore[no-untyped-def]
        own = [replace(case, readers={name: case.readers[name] for name in self.raters}) for case in cases]
        for name, table in against_in_full(own, Settings(draws=200)).items():
            self.write("compare", f"compare/{arm}/{name}.tsv", table.to_csv(sep="\t", index=False))

    def located(self, arm, cases):  # type: ignore[no-untyped-def]
        """No such table."""


def results_of(tmp_path, readers, **given):  # type: ignore[no-untyped-def]
    tree = FewTree(tmp_path, readers["test"], **given)
    config = configuration(
        **{name: raw(readers).get(name) for name in ("readers", "arms", "selection", "learning_curve")}
    )
    return read_results(tree.files, config, tree.sheet)


def text_of(page: str) -> str:
    page = re.sub(r"<script.*?</script>|<style.*?</style>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page)).replace("&#39;", "'")


@pytest.mark.parametrize("raters", [["R1"], ["R1", "R2"]])
@pytest.mark.parametrize("made_by", ["people", "software"])
def test_the_pages_say_first_that_there_is_no_verdict_and_give_the_number(tmp_path, raters, made_by) -> None:  # type: ignore[no-untyped-def]
    results = results_of(tmp_path, {"test": raters, "made_by": made_by})
    pages = build(results, TEMPLATES)
    row = results.table("main").iloc[0]
    start = text_of(pages["index.html"])
    said = start.index("Equivalence and consensus are not available: each case has")
    number = f"is {row['mean']:.3f} (95 % interval {row['mean_low']:.3f} to {row['mean_high']:.3f})"
    assert said < start.index("How far readers are from one another") < start.index(number) < start.index("Cases in")
    assert "Too few cases for a verdict" not in start and "Confirmatory" not in start
    everything = " ".join(text_of(page) for name, page in pages.items() if name.endswith(".html"))
    for claim in ("bracket", "Wilcoxon", "TOST", "Equivalent to", "non-inferior", "these 4 readers", "0 readers"):
        assert claim not in everything, claim
    if made_by == "software":
        assert "made by software" in start
        assert not re.findall(
            r"(?:the|one|a|each|two) readers?'s? outline|outline of one reader|by a reader|R1, a reader", everything
        )
        assert "readers' outlines" not in everything and "any reader" not in everything
    else:
        assert "software" not in start
    assert ("R1 " in text_of(pages["comparison.html"])) and ("the two against one another" in start) == (
        len(raters) == 2
    )


def test_the_headline_numbers_are_those_of_the_table(tmp_path) -> None:  # type: ignore[no-untyped-def]
    results = results_of(tmp_path, {"test": ["R1", "R2"]})
    lines = dict(line.split("\t")[:2] for line in headline(results).splitlines())
    main = results.table("main")
    assert float(lines["unet, main, network on reference, mean"]) == main.iloc[0]["mean"]
    assert float(lines["unet, main, R1 on R2, median"]) == main.iloc[3]["median"]
    assert not [name for name in lines if "equivalence" in name or ", note" in name]


def test_a_case_without_a_common_voxel_leaves_and_the_page_says_why(tmp_path) -> None:  # type: ignore[no-untyped-def]
    results = results_of(tmp_path, {"test": ["R1"]}, empty=("T3",))
    assert results.table("cases").set_index("case")["references_used"]["T3"] == 0
    data = text_of(build(results, TEMPLATES)["data.html"])
    assert "the reference of this case is empty" in data and "left-out reader" not in data


def test_the_network_for_another_site_says_what_it_was_compared_with(tmp_path) -> None:  # type: ignore[no-untyped-def]
    results = results_of(tmp_path, {"test": ["R1"], "made_by": "software"})
    scores = results.table("cases").rename(columns={"dice_network": "dice"})
    maxima = scores.assign(label="malignant", section_maximum=0.9, breast_maximum=0.9)
    tables = {"main": results.table("main"), "scores": scores, "maxima": maxima}
    config = results.config
    found = measured(tables, config)
    assert found.sentences[0] == against.estimate(results.table("main"), config).headline
    words = " ".join([*found.data, *found.sentences[2:], found.references])
    assert "the reference made by software" in words and "outlined by" not in words


def test_words_and_methods_name_a_program_a_program() -> None:
    assert words_of({"test": READERS, "made_by": "people"}) == MANY
    for names in (["R1"], ["R1", "R2"]):
        block = {"test": names, "made_by": "software", "anonymous": False}
        said = " ".join(outlined(block)) + words_of(block).question + words_of(block).drawn
        assert "software" in said and not re.search(r"by (one|two) reader|reader's", said)
        config = {"readers": block, "compare": {"reference": "union", "alpha": 0.05, "bootstrap": 100}}
        methods = " ".join(comparison(config, "empty ones leave"))
        assert "Equivalence was not tested" in methods and ("description" in methods) == (len(names) == 2)
