"""A copy of the report to send away; nothing is written where anything in it says whose data it is."""

import os
import shutil
from pathlib import Path

from radparity.audit.study import identity
from radparity.deidentify.matcher import Matcher
from radparity.job import job
from radparity.kinds import open_whole
from radparity.kit.archive import pack
from radparity.ledger import dump
from radparity.share.copy import LeakError, compared, copied, digests, report_files
from radparity.share.leaks import Search, here
from radparity.share.names import Names, numbered
from radparity.share.page import Sharing

REPORT, SHARED = Path("results/report"), Path("results/share/report")

with job(snakemake) as run:
    shutil.rmtree(SHARED, ignore_errors=True)  # an older copy must not be taken for this one
    settings, study = run.params["share"], open_whole(snakemake.config)
    sources, pseudonyms = identity(study, run.threads)
    single = settings["cases"] == "anonymous"
    kinds = {"case": study.breasts, "exam": study.exams, "patient": set(pseudonyms) - {*study.breasts, *study.exams}}
    secret = Path(run.input.raw).read_bytes()
    names = Names(pseudonyms, numbered(kinds, run.params["seed"], secret) if single else {})
    tested, people = compared(Path(run.input.main)), frozenset(row.who for row in study.decisions)
    sharing = Sharing(names, single, settings["smallest_cell"], tested, people)
    paths = [*run.input.pages, *(run.inputs("case_pages") + run.inputs("thumbnails") if single else [])]
    files = copied(report_files(REPORT, map(Path, paths), single), sharing)

    machine = here(run.params["people"], [Path.cwd(), Path.home(), Path(study.config.raw).absolute()])
    matcher = Matcher(sources, pseudonyms, run.params["allow"])
    if leaks := Search(matcher, names, machine, digests(map(Path, run.params["known"]))).leaks(files):
        raise LeakError(leaks)
    pack(files, run.output["shared"], "report")
    said = {"files": len(files), "bytes": sum(map(len, files.values())), **settings}
    run.output["said"].write_text(dump(said), encoding="utf-8")
    unfinished = SHARED.with_name(f".writing-{SHARED.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    for name, data in files.items():
        (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
        (unfinished / name).write_bytes(data)
    os.replace(unfinished, SHARED)
    run.progress(f"{SHARED / 'index.html'}: {len(files)} files, {said['bytes'] / 1e6:.1f} MB")
