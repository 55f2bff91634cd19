# The lists of batches: which cases a stage takes, in which batch, and where its lists lie.
from functools import cache
from math import ceil

RECREATED = os.environ.get("RADPARITY_ONLY", "").split()

OF_EXAMS = ("download", "intake", "eligible", "convert", "kinetics", "register", "verify", "keep")
OF_ARMS = ("predict", "segment", "seg")
FOLDERS = {
    "harmonize": "results/harmonize/{harmonization}",
    "slab": "results/slab/{harmonization}",
    "shift": "results/shift/{harmonization}",
    "nnunet": "results/nnunet/{harmonization}",
    "predict": "results/predict/{arm}",
    "segment": "results/segment/{arm}",
    "seg": "results/seg/{arm}",
    "page": "results/report/cases",
}


@cache
def batch_of(by_exams):
    """Exam to its batch, or breast."""
    if by_exams:
        return study.batch_of
    return {breast: study.batch_of[row.exam] for breast, row in study.breasts.items()}


@cache
def grouped(stage, arm=None):
    """Batch to its cases, of a stage that goes by exams or by breasts; arm: of a stage whose cases depend on it."""
    found, batch = {}, batch_of(stage in OF_EXAMS)
    for case in study.predicted(arm) if stage in OF_ARMS else STAGE_CASES[stage]():
        found.setdefault(batch[case], []).append(case)
    return found


STAGE_CASES = {
    **{stage: lambda: list(study.exams) for stage in ("intake", "eligible", "convert", "register")},
    "download": lambda: [exam for exam in study.exams if exam in study.announced.exams],
    # What waits for a release is kept whole for it.
    "keep": lambda: list(study.entered),
    **{stage: lambda: list(study.breasts) for stage in ("harmonize", "mask")},
    **{stage: lambda: study.cases("development") for stage in ("slab", "nnunet")},
    "kinetics": lambda: [exam for exam in study.entered if study.maps(exam)],
    "verify": lambda: [exam for exam, row in study.entered.items() if row.truth],
    "outline": lambda: study.outlined,
    "shift": lambda: study.shifted,
    "consensus": lambda: study.cases("tuning", "test"),
    **{stage: lambda: study.paged for stage in ("view", "page")},
}


def members(stage, wildcards):
    """The cases that a job of a stage takes; called by `radparity recreate`, those that it names."""
    found = grouped(stage, wildcards.arm if stage in OF_ARMS else None)[wildcards.batch]
    return [case for case in found if case in RECREATED] if RECREATED else found


def batches(stage, cases=None, **named):
    """The lists of a stage's batches that hold some of these cases (exams or breasts); all lists where none is named.

    named: harmonization or arm, for a stage that has one.
    """
    names = grouped(stage, named["arm"] if stage in OF_ARMS else None)
    if cases is not None:
        held = {batch_of(stage in OF_EXAMS)[case] for case in cases}
        names = [name for name in names if name in held]
    folder = FOLDERS.get(stage, f"results/{stage}").format(**named)
    return [f"{folder}/batch_{name}.json" for name in names]


def lists(stage, cases=None, **named):
    """`batches` as an input function: each job of a cluster reads all rules again and needs the lists of its own only."""
    return lambda wildcards: batches(stage, cases, **named)


def of_batch(stage, optional=False, **named):
    """The list of a stage with the same batch, as input; none where no case of the batch is in an optional stage.

    The harmonization is that of the wildcard's arm, or the wildcard itself, where it is not named.
    """

    def found(wildcards):
        known = dict(wildcards.items()) | named
        if "arm" in known:
            known.setdefault("harmonization", study.arms[known["arm"]].harmonization)
        if optional and wildcards.batch not in grouped(stage, known.get("arm") if stage in OF_ARMS else None):
            return []
        return f"{FOLDERS.get(stage, f'results/{stage}')}/batch_{{batch}}.json".format(**known)

    return found


def of_the_arm(stage, cases=None):
    """The lists of a stage for the harmonization of the wildcard's arm, as input."""
    return lambda wc: batches(stage, cases, harmonization=study.arms[wc.arm].harmonization)


def tuning(stage):
    """The lists of a stage that hold tuning cases, for the wildcard's arm."""
    return lambda wc: batches(stage, study.cases("tuning"), arm=wc.arm)


def tested(stage):
    """The lists of a stage that hold test cases, for the wildcard's arm."""
    return lambda wc: batches(stage, study.cases("test"), arm=wc.arm)


def kept_lists():
    """What says which files went; none in a study that keeps all."""
    return [] if study.kind != "exams" or study.config.keep == "all" else batches("keep")


def waiting_lists():
    """What the exams that wait for a release are made into, so that nothing is left to do for them when it comes."""
    if study.kind != "exams" or len(study.entered) == len(study.exams):
        return []
    exams = [exam for exam in study.exams if exam not in study.entered]
    breasts = [breast for breast, row in study.breasts.items() if row.exam not in study.entered]
    made = [
        *batches("register", exams),
        *batches("mask", breasts),
        *batches("outline", [breast for breast in breasts if breast in study.outlines]),
    ]
    return made + sum((batches("harmonize", breasts, harmonization=each) for each in made_harmonizations(study)), [])


def minutes(stage, each, least=10):
    """Walltime of a batch: so many minutes a case, more at each attempt."""
    return lambda wildcards, attempt: attempt * (least + ceil(each * len(members(stage, wildcards))))


def batch_jobs(wildcards):
    """How many jobs take cases by batches on the way to the report."""
    stages = "download intake eligible convert kinetics register mask outline verify consensus view page".split()
    stages += ["harmonize"] * len(made_harmonizations(study))
    stages += ["slab"] * len({study.arms[name].harmonization for name in study.compared_networks})
    of_arms = sum(len(grouped(stage, arm)) for stage in ("predict", "segment") for arm in study.compared)
    return of_arms + sum(len(grouped(stage)) for stage in stages)
