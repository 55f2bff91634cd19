import pytest
from project import Project

__all__ = ["Project"]
FEW = "E05 E07 E16 E18 E24 E25 E26 E31".split()


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A small study from DICOM to a green audit, to look at; whoever wants to change it takes a copy."""
    project = Project(tmp_path_factory.mktemp("finished") / "study", FEW)
    project.sweep()
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    return project
