"""The ledger entry's versions are those of the environment, and its device is that of its case."""

from importlib import metadata

import numpy

from radparity import ledger
from radparity.networks.device import choose_device


def test_packages_beside_snakemake_are_not_of_the_environment(tmp_path, monkeypatch):
    """Snakemake appends its own environment's packages to the search path of every script."""
    about = tmp_path / "beside-1.0.dist-info/METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: beside\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert metadata.version("beside") == "1.0"
    assert ledger.version_of("beside") is None
    assert ledger.version_of("numpy") == numpy.__version__


def test_the_device_is_the_one_that_was_chosen_since_the_case_began():
    ledger.computes_on("a large one")
    assert ledger.device() == "a large one"
    assert choose_device("cpu") == "cpu"
    assert ledger.device() == "cpu"
