# Functions that several rules share.
from functools import cache

# Of rules whose memory or time grows with the attempt. None inside a job of a cluster: Snakemake would repeat it there,
# in the very memory that it did not fit in.
RETRIES = 2 if workflow.is_main_process else 0


def chosen(reference, cases):
    """For the params `files`: one file of each of these cases only, in this order."""
    return {"file": reference, "cases": list(cases)}


def of_cases(cases, **references):
    """The same for several files of the same cases."""
    return {name: chosen(reference, cases) for name, reference in references.items()}


def grid_params():
    """What decides on a breast's grid: params of every rule that puts something on it."""
    chosen = study.params("harmonize")["harmonize"]
    return {name: chosen[name] for name in ("in_plane", "section_mm")}


def if_benign(wildcards, pattern):
    """A file of an arm's predictions of benign breasts; none of an arm without networks of ours."""
    return [pattern.format(arm=wildcards.arm)] if wildcards.arm in study.trained and study.benign_sample else []


def outlined_cancer(breast):
    """Of a breast with cancer the outlines are read; a benign one may have some, which are not."""
    return {} if study.breasts[breast].label == "malignant" else {"reads": {"outline": []}}


def pilot(wildcards):
    """What the power study draws from: the tuning cases as the primary arm segmented them, or a table."""
    needs_three("power", "the power is that of the test of equivalence")
    if study.config.power.pilot != "tuning":
        return {"pilot": study.config.power.pilot}
    cases = study.cases("tuning")
    return {
        "segment": batches("segment", cases, arm=study.config.primary_arm),
        "outline": batches("outline", cases),
    }


def needs_three(target, why):
    """Refuse a target of a study with one or two raters."""
    if study.few:
        raise WorkflowError(
            f"{target}: {why}, which needs three readers or more; readers: test names {len(study.config.readers.test)}"
            " (docs/few_raters.md)"
        )


def any_of(arms):
    """The wildcard constraint of rules that belong to these arms only; with none of them it matches nothing."""
    return "|".join(arms) or "(?!)"


def shown_cases():
    """Cases with pictures: a test case for the DCE panel and the outlines, and the cases of the partition `shown`."""
    return study.cases("test") + study.cases("shown")


@cache
def checked_exams(which):
    """The exams among which twins are looked for: those of the development cases, or all."""
    return sorted(study.entered if which == "all" else {study.exam_of(b) for b in study.cases("development")})
