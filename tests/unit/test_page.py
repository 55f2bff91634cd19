"""The page of a case: outlines as paths, mosaics of a volume, curve, numbers, close-up, size."""

import io
import re
from dataclasses import replace
from pathlib import Path

import jobs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from radparity.compare.scores import Case, score
from radparity.grid import BreastGrid, resample, same_view
from radparity.page.case import Content, Network, Rules, variables
from radparity.page.contour import svg_path
from radparity.page.curve import Curve, drawing, relative
from radparity.page.mosaic import frame_of, mosaic, probability_mosaic, tiles
from radparity.page.numbers import dice_table, size_table
from radparity.page.thumbnail import LIMIT, thumbnail
from radparity.page.view import plane_of, read_view, shown_section, view_of
from radparity.report.flow import NO_REFERENCE
from radparity.report.frame import CASES, PAGES, frame
from radparity.report.templates import templates

ROOT = Path(__file__).parents[2]
RULES = Rules("unet", ["R1", "R2", "R3", "R4"], "intersection", "drop")
WHO = {"exam": "E1", "patient": "P1", "side": "left", "label": "malignant", "partition": "test"}


def rings(path):
    """The corners of each closed part of an SVG path with the commands M, h, v, l and z, relative but for M."""
    found = []
    for part in filter(None, path.split("z")):
        numbers = [(command, [int(n) for n in re.findall(r"-?\d+", said)])
                   for command, said in re.findall(r"([Mhvl])([^Mhvlz]*)", part)]  # fmt: skip
        x, y = numbers[0][1]
        corners = [(x, y)]
        for command, by in numbers[1:]:
            step = {"h": (by[0], 0), "v": (0, by[0]), "l": tuple(by)}[command]
            x, y = x + step[0], y + step[1]
            corners.append((x, y))
        found.append(corners)
    return found


def filled(path, shape):
    """The voxels (anterior, superior) whose centres lie inside a path, by the even-odd rule."""
    from matplotlib.path import Path as Ring

    anterior, superior = np.indices(shape)
    centres = np.column_stack([2 * anterior.ravel() + 1, 2 * (shape[1] - superior.ravel()) - 1])
    inside = np.zeros(anterior.size, dtype=bool)
    for corners in rings(path):
        inside ^= Ring([*corners, corners[0]], closed=True).contains_points(centres)
    return inside.reshape(shape)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)))
def test_filling_a_path_gives_the_mask_back(mask):
    assert np.array_equal(filled(svg_path(mask), mask.shape), mask)


def test_an_empty_mask_has_no_path():
    assert svg_path(np.zeros((4, 5), bool)) == ""


def ball(shape, centre, radius):
    return sum((axis - c) ** 2 for axis, c in zip(np.indices(shape), centre, strict=True)) <= radius**2


def decoded(made):
    """The sections of a mosaic, (section, row, column)."""
    sheet = np.asarray(Image.open(io.BytesIO(made.data)).convert("L"))
    height, width = made.frame.height, made.frame.width
    rows = sheet.reshape(-1, height, made.columns, width).swapaxes(1, 2).reshape(-1, height, width)
    return rows[: made.sections]


STEP = np.array([3.0, 1.0, 1.0])


@given(st.integers(0, 10), st.integers(12, 47), st.integers(9, 50))
def test_a_voxel_is_found_where_it_was_put(section, anterior, superior):
    breast = np.zeros((11, 60, 64), bool)
    breast[:, 10:50, 6:55] = True
    volume = np.zeros(breast.shape, np.float32)
    volume[section, anterior - 1 : anterior + 2, superior - 1 : superior + 2] = 1
    made = mosaic(volume, breast, STEP, 4_000)
    at, row, column = np.unravel_index(np.argmax(decoded(made)), (11, made.frame.height, made.frame.width))
    assert at == section and len(made.data) <= 4_000
    pixel = [n / whole for n, whole in zip(breast.shape[1:], made.frame.whole, strict=True)]
    assert abs((made.frame.left + column + 0.5) * pixel[0] - (anterior + 0.5)) <= 1.5 + pixel[0]
    assert abs(64 - (made.frame.top + row + 0.5) * pixel[1] - (superior + 0.5)) <= 1.5 + pixel[1]


def test_the_frame_holds_the_breast_and_is_never_finer_than_the_volume():
    breast = ball((9, 70, 50), (4, 40, 20), 12)
    for longest in (24, 48, 128):
        frame = frame_of(breast, STEP, longest, 70)
        assert max(frame.width, frame.height) <= longest + 3 and max(frame.whole) <= 70
        whole = tiles(breast, frame._replace(left=0, top=0, width=frame.whole[0], height=frame.whole[1]))
        assert tiles(breast, frame).sum() == pytest.approx(whole.sum())


def test_a_probability_begins_at_its_own_section():
    volume = np.random.default_rng(1).random((9, 40, 40), np.float32)
    breast = np.ones(volume.shape, bool)
    frame = mosaic(volume, breast, STEP, 20_000).frame
    chance = np.zeros((1, 40, 40))
    chance[0, 10:20, 25:30] = 0.8
    made = probability_mosaic(chance, 6, frame, 4_000)
    assert (made.first, made.sections) == (6, 1) and abs(int(decoded(made).max()) - 204) < 12
    assert probability_mosaic(np.zeros((1, 40, 40)), 6, frame, 4_000) is None


@pytest.mark.parametrize("native, sections", [((6, 20, 24), 6), ((18, 20, 24), 6)])
def test_a_section_is_that_of_the_breasts_grid(native, sections):
    volume = np.random.default_rng(2).random(native).astype(np.float32)
    whole = resample(volume, (sections, 40, 48))
    for section in (0, 3, 5):
        own = resample(plane_of(volume, sections, section)[None], (1, 40, 48))[0]
        np.testing.assert_allclose(own, whole[section], rtol=1e-5)


def test_which_section_is_shown():
    assert shown_section({"section": 4}, 2, 9) == (4, "readers")
    assert shown_section({"status": "excluded"}, 2, 9) == (2, "sheet")
    assert shown_section(None, None, 9) == (4, "middle")
    assert shown_section(None, 20, 9) == (4, "middle")


def test_a_curve_is_the_mean_signal_in_the_mask():
    phases = np.random.default_rng(3).random((12, 10, 4)) + 1
    mask = ball((12, 10), (5, 5), 3)
    direct = [100 * sum(phases[..., k][mask]) / sum(phases[..., 0][mask]) for k in range(4)]
    assert relative(phases, mask) == pytest.approx(direct) and relative(phases, ~np.ones_like(mask)) == ()
    drawn = drawing([Curve("network", tuple(direct), "#000", "")], [0.0, 60.0, 130.0, 200.0])
    assert [row[1] for row in drawn.table.rows] == [f"{value:.1f}" for value in direct]
    assert drawn.table.head[0] == "time, s" and "200 s" in drawn.svg
    unknown = drawing([Curve("network", tuple(direct), "#000", "")], [None, 60.0, 130.0, 200.0])
    assert unknown.table.head[0].startswith("phase") and [row[0] for row in unknown.table.rows] == list("0123")
    assert drawing([Curve("network", (), "#000", "")], [0.0]) is None


def outlines(shape, count=4):
    return {f"R{k + 1}": ball(shape, (shape[0] / 2 + k, shape[1] / 2), shape[0] / 6 + k) for k in range(count)}


def test_numbers_are_those_of_the_comparison():
    readers = outlines((40, 44))
    case = Case("C1", "P1", ball((40, 44), (22, 20), 7), readers, (0.5, 0.5))
    table, scores = dice_table(case, "intersection", "drop"), score([case], "intersection", "drop")
    assert [row[:3] for row in table.rows[:-1]] == [
        [row["reference"], f"{row['dice_network']:.3f}", f"{row['dice_reader']:.3f}"] for _, row in scores.iterrows()
    ]
    assert table.rows[-1][1] == f"{scores['dice_network'].mean():.3f}"
    [[_, area, diameter]] = size_table({"network": case.network}, (0.5, 0.5)).rows
    assert float(area) == pytest.approx(case.network.sum() / 4, abs=0.05)
    assert float(diameter) == pytest.approx(2 * np.sqrt(case.network.sum() / 4 / np.pi), abs=0.05)


def content(shape=(24, 112, 112), seed=0, **more):
    """A case of noise, which no picture format makes small, with four readers and a network."""
    random = np.random.default_rng(seed)
    affine = np.diag([3.0, 0.8, 0.8, 1.0])
    fine = (shape[0], 2 * shape[1], 2 * shape[2])
    grid = BreastGrid(0, shape[0] - 1, affine, fine, same_view(affine, shape, fine), False)
    breast = ball(fine, [n / 2 for n in fine], fine[1] / 2)
    phases = random.random((*shape, 4), np.float32) * 500
    view = view_of(phases, grid, breast, random.random(fine, np.float32), shape[0] // 2)
    readers = outlines(view.shape)
    network = Network(random.random((1, *view.shape), np.float32), view.section, readers["R2"], view.section)
    quality = [{"phase": k, "likeness_before": 0.5} for k in range(4)]
    ok = {"status": "ok"}
    records = {
        "convert": ok | {"times_s": [0.0, 100.0, 200.0, 300.0]},
        "register": ok | {"quality": quality, "method": "affine", "engine": "ants"},
        "predict": ok | {"networks": 3, "first_section": view.section},
        "segment": ok | {"section_maximum": 0.9, "fraction": 0.1},
        "view": ok | {"section_chosen_by": "readers"},
    }
    digests = {f"results/{stage}/E1/{stage}.json": "a" * 64 for stage in records}
    return Content("E1L", WHO, records, digests, view, readers, network, **more)


def rendered(case):
    page = templates(ROOT / "workflow/report").get_template("case.html.j2")
    return page.render(frame("noise", CASES, PAGES, "../") | variables(case, RULES))


@pytest.fixture(scope="module")
def large():
    return content((60, 256, 256))


def test_a_page_and_its_strip_stay_small_even_where_the_images_are_noise(large):
    page = rendered(large).encode()
    own = large.view.phases
    strip = thumbnail(
        own[..., 2], own[..., 0], own[..., 1], large.view.breast, large.readers, large.view.spacing_mm[1:]
    )
    assert len(strip) <= LIMIT
    assert len(page) + len(strip) < 93_000  # and 7,000 for their ledger entries
    with Image.open(io.BytesIO(strip)) as image:
        assert image.width > 3 * image.height


def test_the_same_case_gives_the_same_bytes(tmp_path):
    first, second = content(seed=4), content(seed=4)
    assert rendered(first) == rendered(second) != rendered(content(seed=5))
    first.view.write(tmp_path / "first.npz")
    second.view.write(tmp_path / "second.npz")
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    again = read_view(tmp_path / "first.npz")
    assert again.t1c == first.view.t1c and again.dce_in == first.view.dce_in
    np.testing.assert_array_equal(again.phases, first.view.phases)
    np.testing.assert_array_equal(again.breast, first.view.breast)


def test_the_strip_shows_what_is_outlined_and_not_how_the_readers_agree():
    case = content()
    own, one = case.view.phases, case.readers["R1"]
    union = np.any(list(case.readers.values()), axis=0)

    def drawn(readers):
        return thumbnail(own[..., 2], own[..., 0], own[..., 1], case.view.breast, readers, case.view.spacing_mm[1:])

    alike, apart = {"R1": union, "R2": union}, {"R1": one, "R2": union & ~one}
    assert drawn(case.readers) == drawn(alike) == drawn(apart) == drawn({"R3": union})
    assert len({drawn(case.readers), drawn({"R1": one}), drawn({})}) == 3


def test_what_is_marked_lies_inside_the_close_up():
    near = variables(content(), RULES)["section"]["near"]
    marked = np.any(list(content().readers.values()), axis=0)
    where = np.argwhere(marked) / marked.shape
    across = near["left"] + 100 * near["times"] * where[:, 0]
    down = near["top"] + 100 * near["times"] * (1 - where[:, 1])
    assert near["times"] > 1 and across.min() > 0 and across.max() < 100 and down.min() > 0 and down.max() < 100
    assert near["left"] <= 0 and near["left"] + 100 * near["times"] >= 99.9


def test_an_excluded_case_says_where_and_why_and_has_no_images():
    gone = {"stage": "convert", "status": "excluded", "code": "conversion_failed", "sentence": "no volume came out"}
    page = rendered(Content("E1L", WHO, {"intake": {"status": "ok"}, "convert": gone, "harmonize": gone}, {}))
    assert "Excluded at convert, conversion_failed: no volume came out" in page
    assert "<canvas" not in page and "<img" not in page and 'type="checkbox"' not in page


def test_a_test_case_that_no_reference_can_judge_left_at_the_comparison():
    """As the flow chart and the list of cases have it, by the comparison's own policy."""
    full = content()
    apart = {f"R{k + 1}": ball(full.view.shape, (30 + 40 * k, 100), 6) for k in range(4)}
    scattered = replace(full, readers=apart)
    assert "<dd>in the study</dd>" in rendered(full)
    page = rendered(scattered)
    assert "<dd>excluded at compare</dd>" in page and f"{NO_REFERENCE[0]}: {NO_REFERENCE[1]}." in page
    assert variables(scattered, replace(RULES, empty="zero"))["left"] is None
    assert variables(scattered, replace(RULES, reference="union"))["left"] is None
    assert variables(replace(scattered, who=WHO | {"partition": "tuning"}), RULES)["left"] is None


@pytest.mark.parametrize(("rule", "joined"), [("intersection", np.logical_and), ("union", np.logical_or)])
def test_of_two_raters_the_curve_is_taken_in_the_reference_of_the_study(rule, joined):
    case = content()
    drawn = {name: case.readers[name] for name in ("R1", "R2")}
    assert (drawn["R1"] != drawn["R2"]).any()
    shown = variables(replace(case, readers=drawn), replace(RULES, readers=["R1", "R2"], reference=rule))
    curve = shown["curve"].table
    inside = relative(case.view.on_grid(), joined(*drawn.values()))
    assert curve.head[-1] == "reference" and [row[-1] for row in curve.rows] == [f"{value:.1f}" for value in inside]


@pytest.mark.parametrize("pilot", [True, False])
def test_the_page_of_a_case_of_a_pilot_says_so(tmp_path, pilot):
    made = {"page": "results/report/cases/{breast}.html", "thumbnail": "results/report/cases/{breast}.webp"}
    params = {"study": "noise", "virtual": False, "pilot": pilot, "arm": "unet", "readers": ["R1", "R2"]}
    params |= {
        "reference": "intersection",
        "empty_reference": "drop",
        "made_by": "people",
        "unit": "breast",
        "cases": {"E1L": WHO},
    }
    rule = {
        "rule": "page_case",
        "wildcards": {"batch": "one"},
        "input": {"templates": [str(ROOT / f"workflow/report/{name}.html.j2") for name in ("base", "macros", "case")]},
        "output": {"batch": "results/report/cases/batch_one.json"},
        "params": params | {"files": {}, "made": made, "code": "1"},
    }
    code, said = jobs.run(tmp_path, (ROOT / "workflow/scripts/page_case.py").read_text(), rule)
    assert code == 0, said
    page = (tmp_path / "results/report/cases/E1L.html").read_text()
    assert ('<p class="stamp">This is a pilot' in page) == ("<title>Pilot. " in page) == pilot


def test_a_case_without_readers_or_network_shows_what_there_is():
    full = content()
    records = {k: v for k, v in full.records.items() if k not in ("segment", "predict")}
    records["view"] = {"status": "ok", "section_chosen_by": "middle"}
    page = rendered(Content("E1L", WHO | {"partition": "development"}, records, {}, full.view))
    assert "nobody has outlined" in page and "probability" not in page.split("volume-data")[0].split("<main")[1]
    assert page.count('type="checkbox"') == 1 and 'id="curve"' not in page and 'id="numbers"' not in page


def test_a_network_on_another_section_is_said_and_drawn_in_the_volume_only():
    full = content()
    there = Network(full.network.probability, 3, full.network.mask, 3)
    shown = variables(Content("E1L", WHO, full.records, {}, full.view, {}, there), RULES)
    assert shown["section"]["elsewhere"] == 3 and [s.name for s in shown["section"]["stills"]][-1] == "T2"
    assert [mask["section"] for mask in shown["volume"]["masks"]] == [3]
    assert shown["volume"]["layers"]["probability"]["first"] == 3
