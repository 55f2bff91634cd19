"""What lies in an audit kit. `workflow/kit/README.txt`, which goes with it, says what each file holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radparity.kit.cases import Masks, new_names
from radparity.kit.chain import chain, reduced
from radparity.kit.notes import TABLES
from radparity.ledger import dump
from radparity.provenance import Ledger

OWN = Path(__file__).parents[2] / "kit"


@dataclass(frozen=True)
class Compared:
    """What was compared: the cases' masks and patients, of each arm the published tables (name to path), and path and
    digest of all that the report was made from."""

    masks: Mapping[str, Masks]
    patients: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]
    report: Mapping[str, str]


def contents(compared: Compared, settings: Mapping[str, Any], notes: Sequence[str], crate: bytes) -> dict[str, bytes]:
    """The files of a kit, name to content. The same results give the same bytes.

    settings: what the tests go by, for `study.json`; notes: sentences to be read first; crate: that of the run, without
    what names a case.
    """
    cases = new_names(compared.masks, "C")
    patients = new_names((compared.patients[case] for case in cases), "P")
    ledger = Ledger()
    sources: dict[str, str] = {}
    files = {name: (OWN / name).read_bytes() for name in ("README.txt", "recompute.py")}
    rows = []
    for case, name in cases.items():
        masks = compared.masks[case]
        files |= {f"cases/{name}/{array}.npy": content for array, content in masks.arrays().items()}
        sources |= {f"cases/{name}/{array}.npy": path for array, path in masks.sources.items()}
        rows.append([name, patients[compared.patients[case]], ",".join(masks.networks)])
    files["cases.tsv"] = _tsv([["case", "patient", "arms"], *rows])
    for arm, tables in compared.tables.items():
        for table in TABLES:
            sources[f"published/{arm}/{table}.tsv"] = tables[table]
            content = Path(tables[table]).read_bytes()
            files[f"published/{arm}/{table}.tsv"] = _renamed(content, cases, patients) if table == "scores" else content
    files["report.tsv"] = _tsv([["path", "sha256"], *sorted(compared.report.items())])
    files["study.json"] = dump({**settings, "arms": list(compared.tables), "notes": list(notes)}).encode()
    files["ledger.json"] = dump({name: reduced(ledger, path) for name, path in sources.items()}).encode()
    made = chain(ledger, sources.values())
    files["chain.tsv"] = _tsv([list(made[0]), *(row.values() for row in made)])
    files["crate/ro-crate-metadata.json"] = crate
    return files


def _renamed(table: bytes, cases: Mapping[str, str], patients: Mapping[str, str]) -> bytes:
    """The table of scores under new names, its cases in their order."""
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8")), delimiter="\t"))
    for row in rows:
        row["case"], row["patient"] = cases[row["case"]], patients[row["patient"]]
    rows.sort(key=lambda row: row["case"])
    return _tsv([list(rows[0]), *(row.values() for row in rows)]) if rows else table


def _tsv(rows: Any) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()
