"""Made: digests, and where the ledger lies."""

from __future__ import annotations

import hashlib
from pathlib import Path

from radparity.ledger import SUFFIX, dump, sidecar
from radparity.record import read
from radparity.report.results import Results
from radparity.report.tables import Link, Table

SHORT = 16
EXAMPLES = (
    "intake",
    "convert",
    "register",
    "harmonize",
    "mask",
    "outline",
    "masks",
    "training",
    "predict",
    "segment",
    "compare",
    "verify",
)


def configuration_digest(results: Results) -> str:
    """SHA-256 of the study's configuration as the report's rule holds it."""
    return hashlib.sha256(dump(results.config).encode()).hexdigest()


def _usable(results: Results, name: str) -> list[Path]:
    """The files of an input, those of excluded cases last: nothing was computed for them."""
    out = {unit for unit, record in results.records.get(name, {}).items() if record["status"] != "ok"}
    return sorted(map(Path, results.files.get(name, [])), key=lambda path: path.parent.name in out)


def ledger_table(results: Results) -> Table:
    """One output of each stage, with digests of it and of the code, from its ledger entry."""
    rows = []
    for name in EXAMPLES:
        entries = [sidecar(path) for path in _usable(results, name)]
        found = next((read(path) for path in entries if path.is_file()), None)
        if found is not None:
            code = str((found["code"] or {}).get("script", ""))
            rows.append([found["rule"], _linked(results, found["output"]), found["sha256"][:SHORT], code[:SHORT]])
    head = ["rule", "an output of it", "its SHA-256", "digest of the code"]
    note = f"The first {SHORT} digits. Beside every file under results/ lies <file>{SUFFIX} with the whole entry."
    return Table("ledger", "From the ledger", head, rows, note, range(4))


def _linked(results: Results, output: str) -> str:
    """An output's name with the way to its entry; an interim report names it only, since it lies deeper."""
    below = output.removeprefix("results/")
    return output if below == output or results.interim else Link(output, f"../{below}{SUFFIX}")
