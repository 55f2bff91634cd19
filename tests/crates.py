"""What a crate says, read from its JSON alone; and what the public validator says of it."""

import fcntl
import json
import subprocess
import sys
import venv
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[1]
VALIDATOR = ROOT / ".venv-validator"


class Crate:
    """The entities of a crate by id, and the questions that it must answer about any file."""

    def __init__(self, path):
        self.entities = {one["@id"]: one for one in json.loads(Path(path).read_text())["@graph"]}
        self.made = {}
        for action in self.of_type("CreateAction"):
            for output in self.several(action, "result"):
                if action["@id"] != "#run":
                    self.made[unquote(output["name"])] = action

    def of_type(self, name):
        return [one for one in self.entities.values() if one["@type"] == name]

    def several(self, entity, name):
        """The entities that a property refers to."""
        given = entity.get(name, [])
        return [self.entities[one["@id"]] for one in (given if isinstance(given, list) else [given])]

    def answer(self, path):
        """Environment, code, inputs, raw data, parameters and seconds of the file's job, as the crate has them."""
        action = self.made[path]
        (tool,) = self.several(action, "instrument")
        pins, *packages = self.several(tool, "softwareRequirements")
        used = self.several(action, "object")
        values = [one for one in used if one["@type"] == "PropertyValue"]
        raw = [one for one in used if one["@id"].startswith("#raw/")]
        seconds = [one["value"] for one in self.several(action, "resourceUsage") if one["unitCode"] == "SEC"]
        return {
            "environment": pins["@id"],
            "pins": pins["identifier"],
            "versions": {one["name"]: one["softwareVersion"] for one in packages},
            "code": tool["version"],
            "inputs": {one["name"]: one["sha256"] for one in used if one not in values and one not in raw},
            "raw": {one["name"]: one["sha256"] for one in raw},
            "params": {one["name"]: json.loads(one["value"]) for one in values},
            "seconds": seconds,
        }


def validated(folder, level="REQUIRED", *alone):
    """Whether a crate passes the Provenance Run Crate profile at a level, and what is said against it."""
    script = Path(__file__).with_name("check_crate.py")
    command = [str(validators() / "python"), str(script), str(folder), level, *alone]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return found["passed"], found["issues"]


def validators():
    """The folder of the validators' programs; their environment is made where there is none, or has other pins."""
    pins, mark = ROOT / "requirements-validator.txt", VALIDATOR / "installed.txt"
    with (ROOT / ".venv-validator.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.is_file() or mark.read_text() != pins.read_text():
            venv.create(VALIDATOR, with_pip=True, clear=True)
            install = [str(VALIDATOR / "bin/python"), "-m", "pip", "install", "--quiet", "-r", str(pins)]
            done = subprocess.run(install, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{sys.executable} could not install the validator: {done.stderr[-2000:]}")
            mark.write_text(pins.read_text())
    return VALIDATOR / "bin"
