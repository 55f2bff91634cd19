"""A copy of a finished study's report: nobody is in it, it opens in a browser, and a leak stops it."""

import zipfile

import pydicom
import pytest
from pages import visit

from radparity.share.copy import compared
from radparity.share.links import dead
from radparity.share.tree import read_page

SHARED, ZIP = "results/share/report", "results/share/report.zip"


@pytest.fixture(scope="module")
def project(finished, room):
    """A copy of the finished study to share from."""
    return finished.copy(room / "study")


def share(project, **settings):
    project.configure(share={"smallest_cell": 5, **settings})
    return project.snakemake("--rerun-triggers", "mtime", "--forcerun", "share_study", "--", "share")


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def pseudonyms(project):
    """Every name in the sheets."""
    lines = (project.folder / "resources/demo/breasts.tsv").read_text().splitlines()[1:]
    lines += (project.folder / "resources/demo/exams.tsv").read_text().splitlines()[1:]
    return {name for line in lines for name in line.split("\t")[:2]}


def looked_at(browser, folder, names, screenshots, kind):
    """Open pages as a person would; none may complain."""
    for name in names:
        with visit(browser, folder / name) as page:
            page.wait_for_timeout(500)
            assert page.faults == [], name
            assert page.locator("#shared").is_visible()
            page.screenshot(path=screenshots / f"share_{kind}_{name.replace('/', '_')}.png", full_page=True)


def test_a_copy_without_cases(project, browser, screenshots):
    code, out = share(project, cases="none")
    assert code == 0, out[-3000:]
    folder = project.folder / SHARED
    files = content(folder)
    pages = {name: read_page(data.decode()) for name, data in files.items() if name.endswith(".html")}
    assert {"index.html", "comparison.html", "provenance.html"} <= set(pages)
    assert not {"cases.html", "quality.html"} & set(pages) and not any(name.startswith("cases/") for name in files)
    assert dead(pages, files) == []
    text = b"".join(data for name, data in files.items() if name.endswith(".html")).decode()
    assert not [name for name in pseudonyms(project) if f">{name}<" in text or f'"{name}"' in text]
    few = compared(project.folder / "results/compare/unet/main.tsv") < 5
    assert ("fewer than 5 test case" in pages["index.html"].text) == few
    assert ("mean of the network's Dice" in pages["index.html"].text) != few
    looked_at(browser, folder, sorted(pages), screenshots, "none")
    with zipfile.ZipFile(project.folder / ZIP) as archive:
        assert {n.removeprefix("report/"): archive.read(n) for n in archive.namelist()} == files


def test_the_same_results_give_the_same_copy(project):
    before = (project.folder / ZIP).read_bytes()
    (project.folder / ZIP).unlink()
    code, out = share(project, cases="none")
    assert code == 0 and (project.folder / ZIP).read_bytes() == before, out[-3000:]


def test_the_audit_finds_the_copy_in_order(project):
    code, out = project.snakemake("audit")
    assert code == 0, out[-3000:]


def test_a_copy_with_anonymous_cases(project, browser, screenshots):
    code, out = share(project, cases="anonymous")
    assert code == 0, out[-3000:]
    folder = project.folder / SHARED
    files = content(folder)
    pages = {name: read_page(data.decode()) for name, data in files.items() if name.endswith(".html")}
    cases = sorted(name for name in pages if name.startswith("cases/"))
    assert cases and all(name.startswith("cases/case-") for name in cases)
    assert dead(pages, files) == []
    words = {word for page in pages.values() for word in page.text.split()}
    assert not words & pseudonyms(project)
    looked_at(browser, folder, ["cases.html", "comparison.html", cases[0]], screenshots, "anonymous")
    with visit(browser, folder / "cases.html") as page:
        page.locator("#cases tbody a").first.click()
        page.wait_for_url("**/cases/case-*.html")
        assert page.faults == []


def test_a_leak_is_named_and_nothing_is_written(project):
    header = pydicom.dcmread(next(p for p in sorted(project.folder.glob("data/demo/dicom/*/*")) if p.is_file()))
    page = project.folder / "results/report/data.html"
    before = page.read_text()
    page.write_text(before.replace("</main>", f"<p>{header.StudyInstanceUID}, see /home/somebody/study</p></main>"))
    code, out = share(project, cases="anonymous")
    page.write_text(before)
    assert code != 0
    assert "data.html: path" in out and "data.html: UID" in out
    assert "somebody" not in out and header.StudyInstanceUID not in out
    assert not (project.folder / SHARED).exists() and not (project.folder / ZIP).exists()
