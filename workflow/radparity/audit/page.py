"""The verdict page: green at one glance, or the list of what is wrong. One file without script or network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from radparity.audit.touched import HEADLINE

SHOWN = 500
TOGETHER = 3


def build(study: str, found: dict[str, Any], template: Path) -> str:
    """The page of what `audit_study` found. The same findings give the same bytes."""
    leaks = found["deidentification"]
    text = Template(template.read_text(encoding="utf-8"))
    return text.substitute(
        study=escape(study),
        verdict=found["verdict"],
        headline="The audit is green." if found["verdict"] == "green" else f"The audit is red: {_counted(found)}.",
        sentence=escape(_sentence(found)),
        faults=_fault_table(found["faults"], found["faults_found"]),
        leaks=_leak_table(leaks),
        remarks=_remark_table(found["remarks"]),
        checked=_table(("checked", "how many"), _checked(found)),
        report_root=found["root_of_the_report"] or "no report",
        ledger_root=found["root_of_all_entries"],
    )


def headline(found: dict[str, Any]) -> str:
    """The verdict in a few lines, for the terminal."""
    if found["verdict"] == "green":
        checked = f"{found['files']} files, {found['inputs']} inputs, {found['not_kept']} files not kept"
        return f"green: {checked}, {len(found['remarks'])} remarks"
    first = "".join(f"\n      {each['file']} {each['fault']}" for each in found["faults"][:3])
    return f"the audit is red: {_counted(found)}. Open results/audit/index.html{first}"


def _counted(found: dict[str, Any]) -> str:
    faults, leaks = found["faults_found"], sum(found["deidentification"]["leaks"].values())
    said = [f"{faults:,} fault{'s' * (faults != 1)}"] if faults or not leaks else []
    return ", ".join([*said, *([f"{leaks:,} identifier{'s' * (leaks != 1)} of the source"] if leaks else [])])


def _sentence(found: dict[str, Any]) -> str:
    if found["verdict"] == "green":
        return (
            "Every file under results/ is the one that its job made, with the code and environment of this checkout,"
            " from the outputs of other jobs and the raw data as they are now."
        )
    own = [fault["file"] for fault in found["faults"] if HEADLINE.fullmatch(fault["file"])]
    said = _in_words([*own, *(name for fault in found["faults"] for name in fault["headline"])])
    if said:
        return f"Do not use before it is mended: {said}."
    return "The report and its tables are not made from what is wrong."


def _checked(found: dict[str, Any]) -> list[Sequence[str]]:
    leaks = found["deidentification"]
    return [
        ("files under results/ against their digests", f"{found['files']:,}"),
        ("inputs against the outputs and raw data that they were", f"{found['inputs']:,}"),
        ("bytes read", found["read"]),
        ("files that went because nothing reads them any more", f"{found['not_kept']:,}"),
        ("lists of batches of an earlier division, left alone", f"{found['lists_of_before']:,}"),
        ("headers of the source whose identifiers were searched for", f"{leaks['headers']:,}"),
    ]


def _fault_table(faults: list[dict[str, Any]], number: int) -> str:
    if not faults:
        return ""
    rows = [_fault_row(several) for several in list(_alike(faults))[:SHOWN]]
    more = (
        f"<p class='note'>{len(faults):,} of {number:,}; the others are like them.</p>" if number > len(faults) else ""
    )
    head = ("file", "what is wrong", "what to do", "what was made from it")
    return f"<h2>Faults</h2><div class='faults'>{_table(head, rows, raw=True)}</div>{more}"


def _alike(faults: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Faults of the same words together where there are many, in order of the first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for fault in faults:
        found.setdefault(fault["fault"], []).append(fault)
    for several in found.values():
        yield from [several] if len(several) > TOGETHER else [[one] for one in several]


def _fault_row(several: list[dict[str, Any]]) -> tuple[str, str, str, str]:
    first, others = several[0], len(several) - TOGETHER
    names = "<br>".join(_code(each["file"]) for each in several[:TOGETHER])
    more = f"<br>and {others:,} more" if others > 0 else ""
    mend = _text(first["mend"]) + (". The others likewise" if len(several) > 1 else "")
    return names + more, _text(first["fault"]), mend, _touched(several)


def _touched(several: list[dict[str, Any]]) -> str:
    """How many files were made from the faulty one, or from each of several, and whether the report is among them."""
    most, least = (how(each["touches"] for each in several) for how in (max, min))
    if not most:
        return "nothing"
    number = f"{most:,}" if most == least else f"{least:,} to {most:,}"
    said = _in_words(name for each in several for name in each["headline"])
    return f"{number} file{'s' * (most > 1)}{': ' * bool(said)}{escape(said)}"


def _in_words(names: Iterable[str]) -> str:
    """The report and the tables among some files, as people call them."""
    found = {}
    for name in names:
        _, stage, *rest = name.split("/")
        found[{"report": "the report", "compare": f"the tables of {rest[0]}"}.get(stage, rest[-1])] = stage != "report"
    return ", ".join(sorted(found, key=lambda said: (found[said], said)))


def _leak_table(leaks: dict[str, Any]) -> str:
    rows = [
        (_code(f["file"]), _text(f["identifier"]), _text(f["place"]), _text(f["hint"]))
        for f in leaks.get("findings", [])[:SHOWN]
    ]
    warnings = "".join(f"<li>{_text(warning)}</li>" for warning in leaks["warnings"])
    table = _table(("file", "identifier of the source", "where", "hint"), rows, raw=True) if rows else ""
    head = "<h2>Identifiers of the source</h2>" if rows else "<h2>De-identification</h2>"
    return f"{head}{table}<ul>{warnings}</ul>" if rows or warnings else ""


def _remark_table(remarks: list[dict[str, Any]]) -> str:
    if not remarks:
        return ""
    rows = [
        (_text(each["remark"]), f"{each['files']:,}", "<br>".join(map(_code, each["first"])))
        for each in remarks[:SHOWN]
    ]
    note = "<p class='note'>They do not make the audit red.</p>"
    return f"<h2>Remarks</h2>{note}{_table(('what', 'files', 'the first of them'), rows, raw=True)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], raw: bool = False) -> str:
    heads = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{c if raw else _text(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<div class='wide'><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"


def _text(text: str) -> str:
    """Escaped, with what stands in backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
