"""Work of hours is put back, byte for byte, where it would be the same, and done again where anything differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = textwrap.dedent(
    """
    import json, sys, types
    from pathlib import Path

    class Named(list):
        def __init__(self, **named):
            lists = (value for value in named.values() if isinstance(value, str | list))
            super().__init__(p for paths in lists for p in ([paths] if isinstance(paths, str) else paths))
            self.named = named
            self.items, self.get = named.items, named.get

    params = json.loads(sys.argv[1])
    snakemake = types.SimpleNamespace(
        rule="train_fold", wildcards=Named(arm="unet", fold="1"), params=Named(**params), threads=1, log=["job.log"],
        input=Named(folds="folds.tsv", slab=["batch_a_1_of_1.json"]),
        output=Named(weights="out/weights.pt", record="out/train.json"),
    )
    from radparity.lasting_job import lasting_job

    def make(run):
        with open("calls.txt", "a") as stream:
            stream.write("made\\n")
        assert len(run.inputs("slabs")) == 2
        run.output["weights"].write_bytes(Path("folds.tsv").read_bytes() * 1000)
        run.output["record"].write_text("{}")

    for path in snakemake.output:
        Path(path).unlink(missing_ok=True)  # as Snakemake does
    lasting_job(snakemake, make, Path("state"))
    """
)
PARAMS = {"steps": 3, "code": "abc", "files": {"slabs": "slab.slab"}}


def prepare(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "script.py").write_text(SCRIPT)
    (folder / "folds.tsv").write_text("folds")
    write_list(folder, {"B1": "11", "B2": "22"})


def write_list(folder: Path, cases: dict[str, str]) -> None:
    listed = {case: {"slab": [f"results/slab/{case}/slab.npy", digest]} for case, digest in cases.items()}
    (folder / "batch_a_1_of_1.json").write_text(json.dumps({"unit": "breast", "cases": listed}))


def run(folder: Path, params: dict[str, object] = PARAMS) -> int:
    """How often the work has been done after this call."""
    (folder / "state").mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    command = [sys.executable, "script.py", json.dumps(params)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (folder / "state").exists()
    return len((folder / "calls.txt").read_text().split())


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def test_the_same_is_put_back_with_its_ledger_to_the_byte(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert run(tmp_path) == 1
    before = results(tmp_path)
    assert run(tmp_path) == 1
    assert results(tmp_path) == before and len(before) == 4
    # Another division into batches is no other data; a list of more cases is.
    (tmp_path / "batch_a_1_of_1.json").write_text((tmp_path / "batch_a_1_of_1.json").read_text() + "\n")
    assert run(tmp_path) == 1


@pytest.mark.parametrize("change", ["params", "code", "input", "case", "more cases", "corrupt", "version"])
def test_anything_that_differs_is_made_again(tmp_path: Path, change: str) -> None:
    prepare(tmp_path)
    run(tmp_path)
    params = dict(PARAMS)
    kept = tmp_path / ".radparity/made/train_fold/unet_1"
    if change == "params":
        params["steps"] = 4
    elif change == "code":
        params["code"] = "abd"
    elif change == "input":
        (tmp_path / "folds.tsv").write_text("other")
    elif change == "case":
        write_list(tmp_path, {"B1": "11", "B2": "23"})
    elif change == "more cases":
        write_list(tmp_path, {"B1": "11", "B3": "22"})
    elif change == "corrupt":
        (kept / "weights").write_bytes(b"rotten")
    else:
        about = json.loads((kept / "about.json").read_text())
        about["made_with"]["versions"]["python"] = "3.9.0"
        (kept / "about.json").write_text(json.dumps(about))
    assert run(tmp_path, params) == 2
    assert (tmp_path / "out/weights.pt").read_bytes() == (tmp_path / "folds.tsv").read_bytes() * 1000
