"""The audit kit: its script agrees with the library on any study, and names whatever is not as published."""

import csv
import hashlib
import io
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import kits
import numpy as np
import pytest

from radparity.compare.random_readers import random_readers
from radparity.compare.scores import Case
from radparity.compare.study import Settings, compare
from radparity.consensus import leave_one_out
from radparity.kit.archive import MANIFEST, ROOT, pack, sealed
from radparity.kit.cases import Masks, new_names
from radparity.kit.contents import Compared, contents
from radparity.kit.crate import reduced
from radparity.ledger import digest_file

ARM = "unet"


def blob(generator, around, spread):
    """A disc of chance size about a place; now and then an empty mask."""
    rows, columns = np.ogrid[:40, :36]
    centre, radius = around + generator.normal(0, spread, 2), 5 + 2 * generator.random()
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2


def cases(kind, number, readers, seed=5):
    """Cases of some women with one breast and some with two."""
    generator = np.random.default_rng(seed)
    found = []
    for i in range(number):
        around = generator.uniform(12, 24, 2)
        drawn = {reader: blob(generator, around, 0.6) for reader in readers}
        network = blob(generator, around, 0.8)
        if kind == "awkward":  # misses, blank outlines, outlines that do not meet, a network that is a reader
            if i % 5 == 0:
                network = drawn[readers[0]].copy()
            if i % 7 == 1:
                network[:] = False
            if i % 6 == 2:
                drawn[readers[1]][:] = False
            if i % 11 == 3:
                drawn[readers[2]] = np.roll(drawn[readers[2]], 15, axis=0)
        if kind == "equal":
            network, drawn = drawn[readers[0]], dict.fromkeys(readers, drawn[readers[0]])
        found.append(Case(f"K{(number - i) * 7:04d}L", f"W{(i - (i % 3 == 2)) % 97:03d}", network, drawn))
    return found


def made(folder, found, readers, settings, name="kit.zip"):
    """A kit of these cases, and its root digest."""
    tables = compare(found, settings) if found else compare(cases("plain", 1, readers), settings)
    test = {key: asdict(settings)[key] for key in ("margin", "alpha", "draws", "seed", "minimum_cases", "anonymous")}
    tables["random_readers"] = random_readers(tables["scores"], **test)
    paths = {}
    for table, rows in tables.items():
        paths[table] = str(folder / f"{table}.tsv")
        rows[: len(rows) if found else 0].to_csv(paths[table], sep="\t", index=False, float_format="%.10g")
    masks = {}
    for case in found:
        references = np.stack(list(leave_one_out(case.readers, settings.rule).values()))
        masks[case.case] = Masks(np.stack(list(case.readers.values())), references, {ARM: case.network})
    given = test | {"readers": list(readers), "reference": settings.rule, "empty_reference": settings.empty}
    given["bootstrap"] = given.pop("draws")
    compared = Compared(masks, {case.case: case.patient for case in found}, {ARM: paths}, {})
    digests = {f"results/compare/{ARM}/{table}.tsv": digest_file(Path(path)) for table, path in paths.items()}
    compared = replace(compared, report={"resources/published/paper.yaml": "0" * 64} | digests)
    files, root = sealed(contents(compared, given, ["Made up."], b"{}"))
    pack(files, folder / name)
    return root


R3, R4 = ("R1", "R2", "R3"), ("R1", "R2", "R3", "R4")
STUDIES = {
    "many cases": (cases("plain", 60, R4), R4, Settings(draws=500)),
    "awkward": (cases("awkward", 60, R4), R4, Settings(draws=500, seed=3, margin=0.02)),
    "awkward, few": (cases("awkward", 14, R3), R3, Settings(draws=500, rule="union", minimum_cases=5)),
    "empty references count": (cases("awkward", 30, R3), R3, Settings(draws=500, empty="zero", alpha=0.1)),
    "anonymous": (cases("plain", 20, R3), R3, Settings(draws=500, rule="majority", anonymous=True)),
    "all the same": (cases("equal", 12, R3), R3, Settings(draws=500, minimum_cases=2)),
    "staple": (cases("plain", 12, R3), R3, Settings(draws=500, rule="staple")),
    "two cases": (cases("plain", 2, R4), R4, Settings(draws=500)),
    "one case": (cases("plain", 1, R4), R4, Settings(draws=500)),
    "none": ([], R4, Settings(draws=500)),
}


@pytest.mark.parametrize("study", STUDIES)
def test_its_script_computes_what_the_library_does(study, tmp_path):
    root = made(tmp_path, *STUDIES[study])
    code, out = kits.recompute(kits.unpack(tmp_path / "kit.zip", tmp_path / "open"), root)
    assert code == 0 and "no faults" in out, out[-3000:]
    assert root in out and "Made up." in out
    found = STUDIES[study][0]
    assert (f"recomputed from the masks of {len(found)} cases" in out) and (("margin: estimate" in out) == bool(found))


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kit")
    root = made(folder, *STUDIES["awkward, few"])
    return kits.unpack(folder / "kit.zip", folder / "open"), root


def reseal(folder):
    """What somebody who forges also does."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for name, content in sealed({n: c for n, c in files.items() if n not in (MANIFEST, ROOT)})[0].items():
        (folder / name).write_bytes(content)


def flip(folder):
    path = folder / "cases/C003/mask_unet.npy"
    mask = np.load(path)
    mask[tuple(np.argwhere(mask)[0])] = 0
    np.save(path, mask)
    return path.relative_to(folder), "C003 R1: dice_network"


def swap(folder):
    one, other = (folder / f"cases/{case}/outlines.npy" for case in ("C004", "C005"))
    outlines = np.load(one)
    np.save(one, outlines[[1, 0, 2]])
    assert other.is_file()
    return one.relative_to(folder), "C004: the references that it comes with are not those of its outlines"


def number(folder):
    path = folder / "published/unet/equivalence.tsv"
    rows = list(csv.reader(io.StringIO(path.read_text()), delimiter="\t"))
    place = rows[0].index("high")
    rows[1][place] = str(float(rows[1][place]) + 1e-4)
    path.write_text("\n".join("\t".join(row) for row in rows) + "\n")
    return path.relative_to(folder), "equivalence, margin: high"


def setting(folder):
    path = folder / "study.json"
    path.write_text(path.read_text().replace('"margin": 0.05', '"margin": 0.1'))
    return path.relative_to(folder), "equivalence, margin: margin"


@pytest.mark.parametrize("forge", [flip, swap, number, setting])
def test_a_change_is_found_by_its_digest_and_where_that_is_forged_by_the_numbers(forge, kit, tmp_path):
    folder = tmp_path / "audit_kit"
    shutil.copytree(kit[0], folder)
    changed, number = forge(folder)
    code, out = kits.recompute(folder)
    assert code == 1 and f"{changed}: does not have its digest" in kits.faults(out)
    reseal(folder)
    code, out = kits.recompute(folder)
    assert code == 1 and any(number in fault for fault in kits.faults(out)), out[-2000:]
    code, out = kits.recompute(folder, kit[1])
    assert code == 1 and f"{kit[1]}: is the root digest neither of the kit nor of the report" in kits.faults(out)


def test_an_edited_manifest_a_file_added_and_one_taken_away_are_named(kit, tmp_path):
    folder = tmp_path / "audit_kit"
    shutil.copytree(kit[0], folder)
    (folder / "cases/C001/more.npy").write_bytes(b"")
    (folder / "README.txt").unlink()
    manifest = folder / MANIFEST
    manifest.write_text(
        manifest.read_text().replace(hashlib.sha256(b"").hexdigest(), "0" * 64)
        + "\n".join(["0" * 64 + "  none.txt", ""])
    )
    code, out = kits.recompute(folder)
    wanted = ["MANIFEST: does not have the digest in ROOT", "README.txt: is missing", "none.txt: is missing"]
    assert code == 1 and set(wanted) | {"cases/C001/more.npy: is not in MANIFEST"} == set(kits.faults(out))


def test_the_same_cases_give_the_same_bytes(tmp_path):
    found, readers, settings = STUDIES["awkward, few"]
    for name in ("one.zip", "other.zip"):
        made(tmp_path, found, readers, settings, name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_no_name_is_left_and_the_new_ones_keep_the_order(tmp_path, kit):
    old = {case.case for case in STUDIES["awkward, few"][0]} | {case.patient for case in STUDIES["awkward, few"][0]}
    for path in kit[0].rglob("*"):
        assert not [
            name for name in old if name in path.name or (path.is_file() and name.encode() in path.read_bytes())
        ]
    names = new_names(["b", "a", "c"], "C")
    assert names == {"a": "C001", "b": "C002", "c": "C003"}
    many = new_names((f"E{i:05d}" for i in range(1200)), "C")
    assert sorted(many.values()) == [many[name] for name in sorted(many)]


CRATE = {
    "@context": "https://w3id.org/ro/crate/1.1/context",
    "@graph": [
        {
            "@id": "./",
            "@type": "Dataset",
            "hasPart": [{"@id": "results/register/E05/fields.nii.gz"}, {"@id": "envs/x.yaml"}],
        },
        {"@id": "results/register/E05/fields.nii.gz", "@type": "File"},
        {"@id": "envs/x.yaml", "@type": "File", "name": "envs/x.yaml"},
        {"@id": "#raw/day%20two/a@12", "@type": "CreativeWork", "name": "day two/a"},
        {"@id": "#value/1", "@type": "PropertyValue", "value": '{"raw": {"day two/a": "12"}}'},
        {"@id": "#value/2", "@type": "PropertyValue", "value": '{"cases": {"E05L": {}}}'},
        {"@id": "#value/3", "@type": "PropertyValue", "value": '{"margin": 0.05}'},
        {"@id": "#value/4", "@type": "PropertyValue", "value": '["P77"]'},
        {
            "@id": "#action/1",
            "@type": "CreateAction",
            "startTime": "2026-03-01",
            "object": [{"@id": "#value/1"}, {"@id": "#value/3"}, {"@id": "#value/2"}],
            "result": {"@id": "results/register/E05/fields.nii.gz"},
        },
    ],
}


def test_of_the_crate_stays_what_names_no_case_and_nothing_points_to_what_left():
    found = json.loads(reduced(json.dumps(CRATE), {"E05", "E05L", "P77"}, ["day two/a"]))
    entities = {entity["@id"]: entity for entity in found["@graph"]}
    assert set(entities) == {"./", "envs/x.yaml", "#value/3", "#action/1"}
    assert entities["./"]["hasPart"] == [{"@id": "envs/x.yaml"}]
    assert entities["#action/1"] == {"@id": "#action/1", "@type": "CreateAction", "object": [{"@id": "#value/3"}]}
    assert not [word for word in ("E05", "P77", "day two", "2026-03") if word in json.dumps(found)]
