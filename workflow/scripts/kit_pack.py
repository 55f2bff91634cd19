"""The audit kit: masks, references, tables and one script that recomputes the numbers, free of identity."""

from pathlib import Path

from radparity.job import job
from radparity.kinds import open_whole
from radparity.kit.archive import pack, sealed
from radparity.kit.cases import read_masks
from radparity.kit.contents import Compared, contents
from radparity.kit.crate import reduced
from radparity.ledger import dump, sidecar
from radparity.record import read
from radparity.root import root as root_of

with job(snakemake) as run:
    arms, compare = run.params["arms"], run.params["compare"]
    segmented = {arm: zip(run.inputs(f"records_{arm}"), run.inputs(f"masks_{arm}")) for arm in arms}
    names = ("outline_records", "outlines", "consensus_records", "references")
    masks = read_masks(segmented, zip(*map(run.inputs, names)), run.params["readers"]["test"])
    tables = {arm: {Path(path).stem: path for path in run.inputs(f"tables_{arm}")} for arm in arms}
    settings = {name: compare[name] for name in ("reference", "empty_reference", "margin", "alpha", "bootstrap")}
    settings |= {
        "minimum_cases": compare["minimum_cases"],
        "seed": run.params["seed"],
        "primary": run.params["primary"],
    }
    settings |= {"readers": run.params["readers"]["test"], "anonymous": run.params["readers"]["anonymous"]}
    study = open_whole(snakemake.config).whole
    pseudonyms = {*study.exams, *study.breasts, *study.patients.values(), *(e.patient for e in study.exams.values())}
    crate = reduced(Path(run.input.crate).read_text(encoding="utf-8"), pseudonyms, study.raw_paths())
    report = read(sidecar(Path(run.input.report)))["inputs"]
    compared = Compared(masks, run.params["patients"], tables, report)
    files, root = sealed(contents(compared, settings, run.params["notes"], crate))
    pack(files, run.output["kit"])
    run.output["root"].write_text(
        dump({"root": root, "root_of_the_report": root_of(report), "cases": len(masks), "files": len(files)})
    )
