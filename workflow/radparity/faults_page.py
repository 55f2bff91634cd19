"""The page docs/faults.md, made from the table of faults."""

from __future__ import annotations

from radparity.faults import FAULTS

ORDER = tuple(
    "cohort download intake eligible convert register harmonize mask outline masks fold slab predict seg".split()
)


def table() -> str:
    """The faults as the page docs/faults.md."""
    lines = [
        "# Faults in the data",
        "",
        "A fault of one case never stops the study. It excludes the case, with its code and a sentence in the case's",
        "record, the report and its flow chart; faults marked *flag* leave the case in and mark it.",
        "This page is made by `radparity faults > docs/faults.md`.",
        "",
        "| code | stage | meaning | what to do | |",
        "|---|---|---|---|---|",
    ]
    for code, fault in sorted(FAULTS.items(), key=lambda item: (ORDER.index(item[1].stage), item[0])):
        lines.append(
            f"| `{code}` | {fault.stage} | {fault.meaning} | {fault.mend} | {'flag' if fault.flag else 'excludes'} |"
        )
    return "\n".join(lines) + "\n"
