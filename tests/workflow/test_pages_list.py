"""The list of cases and the figures to point at do in a browser what they say, by the tables of the study itself."""

import csv
import json

import pandas as pd
import pytest
from pages import visit

REPORT = "results/report"


@pytest.fixture(scope="module")
def cases(finished):
    """Every case with its partition, and what the comparison says of it."""
    folder = finished.folder
    sheet = pd.read_csv(folder / "resources/demo/breasts.tsv", sep="\t", dtype=str).set_index("breast")
    table = pd.read_csv(folder / "results/compare/unet/cases.tsv", sep="\t", dtype={"case": str}).set_index("case")
    return sheet.join(table)


@pytest.fixture
def listed(finished, browser):
    with visit(browser, finished.folder / REPORT / "cases.html", accept_downloads=True) as page:
        yield page
        assert page.faults == []


def names(page):
    return page.locator("#cases tbody th").all_inner_texts()


def column(page, name):
    place = page.locator("#cases thead th").evaluate_all(
        "(all, name) => all.findIndex((h) => h.dataset.column === name)", name
    )
    return page.locator(f"#cases tbody tr > :nth-child({place + 1})").all_inner_texts()


def head(page, name):
    return page.locator(f"#cases th[data-column={name}]")


def test_the_list_holds_every_case_and_links_it(listed, cases, finished, screenshots):
    assert sorted(names(listed)) == sorted(cases.index)
    assert listed.inner_text("#count") == f"{len(cases)} of {len(cases)} cases"
    links = listed.locator("#cases tbody a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    assert links and all((finished.folder / REPORT / link).is_file() for link in links)
    listed.screenshot(path=screenshots / "cases.png", full_page=True)


def test_a_heading_sorts_by_its_numbers_both_ways_and_says_so(listed, cases):
    test = cases.dropna(subset=["difference"])
    rising = test.sort_values("difference").index.tolist()
    head(listed, "difference").get_by_role("button").click()
    assert names(listed)[: len(test)] == rising
    assert head(listed, "difference").get_attribute("aria-sort") == "ascending"
    head(listed, "difference").get_by_role("button").press("Enter")
    assert names(listed)[: len(test)] == rising[::-1]  # cases without a value stay last
    assert head(listed, "difference").get_attribute("aria-sort") == "descending"
    assert head(listed, "breast").get_attribute("aria-sort") == "none"


def test_filters_and_search_show_what_the_tables_say(listed, cases):
    listed.select_option("#filter-partition", "test")
    assert sorted(names(listed)) == sorted(cases.index[cases["partition"] == "test"])
    low, high = cases["dice_network"].quantile([0.3, 0.8])
    listed.fill("#filter-from", f"{low:.3f}")
    listed.fill("#filter-to", f"{high:.3f}")
    kept = cases.index[cases["dice_network"].round(4).between(round(low, 3), round(high, 3))]
    assert sorted(names(listed)) == sorted(kept)
    assert listed.inner_text("#count") == f"{len(kept)} of {len(cases)} cases"
    listed.get_by_role("button", name="clear").click()
    assert len(names(listed)) == len(cases)
    exam = cases["exam"].iloc[0]
    listed.fill("#filter-text", f"{exam.lower()} {cases['side'].iloc[0]}")
    assert names(listed) == list(cases.index[(cases["exam"] == exam) & (cases["side"] == cases["side"].iloc[0])])
    listed.fill("#filter-text", "nobody is called this")
    assert names(listed) == [] and listed.inner_text("#count") == f"0 of {len(cases)} cases"


def test_an_excluded_case_is_found_by_its_status(listed, finished):
    flow = list(csv.DictReader((finished.folder / REPORT / "flow.tsv").open(), delimiter="\t"))
    listed.select_option("#filter-status", "ok")
    assert len(names(listed)) == sum(int(row["breasts"]) for row in flow if row["status"] == "ok")
    for row in (row for row in flow if row["status"] == "excluded"):
        why = row["rule"] or row["code"].replace("_", " ")
        listed.select_option("#filter-status", f"excluded at {row['stage']}: {why}")
        assert len(names(listed)) >= int(row["breasts"])


def test_the_address_brings_the_same_list_back(listed, finished, browser):
    listed.select_option("#filter-partition", "test")
    listed.fill("#filter-text", "malignant")
    head(listed, "dice_network").get_by_role("button").click(click_count=1)
    before, address = names(listed), listed.url
    assert "partition=test" in address and "sort=dice_network" in address
    with visit(browser, finished.folder / REPORT / "cases.html") as other:
        other.goto(address)
        assert names(other) == before
        assert other.input_value("#filter-partition") == "test" and other.input_value("#filter-text") == "malignant"
        other.evaluate("location.hash = '#label=benign'")
        other.wait_for_function("document.getElementById('filter-partition').value === ''")
        assert set(column(other, "label")) == {"benign"}
        assert other.faults == []


def test_the_saved_table_holds_the_listed_cases(listed, cases):
    listed.select_option("#filter-partition", "test")
    head(listed, "dice_network").get_by_role("button").click()
    with listed.expect_download() as saving:
        listed.click("#export")
    saved = pd.read_csv(saving.value.path(), sep="\t", dtype={"breast": str}).set_index("breast")
    assert saved.index.tolist() == names(listed)
    expected = cases.loc[saved.index]
    assert saved["dice_network"].tolist() == pytest.approx(expected["dice_network"].tolist(), abs=5e-5, nan_ok=True)
    assert saved["exam"].tolist() == expected["exam"].tolist()


def test_keys_search_walk_open_and_go_through_the_cases(listed, cases):
    listed.select_option("#filter-partition", "test")
    order = names(listed)
    listed.locator("h1").click()
    listed.keyboard.press("/")
    assert listed.evaluate("document.activeElement.id") == "filter-text" and listed.input_value("#filter-text") == ""
    listed.keyboard.press("ArrowDown")
    listed.keyboard.press("ArrowDown")
    assert listed.evaluate("document.activeElement.cells[0].textContent") == order[1]
    listed.keyboard.press("ArrowUp")
    listed.keyboard.press("Enter")
    listed.wait_for_url(f"**/cases/{order[0]}.html")
    assert f"1 of {len(order)} cases" in listed.inner_text("#neighbours")
    listed.keyboard.press("]")
    listed.wait_for_url(f"**/cases/{order[1]}.html")
    assert order[0] in listed.inner_text("#neighbours")
    listed.locator("#neighbours a", has_text="cases").click()
    listed.wait_for_url("**/cases.html#partition=test")
    assert names(listed) == order


def test_without_scripts_the_list_is_a_table_with_links(finished, browser, cases, screenshots):
    with visit(browser, finished.folder / REPORT / "cases.html", java_script_enabled=False) as page:
        assert sorted(names(page)) == sorted(cases.index)
        assert not page.is_visible("#filters") and not page.is_visible("#export")
        page.screenshot(path=screenshots / "cases_without_scripts.png", full_page=True)
        page.locator("#cases tbody a").first.click()
        assert "/cases/" in page.url
    with visit(browser, finished.folder / REPORT / "comparison.html", java_script_enabled=False) as page:
        assert all(still.is_visible() for still in page.locator(".interactive .still").all())


POINTS = "#figure-interactive-dice [aria-roledescription=point]"


@pytest.fixture
def compared(finished, browser):
    with visit(browser, finished.folder / REPORT / "comparison.html") as page:
        figures = page.locator("figure.interactive")
        page.wait_for_function(
            "(n) => document.querySelectorAll('figure.interactive.drawn').length === n", arg=figures.count()
        )
        yield page
        assert page.faults == []


def test_every_case_is_a_point_that_names_it(compared, cases, screenshots):
    test = cases.dropna(subset=["dice_network"]).sort_values("dice_reader", kind="stable")
    points = compared.locator(POINTS)
    assert points.count() == len(test)
    assert compared.locator("figure.interactive.drawn .still:visible").count() == 0
    for position, (case, row) in enumerate(test.iterrows()):
        assert f"case: {case};" in points.nth(position).get_attribute("aria-label")
        if position in (0, len(test) - 1):
            points.nth(position).hover(force=True)
            tip = compared.locator("#vg-tooltip-element.visible")
            tip.filter(has_text=case).wait_for()
            assert f"{row['dice_network']:.3f}" in tip.inner_text() and f"{row['dice_reader']:.3f}" in tip.inner_text()
    compared.locator("#point").screenshot(path=screenshots / "comparison_points.png")


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_point_opens_its_case(compared, cases, how):
    test = cases.dropna(subset=["dice_network"]).sort_values("dice_reader", kind="stable").index
    points = compared.locator(POINTS)
    if how == "click":
        points.nth(1).click(force=True)
    else:
        points.nth(0).focus()
        compared.keyboard.press("ArrowRight")
        assert f"case: {test[1]};" in compared.evaluate("document.activeElement.getAttribute('aria-label')")
        compared.keyboard.press("Enter")
    compared.wait_for_url(f"**/cases/{test[1]}.html")


def test_the_figures_draw_the_tables_numbers(compared, cases):
    data = json.loads(compared.locator("#figure-data").text_content())
    assert {row["case"]: row["network"] for row in data} == cases["dice_network"].dropna().round(4).to_dict()
