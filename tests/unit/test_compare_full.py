"""The whole comparison: every table named, with its columns, on few and on awkward cases; each made once the same."""

import numpy as np
import pandas as pd
import pytest

from radparity.compare.columns import TABLES
from radparity.compare.full import COLUMNS, compare_in_full
from radparity.compare.scores import Case
from radparity.compare.settings import Settings

READERS = ("R1", "R2", "R3", "R4")


def disc(row, column, radius):
    y, x = np.indices((40, 40))
    return (y - row) ** 2 + (x - column) ** 2 < radius**2


def drawn(count, spacing=(0.7, 0.7), empty=()):
    generator = np.random.default_rng(1)
    cases = []
    for number in range(count):
        places = generator.normal(20, 1.5, (5, 2))
        network, *readers = (disc(*place, generator.uniform(5, 8)) for place in places)
        if number in empty:
            network = network & False
        own = dict(zip(READERS, readers, strict=True))
        cases.append(Case(f"C{number}", f"P{number // 2}", network, own, spacing))
    return cases


QUICK = Settings(draws=200)


def test_the_names_that_the_rules_know_are_those_of_the_tables():
    assert sorted(TABLES) == sorted(COLUMNS)
    assert all(meaning for columns in COLUMNS.values() for meaning in columns.values())


@pytest.mark.parametrize("count", [0, 1, 2, 3, 12])
def test_every_table_has_its_columns_however_few_the_cases(count):
    tables = compare_in_full(drawn(count), QUICK)
    assert {name: list(table.columns) for name, table in tables.items()} == {n: list(c) for n, c in COLUMNS.items()}
    if count == 0:
        assert all(table.empty for table in tables.values())


@pytest.mark.parametrize("awkward", ["no spacing", "missed", "all missed", "anonymous", "perfect", "empty readers"])
def test_awkward_cases_go_through(awkward):
    cases, settings = drawn(6), QUICK
    if awkward == "no spacing":
        cases = drawn(6, spacing=None)
    elif awkward == "missed":
        cases = drawn(6, empty=(2,))
    elif awkward == "all missed":
        cases = drawn(6, empty=range(6))
    elif awkward == "anonymous":
        settings = Settings(draws=200, anonymous=True)
    elif awkward == "perfect":
        own = disc(20, 20, 6)
        cases = [Case(c.case, c.patient, own, dict.fromkeys(READERS, own), c.spacing_mm) for c in cases]
    else:
        nothing = disc(20, 20, 6) & False
        cases = [Case(c.case, c.patient, c.network, c.readers | {"R1": nothing}, c.spacing_mm) for c in cases]
    tables = compare_in_full(cases, settings, {"type": {c.case: "a" for c in cases}})
    again = compare_in_full(cases, settings, {"type": {c.case: "a" for c in cases}})
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, again[name])
    main = tables["main"].set_index("reference").loc["averaged", "mean_difference"]
    first = tables["sensitivity"]["estimate"].iloc[0]
    assert np.isclose(main, first) or (np.isnan(main) and np.isnan(first)), "one primary estimate, two tables"
    spread = tables["random_readers"].set_index("readers_are").loc["fixed", "estimate"]
    assert np.isclose(main, spread) or (np.isnan(main) and np.isnan(spread))
