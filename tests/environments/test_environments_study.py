"""A whole study under `--sdm conda`, from a launcher in which Snakemake is alone: each job in its own environment.

RADPARITY_STUDY=demo runs all the demo's virtual exams instead of a small study; both runs of them take long.
"""

import hashlib
import json
import re
import subprocess

import pytest
from conftest import ARGUMENTS, DEMO, ROOT, Local, make, run
from needs import environments, imported, package_of, pins, rules

# The audit and the kit hold digests of what tells of the environment, the crate how long jobs took.
VARYING = ("logs", "benchmarks", "audit", "crate", "kit")


@pytest.fixture(scope="session")
def study(prepared):
    """The study, run where no network is in reach, as on a compute node."""
    made = sorted((prepared.folder.parent / "environments").glob("*.env_setup_done"))
    prepared.without_network = subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0
    code, out = prepared.snakemake(*ARGUMENTS)
    assert code == 0, out[-5000:]
    assert sorted((prepared.folder.parent / "environments").glob("*.env_setup_done")) == made
    return prepared


@pytest.fixture(scope="session")
def local(study, tmp_path_factory):
    """The same study, run with everything in one environment."""
    project = make(Local, tmp_path_factory.mktemp("local") / "study")
    code, out = project.snakemake("all", "seg")
    assert code == 0, out[-5000:]
    return project


def ledgers(project):
    for path in sorted((project.folder / "results").rglob("*.ledger.json")):
        yield path, json.loads(path.read_text())


def without_versions(page):
    """A page without its table of environments and without versions, as `numpy 2.3.5`: they are different ones."""
    page = re.sub(r"(?s)<figure[^>]*>\s*<figcaption>The software that made.*?</figure>", "", page)
    return re.sub(r"\b\w+ \d+(\.\d+)+(\+\w+)?(, )?", "", page)


def contents(project):
    """Digest of every result without what tells of the environment: versions of packages, and digests of these."""
    results = project.folder / "results"
    found = {}
    for path in sorted(path for path in results.rglob("*") if path.is_file()):
        name = path.relative_to(results)
        content = path.read_bytes()
        if name.name.endswith(".ledger.json"):
            content = json.dumps(json.loads(content) | {"versions": {}}).encode()
        if name.name in ("index.html", "provenance.html"):
            content = without_versions(content.decode()).encode()
        if name.parts[0] not in VARYING and name.name not in ("index.html.ledger.json", "provenance.html.ledger.json"):
            found[name.as_posix()] = hashlib.sha256(content).hexdigest()
    return found


def test_the_launcher_has_nothing_that_the_jobs_compute_with(launcher):
    computing = {package_of(module): module for name in environments() for module in imported(name)}
    alone = pins(ROOT / "requirements-launcher.txt")
    absent = {module.split(":")[0].split(".")[0] for package, module in computing.items() if package not in alone}
    assert {"torch", "ants", "nibabel", "pydicom", "scipy"} <= absent
    find = "import sys, importlib.util as u; print(*[m for m in sys.argv[1:] if u.find_spec(m)])"
    assert run(launcher / "bin/python", "-c", find, *sorted(absent)).split() == []
    run(launcher / "bin/python", "-m", "pip", "check")


def test_preparing_makes_the_environments_and_runs_no_job(prepared):
    results = prepared.folder / "results"
    assert {path.name for path in results.iterdir()} <= {"raw", "logs"}
    copied = {path.read_text() for path in (prepared.folder.parent / "environments").glob("*.yaml")}
    assert copied <= {path.read_text() for path in environments().values()} and copied


def test_each_job_computed_with_the_pins_of_its_rules_environment(study):
    named = {rule: [pins(environments()[name]) for name in names] for rule, (_, names) in rules().items()}
    seen, ran = set(), set()
    for path, entry in ledgers(study):
        used = {name: version.split("+")[0] for name, version in entry["versions"].items() if name != "python"}
        assert any(used.items() <= own.items() for own in named[entry["rule"]]), (path, used)
        seen |= set(used)
        ran |= rules()[entry["rule"]][1]
    # Nothing is downloaded where no network is in reach.
    assert DEMO or ran == set(environments()) - {"download"}
    assert {"antspyx", "dcm2niix", "nibabel", "nnunetv2", "numpy", "pandas", "pydicom", "torch"} <= seen
    # The launcher's numpy is another one, and none of it came through.
    assert pins(ROOT / "requirements-launcher.txt")["numpy"] != pins(environments()["image"])["numpy"]


def test_the_results_are_those_of_one_environment_to_the_bit(study, local):
    one, other = contents(study), contents(local)
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []
    assert json.loads((study.folder / "results/audit/audit.json").read_text())["verdict"] == "green"
