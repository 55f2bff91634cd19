# What the report is made of, for the rules that make it and those that wait for it.
from functools import cache

from radparity.shift.columns import TABLES as SHIFT_TABLES


@cache
def assets():
    """What the report's pages load; of a study of masks, whose one page runs no script, the style alone."""
    found = sorted(Path("workflow/report/assets").glob("*.*"))
    if study.kind == "masks":
        return [str(path) for path in found if path.suffix == ".css"]
    libraries = Path("resources/browser")
    return [str(path) for path in (*found, *sorted(libraries.glob("*.js")), *sorted(libraries.glob("LICENSE*")))]


def loaded():
    """The same beside the report's pages."""
    return [f"results/report/assets/{Path(path).name}" for path in assets()]


def people():
    """Whom the decisions name, for the search of what is sent away; a reader's name stands in every table."""
    return sorted({row.who for row in study.decisions} - set(study.config.readers.test))


def shift_files():
    """Tables and picture of an external test, of the primary arm; none of a study without cohorts to train and test."""
    files = [*(f"{table}.tsv" for table in SHIFT_TABLES), "shift.png"] if study.shifted else []
    return [f"results/shift/{study.config.primary_arm}/{file}" for file in files]


def report_files():
    """The whole report: its pages, what they load, and a page a case."""
    return ["results/report/index.html", *loaded(), *(batches("page") if study.kind == "exams" else [])]
