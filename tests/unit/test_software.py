"""The software on the page: what the ledger entries name, of a file and of all that it was made from."""

from pathlib import Path

import pytest

from radparity import ledger
from radparity.code import environment
from radparity.report.software import software_table, used, versions

ROOT = Path(__file__).parents[2]


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def publish(path, inputs, pins, python, device="cpu"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path)
        entry = ledger.entry(
            Path(path), "rule", {}, dict.fromkeys(inputs, "0"), {}, {"script": "s", "environment": pins}
        )
        entry |= {"versions": {"python": python}, "device": device}
        ledger.sidecar(Path(path)).write_text(ledger.dump(entry))
        return path

    return publish


def test_it_follows_the_inputs_and_keeps_versions_apart(results):
    train, report = (environment(ROOT / f"envs/{name}.yaml") for name in ("train", "report"))
    first = results("results/slab/batch_one.json", [], train, "3.11.6", "NVIDIA")
    second = results("results/train/unet/1/train.json", [first, "resources/no_entry.yaml"], train, "3.11.7")
    page = results("results/compare/unet/main.tsv", [second], report, "3.11.7")
    results("results/select/selection.tsv", [], report, "3.9")  # not of this page
    found = used([page])
    assert {(one.environment, one.device, one.stages) for one in found} == {
        ("train", "NVIDIA", ("slab",)),
        ("train", "cpu", ("train",)),
        ("report", "cpu", ("compare",)),
    }
    assert versions(found, "python") == "3.11.6 and 3.11.7" and versions(found, "torch") == ""
    rows = software_table(found).rows
    assert sorted(rows) == [
        ["report: compare; train: train", "python 3.11.7", "cpu"],
        ["train: slab", "python 3.11.6", "NVIDIA"],
    ]


def test_pins_of_before_are_called_so_and_without_entries_there_is_no_table(results):
    page = results("results/compare/unet/main.tsv", [], "0123456789abcdef", "3.11.7")
    assert [one.environment for one in used([page])] == ["pins 0123456789abcdef of before"]
    assert software_table(used(["resources/no_entry.yaml"])) is None
