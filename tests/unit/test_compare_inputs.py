"""Cases of the comparison as they lie on disk: readers by name whatever their order, excluded cases left out."""

import json

import numpy as np

from radparity.compare.inputs import read_cases
from radparity.image import save


def write(folder, case, raters, masks, network, status="ok", **more):
    (folder / case).mkdir()
    files = [folder / case / name for name in ("segment.json", "mask.nii.gz", "outline.json", "outlines.nii.gz")]
    facts = {"case": case, "status": status}
    files[0].write_text(json.dumps(facts))
    files[2].write_text(json.dumps(facts | {"raters": raters} | more))
    if status == "ok":
        save(files[1], network.astype(np.uint8)[None], np.eye(4))
        save(files[3], np.stack(masks, axis=-1).astype(np.uint8)[None], np.eye(4))
    else:
        files[1].write_bytes(b"")
        files[3].write_bytes(b"")
    return tuple(map(str, files))


def test_readers_are_found_by_name_and_excluded_cases_left_out(tmp_path):
    generator = np.random.default_rng(0)
    first, second, third, network = generator.random((4, 6, 7)) < 0.5
    files = [
        write(tmp_path, "A", ["R1", "R2", "other"], [first, second, third], network),
        write(tmp_path, "B", [], [], network, status="excluded"),
        write(tmp_path, "C", ["R2", "other", "R1"], [first, second, third], ~network),
    ]
    cases = read_cases(files, ["R1", "R2"], {"A": "P1", "B": "P1", "C": "P2"})
    assert [(case.case, case.patient, list(case.readers)) for case in cases] == [
        ("A", "P1", ["R1", "R2"]),
        ("C", "P2", ["R1", "R2"]),
    ]
    np.testing.assert_array_equal(cases[0].readers["R2"], second)
    np.testing.assert_array_equal(cases[1].readers["R1"], third)
    np.testing.assert_array_equal(cases[1].readers["R2"], first)
    np.testing.assert_array_equal(cases[1].network, ~network)


def test_a_case_is_made_by_rule_where_every_readers_outline_is(tmp_path):
    one, other = np.ones((2, 6, 7), bool)
    made = {"rule": "functional_tumour_volume"}
    files = [
        write(tmp_path, "A", ["R1", "R2"], [one, other], one, by_rule={"R1": made, "R2": made}),
        write(tmp_path, "B", ["R1", "R2"], [one, other], one, by_rule={"R1": made}),
        write(tmp_path, "C", ["R1", "R2"], [one, other], one, by_rule={}),
    ]
    patients = {"A": "P1", "B": "P2", "C": "P3"}
    assert [case.by_rule for case in read_cases(files, ["R1", "R2"], patients)] == [True, False, False]
    assert [case.by_rule for case in read_cases(files, ["R1"], patients)] == [True, True, False]
