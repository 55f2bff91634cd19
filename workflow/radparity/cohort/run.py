"""What `radparity cohort` does: find, draw, write, say."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from radparity.citations import of_sources
from radparity.cohort import flow
from radparity.cohort.choose import Exam
from radparity.cohort.collections import PUBLIC_SAGITTAL, Study, named
from radparity.cohort.index import series_of, sources_of, version
from radparity.cohort.study import SHARES, Found, find, partition, sample, sheets
from radparity.cohort.write import configuration, write_sheets
from radparity.config import ConfigError

LAPTOP = "laptop"
LAPTOP_FOLDS = 2
LAPTOP_BYTES = 45_000_000
"""Largest dynamic acquisition of a laptop study's exams: 12 of them are about half a GB at most."""


def run(options: argparse.Namespace) -> str:
    """Write the sheets and say what they hold. Raises ConfigError with the mend where that cannot be done."""
    study = named(options.collections)
    found = find(series_of(study.collections), study)
    if options.counts:
        return "\n\n".join((flow.table(found), flow.makers(found)))
    lines = [line for one in found for line in flow.chart(one)]
    if options.patients is not None:
        found = _laptop(found, options)
    exams = [exam for one in found for exam in one.exams.values()]
    sources = sources_of(taken.series for exam in exams for taken in exam.taken)
    name = LAPTOP if options.patients is not None else study.name
    folder = options.out or Path("resources", name)
    write_sheets(folder, sheets(found, options.seed), sources)
    raters = [one.outline.rater for exam in exams for one in exam.taken if one.outline]
    reader = raters[0] if raters else ""
    written = _configurations(study, name, folder, options, exams, reader)
    total, dynamic = flow.size(exams, None), flow.size(exams)
    return "\n".join(
        [
            *flow.forbidding(sources),
            *flow.to_fill(found),
            *flow.without_reader(exams, reader),
            *lines,
            flow.partitioned(),
            *(f"cite: {work.sentence}" for work in of_sources(row.model_dump() for row in sources)),
            f"written: {len(exams)} exams, {total:.2f} GB to download, of them DCE {dynamic:.2f} GB;"
            f" {folder}/*.tsv{''.join(f', {path}' for path in written)}",
        ]
    )


def _laptop(found: list[Found], options: argparse.Namespace) -> list[Found]:
    """So many exams that suit a laptop. Raises ConfigError where there are fewer, or where a partition stays empty."""
    wanted = options.patients
    fitting = sum(_small(exam) for one in found for exam in one.exams.values())
    if wanted > fitting:
        raise ConfigError(
            f"--patients {wanted}: {fitting} exams of these collections suit a laptop (outlined, of one breast, one"
            f" dynamic series of at most {LAPTOP_BYTES // 1_000_000} MB). Write fewer, name other collections, or leave"
            " --patients out and take the whole study"
        )
    drawn = sample(found, max(0, wanted), options.seed, _small)
    held = Counter(part for one in drawn for part in partition(one.exams, options.seed).values())
    if held["development"] < LAPTOP_FOLDS or not held["tuning"] or not held["test"]:
        said = ", ".join(f"{held[part]} {part}" for part in SHARES)
        raise ConfigError(
            f"--patients {wanted}: two folds, a tuning and a test case are needed, and these are {said}. Write 12"
        )
    return drawn


def _small(exam: Exam) -> bool:
    """Whether an exam suits a laptop: one dynamic series, not large, of one breast, and an outline."""
    dynamic = exam.of("dynamic")
    return exam.outlined and not exam.both and len(dynamic) == 1 and dynamic[0].bytes <= LAPTOP_BYTES


def _configurations(
    study: Study, name: str, folder: Path, options: argparse.Namespace, exams: list[Exam], reader: str
) -> list[Path]:
    """Write the configurations of a study whose cases are outlined, by this reader; their paths."""
    if not reader:
        return []
    home = options.out or Path("config")
    wanted: dict[str, tuple[str, str] | None] = {name: None}
    if study is PUBLIC_SAGITTAL and name == study.name:
        wanted["public_external"] = study.collections[0], study.collections[1]
    few = f" --patients {options.patients}" if options.patients is not None else ""
    for title, cohorts in wanted.items():
        path = home / f"{title}.yaml"
        facts = {
            "about": f"{len(exams)} exams of {', '.join(study.collections)}"
            + (", trained on the first, tested on the second" if cohorts else "")
            + ".",
            "command": f"radparity cohort {' '.join(options.collections) or study.name}{few}",
            "version": version(),
            "config": path,
            "gigabytes": f"{flow.size(exams, None):.1f}",
            "name": title,
            "seed": options.seed,
            "raw": f"data/{name}",
            "folder": folder,
            "rater": reader,
        }
        path.write_text(configuration(facts, bool(few), cohorts), encoding="utf-8")
    return [home / f"{title}.yaml" for title in wanted]
