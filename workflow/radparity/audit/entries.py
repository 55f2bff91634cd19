"""One ledger entry beside its file, this checkout and the study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

from radparity import ledger
from radparity.audit.faults import Fault, Remark, again

Entry = dict[str, Any]
# The units that a study knows the names of.
UNITS = ("exam", "breast", "arm", "fold", "harmonization")


class Here(NamedTuple):
    """What entries are compared with."""

    rules: Mapping[str, Mapping[str, Any]] | None = None
    """of this checkout: rule to the digests `script` and `environment`, to its `files` (patterns of what it writes) and
    `pins` (packages and versions that its environment asks for); None: not compared"""
    known: Mapping[str, frozenset[str]] = {}
    """unit (exam, arm, ...) to its names in this study"""


def read_entry(path: str) -> tuple[Entry, str] | str:
    """The entry of a file with its digest, or what is wrong with it.

    The digest leaves out whether the file was kept: that is written into an entry later.
    """
    try:
        content = ledger.sidecar(Path(path)).read_bytes()
        found: Entry = json.loads(content)
        for name, kind in (("inputs", dict), ("params", dict), ("wildcards", dict), ("sha256", str), ("rule", str)):
            if not isinstance(found[name], kind):
                raise TypeError(name)
        if "kept" in found:
            content = ledger.dump({name: value for name, value in found.items() if name != "kept"}).encode()
        if found["output"] != path:
            return f"its ledger entry belongs to {found['output']}"
        return found, hashlib.sha256(content).hexdigest()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "its ledger entry cannot be read"


def orphan(entry: Entry, here: Here) -> str:
    """Why nothing makes a file any more: a name that this study does not have; empty where it has them all."""
    for unit in UNITS:
        name = entry["wildcards"].get(unit)
        if name is not None and unit in here.known and name not in here.known[unit]:
            return f"{unit} {name}"
    return ""


def contradictions(path: str, entry: Entry, here: Here) -> list[Fault]:
    """Where an entry contradicts itself or this checkout."""
    redo, found = again(path, entry["wildcards"]), []
    if here.rules is not None:
        rule = here.rules.get(entry["rule"])
        if rule is None:
            said = f"was made by the rule {entry['rule']}, which this checkout does not have"
            return [Fault(path, said, "Check out the version that made it, or delete it with its entry")]
        for part, words in (("script", "code"), ("environment", "environment")):
            if (entry["code"] or {}).get(part) != rule[part]:
                said = f"was made by another {words} of the rule {entry['rule']} than this checkout's"
                mend = "Call the study again; where that leaves it as it is, check out the version that made it, or "
                found.append(Fault(path, said, mend + redo))
        if not any(_makes(pattern, entry["wildcards"], path) for pattern in rule["files"]):
            said = f"is not what its entry says: the rule {entry['rule']} makes another file of {entry['wildcards']}"
            found.append(Fault(path, said, redo))
    named = {name for names in entry.get("lists", {}).values() for name in names}
    if named != {name for name in entry["inputs"] if Path(name).name.startswith("batch_")}:
        found.append(Fault(path, "its entry names other lists of batches than it has among its inputs", redo))
    return found


def other_versions(path: str, entry: Entry, here: Here) -> list[Remark]:
    """Versions of an entry that are not those which the environment asks for."""
    pins = (here.rules or {}).get(entry["rule"], {}).get("pins", {})
    return [
        Remark(path, f"was made with {package} {version}; the environment of {entry['rule']} asks for {pins[package]}")
        for package, version in entry.get("versions", {}).items()
        if package in pins and not _fits(package, str(version), pins[package])
    ]


def _fits(package: str, version: str, pin: str) -> bool:
    # 2.13.0+cpu is a build of 2.13.0; of Python an environment names the minor version.
    public = version.partition("+")[0]
    return public == pin or (package == "python" and public.startswith(pin + "."))


def _makes(pattern: str, wildcards: dict[str, str], path: str) -> bool:
    fields = {name for _, name, _, _ in Formatter().parse(pattern) if name}
    return fields == set(wildcards) and pattern.format(**wildcards) == path


def pins(environment: Path) -> dict[str, str]:
    """Package to the version that an environment file asks for, of those packages that entries name."""
    import yaml

    asked = yaml.safe_load(environment.read_text(encoding="utf-8"))["dependencies"]
    lines = [line for part in asked for line in (part["pip"] if isinstance(part, dict) else [part])]
    found = dict(line.replace("==", "=").split("=", 1) for line in lines if "=" in line)
    return {name: found[name] for name in ("python", *ledger.PACKAGES) if name in found}
