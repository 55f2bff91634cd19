"""What parses the workflow runs where Snakemake is installed alone, without the packages that the jobs compute with."""

import json
import subprocess
import sys

from needs import ROOT, packages, pins

from radparity.code import LIBRARY

# Refuses what requirements-launcher.txt does not install, then imports what is left.
REFUSING = """
import json, sys
refused, statements = json.load(sys.stdin)

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not among requirements-launcher.txt")

sys.meta_path.insert(0, Refuse())
exec(statements)
import radparity.sweep
"""


def absent():
    """The modules of packages that are installed here and not beside a launcher's Snakemake."""
    alone = pins(ROOT / "requirements-launcher.txt")
    return sorted(module for module, package in packages().items() if package not in alone and module != "radparity")


def parsed():
    """The imports from the library in the Snakefile and the rules."""
    files = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    lines = {line for path in files for line in path.read_text().splitlines() if line.startswith("from radparity")}
    assert len(lines) > 5
    return "\n".join(sorted(lines))


def test_the_workflow_is_parsed_with_the_launchers_packages_alone():
    done = subprocess.run(
        [sys.executable, "-c", REFUSING],
        input=json.dumps([absent(), parsed()]),
        env={"PYTHONPATH": str(LIBRARY.parent)},
        capture_output=True,
        text=True,
    )
    assert {"torch", "scipy", "ants", "nibabel"} <= set(absent())
    assert done.returncode == 0, done.stderr[-2000:]
