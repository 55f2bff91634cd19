"""Roles of the 18,324 series of four public breast MRI collections, told from their descriptions: docs/series_roles.md.

python benchmarks/series_roles.py
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radparity.intake.descriptions import Described, role_of_description, roles_beside
from radparity.intake.roles import ROLES

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data" / "breast_mr_series"
PAGE = ROOT / "docs" / "series_roles.md"
HEAD = """# Series roles on real descriptions

Made by `python benchmarks/series_roles.py` from
[tests/data/breast_mr_series](../tests/data/breast_mr_series/README.md): {rows:,} series of {exams:,} exams.
**The index carries no tags**: only description, modality, manufacturer and number of images. In a study the tags come
first (`radparity.intake.roles`), and words decide only what they leave open; the tables here measure the words alone
(`role_of_description`), and the words beside the other series of the exam (`roles_beside`). What is unsure here is not
lost in a study: its tags are read, and where they do not decide either, the exam stops with `dynamic_ambiguous` or
`no_dynamic_series` until a person names the series in decisions.tsv.
"""
LABELS = """
The {labels} labelled descriptions ({weight:,} series) are a random sample weighted by number of series. **The labels
were read from descriptions by one engineer**, who also wrote the rules and had looked through the index before. No
image was looked at. One label was corrected before the first comparison; after it ("beside": 99.3 per cent the same)
two rules were changed ("pre" beside phases of equal count joins them; a T1 of equal count stays unsure unless a pre is
named) and one word ("6d") was dropped. This shows that the rules do what they are meant to on these four collections,
not how they do on a hospital that nobody has seen.

Known weakness of the words: {passes} series of ispy1 are dynamic only by words like "1st pass" and "POST #1". In some
exams these are probably subtractions (their neighbours are whole acquisitions; one is called "1st pass 8-4 rt"), in
others phases. Only ImageType tells them apart.
"""


def table(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table."""
    rows = [frame.columns.tolist(), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def judged() -> pd.DataFrame:
    """Every series of the index with its role from the description alone (`alone`) and beside its exam (`beside`)."""
    index = pd.read_csv(DATA / "series.tsv.xz", sep="\t", keep_default_na=False, dtype={"description": str})
    for _, exam in index.groupby("exam"):
        series = [Described(*one) for one in exam[["description", "modality", "images"]].itertuples(index=False)]
        index.loc[exam.index, "alone"] = [role_of_description(*one)[0] for one in series]
        index.loc[exam.index, "beside"] = [role for role, _ in roles_beside(series)]
    return index


def counts(index: pd.DataFrame, how: str) -> str:
    """Series by collection and role, and the share unsure."""
    found = pd.crosstab(index["collection"], index[how]).reindex(columns=list(ROLES), fill_value=0)
    found.loc["all"] = found.sum()
    found["series"] = found.sum(axis=1)
    found["unsure, per cent"] = (100 * found["unsure"] / found["series"]).round(1)
    return table(found.reset_index())


def agreement(index: pd.DataFrame) -> pd.DataFrame:
    """Per labelled role: series, and how many have that role, are unsure, or have another, by both ways of reading."""
    labels = pd.read_csv(DATA / "labelled.tsv", sep="\t", keep_default_na=False)[["collection", "description", "role"]]
    both = index.merge(labels, on=["collection", "description"])
    rows = []
    for role in [*ROLES, "all"]:
        own = both if role == "all" else both[both["role"] == role]
        row: dict[str, object] = {"label": role, "series": len(own)}
        for how in ("alone", "beside"):
            right, unsure = own[how] == own["role"], own[how] == "unsure"
            row |= {f"{how}: same": right.sum(), f"{how}: unsure": (unsure & ~right).sum()}
            row[f"{how}: other"] = (~right & ~unsure).sum()
        rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    """Print and write the page."""
    index = judged()
    found = agreement(index)
    labels = sum(1 for _ in (DATA / "labelled.tsv").open(encoding="utf-8")) - 1
    unsure = index[index["beside"] == "unsure"]
    words = index["description"].str.contains(r"\bpass\b|post\W*(?:contrast)?\W*#\d|^pass", case=False)
    passes = int((words & (index["collection"] == "ispy1") & (index["beside"] == "dynamic")).sum())
    open_ones = unsure.groupby(["collection", "description"]).size().rename("series").reset_index()
    parts = [HEAD.format(rows=len(index), exams=index["exam"].nunique())]
    parts += ["\n## Beside the other series of the exam\n\n", counts(index, "beside")]
    parts += ["\n## From the description alone\n\n", counts(index, "alone")]
    parts += [
        "\n## Against labels\n",
        LABELS.format(labels=labels, weight=int(found["series"].iloc[-1]), passes=passes),
        "\n",
    ]
    parts += [table(found), f"\n## Unsure beside the exam: {len(unsure)} series\n\n"]
    parts.append(table(open_ones.sort_values(["series", "collection"], ascending=[False, True])))
    PAGE.write_text("".join(parts), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
