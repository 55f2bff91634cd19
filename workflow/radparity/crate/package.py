"""The crate put together: its root, profiles and licences; written so that the same run gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from radparity.citations import PAPER, Cited
from radparity.crate import entities
from radparity.crate.entities import Entity, ref, refs
from radparity.ledger import digest_file

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
WORKFLOW = "Snakefile"
RUN, ENGINE_RUN = "#run", "#run/jobs"
LICENCE = "#licence"
NO_LICENCE = (
    "The project names no licence. Data of others that it holds has the licence that its citation names; results of a "
    "study belong to whoever ran it."
)
ABOUT = (
    "One run of a study, described: every file under results/ that has a ledger entry, with the code, environment, "
    "inputs and parameters that made it, and what its job took. The files are not copied: paths are relative to the "
    "project's folder, and a copy of this description beside the Snakefile makes that folder the crate."
)


def assemble(
    found: Mapping[str, Entity],
    about: Mapping[str, Any],
    tools: Iterable[str],
    acts: list[str],
    day: str,
    data: list[Cited],
) -> dict[str, Any]:
    """The JSON-LD of a crate of these entities. tools: ids of the workflow's code. acts: ids of what was done. day: of
    the run."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.model.file import File
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(entities.TERMS)
    steps = refs(one for one in found if one.startswith("#step/"))
    workflow = entities.given(WORKFLOW, digest_file(Path(WORKFLOW))) | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "radparity",
        "description": "A reader-equivalence study of deep learning in radiology, from DICOM to verdict.",
        "version": about["version"],
        "conformsTo": ref("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
        "hasPart": refs(tools),
        "step": steps,
        "citation": ref(PAPER.url),
    }
    crate.add_workflow(
        dest_path=WORKFLOW, main=True, lang="snakemake", lang_version=about["snakemake"], properties=_own(workflow)
    )
    for one in found.values():
        kind = File if one["@type"] == "File" else ContextEntity
        name = {"dest_path": one["name"]} if kind is File else {"identifier": one["@id"]}
        crate.add(kind(crate, **name, properties=_own(one)))
    licences = {work.licence for work in data if work.licence}
    said = [
        *(entities.cited(work) for work in (PAPER, *data)),
        *({"@id": url, "@type": "CreativeWork", "name": name, "identifier": url} for name, url in sorted(licences)),
        *({"@id": at, "@type": "CreativeWork", "name": name, "version": at[-3:]} for at, name in PROFILES.items()),
        {
            "@id": "https://www.python.org/",
            "@type": "ComputerLanguage",
            "name": "Python",
            "url": "https://www.python.org/",
        },
        {"@id": "https://docs.conda.io/", "@type": "CreativeWork", "name": "conda environment file"},
        {"@id": LICENCE, "@type": "CreativeWork", "name": "no licence stated", "description": NO_LICENCE},
    ]
    for one in said:
        crate.add(ContextEntity(crate, one["@id"], properties={k: v for k, v in one.items() if k != "@id"}))
    root = crate.root_dataset
    root["name"] = f"radparity study {about['study']}"
    root["description"] = ABOUT
    root["datePublished"] = day
    root["license"] = ref(LICENCE)
    root["conformsTo"] = [ref(at) for at in PROFILES]
    root["mentions"] = refs(acts)
    root["citation"] = refs(work.url for work in (PAPER, *data))
    return dict(crate.metadata.generate())


def _own(entity: Entity) -> Entity:
    return {key: value for key, value in entity.items() if key != "@id"}


def dump(crate: Mapping[str, Any]) -> str:
    """One entity a line: the same crate gives the same bytes, and `grep` finds a file's line."""
    lines = ",\n".join(json.dumps(one, sort_keys=True, ensure_ascii=False) for one in crate["@graph"])
    return f'{{"@context": {json.dumps(crate["@context"], sort_keys=True)},\n"@graph": [\n{lines}\n]}}\n'
