"""The search of everything under results/ for the identifiers of the source."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from radparity.audit.files import OWN
from radparity.deidentify.formats import View
from radparity.deidentify.identifiers import Source, read_source
from radparity.deidentify.matcher import Matcher
from radparity.deidentify.views import BROKEN, pieces, readable, views
from radparity.deidentify.words import fold
from radparity.ledger import SUFFIX

SHOWN = 500
NAMED = 10
SAID = OWN["audit"]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Finding(NamedTuple):
    """A leak: which file, what kind of identifier, where in the file, and a hint that does not repeat it."""

    file: str
    identifier: str
    place: str
    hint: str


def files(results: Path) -> list[Path]:
    """Every file and empty folder below a folder, in order, except what a running job is writing, and what the audit
    before this one said: it was masked, and this one writes it anew."""
    found: list[Path] = []
    for top, folders, names in os.walk(results):
        of_audit = Path(top) == results / "audit"
        names = [name for name in names if not (of_audit and name.removesuffix(SUFFIX) in SAID)]
        found += [Path(top, name) for name in names if not name.startswith(".writing-")]
        found += [] if folders or names else [Path(top)]
    return sorted(found)


def search_file(matcher: Matcher, path: Path) -> list[Finding]:
    """The identifiers in one file's name and in everything that it holds."""
    name = path.as_posix()
    near = matcher.owners(name)
    shown = matcher.mask(name, near)
    found: list[Finding] = []

    def note(view: View) -> None:
        folded = fold(view.text)
        for hit in matcher.find(view.text, view.form, near | matcher.owners(view.text)):
            hint = f"{folded[hit.start]}…, {hit.end - hit.start} characters"
            found.append(Finding(shown, hit.kind, matcher.mask(view.place, near), hint))

    # A name is also read with its dots as spaces: `1234567.1.nii` holds no decimal number.
    for text in (name, name.replace(".", " ")):
        note(View("file or folder name", text, "text"))
    for view in views(path) if path.is_file() else ():
        if view.of == BROKEN:
            found.append(Finding(shown, BROKEN, matcher.mask(view.place, near), ""))
        if matcher.suspects(readable(view.text) if view.of == "lines" else view.text):
            for piece in pieces(view):
                note(piece)
    return list(dict.fromkeys(found))


_work: Callable[[Any], Any]


def _each(work: Callable[[Item], Result], items: list[Item], workers: int) -> Iterator[Result]:
    """Results in order of the items. Processes are forked, so that they share what `work` holds and write nothing."""
    if workers < 2:
        yield from map(work, items)
        return
    size = max(1, min(64, len(items) // (4 * workers)))
    with ProcessPoolExecutor(workers, get_context("fork"), _begin, (work,)) as pool:
        yield from pool.map(_forked, items, chunksize=size)


def _begin(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work


def _forked(item: Any) -> Any:
    return _work(item)


def read_sources(raw: Path, exams: dict[str, list[str]], workers: int) -> list[Source]:
    """The identifiers of every exam. exams: to each the folders, lists and files that the sheets name."""
    return list(_each(partial(_source, raw), sorted(exams.items()), workers))


def _source(raw: Path, exam: tuple[str, list[str]]) -> Source:
    return read_source(raw, *exam)


def deidentification(
    results: Path,
    sources: list[Source],
    pseudonyms: dict[str, set[str]],
    allow: Iterable[str],
    workers: int,
    meant: Callable[[str, str], bool] = lambda file, kind: False,
) -> tuple[dict[str, Any], Matcher]:
    """Search everything under results/.

    meant: whether an identifier of that kind belongs into a file; such files are counted, and are no leak. Returns the
    section of the audit (verdict, counts, findings without the values) and the matcher, whose `mask` cleans what else
    the audit writes.
    """
    matcher = Matcher(sources, pseudonyms, allow)
    searched = files(results)
    noted = [f for several in _each(partial(search_file, matcher), searched, workers) for f in several]
    asked = {finding.file for finding in noted if meant(finding.file, finding.identifier)}
    found = [f for f in noted if f.identifier != BROKEN and not meant(f.file, f.identifier)]
    headers = sum(source.headers for source in sources)
    warnings = [f"{s.exam}: the source says that text is burned into its pixels; look" for s in sources if s.burned_in]
    foreign = "an identifier of its headers is the pseudonym of another patient"
    warnings += [f"{exam}: {foreign}" for exam in sorted(matcher.terms.foreign)]
    broken = [f"{f.file}{', ' * bool(f.place)}{f.place}" for f in noted if f.identifier == BROKEN]
    warnings += [f"{where}: is not what its first bytes say; only its bytes were searched" for where in broken]
    if asked:
        warnings.append(
            f"{len(asked)} segmentations hold identifiers of the source, as they are to: share them with nobody else"
        )
    nifti = sum(source.nifti > 0 for source in sources)
    if nifti:
        warnings.append(
            f"{nifti} exams came as NIfTI, whose headers say little: names that stood in the DICOM they were made of"
            " could not be searched for"
        )
    silent = [source.exam for source in sources if not source.headers]
    if not headers:
        warnings.append("no header of the source could be read, so there was nothing to search for")
    elif silent:
        warnings.append(
            f"no header of {', '.join(silent[:NAMED])}{', ...' * (len(silent) > NAMED)} ({len(silent)} of"
            f" {len(sources)} exams) could be read: what identifies their patients could not be searched for"
        )
    return {
        "verdict": "red" if found or not headers else "green",
        "files": len(searched),
        "exams": len(sources),
        "exams_without_headers": silent,
        "headers": headers,
        "accepted_pseudonyms": dict(sorted(matcher.terms.accepted.items())),
        **matcher.terms.limits(),
        "leaks": dict(sorted(Counter(finding.identifier for finding in found).items())),
        "findings": [finding._asdict() for finding in found[:SHOWN]],
        "warnings": warnings,
    }, matcher
