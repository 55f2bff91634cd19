"""What a cohort holds and what was left out and why, as lines for people and as the table of docs/cohorts.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from radparity.cohort.choose import LEFT_OUT, Exam
from radparity.cohort.collections import COLLECTIONS
from radparity.cohort.sources import Source
from radparity.cohort.study import SHARES, Found

STEPS = ("no_mr", "no_visit", "no_dynamic", "no_outline", "other_maker")
"""The reasons of LEFT_OUT in the order in which they are asked."""
COLUMNS = (
    *("collection", "patients", "with MR", "with a baseline visit", "with a dynamic series", "with a tumour SEG"),
    *("of the makers wanted", "side in words", "T2", "DCE, GB", "all, GB", "files"),
)


def forbidding(sources: Iterable[Source]) -> list[str]:
    """What licences forbid: a line a source whose licence excludes commercial use."""
    return [
        f"NOT FOR COMMERCIAL USE: {row.cohort}, {row.title}: {row.licence} ({row.licence_address})"
        for row in sources
        if row.commercial_use == "no"
    ]


def chart(one: Found) -> Iterator[str]:
    """The flow chart of one collection, with the manufacturers of the first MR visits."""
    collection, stayed = COLLECTIONS[one.collection], one.patients
    yield f"{one.collection}: {one.patients} patients; baseline visit: {collection.visit_rule}"
    for reason in STEPS:
        if gone := one.left[reason]:
            stayed -= gone
            yield f"  - {gone}: {LEFT_OUT[reason]}; {stayed} stay"
    if collection.outlines:
        said = ", ".join(f"{maker} {held} of {count}" for maker, (count, held) in one.makers.items())
        yield f"  with a tumour SEG, by manufacturer of the baseline visit: {said}"
        kinds = Counter(t.series.description for e in one.exams.values() for t in e.taken if t.outline)
        yield f"  tumour SEG taken: {', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items()))}"
    else:
        yield "  the index has no tumour SEG of this collection: no breasts and no readings are written"
    exams = one.exams.values()
    yield f"  {len(exams)} exams, {size(exams, None):.1f} GB, of them DCE {size(exams):.1f} GB"


def to_fill(found: Iterable[Found]) -> list[str]:
    """What a person has to fill before the study can run, or may fill: a line for each collection and column."""
    lines = []
    for one in found:
        exams = [exam for exam in one.exams.values() if exam.outlined]
        if exams and not COLLECTIONS[one.collection].malignant:
            lines.append(
                f"FILL FIRST: breasts.tsv, column 'label', {len(exams)} rows of {one.collection}: malignant or benign,"
                " from the collection's clinical tables, which the index does not hold"
            )
        if one.exams and not COLLECTIONS[one.collection].outlines:
            lines.append(
                f"FILL FIRST: breasts.tsv and readings.tsv: {one.collection} has no outlines in the index, and no"
                " configuration is written for it alone"
            )
        both = sum(exam.both and exam.side is None for exam in exams)
        if both:
            lines.append(
                f"FILL FIRST: breasts.tsv, column 'side', {both} rows of {one.collection}: these exams show both"
                " breasts, and no description names the side of the cancer; a case without it leaves with side_open"
            )
        if silent := sum(exam.side is None for exam in exams) - both:
            lines.append(
                f"LEFT OPEN: breasts.tsv, column 'side', {silent} of {len(exams)} rows of {one.collection}: no"
                " description names it, and the one breast that the exam shows is taken. Should it show both, the case"
                " leaves with side_open until you fill the cell"
            )
    return lines


def without_reader(exams: Iterable[Exam], reader: str) -> list[str]:
    """A line for each collection with cases that the reader of the configuration did not outline: the study is refused
    until all test and tuning cases have the same."""
    names = ((exam.collection.name, {t.outline.rater for t in exam.taken if t.outline}) for exam in exams)
    absent = Counter(name for name, raters in names if raters and reader not in raters)
    return [
        f"FILL FIRST: readings.tsv, column 'rater': {count} cases of {name} have no outline by {reader}, whom the"
        " configuration names in readers: test. Give the reference one name in all collections, there too, or make a"
        " study of each"
        for name, count in absent.items()
    ]


def partitioned() -> str:
    """How the partition was made, in words."""
    shares = ", ".join(f"{name} {share:.0%}" for name, share in SHARES.items())
    return f"partition by patient within each collection, in the order of a digest of seed and pseudonym: {shares}"


def size(exams: Iterable[Exam], role: str | None = "dynamic") -> float:
    """GB (of 10^9 bytes) of the series in a role, or of all that is taken."""
    return sum(one.series.bytes for exam in exams for one in exam.taken if role in (None, one.role)) / 1e9


def table(found: Iterable[Found]) -> str:
    """Counts of patients after each step, sizes and files, as a Markdown table."""
    rows = [list(COLUMNS), ["---", *["---:"] * (len(COLUMNS) - 1)]]
    for one in found:
        exams, stayed = list(one.exams.values()), one.patients
        row = [one.collection, str(stayed)]
        for reason in STEPS:
            stayed -= one.left[reason]
            row.append(str(stayed))
        if not COLLECTIONS[one.collection].outlines:
            row[5:7] = ["none in the index", "-"]
        row += [str(sum(exam.side is not None for exam in exams)), str(sum(bool(exam.of("t2")) for exam in exams))]
        row += [f"{size(exams):.1f}", f"{size(exams, None):.1f}"]
        rows.append([*row, f"{sum(taken.series.images for exam in exams for taken in exam.taken):,}"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def makers(found: Iterable[Found]) -> str:
    """Patients by manufacturer of the baseline visit, and how many of them have a tumour SEG there, as Markdown."""
    rows = [["collection", "manufacturer", "patients", "with a tumour SEG"], ["---", "---", "---:", "---:"]]
    for one in found:
        rows += [[one.collection, maker, str(n), str(held)] for maker, (n, held) in one.makers.items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
