"""Whether an exam and its breasts enter the study, by the rules and the decisions."""

from pathlib import Path

from radparity.batch_job import batch_job
from radparity.criteria import Rule
from radparity.eligible import exam_record
from radparity.ledger import dump
from radparity.record import read


def make(run):
    sheets = run.params["sheets"]
    rules = [Rule.model_validate(rule) for rule in sheets["rules"]]
    intake = {Path(path).parent.name: read(path) for path in run.inputs("intake")}
    out = exam_record(run.wildcards["exam"], rules, sheets["exams"], intake)
    run.output["record"].write_text(dump(out), encoding="utf-8")


batch_job(snakemake, make)
