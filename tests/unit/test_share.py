"""A shared copy tells no small count, not by subtraction either, and nothing of single cases unless it may."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radparity.audit.files import items
from radparity.share.copy import copied, report_files
from radparity.share.counts import HIDDEN, bounds, computable, in_sentence, shown, shown_together
from radparity.share.links import dead
from radparity.share.names import Names, numbered
from radparity.share.page import Sharing
from radparity.share.table import Grid, suppressed, withheld
from radparity.share.tree import read_page

SMALLEST = st.integers(3, 7)
COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=3)


def solutions(cells, total, smallest):
    """Every table that would be printed so, by trying all of them."""
    least, most = bounds(total, smallest)
    ranges = [range(low, (most if high is None else high) + 1) for low, high in (bounds(c, smallest) for c in cells)]
    return [counts for counts in itertools.product(*ranges) if least <= sum(counts) <= most]


@given(COUNTS, SMALLEST)
def test_no_suppressed_count_can_be_computed_from_a_column_and_its_total(counts, smallest):
    cells, total = shown_together(counts, smallest), shown(sum(counts), smallest)
    found = solutions(cells, total, smallest)
    assert tuple(counts) in found  # what is printed is true
    for position, cell in enumerate(cells):
        if len(cells) > 1 and (cell == HIDDEN or cell.startswith("<")):
            assert len({solution[position] for solution in found}) > 1


@given(COUNTS, SMALLEST)
def test_what_can_be_computed_is_known_exactly(counts, smallest):
    cells, total = [shown(count, smallest) for count in counts], shown(sum(counts), smallest)
    found = solutions(cells, total, smallest)
    alone = [k for k, c in enumerate(cells) if c.startswith("<") and len({solution[k] for solution in found}) == 1]
    assert computable(cells, total, smallest) == alone


def test_small_counts_that_their_total_would_give_away_are_hidden():
    assert [shown(n, 5) for n in (4, 4, 8)] == ["<5", "<5", "10"]  # 8 at least: so both are 4
    assert shown_together([4, 4], 5) == [HIDDEN, HIDDEN]
    assert shown_together([0, 1, 7, 38], 5) == ["0", "<5", "5", "40"]


@given(st.integers(0, 10**6), SMALLEST)
def test_a_count_lies_within_what_is_printed_for_it(count, smallest):
    low, high = bounds(shown(count, smallest), smallest)
    assert low <= count <= high
    assert (shown(count, smallest) == "0") == (count == 0)
    assert 0 < count < smallest or not shown(count, smallest).startswith("<")


@given(st.integers(0, 10**6))
def test_every_count_is_told_where_the_smallest_cell_is_one(count):
    assert shown(count, 1) == f"{count:,}"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Over 64 test cases the mean is", "Over about 65 test cases the mean is"),
        ("1 of them by a decision", "Fewer than 5 of them by a decision"),
        ("12 of 43 predicted breasts", "About 10 of about 45 predicted breasts"),
        ("for 3 exams of 2 patients", "for fewer than 5 exams of fewer than 5 patients"),
        ("The 40 exams", "The 40 exams"),
        ("the study asks for 48 cases", "the study asks for 48 cases"),
        (
            "Cases left out because a reference is empty: 3.",
            "Cases left out because a reference is empty: fewer than 5.",
        ),
        ("no lesion in 0 cases, Dice 0.8 of 4 readers", "no lesion in 0 cases, Dice 0.8 of 4 readers"),
        ("1,234 malignant breasts", "About 1,235 malignant breasts"),
    ],
)
def test_counts_in_sentences(said, told):
    assert in_sentence(said, 5) == told
    assert in_sentence(said, 1) == said


def grid(head, *rows, words=(0,)):
    return Grid(list(head), [list(row) for row in rows], frozenset(words))


def test_what_rests_on_few_cases_is_blank_and_the_rest_stays():
    table = grid(["subgroup", "cases", "median", "p"], ["a", "3", "0.801", "0.04"], ["b", "12", "0.755", "0.30"])
    assert suppressed(table, 5).rows == [["a", "<5", "", ""], ["b", "10", "0.755", "0.30"]]
    assert suppressed(table, 1).rows == table.rows


def test_a_share_of_cases_goes_where_it_stands_for_few():
    head = ["rater", "cases", "cases with Dice under 0.5"]
    table = grid(head, ["x", "40", "5 %"], ["y", "40", "95 %"], ["z", "40", "50 %"], ["none", "40", "0 %"])
    assert [row[2] for row in suppressed(table, 5).rows] == ["", "", "50 %", "0 %"]


def test_what_two_counts_differ_by_is_not_told_by_a_rate_beside_them():
    head = ["rater", "lesions", "found", "sensitivity", "Wilson's interval"]
    table = grid(head, ["x", "40", "38", "0.950", "0.835 to 0.986"], ["y", "40", "20", "0.500", "0.352 to 0.648"])
    assert suppressed(table, 5).rows[0][3:] == ["", ""]
    assert suppressed(table, 5).rows[1][3:] == ["0.50", "0.35 to 0.65"]


def test_measurements_and_settings_are_no_counts():
    head = ["reference", "cases", "median of the rater", "rank", "p, cases / patients", "the paper's, 250 cases"]
    row = ["R1", "64", "215", "3", "0.013 / 0.016", "0.76"]
    assert suppressed(grid(head, row), 5).rows == [["R1", "65", *row[2:]]]


def test_cells_that_hold_several_counts():
    table = grid(["arm", "cases", "of one alone", "empty references"], ["a", "14 (2 left out)", "14 + 3", "6 (R3)"])
    assert suppressed(table, 5).rows == [["a", "15 (<5 left out)", "15 + <5", "5 (R3)"]]


def test_columns_of_people_dates_and_paths_go():
    table = grid(
        ["decision", "who", "date", "an output of it", "reason"], ["keep", "R5", "2024-03-04", "results/a", "x"]
    )
    assert withheld(table).head == ["decision", "reason"]
    assert withheld(table).rows == [["keep", "x"]]


HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>a &amp; b</title>
<link rel="stylesheet" href="assets/report.css"></head>
<body><p class=plain data-x='1'>1 &lt; 2 &mdash; caf&#233; <br/> <img src="data:," alt="5 cases"></p>
<script>if (a < b && c) { document.write("</p>".length); }</script>
<ul><li>one<li>two</ul></body></html>
"""


def test_a_page_that_is_not_changed_keeps_its_bytes():
    assert str(read_page(HTML)).replace("</li>", "") == HTML.replace("</li>", "")
    page = read_page(HTML)
    picture = next(page.all("img"))
    picture.set("alt", 'fewer than 5 "cases"')
    assert '<img src="data:," alt="fewer than 5 &quot;cases&quot;">' in str(page)


def test_names_are_found_as_words_and_as_the_end_of_words():
    names = Names(["E01", "E01R", "UCSF-BR-06L", "P 7", "12"], {"E01R": "case-001"})
    assert [name for name, _, _ in names.found("E01R, map-E01, 0xE01FF, figure-UCSF-BR-06L.png, P 7, 12")] == [
        "E01R", "E01", "UCSF-BR-06L", "P 7",
    ]  # fmt: skip
    assert names.renamed('<a href="cases/E01R.html">E01R</a> E01') == '<a href="cases/case-001.html">case-001</a> E01'


def test_pictures_keep_their_bytes_though_a_name_stands_in_them():
    names = Names(["E01R"], {"E01R": "case-001"})
    packed = "A" * 90 + "+E01R/" + "B" * 90
    assert names.renamed(f'<img alt="E01R" src="data:image/png;base64,{packed}">') == (
        f'<img alt="case-001" src="data:image/png;base64,{packed}">'
    )


@given(st.sets(st.from_regex(r"[A-Z]{2}[0-9]{2,4}", fullmatch=True), min_size=2, max_size=30), st.integers(0, 9))
def test_new_numbers_are_stable_and_say_nothing_without_the_secret(old, seed):
    names = numbered({"case": old}, seed, b"digests of the raw data")
    assert names == numbered({"case": sorted(old)}, seed, b"digests of the raw data")
    assert sorted(names) == sorted(old) and len(set(names.values())) == len(old)
    orders = {tuple(numbered({"case": old}, seed, bytes([n])).items()) for n in range(40)}
    assert len(orders) > 1


def test_a_figure_loses_the_names_and_what_reads_them():
    specification = {
        "encoding": {
            "tooltip": [{"field": "case"}, {"field": "dice"}],
            "href": {"field": "page"},
            "x": {"field": "dice"},
        },
        "transform": [{"calculate": "'cases/' + datum.case + '.html'", "as": "page"}],
    }
    rows = [{"case": "E01R", "dice": 0.8}, {"case": "E02L", "dice": 0.7}]
    drawn, data = Names(["E01R", "E02L"]).without([specification, rows])
    assert drawn == {"encoding": {"tooltip": [{"field": "dice"}], "x": {"field": "dice"}}, "transform": []}
    assert data == [{"dice": 0.7}, {"dice": 0.8}]


NAMED = st.lists(st.sampled_from([f"E{n:02d}R" for n in range(1, 40)]), min_size=2, max_size=12, unique=True)


@given(NAMED, st.randoms())
def test_the_order_of_rows_says_nothing_of_the_order_in_the_sheets(old, random):
    names = Names(old, numbered({"case": old}, 1, b"secret"))
    rows = [{"case": name, "dice": random.randrange(100) / 100} for name in sorted(old)]
    shuffled = random.sample(rows, len(rows))
    assert names.ordered(rows) == names.ordered(shuffled)
    assert [row["case"] for row in names.ordered(rows)] == sorted(names.new.values())
    assert names.without([rows]) == names.without([shuffled])
    assert sorted(row["dice"] for row in names.without([rows])[0]) == sorted(row["dice"] for row in rows)


PAGE = """<!DOCTYPE html><html lang="en"><head><link rel="stylesheet" href="assets/report.css"></head><body>
<nav><ul><li><a href="index.html">Verdict</a></li><li><a href="cases.html">Cases</a></li></ul></nav><main>
<nav class="here"><a href="#table-scanners">Scanners</a> · <a href="#gone">Worst</a> · <a href="#point">Points</a></nav>
<p class="verdict">Too few cases for a verdict: 14 test cases.</p>
<p id="standing">The plan was locked on 2024-03-04, before any look at the test cases.</p>
<p>Where each ended is in <a href="flow.tsv">flow.tsv</a>. Numbers are in <code>results/compare/main.tsv</code>.</p>
<figure class="table" id="table-scanners"><figcaption>Scanners</figcaption><table>
<thead><tr><th>scanner</th><th class="number">exams</th></tr></thead><tbody>
<tr><td>A</td><td class="number">38</td></tr><tr><td>B</td><td class="number">2</td></tr></tbody></table></figure>
<figure class="table" id="table-exclusions"><figcaption>Every exclusion</figcaption><table>
<thead><tr><th>breast</th><th>why</th></tr></thead><tbody><tr><td>E17L</td><td>implant</td></tr></tbody></table></figure>
<figure class="table" id="table-decisions"><figcaption>Decisions</figcaption><table>
<thead><tr><th>exam</th><th>reason</th><th>who</th><th>date</th></tr></thead>
<tbody><tr><td>E17</td><td>moved too much</td><td>R5</td><td>2024-03-04</td></tr></tbody></table></figure>
<figure class="picture" id="figure-outliers"><img alt="E17L" src="data:,"><figcaption>worst</figcaption></figure>
<figure class="picture interactive" id="figure-interactive-dice"><div class="live"></div>
<script type="application/json">{"encoding":{"tooltip":[{"field":"case"}]}}</script></figure>
<script type="application/json" id="figure-data">[{"case":"E17L","dice":0.5}]</script>
<p>Worst: <a href="cases/E17L.html">E17L</a>.</p></main></body></html>
"""
LIST = """<html><body><main><a href="cases/E17L.html">E17L</a></main>
<script src="assets/cases.js"></script></body></html>"""
CASE = '<html><body><main><h1>Case E17L of exam E17</h1><a href="../index.html">back</a></main></body></html>'


@pytest.fixture
def report(tmp_path):
    """A report as the workflow leaves it, small."""
    files = {
        "index.html": PAGE,
        "cases.html": LIST,
        "quality.html": "<html><body>decide</body></html>",
        "flow.tsv": "breasts\n1\n",
        "assets/report.css": "p { color: black; }",
        "assets/cases.js": 'window.CASES = {"rows":[["E17L","zero",1,"E17"]],"without_page":["E17L","E17"]};',
        "cases/E17L.html": CASE,
        "cases/E17L.webp": "",
        "cases/E17L.html.ledger.json": "{}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def shared(report, single, smallest=5, tested=14, people=frozenset(), known=("E17L", "E17")):
    new = {"E17L": "case-001", "E17": "exam-001"} if single else {}
    return copied(
        report_files(report, (path for path in report.rglob("*") if path.is_file()), single),
        Sharing(Names(known, new), single, smallest, tested, people),
    )


def test_without_single_cases_nothing_names_one_and_no_link_is_dead(report):
    files = shared(report, single=False)
    assert sorted(files) == ["assets/report.css", "index.html"]
    page = files["index.html"].decode()
    assert "E17" not in page and "R5" not in page and "2024" not in page and "results/" not in page
    assert '<nav class="here"><a href="#table-scanners">Scanners</a></nav>' in page
    assert "The plan was locked, before any look" in page
    assert "about 15 test cases" in page.lower() and ">40</td>" in page and ">&lt;5</td>" in page
    assert 'id="figure-outliers"' not in page and "flow.tsv" not in page and "Cases</a>" not in page
    assert json.loads(next(s for s in read_page(page).all("script") if "id" in s.attributes).text) == [{"dice": 0.5}]
    assert not dead({"index.html": read_page(page)}, files)


def test_anonymous_cases_keep_their_pages_under_new_numbers(report):
    files = shared(report, single=True)
    assert {"cases/case-001.html", "cases/case-001.webp", "cases.html", "assets/cases.js"} < set(files)
    assert all(b"E17" not in data for data in files.values())
    assert '["case-001","zero",1,"exam-001"]' in files["assets/cases.js"].decode()
    pages = {name: read_page(data.decode()) for name, data in files.items() if name.endswith(".html")}
    assert 'href="cases/case-001.html"' in str(pages["cases.html"]) and not dead(pages, files)
    table = next(one for one in pages["index.html"].all("figure") if one.attributes["id"] == "table-decisions")
    assert "moved too much" in table.text and "R5" not in table.text and "2024" not in table.text


@pytest.mark.parametrize("single", [True, False])
def test_who_decided_goes_out_of_the_sentences_too(report, single):
    said = "<p id='left'>Excluded at eligible, on_hold: moved (much) (R7). 2 of them too (Dr. A &amp; B).</p></main>"
    for name in ("cases/E17L.html", "index.html"):
        text = (report / name).read_text().replace("</main>", said).replace("implant", "implant (R7)")
        (report / name).write_text(text)
    files = shared(report, single, people=frozenset(["R7", "Dr. A & B", "RAD8"]))
    pages = [read_page(files[name].decode()).text for name in files if re.search("index|case-001.html", name)]
    assert len(pages) == 1 + single
    assert all("on_hold: moved (much). " in page and "(R7)" not in page and "Dr. A" not in page for page in pages)
    assert ("implant" in pages[-1]) == single


def test_names_that_could_not_be_found_are_refused(report):
    for known in (["E17L", "E1"], ["E17L", "P1"], ["E17L", "104"]):
        with pytest.raises(ValueError, match="1 names of patients, exams or breasts are too short"):
            shared(report, single=False, known=known)


def test_estimates_of_too_few_test_cases_are_left_out(report):
    path = report / "index.html"
    path.write_text(PAGE.replace("</main>", "<p>Over 3 test cases the mean of the network's Dice is 0.8.</p></main>"))
    page = shared(report, single=False, tested=3)["index.html"].decode()
    assert "0.8" not in page and "figure-data" not in page and "rests on fewer than 5 cases" in page


def test_the_audit_asks_for_an_entry_of_the_zip_and_of_nothing_in_the_unpacked_copy(tmp_path):
    for name in ("share/report.zip", "share/other/index.html", "share/report/index.html", "report/index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    asked = {item.path for stage in ("share", "report") for item in items(tmp_path, stage)}
    names = ("share/report.zip", "share/other/index.html", "report/index.html")
    assert asked == {(tmp_path / name).as_posix() for name in names}
