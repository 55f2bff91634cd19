# Functions that several rules share.


def raw_digests(*paths):
    """Content digest of each raw path that a rule reads, for its params; the audit checks them against the sweep."""
    return {path: raw[path] for path in sorted(paths)}


def grid_params():
    """What decides on a breast's grid: params of every rule that puts something on it."""
    chosen = study.params("harmonize")["harmonize"]
    return {name: chosen[name] for name in ("in_plane", "section_mm")}


def development(wildcards, pattern, label=None):
    """One file of every development breast, for this arm's harmonization."""
    harmonization = study.trained[wildcards.arm].harmonization
    return expand(pattern, breast=study.cases("development", label=label), harmonization=harmonization)


def masked(pattern):
    """A file of each exam that has a breast with a mask to train the mask network on."""
    return [pattern.format(exam=study.exam_of(breast)) for breast in study.breast_masks]


def tuning(pattern):
    """A file of each tuning case, for the wildcard's arm."""
    return lambda wc: expand(pattern, arm=wc.arm, breast=study.cases("tuning"))


def shown_cases():
    """Cases with pictures: a test case for the DCE panel and the outlines, and the cases of the partition `shown`."""
    return study.cases("test") + study.cases("shown")
