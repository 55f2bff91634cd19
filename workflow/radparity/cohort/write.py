"""Sheets and configurations of a study of public cohorts as files: the same bytes whenever they are made."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from radparity.cohort.sources import Source
from radparity.cohort.study import Rows

TEMPLATE = """\
# {about}
# Written by `{command}` from version {version} of the index; docs/cohorts.md explains it.
#   .venv/bin/snakemake download --cores 2 --configfile {config}     # {gigabytes} GB; again after a break
#   .venv/bin/radparity sweep --config {config}
#   .venv/bin/snakemake --cores 2 --configfile {config}

study: {name}
seed: {seed}

raw: {raw}
plan: plan/{name}
sheets:
  exams: {folder}/exams.tsv
  breasts: {folder}/breasts.tsv
  readings: {folder}/readings.tsv
  series: {folder}/series.tsv             # what is downloaded, one row a series
  sources: {folder}/sources.tsv           # whose data it is: licence and citation
{batch}{cohorts}
readers:
  test: [{rater}]                 # one reference a case: network against it, no consensus and no equivalence
  made_by: software

fold:
  folds: {folds}

arms:
  unet:
    network: paper
{width}    channels: [t1c, dce_in, dce_out]
    harmonization: pre_p95
  fuzzy_c_means:
    network: fuzzy_c_means
primary_arm: unet

train:                          # chosen beforehand, not tuned on these data
{train}  malignant_share: 0.5
  negatives: tumour_free_sections # these cohorts have no benign arm
  negatives_margin_mm: 6

predict:
  extent: section
"""
TRAIN = "  steps: 20000\n  minibatch: 16\n  learning_rate: 0.0001\n  schedule: cosine\n  validate_every: 500\n"
QUICK_TRAIN = (
    "  steps: 100                    # of a laptop: to see the whole chain at work, not to learn well\n"
    "  minibatch: 8\n  patch: [19, 59, 59]\n  learning_rate: 0.001\n  validate_every: 50\n"
    "  batch_norm_momentum: 0.1\n"
)


def configuration(facts: Mapping[str, object], quick: bool, cohorts: tuple[str, str] | None = None) -> str:
    """The configuration of a study. facts: about, command, version, config, gigabytes, name, seed, raw, folder, rater.

    quick: a training of minutes. cohorts: the one that trains and the one that tests.
    """
    return TEMPLATE.format(
        **facts,
        batch="\nbatch: 2\n" if quick else "",
        cohorts=f"\ntrain_on: [{cohorts[0]}]\ntest_on: [{cohorts[1]}]\n" if cohorts else "",
        folds=2 if quick else 5,
        width="    width: 8\n" if quick else "",
        train=QUICK_TRAIN if quick else TRAIN,
    )


def write_sheets(folder: Path, sheets: Mapping[str, tuple[tuple[str, ...], Rows]], sources: Iterable[Source]) -> None:
    """The sheets of rows and that of sources, tab-separated, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [list(row.model_dump().values()) for row in sources]
    for name, (head, body) in {**sheets, "sources": (tuple(Source.model_fields), rows)}.items():
        text = io.StringIO()
        csv.writer(text, delimiter="\t", lineterminator="\n").writerows([head, *body])
        (folder / f"{name}.tsv").write_text(text.getvalue(), encoding="utf-8")
