"""The one context that every script runs in.

It sends log, warnings and traceback (also of programs that write to the terminal themselves) to the rule's log, gives
each output a temporary name, and only when all went well renames them to their final names and leaves a ledger entry
beside each. A job that is killed leaves nothing under a final name.
"""

from __future__ import annotations

import logging
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from radparity import disk, failures, ledger, references
from radparity.keep import is_kept, needed_again
from radparity.record import read
from radparity.scratch import ScratchError, scratch

PREFIX = ".writing-"
log = logging.getLogger("radparity")


class Job:
    """What a script sees of the rule that runs it: inputs, params, and outputs under their temporary names."""

    def __init__(self, snakemake: Any) -> None:
        self.rule: str = snakemake.rule
        self.wildcards: dict[str, str] = dict(snakemake.wildcards.items())
        self.params: dict[str, Any] = dict(snakemake.params.items())
        self.threads: int = snakemake.threads
        self.input: Any = snakemake.input
        self.final: list[Path] = [Path(p) for p in snakemake.output]
        self.output: dict[str, Path] = {
            name: temporary(Path(str(p))) for name, p in snakemake.output.items() if isinstance(p, str)
        }
        self.outputs: dict[str, list[Path]] = {
            name: [temporary(Path(p)) for p in paths]
            for name, paths in snakemake.output.items()
            if not isinstance(paths, str)
        }
        self.config: dict[str, Any] = getattr(snakemake, "config", {})
        self.scratch: Path | None = None
        self._terminal = os.dup(2)
        self._lists: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        self._digests: dict[str, str] | None = None
        # Versions and device of outputs that another process has made.
        self.made_with: dict[str, Any] = {}

    def inputs(self, name: str) -> list[str]:
        """An input's files as a list, whether it names one or several.

        A name among the params `files` stands for one file of each case in the batches' lists: of the cases that the
        params name, in their order, else of all, sorted. Raises NotKept where one of them went (`keep`).
        """
        if name not in self.params.get("files", {}):
            found = self.input.get(name, [])
            return [found] if isinstance(found, str) else list(found)
        wanted = self.params["files"][name]
        cases = wanted["cases"] if isinstance(wanted, dict) else None
        given, output = (wanted["file"] if isinstance(wanted, dict) else wanted).split(".")
        by_folder: dict[str, dict[str, Any]] = {}
        for folder, _, listed in self._listed(given):
            by_folder.setdefault(folder, {}).update(listed)
        paths = [
            str(files[case][output][0])
            for files in by_folder.values()
            for case in (sorted(files) if cases is None else cases)
        ]
        gone = [path for path in paths if not is_kept(Path(path))]
        if gone:
            raise needed_again(gone)
        return paths

    def of_case(
        self, references: str | list[str], case: dict[str, str], reads: dict[str, list[str]]
    ) -> list[tuple[str, str]]:
        """The files, with digests, that references as `register.record` mean for one case of a batch.

        case: unit (exam, breast) to the case's name in lists of that unit. reads: input to the cases that are read of
        it instead. Nothing where a list does not know the case.
        """
        found = []
        for reference in [references] if isinstance(references, str) else references:
            given, output = reference.split(".")
            for _, unit, listed in self._listed(given):
                names = reads[given] if given in reads else [case[unit]]
                found += [
                    (str(listed[name][output][0]), str(listed[name][output][1])) for name in names if name in listed
                ]
        return found

    def case_digests(self) -> dict[str, str]:
        """The digests of all the cases' files that the params `files` name."""
        return references.digests(self.params.get("files", {}), self._listed)

    def _listed(self, given: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Folder, unit and cases of each batch's list among the inputs of a name."""
        if given not in self._lists:
            paths = self.input.get(given, [])
            paths = [paths] if isinstance(paths, str) else paths
            self._lists[given] = [_read_list(path) for path in paths]
        return self._lists[given]

    def plain_inputs(self) -> dict[str, Any]:
        """The inputs that are files themselves, not lists of batches."""
        given = {name: v if isinstance(v, str) else list(v) for name, v in self.input.items()}
        return {name: v for name, v in given.items() if not (v and _is_list(v if isinstance(v, str) else v[0]))}

    def lists(self) -> dict[str, list[str]]:
        """The other inputs: name to the lists of batches that it stands for."""
        given = {name: [v] if isinstance(v, str) else list(v) for name, v in self.input.items()}
        return {name: paths for name, paths in given.items() if paths and _is_list(paths[0])}

    def plain_digests(self) -> dict[str, str]:
        """The digests of those."""
        if self._digests is None:
            given = self.plain_inputs().values()
            paths = [path for v in given for path in ([v] if isinstance(v, str) else v)]
            self._digests = {str(path): digest_of(Path(path)) for path in paths}
        return dict(self._digests)

    def progress(self, message: str) -> None:
        """A line for the person at the terminal, also kept in the log."""
        log.info(message)
        os.write(self._terminal, f"    {self.rule} {' '.join(self.wildcards.values())}: {message}\n".encode())

    @property
    def places(self) -> dict[str, Path]:
        """The disks that this job writes to."""
        results = self.final[0].parent if self.final else Path()
        return {"results": results.absolute(), "temporary files": Path(tempfile.gettempdir())}

    def words(self, error: BaseException) -> str:
        """An error as a person needs it."""
        return str(error) if isinstance(error, ScratchError) else disk.in_words(error, self.places)

    def failed(self, said: str, where: Path) -> None:
        """Tell the person at the terminal; the log may be what cannot be written."""
        line = f"{self.rule} {' '.join(self.wildcards.values())} failed: {said}\n  see {where}\n"
        os.write(self._terminal, line.encode())


def _read_list(path: str) -> tuple[str, str, dict[str, Any]]:
    content = read(path)
    return str(Path(path).parent), str(content["unit"]), content["cases"]


def _is_list(path: str) -> bool:
    return Path(path).name.startswith("batch_")


def temporary(final: Path) -> Path:
    """The name under which an output is written before it is finished."""
    return final.with_name(PREFIX + final.name)


@contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Run a script's work: log, seeds, atomic outputs, ledger."""
    started = time.monotonic()
    threads = str(snakemake.threads)
    # ITK reads this once, at its import; so it is set before any library function imports ants.
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = threads
    os.environ["OMP_NUM_THREADS"] = threads
    random.seed(0)
    work, own_log = Job(snakemake), Path(snakemake.log[0])
    try:
        stream = own_log.open("w", buffering=1)
    except OSError as error:
        work.failed(work.words(error), own_log)
        raise
    with stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
        logging.basicConfig(stream=stream, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
        logging.captureWarnings(True)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_values)
        log.info("%s %s on %s, %s threads", work.rule, work.wildcards, os.uname().nodename, threads)
        cases = work.params.get("cases", ()) if "made" in work.params else ()
        note = failures.started(own_log, work.rule, work.wildcards, work.final, cases)
        said = ""
        try:
            with scratch(work.config.get("scratch")) as work.scratch:
                try:
                    yield work
                except BaseException as error:
                    said = work.words(error)  # while scratch is there to be looked at
                    raise
            inputs = {str(name): digest_of(Path(name)) for name in work.input}
            params = {name: value for name, value in work.params.items() if name != "code"}
            written, code = {path: temporary(path) for path in work.final}, work.params.get("code")
            lists = {"lists": found} if (found := work.lists()) else {}
            publish(written, work.rule, work.wildcards, inputs, params, code, lists | work.made_with)
        except BaseException as error:
            discard(work.final)
            work.failed(said or work.words(error), own_log)
            # On a full disk the log has no room either.
            with suppress(OSError):
                traceback.print_exc(file=stream)
            failures.ended(own_log, note, error)
            with suppress(OSError):
                sys.stderr.flush()
            raise
        failures.ended(own_log, note)
        used, peak = _used()
        log.info("finished in %.1f s, %.1f s of the processor, peak %.2f GB", time.monotonic() - started, used, peak)


def _used() -> tuple[float, float]:
    """Seconds of the processor, and GB of memory at the peak, of this process and of programs that it called."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    # ru_maxrss is in kilobytes on Linux.
    return sum(one.ru_utime + one.ru_stime for one in own), max(one.ru_maxrss for one in own) / 1e6


def _without_values(record: logging.LogRecord) -> bool:
    """pydicom quotes the values it warns of; a patient's name must not reach the log."""
    if "pydicom" in record.name or (record.name == "py.warnings" and "pydicom" in record.getMessage()):
        record.msg = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "'…'", record.getMessage())
        record.args = ()
    return True


def digest_of(path: Path) -> str:
    """An input's digest: as its ledger entry says, else of its bytes."""
    entry = ledger.sidecar(path)
    return str(read(entry)["sha256"]) if entry.is_file() else ledger.digest_file(path)


def publish(
    written: Mapping[Path, Path],
    rule: str,
    wildcards: dict[str, str],
    inputs: dict[str, str],
    params: dict[str, Any],
    code: Any,
    more: dict[str, Any] | None = None,
) -> list[str]:
    """Flush outputs to disk, write their ledger entries, and only then give each its final name; their digests.

    written: final name to where the output was written, beside it or in scratch, from where it is copied. more: of
    the entry: the lists of batches among the inputs; versions and device, where not this process has made them.
    An entry never stands beside a file that it does not describe, whenever the job is killed.
    """
    missing = [final.as_posix() for final, made in written.items() if not made.is_file()]
    if missing:
        raise RuntimeError(f"rule {rule} did not write its output {', '.join(missing)}")
    digests = []
    for final, made in written.items():
        here, note = temporary(final), temporary(ledger.sidecar(final))
        # The digest of what was made: a copy that went wrong will not have it.
        entry = ledger.entry(made, rule, wildcards, inputs, params, code) | (more or {})
        entry["output"] = final.as_posix()
        if made != here:
            shutil.copyfile(made, here)
        with here.open("rb") as stream:
            os.fsync(stream.fileno())
        with note.open("w", encoding="utf-8") as stream:
            stream.write(ledger.dump(entry))
            stream.flush()
            os.fsync(stream.fileno())
        digests.append(str(entry["sha256"]))
    # All of them lie on the disk now: what follows needs no room.
    for final in written:
        ledger.sidecar(final).unlink(missing_ok=True)
        os.replace(temporary(final), final)
        os.replace(temporary(ledger.sidecar(final)), ledger.sidecar(final))
    return digests


def discard(finals: Iterable[Path]) -> None:
    """Remove what a failed job left under temporary names, where the disk still lets it."""
    for final in finals:
        for path in (temporary(final), temporary(ledger.sidecar(final))):
            with suppress(OSError):
                path.unlink(missing_ok=True)
