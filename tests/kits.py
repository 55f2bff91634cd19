"""Opening an audit kit as an outsider would: numpy and scipy, and nothing else that is installed here."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy
import scipy

ALONE = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def unpack(archive, folder):
    """The kit's own folder in an empty one."""
    with zipfile.ZipFile(archive) as kit:
        kit.extractall(folder)
    return folder / "audit_kit"


def recompute(kit, *arguments):
    """Exit status and output of the kit's script, run where only numpy and scipy can be imported."""
    alone = kit.parent / "packages"
    if not alone.exists():
        alone.mkdir()
        for package in (numpy, scipy):
            home = Path(package.__file__).parent
            for part in (home, home.with_name(f"{home.name}.libs")):
                if part.is_dir():
                    (alone / part.name).symlink_to(part)
    command = [
        sys.executable,
        "-I",
        "-S",
        "-W",
        "error::RuntimeWarning",
        "-c",
        ALONE,
        str(alone),
        str(kit / "recompute.py"),
        *arguments,
    ]
    done = subprocess.run(command, cwd=kit.parent, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def faults(out):
    """The faults that the script lists at its end."""
    return [line.strip() for line in out.split(" faults\n", 1)[1].splitlines()]
