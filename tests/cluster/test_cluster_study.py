"""The whole small study through the profile: the very bytes of a run on one machine."""

import json
import shutil
from collections import Counter


def test_the_cluster_leaves_the_same_bytes(study, local):
    for left in ("results", ".radparity/state", ".snakemake"):
        shutil.rmtree(study.folder / left, ignore_errors=True)
    study.sweep()
    code, out = study.on_cluster()
    assert code == 0, out[-5000:]
    assert {job["state"] for job in study.jobs()} == {"COMPLETED"}
    ran = Counter(job["comment"] for job in study.jobs())
    chains = {comment: times for comment, times in ran.items() if comment.startswith("rule_chain")}
    batches = len({path.name.split(".")[0] for path in (study.folder / "results/intake").glob("batch_*.json")})
    assert sum(chains.values()) == batches > 1 and set((ran - Counter(chains)).values()) == {1}, "a job ran twice"
    ours, expected = study.digests(), local.digests()
    assert sorted(ours) == sorted(expected)
    assert [name for name in expected if ours[name] != expected[name]] == []
    assert json.loads((study.folder / "results/audit/audit.json").read_text())["verdict"] == "green"
    code, out = study.on_cluster("-n")
    assert code == 0 and "Nothing to be done" in out
