"""`radparity recreate`: files that a minimal study let go of come back as they were, or nothing is touched."""

import json

import pytest

LEDGER = ".ledger.json"
MAY_GO = (
    "phases.nii.gz",
    "t2.nii.gz",
    "registered.nii.gz",
    "fields.nii.gz",
    "channels.nii.gz",
    "mask.nii.gz",
    "slab.npy",
)


def tree(study):
    """Name to bytes of every result, but of what varies from run to run."""
    results = study.folder / "results"
    files = ((path.relative_to(results), path) for path in results.rglob("*") if path.is_file())
    return {name.as_posix(): path.read_bytes() for name, path in files if name.parts[0] not in ("logs", "benchmarks")}


@pytest.fixture(scope="module")
def study(finished, room):
    found = finished.copy(room / "study")
    found.before = tree(found)
    found.configure(keep="minimal")
    code, out = found.snakemake()
    assert code == 0, out[-3000:]
    found.gone = set(found.before) - set(tree(found))
    assert {name.split("/")[-1] for name in found.gone} == set(MAY_GO)
    return found


def exam_and_breast(study):
    """A development breast whose slab went, and its exam."""
    breast = next(name.split("/")[-2] for name in sorted(study.gone) if name.endswith("slab.npy"))
    return breast[:-1], breast


def test_every_kind_of_file_of_a_case_comes_back_and_nothing_is_left_to_do(study):
    exam, breast = exam_and_breast(study)
    wanted = {name for name in study.gone if exam == name.split("/")[-2] or breast == name.split("/")[-2]}
    lean = tree(study)
    code, out = study.call("radparity", "recreate", exam, breast)
    assert code == 0 and out.count("made again") == len(wanted) >= 6, out
    after = tree(study)
    assert set(after) - set(lean) == wanted
    changed = {name for name in lean if after[name] != lean[name]}
    assert changed == {name + LEDGER for name in wanted}
    assert all(after[name] == study.before[name] for name in wanted | changed)
    assert study.planned() == [] and not (study.folder / ".radparity/recreate").exists()
    code, out = study.call("radparity", "recreate", exam, breast)
    assert code == 0 and "nothing to do" in out


def test_a_file_whose_sources_went_too_comes_alone(study):
    name = max(name for name in study.gone if name.endswith("fields.nii.gz"))
    lean = tree(study)
    code, out = study.call("radparity", "recreate", f"results/{name}")
    assert code == 0, out
    after = tree(study)
    assert set(after) - set(lean) == {name} and after[name] == study.before[name]


def test_another_result_is_not_taken_and_it_says_what_changed(study):
    name = min(name for name in set(study.gone) - set(tree(study)) if name.endswith("registered.nii.gz"))
    note = study.folder / f"results/{name}{LEDGER}"
    entry = json.loads(note.read_text())
    settings = study.folder / "workflow/radparity/register/exam.py"
    text = settings.read_text()
    settings.write_text(text.replace("TARGET = 1", "TARGET = 2"))
    assert settings.read_text() != text
    lean = tree(study)
    code, out = study.call("radparity", "recreate", f"results/{name}")
    settings.write_text(text)
    assert code == 2 and f"results/{name}: came out another" in out
    assert f"code, script: {entry['code']['script']} then" in out and "versions" not in out and "inputs" not in out
    assert tree(study) == lean and not (study.folder / ".radparity/recreate").exists()


def test_what_was_never_let_go_of_is_refused(study):
    for name in ("results/register/nobody/fields.nii.gz", "E99"):
        code, out = study.call("radparity", "recreate", name)
        assert code == 2 and name in out and "let go of" in out
    code, out = study.call("radparity", "recreate", "results/compare/unet/main.tsv")
    assert code == 0 and "nothing to do" in out
