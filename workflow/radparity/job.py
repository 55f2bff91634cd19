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
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radparity import ledger
from radparity.record import DataFault, excluded, ok, read

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
            name: _temporary(Path(str(p))) for name, p in snakemake.output.items() if isinstance(p, str)
        }
        self.outputs: dict[str, list[Path]] = {
            name: [_temporary(Path(p)) for p in paths]
            for name, paths in snakemake.output.items()
            if not isinstance(paths, str)
        }
        self._terminal = os.dup(2)

    def inputs(self, name: str) -> list[str]:
        """An input's files as a list, whether it names one or several."""
        found = self.input.get(name, [])
        return [found] if isinstance(found, str) else list(found)

    def progress(self, message: str) -> None:
        """A line for the person at the terminal, also kept in the log."""
        log.info(message)
        os.write(self._terminal, f"    {self.rule} {' '.join(self.wildcards.values())}: {message}\n".encode())


def _temporary(final: Path) -> Path:
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
    work = Job(snakemake)
    with open(snakemake.log[0], "w", buffering=1) as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
        logging.basicConfig(stream=stream, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
        logging.captureWarnings(True)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_values)
        log.info("%s %s on %s, %s threads", work.rule, work.wildcards, os.uname().nodename, threads)
        try:
            yield work
            _publish(work)
        except BaseException as error:
            for path in work.final:
                _temporary(path).unlink(missing_ok=True)
            traceback.print_exc(file=stream)
            where = " ".join(work.wildcards.values())
            os.write(work._terminal, f"{work.rule} {where} failed: {error}\n  see {snakemake.log[0]}\n".encode())
            sys.stderr.flush()
            raise
        log.info("finished in %.1f s", time.monotonic() - started)


def _without_values(record: logging.LogRecord) -> bool:
    """pydicom quotes the values it warns of; a patient's name must not reach the log."""
    if "pydicom" in record.name or (record.name == "py.warnings" and "pydicom" in record.getMessage()):
        record.msg = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "'…'", record.getMessage())
        record.args = ()
    return True


def _publish(work: Job) -> None:
    """Flush every output to disk, write its ledger entry, and only then give it its final name."""
    inputs = {}
    for name in work.input:
        entry = ledger.sidecar(Path(name))
        inputs[str(name)] = read(entry)["sha256"] if entry.is_file() else ledger.digest_file(Path(name))
    for final in work.final:
        temporary = _temporary(final)
        if not temporary.is_file():
            raise RuntimeError(f"rule {work.rule} did not write its output {final}")
        written = ledger.entry(temporary, work.rule, work.wildcards, inputs, work.params) | {"output": final.as_posix()}
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        note = _temporary(ledger.sidecar(final))
        with note.open("w", encoding="utf-8") as stream:
            stream.write(ledger.dump(written))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(note, ledger.sidecar(final))
        os.replace(temporary, final)


def case_job(snakemake: Any, stage: str, case: str, work: Callable[[Job], dict[str, Any]]) -> None:
    """Run the work of one case at one stage and write its record (the output named `record`).

    A case that an earlier stage excluded is passed on; where an exam's record has `breasts`, a breast's own entry
    counts. A DataFault excludes it here. In both cases the other outputs are empty files, so that nobody can mistake
    them for data; only the fault's own evidence stays. Any other exception is a bug and fails the job.
    """
    with job(snakemake) as run:
        breast = run.wildcards.get("breast", "")
        records = [read(path) for path in run.inputs("record")]
        upstream = [{"stage": r["stage"]} | r.get("breasts", {}).get(breast, r) for r in records]
        left = next((record for record in upstream if record["status"] != "ok"), None)
        kept = {"record"}
        if left is not None:
            out = excluded(left["stage"], case, left["code"], left["sentence"])
        else:
            try:
                out = ok(stage, case, work(run))
            except DataFault as fault:
                run.progress(f"excluded, {fault.code}: {fault.sentence}")
                out = excluded(stage, case, fault.code, fault.sentence) | fault.facts
                kept |= set(fault.evidence)
        run.output["record"].write_text(ledger.dump(out), encoding="utf-8")
        if out["status"] != "ok":
            for name, path in run.output.items():
                if name not in kept:
                    path.write_bytes(b"")
