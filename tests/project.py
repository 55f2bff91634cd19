"""A small study in a folder of its own: a few virtual exams and the real chain."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CODE = ("Snakefile", "profiles", "config.yaml", "workflow", "envs", "resources", "pyproject.toml")
BIN = Path(sys.executable).parent
# Stages that no reader and no network has a part in.
PREPARED = [f"results/{stage}" for stage in "intake eligible convert register mask harmonize/pre_p95".split()]


class Project:
    """A copy of the project with a reduced study, run as a user would."""

    def __init__(self, folder, exams, small=True):
        self.folder = folder
        folder.mkdir(parents=True)
        for name in CODE:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.tar.xz", "*.egg-info")
                )
            else:
                shutil.copy(source, folder / name)
        self.exams = exams
        self.environment = {}
        for sheet in ("exams", "breasts", "readings", "decisions"):
            path = folder / f"resources/demo/{sheet}.tsv"
            header, *rows = path.read_text().splitlines()
            keep = [row for row in rows if any(field.rstrip("LR") in exams for field in row.split("\t")[:2])]
            path.write_text("\n".join([header, *keep]) + "\n")
        demo = ROOT / "data/demo"
        if not demo.is_dir():
            raise RuntimeError("the virtual exams are not here: run `radparity demo` (tests/run does it)")
        for exam in exams:
            shutil.copytree(demo / "dicom" / exam, folder / "data/demo/dicom" / exam)
            shutil.copytree(demo / "truth" / exam, folder / "data/demo/truth" / exam)
            (folder / "data/demo/outlines").mkdir(exist_ok=True)
            for path in (demo / "outlines").glob(f"{exam}[LR]_*"):
                shutil.copy(path, folder / "data/demo/outlines")
        if small:
            self.shrink()

    @classmethod
    def at(cls, folder, exams):
        """The project that lies in a folder already."""
        other = object.__new__(cls)
        other.folder, other.exams, other.environment = Path(folder).absolute(), exams, {}
        return other

    def shrink(self):
        """Settings that show how the chain behaves, not how well it segments."""
        self.configure(
            register={"spacing_mm": 4.0, "ants": {"iterations": [10]}},
            train={"steps": 6, "minibatch": 2, "patch": [19, 43, 43], "validate_every": 3},
            fold={"folds": 2},
            batch=3,
            selection=None,
            learning_curve=None,
            arms={"unet": {"network": "paper", "width": 2}, "fuzzy_c_means": {"network": "fuzzy_c_means"}},
        )

    def configure(self, **blocks):
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        for name, block in blocks.items():
            if isinstance(block, dict) and config.get(name) and name != "arms":
                config[name] |= block
            else:
                config[name] = block
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def copy(self, folder):
        """The project as it stands, results included and with their dates, in another folder."""
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__ | {"folder": folder}
        shutil.copytree(self.folder, folder, symlinks=True)
        return other

    def take_over(self, other, *exams):
        """Take what another project made of the images of some exams (none named: of all that are here): the next run
        makes what differs, and no more."""
        for stage in PREPARED:
            for case in (other.folder / stage).iterdir():
                if case.is_dir() and case.name.rstrip("LR") in (exams or self.exams):
                    shutil.copytree(case, self.folder / stage / case.name)

    def start(self, *command):
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_CURRENT_TEST")}
        environment |= {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(self.folder / "workflow")}
        environment |= self.environment
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def call(self, *command):
        process = self.start(*command)
        out, _ = process.communicate(timeout=900)
        return process.returncode, out

    def sweep(self):
        code, out = self.call("radparity", "sweep")
        assert code == 0, out
        return out

    def snakemake(self, *arguments):
        return self.call("snakemake", "--cores", "2", *arguments)

    def planned(self, *arguments):
        """What a run would do now: the message of every job."""
        code, out = self.snakemake("-n", *arguments)
        assert code == 0, out
        return sorted(re.findall(r"(?m)^Job \d+: (.+)$", out))

    def kill(self, process):
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
