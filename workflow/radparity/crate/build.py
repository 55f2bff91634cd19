"""Everything that the crate describes, out of the ledger: what was done, by which code, with what, as which step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from radparity.citations import Cited
from radparity.crate import Level, entities
from radparity.crate.actions import Action, actions
from radparity.crate.entities import Entity, ref, refs
from radparity.crate.package import ENGINE_RUN, RUN, WORKFLOW, assemble
from radparity.ledger import digest_file
from radparity.provenance import Ledger

Found = dict[str, Entity]


def build(
    ledger: Ledger,
    about: Mapping[str, Any],
    results: Iterable[str],
    environments: Mapping[str, str],
    data: Iterable[Cited] = (),
    level: Level = "all",
) -> dict[str, Any]:
    """The JSON-LD of a run.

    about: `study` (its name), `version` (of the project), `snakemake` (its version), `given` (configuration file and
    sheets), and `rules`: rule, in the workflow's order, to what it `does` and the patterns of its `benchmark` and its
    `log`. results: the files that the study was run for. environments: digest to environment file. data: of others,
    that the study used.
    """
    done = actions(ledger, about["rules"], level)
    files = {one.path: entities.made(one) for action in done.values() for one in action.outputs}
    found: Found = {one["@id"]: one for one in files.values()}
    tools: dict[str, dict[str, None]] = {}  # rule -> ids of its code, several where it has changed meanwhile
    code: dict[tuple[Any, ...], Entity] = {}  # rule, digests and versions -> the tool of an action
    acts: dict[str, list[str]] = {}  # job -> ids of what was done in it
    given = cache(entities.given)  # a template that every job reads is read here once
    for key, action in done.items():
        which = (action.rule, *action.code.values(), *sorted(action.versions.items()))
        if which not in code:
            code[which] = _tool(found, about["rules"], action, environments)
        tool = code[which]
        tools.setdefault(action.rule, {})[tool["@id"]] = None
        used = [*_inputs(found, action, files, given), *_values(found, action, tool)]
        one = entities.done(key, action, tool, used, [files[made.path]["@id"] for made in action.outputs])
        _keep(found, [one, *entities.usage(action.job)])
        acts.setdefault(action.job.name, []).append(one["@id"])
    steps = _steps(found, about["rules"], tools)
    jobs = [entities.job(name, steps[name.partition("/")[0]], held) for name, held in acts.items()]
    _keep(found, jobs)
    days = sorted(day for action in done.values() for day in action.job.days or ())
    asked = [files[path]["@id"] for path in results if path in files]
    _keep(found, _study(about, [job["@id"] for job in jobs], asked, days))
    mentioned = [RUN, ENGINE_RUN, *(one for held in acts.values() for one in held)]
    parts = [tool for each in tools.values() for tool in each]
    return assemble(found, about, parts, mentioned, days[-1] if days else _newest(done), list(data))


def _newest(done: Mapping[str, Action]) -> str:
    """The day of the newest file, for a run whose logs were thrown away."""
    kept = [Path(one.path) for action in done.values() for one in action.outputs if one.size is not None]
    newest = max(path.stat().st_mtime for path in kept)
    return datetime.fromtimestamp(newest, UTC).date().isoformat()


def _keep(found: Found, new: Iterable[Entity]) -> None:
    for one in new:
        found.setdefault(one["@id"], one)


def _tool(found: Found, rules: Mapping[str, Any], action: Action, environments: Mapping[str, str]) -> Entity:
    pins = entities.environment(action.code["environment"], environments)
    packages = [entities.package(*one) for one in sorted(action.versions.items())]
    tool = entities.tool(action, rules.get(action.rule, {}), pins, packages)
    _keep(found, [pins, *packages, tool])
    return found[tool["@id"]]


def _inputs(
    found: Found, action: Action, files: Mapping[str, Entity], given: Callable[[str, str], Entity]
) -> list[str]:
    """The ids of the files and raw data that an action used, each as it was then."""
    used = [
        files[path] if path in files and files[path]["sha256"] == digest else given(path, digest)
        for path, digest in action.inputs.items()
    ]
    used += [entities.raw(path, digest) for path, digest in sorted(action.raw.items())]
    _keep(found, used)
    return [one["@id"] for one in used]


def _values(found: Found, action: Action, tool: Entity) -> list[str]:
    """The ids of the parameters that an action had, with their values; its code is told that it takes them."""
    pairs = [entities.parameter(action.rule, *one) for one in sorted(action.params.items()) if one[0] != "raw"]
    _keep(found, (one for pair in pairs for one in pair))
    known = tool.get("input", [])
    taken = [one["@id"] for one in (known if isinstance(known, list) else [known])]
    if taken_now := [formal["@id"] for formal, _ in pairs if formal["@id"] not in taken]:
        tool["input"] = refs([*taken, *taken_now])
    return [value["@id"] for _, value in pairs]


def _steps(
    found: dict[str, Entity], rules: Mapping[str, Mapping[str, str]], tools: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """Rule -> the id of its step, of the rules that made something."""
    order = list(rules)
    steps = {}
    for rule in sorted(tools, key=lambda rule: (rule not in rules, order.index(rule) if rule in rules else 0, rule)):
        pins = {needs[0]["@id"] for tool in tools[rule] if (needs := found[tool]["softwareRequirements"])}
        steps[rule] = f"#step/{rule}"
        step = {
            "@id": steps[rule],
            "@type": "HowToStep",
            "name": rule,
            "position": str(len(steps)),
            "workExample": refs(tools[rule]),
            "buildInstructions": refs(sorted(pins)),
        }
        _keep(found, [step | {"description": rules.get(rule, {}).get("does", rule)}])
    return steps


def _study(about: Mapping[str, Any], jobs: list[str], asked: list[str], days: list[str]) -> list[Entity]:
    """The study as one action, and Snakemake that ran its jobs."""
    inputs = [entities.given(path, digest_file(Path(path))) for path in about["given"]]
    engine = entities.package("snakemake", about["snakemake"])
    run: Entity = {
        "@id": RUN,
        "@type": "CreateAction",
        "name": f"the study {about['study']}",
        "description": "All jobs together, from the raw data to the page and the tables.",
        "instrument": ref(WORKFLOW),
        "object": refs(one["@id"] for one in inputs),
        "result": refs(asked),
        "actionStatus": entities.DONE,
    }
    organized: Entity = {"@id": ENGINE_RUN, "@type": "OrganizeAction", "name": "Snakemake runs the jobs"}
    organized |= {"instrument": ref(engine["@id"]), "result": ref(RUN), "object": refs(jobs)}
    return [*inputs, engine, run | ({"startTime": days[0], "endTime": days[-1]} if days else {}), organized]
