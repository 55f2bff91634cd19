"""The ledger as a graph, on ledgers written by hand and drawn at random."""

import json
import random
from pathlib import Path

import pytest

from radparity import ledger
from radparity.provenance import Ledger


def note(path, inputs=(), raw=(), **more):
    """A result and its entry; inputs: paths of results that are there."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(path)
    digests = {name: ledger.digest_file(Path(name)) for name in inputs}
    params = {"raw": {name: f"digest of {name}" for name in raw}} | more.pop("params", {})
    entry = ledger.entry(file, "rule", more.pop("wildcards", {}), digests, params) | more
    ledger.sidecar(file).write_text(ledger.dump(entry))
    return path


def batch(path, unit, cases):
    """A batch's list. cases: case to output to path."""
    listed = {c: {k: [name, ledger.digest_file(Path(name))] for k, name in o.items()} for c, o in cases.items()}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(ledger.dump({"unit": unit, "cases": listed}))
    return note(path)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def drawn(seed):
    """A random ledger: each file made from some before it, some through lists of batches, some from raw data."""
    chance, files, sources, raws = random.Random(seed), [], {}, {}
    for number in range(chance.randint(5, 40)):
        taken = chance.sample(files, min(len(files), chance.randint(0, 4)))
        raw = [f"dicom/E{chance.randint(1, 9)}"] if chance.random() < 0.3 else []
        path = f"results/stage{number % 5}/c{number}/file.bin"
        if taken and chance.random() < 0.3:
            # The same by a list: what the params do not name of it was not read.
            cases = {f"c{n}": {"one": name} for n, name in enumerate(taken)}
            listed = batch(f"results/stage{number % 5}/batch_{number}.json", "breast", cases)
            read = chance.sample(sorted(cases), chance.randint(1, len(cases)))
            params = {"files": {"given": {"file": "of.one", "cases": read}}}
            note(path, [listed], raw, lists={"of": [listed]}, params=params)
            sources[listed], raws[listed] = set(taken), set()
            taken = [cases[case]["one"] for case in read]
        else:
            note(path, taken, raw)
        sources[path], raws[path] = set(taken), set(raw)
        files.append(path)
    return sources, raws


def above(sources, path):
    """A file and all that it was made from, by the plainest recursion."""
    return {path}.union(*(above(sources, source) for source in sources[path]))


@pytest.mark.parametrize("seed", range(8))
def test_up_and_down_are_each_others_inverse(seed):
    sources, raws = drawn(seed)
    book = Ledger(Path("results"))
    assert {path: set(book.made_from(path)) for path in book.paths()} == sources
    up = {path: set(book.upstream(path)) for path in sources}
    assert up == {path: above(sources, path) for path in sources}
    for start in sources:
        assert book.downstream([start]) == {path for path in sources if start in up[path]}
    for raw in {name for own in raws.values() for name in own}:
        assert book.downstream(raw=[raw]) == {p for p in sources if any(raw in raws[source] for source in up[p])}


@pytest.mark.parametrize("seed", range(8, 12))
def test_a_walk_meets_what_upstream_has_each_file_once(seed):
    sources, _ = drawn(seed)
    book = Ledger(Path("results"))
    for path in sources:
        met = [(name, taken) for name, _, taken in book.walk(path)]
        assert len(met) == len({name for name, _ in met}) and {name for name, _ in met} == set(book.upstream(path))
        assert all(set(taken) == sources[name] for name, taken in met)


def test_what_it_was_made_from_comes_first():
    one = note("results/a/one.bin", raw=["dicom/E1"])
    two = note("results/b/two.bin", [one])
    three = note("results/c/three.bin", [two, one])
    assert list(Ledger().upstream(three)) == [one, two, three]
    assert Ledger().raw(one) == {"dicom/E1": "digest of dicom/E1"} and Ledger().raw(three) == {}


def test_a_walk_goes_only_where_it_is_told_to():
    one, other = note("results/a/one.bin"), note("results/a/other.bin")
    two = note("results/b/two.bin", [one, other])
    met = [
        path for path, _, _ in Ledger().walk(two, lambda path, entry, sources: {one: sources[one]} if sources else {})
    ]
    assert met == [two, one]


def test_files_without_an_entry_or_with_a_broken_one_end_the_chain():
    loose = Path("results/a/loose.txt")
    loose.parent.mkdir(parents=True)
    loose.write_text("not made here")
    two = note("results/b/two.bin", [loose.as_posix()])
    book = Ledger()
    assert list(book.upstream(two)) == [two] and book.made_from(two) == {loose.as_posix(): ledger.digest_file(loose)}
    assert [(path, entry is None) for path, entry, _ in book.walk(two)] == [(two, False), (loose.as_posix(), True)]
    assert book.downstream([loose.as_posix()]) == {loose.as_posix(), two}
    ledger.sidecar(Path(two)).write_text("{")
    assert Ledger().entry(two) is None and Ledger().downstream([loose.as_posix()]) == {loose.as_posix()}


def test_a_list_that_is_of_no_cases_was_made_from_its_inputs():
    one = note("results/a/one.bin")
    listed = Path("results/keep/batch_1.json")
    listed.parent.mkdir()
    listed.write_text(json.dumps({"not_kept": {}}))
    assert set(Ledger().made_from(note(listed.as_posix(), [one]))) == {one}


def test_starting_files_can_be_chosen_by_their_entries():
    one = note("results/a/E1/one.bin", wildcards={"exam": "E1"})
    two = note("results/b/two.bin", [one])
    note("results/a/E2/one.bin", wildcards={"exam": "E2"})
    seen = []
    found = Ledger().downstream(
        chosen=lambda path, entry: entry["wildcards"].get("exam") == "E1",
        show=lambda done, total: seen.append((done, total)),
    )
    assert found == {one, two} and seen == [(1, 3), (2, 3), (3, 3)]
