"""A chain as lines for a terminal of 100 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from radparity.trace.cell import Cell
from radparity.trace.chain import Chain, Network, Raw, Rule

WIDTH = 100
MOST = 40  # names or lines of a kind; --json has all
DIGEST = 12


def text(chain: Chain) -> str:
    """The whole chain, from the number down to the raw data."""
    blocks = [_head(chain)]
    if chain.cell:
        blocks.append(cell_lines(chain.cell))
        blocks.append(_files_of_cases(chain))
    else:
        blocks.append(_files(chain.digests))
    blocks.append(_stages(chain))
    blocks += [_network(network) for network in chain.networks]
    blocks.append(_environments(chain))
    blocks += _raw(chain)
    if chain.without_entry:
        lines = names("", chain.without_entry)
        blocks.append(["! files without a ledger entry (`snakemake audit` says more)", *lines])
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block)


def _head(chain: Chain) -> list[str]:
    files = sum(stage.files for stage in chain.stages.values())
    said = [f"{chain.file}  sha256 {chain.sha256[:DIGEST]}"]
    return [*said, f"made from {many(files - 1, 'file')} and {many(len(chain.raw), 'raw path')}"]


def cell_lines(cell: Cell) -> list[str]:
    """A cell in words: the number, what it is, and what is in it."""
    lines = [f"row {cell.row}, column {cell.column}: {cell.value}"]
    lines += textwrap.wrap(cell.meaning, WIDTH - 2, initial_indent="  ", subsequent_indent="  ")
    if cell.cases is None:
        return [*lines, "  no case or reader is named here: the chain is that of the whole table"]
    lines += names(f"{many(len(cell.cases), 'case')} in it", cell.cases)
    if cell.not_in:
        lines += names("compared, but not in it", cell.not_in)
    if cell.outlines is not None and cell.readers is not None:
        lines.append(f"  network's masks: {'in it' if cell.network else 'not in it'}")
        rest = [reader for reader in cell.readers if reader not in cell.outlines]
        said = f"  outlines in it: {' '.join(cell.outlines) or 'none'}"
        # An outline with a fault excludes its case, whoever drew it: so they were looked at nevertheless.
        lines.append(said + (f"; not in it, but checked beside them: {' '.join(rest)}" if rest else ""))
    return lines


def _files_of_cases(chain: Chain) -> list[str]:
    """The cell's own cases: their files with digests, where they are few."""
    cell = chain.cell
    if cell is None or not cell.cases or len(cell.cases) > 3:
        return []
    lines = []
    for case in cell.cases:
        own = {case, chain.exams.get(case, case)}
        lines.append(f"{case}, of exam {chain.exams[case]}" if case in chain.exams else case)
        of_case = [path for path in chain.digests if own & set(path.split("/"))]
        lines += _files({path: chain.digests[path] for path in of_case})
        for record in (path for path in of_case if path.endswith("/convert.json")):
            phases = [digest[:DIGEST] for digest in pixels(Path(record))]
            lines += names("pixels of its phases", phases) if phases else []
    return lines


def _files(digests: Mapping[str, str]) -> list[str]:
    return [f"  {path:<{WIDTH - DIGEST - 4}}  {digest[:DIGEST]}" for path, digest in sorted(digests.items())]


def pixels(record: Path) -> list[str]:
    """The digests of an exam's phases as DICOM held them, whatever its headers said; none where it was excluded."""
    try:
        return [str(digest) for digest in json.loads(record.read_text(encoding="utf-8")).get("pixels", ())]
    except (OSError, ValueError):
        return []


def _stages(chain: Chain) -> list[str]:
    """Stage by stage: files, cases, rules with the digests of code and environment, settings."""
    lines = [f"{'stage, rule':<28}{'files':>8}{'cases':>8}  {'code':<18}{'environment':<18}device"]
    for name, stage in chain.stages.items():
        gone = f"  {stage.not_kept} of them not kept" if stage.not_kept else ""
        lines.append(f"{name:<28}{stage.files:>8}{len(stage.cases) or '':>8}{gone}")
        for rule, made in sorted(stage.rules.items()):
            code, environment = joined(made.scripts), joined(made.environments)
            lines.append(f"  {rule:<26}{made.files:>8}{'':>8}  {code:<18}{environment:<18}{joined(made.devices)}")
            lines += _settings(made, name.split()[0])
    return lines


def _settings(rule: Rule, stage: str) -> list[str]:
    """The settings in two lines at most, the seed first."""
    settings = {key.removeprefix(f"{stage}."): value for key, value in flat(rule.params).items()}
    said = [f"{key} {value}" for key, value in sorted(settings.items(), key=lambda item: item[0] != "seed")]
    if not said:
        return []
    lines = textwrap.wrap(", ".join(said), WIDTH - 4, break_long_words=True)
    return [f"    {line}" for line in (lines if len(lines) < 3 else [lines[0], lines[1][: WIDTH - 8] + " ..."])]


def flat(params: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Nested settings as `block.key` to their value; long values are left to --json."""
    found: dict[str, str] = {}
    for key, value in sorted(params.items()):
        name = f"{above}.{key}" if above else key
        if isinstance(value, dict) and value:
            found |= flat(value, name)
        elif value not in (None, [], {}):
            said = value if isinstance(value, str) else json.dumps(value)
            found |= {name: said} if len(said) <= 40 else {}
    return found


def _network(network: Network) -> list[str]:
    lines = [f"weights {network.path}  sha256 {network.sha256[:DIGEST]}"]
    lines += names(f"trained on {len(network.training)}", network.training)
    lines += names(f"inner validation {len(network.validation)}", network.validation)
    return lines + (names(f"held out {len(network.held_out)}", network.held_out) if network.held_out else [])


def _environments(chain: Chain) -> list[str]:
    """The versions of each environment; those that are the same are said once."""
    same: dict[str, list[str]] = {}
    for digest, versions in sorted(chain.environments.items()):
        said = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        same.setdefault(said, []).append(digest)
    return [line for said, of in same.items() for line in names(f"environment {', '.join(of)}", [said], indent="")]


def _raw(chain: Chain) -> list[list[str]]:
    """The raw data, by what it is in this chain: of the cell's cases, of the tuning cases, of the trainings."""
    cell = chain.cell
    own = set(cell.cases or ()) if cell else set()
    learned = {breast for network in chain.networks for breast in (*network.training, *network.validation)}
    roles: dict[str, set[str]] = {"the cases of this number": own, "the cases that the threshold was tuned on": set()}
    roles["the cases that the threshold was tuned on"] = set(chain.tuning)
    roles["the cases that the networks were trained on"] = learned
    left, blocks = dict(chain.raw), []
    for role, breasts in roles.items():
        of = breasts | {chain.exams[breast] for breast in breasts if breast in chain.exams}
        found = {path: raw for path, raw in left.items() if raw.of in of}
        left = {path: raw for path, raw in left.items() if path not in found}
        blocks.append(_raw_block(f"raw data of {role}", found, cell if breasts is own else None))
    blocks.append(_raw_block("raw data of other cases" if blocks[0] or blocks[2] else "raw data", left, None))
    return blocks


def _raw_block(title: str, found: Mapping[str, Raw], cell: Cell | None) -> list[str]:
    if not found:
        return []
    ordered = sorted(found.items(), key=lambda item: (item[1].of, item[0]))
    lines = [f"{title}: {many(len(found), 'path')}"]
    for path, raw in ordered[:MOST]:
        rater = raw.what.removeprefix("outline by ")
        outside = cell is not None and rater in (cell.readers or ()) and rater not in (cell.outlines or ())
        note = "  (not in the number)" if outside else ""
        lines.append(f"  {raw.of:<8}{raw.digest[:DIGEST]}  {raw.what:<16}{path}{note}")
    return lines + ([f"  ... and {len(ordered) - MOST} more (--json)"] if len(ordered) > MOST else [])


def names(title: str, of: Iterable[str], indent: str = "  ") -> list[str]:
    """A title and names, wrapped; many are cut short."""
    listed = list(of)
    more = f" ... and {len(listed) - MOST} more (--json)" if len(listed) > MOST else ""
    said = f"{title}: " if title else ""
    hanging = indent + "  "
    return textwrap.wrap(
        said + (" ".join(listed[:MOST]) or "none") + more, WIDTH, initial_indent=indent, subsequent_indent=hanging
    )


def joined(found: Iterable[str]) -> str:
    """One value, or how many there are: files of one stage that were made by different code."""
    values = sorted(found)
    return values[0] if len(values) == 1 else f"{len(values)} different" if values else ""


def many(count: int, what: str) -> str:
    """A number with its noun."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
