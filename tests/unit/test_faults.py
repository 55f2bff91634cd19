"""The table of faults: complete, in step with the docs, each with a test that builds it."""

import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
from test_convert import PLANES, SECTIONS, fault, write_phases

from radparity.faults import FAULTS
from radparity.faults_page import ORDER, table
from radparity.intake.source import exam_files
from radparity.outline import outline_case
from radparity.record import DataFault

ROOT = Path(__file__).parents[2]
SOURCES = [p for p in (ROOT / "workflow").rglob("*.py") if p.name != "faults.py"]


def test_the_page_is_the_table_and_its_stages_are_the_studys():
    assert (ROOT / "docs/faults.md").read_text() == table()
    assert {fault.stage for fault in FAULTS.values()} <= set(ORDER)
    assert len(FAULTS) >= 25 and all(fault.meaning and fault.mend for fault in FAULTS.values())


def test_every_code_is_in_the_table_and_every_row_is_used():
    text = "\n".join(path.read_text() for path in SOURCES)
    raised = set(re.findall(r'DataFault\(\s*"(\w+)"', text))
    flagged = set(re.findall(r'"code": "(\w+)"', text)) | set(re.findall(r'flag\(\s*"(\w+)"', text))
    assert (raised | flagged) <= set(FAULTS)
    assert {code for code in FAULTS if f'"{code}"' not in text} == set()


def test_every_fault_is_built_by_a_test():
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    assert {code for code in FAULTS if not re.search(rf"\b{code}\b", tests)} == set()


def test_a_list_of_files_with_a_line_that_names_none(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"x")
    (tmp_path / "E0001.files").write_text("a.dcm\ngone.dcm\n")
    with pytest.raises(DataFault) as found:
        exam_files(tmp_path, "E0001.files")
    assert found.value.code == "file_list_broken" and "gone" not in found.value.sentence


def test_sections_that_drift_sideways_make_no_volume(tmp_path):
    """Converted, they would stand in a straight stack: the volume would show tissue where it is not."""
    import pydicom

    files, record, _ = write_phases(tmp_path / "in", PLANES["sagittal"])
    for name, path in files.items():
        data = pydicom.dcmread(path)
        x, y, z = (float(v) for v in data.ImagePositionPatient)
        data.ImagePositionPatient = [x, y + 0.3 * int(name[2:]), z]
        data.save_as(path)
    assert SECTIONS > 2
    assert fault(files, record, tmp_path).code in ("geometry_disagrees", "conversion_failed")


def test_an_outline_in_the_other_breast(tmp_path):
    native, drawn = np.diag([3.0, 1.0, 1.0, 1.0]), np.zeros((20, 30, 30), np.uint8)
    drawn[3, 10:15, 10:15] = 1
    nibabel.save(nibabel.Nifti1Image(drawn, native), tmp_path / "o.nii.gz")
    other = native.copy()
    other[0, 3] = 30.0
    with pytest.raises(DataFault) as found:
        outline_case({"R1": tmp_path / "o.nii.gz"}, drawn.shape, native, (10, 30, 30), other)
    assert found.value.code == "outline_side"
