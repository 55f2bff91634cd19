"""The command `radparity why`: what would run now, grouped by what has changed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from radparity.checkout import RUNS, runs
from radparity.masks.study import MasksStudy
from radparity.study import Study
from radparity.sweep import MISSING, STATS, glanced
from radparity.terminal import bar, read_config
from radparity.why.causes import Cause, Sheets
from radparity.why.cost import Prices
from radparity.why.planned import Planned, ask
from radparity.why.spread import Spread, entry
from radparity.why.words import KIND, TIED, WIDTH, Group, cost_in_words, counted, in_words, named, together


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("targets", nargs="*", help="stages or files, as for snakemake; none: the whole study")
    command.add_argument("--pilot", type=int, help="the exams of the pilot, where the file does not say it")
    command.add_argument("--json", action="store_true", help="everything, for another program")
    command.add_argument("--no-raw", action="store_true", help="do not look whether raw data is newer than the sweep")


def run(options: argparse.Namespace) -> str:
    """What the command prints. Raises ConfigError where the study cannot be read or planned."""
    from radparity.kinds import open_study

    raw = read_config(options.config)
    study = open_study(raw | ({"pilot": options.pilot} if options.pilot else {}), options.config)
    unswept = [] if options.no_raw else newer_than_the_sweep(study)
    jobs = ask(options.config, options.pilot, options.targets)
    spread = Spread(jobs, Sheets(study, breasts_before(jobs)))
    found = groups(spread, Prices(jobs, study))
    about = {"study": study.config.study, "swept": swept_at(), "unswept": unswept}
    about |= {"unseen": [job.message for job in spread.unseen], "gone": sorted({job.stage for job in spread.gone})}
    return as_json(about, spread, found) if options.json else as_text(about, spread, found, Prices(jobs, study))


def breasts_before(jobs: Sequence[Planned]) -> dict[str, str]:
    """The breasts, with their exams, that the study had when the masks of its breasts were made last."""
    found: dict[str, str] = {}
    for folder in sorted({Path(job.outputs[0]).parent for job in jobs if job.rule == "mask_breast"}):
        for path in sorted(folder.glob("batch_*.json")):
            if not path.name.endswith(".ledger.json"):
                cases = (entry(path.as_posix()) or {}).get("params", {}).get("cases", {})
                found |= {breast: own["exam"] for breast, own in cases.items()}
    return found


def newer_than_the_sweep(study: Study | MasksStudy) -> list[str]:
    """The raw paths whose files look otherwise than when the sweep saw them; nothing is read."""
    stats = json.loads(STATS.read_text(encoding="utf-8")) if STATS.is_file() else {}
    root, show = Path(study.config.raw), bar("looking at the raw data")
    paths, found = study.raw_paths(), []
    for number, path in enumerate(paths, start=1):
        known = stats.get(f"{study.config.raw}/{path}", [MISSING])
        if glanced(root, path, study.announced)[0] != known[0]:
            found.append(path)
        if number % 1000 == 0:
            show(number, len(paths))
    return found


def swept_at() -> str:
    """When the sweep was last run."""
    try:
        return datetime.fromtimestamp(STATS.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except OSError:
        return ""


def groups(spread: Spread, prices: Prices) -> list[Group]:
    """What has changed, each with what it has made anew; first the data, then what makes most."""
    reached = [one for one in spread.reached if one.job.runs]
    told = together(set().union(*(one.all for one in reached)))
    made: dict[Cause, Counter[str]] = {cause: Counter() for cause in told.values()}
    cases: dict[Cause, set[str]] = {cause: set() for cause in told.values()}
    for one in reached:
        for case, causes in one.made.items():
            for cause in {told[cause] for cause in causes}:
                made[cause][one.job.rule] += 1
                cases[cause] |= {case} - {""}
    found = []
    for cause, counts in made.items():
        if counts or cause.kind not in ("follows", "unmade"):
            said = Cause("code", edited(spread.edited)) if cause.kind == "code" else cause
            found.append(Group(said, dict(counts), sorted(cases[cause]), prices.of(counts)))
    return sorted(found, key=lambda group: (KIND.get(group.cause.kind, 4), -sum(group.made.values()), group.cause.text))


def edited(scripts: set[str]) -> str:
    """Which code has changed: the scripts that reach it, and the files, where the last run's commit is known."""
    names = sorted(scripts)
    what = f"the code of {names[0]}" if len(names) == 1 else f"code that {len(names)} rules use ({named(names)})"
    before = next((row["commit"] for row in reversed(runs(RUNS)) if len(row["commit"]) == 40), None)
    if before is None:
        return f"{what} has changed"
    try:
        asked = ["git", "diff", "--name-only", "--relative", before, "--", "workflow"]
        files = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        files = []
    since = f"; edited since the last run: {named(files)}" if files else ""
    return f"{what} has changed{since}"


def as_text(about: dict[str, Any], spread: Spread, found: list[Group], prices: Prices) -> str:
    """The answer for a terminal."""
    lines = [f"study {about['study']}; raw data last swept {about['swept'] or 'never'}"]
    if unswept := about["unswept"]:
        lines.append(
            f"! {len(unswept):,} raw {'path looks' if len(unswept) == 1 else 'paths look'} changed since then"
            f" ({named(unswept)}): what follows does not know it yet. Run `radparity sweep`, then ask again"
        )
    if unseen := about["unseen"]:
        lines.append(
            f"! {len(unseen):,} results are not what would be made now, and Snakemake does not see it, since its own"
            f" records (.snakemake) are not here: {named(unseen)}. `radparity redo STAGE` has them made again"
        )
    if stages_gone := about["gone"]:
        lines.append(
            f"! files of {', '.join(stages_gone)} are gone, and all that is wanted of them stands: they are made again"
            f" only where they are named: snakemake --cores 8 {' '.join(stages_gone)}"
        )
    run = [one for one in spread.reached if one.job.runs]
    if not run:
        lines.append("Nothing to do: every result is what would be made now.")
        return "\n".join(_wrapped(line) for line in lines)
    everything, stages = _everything(spread), {one.job.rule: one.job.stage for one in spread.reached}
    made = counted(spread.reached)
    looking = sum(not any(one.made.values()) for one in run)
    lines.append(f"{len(run):,} {'job' if len(run) == 1 else 'jobs'} would run; {cost_in_words(prices.of(made))}.")
    if looking:
        lines.append(f"{looking:,} of them only look: all that they would make stands, or is put back.")
    for number, group in enumerate(found, start=1):
        lines += ["", f"{number}. {group.cause.text}", f"   {in_words(group.made, everything, stages)}"]
        if len(group.cases) and group.cause.kind not in ("raw", "new", "sheet"):
            lines.append(f"   {len(group.cases):,} cases: {named(group.cases)}")
    if len(found) > 1:
        lines += ["", f"together: {in_words(made, everything, stages)}"]
    lines += ["", "At most: what comes out the same as before leaves alone what follows from it."]
    return "\n".join(_wrapped(line) for line in lines)


def as_json(about: dict[str, Any], spread: Spread, found: list[Group]) -> str:
    """The same for another program."""
    causes = [
        {"kind": group.cause.kind, "text": group.cause.text, "made": group.made, "cases": group.cases}
        | {"processor_hours": round(group.cost.processor, 4), "gpu_hours": round(group.cost.gpu, 4)}
        for group in found
    ]
    jobs = [one.job.message for one in spread.reached if one.job.runs]
    made = {
        one.job.message: [case for case, causes in one.made.items() if causes] for one in spread.reached if one.job.runs
    }
    return json.dumps(about | {"jobs": jobs, "made": made, "causes": causes}, indent=1)


def _everything(spread: Spread) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in spread.reached:
        found[one.job.rule] = found.get(one.job.rule, 0) + (len(one.job.cases) if one.job.by_cases else 1)
    return found


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    width = max(40, min(WIDTH, os.get_terminal_size().columns if os.isatty(1) else WIDTH))
    own = indent or "  "
    filled = textwrap.fill(line, width, subsequent_indent=own, break_long_words=False, break_on_hyphens=False)
    return filled.replace(TIED, " ")
