"""The chain from a file, or from one cell of a table, down to the raw data: stages, networks, cases, digests."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radparity.config import ConfigError
from radparity.provenance import Entry, Ledger, Sources, raw_of
from radparity.trace.cell import Cell

# They stop the study where two patients have the same pixels; no number is made from them.
GATES = "results/fold/twins_"
OF_ARMS = ("predict", "segment", "seg", "compare", "figures", "select")
WEIGHTS = ("weights.pt", "weights.pth")
FEW = 40  # files of a chain without a cell that are listed one by one
# Of params: which files there are, and what stands elsewhere in the trace.
LAYOUT = ("raw", "files", "patients", "cases", "development", "planned", "groups", "truths", "breasts", "exam")


@dataclass
class Rule:
    """What one rule made of a stage: its files, and all digests and settings that their entries name."""

    files: int = 0
    scripts: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    params: dict[str, Any] = field(default_factory=dict)
    """those that are the same for all of the files"""


@dataclass
class Stage:
    """The files of one stage (and arm or harmonization) in the chain."""

    files: int = 0
    not_kept: int = 0
    raw: set[str] = field(default_factory=set)
    """the raw paths that they were made from directly"""
    cases: set[str] = field(default_factory=set)
    rules: dict[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """Trained weights in the chain, and the cases that they were trained on."""

    path: str
    sha256: str
    training: list[str]
    validation: list[str]
    held_out: list[str]


@dataclass(frozen=True)
class Raw:
    """A raw path (relative to the raw folder) in the chain: content digest, what it is, of which exam or breast."""

    digest: str
    what: str
    of: str


@dataclass
class Chain:
    """All that a file or a cell was made from."""

    file: str
    sha256: str
    cell: Cell | None
    stages: dict[str, Stage] = field(default_factory=dict)
    reads: dict[tuple[str, str], int] = field(default_factory=dict)
    """stage and stage to how many files of the first the second read"""
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    """digest of an environment to the versions of its packages"""
    networks: list[Network] = field(default_factory=list)
    raw: dict[str, Raw] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    """files that no job made, as the page's template, with their digests"""
    without_entry: list[str] = field(default_factory=list)
    """files under results/ that should have an entry: a fault, which the audit lists"""
    exams: dict[str, str] = field(default_factory=dict)
    """breast to exam"""
    tuning: list[str] = field(default_factory=list)
    """the cases that the threshold was tuned on"""
    digests: dict[str, str] = field(default_factory=dict)
    """files with their digests: those of the cell's cases; without a cell all, where they are few"""


def chain_of(
    book: Ledger, file: str, cell: Cell | None = None, show: Callable[[int], None] = lambda done: None
) -> Chain:
    """Walk from a file down. show: how many files so far.

    Raises ConfigError where it is no result with a ledger entry.
    """
    top = entry_of(book, file)
    found, read = Chain(file, top["sha256"], cell), dict[tuple[str, str], set[str]]()
    seen, inside = 0, f"{book.results.as_posix()}/"
    for path, entry, sources in book.walk(file, _narrowed(file, cell) if cell and cell.cases else _all):
        seen += 1
        show(seen)
        if entry is None:
            if path.startswith(inside):
                found.without_entry.append(path)
            continue
        name = stage_of(path)
        _count(found, name, path, entry)
        for source, digest in sources.items():
            if source.startswith(inside):
                read.setdefault((stage_of(source), name), set()).add(source)
            else:
                found.others[source] = digest
        if path.endswith(WEIGHTS):
            found.networks.append(_network(path, entry))
    if cell is None and len(found.digests) > FEW:
        found.digests = {}
    found.reads = {edge: len(files) for edge, files in read.items()}
    found.networks.sort(key=lambda network: network.path)
    found.stages = {name: found.stages[name] for name in _ordered(found)}
    return found


def _all(path: str, entry: Entry, sources: Sources) -> Sources:
    return sources


def entry_of(book: Ledger, file: str) -> Entry:
    """The entry of a result. Raises ConfigError that says what to do where it has none."""
    found = book.entry(file)
    if found is None:
        raise ConfigError(_unknown(file))
    return found


def _unknown(file: str) -> str:
    path = Path(file)
    if path.is_file() and path.parts[:1] != ("results",):
        return f"{file} is no result. Name a file under results/, as the entries do: results/compare/unet/main.tsv"
    near = sorted(one.as_posix() for one in Path("results").glob(f"{path.parent.name}/*/{path.name}"))[:3]
    near = near or sorted(one.as_posix() for one in Path("results").glob(f"**/{path.name}"))[:3]
    if not path.is_file():
        mend = f"Write one of: {', '.join(near)}" if near else "Name a file under results/, relative to the project"
        return f"{file}: there is no such file, nor the ledger entry of one that was not kept. {mend}"
    return (
        f"{file} has no ledger entry: no job of this workflow made it, or its job did not finish. Run the study, and"
        " `snakemake audit`, which lists all such files"
    )


def stage_of(path: str) -> str:
    """The stage of a result with its arm or harmonization, as `train unet`."""
    parts = Path(path).parts
    named = len(parts) > 4 or (len(parts) == 4 and parts[1] in OF_ARMS)
    return " ".join(parts[1:3] if named else parts[1:2])


def _count(found: Chain, name: str, path: str, entry: Entry) -> None:
    """Add one file to its stage, with what its entry says of cases, settings and raw data."""
    stage = found.stages.setdefault(name, Stage())
    rule = stage.rules.setdefault(entry["rule"], Rule())
    stage.files, rule.files = stage.files + 1, rule.files + 1
    stage.not_kept += entry.get("kept") is False
    stage.raw |= raw_of(entry).keys()
    of, params, code = entry["wildcards"], entry["params"], entry.get("code") or {}
    case = of.get("breast") or of.get("exam") or ""
    stage.cases |= {case} - {""}
    if isinstance(code, dict) and code:
        rule.scripts.add(code["script"])
        rule.environments.add(code["environment"])
        found.environments.setdefault(code["environment"], {}).update(entry["versions"])
    rule.devices.add(entry["device"])
    plain = {key: value for key, value in params.items() if key not in LAYOUT}
    if rule.files == 1:
        rule.params = plain
    else:
        rule.params = {key: value for key, value in rule.params.items() if key in plain and plain[key] == value}
    if "breast" in of and "exam" in params:
        found.exams[of["breast"]] = params["exam"]
    if entry["rule"] == "segment_tune":
        found.tuning = sorted({*found.tuning, *params["patients"]})
    drawn = _drawn(case, params)
    for raw, digest in raw_of(entry).items():
        whose, what = drawn.get(raw, (case, "images" if raw == params.get("folder") else entry["rule"]))
        found.raw.setdefault(raw, Raw(digest, what, whose))
    if found.cell is None or case in _names(found):
        found.digests[path] = entry["sha256"]


def _drawn(case: str, params: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Raw path of an outline to its case and who drew it: of one case, or of all in a study of masks."""
    outlines, cases = params.get("outlines"), params.get("cases")
    by_case = {case: outlines} if isinstance(outlines, dict) else {}
    if isinstance(cases, dict):
        by_case |= {name: about["files"] for name, about in cases.items() if "files" in about}
    return {file: (name, f"outline by {rater}") for name, files in by_case.items() for rater, file in files.items()}


def _names(found: Chain) -> set[str]:
    cases = set(found.cell.cases or ()) if found.cell else set()
    return cases | {found.exams[case] for case in cases if case in found.exams}


def _narrowed(table: str, cell: Cell) -> Callable[[str, Entry, Sources], Sources]:
    """Of each file's sources those that the cell's number was made from."""

    def follow(path: str, entry: Entry, sources: Sources) -> Sources:
        kept = {name: digest for name, digest in sources.items() if not name.startswith(GATES)}
        if path == table or entry["rule"].startswith("compare_"):
            kept = {name: digest for name, digest in kept.items() if _of_cell(name, cell)}
        elif entry["rule"] in ("train_fold", "fold_scaling"):
            kept = _seen(path, entry["rule"], kept)
        return kept

    return follow


def _of_cell(name: str, cell: Cell) -> bool:
    if not _is_case(name):
        return True
    stage = Path(name).parts[1]
    unused = (stage == "segment" and cell.network is False) or (stage == "outline" and cell.outlines == [])
    return not unused and Path(name).parent.name in (cell.cases or ())


def _is_case(name: str) -> bool:
    """Whether a source's folder is that of one case: its record lies beside it."""
    path = Path(name)
    return path.with_name(f"{path.parts[1]}.json").is_file()


def _seen(path: str, rule: str, sources: Sources) -> Sources:
    """Of what a training had at hand the breasts that it saw: training and inner validation, not the held-out ones."""
    record = Path(path) if rule == "fold_scaling" else Path(path).with_name("train.json")
    try:
        said = json.loads(record.read_text(encoding="utf-8"))
        seen = {*said.get("breasts", ()), *said.get("training", ()), *said.get("validation", ())}
    except (OSError, ValueError):
        return sources
    return {name: digest for name, digest in sources.items() if not _is_case(name) or Path(name).parent.name in seen}


def _network(path: str, entry: Entry) -> Network:
    try:
        said = json.loads(Path(path).with_name("train.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    out = roles(entry["wildcards"].get("fold", ""), "held_out") if Path(path).parts[1] != "mask" else []
    return Network(path, entry["sha256"], sorted(said.get("training", [])), sorted(said.get("validation", [])), out)


def roles(fold: str, role: str) -> list[str]:
    """The breasts that have a role in a fold, by the partition table; none where it is not there."""
    table = Path("results/fold/folds.tsv")
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return sorted(row["breast"] for row in rows if row["fold"] == fold and row["role"] == role)


def _ordered(found: Chain) -> list[str]:
    """Stages from the raw data on: each after all that it reads."""
    before: dict[str, set[str]] = {name: set() for name in found.stages}
    for source, name in found.reads:
        if source != name and source in before:
            before[name].add(source)
    ordered: list[str] = []
    while before:
        ready = sorted(name for name, waits in before.items() if not waits - set(ordered)) or sorted(before)[:1]
        ordered += ready
        before = {name: waits for name, waits in before.items() if name not in ordered}
    return ordered
