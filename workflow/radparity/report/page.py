"""Page: everything together, as one HTML file that needs no network and no script."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jinja2

from radparity.citations import REAL_EXAMS
from radparity.record import read
from radparity.report import data, flow, made, pictures, plan, plots, stamp, study, tables
from radparity.report.baselines import side_by_side
from radparity.report.beside import beside_table
from radparity.report.experiments import experiments
from radparity.report.figures import Figure
from radparity.report.methods import methods
from radparity.report.more import more_tables
from radparity.report.outliers import outlier_figure, outliers_table
from radparity.report.outlines import checked_figures, checked_table, limited, shift_warnings, shifts_table
from radparity.report.paper import paper_figures
from radparity.report.power import power_figure, power_sentences
from radparity.report.results import Breast, Results
from radparity.report.software import software_table, used
from radparity.report.tables import Table
from radparity.report.threshold import maxima_table, thresholds_table
from radparity.report.verdict import PHANTOM_BANNER, verdict


def build(results: Results, template: Path) -> tuple[str, str, str]:
    """The page, and the flows of breasts and of exams as tab-separated text. The same results give the same bytes."""
    rules = [rule["name"] for rule in results.config["eligible"]]
    ends = flow.outcomes(results.breasts, results.records, _without_reference(results), results.awaited)
    waiting = results.release or {"exams": [], "breasts": []}
    ends += flow.arrivals(Breast(*row) for row in waiting["breasts"])
    rows = flow.flow_rows(ends, rules)
    interim = results.awaited is not None
    came = results.exams if interim else results.records["intake"]
    exams = flow.exam_ends(came, ends, results.records, rules, interim)
    exams |= dict.fromkeys(waiting["exams"], flow.End(flow.WAITING, flow.RELEASE, flow.WAITING))
    exam_rows = flow.exam_rows(exams, rules)
    _check_counts(results, ends)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(template.read_text(encoding="utf-8"))
    standings = plan.standings(results)
    software = used(path for paths in results.files.values() for path in paths)
    own = standings.get(results.primary)
    context = {
        "study": results.config["study"],
        "banner": PHANTOM_BANNER if results.config.get("phantom") else "",
        "stamps": stamp.stamps(results, ends, exams),
        "named": "interim_" if interim else "",
        "stamped": stamp.title(results, exams),
        "strata": stamp.strata_table(results),
        "verdict": limited(
            stamp.stamped(
                verdict(
                    results.table("main"), results.table("equivalence"), results.config, results.table("random_readers")
                ),
                results,
            ),
            results,
        ),
        "shifted": shift_warnings(results),
        "standing": plan.sentence(own) if own else "",
        "confirmatory": own is not None and own["role"] in plan.CONFIRMATORY,
        "plan": plan.plan_table(results),
        "deviations": plan.deviations(results),
        "settings": study.study_table(results),
        "readers": len(results.config["readers"]["test"]),
        "departures": study.departures(results),
        "exams": flow.exam_group(exam_rows),
        "patients": len({end.breast.patient for end in ends}),
        "breasts": len(ends),
        "groups": flow.groups(rows),
        "exclusions": _exclusions(ends),
        "decisions": flow.decisions_table(results.records["eligible"]),
        "twins": _twins_table(results),
        "checked": checked_table(results),
        "checked_figures": checked_figures(results),
        "shifts": shifts_table(results),
        "arms": [_arm_tables(results, arm) for arm in results.arms],
        "baselines": side_by_side(results),
        "claims": tables.claims_table(results.table("equivalence")),
        "beside": beside_table(results),
        "more": [t for t in (*more_tables(results), thresholds_table(results), maxima_table(results)) if t],
        "outliers": outliers_table(results),
        "outlier_figure": outlier_figure(results),
        "figures": _figures(results),
        "experiments": experiments(results),
        "power": power_sentences(results),
        "power_figure": power_figure(results),
        "shown": _shown(results),
        "truth": _truth_table(results),
        "truth_figure": plots.truth_plot(results) if results.verify else None,
        "data": data.data_tables(results),
        "registration": data.registration_table(results),
        "intensities": data.intensity_tables(results),
        "methods": methods(results, ends, {name: end.status for name, end in exams.items()}, software)
        if not interim
        else None,
        "software": software_table(software),
        "ledger": made.ledger_table(results),
        "configuration": made.configuration_digest(results),
        "root": results.root,
    }
    return page.render(context), flow.flow_tsv(rows), flow.flow_tsv(exam_rows, flow.EXAM_COLUMNS)


def _without_reference(results: Results) -> set[str]:
    cases = results.table("cases")
    return set(cases[cases["references_used"] == 0]["case"]) if len(cases) else set()


def _check_counts(results: Results, ends: list[flow.Outcome]) -> None:
    """The flow chart and the main table count the same test cases, or nobody may see the page."""
    main = results.table("main")
    if main.empty:
        return
    compared = int(main[main["reference"] == tables.AVERAGED]["n"].iloc[0])
    stayed = sum(end.breast.partition == "test" and end.status == "ok" for end in ends)
    if compared != stayed:
        raise ValueError(
            f"the flow chart has {stayed} test cases and the main table {compared}: results of two different runs"
        )


def _twins_table(results: Results) -> Table | None:
    """Exams of one patient with the same pixels; two patients with the same ones never come this far."""
    found = [group for path in results.files.get("twins", []) for group in read(path)["identical_pixels"]]
    if not found:
        return None
    rows = [[", ".join(group["exams"]), ", ".join(group["patients"]), str(group["phases"])] for group in found]
    note = "One of them is probably a copy. Both are in the study unless a decision excludes one."
    caption = "Exams of one patient with the same pixels"
    return Table("twins", caption, ["exams", "patient", "phases shared"], rows, note, (0, 1))


def _exclusions(ends: list[flow.Outcome]) -> Table:
    left = [end for end in ends if end.status not in (flow.OK, flow.WAITING)]
    rows = [[e.breast.breast, e.breast.partition, e.stage, e.rule or e.code, e.sentence] for e in left]
    head = ["breast", "partition", "stage", "rule or code", "why"]
    return Table("exclusions", "Every exclusion", head, rows, words=range(5))


def _arm_tables(results: Results, arm: str) -> dict[str, Any]:
    primary = arm == results.primary
    return {
        "title": tables.title(arm, results.config),
        "primary": primary,
        "main": tables.main_table(arm, results.table("main", arm), results.config),
        "equivalence": tables.equivalence_table(arm, results.table("equivalence", arm), results.config, primary),
        "tails": tables.tails_table(arm, results.table("tails", arm), results.config),
    }


def _figures(results: Results) -> list[Figure]:
    found = []
    examples = pictures.example_cases(results)
    if examples:
        caption = (
            f"What the network sees and says: case {examples['median']}, the median test case by the network's Dice."
        )
        found.append(pictures.channel_panel(results, examples["median"], "channels", caption))
        found.append(pictures.readers_panel(results, examples))
    resolution = data.resolution_plot(results)
    if resolution:
        found.append(resolution)
    found += paper_figures(results)
    if results.curves:
        found.append(plots.learning_plot(results))
    return found


def _shown(results: Results) -> list[dict[str, Any]]:
    """Cases that are shown and counted in no statistic, each with what there is of figures and kinetics."""
    found = []
    for breast in (b for b in results.breasts if b.partition == "shown"):
        images = [name for name in ("channels", "probabilities", "masks") if breast.breast in results.images[name]]
        record = results.used("kinetics").get(breast.exam)
        panels = []
        if len(images) == 3:
            how = {
                "readers": "the outlined section",
                "sheet": "the section that the breasts sheet names",
                "network": "the section with the most probability, which the network chose itself",
            }
            chosen = results.records["segment"][breast.breast]["section_chosen_by"]
            caption = f"Case {breast.breast}, on {how[chosen]}."
            panels.append(pictures.channel_panel(results, breast.breast, f"shown-{breast.breast}", caption))
        if record and breast.exam in results.images["kinetic_maps"]:
            panels.append(pictures.kinetics_panel(results, breast.exam))
        found.append(
            {
                "breast": breast.breast,
                "exam": breast.exam,
                "figures": panels,
                "table": _kinetics_table(breast.exam, record) if record else None,
                "volume": bool(record and "tumour_volume" in record),
                "citation": REAL_EXAMS[breast.exam].sentence if breast.exam in REAL_EXAMS else "",
            }
        )
    return found


def _kinetics_table(exam: str, record: dict[str, Any]) -> Table:
    rows = []
    for key, name in (("enhancement_map", "percent enhancement"), ("washout_map", "signal enhancement ratio")):
        if key in record:
            inside = record[key]["equal_share_in_tumour"]
            said = f"equal in {_share(record[key]['equal_share'])} of {record[key]['voxels']:,} voxels"
            rows.append(
                [name, "map", "map", said + ("" if inside is None else f"; {_share(inside)} inside the tumour volume")]
            )
    if "tumour_volume" in record:
        v = record["tumour_volume"]
        apart = f"difference {v['voxels'] - v['site_voxels']:,}".replace("-", "−")
        rows.append(["functional tumour volume, voxels", f"{v['voxels']:,}", f"{v['site_voxels']:,}", apart])
        rows.append(["functional tumour volume, ml", f"{v['millilitres']:.2f}", "", ""])
        said = f"enhancement {v['percent']:g} %, pre-contrast intensity {v['threshold']:g}"
        rows.append(["its thresholds", "the site's", said, ""])
        rows.append(
            [
                "times of the phases",
                "from the headers",
                "recorded",
                f"differ by at most {v['largest_time_difference_s']:g} s",
            ]
        )
    head = ["quantity", "ours", "the site's", "agreement"]
    return Table(f"kinetics-table-{exam}", f"Kinetics of exam {exam} beside the site's own", head, rows, words=range(4))


def _share(value: float) -> str:
    """A share in per cent, rounded down, so that 100 % means all."""
    return f"{math.floor(value * 10000) / 100:g} %"


def _truth_table(results: Results) -> Table | None:
    summary = results.verify.get("summary")
    if summary is None or summary.empty:
        return None
    rows = [
        [str(row["meaning"]), f"{row['n']:d}", tables.number(row["median"]), tables.interval(row["q25"], row["q75"])]
        for row in summary.to_dict("records")
    ]
    note = "A measurement of this chain on simulated images, and of nothing else."
    return Table(
        "truth-table",
        "The chain against the phantoms' truth",
        ["quantity", "values", "median", "quartiles"],
        rows,
        note,
    )
