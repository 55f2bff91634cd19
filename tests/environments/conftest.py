"""Fresh virtual environments, a launcher in which Snakemake is alone, and small studies run from it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = ROOT / "tests/environments/conda"
sys.path.insert(0, str(ROOT / "tests/unit"))
# The fewest that every stage runs on up to a green audit: two folds with both labels, tuning and two test cases.
EXAMS = "E05 E07 E10 E13 E16 E18 E20 E24 E25 E31 E34".split()
DEMO = os.environ.get("RADPARITY_STUDY") == "demo"
ARGUMENTS = ("all", "crate", "audit_kit", "seg", "--sdm", "conda", "--conda-prefix", "../environments")


def _project():
    """The class of tests/workflow that copies the project with a reduced study."""
    spec = importlib.util.spec_from_file_location("small_study", ROOT / "tests/workflow/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Project


class Local(_project()):
    """A study run with everything in one environment."""

    def call(self, *command):
        """As its own, but for as long as it takes: environments are made, and the study may be the demo."""
        process = self.start(*command)
        out, _ = process.communicate()
        return process.returncode, out


class Launched(Local):
    """A study run by a Snakemake that is installed alone, the stand-in for conda first on the path.

    `radparity sweep` reads DICOM, so it runs where all is installed.
    """

    launcher: Path
    without_network = False

    def start(self, *command):
        if command[0] == "radparity":
            return super().start(*command)
        foreign = ("PYTHON", "PYTEST", "VIRTUAL", "CONDA")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment["PATH"] = f"{STAND_IN}/bin:{self.launcher}/bin:{os.defpath}"
        if self.without_network:
            command = ("unshare", "--net", *command)
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """That packages can be installed here."""
    folder = tmp_path_factory.mktemp("probe")
    probe = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), "six==1.17.0"]
    done = subprocess.run(probe, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no package index in reach: {done.stderr.strip().splitlines()[-1]}")


@pytest.fixture(scope="session")
def launcher(index, tmp_path_factory):
    """Snakemake alone, as README has it."""
    folder = tmp_path_factory.mktemp("launcher") / "venv"
    run(sys.executable, "-m", "venv", folder)
    pins = ROOT / "requirements-launcher.txt"
    run(folder / "bin/pip", "install", "--quiet", "--no-deps", "-r", pins, "-e", ROOT)
    return folder


def make(kind, folder):
    exams = sorted(path.name for path in (ROOT / "data/demo/dicom").glob("E*")) if DEMO else EXAMS
    project = kind(folder, exams, small=not DEMO)
    if not DEMO:
        project.configure(
            arms={"unet": {"network": "paper", "width": 2}, "fuzzy_c_means": {"network": "fuzzy_c_means"}}
            | {"nnunet": {"network": "nnunet"}},
            nnunet={
                "configuration": "2d",
                "epochs": 1,
                "iterations": 2,
                "validation_iterations": 1,
                "mirroring": False,
            },
            selection={"arms": ["unet", "fuzzy_c_means"], "repeats": 1},
            power={"cases": [20, 40], "studies": 100},
            report={"experiments": ["selection"], "power": True},
        )
    project.sweep()
    return project


@pytest.fixture(scope="session")
def prepared(launcher, tmp_path_factory):
    """A study whose environments were made beforehand, as on a login node."""
    Launched.launcher = launcher
    project = make(Launched, tmp_path_factory.mktemp("conda") / "study")
    code, out = project.snakemake(*ARGUMENTS, "--conda-create-envs-only")
    assert code == 0, out[-5000:]
    return project
