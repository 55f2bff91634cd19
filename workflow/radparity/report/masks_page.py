"""Masks page: the report of a study of masks, one page that needs no network and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from radparity.report import made, plan, tables
from radparity.report.among import among_tables
from radparity.report.frame import frame
from radparity.report.more import more_tables
from radparity.report.outliers import outliers_table
from radparity.report.paper import paper_figures
from radparity.report.results import Results, read_table
from radparity.report.software import software_table, used
from radparity.report.tables import Table
from radparity.report.templates import templates
from radparity.report.verdict import limits_of_tables, verdict

GIVEN = {"network": "given", "region": "section"}
"""How the tables see the rater in the network's place: as an arm whose masks were made elsewhere."""


def build(
    files: Mapping[str, Sequence[str]],
    config: Mapping[str, Any],
    unused: Sequence[str],
    folder: Path,
    root: str,
    data: Sequence[str] = (),
) -> dict[str, str]:
    """Name to text: the page, and the counts of cases as tab-separated text. The same results give the same bytes.

    files: the table of cases (`cases`), the tables among readers (`among`), and of the network the tables (`compare`),
    the plan's record (`plans`) and the figures as JSON and PNG (`figures`).
    unused: raters of the sheet that take no part. folder: of the templates. root: digest over the inputs of the page's
    job (`radparity.root`). data: of others, with what to cite of it.
    """
    cases = read_table(files["cases"][0])
    among = {Path(path).stem: read_table(path) for path in files["among"]}
    results = _results(files, config)
    flow = flow_rows(cases)
    _check_counts(flow, results)
    page = templates(folder).get_template("masks.html.j2")
    standing = plan.standings(results).get(results.primary)
    context = {
        **frame(config["study"], "index.html", pages={}, ledger_root=root),
        "standing": plan.sentence(standing) if standing else "",
        "confirmatory": standing is not None and standing["role"] in plan.CONFIRMATORY,
        "plan": plan.plan_table(results),
        "deviations": plan.deviations(results),
        "headline": _headline(results, flow),
        "limits": _limits(results),
        "settings": settings_table(config, unused),
        "flow": Table(
            "flow", "Cases in, cases out", list(flow.columns), flow.astype(str).values.tolist(), words=range(3)
        ),
        "exclusions": exclusions_table(cases),
        "blank": blank_table(cases),
        "among": among_tables(among, bool(results.compare)),
        "network": _network(results),
        "more": more_tables(results),
        "outliers": outliers_table(results),
        "figures": paper_figures(results),
        "data": data,
        "software": software_table(used(path for paths in files.values() for path in paths)),
        "ledger": made.ledger_table(results),
        "configuration": made.configuration_digest(results),
    }
    return {"index.html": page.render(context), "flow.tsv": flow.to_csv(sep="\t", index=False)}


def flow_rows(cases: pd.DataFrame) -> pd.DataFrame:
    """How many cases of each partition ended where: columns partition, status, code, cases. They sum to the sheet's."""
    whole = cases.assign(code=cases["code"].fillna("")) if len(cases) else cases
    return whole.groupby(["partition", "status", "code"], sort=True).size().rename("cases").reset_index()


def compared_cases(flow: pd.DataFrame) -> int:
    """The test cases that no fault excluded."""
    return int(flow.loc[(flow["partition"] == "test") & (flow["status"] == "ok"), "cases"].sum())


def exclusions_table(cases: pd.DataFrame) -> Table:
    """Every excluded case with its fault."""
    left = cases[cases["status"] != "ok"]
    rows = [[str(row[key]) for key in ("case", "partition", "code", "sentence")] for row in left.to_dict("records")]
    return Table("exclusions", "Every exclusion", ["case", "partition", "code", "why"], rows, words=range(4))


def blank_table(cases: pd.DataFrame) -> Table:
    """Cases in which a rater marked nothing: they stay, and count as `compare: empty_reference` says."""
    rows = [[str(row["case"]), str(row["blank"])] for row in cases.dropna(subset=["blank"]).to_dict("records")]
    note = "They are not excluded. A blank mask against a reference that is not empty scores 0."
    return Table("blank", "Cases with a blank mask", ["case", "raters"], rows, note, words=(0, 1))


def settings_table(config: Mapping[str, Any], unused: Sequence[str]) -> Table:
    """The settings that a reader of the page needs."""
    compare, readers = config["compare"], config["readers"]
    rows = [
        ["study", str(config["study"])],
        ["seed", str(config["seed"])],
        ["readers", ", ".join(readers["test"]) + (" (slots, not persons)" if readers["anonymous"] else "")],
        ["in the network's place", "nobody" if config["network"] == "none" else str(config["network"])],
        ["raters of the sheet that take no part", ", ".join(unused) or "none"],
        ["reference", f"{compare['reference']} of the other readers; an empty one: {compare['empty_reference']}"],
        [
            "margin",
            f"±{compare['margin']:g} Dice; error {compare['alpha']:g} a side; {compare['bootstrap']} draws",
        ],
        ["fewest cases for a verdict", str(compare["minimum_cases"])],
    ]
    return Table("study", "Settings of the study", ["setting", "value"], rows, words=(0, 1))


def _results(files: Mapping[str, Sequence[str]], config: Mapping[str, Any]) -> Results:
    """The comparison of the rater in the network's place, in the form that tables and plots read."""
    network = str(config["network"])
    return Results(
        config={**config, "arms": {network: GIVEN}, "primary_arm": network},
        breasts=[],
        records={},
        compare={network: {Path(path).stem: read_table(path) for path in files["compare"]}} if files["compare"] else {},
        curves={},
        training={},
        fractions={},
        images={},
        verify={},
        published={},
        files={
            "masks": list(files["cases"]),
            "compare": [*files["compare"], *files["among"]],
            "plans": list(files["plans"]),
            "figures": list(files["figures"]),
        },
    )


def _network(results: Results) -> dict[str, Any] | None:
    """The tables of the rater in the network's place; none where there is nobody."""
    arm, config = results.primary, results.config
    if not results.compare:
        return None
    return {
        "name": arm,
        "main": tables.main_table(arm, results.table("main"), config),
        "equivalence": tables.equivalence_table(arm, results.table("equivalence"), config, True),
        "claims": tables.claims_table(results.table("equivalence")),
        "tails": tables.tails_table(arm, results.table("tails"), config),
    }


def _headline(results: Results, flow: pd.DataFrame) -> dict[str, str]:
    """The first sentence: the verdict on the network, or that there is none to judge."""
    cases, readers = compared_cases(flow), len(results.config["readers"]["test"])
    if results.compare:
        said = verdict(results.table("main"), results.table("equivalence"), results.config)
        return {"headline": said.headline, "sentence": said.sentence}
    sentence = f"Agreement of {readers} readers over {cases} cases, and each against references made from the others."
    return {"headline": "No network is judged.", "sentence": sentence}


def _limits(results: Results) -> list[str]:
    readers = results.config["readers"]
    found = [f"It speaks of these {len(readers['test'])} readers and of Dice averaged over cases."]
    if readers["anonymous"]:
        found.append("A reader's name is a slot here, not one person, so no sentence is about a person.")
    if results.compare:
        found += limits_of_tables(results.table("equivalence"), results.table("random_readers"), results.config)
        found.append(
            f"{results.primary} stands in the network's place. How its masks were made, and on which cases, is not"
            " known here."
        )
    return found


def _check_counts(flow: pd.DataFrame, results: Results) -> None:
    """The flow and the main table count the same cases, or nobody may see the page."""
    main = results.table("main")
    if main.empty:
        return
    row = main[main["reference"] == tables.AVERAGED].iloc[0]
    counted = int(row["n"]) + int(row["cases_left_out"])
    if counted != compared_cases(flow):
        raise ValueError(
            f"the table of cases has {compared_cases(flow)} test cases, the main table {counted}: results of two runs"
        )
