"""Each environment file alone: what it installs, and that whatever its scripts can import is there."""

import json
import subprocess
import sys

import pytest
from conftest import STAND_IN, run
from needs import environments, imported, pins
from packaging.utils import canonicalize_name

IMPORT = """
import importlib, json, sys
for line in json.load(sys.stdin):
    module, _, name = line.partition(":")
    try:
        found = importlib.import_module(module)
        if name and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except Exception as error:
        print(f"{line}: {type(error).__name__}: {error}")
"""
# Not `pip list`, which leaves out what it takes for a part of Python.
LIST = """
import json
from importlib import metadata
print(json.dumps([(package.name, package.version) for package in metadata.distributions()]))
"""


@pytest.fixture(scope="module", params=sorted(environments()))
def made(request, prepared, tmp_path_factory):
    """The virtual environment that was made of one file for the study, or here where the study needed none of it."""
    asked = environments()[request.param]
    copies = (prepared.folder.parent / "environments").glob("*.yaml")
    folder = next((copy.with_suffix("") for copy in copies if copy.read_text() == asked.read_text()), None)
    if folder is None:
        folder = tmp_path_factory.mktemp(request.param) / "environment"
        run(sys.executable, STAND_IN / "bin/conda", "env", "create", "--file", asked, "--prefix", folder)
    return request.param, folder / "bin/python"


def test_nothing_but_the_pins_is_installed_and_it_fits_together(made):
    name, python = made
    listed = json.loads(run(python, "-c", LIST))
    installed = {canonicalize_name(package): version.split("+")[0] for package, version in listed}
    wanted = pins(environments()[name])
    # Python brings pip and setuptools. A torch for GPUs brings NVIDIA's libraries, at versions that it pins itself.
    brought = {n for n in installed if n in ("pip", "setuptools") or n.startswith(("nvidia-", "cuda-", "triton"))}
    ours = {n: version for n, version in installed.items() if n in wanted or n not in brought}
    assert ours == wanted, f"envs/{name}.yaml: `python tests/unit/needs.py` writes its pins anew"
    run(python, "-m", "pip", "check")


def test_every_import_that_its_scripts_can_reach_is_there(made):
    name, python = made
    asked = imported(name)
    assert asked
    done = subprocess.run([python, "-c", IMPORT], input=json.dumps(sorted(asked)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    failed = [f"{line}  ({asked[line.split(': ')[0]]})" for line in done.stdout.splitlines()]
    assert not failed, f"envs/{name}.yaml lacks:\n" + "\n".join(failed)
