import pytest
from filelock import FileLock
from project import Project

__all__ = ["Project"]
FEW = "E05 E07 E16 E18 E24 E25 E26 E31".split()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, pytestconfig, worker_id):
    """A small study from DICOM to a green audit, to look at; whoever wants to change it takes a copy.

    Workers that run side by side share it: the first that asks makes it, the others wait.
    """
    if folder := pytestconfig.getoption("finished"):
        return Project.at(folder, FEW)
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    folder, green = shared / "finished/study", shared / "finished/study/results/audit/green.json"
    with FileLock(shared / "finished.lock"):
        if green.is_file():
            return Project.at(folder, FEW)
        assert not folder.exists(), "another worker could not finish the study"
        project = Project(folder, FEW)
        project.sweep()
        code, out = project.snakemake()
        assert code == 0, out[-5000:]
        return project


@pytest.fixture(scope="session")
def bundled(finished, tmp_path_factory):
    """A copy of the study with its bundle; its floor is low, since six steps teach a network nothing."""
    study = finished.copy(tmp_path_factory.mktemp("bundle") / "study")
    study.configure(bundle={"floor": 0.0, "licence": "for a test", "contact": ""})
    code, out = study.snakemake("bundle")
    assert code == 0, out[-3000:]
    study.bundle = study.folder / "results/bundle/unet.zip"
    return study
