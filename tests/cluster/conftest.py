"""A cluster for the session, and small studies that run on it through the profile that users run."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from on_cluster import OnCluster
from project import ROOT
from slurm import Slurm, missing


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    reason = missing()
    if reason:
        pytest.skip(reason)
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def launcher(tmp_path_factory):
    """A python with the tests' packages and, beside them, the plugins for SLURM.

    The plugins ask for a numpy that the study cannot have yet, and run with the study's all the same; so they are
    installed without what they ask for, into an environment of their own.
    """
    folder = tmp_path_factory.mktemp("launcher")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pins = [line for line in (ROOT / "requirements-launcher.txt").read_text().splitlines() if "plugin-slurm" in line]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", *pins], check=True)
    return python


@pytest.fixture(scope="session")
def local(tmp_path_factory, launcher, slurm):
    """The study finished on this machine without the cluster: what every run on the cluster is compared with."""
    project = OnCluster(tmp_path_factory.mktemp("local") / "study", launcher, slurm)
    project.sweep()
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    return project


@pytest.fixture
def study(local, tmp_path):
    """A copy of the finished study, to remove results from."""
    return local.copy(tmp_path / "study")
