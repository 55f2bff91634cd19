"""Every file under results/ against its entry, every input against the output that it was."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from radparity import ledger
from radparity.audit.book import Book, claims
from radparity.audit.entries import Entry, Here, contradictions, orphan, other_versions, read_entry
from radparity.audit.faults import Fault, Remark, again, gathered
from radparity.audit.files import Item, items, stages
from radparity.audit.stats import FOLDER, Stats, forget
from radparity.audit.touched import described
from radparity.keep import STAYS
from radparity.provenance import AT_ONCE, Ledger, ahead
from radparity.root import printed, root

log = logging.getLogger(__name__)
PAGE = "report/index.html"
NO_ENTRY = "has no ledger entry: it was not made by this workflow, or its job did not finish"
EDITED = "its ledger entry was edited: it changed since an audit and the file did not"


class Seen(NamedTuple):
    """What one name under results/ has to say."""

    item: Item
    faults: list[Fault]
    remarks: list[Remark]
    entry: Entry | None = None
    digest: str = ""
    """of the entry"""
    orphan: str = ""


def audit(
    results: Path,
    raw: Mapping[str, str],
    workers: int,
    of_before: Callable[[Path], bool] = lambda _: False,
    here: Here | None = None,
    full: bool = False,
    memory: Path = FOLDER,
    raw_faults: tuple[list[Fault], list[Remark]] = ([], []),
) -> dict[str, Any]:
    """Verify everything under results/.

    raw: path to digest of the raw data as the sweep found it. of_before: whether a file is a list that the study no
    longer goes by; such lists are counted and left alone. here: what entries are compared with. full: read every byte,
    also of files that look as they did. memory: where it is kept how they looked. raw_faults: what `check_raw` found.
    Returns the verdict, counts, the root over all entries, faults with their files and what they touch, and remarks.
    """
    here, book, ledger_of = here or Here(), Book(), Ledger(results)
    faults, remarks = list(raw_faults[0]), list(raw_faults[1])
    whole, hashing = hashlib.sha256(), BoundedSemaphore(workers)
    read = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for stage in stages(results):
            stats = Stats(memory / f"{stage or 'top'}.tsv", hashing, full)
            wanted = items(results, stage)
            for seen in ahead(pool, partial(_look, stats=stats, here=here, of_before=of_before), wanted):
                faults += seen.faults
                remarks += seen.remarks
                book.files += seen.item.there and seen.item.what == "file"
                if seen.entry is None:
                    book.before += seen.item.there and of_before(Path(seen.item.path))
                    continue
                path = seen.item.path
                whole.update(f"{path} {seen.digest}\n".encode())
                book.let_go += not seen.item.there
                if seen.orphan:
                    book.recorded[path] = seen.entry["sha256"]
                    book.orphans[path] = seen.orphan
                else:
                    book.add(path, seen.entry, claims(ledger_of, path, seen.entry))
            stats.save()
            read += len(stats.read)
    log.info("%d of %d files were read", read, book.files)
    wrong, wrong_raw = book.wrong(), book.wrong_raw(raw)
    page, page_root = _page_root(results / PAGE, book)
    faults += page
    found, number, faulty = described(ledger_of, faults, wrong, wrong_raw, book.orphans)
    edited = {fault.file for fault in faults if fault.fault == EDITED}
    for place in memory.glob("*.tsv") if found else ():
        forget(place, faulty - edited)
    return {
        "verdict": "red" if found else "green",
        "files": book.files - book.before,
        "inputs": book.inputs,
        "not_kept": book.let_go,
        "lists_of_before": book.before,
        "read": "every byte" if full else "files that changed since the last audit",
        "root_of_the_report": page_root,
        "root_of_all_entries": whole.hexdigest(),
        "faults_found": number,
        "faults": found,
        "remarks": gathered(remarks),
    }


def _look(item: Item, stats: Stats, here: Here, of_before: Callable[[Path], bool]) -> Seen:
    """One name under results/."""
    path = item.path
    if item.what == "link":
        said = "is a link to a folder: what lies behind it is not audited"
        return Seen(item, [Fault(path, said, "Put the folder itself there, or link results/ as a whole")], [])
    if item.what == "unfinished":
        return Seen(item, [], [Remark(path, "is unfinished: its job runs, or was killed and can be called again")])
    if of_before(Path(path)):
        return Seen(item, [], [])
    if not item.noted:
        mend = "Move it out of results/" + (f". If the study makes it: {again(path)}" if path.count("/") > 1 else "")
        return Seen(item, [Fault(path, NO_ENTRY, mend)], [])
    found = read_entry(path)
    if isinstance(found, str):
        return Seen(item, [Fault(path, found, again(path))], [])
    entry, digest = found
    redo = again(path, entry["wildcards"])
    if not item.there and not _may_be_gone(path, entry):
        return Seen(item, [Fault(path + ledger.SUFFIX, "is the entry of a file that is gone", redo)], [])
    faults, remarks, left = [], [], orphan(entry, here)
    if item.there:
        try:
            same, edited = stats.check(path, entry["sha256"], digest)
        except OSError as error:
            return Seen(item, [Fault(path, f"cannot be read: {error.strerror}", "Give yourself the right to")], [])
        if not same:
            faults.append(Fault(path, "does not have its recorded digest: it was changed after it was made", redo))
        elif edited:
            faults.append(Fault(path, EDITED, redo))
    if left:
        said = f"belongs to {left}, which the study does not have any more; nothing else is made from it"
        remarks.append(Remark(path, said))
    else:
        faults += contradictions(path, entry, here)
        remarks += other_versions(path, entry, here)
    return Seen(item, faults, remarks, entry, digest, left)


def _may_be_gone(path: str, entry: Entry) -> bool:
    parts = Path(path).parts
    return entry.get("kept") is False and len(parts) > 2 and parts[-1] in STAYS.get(parts[1], {})


def _page_root(page: Path, book: Book) -> tuple[list[Fault], str | None]:
    """Whether the report prints the root of what it was made from; the root as the files now have it."""
    found = read_entry(page.as_posix())
    if not page.is_file() or isinstance(found, str):
        return [], None
    sources = found[0]["inputs"]
    now = root({source: book.recorded.get(source) or _digest(source) for source in sources})
    said = printed(page)
    if said == now:
        return [], now
    what = "prints no root of the ledger" if said is None else f"prints the root {said[:16]}…"
    why = f"{what}; what it was made from has {now[:16]}…: files and entries were replaced, or the page was"
    return [Fault(page.as_posix(), why, again(page.as_posix()))], now


def _digest(source: str) -> str:
    return ledger.digest_file(Path(source)) if Path(source).is_file() else "gone"
