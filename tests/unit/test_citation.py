"""How the project asks to be cited: valid for the tools that read it, and in step with what the pages cite."""

import subprocess
from pathlib import Path

import yaml
from crates import validators

from radparity import __name__ as package
from radparity.citations import LIDC, LIDC_PAPER, PAPER, PYLIDC, REAL_EXAM, shipped, with_data

ROOT = Path(__file__).parents[2]
CITATION = ROOT / "CITATION.cff"


def test_the_file_is_valid_and_the_check_refuses_one_that_is_not(tmp_path):
    check = [str(validators() / "cffconvert"), "--validate", "-i"]
    assert subprocess.run([*check, str(CITATION)], capture_output=True).returncode == 0
    broken = tmp_path / "CITATION.cff"
    broken.write_text(CITATION.read_text().replace("authors:", "writers:", 1))
    assert subprocess.run([*check, str(broken)], capture_output=True).returncode != 0


def test_it_names_nobody_as_author_and_no_licence_of_its_own():
    found = yaml.safe_load(CITATION.read_text())
    assert found["title"] == package and found["authors"] == [{"name": "radparity developers"}]
    assert "license" not in found


def test_what_the_pages_cite_of_others_stands_in_it_with_its_licence():
    references = {one["doi"]: one for one in yaml.safe_load(CITATION.read_text())["references"]}
    for work in (PAPER, *with_data([REAL_EXAM, LIDC])):
        assert work.doi in references
        if work.licence:
            assert references[work.doi]["license"] == work.licence[0].replace(" ", "-", 1).replace(" ", "-")
            assert work.doi in (ROOT / work.folder / "README.md").read_text()


def test_a_study_cites_the_data_that_it_uses_and_no_other():
    assert shipped(["E01", "UCSF-BR-06"]) == [REAL_EXAM]
    assert shipped([], "data/lidc") == [LIDC] and shipped(["E01"], "data/mine") == []
    assert PYLIDC in with_data([LIDC]) and LIDC_PAPER not in with_data([REAL_EXAM]) and with_data([]) == []
