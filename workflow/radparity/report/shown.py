"""Shown: cases with pictures that no statistic counts."""

from __future__ import annotations

import math
from typing import Any

from radparity.citations import REAL_EXAMS
from radparity.report import pictures
from radparity.report.results import Results
from radparity.report.tables import Table


def shown(results: Results) -> list[dict[str, Any]]:
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
        apart = v["largest_time_difference_s"]
        said = "not known from the headers" if apart is None else f"differ by at most {apart:g} s"
        rows.append(["times of the phases", "from the headers", "recorded", said])
    head = ["quantity", "ours", "the site's", "agreement"]
    return Table(f"kinetics-table-{exam}", f"Kinetics of exam {exam} beside the site's own", head, rows, words=range(4))


def _share(value: float) -> str:
    """A share in per cent, rounded down, so that 100 % means all."""
    return f"{math.floor(value * 10000) / 100:g} %"
