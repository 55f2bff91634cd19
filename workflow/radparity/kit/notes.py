"""Which tables a kit holds, and what is to be known first. The rules read it, so it needs no heavy package."""

from __future__ import annotations

from radparity.study import Study

TABLES = ("main", "equivalence", "random_readers", "tails", "scores")
PHANTOM = "Virtual exams (phantoms): images, cancers and readers are simulated. Nothing here is a clinical result."
PILOT = "A pilot: some patients of a study, and no result of it."
LOCATED = (
    "{}: the readers' outlines told it where the lesion is; it is compared inside and outside of that place alike."
)
STAPLE = (
    "The references were made by STAPLE, which is not computed again: they are taken as they come with the outlines."
)


def notes(study: Study) -> list[str]:
    """The sentences that a kit of this study begins with."""
    found = [PHANTOM] if study.config.phantom else []
    found += [PILOT] if study.whole is not study else []
    found += [LOCATED.format(arm) for arm in study.located]
    return found + ([STAPLE] if study.config.compare.reference == "staple" else [])
