"""The plan in the words of whoever keeps the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from radparity.why.causes import Cause
from radparity.why.cost import Cost
from radparity.why.spread import Reached

# Of each rule, in the order of the study, what one job or case of it makes: one, several.
NOUNS = {
    "intake_exam": ("exam looked through", "exams looked through"),
    "eligible_exam": ("exam judged eligible or not", "exams judged eligible or not"),
    "convert_exam": ("conversion", "conversions"),
    "kinetics_exam": ("comparison with the site's maps", "comparisons with the site's maps"),
    "register_exam": ("registration", "registrations"),
    "harmonize_breast": ("harmonized breast", "harmonized breasts"),
    "mask_train": ("training of the mask network", "trainings of the mask network"),
    "mask_breast": ("breast mask", "breast masks"),
    "outline_case": ("case's outlines", "cases' outlines"),
    "slab_breast": ("slab", "slabs"),
    "train_fold": ("training", "trainings"),
    "nnunet_fold": ("training", "trainings"),
    "consensus_case": ("case's references", "cases' references"),
    "predict_case": ("predicted case", "predicted cases"),
    "predict_external": ("predicted case", "predicted cases"),
    "nnunet_predict": ("predicted case", "predicted cases"),
    "segment_tune": ("threshold", "thresholds"),
    "segment_case": ("segmented case", "segmented cases"),
    "shift_breast": ("case measured for the shift of cohorts", "cases measured for the shift of cohorts"),
}
# Of stages whose jobs nobody counts.
WHOLE = {"compare": "tables", "figures": "figures", "report": "the report", "audit": "the audit"}
SHOWN = 5
# So many causes of a kind are told one by one.
APART = 12
MANY = {
    "raw": "changes of raw data",
    "new": "exams or breasts are new in the sheets",
    "gone": "exams or breasts have left the sheets",
    "sheet": "changes in the sheets",
    "config": "changes of the configuration",
}
WIDTH = 98
TIED = "\N{NO-BREAK SPACE}"
KIND = {"code": 1, "environment": 2, "config": 3, "raw": 0, "new": 0, "gone": 0, "sheet": 0}


@dataclass(frozen=True)
class Group:
    """A cause with what it has made anew: rule to the number of cases (or jobs), and the cases by name."""

    cause: Cause
    made: dict[str, int]
    cases: list[str]
    cost: Cost


def counted(reached: Iterable[Reached]) -> Counter[str]:
    """Rule to how many cases, or jobs of the whole study, are made anew."""
    found: Counter[str] = Counter()
    for one in reached:
        if one.job.runs:
            found[one.job.rule] += sum(map(bool, one.made.values()))
    return +found


def together(causes: Collection[Cause]) -> dict[Cause, Cause]:
    """Each cause with the one that it is told as: where very many are of a kind, all of them are one."""
    kinds = Counter(cause.kind for cause in causes)
    first = {cause.kind: cause.text for cause in sorted(causes, reverse=True)}
    merged = {
        kind: Cause(kind, f"{count:,} {MANY[kind]}, as: {first[kind]}")
        for kind, count in kinds.items()
        if count > APART and kind in MANY
    }
    return {cause: merged.get(cause.kind, cause) for cause in causes}


def in_words(made: Mapping[str, int], everything: Mapping[str, int], stages: Mapping[str, str]) -> str:
    """What is made anew, as "1 registration, 2 trainings, all tables".

    everything: rule to all that a study has of it. stages: rule to its stage.
    """
    nouns: dict[tuple[str, str], int] = {}
    for rule in sorted(made, key=lambda rule: list(NOUNS).index(rule) if rule in NOUNS else len(NOUNS)):
        if rule in NOUNS:
            nouns[NOUNS[rule]] = nouns.get(NOUNS[rule], 0) + made[rule]
    parts = [f"{count:,}{TIED}{one if count == 1 else many}" for (one, many), count in nouns.items()]
    rest = sum(count for rule, count in made.items() if rule not in NOUNS and stages[rule] not in WHOLE)
    parts += [f"{rest:,}{TIED}{'job' if rest == 1 else 'jobs'} between"] if rest else []
    for stage, words in WHOLE.items():
        some = sum(count for rule, count in made.items() if stages[rule] == stage)
        whole = sum(count for rule, count in everything.items() if stages[rule] == stage)
        if some:
            parts.append(words if words.startswith("the ") else f"{'all' if some == whole else 'some'} {words}")
    return ", ".join(parts) or "nothing is made anew"


def hours(value: float) -> str:
    """A duration as a person says it."""
    if value >= 1:
        return f"about {value:,.1f} hours"
    return f"about {value * 60:.0f} minutes" if value * 60 >= 1.5 else "a minute or less"


def cost_in_words(cost: Cost) -> str:
    """What it will take, and where that is known from."""
    here, table = cost.rules["here"], cost.rules["table"]
    if not here and not table:
        return "how long it takes is not known: nothing of it has been measured"
    source = "as measured in this study"
    if table:
        source = f"{source}, the rest by the estimate's table" if here else "by the estimate's table"
    gpu = f", of these {hours(cost.gpu)} on a GPU" if cost.gpu else ""
    unknown = "; some stages were never measured and are not counted" if cost.rules["unknown"] else ""
    return f"{hours(cost.processor)} of a processor{gpu} ({source}{unknown})"


def named(cases: list[str]) -> str:
    """The first cases by name, and how many more."""
    more = f" and {len(cases) - SHOWN:,} more" if len(cases) > SHOWN else ""
    return ", ".join(cases[:SHOWN]) + more
