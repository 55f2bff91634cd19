"""The model card as Markdown and as a page of its own."""

from __future__ import annotations

from pathlib import Path

from radparity.bundle.card import Card, plain
from radparity.report.tables import Table


def markdown(card: Card) -> str:
    """The card as Markdown."""
    lines = [f"# {card.title}", "", *(f"> **{sentence}**\n>" for sentence in card.warnings), ""]
    for part in card.parts:
        lines += [f"## {part.title}", ""]
        lines += [line for paragraph in part.paragraphs for line in (paragraph, "")]
        lines += [f"- {point}" for point in part.points] + [""] * bool(part.points)
        for table in part.tables:
            lines += _table(table)
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> list[str]:
    if not any(table.head):
        return [*(f"- {name}: {value}" for name, value in table.rows), ""]
    rule = ["---" if index in table.words else "---:" for index in range(len(table.head))]
    rows = [table.head, rule, *table.rows]
    found = [f"**{table.caption}**", "", *(f"| {' | '.join(map(str, row))} |" for row in rows), ""]
    return found + [table.note, ""] * bool(table.note)


def page(card: Card, template: Path) -> str:
    """The card as one page that needs no other file."""
    from radparity.report.templates import templates

    return templates(template.parent).get_template(template.name).render(**plain(card)) + "\n"
