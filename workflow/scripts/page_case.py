"""The page of one case, and the strip that judges its quality."""

import shutil
from pathlib import Path

from radparity.batch_job import batch_job
from radparity.page.case import Rules, variables
from radparity.page.read import read_content
from radparity.page.thumbnail import without_images
from radparity.report.frame import CASES, PAGES, frame
from radparity.report.stamp import PILOT
from radparity.report.templates import templates
from radparity.report.verdict import PHANTOM_BANNER

# Without the pilot's counts, with which every page would be made anew.
STAMP = f"{PILOT} Its test cases are tuning cases that stand in their place."


def make(run):
    given, breast = run.params, run.wildcards["breast"]
    files = {name: run.inputs(name) for name in run.input.__dict__}
    content = read_content(breast, given, files, run.digests)
    rules = Rules(given["arm"], given["readers"], given["reference"], given["empty_reference"], given["made_by"])
    banner = PHANTOM_BANNER if given["virtual"] else ""
    page = templates(Path(run.inputs("templates")[0]).parent).get_template("case.html.j2")
    stamps, stamped = ([STAMP], "Pilot. ") if given["pilot"] else ([], "")
    pages = PAGES | {"index.html": rules.words.start}
    around = frame(given["study"], CASES, pages, "../", stamps, stamped, banner)
    run.output["page"].write_text(page.render(around | variables(content, rules)), encoding="utf-8")
    if content.view is None:
        run.output["thumbnail"].write_bytes(without_images("no images: the case left the study before"))
    else:
        shutil.copyfile(run.inputs("thumbnail")[0], run.output["thumbnail"])


batch_job(snakemake, make)
