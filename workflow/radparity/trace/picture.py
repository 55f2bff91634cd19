"""A chain as a picture: stages from the raw data down to the number, how many files each read of another."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from radparity.trace.chain import Chain
from radparity.trace.text import joined, many

BOX, TALL, GAP, LANE, EDGE = 340, 56, 26, 36, 24
COLOURS = ("#2f6f9f", "#b5562b", "#4b8b3b", "#7d5ba6", "#a58a16", "#b0457b", "#3a8f8a", "#6b6b6b", "#c2185b", "#5d4037")
RAW = "raw data"


@dataclass(frozen=True)
class Box:
    """A stage, its two lines, and where it stands from the top."""

    name: str
    first: str
    second: str
    top: int


def picture(chain: Chain) -> str:
    """The chain as SVG. What a stage read of the one above it goes straight down, all else by a lane on the right:
    a lane belongs to the stage that it comes from, and a number says how many of its files were read."""
    boxes = _boxes(chain)
    order = list(boxes)
    edges = {(a, b): count for (a, b), count in chain.reads.items() if a != b and a in boxes and b in boxes}
    edges |= {(RAW, stage): count for stage, count in _raw_reads(chain).items()}
    straight = {(a, b) for a, b in edges if order.index(b) == order.index(a) + 1}
    lanes = _lanes(order, [edge for edge in edges if edge not in straight])
    parts = [_line_down(boxes[a], edges[a, b]) for a, b in sorted(straight)]
    if chain.cell:
        parts.append(_line_down(boxes[order[-2]], None))
    for number, (source, lane) in enumerate(lanes.items()):
        wire = {b: edges[a, b] for a, b in edges if a == source and (a, b) not in straight}
        entries = []
        for target, count in wire.items():
            into = sorted((lanes[a], a) for a, b in edges if b == target and (a, b) not in straight)
            step = min(11.0, (TALL - 20) / len(into))
            entries.append((boxes[target].top + 10 + step * into.index((lane, source)), count))
        parts.append(_wire(boxes[source], entries, lane, COLOURS[number % len(COLOURS)]))
    parts += [_box(box, last=box.name == order[-1]) for box in boxes.values()]
    wide = EDGE + BOX + 60 + LANE * (max(lanes.values(), default=0) + 1)
    high = boxes[order[-1]].top + TALL + EDGE
    title = escape(f"{chain.file}" + (f", {chain.cell.row}, {chain.cell.column}" if chain.cell else ""))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
        f' font-family="Helvetica, Arial, sans-serif" font-size="11"><title>What {title} was made from</title>'
        f'<rect width="{wide}" height="{high}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _boxes(chain: Chain) -> dict[str, Box]:
    """The raw data, the stages, and the number, from the top."""
    lines = {RAW: (many(len(chain.raw), "path"), "content digests, by the sweep")}
    for name, stage in chain.stages.items():
        cases = f", {many(len(stage.cases), 'case')}" if stage.cases else ""
        codes = {script for rule in stage.rules.values() for script in rule.scripts}
        rules = ", ".join(sorted(stage.rules))
        said = f"{rules}  {joined(codes)}" if len(codes) == 1 else rules
        lines[name] = (many(stage.files, "file") + cases, said if len(said) < 56 else f"{said[:54]}…")
    if chain.cell:
        cell = chain.cell
        lines[f"{cell.row}, {cell.column}"] = (cell.value[:24], chain.file)
    return {
        name: Box(name, first, second, EDGE + place * (TALL + GAP))
        for place, (name, (first, second)) in enumerate(lines.items())
    }


def _raw_reads(chain: Chain) -> dict[str, int]:
    return {name: len(stage.raw) for name, stage in chain.stages.items() if stage.raw}


def _lanes(order: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Each source's lane: the first that is free from the source down to its last target; short ones inside."""
    spans = {a: (order.index(a), max(order.index(b) for source, b in edges if source == a)) for a, _ in sorted(edges)}
    taken: list[list[tuple[int, int]]] = []
    lanes: dict[str, int] = {}
    for source, (top, bottom) in sorted(spans.items(), key=lambda item: item[1][1] - item[1][0]):
        free = (n for n, held in enumerate(taken) if all(bottom < first or top > last for first, last in held))
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((top, bottom))
        lanes[source] = lane
    return lanes


def _line_down(box: Box, count: int | None) -> str:
    x, top = EDGE + 60, box.top + TALL
    tip = top + GAP
    return (
        f'<path d="M{x} {top}V{tip - 5}" stroke="#555" fill="none"/><path d="M{x - 4} {tip - 7}L{x} {tip}L{x + 4}'
        f' {tip - 7}z" fill="#555"/><text x="{x + 8}" y="{top + GAP / 2 + 4}" fill="#555">{count or ""}</text>'
    )


def _wire(source: Box, entries: list[tuple[float, int]], lane: int, colour: str) -> str:
    """A lane down from a stage, with a branch at each height where another reads of it; the number of files on it."""
    right, x = EDGE + BOX, EDGE + BOX + 50 + LANE * lane
    out, low = source.top + TALL - 6, max(y for y, _ in entries)
    line = f'stroke="{colour}" fill="none" stroke-width="1.4"'
    parts = [f'<path d="M{right} {out}H{x}V{low}" {line}/>']
    for y, count in entries:
        parts.append(f'<path d="M{x} {y}H{right + 6}" {line}/><circle cx="{x}" cy="{y}" r="2.2" fill="{colour}"/>')
        parts.append(f'<path d="M{right + 8} {y - 4}L{right + 1} {y}L{right + 8} {y + 4}z" fill="{colour}"/>')
        parts.append(
            f'<text x="{x - 5}" y="{y + 3.5}" text-anchor="end" fill="{colour}" stroke="#fff" stroke-width="3"'
            f' paint-order="stroke" font-size="10">{count}</text>'
        )
    return "".join(parts)


def _box(box: Box, last: bool) -> str:
    fill = "#fdf3d8" if last else "#eef3f7" if box.name == RAW else "#f7f7f5"
    clip = box.second if len(box.second) <= 58 else f"{box.second[:57]}…"
    return (
        f'<rect x="{EDGE}" y="{box.top}" width="{BOX}" height="{TALL}" rx="5" fill="{fill}" stroke="#8a8a8a"/>'
        f'<text x="{EDGE + 12}" y="{box.top + 22}" font-size="13" font-weight="bold">{escape(box.name)}</text>'
        f'<text x="{EDGE + BOX - 12}" y="{box.top + 22}" text-anchor="end">{escape(box.first)}</text>'
        f'<text x="{EDGE + 12}" y="{box.top + 41}" fill="#666" font-size="10">{escape(clip)}</text>'
    )
