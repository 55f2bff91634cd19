"""What each environment needs, from the source of the scripts that use it, beside what its file pins.

python tests/unit/needs.py      writes the pins of every envs/*.yaml anew, at the versions of requirements.txt
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from reach import third_party

from radparity.code import LIBRARY

ROOT = LIBRARY.parents[1]
# Loaded by their names at run time, where they are installed: the decoders of compressed images.
PLUGINS = {"pydicom": {"pylibjpeg", "pylibjpeg-openjpeg", "pyjpegls"}}


def environments() -> dict[str, Path]:
    """The environment files by name."""
    return {path.stem: path for path in sorted((ROOT / "envs").glob("*.yaml"))}


def rules() -> dict[str, tuple[str, set[str]]]:
    """Rule -> its script and the environments that it names, several where a setting decides."""
    found = {}
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for rule, block in re.findall(r"(?ms)^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text()):
            script = re.search(r"scripts/(\w+)\.py", block)
            if script:
                found[rule] = (script[1], set(re.findall(r"envs/(\w+)\.yaml", block)))
    return found


def pins(path: Path) -> dict[str, str]:
    """Package -> version, of a requirements file or of an environment's pip section."""
    lines = re.findall(r"(?m)^(?: +- )?([A-Za-z0-9._-]+)==(\S+)$", path.read_text())
    return {canonicalize_name(name): version for name, version in lines}


def imported(environment: str) -> dict[str, str]:
    """Every module (or `module:name`) that the environment's scripts can come to import -> script and place.

    Of a script with several environments, each for another setting, an import may be another environment's.
    """
    found: dict[str, str] = {}
    for rule, (script, named) in rules().items():
        if environment in named:
            others = {package for other in named - {environment} for package in pins(environments()[other])}
            own = set(pins(environments()[environment]))
            for module, place in third_party(script).items():
                package = package_of(module)
                if package and package not in others - own:
                    found[module] = f"{rule}: {place}"
    return found


def needed(environment: str) -> set[str]:
    """The packages that an environment's scripts import, and all that these need."""
    found: set[tuple[str, str]] = set()
    waiting = {(package_of(module), "") for module in imported(environment)}
    while waiting:
        asked = waiting.pop()
        if asked not in found:
            found.add(asked)
            waiting |= requirements(*asked)
    return {package for package, _ in found}


def requirements(package: str, extra: str) -> set[tuple[str, str]]:
    """What an installed package, or one of its extras, asks for on this machine: packages, each with an extra or ""."""
    asked = map(Requirement, metadata.requires(package) or [])
    wanted = [r for r in asked if not r.marker or r.marker.evaluate({"extra": extra})]
    plugins = {(name, "") for name in PLUGINS.get(package, ())}
    return plugins | {(canonicalize_name(r.name), part) for r in wanted for part in ("", *r.extras)}


def package_of(module: str) -> str | None:
    """The installed package that a module comes from; None for Python's own. Raises LookupError where it is unknown."""
    top = re.split(r"[.:]", module)[0]
    if top in sys.stdlib_module_names:
        return None
    if top not in packages():
        raise LookupError(f"no installed package has the module {top}: add it to requirements.txt and install that")
    return packages()[top]


@cache
def packages() -> dict[str, str]:
    """Module at the top level -> package. Compiled modules too, which importlib's own table leaves out."""
    found = {}
    for package in metadata.distributions():
        files = {line.split(",")[0] for line in (package.read_text("RECORD") or "").splitlines()}
        modules = {file.split("/")[0].split(".")[0] for file in files if file.endswith((".py", ".so"))}
        found |= dict.fromkeys(modules, canonicalize_name(package.metadata["Name"]))
    return {module: package for module, package in found.items() if module not in sys.stdlib_module_names}


def write(environment: str) -> None:
    """Write the pins of an environment file anew; what stands above them stays."""
    path = environments()[environment]
    above, mark, _ = path.read_text().partition("  - pip:\n")
    tested = pins(ROOT / "requirements.txt")
    path.write_text(above + mark + "".join(f"      - {name}=={tested[name]}\n" for name in sorted(needed(environment))))


if __name__ == "__main__":
    for name in environments():
        write(name)
