"""Random series of the public breast MRI collections, their proposed roles judged by hand: docs/cohort_roles.md.

python benchmarks/cohort_roles.py                                the page, from docs/cohort_roles.tsv
python benchmarks/cohort_roles.py --index idc_index.parquet      draws the series, from the package idc-index-data
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd

from radparity.intake.descriptions import Described, roles_beside

ROOT = Path(__file__).parents[1]
EXAMS = ROOT / "tests" / "data" / "cohort_roles" / "exams.tsv.xz"
TABLE, PAGE = ROOT / "docs" / "cohort_roles.tsv", ROOT / "docs" / "cohort_roles.md"
COLLECTIONS = (
    "acrin_6698", "acrin_contralateral_breast_mr", "advanced_mri_breast_lesions", "breast_mri_nact_pilot",
    "duke_breast_cancer_mri", "ispy1", "ispy2",
)  # fmt: skip
EACH, SEED = 50, 20220401
VERDICTS = ("right", "wrong", "undecided", "doubtful", "open")
QUERY = """
SELECT collection_id AS collection, dense_rank() OVER (ORDER BY StudyInstanceUID) AS exam, crdc_series_uuid AS series,
    SeriesNumber AS number, Modality AS modality, coalesce(SeriesDescription, '') AS description,
    instanceCount AS images
FROM read_parquet($index) WHERE list_contains($collections, collection_id) AND Modality IN ('MR', 'SEG')
ORDER BY collection, series
"""


def draw(index: Path) -> pd.DataFrame:
    """All series of the exams that the sample touches, `series` being empty but for those drawn."""
    import duckdb

    series = duckdb.execute(QUERY, {"index": str(index), "collections": list(COLLECTIONS)}).df()
    generator = np.random.default_rng(SEED)
    drawn = np.concatenate(
        [np.sort(generator.choice(group.index, EACH, replace=False)) for _, group in series.groupby("collection")]
    )
    found = series[series["exam"].isin(series["exam"][drawn])].copy()
    found.loc[found.index.difference(drawn), "series"] = ""
    found["exam"] = found["exam"].rank(method="dense").astype(int)
    return found.sort_values(["collection", "exam", "number", "description", "images", "series"])


def proposed() -> pd.DataFrame:
    """The series drawn, each with the role that its exam's descriptions and numbers of images propose today."""
    exams = pd.read_csv(EXAMS, sep="\t", keep_default_na=False, dtype={"description": str, "number": str})
    for _, exam in exams.groupby("exam"):
        series = [Described(*one) for one in exam[["description", "modality", "images"]].itertuples(index=False)]
        exams.loc[exam.index, "proposed"] = [role for role, _ in roles_beside(series)]
    return exams[exams["series"] != ""].drop(columns="exam").reset_index(drop=True)


def judged() -> pd.DataFrame:
    """The table of verdicts, as docs/cohort_roles.tsv has it."""
    return pd.read_csv(TABLE, sep="\t", keep_default_na=False, dtype=str)


def verdict(proposal: str, by_hand: str) -> str:
    """What a role by hand says of a proposal. by_hand: a role, `t1?` where not certain, empty where none shows."""
    if not by_hand or by_hand.endswith("?"):
        return "doubtful" if by_hand else "open"
    return "right" if proposal == by_hand else "undecided" if proposal == "unsure" else "wrong"


def markdown(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table."""
    rows = [frame.columns.tolist(), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def counts(table: pd.DataFrame, proposal: str) -> str:
    """Verdicts on one column of proposals, by collection."""
    said = [verdict(*row) for row in table[[proposal, "by_hand"]].itertuples(index=False)]
    found = pd.crosstab(table["collection"], pd.Series(said, name="verdict")).reindex(columns=VERDICTS, fill_value=0)
    found.loc["all"] = found.sum()
    return markdown(found.reset_index())


def others(table: pd.DataFrame) -> str:
    """What is not right today: the descriptions, with how many series have them."""
    columns = ["verdict", "collection", "description", "proposed", "by_hand", "remark"]
    rows = table[table["verdict"] != "right"].groupby(columns).size().rename("series").reset_index()
    return markdown(rows.sort_values(columns))


def page(table: pd.DataFrame, text: str) -> str:
    """The page with its three tables made anew; its own words stay. Each stands under a comment that names it."""
    parts = {"first": counts(table, "first"), "today": counts(table, "proposed"), "others": others(table)}
    for name, made in parts.items():
        before, after = re.split(rf"(?<=<!-- {name} -->\n)(?:\|.*\n)*", text)
        text = before + made + after
    return text


def main() -> None:
    """Draw where an index is given; then the table with today's proposals, and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path)
    if index := parser.parse_args().index:
        EXAMS.parent.mkdir(parents=True, exist_ok=True)
        draw(index).to_csv(EXAMS, sep="\t", index=False)
    hand = judged()[["series", "first", "by_hand", "remark"]] if TABLE.exists() else None
    table = proposed() if hand is None else proposed().merge(hand, on="series", how="left").fillna("")
    if hand is None:
        table = table.assign(first=table["proposed"], by_hand="", remark="")
    table["verdict"] = [verdict(*row) for row in table[["proposed", "by_hand"]].itertuples(index=False)]
    columns = ["collection", "series", "number", "modality", "images", "description", "first", "proposed"]
    table[[*columns, "by_hand", "verdict", "remark"]].to_csv(TABLE, sep="\t", index=False)
    PAGE.write_text(page(judged(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
