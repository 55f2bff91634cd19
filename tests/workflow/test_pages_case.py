"""The pages of cases in a browser: outlines come and go, the volume draws, the numbers are the comparison's."""

import io
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from pages import visit
from PIL import Image

from radparity.record import read

OPENED = "window.volumeView && !document.getElementById('volume-view').hidden"
EACH = 100_000


@pytest.fixture(scope="module")
def report(finished):
    return finished.folder / "results/report"


@pytest.fixture(scope="module")
def tables(finished):
    folder = finished.folder / "results/compare/unet"
    return {name: pd.read_csv(folder / f"{name}.tsv", sep="\t") for name in ("scores", "cases", "sizes")}


@pytest.fixture(scope="module")
def tested(tables):
    """A test case, the first of the comparison."""
    return str(tables["cases"]["case"].iloc[0])


@pytest.fixture(scope="module")
def opened(browser, report, tested):
    """The page of that case with its volume."""
    with visit(browser, report / f"cases/{tested}.html") as page:
        page.click("#open-volume")
        page.wait_for_function(OPENED, timeout=60_000)
        yield page


def pixels(page, where="#volume-canvas"):
    page.wait_for_timeout(300)
    return np.asarray(Image.open(io.BytesIO(page.locator(where).screenshot())).convert("RGB")).astype(float)


def rows(page, table):
    found = page.locator(f"#table-{table} tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("td").all()] for row in found]


def test_every_case_has_a_page_and_a_strip_and_both_are_small(finished, report):
    sheet = pd.read_csv(finished.folder / "resources/demo/breasts.tsv", sep="\t")
    assert {path.stem for path in (report / "cases").glob("*.html")} == set(sheet["breast"])
    for breast in sheet["breast"]:
        own = list((report / "cases").glob(f"{breast}.*"))
        assert len(own) == 4 and sum(path.stat().st_size for path in own) <= EACH, breast
        with Image.open(report / f"cases/{breast}.webp") as strip:
            assert strip.format == "WEBP"


def test_a_page_says_where_its_case_ended_as_the_list_does(report):
    script = (report / "assets/cases.js").read_text()
    listed = json.loads(re.search(r"window\.CASES = (\{.*\});", script, re.DOTALL)[1])
    place, found = listed["columns"].index("status"), {}
    for row in listed["rows"]:
        page = (report / f"cases/{row[0]}.html").read_text()
        found[row[0]] = re.search(r"<dt>status</dt><dd>(.*?)</dd>", page)[1].replace("in the study", "ok")
    assert found == {row[0]: row[place].split(":")[0] for row in listed["rows"]}


def test_the_numbers_are_those_of_the_comparison(browser, report, tables):
    for case in tables["cases"]["case"]:
        scores, sizes = (tables[name][tables[name]["case"] == case] for name in ("scores", "sizes"))
        with visit(browser, report / f"cases/{case}.html") as page:
            shown = {name: [network, reader] for name, network, reader, _ in rows(page, "dice")}
            areas = {name: float(area) for name, area, _ in rows(page, "sizes")}
        for row in scores.to_dict("records"):
            wanted = [row["dice_network"], row["dice_reader"]]
            assert shown[row["reference"]] == ["" if np.isnan(v) else f"{v:.3f}" for v in wanted]
        mean = tables["cases"].set_index("case").loc[case, "dice_network"]
        assert shown["averaged"][0] == ("" if np.isnan(mean) else f"{mean:.3f}")
        # What the page prints may round the last digit of a half otherwise.
        assert areas == pytest.approx(dict(zip(sizes["rater"], sizes["size"], strict=True)), abs=0.0501)


@pytest.mark.parametrize("scripts", [True, False])
def test_each_outline_comes_and_goes_alone(browser, report, tested, scripts):
    with visit(browser, report / f"cases/{tested}.html", java_script_enabled=scripts) as page:
        keys = [box.get_attribute("id").removeprefix("show-") for box in page.locator("[id^=show-]").all()]
        assert len(keys) > 5

        def seen():
            return {key for key in keys if page.locator(f".stills .{key}").first.evaluate(SHOWN)}

        SHOWN = "element => getComputedStyle(element).display !== 'none'"
        for key in keys:
            before, image = seen(), pixels(page, ".plane >> nth=1")
            box = page.locator(f"#show-{key}")
            box.set_checked(not box.is_checked())
            assert seen() ^ before == {key}
            assert np.abs(pixels(page, ".plane >> nth=1") - image).max() > 20
            box.set_checked(not box.is_checked())
            assert seen() == before
        if scripts:
            before = seen()
            page.keyboard.press("1")
            assert seen() ^ before == {keys[0]}
            page.keyboard.press("0")
            page.keyboard.press("0")
            assert seen() == set(keys)
        assert page.faults == []


def test_the_close_up_enlarges_image_and_outlines_together(browser, report, tested, screenshots):
    with visit(browser, report / f"cases/{tested}.html") as page:
        page.screenshot(path=screenshots / "case.png", full_page=True)
        page.keyboard.press("z")
        image, drawn = (page.locator(f".plane {kind} >> nth=0").bounding_box() for kind in ("img", "svg"))
        frame = page.locator(".plane").first.bounding_box()
        assert image == pytest.approx(drawn, abs=0.5) and image["width"] > 1.2 * frame["width"]
        page.locator("#section").screenshot(path=screenshots / "case_near.png")
        assert page.faults == []


def test_the_volume_draws_and_its_sections_turn(opened, screenshots):
    first = pixels(opened)
    assert first.std() > 10
    opened.locator("#volume").screenshot(path=screenshots / "case_volume.png")
    number = int(opened.locator("#volume-number").inner_text().split()[0])
    opened.focus("#volume-canvas")
    opened.keyboard.press("ArrowRight")
    assert int(opened.locator("#volume-number").inner_text().split()[0]) == number + 1
    assert np.abs(pixels(opened) - first).mean() > 0.5
    box = opened.locator("#volume-canvas").bounding_box()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.mouse.wheel(0, 120)
    opened.wait_for_timeout(300)
    assert int(opened.locator("#volume-number").inner_text().split()[0]) != number + 1
    opened.locator("#volume-section").fill(str(number))
    np.testing.assert_allclose(pixels(opened), first, atol=2)
    assert opened.faults == []


def test_overlays_and_the_window_change_the_volume(opened, screenshots):
    plain = pixels(opened)
    for name in ("probability", "network", "readers"):
        opened.check(f"#volume-over-{name}")
        assert np.abs(pixels(opened) - plain).max() > 30, name
        opened.uncheck(f"#volume-over-{name}")
        np.testing.assert_allclose(pixels(opened), plain, atol=2)
    opened.check("#volume-over-network")
    opened.locator("#volume").screenshot(path=screenshots / "case_volume_network.png")
    opened.uncheck("#volume-over-network")
    opened.locator("#volume-white").fill("90")
    assert pixels(opened).mean() > plain.mean() + 2
    opened.locator("#volume-white").fill("255")
    opened.check("input[value=dce_in]")
    assert np.abs(pixels(opened) - plain).mean() > 1
    opened.check("input[value=t1c]")
    np.testing.assert_allclose(pixels(opened), plain, atol=2)
    assert opened.faults == []


def test_the_volume_lies_as_the_still_images_do(opened):
    """What is drawn on the canvas is the page's T1c, neither turned nor mirrored."""
    still, size = opened.evaluate(
        """() => {
          const given = JSON.parse(document.getElementById("volume-data").textContent);
          const { whole, left, top, width, height } = given.layers.t1c.frame;
          const context = document.createElement("canvas").getContext("2d");
          context.canvas.width = whole[0];
          context.canvas.height = whole[1];
          context.drawImage(document.querySelector("img[alt^=T1c]"), 0, 0, ...whole);
          const found = context.getImageData(left, top, width, height).data.filter((_, k) => k % 4 === 0);
          return [[...found], [width, height, width * given.spacing_mm[1], height * given.spacing_mm[2]]];
        }"""
    )
    width, height, *mm = size
    drawn = pixels(opened).mean(axis=2)
    scale = min(drawn.shape[1] / mm[0], drawn.shape[0] / mm[1])
    shown = [round(n * scale) for n in mm]
    left, top = ((whole - own) // 2 for whole, own in zip(drawn.shape[::-1], shown, strict=True))
    here = drawn[top : top + shown[1], left : left + shown[0]]
    there = np.asarray(Image.fromarray(np.reshape(still, (height, width)).astype(np.uint8)).resize(here.shape[::-1]))
    alike = {"as it is": there, "mirrored": there[:, ::-1], "upside down": there[::-1], "turned": there[::-1, ::-1]}
    found = {name: np.corrcoef(here.ravel(), image.astype(float).ravel())[0, 1] for name, image in alike.items()}
    assert max(found, key=found.get) == "as it is" and found["as it is"] > 0.9, found


def test_the_volumes_mask_is_the_networks(opened, finished, tested):
    """The outline, filled in the browser, holds what the mask on disk holds, at the same place."""
    from radparity.image import load

    centre = opened.evaluate(
        """() => {
          const given = JSON.parse(document.getElementById("volume-data").textContent), view = window.volumeView;
          const { width, height, left, top, whole } = given.layers.t1c.frame;
          let n = 0, x = 0, y = 0, elsewhere = 0;
          for (let section = 0; section < given.sections; section++)
            for (let row = 0; row < height; row++)
              for (let column = 0; column < width; column++)
                if (view.over.network[view.index(section, row, column)]) {
                  if (section !== given.section) elsewhere++;
                  n++; x += (left + column + 0.5) / whole[0]; y += (top + row + 0.5) / whole[1];
                }
          return [x / n, y / n, n / (whole[0] * whole[1]), elsewhere, given.section];
        }"""
    )
    results = finished.folder / "results"
    mask = load(results / f"segment/unet/{tested}/mask.nii.gz", np.uint8)[0][0] > 0
    share = (np.argwhere(mask) + 0.5) / mask.shape
    assert centre[:2] == pytest.approx([share[:, 0].mean(), 1 - share[:, 1].mean()], abs=0.01)
    assert centre[2] == pytest.approx(mask.mean(), rel=0.25) and centre[3] == 0
    assert centre[4] == read(results / f"segment/unet/{tested}/segment.json")["section"]


def test_without_webgl_the_page_says_so(browser, report, tested):
    with visit(browser, report / f"cases/{tested}.html") as page:
        page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
        page.focus("#open-volume")
        page.keyboard.press("Enter")
        assert "no WebGL 2" in page.locator("#volume-said").inner_text()


def test_a_page_that_is_gone_is_made_again_alone_and_the_same(finished, tmp_path, tested):
    study = finished.copy(tmp_path / "study")
    cases = study.folder / "results/report/cases"
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in cases.glob("*.html")}
    batch = next(path for path in cases.glob("batch_*_of_?.json") if tested in read(path)["cases"])
    for path in (*cases.glob(f"{tested}.*"), batch):
        path.unlink()
    code, out = study.snakemake("page")
    assert code == 0, out[-3000:]
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in cases.glob("*.html")}
    assert {name: data for name, (data, _) in after.items()} == {name: data for name, (data, _) in before.items()}
    assert {name for name in after if after[name][1] != before[name][1]} == {f"{tested}.html"}
    shutil.rmtree(study.folder)
