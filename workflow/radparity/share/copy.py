"""The files of a shared copy, made from those of a report."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from radparity.share.leaks import Leak
from radparity.share.links import anchors, mend
from radparity.share.names import Names
from radparity.share.page import Sharing, shared_page
from radparity.share.tree import read_page

ASSETS, CASES, LIST, ROWS = "assets", "cases", "cases.html", "assets/cases.js"
# Work for those who hold the data.
AT_HOME = frozenset(("quality.html",))
SUFFIXES = frozenset((".html", ".css", ".js", ".txt", ".webp"))
SHOWN = 20


class LeakError(RuntimeError):
    """Something in the copy would say whose data it is; nothing of it is written."""

    def __init__(self, leaks: list[Leak]) -> None:
        lines = [f"the copy was not made: {len(leaks)} leaks are in it"]
        lines += [f"  {leak}" for leak in leaks[:SHOWN]]
        lines += [f"  and {len(leaks) - SHOWN} more"] if len(leaks) > SHOWN else []
        lines.append(
            "Take what is named out of its source (a sentence of the study, a reason in the decisions, a picture), or"
            " leave it out in radparity.share.page, and share again. Where a word of ours equals a name of the source,"
            " allow it: deidentify: allow"
        )
        super().__init__("\n".join(lines))
        self.leaks = leaks


def report_files(report: Path, paths: Iterable[Path], single: bool) -> dict[str, Path]:
    """Name to path of the files that a copy may hold: pages, what they load, and the pages of cases where kept."""
    found = {path.relative_to(report).as_posix(): path for path in paths}
    kept = {name: path for name, path in found.items() if path.suffix in SUFFIXES and name not in AT_HOME}
    if not single:
        kept = {
            name: path for name, path in kept.items() if name not in (LIST, ROWS) and not name.startswith(f"{CASES}/")
        }
    return dict(sorted(kept.items()))


def copied(files: Mapping[str, Path], sharing: Sharing) -> dict[str, bytes]:
    """Name to content of the files of the copy. Raises ValueError where a name is too short to be found in them."""
    if short := sharing.names.short:
        raise ValueError(
            f"the copy was not made: {len(short)} names of patients, exams or breasts are too short to be told from"
            " other text (one or two characters, or up to three digits), so nobody could find them in it. Give them"
            " longer names in the sheets"
        )
    names = {name: sharing.names.renamed(name) for name in files}
    pages = {name: read_page(path.read_text(encoding="utf-8")) for name, path in files.items() if _is_page(name)}
    for name, page in pages.items():  # the page of a case, and their list, count no cases
        shared_page(page, replace(sharing, smallest=1) if name == LIST or name.startswith(CASES) else sharing)
    known = {name: anchors(page) for name, page in pages.items()}
    made = {}
    for name, path in files.items():
        if name in pages:
            mend(name, pages[name], files, known)
            made[names[name]] = sharing.names.renamed(str(pages[name])).encode()
        elif name == ROWS:
            made[names[name]] = rows_script(path.read_text(encoding="utf-8"), sharing.names).encode()
        else:
            made[names[name]] = path.read_bytes()
    if sharing.single:
        return dict(sorted(made.items()))
    used = set(_loaded(made))
    return {
        name: data for name, data in sorted(made.items()) if name.endswith(".html") or not _script(name) or name in used
    }


def rows_script(text: str, names: Names) -> str:
    """The script with the rows of the list of cases, with new names and in their order."""
    found = re.search(r"window\.CASES = (\{.*\});", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{ROWS} does not hold the rows of the cases as `window.CASES = {{...}};`")
    rows = names.ordered(json.loads(found[1]))
    return text[: found.start(1)] + json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + text[found.end(1) :]


def _is_page(name: str) -> bool:
    return name.endswith(".html")


def _script(name: str) -> bool:
    return name.startswith(f"{ASSETS}/") and name.endswith(".js")


def _loaded(made: Mapping[str, bytes]) -> Iterator[str]:
    """The scripts that a page of the copy loads: those of pages that are left out need not go."""
    for name, data in made.items():
        if name.endswith(".html"):
            for one in read_page(data.decode()).all("script"):
                source = one.attributes.get("src", "")
                yield source.removeprefix("../")


def compared(main: Path) -> int:
    """How many test cases a main table of the comparison is over."""
    with main.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return next((int(row["n"]) for row in rows if row["reference"] in ("averaged", "reference")), 0)


def digests(paths: Iterable[Path]) -> set[str]:
    """The digests of files that come with the workflow and are no part of a study."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
