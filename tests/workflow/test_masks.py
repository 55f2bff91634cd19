"""A small study of masks through Snakemake: volumes and sections, good and bad files, readers alone and a network."""

import json
import shutil

import nibabel
import numpy as np
import pandas as pd
import pytest
import yaml

READERS = ["R1", "R2", "R3"]
KINDS = ["round", "long"]
CONFIG = {
    "study": "small masks",
    "seed": 1,
    "raw": "data/small",
    "sheets": {"masks": "data/small/masks.tsv"},
    "readers": {"test": READERS, "anonymous": True},
    "network": "AI",
    "compare": {"bootstrap": 200, "minimum_cases": 3, "subgroups": ["kind"], "outliers": 2},
}


def disc(radius, shape, centre=(16, 16)):
    rows, columns = np.indices(shape[:2])
    flat = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
    found = np.zeros(shape, np.uint8)
    found[..., shape[2] // 2] = flat
    return found


@pytest.fixture(scope="module")
def project(room, project_of):
    project = project_of(room / "study", [], small=False)
    raw = project.folder / "data/small"
    raw.mkdir(parents=True)
    lines = ["case\tpatient\trater\tfile\tsection\tpartition\tkind"]
    for n in range(8):
        # Cases of one section, and volumes of which the sheet names the section.
        shape, section = ((32, 32, 1), "") if n % 2 else ((32, 32, 7), "3")
        partition = "tuning" if n == 7 else ""
        for k, rater in enumerate([*READERS, "AI", "OTHER"]):
            path = f"C{n}_{rater}.nii.gz"
            mask = disc(5 + n + 0.4 * k, shape)
            affine = np.diag([0.7, 0.7, 3.0, 1.0])
            if (n, rater) == (1, "R2"):
                mask = mask * 2
            if (n, rater) == (2, "AI"):
                affine[0, 0] = 0.8
            if (n, rater) == (4, "R3"):
                mask[:] = 0
            if (n, rater) != (3, "R1"):
                nibabel.save(nibabel.Nifti1Image(mask, affine), raw / path)
            lines.append(f"C{n}\tP{n // 2 if n < 6 else n}\t{rater}\t{path}\t{section}\t{partition}\t{KINDS[n % 2]}")
    (raw / "masks.tsv").write_text("\n".join(lines) + "\n")
    (project.folder / "config").mkdir(exist_ok=True)
    configure(project, CONFIG)
    return project


def configure(project, config):
    (project.folder / "config/small.yaml").write_text(yaml.safe_dump(config))


def run(project, *arguments):
    code, out = project.call("radparity", "sweep", "--config", "config/small.yaml")
    assert code == 0, out
    return project.snakemake("--configfile", "config/small.yaml", *arguments)


def read(project, path):
    return pd.read_csv(project.folder / "results" / path, sep="\t", dtype={"case": str})


def test_bad_files_exclude_their_case_and_the_rest_stands(project):
    code, out = run(project)
    assert code == 0, out
    cases = read(project, "masks/cases.tsv").set_index("case")
    assert cases["code"].dropna().to_dict() == {"C1": "mask_values", "C2": "mask_geometry", "C3": "mask_missing"}
    assert cases["blank"].dropna().to_dict() == {"C4": "R3"}
    assert cases["spacing_mm"].dropna().unique().tolist() == ["0.7 0.7"]
    flow = read(project, "report/flow.tsv")
    assert flow["cases"].sum() == 8 and flow[flow["status"] == "excluded"]["cases"].sum() == 3
    scores = read(project, "compare/AI/scores.tsv")
    assert set(scores["case"]) == {"C0", "C4", "C5", "C6"}, "a tuning case is not compared"
    first = scores[(scores["case"] == "C0") & (scores["reference"] == "R1")].iloc[0]
    reference, network = disc(5.4, (32, 32, 1)), disc(6.2, (32, 32, 1))
    together = 2 * np.sum(reference & network) / (reference.sum() + network.sum())
    assert first["dice_network"] == pytest.approx(together)
    equivalence = read(project, "compare/AI/equivalence.tsv").set_index("test")
    assert "refused: anonymous" in equivalence.loc["bracket", "verdict"]
    page = (project.folder / "results/report/index.html").read_text()
    groups = read(project, "compare/AI/subgroups.tsv").query("subgroup == 'kind'").set_index("value")["n"]
    assert groups.to_dict() == {"long": 1, "round": 3}
    shown = ["standing", "table-plan", "table-outliers", "table-more-subgroups", "table-more-sensitivity"]
    for name in [*shown, *(f"figure-paper-{number}" for number in ("5a", "5b", "e6b", "e7", "e8"))]:
        assert f'id="{name}"' in page, name
    assert "Exploratory: no plan was locked before the test cases were scored" in page
    assert "The threshold stays the one tuned" not in page, "how the masks were made is not known"
    assert page.count("<figcaption>Agreement of every two") == 1, "a table stands on the page once"
    for said in ("slots, not persons", "mask_values", "OTHER", "C4", "in the network's place".replace("'", "&#39;")):
        assert said in page, said
    assert json.loads((project.folder / "results/audit/audit.json").read_text())["verdict"] == "green"


def test_nothing_runs_twice_and_only_changed_content_runs_again(project):
    quiet = ("-n", "--configfile", "config/small.yaml")
    code, out = project.snakemake(*quiet)
    assert code == 0 and "Nothing to be done" in out, out
    good = project.folder / "data/small/C0_R1.nii.gz"
    shutil.copy(project.folder / "data/small/C0_R2.nii.gz", good)
    code, out = run(project, "-n")
    assert code == 0 and "read the masks" in out


def test_readers_alone_and_refusals(project):
    configure(project, CONFIG | {"network": "none"})
    code, out = run(project, "--", "compare", "report")
    assert code == 0, out
    among = read(project, "compare/readers/references.tsv")
    # Without the network nothing of its own excludes a case: C2 is back.
    assert among["n"].max() >= 5 and set(among["rater"]) == set(READERS)
    page = (project.folder / "results/report/index.html").read_text()
    assert "No network is judged" in page
    for name in ("pooled", "agreement", "references", "distances", "sizes"):
        assert f'id="table-among-{name}"' in page, name
    sheet = project.folder / "data/small/masks.tsv"
    text = sheet.read_text()
    sheet.write_text(text.replace("C6\tP6\tR2\tC6_R2.nii.gz\t3\t\tround\n", ""))
    code, out = project.snakemake("-n", "--configfile", "config/small.yaml")
    assert code != 0 and "C6 has no row for R2. Add a row" in out and "Traceback" not in out
    sheet.write_text(
        text.replace("C6\tP6\tR2\tC6_R2.nii.gz\t3\t\tround\n", "C6\tP6\tR2\tC6_R2.nii.gz\t3\ttuning\tround\n")
    )
    code, out = project.snakemake("-n", "--configfile", "config/small.yaml")
    assert code != 0 and "C6 has the partition tuning here and test in row" in out
    sheet.write_text(text)
