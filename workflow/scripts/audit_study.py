"""Every result against its recorded digest, and searched for what identifies the patients of the source."""

import os
from pathlib import Path

from radparity.audit.page import build, headline
from radparity.audit.study import audit_study
from radparity.job import job, temporary
from radparity.kinds import open_whole
from radparity.ledger import dump

FOLDER = Path("results/audit")


class AuditRed(RuntimeError):
    """Something is wrong with the results; the page says what and how to mend it."""


with job(snakemake) as run:
    study, params = open_whole(snakemake.config), run.params
    found = audit_study(
        Path("results"), study, params["raw"], run.threads, params["allow"], params["rules"], params["full"]
    )
    # Not declared as outputs: Snakemake would remove those of a job that fails, and a red audit is one.
    FOLDER.mkdir(parents=True, exist_ok=True)
    page = build(study.config.study, found, Path(params["template"]))
    for name, text in (("audit.json", dump(found)), ("index.html", page)):
        temporary(FOLDER / name).write_text(text, encoding="utf-8")
        os.replace(temporary(FOLDER / name), FOLDER / name)
    if found["verdict"] == "red":
        (FOLDER / "green.json").unlink(missing_ok=True)
        raise AuditRed(headline(found))
    run.progress(headline(found))
    if "green" in run.output:
        said = {"verdict": "green", "root_of_all_entries": found["root_of_all_entries"]}
        run.output["green"].write_text(dump(said), encoding="utf-8")
