"""The entities of the crate: files, code, environments, parameters, and what was done with them."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from radparity.citations import Cited
from radparity.crate.actions import Action, Job, Output, short
from radparity.ledger import digest_file

Entity = dict[str, Any]
# Terms that RO-Crate 1.1 does not have, of the vocabularies that the profile names.
TERMS = {
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
    "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
}
FORMATS = {".gz": "application/gzip", ".tsv": "text/tab-separated-values", ".yaml": "application/yaml"}
FORMATS |= {".smk": "text/plain", ".j2": "text/plain", ".npy": "application/octet-stream"}
ANY_FORMAT = "application/octet-stream"
DONE = "http://schema.org/CompletedActionStatus"


def ref(identifier: str) -> Entity:
    """A reference to an entity."""
    return {"@id": identifier}


def refs(identifiers: Iterable[str]) -> Any:
    """References as JSON-LD has them compact: one alone, several as a list."""
    found = [ref(one) for one in identifiers]
    return found[0] if len(found) == 1 else found


def address(path: str) -> str:
    """The id of a file by its path."""
    return quote(path)


def made(output: Output) -> Entity:
    """A file that the study made; where it is not kept, what its ledger entry still says of it."""
    if output.size is None:
        said = "Not kept, as the configuration asked (`keep`); the ledger has its digest, and it can be made again."
        return _gone(output.path, output.sha256, said)
    return _file(output.path, output.sha256, output.size)


def given(path: str, sha256: str) -> Entity:
    """A file that was there before the study, as its users saw it; an earlier content of it where it has changed."""
    known = Path(path)
    if known.is_absolute() or ".." in known.parts or not known.is_file() or digest_file(known) != sha256:
        return _gone(
            f"{known.name if known.is_absolute() else path}", sha256, "Its content when it was read; not here."
        )
    return _file(path, sha256, known.stat().st_size)


def _gone(path: str, sha256: str, said: str) -> Entity:
    found = {"@id": f"#{address(path)}@{sha256[:12]}", "@type": "CreativeWork"}
    return found | {"name": path, "sha256": sha256, "description": said}


def _file(path: str, sha256: str, size: int) -> Entity:
    kind = FORMATS.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or ANY_FORMAT
    found = {"@id": address(path), "@type": "File", "name": path, "sha256": sha256}
    return found | {"contentSize": str(size), "encodingFormat": kind}


def raw(path: str, digest: str) -> Entity:
    """A raw path, relative to the raw folder: a folder of DICOM files, a list of them, or one file."""
    said = "Raw data, outside the crate. The digest is the sweep's, over names and bytes of its files."
    found = {"@id": f"#raw/{address(path)}@{digest[:12]}", "@type": "CreativeWork"}
    return found | {"name": path, "sha256": digest, "description": said}


def package(name: str, version: str) -> Entity:
    """A package that the code ran with."""
    at = f"https://www.python.org/downloads/release/python-{version.replace('.', '')}/"
    if name != "python":
        at = f"https://pypi.org/project/{name}/{version.partition('+')[0]}/"
    found = {"@id": at, "@type": "SoftwareApplication", "name": name}
    return found | {"softwareVersion": version, "url": at}


def environment(digest: str, files: Mapping[str, str]) -> Entity:
    """The pins that code ran with: the environment file of this digest, or what is left of one that has changed."""
    if digest not in files:
        found = {"@id": f"#environment/{digest}", "@type": "CreativeWork", "name": f"environment {digest}"}
        return found | {"identifier": digest, "description": "An environment file of before; it has other pins now."}
    path = Path(files[digest])
    found = _file(files[digest], digest_file(path), path.stat().st_size)
    return found | {"identifier": digest, "conformsTo": ref("https://docs.conda.io/")}


def tool(action: Action, known: Mapping[str, str], pins: Entity, packages: list[Entity]) -> Entity:
    """The code of a rule as it was: script and library modules that it reaches, by their digest, and what they need."""
    script = action.code["script"]
    which = short([script, action.code["environment"], action.versions])
    return {
        "@id": f"#code/{action.rule}/{script}/{which}",
        "@type": "SoftwareSourceCode",
        "name": action.rule,
        "description": known.get("does", action.rule),
        "version": script,
        "programmingLanguage": ref("https://www.python.org/"),
        "softwareRequirements": refs(one["@id"] for one in (pins, *packages)),
    }


def parameter(rule: str, name: str, value: Any) -> tuple[Entity, Entity]:
    """A parameter of a rule, and the value that it had, as JSON."""
    formal = {"@id": f"#parameter/{rule}/{name}", "@type": "FormalParameter", "name": name}
    formal |= {"additionalType": "Text", "encodingFormat": "application/json"}
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    found = {"@id": f"#value/{rule}/{name}/{short(value)}", "@type": "PropertyValue", "name": name}
    return formal, found | {"value": text, "exampleOfWork": ref(formal["@id"])}


def usage(job: Job) -> list[Entity]:
    """Wall time and peak memory of a job, of all its cases together."""
    measured = [("wall time", job.seconds, "SEC", "s"), ("peak memory", job.peak_mb, "4L", "MB")]
    return [
        {
            "@id": f"#usage/{job.name}/{name.replace(' ', '-')}",
            "@type": "PropertyValue",
            "name": f"{name} of the job",
            "propertyID": name.replace(" ", "_"),
            "value": value,
            "unitCode": code,
            "unitText": unit,
        }
        for name, value, code, unit in measured
        if value
    ]


def done(key: str, action: Action, tool: Entity, used: list[str], results: list[str]) -> Entity:
    """What was done: which code made which files of which, how long its job took, and on which days."""
    of = " ".join([action.rule, *action.wildcards.values()])
    by = f" by the job {action.job.name}, which took several cases" if action.job.wildcards != action.wildcards else ""
    found = {
        "@id": f"#action/{key}",
        "@type": "CreateAction",
        "name": of,
        "description": f"{of}, on {action.device}{by}",
        "instrument": ref(tool["@id"]),
        "object": refs(used),
        "result": refs(results),
        "actionStatus": DONE,
        "resourceUsage": refs(one["@id"] for one in usage(action.job)),
    }
    if action.job.days:
        found |= {"startTime": action.job.days[0], "endTime": action.job.days[1]}
    return {name: value for name, value in found.items() if value != []}


def job(name: str, step: str, held: list[str]) -> Entity:
    """A job of Snakemake: which step it was, and what was done in it."""
    found: Entity = {"@id": f"#job/{name}", "@type": "ControlAction", "name": name}
    return found | {"instrument": ref(step), "object": refs(held)}


def cited(work: Cited) -> Entity:
    """A work that the study cites: an article, or data with its licence."""
    found: Entity = {"@id": work.url, "@type": "CreativeWork" if work.licence else "ScholarlyArticle"}
    found |= {"name": work.text, "identifier": work.url}
    return found | ({"license": ref(work.licence[1])} if work.licence else {})
