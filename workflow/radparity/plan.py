"""Plan: what is fixed before the test set is looked at, when it was fixed, and every look at the test set since.

Both live in a folder of the project and not under results/, which may be deleted and made again: `plan.json`, written
once, and `looks.tsv`, which only grows. Whoever keeps the project under version control keeps them there too.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radparity.config import ConfigError
from radparity.decisions import rulings
from radparity.eligible import OUT
from radparity.ledger import dump

if TYPE_CHECKING:
    from radparity.study import Study

PLAN, LOOKS = "plan.json", "looks.tsv"
COLUMNS = ("when", "commit", "arm", "cases", "plan", "scores")
RULED = "decision"
TAKEN_OUT = "test cases: "
ESTIMATE = "none: mean Dice of network against reference, estimated with its interval"
PRIMARY, EXPLORATORY = "primary", "exploratory"
NOT_LOCKED = "exploratory: no plan was locked"
DEVIATES = "primary, deviates from the locked plan"
PILOT = "exploratory: a pilot, whose tuning cases stand in for test cases"
LOCKED_LATE = "exploratory: the test set had been looked at before the plan was locked"


@dataclass(frozen=True)
class Plan:
    """A locked plan: when and at which commit, the looks at the test set before, its digest, and what it fixes."""

    locked: str
    commit: str
    looks_before: int
    digest: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Look:
    """One scoring of the test set: when, at which commit, of which arm on how many cases, under which plan (its digest,
    empty before one was locked), and the digest of the scores that were seen."""

    when: str
    commit: str
    arm: str
    cases: int
    plan: str
    scores: str


def lock(folder: Path, content: dict[str, Any], when: str, commit: str) -> Plan:
    """Write the plan, once. Raises ConfigError where one is locked already."""
    seen = len({look.scores for look in looks(folder)})
    plan = Plan(when, commit, seen, _digest(content), content)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (folder / PLAN).open("x", encoding="utf-8") as stream:
            stream.write(dump(vars(plan)))
    except FileExistsError:
        raise ConfigError(
            f"{folder / PLAN} is locked already. A plan is never changed: what now differs from it is reported as a"
            " deviation. For another study name another folder in the configuration: plan: FOLDER"
        ) from None
    return plan


def read_plan(folder: Path) -> Plan | None:
    """The locked plan, or none. Raises ConfigError where the file is not what `lock` wrote."""
    path = folder / PLAN
    if not path.is_file():
        return None
    mend = "Bring back the file that was locked (from version control); a plan is never edited"
    try:
        plan = Plan(**json.loads(path.read_text(encoding="utf-8")))
        whole = _digest(plan.content) == plan.digest
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({type(error).__name__}). {mend}") from error
    if not whole:
        raise ConfigError(f"{path} was changed after it was locked: it does not have its digest. {mend}")
    return plan


def planned(study: Study) -> dict[str, Any]:
    """What `lock_plan` freezes: the primary comparison, its test, the threshold rule, the subgroups, the test cases
    with the digests of their outlines and what was decided on whether they stay."""
    blocks = study.params("compare", "fold", "primary_arm", "readers", "seed", "segment", "train")
    ruled = rulings(study.decisions, {case: study.exam_of(case) for case in study.cases("test")})
    made: dict[str, dict[str, str]] = {}
    for row in study.readings:
        if row.rule:
            made.setdefault(row.breast, {})[f"{row.rater}, rule"] = row.rule
        if row.image or row.segment:
            chosen = study.outline_choices[row.breast][row.rater]
            made.setdefault(row.breast, {})[f"{row.rater}, image and segment"] = chosen
    cases = {
        case: {"patient": study.patient_of(case)}
        | {reader: study.digests[path] for reader, path in sorted(study.outlines.get(case, {}).items())}
        | made.get(case, {})
        | ({RULED: {"verdict": ruled[case].verdict, "date": str(ruled[case].date)}} if case in ruled else {})
        for case in study.cases("test")
    }
    arm = study.arms[study.config.primary_arm].model_dump(mode="json")
    blocks["compare"] = {key: value for key, value in blocks["compare"].items() if key not in ("arms", "outliers")}
    test = ESTIMATE if study.few else "margin"
    if not study.few:
        del blocks["readers"]["made_by"]  # said of one or two raters only; plans were locked before it could be said
    if study.config.train.tumour_free_margin is None:  # likewise
        blocks["train"] = {key: value for key, value in blocks["train"].items() if not key.startswith("negatives")}
    cohorts = study.params("train_on", "test_on") if study.settled else {}
    return blocks | cohorts | {"primary_test": test, "arm": arm, "test_cases": cases}


def deviations(plan: Plan, content: dict[str, Any]) -> list[str]:
    """What differs from the locked plan, a sentence each, in order. Of what was decided on cases see `taken_out`."""
    then, now = _flat(_unruled(plan.content)), _flat(_unruled(content))
    found = []
    for key in sorted(then | now):
        if key not in now:
            found.append(f"{key}: locked as {_said(then[key])}, now gone")
        elif key not in then:
            found.append(f"{key}: not in the plan, now {_said(now[key])}")
        elif then[key] != now[key]:
            found.append(f"{key}: locked as {_said(then[key])}, now {_said(now[key])}")
    return found


def taken_out(plan: Plan | None, content: dict[str, Any], first_look: str) -> list[str]:
    """Test cases that decisions have taken out, or put back, since the plan was locked: one sentence with all of them.

    Without a plan those of the day of the first look (empty: there was none) and later: a case that leaves when its
    scores are known may leave because of them. A look has its time in UTC and a decision the day where it was made, so
    the day of the look begins with the earliest that it can have been anywhere.
    """
    day = _earliest_day(first_look) if first_look else ""
    cases, locked = content.get("test_cases", {}), plan.content.get("test_cases", {}) if plan else {}
    now = {case: own[RULED] for case, own in cases.items() if RULED in own}
    then = {case: own[RULED] for case, own in locked.items() if RULED in own}
    late = {case for case, own in now.items() if day and own["date"] >= day}
    changed = sorted(case for case in now.keys() | then.keys() if now.get(case) != then.get(case))
    if plan is None:
        changed = sorted(case for case in late if now[case]["verdict"] in OUT)
    if not changed:
        return []
    named = ", ".join(f"{case} ({now[case]['verdict'] if case in now else 'decision withdrawn'})" for case in changed)
    since = "since the plan was locked" if plan else "since the test cases were looked at"
    said = f"{TAKEN_OUT}{len(changed)} of {len(cases)} concerned by a decision {since}: {named}"
    after = len(late.intersection(changed))
    days = " or ".join(sorted({day, first_look[:10]}))
    return [said + (f"; {after} on the day of the first look ({days}) or later" if after else "")]


def _earliest_day(when: str) -> str:
    """The day on which it was still where clocks are farthest behind, twelve hours, at a time in UTC."""
    return str((datetime.fromisoformat(when) - timedelta(hours=12)).date())


def _unruled(content: dict[str, Any]) -> dict[str, Any]:
    """The content without what was decided on its cases."""
    cases = content.get("test_cases", {})
    return content | {"test_cases": {case: {k: v for k, v in own.items() if k != RULED} for case, own in cases.items()}}


def role(plan: Plan | None, arm: str, primary: str, differs: bool) -> str:
    """What the margin test of an arm is: the primary test of the study, or exploratory, and why."""
    if arm != primary:
        return EXPLORATORY
    if plan is None:
        return NOT_LOCKED
    if plan.looks_before:
        return LOCKED_LATE
    return DEVIATES if differs else PRIMARY


def add_look(folder: Path, look: Look) -> None:
    """Append one look to the log, also where several jobs end at once."""
    folder.mkdir(parents=True, exist_ok=True)
    line = "\t".join(str(value) for value in vars(look).values()) + "\n"
    with (folder / LOOKS).open("a", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_size == 0:
            line = "\t".join(COLUMNS) + "\n" + line
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())


def looks(folder: Path) -> list[Look]:
    """Every look so far, the earliest first."""
    path = folder / LOOKS
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    try:
        return [
            Look(row["when"], row["commit"], row["arm"], int(row["cases"]), row["plan"], row["scores"]) for row in rows
        ]
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: a row is not a look ({error}). Bring back the log from version control") from error


def standing(folder: Path, arm: str, primary: str, content: dict[str, Any], pilot: bool = False) -> dict[str, Any]:
    """What the page says of an arm's comparison: role, plan, deviations, and how often its test scores were new.

    A repetition that ends in the same scores shows nothing new; so `looks` counts different scores of this arm, and two
    runs of one study say the same.
    """
    plan = read_plan(folder)
    log = looks(folder)
    differs = deviations(plan, content) if plan else []
    differs = taken_out(plan, content, min((look.when for look in log), default="")) + differs
    seen = {look.scores for look in log if look.arm == arm}
    return {
        "arm": arm,
        "role": PILOT if pilot else role(plan, arm, primary, bool(differs)),
        "locked": plan.locked if plan else None,
        "digest": plan.digest if plan else None,
        "looks_before": plan.looks_before if plan else None,
        "looks": len(seen),
        "deviations": differs,
    }


def now() -> str:
    """The time to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> str:
    """The commit of the working folder, with a plus where files were edited since; empty outside version control."""
    try:
        run = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
        return subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _flat(content: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Nested blocks as `block: key` to value, so that each difference is named by its key."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{above}: {key}" if above else key
        found |= _flat(value, name) if isinstance(value, dict) and value else {name: value}
    return found


def _said(value: Any) -> str:
    """A value as the plan's reader would write it; a digest is shortened."""
    text = json.dumps(value, sort_keys=True)
    return f"{text[:13]}…" if len(text) == 66 and " " not in text else text
