"""What each fault costs a training on the cluster: runs its tests and writes cluster_faults.md.

Seconds are the job's own, over all its runs; the training that only saw slurmctld restart ran undisturbed.
"""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from importlib import metadata
from pathlib import Path

from demo import processor

HERE = Path(__file__).parent
TESTS = "tests/cluster/test_cluster_faults.py"
UNDISTURBED = "test_slurmctld_is_restarted_and_nothing_happens"


def seconds(run):
    start, end = (datetime.fromisoformat(run[name]) for name in ("start", "end"))
    return (end - start).total_seconds()


with tempfile.TemporaryDirectory() as folder:
    report = Path(folder, "report.xml")
    options = ["-q", f"--junitxml={report}", "-o", "junit_family=xunit1"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options, HERE.parent / TESTS])
    cases = list(ElementTree.parse(report).iter("testcase"))
runs = {case.get("name"): json.loads(p.get("value")) for case in cases for p in case.iter("property")}
if done.returncode or UNDISTURBED not in runs:
    sys.exit("the tests failed or were skipped: no table")
usual = sum(map(seconds, runs[UNDISTURBED]))
version = subprocess.run(["slurmctld", "-V"], capture_output=True, text=True, check=True).stdout.strip()
machine = (
    f"{processor()}, {os.cpu_count()} cores, {version}, snakemake {metadata.version('snakemake')}; one run of each."
)
lines = [
    "# What a fault costs a training",
    "",
    machine,
    "",
    "| fault | the job's runs | seconds lost |",
    "|---|---|---:|",
]
for name, own in runs.items():
    fault = name.removeprefix("test_").split("[")[0].replace("_", " ")
    lines.append(f"| {fault} | {', '.join(run['state'] for run in own)} | {sum(map(seconds, own)) - usual:.0f} |")
(HERE / "cluster_faults.md").write_text("\n".join(lines) + "\n")
