"""The bundle of an arm: weights, settings and model card in one file, each with its digest."""

import hashlib
from pathlib import Path

from radparity.bundle.archive import written
from radparity.bundle.card import Facts, model_card
from radparity.bundle.card_text import markdown, page
from radparity.bundle.eligibility import rules_table, scanners
from radparity.bundle.floor import below, floor_of
from radparity.bundle.manifest import CARD_PAGE, CARD_TEXT, MASK_WEIGHTS, SETTINGS, WEIGHTS, sealed
from radparity.bundle.method import Method, Threshold
from radparity.bundle.nameless import refuse_names
from radparity.bundle.performance import measured
from radparity.bundle.trained_on import makers, trained_exams, training_tables
from radparity.criteria import Rule
from radparity.job import digest_of, job
from radparity.kinds import open_whole
from radparity.ledger import dump, sidecar
from radparity.raters import few
from radparity.record import read
from radparity.report.results import read_table

with job(snakemake) as run:
    arm, study, chosen = run.wildcards["arm"], run.params["study"], run.params["bundle"]
    fraction, training = read(run.input.fraction), [read(path) for path in run.inputs("training")]
    sources = [path for name in ("compare", "scores", "maxima") for path in run.inputs(name)]
    tables = {Path(path).stem: read_table(path) for path in sources}
    own = fraction["fraction"]
    volume = own if chosen["fraction"] == "tuned" else chosen["fraction"]
    floor = floor_of(tables["maxima"], chosen["floor"], chosen["percentile"])
    intake = {record["case"]: record for record in map(read, run.inputs("intake"))}
    exams = trained_exams(run.params["breasts"], training, intake)
    rules = [Rule(**rule) for rule in run.params["eligible"]]
    method = Method(
        name=arm,
        arm=run.params["arm"],
        registration=study["register"],
        harmonize=study["harmonize"],
        mask=study["mask"] | {"weights": None},
        predict=study["predict"],
        threshold=Threshold(fraction=volume, section_fraction=own, tuned=bool(fraction["curve"]), floor=floor),
        eligible=[rule for rule in rules if rule.fact],
        scanners=scanners(exams),
    )
    outlined = ["that was outlined"] if few(study["readers"]["test"]) else []
    files = {f"{WEIGHTS}{Path(path).name}": Path(path).read_bytes() for path in run.inputs("weights")}
    files |= dict(zip([MASK_WEIGHTS], (Path(path).read_bytes() for path in run.inputs("mask"))))
    files[SETTINGS] = dump(method.model_dump(mode="json")).encode()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    digests |= {path: digest_of(Path(path)) for path in sorted([*sources, run.input.fraction])}
    entry = read(sidecar(Path(run.inputs("training")[0])))
    versions = {"radparity": run.params["version"], "torch in training": entry["versions"]["torch"]}
    card = model_card(
        Facts(
            study=run.params["name"],
            method=method,
            phantom=study["phantom"] is not None,
            architecture=training[0]["architecture"],
            parameters=training[0]["parameters"],
            folds=len(training),
            training=[rules_table(rules), *training_tables(run.params["breasts"], training, intake)],
            makers=makers(exams),
            by_breast=study["fold"]["unit"] == "breast",
            below_floor=below(tables["maxima"], floor, *outlined),
            release=run.params["release"],
            notes=run.params["notes"],
            measured=measured(tables, study),
            licence=chosen["licence"],
            contact=chosen["contact"],
            digests=digests,
            versions=versions,
        )
    )
    files |= {CARD_TEXT: markdown(card).encode(), CARD_PAGE: page(card, Path(run.input.template)).encode()}
    about = {"arm": arm, "study": run.params["name"], "radparity": run.params["version"], "head": dict(card.head)}
    about |= {"code": {"train_fold": entry["code"], "bundle_pack": run.params["code"]}, "versions": versions}
    files = sealed(files, about)
    refuse_names(files, open_whole(snakemake.config).whole)
    bundle = written(files)
    run.output["bundle"].write_bytes(bundle)
    run.output["digest"].write_text(f"{hashlib.sha256(bundle).hexdigest()}  {arm}.zip\n", encoding="utf-8")
